//! Pods and Jobs.

use serde_json::Value;

use super::{Health, Status, condition, health};
use crate::application::hook;

fn statuses<'a>(object: &'a Value, fields: &[&str]) -> impl Iterator<Item = &'a Value> {
    let lists: Vec<&Value> = fields.iter().map(|field| &object["status"][*field]).collect();
    lists.into_iter().filter_map(Value::as_array).flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub(super) fn pod(object: &Value) -> Health {
    let policy = object["spec"]["restartPolicy"].as_str().unwrap_or("Always");
    let ignore = object["metadata"]["annotations"]["argocd.argoproj.io/ignore-restart-policy"] == "true" && hook(object).is_none();
    if policy == "Always" || ignore {
        // A container that waits because of an error does not get better by itself.
        let mut messages = Vec::new();
        let mut waits = false;
        for waiting in statuses(object, &["containerStatuses"]).map(|c| &c["state"]["waiting"]) {
            let reason = waiting["reason"].as_str().unwrap_or_default();
            if reason.starts_with("Err") || reason.ends_with("Error") || reason.ends_with("BackOff") {
                waits = true;
                messages.push(text(&waiting["message"]));
            }
        }
        if waits {
            return health(Status::Degraded, messages.join(", "));
        }
    }
    match object["status"]["phase"].as_str() {
        Some("Pending") => health(Status::Progressing, text(&object["status"]["message"])),
        Some("Succeeded") => health(Status::Healthy, text(&object["status"]["message"])),
        Some("Failed") => {
            if let Some(message) = object["status"]["message"].as_str().filter(|m| !m.is_empty()) {
                return health(Status::Degraded, message);
            }
            let failed = statuses(object, &["initContainerStatuses", "containerStatuses"]).find_map(|container| {
                let ended = &container["state"]["terminated"];
                if let Some(message) = ended["message"].as_str().filter(|m| !m.is_empty()) {
                    return Some(message.to_owned());
                }
                if ended["reason"] == "OOMKilled" {
                    return Some("OOMKilled".to_owned());
                }
                let code = ended["exitCode"].as_i64().unwrap_or_default();
                (code != 0).then(|| format!("container \"{}\" failed with exit code {code}", text(&container["name"])))
            });
            health(Status::Degraded, failed.unwrap_or_default())
        }
        Some("Running") if policy == "Always" || ignore => {
            if condition(object, "Ready").is_some_and(|c| c["status"] == "True") {
                return health(Status::Healthy, text(&object["status"]["message"]));
            }
            let restarted = statuses(object, &["containerStatuses"]).any(|c| c["lastState"]["terminated"].is_object());
            let status = if restarted { Status::Degraded } else { Status::Progressing };
            health(status, text(&object["status"]["message"]))
        }
        Some("Running") => health(Status::Progressing, text(&object["status"]["message"])),
        _ => health(Status::Unknown, text(&object["status"]["message"])),
    }
}

pub(super) fn job(object: &Value) -> Health {
    let is = |kind: &str| condition(object, kind).filter(|c| c["status"] == "True");
    if let Some(failed) = is("Failed") {
        return health(Status::Degraded, text(&failed["message"]));
    }
    if let Some(complete) = is("Complete") {
        return health(Status::Healthy, text(&complete["message"]));
    }
    // Argo CD takes any condition Suspended for an end; a Job that was resumed is under way.
    if let Some(suspended) = is("Suspended") {
        return health(Status::Suspended, text(&suspended["message"]));
    }
    health(Status::Progressing, "")
}
