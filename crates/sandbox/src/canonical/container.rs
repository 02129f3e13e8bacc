//! What needs more than one field of a container to be judged.

use serde_json::{Value, json};

use super::check::{Check, Rules, Seen, items, look, text, unique};
use super::{format, quantity, template};
use crate::cause::Cause;

pub(super) fn ports(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    const PORT: Rules = &[
        ("name", Check::Of(format::port_name)),
        ("containerPort", Check::With(container_port)),
        ("hostPort", Check::Between(0, 65535)),
        ("protocol", Check::OneOf(&["SCTP", "TCP", "UDP"])),
    ];
    look(&[("", Check::Each(PORT))], seen, causes);
    unique(items(seen.value), "name", seen.at, causes);
}

fn container_port(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    match seen.value.as_i64() {
        None | Some(0) => causes.push(Cause::required(seen.at, "")),
        Some(_) => super::check::port(seen.value, seen.at, causes),
    }
}

/// Which of some fields are there; more than one is refused, those behind the first.
fn the_one(seen: &Seen<'_>, fields: &[&str], what: &str, causes: &mut Vec<Cause>) -> usize {
    let given: Vec<&&str> = fields.iter().filter(|field| !seen.value[**field].is_null()).collect();
    for field in given.iter().skip(1) {
        causes.push(Cause::forbidden(seen.below(field), &format!("may not specify more than 1 {what} type")));
    }
    given.len()
}

/// What a probe or a hook does: exactly one thing.
pub(super) fn probe(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if the_one(seen, &["exec", "httpGet", "tcpSocket", "grpc", "sleep"], "handler", causes) == 0 {
        causes.push(Cause::required(seen.at, "must specify a handler type"));
    }
    look(template::HANDLER, seen, causes);
}

/// Where a variable's value comes from; one of these.
const SOURCES: [&str; 5] = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"];
/// The fields of a Pod that a variable can hold, and those before whose name in brackets they end.
const FIELDS: [&str; 10] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
    "spec.restartPolicy",
];

pub(super) fn env(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    const VARIABLE: Rules = &[
        ("name", Check::Required("")),
        ("name", Check::Of(format::variable)),
        ("valueFrom.fieldRef", Check::Inside(&[("fieldPath", Check::Required("")), ("fieldPath", Check::With(field_path))])),
        ("valueFrom.resourceFieldRef", Check::Inside(&[("resource", Check::Required(""))])),
        ("valueFrom.configMapKeyRef", Check::Inside(MAP_KEY)),
        ("valueFrom.secretKeyRef", Check::Inside(KEY)),
        ("", Check::With(source)),
    ];
    const MAP_KEY: Rules = &[("name", Check::With(map_name)), ("key", Check::Required("")), ("key", Check::Of(format::file_name))];
    const KEY: Rules = &[("name", Check::Required("")), ("key", Check::Required("")), ("key", Check::Of(format::file_name))];
    look(&[("", Check::Each(VARIABLE))], seen, causes);
}

/// The name of a ConfigMap; an empty one is a wrong one.
fn map_name(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    causes.extend(Cause::of_format(seen.at, text(seen.value), format::subdomain(text(seen.value))));
}

/// What becomes of a container whose resources are changed.
pub(super) fn resize(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    for one in items(seen.value) {
        // The server does not say in which of them.
        for (field, known) in [("resourceName", &["cpu", "memory"]), ("restartPolicy", &["NotRequired", "RestartContainer"])] {
            match text(&one[field]) {
                "" => causes.push(Cause::required(seen.at, "")),
                word if known.contains(&word) => {}
                _ => causes.push(Cause::unsupported(seen.at, &one[field], known)),
            }
        }
        if seen.root["restartPolicy"] == "Never" && one["restartPolicy"] == "RestartContainer" {
            causes.push(Cause::invalid(seen.at, &one["restartPolicy"], "must be 'NotRequired' when pod `restartPolicy` is 'Never'"));
        }
    }
}

fn field_path(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let path = text(seen.value);
    let keyed = ["metadata.labels", "metadata.annotations"].iter().any(|map| path.starts_with(map));
    if !path.is_empty() && !keyed && !FIELDS.contains(&path) {
        causes.push(Cause::invalid(seen.at, seen.value, &format!("error converting fieldPath: field label not supported: {path}")));
    }
}

fn source(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (from, at) = (&seen.value["valueFrom"], seen.below("valueFrom"));
    if from.is_null() {
        return;
    }
    let detail = match SOURCES.iter().filter(|name| !from[**name].is_null()).count() {
        0 => "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
        _ if !text(&seen.value["value"]).is_empty() => "may not be specified when `value` is not empty",
        1 => return,
        _ => "may not have more than one field specified at a time",
    };
    causes.push(Cause::invalid(at, &json!(""), detail));
}

pub(super) fn env_from(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    for (index, one) in items(seen.value).iter().enumerate() {
        let at = format!("{}[{index}]", seen.at);
        let rules: Rules = &[
            ("prefix", Check::Of(format::variable)),
            ("configMapRef", Check::Inside(&[("name", Check::Required(""))])),
            ("secretRef", Check::Inside(&[("name", Check::Required(""))])),
        ];
        look(rules, &Seen { value: one, at: &at, ..*seen }, causes);
        let detail = match (one["configMapRef"].is_null(), one["secretRef"].is_null()) {
            (true, true) => "must specify one of: `configMapRef` or `secretRef`",
            (false, false) => "may not have more than one field specified at a time",
            _ => continue,
        };
        causes.push(Cause::invalid(seen.at, &json!(""), detail));
    }
}

pub(super) fn mounts(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let all = items(seen.value);
    for (index, mount) in all.iter().enumerate() {
        let at = format!("{}[{index}]", seen.at);
        let (name, path, below) = (&mount["name"], &mount["mountPath"], text(&mount["subPath"]));
        if text(name).is_empty() {
            causes.push(Cause::required(format!("{at}.name"), ""));
        } else if !items(&seen.root["volumes"]).iter().any(|volume| &volume["name"] == name) {
            causes.push(Cause::not_found(format!("{at}.name"), name));
        }
        if text(path).is_empty() {
            causes.push(Cause::required(format!("{at}.mountPath"), ""));
        } else if all[..index].iter().any(|other| &other["mountPath"] == path) {
            causes.push(Cause::invalid(format!("{at}.mountPath"), path, "must be unique"));
        }
        // The server does not say in which mount.
        causes.extend(Cause::of_format(
            format!("{}.subPath", seen.at),
            below,
            if below.is_empty() { Vec::new() } else { format::below(below) },
        ));
    }
}

/// Whether a resource is one that Kubernetes itself knows, and whether a container can have it.
fn known(name: &str) -> (bool, bool) {
    let container = matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-");
    let elsewhere =
        ["storage", "pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps", "persistentvolumeclaims"];
    (container || elsewhere.contains(&name) || name.starts_with("requests.") || name.starts_with("limits."), container)
}

pub(super) fn resources(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (limits, requests) = (&seen.value["limits"], &seen.value["requests"]);
    for (list, amounts) in [("limits", limits), ("requests", requests)] {
        for (name, amount) in amounts.as_object().into_iter().flatten() {
            let at = seen.below(&format!("{list}[{name}]"));
            let shown = json!(name);
            let (standard, container) = known(name);
            causes.extend(Cause::of_format(&at, name, format::qualified(name)));
            if !name.contains('/') && !standard {
                causes.push(Cause::invalid(&at, &shown, "must be a standard resource type or fully qualified"));
            }
            if !name.contains('/') && !container {
                causes.push(Cause::invalid(&at, &shown, "must be a standard resource for containers"));
            }
            let number = quantity::amount(text(amount)).unwrap_or(0);
            if number < 0 {
                causes.push(Cause::invalid(&at, amount, "must be greater than or equal to 0"));
            }
            if name.contains('/') && number % quantity::WHOLE != 0 {
                causes.push(Cause::invalid(&at, amount, "must be an integer"));
            }
            if list == "requests" {
                over(seen, name, amount, &limits[name.as_str()], causes);
            }
        }
    }
}

/// What is asked for is not more than what may be used at most; what cannot be shared is as much.
fn over(seen: &Seen<'_>, name: &str, request: &Value, limit: &Value, causes: &mut Vec<Cause>) {
    let extended = name.contains('/');
    let (Some(asked), given) = (quantity::amount(text(request)), quantity::amount(text(limit))) else { return };
    match given {
        Some(given) if extended && asked != given => {
            causes.push(Cause::invalid(seen.below("requests"), request, &format!("must be equal to {name} limit of {}", text(limit))));
        }
        Some(given) if asked > given => {
            causes.push(Cause::invalid(
                seen.below("requests"),
                request,
                &format!("must be less than or equal to {name} limit of {}", text(limit)),
            ));
        }
        None if extended => causes.push(Cause::required(seen.below("limits"), "Limit must be set for non overcommitable resources")),
        _ => {}
    }
}
