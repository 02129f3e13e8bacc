//! Health of live objects, and of an Application from its objects', with Argo CD's verdicts.
//!
//! Built-in kinds: Deployment, ReplicaSet, StatefulSet, DaemonSet, Pod, Service, Ingress, PersistentVolumeClaim, Job,
//! APIService. Every other kind has no health, which is not the same as healthy: it does not count.

mod pods;
mod workloads;

use serde_json::Value;

use crate::resource::ObjectKey;

/// The verdict, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// As it should be.
    Healthy,
    /// Held by its owner.
    Suspended,
    /// On its way.
    Progressing,
    /// Not there.
    Missing,
    /// Does not get there by itself.
    Degraded,
    /// Cannot be told.
    Unknown,
}

impl Status {
    /// As it is written in `status.health.status`.
    pub fn name(self) -> &'static str {
        match self {
            Status::Healthy => "Healthy",
            Status::Suspended => "Suspended",
            Status::Progressing => "Progressing",
            Status::Missing => "Missing",
            Status::Degraded => "Degraded",
            Status::Unknown => "Unknown",
        }
    }
}

/// A verdict and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The verdict.
    pub status: Status,
    /// Why; may be empty.
    pub message: String,
}

pub(super) fn health(status: Status, message: impl Into<String>) -> Health {
    Health { status, message: message.into() }
}

/// The health of a live object; `None`: its kind has none.
pub fn of(object: &Value) -> Option<Health> {
    if !object["metadata"]["deletionTimestamp"].is_null() {
        return Some(health(Status::Progressing, "Pending deletion"));
    }
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    match (group, object["kind"].as_str().unwrap_or_default()) {
        ("apps", "Deployment") => Some(workloads::deployment(object)),
        ("apps", "ReplicaSet") => Some(workloads::replica_set(object)),
        ("apps", "StatefulSet") => Some(workloads::stateful_set(object)),
        ("apps", "DaemonSet") => Some(workloads::daemon_set(object)),
        ("", "Pod") => Some(pods::pod(object)),
        ("batch", "Job") => Some(pods::job(object)),
        ("", "Service") => Some(service(object)),
        ("networking.k8s.io" | "extensions", "Ingress") => {
            Some(if has_address(object) { health(Status::Healthy, "") } else { health(Status::Progressing, "") })
        }
        ("", "PersistentVolumeClaim") => Some(match object["status"]["phase"].as_str() {
            Some("Bound") => health(Status::Healthy, ""),
            Some("Pending") => health(Status::Progressing, ""),
            Some("Lost") => health(Status::Degraded, ""),
            _ => health(Status::Unknown, ""),
        }),
        ("apiregistration.k8s.io", "APIService") => Some(api_service(object)),
        _ => None,
    }
}

fn has_address(object: &Value) -> bool {
    object["status"]["loadBalancer"]["ingress"].as_array().is_some_and(|list| !list.is_empty())
}

fn service(object: &Value) -> Health {
    let waits = object["spec"]["type"] == "LoadBalancer" && !has_address(object);
    if waits { health(Status::Progressing, "") } else { health(Status::Healthy, "") }
}

fn api_service(object: &Value) -> Health {
    let Some(available) = condition(object, "Available") else { return health(Status::Progressing, "Waiting to be processed") };
    let text = |field: &str| available[field].as_str().unwrap_or_default().to_owned();
    let status = if available["status"] == "True" { Status::Healthy } else { Status::Progressing };
    health(status, format!("{}: {}", text("reason"), text("message")))
}

/// A condition by its type.
pub(super) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object["status"]["conditions"].as_array()?.iter().find(|c| c["type"] == kind)
}

/// The health of an Application: the worst of its objects', of which the first of the worst is named. An object that is
/// missing does not make it worse unless all are.
pub fn aggregate<'a>(objects: impl IntoIterator<Item = (&'a ObjectKey, Option<Status>)>) -> Health {
    let (mut worst, mut cause, mut missing, mut there) = (Status::Healthy, None, 0usize, 0usize);
    for (key, status) in objects {
        match status {
            Some(Status::Missing) => missing += 1,
            Some(status) => {
                there += 1;
                if status > worst {
                    (worst, cause) = (status, Some(key));
                }
            }
            None => there += 1,
        }
    }
    if missing > 0 && there == 0 {
        return health(Status::Missing, "");
    }
    health(worst, cause.map_or_else(String::new, |key| format!("Caused by {}", key.shown())))
}

#[cfg(test)]
mod tests;
