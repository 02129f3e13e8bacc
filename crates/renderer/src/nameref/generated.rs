//! Names that lead to nothing but nearly to something that is generated. kustomize is silent about all names that lead to nothing, and mostly they are those
//! of resources elsewhere. A generated name is another one after every change, so whoever misspells it finds out in the cluster.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use super::Budget;
use crate::decode::distance;
use crate::error::Result;
use crate::id::Id;
use crate::resource::{State, id_of};
use crate::yaml::Value;

/// Shorter names are near to each other by chance.
const SHORTEST: usize = 5;

/// The ConfigMaps and Secrets of a build, and what is to be said of references to them.
pub(super) struct Generated {
    /// Kind and original name of those whose names end with a hash.
    hashed: Vec<(String, String)>,
    /// Kind and name of all.
    present: HashSet<(String, String)>,
    warnings: Mutex<BTreeSet<String>>,
}

impl Generated {
    /// Kind and original name of the resources whose names end with a hash.
    pub(super) fn hashed<'a>(resources: impl Iterator<Item = (&'a Value, &'a State)>) -> Vec<(String, String)> {
        let hashed = resources.filter(|(_, state)| state.needs_hash);
        let id = |(value, state): (&'a Value, &'a State)| {
            let id = id_of(value);
            (id.gvk.kind.to_owned(), state.original_id(id).name.to_owned())
        };
        hashed.map(id).collect()
    }

    /// `hashed` are those of all resources.
    pub(super) fn of<'a>(hashed: Vec<(String, String)>, all: impl Iterator<Item = &'a Value>) -> Self {
        let kinds = ["ConfigMap", "Secret"];
        let ids = all.filter(|_| !hashed.is_empty()).map(id_of).filter(|id| kinds.contains(&id.gvk.kind));
        let present = ids.map(|id| (id.gvk.kind.to_owned(), id.name.to_owned())).collect();
        Self { hashed, present, warnings: Mutex::default() }
    }

    /// A reference led to nothing.
    pub(super) fn miss(&self, budget: &Budget, name: &str, kind: &str, referrer: &Id<'_>) -> Result<()> {
        budget.spend(self.hashed.len())?;
        let Some((_, near)) = self.hashed.iter().find(|(of, hashed)| of == kind && is_near(name, hashed)) else { return Ok(()) };
        if !self.present.contains(&(kind.to_owned(), name.to_owned())) {
            let warning = if near == name {
                format!("{referrer} names the {kind} {name}, which is generated in another namespace; the name stays without its hash")
            } else {
                format!("{referrer} names the {kind} {name}, which is not in this build; did you mean {near}, which is generated?")
            };
            self.warnings.lock().unwrap_or_else(PoisonError::into_inner).insert(warning);
        }
        Ok(())
    }

    pub(super) fn into_warnings(self) -> BTreeSet<String> {
        self.warnings.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether one name may be the other one misspelt: a letter too many, too few or wrong. Names that only their digits tell apart are different on purpose.
fn is_near(name: &str, other: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    let alike = name.len().abs_diff(other.len()) <= 1 && name.len().min(other.len()) >= SHORTEST;
    name == other || (alike && distance(name, other) <= 1 && letters(name) != letters(other))
}

#[cfg(test)]
mod tests {
    use super::is_near;

    #[test]
    fn a_letter_is_a_slip_and_a_digit_is_a_choice() {
        for (name, other) in
            [("app-confg", "app-config"), ("app-config", "app-config"), ("app-cofnig", "app-config"), ("apps-config", "app-config")]
        {
            assert_eq!(is_near(name, other), name != "app-cofnig", "{name}");
        }
        for (name, other) in [("app-config-2", "app-config-1"), ("db1-conf", "db2-conf"), ("web", "wob"), ("other", "app-config")] {
            assert!(!is_near(name, other), "{name}");
        }
    }
}
