//! What containers have written, as much as is kept.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

/// How many bytes are kept of each container.
const KEPT: usize = 256 * 1024;

/// Namespace, Pod, container.
type Place = (String, String, String);

/// The output of all containers of a node. Clones share it.
#[derive(Debug, Clone)]
pub struct Logs {
    rings: Arc<Mutex<BTreeMap<Place, Ring>>>,
    changed: Arc<watch::Sender<u64>>,
}

/// The last lines of one container.
#[derive(Debug, Default)]
struct Ring {
    lines: VecDeque<Line>,
    bytes: usize,
    /// The number of the first line that is still kept.
    first: u64,
}

/// One line of a container's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When the node read it.
    pub at: Timestamp,
    /// Without its end of line; what is not UTF-8 is replaced.
    pub text: String,
}

impl Default for Logs {
    fn default() -> Self {
        Self { rings: Arc::default(), changed: Arc::new(watch::Sender::new(0)) }
    }
}

impl Logs {
    /// The lines of a container from number `from` on, and the number of the line after the last; none if the container has never run here.
    ///
    /// Numbers begin with 0 and go on over restarts; lines that are not kept any more are left out.
    #[must_use]
    pub fn read(&self, namespace: &str, pod: &str, container: &str, from: u64) -> Option<(Vec<Line>, u64)> {
        let rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        let ring = rings.get(&(namespace.to_owned(), pod.to_owned(), container.to_owned()))?;
        let skipped = usize::try_from(from.saturating_sub(ring.first)).unwrap_or(usize::MAX);
        let next = ring.first + u64::try_from(ring.lines.len()).unwrap_or(u64::MAX);
        Some((ring.lines.iter().skip(skipped).cloned().collect(), next))
    }

    /// Everything that is kept of a container, one line each; an empty name means the Pod's first container by name.
    #[must_use]
    pub fn text(&self, namespace: &str, pod: &str, container: &str) -> Option<String> {
        let rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        let from = (namespace.to_owned(), pod.to_owned(), container.to_owned());
        let (_, ring) = rings
            .range(from..)
            .next()
            .filter(|((of, name, found), _)| of == namespace && name == pod && (container.is_empty() || found == container))?;
        Some(ring.lines.iter().fold(String::new(), |text, line| text + &line.text + "\n"))
    }

    /// This, as the function that a sandbox asks for logs.
    #[must_use]
    pub fn hook(&self) -> crate::Logs {
        let logs = self.clone();
        Arc::new(move |namespace, pod, container| logs.text(namespace, pod, container))
    }

    /// Tells of every line that any container writes, to follow a log without polling.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(crate) fn open(&self, namespace: &str, pod: &str, container: &str) {
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        rings.entry((namespace.to_owned(), pod.to_owned(), container.to_owned())).or_default();
    }

    pub(crate) fn write(&self, namespace: &str, pod: &str, container: &str, at: Timestamp, text: String) {
        {
            let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
            let ring = rings.entry((namespace.to_owned(), pod.to_owned(), container.to_owned())).or_default();
            ring.bytes += text.len();
            ring.lines.push_back(Line { at, text });
            while ring.bytes > KEPT {
                let Some(gone) = ring.lines.pop_front() else { break };
                ring.bytes -= gone.text.len();
                ring.first += 1;
            }
        }
        self.changed.send_modify(|count| *count += 1);
    }

    /// Forgets a Pod that is gone.
    pub(crate) fn forget(&self, namespace: &str, pod: &str) {
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        rings.retain(|(of, name, _), _| of != namespace || name != pod);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_are_kept_and_numbers_go_on() {
        let logs = Logs::default();
        assert!(logs.read("a", "p", "c", 0).is_none());
        for number in 0..5 {
            logs.write("a", "p", "c", Timestamp::UNIX_EPOCH, format!("{number}").repeat(100_000));
        }
        let (lines, next) = logs.read("a", "p", "c", 0).expect("it has run");
        assert_eq!((lines.len(), next), (2, 5));
        assert!(lines[0].text.starts_with('3'));
        assert_eq!(logs.read("a", "p", "c", 4).map(|(lines, _)| lines.len()), Some(1));
        assert_eq!(logs.read("a", "p", "c", 5).map(|(lines, _)| lines.len()), Some(0));
        assert_eq!(logs.text("a", "p", "").map(|text| text.lines().count()), Some(2));
        assert_eq!(logs.text("a", "p", "other"), None);
        logs.forget("a", "p");
        assert!(logs.read("a", "p", "c", 0).is_none());
    }
}
