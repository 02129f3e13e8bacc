//! The kinds that are tried, each with an object as people write it.

use serde_json::{Value, json};

use crate::random::Random;

/// A kind of Kubernetes' own.
pub(crate) struct Kind {
    pub(crate) prefix: &'static str,
    pub(crate) resource: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) status: bool,
    pub(crate) scale: bool,
    /// All but `apiVersion`, `kind` and `metadata`.
    pub(crate) rest: fn(&mut Random) -> Value,
}

const fn kind(prefix: &'static str, resource: &'static str, kind: &'static str, rest: fn(&mut Random) -> Value) -> Kind {
    Kind { prefix, resource, kind, status: false, scale: false, rest }
}

impl Kind {
    const fn with_status(mut self) -> Self {
        self.status = true;
        self
    }

    const fn with_scale(mut self) -> Self {
        self.status = true;
        self.scale = true;
        self
    }

    pub(crate) fn api_version(&self) -> &'static str {
        self.prefix.trim_start_matches("/apis/").trim_start_matches("/api/")
    }

    /// An object of this name.
    pub(crate) fn object(&self, random: &mut Random, name: &str) -> Value {
        let mut object = (self.rest)(random);
        object["apiVersion"] = self.api_version().into();
        object["kind"] = self.kind.into();
        object["metadata"] = metadata(random, name);
        object
    }
}

pub(crate) const KINDS: &[Kind] = &[
    kind("/apis/apps/v1", "deployments", "Deployment", deployment).with_scale(),
    kind("/apis/apps/v1", "statefulsets", "StatefulSet", stateful_set).with_scale(),
    kind("/apis/apps/v1", "daemonsets", "DaemonSet", daemon_set).with_status(),
    kind("/apis/batch/v1", "jobs", "Job", job).with_status(),
    kind("/apis/batch/v1", "cronjobs", "CronJob", cron_job).with_status(),
    kind("/api/v1", "pods", "Pod", pod).with_status(),
    kind("/api/v1", "services", "Service", service).with_status(),
    kind("/api/v1", "configmaps", "ConfigMap", config_map),
    kind("/api/v1", "secrets", "Secret", secret),
    kind("/api/v1", "persistentvolumeclaims", "PersistentVolumeClaim", claim).with_status(),
    kind(
        "/api/v1",
        "serviceaccounts",
        "ServiceAccount",
        |_| json!({"automountServiceAccountToken": false, "imagePullSecrets": [{"name": "a"}]}),
    ),
    kind("/apis/networking.k8s.io/v1", "ingresses", "Ingress", ingress).with_status(),
    kind("/apis/networking.k8s.io/v1", "networkpolicies", "NetworkPolicy", network_policy),
    kind("/apis/autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", autoscaler).with_status(),
    kind("/apis/policy/v1", "poddisruptionbudgets", "PodDisruptionBudget", budget).with_status(),
    kind("/apis/rbac.authorization.k8s.io/v1", "roles", "Role", role),
    kind("/apis/rbac.authorization.k8s.io/v1", "rolebindings", "RoleBinding", role_binding),
];

/// The names that the objects of a session have: few, so that requests meet.
pub(crate) const NAMES: [&str; 2] = ["one", "two"];

pub(crate) fn metadata(random: &mut Random, name: &str) -> Value {
    let mut metadata = json!({"name": name});
    if random.chance(5) {
        metadata = json!({"generateName": "gen-"});
    }
    if random.chance(50) {
        metadata["labels"] = json!({"app": random.pick(&["a", "b"]), "tier": random.pick(&["front", "back"])});
    }
    if random.chance(25) {
        metadata["annotations"] = json!({"example.com/note": random.pick(&["x", "", "a: b\n"])});
    }
    if random.chance(8) {
        metadata["finalizers"] = json!(["example.com/keep"]);
    }
    if random.chance(5) {
        metadata["ownerReferences"] =
            json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u-1", "controller": random.chance(50)}]);
    }
    if random.chance(10) {
        metadata["namespace"] = random.pick(&["NAMESPACE", "other"]).into();
    }
    metadata
}

fn container(random: &mut Random, name: &str) -> Value {
    let mut container = json!({"name": name, "image": random.pick(&["nginx:1", "nginx", "registry.example/a/b@sha256:0123", "x:latest"])});
    if random.chance(40) {
        container["ports"] =
            json!([{"name": "http", "containerPort": 8080}, {"containerPort": 9090, "protocol": random.pick(&["TCP", "UDP"])}]);
    }
    if random.chance(30) {
        container["env"] = json!([{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)"},
            {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}]);
    }
    if random.chance(30) {
        container["resources"] =
            json!({"requests": {"cpu": "100m", "memory": random.pick(&["64Mi", "0.5Gi", "1e6"])}, "limits": {"memory": "1Gi"}});
    }
    if random.chance(20) {
        let probe = [
            json!({"httpGet": {"path": "/healthz", "port": "http"}}),
            json!({"tcpSocket": {"port": 8080}}),
            json!({"exec": {"command": ["true"]}}),
        ];
        container[random.pick(&["readinessProbe", "livenessProbe", "startupProbe"])] = probe[random.below(3)].clone();
    }
    if random.chance(20) {
        container["volumeMounts"] =
            json!([{"name": "data", "mountPath": "/data"}, {"name": "config", "mountPath": "/etc/a", "readOnly": true}]);
    }
    container
}

fn pod_spec(random: &mut Random) -> Value {
    let mut containers = vec![container(random, "main")];
    if random.chance(30) {
        containers.push(container(random, "side"));
    }
    let mut spec = json!({"containers": containers});
    if random.chance(20) {
        spec["initContainers"] = json!([{"name": "init", "image": "busybox", "command": ["true"]}]);
    }
    if random.chance(70) {
        spec["volumes"] = json!([{"name": "data", "emptyDir": {}}, {"name": "config", "configMap": {"name": "c"}}]);
    }
    if random.chance(15) {
        spec["securityContext"] = json!({"runAsNonRoot": true, "runAsUser": 1000});
    }
    if random.chance(10) {
        spec["tolerations"] = json!([{"key": "a", "operator": "Exists", "effect": "NoSchedule"}]);
    }
    spec
}

fn template(random: &mut Random) -> Value {
    json!({"metadata": {"labels": {"app": "a"}}, "spec": pod_spec(random)})
}

fn selector() -> Value {
    json!({"matchLabels": {"app": "a"}})
}

fn deployment(random: &mut Random) -> Value {
    let mut spec = json!({"selector": selector(), "template": template(random)});
    if random.chance(60) {
        spec["replicas"] = random.below(4).into();
    }
    if random.chance(30) {
        spec["strategy"] =
            [json!({"type": "Recreate"}), json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "25%"}})]
                [random.below(2)]
            .clone();
    }
    json!({"spec": spec})
}

fn stateful_set(random: &mut Random) -> Value {
    let mut spec = json!({"selector": selector(), "serviceName": "web", "template": template(random)});
    if random.chance(50) {
        spec["volumeClaimTemplates"] = json!([{"metadata": {"name": "www"}, "spec": claim(random)["spec"]}]);
    }
    json!({"spec": spec})
}

fn daemon_set(random: &mut Random) -> Value {
    json!({"spec": {"selector": selector(), "template": template(random)}})
}

fn job_spec(random: &mut Random) -> Value {
    let mut spec = json!({"template": {"spec": pod_spec(random)}});
    spec["template"]["spec"]["restartPolicy"] = random.pick(&["Never", "OnFailure"]).into();
    if random.chance(40) {
        spec["backoffLimit"] = 2.into();
        spec["completions"] = 3.into();
        spec["parallelism"] = 2.into();
    }
    if random.chance(15) {
        spec["completionMode"] = random.pick(&["Indexed", "NonIndexed"]).into();
    }
    spec
}

fn job(random: &mut Random) -> Value {
    json!({"spec": job_spec(random)})
}

fn cron_job(random: &mut Random) -> Value {
    let mut spec = json!({"schedule": random.pick(&["*/5 * * * *", "@hourly", "0 3 * * 1-5"]), "jobTemplate": {"spec": job_spec(random)}});
    if random.chance(30) {
        spec["concurrencyPolicy"] = random.pick(&["Allow", "Forbid", "Replace"]).into();
        spec["timeZone"] = "Etc/UTC".into();
    }
    json!({"spec": spec})
}

fn pod(random: &mut Random) -> Value {
    let mut spec = pod_spec(random);
    if random.chance(30) {
        spec["restartPolicy"] = random.pick(&["Never", "Always", "OnFailure"]).into();
    }
    if random.chance(30) {
        spec["nodeName"] = "node".into();
    }
    json!({"spec": spec})
}

fn service(random: &mut Random) -> Value {
    let ports = [
        json!([{"port": 80}]),
        json!([{"name": "http", "port": 80, "targetPort": "http"}, {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 5353}]),
        json!([{"name": "a", "port": 80, "appProtocol": "http"}]),
    ];
    let mut spec = json!({"ports": ports[random.below(3)], "selector": {"app": "a"}});
    match random.below(6) {
        0 => spec["type"] = "NodePort".into(),
        1 => spec["type"] = "LoadBalancer".into(),
        2 => spec = json!({"type": "ExternalName", "externalName": "example.com"}),
        3 => spec["clusterIP"] = "None".into(),
        _ => {}
    }
    json!({"spec": spec})
}

fn config_map(random: &mut Random) -> Value {
    let mut object = json!({"data": {"a": "1", "b.conf": "x: y\n"}});
    if random.chance(30) {
        object["binaryData"] = json!({"c": "YWJj"});
    }
    if random.chance(15) {
        object["immutable"] = true.into();
    }
    object
}

fn secret(random: &mut Random) -> Value {
    match random.below(5) {
        0 => json!({"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "e30="}}),
        1 => json!({"type": "kubernetes.io/tls", "data": {"tls.crt": "YQ==", "tls.key": "YQ=="}}),
        2 => json!({"type": "kubernetes.io/basic-auth", "stringData": {"username": "a", "password": "b"}}),
        _ => json!({"data": {"a": "YQ=="}, "stringData": {"b": "text", "a": "other"}}),
    }
}

fn claim(random: &mut Random) -> Value {
    let mut spec =
        json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": random.pick(&["1Gi", "500Mi", "1000000000"])}}});
    if random.chance(30) {
        spec["storageClassName"] = random.pick(&["", "fast"]).into();
    }
    if random.chance(15) {
        spec["volumeMode"] = random.pick(&["Filesystem", "Block"]).into();
    }
    json!({"spec": spec})
}

fn ingress(random: &mut Random) -> Value {
    let backend =
        json!({"service": {"name": "web", "port": if random.chance(50) { json!({"number": 80}) } else { json!({"name": "http"}) }}});
    let rule = json!({"host": random.pick(&["example.com", "*.example.com"]),
        "http": {"paths": [{"path": "/", "pathType": random.pick(&["Prefix", "Exact", "ImplementationSpecific"]), "backend": backend}]}});
    let mut spec = json!({"rules": [rule]});
    if random.chance(30) {
        spec["tls"] = json!([{"hosts": ["example.com"], "secretName": "tls"}]);
        spec["ingressClassName"] = "nginx".into();
    }
    if random.chance(20) {
        spec["defaultBackend"] = backend;
    }
    json!({"spec": spec})
}

fn network_policy(random: &mut Random) -> Value {
    let peer = [
        json!({"podSelector": {"matchLabels": {"app": "b"}}}),
        json!({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}),
        json!({"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["x"]}]}}),
    ];
    let ports = json!([{"port": 80}, {"port": "http", "protocol": "TCP"}, {"port": 1000, "endPort": 2000}]);
    let mut spec = json!({"podSelector": {}, "ingress": [{"from": [peer[random.below(3)]], "ports": ports}]});
    if random.chance(40) {
        spec["policyTypes"] = json!(["Ingress", "Egress"]);
        spec["egress"] = json!([{"to": [peer[random.below(3)]]}]);
    }
    json!({"spec": spec})
}

fn autoscaler(random: &mut Random) -> Value {
    let metrics = [
        json!([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]),
        json!([{"type": "Pods", "pods": {"metric": {"name": "requests"}, "target": {"type": "AverageValue", "averageValue": "100"}}}]),
    ];
    let mut spec = json!({"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"}, "maxReplicas": 5});
    if random.chance(60) {
        spec["metrics"] = metrics[random.below(2)].clone();
        spec["minReplicas"] = 2.into();
    }
    if random.chance(30) {
        spec["behavior"] =
            json!({"scaleDown": {"stabilizationWindowSeconds": 60, "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}});
    }
    json!({"spec": spec})
}

fn budget(random: &mut Random) -> Value {
    let limit = [json!(1), json!("50%")][random.below(2)].clone();
    json!({"spec": {"selector": selector(), random.pick(&["minAvailable", "maxUnavailable"]): limit}})
}

fn role(random: &mut Random) -> Value {
    let mut rules = vec![json!({"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]})];
    if random.chance(40) {
        rules.push(json!({"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["a"], "verbs": ["*"]}));
    }
    json!({"rules": rules})
}

fn role_binding(random: &mut Random) -> Value {
    let subject = [
        json!({"kind": "ServiceAccount", "name": "a", "namespace": "NAMESPACE"}),
        json!({"kind": "User", "name": "jane", "apiGroup": "rbac.authorization.k8s.io"}),
        json!({"kind": "Group", "name": "devs"}),
    ];
    json!({"subjects": [subject[random.below(3)]],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": random.pick(&["Role", "ClusterRole"]), "name": "view"}})
}
