//! What every turn has at hand.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;

use super::healed::Healed;
use super::index::Index;
use super::latest::Latest;
use super::queue::AppName;
use super::{AgentOptions, Clock};
use crate::apply::MANAGER;
use crate::desired::Cache;
use crate::live::{ApiError, Change, Gvk, Kind, Live};
use crate::source::Sources;

/// Shared by all turns.
pub(super) struct Context {
    pub(super) live: Live,
    pub(super) apps: Arc<Kind>,
    pub(super) sources: Arc<dyn Sources>,
    pub(super) renderings: Cache,
    pub(super) resync: Duration,
    clock: Clock,
    pub(super) healed: Mutex<Healed>,
    index: Mutex<Index>,
    latest: Mutex<Latest>,
    app_changes: UnboundedSender<Change>,
}

impl Context {
    pub(super) fn new(live: Live, apps: Arc<Kind>, app_changes: UnboundedSender<Change>, options: &AgentOptions) -> Self {
        Context {
            live,
            apps,
            app_changes,
            renderings: Cache::default(),
            sources: options.sources.clone(),
            clock: options.clock.clone(),
            resync: options.resync,
            healed: Mutex::default(),
            index: Mutex::default(),
            latest: Mutex::default(),
        }
    }

    /// The time of day.
    pub(super) fn now(&self) -> jiff::Timestamp {
        (self.clock)()
    }

    /// The interests of all Applications.
    pub(super) fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was made for all Applications last.
    pub(super) fn latest(&self) -> MutexGuard<'_, Latest> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Patches an Application (there is no status subresource) and notes the answer, so that the next look sees it.
    /// `None`: it is gone.
    pub(super) async fn patch_app(&self, name: &AppName, patch: &Value) -> Result<Option<Arc<Value>>, ApiError> {
        match self.live.api.merge(&self.apps.resource, &name.0, &name.1, patch, MANAGER).await {
            Ok(answer) => {
                let change = self.apps.observe(answer);
                let now = change.as_ref().and_then(|c| c.now.clone());
                if let Some(change) = change {
                    self.note_foreign(change);
                }
                Ok(now.or_else(|| self.apps.get(name)))
            }
            Err(error) if error.code() == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Asks the server for an Application, without waiting for the watch.
    pub(super) async fn look_again(&self, name: &AppName) -> Result<(), ApiError> {
        match self.live.api.get(&self.apps.resource, &name.0, &name.1).await? {
            Some(app) => drop(self.apps.observe(app)),
            None => {
                if let Some(known) = self.apps.get(name) {
                    self.apps.forget(name, known["metadata"]["uid"].as_str().unwrap_or_default(), u128::MAX);
                }
            }
        }
        Ok(())
    }

    /// Whether a kind that the server does not serve would be namespaced.
    pub(super) fn scope_of_missing(&self, gvk: &Gvk) -> bool {
        fiel_schema::Registry::builtin().kind(&gvk.group, &gvk.version, &gvk.kind).is_none_or(fiel_schema::Kind::namespaced)
    }

    /// Our own write shows what others wrote meanwhile, too: then the Application gets another turn.
    fn note_foreign(&self, change: Change) {
        let spec = |object: &Option<Arc<Value>>| {
            object.as_ref().map(|o| {
                (
                    o["spec"].clone(),
                    o["operation"].clone(),
                    o["metadata"]["annotations"].clone(),
                    o["metadata"]["deletionTimestamp"].clone(),
                )
            })
        };
        if spec(&change.before) != spec(&change.now) {
            // Nobody listening: the agent has ended.
            drop(self.app_changes.send(change));
        }
    }
}
