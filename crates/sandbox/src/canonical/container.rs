//! What needs more than one field of a container to be judged.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::check::{Check, Rules, Seen, items, look, text};
use super::{containers, format, quantity, volume};
use crate::cause::Cause;

pub(super) fn ports(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    const PORT: Rules = &[
        ("containerPort", Check::With(container_port)),
        ("hostPort", Check::With(host_port)),
        ("protocol", Check::OneOf(&["SCTP", "TCP", "UDP"])),
    ];
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
        super::check::port(seen.value, seen.at, causes);
    }
}

fn container_port(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    match seen.value.as_i64() {
        None | Some(0) => causes.push(Cause::required(seen.at, "")),
        Some(_) => super::check::port(seen.value, seen.at, causes),
    }
}

/// What a probe or a hook does: exactly one thing.
pub(super) fn probe(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let given = containers::HANDLERS.iter().filter(|(name, _)| !seen.value[*name].is_null());
    let mut count = 0;
    for (name, rules) in given {
        count += 1;
        if count == 1 {
            look(rules, &Seen { value: &seen.value[*name], old: None, at: &seen.below(name), ..*seen }, causes);
        } else {
            causes.push(Cause::forbidden(seen.below(name), "may not specify more than 1 handler type"));
        }
    }
    if count == 0 {
        causes.push(Cause::required(seen.at, "must specify a handler type"));
    }
}

/// Where a variable's value comes from; one of these.
const SOURCES: [&str; 5] = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"];
/// The fields of a Pod that a variable can hold.
const IN_VARIABLES: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
/// The fields of a Pod that the server knows, and could not be had by all the same.
const ELSEWHERE: &[&str] = &["metadata.annotations", "metadata.labels", "spec.restartPolicy", "spec.schedulerName", "status.phase"];
/// The amounts of a container that it can be told of.
const AMOUNTS: &[&str] =
    &["limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"];

pub(super) fn env(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    const VARIABLE: Rules = &[
        ("name", Check::Required("")),
        ("name", Check::Of(format::variable)),
        (
            "valueFrom.fieldRef",
            Check::Inside(&[("", Check::With(|seen, causes| field_reference(seen.value, IN_VARIABLES, seen.at, causes)))]),
        ),
        (
            "valueFrom.resourceFieldRef",
            Check::Inside(&[("", Check::With(|seen, causes| resource_reference(seen.value, false, seen.at, causes)))]),
        ),
        ("valueFrom.configMapKeyRef", Check::Inside(MAP_KEY)),
        ("valueFrom.secretKeyRef", Check::Inside(KEY)),
        ("valueFrom.fileKeyRef", Check::Inside(FILE_KEY)),
        ("", Check::With(source)),
    ];
    const MAP_KEY: Rules = &[("name", Check::With(map_name)), ("key", Check::Required("")), ("key", Check::Of(format::file_name))];
    const KEY: Rules = &[("name", Check::Required("")), ("key", Check::Required("")), ("key", Check::Of(format::file_name))];
    const FILE_KEY: Rules = &[
        ("key", Check::Required("")),
        ("key", Check::Of(format::variable)),
        ("volumeName", Check::Required("")),
        ("volumeName", Check::Of(format::label)),
        ("path", Check::Required("")),
        ("path", Check::Of(format::no_climbing)),
    ];
    look(&[("", Check::Each(VARIABLE))], seen, causes);
}

/// A field of the Pod, one of these; of labels and annotations one, by its key in brackets.
pub(super) fn field_reference(reference: &Value, fields: &[&str], at: &str, causes: &mut Vec<Cause>) {
    let (version, path) = (text(&reference["apiVersion"]), text(&reference["fieldPath"]));
    for (field, given) in [("apiVersion", version), ("fieldPath", path)] {
        if given.is_empty() {
            return causes.push(Cause::required(format!("{at}.{field}"), ""));
        }
    }
    let keyed = path.strip_suffix("']").and_then(|path| path.split_once("['"));
    let known = if path == "spec.host" { "spec.nodeName" } else { path };
    let why = match keyed {
        _ if version != "v1" => format!("unsupported pod version: {version}"),
        Some(("metadata.annotations", key)) => {
            return causes.extend(Cause::of_format(at, &key.to_lowercase(), format::qualified(&key.to_lowercase())));
        }
        Some(("metadata.labels", key)) => return causes.extend(Cause::of_format(at, key, format::qualified(key))),
        Some(_) => format!("field label does not support subscript: {path}"),
        None if fields.contains(&known) => return,
        None if IN_VARIABLES.contains(&known) || ELSEWHERE.contains(&known) => {
            return causes.push(Cause::unsupported(format!("{at}.fieldPath"), &json!(known), fields));
        }
        None => format!("field label not supported: {path}"),
    };
    causes.push(Cause::invalid(format!("{at}.fieldPath"), &json!(path), &format!("error converting fieldPath: {why}")));
}

/// An amount of a container; in a volume it is said of which.
pub(super) fn resource_reference(reference: &Value, volume: bool, at: &str, causes: &mut Vec<Cause>) {
    let (resource, divisor) = (text(&reference["resource"]), text(&reference["divisor"]));
    let pages = ["limits.hugepages-", "requests.hugepages-"].iter().any(|begin| resource.starts_with(begin));
    if volume && text(&reference["containerName"]).is_empty() {
        causes.push(Cause::required(format!("{at}.containerName"), ""));
    } else if resource.is_empty() {
        causes.push(Cause::required(format!("{at}.resource"), ""));
    } else if !AMOUNTS.contains(&resource) && !pages {
        causes.push(Cause::unsupported(format!("{at}.resource"), &json!(resource), AMOUNTS));
    }
    const UNITS: &str = "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei";
    let (units, what) = match resource.split_once('.').map(|(_, of)| of) {
        Some("cpu") => ("1m and 1", "cpu"),
        Some("memory") => (UNITS, "memory"),
        Some("ephemeral-storage") => (UNITS, "local ephemeral storage"),
        _ if pages => (UNITS, "hugepages"),
        _ => return,
    };
    let fits = units.split([',', ' ']).any(|unit| unit != "and" && unit == divisor);
    if quantity::amount(divisor).is_some_and(|amount| amount != 0) && !fits {
        let detail = format!("only divisor's values {units} are supported with the {what} resource");
        causes.push(Cause::invalid(format!("{at}.divisor"), &json!(resource), &detail));
    }
}

/// A file that a variable is read from lies in a volume that is empty at first.
pub(super) fn file_volumes(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for (index, container) in seen.items(list).iter().enumerate() {
            for (place, variable) in items(&container["env"]).iter().enumerate() {
                let reference = &variable["valueFrom"]["fileKeyRef"];
                let name = json!(text(&reference["volumeName"]));
                let at = seen.below(&format!("{list}[{index}].env[{place}].valueFrom.fileKeyRef.volumeName"));
                match seen.items("volumes").iter().rfind(|volume| volume["name"] == name) {
                    _ if reference.is_null() => {}
                    None => causes.push(Cause::not_found(at, &name)),
                    Some(volume) if volume["emptyDir"].is_null() => {
                        causes.push(Cause::invalid(at, &name, "referenced volume must be of type emptyDir"));
                    }
                    Some(_) => {}
                }
            }
        }
    }
}

/// The name of a ConfigMap; an empty one is a wrong one.
fn map_name(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    causes.extend(Cause::of_format(seen.at, text(seen.value), format::subdomain(text(seen.value))));
}

/// What becomes of a container whose resources are changed.
pub(super) fn resize(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let all = items(seen.value);
    for (index, one) in all.iter().enumerate() {
        if all[..index].iter().any(|other| other["resourceName"] == one["resourceName"]) {
            causes.push(Cause::duplicate(format!("{}[{index}]", seen.at), &json!(text(&one["resourceName"]))));
        }
        // The server does not say in which of them.
        for (field, known) in [("resourceName", &["cpu", "memory"]), ("restartPolicy", &["NotRequired", "RestartContainer"])] {
            match text(&one[field]) {
                "" => causes.push(Cause::required(seen.at, "")),
                word if known.contains(&word) => {}
                _ => causes.push(Cause::unsupported(seen.at, &one[field], known)),
            }
        }
        if seen.root["restartPolicy"] == "Never" && one["restartPolicy"] != "NotRequired" {
            causes.push(Cause::invalid(
                seen.at,
                &json!(text(&one["restartPolicy"])),
                "must be 'NotRequired' when pod `restartPolicy` is 'Never'",
            ));
        }
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
            ("configMapRef", Check::Inside(&[("name", Check::Required("")), ("name", Check::Of(format::beginning))])),
            ("secretRef", Check::Inside(&[("name", Check::Required("")), ("name", Check::Of(format::beginning))])),
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

/// What one thing is called that should be another's name for it.
fn same<'v>(list: &'v [Value], field: &str, value: &Value) -> Option<&'v Value> {
    list.iter().find(|other| text(&other[field]) == text(value))
}

/// Where a container has its volumes.
pub(super) fn mounts(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (all, devices, list) = (seen.items("volumeMounts"), seen.items("volumeDevices"), seen.below("volumeMounts"));
    if all.is_empty() {
        return;
    }
    let (volumes, privileged) = (volume::usable(&seen.root["volumes"]), seen.value["securityContext"]["privileged"] == true);
    for (index, mount) in all.iter().enumerate() {
        let at = format!("{list}[{index}]");
        let (name, path) = (json!(text(&mount["name"])), json!(text(&mount["mountPath"])));
        if text(&name).is_empty() {
            causes.push(Cause::required(format!("{at}.name"), ""));
        }
        if !volumes.iter().any(|volume| volume["name"] == name) {
            causes.push(Cause::not_found(format!("{at}.name"), &name));
        }
        if text(&path).is_empty() {
            causes.push(Cause::required(format!("{at}.mountPath"), ""));
        }
        if all[..index].iter().any(|other| text(&other["mountPath"]) == text(&path)) {
            causes.push(Cause::invalid(format!("{at}.mountPath"), &path, "must be unique"));
        }
        if same(devices, "name", &name).is_some() {
            causes.push(Cause::invalid(format!("{at}.name"), &name, "must not already exist in volumeDevices"));
        }
        if same(devices, "devicePath", &path).is_some() {
            causes.push(Cause::invalid(format!("{at}.mountPath"), &path, "must not already exist as a path in volumeDevices"));
        }
        // Of paths within and of what is shared, the server does not say in which mount.
        let seen = Seen { value: mount, old: None, at: &list, ..*seen };
        look(&[("subPath", Check::Of(format::below))], &seen, causes);
        if !text(&mount["subPath"]).is_empty() && !text(&mount["subPathExpr"]).is_empty() {
            let detail = "subPathExpr and subPath are mutually exclusive";
            causes.push(Cause::invalid(format!("{at}.subPathExpr"), &mount["subPathExpr"], detail));
        }
        let rules: Rules =
            &[("subPathExpr", Check::Of(format::below)), ("mountPropagation", Check::OneOf(&["Bidirectional", "HostToContainer", "None"]))];
        look(rules, &seen, causes);
        propagated(mount, privileged, &list, causes);
    }
}

/// What a mount shares with the host.
fn propagated(mount: &Value, privileged: bool, list: &str, causes: &mut Vec<Cause>) {
    let (propagation, at) = (text(&mount["mountPropagation"]), format!("{list}.recursiveReadOnly"));
    if propagation == "Bidirectional" && !privileged {
        let detail = "Bidirectional mount propagation is available only to privileged containers";
        causes.push(Cause::forbidden(format!("{list}.mountPropagation"), detail));
    }
    match mount["recursiveReadOnly"].as_str() {
        None | Some("Disabled") => {}
        Some("Enabled" | "IfPossible") => {
            if mount["readOnly"] != true {
                causes.push(Cause::forbidden(&at, "may only be specified when readOnly is true"));
            }
            if !matches!(propagation, "" | "None") {
                causes.push(Cause::forbidden(&at, "may only be specified when mountPropagation is None or not specified"));
            }
        }
        Some(_) => causes.push(Cause::unsupported(at, &mount["recursiveReadOnly"], &["Disabled", "Enabled", "IfPossible"])),
    }
}

/// The volumes that a container has as devices.
pub(super) fn devices(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (all, mounts) = (seen.items("volumeDevices"), seen.items("volumeMounts"));
    if all.is_empty() {
        return;
    }
    let volumes = volume::usable(&seen.root["volumes"]);
    for (index, device) in all.iter().enumerate() {
        let (name, path) = (json!(text(&device["name"])), json!(text(&device["devicePath"])));
        let at = |field: &str| seen.below(&format!("volumeDevices[{index}].{field}"));
        if text(&name).is_empty() {
            causes.push(Cause::required(at("name"), ""));
        }
        if !text(&name).is_empty() && same(&all[..index], "name", &name).is_some() {
            causes.push(Cause::invalid(at("name"), &name, "must be unique"));
        }
        match volumes.iter().find(|volume| volume["name"] == name) {
            None => causes.push(Cause::not_found(at("name"), &name)),
            Some(volume) if volume["persistentVolumeClaim"].is_null() && volume["ephemeral"].is_null() => {
                let detail = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
                causes.push(Cause::invalid(at("name"), &name, detail));
            }
            Some(_) => {}
        }
        if text(&path).is_empty() {
            causes.push(Cause::required(at("devicePath"), ""));
        }
        if all[..index].iter().any(|other| text(&other["devicePath"]) == text(&path)) {
            causes.push(Cause::invalid(at("devicePath"), &path, "must be unique"));
        }
        if !format::no_climbing(text(&path)).is_empty() {
            causes.push(Cause::invalid(at("devicePath"), &path, "can not contain backsteps ('..')"));
        }
        if same(mounts, "name", &name).is_some() {
            causes.push(Cause::invalid(at("name"), &name, "must not already exist in volumeMounts"));
        }
        if same(mounts, "mountPath", &path).is_some() {
            causes.push(Cause::invalid(at("devicePath"), &path, "must not already exist as a path in volumeMounts"));
        }
    }
}

/// The claims to devices of the Pod that a container uses.
pub(super) fn claims(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let known = items(&seen.root["resourceClaims"]).iter().map(|claim| text(&claim["name"])).filter(|name| !name.is_empty());
    let known: BTreeSet<&str> = known.collect();
    let all = items(seen.value);
    let key = |claim: &Value| (text(&claim["name"]).to_owned(), text(&claim["request"]).to_owned());
    for (index, claim) in all.iter().enumerate() {
        let ((name, request), at) = (key(claim), format!("{}[{index}]", seen.at));
        if name.is_empty() {
            causes.push(Cause::required(at, ""));
            continue;
        }
        let before = || all[..index].iter().map(key).filter(|other| other.0 == name);
        if before().any(|other| other.1.is_empty()) {
            causes.push(Cause::duplicate(&at, &json!(name)));
        } else if request.is_empty() {
            causes.extend(before().map(|_| Cause::duplicate(&at, &json!(name))));
        } else {
            causes.extend(Cause::of_format(format!("{at}.request"), &request, format::label(&request)));
            if before().any(|other| other.1 == request) {
                causes.push(Cause::duplicate(&at, &json!(format!("{name}/{request}"))));
            }
        }
        if !known.contains(name.as_str()) {
            let which = if known.is_empty() {
                " which is empty".to_owned()
            } else {
                format!(": {}", known.iter().copied().collect::<Vec<_>>().join(", "))
            };
            let mut cause = Cause::not_found(at, &json!(name));
            cause.message += &format!(": must be one of the names in pod.spec.resourceClaims{which}");
            causes.push(cause);
        }
    }
}

/// Whether a resource is one that Kubernetes itself knows, and whether a container can have it.
fn known(name: &str) -> (bool, bool) {
    let container = matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-");
    let elsewhere =
        ["storage", "pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps", "persistentvolumeclaims"];
    (container || elsewhere.contains(&name) || name.starts_with("requests.") || name.starts_with("limits."), container)
}

/// The name of something that a container can have some of.
pub(super) fn amount_name(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if !text(seen.value).is_empty() {
        resource_name(text(seen.value), seen.at, causes);
    }
}

fn resource_name(name: &str, at: &str, causes: &mut Vec<Cause>) {
    let (standard, container) = known(name);
    causes.extend(Cause::of_format(at, name, format::qualified(name)));
    if !name.contains('/') && !standard {
        causes.push(Cause::invalid(at, &json!(name), "must be a standard resource type or fully qualified"));
    }
    if !name.contains('/') && !container {
        causes.push(Cause::invalid(at, &json!(name), "must be a standard resource for containers"));
    }
}

pub(super) fn resources(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (limits, requests) = (&seen.value["limits"], &seen.value["requests"]);
    for (list, amounts) in [("limits", limits), ("requests", requests)] {
        for (name, amount) in amounts.as_object().into_iter().flatten() {
            let at = seen.below(&format!("{list}[{name}]"));
            resource_name(name, &at, causes);
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
