use super::*;
use serde_json::json;

fn paths(desired: &Value, live: &Value) -> Vec<String> {
    differences(desired, live).into_iter().map(|d| d.path).collect()
}

fn deployment() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": "nginx:1", "ports": [{"containerPort": 80}], "resources": {"limits": {"cpu": "0.5", "memory": 1024}}}]}}}})
}

/// As the server would return it: with defaults.
fn live() -> Value {
    let mut live = deployment();
    live["spec"]["strategy"] = json!({"type": "RollingUpdate"});
    live["spec"]["template"]["spec"]["restartPolicy"] = "Always".into();
    live["spec"]["template"]["spec"]["containers"][0]["ports"][0]["protocol"] = "TCP".into();
    live["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"] = json!({"cpu": "500m", "memory": "1024"});
    live["status"] = json!({"replicas": 2});
    live
}

#[test]
fn defaults_and_spelling_are_no_difference() {
    assert_eq!(paths(&deployment(), &live()), [""; 0]);
}

#[test]
fn what_others_add_is_no_difference() {
    let mut live = live();
    live["metadata"]["labels"] = json!({"extra": "by-hand"});
    live["spec"]["minReadySeconds"] = 5.into();
    live["spec"]["template"]["spec"]["containers"].as_array_mut().expect("a list").push(json!({"name": "injected"}));
    assert_eq!(paths(&deployment(), &live), [""; 0]);
}

#[test]
fn what_git_sets_is_looked_at() {
    let mut live = live();
    live["spec"]["replicas"] = 7.into();
    live["spec"]["template"]["spec"]["containers"][0]["image"] = "evil".into();
    assert_eq!(paths(&deployment(), &live), ["spec.replicas", "spec.template.spec.containers[name=main].image"]);
    live["spec"]["template"]["spec"]["containers"][0]["name"] = "other".into();
    assert_eq!(paths(&deployment(), &live), ["spec.replicas", "spec.template.spec.containers[name=main]"]);
}

#[test]
fn what_we_set_and_git_does_not_any_more_must_go() {
    let desired = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "1"}});
    let mut live = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "managedFields": [
        {"manager": "argocd-controller", "operation": "Apply", "fieldsV1": {"f:data": {"f:k": {}, "f:old": {}, "f:shared": {}}}},
        {"manager": "tester", "operation": "Update", "fieldsV1": {"f:data": {"f:shared": {}, "f:theirs": {}}}},
    ]}, "data": {"k": "1", "old": "x", "shared": "y", "theirs": "z"}});
    assert_eq!(paths(&desired, &live), ["data.old"]);
    live["metadata"]["managedFields"] = json!([{"manager": "kubectl-client-side-apply", "operation": "Update", "fieldsV1": {}}]);
    live["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": json!({"metadata": {"name": "a", "namespace": "x"}, "data": {"k": "0", "shared": "y"}}).to_string()});
    assert_eq!(paths(&desired, &live), ["data.shared"]);
    assert_eq!(managers_to_migrate(&live), ["kubectl-client-side-apply"]);
}

#[test]
fn env_that_kubectl_applied_goes() {
    let mut live = live();
    let mut applied = deployment();
    applied["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "OLD", "value": "1"}]);
    live["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "OLD", "value": "1"}]);
    live["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": applied.to_string()});
    assert_eq!(paths(&deployment(), &live).len(), 1);
}

#[test]
fn empty_volumes_say_something() {
    let desired = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "annotations": {}}, "spec": {"containers": [], "volumes": [{"name": "v", "emptyDir": {}}]}});
    let live = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}});
    assert_eq!(paths(&desired, &live), ["spec.volumes[name=v].emptyDir"]);
}

#[test]
fn a_secret_is_compared_and_never_shown() {
    let desired = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"p": "hunter2"}});
    let live = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"p": "aHVudGVyMg=="}});
    assert_eq!(paths(&desired, &live), [""; 0]);
    let live = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"p": "eA=="}});
    let found = differences(&desired, &live);
    let text = shown(&found[0], "Secret");
    assert_eq!(text, "data.p: (secret) → (secret)");
}

#[test]
fn quantities() {
    let amount = |text: &str| normal::quantity(&Value::from(text));
    assert_eq!(amount("0.5"), amount("500m"));
    assert_eq!(amount("1Gi"), amount("1024Mi"));
    assert_eq!(amount("1e3"), amount("1k"));
    assert_eq!(normal::quantity(&Value::from(1)), amount("1"));
    assert_ne!(amount("1"), amount("1m"));
    assert_eq!(amount("x"), None);
}
