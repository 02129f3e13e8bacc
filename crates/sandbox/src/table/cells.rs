//! What stands in a cell, where it is more than a field.

use jiff::Timestamp;
use serde_json::{Value, json};

/// The text that is printed where there is nothing.
pub(super) const NONE: &str = "<none>";

/// How long ago, in the few letters that kubectl prints: `5s`, `2m10s`, `3h`, `12d`.
pub(super) fn age(since: &Value, now: Timestamp) -> Value {
    let since = since.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    since.map_or_else(|| json!("<unknown>"), |since| json!(duration(now.as_second() - since.as_second())))
}

/// A number of seconds in few letters, as precise as is of use.
pub(super) fn duration(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    let two = |large: i64, unit: char, small: i64, rest: char| {
        if small == 0 { format!("{large}{unit}") } else { format!("{large}{unit}{small}{rest}") }
    };
    match seconds {
        i64::MIN..=-2 => "<invalid>".to_owned(),
        -1..=0 => "0s".to_owned(),
        1..120 => format!("{seconds}s"),
        120..600 => two(minutes, 'm', seconds % 60, 's'),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, 'h', minutes % 60, 'm'),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, 'd', hours % 24, 'h'),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => two(days / 365, 'y', days % 365, 'd'),
        _ => format!("{}y", days / 365),
    }
}

/// How many: a count of a status, 0 when it is not there.
pub(super) fn count(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

/// `a,b`, or nothing's word.
pub(super) fn joined(parts: impl Iterator<Item = String>) -> Value {
    let text = parts.collect::<Vec<_>>().join(",");
    json!(if text.is_empty() { NONE.to_owned() } else { text })
}

/// The objects of a list.
pub(super) fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// Whether a condition of a status holds.
pub(super) fn has_condition(status: &Value, kind: &str) -> bool {
    each(&status["conditions"]).any(|condition| condition["type"] == kind && condition["status"] == "True")
}

/// `k=v,k=v` of a free map.
pub(super) fn pairs(map: &Value) -> Value {
    joined(map.as_object().into_iter().flatten().map(|(key, value)| format!("{key}={}", super::path::text(value))))
}

/// A field's text, or nothing's word.
pub(super) fn or_none(value: &Value) -> Value {
    match value.as_str() {
        Some(text) if !text.is_empty() => json!(text),
        _ => json!(NONE),
    }
}

/// A container's field for every container.
pub(super) fn containers(spec: &Value, field: &str) -> Value {
    joined(each(&spec["containers"]).filter_map(|container| container[field].as_str().map(str::to_owned)))
}

/// `80/TCP,443:30443/TCP` of a Service.
pub(super) fn service_ports(service: &Value) -> Value {
    joined(each(&service["spec"]["ports"]).map(|port| {
        let node = port["nodePort"].as_i64().filter(|port| *port > 0).map_or_else(String::new, |port| format!(":{port}"));
        format!("{}{node}/{}", count(&port["port"]), port["protocol"].as_str().unwrap_or("TCP"))
    }))
}

/// Where a Service is reached from outside.
pub(super) fn external(service: &Value) -> Value {
    let spec = &service["spec"];
    let mut addresses: Vec<String> = each(&service["status"]["loadBalancer"]["ingress"])
        .filter_map(|one| one["ip"].as_str().or_else(|| one["hostname"].as_str()).map(str::to_owned))
        .collect();
    addresses.extend(each(&spec["externalIPs"]).filter_map(|ip| ip.as_str().map(str::to_owned)));
    match spec["type"].as_str() {
        Some("ExternalName") => or_none(&spec["externalName"]),
        Some("LoadBalancer") if addresses.is_empty() => json!("<pending>"),
        _ => joined(addresses.into_iter()),
    }
}

/// A Job's word: what it came to.
pub(super) fn job_status(job: &Value) -> &'static str {
    let holds = |kind: &str| has_condition(&job["status"], kind);
    match () {
        () if holds("Complete") => "Complete",
        () if holds("Failed") => "Failed",
        () if !job["metadata"]["deletionTimestamp"].is_null() => "Terminating",
        () if holds("Suspended") => "Suspended",
        () if holds("FailureTarget") => "FailureTarget",
        () if holds("SuccessCriteriaMet") => "SuccessCriteriaMet",
        () => "Running",
    }
}

/// How long a Job ran, or has been running.
pub(super) fn job_duration(job: &Value, now: Timestamp) -> Value {
    let time = |field: &str| job["status"][field].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    match (time("startTime"), time("completionTime")) {
        (Some(start), Some(end)) => json!(duration(end.as_second() - start.as_second())),
        (Some(start), None) => json!(duration(now.as_second() - start.as_second())),
        _ => json!(""),
    }
}

/// Whether a node takes Pods, and its roles.
pub(super) fn node_status(node: &Value) -> String {
    let ready = each(&node["status"]["conditions"]).find(|one| one["type"] == "Ready");
    let word = match ready.and_then(|one| one["status"].as_str()) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    if node["spec"]["unschedulable"] == true { format!("{word},SchedulingDisabled") } else { word.to_owned() }
}

/// The roles of a node, from its labels.
pub(super) fn node_roles(node: &Value) -> Value {
    let labels = node["metadata"]["labels"].as_object().into_iter().flatten();
    joined(labels.filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/").map(str::to_owned)))
}
