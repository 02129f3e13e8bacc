//! What the server refuses in the status of a Pod: its addresses, its containers, and the devices that it got.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::check::Check::{Always, Choice, Each, Inside, Of, Required, With, Within};
use super::check::{Rules, Seen, items, look, text};
use super::{format, shown};
use crate::cause::Cause;

const NUMBER: &str = "must be a non-negative integer";
const ID: &str = "must be between 0 and 2147483647, inclusive";

pub(super) const RULES: Rules = &[
    ("status.conditions", Each(&[("", With(condition))])),
    ("status.nominatedNodeName", Of(format::subdomain)),
    ("status.observedGeneration", Within(0, i64::MAX, NUMBER)),
    ("status.qosClass", With(quality)),
    ("status.containerStatuses", With(transition)),
    ("status.initContainerStatuses", With(transition)),
    ("status.resourceClaimStatuses", With(claims)),
    ("status.extendedResourceClaimStatus", Inside(EXTENDED)),
    ("status", With(|seen, causes| addresses(seen, "podIPs", "core.PodIP", causes))),
    ("status", With(host)),
    ("status", With(|seen, causes| addresses(seen, "hostIPs", "core.HostIP", causes))),
    ("status.containerStatuses", Each(USER)),
    ("status.initContainerStatuses", Each(USER)),
    ("status.ephemeralContainerStatuses", Each(USER)),
    ("status.containerStatuses", With(devices)),
    ("status.initContainerStatuses", With(devices)),
    ("status.ephemeralContainerStatuses", Each(&[("allocatedResourcesStatus", With(no_devices))])),
];
const EXTENDED: Rules = &[
    ("requestMappings", Required("at least one request mapping is required")),
    ("requestMappings", With(mappings)),
    ("resourceClaimName", Required("")),
    ("resourceClaimName", Of(format::subdomain)),
];
const USER: Rules = &[
    ("user.linux.uid", Within(0, 0x7fff_ffff, ID)),
    ("user.linux.gid", Within(0, 0x7fff_ffff, ID)),
    ("user.linux.supplementalGroups", Each(&[("", Within(0, 0x7fff_ffff, ID))])),
];

/// A condition, whose type the server calls as Go does.
fn condition(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let kind = text(&seen.value["type"]);
    let own = matches!(kind, "PodScheduled" | "Ready" | "Initialized" | "ContainersReady");
    if !own {
        causes.extend(Cause::of_format(seen.below("Type"), kind, format::qualified(kind)));
    }
    look(&[("observedGeneration", Within(0, i64::MAX, NUMBER))], seen, causes);
}

/// How much the node may count on follows from what is asked for.
fn quality(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if seen.old.is_some_and(|old| !old.is_null() && old != seen.value) {
        causes.push(Cause::invalid(seen.at, &json!(text(seen.value)), "field is immutable"));
    }
}

/// A container that has ended for good does not run again.
fn transition(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let spec = &seen.root["spec"];
    let policy = text(&spec["restartPolicy"]);
    let init = seen.at.ends_with("initContainerStatuses");
    if policy == "Always" && !init {
        return;
    }
    let sidecar = |name: &Value| items(&spec["initContainers"]).iter().any(|one| one["name"] == *name && one["restartPolicy"] == "Always");
    for (index, before) in seen.old.map(items).unwrap_or_default().iter().enumerate() {
        let ended = &before["state"]["terminated"];
        let starts_again = ended["exitCode"] != 0 && (if init { policy != "Never" } else { policy == "OnFailure" });
        if ended.is_null() || starts_again || init && sidecar(&before["name"]) {
            continue;
        }
        for _ in items(seen.value).iter().filter(|now| now["name"] == before["name"] && now["state"]["terminated"].is_null()) {
            let at = format!("{}[{index}].state", seen.at);
            causes.push(Cause::forbidden(at, "may not be transitioned to non-terminated state"));
        }
    }
}

/// What became of a Pod's claims for devices: each has its name among them, and once.
fn claims(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (claims, list) = (items(&seen.root["spec"]["resourceClaims"]), items(seen.value));
    for (index, status) in list.iter().enumerate() {
        let (name, at) = (json!(text(&status["name"])), format!("{}[{index}]", seen.at));
        if claims.iter().all(|claim| claim["name"] != name) {
            let detail = "must match the name of an entry in `spec.resourceClaims`";
            causes.push(Cause::invalid(format!("{at}.name"), &name, detail));
        }
        if list[..index].iter().any(|other| other["name"] == name) {
            causes.push(Cause::duplicate(format!("{at}.name"), &name));
        }
        if let Some(claim) = status["resourceClaimName"].as_str() {
            causes.extend(Cause::of_format(format!("{at}.resourceClaimName"), claim, format::subdomain(claim)));
        }
    }
}

/// Which container got which device for what it asked for.
fn mappings(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let containers = || ["initContainers", "containers"].into_iter().flat_map(|list| items(&seen.root["spec"][list]));
    for (index, mapping) in items(seen.value).iter().enumerate() {
        let (container, resource) = (text(&mapping["containerName"]), text(&mapping["resourceName"]));
        let at = format!("{}[{index}]", seen.at);
        let found: Vec<&Value> = containers().filter(|one| one["name"] == container).collect();
        if found.is_empty() {
            let detail = "must match the name of an entry in spec.initContainers.name or spec.containers.name";
            causes.push(Cause::invalid(format!("{at}.containerName"), &json!(container), detail));
        } else if found.iter().all(|one| one["resources"]["requests"][resource].is_null()) {
            let detail = "must match the extended resource name of an entry in spec.initContainers.resources.requests or spec.containers.resources.requests";
            causes.push(Cause::invalid(format!("{at}.resourceName"), &json!(resource), detail));
        }
        // Of which mapping it is, the server does not say.
        let request = &Seen { value: mapping, at: seen.at.trim_end_matches(".requestMappings"), ..*seen };
        look(&[("requestName", Always(format::label))], request, causes);
    }
}

/// The first address of a Pod's host is the one that is told alone.
fn host(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if let Some(first) = seen.items("hostIPs").first()
        && text(&first["ip"]) != text(&seen.value["hostIP"])
    {
        causes.push(Cause::invalid(seen.below("hostIPs[0].ip"), &json!(text(&first["ip"])), "must be equal to `hostIP`"));
    }
}

/// The addresses of a Pod or its host: one of each family at the most.
fn addresses(seen: &Seen<'_>, field: &str, message: &str, causes: &mut Vec<Cause>) {
    let (list, at) = (seen.items(field), seen.below(field));
    for (index, one) in list.iter().map(|one| text(&one["ip"])).enumerate() {
        causes.extend(Cause::of_format(format_args!("{at}[{index}]"), one, format::address(one)));
    }
    if list.len() < 2 {
        return;
    }
    let parsed = |one: &Value| text(&one["ip"]).parse::<IpAddr>().ok();
    let wrong = list.iter().position(|one| parsed(one).is_none());
    if let Some(index) = wrong {
        let message =
            format!("Internal error: failed to check for dual stack with error:invalid IP[{index}]: {}", text(&list[index]["ip"]));
        causes.push(Cause { reason: "InternalError", message, field: at.clone() });
    }
    let families = [IpAddr::is_ipv4, IpAddr::is_ipv6].map(|family| list.iter().filter_map(parsed).any(|one| family(&one)));
    if list.len() > 2 || wrong.is_some() || families != [true, true] {
        let shown: Vec<String> = list.iter().map(|one| shown::internal(one, message)).collect();
        let detail = "may specify no more than one IP for each IP family";
        causes.push(Cause::shown(at, &format!("[{}]", shown.join(",")), detail));
    }
}

/// How well the devices of containers are: each was asked for.
fn devices(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let list = if seen.at.ends_with("initContainerStatuses") { "initContainers" } else { "containers" };
    let containers = items(&seen.root["spec"][list]);
    for (index, status) in items(seen.value).iter().enumerate() {
        let container = containers.iter().find(|one| one["name"] == status["name"]);
        for (place, device) in items(&status["allocatedResourcesStatus"]).iter().enumerate() {
            let at = format!("{}[{index}].allocatedResourcesStatus[{place}]", seen.at);
            if let Some(why) = container.and_then(|container| unasked(container, text(&device["name"]))) {
                causes.push(Cause::invalid(format!("{at}.name"), &device["name"], why));
            }
            let seen = Seen { value: &device["resources"], old: None, at: &format!("{at}.resources"), ..*seen };
            each_device(&seen, causes);
        }
    }
}

/// Why a container has no device of that name; none when it has.
fn unasked(container: &Value, name: &str) -> Option<&'static str> {
    let resources = &container["resources"];
    let Some(claim) = name.strip_prefix("claim:") else {
        let known = !resources["requests"][name].is_null();
        return (!known).then_some("must match one of the container's resource requests");
    };
    let (claim, request) = claim.split_once('/').unwrap_or((claim, ""));
    let known = items(&resources["claims"]).iter().any(|one| one["name"] == claim && text(&one["request"]) == request);
    let why = "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty";
    (!known).then_some(why)
}

fn each_device(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let list = items(seen.value);
    for (index, device) in list.iter().enumerate() {
        let at = format!("{}[{index}]", seen.at);
        look(&[("health", Choice(&["Healthy", "Unhealthy", "Unknown"]))], &Seen { value: device, at: &at, ..*seen }, causes);
        if list[..index].iter().any(|other| other["resourceID"] == device["resourceID"]) {
            causes.push(Cause::duplicate(format!("{at}.resourceID"), &device["resourceID"]));
        }
    }
}

fn no_devices(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if !items(seen.value).is_empty() {
        causes.push(Cause::forbidden(seen.at, "must not be specified in container status"));
    }
}
