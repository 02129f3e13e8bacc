//! CustomResourceDefinitions: accepted at once, and what they say of their objects.

use fiel_schema::Node;
use serde_json::{Map, Value, json};

use super::Core;
use crate::resource::{Resource, Resources};

const STORAGE: &str = "apiextensions.k8s.io/customresourcedefinitions";

/// Whether a resource is CustomResourceDefinition.
pub(crate) fn is_definition(resource: &Resource) -> bool {
    resource.storage() == STORAGE
}

/// Serves what the stored definitions say.
pub(crate) fn reload(core: &mut Core) {
    let definitions: Vec<Value> = core.store.list(STORAGE, "", None).map(|(_, object)| Value::clone(object)).collect();
    core.resources = Resources::new(definitions.iter());
}

/// With a definition go all objects that it defined.
pub(crate) fn drop_objects(core: &mut Core, definition: &Value) {
    let storage = format!(
        "{}/{}",
        definition["spec"]["group"].as_str().unwrap_or_default(),
        definition["spec"]["names"]["plural"].as_str().unwrap_or_default()
    );
    let all: Vec<_> = core.store.list(&storage, "", None).map(|(name, _)| name.clone()).collect();
    for (namespace, name) in all {
        core.store.delete(&storage, &namespace, &name);
    }
}

/// Completes a definition and accepts its names.
pub(crate) fn accept(definition: &mut Value, now: &str) {
    let names = definition["spec"]["names"].clone();
    let kind = names["kind"].as_str().unwrap_or_default().to_owned();
    if names["singular"].is_null() {
        definition["spec"]["names"]["singular"] = json!(kind.to_lowercase());
    }
    if names["listKind"].is_null() {
        definition["spec"]["names"]["listKind"] = json!(format!("{kind}List"));
    }
    if definition["spec"]["conversion"].is_null() {
        definition["spec"]["conversion"] = json!({"strategy": "None"});
    }
    let stored: Vec<Value> = definition["spec"]["versions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|version| version["storage"] == true)
        .map(|version| version["name"].clone())
        .collect();
    let accepted = definition["spec"]["names"].clone();
    if definition["status"]["conditions"].as_array().is_some_and(|list| !list.is_empty()) {
        definition["status"]["acceptedNames"] = accepted;
        return;
    }
    let condition = |kind: &str, reason: &str, message: &str| json!({"type": kind, "status": "True", "lastTransitionTime": now, "reason": reason, "message": message});
    definition["status"] = json!({
        "acceptedNames": accepted,
        "storedVersions": stored,
        "conditions": [
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ],
    });
}

/// Takes out what the schema does not know, and puts in what it presets.
pub(crate) fn prune_and_default(resource: &Resource, object: &mut Value) {
    let Some(schema) = resource.schema() else {
        return;
    };
    if let Some(fields) = object.as_object_mut() {
        let metadata = fields.remove("metadata");
        prune(schema, fields);
        preset(schema, object);
        if let (Some(metadata), Some(fields)) = (metadata, object.as_object_mut()) {
            fields.insert("metadata".to_owned(), metadata);
        }
    }
}

fn prune(node: Node<'_>, fields: &mut Map<String, Value>) {
    let free = node.preserves_unknown() || node.is_any();
    fields.retain(|name, _| {
        free || node.child(name).is_some() || (node.is_embedded_resource() && matches!(name.as_str(), "apiVersion" | "kind" | "metadata"))
    });
    for (name, value) in fields.iter_mut() {
        if let Some(inner) = node.child(name) {
            prune_value(inner, value);
        }
    }
    // Null where null may not stand is as good as absent.
    fields.retain(|name, value| !value.is_null() || node.child(name).is_none_or(|inner| inner.is_nullable() || inner.is_any()));
}

fn prune_value(node: Node<'_>, value: &mut Value) {
    match value {
        Value::Object(fields) if node.is_object() => prune(node, fields),
        Value::Array(items) => {
            if let Some(inner) = node.items() {
                for item in items {
                    prune_value(inner, item);
                }
            }
        }
        _ => {}
    }
}

fn preset(node: Node<'_>, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in node.fields() {
                if !fields.contains_key(name)
                    && let Some(default) = inner.default()
                {
                    fields.insert(name.to_owned(), default);
                }
            }
            for (name, value) in fields.iter_mut() {
                if let Some(inner) = node.child(name).filter(|_| name != "metadata") {
                    preset(inner, value);
                }
            }
        }
        Value::Array(items) => {
            if let Some(inner) = node.items() {
                for item in items {
                    preset(inner, item);
                }
            }
        }
        _ => {}
    }
}

/// What the definition's schema has against an object: types, required fields, enumerations, patterns, bounds.
pub(crate) fn validate(resource: &Resource, object: &Value) -> Vec<(String, String, String)> {
    let mut causes = Vec::new();
    if let Some(custom) = &resource.custom {
        check(&custom.openapi, object, "", &mut causes);
    }
    causes
}

fn check(schema: &Value, value: &Value, path: &str, causes: &mut Vec<(String, String, String)>) {
    let mut refuse = |reason: &str, message: String| {
        causes.push((reason.to_owned(), message, if path.is_empty() { "<nil>".to_owned() } else { path.to_owned() }));
    };
    if value.is_null() {
        return;
    }
    let int_or_string = schema["x-kubernetes-int-or-string"] == true;
    if let Some(wanted) = schema["type"].as_str().filter(|_| !int_or_string) {
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        if wanted != found && !(wanted == "number" && found == "integer") {
            let shown = if matches!(value, Value::String(_)) { value.to_string() } else { format!("\"{found}\"") };
            refuse("FieldValueTypeInvalid", format!("Invalid value: {shown}: {path} in body must be of type {wanted}: \"{found}\""));
            return;
        }
    }
    if let Some(choices) = schema["enum"].as_array().filter(|choices| !choices.contains(value)) {
        let choices: Vec<String> = choices.iter().map(Value::to_string).collect();
        refuse("FieldValueNotSupported", format!("Unsupported value: {value}: supported values: {}", choices.join(", ")));
    }
    if let (Some(pattern), Some(text)) = (schema["pattern"].as_str(), value.as_str())
        && regex::Regex::new(pattern).is_ok_and(|pattern| !pattern.is_match(text))
    {
        refuse("FieldValueInvalid", format!("Invalid value: {value}: {path} in body should match '{pattern}'"));
    }
    if let Some(number) = value.as_f64() {
        if schema["minimum"].as_f64().is_some_and(|least| number < least) {
            refuse(
                "FieldValueInvalid",
                format!("Invalid value: {value}: {path} in body should be greater than or equal to {}", schema["minimum"]),
            );
        }
        if schema["maximum"].as_f64().is_some_and(|most| number > most) {
            refuse(
                "FieldValueInvalid",
                format!("Invalid value: {value}: {path} in body should be less than or equal to {}", schema["maximum"]),
            );
        }
    }
    match value {
        Value::Object(fields) => {
            for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                if !fields.contains_key(name) {
                    let field = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                    causes.push(("FieldValueRequired".to_owned(), "Required value".to_owned(), field));
                }
            }
            for (name, value) in fields.iter().filter(|(name, _)| !(path.is_empty() && *name == "metadata")) {
                let inner = schema["properties"].get(name).or_else(|| schema.get("additionalProperties").filter(|inner| inner.is_object()));
                if let Some(inner) = inner {
                    let field = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    check(inner, value, &field, causes);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                check(&schema["items"], item, &format!("{path}[{index}]"), causes);
            }
        }
        _ => {}
    }
}
