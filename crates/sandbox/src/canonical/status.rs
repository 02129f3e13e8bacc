//! What the server refuses in the status of a kind when that is written, as tables like those of [`rules`](super::rules).

use super::check::Check::{Always, AtMost, Choice, Each, NotFewer, NotNegative, Of, Required, With, Within};
use super::check::{Rules, Seen, items, text};
use super::{config, format, job_status, pod_status, quantity};
use crate::cause::Cause;

/// The rules of a kind's status.
pub(super) fn of(group: &str, kind: &str) -> Rules {
    match (group, kind) {
        ("", "Pod") => pod_status::RULES,
        ("", "Service") => SERVICE,
        ("", "PersistentVolumeClaim") => &[("status", With(claim))],
        ("apps", "Deployment") => DEPLOYMENT,
        ("apps", "ReplicaSet") => REPLICA_SET,
        ("apps", "StatefulSet") => STATEFUL_SET,
        ("apps", "DaemonSet") => DAEMON_SET,
        ("autoscaling", "HorizontalPodAutoscaler") => &[("status.currentReplicas", NotNegative), ("status.desiredReplicas", NotNegative)],
        ("batch", "Job") => job_status::RULES,
        ("networking.k8s.io", "Ingress") => {
            &[("status.loadBalancer.ingress", Each(&[("ip", Of(format::address)), ("hostname", Of(balancer_host))]))]
        }
        ("policy", "PodDisruptionBudget") => BUDGET,
        _ => &[],
    }
}

const ALL: &str = "cannot be greater than status.replicas";
const READY: &str = "cannot be greater than status.readyReplicas";

const DEPLOYMENT: Rules = &[
    ("status.observedGeneration", NotNegative),
    ("status.replicas", NotNegative),
    ("status.updatedReplicas", NotNegative),
    ("status.readyReplicas", NotNegative),
    ("status.availableReplicas", NotNegative),
    ("status.unavailableReplicas", NotNegative),
    ("status.terminatingReplicas", NotNegative),
    ("status.collisionCount", NotNegative),
    ("status.updatedReplicas", AtMost("/status/replicas", ALL)),
    ("status.readyReplicas", AtMost("/status/replicas", ALL)),
    ("status.availableReplicas", AtMost("/status/replicas", ALL)),
    ("status.availableReplicas", AtMost("/status/readyReplicas", "cannot be greater than readyReplicas")),
    ("status.collisionCount", NotFewer("cannot be decremented")),
];
const REPLICA_SET: Rules = &[
    ("status.replicas", NotNegative),
    ("status.fullyLabeledReplicas", NotNegative),
    ("status.readyReplicas", NotNegative),
    ("status.availableReplicas", NotNegative),
    ("status.observedGeneration", NotNegative),
    ("status.terminatingReplicas", NotNegative),
    ("status.fullyLabeledReplicas", AtMost("/status/replicas", ALL)),
    ("status.readyReplicas", AtMost("/status/replicas", ALL)),
    ("status.availableReplicas", AtMost("/status/replicas", ALL)),
    ("status.availableReplicas", AtMost("/status/readyReplicas", "cannot be greater than readyReplicas")),
];
const STATEFUL_SET: Rules = &[
    ("status.replicas", NotNegative),
    ("status.readyReplicas", NotNegative),
    ("status.currentReplicas", NotNegative),
    ("status.updatedReplicas", NotNegative),
    ("status.availableReplicas", NotNegative),
    ("status.observedGeneration", NotNegative),
    ("status.collisionCount", NotNegative),
    ("status.readyReplicas", AtMost("/status/replicas", ALL)),
    ("status.currentReplicas", AtMost("/status/replicas", ALL)),
    ("status.updatedReplicas", AtMost("/status/replicas", ALL)),
    ("status.availableReplicas", AtMost("/status/replicas", ALL)),
    ("status.availableReplicas", AtMost("/status/readyReplicas", READY)),
    ("status.collisionCount", NotFewer("cannot be decremented")),
];
const DAEMON_SET: Rules = &[
    ("status.currentNumberScheduled", NotNegative),
    ("status.numberMisscheduled", NotNegative),
    ("status.desiredNumberScheduled", NotNegative),
    ("status.numberReady", NotNegative),
    ("status.observedGeneration", NotNegative),
    ("status.updatedNumberScheduled", NotNegative),
    ("status.numberAvailable", NotNegative),
    ("status.numberUnavailable", NotNegative),
    ("status.collisionCount", NotNegative),
    ("status.collisionCount", NotFewer("cannot be decremented")),
];
const BUDGET: Rules = &[
    ("status.conditions", With(config::conditions)),
    ("status.disruptionsAllowed", NotNegative),
    ("status.currentHealthy", NotNegative),
    ("status.desiredHealthy", NotNegative),
    ("status.expectedPods", NotNegative),
];
/// A condition as all kinds have it that came late.
pub(super) const CONDITION: Rules = &[
    ("type", Always(format::qualified)),
    ("status", Choice(&["False", "True", "Unknown"])),
    ("observedGeneration", Within(0, i64::MAX, "must be greater than or equal to zero")),
    ("lastTransitionTime", Required("")),
    ("reason", Required("")),
    ("reason", Of(format::reason)),
];

const SERVICE: Rules = &[("status.loadBalancer.ingress", With(balanced)), ("status.loadBalancer.ingress", Each(INGRESS))];
const INGRESS: Rules = &[("ip", Of(format::address)), ("", With(mode)), ("hostname", Of(balancer_host))];

/// Only a load balancer has an address outside.
fn balanced(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let same = seen.old.is_some_and(|old| old == seen.value);
    if !items(seen.value).is_empty() && !same && seen.root["spec"]["type"] != "LoadBalancer" {
        causes.push(Cause::forbidden(seen.at, "may only be used when `spec.type` is 'LoadBalancer'"));
    }
}

/// How traffic comes from an address, if there is one.
fn mode(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (mode, at) = (&seen.value["ipMode"], seen.below("ipMode"));
    if mode.is_null() || seen.root["spec"]["type"] != "LoadBalancer" {
    } else if text(&seen.value["ip"]).is_empty() {
        causes.push(Cause::forbidden(at, "may not be specified when `ip` is not set"));
    } else if !matches!(text(mode), "Proxy" | "VIP") {
        causes.push(Cause::unsupported(at, mode, &["Proxy", "VIP"]));
    }
}

/// The name of a load balancer.
fn balancer_host(text: &str) -> Vec<String> {
    if text.contains('*') { format::subdomain(text) } else { format::host(text) }
}

const RESIZING: &[&str] =
    &["ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending"];

/// What a claim has, and how far it is with what it shall have.
fn claim(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    amounts(seen, "capacity", |_, _| {}, causes);
    let at = seen.below("allocatedResourceStatuses");
    for (name, state) in seen.value["allocatedResourceStatuses"].as_object().into_iter().flatten() {
        if !RESIZING.contains(&text(state)) {
            causes.push(Cause::unsupported_shown(&at, &format!("{name:?}"), RESIZING));
        }
        growing(name, &at, causes);
    }
    let at = seen.below("allocatedResources");
    amounts(seen, "allocatedResources", |name, causes| growing(name, &at, causes), causes);
}

/// A list of amounts, of which none is below zero.
fn amounts(seen: &Seen<'_>, field: &str, each: impl Fn(&str, &mut Vec<Cause>), causes: &mut Vec<Cause>) {
    for (name, given) in seen.value[field].as_object().into_iter().flatten() {
        if let Some(amount) = quantity::amount(text(given)).filter(|amount| *amount < 0) {
            // The server shows it in whole ones.
            let at = seen.below(&format!("{field}[{name}]"));
            causes.push(Cause::shown(at, &amount.div_euclid(quantity::WHOLE).to_string(), "must be a valid resource quantity"));
        }
        each(name, causes);
    }
}

/// Of what has no domain of its own, only storage grows.
fn growing(name: &str, at: &str, causes: &mut Vec<Cause>) {
    let complaints = format::qualified(name);
    if complaints.is_empty() && name != "storage" && (!name.contains('/') || name.contains("kubernetes.io/")) {
        causes.push(Cause::unsupported_shown(at, &format!("{name:?}"), &["storage"]));
    }
    causes.extend(Cause::of_format(at, name, complaints));
}
