//! A Service's addresses and ports of the node: which it keeps, which it loses with its kind, and which it is given.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::{Map, Value, json};

use super::Core;
use crate::cause::Cause;
use crate::store::Name;
use crate::uses::{Use, all_node_ports, node_ports};

/// The addresses that Services get: 10.96.0.0/16, the first ones kept for the cluster's own.
const NETWORK: [u8; 2] = [10, 96];
const NODE_PORTS: std::ops::RangeInclusive<i64> = 30000..=32767;

fn kind(spec: &Value) -> &str {
    spec["type"].as_str().unwrap_or("ClusterIP")
}

fn has_address(spec: &Value) -> bool {
    kind(spec) != "ExternalName"
}

fn has_node_ports(spec: &Value) -> bool {
    kind(spec) == "NodePort" || kind(spec) == "LoadBalancer" && spec["allocateLoadBalancerNodePorts"] != false
}

fn has_health_port(spec: &Value) -> bool {
    kind(spec) == "LoadBalancer" && spec["externalTrafficPolicy"] == "Local"
}

fn has_traffic_policy(spec: &Value) -> bool {
    matches!(kind(spec), "NodePort" | "LoadBalancer") || spec["externalIPs"].as_array().is_some_and(|list| !list.is_empty())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Number(number) => number.as_i64() == Some(0),
        _ => false,
    }
}

/// Keeps what the Service was given before, and takes from it what it no longer has with its new kind.
pub(super) fn keep(old: Option<&Value>, new: &mut Value) {
    let nothing = json!({});
    let before = old.map_or(&nothing, |old| &old["spec"]);
    let Some(spec) = new.get_mut("spec").filter(|spec| spec.is_object()) else { return };
    if old.is_some() {
        if has_address(before) && has_address(spec) && is_empty(&spec["clusterIP"]) {
            copy(before, spec, &["clusterIP", "clusterIPs"]);
        }
        if has_address(before) && has_address(spec) && is_empty(&spec["ipFamilyPolicy"]) {
            let families = is_empty(&spec["ipFamilies"]);
            copy(before, spec, if families { &["ipFamilyPolicy", "ipFamilies"] } else { &["ipFamilyPolicy"] });
        }
        if has_node_ports(before) && has_node_ports(spec) {
            keep_node_ports(before, spec);
        }
        if has_health_port(before) && has_health_port(spec) && is_empty(&spec["healthCheckNodePort"]) {
            copy(before, spec, &["healthCheckNodePort"]);
        }
    }
    one_address_in_both(before, spec);
    if old.is_some() && kind(before) != kind(spec) {
        drop_with_kind(before, spec);
    }
    if old.is_some()
        && has_traffic_policy(before)
        && !has_traffic_policy(spec)
        && before["externalTrafficPolicy"] == spec["externalTrafficPolicy"]
    {
        remove(spec, &["externalTrafficPolicy"]);
    }
    let gone = old.is_some() && has_health_port(before) && !has_health_port(spec);
    if gone && before["healthCheckNodePort"] == spec["healthCheckNodePort"] {
        remove(spec, &["healthCheckNodePort"]);
    }
}

fn fields(spec: &mut Value) -> Option<&mut Map<String, Value>> {
    spec.as_object_mut()
}

fn copy(from: &Value, to: &mut Value, names: &[&str]) {
    for name in names.iter().filter(|name| !from[**name].is_null()) {
        to[*name] = from[*name].clone();
    }
}

fn remove(spec: &mut Value, names: &[&str]) {
    for name in names {
        fields(spec).map(|fields| fields.remove(*name));
    }
}

/// A port keeps the node's port that it had.
fn keep_node_ports(before: &Value, spec: &mut Value) {
    for port in each_port(spec).filter(|port| is_empty(&port["nodePort"])) {
        let same = |one: &&Value| one["port"] == port["port"] && one["protocol"] == port["protocol"] && !is_empty(&one["nodePort"]);
        if let Some(same) = before["ports"].as_array().into_iter().flatten().find(same) {
            port["nodePort"] = same["nodePort"].clone();
        }
    }
}

/// The one address stands in the list of them, too.
fn one_address_in_both(before: &Value, spec: &mut Value) {
    let changed = before["clusterIP"] != spec["clusterIP"];
    let same_list = before["clusterIPs"] == spec["clusterIPs"];
    if is_empty(&spec["clusterIP"]) {
        if changed && same_list && !is_empty(&before["clusterIP"]) {
            remove(spec, &["clusterIPs"]);
        }
    } else if is_empty(&spec["clusterIPs"]) || changed && same_list {
        spec["clusterIPs"] = json!([spec["clusterIP"]]);
    }
    if is_empty(&spec["clusterIP"])
        && let Some(first) = spec["clusterIPs"].get(0).cloned()
    {
        spec["clusterIP"] = first;
    }
}

fn drop_with_kind(before: &Value, spec: &mut Value) {
    let same = |spec: &Value, name: &str| before[name] == spec[name];
    if has_address(before) && !has_address(spec) {
        if same(spec, "clusterIP") && same(spec, "clusterIPs") {
            remove(spec, &["clusterIP", "clusterIPs"]);
        }
        for name in ["ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"] {
            if same(spec, name) {
                remove(spec, &[name]);
            }
        }
    }
    if has_node_ports(before) && !has_node_ports(spec) {
        let had: BTreeSet<i64> = node_ports(before).collect();
        for port in each_port(spec) {
            if port["nodePort"].as_i64().is_some_and(|number| had.contains(&number)) {
                port.as_object_mut().map(|port| port.remove("nodePort"));
            }
        }
    }
    if kind(before) == "LoadBalancer" && kind(spec) != "LoadBalancer" {
        for name in ["allocateLoadBalancerNodePorts", "loadBalancerClass"] {
            if same(spec, name) {
                remove(spec, &[name]);
            }
        }
    }
}

/// Gives a Service what it needs and does not have; says what it cannot have.
pub(super) fn allot(core: &Core, old: Option<&Value>, namespace: &str, name: &str, new: &mut Value) -> Vec<Cause> {
    let own: Name = (namespace.to_owned(), name.to_owned());
    let uses = core.store.uses("/services");
    let taken = |one: Use| uses.is_some_and(|uses| uses.others_have(&one, &own));
    let nothing = json!({});
    let before = old.map_or(&nothing, |old| &old["spec"]);
    let Some(spec) = new.get_mut("spec").filter(|spec| spec.is_object()) else { return Vec::new() };
    let mut causes = Vec::new();
    if has_address(spec) {
        causes.extend(families(spec));
        address(before, spec, |address| taken(Use::Address(address)), &mut causes);
    }
    ports(before, spec, |port| taken(Use::NodePort(port)), &mut causes);
    causes
}

/// The families of addresses: the cluster has one; what has no addresses at all may have both.
fn families(spec: &mut Value) -> Option<Cause> {
    let free = spec["clusterIP"] == "None" && spec["selector"].as_object().is_none_or(Map::is_empty);
    if !free && spec["ipFamilyPolicy"] == "RequireDualStack" {
        let detail = "this cluster is not configured for dual-stack services";
        return Some(Cause::invalid("spec.ipFamilyPolicy", &spec["ipFamilyPolicy"], detail));
    }
    let foreign = spec["ipFamilies"].as_array().into_iter().flatten().position(|family| family != "IPv4");
    if let Some(index) = foreign.filter(|_| !free) {
        return Some(Cause::invalid(format!("spec.ipFamilies[{index}]"), &spec["ipFamilies"][index], "not configured on this cluster"));
    }
    if is_empty(&spec["ipFamilyPolicy"]) {
        spec["ipFamilyPolicy"] = json!(if free { "RequireDualStack" } else { "SingleStack" });
    }
    if is_empty(&spec["ipFamilies"]) {
        spec["ipFamilies"] = if free && spec["ipFamilyPolicy"] != "SingleStack" { json!(["IPv4", "IPv6"]) } else { json!(["IPv4"]) };
    }
    None
}

fn address(before: &Value, spec: &mut Value, taken: impl Fn(Ipv4Addr) -> bool, causes: &mut Vec<Cause>) {
    let given = spec["clusterIP"].as_str().unwrap_or_default().to_owned();
    if given.is_empty() {
        let Some(free) = free(taken) else { return };
        spec["clusterIPs"] = json!([free]);
        spec["clusterIP"] = json!(free);
    } else if given != "None" && before["clusterIP"] != spec["clusterIP"] {
        let address = given.parse().ok().filter(|address: &Ipv4Addr| address.octets().starts_with(&NETWORK));
        let why = match address {
            None => "the provided network does not match the current range",
            Some(address) if taken(address) => "provided IP is already allocated",
            Some(_) => return,
        };
        causes.push(Cause::invalid("spec.clusterIPs", &spec["clusterIPs"], &format!("failed to allocate IP {given}: {why}")));
    }
}

fn free(taken: impl Fn(Ipv4Addr) -> bool) -> Option<Ipv4Addr> {
    let mut all = (0..=255).flat_map(|third| (1..=254).map(move |fourth| Ipv4Addr::from([NETWORK[0], NETWORK[1], third, fourth]))).skip(9);
    all.find(|address| !taken(*address))
}

/// A server keeps each address in the name of its Service, and does so before anybody asks whether there is a name.
pub(super) fn nameless(core: &Core, new: &Value) -> Option<Cause> {
    let spec = &new["spec"];
    let given = spec["clusterIP"].as_str().unwrap_or_default();
    if !has_address(spec) || given == "None" {
        return None;
    }
    let uses = core.store.uses("/services");
    let nobody = (String::new(), String::new());
    let free = free(|address| uses.is_some_and(|uses| uses.others_have(&Use::Address(address), &nobody)))?.to_string();
    let (begin, address) = if given.is_empty() { (String::new(), free.as_str()) } else { (format!(" {given}"), given) };
    let why = format!("IPAddress.networking.k8s.io \"{address}\" is invalid: spec.parentRef.name: Required value");
    Some(Cause::invalid("spec.clusterIPs", &json!([given]), &format!("failed to allocate IP{begin}: {why}")))
}

fn ports(before: &Value, spec: &mut Value, taken: impl Fn(i64) -> bool, causes: &mut Vec<Cause>) {
    let wanted = has_node_ports(spec);
    let health = has_health_port(spec);
    let had: BTreeSet<i64> = all_node_ports(before).collect();
    // What it asks for and is given itself.
    let mut own = BTreeSet::new();
    // What is asked for comes first; then the others get what is left.
    for (index, port) in spec["ports"].as_array().into_iter().flatten().enumerate().filter(|_| wanted) {
        let Some(number) = port["nodePort"].as_i64().filter(|number| *number != 0) else { continue };
        let detail = if !NODE_PORTS.contains(&number) {
            "provided port is not in the valid range. The range of valid ports is 30000-32767"
        } else if (!own.insert(number) || taken(number)) && !had.contains(&number) {
            "provided port is already allocated"
        } else {
            continue;
        };
        causes.push(Cause::invalid(format!("spec.ports[{index}].nodePort"), &port["nodePort"], detail));
    }
    let mut next = || {
        let free = NODE_PORTS.into_iter().find(|number| !own.contains(number) && !taken(*number));
        own.extend(free);
        free.map(Value::from)
    };
    for port in each_port(spec).filter(|port| wanted && is_empty(&port["nodePort"])) {
        if let Some(free) = next() {
            port["nodePort"] = free;
        }
    }
    if health
        && is_empty(&spec["healthCheckNodePort"])
        && let Some(free) = next()
    {
        spec["healthCheckNodePort"] = free;
    }
}

fn each_port(spec: &mut Value) -> impl Iterator<Item = &mut Value> {
    spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten()
}
