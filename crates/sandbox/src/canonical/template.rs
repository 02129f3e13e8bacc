//! What the server refuses in a Pod, as such and as the template of a workload: the table of its fields.

use serde_json::{Value, json};

use super::check::Check::{
    Between, Choice, Each, Inside, Keys, Labels, NotNegative, Of, OneOf, Port, PortOrName, Required, Selector, With, Within,
};
use super::check::{Rules, Seen, items, look, text, unique};
use super::container::{env, env_from, mounts, ports, probe, resize, resources};
use super::{format, meta};
use crate::cause::Cause;

/// The numbers that a user or a group may have.
const ID: i64 = 2_147_483_647;
const MODE: &str = "must be a number between 0 and 0777 (octal), both inclusive";
const PULLED: &[&str] = &["Always", "IfNotPresent", "Never"];
const HOST_PATHS: &[&str] = &["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];

/// In the server's own order: of the errors of one object, this is how they stand.
const POD: Rules = &[
    ("volumes", Each(VOLUME)),
    ("", With(|seen, causes| unique(seen.items("volumes"), "name", &seen.below("volumes"), causes))),
    ("containers", Required("")),
    ("containers", Each(CONTAINER)),
    ("", With(names)),
    ("initContainers", Each(CONTAINER)),
    ("", With(first_containers)),
    ("", With(host_ports)),
    ("restartPolicy", OneOf(&["Always", "OnFailure", "Never"])),
    ("dnsPolicy", OneOf(&["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"])),
    ("nodeSelector", Labels),
    (
        "securityContext",
        Inside(&[
            ("fsGroup", Between(0, ID)),
            ("runAsUser", Between(0, ID)),
            ("runAsGroup", Between(0, ID)),
            ("fsGroupChangePolicy", OneOf(&["Always", "OnRootMismatch"])),
            ("seccompProfile", Inside(SECCOMP)),
            ("supplementalGroupsPolicy", OneOf(&["Merge", "Strict"])),
            ("seLinuxChangePolicy", OneOf(&["Recursive"])),
        ]),
    ),
    ("", With(host_users)),
    ("affinity.nodeAffinity", Inside(NODE_AFFINITY)),
    ("affinity.podAffinity", Inside(POD_AFFINITY)),
    ("affinity.podAntiAffinity", Inside(POD_AFFINITY)),
    ("", With(dns)),
    ("topologySpreadConstraints", With(spread)),
    ("serviceAccountName", Of(format::subdomain)),
    ("nodeName", Of(format::subdomain)),
    ("activeDeadlineSeconds", Between(1, ID)),
    ("hostname", Of(format::label)),
    ("subdomain", Of(format::label)),
    ("tolerations", Each(&[("", With(toleration))])),
    ("hostAliases", Each(&[("ip", Of(format::address)), ("hostnames", Of(format::subdomain))])),
    ("priorityClassName", Of(format::subdomain)),
];

const VOLUME: Rules = &[("", With(one_source)), ("name", Required("")), ("name", Of(format::label))];
const EMPTY_DIR: Rules = &[("sizeLimit", With(size))];
const SECRET: Rules = &[("secretName", Required("")), ("defaultMode", Within(0, 0o777, MODE)), ("items", Each(ITEM))];
const NFS: Rules = &[("server", Required("")), ("path", Required("")), ("path", With(absolute))];
const CONFIG_MAP: Rules = &[("name", Required("")), ("defaultMode", Within(0, 0o777, MODE)), ("items", Each(ITEM))];
pub(super) const HOST_PATH: Rules = &[("path", Required("")), ("path", Of(format::no_climbing)), ("type", OneOf(HOST_PATHS))];
const ITEM: Rules = &[("key", Required("")), ("path", Required("")), ("path", Of(format::below)), ("mode", Within(0, 0o777, MODE))];
const SECCOMP: Rules = &[("type", Choice(&["Localhost", "RuntimeDefault", "Unconfined"])), ("", With(localhost))];

const CONTAINER: Rules = &[
    ("name", Required("")),
    ("name", Of(format::label)),
    ("image", Required("")),
    ("terminationMessagePolicy", OneOf(&["File", "FallbackToLogsOnError"])),
    ("ports", With(ports)),
    ("env", With(env)),
    ("envFrom", With(env_from)),
    ("volumeMounts", With(mounts)),
    ("imagePullPolicy", OneOf(PULLED)),
    ("resources", Inside(&[("", With(resources))])),
    ("resizePolicy", With(resize)),
    (
        "securityContext",
        Inside(&[
            ("runAsUser", Between(0, ID)),
            ("runAsGroup", Between(0, ID)),
            ("procMount", OneOf(&["Default", "Unmasked"])),
            ("", With(escalation)),
            ("seccompProfile", Inside(SECCOMP)),
        ]),
    ),
    ("lifecycle.postStart", Inside(&[("", With(hook))])),
    ("lifecycle.preStop", Inside(&[("", With(hook))])),
    ("livenessProbe", Inside(ONCE)),
    ("readinessProbe", Inside(PROBE)),
    ("startupProbe", Inside(ONCE)),
];
const PROBE: Rules = &[
    ("", With(probe)),
    ("initialDelaySeconds", NotNegative),
    ("timeoutSeconds", NotNegative),
    ("periodSeconds", NotNegative),
    ("successThreshold", NotNegative),
    ("failureThreshold", NotNegative),
];
/// A probe that need not succeed more than once.
const ONCE: Rules = &[("", With(|seen, causes| look(PROBE, seen, causes))), ("successThreshold", Within(1, 1, "must be 1"))];
/// What a probe or a hook does.
pub(super) const HANDLER: Rules = &[
    ("exec", Inside(&[("command", Required(""))])),
    ("httpGet", Inside(&[("path", Required("")), ("port", PortOrName), ("scheme", OneOf(&["HTTP", "HTTPS"]))])),
    ("tcpSocket", Inside(&[("port", PortOrName)])),
    ("grpc", Inside(&[("port", Port)])),
];

const WEIGHT: &str = "must be in the range 1-100";
const NODE_AFFINITY: Rules = &[
    (
        "requiredDuringSchedulingIgnoredDuringExecution",
        Inside(&[("nodeSelectorTerms", Required("must have at least one node selector term")), ("nodeSelectorTerms", Each(NODE_TERM))]),
    ),
    ("preferredDuringSchedulingIgnoredDuringExecution", Each(&[("weight", Within(1, 100, WEIGHT)), ("preference", Inside(NODE_TERM))])),
];
const NODE_TERM: Rules = &[("matchExpressions", Each(&[("", With(node_expression))]))];
const POD_AFFINITY: Rules = &[
    ("requiredDuringSchedulingIgnoredDuringExecution", Each(POD_TERM)),
    ("preferredDuringSchedulingIgnoredDuringExecution", Each(&[("weight", Within(1, 100, WEIGHT)), ("podAffinityTerm", Inside(POD_TERM))])),
];
const POD_TERM: Rules = &[
    ("labelSelector", Selector),
    ("namespaceSelector", Selector),
    ("namespaces", Of(format::label)),
    ("topologyKey", Required("can not be empty")),
    ("topologyKey", With(|seen, causes| causes.extend(Cause::of_format(seen.at, text(seen.value), format::qualified(text(seen.value)))))),
];
const SPREAD: Rules = &[
    ("maxSkew", Within(1, i64::MAX, "must be greater than zero")),
    ("topologyKey", Required("can not be empty")),
    ("topologyKey", Of(format::qualified)),
    ("whenUnsatisfiable", Choice(&["DoNotSchedule", "ScheduleAnyway"])),
    ("labelSelector", Selector),
];

/// All that is wrong with a Pod's spec, which stands at `at`.
pub(super) fn spec(spec: &Value, at: &str, causes: &mut Vec<Cause>) {
    look(POD, &Seen { value: spec, old: None, root: spec, at }, causes);
}

/// All that is wrong with a template.
pub(super) fn template(template: &Value, at: &str, causes: &mut Vec<Cause>) {
    meta::labels(&template["metadata"]["labels"], &format!("{at}.labels"), causes);
    meta::annotations(&template["metadata"]["annotations"], &format!("{at}.annotations"), causes);
    spec(&template["spec"], &format!("{at}.spec"), causes);
}

/// Where a volume's content comes from, in the order in which the server looks.
const SOURCES: [(&str, Rules); 29] = [
    ("emptyDir", EMPTY_DIR),
    ("hostPath", HOST_PATH),
    ("gitRepo", &[]),
    ("gcePersistentDisk", &[]),
    ("awsElasticBlockStore", &[]),
    ("secret", SECRET),
    ("nfs", NFS),
    ("iscsi", &[]),
    ("glusterfs", &[]),
    ("persistentVolumeClaim", &[("claimName", Required(""))]),
    ("rbd", &[("monitors", Required("")), ("image", Required(""))]),
    ("cinder", &[]),
    ("cephfs", &[]),
    ("flocker", &[]),
    ("downwardAPI", &[]),
    ("fc", &[]),
    ("flexVolume", &[]),
    ("configMap", CONFIG_MAP),
    ("azureFile", &[]),
    ("vsphereVolume", &[]),
    ("photonPersistentDisk", &[]),
    ("portworxVolume", &[]),
    ("azureDisk", &[]),
    ("storageos", &[]),
    ("projected", &[("defaultMode", Within(0, 0o777, MODE))]),
    ("scaleIO", &[]),
    ("csi", &[]),
    ("ephemeral", &[]),
    ("image", &[]),
];

/// Only the first source is looked into; the others are one too many.
fn one_source(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let given = SOURCES.iter().filter(|(name, _)| !seen.value[*name].is_null());
    for (index, (name, rules)) in given.enumerate() {
        let at = seen.below(name);
        if index == 0 {
            look(rules, &Seen { value: &seen.value[*name], old: None, at: &at, ..*seen }, causes);
        } else {
            causes.push(Cause::forbidden(at, "may not specify more than 1 volume type"));
        }
    }
}

/// No two containers have one name.
fn names(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    unique(seen.items("containers"), "name", &seen.below("containers"), causes);
}

fn first_containers(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (first, others) = (seen.items("initContainers"), seen.items("containers"));
    for (index, container) in first.iter().enumerate() {
        let at = seen.below(&format!("initContainers[{index}]"));
        let name = &container["name"];
        if !text(name).is_empty() && first[..index].iter().chain(others).any(|other| &other["name"] == name) {
            causes.push(Cause::duplicate(format!("{at}.name"), name));
        }
        for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
            if container["restartPolicy"] != "Always" && !container[field].is_null() {
                causes.push(Cause::forbidden(format!("{at}.{field}"), "may not be set for init containers without restartPolicy=Always"));
            }
        }
    }
}

/// A port of the host can be given away only once; with the host's network it is the container's own.
fn host_ports(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let mut given = Vec::new();
    for (index, container) in seen.items("containers").iter().enumerate() {
        for (place, port) in items(&container["ports"]).iter().enumerate() {
            let at = seen.below(&format!("containers[{index}].ports[{place}].hostPort"));
            if port["hostPort"].as_i64().is_none_or(|number| number == 0) {
                continue;
            }
            let key = format!("{}/{}/{}", text(&port["protocol"]), text(&port["hostIP"]), port["hostPort"]);
            if given.contains(&key) {
                causes.push(Cause::duplicate(&at, &json!(key)));
            }
            given.push(key);
            if seen.value["hostNetwork"] == true && port["hostPort"] != port["containerPort"] {
                causes.push(Cause::invalid(&at, &port["hostPort"], "must match `containerPort` when `hostNetwork` is true"));
            }
        }
    }
}

/// Who has users of its own shares nothing with the host.
fn host_users(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let own = seen.value["hostUsers"] == false;
    for (field, told) in [("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")] {
        if own && seen.value[field] == true {
            causes.push(Cause::forbidden(seen.below(told), "when `hostUsers` is false"));
        }
    }
}

fn absolute(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if !text(seen.value).starts_with('/') {
        causes.push(Cause::invalid(seen.at, &json!(text(seen.value)), "must be an absolute path"));
    }
}

fn size(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if super::quantity::amount(text(seen.value)).is_some_and(|amount| amount < 0) {
        causes.push(Cause::forbidden(seen.at, "SizeLimit field must be a valid resource quantity"));
    }
}

fn localhost(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (local, file) = (seen.value["type"] == "Localhost", !seen.value["localhostProfile"].is_null());
    if local && !file {
        causes.push(Cause::required(seen.below("localhostProfile"), "must be set when seccomp type is Localhost"));
    } else if file && !local {
        causes.push(Cause::invalid(
            seen.below("localhostProfile"),
            &seen.value["localhostProfile"],
            "can only be set when seccomp type is Localhost",
        ));
    }
}

fn escalation(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if seen.value["allowPrivilegeEscalation"] != false {
        return;
    }
    let capability = items(&seen.value["capabilities"]["add"]).iter().any(|one| one == "CAP_SYS_ADMIN");
    for (given, what) in [(seen.value["privileged"] == true, "`privileged` to true"), (capability, "`capabilities.Add` CAP_SYS_ADMIN")] {
        if given {
            let shown = super::shown::internal(seen.value, "core.SecurityContext");
            causes.push(Cause::shown(seen.at, &shown, &format!("cannot set `allowPrivilegeEscalation` to false and {what}")));
        }
    }
}

fn hook(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    probe(seen, causes);
    let limit = seen.root["terminationGracePeriodSeconds"].as_i64().unwrap_or(30);
    let seconds = &seen.value["sleep"]["seconds"];
    if seconds.as_i64().is_some_and(|seconds| !(0..=limit).contains(&seconds)) {
        let words = format!("must be non-negative and less than terminationGracePeriodSeconds ({limit})");
        causes.push(Cause::invalid(seen.below("sleep"), seconds, &words));
    }
}

fn dns(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (own, config) = (seen.value["dnsPolicy"] == "None", &seen.value["dnsConfig"]);
    let at = seen.below("dnsConfig");
    if own && config.is_null() {
        causes.push(Cause::required(at, "must provide `dnsConfig` when `dnsPolicy` is None"));
    } else if own && items(&config["nameservers"]).is_empty() {
        causes.push(Cause::required(format!("{at}.nameservers"), "must provide at least one DNS nameserver when `dnsPolicy` is None"));
    }
}

fn node_expression(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if matches!(text(&seen.value["operator"]), "Gt" | "Lt") {
        if seen.items("values").len() != 1 {
            causes.push(Cause::required(seen.below("values"), "must be specified single value when `operator` is 'Lt' or 'Gt'"));
        }
        return;
    }
    meta::expression(seen.value, seen.at, causes);
}

fn spread(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let all = items(seen.value);
    for (index, one) in all.iter().enumerate() {
        let at = format!("{}[{index}]", seen.at);
        look(SPREAD, &Seen { value: one, at: &at, ..*seen }, causes);
        let pair = |one: &Value| format!("{{{}, {}}}", text(&one["topologyKey"]), text(&one["whenUnsatisfiable"]));
        if all[index + 1..].iter().any(|other| pair(other) == pair(one)) {
            causes.push(Cause::duplicate(format!("{at}.{{topologyKey, whenUnsatisfiable}}"), &json!(pair(one))));
        }
    }
}

fn toleration(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let field = |name: &str| &seen.value[name];
    let (key, operator, effect) = (text(field("key")), text(field("operator")), text(field("effect")));
    if !key.is_empty() {
        causes.extend(Cause::of_format(seen.below("key"), key, format::qualified(key)));
    } else if operator != "Exists" {
        let words = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        causes.push(Cause::invalid(seen.below("operator"), &json!(operator), words));
    }
    if !field("tolerationSeconds").is_null() && effect != "NoExecute" {
        causes.push(Cause::invalid(seen.below("effect"), &json!(effect), "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    }
    let value = text(field("value"));
    match operator {
        "" | "Equal" => causes.extend(Cause::of_format(seen.below("operator"), value, format::label_value(value))),
        "Exists" if !value.is_empty() => {
            causes.push(Cause::invalid(seen.below("operator"), &json!(value), "value must be empty when `operator` is 'Exists'"));
        }
        "Exists" => {}
        _ => causes.push(Cause::unsupported(seen.below("operator"), field("operator"), &["Equal", "Exists"])),
    }
    look(&[("effect", OneOf(&["NoSchedule", "PreferNoSchedule", "NoExecute"]))], seen, causes);
}

/// The keys that a map's values stand under, which become files.
pub(super) const DATA: Rules = &[("", Keys(format::file_name))];
