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

/// Whether the object is being deleted.
pub(crate) fn is_deleting(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

/// Lets stand what only the server may write, whatever the request says.
pub(crate) fn keep_system_fields(old: &Value, new: &mut Value) {
    let metadata = metadata(new);
    for field in
        ["uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "namespace", "name", "selfLink"]
    {
        match old["metadata"].get(field) {
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

/// Sets `metadata.generation`: 1 at first, one more with each change of what is wanted.
pub(crate) fn generation(resource: &Resource, old: Option<&Value>, new: &mut Value) {
    if !counts(resource) {
        metadata(new).remove("generation");
        return;
    }
    let before = old.and_then(|old| old["metadata"]["generation"].as_u64()).unwrap_or(0);
    let changed = old.is_none_or(|old| wanted(resource, old) != wanted(resource, new) || (is_deleting(new) && !is_deleting(old)));
    metadata(new).insert("generation".to_owned(), json!(if changed { before + 1 } else { before.max(1) }));
}

/// The part of an object that its generation counts.
fn wanted(resource: &Resource, object: &Value) -> Value {
    if resource.is_builtin() {
        let annotations = if resource.kind == "Deployment" { object["metadata"]["annotations"].clone() } else { Value::Null };
        return json!([object["spec"], object["webhooks"], object["endpoints"], annotations]);
    }
    let mut out = object.clone();
    if let Some(fields) = out.as_object_mut() {
        fields.remove("metadata");
        if resource.has_status() {
            fields.remove("status");
        }
    }
    out
}

/// Looks at names, labels and owners as the server does for every kind.
pub(crate) fn validate(resource: &Resource, object: &Value) -> Vec<(String, String, String)> {
    let mut causes = Vec::new();
    let name = text(object, "name");
    if resource.is_builtin() {
        // Its kind says how it must look: `canonical::validate`.
    } else if name.is_empty() {
        causes.push((
            "FieldValueRequired".to_owned(),
            "Required value: name or generateName is required".to_owned(),
            "metadata.name".to_owned(),
        ));
    } else if let Err(why) = check_name(name) {
        causes.push(("FieldValueInvalid".to_owned(), format!("Invalid value: \"{name}\": {why}"), "metadata.name".to_owned()));
    }
    causes.extend(labels(&object["metadata"]));
    causes
}

/// What is wrong with the labels and annotations of metadata.
pub(crate) fn labels(metadata: &Value) -> Vec<(String, String, String)> {
    let mut causes = Vec::new();
    for field in ["labels", "annotations"] {
        for key in metadata[field].as_object().into_iter().flatten().map(|(key, _)| key) {
            // The part behind the slash, in which capitals may stand.
            let own = key.rsplit_once('/').map_or(key.as_str(), |(_, own)| own);
            if own.is_empty() || own.len() > 63 || !is_label_value(own) {
                let why = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
                causes.push(("FieldValueInvalid".to_owned(), format!("Invalid value: \"{key}\": {why}"), format!("metadata.{field}")));
            }
        }
    }
    for (key, value) in metadata["labels"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        if value.len() > 63 || !is_label_value(value) {
            let why = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
            causes.push((
                "FieldValueInvalid".to_owned(),
                format!("Invalid value: \"{value}\": {why}"),
                format!("metadata.labels.{key}").trim_end_matches('.').replace(&format!(".{key}"), ""),
            ));
        }
    }
    causes
}

fn is_label_value(value: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let edge = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    value.chars().all(inner) && edge(value.chars().next()) && edge(value.chars().last())
}

/// How the objects of a definition must be named.
fn check_name(name: &str) -> Result<(), &'static str> {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| letter(c) || c == '-') && label.starts_with(letter) && label.ends_with(letter)
    };
    if name.len() <= 253 && name.split('.').all(label) {
        return Ok(());
    }
    Err(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    )
}

/// Refuses a write that was made for another version of the object.
pub(crate) fn precondition(resource: &Resource, name: &str, old: &Value, new: &Value) -> Result<(), ApiError> {
    let (given, current) = (text(new, "resourceVersion"), text(old, "resourceVersion"));
    if !given.is_empty() && given != "0" && given != current {
        return Err(ApiError::conflict(
            resource,
            name,
            "the object has been modified; please apply your changes to the latest version and try again",
        ));
    }
    let (given, current) = (text(new, "uid"), text(old, "uid"));
    if !given.is_empty() && given != current {
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: /registry/{}/{name}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {given}, UID in object meta: {current}",
            resource.plural
        );
        return Err(ApiError::conflict(resource, name, &why));
    }
    Ok(())
}
