//! What the server warns of in Pods, as such and as templates, and lets pass.

use serde_json::Value;

use super::check::{items, text};

/// The warnings of an object that is written.
pub(crate) fn warnings(group: &str, kind: &str, object: &Value) -> Vec<String> {
    let (spec, at) = match (group, kind) {
        ("", "Pod") => (&object["spec"], "spec"),
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch", "Job") => {
            (&object["spec"]["template"]["spec"], "spec.template.spec")
        }
        ("batch", "CronJob") => (&object["spec"]["jobTemplate"]["spec"]["template"]["spec"], "spec.jobTemplate.spec.template.spec"),
        _ => return Vec::new(),
    };
    let mut out = Vec::new();
    for (index, one) in items(&spec["topologySpreadConstraints"]).iter().enumerate() {
        if !one["labelSelector"].is_null() {
            continue;
        }
        out.push(format!("{at}.topologySpreadConstraints[{index}].labelSelector: a null labelSelector results in matching no pod"));
    }
    for volume in items(&spec["volumes"]) {
        let empty = |source: &Value| source.as_object().is_none_or(serde_json::Map::is_empty);
        if volume["projected"].is_object() && items(&volume["projected"]["sources"]).iter().all(empty) {
            out.push(format!("volume {} (Projected) has no sources provided", volume["name"]));
        }
    }
    for (index, secret) in items(&spec["imagePullSecrets"]).iter().enumerate() {
        if text(&secret["name"]).is_empty() {
            out.push(format!("{at}.imagePullSecrets[{index}].name: invalid empty name \"\""));
        }
    }
    for (index, container) in items(&spec["containers"]).iter().enumerate() {
        self::container(container, &format!("{at}.containers[{index}]"), &mut out);
    }
    out
}

fn container(container: &Value, at: &str, out: &mut Vec<String>) {
    let env = items(&container["env"]);
    for (index, variable) in env.iter().enumerate() {
        if env[..index].iter().any(|other| other["name"] == variable["name"]) {
            out.push(format!(
                "{at}.env[{index}]: hides previous definition of {}, which may be dropped when using apply",
                variable["name"]
            ));
        }
    }
    let ports = items(&container["ports"]);
    let key = |port: &Value| ["containerPort", "protocol", "hostPort", "hostIP"].map(|field| port[field].clone());
    for (index, port) in ports.iter().enumerate() {
        if let Some(first) = ports[..index].iter().position(|other| key(other) == key(port)) {
            out.push(format!("{at}.ports[{index}]: duplicate port definition with {at}.ports[{first}]"));
        }
    }
}
