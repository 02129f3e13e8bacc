//! The node with real processes: this very program, started again with a word in its environment, is the server that the Pods run.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use fiel_sandbox::controllers::{Options, run};
use fiel_sandbox::node::{ADDRESS, Images, NodeOptions, PORTS};
use fiel_sandbox::{Config, Sandbox};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Service};
use kube::api::{Api, DeleteParams, ListParams, LogParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SERVE: &str = "FIEL_TEST_SERVE";

/// Not a test: the server in the Pods. Without the word in the environment it does nothing.
#[test]
fn serve_in_a_pod() {
    if std::env::var_os(SERVE).is_none() {
        return;
    }
    let get = |name| std::env::var(name).unwrap_or_default();
    println!("\nserving {}", get("COMMIT"));
    if get("CRASH") == "yes" {
        std::process::exit(3);
    }
    let port: u16 = get("PORT").parse().expect("a port");
    let listener = std::net::TcpListener::bind(("127.0.0.1", port)).expect("a free port");
    if get("TALK") == "yes" {
        // It says one thing, and the last when somebody comes.
        println!("waiting");
        listener.accept().expect("a guest");
        println!("somebody came");
        std::process::exit(0);
    }
    for stream in listener.incoming().flatten() {
        let mut stream = stream;
        let mut request = [0; 1024];
        let body = format!("{} {}", get("COMMIT"), get("MESSAGE"));
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
        if stream.read(&mut request).is_ok() {
            drop(stream.write_all(answer.as_bytes()));
        }
    }
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("an object")
}

/// The body that an address answers with; none when nobody accepts.
async fn get(address: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
}

/// Waits for what other processes do, at most 20 seconds.
async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let waits = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), waits).await.is_ok(), "not in time: {what}");
}

fn deployment(image: &str) -> Deployment {
    read(json!({
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 2,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{
                "name": "web",
                "image": image,
                "args": ["--exact", "serve_in_a_pod", "--nocapture"],
                "ports": [{"name": "http", "containerPort": 8080}],
                "env": [{"name": SERVE, "value": "1"}],
                "envFrom": [{"configMapRef": {"name": "settings"}}],
                "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1},
            }]}},
        },
    }))
}

struct Cluster {
    client: Client,
    sandbox: Sandbox,
    end: tokio::sync::oneshot::Sender<()>,
    work: tokio::task::JoinHandle<()>,
}

fn cluster() -> Cluster {
    let program = std::env::current_exe().expect("this program's path");
    let node = NodeOptions::processes(Images::new().with("test/web", program));
    let sandbox = Sandbox::new(Config::default());
    sandbox.set_logs(node.logs.clone());
    let client = sandbox.client();
    let (end, ended) = tokio::sync::oneshot::channel();
    let options = Options { node: Some(node), ..Options::everything() };
    let shutdown = async { drop(ended.await) };
    let work = tokio::spawn(run(client.clone(), options, Arc::new(jiff::Timestamp::now), shutdown));
    Cluster { client, sandbox, end, work }
}

#[tokio::test]
async fn a_service_answers_over_a_rollout_and_nothing_outlives_the_node() {
    let Cluster { client, end, work, .. } = cluster();
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    let services: Api<Service> = Api::default_namespaced(client.clone());
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
    let made = PostParams::default();
    let service: Service =
        read(json!({"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]}}));
    services.create(&made, &service).await.expect("made");
    deployments.create(&made, &deployment("test/web:v1")).await.expect("made");

    until("the missing ConfigMap is named", || async {
        let pods = pods.list(&ListParams::default()).await.expect("a list").items;
        let waits = |pod: &Pod| {
            let state = pod.status.as_ref()?.container_statuses.as_ref()?.first()?.state.clone()?.waiting?;
            Some((state.reason?, state.message?))
        };
        let expected = ("CreateContainerConfigError".to_owned(), "configmap \"settings\" not found".to_owned());
        pods.iter().any(|pod| waits(pod) == Some(expected.clone()))
    })
    .await;
    maps.create(&made, &read(json!({"metadata": {"name": "settings"}, "data": {"MESSAGE": "hello"}}))).await.expect("made");

    let address = || async { services.get("web").await.ok().and_then(|service| service.annotations().get(ADDRESS).cloned()) };
    until("the address is published", || async { address().await.is_some() }).await;
    let first = address().await.expect("it was there");
    until("the first version answers", || async { get(&first).await.as_deref() == Some("v1 hello") }).await;

    until("both are available", || async {
        deployments.get("web").await.expect("it exists").status.and_then(|status| status.available_replicas) == Some(2)
    })
    .await;
    let second = json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "test/web:v2"}]}}}});
    deployments.patch("web", &PatchParams::default(), &Patch::Strategic(&second)).await.expect("changed");
    until("the second version answers", || async {
        let answer = get(&first).await;
        answer.as_deref() == Some("v2 hello")
    })
    .await;
    until("the rollout is over", || async {
        let status = deployments.get("web").await.expect("it exists").status.unwrap_or_default();
        (status.updated_replicas, status.replicas, status.available_replicas) == (Some(2), Some(2), Some(2))
            && pods.list(&ListParams::default()).await.expect("a list").items.len() == 2
    })
    .await;
    let live = pods.list(&ListParams::default()).await.expect("a list").items;
    let log = pods.logs(&live[0].name_any(), &LogParams::default()).await.expect("it has run here");
    assert!(log.contains("serving v2\n"), "{log}");

    services.delete("web", &DeleteParams::default()).await.expect("deleted");
    until("nobody listens for a Service that is gone", || async { TcpStream::connect(&first).await.is_err() }).await;
    services.create(&made, &service).await.expect("made again");
    until("it has its address again", || async { address().await.as_deref() == Some(first.as_str()) }).await;
    until("it answers", || async { get(&first).await.as_deref() == Some("v2 hello") }).await;

    let ports: std::collections::BTreeMap<String, u16> = serde_json::from_str(&live[0].annotations()[PORTS]).expect("a map of ports");
    let local = format!("127.0.0.1:{}", ports["8080"]);
    assert!(TcpStream::connect(&local).await.is_ok());
    end.send(()).expect("the node runs");
    work.await.expect("it ends");
    assert!(TcpStream::connect(&local).await.is_err(), "the process has ended with the node");
    assert!(TcpStream::connect(&first).await.is_err(), "and so has the proxy");
}

#[tokio::test]
async fn what_crashes_is_restarted_later_and_later_and_what_is_unknown_cannot_be_pulled() {
    let Cluster { client, end, work, .. } = cluster();
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let pod = |name: &str, image: &str| {
        read::<Pod>(json!({"metadata": {"name": name}, "spec": {"containers": [{
            "name": "c", "image": image, "args": ["--exact", "serve_in_a_pod", "--nocapture"],
            "env": [{"name": SERVE, "value": "1"}, {"name": "CRASH", "value": "yes"}],
        }]}}))
    };
    pods.create(&PostParams::default(), &pod("crash", "test/web:v1")).await.expect("made");
    pods.create(&PostParams::default(), &pod("unknown", "test/other:v1")).await.expect("made");
    let state = |name: &'static str| {
        let pods = pods.clone();
        async move { pods.get(name).await.expect("it exists").status.and_then(|status| status.container_statuses?.into_iter().next()) }
    };
    until("it backs off after the first restart", || async {
        state("crash").await.is_some_and(|container| {
            let waits = container.state.and_then(|state| state.waiting).and_then(|waiting| waiting.reason);
            let code = container.last_state.and_then(|state| state.terminated).map(|end| end.exit_code);
            (waits.as_deref(), code, container.restart_count) == (Some("CrashLoopBackOff"), Some(3), 1)
        })
    })
    .await;
    until("its image is unknown", || async {
        let waits = state("unknown").await.and_then(|container| container.state?.waiting?.reason);
        waits.as_deref() == Some("ErrImagePull")
    })
    .await;
    pods.delete("crash", &DeleteParams::default()).await.expect("deleted");
    until("it is gone", || async { pods.get_opt("crash").await.expect("an answer").is_none() }).await;
    end.send(()).expect("the node runs");
    work.await.expect("it ends");
}

fn talker(name: &str) -> Pod {
    read(json!({"metadata": {"name": name}, "spec": {"restartPolicy": "Never", "containers": [{
        "name": "c", "image": "test/web:v1", "args": ["--exact", "serve_in_a_pod", "--nocapture"],
        "ports": [{"containerPort": 8080}], "env": [{"name": SERVE, "value": "1"}, {"name": "TALK", "value": "yes"}],
    }]}}))
}

/// Visits the talker, after which it says its last and ends.
async fn visit(pods: &Api<Pod>, name: &str) {
    until("it waits", || async { pods.logs(name, &LogParams::default()).await.is_ok_and(|log| log.contains("waiting\n")) }).await;
    let pod = pods.get(name).await.expect("it exists");
    let ports: std::collections::BTreeMap<String, u16> = serde_json::from_str(&pod.annotations()[PORTS]).expect("a map of ports");
    TcpStream::connect(("127.0.0.1", ports["8080"])).await.expect("it listens");
}

#[tokio::test]
async fn a_followed_log_goes_on_until_the_container_ends() {
    let Cluster { client, end, work, .. } = cluster();
    let pods: Api<Pod> = Api::default_namespaced(client);
    pods.create(&PostParams::default(), &talker("talker")).await.expect("made");
    let follow = LogParams { follow: true, ..LogParams::default() };
    let mut stream = None;
    until("it runs", || async { pods.log_stream("talker", &follow).await.is_ok() }).await;
    stream.replace(pods.log_stream("talker", &follow).await.expect("a stream"));
    visit(&pods, "talker").await;
    let mut text = String::new();
    let mut stream = stream.expect("it is there");
    let read = futures::AsyncReadExt::read_to_string(&mut stream, &mut text);
    tokio::time::timeout(Duration::from_secs(20), read).await.expect("it ends with the container").expect("a text");
    assert!(text.ends_with("waiting\nsomebody came\n"), "{text}");
    let last = LogParams { tail_lines: Some(1), limit_bytes: Some(8), ..LogParams::default() };
    assert_eq!(pods.logs("talker", &last).await.expect("a text"), "somebody");
    let previous = LogParams { previous: true, ..LogParams::default() };
    let error = pods.logs("talker", &previous).await.expect_err("it ran once").to_string();
    assert!(error.contains("previous terminated container \"c\" in pod \"talker\" not found"), "{error}");
    end.send(()).expect("the node runs");
    work.await.expect("it ends");
}

/// With the kubectl of `KUBEBUILDER_ASSETS`; a real kube-apiserver has no node here to ask, so the kubectl session cannot have this.
#[tokio::test]
async fn kubectl_follows_a_log_to_its_end() {
    let Some(kubectl) = std::env::var_os("KUBEBUILDER_ASSETS").map(|folder| std::path::Path::new(&folder).join("kubectl")) else { return };
    let Cluster { client, sandbox, end, work } = cluster();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = tokio::spawn(fiel_sandbox::serve(sandbox.service(None), listener, None, std::future::pending()));
    let pods: Api<Pod> = Api::default_namespaced(client);
    pods.create(&PostParams::default(), &talker("talker")).await.expect("made");
    until("it runs", || async { pods.logs("talker", &LogParams::default()).await.is_ok() }).await;
    let mut command = tokio::process::Command::new(kubectl);
    command.args(["--server", &url, "--kubeconfig", "/dev/null", "logs", "-f", "talker"]).kill_on_drop(true);
    let (output, ()) = tokio::join!(tokio::time::timeout(Duration::from_secs(20), command.output()), visit(&pods, "talker"));
    let output = output.expect("it ends with the container").expect("kubectl runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.ends_with("waiting\nsomebody came\n"), "{output:?}");
    server.abort();
    end.send(()).expect("the node runs");
    work.await.expect("it ends");
}
