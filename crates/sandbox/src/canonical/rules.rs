//! What single fields must hold, as one table over all kinds: what several kinds need is a line here, not code.

use serde_json::Value;

use super::validate::{Cause, LABEL, SUBDOMAIN};

/// What is looked at in a field.
enum Check {
    /// It must be given; what is said beside that.
    Required(&'static str),
    /// It is one of these.
    OneOf(&'static [&'static str]),
    /// A number that is not below zero.
    NotNegative,
    /// A name of one part.
    Label,
    /// A name of parts with dots between them.
    Subdomain,
    /// It stays what it was.
    Immutable,
    /// It stays what it was; the words for that.
    Kept(&'static str),
    /// The names in a map fit into a file's name.
    FileNames,
}

use Check::{FileNames, Immutable, Kept, Label, NotNegative, OneOf, Required, Subdomain};

type Rule = (&'static str, Check);

const POD: &[Rule] = &[
    ("restartPolicy", OneOf(&["Always", "OnFailure", "Never"])),
    ("dnsPolicy", OneOf(&["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"])),
    ("containers[].name", Label),
    ("containers[].imagePullPolicy", OneOf(&["Always", "IfNotPresent", "Never"])),
    ("containers[].ports[].protocol", OneOf(&["SCTP", "TCP", "UDP"])),
    ("initContainers[].name", Label),
    ("initContainers[].imagePullPolicy", OneOf(&["Always", "IfNotPresent", "Never"])),
    ("volumes[].name", Label),
];

const JOB: &[Rule] = &[
    ("spec.parallelism", NotNegative),
    ("spec.completions", NotNegative),
    ("spec.activeDeadlineSeconds", NotNegative),
    ("spec.backoffLimit", NotNegative),
    ("spec.ttlSecondsAfterFinished", NotNegative),
];

/// The rules of a kind, in the order in which the server looks.
fn rules(group: &str, kind: &str) -> &'static [Rule] {
    match (group, kind) {
        ("batch", "Job") => JOB,
        ("batch", "CronJob") => &[("spec.concurrencyPolicy", OneOf(&["Allow", "Forbid", "Replace"]))],
        ("", "Service") => &[("spec.sessionAffinity", OneOf(&["ClientIP", "None"])), ("spec.ports[].name", Label)],
        ("", "ConfigMap") => &[("data", FileNames), ("binaryData", FileNames)],
        ("", "Secret") => &[("data", FileNames)],
        ("storage.k8s.io", "StorageClass") => &[("provisioner", Required("")), ("parameters", Immutable)],
        ("scheduling.k8s.io", "PriorityClass") => &[("value", Kept("may not be changed in an update."))],
        ("networking.k8s.io", "Ingress") => {
            &[("spec.rules[].host", Subdomain), ("spec.rules[].http.paths[].pathType", Required("pathType must be specified"))]
        }
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => &[("rules[].verbs", Required("verbs must contain at least one value"))],
        ("rbac.authorization.k8s.io", "RoleBinding") => &[
            ("roleRef.kind", OneOf(&["Role", "ClusterRole"])),
            ("roleRef.name", Required("")),
            ("subjects[].name", Required("")),
            ("subjects[].kind", OneOf(&["ServiceAccount", "User", "Group"])),
        ],
        ("rbac.authorization.k8s.io", "ClusterRoleBinding") => &[
            ("roleRef.kind", OneOf(&["ClusterRole"])),
            ("roleRef.name", Required("")),
            ("subjects[].name", Required("")),
            ("subjects[].kind", OneOf(&["ServiceAccount", "User", "Group"])),
        ],
        _ => &[],
    }
}

/// Looks at all fields that the table has for a kind.
pub(super) fn look(group: &str, kind: &str, new: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    for (path, check) in rules(group, kind) {
        visit(new, old, path, "", check, causes);
    }
}

/// The same for the Pods of a kind, which stand at `at`.
pub(super) fn look_at_pod(spec: &Value, at: &str, causes: &mut Vec<Cause>) {
    for (path, check) in POD {
        visit(spec, None, path, at, check, causes);
    }
}

fn visit(new: &Value, old: Option<&Value>, path: &str, at: &str, check: &Check, causes: &mut Vec<Cause>) {
    let (step, rest) = path.split_once('.').unwrap_or((path, ""));
    let (name, list) = step.strip_suffix("[]").map_or((step, false), |name| (name, true));
    let at = if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    if list {
        for (index, item) in new[name].as_array().into_iter().flatten().enumerate() {
            visit(item, None, rest, &format!("{at}[{index}]"), check, causes);
        }
    } else if rest.is_empty() {
        field(&new[name], old.map(|old| &old[name]), &at, check, causes);
    } else {
        visit(&new[name], old.map(|old| &old[name]), rest, &at, check, causes);
    }
}

fn field(value: &Value, old: Option<&Value>, at: &str, check: &Check, causes: &mut Vec<Cause>) {
    let text = value.as_str().filter(|text| !text.is_empty());
    match check {
        Required(detail) => {
            if text.is_none() && value.as_array().is_none_or(Vec::is_empty) {
                causes.push(Cause::required(at, detail));
            }
        }
        OneOf(choices) => {
            if text.is_some_and(|text| !choices.contains(&text)) {
                causes.push(Cause::unsupported(at, value, choices));
            }
        }
        NotNegative => {
            if value.as_i64().is_some_and(|number| number < 0) {
                causes.push(Cause::invalid(at, value, "must be greater than or equal to 0"));
            }
        }
        Label => causes.extend(text.and_then(|text| Cause::of_name(at, text, is_label(text), LABEL, 63))),
        Subdomain => {
            let name = text.map(|text| text.strip_prefix("*.").unwrap_or(text));
            causes.extend(name.and_then(|text| Cause::of_name(at, text, text.split('.').all(is_label), SUBDOMAIN, 253)));
        }
        Immutable => {
            if old.is_some_and(|old| old != value) {
                causes.push(Cause::invalid(at, value, "field is immutable"));
            }
        }
        Kept(words) => {
            if old.is_some_and(|old| old != value) {
                causes.push(Cause::forbidden(at, words));
            }
        }
        FileNames => {
            for key in value.as_object().into_iter().flatten().map(|(key, _)| key) {
                if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
                    causes.push(Cause::invalid(format!("{at}[{key}]"), &Value::from(key.as_str()), FILE_NAME));
                }
            }
        }
    }
}

/// Whether a text is one part of a DNS name.
pub(super) fn is_label(text: &str) -> bool {
    let letter = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.first().is_some_and(letter) && bytes.last().is_some_and(letter) && bytes.iter().all(|byte| letter(byte) || *byte == b'-')
}

const FILE_NAME: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
