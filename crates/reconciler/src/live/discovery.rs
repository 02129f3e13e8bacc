//! Which kinds the server serves, asked per group and version in use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::api::{Api, ApiError, Resource};

/// A cache of what the server serves. A kind that is missing is asked for again each time: a CRD may have come.
pub struct Discovery {
    api: Api,
    known: Mutex<Known>,
}

/// The resources of a group and version.
type Known = HashMap<(String, String), Vec<Arc<Resource>>>;

impl Discovery {
    /// Nothing known yet.
    pub fn new(api: Api) -> Self {
        Discovery { api, known: Mutex::default() }
    }

    /// The resource of a kind; `None` if the server does not serve it (now). An error is not absence.
    pub async fn find(&self, group: &str, version: &str, kind: &str) -> Result<Option<Arc<Resource>>, ApiError> {
        if let Some(found) = self.known(group, version, kind) {
            return Ok(Some(found));
        }
        let resources = self.api.resources(group, version).await?.unwrap_or_default();
        let resources: Vec<Arc<Resource>> = resources.into_iter().map(Arc::new).collect();
        let found = resources.iter().find(|r| r.kind == kind).cloned();
        self.lock().insert((group.to_owned(), version.to_owned()), resources);
        Ok(found)
    }

    /// The resource of a kind, if it was asked for before.
    pub fn known(&self, group: &str, version: &str, kind: &str) -> Option<Arc<Resource>> {
        self.lock().get(&(group.to_owned(), version.to_owned()))?.iter().find(|r| r.kind == kind).cloned()
    }

    /// Forgets a group and version: one of its kinds does not answer any more, or its definition changed.
    pub fn forget(&self, group: &str, version: &str) {
        self.lock().remove(&(group.to_owned(), version.to_owned()));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
