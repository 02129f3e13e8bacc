//! The status of a Pod, from what its containers do.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::logs::RunId;
use crate::controllers::Object;
use crate::time;

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) code: i32,
    pub(super) signal: Option<i32>,
    pub(super) reason: &'static str,
    pub(super) message: Option<String>,
    pub(super) started: Timestamp,
    pub(super) finished: Timestamp,
}

/// What a container does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    Waiting { reason: &'static str, message: Option<String> },
    Running { since: Timestamp },
    Ended(End),
}

/// What is known of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Container {
    pub(super) state: State,
    pub(super) last: Option<End>,
    pub(super) restarts: u32,
    pub(super) ready: bool,
    /// A number that is another one for each run.
    pub(super) run: u32,
}

impl Container {
    /// Nothing has happened yet.
    pub(super) fn new() -> Self {
        Self { state: State::Waiting { reason: "ContainerCreating", message: None }, last: None, restarts: 0, ready: false, run: 0 }
    }
}

/// What the node knows of a Pod besides its containers.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) pod_ip: String,
    pub(super) host_ip: String,
    pub(super) since: Timestamp,
    /// Why it was put off the node, if it was.
    pub(super) evicted: Option<String>,
}

/// The status of the Pod now. Times of conditions are kept while they do not change.
pub(super) fn of(pod: &Object, containers: &[Container], place: &Place, now: Timestamp) -> Value {
    let specs = || pod.at("/spec/containers").and_then(Value::as_array).into_iter().flatten();
    let names: Vec<&str> = specs().filter_map(|container| container["name"].as_str()).collect();
    let unready: Vec<&str> = names.iter().zip(containers).filter(|(_, container)| !container.ready).map(|(name, _)| *name).collect();
    let phase = if place.evicted.is_some() { "Failed" } else { phase(pod, containers) };
    let finished = matches!(phase, "Succeeded" | "Failed");
    let begun = containers.iter().any(|container| !matches!(container.state, State::Waiting { reason: "ContainerCreating", .. }));
    let ready = if finished {
        let reason = if phase == "Succeeded" { "PodCompleted" } else { "PodFailed" };
        (false, Some((reason, String::new())))
    } else if unready.is_empty() {
        (true, None)
    } else {
        (false, Some(("ContainersNotReady", format!("containers with unready status: [{}]", unready.join(" ")))))
    };
    let bound = (true, None);
    let conditions = [
        ("PodReadyToStartContainers", (begun && !finished, None)),
        ("Initialized", (true, (phase == "Succeeded").then(|| ("PodCompleted", String::new())))),
        ("Ready", ready.clone()),
        ("ContainersReady", ready),
        ("PodScheduled", bound),
    ];
    let put_off = place.evicted.as_ref().map(|why| ("DisruptionTarget", (true, Some(("TerminationByKubelet", why.clone())))));
    let conditions: Vec<Value> =
        conditions.iter().chain(&put_off).map(|(kind, (truth, why))| condition(pod, kind, *truth, why.as_ref(), now)).collect();
    let statuses: Vec<Value> = specs().zip(containers).map(|(spec, container)| container_status(pod, spec, container)).collect();
    let init: Vec<Value> =
        pod.at("/spec/initContainers").and_then(Value::as_array).into_iter().flatten().map(|spec| initialized(pod, spec, place)).collect();
    let mut status = json!({
        "phase": phase,
        "conditions": conditions,
        "hostIP": place.host_ip,
        "hostIPs": [{"ip": place.host_ip}],
        "podIP": place.pod_ip,
        "podIPs": [{"ip": place.pod_ip}],
        "startTime": pod.at("/status/startTime").and_then(Value::as_str).map_or_else(|| time::seconds(place.since), str::to_owned),
        "containerStatuses": statuses,
        "qosClass": pod.at("/status/qosClass").cloned().unwrap_or_else(|| quality(pod).into()),
    });
    if let Some(why) = &place.evicted {
        status["reason"] = "Evicted".into();
        status["message"] = why.clone().into();
    }
    if !init.is_empty() {
        status["initContainerStatuses"] = init.into();
    }
    if let Some(generation) = pod.metadata.generation {
        status["observedGeneration"] = generation.into();
    }
    status
}

fn phase(pod: &Object, containers: &[Container]) -> &'static str {
    let policy = pod.at("/spec/restartPolicy").and_then(Value::as_str).unwrap_or("Always");
    let deleting = pod.metadata.deletion_timestamp.is_some();
    let ends: Vec<Option<i32>> =
        containers.iter().map(|container| if let State::Ended(end) = &container.state { Some(end.code) } else { None }).collect();
    // An end counts only if nothing follows it.
    if ends.iter().all(Option::is_some) && (policy != "Always" || deleting) {
        let failed = ends.iter().flatten().any(|code| *code != 0);
        if !failed {
            return "Succeeded";
        }
        if policy == "Never" || deleting {
            return "Failed";
        }
    }
    let waiting = containers
        .iter()
        .any(|container| matches!(container.state, State::Waiting { .. }) && container.last.is_none() && container.restarts == 0);
    if waiting { "Pending" } else { "Running" }
}

fn condition(pod: &Object, kind: &str, truth: bool, why: Option<&(&str, String)>, now: Timestamp) -> Value {
    let truth = if truth { "True" } else { "False" };
    let live = pod.at("/status/conditions").and_then(Value::as_array);
    let live = live.and_then(|live| live.iter().find(|condition| condition["type"] == kind && condition["status"] == truth));
    let since = live.and_then(|live| live["lastTransitionTime"].as_str()).map_or_else(|| time::seconds(now), str::to_owned);
    let mut condition = json!({"type": kind, "status": truth, "lastProbeTime": null, "lastTransitionTime": since});
    if let Some((reason, message)) = why {
        condition["reason"] = (*reason).into();
        if !message.is_empty() {
            condition["message"] = message.clone().into();
        }
    }
    if let Some(generation) = pod.metadata.generation {
        condition["observedGeneration"] = generation.into();
    }
    condition
}

fn container_status(pod: &Object, spec: &Value, container: &Container) -> Value {
    let id = |run: u32| run_id(pod, spec, run).to_string();
    let ended = |end: &End, run: u32| {
        let mut state = json!({
            "exitCode": end.code,
            "reason": end.reason,
            "startedAt": time::seconds(end.started),
            "finishedAt": time::seconds(end.finished),
            "containerID": id(run),
        });
        if let Some(signal) = end.signal {
            state["signal"] = signal.into();
        }
        if let Some(message) = &end.message {
            state["message"] = message.clone().into();
        }
        state
    };
    let (state, runs) = match &container.state {
        State::Waiting { reason, message } => {
            let mut waiting = json!({"reason": reason});
            if let Some(message) = message {
                waiting["message"] = message.clone().into();
            }
            (json!({"waiting": waiting}), false)
        }
        State::Running { since } => (json!({"running": {"startedAt": time::seconds(*since)}}), true),
        State::Ended(end) => (json!({"terminated": ended(end, container.run)}), false),
    };
    let last = container
        .last
        .as_ref()
        .map_or_else(|| json!({}), |end| json!({"terminated": ended(end, container.run.saturating_sub(u32::from(runs)))}));
    let image = spec["image"].as_str().unwrap_or_default();
    let mut status = json!({
        "name": spec["name"],
        "image": image,
        "imageID": if container.run > 0 { image } else { "" },
        "ready": container.ready,
        "started": runs,
        "restartCount": container.restarts,
        "state": state,
        "lastState": last,
    });
    if container.run > 0 {
        status["containerID"] = id(container.run).into();
    }
    status
}

fn run_id(pod: &Object, spec: &Value, run: u32) -> RunId {
    RunId { pod: pod.metadata.uid.clone().unwrap_or_default(), container: spec["name"].as_str().unwrap_or_default().to_owned(), run }
}

/// Init containers of a simulated Pod have always ended well.
fn initialized(pod: &Object, spec: &Value, place: &Place) -> Value {
    let id = run_id(pod, spec, 1).to_string();
    let time = time::seconds(place.since);
    json!({
        "name": spec["name"], "image": spec["image"], "imageID": spec["image"], "containerID": id, "ready": true, "started": false, "restartCount": 0,
        "state": {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": time, "finishedAt": time, "containerID": id}}, "lastState": {},
    })
}

/// The class of service by which a kubelet would choose what to evict.
fn quality(pod: &Object) -> &'static str {
    let containers: Vec<&Value> = pod.at("/spec/containers").and_then(Value::as_array).into_iter().flatten().collect();
    let get = |container: &Value, kind: &str, resource: &str| container.pointer(&format!("/resources/{kind}/{resource}")).cloned();
    let any = containers.iter().any(|container| {
        ["requests", "limits"].iter().any(|kind| ["cpu", "memory"].iter().any(|resource| get(container, kind, resource).is_some()))
    });
    let all = containers.iter().all(|container| {
        ["cpu", "memory"].iter().all(|resource| {
            let limit = get(container, "limits", resource);
            limit.is_some() && get(container, "requests", resource).is_none_or(|request| Some(request) == limit)
        })
    });
    match (any, all) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(policy: &str) -> Object {
        let pod = json!({
            "metadata": {"name": "p", "uid": "u"},
            "spec": {"restartPolicy": policy, "containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "1"}}}]},
        });
        serde_json::from_value(pod).expect("a Pod")
    }

    fn place() -> Place {
        Place { pod_ip: "10.244.0.1".to_owned(), host_ip: "127.0.0.1".to_owned(), since: Timestamp::UNIX_EPOCH, evicted: None }
    }

    fn end(code: i32) -> End {
        End { code, signal: None, reason: "Error", message: None, started: Timestamp::UNIX_EPOCH, finished: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn a_pod_goes_from_pending_to_running_and_times_are_kept() {
        let mut pod = pod("Always");
        let mut container = Container::new();
        let status = of(&pod, std::slice::from_ref(&container), &place(), Timestamp::UNIX_EPOCH);
        assert_eq!((&status["phase"], &status["qosClass"]), (&json!("Pending"), &json!("Burstable")));
        pod.data["status"] = status;
        let later = Timestamp::from_second(60).expect("a time");
        container.state = State::Running { since: later };
        container.ready = true;
        container.run = 1;
        let status = of(&pod, &[container], &place(), later);
        assert_eq!(status["phase"], "Running");
        let since = |kind: &str| {
            status["conditions"]
                .as_array()
                .and_then(|all| all.iter().find(|one| one["type"] == kind))
                .map(|one| one["lastTransitionTime"].clone())
        };
        assert_eq!(since("Ready"), Some(json!("1970-01-01T00:01:00Z")));
        assert_eq!(since("PodScheduled"), Some(json!("1970-01-01T00:00:00Z")));
        assert_eq!(status["startTime"], "1970-01-01T00:00:00Z");
    }

    #[test]
    fn the_end_of_all_containers_is_the_end_of_the_pod_unless_they_are_restarted() {
        let ended = |code| Container { state: State::Ended(end(code)), run: 1, ..Container::new() };
        assert_eq!(phase(&pod("Never"), &[ended(0)]), "Succeeded");
        assert_eq!(phase(&pod("Never"), &[ended(1)]), "Failed");
        assert_eq!(phase(&pod("OnFailure"), &[ended(0)]), "Succeeded");
        assert_eq!(phase(&pod("OnFailure"), &[ended(1)]), "Running");
        assert_eq!(phase(&pod("Always"), &[ended(0)]), "Running");
        let waits =
            Container { state: State::Waiting { reason: "CrashLoopBackOff", message: None }, last: Some(end(1)), ..Container::new() };
        assert_eq!(phase(&pod("Always"), &[waits]), "Running");
    }
}
