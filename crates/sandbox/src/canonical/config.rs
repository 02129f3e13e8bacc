//! What needs more than one field of configuration, roles, namespaces and classes to be judged.

use base64::Engine as _;
use serde_json::json;

use super::check::Check::{Choice, Required, Selector};
use super::check::{Seen, items, look, text};
use super::status::CONDITION;
use super::{format, shown};
use crate::cause::Cause;

const FROZEN: &str = "field is immutable when `immutable` is set";

/// A key of text is none of bytes.
pub(super) fn twice(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    for key in seen.value["binaryData"].as_object().into_iter().flatten().map(|(key, _)| key) {
        if !seen.value["data"][key].is_null() {
            causes.push(Cause::invalid(format!("data[{key}]"), &json!(key), "duplicate of key present in binaryData"));
        }
    }
}

/// What says of itself that it does not change does not.
pub(super) fn immutable(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let Some(old) = seen.old.filter(|old| old["immutable"] == true) else { return };
    if seen.value["immutable"] != true {
        causes.push(Cause::forbidden("immutable", FROZEN));
    }
    for field in ["data", "binaryData"] {
        if old[field] != seen.value[field] {
            causes.push(Cause::forbidden(field, FROZEN));
        }
    }
}

/// What a Secret of its type must hold.
pub(super) fn secret(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    const ACCOUNT: &str = "kubernetes.io/service-account.name";
    let data = &seen.value["data"];
    let kind = text(&seen.value["type"]);
    let wanted: &[&str] = match kind {
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        // One of the two is enough.
        "kubernetes.io/basic-auth" if data["username"].is_null() && data["password"].is_null() => &["username", "password"],
        _ => &[],
    };
    for key in wanted.iter().filter(|key| data[**key].is_null()) {
        causes.push(Cause::required(format!("data[{key}]"), ""));
    }
    let login = ["kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"].iter().position(|one| *one == kind);
    if let Some(key) = login.map(|place| [".dockerconfigjson", ".dockercfg"][place]) {
        let written = base64::engine::general_purpose::STANDARD.decode(text(&data[key])).unwrap_or_default();
        if !data[key].is_null() && serde_json::from_slice::<serde_json::Value>(&written).is_err() {
            // What else can be wrong with JSON is told in these words, too.
            let detail = match String::from_utf8_lossy(&written).trim_start().chars().next() {
                Some(first) => format!("invalid character '{first}' looking for beginning of value"),
                None => "unexpected end of JSON input".to_owned(),
            };
            causes.push(Cause::invalid(format!("data[{key}]"), &json!("<secret contents redacted>"), &detail));
        }
    }
    if kind == "kubernetes.io/service-account-token" && text(&seen.value["metadata"]["annotations"][ACCOUNT]).is_empty() {
        causes.push(Cause::required(format!("metadata.annotations[{ACCOUNT}]"), ""));
    }
}

/// The finalizers of a namespace; the server does not say which of them is none.
pub(super) fn finalizers(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    for one in items(seen.value).iter().map(text) {
        causes.extend(Cause::of_format(seen.at, one, format::finalizer(one)));
    }
}

/// The highest priority that users can give.
const HIGHEST: i64 = 1_000_000_000;

pub(super) fn priority(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let name = text(&seen.value["metadata"]["name"]);
    if name.starts_with("system-") {
        if !matches!(name, "system-cluster-critical" | "system-node-critical") {
            let detail = format!(
                "priority class names with 'system-' prefix are reserved for system use only. error: {name} is not a known system priority class"
            );
            causes.push(Cause::forbidden("metadata.name", &detail));
        }
    } else if seen.value["value"].as_i64().is_some_and(|value| value > HIGHEST) {
        causes.push(Cause::forbidden("value", &format!("maximum allowed value of a user defined priority is {HIGHEST}")));
    }
}

/// A rule of a role: what may be done, and to what.
pub(super) fn rule(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    look(&[("verbs", Required("verbs must contain at least one value"))], seen, causes);
    let paths = &seen.value["nonResourceURLs"];
    if !items(paths).is_empty() {
        return mixed(seen, causes);
    }
    let rules = &[
        ("apiGroups", Required("resource rules must supply at least one api group")),
        ("resources", Required("resource rules must supply at least one resource")),
    ];
    look(rules, seen, causes);
}

/// A rule with paths has nothing else.
fn mixed(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if ["apiGroups", "resources", "resourceNames"].iter().any(|field| !seen.items(field).is_empty()) {
        let detail = "rules cannot apply to both regular resources and non-resource URLs";
        causes.push(Cause::invalid(seen.below("nonResourceURLs"), &seen.value["nonResourceURLs"], detail));
    }
}

/// A rule of a role in a namespace, where there are no paths.
pub(super) fn namespaced_rule(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let paths = &seen.value["nonResourceURLs"];
    if items(paths).is_empty() {
        return rule(seen, causes);
    }
    look(&[("verbs", Required("verbs must contain at least one value"))], seen, causes);
    causes.push(Cause::invalid(seen.below("nonResourceURLs"), paths, "namespaced rules cannot apply to non-resource URLs"));
    mixed(seen, causes);
}

/// A role made of others selects some.
pub(super) fn aggregation(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if seen.value.is_null() {
        return;
    }
    let at = seen.below("clusterRoleSelectors");
    if seen.items("clusterRoleSelectors").is_empty() {
        causes.push(Cause::required(&at, "at least one clusterRoleSelector required if aggregationRule is non-nil"));
    }
    for (index, selector) in seen.items("clusterRoleSelectors").iter().enumerate() {
        let (before, at) = (causes.len(), format!("{at}[{index}]"));
        look(&[("", Selector)], &Seen { value: selector, at: &at, ..*seen }, causes);
        if causes.len() > before {
            causes.push(Cause::shown(&at, "null", "invalid label selector."));
        }
    }
}

/// Who a role is given to.
pub(super) fn subject(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (kind, name) = (text(&seen.value["kind"]), text(&seen.value["name"]));
    match kind {
        "ServiceAccount" => {
            causes.extend(Cause::of_format(seen.below("name"), name, if name.is_empty() { Vec::new() } else { format::subdomain(name) }));
            let group = &seen.value["apiGroup"];
            if !text(group).is_empty() {
                causes.push(Cause::unsupported(seen.below("apiGroup"), group, &[""]));
            }
        }
        "User" | "Group" => look(&[("apiGroup", Choice(&["rbac.authorization.k8s.io"]))], seen, causes),
        _ => causes.push(Cause::unsupported(seen.below("kind"), &seen.value["kind"], &["ServiceAccount", "User", "Group"])),
    }
}

/// Outside of any namespace, a service account needs its own.
pub(super) fn account_namespace(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if seen.value["kind"] == "ServiceAccount" && text(&seen.value["namespace"]).is_empty() {
        causes.push(Cause::required(seen.below("namespace"), ""));
    }
}

/// A binding keeps its role.
pub(super) fn same_role(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if seen.old.is_some_and(|old| old != seen.value) {
        causes.push(Cause::shown(seen.at, &shown::internal(seen.value, "rbac.RoleRef"), "cannot change roleRef"));
    }
}

/// The conditions of a status, of each type one.
pub(super) fn conditions(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let list = items(seen.value);
    for (index, condition) in list.iter().enumerate() {
        let at = format!("{}[{index}]", seen.at);
        if list[..index].iter().any(|other| text(&other["type"]) == text(&condition["type"])) {
            causes.push(Cause::duplicate(format!("{at}.type"), &json!(text(&condition["type"]))));
        }
        look(CONDITION, &Seen { value: condition, old: None, at: &at, ..*seen }, causes);
    }
}
