//! The bodies of patches.

use super::super::objects::{self, Known, WORKLOADS};
use super::super::tree::Maker;
use super::super::yaml::{Node, map, raw, texts};

/// A strategic merge patch for an object, by its own name.
pub(super) fn strategic(maker: &mut Maker, known: &Known) -> Node {
    let version = if known.version == "generated" { "v1" } else { known.version };
    let mut patch = map([("apiVersion", raw(version)), ("kind", raw(known.kind)), ("metadata", map([("name", raw(known.name.clone()))]))]);
    if let Some(namespace) = &known.namespace {
        patch.at("metadata").set("namespace", raw(namespace.clone()));
    }
    if maker.random.chance(6) {
        patch.set("$patch", raw("delete"));
        return patch;
    }
    if maker.random.chance(50) {
        let value = if maker.random.chance(15) { raw("null") } else { objects::text(&mut maker.random) };
        patch.at("metadata").at("annotations").set("note", value);
    }
    match known.kind {
        kind if WORKLOADS.contains(&kind) => {
            let name = maker.random.pick(&["main", "side", "new"]).to_owned();
            let mut container = map([("name", raw(name))]);
            match maker.random.below(11) {
                6 => container.set("volumeMounts", Node::List(vec![map([("mountPath", raw("/a")), ("name", raw("conf"))])])),
                7 => container.set("resources", map([("limits", map([("cpu", raw("null")), ("memory", raw("1Gi"))]))])),
                8 => container.set("ports", Node::List(vec![map([("containerPort", raw("80")), ("$patch", raw("delete"))])])),
                9 => {
                    container.set("$deleteFromPrimitiveList/args", texts(["$(NAME)"]));
                    container.set("args", texts(["--more"]));
                }
                10 => {
                    let source = map([("secretKeyRef", map([("name", raw("s")), ("key", raw("k"))]))]);
                    container.set("env", Node::List(vec![map([("name", raw("MODE")), ("valueFrom", source), ("value", raw("null"))])]));
                }
                0 => container.set("$patch", raw("delete")),
                1 => container.set("ports", Node::List(vec![map([("containerPort", raw("80")), ("name", raw("p"))])])),
                2 => container.set("env", Node::List(vec![map([("name", raw("MODE")), ("value", objects::text(&mut maker.random))])])),
                3 => container.set("env", raw("null")),
                4 => container.set("args", texts(["one", "\"2\""])),
                _ => container.set("image", raw(maker.random.pick(&objects::IMAGES))),
            }
            let mut containers = vec![container];
            if maker.random.chance(5) {
                containers.insert(0, map([("$patch", raw("replace"))]));
            }
            let field = if maker.random.chance(15) { "initContainers" } else { "containers" };
            let spec = patch.at("spec").at("template").at("spec");
            spec.set(field, Node::List(containers));
            match maker.random.below(14) {
                0 => spec.set("$setElementOrder/containers", Node::List(vec![map([("name", raw("side"))]), map([("name", raw("main"))])])),
                1 => spec.set("tolerations", Node::List(vec![map([("key", raw("k")), ("operator", raw("Exists"))])])),
                2 => spec.set("imagePullSecrets", Node::List(vec![map([("name", raw("pull"))])])),
                3 => spec.set("volumes", Node::List(vec![map([("name", raw("conf")), ("$patch", raw("delete"))])])),
                4 => spec.set("$patch", raw("replace")),
                5 => patch.at("spec").set("strategy", map([("$retainKeys", texts(["type"])), ("type", raw("Recreate"))])),
                6 => patch.at("spec").set("selector", raw("null")),
                7 => patch.at("metadata").set("finalizers", texts(["a/b", "c/d"])),
                // No number in quotes: where another patch follows, kustomize keeps the quotes for what `replicas` says. fiel does not follow that.
                8 => patch.at("spec").set("replicas", raw(maker.random.pick(&["9", "null", "3"]))),
                _ => {}
            }
            if maker.random.chance(20) {
                patch
                    .at("spec")
                    .at("template")
                    .at("spec")
                    .set("volumes", Node::List(vec![map([("name", raw("conf")), ("emptyDir", map([]))])]));
            }
        }
        "ConfigMap" => {
            let value = objects::text(&mut maker.random);
            patch.set("data", map([("a", value), ("added", raw("x"))]));
        }
        "Service" => {
            let port = map([("port", raw("80")), ("targetPort", raw("9090"))]);
            patch.set("spec", map([("ports", Node::List(vec![port])), ("type", raw("NodePort"))]));
        }
        "Role" | "ClusterRole" => {
            let rule = map([("apiGroups", texts(["apps"])), ("resources", texts(["*"])), ("verbs", texts(["list"]))]);
            patch.set("rules", Node::List(vec![rule]));
        }
        "Ingress" => {
            let rule = map([("host", raw("b.example.com"))]);
            patch.set("spec", map([("rules", Node::List(vec![rule])), ("ingressClassName", raw("nginx"))]));
        }
        "RoleBinding" | "ClusterRoleBinding" => {
            let subject = map([("kind", raw("User")), ("name", raw("jane"))]);
            patch.set("subjects", Node::List(vec![subject]));
        }
        "Widget" => {
            let value = objects::anything(&mut maker.random, 2);
            patch.set("spec", map([("odd", value), ("size", raw("null"))]));
            if maker.random.chance(40) {
                let parts = objects::parts(&mut maker.random);
                patch.at("spec").set("parts", parts);
            }
        }
        _ if maker.random.chance(70) => others(maker, &mut patch, known.kind),
        _ => {}
    }
    patch
}

/// Something for the kinds that stand beside workloads.
fn others(maker: &mut Maker, patch: &mut Node, kind: &str) {
    match kind {
        "Pod" => {
            let container = map([("name", raw(maker.random.pick(&["main", "new"]))), ("image", raw(maker.random.pick(&objects::IMAGES)))]);
            patch.set("spec", map([("containers", Node::List(vec![container])), ("restartPolicy", raw("Never"))]));
        }
        "CronJob" => {
            let container = map([("name", raw("main")), ("args", texts(["one"]))]);
            let pod = map([("spec", map([("containers", Node::List(vec![container]))]))]);
            patch.set("spec", map([("jobTemplate", map([("spec", map([("template", pod)]))])), ("suspend", raw("true"))]));
        }
        "PodDisruptionBudget" => patch.set("spec", map([("minAvailable", raw("null")), ("maxUnavailable", raw("10%"))])),
        "HorizontalPodAutoscaler" => {
            let metric = map([("type", raw("Resource")), ("resource", map([("name", raw("cpu"))]))]);
            patch.set("spec", map([("maxReplicas", raw("9")), ("metrics", Node::List(vec![metric]))]));
        }
        "PersistentVolumeClaim" => {
            let mode = maker.random.pick(&["ReadWriteMany", "ReadWriteOnce"]);
            patch.set(
                "spec",
                map([("accessModes", texts([mode])), ("storageClassName", raw(maker.random.pick(&["fast", "\"\"", "null"])))]),
            );
        }
        "Secret" => patch.set("stringData", map([("plain", objects::text(&mut maker.random))])),
        "ServiceAccount" => {
            patch.set("imagePullSecrets", Node::List(vec![map([("name", raw("pull"))])]));
            patch.set("secrets", Node::List(vec![map([("name", raw("token"))])]));
        }
        "NetworkPolicy" => patch.set("spec", map([("policyTypes", texts(["Egress"])), ("ingress", Node::List(Vec::new()))])),
        "ValidatingWebhookConfiguration" => {
            let hook =
                map([("name", raw(maker.random.pick(&["check.example.com", "second.example.com"]))), ("failurePolicy", raw("Ignore"))]);
            patch.set("webhooks", Node::List(vec![hook]));
        }
        "CustomResourceDefinition" => {
            let version = map([("name", raw(maker.random.pick(&["v1", "v2"]))), ("served", raw("false"))]);
            patch.set("spec", map([("versions", Node::List(vec![version]))]));
        }
        _ => patch.at("metadata").at("labels").set("patched", raw("\"yes\"")),
    }
}

/// A JSON 6902 patch that fits most objects.
pub(super) fn operations(maker: &mut Maker, known: &Known) -> Node {
    let op = |op: &str, path: &str| map([("op", raw(op)), ("path", raw(path))]);
    let mut list = Vec::new();
    for _ in 0..1 + maker.random.below(2) {
        let mut one = match (maker.random.below(11), known.kind) {
            (6, _) => {
                list.push(map([
                    ("op", raw("copy")),
                    ("from", raw("/metadata/name")),
                    ("path", raw(maker.random.pick(&["/copied", "/metadata/copied", "/metadata/name", "/metadata/labels/copied"]))),
                ]));
                continue;
            }
            (7, _) => {
                list.push(map([("op", raw("test")), ("path", raw("/kind")), ("value", raw(known.kind))]));
                continue;
            }
            (8, kind) if WORKLOADS.contains(&kind) => {
                list.push(map([("op", raw("move")), ("from", raw("/spec/template/metadata/labels")), ("path", raw("/metadata/labels"))]));
                continue;
            }
            (9, kind) if WORKLOADS.contains(&kind) => {
                list.push(op(
                    "remove",
                    maker.random.pick(&[
                        "/spec/template/spec/containers/0/env",
                        "/spec/replicas",
                        "/spec/template/spec/containers/-1",
                        "/metadata/labels/app",
                    ]),
                ));
                continue;
            }
            (10, _) => op("add", maker.random.pick(&["/metadata/annotations/a~1b", "/metadata/labels/x", "/spec/new", "/data/a"])),
            (0, kind) if WORKLOADS.contains(&kind) => op("replace", "/spec/template/spec/containers/0/image"),
            (1, kind) if WORKLOADS.contains(&kind) => op("add", "/spec/template/spec/containers/-"),
            (2, _) => op("replace", "/metadata/name"),
            (3, "Service") => op("remove", "/spec/ports/0"),
            (4, _) => op("add", "/metadata/labels"),
            _ => op("add", "/metadata/annotations"),
        };
        let value = match one.at("path") {
            Node::Raw(path) if path.ends_with("/-") => map([("name", raw("json")), ("image", raw("nginx"))]),
            Node::Raw(path) if path.ends_with("/labels") || path.ends_with("/annotations") => map([("json", raw("\"6902\""))]),
            Node::Raw(path) if path.ends_with("/name") => raw(format!("renamed-{}", maker.files.len())),
            _ => raw("busybox:2"),
        };
        one.set("value", value);
        list.push(one);
    }
    Node::List(list)
}
