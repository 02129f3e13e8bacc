//! What the server warns of in Pods, as such and as templates.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::check::{items, text};
use super::{format, warn};

const NULL_SELECTOR: &str = "a null labelSelector results in matching no pod";

/// Labels of nodes that have other names today.
const OLD_LABELS: [(&str, &str); 8] = [
    ("beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"),
    ("beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"),
    ("failure-domain.beta.kubernetes.io/region", "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead"),
    ("failure-domain.beta.kubernetes.io/zone", "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"),
    ("beta.kubernetes.io/instance-type", "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"),
    ("app.kubernetes.io/created-by", "deprecated since v1.9"),
    ("scheduler.alpha.kubernetes.io/preferAvoidPods", "deprecated since v1.22; use Taints and Tolerations instead"),
    ("node-role.kubernetes.io/master", "use \"node-role.kubernetes.io/control-plane\" instead"),
];
const OLD_ANNOTATIONS: [(&str, &str); 3] = [
    ("scheduler.alpha.kubernetes.io/critical-pod", "non-functional in v1.16+; use the \"priorityClassName\" field instead"),
    ("security.alpha.kubernetes.io/sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
    ("security.alpha.kubernetes.io/unsafe-sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
];
/// Sources of volumes that are no more: the field, the name it is told by, and since when.
const OLD_VOLUMES: [(&str, &str, &str); 9] = [
    ("photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("gitRepo", "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
];

fn old_label(key: &str) -> Option<&'static str> {
    OLD_LABELS.iter().find(|(label, _)| *label == key).map(|(_, told)| *told)
}

/// The warnings of a Pod or a template, whose fields begin with `at`.
pub(super) fn look(pod: &Value, at: &str, out: &mut Vec<String>) {
    let (spec, annotations) = (&pod["spec"], &pod["metadata"]["annotations"]);
    for (key, told) in spec["nodeSelector"].as_object().into_iter().flatten().filter_map(|(key, _)| Some((key, old_label(key)?))) {
        out.push(format!("{at}spec.nodeSelector[{key}]: {told}"));
    }
    nodes(&spec["affinity"]["nodeAffinity"], &format!("{at}spec.affinity.nodeAffinity"), out);
    for (index, one) in items(&spec["topologySpreadConstraints"]).iter().enumerate() {
        let (at, key) = (format!("{at}spec.topologySpreadConstraints[{index}]"), text(&one["topologyKey"]));
        if let Some(told) = old_label(key) {
            out.push(format!("{at}.topologyKey: {key} is {told}"));
        }
        if one["labelSelector"].is_null() {
            out.push(format!("{at}.labelSelector: {NULL_SELECTOR}"));
        }
    }
    for (key, told) in OLD_ANNOTATIONS.iter().filter(|(key, _)| !annotations[*key].is_null()) {
        out.push(format!("{at}metadata.annotations[{key}]: {told}"));
    }
    volumes(&spec["volumes"], &format!("{at}spec.volumes"), out);
    twice(&spec["hostAliases"], "ip", &format!("{at}spec.hostAliases"), out);
    twice(&spec["imagePullSecrets"], "name", &format!("{at}spec.imagePullSecrets"), out);
    for (index, _) in items(&spec["imagePullSecrets"]).iter().enumerate().filter(|(_, secret)| text(&secret["name"]).is_empty()) {
        out.push(format!("{at}spec.imagePullSecrets[{index}].name: invalid empty name \"\""));
    }
    warn::fraction(&spec["overhead"], &["memory", "ephemeral-storage"], &format!("{at}spec.overhead"), out);
    let containers: Vec<(String, &Value)> = ["initContainers", "containers", "ephemeralContainers"]
        .into_iter()
        .flat_map(|list| items(&spec[list]).iter().enumerate().map(move |(index, one)| (format!("{at}spec.{list}[{index}]"), one)))
        .collect();
    for (at, container) in &containers {
        for name in ["memory", "ephemeral-storage"] {
            for part in ["limits", "requests"] {
                warn::fraction(&container["resources"][part], &[name], &format!("{at}.resources.{part}"), out);
            }
        }
        variables(&container["env"], &format!("{at}.env"), out);
    }
    ports(&containers, out);
    if spec["terminationGracePeriodSeconds"].as_i64().is_some_and(|seconds| seconds < 0) {
        let told = "must be >= 0; negative values are invalid and will be treated as 1";
        out.push(format!("{at}spec.terminationGracePeriodSeconds: {told}"));
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        for (list, inner) in [("required", ""), ("preferred", "podAffinityTerm")] {
            let list = format!("{list}DuringSchedulingIgnoredDuringExecution");
            for (index, term) in items(&spec["affinity"][kind][&list]).iter().enumerate() {
                let (term, inner) = if inner.is_empty() { (term, "") } else { (&term[inner], ".podAffinityTerm") };
                if term["labelSelector"].is_null() {
                    out.push(format!("{at}spec.affinity.{kind}.{list}[{index}]{inner}.labelSelector: {NULL_SELECTOR}"));
                }
            }
        }
    }
}

/// The expressions over nodes, of which wishes may hold values that no label can have.
fn nodes(affinity: &Value, at: &str, out: &mut Vec<String>) {
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    let preferred = "preferredDuringSchedulingIgnoredDuringExecution";
    let terms = items(&affinity[required]["nodeSelectorTerms"]).iter().enumerate();
    let terms = terms.map(|(index, term)| (format!("{at}.{required}.nodeSelectorTerms[{index}]"), term, false));
    let wishes = items(&affinity[preferred]).iter().enumerate();
    let wishes = wishes.map(|(index, wish)| (format!("{at}.{preferred}[{index}].preference"), &wish["preference"], true));
    for (at, term, wished) in terms.chain(wishes) {
        for (index, expression) in items(&term["matchExpressions"]).iter().enumerate() {
            let (key, at) = (text(&expression["key"]), format!("{at}.matchExpressions[{index}]"));
            if let Some(told) = old_label(key) {
                out.push(format!("{at}.key: {key} is {told}"));
            }
            for (index, value) in items(&expression["values"]).iter().map(text).enumerate().filter(|_| wished) {
                out.extend(format::label_value(value).iter().map(|told| format!("{at}.values[{index}]: {value} is invalid, {told}")));
            }
        }
    }
}

fn twice(list: &Value, field: &str, at: &str, out: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for (index, one) in items(list).iter().enumerate() {
        if !seen.insert(text(&one[field])) {
            out.push(format!("{at}[{index}].{field}: duplicate {field} {:?}", text(&one[field])));
        }
    }
}

fn volumes(list: &Value, at: &str, out: &mut Vec<String>) {
    for (index, volume) in items(list).iter().enumerate() {
        for (_, name, told) in OLD_VOLUMES.iter().filter(|(field, ..)| !volume[*field].is_null()) {
            out.push(format!("{at}[{index}].{name}: {told}"));
        }
        let template = &volume["ephemeral"]["volumeClaimTemplate"]["spec"];
        warn::claim(template, &format!("{at}[{index}].ephemeral.volumeClaimTemplate.spec"), out);
    }
    for volume in items(list) {
        for (field, kind, name) in
            [("configMap", "ConfigMap ", "name"), ("secret", "Secret ", "secretName"), ("downwardAPI", "DownwardAPI", "")]
        {
            let source = &volume[field];
            let kind = if name.is_empty() { kind.to_owned() } else { format!("{kind}{:?}", text(&source[name])) };
            let paths = items(&source["items"]).iter().map(|item| (text(&item["path"]), String::new()));
            overlaps(text(&volume["name"]), &kind, paths, out);
        }
        let mut paths = Vec::new();
        for source in items(&volume["projected"]["sources"]) {
            if source.as_object().is_none_or(serde_json::Map::is_empty) {
                out.push(format!("volume {} (Projected) has no sources provided", volume["name"]));
            }
            for (field, kind) in [("configMap", "ConfigMap "), ("secret", "Secret "), ("downwardAPI", "DownwardAPI")] {
                let kind = if field == "downwardAPI" { kind.to_owned() } else { format!("{kind}{:?}", text(&source[field]["name"])) };
                paths.extend(items(&source[field]["items"]).iter().map(|item| (text(&item["path"]), kind.clone())));
            }
            if !source["serviceAccountToken"].is_null() {
                paths.push((text(&source["serviceAccountToken"]["path"]), "ServiceAccountToken".to_owned()));
            }
        }
        overlaps(text(&volume["name"]), "Projected", paths.into_iter(), out);
    }
}

/// Paths in a volume that are others, or lie below them.
fn overlaps<'v>(volume: &str, kind: &str, paths: impl Iterator<Item = (&'v str, String)>, out: &mut Vec<String>) {
    let shown = |(path, source): &(&str, String)| if source.is_empty() { format!("{path:?}") } else { format!("{path:?} ({source})") };
    let within = |one: &str, other: &str| format!("{one}/").starts_with(&format!("{other}/"));
    let mut before: Vec<(&str, String)> = Vec::new();
    for (path, source) in paths {
        let now = (path.trim_end_matches('/'), source);
        let others = before.iter().filter(|other| !now.0.is_empty() && !other.0.is_empty());
        for other in others.filter(|other| within(other.0, now.0) || within(now.0, other.0)) {
            out.push(format!("volume {volume:?} ({kind}): overlapping paths: {} with {}", shown(&now), shown(other)));
        }
        before.push(now);
    }
}

/// A variable that stands twice; one that is made of the first is none.
fn variables(list: &Value, at: &str, out: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for (index, variable) in items(list).iter().enumerate() {
        let (name, value) = (text(&variable["name"]), text(&variable["value"]));
        let own = format!("$({name})");
        let built = variable["valueFrom"].is_null() && value != own && value.contains(&own);
        if !seen.insert(name) && !built {
            out.push(format!("{at}[{index}]: hides previous definition of {name:?}, which may be dropped when using apply"));
        }
    }
}

/// Ports that stand more than once, in all containers of a Pod.
fn ports(containers: &[(String, &Value)], out: &mut Vec<String>) {
    let all: Vec<(String, &Value)> = containers
        .iter()
        .flat_map(|(at, container)| {
            items(&container["ports"]).iter().enumerate().map(move |(index, port)| (format!("{at}.ports[{index}]"), port))
        })
        .collect();
    let host = |port: &Value| port["hostPort"].as_i64().unwrap_or(0);
    for (index, (at, port)) in all.iter().enumerate() {
        let ip = text(&port["hostIP"]);
        if !ip.is_empty() && host(port) == 0 {
            let (name, number, protocol) = (text(&port["name"]), &port["containerPort"], text(&port["protocol"]));
            let shown = format!("{{Name:{name} HostPort:0 ContainerPort:{number} Protocol:{protocol} HostIP:{ip}}}");
            out.push(format!("{at}: hostIP set without hostPort: {shown}"));
        }
        let same = |other: &Value| ["containerPort", "protocol"].iter().all(|field| other[*field] == port[*field]);
        for (first, other) in all[..index].iter().filter(|(_, other)| same(other)) {
            let told = if text(&other["hostIP"]) == ip && host(other) == host(port) {
                "duplicate"
            } else if host(other) == 0 || host(port) == 0 {
                "overlapping"
            } else if host(other) == host(port) && ip.is_empty() != text(&other["hostIP"]).is_empty() {
                "dangerously ambiguous"
            } else {
                continue;
            };
            out.push(format!("{at}: {told} port definition with {first}"));
        }
    }
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    for (at, port) in all.iter().filter(|(_, port)| !text(&port["name"]).is_empty()) {
        let name = text(&port["name"]);
        match names.get(name) {
            Some(first) => out.push(format!(
                "{at}: duplicate port name {name:?} with {first}, services and probes that select ports by name will use {first}"
            )),
            None => drop(names.insert(name, at)),
        }
    }
}
