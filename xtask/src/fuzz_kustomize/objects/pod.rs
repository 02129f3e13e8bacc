//! Pods and templates of Pods.

use super::super::random::Random;
use super::super::yaml::{Node, map, raw, texts};
use super::{IMAGES, Known, labels, refer, text};

/// What a workload makes its Pods of.
pub(super) fn template(random: &mut Random, others: &[Known]) -> Node {
    let mut metadata = map([("labels", labels(random))]);
    if random.chance(15) {
        metadata.set("annotations", map([("note", text(random))]));
    }
    map([("metadata", metadata), ("spec", spec(random, others))])
}

/// The `spec` of a Pod.
pub(super) fn spec(random: &mut Random, others: &[Known]) -> Node {
    let mut containers = vec![container(random, "main", others)];
    if random.chance(40) {
        containers.push(container(random, "side", others));
    }
    let mut spec = map([("containers", Node::List(containers))]);
    if random.chance(20) {
        spec.set("initContainers", Node::List(vec![container(random, "init", others)]));
    }
    if random.chance(20) {
        spec.set("serviceAccountName", raw(refer(random, "ServiceAccount", others)));
    }
    if random.chance(10) {
        spec.set("priorityClassName", raw(refer(random, "PriorityClass", others)));
    }
    if random.chance(10) {
        spec.set("imagePullSecrets", Node::List(vec![map([("name", raw(refer(random, "Secret", others)))])]));
    }
    if random.chance(10) {
        let term = map([("labelSelector", map([("matchLabels", labels(random))])), ("topologyKey", raw("kubernetes.io/hostname"))]);
        let weighted = map([("weight", raw("100")), ("podAffinityTerm", term.clone())]);
        let field = random.pick(&["podAffinity", "podAntiAffinity"]);
        let (rule, terms) = if random.chance(50) {
            ("requiredDuringSchedulingIgnoredDuringExecution", term)
        } else {
            ("preferredDuringSchedulingIgnoredDuringExecution", weighted)
        };
        spec.set("affinity", map([(field, map([(rule, Node::List(vec![terms]))]))]));
    }
    if random.chance(10) {
        let mut constraint = map([
            ("maxSkew", raw("1")),
            ("topologyKey", raw("zone")),
            ("whenUnsatisfiable", raw(random.pick(&["DoNotSchedule", "ScheduleAnyway"]))),
        ]);
        if random.chance(60) {
            constraint.set("labelSelector", map([("matchLabels", labels(random))]));
        }
        spec.set("topologySpreadConstraints", Node::List(vec![constraint]));
    }
    if random.chance(10) {
        spec.set("hostAliases", Node::List(vec![map([("ip", raw("127.0.0.1")), ("hostnames", texts(["a.local", "b.local"]))])]));
    }
    if random.chance(10) {
        spec.set(
            "tolerations",
            Node::List(vec![map([("key", raw("k")), ("operator", raw("Exists"))]), map([("effect", raw("NoExecute"))])]),
        );
    }
    if random.chance(40) {
        spec.set("volumes", Node::List(volumes(random, others)));
    }
    spec
}

fn volumes(random: &mut Random, others: &[Known]) -> Vec<Node> {
    let config = map([("name", raw("conf")), ("configMap", map([("name", raw(refer(random, "ConfigMap", others)))]))]);
    let secret = map([("name", raw("sec")), ("secret", map([("secretName", raw(refer(random, "Secret", others)))]))]);
    let mut sources = vec![map([("configMap", map([("name", raw(refer(random, "ConfigMap", others)))]))])];
    if random.chance(30) {
        sources.push(map([("secret", map([("name", raw(refer(random, "Secret", others)))]))]));
    }
    let both = map([("name", raw("both")), ("projected", map([("sources", Node::List(sources))]))]);
    let mut volumes = vec![config, secret, both];
    if random.chance(30) {
        let claim = map([("claimName", raw(refer(random, "PersistentVolumeClaim", others)))]);
        volumes.push(map([("name", raw("data")), ("persistentVolumeClaim", claim)]));
    }
    if random.chance(15) {
        volumes.push(map([("name", raw("tmp")), ("emptyDir", map([]))]));
    }
    volumes
}

fn container(random: &mut Random, name: &str, others: &[Known]) -> Node {
    let mut container = map([("name", raw(name)), ("image", raw(random.pick(&IMAGES)))]);
    if random.chance(40) {
        container.set("env", Node::List(env(random, others)));
    }
    if random.chance(20) {
        let (source, kind) = if random.chance(60) { ("secretRef", "Secret") } else { ("configMapRef", "ConfigMap") };
        container.set("envFrom", Node::List(vec![map([(source, map([("name", raw(refer(random, kind, others)))]))])]));
    }
    if random.chance(30) {
        container.set("args", texts(["--name", "$(NAME)", "\"--x=$(NAME)\""]));
    }
    if random.chance(10) {
        container
            .set("command", Node::List(vec![raw("sh"), raw("-c"), Node::Block("|", vec!["set -e".into(), "exec app $(NAME)".into()])]));
    }
    if random.chance(30) {
        let mut ports = vec![map([("containerPort", raw("80"))])];
        if random.chance(50) {
            ports.push(map([("containerPort", raw("81")), ("protocol", raw("UDP")), ("name", raw("u"))]));
        }
        container.set("ports", Node::List(ports));
    }
    if random.chance(20) {
        container
            .set("resources", map([("limits", map([("cpu", raw(random.pick(&["1", "0.5", "100m", "\"2\""]))), ("memory", raw("64Mi"))]))]));
    }
    if random.chance(15) {
        let mounts = ["/etc/conf", "/data", "/tmp"].into_iter().filter(|_| random.chance(60));
        let mounts: Vec<Node> =
            mounts.collect::<Vec<_>>().into_iter().map(|path| map([("name", raw("conf")), ("mountPath", raw(path))])).collect();
        container.set("volumeMounts", Node::List(mounts));
    }
    if random.chance(12) {
        let get = map([("path", raw("/healthz")), ("port", raw(random.pick(&["http", "8080"])))]);
        container.set(random.pick(&["livenessProbe", "readinessProbe"]), map([("httpGet", get), ("periodSeconds", raw("5"))]));
    }
    container
}

fn env(random: &mut Random, others: &[Known]) -> Vec<Node> {
    let mut env = vec![map([("name", raw("MODE")), ("value", text(random))])];
    if random.chance(50) {
        let reference = map([("name", raw(refer(random, "ConfigMap", others))), ("key", raw("a"))]);
        env.push(map([("name", raw("FROM")), ("valueFrom", map([("configMapKeyRef", reference)]))]));
    }
    if random.chance(20) {
        let reference = map([("name", raw(refer(random, "Secret", others))), ("key", raw("a")), ("optional", raw("true"))]);
        env.push(map([("name", raw("SECRET")), ("valueFrom", map([("secretKeyRef", reference)]))]));
    }
    if random.chance(30) {
        env.push(map([("name", raw("VAR")), ("value", raw(random.pick(&["$(NAME)", "\"x-$(NAME)-y\"", "$$(NAME)", "$(OTHER)"])))]));
    }
    env
}
