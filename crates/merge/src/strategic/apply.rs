//! Laying a patch over an object, or over another patch.

use std::collections::{BTreeMap, BTreeSet};

use fiel_schema::Node;
use serde_json::{Map, Value};

use super::order::{arrange, is_part};
use super::{DELETE, DIRECTIVE, Merged, ORDER, RETAIN, StrategicError, identity, is_deleted, is_directive, merges};
use crate::structured::Scalar;

/// What a patch is laid over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Onto {
    /// An object: directives are carried out, nulls remove.
    Object,
    /// A patch: both become one, directives and nulls are kept.
    Patch,
}

/// Lays a patch over an object of a type; without a schema, lists are replaced.
///
/// ```
/// use serde_json::json;
/// let deployment = fiel_schema::Registry::builtin().kind("apps", "v1", "Deployment").expect("a kind of Kubernetes");
/// let pod = |containers| json!({"spec": {"template": {"spec": {"containers": containers}}}});
/// let object = pod(json!([{"name": "a", "image": "one"}, {"name": "b", "image": "two"}]));
/// let change = pod(json!([{"name": "b", "image": "new"}, {"name": "a", "$patch": "delete"}]));
/// let patched = fiel_merge::strategic::patch(&object, &change, Some(deployment.schema())).expect("a good patch");
/// assert_eq!(patched, pod(json!([{"name": "b", "image": "new"}])));
/// ```
///
/// # Errors
/// A directive that is none, or an item without its merge key.
pub fn patch(original: &Value, patch: &Value, schema: Option<Node<'_>>) -> Result<Value, StrategicError> {
    match patch {
        Value::Object(changes) => {
            let original = original.as_object().cloned().unwrap_or_default();
            Ok(Value::Object(object(original, changes, schema, Onto::Object)?))
        }
        _ => Ok(patch.clone()),
    }
}

pub(super) fn object(
    mut out: Map<String, Value>,
    changes: &Map<String, Value>,
    schema: Option<Node<'_>>,
    onto: Onto,
) -> Result<Map<String, Value>, StrategicError> {
    match changes.get(DIRECTIVE) {
        None => {}
        Some(directive) if directive == "delete" => return Ok(Map::new()),
        Some(directive) if directive == "replace" => {
            let kept = changes.iter().filter(|(name, _)| *name != DIRECTIVE);
            return Ok(kept.map(|(name, value)| (name.clone(), value.clone())).collect());
        }
        Some(other) => {
            let directive = go_text(other);
            return Err(StrategicError::UnknownMapDirective { directive, map: go_text(&Value::Object(changes.clone())) });
        }
    }
    retain(&mut out, changes, onto)?;
    for (directive, name, order) in directives(changes, ORDER)? {
        let list = merges(schema.and_then(|node| node.child(name)));
        ordered(&mut out, changes.get(name).and_then(Value::as_array), (name, order), list, onto)?;
        if onto == Onto::Patch
            && let Some(other) = out.insert(directive.to_owned(), Value::Array(order.to_vec()))
            && other.as_array().is_none_or(|other| other != order)
        {
            return Err(StrategicError::BadDirective(directive.to_owned()));
        }
    }
    for (name, change) in changes {
        let done = change.is_array() && changes.contains_key(&format!("{ORDER}{name}"));
        if is_directive(name) || done {
            continue;
        }
        if change.is_null() {
            out.remove(name);
            if onto == Onto::Patch {
                out.insert(name.clone(), Value::Null);
            }
            continue;
        }
        let merged = field(out.remove(name), change, schema.and_then(|node| node.child(name)), onto)?;
        out.extend(merged.map(|merged| (name.clone(), merged)));
    }
    for (directive, name, gone) in directives(changes, DELETE)? {
        if onto == Onto::Patch {
            out.insert(directive.to_owned(), Value::Array(gone.to_vec()));
        } else if let Some(Value::Array(items)) = out.get_mut(name) {
            items.retain(|item| !gone.contains(item));
        }
    }
    Ok(out)
}

/// A directive about a list: its whole name, the list's, and its value.
type Directive<'c> = (&'c str, &'c str, &'c [Value]);

/// The directives that begin with a prefix.
fn directives<'c>(changes: &'c Map<String, Value>, prefix: &str) -> Result<Vec<Directive<'c>>, StrategicError> {
    let found = changes.iter().filter_map(|(name, list)| Some((name, name.strip_prefix(prefix)?, list)));
    let read = found.map(|(name, field, list)| match list {
        Value::Array(items) => Ok((name.as_str(), field, items.as_slice())),
        _ => Err(StrategicError::BadDirective(name.clone())),
    });
    read.collect()
}

/// Carries out `$retainKeys`, or notes it in the patch.
fn retain(out: &mut Map<String, Value>, changes: &Map<String, Value>, onto: Onto) -> Result<(), StrategicError> {
    let Some(keys) = changes.get(RETAIN) else {
        return Ok(());
    };
    let bad = || StrategicError::BadDirective(RETAIN.to_owned());
    let kept = keys.as_array().ok_or_else(bad)?;
    if onto == Onto::Patch {
        let other = out.insert(RETAIN.to_owned(), keys.clone());
        return if other.is_none_or(|other| other == *keys) { Ok(()) } else { Err(bad()) };
    }
    let is_kept = |name: &str| kept.iter().any(|key| key == name);
    if changes.iter().any(|(name, value)| !is_directive(name) && !value.is_null() && !is_kept(name)) {
        return Err(bad());
    }
    out.retain(|name, _| is_kept(name));
    Ok(())
}

/// Merges a list whose order the patch states, and brings it into that order.
fn ordered(
    out: &mut Map<String, Value>,
    change: Option<&Vec<Value>>,
    (name, order): (&str, &[Value]),
    list: Option<Merged<'_>>,
    onto: Onto,
) -> Result<(), StrategicError> {
    let list = list.unwrap_or(Merged { key: None, items: None, retains_keys: false });
    let before = match out.get(name) {
        Some(Value::Array(items)) => Some(items.clone()),
        _ => None,
    };
    let known = before.as_deref().unwrap_or_default();
    let key = list.key_for([known, change.map_or(&[], Vec::as_slice)])?;
    let Some(change) = change else {
        if before.is_some() {
            out.insert(name.to_owned(), Value::Array(arrange(known.to_vec(), order, known, key)));
        }
        return Ok(());
    };
    let named: Vec<&Value> = change.iter().filter(|item| !is_deleted(item) && !is_marker(item)).collect();
    if !is_part(&named, order, key) {
        let list = Value::Array(change.clone()).to_string();
        return Err(StrategicError::Order { list, order: Value::Array(order.to_vec()).to_string() });
    }
    let merged = items(known.to_vec(), change, list, onto)?;
    let before = refilled(known, change, key);
    out.insert(name.to_owned(), Value::Array(arrange(merged, order, &before, key)));
    Ok(())
}

/// The order of a list before it was merged, as Kubernetes knows it: new items have stepped into the places of deleted ones.
fn refilled(before: &[Value], change: &[Value], key: Option<&str>) -> Vec<Value> {
    let Some(key) = key else {
        return before.to_vec();
    };
    let known = |item: &Value| Scalar(item.get(key).cloned().unwrap_or_default());
    let gone: BTreeSet<Scalar> = change.iter().filter(|item| is_deleted(item)).map(known).collect();
    let mut out: Vec<Value> = before.iter().filter(|item| !gone.contains(&known(item))).cloned().collect();
    let left: BTreeSet<Scalar> = out.iter().map(known).collect();
    let free = before.len() - out.len();
    let new = change.iter().filter(|item| item.get(DIRECTIVE).is_none() && !left.contains(&known(item)));
    out.extend(new.take(free).cloned());
    out
}

fn field(old: Option<Value>, change: &Value, node: Option<Node<'_>>, onto: Onto) -> Result<Option<Value>, StrategicError> {
    Ok(match (old, change) {
        (Some(Value::Object(_)), Value::Object(_)) if node.is_some_and(Node::patch_replaces) => Some(change.clone()),
        (Some(Value::Object(old)), Value::Object(change)) => Some(Value::Object(object(old, change, node, onto)?)),
        (Some(Value::Array(old)), Value::Array(change)) => match merges(node) {
            Some(list) => Some(Value::Array(items(old, change, list, onto)?)),
            None => taken(&Value::Array(change.clone()), onto),
        },
        _ => clean(change, onto),
    })
}

/// Merges the items of two lists.
fn items(old: Vec<Value>, change: &[Value], list: Merged<'_>, onto: Onto) -> Result<Vec<Value>, StrategicError> {
    let Some(key) = list.key_for([&old, change])? else {
        let mut seen: BTreeSet<Scalar> = BTreeSet::new();
        let both = old.iter().chain(change).filter(|item| seen.insert(Scalar((*item).clone()))).cloned();
        return Ok(arrange(both.collect(), change, &old, None));
    };
    let mut replaced = false;
    let mut gone = BTreeSet::new();
    let mut kept: Vec<&Value> = Vec::new();
    for item in change {
        match item.get(DIRECTIVE) {
            None => kept.push(item),
            Some(directive) if directive == "delete" => {
                gone.insert(Scalar(identity(item, Some(key))?.clone()));
            }
            Some(directive) if directive == "replace" => replaced = true,
            Some(other) => return Err(StrategicError::UnknownDirective(other.to_string())),
        }
    }
    if replaced {
        return Ok(kept.into_iter().filter_map(|item| taken(item, onto)).collect());
    }
    let before: Vec<Value> =
        old.into_iter().filter(|item| item.get(key).is_none_or(|value| !gone.contains(&Scalar(value.clone())))).collect();
    let mut merged = before.clone();
    let mut places: BTreeMap<Scalar, usize> = BTreeMap::new();
    for (index, item) in merged.iter().enumerate() {
        places.entry(Scalar(item.get(key).cloned().unwrap_or_default())).or_insert(index);
    }
    for item in &kept {
        let value = Scalar(identity(item, Some(key))?.clone());
        match (places.get(&value), item) {
            (Some(index), Value::Object(change)) => {
                let old = merged[*index].as_object().cloned().unwrap_or_default();
                merged[*index] = Value::Object(object(old, change, list.items, onto)?);
            }
            _ => {
                places.insert(value, merged.len());
                merged.extend(taken(item, onto));
            }
        }
    }
    let order: Vec<Value> = kept.into_iter().cloned().collect();
    Ok(arrange(merged, &order, &before, Some(key)))
}

/// An item that holds nothing but its directive says something of the whole list.
fn is_marker(item: &Value) -> bool {
    item.as_object().is_some_and(|fields| fields.len() == 1 && fields.contains_key(DIRECTIVE))
}

/// What a patch puts into a list, or instead of one that is not merged: Kubernetes does not look into it, so that directives in it become fields, of which
/// it complains later.
fn taken(value: &Value, onto: Onto) -> Option<Value> {
    if onto == Onto::Object { Some(value.clone()) } else { clean(value, onto) }
}

/// What a patch adds where nothing was: nothing that is marked as deleted, and in an object no nulls and nothing with any mark. Other directives stay there as
/// fields.
fn clean(value: &Value, onto: Onto) -> Option<Value> {
    if is_deleted(value) || onto == Onto::Object && value.get(DIRECTIVE).is_some() {
        return None;
    }
    Some(match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, value)| onto == Onto::Patch || !value.is_null());
            Value::Object(kept.filter_map(|(name, value)| Some((name.clone(), clean(value, onto)?))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().filter(|item| !is_marker(item)).filter_map(|item| clean(item, onto)).collect()),
        other => other.clone(),
    })
}

/// A value as Go prints its maps and lists.
pub(super) fn go_text(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(go_text).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            format!("map[{}]", fields.iter().map(|(name, value)| format!("{name}:{}", go_text(value))).collect::<Vec<_>>().join(" "))
        }
        other => other.to_string(),
    }
}
