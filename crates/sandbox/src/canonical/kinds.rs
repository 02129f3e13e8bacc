//! What each kind gets that is not written: its defaults, and the fields that are always there.

use base64::Engine as _;
use serde_json::{Map, Value, json};

use super::{default, items, object, pods};

/// Completes an object of a built-in kind.
pub(super) fn complete(group: &str, kind: &str, fields: &mut Map<String, Value>) {
    object(fields, "metadata");
    match (group, kind) {
        ("apps", "Deployment") => deployment(fields),
        ("apps", "ReplicaSet") => replica_set(fields),
        ("apps", "StatefulSet") => stateful_set(fields),
        ("apps", "DaemonSet") => daemon_set(fields),
        ("batch", "Job") => job(fields),
        ("batch", "CronJob") => cron_job(fields),
        ("", "Pod") => pod(fields),
        ("", "PodTemplate") => template(fields),
        ("", "ReplicationController") => replication_controller(fields),
        ("", "Service") => service(fields),
        ("", "Secret") => secret(fields),
        ("", "Namespace") => labelled(fields),
        ("", "PersistentVolumeClaim") => claim(fields),
        ("", "PersistentVolume") => volume(fields),
        ("", "Endpoints") => endpoints(fields),
        ("", "Event") => event(fields),
        ("discovery.k8s.io", "EndpointSlice") => endpoint_slice(fields),
        ("networking.k8s.io", "Ingress") => ingress(fields),
        ("networking.k8s.io", "NetworkPolicy") => network_policy(fields),
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaler(fields),
        ("policy", "PodDisruptionBudget") => budget(fields),
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => role(fields),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => binding(fields),
        ("storage.k8s.io", "StorageClass") => {
            default(fields, "reclaimPolicy", "Delete");
            default(fields, "volumeBindingMode", "Immediate");
        }
        ("", "LimitRange") => limits(fields),
        ("scheduling.k8s.io", "PriorityClass") => default(fields, "preemptionPolicy", "PreemptLowerPriority"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration") => webhooks(kind, fields),
        ("apiregistration.k8s.io", "APIService") => api_service(fields),
        ("", "Node" | "ResourceQuota") => {
            object(fields, "spec");
            object(fields, "status");
        }
        _ => {}
    }
}

/// `spec` and `status`, which these kinds always have.
fn spec(fields: &mut Map<String, Value>) -> Option<&mut Map<String, Value>> {
    object(fields, "status");
    object(fields, "spec")
}

fn template(spec: &mut Map<String, Value>) {
    if let Some(template) = object(spec, "template") {
        pods::template(template);
    }
}

/// The conditions of a status: times that are not known are written as null.
fn conditions(fields: &mut Map<String, Value>, times: &[&str]) {
    if let Some(status) = fields.get_mut("status").and_then(Value::as_object_mut) {
        for condition in items(status, "conditions") {
            for time in times {
                condition.entry(*time).or_insert(Value::Null);
            }
        }
    }
}

fn deployment(fields: &mut Map<String, Value>) {
    conditions(fields, &["lastTransitionTime", "lastUpdateTime"]);
    let Some(spec) = spec(fields) else { return };
    template(spec);
    default(spec, "replicas", 1);
    default(spec, "revisionHistoryLimit", 10);
    default(spec, "progressDeadlineSeconds", 600);
    rolling(spec, "strategy", &[("maxSurge", json!("25%")), ("maxUnavailable", json!("25%"))]);
}

/// How pods are replaced: rolling, unless said otherwise.
fn rolling(spec: &mut Map<String, Value>, name: &str, defaults: &[(&str, Value)]) {
    let Some(strategy) = object(spec, name) else { return };
    default(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate"
        && let Some(update) = object(strategy, "rollingUpdate")
    {
        for (field, value) in defaults {
            default(update, field, value.clone());
        }
    }
}

fn replica_set(fields: &mut Map<String, Value>) {
    conditions(fields, &["lastTransitionTime"]);
    let Some(spec) = spec(fields) else { return };
    template(spec);
    default(spec, "replicas", 1);
    counts(fields, &["replicas"]);
}

fn replication_controller(fields: &mut Map<String, Value>) {
    let Some(spec) = spec(fields) else { return };
    template(spec);
    default(spec, "replicas", 1);
    counts(fields, &["replicas"]);
}

/// Counts of a status that are written even when they are 0.
fn counts(fields: &mut Map<String, Value>, names: &[&str]) {
    if let Some(status) = object(fields, "status") {
        for name in names {
            default(status, name, 0);
        }
    }
}

fn stateful_set(fields: &mut Map<String, Value>) {
    conditions(fields, &["lastTransitionTime"]);
    let Some(spec) = spec(fields) else { return };
    template(spec);
    default(spec, "replicas", 1);
    default(spec, "revisionHistoryLimit", 10);
    default(spec, "podManagementPolicy", "OrderedReady");
    default(spec, "serviceName", "");
    rolling(spec, "updateStrategy", &[("partition", json!(0))]);
    if let Some(policy) = object(spec, "persistentVolumeClaimRetentionPolicy") {
        default(policy, "whenDeleted", "Retain");
        default(policy, "whenScaled", "Retain");
    }
    for claim in items(spec, "volumeClaimTemplates") {
        default(claim, "apiVersion", "v1");
        default(claim, "kind", "PersistentVolumeClaim");
        object(claim, "metadata");
        self::claim(claim);
    }
    counts(fields, &["replicas", "availableReplicas"]);
}

/// How often a DaemonSet's template changed.
pub(crate) const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

fn daemon_set(fields: &mut Map<String, Value>) {
    conditions(fields, &["lastTransitionTime"]);
    let Some(spec) = spec(fields) else { return };
    template(spec);
    default(spec, "revisionHistoryLimit", 10);
    rolling(spec, "updateStrategy", &[("maxUnavailable", json!(1)), ("maxSurge", json!(0))]);
    // How v1 tells the template's generation, which newer clients have no use for.
    if let Some(annotations) = object(fields, "metadata").and_then(|metadata| object(metadata, "annotations")) {
        default(annotations, TEMPLATE_GENERATION, "0");
    }
    counts(fields, &["currentNumberScheduled", "desiredNumberScheduled", "numberMisscheduled", "numberReady"]);
}

fn job(fields: &mut Map<String, Value>) {
    conditions(fields, &["lastTransitionTime", "lastProbeTime"]);
    let Some(spec) = spec(fields) else { return };
    job_spec(spec);
    default(spec, "completionMode", "NonIndexed");
    default(spec, "suspend", false);
    let failure_policy = spec.contains_key("podFailurePolicy");
    default(spec, "podReplacementPolicy", if failure_policy { "Failed" } else { "TerminatingOrFailed" });
    default(spec, "manualSelector", false);
}

/// The defaults that a Job has and a CronJob's template does not show.
fn job_spec(spec: &mut Map<String, Value>) {
    template(spec);
    if !spec.contains_key("completions") && !spec.contains_key("parallelism") {
        spec.insert("completions".to_owned(), json!(1));
    }
    default(spec, "parallelism", 1);
    // With a limit for each index there is none for all.
    default(spec, "backoffLimit", if spec.contains_key("backoffLimitPerIndex") { i32::MAX } else { 6 });
}

fn cron_job(fields: &mut Map<String, Value>) {
    let Some(spec) = spec(fields) else { return };
    default(spec, "concurrencyPolicy", "Allow");
    default(spec, "suspend", false);
    default(spec, "successfulJobsHistoryLimit", 3);
    default(spec, "failedJobsHistoryLimit", 1);
    if let Some(template) = object(spec, "jobTemplate") {
        object(template, "metadata");
        if let Some(job) = object(template, "spec") {
            self::template(job);
        }
    }
}

fn pod(fields: &mut Map<String, Value>) {
    conditions(fields, &["lastTransitionTime", "lastProbeTime"]);
    let Some(spec) = spec(fields) else { return };
    pods::pod(spec);
    if let Some(status) = object(fields, "status") {
        one_address(status);
        for list in ["initContainerStatuses", "containerStatuses"] {
            for one in items(status, list) {
                for (field, empty) in [
                    ("image", json!("")),
                    ("imageID", json!("")),
                    ("ready", json!(false)),
                    ("restartCount", json!(0)),
                    ("lastState", json!({})),
                    ("state", json!({})),
                ] {
                    default(one, field, empty);
                }
            }
        }
    }
}

/// The one address of a Pod is the first of all.
fn one_address(status: &mut Map<String, Value>) {
    let one = status.get("podIP").filter(|one| *one != "").cloned();
    match (one, status.get("podIPs").and_then(|all| all[0].get("ip")).cloned()) {
        (None, Some(first)) => drop(status.insert("podIP".to_owned(), first)),
        (Some(one), first) if first.as_ref() != Some(&one) => drop(status.insert("podIPs".to_owned(), json!([{"ip": one}]))),
        _ => {}
    }
}

fn service(fields: &mut Map<String, Value>) {
    if let Some(status) = object(fields, "status") {
        object(status, "loadBalancer");
    }
    let Some(spec) = object(fields, "spec") else { return };
    default(spec, "type", "ClusterIP");
    default(spec, "sessionAffinity", "None");
    let seconds = spec.get("sessionAffinityConfig").map_or(&Value::Null, |config| &config["clientIP"]["timeoutSeconds"]);
    match spec["sessionAffinity"].as_str() {
        Some("None") => drop(spec.remove("sessionAffinityConfig")),
        Some("ClientIP") if seconds.is_null() => {
            spec.insert("sessionAffinityConfig".to_owned(), json!({"clientIP": {"timeoutSeconds": 10800}}));
        }
        _ => {}
    }
    for port in items(spec, "ports") {
        default(port, "protocol", "TCP");
        let target = port.get("port").cloned().unwrap_or(Value::Null);
        if port.get("targetPort").is_none_or(|one| *one == json!(0) || *one == json!("")) {
            port.insert("targetPort".to_owned(), target);
        }
    }
    let kind = spec["type"].as_str().unwrap_or_default().to_owned();
    if kind == "ExternalName" {
        return;
    }
    default(spec, "internalTrafficPolicy", "Cluster");
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") || spec.contains_key("externalIPs") {
        default(spec, "externalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        default(spec, "allocateLoadBalancerNodePorts", true);
    }
}

fn secret(fields: &mut Map<String, Value>) {
    default(fields, "type", "Opaque");
    // Written as text, kept as base64, and the text wins.
    if let Some(Value::Object(texts)) = fields.remove("stringData")
        && let Some(data) = object(fields, "data")
    {
        for (key, text) in texts {
            let encoded = base64::engine::general_purpose::STANDARD.encode(text.as_str().unwrap_or_default());
            data.insert(key, Value::String(encoded));
        }
    }
    if fields.get("data").and_then(Value::as_object).is_some_and(Map::is_empty) {
        fields.remove("data");
    }
}

fn labelled(fields: &mut Map<String, Value>) {
    let name = fields["metadata"]["name"].clone();
    if let Some(labels) = object(fields, "metadata").and_then(|metadata| object(metadata, "labels"))
        && name.is_string()
    {
        labels.insert("kubernetes.io/metadata.name".to_owned(), name);
    }
    object(fields, "spec");
    if let Some(status) = object(fields, "status") {
        default(status, "phase", "Active");
    }
}

fn claim(fields: &mut Map<String, Value>) {
    if let Some(spec) = object(fields, "spec") {
        default(spec, "volumeMode", "Filesystem");
        object(spec, "resources");
    }
    if let Some(status) = object(fields, "status") {
        default(status, "phase", "Pending");
    }
}

fn volume(fields: &mut Map<String, Value>) {
    if let Some(spec) = object(fields, "spec") {
        default(spec, "persistentVolumeReclaimPolicy", "Retain");
        default(spec, "volumeMode", "Filesystem");
        if let Some(path) = spec.get_mut("hostPath").and_then(Value::as_object_mut) {
            default(path, "type", "");
        }
    }
    if let Some(status) = object(fields, "status") {
        default(status, "phase", "Pending");
    }
}

fn endpoints(fields: &mut Map<String, Value>) {
    for subset in items(fields, "subsets") {
        for port in items(subset, "ports") {
            default(port, "protocol", "TCP");
        }
    }
}

fn endpoint_slice(fields: &mut Map<String, Value>) {
    for endpoint in items(fields, "endpoints") {
        object(endpoint, "conditions");
    }
    for port in items(fields, "ports") {
        default(port, "name", "");
        default(port, "protocol", "TCP");
    }
}

fn event(fields: &mut Map<String, Value>) {
    object(fields, "involvedObject");
    object(fields, "source");
    default(fields, "reportingComponent", "");
    default(fields, "reportingInstance", "");
    for time in ["eventTime", "firstTimestamp", "lastTimestamp"] {
        fields.entry(time).or_insert(Value::Null);
    }
}

fn ingress(fields: &mut Map<String, Value>) {
    object(fields, "spec");
    if let Some(status) = object(fields, "status") {
        object(status, "loadBalancer");
    }
}

fn network_policy(fields: &mut Map<String, Value>) {
    let Some(spec) = object(fields, "spec") else { return };
    object(spec, "podSelector");
    for direction in ["ingress", "egress"] {
        for rule in items(spec, direction) {
            for port in items(rule, "ports") {
                default(port, "protocol", "TCP");
            }
        }
    }
    let types = if spec.contains_key("egress") { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
    default(spec, "policyTypes", types);
}

fn autoscaler(fields: &mut Map<String, Value>) {
    let v2 = fields.get("apiVersion").is_some_and(|version| version == "autoscaling/v2");
    if let Some(status) = object(fields, "status") {
        default(status, "desiredReplicas", 0);
        if v2 {
            status.entry("currentMetrics").or_insert(Value::Null);
        } else {
            default(status, "currentReplicas", 0);
        }
    }
    let Some(spec) = object(fields, "spec") else { return };
    default(spec, "minReplicas", 1);
    if let Some(fields) = spec.get_mut("behavior").and_then(Value::as_object_mut) {
        behavior(fields);
    }
    if v2 {
        default(
            spec,
            "metrics",
            json!([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]),
        );
    }
}

fn budget(fields: &mut Map<String, Value>) {
    object(fields, "spec");
    counts(fields, &["currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods"]);
}

fn role(fields: &mut Map<String, Value>) {
    // The server keeps an empty list of rules as none.
    if fields.get("rules").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        fields.insert("rules".to_owned(), Value::Null);
    }
}

fn binding(fields: &mut Map<String, Value>) {
    if let Some(role) = object(fields, "roleRef") {
        default(role, "apiGroup", "rbac.authorization.k8s.io");
    }
    for subject in items(fields, "subjects") {
        if subject.get("kind").is_some_and(|kind| kind == "User" || kind == "Group") {
            default(subject, "apiGroup", "rbac.authorization.k8s.io");
        }
    }
}

/// What a container may use at most is also what it asks for, if nothing else is said.
fn limits(fields: &mut Map<String, Value>) {
    let Some(spec) = object(fields, "spec") else { return };
    for limit in items(spec, "limits").filter(|limit| limit.get("type").is_some_and(|kind| kind == "Container")) {
        for (from, to) in [("max", "default"), ("default", "defaultRequest")] {
            let amounts = limit.get(from).and_then(Value::as_object).cloned().unwrap_or_default();
            if let Some(into) = object(limit, to) {
                for (name, amount) in amounts {
                    into.entry(name).or_insert(amount);
                }
            }
            if limit.get(to).and_then(Value::as_object).is_some_and(Map::is_empty) {
                limit.remove(to);
            }
        }
    }
}

fn webhooks(kind: &str, fields: &mut Map<String, Value>) {
    for webhook in items(fields, "webhooks") {
        default(webhook, "failurePolicy", "Fail");
        default(webhook, "matchPolicy", "Equivalent");
        default(webhook, "timeoutSeconds", 10);
        object(webhook, "namespaceSelector");
        object(webhook, "objectSelector");
        if kind.starts_with("Mutating") {
            default(webhook, "reinvocationPolicy", "Never");
        }
        for rule in items(webhook, "rules") {
            default(rule, "scope", "*");
        }
        if let Some(service) = webhook.get_mut("clientConfig").and_then(|client| client.get_mut("service")).and_then(Value::as_object_mut) {
            default(service, "port", 443);
        }
    }
}

/// How fast an autoscaler may go; only one that says something of it shows it.
fn behavior(fields: &mut Map<String, Value>) {
    let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
    if let Some(up) = object(fields, "scaleUp") {
        default(up, "stabilizationWindowSeconds", 0);
        default(up, "policies", json!([{"type": "Pods", "value": 4, "periodSeconds": 15}, percent]));
        default(up, "selectPolicy", "Max");
    }
    if let Some(down) = object(fields, "scaleDown") {
        default(down, "policies", json!([percent]));
        default(down, "selectPolicy", "Max");
    }
}

fn api_service(fields: &mut Map<String, Value>) {
    object(fields, "status");
    if let Some(service) = fields.get_mut("spec").and_then(|spec| spec.get_mut("service")).and_then(Value::as_object_mut) {
        default(service, "port", 443);
    }
}
