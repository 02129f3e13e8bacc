//! What was made for each Application last, so that a look makes anew only what has changed since: one object of a thousand, mostly.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;

use super::queue::AppName;
use crate::desired::Rendered;
use crate::live::Gvk;
use crate::plan::Comparison;

/// Objects as they will be applied, and what they were made of.
pub(super) struct Made {
    pub(super) rendered: Arc<Rendered>,
    /// The destination's.
    pub(super) namespace: String,
    /// Whether objects of each kind live in namespaces.
    pub(super) scopes: BTreeMap<Gvk, bool>,
    pub(super) objects: Vec<Arc<Value>>,
}

impl Made {
    /// Whether the same would be made of these.
    pub(super) fn is_of(&self, rendered: &Arc<Rendered>, namespace: &str, scopes: &BTreeMap<Gvk, bool>) -> bool {
        Arc::ptr_eq(&self.rendered, rendered) && self.namespace == namespace && self.scopes == *scopes
    }
}

/// Of every Application. Kept in memory only.
#[derive(Default)]
pub(super) struct Latest {
    made: HashMap<AppName, Made>,
    comparisons: HashMap<AppName, Arc<Comparison>>,
}

impl Latest {
    pub(super) fn made(&self, name: &AppName) -> Option<&Made> {
        self.made.get(name)
    }

    pub(super) fn note_made(&mut self, name: &AppName, made: Made) {
        self.made.insert(name.clone(), made);
    }

    /// The last comparison; of an Application that was never looked at an empty one.
    pub(super) fn comparison(&self, name: &AppName) -> Arc<Comparison> {
        self.comparisons.get(name).cloned().unwrap_or_default()
    }

    pub(super) fn note_comparison(&mut self, name: &AppName, comparison: Arc<Comparison>) {
        self.comparisons.insert(name.clone(), comparison);
    }

    /// Forgets an Application.
    pub(super) fn forget(&mut self, name: &AppName) {
        self.made.remove(name);
        self.comparisons.remove(name);
    }
}
