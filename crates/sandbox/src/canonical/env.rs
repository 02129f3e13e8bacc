//! What the server refuses in the variables of a container, and in what they tell of its Pod.

use serde_json::{Value, json};

use super::check::Check::{Always, Each, Inside, Of, Required, With};
use super::check::{Rules, Seen, items, look, text};
use super::{format, quantity};
use crate::cause::Cause;

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
        ("name", Required("")),
        ("name", Of(format::variable)),
        ("valueFrom.fieldRef", Inside(&[("", With(|seen, causes| field_reference(seen.value, IN_VARIABLES, seen.at, causes)))])),
        ("valueFrom.resourceFieldRef", Inside(&[("", With(|seen, causes| resource_reference(seen.value, false, seen.at, causes)))])),
        ("valueFrom.configMapKeyRef", Inside(KEY)),
        ("valueFrom.secretKeyRef", Inside(KEY)),
        ("valueFrom.fileKeyRef", Inside(FILE_KEY)),
        ("", With(source)),
    ];
    const KEY: Rules = &[("name", Always(format::subdomain)), ("key", Required("")), ("key", Of(format::file_name))];
    const FILE_KEY: Rules = &[
        ("key", Required("")),
        ("key", Of(format::variable)),
        ("volumeName", Required("")),
        ("volumeName", Of(format::label)),
        ("path", Required("")),
        ("path", Of(format::no_climbing)),
    ];
    look(&[("", Each(VARIABLE))], seen, causes);
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
            ("prefix", Of(format::variable)),
            ("configMapRef", Inside(&[("name", Required("")), ("name", Of(format::beginning))])),
            ("secretRef", Inside(&[("name", Required("")), ("name", Of(format::beginning))])),
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
