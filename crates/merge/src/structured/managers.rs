//! Who set which fields, and what an apply or an update makes of it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::{compare, to_set};
use super::path::Step;
use super::set::FieldSet;
use super::types::Type;
use super::values::{MergeError, merge, remove, validate};

/// Whether a manager applies (and so prunes what it no longer sets) or updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Server-side apply.
    Apply,
    /// Every other write.
    Update,
}

/// The identity of a manager: one program may be several, by operation, version and subresource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Manager {
    /// What it calls itself.
    pub name: String,
    /// Apply or update.
    pub operation: Operation,
    /// The version in which it wrote; for appliers it is no part of the identity, and empty.
    pub api_version: String,
    /// Through which subresource; empty: the object itself.
    pub subresource: String,
}

/// Each manager's fields.
pub type Owners = BTreeMap<Manager, FieldSet>;

/// What an apply made.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The new object.
    pub object: Value,
    /// Who owns what now.
    pub owners: Owners,
}

/// Why an apply was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ApplyError {
    /// Others own fields that it would change.
    #[error("conflicts with {} managers", .0.len())]
    Conflicts(Owners),
    /// What was applied does not fit the schema.
    #[error(transparent)]
    Invalid(#[from] MergeError),
}

/// Applies `config` to `live` for a manager: sets what it sets, removes what the manager set before and nobody else does. With `force` it takes
/// over the fields of others that differ; without, they are conflicts.
///
/// # Errors
/// Conflicts, or a config that does not fit the schema.
pub fn apply(
    live: &Value,
    config: &Value,
    of: Type<'_>,
    owners: &Owners,
    manager: &Manager,
    ignored: &FieldSet,
    force: bool,
) -> Result<Applied, ApplyError> {
    validate(config, of)?;
    let merged = merge(live, config, of);
    let set = to_set(config, of).recursive_difference(ignored);
    let mut owners = owners.clone();
    let before = owners.remove(manager);
    let object = match &before {
        Some(before) => prune(&merged, before, &set, &owners, of),
        None => merged,
    };
    let comparison = compare(live, &object, of);
    let touched = comparison.added.union(&comparison.modified);
    let mut conflicts = Owners::new();
    for (other, theirs) in &owners {
        let conflict = theirs.intersection(&touched);
        if !conflict.is_empty() {
            conflicts.insert(other.clone(), conflict);
        }
    }
    if !conflicts.is_empty() && !force {
        return Err(ApplyError::Conflicts(conflicts));
    }
    for (other, conflict) in &conflicts {
        if let Some(theirs) = owners.get_mut(other) {
            *theirs = theirs.difference(conflict);
        }
    }
    forget(&mut owners, &comparison.removed);
    owners.insert(manager.clone(), set);
    owners.retain(|_, set| !set.is_empty());
    Ok(Applied { object, owners })
}

/// What an update from `live` to `new` makes of the owners: the manager owns what it changed, and nobody owns what is gone.
#[must_use]
pub fn update(live: &Value, new: &Value, of: Type<'_>, owners: &Owners, manager: &Manager, ignored: &FieldSet) -> Owners {
    let comparison = compare(live, new, of);
    let touched = comparison.added.union(&comparison.modified);
    let mut owners = owners.clone();
    let mine = owners.remove(manager).unwrap_or_default();
    for theirs in owners.values_mut() {
        *theirs = theirs.difference(&touched.recursive_difference(ignored));
    }
    forget(&mut owners, &comparison.removed);
    let mine = mine.recursive_difference(&comparison.removed).union(&touched).recursive_difference(ignored);
    if !mine.is_empty() {
        owners.insert(manager.clone(), mine);
    }
    owners.retain(|_, set| !set.is_empty());
    owners
}

fn forget(owners: &mut Owners, removed: &FieldSet) {
    for theirs in owners.values_mut() {
        *theirs = theirs.recursive_difference(removed);
    }
}

/// Removes what the manager set before, sets no longer, and nobody else set; an item or object goes only when nothing of it is left to anybody.
fn prune(merged: &Value, before: &FieldSet, now: &FieldSet, others: &Owners, of: Type<'_>) -> Value {
    let mut gone = before.difference(now);
    for theirs in others.values() {
        gone = gone.difference(theirs);
    }
    if gone.is_empty() {
        return merged.clone();
    }
    let kept = to_set(merged, of).difference(&gone);
    let owned = others.values().fold(now.clone(), |owned, theirs| owned.union(theirs));
    remove(merged, &lone(&gone, &kept, &owned), of)
}

/// The members of `gone` below which nothing is kept. An item of a list goes with what nobody owns in it (defaults, mostly): without its keys it
/// would be no item.
fn lone(gone: &FieldSet, kept: &FieldSet, owned: &FieldSet) -> FieldSet {
    let nothing = FieldSet::default();
    let mut out = FieldSet::default();
    for (step, member, below) in gone.steps() {
        let owned = owned.below(step).unwrap_or(&nothing);
        let item = !matches!(step, Step::Field(_));
        let left = kept.below(step).filter(|left| !(left.is_empty() || item && member && owned.is_empty()));
        match left {
            None if member => out.insert(step.clone()),
            _ => {
                if let Some(below) = below {
                    out.place(step.clone(), lone(below, left.unwrap_or(&nothing), owned));
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_item_that_is_applied_no_longer_goes_with_its_defaults() {
        let service = fiel_schema::Registry::builtin().kind("", "v1", "Service").expect("a kind of Kubernetes");
        let of = Type::new(service.schema());
        let manager = Manager { name: "m".into(), operation: Operation::Apply, api_version: String::new(), subresource: String::new() };
        let config = |port: u16| json!({"spec": {"ports": [{"port": port}]}});
        let none = FieldSet::default();
        let first = apply(&json!({}), &config(80), of, &Owners::new(), &manager, &none, false).expect("nothing is in the way");
        let live = json!({"spec": {"ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}]}});
        let second = apply(&live, &config(8080), of, &first.owners, &manager, &none, false).expect("nothing is in the way");
        assert_eq!(second.object, config(8080));
    }
}
