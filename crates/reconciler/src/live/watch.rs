//! One kind, kept: list, then watch, for ever.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use kube::core::WatchEvent;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use super::api::{Api, ApiError, Resource, Scope};
use crate::tracking;

/// Namespace (empty for cluster-scoped objects) and name.
pub type Name = (String, String);

/// An object of a kind changed, came or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The kind.
    pub resource: Arc<Resource>,
    /// The object.
    pub name: Name,
    /// The object as it is now; `None`: it is gone.
    pub now: Option<Arc<Value>>,
    /// As it was before.
    pub before: Option<Arc<Value>>,
}

/// Whether a cache can be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// The first list is under way.
    Starting,
    /// Holds what the server has.
    Yes,
    /// Could not be listed: nothing is known, which is not the same as "nothing there".
    Failed(ApiError),
}

/// What is known of one kind.
pub struct Kind {
    /// The kind.
    pub resource: Arc<Resource>,
    objects: Mutex<Objects>,
    ready: watch::Sender<Ready>,
}

/// The objects of a kind, and which of them bear whose mark.
#[derive(Default)]
struct Objects {
    named: HashMap<Name, Arc<Value>>,
    marked: HashMap<String, BTreeSet<Name>>,
}

impl Objects {
    /// Puts an object in the place of the one of its name, which it gives back.
    fn put(&mut self, name: &Name, object: Arc<Value>) -> Option<Arc<Value>> {
        let before = self.take(name);
        if let Some(application) = tracking::owner(&object) {
            self.marked.entry(application.to_owned()).or_default().insert(name.clone());
        }
        self.named.insert(name.clone(), object);
        before
    }

    /// Takes out the object of that name.
    fn take(&mut self, name: &Name) -> Option<Arc<Value>> {
        let object = self.named.remove(name)?;
        if let Some(application) = tracking::owner(&object)
            && let Some(names) = self.marked.get_mut(application)
        {
            names.remove(name);
            if names.is_empty() {
                self.marked.remove(application);
            }
        }
        Some(object)
    }
}

/// The version of an object as a number; the API promises that versions of one kind can be compared so.
pub fn version(object: &Value) -> u128 {
    object["metadata"]["resourceVersion"].as_str().and_then(|v| v.parse().ok()).unwrap_or_default()
}

fn name(object: &Value) -> Name {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}

impl Kind {
    /// Nothing known yet; [`Kind::run`] fills it.
    pub fn new(resource: Arc<Resource>) -> Self {
        Kind { resource, objects: Mutex::default(), ready: watch::Sender::new(Ready::Starting) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the first list has succeeded or failed.
    pub async fn ready(&self) -> Result<(), ApiError> {
        let mut receiver = self.ready.subscribe();
        // The sender lives as long as `self`.
        match receiver.wait_for(|r| *r != Ready::Starting).await.map(|r| r.clone()) {
            Ok(Ready::Failed(error)) => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether the cache holds what the server has.
    pub fn is_ready(&self) -> bool {
        *self.ready.borrow() == Ready::Yes
    }

    /// One object.
    pub fn get(&self, name: &Name) -> Option<Arc<Value>> {
        self.lock().named.get(name).cloned()
    }

    /// All objects, in no order.
    pub fn all(&self) -> Vec<Arc<Value>> {
        self.lock().named.values().cloned().collect()
    }

    /// The objects that bear an Application's mark, by name.
    pub fn marked(&self, application: &str) -> Vec<Arc<Value>> {
        let objects = self.lock();
        objects.marked.get(application).into_iter().flatten().filter_map(|name| objects.named.get(name).cloned()).collect()
    }

    /// Takes note of an object that the server just answered with, before the watch tells. Older versions are ignored.
    pub fn observe(&self, object: Value) -> Option<Change> {
        let object = Arc::new(with_type(object, &self.resource));
        let name = name(&object);
        let before = {
            let mut objects = self.lock();
            if objects.named.get(&name).is_some_and(|known| version(known) >= version(&object)) {
                return None;
            }
            objects.put(&name, object.clone())
        };
        Some(Change { resource: self.resource.clone(), name, now: Some(object), before })
    }

    /// Takes note that the object with this uid is gone, up to this version.
    pub fn forget(&self, name: &Name, uid: &str, up_to: u128) -> Option<Change> {
        let mut objects = self.lock();
        let known = objects.named.get(name)?;
        if known["metadata"]["uid"].as_str() != Some(uid) || version(known) > up_to {
            return None;
        }
        let before = objects.take(name);
        Some(Change { resource: self.resource.clone(), name: name.clone(), now: None, before })
    }

    /// Keeps the kind up to date until the task is aborted.
    pub async fn run(&self, api: &Api, scope: &Scope, changes: &UnboundedSender<Change>) {
        let mut pause = Duration::ZERO;
        loop {
            match self.session(api, scope, changes).await {
                // The server asks for a new list: at once, but never in a tight circle.
                Ok(()) => pause = if pause.is_zero() { Duration::from_millis(1) } else { (pause * 2).min(Duration::from_secs(10)) },
                Err(error) => {
                    tracing::debug!(kind = %self.resource.kind, %error, "cannot list or watch");
                    self.ready.send_if_modified(|ready| {
                        // A kind that was listed before stays as it was: stale is better than nothing, and every
                        // deletion asks the server again.
                        let fail = *ready != Ready::Yes || error.code() == 404;
                        if fail {
                            *ready = Ready::Failed(error.clone());
                        }
                        fail
                    });
                    pause = (pause * 2).clamp(Duration::from_millis(100), Duration::from_secs(10));
                }
            }
            tokio::time::sleep(pause).await;
            if *self.ready.borrow() == Ready::Yes {
                pause = pause.min(Duration::from_secs(1));
            }
        }
    }

    /// One list and the watches that follow it, until the server wants a new list.
    async fn session(&self, api: &Api, scope: &Scope, changes: &UnboundedSender<Change>) -> Result<(), ApiError> {
        let (list, mut at) = api.list(&self.resource, scope).await?;
        for change in self.replace(list, at.parse().unwrap_or(u128::MAX)) {
            drop(changes.send(change));
        }
        self.ready.send_replace(Ready::Yes);
        let mut failures = 0u32;
        loop {
            let stream = match api.watch(&self.resource, scope, &at).await {
                Ok(stream) => stream,
                Err(error) if error.code() == 410 => return Ok(()),
                Err(error) if error.is_transient() && failures < 5 => {
                    failures += 1;
                    tokio::time::sleep(Duration::from_millis(50) * 2u32.pow(failures)).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let mut stream = std::pin::pin!(stream);
            let began = tokio::time::Instant::now();
            while let Some(event) = stream.next().await {
                match event {
                    Ok(WatchEvent::Added(object) | WatchEvent::Modified(object)) => {
                        failures = 0;
                        note_version(&mut at, &object);
                        if let Some(change) = self.observe(object) {
                            drop(changes.send(change));
                        }
                    }
                    Ok(WatchEvent::Deleted(object)) => {
                        failures = 0;
                        note_version(&mut at, &object);
                        let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
                        if let Some(change) = self.forget(&name(&object), uid, version(&object)) {
                            drop(changes.send(change));
                        }
                    }
                    Ok(WatchEvent::Bookmark(bookmark)) => at = bookmark.metadata.resource_version,
                    Ok(WatchEvent::Error(status)) if status.code == 410 => return Ok(()),
                    Ok(WatchEvent::Error(status)) => return Err(kube::Error::Api(status).into()),
                    Err(error) if error.code() == 410 => return Ok(()),
                    Err(_) => break,
                }
            }
            // A server that ends each watch at once must not be asked without a pause.
            if began.elapsed() < Duration::from_secs(1) {
                failures += 1;
                if failures > 5 {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(10) * 2u32.pow(failures)).await;
            }
        }
    }

    /// Makes the list the content; what was learnt meanwhile and is newer stays.
    fn replace(&self, list: Vec<Value>, at: u128) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut gone: HashMap<Name, (String, u128)> = self
            .lock()
            .named
            .iter()
            .map(|(name, o)| (name.clone(), (o["metadata"]["uid"].as_str().unwrap_or_default().to_owned(), version(o))))
            .collect();
        for object in list {
            gone.remove(&name(&object));
            changes.extend(self.observe(object));
        }
        for (name, (uid, _)) in gone {
            changes.extend(self.forget(&name, &uid, at));
        }
        changes
    }
}

fn note_version(at: &mut String, object: &Value) {
    if let Some(version) = object["metadata"]["resourceVersion"].as_str() {
        version.clone_into(at);
    }
}

/// Items of lists come without kind and version of their own.
fn with_type(mut object: Value, resource: &Resource) -> Value {
    if object["kind"].is_null() {
        object["kind"] = resource.kind.clone().into();
    }
    if object["apiVersion"].is_null() {
        object["apiVersion"] = resource.api_version().into();
    }
    object
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(version: u64, mark: &str) -> Value {
        let metadata = json!({"name": "a", "namespace": "demo", "uid": "u", "resourceVersion": version.to_string(),
            "annotations": {tracking::TRACKING_ID: mark}});
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    }

    #[test]
    fn who_bears_a_mark_is_known() {
        let resource = Resource {
            group: String::new(),
            version: "v1".into(),
            kind: "ConfigMap".into(),
            plural: "configmaps".into(),
            namespaced: true,
            watchable: true,
        };
        let kind = Kind::new(Arc::new(resource));
        let marked = |application: &str| kind.marked(application).len();
        kind.observe(object(1, "one:/ConfigMap:demo/a"));
        assert_eq!((marked("one"), marked("two")), (1, 0));
        kind.observe(object(2, "two:/ConfigMap:demo/a"));
        assert_eq!((marked("one"), marked("two")), (0, 1));
        kind.observe(object(1, "one:/ConfigMap:demo/a"));
        assert_eq!((marked("one"), marked("two")), (0, 1), "old news");
        kind.observe(object(3, "two:/ConfigMap:demo/another"));
        assert_eq!(marked("two"), 0, "the mark of another object");
        kind.observe(object(4, "two:/ConfigMap:demo/a"));
        kind.forget(&("demo".to_owned(), "a".to_owned()), "u", 4);
        assert_eq!((marked("two"), kind.all().len()), (0, 0));
    }
}
