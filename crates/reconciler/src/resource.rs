//! The identity of an object.

use serde_json::Value;

/// An object, whatever version it is looked at in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    /// The API group, empty for the core one.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The namespace, empty for cluster-scoped objects.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl ObjectKey {
    /// The identity of a manifest or live object.
    pub fn of(object: &Value) -> Self {
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let (api_version, metadata) = (object["apiVersion"].as_str().unwrap_or_default(), &object["metadata"]);
        ObjectKey {
            group: api_version.split_once('/').map_or("", |(group, _)| group).to_owned(),
            kind: text(&object["kind"]),
            namespace: text(&metadata["namespace"]),
            name: text(&metadata["name"]),
        }
    }

    /// The identity that an entry of a status or an operation names, with a field for each part.
    pub fn named(entry: &Value) -> Self {
        let text = |field: &str| entry[field].as_str().unwrap_or_default().to_owned();
        ObjectKey { group: text("group"), kind: text("kind"), namespace: text("namespace"), name: text("name") }
    }

    /// As Argo CD names objects in messages: `apps/Deployment:demo/web`.
    pub fn shown(&self) -> String {
        format!("{}/{}:{}/{}", self.group, self.kind, self.namespace, self.name)
    }
}

/// The version of an object's `apiVersion`.
pub fn version_of(object: &Value) -> &str {
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    api_version.split_once('/').map_or(api_version, |(_, version)| version)
}
