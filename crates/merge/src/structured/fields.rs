//! Which fields a value sets, and how two values differ.

use std::collections::BTreeMap;

use serde_json::Value;

use super::path::Step;
use super::set::FieldSet;
use super::types::{Shape, Type, items};

/// The fields that a value sets: every leaf, every item of a keyed list, every entry of a free-form map.
#[must_use]
pub fn to_set(value: &Value, of: Type<'_>) -> FieldSet {
    let mut out = FieldSet::default();
    fill(value, of, &mut out);
    out
}

/// Fills `out` with what is below a value; says whether the value itself is a leaf.
fn fill(value: &Value, of: Type<'_>, out: &mut FieldSet) -> bool {
    match (of.shape(value), value) {
        (Shape::Map, Value::Object(fields)) => {
            for (name, value) in fields {
                let (inner, declared) = of.field(name);
                let mut below = FieldSet::default();
                let leaf = fill(value, inner, &mut below);
                let step = Step::Field(name.clone());
                let empty = value.as_object().is_some_and(serde_json::Map::is_empty);
                if leaf || empty || !declared {
                    out.insert(step.clone());
                }
                out.place(step, below);
            }
            false
        }
        (shape @ (Shape::Set | Shape::Keyed(_)), Value::Array(list)) => {
            for (step, item) in items(&shape, list) {
                let mut below = FieldSet::default();
                if matches!(shape, Shape::Keyed(_)) {
                    fill(item, of.item(), &mut below);
                }
                out.insert(step.clone());
                out.place(step, below);
            }
            false
        }
        _ => true,
    }
}

/// How one value became another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Only in the new one.
    pub added: FieldSet,
    /// In both, with different values.
    pub modified: FieldSet,
    /// Only in the old one.
    pub removed: FieldSet,
}

impl Comparison {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.added.is_empty() && self.modified.is_empty() && self.removed.is_empty()
    }
}

/// Compares two values of a type.
#[must_use]
pub fn compare(old: &Value, new: &Value, of: Type<'_>) -> Comparison {
    let mut out = Comparison::default();
    differ(Some(old), Some(new), of, &mut out);
    out
}

/// Fills `out` with what differs below; says whether the values themselves, as leaves, differ.
fn differ(old: Option<&Value>, new: Option<&Value>, of: Type<'_>, out: &mut Comparison) -> bool {
    let Some(sample) = new.or(old) else {
        return false;
    };
    let same_form = match (old, new) {
        (Some(old), Some(new)) => std::mem::discriminant(old) == std::mem::discriminant(new),
        _ => true,
    };
    let children = |shape: &Shape<'_>, value: Option<&Value>| -> Vec<(Step, Value)> {
        match (shape, value) {
            (Shape::Map, Some(Value::Object(fields))) => {
                fields.iter().map(|(name, value)| (Step::Field(name.clone()), value.clone())).collect()
            }
            (Shape::Set | Shape::Keyed(_), Some(Value::Array(list))) => {
                items(shape, list).into_iter().map(|(step, item)| (step, item.clone())).collect()
            }
            _ => Vec::new(),
        }
    };
    let shape = of.shape(sample);
    if matches!(shape, Shape::Leaf) || !same_form {
        if !same_form {
            // What had parts loses or gains them all.
            for (value, old_side) in [(old, true), (new, false)] {
                if let Some(value) = value {
                    let shape = of.shape(value);
                    for (step, child) in children(&shape, Some(value)) {
                        let inner = inner_type(of, &step);
                        let (was, is) = if old_side { (Some(&child), None) } else { (None, Some(&child)) };
                        descend(step, was, is, inner, out);
                    }
                }
            }
        }
        return old != new;
    }
    let mut pairs: BTreeMap<Step, (Option<Value>, Option<Value>)> = BTreeMap::new();
    for (step, child) in children(&shape, old) {
        pairs.entry(step).or_default().0.get_or_insert(child);
    }
    for (step, child) in children(&shape, new) {
        pairs.entry(step).or_default().1.get_or_insert(child);
    }
    for (step, (was, is)) in pairs {
        let inner = inner_type(of, &step);
        descend(step, was.as_ref(), is.as_ref(), inner, out);
    }
    false
}

fn inner_type<'a>(of: Type<'a>, step: &Step) -> Type<'a> {
    match step {
        Step::Field(name) => of.field(name).0,
        Step::Value(_) => Type::Atomic,
        Step::Key(_) | Step::Index(_) => of.item(),
    }
}

fn descend(step: Step, old: Option<&Value>, new: Option<&Value>, of: Type<'_>, out: &mut Comparison) {
    if old == new {
        return;
    }
    let mut below = Comparison::default();
    let differs = differ(old, new, of, &mut below);
    match (old, new) {
        (None, Some(_)) => out.added.insert(step.clone()),
        (Some(_), None) => out.removed.insert(step.clone()),
        _ if differs => out.modified.insert(step.clone()),
        _ => {}
    }
    out.added.place(step.clone(), below.added);
    out.modified.place(step.clone(), below.modified);
    out.removed.place(step, below.removed);
}
