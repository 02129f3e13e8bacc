//! Pruning where owners wrote in several versions: what each of them owns is looked for in its own.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::structured::fields::{to_set, with_named};
use crate::structured::kind::{ConvertError, Kind};
use crate::structured::owners::{Owned, Owners};
use crate::structured::remove::remove;
use crate::structured::set::FieldSet;

/// An object in some version, before and after fields were removed.
struct Pruning<'a> {
    version: &'a str,
    merged: Cow<'a, Value>,
    /// The fields of `merged`.
    all: FieldSet,
    pruned: Value,
}

/// `merged`, which is in `version`, without what the manager owned `before` and nobody owns now.
pub(super) fn prune<M: Ord>(
    kind: &impl Kind,
    merged: Value,
    version: &str,
    before: &Owned,
    owners: &Owners<M>,
) -> Result<Value, ConvertError> {
    let converted = match converted(kind, &merged, version, &before.version) {
        Ok(converted) => converted,
        Err(ConvertError::NoVersion(_)) => return Ok(merged),
        Err(error) => return Err(error),
    };
    let of = kind.of(&before.version);
    let last = with_named(&before.fields, Some(of));
    let all = named_fields(kind, &converted, &before.version);
    let pruned = remove(&converted, &last, of);
    let mut pruning = Pruning { version: &before.version, merged: Cow::Borrowed(&converted), all: all.clone(), pruned };
    let mut managed: BTreeMap<&str, FieldSet> = BTreeMap::new();
    for owned in owners.values() {
        managed.entry(&owned.version).or_default().extend(&owned.fields);
    }
    // The version of before comes first: conversion may need fields that others own in it.
    if let Some(fields) = managed.remove(before.version.as_str()) {
        pruning = pruning.add_back(kind, &fields);
    }
    for (other, fields) in managed {
        pruning = match pruning.convert(kind, other) {
            Ok(pruning) => pruning.add_back(kind, &fields),
            Err((pruning, ConvertError::NoVersion(_))) => *pruning,
            Err((_, error)) => return Err(error),
        };
    }
    // What the manager never applied is not its to remove, even if it fell with something that was.
    let left = match self::converted(kind, &pruning.pruned, pruning.version, &before.version) {
        Ok(pruned) => named_fields(kind, &pruned, &before.version),
        Err(ConvertError::NoVersion(_)) => return Ok(merged),
        Err(error) => return Err(error),
    };
    let kept = remove(&converted, &all.difference(&left).intersection(&last), of);
    Ok(self::converted(kind, &kept, &before.version, version)?.into_owned())
}

fn named_fields(kind: &impl Kind, value: &Value, version: &str) -> FieldSet {
    let of = kind.of(version);
    with_named(&to_set(value, of), Some(of))
}

fn converted<'v>(kind: &impl Kind, value: &'v Value, from: &str, to: &str) -> Result<Cow<'v, Value>, ConvertError> {
    if from == to { Ok(Cow::Borrowed(value)) } else { kind.convert(value, from, to) }
}

impl<'a> Pruning<'a> {
    /// The same in another version, or as it was if there is none.
    fn convert(self, kind: &impl Kind, version: &'a str) -> Result<Self, (Box<Self>, ConvertError)> {
        let both = converted(kind, &self.merged, self.version, version);
        let both = both.and_then(|merged| Ok((merged.into_owned(), converted(kind, &self.pruned, self.version, version)?.into_owned())));
        match both {
            Ok((merged, pruned)) => Ok(Self { version, all: named_fields(kind, &merged, version), merged: Cow::Owned(merged), pruned }),
            Err(error) => Err((Box::new(self), error)),
        }
    }

    /// Puts back what managers own in this version.
    fn add_back(self, kind: &impl Kind, managed: &FieldSet) -> Self {
        let of = kind.of(self.version);
        let left = named_fields(kind, &self.pruned, self.version);
        let gone = self.all.difference(&left).difference(&with_named(managed, Some(of)));
        Self { pruned: remove(&self.merged, &gone, of), ..self }
    }
}
