//! A cluster, its controllers, repositories and agents.
//!
//! The cluster is a sandbox in this process with simulated time; or, with a kubeconfig in `FIEL_E2E_KUBECONFIG`, a real one in real time
//! (`cargo xtask e2e --on apiserver`), beside which our controllers run all the same.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fiel_reconciler::agent::{Agent, AgentOptions};
use fiel_reconciler::source::Memory;
use fiel_sandbox::faults::Faults;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::client::Body;
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// The repository of every scenario.
pub(crate) const REPO: &str = "memory://repo";

/// How long a real cluster is watched for what must not happen.
const QUIET: Duration = Duration::from_secs(2);

/// Everything a scenario needs.
pub(crate) struct World {
    pub(crate) client: Client,
    pub(crate) sources: Memory,
    clock: Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>,
    controllers: tokio::task::JoinHandle<()>,
}

/// An agent at work; it is killed when dropped.
pub(crate) struct Running {
    task: tokio::task::JoinHandle<()>,
    count: Arc<Count>,
}

/// What an agent did on its connection.
#[derive(Default)]
struct Count {
    calls: AtomicUsize,
    writes: AtomicUsize,
    cut: Notify,
}

/// When an agent's connection is cut, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Never.
    Never,
    /// At this call, which the server does not see.
    Before(usize),
    /// At this call, which the server carries out; the answer is lost.
    After(usize),
}

impl World {
    /// An empty cluster with the CRDs, namespaces `argocd` and `demo`, and controllers.
    pub(crate) async fn new() -> Self {
        Self::made(true).await
    }

    /// The same without events, which cost a tenth of the time and more: for who makes many of them.
    pub(crate) async fn quiet() -> Self {
        Self::made(false).await
    }

    async fn made(events: bool) -> Self {
        let world = match real() {
            Some(kubeconfig) => Self::of(&kubeconfig, events).await,
            None => Self::simulated(events),
        };
        world.furnish().await;
        world
    }

    fn simulated(events: bool) -> Self {
        let start = tokio::time::Instant::now();
        let zero: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
        let clock: Arc<dyn Fn() -> jiff::Timestamp + Send + Sync> =
            Arc::new(move || zero.saturating_add(jiff::SignedDuration::try_from(start.elapsed()).unwrap_or_default()).unwrap_or(zero));
        let sandbox = fiel_sandbox::Sandbox::new(fiel_sandbox::Config { clock: clock.clone(), ..Default::default() });
        let client = sandbox.client();
        World { controllers: controllers(client.clone(), clock.clone(), events), client, sources: Memory::new(), clock }
    }

    /// A real cluster, out of which goes what the scenario before left.
    async fn of(kubeconfig: &Path, events: bool) -> Self {
        let kubeconfig = kube::config::Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &Default::default()).await.expect("a configuration");
        let client = Client::try_from(config).expect("a client");
        let clock = Arc::new(jiff::Timestamp::now);
        let world = World { controllers: controllers(client.clone(), clock.clone(), events), client, sources: Memory::new(), clock };
        for app in world.try_list("argoproj.io/v1alpha1", "Application", "argocd").await.unwrap_or_default() {
            let name = app["metadata"]["name"].as_str().expect("a name");
            world.patch("argoproj.io/v1alpha1", "Application", "argocd", name, json!({"metadata": {"finalizers": null}})).await;
        }
        for name in ["argocd", "demo"] {
            if world.get("v1", "Namespace", "", name).await.is_some() {
                world.delete("v1", "Namespace", "", name).await;
            }
            world.until("the namespace is gone", || async { world.get("v1", "Namespace", "", name).await.is_none() }).await;
        }
        world
    }

    async fn furnish(&self) {
        for crd in fiel_reconciler::application::crds() {
            self.apply(&crd).await;
        }
        for name in ["argocd", "demo"] {
            self.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})).await;
        }
        self.until("the CRDs are served", || async {
            let served = |kind| self.try_list("argoproj.io/v1alpha1", kind, "argocd");
            served("Application").await.is_some() && served("AppProject").await.is_some()
        })
        .await;
        self.apply(&json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "default", "namespace": "argocd"},
            "spec": {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}], "clusterResourceWhitelist": [{"group": "*", "kind": "*"}]}})).await;
    }

    /// Starts an agent. If its connection is cut, it is killed then, and another one is started in its place.
    pub(crate) fn agent(&self, cut: Cut) -> Running {
        let count = Arc::new(Count::default());
        let (client, sources, clock, counter) = (self.client.clone(), self.sources.clone(), self.clock.clone(), count.clone());
        let task = tokio::spawn(async move {
            {
                let first = work(client.clone(), sources.clone(), clock.clone(), counter.clone(), cut);
                tokio::select! {
                    () = first => {}
                    () = counter.cut.notified() => {}
                }
            }
            work(client, sources, clock, counter, Cut::Never).await;
        });
        Running { task, count }
    }

    /// Starts an agent on whose connection things go wrong.
    pub(crate) fn agent_among(&self, faults: &Faults) -> Running {
        let count = Arc::new(Count::default());
        let inner = self.client.clone();
        let service = tower::service_fn(move |request: http::Request<Body>| {
            let inner = inner.clone();
            async move { inner.send(request).await }
        });
        let client = Client::new(faults.over(service), "default");
        let task = tokio::spawn(work(client, self.sources.clone(), self.clock.clone(), count.clone(), Cut::Never));
        Running { task, count }
    }

    fn api(&self, api_version: &str, kind: &str, namespace: &str) -> Api<DynamicObject> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let plural = match kind {
            "NetworkPolicy" => "networkpolicies".to_owned(),
            "CustomResourceDefinition" => "customresourcedefinitions".to_owned(),
            kind => format!("{}s", kind.to_lowercase()),
        };
        let resource =
            ApiResource { group: group.into(), version: version.into(), api_version: api_version.into(), kind: kind.into(), plural };
        if namespace.is_empty() {
            Api::all_with(self.client.clone(), &resource)
        } else {
            Api::namespaced_with(self.client.clone(), namespace, &resource)
        }
    }

    fn api_of(&self, object: &Value) -> Api<DynamicObject> {
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        self.api(&text(&object["apiVersion"]), &text(&object["kind"]), &text(&object["metadata"]["namespace"]))
    }

    /// Server-side apply, as the tester.
    pub(crate) async fn apply(&self, object: &Value) {
        let name = object["metadata"]["name"].as_str().expect("a name");
        self.api_of(object)
            .patch(name, &PatchParams::apply("tester").force(), &Patch::Apply(object))
            .await
            .unwrap_or_else(|e| panic!("{name}: {e}"));
    }

    /// Creates an object as `kubectl apply` on the client's side does.
    pub(crate) async fn client_side_apply(&self, object: &Value) {
        let mut object = object.clone();
        object["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = object.to_string().into();
        let typed: DynamicObject = serde_json::from_value(object.clone()).expect("an object");
        let params = kube::api::PostParams { field_manager: Some("kubectl-client-side-apply".into()), ..Default::default() };
        self.api_of(&object).create(&params, &typed).await.expect("created");
    }

    /// JSON merge patch by hand.
    pub(crate) async fn patch(&self, api_version: &str, kind: &str, namespace: &str, name: &str, patch: Value) {
        let params = PatchParams { field_manager: Some("by-hand".into()), ..Default::default() };
        self.api(api_version, kind, namespace).patch(name, &params, &Patch::Merge(patch)).await.unwrap_or_else(|e| panic!("{name}: {e}"));
    }

    /// Deletes an object.
    pub(crate) async fn delete(&self, api_version: &str, kind: &str, namespace: &str, name: &str) {
        self.api(api_version, kind, namespace)
            .delete(name, &kube::api::DeleteParams::background())
            .await
            .unwrap_or_else(|e| panic!("{name}: {e}"));
    }

    /// An object, if it is there.
    pub(crate) async fn get(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        let found = self.api(api_version, kind, namespace).get_opt(name).await.expect("an answer");
        found.map(|o| serde_json::to_value(o).expect("JSON"))
    }

    async fn try_list(&self, api_version: &str, kind: &str, namespace: &str) -> Option<Vec<Value>> {
        let list = self.api(api_version, kind, namespace).list(&Default::default()).await.ok()?;
        Some(list.items.into_iter().map(|o| serde_json::to_value(o).expect("JSON")).collect())
    }

    /// All objects of a kind in a namespace.
    pub(crate) async fn list(&self, api_version: &str, kind: &str, namespace: &str) -> Vec<Value> {
        self.try_list(api_version, kind, namespace).await.expect("a list")
    }

    /// The Application `demo`.
    pub(crate) async fn app(&self) -> Value {
        self.get("argoproj.io/v1alpha1", "Application", "argocd", "demo").await.unwrap_or_default()
    }

    /// Waits, at most two simulated minutes, until something holds. What does not hold soon is looked at less and less often: to look costs real
    /// time, to wait does not.
    pub(crate) async fn until<F: Future<Output = bool>>(&self, what: &str, holds: impl Fn() -> F) {
        let began = tokio::time::Instant::now();
        let mut pause = Duration::from_millis(2);
        while !holds().await {
            if began.elapsed() > Duration::from_secs(120) {
                panic!("waited in vain until {what}; the Application: {:#}", self.app().await["status"]);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(Duration::from_millis(100));
        }
    }

    /// Waits until the Application is Synced and Healthy at a revision, with no operation under way.
    pub(crate) async fn until_synced(&self, revision: &str) {
        self.until(&format!("demo is synced to {revision}"), || async {
            let app = self.app().await;
            let status = &app["status"];
            status["sync"]["status"] == "Synced"
                && status["sync"]["revision"] == revision
                && status["health"]["status"] == "Healthy"
                && status["operationState"]["phase"] == "Succeeded"
                && app["operation"].is_null()
        })
        .await;
    }

    /// Lets simulated time pass; of real time a little has to do.
    pub(crate) async fn pass(&self, time: Duration) {
        tokio::time::sleep(if real().is_some() { time.min(QUIET) } else { time }).await;
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.controllers.abort();
    }
}

impl Running {
    /// How many calls the agent has made.
    pub(crate) fn calls(&self) -> usize {
        self.count.calls.load(Ordering::SeqCst)
    }

    /// How many of them were writes.
    pub(crate) fn writes(&self) -> usize {
        self.count.writes.load(Ordering::SeqCst)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One life of an agent.
async fn work(client: Client, sources: Memory, clock: Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>, count: Arc<Count>, cut: Cut) {
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let (inner, count) = (client.clone(), count.clone());
        async move {
            let call = count.calls.fetch_add(1, Ordering::SeqCst) + 1;
            if request.method() != http::Method::GET {
                count.writes.fetch_add(1, Ordering::SeqCst);
            }
            let before = matches!(cut, Cut::Before(at) if call >= at);
            let after = matches!(cut, Cut::After(at) if call >= at);
            if after && matches!(cut, Cut::After(at) if call == at) {
                drop(inner.send(request).await);
                count.cut.notify_one();
                return Err(lost());
            }
            if before || after {
                count.cut.notify_one();
                return Err(lost());
            }
            inner.send(request).await.map_err(Into::into)
        }
    });
    let mut options = AgentOptions::new(Arc::new(sources));
    options.clock = clock;
    Agent::new(Client::new(service, "default"), options).run(std::future::pending()).await;
}

fn lost() -> Box<dyn std::error::Error + Send + Sync> {
    "the connection is cut".into()
}

fn controllers(client: Client, clock: Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>, events: bool) -> tokio::task::JoinHandle<()> {
    use fiel_sandbox::controllers::{Options, run};
    let options = Options { events, ..Options::everything() };
    tokio::spawn(run(client, options, clock, std::future::pending()))
}

/// The kubeconfig of a real cluster, if the scenarios play on one.
pub(crate) fn real() -> Option<PathBuf> {
    std::env::var_os("FIEL_E2E_KUBECONFIG").map(PathBuf::from)
}

/// Plays a scenario, on the sandbox with simulated time, and prints how long it really took; as often as `FIEL_E2E_RUNS` says, at first once.
pub(crate) fn play<F: Future<Output = ()>>(name: &str, scenario: impl Fn() -> F) {
    let runs = std::env::var("FIEL_E2E_RUNS").map_or(1, |runs| runs.parse().expect("a number of runs"));
    for _ in 0..runs {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(real().is_none()).build().expect("a runtime");
        let began = Instant::now();
        runtime.block_on(scenario());
        println!("{name}: {:.1} ms", began.elapsed().as_secs_f64() * 1000.0);
    }
}

/// The Application of the demo.
pub(crate) fn application(sync_policy: &Value) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "demo", "namespace": "argocd"},
        "spec": {
            "project": "default",
            "source": {"repoURL": REPO, "path": "overlays/prod", "targetRevision": "HEAD"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "demo"},
            "syncPolicy": sync_policy,
        }
    })
}
