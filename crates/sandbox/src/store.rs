//! The objects, the counter of all writes, and the history that watches read.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

use crate::journal::Journal;
use crate::kept::Kept;
use crate::stored::{Draft, Opened, Order, Stored};
use crate::uses::Uses;

/// How many events of one resource are remembered; an older watch must list again.
const HISTORY: usize = 4096;

/// Namespace (empty: none) and name.
pub(crate) type Name = (String, String);

/// One write.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) revision: u64,
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// As it was; none for a creation.
    pub(crate) before: Option<Kept>,
    /// As it is; for a deletion as it was last, with the deletion's revision.
    pub(crate) after: Stored,
    pub(crate) deleted: bool,
}

#[derive(Debug, Default)]
struct Collection {
    objects: BTreeMap<Name, Kept>,
    uses: Uses,
    history: VecDeque<Event>,
    /// The newest revision that is no longer in the history.
    forgotten: u64,
    /// The newest write's number, for those who wait for it.
    news: watch::Sender<u64>,
}

/// One write as it is kept on disk; no object: it was deleted.
#[derive(Debug, Clone)]
pub(crate) struct Write<'a> {
    pub(crate) resource: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) object: Option<Cow<'a, Stored>>,
    pub(crate) revision: u64,
}

/// All objects by resource (`group/plural`).
#[derive(Debug)]
pub(crate) struct Store {
    revision: u64,
    collections: BTreeMap<String, Collection>,
    journal: Option<Journal>,
    /// What happened up to this revision was before the cluster was opened again.
    restored: u64,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self { revision: 1, collections: BTreeMap::new(), journal: None, restored: 0 }
    }

    /// Takes an object, or its deletion, as it was kept; the past before it is forgotten.
    pub(crate) fn restore(&mut self, resource: &str, namespace: &str, name: &str, object: Option<Value>, revision: u64) {
        let key = (namespace.to_owned(), name.to_owned());
        let collection = self.collections.entry(resource.to_owned()).or_default();
        match object {
            Some(object) => {
                collection.uses.note(resource, &key, &object);
                let Opened { value, managed } = Opened::of(object);
                let stored = Draft::new(Arc::unwrap_or_clone(value), managed, Order::KindFirst).store(revision, collection.objects.len());
                collection.objects.insert(key, Kept::of(&stored));
            }
            None => {
                collection.uses.forget(&key);
                collection.objects.remove(&key);
            }
        }
        self.revision = self.revision.max(revision);
        self.restored = self.revision;
    }

    /// Keeps every write from now on.
    pub(crate) fn keep_in(&mut self, journal: Journal) {
        self.journal = Some(journal);
    }

    /// Why writes can no longer be kept.
    pub(crate) fn broken(&self) -> Option<&str> {
        self.journal.as_ref()?.broken()
    }

    fn keep(&mut self, write: &Write<'_>) {
        let Some(journal) = &mut self.journal else { return };
        journal.keep(write);
        let alive = self.collections.values().map(|collection| collection.objects.len()).sum();
        if journal.is_long(alive) {
            let all = self.collections.iter().flat_map(|(resource, collection)| collection.objects.iter().map(move |one| (resource, one)));
            let revision = self.revision;
            journal.checkpoint(all.map(|(resource, ((namespace, name), object))| Write {
                resource,
                namespace,
                name,
                object: Some(object.stored()),
                revision,
            }));
        }
    }

    /// The newest write's number.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// One object.
    pub(crate) fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.find(resource, namespace, name).map(Kept::value)
    }

    /// One object as it is held.
    pub(crate) fn find(&self, resource: &str, namespace: &str, name: &str) -> Option<&Kept> {
        let key = (namespace.to_owned(), name.to_owned());
        self.collections.get(resource)?.objects.get(&key)
    }

    /// What the objects of a resource use.
    pub(crate) fn uses(&self, resource: &str) -> Option<&Uses> {
        self.collections.get(resource).map(|collection| &collection.uses)
    }

    /// Whether there is such an object.
    pub(crate) fn has(&self, resource: &str, namespace: &str, name: &str) -> bool {
        self.find(resource, namespace, name).is_some()
    }

    /// The objects of a namespace (empty: all), by namespace and name, behind `after`.
    pub(crate) fn list<'a>(
        &'a self,
        resource: &str,
        namespace: &'a str,
        after: Option<&Name>,
    ) -> impl Iterator<Item = (&'a Name, &'a Kept)> {
        let start = match after {
            Some(name) => Bound::Excluded(name.clone()),
            None if namespace.is_empty() => Bound::Unbounded,
            None => Bound::Included((namespace.to_owned(), String::new())),
        };
        let objects = self.collections.get(resource).map(|collection| collection.objects.range((start, Bound::Unbounded)));
        objects.into_iter().flatten().take_while(move |((of, _), _)| namespace.is_empty() || of == namespace)
    }

    /// Keeps an object under the new revision. Its fields are managed by those who managed the fields of the object that it replaces.
    pub(crate) fn put(&mut self, resource: &str, namespace: &str, name: &str, object: Value) -> Stored {
        let managed = self.find(resource, namespace, name).map(|old| old.stored().opened().managed).unwrap_or_default();
        self.put_draft(resource, namespace, name, Draft::new(object, managed, Order::KindFirst))
    }

    /// The same for an object whose text is made already.
    pub(crate) fn put_draft(&mut self, resource: &str, namespace: &str, name: &str, draft: Draft) -> Stored {
        self.revision += 1;
        let key = (namespace.to_owned(), name.to_owned());
        let collection = self.collections.entry(resource.to_owned()).or_default();
        collection.uses.note(resource, &key, draft.object());
        let stored = draft.store(self.revision, collection.objects.len());
        let before = collection.objects.insert(key, Kept::of(&stored));
        let event = Event {
            revision: self.revision,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            before,
            after: stored.clone(),
            deleted: false,
        };
        collection.remember(event);
        self.keep(&Write { resource, namespace, name, object: Some(Cow::Borrowed(&stored)), revision: self.revision });
        stored
    }

    /// Takes an object away; gives it as it was last, with the deletion's revision.
    pub(crate) fn delete(&mut self, resource: &str, namespace: &str, name: &str) -> Option<Stored> {
        let collection = self.collections.get_mut(resource)?;
        let key = (namespace.to_owned(), name.to_owned());
        let before = collection.objects.remove(&key)?;
        collection.uses.forget(&key);
        self.revision += 1;
        let Opened { value, managed } = before.stored().opened();
        let after = Draft::new(Arc::unwrap_or_clone(value), managed, Order::KindFirst).store(self.revision, collection.objects.len());
        let event = Event {
            revision: self.revision,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            before: Some(before),
            after: after.clone(),
            deleted: true,
        };
        collection.remember(event);
        self.keep(&Write { resource, namespace, name, object: None, revision: self.revision });
        Some(after)
    }

    /// The objects of a resource as they were at a revision; an error when that is no longer known: the oldest one that is.
    pub(crate) fn at(&self, resource: &str, revision: u64) -> Result<BTreeMap<Name, Kept>, u64> {
        let events = self.since(resource, revision)?;
        let mut objects = self.collections.get(resource).map(|collection| collection.objects.clone()).unwrap_or_default();
        for event in events.into_iter().rev() {
            let key = (event.namespace, event.name);
            match event.before {
                Some(before) => drop(objects.insert(key, before)),
                None => drop(objects.remove(&key)),
            }
        }
        Ok(objects)
    }

    /// Tells of every write to a resource that is still to come.
    pub(crate) fn news(&mut self, resource: &str) -> watch::Receiver<u64> {
        self.collections.entry(resource.to_owned()).or_default().news.subscribe()
    }

    /// What happened to a resource since a revision; an error when that is no longer known: the oldest one that is.
    pub(crate) fn since(&self, resource: &str, revision: u64) -> Result<Vec<Event>, u64> {
        if revision < self.restored {
            return Err(self.restored);
        }
        let Some(collection) = self.collections.get(resource) else {
            return Ok(Vec::new());
        };
        if revision < collection.forgotten {
            return Err(collection.forgotten);
        }
        let start = collection.history.partition_point(|event| event.revision <= revision);
        Ok(collection.history.range(start..).cloned().collect())
    }
}

impl Collection {
    fn remember(&mut self, event: Event) {
        self.news.send_replace(event.revision);
        self.history.push_back(event);
        if self.history.len() > HISTORY
            && let Some(old) = self.history.pop_front()
        {
            self.forgotten = old.revision;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(name: &str) -> Value {
        json!({"metadata": {"name": name}})
    }

    #[test]
    fn every_write_has_its_number_and_is_remembered() {
        let mut store = Store::new();
        store.put("/things", "a", "one", object("one"));
        let seen = store.revision();
        store.put("/things", "b", "two", object("two"));
        store.delete("/things", "a", "one");
        let events = store.since("/things", seen).expect("it is remembered");
        assert_eq!(events.iter().map(|event| (event.revision, event.deleted)).collect::<Vec<_>>(), [(3, false), (4, true)]);
        assert_eq!(events[1].after.value()["metadata"]["resourceVersion"], "4");
        assert_eq!(store.list("/things", "", None).count(), 1);
        assert_eq!(store.list("/things", "a", None).count(), 0);
    }

    #[test]
    fn the_past_can_be_seen_for_as_long_as_it_is_remembered() {
        let mut store = Store::new();
        store.put("/things", "a", "one", object("one"));
        store.put("/things", "a", "two", object("two"));
        let then = store.revision();
        store.put("/things", "a", "two", object("two"));
        store.delete("/things", "a", "one");
        store.put("/things", "a", "three", object("three"));
        let seen = store.at("/things", then).expect("it is remembered");
        assert_eq!(seen.keys().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(seen[&("a".to_owned(), "two".to_owned())].value()["metadata"]["resourceVersion"], "3");
        for _ in 0..HISTORY {
            store.put("/things", "a", "three", object("three"));
        }
        assert!(store.at("/things", then).is_err());
    }

    #[test]
    fn what_is_too_old_must_be_listed_again() {
        let mut store = Store::new();
        for _ in 0..=HISTORY {
            store.put("/things", "", "one", object("one"));
        }
        assert_eq!(store.since("/things", 1).err(), Some(2));
        assert!(store.since("/things", 2).is_ok());
    }
}
