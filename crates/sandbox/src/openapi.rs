//! OpenAPI v3 documents, as far as clients read them: kubectl asks which patches a kind takes, how its lists merge, and what fields it has.
//!
//! Built from the compact schema table, one document a group and version; a definition that several places share stands once. Descriptions are
//! not kept in the table, so `kubectl explain` shows fields and types without words.

use std::collections::BTreeMap;

use fiel_schema::{ListType, MapType, Node, Registry, Scalar};
use serde_json::{Map, Value, json};

use crate::discovery::{Served, digest};

/// `GET /openapi/v3`: where each group's document is. The hash changes when what is served does.
pub(crate) fn index(served: &[(Served, Option<Value>)]) -> Value {
    let mut paths = Map::new();
    for path in groups(served) {
        let url = format!("/openapi/v3/{path}?hash={}", hash(served, &path));
        paths.insert(path, json!({"serverRelativeURL": url}));
    }
    json!({"paths": paths})
}

/// `GET /openapi/v3/PATH` (`api/v1`, `apis/apps/v1`): none when nothing is served there. A custom resource's schema is given with it.
pub(crate) fn document(served: &[(Served, Option<Value>)], path: &str) -> Option<Value> {
    let mut document = Document::default();
    let mut paths = Map::new();
    for (one, schema) in served.iter().filter(|(one, _)| location(one) == path) {
        let name = document.kind(one, schema.as_ref());
        let at = if one.namespaced { "/namespaces/{namespace}" } else { "" };
        paths.insert(format!("/{path}{at}/{}/{{name}}", one.plural), operations(one, schema.is_some(), &name));
    }
    if paths.is_empty() {
        return None;
    }
    document.finish();
    Some(json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.36.0"},
        "paths": paths,
        "components": {"schemas": document.schemas},
    }))
}

/// `api/v1` or `apis/GROUP/VERSION`.
fn location(one: &Served) -> String {
    if one.group.is_empty() { format!("api/{}", one.version) } else { format!("apis/{}", one.group_version()) }
}

fn groups(served: &[(Served, Option<Value>)]) -> Vec<String> {
    let mut paths: Vec<String> = served.iter().map(|(one, _)| location(one)).collect();
    paths.sort();
    paths.dedup();
    paths
}

fn hash(served: &[(Served, Option<Value>)], path: &str) -> String {
    let mine = served.iter().filter(|(one, _)| location(one) == path);
    digest(&mine.map(|(one, schema)| json!([one.plural, one.kind, schema])).collect())
}

/// The operations of one kind: kubectl reads the patch.
fn operations(one: &Served, custom: bool, name: &str) -> Value {
    let gvk = json!({"group": one.group, "version": one.version, "kind": one.kind});
    let schema = json!({"$ref": format!("#/components/schemas/{name}")});
    let query = |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}});
    let parameters: Vec<Value> = ["dryRun", "fieldManager", "fieldValidation", "force"].into_iter().map(query).collect();
    let mut types = vec!["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"];
    if !custom {
        types.push("application/strategic-merge-patch+json");
    }
    let content: Map<String, Value> = types.into_iter().map(|one| (one.to_owned(), json!({"schema": {"type": "object"}}))).collect();
    let answer = json!({"200": {"description": "OK", "content": {"application/json": {"schema": schema}}}});
    json!({
        "get": {"x-kubernetes-action": "get", "x-kubernetes-group-version-kind": gvk, "responses": answer},
        "patch": {
            "x-kubernetes-action": "patch", "x-kubernetes-group-version-kind": gvk, "parameters": parameters,
            "requestBody": {"required": true, "content": content}, "responses": answer,
        },
    })
}

/// A document's definitions while they are collected.
#[derive(Default)]
struct Document {
    schemas: Map<String, Value>,
    /// Definitions that are referred to, by their number in the table.
    wanted: BTreeMap<u32, (Node<'static>, bool)>,
}

impl Document {
    /// Adds a kind: the name of its definition.
    fn kind(&mut self, one: &Served, custom: Option<&Value>) -> String {
        let group = if one.group.is_empty() { "core" } else { &one.group };
        let builtin = Registry::builtin().kind(&one.group, &one.version, &one.kind).filter(|_| custom.is_none());
        let (name, mut schema) = match builtin {
            Some(kind) => (format!("io.k8s.api.{group}.{}.{}", one.version, one.kind), self.structure(kind.schema())),
            None => (format!("{group}.{}.{}", one.version, one.kind), custom.cloned().unwrap_or_else(|| json!({"type": "object"}))),
        };
        if builtin.is_none() {
            schema["properties"]["apiVersion"] = json!({"type": "string"});
            schema["properties"]["kind"] = json!({"type": "string"});
            schema["properties"]["metadata"] = self.place(Registry::object_meta());
        }
        schema["x-kubernetes-group-version-kind"] = json!([{"group": one.group, "version": one.version, "kind": one.kind}]);
        self.schemas.insert(name.clone(), schema);
        name
    }

    /// Adds what was referred to, and what that refers to.
    fn finish(&mut self) {
        while let Some((id, node)) = self.wanted.iter().find(|(_, (_, done))| !done).map(|(id, (node, _))| (*id, *node)) {
            self.wanted.insert(id, (node, true));
            let structure = self.structure(node);
            self.schemas.insert(name(id), structure);
        }
    }

    /// What stands at a place: a scalar or list in full, an object with fields by reference.
    fn place(&mut self, node: Node<'static>) -> Value {
        let mut schema = if node.fields().next().is_some() {
            let id = node.definition();
            self.wanted.entry(id).or_insert((node, false));
            json!({"allOf": [{"$ref": format!("#/components/schemas/{}", name(id))}]})
        } else {
            self.structure(node)
        };
        annotate(node, &mut schema);
        schema
    }

    /// A definition itself.
    fn structure(&mut self, node: Node<'static>) -> Value {
        let mut schema = match node.scalar() {
            Some(scalar) => self::scalar(scalar),
            None if node.is_list() => {
                let items = node.items().map_or_else(|| json!({}), |items| self.place(items));
                json!({"type": "array", "items": items})
            }
            None if node.is_object() => {
                let mut schema = json!({"type": "object"});
                let fields: Map<String, Value> = node.fields().map(|(name, field)| (name.to_owned(), self.place(field))).collect();
                if !fields.is_empty() {
                    schema["properties"] = Value::Object(fields);
                }
                if let Some(additional) = node.additional() {
                    schema["additionalProperties"] = self.place(additional);
                }
                let required: Vec<&str> = node.required().collect();
                if !required.is_empty() {
                    schema["required"] = json!(required);
                }
                schema
            }
            None => json!({}),
        };
        if node.preserves_unknown() {
            schema["x-kubernetes-preserve-unknown-fields"] = json!(true);
        }
        schema
    }
}

fn name(id: u32) -> String {
    format!("io.k8s.definitions.{id}")
}

fn scalar(scalar: Scalar) -> Value {
    match scalar {
        Scalar::String => json!({"type": "string"}),
        Scalar::Integer => json!({"type": "integer", "format": "int64"}),
        Scalar::Number => json!({"type": "number", "format": "double"}),
        Scalar::Boolean => json!({"type": "boolean"}),
        Scalar::Quantity => json!({"oneOf": [{"type": "string"}, {"type": "number"}]}),
        Scalar::IntOrString => json!({"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]}),
        Scalar::Time | Scalar::MicroTime => json!({"type": "string", "format": "date-time"}),
        Scalar::Bytes => json!({"type": "string", "format": "byte"}),
    }
}

/// How what stands at a place is merged, and its default.
fn annotate(node: Node<'_>, schema: &mut Value) {
    if node.is_list() {
        let kind = match node.list_type() {
            ListType::Atomic => "atomic",
            ListType::Set => "set",
            ListType::Map => "map",
        };
        schema["x-kubernetes-list-type"] = json!(kind);
        let keys: Vec<&str> = node.list_map_keys().collect();
        if !keys.is_empty() {
            schema["x-kubernetes-list-map-keys"] = json!(keys);
        }
    }
    if node.is_object() && node.map_type() == MapType::Atomic {
        schema["x-kubernetes-map-type"] = json!("atomic");
    }
    let strategies = [(node.patch_merges(), "merge"), (node.patch_retains_keys(), "retainKeys"), (node.patch_replaces(), "replace")];
    let strategies: Vec<&str> = strategies.into_iter().filter_map(|(is, name)| is.then_some(name)).collect();
    if !strategies.is_empty() {
        schema["x-kubernetes-patch-strategy"] = json!(strategies.join(","));
    }
    if let Some(key) = node.patch_merge_key() {
        schema["x-kubernetes-patch-merge-key"] = json!(key);
    }
    if let Some(default) = node.default() {
        schema["default"] = default;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(group: &str, version: &str, kind: &str, plural: &str) -> Served {
        Served {
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
            plural: plural.into(),
            singular: kind.to_lowercase(),
            short_names: Vec::new(),
            categories: Vec::new(),
            verbs: Vec::new(),
            namespaced: true,
            subresources: Vec::new(),
        }
    }

    fn all() -> Vec<(Served, Option<Value>)> {
        let schema = json!({"type": "object", "properties": {"spec": {"type": "object"}}});
        vec![
            (served("apps", "v1", "Deployment", "deployments"), None),
            (served("example.com", "v1", "Widget", "widgets"), Some(schema)),
            (served("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions"), None),
        ]
    }

    #[test]
    fn the_index_names_each_document_with_its_hash() {
        let index = index(&all());
        let url = index["paths"]["apis/apps/v1"]["serverRelativeURL"].as_str().unwrap();
        assert!(url.starts_with("/openapi/v3/apis/apps/v1?hash=") && url.len() > 100, "{url}");
        let mut changed = all();
        changed[1].1 = Some(json!({"type": "object"}));
        let other = super::index(&changed);
        assert_eq!(index["paths"]["apis/apps/v1"], other["paths"]["apis/apps/v1"]);
        assert_ne!(index["paths"]["apis/example.com/v1"], other["paths"]["apis/example.com/v1"]);
    }

    #[test]
    fn a_deployments_containers_are_merged_by_name() {
        let document = document(&all(), "apis/apps/v1").unwrap();
        let schemas = &document["components"]["schemas"];
        let follow = |schema: &Value| {
            let name = schema["allOf"][0]["$ref"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            schemas[name.as_str()].clone()
        };
        let spec = follow(&schemas["io.k8s.api.apps.v1.Deployment"]["properties"]["spec"]);
        let template = follow(&spec["properties"]["template"]);
        let pod = follow(&template["properties"]["spec"]);
        let containers = &pod["properties"]["containers"];
        assert_eq!((&containers["x-kubernetes-patch-merge-key"], &containers["x-kubernetes-list-type"]), (&json!("name"), &json!("map")));
        let patch = &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
        assert!(patch["requestBody"]["content"]["application/strategic-merge-patch+json"].is_object());
        assert!(patch["parameters"].as_array().unwrap().iter().any(|one| one["name"] == "fieldValidation"));
    }

    #[test]
    fn a_definition_that_refers_to_itself_ends() {
        let document = document(&all(), "apis/apiextensions.k8s.io/v1").unwrap();
        assert!(document["components"]["schemas"].as_object().unwrap().len() < 100);
    }

    #[test]
    fn a_custom_resource_takes_no_strategic_patch() {
        let document = document(&all(), "apis/example.com/v1").unwrap();
        let patch = &document["paths"]["/apis/example.com/v1/namespaces/{namespace}/widgets/{name}"]["patch"];
        assert!(patch["requestBody"]["content"].get("application/strategic-merge-patch+json").is_none());
        let widget = &document["components"]["schemas"]["example.com.v1.Widget"];
        assert_eq!(widget["x-kubernetes-group-version-kind"][0]["kind"], "Widget");
        assert!(super::document(&all(), "apis/none/v1").is_none());
    }
}
