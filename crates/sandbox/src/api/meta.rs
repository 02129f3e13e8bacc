//! What the server itself writes into `metadata`.

use serde_json::{Map, Value, json};

use crate::resource::Resource;
use crate::status::ApiError;

/// The object's metadata, made an object if it is none.
pub(crate) fn metadata(object: &mut Value) -> &mut Map<String, Value> {
    if !object.is_object() {
        *object = json!({});
    }
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    match &mut object["metadata"] {
        Value::Object(metadata) => metadata,
        _ => unreachable!("it was made an object above"),
    }
}

/// A text in metadata; empty when it is not there.
pub(crate) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object["metadata"][field].as_str().unwrap_or_default()
}

/// The finalizers.
pub(crate) fn finalizers(object: &Value) -> Vec<String> {
    let list = object["metadata"]["finalizers"].as_array().into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Leaves each owner once, and warns of those that stood twice.
pub(crate) fn owners_once(object: &mut Value) -> Option<String> {
    let owners = object.get_mut("metadata")?.get_mut("ownerReferences")?.as_array_mut()?;
    let mut twice: Vec<String> = Vec::new();
    let mut seen: Vec<Value> = Vec::new();
    owners.retain(|owner| {
        let known = seen.contains(owner);
        if known {
            let uid = owner["uid"].as_str().unwrap_or_default().to_owned();
            if !twice.contains(&uid) {
                twice.push(uid);
            }
        } else {
            seen.push(owner.clone());
        }
        !known
    });
    (!twice.is_empty()).then(|| {
        format!(
            ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {}",
            twice.join(", ")
        )
    })
}

/// Whether the object is being deleted.
pub(crate) fn is_deleting(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

/// Lets stand what only the server may write, whatever the request says. Who wants to let an object go by writing it is refused later.
pub(crate) fn keep_system_fields(old: &Value, new: &mut Value) {
    let (metadata, before) = (metadata(new), &old["metadata"]);
    let given = |field: &str| metadata.get(field).is_some_and(|value| !value.is_null());
    let left = [
        ("deletionTimestamp", before["deletionTimestamp"].is_null() && given("deletionTimestamp")),
        ("deletionGracePeriodSeconds", given("deletionGracePeriodSeconds")),
    ];
    let fields =
        ["uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "namespace", "name", "selfLink"];
    for field in fields.into_iter().filter(|field| !left.contains(&(*field, true))) {
        match before.get(field) {
            Some(value) if metadata.get(field) == Some(value) => {}
            Some(value) => {
                metadata.insert(field.to_owned(), value.clone());
            }
            None => {
                metadata.remove(field);
            }
        }
    }
}

/// Empty maps and lists, and nulls, are as good as absent.
pub(crate) fn tidy(object: &mut Value) {
    let metadata = metadata(object);
    metadata.retain(|_, value| match value {
        Value::Null => false,
        Value::Array(list) => !list.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::String(text) => !text.is_empty(),
        _ => true,
    });
}

/// Whether a kind counts the changes of its spec.
fn counts(resource: &Resource) -> bool {
    const KINDS: [&str; 17] = [
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "ReplicaSet",
        "ReplicationController",
        "Job",
        "CronJob",
        "Ingress",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "CustomResourceDefinition",
        "Pod",
        "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
        "EndpointSlice",
        "ResourceClaim",
        "PriorityClass",
    ];
    !resource.is_builtin() || KINDS.contains(&resource.kind.as_str())
}

/// Sets `metadata.generation`: 1 at first, one more with each change of what is wanted, of which nothing is said by way of a status.
pub(crate) fn generation(resource: &Resource, old: Option<&Value>, new: &mut Value, subresource: &str) {
    // What does not count keeps what somebody wrote there when it was made.
    if !counts(resource) {
        return;
    }
    let before = old.and_then(|old| old["metadata"]["generation"].as_u64()).unwrap_or(0);
    let changed = |old| (subresource != "status" && !wants_the_same(resource, old, new)) || (is_deleting(new) && !is_deleting(old));
    let changed = old.is_none_or(changed);
    metadata(new).insert("generation".to_owned(), json!(if changed { before + 1 } else { before.max(1) }));
}

/// Whether two objects are the same in the part that their generation counts.
fn wants_the_same(resource: &Resource, old: &Value, new: &Value) -> bool {
    if resource.is_builtin() {
        let parts = ["spec", "webhooks", "endpoints"].iter().all(|part| old[part] == new[part]);
        return parts && (resource.kind != "Deployment" || old["metadata"]["annotations"] == new["metadata"]["annotations"]);
    }
    let counted = |(name, _): &(&String, &Value)| *name != "metadata" && (*name != "status" || !resource.has_status());
    let (was, is) = (old.as_object().into_iter().flatten(), new.as_object().into_iter().flatten());
    was.filter(counted).eq(is.filter(counted))
}

/// Refuses a write that was made for another version of the object.
pub(crate) fn precondition(resource: &Resource, name: &str, old: &Value, new: &Value) -> Result<(), ApiError> {
    let (given, current) = (text(new, "resourceVersion"), text(old, "resourceVersion"));
    if !given.is_empty() && given.parse::<u64>().is_err() {
        let message = format!("strconv.ParseUint: parsing {}: invalid syntax", json!(given));
        return Err(ApiError::new(http::StatusCode::INTERNAL_SERVER_ERROR, "", message));
    }
    if !given.is_empty() && given != "0" && given != current {
        return Err(ApiError::conflict(
            resource,
            name,
            "the object has been modified; please apply your changes to the latest version and try again",
        ));
    }
    let (given, current) = (text(new, "uid"), text(old, "uid"));
    if !given.is_empty() && given != current {
        return Err(other(resource, text(old, "namespace"), name, (given, current), false));
    }
    Ok(())
}

/// Refuses a write that was made for another object of that name.
pub(crate) fn other(resource: &Resource, namespace: &str, name: &str, (given, current): (&str, &str), dry_run: bool) -> ApiError {
    // Where a kube-apiserver keeps its objects.
    let folder = match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "services") => "services/specs".to_owned(),
        ("", "endpoints") => "services/endpoints".to_owned(),
        ("", "nodes") => "minions".to_owned(),
        ("networking.k8s.io", "ingresses") => "ingress".to_owned(),
        (group, plural) if !resource.is_builtin() => format!("{group}/{plural}"),
        (_, plural) => plural.to_owned(),
    };
    let at = if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") };
    // Who only asks is answered before the objects are found that the cluster shares with others.
    let root = if dry_run { "" } else { "/registry" };
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: {root}/{folder}/{at}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {given}, UID in object meta: {current}"
    );
    ApiError::conflict(resource, name, &why)
}
