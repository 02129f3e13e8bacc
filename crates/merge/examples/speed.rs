//! How long an apply takes: `cargo run --release -p fiel-merge --example speed`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use fiel_merge::structured::{ManagedFields, Owners, Type, apply, update};
use serde_json::{Value, json};

fn main() {
    let pod = Type::new(fiel_schema::Registry::builtin().kind("", "v1", "Pod").expect("a kind of Kubernetes").schema());
    let config = pod_of(3);
    let live = apply(&pod, &json!({}), &config, "v1", &Owners::new(), &"a", false).expect("nobody else is there");
    let mut running = live.object.clone();
    running["status"] = json!({"phase": "Running", "podIP": "10.0.0.1", "conditions": [
        {"type": "Ready", "status": "True"}, {"type": "Initialized", "status": "True"}, {"type": "PodScheduled", "status": "True"}]});
    let owners = update(&pod, &live.object, &running, "v1", &live.owners, &"kubelet").expect("one version");
    let mut changed = config.clone();
    changed["spec"]["containers"][0]["image"] = json!("registry.example/web:2");
    if let Some(env) = changed["spec"]["containers"][1]["env"].as_array_mut() {
        env.pop();
    }
    measure("pod: the same applied again", 20_000, || apply(&pod, &running, &config, "v1", &owners, &"a", false).is_ok());
    measure("pod: an image changed, a variable removed", 20_000, || apply(&pod, &running, &changed, "v1", &owners, &"a", false).is_ok());
    measure("pod: status updated", 20_000, || update(&pod, &live.object, &running, "v1", &live.owners, &"kubelet").is_ok());
    let object = json!({"metadata": {"managedFields": [{"manager": "a", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1",
        "fieldsV1": owners["a"].fields.encode()}]}});
    measure("pod: managedFields read and written", 20_000, || {
        ManagedFields::of(&object).is_some_and(|managed| managed.encode().is_array())
    });
    for items in [100, 1_000, 10_000] {
        let service = Type::new(fiel_schema::Registry::builtin().kind("", "v1", "Service").expect("a kind of Kubernetes").schema());
        let config =
            json!({"spec": {"ports": (0..items).rev().map(|port| json!({"port": port, "name": format!("p{port}")})).collect::<Value>()}});
        let first = apply(&service, &json!({}), &config, "v1", &Owners::new(), &"a", false).expect("nobody else is there");
        let mut fewer = config.clone();
        if let Some(ports) = fewer["spec"]["ports"].as_array_mut() {
            ports.truncate(items / 2);
        }
        measure(&format!("list of {items}: half removed"), 100_000 / items, || {
            apply(&service, &first.object, &fewer, "v1", &first.owners, &"a", false).is_ok()
        });
    }
}

/// A Pod as people write them.
fn pod_of(containers: usize) -> Value {
    let container = |index: usize| {
        json!({"name": format!("c{index}"), "image": "registry.example/web:1", "command": ["/bin/web", "--port", "8080"],
            "ports": [{"containerPort": 8080 + index, "name": "http", "protocol": "TCP"}],
            "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}, {"name": "C", "value": "3"}],
            "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m", "memory": "64Mi"}},
            "livenessProbe": {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 10},
            "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "config", "mountPath": "/etc/web", "readOnly": true}]})
    };
    json!({"metadata": {"labels": {"app": "web", "tier": "front"}, "annotations": {"a": "b"}},
        "spec": {"containers": (0..containers).map(container).collect::<Vec<_>>(), "serviceAccountName": "web",
            "volumes": [{"name": "data", "emptyDir": {}}, {"name": "config", "configMap": {"name": "web"}}],
            "tolerations": [{"key": "x", "operator": "Exists"}], "nodeSelector": {"disk": "fast"}}})
}

/// The best of many short rounds: what else the machine does only makes it slower.
fn measure(what: &str, times: usize, work: impl Fn() -> bool) {
    let turns = (times / 1_000).max(1);
    let round = || {
        let start = Instant::now();
        for _ in 0..turns {
            assert!(black_box(work()), "{what}");
        }
        start.elapsed()
    };
    let best = (0..times.min(1_000)).map(|_| round()).min().unwrap_or(Duration::ZERO);
    println!("{what}: {:.1} µs", best.as_secs_f64() * 1e6 / turns as f64);
}
