//! What the server refuses in what a container or a Pod needs: amounts, devices that are claimed, and what becomes of it when they change.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::check::{Seen, items, text};
use super::{format, quantity};
use crate::cause::Cause;

/// What a container needs.
pub(super) fn resources(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    amounts(seen, resource_name, causes);
}

/// What all containers of a Pod need together.
pub(super) fn of_all(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    amounts(seen, shared_name, causes);
}

fn amounts(seen: &Seen<'_>, named: fn(&str, &str, &mut Vec<Cause>), causes: &mut Vec<Cause>) {
    let (limits, requests) = (&seen.value["limits"], &seen.value["requests"]);
    for (list, amounts) in [("limits", limits), ("requests", requests)] {
        for (name, amount) in amounts.as_object().into_iter().flatten() {
            let at = seen.below(&format!("{list}[{name}]"));
            named(name, &at, causes);
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

/// The name of something that a Pod as a whole can have.
fn shared_name(name: &str, at: &str, causes: &mut Vec<Cause>) {
    causes.extend(Cause::of_format(at, name, format::qualified(name)));
    if !name.contains('/') && !known(name).0 {
        causes.push(Cause::invalid(at, &json!(name), "must be a standard resource type or fully qualified"));
    } else if !matches!(name, "cpu" | "memory") && !name.starts_with("hugepages-") {
        causes.push(Cause::unsupported(at, &json!(name), &["cpu", "hugepages-", "memory"]));
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
