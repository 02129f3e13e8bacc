//! Deployments, ReplicaSets, StatefulSets, DaemonSets: as `kubectl rollout status` judges them.

use serde_json::Value;

use super::{Health, Status, condition, health};

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

/// Whether the controller has seen the latest spec.
fn is_observed(object: &Value) -> bool {
    number(&object["metadata"]["generation"]) <= number(&object["status"]["observedGeneration"])
}

/// `spec.replicas`; 1 if it is not given.
fn wanted(object: &Value) -> i64 {
    object["spec"]["replicas"].as_i64().unwrap_or(1)
}

pub(super) fn deployment(object: &Value) -> Health {
    if object["spec"]["paused"] == true {
        return health(Status::Suspended, "Deployment is paused");
    }
    if !is_observed(object) {
        return health(Status::Progressing, "Waiting for rollout to finish: observed deployment generation less than desired generation");
    }
    let status = &object["status"];
    if condition(object, "Progressing").is_some_and(|c| c["reason"] == "ProgressDeadlineExceeded") {
        return health(
            Status::Degraded,
            format!("Deployment \"{}\" exceeded its progress deadline", object["metadata"]["name"].as_str().unwrap_or_default()),
        );
    }
    let (replicas, updated, available) =
        (number(&status["replicas"]), number(&status["updatedReplicas"]), number(&status["availableReplicas"]));
    let waiting = |what: String| health(Status::Progressing, format!("Waiting for rollout to finish: {what}..."));
    if object["spec"]["replicas"].is_i64() && updated < wanted(object) {
        return waiting(format!("{updated} out of {} new replicas have been updated", wanted(object)));
    }
    if replicas > updated {
        return waiting(format!("{} old replicas are pending termination", replicas - updated));
    }
    if available < updated {
        return waiting(format!("{available} of {updated} updated replicas are available"));
    }
    health(Status::Healthy, "")
}

pub(super) fn replica_set(object: &Value) -> Health {
    if !is_observed(object) {
        return health(Status::Progressing, "Waiting for rollout to finish: observed replica set generation less than desired generation");
    }
    if let Some(failure) = condition(object, "ReplicaFailure").filter(|c| c["status"] == "True") {
        return health(Status::Degraded, failure["message"].as_str().unwrap_or_default());
    }
    let available = number(&object["status"]["availableReplicas"]);
    if object["spec"]["replicas"].is_i64() && available < wanted(object) {
        return health(
            Status::Progressing,
            format!("Waiting for rollout to finish: {available} out of {} new replicas are available...", wanted(object)),
        );
    }
    health(Status::Healthy, "")
}

pub(super) fn stateful_set(object: &Value) -> Health {
    let (spec, status) = (&object["spec"], &object["status"]);
    if number(&status["observedGeneration"]) == 0 || !is_observed(object) {
        return health(Status::Progressing, "Waiting for statefulset spec update to be observed...");
    }
    let ready = number(&status["readyReplicas"]);
    if spec["replicas"].is_i64() && ready < wanted(object) {
        return health(Status::Progressing, format!("Waiting for {} pods to be ready...", wanted(object) - ready));
    }
    let strategy = &spec["updateStrategy"];
    let rolling = strategy["type"] == "RollingUpdate";
    if rolling && strategy["rollingUpdate"].is_object() {
        let partition = number(&strategy["rollingUpdate"]["partition"]);
        let updated = number(&status["updatedReplicas"]);
        if spec["replicas"].is_i64() && updated < wanted(object) - partition {
            return health(
                Status::Progressing,
                format!(
                    "Waiting for partitioned roll out to finish: {updated} out of {} new pods have been updated...",
                    wanted(object) - partition
                ),
            );
        }
        return health(Status::Healthy, format!("partitioned roll out complete: {updated} new pods have been updated..."));
    }
    if strategy["type"] == "OnDelete" {
        return health(Status::Healthy, format!("statefulset has {ready} ready pods"));
    }
    if status["updateRevision"] != status["currentRevision"] {
        return health(
            Status::Progressing,
            format!(
                "waiting for statefulset rolling update to complete {} pods at revision {}...",
                number(&status["updatedReplicas"]),
                status["updateRevision"].as_str().unwrap_or_default()
            ),
        );
    }
    health(
        Status::Healthy,
        format!(
            "statefulset rolling update complete {} pods at revision {}...",
            number(&status["currentReplicas"]),
            status["currentRevision"].as_str().unwrap_or_default()
        ),
    )
}

pub(super) fn daemon_set(object: &Value) -> Health {
    if !is_observed(object) {
        return health(Status::Progressing, "Waiting for rollout to finish: observed daemon set generation less than desired generation");
    }
    let status = &object["status"];
    let (desired, updated, available) =
        (number(&status["desiredNumberScheduled"]), number(&status["updatedNumberScheduled"]), number(&status["numberAvailable"]));
    if object["spec"]["updateStrategy"]["type"] == "OnDelete" {
        return health(Status::Healthy, format!("daemon set {updated} out of {desired} new pods have been updated"));
    }
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    if updated < desired {
        return health(
            Status::Progressing,
            format!("Waiting for daemon set \"{name}\" rollout to finish: {updated} out of {desired} new pods have been updated..."),
        );
    }
    if available < desired {
        return health(
            Status::Progressing,
            format!("Waiting for daemon set \"{name}\" rollout to finish: {available} of {desired} updated pods are available..."),
        );
    }
    health(Status::Healthy, "")
}
