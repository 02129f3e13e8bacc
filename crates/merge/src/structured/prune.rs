//! Removing what a manager applied before and applies no longer.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::{to_set, with_named};
use super::kind::{ConvertError, Kind};
use super::owners::{Owned, Owners};
use super::remove::remove;
use super::set::FieldSet;

/// An object in some version, before and after fields were removed.
struct Pruning<'a> {
    version: &'a str,
    merged: Value,
    pruned: Value,
}

/// `merged` without what the manager owned `before`, nobody (the manager included) owns now, and no one else would miss.
pub(super) fn prune<M: Ord>(
    kind: &impl Kind,
    merged: Value,
    version: &str,
    before: &Owned,
    owners: &Owners<M>,
    manager: &M,
) -> Result<Value, ConvertError> {
    let now = owners.get(manager).map(|owned| &owned.fields);
    // Whoever applies at least the same fields again, as most do most of the time, removes nothing.
    if before.fields.is_empty() || (before.version == version && now.is_some_and(|now| before.fields.is_subset(now))) {
        return Ok(merged);
    }
    let converted = match kind.convert(&merged, version, &before.version) {
        Ok(converted) => converted.into_owned(),
        Err(ConvertError::NoVersion(_)) => return Ok(merged),
        Err(error) => return Err(error),
    };
    let of = kind.of(&before.version);
    let last = with_named(&before.fields, Some(of));
    let pruned = remove(&converted, &last, of);
    let mut pruning = Pruning { version: &before.version, merged: converted.clone(), pruned };
    let mut managed: BTreeMap<&str, FieldSet> = BTreeMap::new();
    for owned in owners.values() {
        let fields = managed.entry(&owned.version).or_default();
        *fields = fields.union(&owned.fields);
    }
    // The version of before comes first: conversion may need fields that others own in it.
    if let Some(fields) = managed.remove(before.version.as_str()) {
        pruning = pruning.add_back(kind, &before.version, &fields)?;
    }
    for (other, fields) in managed {
        pruning = pruning.add_back(kind, other, &fields)?;
    }
    // What the manager never applied is not its to remove, even if it fell with something that was.
    let pruned = match kind.convert(&pruning.pruned, pruning.version, &before.version) {
        Ok(pruned) => pruned,
        Err(ConvertError::NoVersion(_)) => return Ok(merged),
        Err(error) => return Err(error),
    };
    let left = with_named(&to_set(&pruned, of), Some(of));
    let all = with_named(&to_set(&converted, of), Some(of));
    let kept = remove(&converted, &all.difference(&left).intersection(&last), of);
    Ok(kind.convert(&kept, &before.version, version)?.into_owned())
}

impl<'a> Pruning<'a> {
    /// Puts back what managers own in a version.
    fn add_back(self, kind: &impl Kind, version: &'a str, managed: &FieldSet) -> Result<Self, ConvertError> {
        let both = kind.convert(&self.merged, self.version, version);
        let both = both.and_then(|merged| Ok((merged.into_owned(), kind.convert(&self.pruned, self.version, version)?.into_owned())));
        let (merged, pruned) = match both {
            Ok(both) => both,
            Err(ConvertError::NoVersion(_)) => return Ok(self),
            Err(error) => return Err(error),
        };
        let of = kind.of(version);
        let named = |set: &FieldSet| with_named(set, Some(of));
        let (all, left) = (named(&to_set(&merged, of)), named(&to_set(&pruned, of)));
        let gone = all.difference(&left.union(&named(managed)));
        Ok(Self { version, pruned: remove(&merged, &gone, of), merged })
    }
}
