//! What is told of reports, and how.
//!
//! What is told is thinned out as client-go's recorder does it: the same again is only counted, of things that differ in their words alone the tenth
//! and later within ten minutes are told as one, and about each object no more than 25 things are told at once and one every five minutes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

use super::event::{Report, Write};
use super::kind::Kind;
use super::object::make;
use crate::time;

/// How many keys are remembered of each kind.
const REMEMBERED: usize = 4096;
/// How many reports that differ only in their words are told one by one, and for how many seconds they are held against each other.
const ALIKE: (usize, i64) = (10, 600);
/// How many reports about an object may come at once, and after how many seconds one more.
const BURST: (f64, f64) = (25.0, 300.0);

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
    /// What must be written for a report made at that time, if anything.
    pub(crate) fn take(&mut self, report: &Report, at: Timestamp) -> Option<Write> {
        let nanos = at.as_nanosecond().max(self.newest + 1);
        self.newest = nanos;
        let fresh = format!("{}.{nanos:x}", report.of("name"));
        if !report.action.is_empty() {
            return Some(action(report, &fresh, at));
        }
        let subject = subject(report);
        let similar = format!("{subject}\0{}", report.reason);
        let together = self.is_one_of_many(&similar, &report.message, at);
        let (key, message) = if together {
            (similar, format!("(combined from similar events): {}", report.message))
        } else {
            (format!("{similar}\0{}\0{}", report.of("fieldPath"), report.message), report.message.clone())
        };
        let (name, first, before) = self.told.get(&key).cloned().unwrap_or((fresh, at, 0));
        let count = before + 1;
        self.told.put(key, (name.clone(), first, count));
        if !self.may(subject, at) {
            return None;
        }
        // What is told together has no reporting component, as in Kubernetes.
        let (component, instance) = if together { ("", "") } else { (report.source, report.host.as_str()) };
        let mut source = json!({"component": report.source});
        if !report.host.is_empty() {
            source["host"] = report.host.as_str().into();
        }
        let event = json!({
            "involvedObject": report.about, "reason": report.reason, "message": message, "source": source,
            "firstTimestamp": time::seconds(first), "lastTimestamp": time::seconds(at), "count": count, "type": report.kind, "eventTime": null,
            "reportingComponent": component, "reportingInstance": instance,
        });
        let patch = (before > 0).then(|| json!({"count": count, "lastTimestamp": time::seconds(at), "message": message}));
        Some(Write { event: make(Kind::Event, metadata(report, name), event), patch, manager: report.manager() })
    }

    /// Whether so much of that kind was told with other words that it is told together.
    fn is_one_of_many(&mut self, similar: &str, message: &str, at: Timestamp) -> bool {
        let known = self.alike.get(similar).filter(|(_, last)| at.as_second() - last.as_second() <= ALIKE.1);
        let mut words = known.map(|(words, _)| words.clone()).unwrap_or_default();
        words.insert(message.to_owned());
        let together = words.len() >= ALIKE.0;
        if together {
            words.pop_first();
        }
        self.alike.put(similar.to_owned(), (words, at));
        together
    }

    /// Whether the subject's budget has room for one more, which it takes.
    fn may(&mut self, subject: String, at: Timestamp) -> bool {
        let (left, since) = self.budget.get(&subject).copied().unwrap_or((BURST.0, at));
        let elapsed = at.duration_since(since).as_secs_f64().max(0.0);
        let left = (left + elapsed / BURST.1).min(BURST.0);
        let may = left >= 1.0;
        self.budget.put(subject, (if may { left - 1.0 } else { left }, at));
        may
    }
}

/// By whom, about what.
fn subject(report: &Report) -> String {
    let about = ["kind", "namespace", "name", "uid", "apiVersion"].map(|field| report.of(field));
    format!("{}\0{}\0{}\0{}", report.source, report.host, report.kind, about.join("\0"))
}

/// An event about what lives in no namespace is in the first one.
fn metadata(report: &Report, name: String) -> ObjectMeta {
    let namespace = Some(report.of("namespace")).filter(|namespace| !namespace.is_empty());
    ObjectMeta { name: Some(name), namespace: Some(namespace.unwrap_or_else(|| "default".to_owned())), ..ObjectMeta::default() }
}

/// An event in the newer form, as those of a scheduler: each is written by itself. Kubernetes makes a series of those that are the same; nothing
/// here tells the same twice in this form.
fn action(report: &Report, name: &str, at: Timestamp) -> Write {
    let event = json!({
        "involvedObject": report.about, "reason": report.reason, "message": report.message, "source": {}, "type": report.kind,
        "eventTime": time::micros(at), "firstTimestamp": null, "lastTimestamp": null, "action": report.action,
        "reportingComponent": report.source, "reportingInstance": format!("{}-{}", report.source, report.host),
    });
    Write { event: make(Kind::Event, metadata(report, name.to_owned()), event), patch: None, manager: report.manager() }
}

/// A map that forgets what was not put for the longest time.
#[derive(Debug)]
struct Memory<V> {
    values: BTreeMap<String, (u64, V)>,
    /// The keys in the order in which they were put.
    order: BTreeMap<u64, String>,
    tick: u64,
}

impl<V> Default for Memory<V> {
    fn default() -> Self {
        Self { values: BTreeMap::new(), order: BTreeMap::new(), tick: 0 }
    }
}

impl<V> Memory<V> {
    fn get(&self, key: &str) -> Option<&V> {
        self.values.get(key).map(|(_, value)| value)
    }

    fn put(&mut self, key: String, value: V) {
        self.tick += 1;
        if let Some((before, _)) = self.values.insert(key.clone(), (self.tick, value)) {
            self.order.remove(&before);
        }
        self.order.insert(self.tick, key);
        if self.values.len() > REMEMBERED
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.values.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controllers::Object;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn report(name: &str, message: &str) -> Report {
        let cron: Object = serde_json::from_value(json!({"metadata": {"name": name, "namespace": "a", "uid": "u"}})).expect("an object");
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
    fn who_tells_of_which_part_keeps_reports_apart() {
        let mut recorder = Recorder::default();
        let pod: Object = serde_json::from_value(json!({"metadata": {"name": "p", "namespace": "a", "uid": "u"}})).expect("an object");
        let report = |part: &str| Report::normal("kubelet", Kind::Pod, &pod, "Started", "Container started").at("n").about(part.to_owned());
        let first = recorder.take(&report("spec.containers{a}"), at(1)).expect("told");
        assert_eq!((&first.event.data["source"], first.manager), (&json!({"component": "kubelet", "host": "n"}), "kubelet"));
        assert_eq!((&first.event.data["reportingComponent"], &first.event.data["reportingInstance"]), (&json!("kubelet"), &json!("n")));
        assert_eq!(first.event.data["involvedObject"]["fieldPath"], "spec.containers{a}");
        assert_eq!(recorder.take(&report("spec.containers{b}"), at(1)).expect("told").patch, None);
        assert!(recorder.take(&report("spec.containers{a}"), at(1)).expect("told").patch.is_some());
    }

    #[test]
    fn what_lives_in_no_namespace_is_told_in_the_first_one() {
        let node: Object = serde_json::from_value(json!({"metadata": {"name": "n"}})).expect("an object");
        let write = Recorder::default().take(&Report::normal("kubelet", Kind::Node, &node, "Starting", "Starting kubelet."), at(1));
        let event = write.expect("told").event;
        assert_eq!(event.metadata.namespace.as_deref(), Some("default"));
        assert_eq!(event.data["involvedObject"], json!({"kind": "Node", "name": "n", "apiVersion": "v1"}));
    }

    #[test]
    fn the_newer_form_has_a_time_and_no_count() {
        let pod: Object = serde_json::from_value(json!({"metadata": {"name": "p", "namespace": "a", "uid": "u"}})).expect("an object");
        let report = Report::normal("default-scheduler", Kind::Pod, &pod, "Scheduled", "Successfully assigned a/p to n");
        let write = Recorder::default().take(&report.at("n").doing("Binding"), at(1)).expect("told");
        let of = |field: &str| write.event.data[field].clone();
        assert_eq!((of("eventTime"), of("action"), of("count")), (json!("1970-01-01T00:00:01.000000Z"), json!("Binding"), json!(null)));
        assert_eq!((of("reportingInstance"), of("source"), write.manager), (json!("default-scheduler-n"), json!({}), "kube-scheduler"));
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
            memory.put(number.to_string(), number);
            memory.put("0".to_owned(), 0);
        }
        assert_eq!((memory.values.len(), memory.order.len()), (REMEMBERED, REMEMBERED));
        assert_eq!((memory.get("0"), memory.get("1"), memory.get("2")), (Some(&0), None, Some(&2)));
    }
}
