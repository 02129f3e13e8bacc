//! Jobs: Pods that run to their end.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::action::{Action, Outcome};
use super::claim::{claim, owners};
use super::engine::{Controller, Decision};
use super::event::Report;
use super::kind::Kind;
use super::object::{Object, condition, flag, is_deleting, key, number, ready_since, status_patch, text};
use super::pods;
use super::world::{Name, World};
use crate::time;

/// Who tells it.
const SOURCE: &str = "job-controller";

/// Why a Job fails here.
const FAILURES: [&str; 2] = ["BackoffLimitExceeded", "DeadlineExceeded"];

/// The controller of Jobs: completions, parallelism, `backoffLimit`, deadlines, suspension and `ttlSecondsAfterFinished`.
///
/// Indexed completion, pod failure policies and success policies are not looked at. Pods are counted as they are, without the finalizer by which a
/// real cluster keeps those that were deleted before they were counted.
pub(crate) struct Jobs;

/// The first delay after a failure; it doubles with each, up to the second.
const BACKOFF: (i64, i64) = (10, 600);

impl Controller for Jobs {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Job, Kind::Pod]
    }

    fn touched(&self, world: &World, kind: Kind, object: &Object) -> Vec<Name> {
        if kind == Kind::Job { vec![key(object)] } else { owners(world, Kind::Job, object) }
    }

    fn decide(&self, world: &World, (namespace, name): &Name, now: Timestamp) -> Decision {
        let Some(job) = world.get(Kind::Job, namespace, name) else { return Decision::default() };
        if is_deleting(job) {
            return Decision::default();
        }
        if let Some(ended) = ended(job) {
            return expire(job, ended, now);
        }
        let claimed = claim(world, Kind::Job, job, Kind::Pod);
        if !claimed.actions.is_empty() {
            return claimed.actions.into();
        }
        let pods: Vec<&Object> = claimed.owned.iter().map(AsRef::as_ref).collect();
        Count::of(job, &pods).decide(job, &pods, now)
    }

    fn report(&self, world: &World, (namespace, name): &Name, action: &Action, answer: Result<&Outcome, &str>) -> Vec<Report> {
        let Some(job) = world.get(Kind::Job, namespace, name) else { return Vec::new() };
        match (action, answer) {
            (Action::Status(..), Ok(Outcome::Now(_, after))) => turned(job, after),
            _ => pods::report(SOURCE, Kind::Job, job, action, answer).into_iter().collect(),
        }
    }
}

/// What there is to tell of a Job whose conditions have changed.
fn turned(before: &Object, after: &Object) -> Vec<Report> {
    let is = |job: &Object, kind: &str, truth: &str| condition(job, kind).is_some_and(|condition| condition["status"] == truth);
    let became = |kind: &str, truth: &str| is(after, kind, truth) && !is(before, kind, truth);
    let normal = |reason, message: &str| Report::normal(SOURCE, Kind::Job, before, reason, message);
    let warning = |reason, message: &str| Report::warning(SOURCE, Kind::Job, before, reason, message);
    let mut out = Vec::new();
    if became("Suspended", "True") {
        out.push(normal("Suspended", "Job suspended"));
    }
    if became("Suspended", "False") {
        out.push(normal("Resumed", "Job resumed"));
    }
    if became("Complete", "True") {
        if number(after, "/spec/completions").is_some_and(|wanted| number(after, "/status/succeeded").unwrap_or(0) > wanted) {
            out.push(warning("TooManySucceededPods", "Too many succeeded pods running after completion count reached"));
        }
        out.push(normal("Completed", "Job completed"));
    }
    if became("Failed", "True")
        && let Some(failed) = condition(after, "Failed")
    {
        let reason = FAILURES.into_iter().find(|reason| failed["reason"] == *reason);
        out.extend(reason.map(|reason| warning(reason, failed["message"].as_str().unwrap_or_default())));
    }
    out
}

/// When the Job completed or failed.
fn ended(job: &Object) -> Option<Timestamp> {
    let end = ["Complete", "Failed"].iter().find_map(|kind| condition(job, kind).filter(|condition| condition["status"] == "True"))?;
    Some(end["lastTransitionTime"].as_str().and_then(|time| time.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Deletes a Job that has been over for as long as it asked for.
fn expire(job: &Object, ended: Timestamp, now: Timestamp) -> Decision {
    let Some(keep) = number(job, "/spec/ttlSecondsAfterFinished") else { return Decision::default() };
    match u64::try_from(ended.as_second().saturating_add(keep).saturating_sub(now.as_second())) {
        Ok(left) if left > 0 => Decision { again: Some(Duration::from_secs(left)), ..Decision::default() },
        _ => vec![Action::delete(Kind::Job, job)].into(),
    }
}

#[derive(Debug)]
struct Count {
    active: i64,
    ready: i64,
    succeeded: i64,
    failed: i64,
}

impl Count {
    fn of(job: &Object, pods: &[&Object]) -> Self {
        let phase =
            |wanted: &str| i64::try_from(pods.iter().filter(|pod| text(pod, "/status/phase") == Some(wanted)).count()).unwrap_or(i64::MAX);
        let active = || pods.iter().filter(|pod| pods::is_active(pod));
        let size = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        Self {
            active: size(active().count()),
            ready: size(active().filter(|pod| ready_since(pod).is_some()).count()),
            // Pods that somebody deleted after their end stay counted.
            succeeded: phase("Succeeded").max(number(job, "/status/succeeded").unwrap_or(0)),
            failed: phase("Failed").max(number(job, "/status/failed").unwrap_or(0)),
        }
    }

    fn decide(self, job: &Object, pods: &[&Object], now: Timestamp) -> Decision {
        let started = text(job, "/status/startTime").and_then(|time| time.parse::<Timestamp>().ok());
        let suspended = flag(job, "/spec/suspend");
        let limit = number(job, "/spec/backoffLimit").unwrap_or(6);
        let deadline = number(job, "/spec/activeDeadlineSeconds");
        let left = started.zip(deadline).map(|(started, seconds)| started.as_second() + seconds - now.as_second());
        let stop = || pods.iter().filter(|pod| pods::is_active(pod)).map(|pod| Action::delete(Kind::Pod, pod)).collect::<Vec<_>>();
        let completions = number(job, "/spec/completions");
        let end = if self.failed > limit {
            Some(("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit".to_owned()))
        } else if left.is_some_and(|left| left <= 0) && !suspended {
            Some(("Failed", "DeadlineExceeded", "Job was active longer than specified deadline".to_owned()))
        } else if completions.map_or(self.succeeded > 0 && self.active == 0, |wanted| self.succeeded >= wanted) {
            Some(("Complete", "CompletionsReached", "Reached expected number of succeeded pods".to_owned()))
        } else {
            None
        };
        if end.is_some() && self.active > 0 {
            return stop().into();
        }
        if suspended && self.active > 0 {
            return stop().into();
        }
        let mut again = left.and_then(|left| u64::try_from(left).ok()).map(Duration::from_secs);
        if end.is_none() && !suspended && started.is_some() {
            let parallel = number(job, "/spec/parallelism").unwrap_or(1);
            let wanted =
                completions.map_or(if self.succeeded > 0 { self.active } else { parallel }, |all| parallel.min(all - self.succeeded));
            if self.active < wanted {
                match self.wait(pods, now) {
                    Some(wait) => again = pods::sooner(again, Some(wait)),
                    None => {
                        let template = job.at("/spec/template").unwrap_or(&Value::Null);
                        let pod = pods::from_template(Kind::Job, job, template, &[]);
                        let missing = usize::try_from(wanted - self.active).unwrap_or(0);
                        return std::iter::repeat_with(|| Action::Create(Kind::Pod, Box::new(pod.clone())))
                            .take(missing)
                            .collect::<Vec<_>>()
                            .into();
                    }
                }
            } else if self.active > wanted {
                let mut candidates: Vec<&Object> = pods.iter().copied().filter(|pod| pods::is_active(pod)).collect();
                pods::least_missed_first(&mut candidates);
                let surplus = usize::try_from(self.active - wanted.max(0)).unwrap_or(0);
                return candidates.iter().take(surplus).map(|pod| Action::delete(Kind::Pod, pod)).collect::<Vec<_>>().into();
            }
        }
        let status = self.status(job, end.as_ref().map(|(kind, reason, message)| (*kind, *reason, message.as_str())), suspended, now);
        Decision {
            actions: status_patch(job, &status).into_iter().map(|patch| Action::status(Kind::Job, job, patch)).collect(),
            again,
            ..Decision::default()
        }
    }

    /// How long to wait after the last failure before another Pod is made.
    fn wait(&self, pods: &[&Object], now: Timestamp) -> Option<Duration> {
        let ends = pods.iter().filter(|pod| text(pod, "/status/phase") == Some("Failed")).filter_map(|pod| {
            let states = pod.at("/status/containerStatuses").and_then(Value::as_array)?;
            states.iter().filter_map(|state| state.pointer("/state/terminated/finishedAt")?.as_str()?.parse::<Timestamp>().ok()).max()
        });
        let last = ends.max()?;
        let delay = BACKOFF.0.saturating_mul(1 << (self.failed - 1).clamp(0, 16)).min(BACKOFF.1);
        let left = last.as_second() + delay - now.as_second();
        u64::try_from(left).ok().filter(|left| *left > 0).map(Duration::from_secs)
    }

    fn status(&self, job: &Object, end: Option<(&str, &str, &str)>, suspended: bool, now: Timestamp) -> Value {
        let text_now = time::seconds(now);
        let mut status = json!({"ready": self.ready, "terminating": 0, "uncountedTerminatedPods": {}});
        for (field, value) in [("active", self.active), ("succeeded", self.succeeded), ("failed", self.failed)] {
            if value > 0 {
                status[field] = value.into();
            }
        }
        if !suspended {
            let started = text(job, "/status/startTime").unwrap_or(&text_now);
            status["startTime"] = started.into();
        }
        let mut conditions = Vec::new();
        let mut add = |kind: &str, truth: &str, reason: &str, message: &str| {
            let since = condition(job, kind)
                .filter(|live| live["status"] == truth)
                .and_then(|live| live["lastTransitionTime"].as_str())
                .unwrap_or(&text_now);
            conditions.push(json!({"type": kind, "status": truth, "reason": reason, "message": message, "lastProbeTime": since, "lastTransitionTime": since}));
        };
        if suspended {
            add("Suspended", "True", "JobSuspended", "Job suspended");
        } else if condition(job, "Suspended").is_some() {
            add("Suspended", "False", "JobResumed", "Job resumed");
        }
        if let Some((kind, reason, message)) = end {
            add(if kind == "Complete" { "SuccessCriteriaMet" } else { "FailureTarget" }, "True", reason, message);
            add(kind, "True", reason, message);
            if kind == "Complete" {
                status["completionTime"] = text_now.clone().into();
            }
        }
        if !conditions.is_empty() {
            status["conditions"] = conditions.into();
        }
        status
    }
}
