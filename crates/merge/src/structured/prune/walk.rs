//! Pruning where all owners wrote in one version: one walk over the object, with the same outcome as by way of versions (a test looks).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::structured::fields::with_named;
use crate::structured::path::Step;
use crate::structured::set::{Entry, FieldSet};
use crate::structured::types::{Shape, Type};

/// `merged` without what the manager owned `before` and is not among what anybody owns `now`.
pub(super) fn prune(merged: &Value, before: &FieldSet, now: &FieldSet, of: Type<'_>) -> Value {
    let (last, managed) = (with_named(before, Some(of)), with_named(now, Some(of)));
    walk(merged, &last, &managed, of, Region { inside: false, fallen: false })
}

fn walk(value: &Value, last: &FieldSet, managed: &FieldSet, of: Type<'_>, at: Region) -> Value {
    match (of.shape(Some(value)), value) {
        (Shape::Object(object), Value::Object(fields)) if !object.atomic && !fields.is_empty() => {
            let mut out = Map::new();
            for (name, value) in fields {
                let child = object.child(name).unwrap_or(Type::ATOMIC);
                let entries = (last.field(name), managed.field(name));
                let kept = part(value, entries, child, object.names(name), at);
                out.extend(kept.map(|kept| (name.clone(), kept)));
            }
            if out.is_empty() { Value::Null } else { Value::Object(out) }
        }
        (Shape::List(list), Value::Array(items)) if !list.is_atomic() && !items.is_empty() => {
            let steps = list.steps(items);
            let mut seen = BTreeSet::new();
            let twice: BTreeSet<&Step> = steps.iter().map(|(step, _)| step).filter(|step| !seen.insert(*step)).collect();
            let kept = steps.iter().filter_map(|(step, item)| {
                // Of what is there twice, no parts are known.
                let of = if twice.contains(step) { Type::ATOMIC } else { list.items };
                part(item, (last.entry(step), managed.entry(step)), of, false, at)
            });
            let out: Vec<Value> = kept.collect();
            if out.is_empty() { Value::Null } else { Value::Array(out) }
        }
        _ => value.clone(),
    }
}

/// Where the walk is.
#[derive(Clone, Copy)]
struct Region {
    /// Below something that the manager owned: what is not owned falls with it, though it is not removed.
    inside: bool,
    /// Below something that fell: what the manager owned is removed even if others own it.
    fallen: bool,
}

/// What is left of a part; `named`: the schema names the field.
fn part(value: &Value, (last, managed): (Option<&Entry>, Option<&Entry>), of: Type<'_>, named: bool, at: Region) -> Option<Value> {
    let Some(last) = last else {
        return Some(value.clone());
    };
    let is_managed = managed.is_some_and(|entry| entry.member) && !at.fallen;
    if last.member && !is_managed && !(named && is_void(value, of)) {
        return None;
    }
    let at = Region { inside: at.inside || last.member, fallen: at.fallen || (at.inside && !last.member && !is_managed) };
    let nothing = FieldSet::default();
    Some(if last.below.is_empty() {
        value.clone()
    } else {
        walk(value, &last.below, managed.map_or(&nothing, |entry| &entry.below), of, at)
    })
}

/// Whether a named field holds nothing that could be owned, such as a list without items: nobody owns it, and nobody removes it.
fn is_void(value: &Value, of: Type<'_>) -> bool {
    match (of.shape(Some(value)), value) {
        (Shape::Object(object), Value::Object(fields)) if !object.atomic && !fields.is_empty() => {
            fields.iter().all(|(name, value)| object.names(name) && object.child(name).is_some_and(|of| is_void(value, of)))
        }
        (Shape::List(list), Value::Array(items)) => !list.is_atomic() && items.is_empty(),
        _ => false,
    }
}
