//! What the controllers and the simulated node tell people, as events, with time that does not pass by itself.

use std::time::Duration;

use fiel_sandbox::controllers::{Options, run};
use fiel_sandbox::node::{NodeOptions, Play, Rules};
use fiel_sandbox::{Config, Sandbox};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

/// A cluster whose clock is that of the paused runtime.
fn cluster(rules: Rules) -> Client {
    let began = tokio::time::Instant::now();
    let clock = std::sync::Arc::new(move || {
        let passed = began.elapsed();
        jiff::Timestamp::from_second(1_800_000_000).expect("a time") + jiff::SignedDuration::try_from(passed).expect("a short test")
    });
    let client = Sandbox::new(Config { clock: clock.clone(), ..Config::default() }).client();
    let options = Options { node: Some(NodeOptions::simulated(rules)), ..Options::everything() };
    drop(tokio::spawn(run(client.clone(), options, clock, std::future::pending())));
    client
}

fn api(client: &Client, api_version: &str, kind: &str) -> Api<DynamicObject> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let plural = format!("{}s", kind.to_lowercase());
    let resource = ApiResource { group: group.into(), version: version.into(), api_version: api_version.into(), kind: kind.into(), plural };
    Api::default_namespaced_with(client.clone(), &resource)
}

async fn create(client: &Client, object: Value) {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let api = api(client, &text(&object["apiVersion"]), &text(&object["kind"]));
    api.create(&PostParams::default(), &serde_json::from_value(object).expect("an object")).await.expect("made");
}

async fn change(client: &Client, api_version: &str, kind: &str, name: &str, patch: Value) {
    api(client, api_version, kind).patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.expect("changed");
}

fn template(labels: &Value, more: &Value) -> Value {
    let mut spec = json!({"containers": [{"name": "c", "image": "i:1"}]});
    for (field, value) in more.as_object().into_iter().flatten() {
        spec[field] = value.clone();
    }
    json!({"metadata": {"labels": labels}, "spec": spec})
}

fn workload(kind: &str, name: &str, replicas: u32, more: &Value) -> Value {
    let labels = json!({"app": name});
    let mut spec = json!({"replicas": replicas, "selector": {"matchLabels": labels}, "template": template(&labels, more)});
    if kind == "StatefulSet" {
        spec["serviceName"] = name.into();
        spec["volumeClaimTemplates"] = json!([{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]);
    }
    if kind == "DaemonSet" {
        spec.as_object_mut().expect("fields").remove("replicas");
    }
    json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// The events about objects of a kind whose names begin like that, the eldest first.
async fn events(client: &Client, kind: &str, name: &str) -> Vec<Value> {
    let events: Api<DynamicObject> = api(client, "v1", "Event");
    let list = events.list(&ListParams::default().fields(&format!("involvedObject.kind={kind}"))).await.expect("a list");
    let mut all: Vec<Value> = list.items.into_iter().map(|event| serde_json::to_value(event).expect("JSON")).collect();
    all.retain(|event| event["involvedObject"]["name"].as_str().is_some_and(|of| of.starts_with(name)));
    let born = |event: &Value| {
        let (_, nanos) = event["metadata"]["name"].as_str().expect("a name").rsplit_once('.').expect("a time").to_owned();
        i128::from_str_radix(nanos, 16).expect("a number")
    };
    all.sort_by_key(born);
    all
}

/// The same as lines: type, reason, how often, by whom, message; generated parts of names are left out.
async fn told(client: &Client, kind: &str, name: &str) -> Vec<String> {
    let line = |event: &Value| {
        let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
        let words: Vec<String> = text("message").split(' ').map(|word| unnamed(word, name)).collect();
        let count = event["count"].as_i64().filter(|count| *count > 1).map(|count| format!(" x{count}")).unwrap_or_default();
        format!("{} {}{count} {}: {}", text("type"), text("reason"), text("reportingComponent"), words.join(" "))
    };
    events(client, kind, name).await.iter().map(line).collect()
}

/// `web-5d8f7b-x2v4q` becomes `web-…`; numbered names stay.
fn unnamed(word: &str, name: &str) -> String {
    let generated = |rest: &str| rest.chars().any(|c| c.is_ascii_alphabetic());
    match word.split_once(&format!("{name}-")) {
        Some((before, rest)) if generated(rest) => format!("{before}{name}-…{}", if rest.ends_with('"') { "\"" } else { "" }),
        _ => word.to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_tells_how_it_scales() {
    let client = cluster(Rules::new());
    create(&client, workload("Deployment", "web", 2, &json!({}))).await;
    pass(5).await;
    change(&client, "apps/v1", "Deployment", "web", json!({"spec": {"replicas": 3}})).await;
    pass(5).await;
    change(&client, "apps/v1", "Deployment", "web", json!({"spec": {"replicas": 1}})).await;
    pass(5).await;
    change(
        &client,
        "apps/v1",
        "Deployment",
        "web",
        json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i:2"}]}}}}),
    )
    .await;
    pass(5).await;
    let scaled = |words: &str| format!("Normal ScalingReplicaSet deployment-controller: Scaled {words}");
    assert_eq!(
        told(&client, "Deployment", "web").await,
        [
            "up replica set web-… from 0 to 2",
            "up replica set web-… from 2 to 3",
            "down replica set web-… from 3 to 1",
            "up replica set web-… from 0 to 1",
            "down replica set web-… from 1 to 0",
        ]
        .map(scaled)
    );
    let mut sets = told(&client, "ReplicaSet", "web").await;
    sets.sort();
    let made = "Normal SuccessfulCreate replicaset-controller: Created pod: web-…";
    let deleted = "Normal SuccessfulDelete replicaset-controller: Deleted pod: web-…";
    assert_eq!(sets, [[made; 4].as_slice(), &[deleted; 3]].concat());
}

#[tokio::test(start_paused = true)]
async fn a_pod_tells_of_its_life() {
    let client = cluster(Rules::new());
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {
        "initContainers": [{"name": "first", "image": "i:1"}],
        "containers": [{"name": "c", "image": "i:1"}, {"name": "d", "image": "i"}]}});
    create(&client, pod.clone()).await;
    pass(5).await;
    api(&client, "v1", "Pod").delete("p", &Default::default()).await.expect("deleted");
    pass(5).await;
    let present = "Normal Pulled kubelet: Container image \"i:1\" already present on machine and can be accessed by the pod";
    let begun = ["Normal Created kubelet: Container created", "Normal Started kubelet: Container started"];
    let pulled = "Normal Pulled kubelet: Successfully pulled image \"i\" in 0s (0s including waiting). Image size: 0 bytes.";
    let kill = |container: &str| format!("Normal Killing kubelet: Stopping container {container}");
    let all = events(&client, "Pod", "p").await;
    let lines = told(&client, "Pod", "p").await;
    let of = |part: &str| -> Vec<String> {
        let about = |event: &Value| event["involvedObject"]["fieldPath"].as_str().unwrap_or_default() == part;
        all.iter().zip(&lines).filter(|(event, _)| about(event)).map(|(_, line)| line.clone()).collect()
    };
    assert_eq!(of(""), ["Normal Scheduled default-scheduler: Successfully assigned default/p to sandbox"]);
    assert_eq!(of("spec.initContainers{first}"), [present, begun[0], begun[1]]);
    assert_eq!(of("spec.containers{c}"), [present, begun[0], begun[1], &kill("c")]);
    assert_eq!(of("spec.containers{d}"), ["Normal Pulling kubelet: Pulling image \"i\"", pulled, begun[0], begun[1], &kill("d")]);
    assert!(
        all.iter().all(|event| event["metadata"]["managedFields"][0]["manager"]
            == if event["source"] == json!({}) { "kube-scheduler" } else { "kubelet" })
    );

    pod["metadata"]["name"] = "q".into();
    pod["spec"]["schedulerName"] = "somebody-else".into();
    create(&client, pod).await;
    pass(5).await;
    assert_eq!(told(&client, "Pod", "q").await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_goes_wrong_with_a_container_is_told() {
    let rules = Rules::new().pod("pull", Play::new().pulled_after(2)).pod("crash", Play::new().ends_after(Duration::from_secs(1), 1));
    let client = cluster(rules);
    for name in ["pull", "crash"] {
        let spec = json!({"containers": [{"name": "c", "image": "i:1"}]});
        create(&client, json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})).await;
    }
    pass(70).await;
    let failed = "failed to pull and unpack image \"i:1\": not found";
    assert_eq!(
        told(&client, "Pod", "pull").await[1..],
        [
            "Normal Pulling x3 kubelet: Pulling image \"i:1\"".to_owned(),
            format!("Warning Failed x2 kubelet: Failed to pull image \"i:1\": {failed}"),
            "Warning Failed x2 kubelet: Error: ErrImagePull".to_owned(),
            "Normal BackOff x2 kubelet: Back-off pulling image \"i:1\"".to_owned(),
            "Warning Failed x2 kubelet: Error: ImagePullBackOff".to_owned(),
            "Normal Pulled kubelet: Successfully pulled image \"i:1\" in 0s (0s including waiting). Image size: 0 bytes.".to_owned(),
            "Normal Created kubelet: Container created".to_owned(),
            "Normal Started kubelet: Container started".to_owned(),
        ]
    );
    let uid = api(&client, "v1", "Pod").get("crash").await.expect("there").metadata.uid.expect("a uid");
    let crash = told(&client, "Pod", "crash").await;
    assert!(crash.contains(&"Normal Started x4 kubelet: Container started".to_owned()), "{crash:#?}");
    let back_off = format!("Warning BackOff x3 kubelet: Back-off restarting failed container c in pod crash_default({uid})");
    assert!(crash.contains(&back_off), "{crash:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_was_evicted_is_told_of_and_replaced() {
    let evicted = std::sync::atomic::AtomicBool::new(false);
    let first = move || !evicted.swap(true, std::sync::atomic::Ordering::SeqCst);
    let client = cluster(Rules::new().by(move |_| first().then(|| Play::new().evicted_after(Duration::from_secs(2)))));
    create(&client, workload("DaemonSet", "log", 0, &json!({}))).await;
    pass(10).await;
    assert_eq!(
        told(&client, "DaemonSet", "log").await,
        [
            "Normal SuccessfulCreate daemonset-controller: Created pod: log-…",
            "Warning FailedDaemonPod daemonset-controller: Found failed daemon pod default/log-… on node sandbox, will try to kill it",
            "Normal SuccessfulDelete daemonset-controller: Deleted pod: log-…",
            "Normal SuccessfulCreate daemonset-controller: Created pod: log-…",
        ]
    );
    let pods = told(&client, "Pod", "log").await;
    assert!(pods.contains(&"Warning Evicted kubelet: The node was low on resource: memory. ".to_owned()), "{pods:#?}");
    assert_eq!(
        told(&client, "Node", "sandbox").await,
        [
            "Normal Starting kubelet: Starting kubelet.",
            "Normal NodeHasSufficientMemory kubelet: Node sandbox status is now: NodeHasSufficientMemory",
            "Normal NodeHasNoDiskPressure kubelet: Node sandbox status is now: NodeHasNoDiskPressure",
            "Normal NodeHasSufficientPID kubelet: Node sandbox status is now: NodeHasSufficientPID",
            "Normal NodeReady kubelet: Node sandbox status is now: NodeReady",
            "Normal RegisteredNode node-controller: Node sandbox event: Registered Node sandbox in Controller",
            "Warning EvictionThresholdMet kubelet: Attempting to reclaim memory",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_stateful_set_tells_in_words_of_its_own() {
    let client = cluster(Rules::new());
    create(&client, workload("StatefulSet", "db", 2, &json!({}))).await;
    pass(5).await;
    change(&client, "apps/v1", "StatefulSet", "db", json!({"spec": {"replicas": 1}})).await;
    pass(5).await;
    let made = |words: &str| format!("Normal SuccessfulCreate statefulset-controller: Create {words}");
    assert_eq!(
        told(&client, "StatefulSet", "db").await,
        [
            made("Claim data-db-0 Pod db-0 in StatefulSet db success"),
            made("Pod db-0 in StatefulSet db successful"),
            made("Claim data-db-1 Pod db-1 in StatefulSet db success"),
            made("Pod db-1 in StatefulSet db successful"),
            "Normal SuccessfulDelete statefulset-controller: Delete Pod db-1 in StatefulSet db successful".to_owned(),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_job_tells_what_became_of_it() {
    let client = cluster(Rules::new().image("bad", Play::new().ends_after(Duration::ZERO, 1)));
    let job = |name: &str, image: &str, spec: Value| {
        let mut job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec});
        job["spec"]["template"] = json!({"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": image}]}});
        job
    };
    create(&client, job("good", "i:1", json!({"suspend": true}))).await;
    create(&client, job("fails", "bad", json!({"backoffLimit": 0}))).await;
    create(&client, job("hangs", "sleep", json!({"activeDeadlineSeconds": 7, "parallelism": 0}))).await;
    pass(5).await;
    change(&client, "batch/v1", "Job", "good", json!({"spec": {"suspend": false}})).await;
    pass(5).await;
    let made = |name: &str| format!("Normal SuccessfulCreate job-controller: Created pod: {name}-…");
    let normal = |words: &str| format!("Normal {words}");
    assert_eq!(
        told(&client, "Job", "good").await,
        [
            normal("Suspended job-controller: Job suspended"),
            normal("Resumed job-controller: Job resumed"),
            made("good"),
            normal("Completed job-controller: Job completed"),
        ]
    );
    let failed = "Warning BackoffLimitExceeded job-controller: Job has reached the specified backoff limit".to_owned();
    assert_eq!(told(&client, "Job", "fails").await, [made("fails"), failed]);
    let late = "Warning DeadlineExceeded job-controller: Job was active longer than specified deadline".to_owned();
    assert_eq!(told(&client, "Job", "hangs").await, [late]);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_told() {
    let client = cluster(Rules::new());
    create(&client, workload("Deployment", "web", 1, &json!({"priorityClassName": "none"}))).await;
    create(&client, workload("StatefulSet", "db", 1, &json!({"priorityClassName": "none"}))).await;
    pass(5).await;
    let refusal = |pod: &str| format!("pods \"{pod}\" is forbidden: no PriorityClass with name none was found");
    let sets = told(&client, "ReplicaSet", "web").await;
    assert_eq!(sets.len(), 1, "the same again is counted: {sets:#?}");
    assert!(sets[0].starts_with("Warning FailedCreate x"), "{sets:#?}");
    assert!(sets[0].ends_with(&format!("replicaset-controller: Error creating: {}", refusal("web-…"))), "{sets:#?}");
    let sets = told(&client, "StatefulSet", "db").await;
    let words = format!("statefulset-controller: Create Pod db-0 in StatefulSet db failed error: {}", refusal("db-0"));
    assert!(sets.iter().any(|line| line.starts_with("Warning FailedCreate x") && line.ends_with(&words)), "{sets:#?}");
}

#[tokio::test(start_paused = true)]
async fn events_live_for_an_hour_after_the_last_time() {
    let client = cluster(Rules::new().pod("crash", Play::new().ends_after(Duration::from_secs(60), 1)));
    create(&client, workload("Deployment", "web", 1, &json!({}))).await;
    create(
        &client,
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "crash"}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}),
    )
    .await;
    pass(3590).await;
    assert_eq!(told(&client, "Deployment", "web").await.len(), 1);
    let events: Api<DynamicObject> = api(&client, "v1", "Event");
    let before = events.list(&ListParams::default()).await.expect("a list");
    pass(20).await;
    assert_eq!(told(&client, "Deployment", "web").await, Vec::<String>::new());
    let crash = told(&client, "Pod", "crash").await;
    assert!(crash.iter().any(|line| line.starts_with("Warning BackOff x")), "told again within the hour: {crash:#?}");
    assert!(!crash.iter().any(|line| line.contains("Scheduled")), "told once: {crash:#?}");
    // Whoever watches is told that they are gone.
    let version = before.metadata.resource_version.expect("a version");
    let watch = events.watch(&Default::default(), &version).await.expect("a watch");
    let mut watch = std::pin::pin!(watch);
    let first = futures::StreamExt::next(&mut watch).await.expect("news").expect("no error");
    assert!(matches!(first, kube::core::WatchEvent::Deleted(_)), "{first:?}");
}
