//! Strategic merge patches: JSON merge patches that know which lists have keys, as apimachinery of Kubernetes 1.36 applies them.

use fiel_schema::Node;
use serde_json::{Map, Value};

/// Why a patch cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StrategicError {
    /// An item of a keyed list lacks its key.
    #[error("map: {item} does not contain declared merge key: {key}")]
    MissingKey {
        /// The item.
        item: String,
        /// The key that it lacks.
        key: String,
    },
    /// `$patch` names no strategy.
    #[error("unknown patch type found: {0}")]
    UnknownDirective(String),
    /// `$retainKeys` or an order directive is no list.
    #[error("invalid patch format of {0}")]
    BadDirective(String),
}

const DIRECTIVE: &str = "$patch";
const RETAIN: &str = "$retainKeys";
const ORDER: &str = "$setElementOrder/";
const DELETE: &str = "$deleteFromPrimitiveList/";

/// Lays a patch over an object of a type; without a schema, lists are replaced.
///
/// # Errors
/// A directive that is none, or an item without its merge key.
pub fn patch(original: &Value, patch: &Value, schema: Option<Node<'_>>) -> Result<Value, StrategicError> {
    match (original, patch) {
        (Value::Object(original), Value::Object(patch)) => object(original, patch, schema),
        (_, Value::Object(patch)) => object(&Map::new(), patch, schema),
        _ => Ok(patch.clone()),
    }
}

fn object(original: &Map<String, Value>, changes: &Map<String, Value>, schema: Option<Node<'_>>) -> Result<Value, StrategicError> {
    match changes.get(DIRECTIVE).and_then(Value::as_str) {
        Some("replace") => return Ok(Value::Object(without_directives(changes))),
        Some("delete") => return Ok(Value::Object(Map::new())),
        Some("merge") | None => {}
        Some(other) => return Err(StrategicError::UnknownDirective(other.to_owned())),
    }
    let mut out = original.clone();
    if let Some(keys) = changes.get(RETAIN) {
        let keys = keys.as_array().ok_or_else(|| StrategicError::BadDirective(RETAIN.to_owned()))?;
        out.retain(|name, _| keys.iter().any(|key| key == name));
    }
    for (name, gone) in changes.iter().filter_map(|(name, gone)| Some((name.strip_prefix(DELETE)?, gone))) {
        let gone = gone.as_array().ok_or_else(|| StrategicError::BadDirective(format!("{DELETE}{name}")))?;
        if let Some(Value::Array(items)) = out.get_mut(name) {
            items.retain(|item| !gone.contains(item));
        }
    }
    for (name, change) in changes.iter().filter(|(name, _)| !name.starts_with('$')) {
        if change.is_null() {
            out.remove(name);
            continue;
        }
        let inner = schema.and_then(|node| node.child(name));
        let merged = match (out.get(name), change) {
            (_, Value::Object(_)) if inner.is_some_and(Node::patch_replaces) => change.clone(),
            (Some(old @ Value::Object(_)), Value::Object(_)) => patch(old, change, inner)?,
            (_, Value::Object(change)) => object(&Map::new(), change, inner)?,
            (old, Value::Array(change)) => {
                let old = old.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                Value::Array(list(old, change, inner)?)
            }
            _ => change.clone(),
        };
        out.insert(name.clone(), merged);
    }
    for (name, order) in changes.iter().filter_map(|(name, order)| Some((name.strip_prefix(ORDER)?, order))) {
        let order = order.as_array().ok_or_else(|| StrategicError::BadDirective(format!("{ORDER}{name}")))?;
        let key = schema.and_then(|node| node.child(name)).and_then(Node::patch_merge_key);
        if let Some(Value::Array(items)) = out.get_mut(name) {
            sort(items, order, key);
        }
    }
    Ok(Value::Object(out))
}

fn list(old: &[Value], change: &[Value], node: Option<Node<'_>>) -> Result<Vec<Value>, StrategicError> {
    let Some(node) = node.filter(|node| node.patch_merges()) else {
        return Ok(change.iter().filter(|item| !is_marker(item)).cloned().collect());
    };
    let Some(key) = node.patch_merge_key() else {
        let mut out = old.to_vec();
        for item in change {
            if !out.contains(item) {
                out.push(item.clone());
            }
        }
        return Ok(out);
    };
    if change.iter().any(|item| item[DIRECTIVE] == "replace") {
        let kept = change.iter().filter(|item| !is_marker(item));
        return Ok(kept.map(stripped).collect());
    }
    let mut out = old.to_vec();
    for item in change {
        let missing = || StrategicError::MissingKey { item: item.to_string(), key: key.to_owned() };
        let value = item.get(key).ok_or_else(missing)?;
        let place = out.iter().position(|old| old.get(key) == Some(value));
        if item[DIRECTIVE] == "delete" {
            out.retain(|old| old.get(key) != Some(value));
        } else if let Some(place) = place {
            out[place] = patch(&out[place], item, node.items())?;
        } else {
            out.push(patch(&Value::Object(Map::new()), item, node.items())?);
        }
    }
    Ok(out)
}

/// An item that holds nothing but its directive says something of the whole list.
fn is_marker(item: &Value) -> bool {
    item.as_object().is_some_and(|fields| fields.len() == 1 && fields.contains_key(DIRECTIVE))
}

fn stripped(item: &Value) -> Value {
    match item {
        Value::Object(fields) => Value::Object(without_directives(fields)),
        other => other.clone(),
    }
}

fn without_directives(fields: &Map<String, Value>) -> Map<String, Value> {
    let kept = fields.iter().filter(|(name, _)| !name.starts_with('$'));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Puts the items that `order` names into that order; the others keep their place relative to the ones before them.
fn sort(items: &mut Vec<Value>, order: &[Value], key: Option<&str>) {
    let identity = |item: &Value| key.map_or_else(|| item.clone(), |key| item[key].clone());
    let wanted: Vec<Value> = order.iter().map(identity).collect();
    let rank = |item: &Value| wanted.iter().position(|one| *one == identity(item));
    let mut named: Vec<Value> = items.iter().filter(|item| rank(item).is_some()).cloned().collect();
    named.sort_by_key(|item| rank(item));
    let mut named = named.into_iter().peekable();
    let mut out = Vec::with_capacity(items.len());
    // Live's own items stay in front of the named ones that followed them.
    for item in items.drain(..) {
        match rank(&item) {
            None => out.push(item),
            Some(_) => out.extend(named.next()),
        }
    }
    out.extend(named);
    *items = out;
}
