//! Objects within objects (`x-kubernetes-embedded-resource`): they have a kind, a version and metadata like any other.

use serde_json::Value;

use super::cause::{Causes, child};
use super::names::{DNS_1035, is_dns_1035};
use super::structural::{each_part, says};
use crate::cause::Cause;

/// What is wrong with the embedded resources of a value; the value itself is one where its schema says so.
pub(crate) fn check(schema: &Value, value: &Value, path: &str) -> Causes {
    let mut causes = Causes::default();
    walk(schema, value, path, &mut causes);
    causes
}

fn walk(schema: &Value, value: &Value, path: &str, causes: &mut Causes) {
    if value.is_object() && says(schema, "x-kubernetes-embedded-resource") {
        resource(value, path, causes);
    }
    each_part(schema, value, path, &mut |schema, value, path| walk(schema, value, path, causes));
}

fn resource(value: &Value, path: &str, causes: &mut Causes) {
    for cause in crate::canonical::labels(value) {
        causes.push(Cause { field: child(path, &cause.field), ..cause });
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
