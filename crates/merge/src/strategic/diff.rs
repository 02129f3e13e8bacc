//! Finding the patch that makes one object another.

use std::collections::BTreeMap;

use fiel_schema::Node;
use serde_json::{Map, Value, json};

use super::apply::{Onto, object};
use super::order::{follow, same_order, text};
use super::{DELETE, DIRECTIVE, Merged, ORDER, RETAIN, StrategicError, identity, merges};

/// Which differences count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Only {
    /// All of them.
    All,
    /// What is new or other.
    Changes,
    /// What is gone.
    Deletions,
}

/// The patch that makes `original` `modified`.
///
/// # Errors
/// An item of a keyed list without its key.
pub fn two_way(original: &Value, modified: &Value, schema: Option<Node<'_>>) -> Result<Value, StrategicError> {
    between(original, modified, schema, Only::All).map(Value::Object)
}

/// The patch that `kubectl apply` sends: makes `current` what `modified` wants, and takes away what `original`, the configuration that was applied
/// last, wanted and `modified` does not. What others put into `current` stays.
///
/// ```
/// use fiel_merge::strategic::three_way;
/// use serde_json::json;
/// let (original, modified) = (json!({"data": {"a": "1", "b": "2"}}), json!({"data": {"a": "3"}}));
/// let current = json!({"data": {"a": "1", "b": "2", "theirs": "x"}});
/// assert_eq!(three_way(&original, &modified, &current, None).expect("objects"), json!({"data": {"a": "3", "b": null}}));
/// ```
///
/// # Errors
/// An item of a keyed list without its key.
pub fn three_way(original: &Value, modified: &Value, current: &Value, schema: Option<Node<'_>>) -> Result<Value, StrategicError> {
    let changes = between(current, modified, schema, Only::Changes)?;
    let deletions = between(original, modified, schema, Only::Deletions)?;
    object(deletions, &changes, schema, Onto::Patch).map(Value::Object)
}

fn between(old: &Value, new: &Value, schema: Option<Node<'_>>, only: Only) -> Result<Map<String, Value>, StrategicError> {
    let nothing = Map::new();
    maps(old.as_object().unwrap_or(&nothing), new.as_object().unwrap_or(&nothing), schema, only, false)
}

/// `retains_keys`: whatever else the map holds when the patch arrives is to go.
fn maps(
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    schema: Option<Node<'_>>,
    only: Only,
    retains_keys: bool,
) -> Result<Map<String, Value>, StrategicError> {
    let mut patch = Map::new();
    for (name, value) in new {
        let node = schema.and_then(|node| node.child(name));
        match (old.get(name), value) {
            (Some(Value::Object(was)), Value::Object(is)) if !node.is_some_and(Node::patch_replaces) => {
                let inner = maps(was, is, node, only, node.is_some_and(Node::patch_retains_keys))?;
                if !inner.is_empty() {
                    patch.insert(name.clone(), Value::Object(inner));
                }
            }
            (Some(Value::Array(was)), Value::Array(is)) if merges(node).is_some() => {
                if let Some(list) = merges(node) {
                    lists(name, was, is, list, only, &mut patch)?;
                }
            }
            (was, _) => {
                if only != Only::Deletions && was != Some(value) {
                    patch.insert(name.clone(), value.clone());
                }
            }
        }
    }
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    if only != Only::Changes {
        patch.extend(gone.clone().map(|name| (name.clone(), Value::Null)));
    }
    if retains_keys && !new.is_empty() && (!patch.is_empty() || gone.count() > 0) {
        patch.insert(RETAIN.to_owned(), new.keys().cloned().collect());
    }
    Ok(patch)
}

fn lists(
    name: &str,
    old: &[Value],
    new: &[Value],
    list: Merged<'_>,
    only: Only,
    patch: &mut Map<String, Value>,
) -> Result<(), StrategicError> {
    if old.is_empty() {
        if !new.is_empty() && only != Only::Deletions {
            patch.insert(name.to_owned(), Value::Array(new.to_vec()));
        }
        return Ok(());
    }
    let key = list.key_for([old, new])?;
    let (changed, gone) = match key {
        Some(key) => keyed(old, new, key, list, only)?,
        None => scalars(old, new, only),
    };
    let mut changed = follow(changed, new, key);
    let reordered = only != Only::Deletions && !same_order(old, new, key);
    let order: Vec<Value> = match key {
        Some(key) => {
            changed.extend(gone);
            let keys = new.iter().map(|item| Ok(json!({key: identity(item, Some(key))?})));
            if !changed.is_empty() || reordered { keys.collect::<Result<_, StrategicError>>()? } else { Vec::new() }
        }
        None => {
            let lost = !gone.is_empty();
            if lost {
                patch.insert(format!("{DELETE}{name}"), Value::Array(gone));
            }
            if lost || reordered { new.to_vec() } else { Vec::new() }
        }
    };
    if !changed.is_empty() {
        patch.insert(name.to_owned(), Value::Array(changed));
    }
    if !order.is_empty() {
        patch.insert(format!("{ORDER}{name}"), Value::Array(order));
    }
    Ok(())
}

/// Items that are new or other, and the directives that delete those that are gone; both by key.
fn keyed(old: &[Value], new: &[Value], key: &str, list: Merged<'_>, only: Only) -> Result<(Vec<Value>, Vec<Value>), StrategicError> {
    let mut pairs: BTreeMap<String, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
    for item in old {
        pairs.entry(text(identity(item, Some(key))?)).or_default().0.push(item);
    }
    for item in new {
        pairs.entry(text(identity(item, Some(key))?)).or_default().1.push(item);
    }
    let (mut changed, mut gone) = (Vec::new(), Vec::new());
    let nothing = Map::new();
    for (was, is) in pairs.into_values() {
        for index in 0..was.len().max(is.len()) {
            match (was.get(index), is.get(index)) {
                (Some(was), Some(is)) => {
                    let (was, now) = (was.as_object().unwrap_or(&nothing), is.as_object().unwrap_or(&nothing));
                    let mut inner = maps(was, now, list.items, only, list.retains_keys)?;
                    if !inner.is_empty() {
                        inner.insert(key.to_owned(), is[key].clone());
                        changed.push(Value::Object(inner));
                    }
                }
                (None, Some(is)) if only != Only::Deletions => changed.push((*is).clone()),
                (Some(was), None) if only != Only::Changes => gone.push(json!({key: was[key], DIRECTIVE: "delete"})),
                _ => {}
            }
        }
    }
    Ok((changed, gone))
}

/// Scalars that are new, and those that are gone.
fn scalars(old: &[Value], new: &[Value], only: Only) -> (Vec<Value>, Vec<Value>) {
    let missing = |from: &[Value], other: &[Value]| -> Vec<Value> {
        let there: std::collections::BTreeSet<String> = other.iter().map(text).collect();
        let found: BTreeMap<String, &Value> = from.iter().map(|item| (text(item), item)).collect();
        found.into_iter().filter(|(text, _)| !there.contains(text)).map(|(_, item)| item.clone()).collect()
    };
    let changed = if only == Only::Deletions { Vec::new() } else { missing(new, old) };
    let gone = if only == Only::Changes { Vec::new() } else { missing(old, new) };
    (changed, gone)
}
