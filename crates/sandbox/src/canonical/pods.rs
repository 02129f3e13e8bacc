//! What a Pod gets that is not written, in its own right and as the template of a workload.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::{default, items, object};

/// A template: `metadata` and `spec`.
pub(super) fn template(fields: &mut Map<String, Value>) {
    object(fields, "metadata");
    if let Some(spec) = object(fields, "spec") {
        pod_spec(spec);
    }
}

/// What templates and Pods both get.
pub(super) fn pod_spec(spec: &mut Map<String, Value>) {
    default(spec, "restartPolicy", "Always");
    default(spec, "dnsPolicy", "ClusterFirst");
    default(spec, "schedulerName", "default-scheduler");
    default(spec, "terminationGracePeriodSeconds", 30);
    object(spec, "securityContext");
    // The old name of the same field says what the new one says.
    if let Some(name) = spec.get("serviceAccountName").or_else(|| spec.get("serviceAccount")).cloned() {
        spec.insert("serviceAccountName".to_owned(), name.clone());
        spec.insert("serviceAccount".to_owned(), name);
    }
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        items(spec, list).for_each(container);
    }
    for volume in items(spec, "volumes") {
        self::volume(volume);
    }
    for constraint in items(spec, "topologySpreadConstraints") {
        default(constraint, "maxSkew", 0);
    }
}

/// What only a Pod gets.
pub(super) fn pod(spec: &mut Map<String, Value>) {
    pod_spec(spec);
    default(spec, "enableServiceLinks", true);
    let host_network = spec.get("hostNetwork") == Some(&Value::Bool(true));
    for list in ["initContainers", "containers"] {
        for one in items(spec, list) {
            requests_from_limits(one);
            for port in items(one, "ports").filter(|_| host_network) {
                if let Some(number) = port.get("containerPort").cloned() {
                    default(port, "hostPort", number);
                }
            }
        }
    }
}

/// What only a Pod gets, from the server's admission.
pub(super) fn admitted(spec: &mut Map<String, Value>) {
    default(spec, "priority", 0);
    default(spec, "preemptionPolicy", "PreemptLowerPriority");
    tolerations(spec);
}

/// A Pod stays five minutes on a node that is not well.
fn tolerations(spec: &mut Map<String, Value>) {
    let Some(list) = spec.entry("tolerations").or_insert_with(|| json!([])).as_array_mut() else { return };
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerated = list.iter().any(|one| {
            let effect = one["effect"].as_str().unwrap_or_default();
            let named = one["key"].as_str().unwrap_or_default();
            (named == key || named.is_empty() && one["operator"] == "Exists") && (effect == "NoExecute" || effect.is_empty())
        });
        if !tolerated {
            list.push(json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}));
        }
    }
}

fn requests_from_limits(container: &mut Map<String, Value>) {
    let Some(resources) = container.get_mut("resources").and_then(Value::as_object_mut) else { return };
    let Some(limits) = resources.get("limits").and_then(Value::as_object).cloned() else { return };
    if let Some(requests) = object(resources, "requests") {
        for (name, amount) in limits {
            requests.entry(name).or_insert(amount);
        }
    }
}

fn container(container: &mut Map<String, Value>) {
    let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
    let policy = if always_pulled(image) { "Always" } else { "IfNotPresent" };
    default(container, "imagePullPolicy", policy);
    default(container, "terminationMessagePath", "/dev/termination-log");
    default(container, "terminationMessagePolicy", "File");
    object(container, "resources");
    for port in items(container, "ports") {
        default(port, "protocol", "TCP");
    }
    for variable in items(container, "env") {
        if let Some(reference) = variable.get_mut("valueFrom").and_then(|from| from.get_mut("fieldRef")).and_then(Value::as_object_mut) {
            default(reference, "apiVersion", "v1");
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(name).and_then(Value::as_object_mut) {
            default(probe, "timeoutSeconds", 1);
            default(probe, "periodSeconds", 10);
            default(probe, "successThreshold", 1);
            default(probe, "failureThreshold", 3);
            handler(probe);
            if let Some(grpc) = probe.get_mut("grpc").and_then(Value::as_object_mut) {
                default(grpc, "service", "");
            }
        }
    }
    if let Some(lifecycle) = container.get_mut("lifecycle").and_then(Value::as_object_mut) {
        for hook in lifecycle.values_mut().filter_map(Value::as_object_mut) {
            handler(hook);
        }
    }
}

/// Takes out the fields of which servers know only when they are told to.
pub(super) fn ungated(spec: &mut Map<String, Value>) {
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for container in items(spec, list) {
            let lifecycle = container.get_mut("lifecycle").and_then(Value::as_object_mut);
            if lifecycle.is_some_and(|lifecycle| lifecycle.remove("stopSignal").is_some() && lifecycle.is_empty()) {
                container.remove("lifecycle");
            }
        }
    }
}

fn handler(fields: &mut Map<String, Value>) {
    if let Some(get) = fields.get_mut("httpGet").and_then(Value::as_object_mut) {
        default(get, "path", "/");
        default(get, "scheme", "HTTP");
    }
}

/// Whether an image names no version, or the one that moves. What is no image at all is not pulled again.
fn always_pulled(image: &str) -> bool {
    const PART: &str = "[a-z0-9]+(?:(?:[.]|_|__|-+)[a-z0-9]+)*";
    const HOST: &str = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
    static IMAGE: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = format!(r"^(?:{HOST}(?:[.]{HOST})*(?::[0-9]+)?/)?{PART}(?:/{PART})*(?::([0-9A-Za-z_][0-9A-Za-z_.-]{{0,127}}))?$");
        Regex::new(&pattern).expect("the pattern is well made")
    });
    IMAGE.captures(image).is_some_and(|found| found.get(1).is_none_or(|tag| tag.as_str() == "latest"))
}

/// What disks get that they do not say.
const DISKS: [(&str, &str, &str); 9] = [
    ("iscsi", "iscsiInterface", "default"),
    ("rbd", "pool", "rbd"),
    ("rbd", "user", "admin"),
    ("rbd", "keyring", "/etc/ceph/keyring"),
    ("azureDisk", "cachingMode", "ReadWrite"),
    ("azureDisk", "kind", "Shared"),
    ("azureDisk", "fsType", "ext4"),
    ("scaleIO", "storageMode", "ThinProvisioned"),
    ("scaleIO", "fsType", "xfs"),
];

fn volume(volume: &mut Map<String, Value>) {
    if volume.keys().all(|name| name == "name") {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
    for name in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = volume.get_mut(name).and_then(Value::as_object_mut) {
            default(source, "defaultMode", 420);
            if name == "downwardAPI" {
                downward(source);
            }
            for part in items(source, "sources") {
                if let Some(token) = part.get_mut("serviceAccountToken").and_then(Value::as_object_mut) {
                    default(token, "expirationSeconds", 3600);
                }
                if let Some(api) = part.get_mut("downwardAPI").and_then(Value::as_object_mut) {
                    downward(api);
                }
            }
        }
    }
    if let Some(path) = volume.get_mut("hostPath").and_then(Value::as_object_mut) {
        default(path, "type", "");
    }
    if let Some(template) = volume.get_mut("ephemeral").and_then(|one| one.get_mut("volumeClaimTemplate")).and_then(Value::as_object_mut) {
        object(template, "metadata");
        if let Some(spec) = object(template, "spec") {
            default(spec, "volumeMode", "Filesystem");
            object(spec, "resources");
        }
    }
    for (source, field, value) in DISKS {
        if let Some(disk) = volume.get_mut(source).and_then(Value::as_object_mut) {
            default(disk, field, value);
        }
    }
    if let Some(disk) = volume.get_mut("azureDisk").and_then(Value::as_object_mut) {
        default(disk, "readOnly", false);
    }
}

fn downward(source: &mut Map<String, Value>) {
    for file in items(source, "items") {
        if let Some(reference) = file.get_mut("fieldRef").and_then(Value::as_object_mut) {
            default(reference, "apiVersion", "v1");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::always_pulled;

    #[test]
    fn images_without_a_version_are_pulled_always() {
        for image in ["nginx", "a:latest", "a:5000/b", "a__b", "A.b/c", "A/b", "a.B/c", "registry.example/a/b"] {
            assert!(always_pulled(image), "{image}");
        }
        for image in [
            "",
            "a:1",
            " a",
            "a b",
            "A",
            "a/B",
            "a:",
            "/a",
            "a//b",
            "a___b",
            "-a",
            "x@y",
            "a@sha256:0123",
            "http://a",
            "$(X)",
            "A:latest",
            "a/-b",
            "a:5/B",
        ] {
            assert!(!always_pulled(image), "{image}");
        }
    }
}
