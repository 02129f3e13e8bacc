//! Events: what controllers tell people about what they do.
//!
//! What is told is thinned out as client-go's recorder does it: the same again is only counted, of things that differ in their words alone the tenth
//! and later within ten minutes are told as one, and about each object no more than 25 things are told at once and one every five minutes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::MANAGER;
use super::action::is_status;
use super::kind::Kind;
use super::object::{Object, make, name, namespace, time_text, uid};

/// How many keys are remembered of each kind.
const REMEMBERED: usize = 4096;
/// How many reports that differ only in their words are told one by one, and for how many seconds they are held against each other.
const ALIKE: (usize, i64) = (10, 600);
/// How many reports about an object may come at once, and after how many seconds one more.
const BURST: (f64, f64) = (25.0, 300.0);

/// What a controller has to tell about an object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    /// The controller, as events name it.
    source: &'static str,
    about: Value,
    kind: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

impl Report {
    /// Something that goes as it should.
    pub(crate) fn normal(source: &'static str, kind: Kind, object: &Object, reason: &'static str, message: String) -> Self {
        let about = json!({
            "kind": kind.name(), "namespace": namespace(object), "name": name(object), "uid": uid(object), "apiVersion": kind.api_version(),
            "resourceVersion": object.metadata.resource_version,
        });
        Self { source, about, kind: "Normal", reason, message }
    }

    /// Something that somebody should look at.
    pub(crate) fn warning(source: &'static str, kind: Kind, object: &Object, reason: &'static str, message: String) -> Self {
        Self { kind: "Warning", ..Self::normal(source, kind, object, reason, message) }
    }

    fn of(&self, field: &str) -> String {
        self.about[field].as_str().unwrap_or_default().to_owned()
    }

    /// By whom, about what.
    fn subject(&self) -> Vec<String> {
        let about = ["kind", "namespace", "name", "uid", "apiVersion"].map(|field| self.of(field));
        [self.source.to_owned(), self.kind.to_owned()].into_iter().chain(about).collect()
    }
}

/// A request that brings an event to the API.
#[derive(Debug, PartialEq)]
pub(crate) struct Write {
    event: Object,
    /// It is there already: only this changes.
    patch: Option<Value>,
}

impl Write {
    /// Sends it. What cannot be told is not told: no controller waits for that.
    pub(crate) async fn send(self, client: &kube::Client) {
        let api = Kind::Event.api(client, namespace(&self.event));
        if let Some(patch) = self.patch {
            let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
            match api.patch(name(&self.event), &params, &Patch::Merge(patch)).await {
                Ok(_) => return,
                // Somebody has cleared it away: it is told anew.
                Err(error) if is_status(&error, 404) => {}
                Err(error) => return tracing::debug!(%error, "an event could not be counted"),
            }
        }
        let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        if let Err(error) = api.create(&params, &self.event).await {
            tracing::debug!(%error, "an event could not be told");
        }
    }
}

/// Remembers what was told.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    alike: Memory<(BTreeSet<String>, Timestamp)>,
    told: Memory<(String, Timestamp, u32)>,
    budget: Memory<(f64, Timestamp)>,
    /// The number in the newest name.
    newest: i128,
}

impl Recorder {
    /// What must be written for a report, if anything.
    pub(crate) fn take(&mut self, report: &Report, now: Timestamp) -> Option<Write> {
        let subject = report.subject();
        let mut similar = subject.clone();
        similar.push(report.reason.to_owned());
        let mut same = similar.clone();
        same.push(report.message.clone());

        let known = self.alike.get(&similar).filter(|(_, last)| now.as_second() - last.as_second() <= ALIKE.1);
        let mut words = known.map(|(words, _)| words.clone()).unwrap_or_default();
        words.insert(report.message.clone());
        let together = words.len() >= ALIKE.0;
        if together {
            words.pop_first();
        }
        self.alike.put(similar.clone(), (words, now));
        let (key, message) = if together {
            (similar, format!("(combined from similar events): {}", report.message))
        } else {
            (same, report.message.clone())
        };

        let nanos = now.as_nanosecond().max(self.newest + 1);
        self.newest = nanos;
        let fresh = || (format!("{}.{nanos:x}", report.of("name")), now, 0);
        let (name, first, before) = self.told.get(&key).cloned().unwrap_or_else(fresh);
        let count = before + 1;
        self.told.put(key, (name.clone(), first, count));

        let (left, since) = self.budget.get(&subject).copied().unwrap_or((BURST.0, now));
        let elapsed = now.duration_since(since).as_secs_f64().max(0.0);
        let left = (left + elapsed / BURST.1).min(BURST.0);
        self.budget.put(subject, (if left >= 1.0 { left - 1.0 } else { left }, now));
        if left < 1.0 {
            return None;
        }
        let metadata = serde_json::from_value(json!({"name": name, "namespace": report.about["namespace"]})).unwrap_or_default();
        // What is told together has no reporting component, as in Kubernetes.
        let component = if together { "" } else { report.source };
        let event = json!({
            "involvedObject": report.about, "reason": report.reason, "message": message, "source": {"component": report.source},
            "firstTimestamp": time_text(first), "lastTimestamp": time_text(now), "count": count, "type": report.kind, "eventTime": null,
            "reportingComponent": component, "reportingInstance": "",
        });
        let patch = (before > 0).then(|| json!({"count": count, "lastTimestamp": time_text(now), "message": message}));
        Some(Write { event: make(Kind::Event, metadata, event), patch })
    }
}

/// A map that forgets what was not put for the longest time.
#[derive(Debug)]
struct Memory<V> {
    values: BTreeMap<Vec<String>, (u64, V)>,
    tick: u64,
}

impl<V> Default for Memory<V> {
    fn default() -> Self {
        Self { values: BTreeMap::new(), tick: 0 }
    }
}

impl<V> Memory<V> {
    fn get(&self, key: &[String]) -> Option<&V> {
        self.values.get(key).map(|(_, value)| value)
    }

    fn put(&mut self, key: Vec<String>, value: V) {
        self.tick += 1;
        self.values.insert(key, (self.tick, value));
        if self.values.len() > REMEMBERED
            && let Some(oldest) = self.values.iter().min_by_key(|(_, (tick, _))| *tick).map(|(key, _)| key.clone())
        {
            self.values.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn report(name: &str, message: &str) -> Report {
        let cron = serde_json::from_value(json!({"metadata": {"name": name, "namespace": "a", "uid": "u"}})).expect("an object");
        Report::normal("cronjob-controller", Kind::CronJob, &cron, "Reason", message.to_owned())
    }

    #[test]
    fn the_same_again_is_counted() {
        let mut recorder = Recorder::default();
        let first = recorder.take(&report("c", "x"), at(1)).expect("told");
        assert_eq!((first.patch, &first.event.data["count"]), (None, &json!(1)));
        assert_eq!(first.event.data["reportingComponent"], "cronjob-controller");
        let again = recorder.take(&report("c", "x"), at(2)).expect("told");
        assert_eq!(again.event.metadata.name, first.event.metadata.name);
        let patch = again.patch.expect("it is there");
        assert_eq!((&patch["count"], &patch["lastTimestamp"]), (&json!(2), &json!("1970-01-01T00:00:02Z")));
        assert_eq!(again.event.data["firstTimestamp"], "1970-01-01T00:00:01Z");
        let other = recorder.take(&report("c", "y"), at(2)).expect("told");
        assert_ne!(other.event.metadata.name, first.event.metadata.name);
    }

    #[test]
    fn names_differ_within_the_same_moment() {
        let mut recorder = Recorder::default();
        let mut name = |message: &str| recorder.take(&report("c", message), at(1)).expect("told").event.metadata.name;
        assert_eq!([name("x"), name("y")], [Some("c.3b9aca00".to_owned()), Some("c.3b9aca01".to_owned())]);
    }

    #[test]
    fn many_that_differ_in_words_alone_become_one() {
        let mut recorder = Recorder::default();
        let mut take = |number: i64, second| recorder.take(&report("c", &format!("job {number}")), at(second)).expect("told");
        for number in 1..10 {
            assert!(take(number, number).event.data["message"].as_str().is_some_and(|message| message.starts_with("job")));
        }
        let tenth = take(10, 10);
        assert_eq!((&tenth.event.data["message"], tenth.patch), (&json!("(combined from similar events): job 10"), None));
        let next = take(11, 11).patch.expect("the same one");
        assert_eq!(next, json!({"count": 2, "lastTimestamp": "1970-01-01T00:00:11Z", "message": "(combined from similar events): job 11"}));
        assert_eq!(take(12, 700).event.data["message"], "job 12", "after a pause each counts again");
    }

    #[test]
    fn about_one_object_not_too_much_is_told() {
        let mut recorder = Recorder::default();
        let mut tells = |name: &str, second| recorder.take(&report(name, "x"), at(second)).is_some();
        assert!((0..25).all(|_| tells("c", 0)));
        assert!(!tells("c", 0) && !tells("c", 299), "its budget is spent");
        assert!(tells("other", 299));
        assert!(tells("c", 301) && !tells("c", 301));
    }

    #[test]
    fn what_was_put_longest_ago_is_forgotten() {
        let mut memory = Memory::default();
        for number in 0..=REMEMBERED {
            memory.put(vec![number.to_string()], number);
        }
        assert_eq!((memory.values.len(), memory.get(&["0".to_owned()]), memory.get(&["1".to_owned()])), (REMEMBERED, None, Some(&1)));
    }
}
