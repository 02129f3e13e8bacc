//! How often which drift was undone, so that a fight with another controller does not go on at full speed.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::queue::AppName;
use crate::plan::{Comparison, Sync};

/// A drift that does not come back for so long is forgotten.
const CALM: Duration = Duration::from_secs(600);

/// The drifts that were undone. Kept in memory only: after a restart everything is undone at once again.
#[derive(Default)]
pub(super) struct Healed {
    drifts: HashMap<AppName, HashMap<String, (u32, Instant)>>,
}

/// What makes two drifts the same: the objects and the fields.
fn names(comparison: &Comparison) -> Vec<String> {
    let drifted = comparison.objects.iter().filter(|c| c.sync == Sync::OutOfSync);
    drifted
        .map(|c| {
            let fields: Vec<&str> = c.differences.iter().map(|d| d.path.as_str()).collect();
            format!("{} {} {}", c.key.shown(), c.live.is_some(), fields.join(" "))
        })
        .collect()
}

impl Healed {
    /// How often the drift was undone, and how long ago.
    pub(super) fn times(&self, name: &AppName, comparison: &Comparison, now: Instant) -> (u32, Duration) {
        let Some(known) = self.drifts.get(name) else { return (0, Duration::ZERO) };
        let found = names(comparison).into_iter().filter_map(|n| known.get(&n)).max_by_key(|(times, _)| *times);
        found.map_or((0, Duration::ZERO), |(times, at)| (*times, now.saturating_duration_since(*at)))
    }

    /// Takes note that the drift is being undone.
    pub(super) fn note(&mut self, name: &AppName, comparison: &Comparison, now: Instant) {
        let known = self.drifts.entry(name.clone()).or_default();
        known.retain(|_, (_, at)| now.saturating_duration_since(*at) < CALM);
        for drift in names(comparison) {
            let entry = known.entry(drift).or_insert((0, now));
            *entry = (entry.0 + 1, now);
        }
    }

    /// Forgets an Application.
    pub(super) fn forget(&mut self, name: &AppName) {
        self.drifts.remove(name);
    }
}
