//! Fields that were noted when the schema was another.

use super::path::Step;
use super::set::FieldSet;
use super::types::{Atom, Type};

/// Brings a set in line with a schema that has changed since it was noted: what is atomic now is one field, whatever was noted below it. What was
/// atomic and is none any more stays one field, the object or list itself. None when there is nothing to change.
#[must_use]
pub fn reconcile(set: &FieldSet, of: Type<'_>) -> Option<FieldSet> {
    // Where the value itself says what it is, nothing can have been granular that is atomic now.
    if of.is_deduced() {
        return None;
    }
    let mut atomic = FieldSet::default();
    visit(set, of.atom(), &mut Vec::new(), &mut atomic);
    (!atomic.is_empty()).then(|| set.recursive_difference(&atomic).union(&atomic))
}

/// Finds the places that are atomic, but of which the set has parts.
fn visit<'a>(set: &'a FieldSet, atom: Atom<'_>, path: &mut Vec<&'a Step>, atomic: &mut FieldSet) {
    let is_atomic = match (atom.object, atom.scalar, atom.list) {
        (Some(object), _, _) => object.atomic,
        (None, None, Some(list)) => list.is_atomic(),
        _ => return,
    };
    if is_atomic {
        // An object of which nothing was noted says nothing of its form.
        if atom.object.is_none() || !set.is_empty() {
            atomic.insert_path(&path.iter().map(|step| (*step).clone()).collect::<Vec<_>>());
        }
        return;
    }
    // Of a place with nothing below it all is noted, whatever it is.
    for entry in set.entries().iter().filter(|entry| !entry.below.is_empty()) {
        let child = match (atom.object, atom.list, &entry.step) {
            (Some(object), _, Step::Field(name)) => object.child(name).map(Type::atom),
            (None, Some(list), _) => Some(list.items.atom()),
            _ => None,
        };
        if let Some(child) = child {
            path.push(&entry.step);
            visit(&entry.below, child, path, atomic);
            path.pop();
        }
    }
}
