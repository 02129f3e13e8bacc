//! What the server refuses, in its words, for the kinds that people deploy. What is not listed here is accepted.

use serde_json::{Value, json};

use super::quantity;
use super::rules::{self, is_label};

/// One field that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    /// `FieldValueInvalid` and the like.
    pub(crate) reason: &'static str,
    /// What follows the field's name: `Invalid value: 80000: must be between 1 and 65535, inclusive`.
    pub(crate) message: String,
    /// `spec.ports[0].port`
    pub(crate) field: String,
}

const IMMUTABLE: &str = "field is immutable";

impl Cause {
    pub(super) fn required(field: impl Into<String>, detail: &str) -> Self {
        let message = if detail.is_empty() { "Required value".to_owned() } else { format!("Required value: {detail}") };
        Self { reason: "FieldValueRequired", message, field: field.into() }
    }

    pub(super) fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        Self { reason: "FieldValueInvalid", message: format!("Invalid value: {value}: {detail}"), field: field.into() }
    }

    pub(super) fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Self { reason: "FieldValueForbidden", message: format!("Forbidden: {detail}"), field: field.into() }
    }

    pub(super) fn unsupported(field: impl Into<String>, value: &Value, supported: &[&str]) -> Self {
        let supported: Vec<String> = supported.iter().map(|one| format!("{one:?}")).collect();
        let message = format!("Unsupported value: {value}: supported values: {}", supported.join(", "));
        Self { reason: "FieldValueNotSupported", message, field: field.into() }
    }

    /// A name that is badly made or too long.
    pub(super) fn of_name(field: &str, name: &str, well: bool, rule: &str, limit: usize) -> Option<Self> {
        if name.len() > limit {
            return Some(Self::invalid(field, &json!(name), &format!("must be no more than {limit} characters")));
        }
        (!well).then(|| Self::invalid(field, &json!(name), rule))
    }

    fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self { reason: "FieldValueDuplicate", message: format!("Duplicate value: {value}"), field: field.into() }
    }

    fn not_found(field: impl Into<String>, value: &Value) -> Self {
        Self { reason: "FieldValueNotFound", message: format!("Not found: {value}"), field: field.into() }
    }
}

/// Everything that is wrong with an object in the server's form; `old` is what an update would replace.
pub(crate) fn validate(group: &str, kind: &str, new: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = Vec::new();
    name(group, kind, new, &mut causes);
    rules::look(group, kind, new, old, &mut causes);
    match (group, kind) {
        ("apps", "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet") => workload(kind, new, old, &mut causes),
        ("batch", "Job") => job(new, old, &mut causes),
        ("batch", "CronJob") => cron_job(new, &mut causes),
        ("", "Pod") => pod(new, old, &mut causes),
        ("", "Service") => service(new, old, &mut causes),
        ("", "ConfigMap" | "Secret") => immutable_data(kind, new, old, &mut causes),
        ("", "PersistentVolumeClaim") => claim(new, old, &mut causes),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            if let Some(old) = old
                && old["roleRef"] != new["roleRef"]
            {
                causes.push(Cause::invalid("roleRef", &go_names(&new["roleRef"]), "cannot change roleRef"));
            }
        }
        _ => {}
    }
    causes
}

/// A reference as Go's own types name its fields.
fn go_names(role: &Value) -> Value {
    json!({"APIGroup": role["apiGroup"], "Kind": role["kind"], "Name": role["name"]})
}

/// How a name must look, by kind.
fn name(group: &str, kind: &str, new: &Value, causes: &mut Vec<Cause>) {
    let value = &new["metadata"]["name"];
    let Some(name) = value.as_str().filter(|name| !name.is_empty()) else {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
        return;
    };
    let free = group == "rbac.authorization.k8s.io" || kind == "CustomResourceDefinition" || kind == "APIService";
    if free {
        if matches!(name, "." | "..") || name.contains(['/', '%']) {
            causes.push(Cause::invalid("metadata.name", value, "may not contain '/'"));
        }
        return;
    }
    let cause = match (group, kind) {
        ("", "Namespace") if name.contains('.') => Some(Cause::invalid("metadata.name", value, "must not contain dots")),
        ("", "Namespace" | "Service") | ("apps", "StatefulSet") => Cause::of_name("metadata.name", name, is_label(name), LABEL, 63),
        // A Job's name is a CronJob's with the time behind it.
        ("batch", "CronJob") => Cause::of_name("metadata.name", name, name.split('.').all(is_label), SUBDOMAIN, 52),
        _ => Cause::of_name("metadata.name", name, name.split('.').all(is_label), SUBDOMAIN, 253),
    };
    causes.extend(cause);
}

pub(super) const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
pub(super) const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

fn workload(kind: &str, new: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    let spec = &new["spec"];
    if let Some(replicas) = spec["replicas"].as_i64().filter(|replicas| *replicas < 0) {
        causes.push(Cause::invalid("spec.replicas", &json!(replicas), "must be greater than or equal to 0"));
    }
    let selector = &spec["selector"];
    let immutable = |causes: &mut Vec<Cause>| {
        if old.is_some_and(|old| old["spec"]["selector"] != *selector) {
            causes.push(Cause::invalid("spec.selector", selector, IMMUTABLE));
        }
    };
    if kind == "DaemonSet" {
        immutable(causes);
    }
    if selector.is_null() && kind == "DaemonSet" {
        // It is only told that the labels do not fit.
    } else if selector.is_null() {
        causes.push(Cause::required("spec.selector", ""));
    } else if selector["matchLabels"].is_null() && selector["matchExpressions"].is_null() {
        causes.push(Cause::invalid("spec.selector", selector, &format!("empty selector is invalid for {}", words(kind))));
    }
    let labels = &spec["template"]["metadata"]["labels"];
    let selected = !selector.is_null()
        && selector["matchLabels"].as_object().is_none_or(|wanted| wanted.iter().all(|(key, value)| &labels[key] == value));
    if !selected {
        causes.push(Cause::invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`"));
    }
    pod_spec(&spec["template"]["spec"], "spec.template.spec", causes);
    strategy(kind, spec, causes);
    let policy = &spec["template"]["spec"]["restartPolicy"];
    if policy.as_str().is_some_and(|policy| policy != "Always") {
        causes.push(Cause::unsupported("spec.template.spec.restartPolicy", policy, &["Always"]));
    }
    let Some(old) = old else { return };
    if kind == "StatefulSet" {
        let fixed = |spec: &Value| {
            let mut fixed = spec.clone();
            if let Some(fields) = fixed.as_object_mut() {
                fields.retain(|name, _| !STATEFUL_MAY_CHANGE.contains(&name.as_str()));
            }
            fixed
        };
        if fixed(&old["spec"]) != fixed(spec) {
            let names = STATEFUL_MAY_CHANGE.map(|name| format!("'{name}'"));
            let (last, first) = names.split_last().map_or(("", &[][..]), |(last, first)| (last.as_str(), first));
            let detail = format!("updates to statefulset spec for fields other than {} and {last} are forbidden", first.join(", "));
            causes.push(Cause::forbidden("spec", &detail));
        }
    } else if kind != "DaemonSet" {
        immutable(causes);
    }
}

const STATEFUL_MAY_CHANGE: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

/// How a Deployment's Pods are replaced.
fn strategy(kind: &str, spec: &Value, causes: &mut Vec<Cause>) {
    if kind != "Deployment" {
        return;
    }
    let (strategy, rolling) = (&spec["strategy"], &spec["strategy"]["rollingUpdate"]);
    let none = |value: &Value| *value == json!(0) || *value == json!("0%");
    match strategy["type"].as_str() {
        Some("RollingUpdate") if none(&rolling["maxSurge"]) && none(&rolling["maxUnavailable"]) => {
            let detail = "may not be 0 when `maxSurge` is 0";
            causes.push(Cause::invalid("spec.strategy.rollingUpdate.maxUnavailable", &rolling["maxUnavailable"], detail));
        }
        Some("Recreate") if !rolling.is_null() => {
            causes.push(Cause::forbidden("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'"));
        }
        Some("RollingUpdate" | "Recreate") => {}
        _ => {
            let shown = json!({"Type": strategy["type"], "RollingUpdate": rolling});
            causes.push(Cause::unsupported("spec.strategy", &shown, &["Recreate", "RollingUpdate"]));
        }
    }
}

/// A kind's name as the server's sentences have it.
fn words(kind: &str) -> &'static str {
    match kind {
        "StatefulSet" => "statefulset",
        "DaemonSet" => "daemonset",
        // The server says this of ReplicaSets, too.
        _ => "deployment",
    }
}

fn job(new: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    let spec = &new["spec"];
    pod_spec(&spec["template"]["spec"], "spec.template.spec", causes);
    job_policy(&spec["template"]["spec"]["restartPolicy"], "spec.template.spec.restartPolicy", causes);
    let Some(old) = old else { return };
    for (field, name) in [("selector", "spec.selector"), ("template", "spec.template"), ("completionMode", "spec.completionMode")] {
        if old["spec"][field] != spec[field] {
            causes.push(Cause::invalid(name, &spec[field], IMMUTABLE));
        }
    }
    if old["spec"]["completions"] != spec["completions"] && spec["completionMode"] != "Indexed" {
        causes.push(Cause::invalid("spec.completions", &spec["completions"], IMMUTABLE));
    }
}

fn job_policy(policy: &Value, field: &str, causes: &mut Vec<Cause>) {
    match policy.as_str() {
        Some("Never" | "OnFailure") => {}
        Some("Always") => causes.push(Cause::required(field, "valid values: \"OnFailure\", \"Never\"")),
        _ => causes.push(Cause::unsupported(field, policy, &["OnFailure", "Never"])),
    }
}

fn cron_job(new: &Value, causes: &mut Vec<Cause>) {
    let spec = &new["spec"];
    if spec["schedule"].as_str().is_none_or(str::is_empty) {
        causes.push(Cause::required("spec.schedule", ""));
    }
    let pod = &spec["jobTemplate"]["spec"]["template"]["spec"];
    pod_spec(pod, "spec.jobTemplate.spec.template.spec", causes);
    job_policy(&pod["restartPolicy"], "spec.jobTemplate.spec.template.spec.restartPolicy", causes);
}

fn pod(new: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    pod_spec(&new["spec"], "spec", causes);
    let Some(old) = old else { return };
    let fixed = |pod: &Value| {
        let mut spec = pod["spec"].clone();
        for list in ["containers", "initContainers"] {
            for container in spec[list].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
                container.remove("image");
            }
        }
        if let Some(fields) = spec.as_object_mut() {
            for name in [
                "activeDeadlineSeconds",
                "terminationGracePeriodSeconds",
                "tolerations",
                "ephemeralContainers",
                "schedulingGates",
                "nodeName",
            ] {
                fields.remove(name);
            }
        }
        spec
    };
    if fixed(old) != fixed(new) {
        let detail = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
        causes.push(Cause::forbidden("spec", detail));
    }
}

fn pod_spec(spec: &Value, at: &str, causes: &mut Vec<Cause>) {
    let volumes: Vec<&Value> = spec["volumes"].as_array().into_iter().flatten().map(|volume| &volume["name"]).collect();
    unique(&volumes, |index| format!("{at}.volumes[{index}].name"), causes);
    if spec["containers"].as_array().is_none_or(Vec::is_empty) {
        causes.push(Cause::required(format!("{at}.containers"), ""));
    }
    rules::look_at_pod(spec, at, causes);
    let mut names = Vec::new();
    for list in ["initContainers", "containers"] {
        for (index, container) in spec[list].as_array().into_iter().flatten().enumerate() {
            let at = format!("{at}.{list}[{index}]");
            self::container(container, &at, &volumes, causes);
            if !container["name"].is_null() && names.contains(&&container["name"]) {
                causes.push(Cause::duplicate(format!("{at}.name"), &container["name"]));
            }
            names.push(&container["name"]);
        }
    }
}

fn container(container: &Value, at: &str, volumes: &[&Value], causes: &mut Vec<Cause>) {
    let given = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    for field in ["name", "image"] {
        if !given(&container[field]) {
            causes.push(Cause::required(format!("{at}.{field}"), ""));
        }
    }
    for (index, port) in container["ports"].as_array().into_iter().flatten().enumerate() {
        for field in ["containerPort", "hostPort"] {
            if !port[field].is_null() {
                self::port(&port[field], &format!("{at}.ports[{index}].{field}"), causes);
            }
        }
    }
    for (index, variable) in container["env"].as_array().into_iter().flatten().enumerate() {
        let at = format!("{at}.env[{index}].name");
        if !given(&variable["name"]) {
            causes.push(Cause::required(at, ""));
        } else if variable["name"].as_str().is_some_and(|name| name.contains('=')) {
            let detail = "a valid environment variable name must consist only of printable ASCII characters other than '='";
            causes.push(Cause::invalid(at, &variable["name"], detail));
        }
    }
    for (index, mount) in container["volumeMounts"].as_array().into_iter().flatten().enumerate() {
        if !volumes.contains(&&mount["name"]) {
            causes.push(Cause::not_found(format!("{at}.volumeMounts[{index}].name"), &mount["name"]));
        }
        let before = container["volumeMounts"].as_array().into_iter().flatten().take(index);
        if given(&mount["mountPath"]) && before.into_iter().any(|one| one["mountPath"] == mount["mountPath"]) {
            causes.push(Cause::invalid(format!("{at}.volumeMounts[{index}].mountPath"), &mount["mountPath"], "must be unique"));
        }
        if !given(&mount["mountPath"]) {
            causes.push(Cause::required(format!("{at}.volumeMounts[{index}].mountPath"), ""));
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let handled = ["exec", "httpGet", "tcpSocket", "grpc"].iter().any(|handler| !container[probe][handler].is_null());
        if !container[probe].is_null() && !handled {
            causes.push(Cause::required(format!("{at}.{probe}"), "must specify a handler type"));
        }
    }
    for list in ["limits", "requests"] {
        for (name, amount) in container["resources"][list].as_object().into_iter().flatten() {
            if amount.as_str().and_then(quantity::is_negative) == Some(true) {
                causes.push(Cause::invalid(format!("{at}.resources.{list}[{name}]"), amount, "must be greater than or equal to 0"));
            }
        }
    }
}

/// Each value may stand only once.
fn unique(values: &[&Value], field: impl Fn(usize) -> String, causes: &mut Vec<Cause>) {
    for (index, value) in values.iter().enumerate() {
        if !value.is_null() && values[..index].contains(value) {
            causes.push(Cause::duplicate(field(index), value));
        }
    }
}

fn port(value: &Value, field: &str, causes: &mut Vec<Cause>) {
    if value.as_i64().is_none_or(|port| !(1..=65535).contains(&port)) {
        causes.push(Cause::invalid(field, value, "must be between 1 and 65535, inclusive"));
    }
}

fn service(new: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    let spec = &new["spec"];
    let kinds = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    if spec["type"].as_str().is_none_or(|kind| !kinds.contains(&kind)) {
        causes.push(Cause::unsupported("spec.type", &spec["type"], &kinds));
    }
    let ports = spec["ports"].as_array().map(Vec::as_slice).unwrap_or_default();
    let external = spec["type"] == "ExternalName";
    if external && spec["externalName"].as_str().is_none_or(str::is_empty) {
        causes.push(Cause::required("spec.externalName", ""));
    }
    if ports.is_empty() && !external && spec["clusterIP"] != "None" {
        causes.push(Cause::required("spec.ports", ""));
    }
    let names: Vec<&Value> = ports.iter().map(|port| &port["name"]).collect();
    for (index, one) in ports.iter().enumerate() {
        let at = format!("spec.ports[{index}]");
        if ports.len() > 1 && one["name"].as_str().is_none_or(str::is_empty) {
            causes.push(Cause::required(format!("{at}.name"), ""));
        }
        port(&one["port"], &format!("{at}.port"), causes);
        if one["targetPort"].is_number() {
            port(&one["targetPort"], &format!("{at}.targetPort"), causes);
        }
        let protocols = ["SCTP", "TCP", "UDP"];
        if one["protocol"].as_str().is_some_and(|protocol| !protocols.contains(&protocol)) {
            causes.push(Cause::unsupported(format!("{at}.protocol"), &one["protocol"], &protocols));
        }
        if one["nodePort"].as_i64().is_some_and(|port| port != 0 && !(30000..=32767).contains(&port)) {
            let detail = "provided port is not in the valid range. The range of valid ports is 30000-32767";
            causes.push(Cause::invalid(format!("{at}.nodePort"), &one["nodePort"], detail));
        }
    }
    unique(&names, |index| format!("spec.ports[{index}].name"), causes);
    if let Some(old) = old
        && old["spec"]["type"] != "ExternalName"
        && !external
        && old["spec"]["clusterIP"].as_str().is_some_and(|ip| !ip.is_empty())
        && old["spec"]["clusterIP"] != spec["clusterIP"]
    {
        causes.push(Cause::invalid("spec.clusterIPs[0]", &spec["clusterIP"], "may not change once set"));
    }
}

fn immutable_data(kind: &str, new: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    if kind == "Secret" {
        let wanted: &[&str] = match new["type"].as_str() {
            Some("kubernetes.io/tls") => &["tls.crt", "tls.key"],
            Some("kubernetes.io/dockerconfigjson") => &[".dockerconfigjson"],
            Some("kubernetes.io/dockercfg") => &[".dockercfg"],
            Some("kubernetes.io/ssh-auth") => &["ssh-privatekey"],
            // One of the two is enough.
            Some("kubernetes.io/basic-auth") if new["data"]["username"].is_null() && new["data"]["password"].is_null() => {
                &["username", "password"]
            }
            _ => &[],
        };
        for key in wanted.iter().filter(|key| new["data"][**key].is_null()) {
            causes.push(Cause::required(format!("data[{key}]"), ""));
        }
    }
    for key in new["binaryData"].as_object().into_iter().flatten().map(|(key, _)| key) {
        if !new["data"][key].is_null() {
            causes.push(Cause::invalid(format!("data[{key}]"), &json!(key), "duplicate of key present in binaryData"));
        }
    }
    let Some(old) = old else { return };
    if kind == "Secret" && old["type"] != new["type"] {
        causes.push(Cause::invalid("type", &new["type"], IMMUTABLE));
    }
    if old["immutable"] != Value::Bool(true) {
        return;
    }
    if new["immutable"] != Value::Bool(true) {
        causes.push(Cause::forbidden("immutable", "field is immutable when `immutable` is set"));
    }
    for field in ["data", "binaryData"] {
        if old[field] != new[field] {
            causes.push(Cause::forbidden(field, "field is immutable when `immutable` is set"));
        }
    }
}

fn claim(new: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    if new["spec"]["accessModes"].as_array().is_none_or(Vec::is_empty) {
        causes.push(Cause::required("spec.accessModes", "at least 1 access mode is required"));
    }
    if new["spec"]["resources"]["requests"]["storage"].is_null() {
        causes.push(Cause::required("spec.resources[storage]", ""));
    }
    let fixed = |claim: &Value| {
        let mut spec = claim["spec"].clone();
        if let Some(fields) = spec.as_object_mut() {
            for name in ["resources", "volumeAttributesClassName", "volumeName", "storageClassName"] {
                fields.remove(name);
            }
        }
        spec
    };
    if let Some(old) = old
        && fixed(old) != fixed(new)
    {
        let detail = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        causes.push(Cause::forbidden("spec", detail));
    }
}
