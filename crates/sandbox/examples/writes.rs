//! How many writes a second, of objects of some 3 KB: `writes core|client|wire configmaps|deployments COUNT [THREADS]`, as one line of JSON.
//!
//! So many threads, at first one, make the requests and in process answer them too. `core` asks the API's service in this process, `client` the same through kube's client, `wire` the cluster of `KUBECONFIG`. First COUNT objects are
//! created; then at most 20,000 of them are updated, and as many applied on the server's side. `peak_mib` is this process's.

use std::future::Future;
use std::time::Instant;

use fiel_sandbox::{Config, Sandbox};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::{Value, json};
use tower::Service as _;

/// As in the binary `fiel`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Requests at a time.
const AT_ONCE: usize = 16;
/// The most objects that are changed after they were made.
const CHANGED: usize = 20_000;

/// An object of some 3 KB, of which one value is `version`.
fn object(plural: &str, index: usize, version: &str) -> Value {
    let metadata = json!({"name": format!("object-{index}"), "labels": {"app.kubernetes.io/name": "bench", "version": version}});
    if plural == "configmaps" {
        let data = (0..10).map(|key| (format!("key-{key}"), json!(format!("{index}-{key}-").repeat(280 / 8))));
        return json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data.collect::<serde_json::Map<_, _>>()});
    }
    let env: Vec<Value> = (0..30).map(|n| json!({"name": format!("VARIABLE_{n}"), "value": format!("the value {n} of {index}")})).collect();
    let probe = json!({"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 5});
    let resources = json!({"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}});
    let container = json!({"name": "main", "image": format!("registry.example/app:{version}"), "env": env, "readinessProbe": probe,
        "livenessProbe": probe, "resources": resources, "ports": [{"name": "http", "containerPort": 8080}]});
    let template = json!({"metadata": {"labels": {"app": "bench"}}, "spec": {"containers": [container]}});
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "bench"}}, "template": template}})
}

/// One of the three writes.
#[derive(Clone, Copy)]
enum Write {
    Create,
    Update,
    Apply,
}

fn request(plural: &str, write: Write, index: usize) -> Result<Request<Body>, Error> {
    let version = if plural == "configmaps" { "/api/v1" } else { "/apis/apps/v1" };
    let all = format!("{version}/namespaces/default/{plural}");
    let one = format!("{all}/object-{index}");
    let (method, path, kind, text) = match write {
        Write::Create => (Method::POST, all, "application/json", "1"),
        Write::Update => (Method::PUT, one, "application/json", "2"),
        Write::Apply => (Method::PATCH, one + "?fieldManager=bench&force=true", "application/apply-patch+yaml", "3"),
    };
    let body = Body::from(serde_json::to_vec(&object(plural, index, text))?);
    Ok(Request::builder().method(method).uri(path).header("content-type", kind).header("user-agent", "writes").body(body)?)
}

/// Makes that write to so many objects; writes a second.
async fn rate<F>(
    plural: &str,
    write: Write,
    count: usize,
    send: impl Fn(Request<Body>) -> F + Clone + Send + Sync + 'static,
) -> Result<f64, Error>
where
    F: Future<Output = Result<(), Error>> + Send,
{
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..AT_ONCE {
        let (plural, send) = (plural.to_owned(), send.clone());
        tasks.spawn(async move {
            for index in (task..count).step_by(AT_ONCE) {
                send(request(&plural, write, index)?).await?;
            }
            Ok::<_, Error>(())
        });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    Ok(f64::from(u32::try_from(count)?) / begun.elapsed().as_secs_f64())
}

fn check(status: StatusCode, body: &[u8]) -> Result<(), Error> {
    if status.is_success() { Ok(()) } else { Err(format!("{status}: {}", String::from_utf8_lossy(body)).into()) }
}

/// The most memory that this process had, in MiB; none where the system does not tell.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(f64::from(line.split_whitespace().next()?.parse::<u32>().ok()?) / 1024.0)
}

async fn measure<F>(plural: &str, count: usize, send: impl Fn(Request<Body>) -> F + Clone + Send + Sync + 'static) -> Result<(), Error>
where
    F: Future<Output = Result<(), Error>> + Send,
{
    let create = rate(plural, Write::Create, count, send.clone()).await?;
    let peak_created = peak();
    let update = rate(plural, Write::Update, count.min(CHANGED), send.clone()).await?;
    let apply = rate(plural, Write::Apply, count.min(CHANGED), send.clone()).await?;
    println!(
        "{}",
        json!({"count": count, "create": create, "update": update, "apply": apply, "peak_created_mib": peak_created, "peak_mib": peak()})
    );
    Ok(())
}

fn main() -> Result<(), Error> {
    // The only user of rustls here; an error says that somebody else chose a provider before.
    drop(rustls::crypto::ring::default_provider().install_default());
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (way, plural, count, threads) = match arguments.as_slice() {
        [way, plural, count] => (way, plural, count.parse()?, 1),
        [way, plural, count, threads] => (way, plural, count.parse()?, threads.parse()?),
        _ => return Err("usage: writes core|client|wire configmaps|deployments COUNT [THREADS]".into()),
    };
    let runtime = match threads {
        1 => tokio::runtime::Builder::new_current_thread().enable_all().build()?,
        _ => tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?,
    };
    runtime.block_on(play(way, plural, count))
}

async fn play(way: &str, plural: &str, count: usize) -> Result<(), Error> {
    if way == "core" {
        let service = Sandbox::new(Config::default()).service(None);
        return measure(plural, count, move |request| {
            let mut service = service.clone();
            async move {
                let (head, body) = service.call(request).await?.into_parts();
                check(head.status, &body.collect().await?.to_bytes())
            }
        })
        .await;
    }
    let client = if way == "client" { Sandbox::new(Config::default()).client() } else { kube::Client::try_default().await? };
    measure(plural, count, move |request| {
        let client = client.clone();
        async move {
            let (head, body) = client.send(request).await?.into_parts();
            check(head.status, &body.collect().await?.to_bytes())
        }
    })
    .await
}
