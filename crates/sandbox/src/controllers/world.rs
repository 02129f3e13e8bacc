//! The watch caches: what the controllers know of the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use kube::runtime::{WatchStreamExt, watcher};

use super::kind::Kind;
use super::object::{Object, key, uid, version};

/// Namespace and name.
pub(crate) type Name = (String, String);

/// What happened to one object: as it was, and as it is.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) kind: Kind,
    pub(crate) before: Option<Arc<Object>>,
    pub(crate) after: Option<Arc<Object>>,
}

/// Everything that is cached, by kind, namespace and name.
#[derive(Debug, Default)]
pub(crate) struct World {
    stores: BTreeMap<Kind, Store>,
}

#[derive(Debug, Default)]
struct Store {
    objects: BTreeMap<Name, Arc<Object>>,
    /// Objects that an own request deleted and whose deletion the watch has not told yet: older news of them must not bring them back.
    gone: BTreeSet<String>,
    /// While the watch lists anew: the objects that were known when it began and have not been listed.
    unlisted: Option<BTreeMap<Name, String>>,
    synced: bool,
}

impl World {
    pub(crate) fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Arc<Object>> {
        self.stores.get(&kind)?.objects.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// The objects of a kind in one namespace, by name.
    pub(crate) fn list(&self, kind: Kind, namespace: &str) -> impl Iterator<Item = &Arc<Object>> {
        let from = (namespace.to_owned(), String::new());
        let range = self.stores.get(&kind).map(|store| store.objects.range(from..));
        let namespace = namespace.to_owned();
        range.into_iter().flatten().take_while(move |((of, _), _)| *of == namespace).map(|(_, object)| object)
    }

    /// The objects of a kind in all namespaces.
    pub(crate) fn all(&self, kind: Kind) -> impl Iterator<Item = &Arc<Object>> {
        self.stores.get(&kind).into_iter().flat_map(|store| store.objects.values())
    }

    /// Whether the first list of each of these kinds is complete.
    pub(crate) fn is_synced(&self, kinds: &[Kind]) -> bool {
        kinds.iter().all(|kind| self.stores.get(kind).is_some_and(|store| store.synced))
    }

    /// Takes in a newer state of an object; nothing changes if it is not newer.
    pub(crate) fn put(&mut self, kind: Kind, object: Object) -> Option<Change> {
        let store = self.stores.entry(kind).or_default();
        if store.gone.contains(uid(&object)) {
            return None;
        }
        let name = key(&object);
        let before = store.objects.get(&name).cloned();
        if let Some(known) = &before {
            let stale = match (version(known), version(&object)) {
                (Some(known), Some(told)) => told <= known,
                _ => known.metadata.resource_version == object.metadata.resource_version,
            };
            if stale {
                return None;
            }
        }
        let after = Arc::new(object);
        store.objects.insert(name, after.clone());
        Some(Change { kind, before, after: Some(after) })
    }

    /// Forgets an object that the API confirmed to be deleted.
    pub(crate) fn remove(&mut self, kind: Kind, name: &Name, uid_gone: &str) -> Option<Change> {
        let store = self.stores.entry(kind).or_default();
        let known = store.objects.get(name).filter(|known| uid(known) == uid_gone)?.clone();
        store.objects.remove(name);
        store.gone.insert(uid_gone.to_owned());
        Some(Change { kind, before: Some(known), after: None })
    }

    /// Takes in what the watch of a kind tells.
    pub(crate) fn take(&mut self, kind: Kind, event: watcher::Event<Object>) -> Vec<Change> {
        let store = self.stores.entry(kind).or_default();
        match event {
            watcher::Event::Apply(object) => self.put(kind, object).into_iter().collect(),
            watcher::Event::Delete(object) => {
                store.gone.remove(uid(&object));
                let name = key(&object);
                // A namesake that was made since is another object.
                let same = store.objects.get(&name).is_some_and(|known| uid(known) == uid(&object));
                let before = if same { store.objects.remove(&name) } else { None };
                before.map(|before| Change { kind, before: Some(before), after: None }).into_iter().collect()
            }
            watcher::Event::Init => {
                store.unlisted = Some(store.objects.iter().map(|(name, object)| (name.clone(), uid(object).to_owned())).collect());
                Vec::new()
            }
            watcher::Event::InitApply(object) => {
                if let Some(unlisted) = &mut store.unlisted {
                    let name = key(&object);
                    if unlisted.get(&name).is_some_and(|known| known == uid(&object)) {
                        unlisted.remove(&name);
                    }
                }
                self.put(kind, object).into_iter().collect()
            }
            watcher::Event::InitDone => {
                store.synced = true;
                // The list is newer than any deletion of our own before it.
                store.gone.clear();
                let gone = store.unlisted.take().unwrap_or_default();
                let mut changes = Vec::new();
                for (name, uid_gone) in gone {
                    if store.objects.get(&name).is_some_and(|known| uid(known) == uid_gone) {
                        changes.extend(store.objects.remove(&name).map(|before| Change { kind, before: Some(before), after: None }));
                    }
                }
                changes
            }
        }
    }
}

/// The events of these kinds' watches, which begin with what there is, as kube-controller-manager's do, and reconnect by themselves with growing
/// delays. The first failures are logged.
pub(crate) fn watch(client: &kube::Client, kinds: &[Kind]) -> BoxStream<'static, (Kind, watcher::Event<Object>)> {
    let streams = kinds.iter().map(|&kind| {
        let events = watcher(kind.everywhere(client), watcher::Config::default().streaming_lists()).default_backoff();
        let events = events.inspect_err(move |error| tracing::warn!(kind = kind.name(), %error, "watch failed, trying again"));
        events.filter_map(move |event| std::future::ready(event.ok().map(|event| (kind, event)))).boxed()
    });
    futures::stream::select_all(streams.collect::<Vec<_>>()).boxed()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use serde_json::json;

    use super::super::object::make;
    use super::*;

    fn pod(name: &str, uid: &str, version: u64) -> Object {
        let metadata = ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some("a".to_owned()),
            uid: Some(uid.to_owned()),
            resource_version: Some(version.to_string()),
            ..ObjectMeta::default()
        };
        make(Kind::Pod, metadata, json!({}))
    }

    #[test]
    fn old_news_changes_nothing() {
        let mut world = World::default();
        assert!(world.put(Kind::Pod, pod("p", "1", 5)).is_some());
        assert!(world.take(Kind::Pod, watcher::Event::Apply(pod("p", "1", 4))).is_empty());
        assert!(world.take(Kind::Pod, watcher::Event::Apply(pod("p", "1", 5))).is_empty());
        assert_eq!(world.take(Kind::Pod, watcher::Event::Apply(pod("p", "1", 6))).len(), 1);
    }

    #[test]
    fn an_own_deletion_is_not_undone_by_old_news() {
        let mut world = World::default();
        world.put(Kind::Pod, pod("p", "1", 5));
        assert!(world.remove(Kind::Pod, &("a".to_owned(), "p".to_owned()), "1").is_some());
        assert!(world.take(Kind::Pod, watcher::Event::Apply(pod("p", "1", 6))).is_empty());
        assert!(world.take(Kind::Pod, watcher::Event::Delete(pod("p", "1", 7))).is_empty());
        assert_eq!(world.list(Kind::Pod, "a").count(), 0);
        assert!(world.put(Kind::Pod, pod("p", "2", 8)).is_some(), "a new object of that name is news");
    }

    #[test]
    fn a_new_list_removes_what_it_lacks_but_not_what_was_made_meanwhile() {
        let mut world = World::default();
        world.put(Kind::Pod, pod("old", "1", 1));
        world.put(Kind::Pod, pod("kept", "2", 2));
        world.take(Kind::Pod, watcher::Event::Init);
        world.put(Kind::Pod, pod("made", "3", 9));
        world.take(Kind::Pod, watcher::Event::InitApply(pod("kept", "2", 2)));
        let changes = world.take(Kind::Pod, watcher::Event::InitDone);
        assert_eq!(changes.len(), 1);
        let names: Vec<_> = world.list(Kind::Pod, "a").map(|pod| pod.metadata.name.clone().unwrap_or_default()).collect();
        assert_eq!(names, ["kept", "made"]);
        assert!(world.is_synced(&[Kind::Pod]) && !world.is_synced(&[Kind::Node]));
    }
}
