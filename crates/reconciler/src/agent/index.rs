//! Which Applications a change concerns.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashSet};

use super::queue::AppName;
use crate::live::{Change, Gvk};
use crate::resource::ObjectKey;

/// What an Application depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Interest {
    /// The objects that are desired or tracked.
    pub(super) objects: HashSet<ObjectKey>,
    /// The kinds whose caches it needs.
    pub(super) kinds: HashSet<Gvk>,
    /// The repository and revision it follows.
    pub(super) revision: Option<(String, String)>,
}

/// The interests of all Applications, looked up from both sides.
#[derive(Default)]
pub(super) struct Index {
    interests: HashMap<AppName, Interest>,
    objects: HashMap<ObjectKey, BTreeSet<AppName>>,
}

impl Index {
    /// Replaces the objects and kinds that an Application depends on.
    pub(super) fn watch(&mut self, name: &AppName, interest: Interest) {
        let before = self.interests.remove(name).unwrap_or_default();
        for key in before.objects.difference(&interest.objects) {
            self.unlink(name, key);
        }
        for key in interest.objects.difference(&before.objects) {
            self.objects.entry(key.clone()).or_default().insert(name.clone());
        }
        self.interests.insert(name.clone(), Interest { revision: before.revision, ..interest });
    }

    /// Adds to the objects that an Application depends on.
    pub(super) fn watch_too<'a>(&mut self, name: &AppName, keys: impl Iterator<Item = &'a ObjectKey>) {
        let interest = self.interests.entry(name.clone()).or_default();
        for key in keys {
            if !interest.objects.contains(key) {
                interest.objects.insert(key.clone());
                self.objects.entry(key.clone()).or_default().insert(name.clone());
            }
        }
    }

    /// Replaces the repository and revision that an Application follows.
    pub(super) fn follow(&mut self, name: &AppName, revision: (String, String)) {
        self.interests.entry(name.clone()).or_default().revision = Some(revision);
    }

    /// Forgets an Application.
    pub(super) fn remove(&mut self, name: &AppName) {
        for key in self.interests.remove(name).map(|i| i.objects).unwrap_or_default() {
            self.unlink(name, &key);
        }
    }

    fn unlink(&mut self, name: &AppName, key: &ObjectKey) {
        if let Some(names) = self.objects.get_mut(key) {
            names.remove(name);
            if names.is_empty() {
                self.objects.remove(key);
            }
        }
    }

    /// The Applications that a change of a live object concerns.
    pub(super) fn concerned(&self, change: &Change) -> Vec<AppName> {
        let key = ObjectKey {
            group: change.resource.group.clone(),
            kind: change.resource.kind.clone(),
            namespace: change.name.0.clone(),
            name: change.name.1.clone(),
        };
        self.objects.get(&key).into_iter().flatten().cloned().collect()
    }

    /// The Applications that follow a repository.
    pub(super) fn of_repository(&self, url: &str) -> Vec<AppName> {
        self.interests.iter().filter(|(_, i)| i.revision.as_ref().is_some_and(|(u, _)| u == url)).map(|(name, _)| name.clone()).collect()
    }

    /// Every kind in use.
    pub(super) fn kinds(&self) -> HashSet<Gvk> {
        self.interests.values().flat_map(|i| i.kinds.iter().cloned()).collect()
    }

    /// Every repository and revision in use.
    pub(super) fn revisions(&self) -> BTreeSet<(String, String)> {
        self.interests.values().filter_map(|i| i.revision.clone()).collect()
    }
}
