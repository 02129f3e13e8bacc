//! The bodies of kinds that stand beside workloads: storage, policies, what extends the API.

use super::super::random::Random;
use super::super::yaml::{Node, map, raw, texts};
use super::pod::{self, template};
use super::{Known, labels, refer, text};

/// Fills an object of such a kind.
pub(super) fn body(random: &mut Random, object: &mut Node, kind: &str, others: &[Known]) {
    match kind {
        "Pod" => object.set("spec", pod::spec(random, others)),
        "ReplicaSet" => {
            let mut spec = map([("selector", map([("matchLabels", labels(random))])), ("template", template(random, others))]);
            if random.chance(50) {
                spec.set("replicas", raw("2"));
            }
            object.set("spec", spec);
        }
        "PodDisruptionBudget" => {
            let least = raw(random.pick(&["1", "50%", "\"1\""]));
            object.set("spec", map([("minAvailable", least), ("selector", map([("matchLabels", labels(random))]))]));
        }
        "PersistentVolumeClaim" => {
            let mut spec =
                map([("accessModes", texts(["ReadWriteOnce"])), ("resources", map([("requests", map([("storage", raw("1Gi"))]))]))]);
            if random.chance(50) {
                spec.set("storageClassName", raw(refer(random, "StorageClass", others)));
            }
            if random.chance(40) {
                spec.set("volumeName", raw(refer(random, "PersistentVolume", others)));
            }
            object.set("spec", spec);
        }
        "PersistentVolume" => {
            let mut spec = map([("capacity", map([("storage", raw("1Gi"))])), ("hostPath", map([("path", raw("/srv"))]))]);
            if random.chance(50) {
                spec.set("storageClassName", raw(refer(random, "StorageClass", others)));
            }
            if random.chance(40) {
                let claim = map([("name", raw(refer(random, "PersistentVolumeClaim", others))), ("namespace", raw("default"))]);
                spec.set("claimRef", claim);
            }
            object.set("spec", spec);
        }
        "StorageClass" => {
            object.set("provisioner", raw("example.com/disk"));
            object.set("parameters", map([("type", text(random)), ("fast", raw("\"true\""))]));
        }
        "PriorityClass" => {
            object.set("value", raw("1000"));
            object.set("description", text(random));
        }
        "ValidatingWebhookConfiguration" => {
            let mut hook = map([("name", raw("check.example.com")), ("clientConfig", map([("service", service(random, others))]))]);
            hook.set("rules", Node::List(vec![map([("apiGroups", texts(["apps"])), ("operations", texts(["CREATE"]))])]));
            object.set("webhooks", Node::List(vec![hook]));
        }
        "APIService" => {
            object.set("spec", map([("group", raw("example.com")), ("version", raw("v1")), ("service", service(random, others))]));
        }
        "CustomResourceDefinition" => {
            let names = map([("kind", raw("Widget")), ("plural", raw("widgets"))]);
            let schema = map([("openAPIV3Schema", map([("type", raw("object")), ("description", text(random))]))]);
            let version = map([("name", raw("v1")), ("served", raw("true")), ("storage", raw("true")), ("schema", schema)]);
            let mut spec = map([
                ("group", raw("example.com")),
                ("names", names),
                ("scope", raw("Namespaced")),
                ("versions", Node::List(vec![version])),
            ]);
            if random.chance(40) {
                let config = map([("clientConfig", map([("service", service(random, others))]))]);
                spec.set("conversion", map([("strategy", raw("Webhook")), ("webhook", config)]));
            }
            object.set("spec", spec);
        }
        "LimitRange" => {
            let limit = map([("type", raw("Container")), ("default", map([("cpu", raw("1")), ("memory", raw("512Mi"))]))]);
            object.set("spec", map([("limits", Node::List(vec![limit]))]));
        }
        _ => {}
    }
}

/// A reference to a Service in a namespace.
fn service(random: &mut Random, others: &[Known]) -> Node {
    let found: Vec<&Known> = others.iter().filter(|other| other.kind == "Service").collect();
    if found.is_empty() || random.chance(20) {
        return map([("name", raw("elsewhere")), ("namespace", raw("system"))]);
    }
    let known = found[random.below(found.len())];
    let namespace = known.namespace.clone().unwrap_or_else(|| "default".to_owned());
    map([("name", raw(known.name.clone())), ("namespace", raw(namespace)), ("path", raw("/check"))])
}
