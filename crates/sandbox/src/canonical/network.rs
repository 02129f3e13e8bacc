//! What needs more than one field of the kinds around the network, and of those that watch over Pods, to be judged.

use serde_json::{Value, json};

use super::check::Check::{Port, PortOrName, With};
use super::check::{Seen, items, look, text};
use super::{format, rules, shown};
use crate::cause::Cause;

/// What a Service of its kind must have and cannot have.
pub(super) fn service_kind(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (kind, headless) = (text(&seen.value["type"]), seen.value["clusterIP"] == "None");
    if seen.items("ports").is_empty() && !headless && kind != "ExternalName" {
        causes.push(Cause::required("spec.ports", ""));
    }
    match kind {
        "NodePort" | "LoadBalancer" if headless => {
            let words = if kind == "NodePort" { "NodePort services" } else { "LoadBalancer services" };
            causes.push(Cause::invalid("spec.clusterIPs[0]", &json!("None"), &format!("may not be set to 'None' for {words}")));
        }
        "ExternalName" => {
            if !seen.items("clusterIPs").is_empty() {
                causes.push(Cause::forbidden("spec.clusterIPs", "may not be set for ExternalName services"));
            }
            for field in ["ipFamilies", "ipFamilyPolicy"] {
                if !seen.value[field].is_null() {
                    causes.push(Cause::forbidden(seen.below(field), "may not be set for ExternalName services"));
                }
            }
            let name = text(&seen.value["externalName"]);
            let name = name.strip_suffix('.').unwrap_or(name);
            if name.is_empty() {
                causes.push(Cause::required("spec.externalName", ""));
            } else {
                causes.extend(Cause::of_format("spec.externalName", name, format::subdomain(name)));
            }
        }
        _ => {}
    }
}

pub(super) fn service_ports(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let ports = items(seen.value);
    for (index, port) in ports.iter().enumerate() {
        let at = format!("{}[{index}]", seen.at);
        let (name, at_name) = (&port["name"], format!("{at}.name"));
        if !text(name).is_empty() {
            causes.extend(Cause::of_format(&at_name, text(name), format::label(text(name))));
            if ports[..index].iter().any(|other| other["name"] == *name) {
                causes.push(Cause::duplicate(at_name, name));
            }
        } else if ports.len() > 1 {
            causes.push(Cause::required(at_name, ""));
        }
        look(rules::SERVICE_PORT, &Seen { value: port, at: &at, ..*seen }, causes);
    }
}

/// The one address is the first of all.
pub(super) fn one_address(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (one, all, at) = (text(&seen.value["clusterIP"]), seen.items("clusterIPs"), seen.below("clusterIPs"));
    match all.first() {
        _ if seen.value["type"] == "ExternalName" => {}
        None if !one.is_empty() => causes.push(Cause::required(at, "")),
        Some(first) if !one.is_empty() && first != one => {
            causes.push(Cause::invalid(at, &seen.value["clusterIPs"], "first value must match `clusterIP`"));
        }
        Some(_) if one.is_empty() => {
            causes.push(Cause::invalid(at, &seen.value["clusterIPs"], "must be empty when `clusterIP` is not specified"));
        }
        _ => {}
    }
}

pub(super) fn families(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let all = items(seen.value);
    for (index, family) in all.iter().enumerate() {
        let at = format!("{}[{index}]", seen.at);
        if !matches!(text(family), "IPv4" | "IPv6") {
            causes.push(Cause::unsupported(&at, family, &["IPv4", "IPv6"]));
        }
        if all[..index].contains(family) {
            causes.push(Cause::duplicate(at, family));
        }
    }
}

pub(super) fn cluster_addresses(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let all = items(seen.value);
    if seen.root["spec"]["type"] == "ExternalName" {
        return;
    }
    if all.len() > 1 && all[0] == "None" {
        causes.push(Cause::invalid(seen.at, seen.value, "'None' must be the first and only value"));
    }
    let given = all.iter().map(text).enumerate().filter(|(index, one)| !(*index == 0 && *one == "None"));
    for (index, one) in given {
        causes.extend(Cause::of_format(format_args!("{}[{index}]", seen.at), one, format::address(one)));
    }
    if all.len() > 2 {
        causes.push(Cause::invalid(seen.at, seen.value, "may only hold up to 2 values"));
    }
}

/// No port of a Service stands twice, and only some Services have ports of the node.
pub(super) fn service_unique(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let ports = seen.items("ports");
    if seen.value["type"] == "ClusterIP" {
        for (index, _) in ports.iter().enumerate().filter(|(_, port)| port["nodePort"].as_i64().is_some_and(|port| port != 0)) {
            causes.push(Cause::forbidden(seen.below(&format!("ports[{index}].nodePort")), "may not be used when `type` is 'ClusterIP'"));
        }
    }
    for (index, port) in ports.iter().enumerate() {
        let same = |other: &&Value| other["port"] == port["port"] && other["protocol"] == port["protocol"];
        if ports[..index].iter().any(|other| same(&other)) {
            let key = json!({"protocol": port["protocol"], "port": port["port"]});
            causes.push(Cause::duplicate_shown(seen.below(&format!("ports[{index}]")), &shown::internal(&key, "core.ServicePort")));
        }
    }
}

/// What only a load balancer can have. The server spells the field of its ranges as Go does.
pub(super) fn balancer(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let balancer = seen.value["type"] == "LoadBalancer";
    let (ranges, at) = (seen.items("loadBalancerSourceRanges"), seen.below("LoadBalancerSourceRanges"));
    if !ranges.is_empty() && !balancer {
        causes.push(Cause::forbidden(&at, "may only be used when `type` is 'LoadBalancer'"));
    }
    for (index, range) in ranges.iter().map(|range| text(range).trim()).enumerate() {
        causes.extend(Cause::of_format(format_args!("{at}[{index}]"), range, format::network(range)));
    }
    for field in ["allocateLoadBalancerNodePorts", "loadBalancerClass"] {
        if !seen.value[field].is_null() && !balancer {
            causes.push(Cause::forbidden(seen.below(field), "may only be used when `type` is 'LoadBalancer'"));
        }
    }
    class(seen, causes);
}

/// The class of a load balancer, if it is one.
fn class(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if let Some(class) = seen.value["loadBalancerClass"].as_str().filter(|_| seen.value["type"] == "LoadBalancer") {
        causes.extend(Cause::of_format(seen.below("loadBalancerClass"), class, format::qualified(class)));
    }
}

/// What belongs to a load balancer stays as long as it is one.
pub(super) fn class_change(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let Some(old) = seen.old else { return };
    let stays = old["type"] == "LoadBalancer" && seen.value["type"] == "LoadBalancer";
    let (class, now) = (&old["loadBalancerClass"], &seen.value["loadBalancerClass"]);
    if stays && class != now {
        causes.push(Cause::invalid(seen.below("loadBalancerClass"), now, "may not change once set"));
    }
    self::class(seen, causes);
    if seen.value["type"] != "LoadBalancer" && !now.is_null() {
        causes.push(Cause::forbidden(seen.below("loadBalancerClass"), "may only be used when `type` is 'LoadBalancer'"));
    }
    let local = |spec: &Value| spec["externalTrafficPolicy"] == "Local";
    let field = "healthCheckNodePort";
    if stays && local(old) && local(seen.value) && old[field] != seen.value[field] {
        causes.push(Cause::forbidden(seen.below(field), "field is immutable"));
    }
}

/// Where the traffic from outside may go, for those that get some.
pub(super) fn traffic(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (kind, policy) = (text(&seen.value["type"]), &seen.value["externalTrafficPolicy"]);
    let outside = matches!(kind, "NodePort" | "LoadBalancer") || kind == "ClusterIP" && !seen.items("externalIPs").is_empty();
    let at = seen.below("externalTrafficPolicy");
    match text(policy) {
        "" => {}
        _ if !outside => causes.push(Cause::invalid(at, policy, "may only be set for externally-accessible services")),
        "Cluster" | "Local" => {}
        _ => causes.push(Cause::unsupported(at, policy, &["Cluster", "Local"])),
    }
    let health = &seen.value["healthCheckNodePort"];
    let own = kind == "LoadBalancer" && policy == "Local";
    if health.as_i64().is_some_and(|port| port != 0) {
        if !own {
            let detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
            causes.push(Cause::invalid(seen.below("healthCheckNodePort"), health, detail));
        } else {
            super::check::port(health, &seen.below("healthCheckNodePort"), causes);
        }
    }
}

/// A Service that has an address keeps it.
pub(super) fn same_address(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let Some(old) = seen.old else { return };
    let (before, now) = (&old["clusterIPs"][0], &seen.value["clusterIPs"][0]);
    let has_one = |spec: &Value| spec["type"] != "ExternalName";
    if has_one(old) && has_one(seen.value) && !text(before).is_empty() && before != now {
        causes.push(Cause::invalid(seen.below("clusterIPs[0]"), &seen.value["clusterIPs"], "may not change once set"));
    }
}

/// An Ingress goes somewhere.
pub(super) fn ingress(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if seen.items("rules").is_empty() && seen.value["defaultBackend"].is_null() {
        causes.push(Cause::invalid(seen.at, &seen.shown["rules"], "either `defaultBackend` or `rules` must be specified"));
    }
}

/// Where a path of an Ingress goes: to one Service's one port, or to one other object.
pub(super) fn backend(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (service, resource) = (&seen.value["service"], &seen.value["resource"]);
    match (service.is_null(), resource.is_null()) {
        (false, false) => return causes.push(Cause::invalid(seen.at, &json!(""), "cannot set both resource and service backends")),
        (true, true) => return causes.push(Cause::invalid(seen.at, &json!(""), "resource or service backend is required")),
        (true, false) => return,
        (false, true) => {}
    }
    let (name, port) = (text(&service["name"]), &service["port"]);
    if name.is_empty() {
        causes.push(Cause::required(seen.below("service.name"), ""));
    } else {
        causes.extend(Cause::of_format(seen.below("service.name"), name, format::label(name)));
    }
    let number = port["number"].as_i64().is_some_and(|number| number != 0);
    match (text(&port["name"]).is_empty(), number) {
        (false, true) => causes.push(Cause::invalid(seen.at, &json!(""), "cannot set both port name & port number")),
        (false, false) => look(&[("service.port.name", PortOrName)], seen, causes),
        (true, true) => look(&[("service.port.number", Port)], seen, causes),
        (true, false) => causes.push(Cause::required(seen.at, "port name or number is required")),
    }
}

/// What a path of an Ingress may not hold, where the server itself reads it.
const NOT_IN_PATHS: [&str; 5] = ["//", "/./", "/../", "%2f", "%2F"];

pub(super) fn path(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (path, at, kind) = (text(&seen.value["path"]), seen.below("path"), &seen.value["pathType"]);
    match text(kind) {
        // Without a type nothing else is looked at.
        "" => return,
        "Exact" | "Prefix" => {
            if !path.starts_with('/') {
                causes.push(Cause::invalid(&at, &json!(path), "must be an absolute path"));
            }
            if !path.is_empty() {
                for part in NOT_IN_PATHS.iter().filter(|part| path.contains(**part)) {
                    causes.push(Cause::invalid(&at, &json!(path), &format!("must not contain '{part}'")));
                }
                for end in ["/..", "/."].iter().filter(|end| path.ends_with(**end)) {
                    causes.push(Cause::invalid(&at, &json!(path), &format!("cannot end with '{end}'")));
                }
            }
        }
        "ImplementationSpecific" => {
            if !path.is_empty() && !path.starts_with('/') {
                causes.push(Cause::invalid(&at, &json!(path), "must be an absolute path"));
            }
        }
        _ => causes.push(Cause::unsupported(seen.below("pathType"), kind, &["Exact", "ImplementationSpecific", "Prefix"])),
    }
    look(&[("backend", With(backend))], seen, causes);
}

pub(super) fn policy_types(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let types = items(seen.value);
    if types.len() > 2 {
        return causes.push(Cause::invalid(seen.at, seen.value, "may not specify more than two policyTypes"));
    }
    for (index, one) in types.iter().enumerate() {
        if !matches!(text(one), "Ingress" | "Egress") {
            causes.push(Cause::unsupported(format!("{}[{index}]", seen.at), one, &["Ingress", "Egress"]));
        }
    }
}

/// The first port, which need not be there, and the last one. Of one that has a name the last is looked at first.
pub(super) fn ports_from_to(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let mut first = Vec::new();
    if !seen.value["port"].is_null() {
        look(&[("port", PortOrName)], seen, &mut first);
    }
    let mut last = Vec::new();
    end_port(seen, &mut last);
    let (one, other) = if seen.value["port"].is_string() { (last, first) } else { (first, last) };
    causes.extend(one.into_iter().chain(other));
}

fn end_port(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (port, end) = (&seen.value["port"], &seen.value["endPort"]);
    let Some(last) = end.as_i64() else { return };
    let detail = match port.as_i64() {
        None if port.is_null() => "may not be specified when `port` is not specified",
        None => "may not be specified when `port` is non-numeric",
        // The server shows the other one of the two.
        Some(first) if last < first => {
            return causes.push(Cause::invalid(seen.below("endPort"), port, "must be greater than or equal to `port`"));
        }
        Some(_) => return super::check::port(end, &seen.below("endPort"), causes),
    };
    causes.push(Cause::invalid(seen.below("endPort"), end, detail));
}

pub(super) fn peer(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let given = |field: &str| usize::from(!seen.value[field].is_null());
    match (given("podSelector") + given("namespaceSelector"), given("ipBlock")) {
        (0, 0) => causes.push(Cause::required(seen.at, "must specify a peer")),
        (others, 1) if others > 0 => causes.push(Cause::forbidden(seen.at, "may not specify both ipBlock and another peer")),
        _ => {}
    }
}

/// What is taken out of a network lies in it.
pub(super) fn exceptions(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let Some((network, length)) = format::parse_network(text(&seen.value["cidr"])) else { return };
    for (index, one) in seen.items("except").iter().enumerate() {
        let at = seen.below(&format!("except[{index}]"));
        match format::parse_network(text(one)) {
            Some((inner, prefix)) if prefix <= length || masked(inner, length) != masked(network, length) => {
                causes.push(Cause::invalid(at, one, "must be a strict subset of `cidr`"));
            }
            Some(_) => {}
            None => causes.extend(Cause::of_format(&at, text(one), format::network(text(one)))),
        }
    }
}

/// The first bits of an address; of the two families no two are equal.
fn masked(address: std::net::IpAddr, length: u8) -> (bool, u128) {
    let (bits, all) = match address {
        std::net::IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        std::net::IpAddr::V6(address) => (u128::from(address), 128),
    };
    (address.is_ipv4(), bits.checked_shr(u32::from(all - length.min(all))).unwrap_or(0))
}

/// A budget has one bound.
pub(super) fn one_bound(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if !seen.value["minAvailable"].is_null() && !seen.value["maxUnavailable"].is_null() {
        let shown = shown::internal(seen.value, "policy.PodDisruptionBudgetSpec");
        causes.push(Cause::shown(seen.at, &shown, "minAvailable and maxUnavailable cannot be both set"));
    }
}
