//! The one queue: Applications that have something to do, each at most once, a bounded number at a time.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

/// The first pause after an error; doubled with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause after errors.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Namespace and name of an Application.
pub(super) type AppName = (String, String);

/// What became of one turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Done; look again after this time at the latest.
    Done(Option<Duration>),
    /// Failed for a reason that may pass: again after a pause that grows.
    Failed,
}

#[derive(Default)]
struct Slot {
    running: bool,
    waiting: bool,
    /// Triggered while running.
    again: bool,
    due: Option<Instant>,
    failures: u32,
}

/// Triggers are coalesced: however many come while an Application runs, it runs once more.
pub(super) struct Queue {
    slots: HashMap<AppName, Slot>,
    waiting: VecDeque<AppName>,
    running: usize,
    limit: usize,
}

impl Queue {
    /// At most `limit` Applications run at a time.
    pub(super) fn new(limit: usize) -> Self {
        Queue { slots: HashMap::new(), waiting: VecDeque::new(), running: 0, limit: limit.max(1) }
    }

    /// Something happened to the Application: it gets a turn.
    pub(super) fn trigger(&mut self, name: &AppName) {
        let slot = self.slots.entry(name.clone()).or_default();
        if slot.running {
            slot.again = true;
        } else if !slot.waiting {
            slot.waiting = true;
            slot.due = None;
            self.waiting.push_back(name.clone());
        }
    }

    /// The next Application whose turn it is, if one may start now.
    pub(super) fn start(&mut self, now: Instant) -> Option<AppName> {
        let due: Vec<AppName> = self.slots.iter().filter(|(_, s)| s.due.is_some_and(|due| due <= now)).map(|(n, _)| n.clone()).collect();
        for name in due {
            self.trigger(&name);
        }
        if self.running >= self.limit {
            return None;
        }
        let name = self.waiting.pop_front()?;
        let slot = self.slots.entry(name.clone()).or_default();
        (slot.waiting, slot.running, slot.again, slot.due) = (false, true, false, None);
        self.running += 1;
        Some(name)
    }

    /// The turn of an Application has ended.
    pub(super) fn finish(&mut self, name: &AppName, turn: Turn, now: Instant) {
        self.running = self.running.saturating_sub(1);
        let Some(slot) = self.slots.get_mut(name) else { return };
        slot.running = false;
        let again = std::mem::take(&mut slot.again);
        match turn {
            Turn::Done(after) => {
                slot.failures = 0;
                slot.due = after.map(|after| now + after);
                if again {
                    self.trigger(name);
                }
            }
            Turn::Failed => {
                // A trigger meanwhile does not shorten the pause: what fails is mostly the server.
                let pause = FIRST_PAUSE * 2u32.saturating_pow(slot.failures.min(16));
                slot.failures += 1;
                slot.due = Some(now + pause.min(LONGEST_PAUSE));
            }
        }
    }

    /// Forgets an Application that is gone.
    pub(super) fn remove(&mut self, name: &AppName) {
        if self.slots.get(name).is_some_and(|slot| !slot.running) {
            self.slots.remove(name);
            self.waiting.retain(|waiting| waiting != name);
        }
    }

    /// When [`Queue::start`] will have something new to say without a trigger.
    pub(super) fn next(&self) -> Option<Instant> {
        self.slots.values().filter_map(|slot| slot.due).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(n: &str) -> AppName {
        ("argocd".into(), n.into())
    }

    #[tokio::test(start_paused = true)]
    async fn triggers_are_coalesced_and_bounded() {
        let (mut queue, now) = (Queue::new(2), Instant::now());
        for n in ["a", "b", "c", "a", "a"] {
            queue.trigger(&name(n));
        }
        assert_eq!(queue.start(now), Some(name("a")));
        assert_eq!(queue.start(now), Some(name("b")));
        assert_eq!(queue.start(now), None);
        queue.trigger(&name("a"));
        queue.trigger(&name("a"));
        queue.finish(&name("a"), Turn::Done(None), now);
        assert_eq!(queue.start(now), Some(name("c")));
        queue.finish(&name("b"), Turn::Done(None), now);
        assert_eq!(queue.start(now), Some(name("a")));
        queue.finish(&name("a"), Turn::Done(None), now);
        assert_eq!(queue.start(now), None);
        assert_eq!(queue.next(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn errors_are_repeated_with_growing_pauses() {
        let (mut queue, mut now) = (Queue::new(1), Instant::now());
        queue.trigger(&name("a"));
        let mut pauses = Vec::new();
        for _ in 0..12 {
            assert_eq!(queue.start(now), Some(name("a")));
            queue.finish(&name("a"), Turn::Failed, now);
            let due = queue.next().expect("a pause");
            assert_eq!(queue.start(due - Duration::from_millis(1)), None);
            pauses.push((due - now).as_millis());
            now = due;
        }
        assert_eq!(pauses[..4], [250, 500, 1000, 2000]);
        assert_eq!(pauses[11], 60_000);
    }
}
