//! Whose an object is: the annotation `argocd.argoproj.io/tracking-id`, as Argo CD writes it.
//!
//! Its value is `application:group/Kind:namespace/name`. The second half names the object itself, so that an
//! annotation that was copied to another object (a Deployment's to its ReplicaSets, for one) makes nothing ours.

use serde_json::{Map, Value};

/// The annotation.
pub const TRACKING_ID: &str = "argocd.argoproj.io/tracking-id";

/// The tracking id of an object for an Application.
pub fn id(application: &str, object: &Value) -> String {
    format!("{application}:{}", own_reference(object))
}

fn own_reference(object: &Value) -> String {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let api_version = text(&object["apiVersion"]);
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    format!("{group}/{}:{}/{}", text(&object["kind"]), text(&object["metadata"]["namespace"]), text(&object["metadata"]["name"]))
}

/// Puts the Application's mark on an object.
pub fn stamp(object: &mut Value, application: &str) {
    let id = id(application, object);
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    let annotations = metadata.entry("annotations").or_insert_with(|| Value::Object(Map::new()));
    if !annotations.is_object() {
        *annotations = Value::Object(Map::new());
    }
    annotations[TRACKING_ID] = id.into();
}

/// The Application whose mark the object carries, if the mark is really this object's.
pub fn owner(object: &Value) -> Option<&str> {
    let id = object["metadata"]["annotations"][TRACKING_ID].as_str()?;
    let (application, reference) = id.split_once(':')?;
    // A cluster-scoped object's namespace in the id may be empty or the destination's.
    let own = own_reference(object);
    let unplaced = |reference: &str| {
        reference.rsplit_once(':').map(|(kind, name)| (kind.to_owned(), name.rsplit('/').next().unwrap_or_default().to_owned()))
    };
    let cluster_scoped = object["metadata"]["namespace"].as_str().unwrap_or_default().is_empty();
    (reference == own || (cluster_scoped && unplaced(reference) == unplaced(&own))).then_some(application)
}

/// Whether the object carries this Application's mark.
pub fn is_tracked_by(object: &Value, application: &str) -> bool {
    owner(object) == Some(application)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ids() {
        let mut object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "demo"}});
        stamp(&mut object, "app");
        assert_eq!(object["metadata"]["annotations"][TRACKING_ID], "app:apps/Deployment:demo/web");
        assert!(is_tracked_by(&object, "app") && !is_tracked_by(&object, "ap"));
        // Copied by the Deployment controller to its ReplicaSet.
        object["kind"] = "ReplicaSet".into();
        assert_eq!(owner(&object), None);
        let mut config =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "demo", "annotations": null}});
        stamp(&mut config, "demo");
        assert_eq!(config["metadata"]["annotations"][TRACKING_ID], "demo:/ConfigMap:demo/a");
    }
}
