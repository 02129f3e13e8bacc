//! What the server refuses in the lists of a Pod's containers: those that run, those before them, and those that look into it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::check::Check::{Choice, Each, Inside, Of, OneOf, Required, With};
use super::check::{self, Rules, Seen, items, look, text};
use super::env::{env, env_from};
use super::mount::mounted;
use super::probe::RUNNING;
use super::resources::{claims, resize, resources};
use super::{format, security};
use crate::cause::Cause;

/// When an image is pulled.
pub(super) const PULLED: &[&str] = &["Always", "IfNotPresent", "Never"];
/// What all containers have, in the server's order.
const CONTAINER: Rules = &[
    ("name", Required("")),
    ("name", Of(format::label)),
    ("image", Required("")),
    ("terminationMessagePolicy", OneOf(&["File", "FallbackToLogsOnError"])),
    ("ports", With(ports)),
    ("env", With(env)),
    ("envFrom", With(env_from)),
    ("", With(mounted)),
    ("imagePullPolicy", OneOf(PULLED)),
    ("resources", Inside(&[("", With(resources)), ("claims", With(claims))])),
    ("resizePolicy", With(resize)),
    ("securityContext", Inside(security::SECURITY)),
];
const RESTART: Rules = &[("restartPolicy", OneOf(&["Always", "Never", "OnFailure"])), ("restartPolicyRules", Each(RESTART_RULE))];
const RESTART_RULE: Rules = &[
    ("action", Choice(&["Restart", "RestartAllContainers"])),
    ("exitCodes", Inside(&[("operator", Choice(&["In", "NotIn"]))])),
    ("exitCodes", Required("must be specified")),
];

/// The containers that run.
pub(super) fn running(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let list = seen.items("containers");
    if list.is_empty() {
        return causes.push(Cause::required(seen.below("containers"), ""));
    }
    for (index, container) in list.iter().enumerate() {
        let at = seen.below(&format!("containers[{index}]"));
        let one = Seen { value: container, old: None, at: &at, ..*seen };
        look(CONTAINER, &one, causes);
        if list[..index].iter().any(|other| other["name"] == container["name"]) {
            causes.push(Cause::duplicate(format!("{at}.name"), &name(container)));
        }
        look(RUNNING, &one, causes);
        causes.extend(unruled(&one));
        look(RESTART, &one, causes);
    }
    host_ports(list, &seen.below("containers"), causes);
}

/// Those that run before the others, or beside them from the beginning.
pub(super) fn first(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (list, others) = (seen.items("initContainers"), seen.items("containers"));
    for (index, container) in list.iter().enumerate() {
        let at = seen.below(&format!("initContainers[{index}]"));
        let one = Seen { value: container, old: None, at: &at, ..*seen };
        look(CONTAINER, &one, causes);
        match unruled(&one) {
            Some(cause) => causes.push(cause),
            None => look(RESTART, &one, causes),
        }
        if !text(&container["name"]).is_empty() && others.iter().chain(&list[..index]).any(|other| other["name"] == container["name"]) {
            causes.push(Cause::duplicate(format!("{at}.name"), &container["name"]));
        }
        // One is looked at for itself: it is told as the first.
        host_ports(std::slice::from_ref(container), &seen.below("initContainers"), causes);
        let stays = container["restartPolicy"] == "Always";
        if stays {
            look(RUNNING, &one, causes);
        }
        for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
            if !stays && !container[field].is_null() {
                causes.push(Cause::forbidden(format!("{at}.{field}"), "may not be set for init containers without restartPolicy=Always"));
            }
        }
        for (place, policy) in items(&container["resizePolicy"]).iter().enumerate().filter(|_| !stays) {
            if policy["restartPolicy"] == "RestartContainer" {
                let detail = "must not be set to 'RestartContainer' for non-sidecar initContainers";
                causes.push(Cause::invalid(format!("{at}.resizePolicy[{place}].restartPolicy"), &policy["restartPolicy"], detail));
            }
        }
    }
}

/// What a container that only looks into a Pod cannot have.
const NOT_IN_VISITORS: [&str; 9] = [
    "ports",
    "resources",
    "resizePolicy",
    "restartPolicy",
    "restartPolicyRules",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
];

/// Those that look into a Pod that runs.
pub(super) fn visiting(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let list = seen.items("ephemeralContainers");
    let others = || seen.items("containers").iter().chain(seen.items("initContainers"));
    for (index, container) in list.iter().enumerate() {
        let at = seen.below(&format!("ephemeralContainers[{index}]"));
        look(CONTAINER, &Seen { value: container, old: None, at: &at, ..*seen }, causes);
        trimmed(container, &at, causes);
        if others().chain(&list[..index]).any(|other| other["name"] == container["name"]) {
            causes.push(Cause::duplicate(format!("{at}.name"), &name(container)));
        }
        let target = &container["targetContainerName"];
        if !text(target).is_empty() && others().all(|other| other["name"] != *target) {
            causes.push(Cause::not_found(format!("{at}.targetContainerName"), target));
        }
        // Of these Go's type has resources as a value and all others as pointers and lists, which an empty one sets.
        let unset = |field: &str, value: &Value| value.is_null() || field == "resources" && value.as_object().is_some_and(Map::is_empty);
        for field in NOT_IN_VISITORS.iter().filter(|field| !unset(field, &container[**field])) {
            causes.push(Cause::forbidden(format!("{at}.{field}"), "cannot be set for an Ephemeral Container"));
        }
    }
}

fn name(container: &Value) -> Value {
    json!(text(&container["name"]))
}

/// In a Pod, an image has no blanks around it.
pub(super) fn trimmed(container: &Value, at: &str, causes: &mut Vec<Cause>) {
    let image = text(&container["image"]);
    if image != image.trim() {
        causes.push(Cause::invalid(format!("{at}.image"), &json!(image), "must not have leading or trailing whitespace"));
    }
}

/// A container's rules of when it is started again need a policy beside them.
fn unruled(seen: &Seen<'_>) -> Option<Cause> {
    let lacks = seen.value["restartPolicy"].is_null() && !seen.items("restartPolicyRules").is_empty();
    lacks.then(|| Cause::required(seen.below("restartPolicy"), "must specify restartPolicy when restart rules are used"))
}

pub(super) fn ports(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    const PORT: Rules =
        &[("containerPort", With(container_port)), ("hostPort", With(host_port)), ("protocol", OneOf(&["SCTP", "TCP", "UDP"]))];
    let ports = items(seen.value);
    for (index, one) in ports.iter().enumerate() {
        let (name, at) = (text(&one["name"]), format!("{}[{index}]", seen.at));
        let wrong = if name.is_empty() { Vec::new() } else { format::port_name(name) };
        if wrong.is_empty() && !name.is_empty() && ports[..index].iter().any(|other| other["name"] == name) {
            causes.push(Cause::duplicate(format!("{at}.name"), &json!(name)));
        }
        causes.extend(Cause::of_format(format_args!("{at}.name"), name, wrong));
        look(PORT, &Seen { value: one, old: None, at: &at, ..*seen }, causes);
    }
}

fn host_port(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if seen.value.as_i64().is_some_and(|port| port != 0) {
        check::port(seen.value, seen.at, causes);
    }
}

fn container_port(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    match seen.value.as_i64() {
        None | Some(0) => causes.push(Cause::required(seen.at, "")),
        Some(_) => check::port(seen.value, seen.at, causes),
    }
}

/// A port of the host can be given away only once.
fn host_ports(containers: &[Value], at: &str, causes: &mut Vec<Cause>) {
    let mut given = BTreeSet::new();
    for (index, container) in containers.iter().enumerate() {
        for (place, port) in items(&container["ports"]).iter().enumerate() {
            if port["hostPort"].as_i64().is_none_or(|number| number == 0) {
                continue;
            }
            let key = format!("{}/{}/{}", text(&port["protocol"]), text(&port["hostIP"]), port["hostPort"]);
            if !given.insert(key.clone()) {
                causes.push(Cause::duplicate(format!("{at}[{index}].ports[{place}].hostPort"), &json!(key)));
            }
        }
    }
}

/// In the host's network, a port of the host is the container's own.
pub(super) fn own_ports(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if seen.value["hostNetwork"] != true {
        return;
    }
    for (index, container) in seen.items("containers").iter().enumerate() {
        for (place, port) in items(&container["ports"]).iter().enumerate() {
            let number = |field: &str| port[field].as_i64().unwrap_or(0);
            // What is not given is not given to templates either.
            if ![0, number("containerPort")].contains(&number("hostPort")) {
                let at = seen.below(&format!("containers[{index}].ports[{place}].hostPort"));
                causes.push(Cause::invalid(at, &json!(number("hostPort")), "must match `containerPort` when `hostNetwork` is true"));
            }
        }
    }
}
