//! Taking over the fields of client-side managers.
//!
//! An object that was made with `kubectl apply` or `kubectl create` has its fields owned by managers that never come
//! back. A server-side apply adds an owner, but a field that leaves Git would stay for the old owner's sake. So the
//! old owners' fields are first made those of our apply, as client-go's upgrade does.

use serde_json::{Map, Value, json};

use super::MANAGER;

/// The JSON patch that hands the fields of `managers` (their `Update` entries) over to our `Apply` entry; `None` if
/// there is nothing to hand over. The patch names the object's version: the server refuses it (409) for a newer object.
pub fn migration(object: &Value, managers: &[String]) -> Option<Value> {
    let entries = object["metadata"]["managedFields"].as_array()?;
    let version = object["metadata"]["resourceVersion"].as_str()?;
    let old = |entry: &Value| {
        let of_status = entry["subresource"].as_str().is_some_and(|s| !s.is_empty());
        entry["operation"] == "Update" && !of_status && entry["manager"].as_str().is_some_and(|m| managers.iter().any(|wanted| wanted == m))
    };
    if !entries.iter().any(old) {
        return None;
    }
    let mut fields = Value::Object(Map::new());
    let mut kept = Vec::new();
    let mut ours = None;
    for entry in entries {
        if old(entry) {
            unite(&mut fields, &entry["fieldsV1"]);
            ours.get_or_insert_with(|| entry.clone());
        } else if entry["manager"] == MANAGER && entry["operation"] == "Apply" && entry["subresource"].is_null() {
            unite(&mut fields, &entry["fieldsV1"]);
            ours = Some(entry.clone());
        } else {
            kept.push(entry.clone());
        }
    }
    let mut ours = ours?;
    ours["manager"] = MANAGER.into();
    ours["operation"] = "Apply".into();
    ours["fieldsV1"] = fields;
    kept.insert(0, ours);
    Some(json!([
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
        {"op": "replace", "path": "/metadata/managedFields", "value": kept},
    ]))
}

/// The union of two sets of fields in their JSON form, which is a union of nested maps.
fn unite(into: &mut Value, from: &Value) {
    let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object()) else { return };
    for (key, value) in from {
        match into.get_mut(key) {
            Some(known) => unite(known, value),
            None => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn managers(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn old_owners_become_our_apply() {
        let object = json!({"metadata": {"resourceVersion": "7", "managedFields": [
            {"manager": "kubectl-client-side-apply", "operation": "Update", "apiVersion": "v1", "fieldsV1": {"f:data": {".": {}, "f:a": {}}}},
            {"manager": "kubectl", "operation": "Update", "apiVersion": "v1", "subresource": "scale", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            {"manager": "other", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:data": {"f:c": {}}}},
            {"manager": "argocd-controller", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:data": {"f:b": {}}}},
        ]}});
        let patch = migration(&object, &managers(&["kubectl-client-side-apply", "kubectl"])).expect("something to do");
        assert_eq!(patch[0]["value"], "7");
        let entries = patch[1]["value"].as_array().expect("a list");
        assert_eq!(entries.len(), 3);
        assert_eq!(entries[0]["manager"], "argocd-controller");
        assert_eq!(entries[0]["operation"], "Apply");
        assert_eq!(entries[0]["fieldsV1"], json!({"f:data": {".": {}, "f:a": {}, "f:b": {}}}));
        assert_eq!(entries[1]["subresource"], "scale");
        assert_eq!(migration(&object, &managers(&["helm"])), None);
    }
}
