//! Objects within objects (`x-kubernetes-embedded-resource`): they have a kind, a version and metadata like any other.

use serde_json::Value;

use super::cause::{Causes, child, key};
use super::names::{DNS_1035, is_dns_1035};
use super::structural::says;

/// What is wrong with the embedded resources of a value; the value itself is one where its schema says so.
pub(crate) fn check(schema: &Value, value: &Value, path: &str) -> Causes {
    let mut causes = Causes::default();
    walk(schema, value, path, &mut causes);
    causes
}

fn walk(schema: &Value, value: &Value, path: &str, causes: &mut Causes) {
    match value {
        Value::Object(fields) => {
            if says(schema, "x-kubernetes-embedded-resource") {
                resource(value, path, causes);
            }
            for (name, value) in fields {
                match schema["properties"].get(name) {
                    Some(inner) => walk(inner, value, &child(path, name), causes),
                    None if schema["additionalProperties"].is_object() => {
                        walk(&schema["additionalProperties"], value, &key(path, name), causes);
                    }
                    None => {}
                }
            }
        }
        Value::Array(items) if schema["items"].is_object() => {
            for (index, item) in items.iter().enumerate() {
                walk(&schema["items"], item, &key(path, index), causes);
            }
        }
        _ => {}
    }
}

fn resource(value: &Value, path: &str, causes: &mut Causes) {
    let labels = crate::canonical::labels(value).into_iter().map(|cause| (cause.reason.to_owned(), cause.message, cause.field));
    for (reason, message, field) in labels {
        causes.0.push((reason, message, child(path, &field)));
    }
    for name in ["apiVersion", "kind"] {
        let (field, given) = (child(path, name), &value[name]);
        match given {
            Value::Null if value.get(name).is_none() => causes.required(&field, ""),
            Value::String(text) if text.is_empty() => causes.invalid(&field, "", "must not be empty"),
            Value::String(text) if name == "apiVersion" && text.matches('/').count() > 1 => {
                causes.invalid(&field, text.as_str(), &format!("unexpected GroupVersion string: {text}"));
            }
            Value::String(text) if name == "kind" && !is_dns_1035(&text.to_lowercase()) => {
                causes.invalid(&field, text.as_str(), &format!("may have mixed case, but should otherwise match: {DNS_1035}"));
            }
            Value::String(_) => {}
            other => causes.invalid(&field, other.clone(), "must be a string"),
        }
    }
    let name = &value["metadata"]["name"];
    if name.as_str().is_some_and(|name| name.contains(['/', '%'])) {
        let what = if name.as_str().is_some_and(|name| name.contains('/')) { '/' } else { '%' };
        causes.invalid(&child(path, "metadata.name"), name.clone(), &format!("may not contain '{what}'"));
    }
}
