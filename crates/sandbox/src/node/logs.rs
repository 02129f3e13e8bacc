//! What containers have written, as much as is kept.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

/// How many bytes are kept of each run.
const KEPT: usize = 256 * 1024;

/// One run of a container, as a Pod's status names it: `process://UID/CONTAINER/NUMBER`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RunId {
    /// The Pod's uid.
    pub(crate) pod: String,
    pub(crate) container: String,
    /// Another one for each run, counted from 1.
    pub(crate) run: u32,
}

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process://{}/{}/{}", self.pod, self.container, self.run)
    }
}

impl RunId {
    /// Reads what a status calls `containerID`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("process://")?.split('/');
        let (pod, container, run) = (parts.next()?.to_owned(), parts.next()?.to_owned(), parts.next()?.parse().ok()?);
        parts.next().is_none().then_some(Self { pod, container, run })
    }
}

/// The output of all containers of a node. Clones share it.
#[derive(Debug, Clone)]
pub struct Logs {
    runs: Arc<Mutex<BTreeMap<RunId, Run>>>,
    changed: Arc<watch::Sender<u64>>,
}

/// The last lines of one run.
#[derive(Debug, Default)]
struct Run {
    lines: VecDeque<Line>,
    bytes: usize,
    /// The number of the first line that is still kept.
    first: u64,
    ended: bool,
}

/// One line of a container's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// When the node read it.
    pub(crate) at: Timestamp,
    /// Without its end of line; what is not UTF-8 is replaced.
    pub(crate) text: String,
}

/// Some lines of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) lines: Vec<Line>,
    /// The number of the line after the last.
    pub(crate) next: u64,
    /// Whether no more lines can come.
    pub(crate) ended: bool,
}

impl Default for Logs {
    fn default() -> Self {
        Self { runs: Arc::default(), changed: Arc::new(watch::Sender::new(0)) }
    }
}

impl Logs {
    /// The lines of a run from number `from` on, counted from 0; lines that are not kept any more are left out. Of a run that is not known here
    /// there are none, and none will come.
    pub(crate) fn read(&self, run: &RunId, from: u64) -> Page {
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(run) = runs.get(run) else { return Page { ended: true, ..Page::default() } };
        let skipped = usize::try_from(from.saturating_sub(run.first)).unwrap_or(usize::MAX);
        let next = run.first + u64::try_from(run.lines.len()).unwrap_or(u64::MAX);
        Page { lines: run.lines.iter().skip(skipped).cloned().collect(), next, ended: run.ended }
    }

    /// Tells of every line that any container writes and of every end, to follow a log without polling.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Begins a run. Of the runs before it only the last is kept, as by a kubelet.
    pub(crate) fn begin(&self, run: &RunId) {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.retain(|kept, _| kept.pod != run.pod || kept.container != run.container || kept.run + 1 >= run.run);
        runs.insert(run.clone(), Run::default());
    }

    pub(crate) fn write(&self, run: &RunId, at: Timestamp, text: String) {
        {
            let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
            // Of a Pod that is forgotten nothing is kept.
            let Some(run) = runs.get_mut(run) else { return };
            run.bytes += text.len();
            run.lines.push_back(Line { at, text });
            while run.bytes > KEPT {
                let Some(gone) = run.lines.pop_front() else { break };
                run.bytes -= gone.text.len();
                run.first += 1;
            }
        }
        self.changed.send_modify(|count| *count += 1);
    }

    /// Ends a run: no more lines come.
    pub(crate) fn end(&self, run: &RunId) {
        if let Some(run) = self.runs.lock().unwrap_or_else(PoisonError::into_inner).get_mut(run) {
            run.ended = true;
        }
        self.changed.send_modify(|count| *count += 1);
    }

    /// Forgets a Pod, by its uid, that is gone.
    pub(crate) fn forget(&self, pod: &str) {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).retain(|run, _| run.pod != pod);
        self.changed.send_modify(|count| *count += 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(run: u32) -> RunId {
        RunId { pod: "uid".to_owned(), container: "c".to_owned(), run }
    }

    #[test]
    fn a_run_is_read_from_what_a_status_calls_it() {
        assert_eq!(RunId::parse(&run(3).to_string()), Some(run(3)));
        for wrong in ["", "containerd://a/b/1", "process://a/b", "process://a/b/c", "process://a/b/1/2"] {
            assert_eq!(RunId::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_the_last_lines_are_kept_and_numbers_go_on() {
        let logs = Logs::default();
        let nothing = Page { lines: Vec::new(), next: 0, ended: true };
        assert_eq!(logs.read(&run(1), 0), nothing);
        logs.begin(&run(1));
        for number in 0..5 {
            logs.write(&run(1), Timestamp::UNIX_EPOCH, format!("{number}").repeat(100_000));
        }
        let page = logs.read(&run(1), 0);
        assert_eq!((page.lines.len(), page.next, page.ended), (2, 5, false));
        assert!(page.lines[0].text.starts_with('3'));
        assert_eq!(logs.read(&run(1), 4).lines.len(), 1);
        assert_eq!(logs.read(&run(1), 5).lines.len(), 0);
        logs.end(&run(1));
        assert!(logs.read(&run(1), 5).ended);
        logs.forget("uid");
        assert_eq!(logs.read(&run(1), 0), nothing);
    }

    #[test]
    fn of_the_runs_before_only_the_last_is_kept() {
        let logs = Logs::default();
        for number in 1..=3 {
            logs.begin(&run(number));
            logs.write(&run(number), Timestamp::UNIX_EPOCH, number.to_string());
        }
        assert_eq!([1, 2, 3].map(|number| logs.read(&run(number), 0).lines.len()), [0, 1, 1]);
    }
}
