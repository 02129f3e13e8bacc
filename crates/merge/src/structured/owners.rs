//! Who owns which fields, and what an apply or an update makes of it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::compare::{Comparison, compare};
use super::fields::to_set;
use super::kind::{ConvertError, Kind};
use super::merge::merge;
use super::prune::prune;
use super::reconcile::reconcile;
use super::set::FieldSet;
use super::validate::{Misfits, validate};

/// What one manager owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// The fields.
    pub fields: FieldSet,
    /// The version in which they have these names.
    pub version: String,
    /// Whether they were applied, and not updated.
    pub applied: bool,
}

/// Each manager's fields. What tells managers apart is the caller's: a name, or [`Manager`](super::Manager) in Kubernetes.
pub type Owners<M> = BTreeMap<M, Owned>;

/// What an apply made.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied<M> {
    /// The new object.
    pub object: Value,
    /// Who owns what now.
    pub owners: Owners<M>,
}

/// Why an apply was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ApplyError<M> {
    /// Others own fields that it would change: these.
    #[error("conflicts with {} managers", .0.len())]
    Conflicts(BTreeMap<M, FieldSet>),
    /// What was applied does not fit the schema.
    #[error(transparent)]
    Invalid(#[from] Misfits),
    /// The object does not exist in a version that a manager wrote in.
    #[error(transparent)]
    Convert(#[from] ConvertError),
}

/// Applies `config` to `live`, both in `version`: sets what config sets, removes what the manager applied before and nobody else owns. With `force`
/// it takes over the fields of others that differ; without, they are conflicts.
///
/// ```
/// use fiel_merge::structured::{Owners, Type, apply};
/// use serde_json::json;
/// let of = Type::DEDUCED;
/// let first = apply(&of, &json!({}), &json!({"color": "red", "size": 1}), "v1", &Owners::new(), &"ada", false).expect("nothing is in the way");
/// let second = apply(&of, &first.object, &json!({"color": "blue"}), "v1", &first.owners, &"bob", false);
/// assert_eq!(second.unwrap_err().to_string(), "conflicts with 1 managers");
/// let third = apply(&of, &first.object, &json!({"color": "red"}), "v1", &first.owners, &"ada", false).expect("her own");
/// assert_eq!(third.object, json!({"color": "red"}));
/// ```
///
/// # Errors
/// Conflicts, a config that does not fit the schema, or an object that cannot be converted.
pub fn apply<M: Ord + Clone>(
    kind: &impl Kind,
    live: &Value,
    config: &Value,
    version: &str,
    owners: &Owners<M>,
    manager: &M,
    force: bool,
) -> Result<Applied<M>, ApplyError<M>> {
    let of = kind.of(version);
    validate(config, of, false)?;
    let mut owners = reconciled(kind, owners);
    let merged = merge(live, config, of);
    let fields = kind.owned(version, to_set(config, of));
    let before = owners.insert(manager.clone(), Owned { fields, version: version.to_owned(), applied: true });
    let object = match &before {
        Some(before) => prune(kind, merged, version, before, &owners, manager)?,
        None => merged,
    };
    let settled = settle(kind, (live, &object), version, owners, manager)?;
    if !force && !settled.conflicts.is_empty() {
        return Err(ApplyError::Conflicts(settled.conflicts));
    }
    Ok(Applied { object, owners: settled.owners })
}

/// What an update from `live` to `new`, both in `version`, makes of the owners: the manager owns what it changed, and nobody owns what is gone.
///
/// # Errors
/// An object that cannot be converted to a version that a manager wrote in.
pub fn update<M: Ord + Clone>(
    kind: &impl Kind,
    live: &Value,
    new: &Value,
    version: &str,
    owners: &Owners<M>,
    manager: &M,
) -> Result<Owners<M>, ConvertError> {
    let owners = reconciled(kind, owners);
    let Settled { mut owners, comparison, .. } = settle(kind, (live, new), version, owners, manager)?;
    let mut mine = owners.remove(manager).map(|owned| owned.fields).unwrap_or_default();
    mine.subtract(&comparison.removed);
    mine.absorb(comparison.modified);
    mine.absorb(comparison.added);
    let fields = kind.owned(version, mine);
    if !fields.is_empty() {
        owners.insert(manager.clone(), Owned { fields, version: version.to_owned(), applied: false });
    }
    Ok(owners)
}

/// Every manager's fields as the schema of today has them.
fn reconciled<M: Ord + Clone>(kind: &impl Kind, owners: &Owners<M>) -> Owners<M> {
    let mut out = owners.clone();
    for owned in out.values_mut() {
        if let Some(fields) = reconcile(&owned.fields, kind.of(&owned.version)) {
            owned.fields = fields;
        }
    }
    out
}

struct Settled<M> {
    owners: Owners<M>,
    /// In the version of the write.
    comparison: Comparison,
    conflicts: BTreeMap<M, FieldSet>,
}

/// Takes from all other managers what a write changed or removed, and notes what they did not want changed.
fn settle<M: Ord + Clone>(
    kind: &impl Kind,
    (old, new): (&Value, &Value),
    version: &str,
    mut owners: Owners<M>,
    writer: &M,
) -> Result<Settled<M>, ConvertError> {
    let counted = |comparison: Comparison, version: &str| Comparison {
        added: kind.owned(version, comparison.added),
        modified: kind.owned(version, comparison.modified),
        removed: kind.owned(version, comparison.removed),
    };
    let mut comparisons = BTreeMap::from([(version.to_owned(), counted(compare(old, new, kind.of(version)), version))]);
    let mut conflicts = BTreeMap::new();
    let mut forgotten = Vec::new();
    for (manager, owned) in &mut owners {
        if manager == writer {
            continue;
        }
        if !comparisons.contains_key(&owned.version) {
            let both = kind.convert(old, version, &owned.version).and_then(|old| Ok((old, kind.convert(new, version, &owned.version)?)));
            let comparison = match both {
                Ok((old, new)) => compare(&old, &new, kind.of(&owned.version)),
                Err(ConvertError::NoVersion(_)) => {
                    forgotten.push(manager.clone());
                    continue;
                }
                Err(error) => return Err(error),
            };
            comparisons.insert(owned.version.clone(), counted(comparison, &owned.version));
        }
        let comparison = &comparisons[&owned.version];
        let mut conflict = owned.fields.intersection(&comparison.modified);
        conflict.extend(&owned.fields.intersection(&comparison.added));
        owned.fields.subtract(&conflict);
        owned.fields.subtract(&comparison.removed);
        if !conflict.is_empty() {
            conflicts.insert(manager.clone(), conflict);
        }
    }
    owners.retain(|manager, owned| !owned.fields.is_empty() && !forgotten.contains(manager));
    let comparison = comparisons.remove(version).unwrap_or_default();
    Ok(Settled { owners, comparison, conflicts })
}
