//! What the server refuses in the lists of a Pod's containers: those that run, those before them, and those that look into it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::check::Check::{Between, Choice, Inside, NotNegative, Of, OneOf, PortOrName, Required, With, Within};
use super::check::{Rules, Seen, items, look, text};
use super::container::{claims, devices, env, env_from, mounts, ports, probe, resize, resources};
use super::{format, shown};
use crate::cause::Cause;

/// The numbers that a user or a group may have.
pub(super) const ID: i64 = 2_147_483_647;
const PULLED: &[&str] = &["Always", "IfNotPresent", "Never"];

/// What all containers have, in the server's order.
const CONTAINER: Rules = &[
    ("name", Required("")),
    ("name", Of(format::label)),
    ("image", Required("")),
    ("terminationMessagePolicy", OneOf(&["File", "FallbackToLogsOnError"])),
    ("ports", With(ports)),
    ("env", With(env)),
    ("envFrom", With(env_from)),
    ("", With(mounts)),
    ("", With(devices)),
    ("imagePullPolicy", OneOf(PULLED)),
    ("resources", Inside(&[("", With(resources)), ("claims", With(claims))])),
    ("resizePolicy", With(resize)),
    (
        "securityContext",
        Inside(&[
            ("runAsUser", Between(0, ID)),
            ("runAsGroup", Between(0, ID)),
            ("procMount", OneOf(&["Default", "Unmasked"])),
            ("procMount", With(unmasked)),
            ("seccompProfile", Inside(SECCOMP)),
            ("", With(escalation)),
            ("appArmorProfile", Inside(APP_ARMOR)),
        ]),
    ),
];
pub(super) const SECCOMP: Rules = &[
    ("type", Required("type is required when seccompProfile is set")),
    ("type", OneOf(&["Localhost", "RuntimeDefault", "Unconfined"])),
    ("", With(localhost)),
];
pub(super) const APP_ARMOR: Rules = &[("", With(app_armor))];

/// What only containers have that may run for long.
const RUNNING: Rules = &[
    ("lifecycle.postStart", Inside(&[("", With(probe))])),
    ("lifecycle.preStop", Inside(&[("", With(probe))])),
    ("livenessProbe", Inside(ONCE)),
    ("readinessProbe", Inside(&[("", With(|seen, causes| look(PROBE, seen, causes))), ("terminationGracePeriodSeconds", With(no_grace))])),
    ("startupProbe", Inside(ONCE)),
];
const PROBE: Rules = &[
    ("", With(probe)),
    ("initialDelaySeconds", NotNegative),
    ("timeoutSeconds", NotNegative),
    ("periodSeconds", NotNegative),
    ("successThreshold", NotNegative),
    ("failureThreshold", NotNegative),
    ("terminationGracePeriodSeconds", Within(1, i64::MAX, "must be greater than 0")),
];
/// A probe that need not succeed more than once.
const ONCE: Rules = &[("", With(|seen, causes| look(PROBE, seen, causes))), ("successThreshold", Within(1, 1, "must be 1"))];
const RESTART: Rules =
    &[("restartPolicy", OneOf(&["Always", "Never", "OnFailure"])), ("restartPolicyRules", super::check::Check::Each(RESTART_RULE))];
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
        restart(&one, causes);
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
        restart(&one, causes);
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
        let empty = |value: &Value| value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
        for field in NOT_IN_VISITORS.iter().filter(|field| !empty(&container[**field])) {
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

/// When a container that ended is started again.
fn restart(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if seen.value["restartPolicy"].is_null() && !seen.items("restartPolicyRules").is_empty() {
        causes.push(Cause::required(seen.below("restartPolicy"), "must specify restartPolicy when restart rules are used"));
    }
    look(RESTART, seen, causes);
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
            if number("hostPort") != number("containerPort") {
                let at = seen.below(&format!("containers[{index}].ports[{place}].hostPort"));
                causes.push(Cause::invalid(at, &json!(number("hostPort")), "must match `containerPort` when `hostNetwork` is true"));
            }
        }
    }
}

/// What a probe or a hook does.
pub(super) const HANDLERS: [(&str, Rules); 5] = [
    ("exec", &[("command", Required(""))]),
    ("httpGet", &[("path", Required("")), ("port", PortOrName), ("scheme", OneOf(&["HTTP", "HTTPS"])), ("httpHeaders", With(headers))]),
    ("tcpSocket", &[("port", PortOrName)]),
    ("grpc", &[("port", super::check::Check::Port)]),
    ("sleep", &[("", With(sleep))]),
];

/// The server does not say which header it is.
fn headers(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    for header in items(seen.value) {
        let name = text(&header["name"]);
        causes.extend(Cause::of_format(seen.at, name, format::header(name)));
    }
}

fn sleep(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let limit = seen.root["terminationGracePeriodSeconds"].as_i64().unwrap_or(30);
    let seconds = seen.value["seconds"].as_i64().unwrap_or(0);
    if !(0..=limit).contains(&seconds) {
        let words = format!("must be non-negative and less than terminationGracePeriodSeconds ({limit})");
        causes.push(Cause::invalid(seen.at, &json!(seconds), &words));
    }
}

fn no_grace(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if !seen.value.is_null() {
        causes.push(Cause::invalid(seen.at, seen.value, "must not be set for readinessProbes"));
    }
}

fn unmasked(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if seen.value == "Unmasked" && seen.root["hostUsers"] != false {
        causes.push(Cause::invalid(seen.at, seen.value, "`hostUsers` must be false to use `Unmasked`"));
    }
}

fn localhost(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (file, at) = (&seen.value["localhostProfile"], seen.below("localhostProfile"));
    match (seen.value["type"] == "Localhost", file.as_str()) {
        (true, None) => causes.push(Cause::required(at, "must be set when seccomp type is Localhost")),
        (true, Some(path)) => causes.extend(Cause::of_format(at, path, format::below(path))),
        (false, Some(_)) => {
            let shown = shown::internal(seen.value, "core.SeccompProfile");
            causes.push(Cause::shown(at, &shown, "can only be set when seccomp type is Localhost"));
        }
        (false, None) => {}
    }
}

fn app_armor(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    const SET: &str = "must be set when AppArmor type is Localhost";
    let (kind, file, at) = (text(&seen.value["type"]), &seen.value["localhostProfile"], seen.below("localhostProfile"));
    match (kind, file.as_str()) {
        ("Localhost", None | Some("")) => causes.push(Cause::required(at, SET)),
        ("Localhost", Some(path)) if path != path.trim() => causes.push(Cause::invalid(at, file, "must not be padded with whitespace")),
        ("RuntimeDefault" | "Unconfined", Some(_)) => {
            causes.push(Cause::invalid(at, file, "can only be set when AppArmor type is Localhost"));
        }
        ("Localhost" | "RuntimeDefault" | "Unconfined", _) => {}
        ("", _) => causes.push(Cause::required(seen.below("type"), "type is required when appArmorProfile is set")),
        _ => causes.push(Cause::unsupported(seen.below("type"), &seen.value["type"], &["Localhost", "RuntimeDefault", "Unconfined"])),
    }
}

fn escalation(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if seen.value["allowPrivilegeEscalation"] != false {
        return;
    }
    let capability = items(&seen.value["capabilities"]["add"]).iter().any(|one| one == "CAP_SYS_ADMIN");
    for (given, what) in [(seen.value["privileged"] == true, "`privileged` to true"), (capability, "`capabilities.Add` CAP_SYS_ADMIN")] {
        if given {
            let shown = shown::internal(seen.value, "core.SecurityContext");
            causes.push(Cause::shown(seen.at, &shown, &format!("cannot set `allowPrivilegeEscalation` to false and {what}")));
        }
    }
}
