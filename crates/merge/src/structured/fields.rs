//! Which fields a value sets.

use std::collections::BTreeSet;

use serde_json::Value;

use super::path::Step;
use super::set::FieldSet;
use super::types::{Shape, Type};

/// The fields that a value sets: every leaf, every item of a list whose items are told apart, every entry of a free-form map.
///
/// ```
/// use fiel_merge::structured::{Type, to_set};
/// use serde_json::json;
/// assert_eq!(to_set(&json!({"spec": {"paused": true}}), Type::DEDUCED).paths(), [".spec", ".spec.paused"]);
/// ```
#[must_use]
pub fn to_set(value: &Value, of: Type<'_>) -> FieldSet {
    fill(value, of).1
}

/// Whether a value is a leaf, and what is set below it.
fn fill(value: &Value, of: Type<'_>) -> (bool, FieldSet) {
    let mut out = FieldSet::default();
    match (of.shape(Some(value)), value) {
        (Shape::Object(object), _) if object.atomic => return (true, out),
        (Shape::List(list), _) if list.is_atomic() => return (true, out),
        (Shape::Scalar(_), _) => return (true, out),
        (Shape::Object(object), Value::Object(fields)) => {
            for (name, value) in fields {
                let Some(child) = object.child(name) else {
                    // The schema does not know it: it counts as a whole.
                    out.push(Step::Field(name.as_str().into()), true, FieldSet::default());
                    continue;
                };
                let (leaf, below) = fill(value, child);
                let hollow = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
                out.push(Step::Field(name.as_str().into()), leaf || hollow || !object.names(name), below);
            }
        }
        (Shape::List(list), Value::Array(items)) => {
            let items = list.steps(items);
            let mut seen = BTreeSet::new();
            let twice: BTreeSet<&Step> = items.iter().map(|(step, _)| step).filter(|step| !seen.insert(*step)).collect();
            let below: Vec<FieldSet> = items
                .iter()
                // Which of two items with the same keys a field is of cannot be told.
                .map(|(step, item)| if twice.contains(step) { FieldSet::default() } else { fill(item, list.items).1 })
                .collect();
            for ((step, _), below) in items.into_iter().zip(below) {
                out.push(step, true, below);
            }
        }
        _ => {}
    }
    out.settle();
    (false, out)
}

/// The set with every named field below which something is: structs are removed as a whole if nothing of them is left.
pub(super) fn with_named(set: &FieldSet, of: Option<Type<'_>>) -> FieldSet {
    let atom = of.map(Type::atom).unwrap_or_default();
    let mut out = FieldSet::default();
    for entry in set.entries() {
        let (named, child) = match &entry.step {
            Step::Field(name) => match atom.object {
                Some(object) => (object.names(name), object.child(name)),
                None => (false, None),
            },
            Step::Key(_) => (false, atom.list.map(|list| list.items)),
            Step::Value(_) | Step::Index(_) => (false, None),
        };
        let below = if entry.below.is_empty() { FieldSet::default() } else { with_named(&entry.below, child) };
        out.push(entry.step.clone(), entry.member || (named && !below.is_empty()), below);
    }
    out
}
