//! Random Kubernetes objects, with the odd scalars that people write.

mod others;
mod pod;

use self::pod::template;
use super::random::Random;
use super::yaml::{Node, map, raw, texts};

/// An object of a tree: what later layers need to know to touch it.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) version: &'static str,
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) namespace: Option<String>,
}

/// Kinds with a Pod template.
pub(super) const WORKLOADS: [&str; 4] = ["Deployment", "StatefulSet", "DaemonSet", "Job"];

/// Kinds that are in no namespace.
const CLUSTER_SCOPED: [&str; 9] = [
    "ClusterRole",
    "ClusterRoleBinding",
    "Namespace",
    "PersistentVolume",
    "StorageClass",
    "PriorityClass",
    "ValidatingWebhookConfiguration",
    "APIService",
    "CustomResourceDefinition",
];

pub(super) const NAMES: [&str; 8] = ["web", "db", "cache", "api-v2", "x", "a.b", "worker", "0front"];
pub(super) const IMAGES: [&str; 9] = [
    "nginx",
    "nginx:1.2",
    "busybox:latest",
    "registry.local:5000/team/app:v1",
    "app@sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3",
    "nginx:1.2@sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3",
    "redis:5",
    "team/nginx",
    "\"nginx:1.10\"",
];

/// A scalar that is a text whatever its style.
pub(super) fn text(random: &mut Random) -> Node {
    const TEXTS: [&str; 24] = [
        "plain",
        "'1'",
        "\"true\"",
        "\"\"",
        "''",
        "\"a: b\"",
        "'it''s'",
        "\"tab\\tx\"",
        "\"line\\nbreak\"",
        "'#no comment'",
        "a#b",
        "\"- x\"",
        "'yes'",
        "'null'",
        "\"1e3\"",
        "\"0x1F\"",
        "\"012\"",
        "\"1_000\"",
        "'2001-01-01'",
        "\"ünïcode ☃\"",
        "\"{a: b}\"",
        "'*star'",
        "\"!x\"",
        "\" lead and trail \"",
    ];
    match random.below(12) {
        0 => Node::Block("|", vec!["one".into(), "two: 2".into()]),
        1 => Node::Block("|-", vec!["one".into(), String::new(), "  two".into()]),
        2 => Node::Block(">", vec!["folded".into(), "text".into(), String::new(), "more".into()]),
        3 => Node::Block(">-", vec!["folded".into(), "text # no".into()]),
        4 => Node::Block("|+", vec!["kept".into(), String::new()]),
        5 => raw(format!("\"{}\"", "long words ".repeat(random.below(14)))),
        _ => raw(random.pick(&TEXTS)),
    }
}

/// Any scalar at all.
pub(super) fn scalar(random: &mut Random) -> Node {
    const SCALARS: [&str; 32] = [
        "1",
        "0",
        "-1",
        "1.0",
        "1.50",
        ".5",
        "1e3",
        "1E-3",
        "0x1F",
        "0o17",
        "017",
        "1_000",
        "12345678901234567890",
        "1.7976931348623157e309",
        "true",
        "False",
        "yes",
        "off",
        "null",
        "~",
        "",
        "2001-01-01",
        "12:30",
        "plain text",
        "0.1",
        "100000000000000000000000",
        "+1",
        "-0",
        "1.",
        "y",
        "n",
        "0b11",
    ];
    if random.chance(50) { text(random) } else { raw(random.pick(&SCALARS)) }
}

/// Any value of any shape.
pub(super) fn anything(random: &mut Random, depth: usize) -> Node {
    match random.below(if depth == 0 { 1 } else { 4 }) {
        2 => Node::List((0..random.below(4)).map(|_| anything(random, depth - 1)).collect()),
        3 => {
            let keys = ["a", "b", "name", "'1'", "\"on\"", "with space", "x/y", "a.b", "zz"];
            let mut entries: Vec<(String, Node)> = Vec::new();
            for _ in 0..random.below(4) {
                let key = random.pick(&keys).to_owned();
                if !entries.iter().any(|(k, _)| *k == key) {
                    entries.push((key, anything(random, depth - 1)));
                }
            }
            Node::Map(entries)
        }
        _ => scalar(random),
    }
}

/// A random object called `name`; `others` are there to be referred to.
pub(super) fn object(random: &mut Random, name: &str, others: &[Known]) -> (Known, Node) {
    const KINDS: [(&str, &str); 36] = [
        ("apps/v1", "Deployment"),
        ("apps/v1", "Deployment"),
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("batch/v1", "Job"),
        ("batch/v1", "CronJob"),
        ("v1", "Service"),
        ("v1", "Service"),
        ("v1", "ConfigMap"),
        ("v1", "ConfigMap"),
        ("v1", "Secret"),
        ("v1", "ServiceAccount"),
        ("networking.k8s.io/v1", "Ingress"),
        ("rbac.authorization.k8s.io/v1", "Role"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole"),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
        ("autoscaling/v2", "HorizontalPodAutoscaler"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("example.com/v1", "Widget"),
        ("v1", "Namespace"),
        ("v1", "Pod"),
        ("apps/v1", "ReplicaSet"),
        ("policy/v1", "PodDisruptionBudget"),
        ("v1", "PersistentVolumeClaim"),
        ("v1", "PersistentVolume"),
        ("storage.k8s.io/v1", "StorageClass"),
        ("scheduling.k8s.io/v1", "PriorityClass"),
        ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
        ("apiregistration.k8s.io/v1", "APIService"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ("v1", "LimitRange"),
        ("example.com/v1", "Widget"),
        ("other.io/v1beta1", "Widget"),
        ("networking.k8s.io/v1", "Ingress"),
    ];
    let (version, kind) = KINDS[random.below(KINDS.len())];
    let cluster = CLUSTER_SCOPED.contains(&kind);
    let namespace = (!cluster && random.chance(20)).then(|| random.pick(&["default", "prod", "team-a"]).to_owned());
    let known = Known { version, kind, name: name.to_owned(), namespace };
    let mut metadata = map([("name", raw(name))]);
    if let Some(namespace) = &known.namespace {
        metadata.set("namespace", raw(namespace.clone()));
    }
    if random.chance(40) {
        metadata.set("labels", labels(random));
    }
    if random.chance(25) {
        let mut annotations = map([]);
        for key in ["note", "example.com/x", "z"] {
            if random.chance(50) {
                annotations.set(key, text(random));
            }
        }
        if random.chance(15) {
            // None that a patch of operations writes in another way: whether it is a text by then is not always as in kustomize.
            annotations.set("raw", raw(random.pick(&["5", "true", "1.5", "null", "", "yes", "~"])));
        }
        metadata.set("annotations", annotations);
    }
    if random.chance(2) {
        metadata.set("generateName", raw("made-"));
    }
    let mut object = map([("apiVersion", raw(version)), ("kind", raw(kind)), ("metadata", metadata)]);
    if random.chance(10) {
        // Order of keys as some tools write them.
        object = map([("metadata", object.at("metadata").clone()), ("kind", raw(kind)), ("apiVersion", raw(version))]);
    }
    body(random, &mut object, &known, others);
    (known, object)
}

fn labels(random: &mut Random) -> Node {
    let mut labels = map([("app", raw(random.pick(&NAMES)))]);
    if random.chance(40) {
        labels.set("tier", raw(random.pick(&["front", "'1'", "\"true\"", "back"])));
    }
    labels
}

/// A list of maps that have a name.
pub(super) fn parts(random: &mut Random) -> Node {
    let mut parts = Vec::new();
    for name in ["one", "two", "three"] {
        if random.chance(50) {
            let mut part = map([("name", raw(name)), ("a", raw(random.pick(&["1", "x"])))]);
            if random.chance(50) {
                part.set("value", text(random));
            }
            parts.push(part);
        }
    }
    Node::List(parts)
}

/// The name of another object of the kind, or one that is nowhere.
fn refer(random: &mut Random, kind: &str, others: &[Known]) -> String {
    let found: Vec<&Known> = others.iter().filter(|other| other.kind == kind).collect();
    if found.is_empty() { random.pick(&NAMES).to_owned() } else { found[random.below(found.len())].name.clone() }
}

fn body(random: &mut Random, object: &mut Node, known: &Known, others: &[Known]) {
    match known.kind {
        "ConfigMap" | "Secret" => {
            let mut data = map([]);
            for key in ["a", "key.txt", "Z_1"] {
                if random.chance(60) {
                    data.set(key, if known.kind == "Secret" { raw("YWRtaW4=") } else { text(random) });
                }
            }
            if known.kind == "Secret" {
                object.set("type", raw("Opaque"));
            }
            if random.chance(10) {
                let (field, value) = if known.kind == "Secret" { ("stringData", text(random)) } else { ("binaryData", raw("AAEC")) };
                object.set(field, map([("more", value)]));
            }
            if random.chance(5) {
                object.set("immutable", raw("true"));
            }
            object.set("data", data);
        }
        "Service" => {
            let mut spec = map([("selector", labels(random))]);
            let mut ports =
                vec![map([("name", raw("http")), ("port", raw("80")), ("targetPort", raw(random.pick(&["8080", "http", "\"8080\""])))])];
            if random.chance(40) {
                ports.push(map([("port", raw("443")), ("protocol", raw("UDP")), ("name", raw("tls"))]));
            }
            spec.set("ports", Node::List(ports));
            object.set("spec", spec);
        }
        "Ingress" => {
            let backend =
                map([("service", map([("name", raw(refer(random, "Service", others))), ("port", map([("number", raw("80"))]))]))]);
            let path = map([("path", raw("/")), ("pathType", raw("Prefix")), ("backend", backend)]);
            let rule = map([("host", raw("\"*.example.com\"")), ("http", map([("paths", Node::List(vec![path]))]))]);
            let tls = map([("hosts", texts(["a.example.com"])), ("secretName", raw(refer(random, "Secret", others)))]);
            object.set("spec", map([("rules", Node::List(vec![rule])), ("tls", Node::List(vec![tls]))]));
        }
        "Role" | "ClusterRole" => {
            let mut rule =
                map([("apiGroups", texts(["\"\""])), ("resources", texts(["secrets", "configmaps"])), ("verbs", texts(["get"]))]);
            if random.chance(40) {
                rule.set("resourceNames", texts([refer(random, "Secret", others), refer(random, "ConfigMap", others)]));
            }
            object.set("rules", Node::List(vec![rule]));
        }
        "RoleBinding" | "ClusterRoleBinding" => {
            let kind = if known.kind == "RoleBinding" { "Role" } else { "ClusterRole" };
            object.set(
                "roleRef",
                map([("apiGroup", raw("rbac.authorization.k8s.io")), ("kind", raw(kind)), ("name", raw(refer(random, kind, others)))]),
            );
            let mut subject = map([("kind", raw("ServiceAccount")), ("name", raw(refer(random, "ServiceAccount", others)))]);
            if random.chance(60) {
                subject.set("namespace", raw(random.pick(&["default", "prod", "elsewhere"])));
            }
            object.set("subjects", Node::List(vec![subject]));
        }
        "HorizontalPodAutoscaler" => {
            let target =
                map([("apiVersion", raw("apps/v1")), ("kind", raw("Deployment")), ("name", raw(refer(random, "Deployment", others)))]);
            object.set("spec", map([("scaleTargetRef", target), ("minReplicas", raw("1")), ("maxReplicas", raw("5"))]));
        }
        "NetworkPolicy" => {
            let from = map([("podSelector", map([("matchLabels", labels(random))]))]);
            let ingress = Node::List(vec![map([("from", Node::List(vec![from]))])]);
            object.set("spec", map([("podSelector", map([("matchLabels", labels(random))])), ("ingress", ingress)]));
        }
        "Widget" => {
            let mut spec =
                map([("configRef", map([("name", raw(refer(random, "ConfigMap", others)))])), ("image", raw(random.pick(&IMAGES)))]);
            for key in ["size", "odd", "list", "'on'"] {
                if random.chance(50) {
                    spec.set(key, anything(random, 3));
                }
            }
            if random.chance(40) {
                spec.set("parts", parts(random));
            }
            object.set("spec", spec);
        }
        "CronJob" => {
            let job = map([("spec", map([("template", template(random, others))]))]);
            object.set("spec", map([("schedule", raw("\"*/5 * * * *\"")), ("jobTemplate", job)]));
        }
        kind if WORKLOADS.contains(&kind) => {
            let mut spec = map([]);
            if random.chance(60) && kind != "DaemonSet" && kind != "Job" {
                spec.set("replicas", raw(random.pick(&["1", "3", "0"])));
            }
            if kind != "Job" {
                spec.set("selector", map([("matchLabels", labels(random))]));
            }
            let shared = random.chance(6);
            if shared {
                spec.set("selector", map([("matchLabels", raw("&own {app: web, tier: \"1\"}"))]));
            }
            if kind == "StatefulSet" {
                spec.set("serviceName", raw(refer(random, "Service", others)));
                if random.chance(40) {
                    let claim = map([
                        ("metadata", map([("name", raw("data"))])),
                        (
                            "spec",
                            map([
                                ("accessModes", texts(["ReadWriteOnce"])),
                                ("resources", map([("requests", map([("storage", raw("1Gi"))]))])),
                            ]),
                        ),
                    ]);
                    spec.set("volumeClaimTemplates", Node::List(vec![claim]));
                }
            }
            let mut template = template(random, others);
            if shared {
                let labels = random.pick(&["*own", "{<<: *own, more: x}", "{<<: *own, app: other}"]);
                template.at("metadata").set("labels", raw(labels));
            }
            spec.set("template", template);
            object.set("spec", spec);
        }
        _ => others::body(random, object, known.kind, others),
    }
}
