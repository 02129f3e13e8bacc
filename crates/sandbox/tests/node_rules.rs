//! What a simulated node plays by rule, as its Pods tell it, with time that does not pass by itself.

use std::sync::Arc;
use std::time::Duration;

use fiel_sandbox::controllers::{Options, run};
use fiel_sandbox::node::{NodeOptions, Play, Rules};
use fiel_sandbox::{Config, Sandbox};
use k8s_openapi::api::core::v1::{Pod, PodStatus};
use kube::api::{Api, PostParams};
use serde_json::{Value, json};

/// Makes a Pod of one container on a node with these rules, and tells its status after each of these seconds.
async fn statuses(rules: Rules, restart_policy: &str, seconds: &[u64]) -> Vec<Value> {
    let began = tokio::time::Instant::now();
    let clock = Arc::new(move || {
        let passed = jiff::SignedDuration::try_from(began.elapsed()).expect("a short test");
        jiff::Timestamp::from_second(1_800_000_000).expect("a time") + passed
    });
    let client = Sandbox::new(Config { clock: clock.clone(), ..Config::default() }).client();
    let options = Options { node: Some(NodeOptions::simulated(rules)), ..Options::everything() };
    let work = tokio::spawn(run(client.clone(), options, clock, std::future::pending()));
    let pods: Api<Pod> = Api::default_namespaced(client);
    let pod =
        json!({"metadata": {"name": "p"}, "spec": {"restartPolicy": restart_policy, "containers": [{"name": "c", "image": "shop/app:1"}]}});
    pods.create(&PostParams::default(), &serde_json::from_value(pod).expect("a Pod")).await.expect("made");
    let mut out = Vec::new();
    for second in seconds {
        tokio::time::sleep_until(began + Duration::from_secs(*second)).await;
        let status: Option<PodStatus> = pods.get("p").await.expect("it is there").status;
        out.push(serde_json::to_value(status).expect("a status"));
    }
    work.abort();
    out
}

fn waits(status: &Value) -> &str {
    status["containerStatuses"][0]["state"]["waiting"]["reason"].as_str().unwrap_or_default()
}

fn condition<'a>(status: &'a Value, kind: &str) -> &'a Value {
    let all = status["conditions"].as_array().expect("conditions");
    all.iter().find(|condition| condition["type"] == kind).unwrap_or(&Value::Null)
}

#[tokio::test(start_paused = true)]
async fn a_container_that_ends_is_restarted_at_once_and_then_after_growing_delays() {
    let rules = Rules::new().image("shop/app", Play::new().ends_after(Duration::from_secs(1), 3));
    // It ends at 1, 2 (after the first restart), 13 (after 10 s), 34 (20 s), 75 (40 s), 156 (80 s), 317 (160 s), 618 (300 s).
    let all = statuses(rules, "Always", &[5, 15, 36, 80, 160, 320, 620]).await;
    let of = |status: &Value| {
        let container = &status["containerStatuses"][0];
        (waits(status).to_owned(), container["restartCount"].as_u64().expect("a count"), container["state"]["waiting"]["message"].clone())
    };
    let delays = ["10s", "20s", "40s", "1m20s", "2m40s", "5m0s", "5m0s"];
    for (at, (status, delay)) in all.iter().zip(delays).enumerate() {
        let (reason, restarts, message) = of(status);
        assert_eq!((reason.as_str(), restarts), ("CrashLoopBackOff", at as u64 + 1), "{status:#}");
        let message = message.as_str().expect("a message").to_owned();
        assert!(message.starts_with(&format!("back-off {delay} restarting failed container=c pod=p_default(")), "{message}");
    }
    let last = &all[6];
    assert_eq!(last["phase"], "Running");
    let ended = &last["containerStatuses"][0]["lastState"]["terminated"];
    assert_eq!((&ended["exitCode"], &ended["reason"]), (&json!(3), &json!("Error")));
    assert_eq!(condition(last, "Ready")["reason"], "ContainersNotReady");
}

#[tokio::test(start_paused = true)]
async fn a_job_like_pod_fails_for_good() {
    let rules = Rules::new().pod("p", Play::new().ends_after(Duration::from_secs(10), 2));
    let all = statuses(rules, "Never", &[5, 11]).await;
    assert_eq!((&all[0]["phase"], &condition(&all[0], "Ready")["status"]), (&json!("Running"), &json!("True")));
    assert_eq!(all[1]["phase"], "Failed");
    assert_eq!(all[1]["containerStatuses"][0]["state"]["terminated"]["exitCode"], 2);
    assert_eq!(condition(&all[1], "Ready")["reason"], "PodFailed");
}

#[tokio::test(start_paused = true)]
async fn an_image_that_cannot_be_pulled_keeps_a_pod_pending_until_it_can() {
    let all = statuses(Rules::new().any(Play::new().pulled_after(2)), "Always", &[5, 15, 25, 45, 65]).await;
    let reasons: Vec<&str> = all.iter().map(waits).collect();
    assert_eq!(reasons, ["ErrImagePull", "ImagePullBackOff", "ErrImagePull", "ImagePullBackOff", ""]);
    assert_eq!((&all[3]["phase"], &all[3]["containerStatuses"][0]["imageID"]), (&json!("Pending"), &json!("")));
    let message = all[1]["containerStatuses"][0]["state"]["waiting"]["message"].as_str().expect("a message");
    assert!(message.starts_with("Back-off pulling image \"shop/app:1\": ErrImagePull: failed to pull"), "{message}");
    assert_eq!((&all[4]["phase"], &condition(&all[4], "Ready")["status"]), (&json!("Running"), &json!("True")));
    let never = statuses(Rules::new().any(Play::new().unpullable()), "Never", &[3600]).await;
    assert_eq!(never[0]["phase"], "Pending");
}

#[tokio::test(start_paused = true)]
async fn a_pod_runs_before_it_is_ready() {
    let all = statuses(Rules::new().any(Play::new().ready_after(Duration::from_secs(20))), "Always", &[10, 21]).await;
    let ready = |status: &Value| condition(status, "Ready")["status"].clone();
    assert_eq!((&all[0]["phase"], ready(&all[0])), (&json!("Running"), json!("False")));
    assert_eq!((&all[1]["phase"], ready(&all[1])), (&json!("Running"), json!("True")));
}

#[tokio::test(start_paused = true)]
async fn an_evicted_pod_has_failed_and_says_why() {
    let all = statuses(Rules::new().any(Play::new().evicted_after(Duration::from_secs(30))), "Always", &[20, 31, 4000]).await;
    assert_eq!(all[0]["phase"], "Running");
    for status in &all[1..] {
        assert_eq!((&status["phase"], &status["reason"]), (&json!("Failed"), &json!("Evicted")));
        assert_eq!(status["message"], "The node was low on resource: memory. ");
        assert_eq!(condition(status, "DisruptionTarget")["reason"], "TerminationByKubelet");
        assert_eq!(condition(status, "Ready")["reason"], "PodFailed");
        assert_eq!(status["containerStatuses"][0]["state"]["terminated"]["exitCode"], 137);
    }
}
