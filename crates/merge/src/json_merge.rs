//! JSON merge patches (RFC 7386), as Kubernetes makes and applies them.

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
    let mut out = original.clone();
    lay(&mut out, patch, false);
    out
}

/// The same on a value that may change itself.
pub fn patch_in_place(value: &mut Value, patch: &Value) {
    lay(value, patch, false);
}

/// `keep_nulls`: what is patched is a patch itself.
fn lay(value: &mut Value, patch: &Value, keep_nulls: bool) {
    let Value::Object(changes) = patch else {
        return value.clone_from(patch);
    };
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let Value::Object(fields) = value else { return };
    for (name, change) in changes {
        match fields.get_mut(name) {
            Some(_) if change.is_null() && !keep_nulls => drop(fields.remove(name)),
            Some(old) => lay(old, change, keep_nulls),
            None if change.is_null() && !keep_nulls => {}
            None => lay(fields.entry(name.clone()).or_insert(Value::Null), change, keep_nulls),
        }
    }
}

/// The patch that makes `original` `modified`.
///
/// ```
/// use serde_json::json;
/// assert_eq!(fiel_merge::json_merge::two_way(&json!({"a": 1, "b": 2}), &json!({"a": 3})), json!({"a": 3, "b": null}));
/// ```
#[must_use]
pub fn two_way(original: &Value, modified: &Value) -> Value {
    let (Value::Object(old), Value::Object(new)) = (original, modified) else {
        return if original.is_null() || modified.is_object() { modified.clone() } else { Value::Object(Map::new()) };
    };
    let mut out = Map::new();
    for (name, value) in new {
        match old.get(name) {
            Some(old) if old == value => {}
            Some(old @ Value::Object(_)) if value.is_object() => {
                out.insert(name.clone(), two_way(old, value));
            }
            _ => {
                out.insert(name.clone(), value.clone());
            }
        }
    }
    out.extend(old.keys().filter(|name| !new.contains_key(*name)).map(|name| (name.clone(), Value::Null)));
    Value::Object(out)
}

/// The patch that `kubectl apply` sends for resources without a built-in schema: makes `current` what `modified` wants, and takes away what
/// `original`, the configuration that was applied last, wanted and `modified` does not.
#[must_use]
pub fn three_way(original: &Value, modified: &Value, current: &Value) -> Value {
    let nothing = Value::Object(Map::new());
    let original = if original.is_null() { &nothing } else { original };
    let mut out = deletions(&two_way(original, modified));
    lay(&mut out, &changes(&two_way(current, modified)), true);
    out
}

/// What of a patch deletes: its nulls and the objects around them.
#[must_use]
pub fn deletions(patch: &Value) -> Value {
    filtered(patch, true)
}

/// What of a patch adds or changes: all but its nulls.
#[must_use]
pub fn changes(patch: &Value) -> Value {
    filtered(patch, false)
}

fn filtered(patch: &Value, nulls: bool) -> Value {
    let mut out = Map::new();
    for (name, value) in patch.as_object().into_iter().flatten() {
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                let inner = filtered(value, nulls);
                if inner.as_object().is_some_and(|inner| !inner.is_empty()) {
                    out.insert(name.clone(), inner);
                }
            }
            _ if value.is_null() == nulls => {
                out.insert(name.clone(), value.clone());
            }
            _ => {}
        }
    }
    Value::Object(out)
}
