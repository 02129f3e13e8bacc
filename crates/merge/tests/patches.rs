//! Strategic merge and JSON merge patches on kinds of Kubernetes; what the corpus does not ask.

use fiel_merge::json_merge;
use fiel_merge::strategic::{StrategicError, patch, sorted, three_way, two_way};
use fiel_schema::Node;
use serde_json::{Value, json};

fn deployment() -> Option<Node<'static>> {
    fiel_schema::Registry::builtin().kind("apps", "v1", "Deployment").map(fiel_schema::Kind::schema)
}

fn pod(containers: &Value) -> Value {
    json!({"spec": {"template": {"spec": {"containers": containers}}}})
}

#[test]
fn patches_know_lists_with_keys() {
    let original = pod(&json!([{"name": "a", "image": "one"}, {"name": "b", "image": "two"}]));
    let change = json!({"spec": {"replicas": 3, "template": {"spec": {
        "$setElementOrder/containers": [{"name": "b"}, {"name": "c"}],
        "containers": [{"name": "b", "image": "new"}, {"name": "c", "image": "three"}, {"name": "a", "$patch": "delete"}],
    }}}});
    let mut wanted = pod(&json!([{"name": "b", "image": "new"}, {"name": "c", "image": "three"}]));
    wanted["spec"]["replicas"] = json!(3);
    assert_eq!(patch(&original, &change, deployment()), Ok(wanted));
}

#[test]
fn directives_do_not_survive() {
    let change = json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}, "template": {"spec": {
        "$setElementOrder/containers": [{"name": "a"}],
        "containers": [{"name": "a", "$setElementOrder/ports": [{"containerPort": 1}], "ports": [{"containerPort": 1}], "args": null}],
        "volumes": [{"$patch": "delete", "name": "gone"}]}}}});
    let wanted = json!({"spec": {"strategy": {"type": "Recreate"}, "template": {"spec": {
        "containers": [{"name": "a", "ports": [{"containerPort": 1}]}], "volumes": []}}}});
    let object = json!({"spec": {"strategy": {"type": "RollingUpdate"}, "template": {"spec": {
        "containers": [{"name": "a", "ports": [{"containerPort": 2}], "args": ["x"]}], "volumes": [{"name": "gone"}]}}}});
    let mut patched = patch(&object, &change, deployment()).expect("a good patch");
    patched["spec"]["template"]["spec"]["containers"][0]["ports"].as_array_mut().expect("a list").retain(|port| port["containerPort"] == 1);
    assert_eq!(patched, wanted);
}

#[test]
fn a_rolling_update_gives_way_to_recreate() {
    let original = json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}});
    let modified = json!({"spec": {"strategy": {"type": "Recreate"}}});
    let change = two_way(&original, &modified, deployment()).expect("objects");
    assert_eq!(change["spec"]["strategy"], json!({"$retainKeys": ["type"], "type": "Recreate", "rollingUpdate": null}));
    assert_eq!(patch(&original, &change, deployment()), Ok(modified));
}

#[test]
fn apply_leaves_what_others_put_there() {
    let original = pod(&json!([{"name": "a", "image": "one"}, {"name": "old", "image": "x"}]));
    let modified = pod(&json!([{"name": "a", "image": "two"}]));
    let current = pod(&json!([{"name": "a", "image": "one", "tty": true}, {"name": "old", "image": "x"}, {"name": "sidecar"}]));
    let change = three_way(&original, &modified, &current, deployment()).expect("objects");
    let wanted = pod(&json!([{"name": "a", "image": "two", "tty": true}, {"name": "sidecar"}]));
    assert_eq!(patch(&current, &change, deployment()), Ok(wanted));
    // And so does the next one: nothing is left to do.
    let current = patch(&current, &change, deployment()).expect("a good patch");
    let next = three_way(&modified, &modified, &current, deployment()).expect("objects");
    assert_eq!(patch(&current, &next, deployment()), Ok(current));
}

/// As on a kube-apiserver 1.36: what is marked is not added, but other directives within what is new stay where they are.
#[test]
fn directives_within_what_is_new_become_fields() {
    let spec =
        |change: Value| patch(&pod(&json!([])), &json!({"spec": {"template": {"spec": change}}}), deployment()).expect("a good patch");
    let only = |field: &str, value: Value| json!({"spec": {"template": {"spec": {"containers": [], field: value}}}});
    let change = json!({"affinity": {"$retainKeys": ["x"], "nodeAffinity": {"$patch": "delete"}, "podAffinity": null}});
    assert_eq!(spec(change), only("affinity", json!({"$retainKeys": ["x"]})));
    let change = json!({"tolerations": [{"$patch": "replace", "key": "a"}, {"key": "b", "$retainKeys": ["key"]}]});
    assert_eq!(spec(change), only("tolerations", json!([{"key": "b", "$retainKeys": ["key"]}])));
    let new = json!([{"name": "a", "$retainKeys": ["name"], "ports": [{"$patch": "delete", "containerPort": 1}]}]);
    assert_eq!(spec(json!({"containers": new})), pod(&new));
}

#[test]
fn bad_patches_are_told_from_good_ones() {
    let said = |change: &Value| patch(&pod(&json!([{"name": "a"}])), change, deployment()).expect_err("a bad patch").to_string();
    assert_eq!(said(&pod(&json!([{"image": "x"}]))), "map: map[image:x] does not contain declared merge key: name");
    assert_eq!(said(&json!({"$patch": "explode"})), "unknown patch type: explode in map: map[$patch:explode]");
    assert_eq!(said(&json!({"$retainKeys": 1})), "invalid patch format of $retainKeys");
    let disorder = json!({"spec": {"template": {"spec": {"$setElementOrder/containers": [{"name": "a"}, {"name": "b"}],
        "containers": [{"name": "b"}, {"name": "a"}]}}}});
    assert!(matches!(patch(&pod(&json!([])), &disorder, deployment()), Err(StrategicError::Order { .. })));
}

#[test]
fn sorting_follows_the_schema() {
    let value = pod(&json!([{"name": "b", "args": ["z", "a"]}, {"name": "a"}]));
    assert_eq!(sorted(&value, deployment()), pod(&json!([{"name": "a"}, {"name": "b", "args": ["z", "a"]}])));
}

#[test]
fn json_patches_are_made_and_applied() {
    let (original, modified) = (json!({"a": {"b": 1, "c": [1]}, "d": 2}), json!({"a": {"c": [2]}, "e": {}}));
    let change = json_merge::two_way(&original, &modified);
    assert_eq!(change, json!({"a": {"b": null, "c": [2]}, "d": null, "e": {}}));
    assert_eq!(json_merge::patch(&original, &change), modified);
    let current = json!({"a": {"b": 1, "c": [1], "theirs": 0}, "d": 2});
    let change = json_merge::three_way(&original, &modified, &current);
    assert_eq!(json_merge::patch(&current, &change), json!({"a": {"c": [2], "theirs": 0}, "e": {}}));
}
