//! What the demo measured.

use std::path::Path;
use std::time::Duration;

use crate::error::CommandError;

/// The figures of one run; absent means not measured.
#[derive(Debug, Default, serde::Serialize)]
pub(super) struct Figures {
    /// From the end of `git push` until the Service answered with the new version, in milliseconds.
    pub(super) push_to_live_ms: f64,
    /// The slowest undoing of a manual change, in milliseconds.
    pub(super) drift_undone_ms: f64,
    /// Resident memory of the agent at the end, in MiB.
    pub(super) agent_rss_mib: Option<f64>,
    /// Requests of the agent that could change the cluster within 10 idle seconds.
    pub(super) idle_writes: Option<u64>,
    /// From the start of the demo to the end of the story, in seconds.
    pub(super) story_s: f64,
}

impl Figures {
    /// Remembers the worst drift.
    pub(super) fn drift(&mut self, undone: Duration) {
        self.drift_undone_ms = self.drift_undone_ms.max(milliseconds(undone));
    }

    /// Remembers the delivery.
    pub(super) fn delivery(&mut self, live: Duration) {
        self.push_to_live_ms = milliseconds(live);
    }

    /// Writes them as JSON.
    pub(super) fn write(&self, file: &Path) -> Result<(), CommandError> {
        let text = serde_json::to_string_pretty(self).map_err(CommandError::failed)?;
        std::fs::write(file, text + "\n").map_err(|e| CommandError::failed(format!("{}: {e}", file.display())))
    }

    /// Prints them on one line each.
    pub(super) fn print(&self) {
        println!();
        println!("push → live       {:>8.0} ms", self.push_to_live_ms);
        println!("drift → undone    {:>8.0} ms (the worst)", self.drift_undone_ms);
        if let Some(mib) = self.agent_rss_mib {
            println!("the agent's memory{mib:>8.1} MiB");
        }
        if let Some(writes) = self.idle_writes {
            println!("writes while idle {writes:>8} in 10 s");
        }
        println!("the whole story   {:>8.1} s", self.story_s);
    }
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}
