//! Rows as `kubectl get` shows them.

use serde_json::json;

use super::*;

fn now() -> jiff::Timestamp {
    "2026-01-01T00:10:00Z".parse().unwrap()
}

/// `NAME VALUE` of every cell of the first row that is always printed.
fn row(group: &str, kind: &str, object: Value) -> String {
    let table = table(group, kind, None, &[object], now(), "None");
    let columns = table["columnDefinitions"].as_array().unwrap();
    let cells = table["rows"][0]["cells"].as_array().unwrap();
    assert_eq!(columns.len(), cells.len());
    let shown = columns.iter().zip(cells).filter(|(column, _)| column["priority"] == 0);
    shown.map(|(column, cell)| format!("{}={}", column["name"].as_str().unwrap(), path::text(cell))).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_deployment() {
    let object = json!({
        "metadata": {"name": "web", "creationTimestamp": "2026-01-01T00:05:00Z"},
        "spec": {"replicas": 3}, "status": {"readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 2},
    });
    assert_eq!(row("apps", "Deployment", object), "Name=web Ready=2/3 Up-to-date=3 Available=2 Age=5m");
}

#[test]
fn pods_say_what_their_containers_are_in() {
    let pod = |status: Value| json!({"metadata": {"name": "p", "creationTimestamp": "2026-01-01T00:09:15Z"}, "spec": {"containers": [{"name": "c"}]}, "status": status});
    let running = json!({"phase": "Running", "containerStatuses": [{"ready": true, "restartCount": 0, "state": {"running": {}}}]});
    assert_eq!(row("", "Pod", pod(running)), "Name=p Ready=1/1 Status=Running Restarts=0 Age=45s");
    let crashing = json!({"phase": "Running", "containerStatuses": [{
        "ready": false, "restartCount": 2, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"finishedAt": "2026-01-01T00:09:50Z"}},
    }]});
    assert_eq!(row("", "Pod", pod(crashing)), "Name=p Ready=0/1 Status=CrashLoopBackOff Restarts=2 (10s ago) Age=45s");
    let mut ending = pod(json!({"phase": "Running"}));
    ending["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:10:30Z");
    assert!(row("", "Pod", ending).contains("Status=Terminating"));
    let mut starting = pod(json!({"phase": "Pending", "initContainerStatuses": [{"state": {"running": {}}}]}));
    starting["spec"]["initContainers"] = json!([{}, {}]);
    assert!(row("", "Pod", starting).contains("Status=Init:0/2"));
    // One that stays beside the others is ready with them; restarts of those before the others count until those run.
    let state = |state: Value, restarts: u8| json!({"name": "i", "ready": true, "started": true, "restartCount": restarts, "state": state});
    let beside = |policy: Value, first: Value, phase: &str| {
        let mut pod = pod(json!({"phase": phase, "initContainerStatuses": [first]}));
        pod["spec"]["initContainers"] = json!([{"name": "i", "restartPolicy": policy}]);
        row("", "Pod", pod)
    };
    assert_eq!(beside(json!("Always"), state(json!({"running": {}}), 3), "Running"), "Name=p Ready=1/2 Status=Running Restarts=3 Age=45s");
    assert_eq!(beside(json!(null), state(json!({}), 3), "Pending"), "Name=p Ready=0/1 Status=Init:0/1 Restarts=3 Age=45s");
    let done = state(json!({"terminated": {"exitCode": 0}}), 3);
    assert_eq!(beside(json!(null), done, "Running"), "Name=p Ready=0/1 Status=Running Restarts=0 Age=45s");
    let failed = state(json!({"terminated": {"exitCode": 1, "signal": 9}}), 0);
    assert_eq!(beside(json!(null), failed, "Pending"), "Name=p Ready=0/1 Status=Init:Signal:9 Restarts=0 Age=45s");
    let gated = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]});
    assert!(row("", "Pod", pod(gated)).contains("Status=SchedulingGated"));
    let ended = |ready: &str| {
        json!({"phase": "Running", "conditions": [{"type": "Ready", "status": ready}], "containerStatuses": [
            {"state": {"terminated": {"reason": "Completed", "exitCode": 0}}}, {"ready": true, "state": {"running": {}}}]})
    };
    assert!(row("", "Pod", pod(ended("True"))).contains("Ready=1/1 Status=Running"));
    assert!(row("", "Pod", pod(ended("False"))).contains("Ready=1/1 Status=NotReady"));
}

#[test]
fn a_service() {
    let object = json!({
        "metadata": {"name": "web", "creationTimestamp": "2025-12-20T00:00:00Z"},
        "spec": {"type": "NodePort", "clusterIP": "10.96.0.9", "ports": [{"port": 80, "protocol": "TCP", "nodePort": 30080}, {"port": 53, "protocol": "UDP"}]},
    });
    assert_eq!(
        row("", "Service", object),
        "Name=web Type=NodePort Cluster-IP=10.96.0.9 External-IP=<none> Port(s)=80:30080/TCP,53/UDP Age=12d"
    );
}

#[test]
fn classes_and_the_oldest_controller_have_columns_of_their_own() {
    let created = "2025-12-20T00:00:00Z";
    let object = json!({"kind": "StorageClass", "provisioner": "a", "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate",
        "metadata": {"name": "fast", "creationTimestamp": created, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}});
    assert_eq!(
        row("storage.k8s.io", "StorageClass", object),
        "Name=fast (default) Provisioner=a ReclaimPolicy=Delete VolumeBindingMode=Immediate AllowVolumeExpansion=false Age=12d"
    );
    let object = json!({"metadata": {"name": "high", "creationTimestamp": created}, "value": 5, "preemptionPolicy": "Never"});
    assert_eq!(row("scheduling.k8s.io", "PriorityClass", object), "Name=high Value=5 Global-Default=false Age=12d PreemptionPolicy=Never");
    let object = json!({"metadata": {"name": "web", "creationTimestamp": created},
        "spec": {"controller": "a.b/c", "parameters": {"kind": "Foo", "name": "x", "apiGroup": "a.b"}}});
    assert_eq!(row("networking.k8s.io", "IngressClass", object), "Name=web Controller=a.b/c Parameters=Foo.a.b/x Age=12d");
    let object = json!({"kind": "ReplicationController", "metadata": {"name": "r", "creationTimestamp": created}, "spec": {"replicas": 1,
        "selector": {"a": "b"}, "template": {"spec": {"containers": [{"name": "c", "image": "d"}]}}}});
    assert_eq!(row("", "ReplicationController", object), "Name=r Desired=1 Current=0 Ready=0 Age=12d");
}

#[test]
fn a_custom_resource_has_the_columns_that_its_definition_names() {
    let columns = json!([
        {"name": "Sync", "type": "string", "jsonPath": ".status.sync.status"},
        {"name": "Revision", "type": "string", "jsonPath": ".status.sync.revision", "priority": 10},
        {"name": "Since", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
        {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas"},
    ]);
    let object =
        json!({"metadata": {"name": "demo", "creationTimestamp": "2026-01-01T00:00:00Z"}, "status": {"sync": {"status": "Synced"}}});
    let table = table("argoproj.io", "Application", Some(&columns), &[object], now(), "");
    assert_eq!(table["rows"][0]["cells"], json!(["demo", "Synced", null, "10m", null]));
    assert_eq!(table["columnDefinitions"][2]["priority"], 10);
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
    let plain = super::table("example.com", "Widget", Some(&json!(null)), &[], now(), "None");
    assert_eq!(plain["columnDefinitions"][1]["name"], "Age");
}

#[test]
fn ages_are_as_precise_as_is_of_use() {
    for (seconds, wanted) in [
        (0, "0s"),
        (5, "5s"),
        (119, "119s"),
        (130, "2m10s"),
        (600, "10m"),
        (7200, "120m"),
        (3 * 3600, "3h"),
        (5 * 3600 + 60, "5h1m"),
        (9 * 3600, "9h"),
        (3 * 86400 + 3600, "3d1h"),
        (30 * 86400, "30d"),
        (800 * 86400, "2y70d"),
        (-5, "<invalid>"),
    ] {
        assert_eq!(cells::duration(seconds), wanted, "{seconds}");
    }
}

#[test]
fn every_kind_of_kubernetes_has_a_table() {
    for kind in fiel_schema::Registry::builtin().kinds() {
        let object = json!({"metadata": {"name": "x"}});
        let table = table(kind.group(), kind.kind(), None, &[object], now(), "Object");
        assert_eq!(table["rows"][0]["cells"].as_array().unwrap().len(), table["columnDefinitions"].as_array().unwrap().len());
    }
}

#[test]
fn a_list_of_no_rows_is_nothing_where_little_is_known_of_a_kind() {
    let empty = |group: &str, kind: &str| table(group, kind, None, &[], jiff::Timestamp::UNIX_EPOCH, "None")["rows"].take();
    assert_eq!(empty("rbac.authorization.k8s.io", "Role"), json!(null));
    assert_eq!(empty("", "Pod"), json!([]));
}
