//! Merging two values, and taking fields out of one.

use serde_json::{Map, Value};

use super::path::Step;
use super::set::FieldSet;
use super::types::{Shape, Type, items};

/// Why a value cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// The schema does not know the field.
    #[error("{0}: field not declared in schema")]
    UnknownField(String),
    /// Two items of a list have the same keys.
    #[error("{path}: duplicate entries for key {key}")]
    Duplicate {
        /// The list.
        path: String,
        /// The keys that they share.
        key: String,
    },
    /// An item of a list has none of its keys.
    #[error(
        "{path}: element {index}: associative list with keys has an element that omits key field \"{key}\" (and doesn't have default value)"
    )]
    MissingKey {
        /// The list.
        path: String,
        /// Which item.
        index: usize,
        /// The first key.
        key: String,
    },
}

/// Looks whether a value can be applied: only known fields, and lists whose items are told apart.
///
/// # Errors
/// The first field or item that cannot be.
pub fn validate(value: &Value, of: Type<'_>) -> Result<(), MergeError> {
    check(value, of, "")
}

fn check(value: &Value, of: Type<'_>, path: &str) -> Result<(), MergeError> {
    match (of.shape(value), value) {
        (Shape::Map, Value::Object(fields)) => {
            for (name, value) in fields {
                let path = format!("{path}.{name}");
                if !of.allows(name) {
                    return Err(MergeError::UnknownField(path));
                }
                check(value, of.field(name).0, &path)?;
            }
            Ok(())
        }
        (shape @ (Shape::Set | Shape::Keyed(_)), Value::Array(list)) => {
            let mut seen = std::collections::BTreeSet::new();
            for (index, (step, item)) in items(&shape, list).into_iter().enumerate() {
                if let (Step::Index(_), Shape::Keyed(node)) = (&step, &shape) {
                    let key = node.list_map_keys().next().unwrap_or_default().to_owned();
                    return Err(MergeError::MissingKey { path: path.to_owned(), index, key });
                }
                let shown = step.to_string();
                if !seen.insert(step) {
                    return Err(MergeError::Duplicate { path: path.to_owned(), key: shown });
                }
                if matches!(shape, Shape::Keyed(_)) {
                    check(item, of.item(), &format!("{path}{shown}"))?;
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Lays `config` over `live`: what config sets wins, what only live has stays, and lists keep live's own items in their places.
#[must_use]
pub fn merge(live: &Value, config: &Value, of: Type<'_>) -> Value {
    let shape = of.shape(config);
    match (&shape, live, config) {
        (Shape::Map, Value::Object(live), Value::Object(config)) => {
            let mut out = live.clone();
            for (name, value) in config {
                let merged = match live.get(name) {
                    Some(old) => merge(old, value, of.field(name).0),
                    None => value.clone(),
                };
                out.insert(name.clone(), merged);
            }
            Value::Object(out)
        }
        (Shape::Set | Shape::Keyed(_), Value::Array(live), Value::Array(config)) => {
            Value::Array(merge_lists(&items(&shape, live), &items(&shape, config), of))
        }
        _ => config.clone(),
    }
}

/// Items of both follow config's order; items that only live has stay where they are between them.
fn merge_lists(live: &[(Step, &Value)], config: &[(Step, &Value)], of: Type<'_>) -> Vec<Value> {
    let place = |list: &[(Step, &Value)]| -> std::collections::BTreeMap<Step, usize> {
        list.iter().enumerate().rev().map(|(index, (step, _))| (step.clone(), index)).collect()
    };
    let (in_live, in_config) = (place(live), place(config));
    let mut out = Vec::with_capacity(live.len().max(config.len()));
    let mut taken = vec![false; config.len()];
    let mut next = 0;
    let mut take = |index: usize, out: &mut Vec<Value>| {
        let (step, value) = &config[index];
        out.push(match in_live.get(step) {
            Some(old) if matches!(step, Step::Key(_)) => merge(live[*old].1, value, of.item()),
            _ => (*value).clone(),
        });
        taken[index] = true;
    };
    let mut at = 0;
    while at < live.len() || next < config.len() {
        let Some((step, item)) = live.get(at) else {
            take(next, &mut out);
            next += 1;
            continue;
        };
        match in_config.get(step) {
            None => {
                out.push((*item).clone());
                at += 1;
            }
            // It was taken already, in config's order.
            Some(index) if *index < next => at += 1,
            Some(index) => {
                // Between here and this item, is another one that live has too? Then this one comes later, in its turn.
                let earlier = config[next..*index].iter().any(|(step, _)| in_live.contains_key(step));
                if earlier {
                    at += 1;
                } else {
                    take(next, &mut out);
                    next += 1;
                }
            }
        }
    }
    out
}

/// The value without the fields of a set, each with all that is below it.
#[must_use]
pub fn remove(value: &Value, fields: &FieldSet, of: Type<'_>) -> Value {
    if fields.is_empty() {
        return value.clone();
    }
    let shape = of.shape(value);
    match (&shape, value) {
        (Shape::Map, Value::Object(object)) => {
            let mut out = Map::new();
            for (name, value) in object {
                let step = Step::Field(name.clone());
                if fields.has(&step) {
                    continue;
                }
                let kept = match fields.below(&step) {
                    Some(below) => remove(value, below, of.field(name).0),
                    None => value.clone(),
                };
                // An object or list that lost all its parts goes with them.
                let emptied = fields.below(&step).is_some() && is_hollow(&kept) && !is_hollow(value);
                out.insert(name.clone(), if emptied { Value::Null } else { kept });
                if emptied {
                    out.remove(name);
                }
            }
            Value::Object(out)
        }
        (Shape::Set | Shape::Keyed(_), Value::Array(list)) => {
            let kept = items(&shape, list).into_iter().filter(|(step, _)| !fields.has(step));
            Value::Array(
                kept.map(|(step, item)| match fields.below(&step) {
                    Some(below) => remove(item, below, of.item()),
                    None => item.clone(),
                })
                .collect(),
            )
        }
        _ => value.clone(),
    }
}

fn is_hollow(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
