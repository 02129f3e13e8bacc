//! One turn of one Application.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::index::{Index, Interest};
use super::queue::{AppName, Turn};
use super::{AgentOptions, Clock};
use crate::live::{Change, Kind, Live};
use crate::source::Sources;

/// What every turn has at hand.
pub(super) struct Context {
    pub(super) live: Live,
    pub(super) apps: Arc<Kind>,
    pub(super) app_changes: UnboundedSender<Change>,
    pub(super) sources: Arc<dyn Sources>,
    pub(super) clock: Clock,
    pub(super) resync: Duration,
    pub(super) index: Mutex<Index>,
}

impl Context {
    pub(super) fn new(live: Live, apps: Arc<Kind>, app_changes: UnboundedSender<Change>, options: &AgentOptions) -> Self {
        Context {
            live,
            apps,
            app_changes,
            sources: options.sources.clone(),
            clock: options.clock.clone(),
            resync: options.resync,
            index: Mutex::default(),
        }
    }

    /// The interests of all Applications.
    pub(super) fn index(&self) -> std::sync::MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does what there is to do for an Application now. Interests are registered before anything is looked at, so that no
/// change between looking and registering is lost.
pub(super) async fn run(context: &Context, name: &AppName) -> Turn {
    let Some(_app) = context.apps.get(name) else {
        context.index().remove(name);
        return Turn::Done(None);
    };
    context.index().set(name, Interest::default());
    Turn::Done(Some(context.resync))
}
