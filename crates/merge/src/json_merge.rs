//! JSON merge patch (RFC 7386), as Kubernetes applies it.

use serde_json::{Map, Value};

/// Lays a patch over a value: null takes a field away, objects are merged, all else replaces.
///
/// ```
/// use serde_json::json;
/// let patched = fiel_merge::json_merge::patch(&json!({"a": 1, "b": {"c": 2}}), &json!({"a": null, "b": {"d": 3}}));
/// assert_eq!(patched, json!({"b": {"c": 2, "d": 3}}));
/// ```
#[must_use]
pub fn patch(original: &Value, patch: &Value) -> Value {
    let Value::Object(changes) = patch else {
        return patch.clone();
    };
    let mut out = original.as_object().cloned().unwrap_or_default();
    for (name, change) in changes {
        if change.is_null() {
            out.remove(name);
            continue;
        }
        let old = out.remove(name).unwrap_or(Value::Object(Map::new()));
        out.insert(name.clone(), self::patch(&old, change));
    }
    Value::Object(out)
}
