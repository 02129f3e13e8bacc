//! The components of custom kinds: what their definition says, with what is Kubernetes' own in every object.

use serde_json::{Map, Value, json};

use super::META;
use super::components::Components;
use crate::resource::Resource;

/// The kinds whose texts about apiVersion, kind and metadata every kind has.
const OBJECT: &str = "io.k8s.api.core.v1.ConfigMap";
const LIST: &str = "io.k8s.api.core.v1.PodList";
/// Where those of an embedded resource differ.
const CONVENTIONS: &str = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md";

/// What the component of a custom kind is called: the group in the order of Java's packages, version and kind.
pub(super) fn name(group: &str, version: &str, kind: &str) -> String {
    let group: Vec<&str> = group.split('.').rev().collect();
    format!("{}.{version}.{kind}", group.join("."))
}

/// A kind's component and that of its list; none for Kubernetes' own kinds.
pub(super) fn schemas(components: &Components, one: &Resource) -> Vec<(String, Value)> {
    let Some(custom) = &one.custom else { return Vec::new() };
    let own = name(&one.group, &one.version, &one.kind);
    let gvk = |kind: &str| json!([{"group": one.group, "kind": kind, "version": one.version}]);
    let text = |field: &str| json!({"type": "string", "description": components.description(OBJECT, field)});
    let metadata = |of: &str, kind: &str| json!({"description": components.description(of, "metadata"), "allOf": [reference(&format!("{META}{kind}"))]});

    let mut schema = if custom.openapi.is_object() { custom.openapi.clone() } else { json!({"type": "object"}) };
    embed(&mut schema, &metadata(OBJECT, "ObjectMeta"));
    for (field, value) in [("apiVersion", text("apiVersion")), ("kind", text("kind")), ("metadata", metadata(OBJECT, "ObjectMeta"))] {
        schema["properties"][field] = value;
    }
    schema["x-kubernetes-group-version-kind"] = gvk(&one.kind);

    let list = json!({
        "description": format!("{} is a list of {}", custom.list_kind, one.kind),
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": text("apiVersion"),
            "kind": text("kind"),
            "metadata": metadata(LIST, "ListMeta"),
            "items": {
                "description": format!("List of {}. More info: {CONVENTIONS}", one.plural),
                "type": "array",
                "items": reference(&own),
            },
        },
        "x-kubernetes-group-version-kind": gvk(&custom.list_kind),
    });
    vec![(own, schema), (name(&one.group, &one.version, &custom.list_kind), list)]
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Gives whole resources within an object what every one has.
fn embed(schema: &mut Value, metadata: &Value) {
    let Some(fields) = schema.as_object_mut() else { return };
    for inner in fields.get_mut("properties").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
        embed(inner, metadata);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = fields.get_mut(key) {
            embed(inner, metadata);
        }
    }
    if schema["x-kubernetes-embedded-resource"] != true {
        return;
    }
    let text = |text: String| json!({"type": "string", "description": text});
    schema["properties"]["apiVersion"] =
        text(format!("apiVersion defines the versioned schema of this representation of an object. More info: {CONVENTIONS}#resources"));
    schema["properties"]["kind"] =
        text(format!("kind is a string value representing the type of this object. In CamelCase. More info: {CONVENTIONS}#types-kinds"));
    schema["properties"]["metadata"] = metadata.clone();
    let mut required = schema["required"].as_array().cloned().unwrap_or_default();
    for field in ["kind", "apiVersion"] {
        if !required.iter().any(|known| known == field) {
            required.push(json!(field));
        }
    }
    schema["required"] = Value::Array(required);
}

/// Adds the names of the components that a schema refers to.
pub(super) fn references(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_str().filter(|_| key == "$ref") {
                    Some(target) => found.extend(target.strip_prefix("#/components/schemas/").map(str::to_owned)),
                    None => references(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}
