//! Live state: what the cluster holds, from watch caches that exist only for the kinds in use.
//!
//! A kind that could not be listed is *unknown*, which is never taken for absence: [`Live::kind`] gives the error and
//! whoever asks decides nothing about that kind. An answer of the server to a write is noted at once
//! ([`Live::observe`]), so that a decision never rests on a state older than the agent's own last action.

mod api;
mod discovery;
mod watch;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::HashSet;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::AbortHandle;

pub use api::{Api, ApiError, ApplyOptions, Resource, Scope};
pub use discovery::Discovery;
pub use watch::{Change, Kind, Name, Ready, version};

/// Group, version and kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Gvk {
    /// The API group, empty for the core one.
    pub group: String,
    /// The version.
    pub version: String,
    /// The kind.
    pub kind: String,
}

impl Gvk {
    /// The kind of an object, from its `apiVersion` and `kind`; `None` if it has none.
    pub fn of(object: &Value) -> Option<Self> {
        let (api_version, kind) = (object["apiVersion"].as_str()?, object["kind"].as_str()?);
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Some(Gvk { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() })
    }
}

/// The watch caches.
pub struct Live {
    /// The API they watch.
    pub api: Api,
    /// What the server serves.
    pub discovery: Discovery,
    kinds: Mutex<HashMap<Gvk, Watched>>,
    changes: UnboundedSender<Change>,
}

struct Watched {
    kind: Arc<Kind>,
    task: AbortHandle,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Live {
    /// No cache yet; every change that a cache sees is sent to `changes`.
    pub fn new(api: Api, changes: UnboundedSender<Change>) -> Self {
        Live { discovery: Discovery::new(api.clone()), api, kinds: Mutex::default(), changes }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Gvk, Watched>> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cache of a kind, started if needed and waited for; `None` if the server does not serve the kind.
    /// An error means that nothing is known of it.
    pub async fn kind(&self, gvk: &Gvk) -> Result<Option<Arc<Kind>>, ApiError> {
        let known = self.lock().get(gvk).map(|w| w.kind.clone());
        let kind = match known {
            Some(kind) => kind,
            None => {
                let Some(resource) = self.discovery.find(&gvk.group, &gvk.version, &gvk.kind).await? else { return Ok(None) };
                if !resource.watchable {
                    return Err(ApiError::Status {
                        code: 405,
                        reason: "MethodNotAllowed".into(),
                        message: format!("objects of kind {} cannot be listed", gvk.kind),
                    });
                }
                self.start(gvk, resource)
            }
        };
        match kind.ready().await {
            Ok(()) => Ok(Some(kind)),
            Err(error) => {
                // The next question starts anew. A 404 means that the kind itself has gone: its definition was deleted.
                self.lock().remove(gvk);
                if error.code() == 404 {
                    self.discovery.forget(&gvk.group, &gvk.version);
                    if self.discovery.find(&gvk.group, &gvk.version, &gvk.kind).await?.is_none() {
                        return Ok(None);
                    }
                }
                Err(error)
            }
        }
    }

    fn start(&self, gvk: &Gvk, resource: Arc<Resource>) -> Arc<Kind> {
        let mut kinds = self.lock();
        if let Some(watched) = kinds.get(gvk) {
            return watched.kind.clone();
        }
        let kind = Arc::new(Kind::new(resource));
        let (api, changes, cache) = (self.api.clone(), self.changes.clone(), kind.clone());
        let task = tokio::spawn(async move { cache.run(&api, &Scope::default(), &changes).await }).abort_handle();
        kinds.insert(gvk.clone(), Watched { kind: kind.clone(), task });
        kind
    }

    /// The cache of a kind if it is there already.
    pub fn cached(&self, gvk: &Gvk) -> Option<Arc<Kind>> {
        self.lock().get(gvk).map(|w| w.kind.clone())
    }

    /// Ends the caches of kinds that are not in use any more.
    pub fn retain(&self, used: &HashSet<Gvk>) {
        self.lock().retain(|gvk, _| used.contains(gvk));
    }

    /// Takes note of what the server answered to a write.
    pub fn observe(&self, object: &Value) {
        if let Some(kind) = Gvk::of(object).and_then(|gvk| self.cached(&gvk))
            && let Some(change) = kind.observe(object.clone())
        {
            drop(self.changes.send(change));
        }
    }

    /// Takes note that an object is gone: the server said so after its version `up_to`.
    pub fn forget(&self, gvk: &Gvk, name: &Name, uid: &str, up_to: u128) {
        if let Some(change) = self.cached(gvk).and_then(|kind| kind.forget(name, uid, up_to)) {
            drop(self.changes.send(change));
        }
    }
}
