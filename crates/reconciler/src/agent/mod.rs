//! The agent: waits for what happens, and gives every Application that it concerns a turn.
//!
//! Triggers: a change of the Application, a revision in use that moved, a change of a live object that is desired or
//! tracked, a timer. They are coalesced per Application (`queue`); one turn (`turn`) compares, acts and writes the
//! status if it changed. All state is in the cluster: a process that is killed at any moment is continued by the next.

mod cascade;
mod context;
mod gather;
mod healed;
mod index;
mod latest;
mod operation;
mod preview;
mod queue;
mod results;
mod turn;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::live::{Api, Change, Kind, Live, Resource, Scope};
use crate::source::{Credentials, SECRET_TYPE, Sources};
use context::Context;
pub use preview::{Preview, PreviewError};
use queue::{AppName, Queue, Turn};

/// Gives the time of day.
pub type Clock = Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>;

/// What an agent needs to know.
#[derive(Clone)]
pub struct AgentOptions {
    /// The namespace whose Applications are looked after. Default `argocd`.
    pub namespace: String,
    /// The time of day; timers are tokio's.
    pub clock: Clock,
    /// Where desired state comes from.
    pub sources: Arc<dyn Sources>,
    /// How many Applications are worked on at a time. Default 20.
    pub concurrency: usize,
    /// Every Application is looked at again after this time, whatever happened. Default 10 minutes.
    pub resync: Duration,
}

impl AgentOptions {
    /// The defaults, with these sources and the system's clock.
    pub fn new(sources: Arc<dyn Sources>) -> Self {
        AgentOptions {
            namespace: "argocd".to_owned(),
            clock: Arc::new(jiff::Timestamp::now),
            sources,
            concurrency: 20,
            resync: Duration::from_secs(600),
        }
    }
}

/// The agent of one cluster.
pub struct Agent {
    client: kube::Client,
    options: AgentOptions,
}

impl Agent {
    /// An agent that works through `client`; nothing happens before [`Agent::run`].
    pub fn new(client: kube::Client, options: AgentOptions) -> Self {
        Agent { client, options }
    }

    /// Works until `shutdown` is ready. What is under way then is broken off, which is as harmless as a crash:
    /// the next start continues it. Waits for the Application CRD if it is not there yet.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        tokio::select! {
            () = shutdown => tracing::info!("shutting down"),
            () = self.work() => {}
        }
    }

    async fn work(self) {
        let api = Api::new(self.client);
        let (live_changes, mut live_changed) = unbounded_channel::<Change>();
        let (app_changes, mut app_changed) = unbounded_channel::<Change>();
        let live = Live::new(api.clone(), live_changes);
        let resource = applications(&live).await;
        let apps = Arc::new(Kind::new(resource));
        let mut source_changed = self.options.sources.changes();
        let context = Arc::new(Context::new(live, apps.clone(), app_changes.clone(), &self.options));
        // Dropped with everything else when `run` ends: no task outlives the agent.
        let mut watching = JoinSet::new();
        let (scope, watch_api) = (Scope { namespace: self.options.namespace.clone(), ..Scope::default() }, api.clone());
        watching.spawn(async move { apps.run(&watch_api, &scope, &app_changes).await });
        let (secret_changes, mut secret_changed) = unbounded_channel::<Change>();
        let secrets = Arc::new(Kind::new(Arc::new(secrets())));
        let (scope, cache) = (
            Scope { namespace: self.options.namespace.clone(), labels: format!("{SECRET_TYPE} in (repository,repo-creds)") },
            secrets.clone(),
        );
        watching.spawn(async move { cache.run(&api, &scope, &secret_changes).await });
        if let Err(error) = secrets.ready().await {
            tracing::warn!(%error, "repository Secrets cannot be read: repositories are asked without credentials");
        }
        let known = secrets.all();
        context.sources.set_credentials(Credentials::from_secrets(known.iter().map(AsRef::as_ref)));

        let mut queue = Queue::new(self.options.concurrency);
        let mut turns: JoinSet<(AppName, Turn)> = JoinSet::new();
        let mut names: HashMap<tokio::task::Id, AppName> = HashMap::new();
        tracing::info!(namespace = %self.options.namespace, "looking after Applications");
        loop {
            while let Some(name) = queue.start(Instant::now()) {
                let (context, turn_name) = (context.clone(), name.clone());
                let handle = turns.spawn(async move {
                    let turn = turn::run(&context, &turn_name).await;
                    (turn_name, turn)
                });
                names.insert(handle.id(), name);
            }
            let due = queue.next();
            tokio::select! {
                biased;
                Some(change) = app_changed.recv() => {
                    queue.trigger(&change.name);
                }
                Some(change) = live_changed.recv() => {
                    if change.resource.kind == "CustomResourceDefinition" {
                        forget_kind(&context, &change);
                    }
                    for name in context.index().concerned(&change) {
                        queue.trigger(&name);
                    }
                }
                Some(_) = secret_changed.recv() => {
                    let secrets = secrets.all();
                    context.sources.set_credentials(Credentials::from_secrets(secrets.iter().map(AsRef::as_ref)));
                }
                Some(url) = source_changed.recv() => {
                    for name in context.index().of_repository(&url) {
                        queue.trigger(&name);
                    }
                }
                Some(ended) = turns.join_next_with_id(), if !turns.is_empty() => {
                    let (name, turn) = match ended {
                        Ok((id, ended)) => { names.remove(&id); ended }
                        Err(error) => {
                            tracing::error!(%error, "a turn broke off");
                            let Some(name) = names.remove(&error.id()) else { continue };
                            (name, Turn::Failed)
                        }
                    };
                    queue.finish(&name, turn, Instant::now());
                    if context.apps.get(&name).is_none() {
                        queue.remove(&name);
                    }
                    if turns.is_empty() {
                        let index = context.index();
                        context.live.retain(&index.kinds());
                        context.sources.retain(&index.revisions());
                    }
                }
                () = sleep_until(due), if due.is_some() => {}
            }
        }
    }
}

async fn sleep_until(due: Option<Instant>) {
    if let Some(due) = due {
        tokio::time::sleep_until(due).await;
    }
}

/// A definition changed: what was known of its group is asked anew.
fn forget_kind(context: &Context, change: &Change) {
    let object = change.now.as_ref().or(change.before.as_ref());
    let spec = object.map_or(&Value::Null, |o| &o["spec"]);
    let group = spec["group"].as_str().unwrap_or_default();
    for version in spec["versions"].as_array().into_iter().flatten().filter_map(|v| v["name"].as_str()) {
        context.live.discovery.forget(group, version);
    }
}

/// Secrets, which every cluster has.
fn secrets() -> Resource {
    Resource {
        group: String::new(),
        version: "v1".into(),
        kind: "Secret".into(),
        plural: "secrets".into(),
        namespaced: true,
        watchable: true,
    }
}

/// The resource of Applications, waited for.
async fn applications(live: &Live) -> Arc<Resource> {
    let mut told = false;
    loop {
        match live.discovery.find("argoproj.io", "v1alpha1", "Application").await {
            Ok(Some(resource)) => return resource,
            Ok(None) if !told => {
                told = true;
                tracing::warn!("the cluster does not know Applications (argoproj.io/v1alpha1) yet, waiting for the CRD");
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "cannot ask the Kubernetes API, trying again"),
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
