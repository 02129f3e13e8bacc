//! The generated table, looked at from outside.

use fiel_schema::{ListType, MapType, Node, Registry, Scalar, Schema};
use serde_json::json;

fn at(group: &str, version: &str, kind: &str, path: &[&str]) -> Node<'static> {
    let kind = Registry::builtin().kind(group, version, kind).expect("the kind exists");
    path.iter().fold(kind.schema(), |node, step| match *step {
        "[]" => node.items().expect("a list"),
        "*" => node.additional().expect("a map"),
        name => node.field(name).unwrap_or_else(|| panic!("no field {name}")),
    })
}

#[test]
fn kinds_have_their_names_and_scopes() {
    let registry = Registry::builtin();
    let deployment = registry.kind("apps", "v1", "Deployment").expect("it exists");
    assert_eq!((deployment.plural(), deployment.singular()), ("deployments", "deployment"));
    assert_eq!(deployment.short_names().collect::<Vec<_>>(), ["deploy"]);
    assert_eq!(deployment.categories().collect::<Vec<_>>(), ["all"]);
    assert!(deployment.verbs().any(|verb| verb == "deletecollection"));
    let scale = deployment.subresources().find(|sub| sub.name == "scale").expect("deployments have a scale");
    assert_eq!((scale.group, scale.version, scale.kind), ("autoscaling", "v1", "Scale"));
    assert!(!registry.kind("", "v1", "Namespace").expect("it exists").namespaced());
    assert!(!registry.kind("rbac.authorization.k8s.io", "v1", "ClusterRole").expect("it exists").namespaced());
    assert!(registry.kind("apps", "v1beta1", "Deployment").is_none());
    assert!(registry.kinds().len() > 60);
}

#[test]
fn lists_have_their_keys() {
    let ports = at("", "v1", "Service", &["spec", "ports"]);
    assert_eq!(ports.list_type(), ListType::Map);
    assert_eq!(ports.list_map_keys().collect::<Vec<_>>(), ["port", "protocol"]);
    assert_eq!(ports.patch_merge_key(), Some("port"));
    assert!(ports.patch_merges());
    let command = at("", "v1", "Pod", &["spec", "containers", "[]", "command"]);
    assert_eq!((command.list_type(), command.patch_merge_key()), (ListType::Atomic, None));
    assert_eq!(at("", "v1", "Pod", &["metadata", "finalizers"]).list_type(), ListType::Set);
    assert_eq!(at("apps", "v1", "Deployment", &["spec", "selector"]).map_type(), MapType::Atomic);
    assert_eq!(at("apps", "v1", "Deployment", &["spec", "template"]).map_type(), MapType::Granular);
    assert!(at("apps", "v1", "Deployment", &["spec", "strategy"]).patch_retains_keys());
}

#[test]
fn scalars_have_their_types() {
    let resources = ["spec", "containers", "[]", "resources", "limits", "*"];
    assert_eq!(at("", "v1", "Pod", &resources).scalar(), Some(Scalar::Quantity));
    assert_eq!(at("", "v1", "Service", &["spec", "ports", "[]", "targetPort"]).scalar(), Some(Scalar::IntOrString));
    assert_eq!(at("", "v1", "Secret", &["data", "*"]).scalar(), Some(Scalar::Bytes));
    assert_eq!(at("", "v1", "Pod", &["metadata", "creationTimestamp"]).scalar(), Some(Scalar::Time));
    assert_eq!(at("", "v1", "Service", &["spec", "ports", "[]", "protocol"]).default(), Some(json!("TCP")));
}

#[test]
fn custom_resources_have_the_same_form() {
    let schema = json!({"type": "object", "properties": {
        "spec": {"type": "object", "required": ["size"], "properties": {
            "size": {"type": "integer", "default": 3},
            "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": {"type": "object"}},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        }},
    }});
    let schema = Schema::from_openapi(&schema, true).expect("it is a schema");
    let root = schema.root();
    let spec = root.field("spec").expect("a field");
    assert_eq!(spec.required().collect::<Vec<_>>(), ["size"]);
    assert_eq!(spec.field("size").and_then(Node::default), Some(json!(3)));
    assert_eq!(spec.field("parts").map(Node::list_type), Some(ListType::Map));
    assert!(spec.field("free").is_some_and(Node::preserves_unknown));
    assert_eq!(root.field("kind").and_then(Node::scalar), Some(Scalar::String));
    assert_eq!(root.field("metadata").and_then(|meta| meta.field("finalizers")).map(Node::list_type), Some(ListType::Set));
    assert!(Schema::from_openapi(&json!({"$ref": "#/x"}), false).is_err());
}
