//! Controllers: what makes a Deployment into Pods, as ordinary clients of the API.
//!
//! Each controller is a pure function: `engine` keeps watch caches, hands a controller the cached world and the name of one object, and carries
//! out the actions that come back. Nothing is polled: an object is looked at again when something that concerns it changes, or when a delay that the
//! controller asked for is over. Since the answers of the engine's own writes go straight into its cache, a controller always sees what it has done.
//!
//! The behaviour is that of Kubernetes 1.36's kube-controller-manager, which these controllers replace: they also run beside a real kube-apiserver.
//!
//! ```no_run
//! # async fn example(client: kube::Client) {
//! use fiel_sandbox::controllers::{Options, run};
//! let clock = std::sync::Arc::new(jiff::Timestamp::now);
//! run(client, Options::everything(), clock, std::future::pending()).await;
//! # }
//! ```

use std::future::Future;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};

use crate::node::{self, NodeOptions};

mod action;
mod aggregation;
mod claim;
mod collector;
mod cronjob;
mod daemonset;
mod deployment;
mod endpoints;
mod engine;
mod event;
mod graph;
mod hash;
mod housekeeping;
mod job;
mod kind;
mod meta;
mod namespace;
mod object;
mod pods;
mod recorder;
mod replicaset;
mod revision;
mod rollout;
mod statefulset;
mod teller;
mod world;

pub(crate) use endpoints::target;
pub(crate) use event::Report;
pub(crate) use kind::Kind;
pub(crate) use object::{Object, is_pod_ready, make, selects_plainly};
pub(crate) use teller::Teller;
pub(crate) use world::{Change, World, watch};

/// The name under which the controllers write, as in a real cluster.
pub(crate) const MANAGER: &str = "kube-controller-manager";

/// Where the controllers take the time from that they write into objects. Delays are tokio's, so that they can be paused in tests.
pub type Clock = Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>;

/// Which controllers run.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Deployment, `ReplicaSet`, `StatefulSet`, `DaemonSet`, Job, `CronJob`.
    pub workloads: bool,
    /// Services: Endpoints and `EndpointSlice`s.
    pub endpoints: bool,
    /// The rules of `ClusterRole`s that are made up of others.
    pub roles: bool,
    /// The contents of a deleted namespace are deleted, then the namespace itself.
    pub namespaces: bool,
    /// Dependents of deleted owners, by `ownerReferences`: background, foreground, orphan.
    pub garbage_collection: bool,
    /// What the controllers and the node do is told in events.
    pub events: bool,
    /// A node that binds Pods and runs them, or plays that it does.
    pub node: Option<NodeOptions>,
}

impl Options {
    /// All controllers, and a simulated node on which every Pod is ready at once.
    #[must_use]
    pub fn everything() -> Self {
        Self { node: Some(NodeOptions::default()), ..Self::without_node() }
    }

    /// All controllers but no node: Pods stay Pending, as with a kube-controller-manager alone.
    #[must_use]
    pub fn without_node() -> Self {
        Self { workloads: true, endpoints: true, roles: true, namespaces: true, garbage_collection: true, events: true, node: None }
    }

    /// Only namespaces and garbage collection: nothing changes but what is being deleted.
    #[must_use]
    pub fn only_deletion() -> Self {
        Self { namespaces: true, garbage_collection: true, ..Self::default() }
    }
}

/// Runs the chosen controllers until `shutdown` is over; then the node's processes, if any, are ended and waited for.
///
/// The API's failures never end it: they are logged, and what failed is tried again with growing delays.
/// Dropping the future ends everything at once; the node's processes are then killed without having been asked to end.
pub async fn run(client: kube::Client, options: Options, clock: Clock, shutdown: impl Future<Output = ()> + Send) {
    let shutdown = shutdown.shared();
    let mut parts: Vec<BoxFuture<'_, ()>> = Vec::new();
    let teller = if options.events {
        let (teller, telling) = teller::teller(client.clone(), clock.clone());
        parts.push(until(telling, shutdown.clone()).boxed());
        teller
    } else {
        Teller::silent(clock.clone())
    };

    let mut controllers: Vec<Box<dyn engine::Controller>> = Vec::new();
    if options.workloads {
        controllers.push(Box::new(deployment::Deployments));
        controllers.push(Box::new(replicaset::ReplicaSets));
        controllers.push(Box::new(statefulset::StatefulSets));
        controllers.push(Box::new(daemonset::DaemonSets));
        controllers.push(Box::new(job::Jobs));
        controllers.push(Box::new(cronjob::CronJobs));
    }
    if options.endpoints {
        controllers.push(Box::new(endpoints::Endpoints));
        controllers.push(Box::new(endpoints::Slices));
    }
    if options.roles {
        controllers.push(Box::new(aggregation::Aggregation));
    }
    if !controllers.is_empty() {
        let engine = engine::run(client.clone(), controllers, clock.clone(), teller.clone());
        parts.push(until(engine, shutdown.clone()).boxed());
    }
    if options.garbage_collection || options.namespaces {
        let keeping = housekeeping::run(client.clone(), options.garbage_collection, options.namespaces, clock.clone());
        parts.push(until(keeping, shutdown.clone()).boxed());
    }
    if let Some(options) = options.node {
        parts.push(node::run(client, options, clock, teller, shutdown.clone()).boxed());
    }
    parts.push(shutdown.boxed());
    join_all(parts).await;
}

/// Drives `work`, which never ends by itself, until `shutdown` is over.
async fn until(work: impl Future<Output = ()>, shutdown: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        () = shutdown => {}
    }
}
