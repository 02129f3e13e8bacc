//! What the server refuses in the status of a Job: how it ended, what it counts, and which of its parts are done.

use std::ops::RangeInclusive;

use serde_json::{Value, json};

use super::check::Check::{NotNegative, With};
use super::check::{Rules, Seen, items, text};
use super::shown;
use crate::cause::Cause;

pub(super) const RULES: Rules = &[
    ("status.active", NotNegative),
    ("status.succeeded", NotNegative),
    ("status.failed", NotNegative),
    ("status.ready", NotNegative),
    ("status.terminating", NotNegative),
    ("status.uncountedTerminatedPods", With(uncounted)),
    ("status", With(ended)),
    ("status", With(busy)),
    ("status", With(parts)),
    ("status", With(alive)),
    ("status", With(stays)),
    ("status", With(succeeding)),
];

/// Whether a condition is said to be so.
fn is(status: &Value, condition: &str) -> bool {
    items(&status["conditions"]).iter().any(|one| one["type"] == condition && one["status"] == "True")
}

fn is_finished(status: &Value) -> bool {
    is(status, "Complete") || is(status, "Failed")
}

fn conditions(seen: &Seen<'_>, detail: &str) -> Cause {
    // The conditions themselves are not shown.
    Cause::shown(seen.below("conditions"), detail, "")
}

/// No Pod is counted twice.
fn uncounted(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let lists = ["succeeded", "failed"].into_iter().flat_map(|list| seen.items(list).iter().enumerate().map(move |one| (list, one)));
    let mut known: Vec<&Value> = Vec::new();
    for (list, (index, uid)) in lists {
        let at = seen.below(&format!("{list}[{index}]"));
        if text(uid).is_empty() {
            causes.push(Cause::invalid(at, &json!(""), "must not be empty"));
        } else if known.contains(&uid) {
            causes.push(Cause::duplicate(at, uid));
        } else {
            known.push(uid);
        }
    }
}

/// A Job ends in one way, and says since when.
fn ended(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (status, completion) = (seen.value, &seen.value["completionTime"]);
    let (complete, failed) = (is(status, "Complete"), is(status, "Failed"));
    if complete && failed {
        causes.push(conditions(seen, "cannot set Complete=True and Failed=true conditions"));
    }
    if complete && is(status, "FailureTarget") {
        causes.push(conditions(seen, "cannot set Complete=True and FailureTarget=true conditions"));
    }
    let at = seen.below("completionTime");
    match completion.is_null() {
        false if !complete => {
            causes.push(Cause::invalid(&at, completion, "cannot set completionTime when there is no Complete=True condition"));
        }
        true if complete => causes.push(Cause::required(&at, "completionTime is required for Complete jobs")),
        _ => {}
    }
    // Times in this form are in order where their texts are.
    if !completion.is_null() && text(completion) < text(&status["startTime"]) {
        causes.push(Cause::invalid(at, completion, "must be equal to or after `startTime`"));
    }
    if failed && !is(status, "FailureTarget") {
        causes.push(conditions(seen, "cannot set Failed=True condition without the FailureTarget=true condition"));
    }
    if complete && !is(status, "SuccessCriteriaMet") {
        causes.push(conditions(seen, "cannot set Complete=True condition without the SuccessCriteriaMet=true condition"));
    }
}

/// Whether a number is more than another; one that is not given is none.
fn is_more(one: &Value, other: i64) -> bool {
    one.as_i64().unwrap_or(0) > other
}

/// Nothing runs any more for a Job that is finished.
fn busy(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let status = seen.value;
    if !is_finished(status) {
        return;
    }
    if is_more(&status["active"], 0) {
        causes.push(Cause::invalid(seen.below("active"), &status["active"], "active>0 is invalid for finished job"));
    }
    if status["startTime"].is_null() {
        causes.push(Cause::required(seen.below("startTime"), "startTime is required for finished job"));
    }
    let uncounted = &status["uncountedTerminatedPods"];
    if ["succeeded", "failed"].iter().any(|list| !items(&uncounted[*list]).is_empty()) {
        let shown = shown::internal(uncounted, "batch.UncountedTerminatedPods");
        causes.push(Cause::shown(seen.below("uncountedTerminatedPods"), &shown, "must be empty for finished job"));
    }
}

/// The parts of an indexed Job that are done, and those that failed.
fn parts(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (spec, field) = (&seen.root["spec"], |name: &str| &seen.value[name]);
    // Of a Job that says no number nobody knows which parts there are.
    let all = spec["completions"].as_i64();
    let indexed = spec["completionMode"] == "Indexed";
    let (completed, at) = (text(field("completedIndexes")), seen.below("completedIndexes"));
    let done = all.map_or_else(|| Ok(Vec::new()), |all| indexes(completed, all));
    if let Err(why) = &done {
        causes.push(Cause::invalid(&at, field("completedIndexes"), &format!("error parsing completedIndexes: {why}")));
    }
    if !completed.is_empty() && !indexed {
        let detail = "cannot set non-empty completedIndexes when non-indexed completion mode";
        causes.push(Cause::invalid(at, field("completedIndexes"), detail));
    }
    let (failed, at) = (field("failedIndexes"), seen.below("failedIndexes"));
    if failed.is_null() {
        return;
    }
    if spec["backoffLimitPerIndex"].is_null() {
        return causes.push(Cause::invalid(at, failed, "cannot set non-null failedIndexes when backoffLimitPerIndex is null"));
    }
    let Some(all) = all else { return };
    let lost = indexes(text(failed), all);
    if let Err(why) = &lost {
        causes.push(Cause::invalid(&at, failed, &format!("error parsing failedIndexes: {why}")));
    }
    let (done, lost) = (done.unwrap_or_else(|_| known(completed, all)), lost.unwrap_or_else(|_| known(text(failed), all)));
    let both = lost.iter().flat_map(|lost| done.iter().map(|done| (lost.start().max(done.start()), lost.end().min(done.end()))));
    if let Some((index, _)) = both.filter(|(first, last)| first <= last).min() {
        causes.push(Cause::invalid(at, failed, &format!("failedIndexes and completedIndexes overlap at index: {index}")));
    }
}

/// The parts that a text names, `1,3-5`, or the first thing that is wrong with it.
fn indexes(text: &str, all: i64) -> Result<Vec<RangeInclusive<i64>>, String> {
    let (mut out, mut previous) = (Vec::new(), None);
    let mut index = |digits: &str| {
        let wrong = || format!("cannot convert string to integer for index: {digits:?}");
        let index: i64 = digits.parse().map_err(|_| wrong())?;
        if let Some(previous) = previous.filter(|previous| *previous >= index) {
            return Err(format!("non-increasing order, previous: {previous}, current: {index}"));
        }
        if index >= all {
            return Err(format!("too large index: {digits:?}"));
        }
        previous = Some(index);
        Ok(index)
    };
    for part in text.split(',').filter(|_| !text.is_empty()) {
        let (first, last) = part.split_once('-').map_or((part, None), |(first, last)| (first, Some(last)));
        let first = index(first)?;
        out.push(first..=last.map_or(Ok(first), &mut index)?);
    }
    Ok(out)
}

/// The parts that are named before the first thing that is wrong.
fn known(text: &str, all: i64) -> Vec<RangeInclusive<i64>> {
    let ends = text.match_indices(',').map(|(end, _)| end).rev();
    ends.into_iter().find_map(|end| indexes(&text[..end], all).ok()).unwrap_or_default()
}

/// What runs, and of it what is ready.
fn alive(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (terminating, ready) = (&seen.value["terminating"], &seen.value["ready"]);
    if is_more(terminating, 0) && is_finished(seen.value) {
        causes.push(Cause::invalid(seen.below("terminating"), terminating, "terminating>0 is invalid for finished job"));
    }
    if !ready.is_null() && is_more(ready, seen.value["active"].as_i64().unwrap_or(0)) {
        causes.push(Cause::invalid(seen.below("ready"), ready, "cannot set more ready pods than active"));
    }
}

/// What has ended has ended, and what was counted was.
fn stays(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let Some(old) = seen.old else { return };
    for condition in ["Failed", "Complete"] {
        if is(old, condition) && !is(seen.value, condition) {
            causes.push(conditions(seen, &format!("cannot disable the terminal {condition}=True condition")));
        }
    }
    if is(old, "FailureTarget") && !is(seen.value, "FailureTarget") {
        causes.push(conditions(seen, "cannot disable the FailureTarget=True condition"));
    }
    for counter in ["failed", "succeeded"] {
        let now = seen.value[counter].as_i64().unwrap_or(0);
        if is_more(&old[counter], now) {
            causes.push(Cause::invalid(seen.below(counter), &json!(now), &format!("cannot decrease the {counter} counter")));
        }
    }
    let (start, completion) = (&seen.value["startTime"], &seen.value["completionTime"]);
    if is(old, "Complete") && is(seen.value, "Complete") && *completion != old["completionTime"] {
        causes.push(Cause::invalid(seen.below("completionTime"), completion, "field is immutable"));
    }
    if !old["startTime"].is_null() && *start != old["startTime"] && seen.root["spec"]["suspend"] != true {
        causes.push(Cause::invalid(seen.below("startTime"), start, "field is immutable for unsuspended job once set"));
    }
}

/// A Job that has what it needs to succeed does not fail.
fn succeeding(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (met, status) = ("SuccessCriteriaMet", seen.value);
    if is(status, met) {
        for other in ["Failed", "FailureTarget"].iter().filter(|other| is(status, other)) {
            causes.push(conditions(seen, &format!("cannot set {met}=True and {other}=true conditions")));
        }
    } else if seen.old.is_some_and(|old| is(old, met)) {
        causes.push(conditions(seen, &format!("cannot disable the {met}=True condition")));
    }
}
