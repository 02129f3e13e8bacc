//! `CronJob`s: Jobs by schedule.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::action::{Action, Outcome};
use super::claim::owners;
use super::engine::{Controller, Decision};
use super::event::Report;
use super::kind::Kind;
use super::object::{
    Labels, Object, annotation, condition, controller, created, flag, is_deleting, key, make, name, namespace, number, owner_reference,
    status_patch, text, uid,
};
use super::world::{Name, World};
use crate::schedule::{self, Schedule};
use crate::time;

/// The annotation of a Job that says for which time it was made.
const SCHEDULED: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";

/// Who tells it.
const SOURCE: &str = "cronjob-controller";

/// How long after a time its Job is made: clocks may differ a little.
const PADDING: Duration = Duration::from_millis(100);

/// The controller of `CronJob`s, as Kubernetes 1.36's second one decides: of all times that were missed only the newest is made up for. A time zone is
/// one that this system knows.
pub(crate) struct CronJobs;

impl Controller for CronJobs {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::CronJob, Kind::Job]
    }

    fn touched(&self, world: &World, kind: Kind, object: &Object) -> Vec<Name> {
        if kind == Kind::CronJob { vec![key(object)] } else { owners(world, Kind::CronJob, object) }
    }

    fn decide(&self, world: &World, (namespace, name): &Name, now: Timestamp) -> Decision {
        let Some(cron) = world.get(Kind::CronJob, namespace, name) else { return Decision::default() };
        let here: Vec<&Arc<Object>> = world.list(Kind::Job, namespace).collect();
        let jobs: Vec<&Object> =
            here.iter().filter(|job| controller(job).is_some_and(|owner| owner.uid == uid(cron))).map(|job| &***job).collect();
        let mut reports = Vec::new();
        let surplus = surplus(cron, &jobs);
        let mut state = State::of(cron, &jobs, &surplus, &mut reports);
        let (run, again) = run(cron, &state, now, &mut reports);
        let mut actions: Vec<Action> = surplus.into_iter().map(|job| Action::delete(Kind::Job, job)).collect();
        let mut last = state.last;
        // A Job of that name that is somebody else's stands in the way until the next time.
        if let Some(run) = run.filter(|run| !here.iter().any(|job| super::object::name(job) == job_name(cron, run.time))) {
            actions.extend(run.replaced.iter().map(|job| Action::delete(Kind::Job, job)));
            actions.push(Action::Create(Kind::Job, Box::new(job(cron, run.time, &run.zone))));
            last = Some(run.time);
            // Whoever gives way is not missed later.
            let replaced: Vec<String> = run.replaced.iter().map(|job| uid(job).to_owned()).collect();
            state.active.retain(|(job, _)| !replaced.iter().any(|uid| uid == super::object::uid(job)));
        }
        let patch = status_patch(cron, &state.status(last));
        actions.extend(patch.map(|patch| Action::status(Kind::CronJob, cron, patch)));
        Decision { actions, reports, again }
    }

    fn report(&self, world: &World, (namespace, name): &Name, action: &Action, answer: Result<&Outcome, &str>) -> Vec<Report> {
        let Some(cron) = world.get(Kind::CronJob, namespace, name) else { return Vec::new() };
        let normal = |reason, message| vec![Report::normal(SOURCE, Kind::CronJob, cron, reason, message)];
        let warning = |reason, message| vec![Report::warning(SOURCE, Kind::CronJob, cron, reason, message)];
        match (action, answer) {
            (Action::Create(Kind::Job, job), Ok(_)) => normal("SuccessfulCreate", format!("Created job {}", super::object::name(job))),
            (Action::Create(Kind::Job, _), Err(error)) => warning("FailedCreate", format!("Error creating job: {error}")),
            (Action::Delete(Kind::Job, (_, job), _), Ok(_)) => normal("SuccessfulDelete", format!("Deleted job {job}")),
            (Action::Delete(Kind::Job, ..), Err(error)) => warning("FailedDelete", format!("Deleted job: {error}")),
            _ => Vec::new(),
        }
    }
}

/// How a Job ended: `Complete` or `Failed`.
fn end(job: &Object) -> Option<&'static str> {
    ["Complete", "Failed"].into_iter().find(|kind| condition(job, kind).is_some_and(|condition| condition["status"] == "True"))
}

fn time(object: &Object, pointer: &str) -> Option<Timestamp> {
    text(object, pointer)?.parse().ok()
}

/// What is known of a `CronJob`'s runs.
struct State<'a> {
    /// Those that have not ended, with what the status says of them.
    active: Vec<(&'a Object, Value)>,
    /// The newest time for which a Job was made.
    last: Option<Timestamp>,
    succeeded: Option<Timestamp>,
}

impl<'a> State<'a> {
    /// Also says what is worth telling: Jobs that ended or went, or came from elsewhere. Of those that are surplus only their deletion is told.
    fn of(cron: &Object, jobs: &[&'a Object], surplus: &[&Object], reports: &mut Vec<Report>) -> Self {
        let all = || cron.at("/status/active").and_then(Value::as_array).into_iter().flatten();
        let told = |job: &Object| all().find(|reference| reference["uid"] == uid(job)).cloned();
        let mut tell = |reason, message| reports.push(Report::normal(SOURCE, Kind::CronJob, cron, reason, message));
        let mut strange = Vec::new();
        let mut state =
            Self { active: Vec::new(), last: time(cron, "/status/lastScheduleTime"), succeeded: time(cron, "/status/lastSuccessfulTime") };
        for job in jobs {
            // Jobs that others made by hand for this owner count only once they have ended.
            let scheduled = annotation(job, SCHEDULED).and_then(|time| time.parse::<Timestamp>().ok());
            state.last = state.last.max(scheduled);
            match end(job) {
                Some(how) => {
                    if told(job).is_some() && !surplus.iter().any(|one| uid(one) == uid(job)) {
                        tell("SawCompletedJob", format!("Saw completed job: {}, condition: {how}", name(job)));
                    }
                    if how == "Complete" {
                        state.succeeded = state.succeeded.max(time(job, "/status/completionTime"));
                    }
                }
                None => match told(job).or_else(|| scheduled.filter(|_| !is_deleting(job)).map(|_| reference(job))) {
                    Some(reference) => state.active.push((*job, reference)),
                    None => strange.push(name(job)),
                },
            }
        }
        for gone in all().filter(|reference| !jobs.iter().any(|job| reference["uid"] == uid(job))) {
            tell("MissingJob", format!("Active job went missing: {}", gone["name"].as_str().unwrap_or_default()));
        }
        for job in strange {
            let message = format!("Saw a job that the controller did not create or forgot: {job}");
            reports.push(Report::warning(SOURCE, Kind::CronJob, cron, "UnexpectedJob", message));
        }
        state
    }

    fn status(&self, last: Option<Timestamp>) -> Value {
        let mut status = json!({});
        if !self.active.is_empty() {
            status["active"] = self.active.iter().map(|(_, reference)| reference.clone()).collect();
        }
        for (field, time) in [("lastScheduleTime", last), ("lastSuccessfulTime", self.succeeded)] {
            if let Some(time) = time {
                status[field] = time::seconds(time).into();
            }
        }
        status
    }
}

fn reference(job: &Object) -> Value {
    json!({
        "kind": "Job", "apiVersion": "batch/v1", "namespace": namespace(job), "name": name(job), "uid": uid(job),
        "resourceVersion": job.metadata.resource_version,
    })
}

/// A Job that must be made now.
struct Run<'a> {
    /// For which time.
    time: Timestamp,
    zone: TimeZone,
    /// Those that give way to it.
    replaced: Vec<&'a Object>,
}

/// What must be made now, and when to look again; says why not, where somebody may wonder.
fn run<'a>(cron: &Object, state: &State<'a>, now: Timestamp, reports: &mut Vec<Report>) -> (Option<Run<'a>>, Option<Duration>) {
    let mut warn = |reason, message| reports.push(Report::warning(SOURCE, Kind::CronJob, cron, reason, message));
    if is_deleting(cron) {
        return (None, None);
    }
    let named = text(cron, "/spec/timeZone");
    let Some(zone) = named.map_or(Some(TimeZone::UTC), schedule::zone) else {
        let name = named.unwrap_or_default();
        warn("UnknownTimeZone", format!("invalid timeZone: {name:?}: unknown time zone {name}"));
        return (None, None);
    };
    if flag(cron, "/spec/suspend") {
        return (None, None);
    }
    let written = text(cron, "/spec/schedule").unwrap_or_default();
    let schedule = match Schedule::parse(written) {
        Ok(schedule) => schedule,
        Err(error) => {
            warn("UnparseableSchedule", format!("unparseable schedule: {written:?} : {error}"));
            return (None, None);
        }
    };
    let since = state.last.unwrap_or_else(|| created(cron));
    let deadline = number(cron, "/spec/startingDeadlineSeconds").map(SignedDuration::from_secs);
    let earliest = deadline.and_then(|deadline| now.checked_sub(deadline).ok()).map_or(since, |earliest| earliest.max(since));
    let again = wake(&schedule, &zone, since, now);
    let due = match newest(&schedule, &zone, earliest, now) {
        Ok(Some((due, missed))) => {
            if missed > MANY {
                let message = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
                warn("TooManyMissedTimes", message.to_owned());
            }
            due
        }
        Ok(None) => return (None, again),
        Err(Never) => {
            let why = "time difference between two schedules is less than 1 second";
            warn("InvalidSchedule", format!("invalid schedule: {written} : {why}"));
            return (None, again);
        }
    };
    let too_late = deadline.is_some_and(|deadline| due.checked_add(deadline).is_ok_and(|end| end < now));
    if too_late {
        let time = due.strftime("%a, %d %b %Y %H:%M:%S +0000");
        warn("MissSchedule", format!("Missed scheduled time to start a job: {time}"));
        return (None, again);
    }
    if state.last == Some(due) {
        return (None, again);
    }
    let replaced = match text(cron, "/spec/concurrencyPolicy") {
        Some("Forbid") if !state.active.is_empty() => {
            let message = "Not starting job because prior execution is running and concurrency policy is Forbid";
            reports.push(Report::normal(SOURCE, Kind::CronJob, cron, "JobAlreadyActive", message.to_owned()));
            return (None, again);
        }
        Some("Replace") => state.active.iter().map(|(job, _)| *job).collect(),
        _ => Vec::new(),
    };
    (Some(Run { time: due, zone, replaced }), again)
}

/// More missed times than these are told of.
const MANY: i64 = 100;

/// A schedule whose times never come.
#[derive(Debug, PartialEq)]
struct Never;

/// The newest of the times after `since` that are over, and about how many there were; that is estimated from the first two, so that a long pause costs nothing.
fn newest(schedule: &Schedule, zone: &TimeZone, since: Timestamp, now: Timestamp) -> Result<Option<(Timestamp, i64)>, Never> {
    let first = schedule.next(since, zone).ok_or(Never)?;
    if now < first {
        return Ok(None);
    }
    let second = schedule.next(first, zone).ok_or(Never)?;
    if now < second {
        return Ok(Some((first, 0)));
    }
    let interval = (second.as_second() - first.as_second()).max(1);
    let missed = (now.as_second() - first.as_second()) / interval + 1;
    let mut at = Timestamp::from_second(first.as_second() + (missed - 2) * interval).map_err(|_| Never)?;
    let mut newest = None;
    while let Some(next) = schedule.next(at, zone).filter(|next| *next <= now) {
        newest = Some(next);
        at = next;
    }
    Ok(newest.map(|newest| (newest, missed)))
}

/// How long until the next time.
fn wake(schedule: &Schedule, zone: &TimeZone, since: Timestamp, now: Timestamp) -> Option<Duration> {
    let first = schedule.next(since, zone)?;
    let from = if now < first { since } else { newest(schedule, zone, since, now).ok()?.map_or(now, |(newest, _)| newest) };
    let next = schedule.next(from, zone)?;
    Duration::try_from(next.duration_since(now)).ok().map(|left| left + PADDING)
}

/// One name for one time: a Job is not made twice.
fn job_name(cron: &Object, time: Timestamp) -> String {
    format!("{}-{}", name(cron), time.as_second() / 60)
}

/// The Job for a time.
fn job(cron: &Object, time: Timestamp, zone: &TimeZone) -> Object {
    let template = cron.at("/spec/jobTemplate").unwrap_or(&Value::Null);
    let map = |field: &str| -> Labels {
        let pairs = template.pointer(&format!("/metadata/{field}")).and_then(Value::as_object);
        pairs.into_iter().flatten().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
    };
    let local = time.to_zoned(zone.clone());
    let form = if local.offset().is_zero() { "%Y-%m-%dT%H:%M:%SZ" } else { "%Y-%m-%dT%H:%M:%S%:z" };
    let mut annotations = map("annotations");
    annotations.insert(SCHEDULED.to_owned(), local.strftime(form).to_string());
    let metadata = ObjectMeta {
        name: Some(job_name(cron, time)),
        namespace: Some(namespace(cron).to_owned()),
        labels: Some(map("labels")).filter(|labels| !labels.is_empty()),
        annotations: Some(annotations),
        owner_references: Some(vec![owner_reference(Kind::CronJob, cron)]),
        ..ObjectMeta::default()
    };
    make(Kind::Job, metadata, json!({"spec": template.get("spec").cloned().unwrap_or_else(|| json!({}))}))
}

/// The ended Jobs beyond those that are to be kept, the oldest first.
fn surplus<'a>(cron: &Object, jobs: &[&'a Object]) -> Vec<&'a Object> {
    let mut out = Vec::new();
    for (kind, limit) in [("Complete", "/spec/successfulJobsHistoryLimit"), ("Failed", "/spec/failedJobsHistoryLimit")] {
        let Some(limit) = number(cron, limit).and_then(|limit| usize::try_from(limit).ok()) else { continue };
        let mut ended: Vec<&Object> = jobs.iter().copied().filter(|job| end(job) == Some(kind) && !is_deleting(job)).collect();
        ended.sort_by_key(|job| (time(job, "/status/startTime"), name(job).to_owned()));
        ended.truncate(ended.len().saturating_sub(limit));
        out.extend(ended);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-01-01T{text}Z").parse().expect("a time")
    }

    fn cron(spec: &Value) -> Object {
        let metadata = json!({"name": "c", "namespace": "a", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"});
        let mut cron = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": {
            "schedule": "*/10 * * * *", "concurrencyPolicy": "Allow", "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1,
            "jobTemplate": {"metadata": {"labels": {"app": "c"}}, "spec": {"template": {}}}}});
        fiel_merge::json_merge::patch_in_place(&mut cron, &json!({"spec": spec}));
        serde_json::from_value(cron).expect("a CronJob")
    }

    /// A Job for a time, which ended like that or not yet.
    fn made(cron: &Object, scheduled: &str, ended: Option<&str>) -> Object {
        let mut job = job(cron, at(scheduled), &TimeZone::UTC);
        job.metadata.uid = Some(format!("job-{scheduled}"));
        if let Some(kind) = ended {
            job.data["status"] = json!({"startTime": time::seconds(at(scheduled)), "completionTime": time::seconds(at(scheduled)),
                "conditions": [{"type": kind, "status": "True"}]});
        }
        job
    }

    fn decide(cron: &Object, jobs: &[Object], now: &str) -> (Vec<String>, Option<u64>, Value) {
        let mut world = World::default();
        world.put(Kind::CronJob, cron.clone());
        for job in jobs {
            world.put(Kind::Job, job.clone());
        }
        let decision = CronJobs.decide(&world, &("a".to_owned(), "c".to_owned()), at(now));
        let mut status = Value::Null;
        let mut told = Vec::new();
        for action in decision.actions {
            match action {
                Action::Create(_, job) => told.push(format!("make {}", job.metadata.annotations.expect("annotations")[SCHEDULED])),
                Action::Delete(_, (_, name), _) => told.push(format!("delete {name}")),
                Action::Status(_, _, patch) => status = patch["status"].clone(),
                Action::Merge(..) => told.push("merge".to_owned()),
                Action::Apply(..) => told.push("apply".to_owned()),
            }
        }
        (told, decision.again.map(|again| again.as_secs()), status)
    }

    #[test]
    fn a_job_is_made_at_its_time_and_only_once() {
        let cron = cron(&json!({}));
        assert_eq!(decide(&cron, &[], "00:05:00"), (vec![], Some(300), Value::Null));
        let (told, again, status) = decide(&cron, &[], "00:10:00");
        assert_eq!((told, again), (vec!["make 2026-01-01T00:10:00Z".to_owned()], Some(600)));
        assert_eq!(status["lastScheduleTime"], "2026-01-01T00:10:00Z");
        let (told, _, status) = decide(&cron, &[made(&cron, "00:10:00", None)], "00:10:05");
        assert!(told.is_empty());
        assert_eq!((&status["active"][0]["name"], status["active"].as_array().map(Vec::len)), (&json!("c-29453770"), Some(1)));
    }

    #[test]
    fn of_many_missed_times_the_newest_counts_unless_it_is_too_late() {
        let told = |spec: Value, now: &str| decide(&cron(&spec), &[], now).0;
        assert_eq!(told(json!({}), "23:59:30"), ["make 2026-01-01T23:50:00Z"]);
        assert_eq!(told(json!({"startingDeadlineSeconds": 30}), "00:10:20"), ["make 2026-01-01T00:10:00Z"]);
        assert!(told(json!({"startingDeadlineSeconds": 30}), "00:10:40").is_empty());
        assert_eq!(decide(&cron(&json!({"startingDeadlineSeconds": 30})), &[], "00:10:40").1, Some(560));
    }

    #[test]
    fn whoever_is_suspended_or_makes_no_sense_does_nothing() {
        for spec in
            [json!({"suspend": true}), json!({"timeZone": "Moon/Base"}), json!({"schedule": "often"}), json!({"schedule": "0 0 31 2 *"})]
        {
            let (told, again, _) = decide(&cron(&spec), &[], "00:30:00");
            assert_eq!((told, again), (vec![], None), "{spec}");
        }
    }

    #[test]
    fn a_run_that_goes_on_stands_beside_the_next_or_in_its_way_or_gives_way() {
        let told = |policy: &str| {
            let cron = cron(&json!({"concurrencyPolicy": policy}));
            decide(&cron, &[made(&cron, "00:10:00", None)], "00:20:00").0
        };
        assert_eq!(told("Allow"), ["make 2026-01-01T00:20:00Z"]);
        assert!(told("Forbid").is_empty());
        assert_eq!(told("Replace"), ["delete c-29453770", "make 2026-01-01T00:20:00Z"]);
    }

    #[test]
    fn the_newest_ended_runs_are_kept_and_the_last_success_remembered() {
        let cron = cron(&json!({}));
        let complete = |time: &str| made(&cron, time, Some("Complete"));
        let mut jobs = ["00:10:00", "00:20:00", "00:30:00", "00:40:00"].map(complete).to_vec();
        jobs.extend(["00:50:00", "01:00:00"].map(|time| made(&cron, time, Some("Failed"))));
        let (told, _, status) = decide(&cron, &jobs, "01:05:00");
        assert_eq!(told, ["delete c-29453770", "delete c-29453810"]);
        assert_eq!(
            (&status["lastScheduleTime"], &status["lastSuccessfulTime"]),
            (&json!("2026-01-01T01:00:00Z"), &json!("2026-01-01T00:40:00Z"))
        );
        assert!(status["active"].is_null());
    }

    /// What is told of a decision, actions apart.
    fn tells(cron: &Object, jobs: &[Object], now: &str) -> Vec<String> {
        let mut world = World::default();
        world.put(Kind::CronJob, cron.clone());
        for job in jobs {
            world.put(Kind::Job, job.clone());
        }
        let decision = CronJobs.decide(&world, &("a".to_owned(), "c".to_owned()), at(now));
        decision.reports.into_iter().map(|report| format!("{} {}", report.reason, report.message)).collect()
    }

    #[test]
    fn what_does_not_run_is_told() {
        let spec = |spec: Value| tells(&cron(&spec), &[], "00:10:40");
        assert_eq!(
            spec(json!({"startingDeadlineSeconds": 30, "schedule": "10 0 * * *"})),
            Vec::<String>::new(),
            "before the deadline nothing is looked for"
        );
        assert_eq!(
            spec(json!({"timeZone": "Moon/Base"})),
            ["UnknownTimeZone invalid timeZone: \"Moon/Base\": unknown time zone Moon/Base"]
        );
        assert_eq!(spec(json!({"suspend": true})), Vec::<String>::new());
        assert!(spec(json!({"schedule": "often"}))[0].starts_with("UnparseableSchedule unparseable schedule: \"often\" : "));
        let never = "InvalidSchedule invalid schedule: 0 0 31 2 * : time difference between two schedules is less than 1 second";
        assert_eq!(spec(json!({"schedule": "0 0 31 2 *"})), [never]);
        let many = "TooManyMissedTimes too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
        assert_eq!(tells(&cron(&json!({"schedule": "* * * * *"})), &[], "02:00:00"), [many]);
        let forbid = cron(&json!({"concurrencyPolicy": "Forbid"}));
        let active = "JobAlreadyActive Not starting job because prior execution is running and concurrency policy is Forbid";
        assert_eq!(tells(&forbid, &[made(&forbid, "00:10:00", None)], "00:20:00"), [active]);
    }

    #[test]
    fn what_became_of_runs_is_told() {
        let mut cron = cron(&json!({"suspend": true}));
        let (ended, gone) = (made(&cron, "00:10:00", Some("Complete")), made(&cron, "00:20:00", None));
        let mut by_hand = made(&cron, "00:30:00", None);
        by_hand.metadata.annotations = None;
        cron.data["status"] = json!({"active": [reference(&ended), reference(&gone)]});
        assert_eq!(
            tells(&cron, &[ended.clone(), by_hand], "00:31:00"),
            [
                "SawCompletedJob Saw completed job: c-29453770, condition: Complete",
                "MissingJob Active job went missing: c-29453780",
                "UnexpectedJob Saw a job that the controller did not create or forgot: c-29453790",
            ]
        );
        cron.data["status"] = json!({});
        assert_eq!(tells(&cron, std::slice::from_ref(&ended), "00:31:00"), Vec::<String>::new(), "it was told before");
        cron.data["status"] = json!({"active": [reference(&ended)]});
        cron.data["spec"]["successfulJobsHistoryLimit"] = json!(0);
        assert_eq!(tells(&cron, &[ended], "00:31:00"), Vec::<String>::new(), "it goes at once, and that is told");
    }

    #[test]
    fn what_is_done_is_told_and_so_is_what_is_refused() {
        let cron = cron(&json!({}));
        let mut world = World::default();
        world.put(Kind::CronJob, cron.clone());
        let job = made(&cron, "00:10:00", None);
        let tell = |action: &Action, refused: Option<&str>| {
            let done = Outcome::Now(Kind::Job, Box::new(job.clone()));
            let reports = CronJobs.report(&world, &("a".to_owned(), "c".to_owned()), action, refused.map_or(Ok(&done), Err));
            reports.into_iter().map(|report| format!("{} {}", report.reason, report.message)).collect::<Vec<_>>()
        };
        let (make, delete) = (Action::Create(Kind::Job, Box::new(job.clone())), Action::delete(Kind::Job, &job));
        assert_eq!(tell(&make, None), ["SuccessfulCreate Created job c-29453770"]);
        assert_eq!(tell(&make, Some("no")), ["FailedCreate Error creating job: no"]);
        assert_eq!(tell(&delete, None), ["SuccessfulDelete Deleted job c-29453770"]);
        assert_eq!(tell(&delete, Some("no")), ["FailedDelete Deleted job: no"]);
        assert_eq!(tell(&Action::status(Kind::CronJob, &cron, json!({})), None), Vec::<String>::new());
    }

    #[test]
    fn times_are_those_of_the_zone() {
        let cron = cron(&json!({"schedule": "0 9 * * *", "timeZone": "Europe/Berlin"}));
        assert_eq!(decide(&cron, &[], "08:00:00").0, ["make 2026-01-01T09:00:00+01:00"]);
    }

    #[test]
    fn somebody_elses_job_of_that_name_is_left_alone() {
        let cron = cron(&json!({}));
        let mut other = made(&cron, "00:10:00", None);
        other.metadata.owner_references = None;
        let (told, again, status) = decide(&cron, &[other], "00:10:00");
        assert_eq!((told, again, status), (vec![], Some(600), Value::Null));
    }
}
