//! What a row tells of a Pod: how many of its containers are ready, the most telling of what they are in, and how often they were restarted
//! (`kubectl get pods` with a kube-apiserver 1.36).

use jiff::Timestamp;
use serde_json::Value;

use super::cells::{count, duration, each, has_condition};

/// A Pod at a glance.
pub(super) struct Glance {
    ready: i64,
    total: usize,
    /// The word under STATUS.
    pub(super) word: String,
    restarts: i64,
    /// When the last restart was.
    last: Option<Timestamp>,
}

impl Glance {
    pub(super) fn of(pod: &Value) -> Self {
        let (spec, status) = (&pod["spec"], &pod["status"]);
        let mut glance = Self {
            ready: 0,
            total: each(&spec["containers"]).count() + each(&spec["initContainers"]).filter(|container| stays(container)).count(),
            word: first_word(status),
            restarts: 0,
            last: None,
        };
        let (starting, staying) = glance.begin(pod);
        if !starting || has_condition(status, "Initialized") {
            (glance.restarts, glance.last) = staying;
            glance.run(status);
        }
        let lost = status["reason"] == "NodeLost";
        let ended = status["phase"] == "Succeeded" || status["phase"] == "Failed";
        if !pod["metadata"]["deletionTimestamp"].is_null() && (lost || !ended) {
            glance.word = if lost { "Unknown" } else { "Terminating" }.to_owned();
        }
        glance
    }

    /// `1/2`.
    pub(super) fn ready(&self) -> String {
        format!("{}/{}", self.ready, self.total)
    }

    /// `2 (5m ago)` for a Pod that was restarted, `0` for one that was not.
    pub(super) fn restarts(&self, now: Timestamp) -> String {
        match self.last.filter(|_| self.restarts > 0) {
            Some(last) => format!("{} ({} ago)", self.restarts, duration(now.as_second() - last.as_second())),
            None => self.restarts.to_string(),
        }
    }

    /// Goes through the containers that run before the others, up to the first that is not done. Tells whether there is one, and the restarts of those that
    /// stay: they alone count once the others run.
    fn begin(&mut self, pod: &Value) -> (bool, (i64, Option<Timestamp>)) {
        let containers = &pod["spec"]["initContainers"];
        let mut staying = (0, None);
        for (index, one) in each(&pod["status"]["initContainerStatuses"]).enumerate() {
            let stays = each(containers).any(|container| container["name"] == one["name"] && stays(container));
            self.count(one);
            if stays {
                staying = (staying.0 + count(&one["restartCount"]), staying.1.max(last_end(one)));
            }
            let (terminated, waiting) = (&one["state"]["terminated"], reason(&one["state"]["waiting"]));
            if terminated.is_object() && count(&terminated["exitCode"]) == 0 {
                continue;
            }
            if stays && one["started"] == true {
                self.ready += i64::from(one["ready"] == true);
                continue;
            }
            self.word = if terminated.is_object() {
                format!("Init:{}", end(terminated))
            } else if let Some(waiting) = waiting.filter(|waiting| *waiting != "PodInitializing") {
                format!("Init:{waiting}")
            } else {
                format!("Init:{index}/{}", each(containers).count())
            };
            return (true, staying);
        }
        (false, staying)
    }

    /// Goes through the containers that run, the last one first.
    fn run(&mut self, status: &Value) {
        let mut running = false;
        for one in each(&status["containerStatuses"]).collect::<Vec<_>>().into_iter().rev() {
            self.count(one);
            let state = &one["state"];
            if let Some(waiting) = reason(&state["waiting"]) {
                self.word = waiting.to_owned();
            } else if state["terminated"].is_object() {
                self.word = end(&state["terminated"]);
            } else if one["ready"] == true && state["running"].is_object() {
                running = true;
                self.ready += 1;
            }
        }
        // One container is done and another still runs.
        if self.word == "Completed" && running {
            self.word = if has_condition(status, "Ready") { "Running" } else { "NotReady" }.to_owned();
        }
    }

    fn count(&mut self, container: &Value) {
        self.restarts += count(&container["restartCount"]);
        self.last = self.last.max(last_end(container));
    }
}

/// The word of a Pod of whose containers nothing is known.
fn first_word(status: &Value) -> String {
    let gated = |condition: &Value| condition["type"] == "PodScheduled" && condition["reason"] == "SchedulingGated";
    let gated = each(&status["conditions"]).any(gated).then_some("SchedulingGated");
    gated.or_else(|| reason(status)).or_else(|| status["phase"].as_str()).unwrap_or_default().to_owned()
}

/// Whether a container that begins before the others goes on beside them.
fn stays(container: &Value) -> bool {
    container["restartPolicy"] == "Always"
}

fn reason(value: &Value) -> Option<&str> {
    value["reason"].as_str().filter(|text| !text.is_empty())
}

/// How a container ended.
fn end(terminated: &Value) -> String {
    match (reason(terminated), count(&terminated["signal"])) {
        (Some(reason), _) => reason.to_owned(),
        (None, 0) => format!("ExitCode:{}", count(&terminated["exitCode"])),
        (None, signal) => format!("Signal:{signal}"),
    }
}

/// When a container's life before this one ended.
fn last_end(container: &Value) -> Option<Timestamp> {
    container["lastState"]["terminated"]["finishedAt"].as_str()?.parse().ok()
}
