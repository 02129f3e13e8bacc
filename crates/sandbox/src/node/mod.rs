//! A node: binds Pods to itself and runs them, as local processes or in play.
//!
//! An ordinary client of the API, like the controllers. Each Pod has a task of its own (`worker`), each container one within it (`container`);
//! what they report becomes the Pod's status by a pure function (`status`), and what people should hear of it is told beside (`tell`).
//!
//! There are no images and no isolation here: [`Images`] says which local program stands for which image, and a Pod's container is that program as a
//! process of the user who runs the node. Its port is a free one on loopback, handed over in `PORT`; the Pod's annotation `sandbox.fiel.dev/ports`
//! says which (`{"8080":41873}`), and for every Service with a selector `proxy` listens on loopback too, at the address in the Service's annotation
//! `sandbox.fiel.dev/address`.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use futures::StreamExt;
use futures::future::Shared;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::controllers::{Change, Clock, Kind, Object, Teller, World};

mod bind;
mod container;
mod env;
mod guard;
mod image;
mod logs;
mod play;
mod probe;
mod process;
mod proxy;
mod status;
mod tell;
mod worker;

pub use image::Images;
pub use logs::Logs;
pub(crate) use logs::{Line, RunId};
pub use play::{ContainerRef, NotAPlay, Play, Rules};

/// The annotation of a Pod that maps its containers' ports to ports on loopback.
pub const PORTS: &str = "sandbox.fiel.dev/ports";
/// The annotation of a Service that says where on loopback its first port answers; others have `sandbox.fiel.dev/address.NAME`, or `.NUMBER`.
pub const ADDRESS: &str = "sandbox.fiel.dev/address";

/// How a node runs Pods.
#[derive(Debug, Clone)]
pub struct NodeOptions {
    /// The name of the Node object.
    pub name: String,
    /// What running means.
    pub mode: Mode,
    /// Where the output of containers goes; a clone is for [`Sandbox::set_logs`](crate::Sandbox::set_logs).
    pub logs: Logs,
}

impl Default for NodeOptions {
    /// A simulated node on which Pods are ready at once.
    fn default() -> Self {
        Self { name: "sandbox".to_owned(), mode: Mode::Simulated(Rules::default()), logs: Logs::default() }
    }
}

impl NodeOptions {
    /// A node that plays by rules.
    #[must_use]
    pub fn simulated(rules: Rules) -> Self {
        Self { mode: Mode::Simulated(rules), ..Self::default() }
    }

    /// A node that runs the programs of `images` as local processes.
    #[must_use]
    pub fn processes(images: Images) -> Self {
        Self { mode: Mode::Processes(images), ..Self::default() }
    }
}

/// What running a Pod means.
#[derive(Debug, Clone)]
pub enum Mode {
    /// Nothing runs: what containers do is played by rules. Where no rule says otherwise they run and are ready at once, and those of Pods that
    /// are not restarted always (Jobs) end well at once.
    Simulated(Rules),
    /// Images that are known run as local processes; others cannot be pulled.
    Processes(Images),
}

/// What all tasks of a node share.
struct Context {
    client: kube::Client,
    options: NodeOptions,
    clock: Clock,
    teller: Teller,
}

/// What a Pod's task must know.
#[derive(Debug, Clone)]
enum Order {
    /// This is the Pod now.
    Run(Arc<Object>),
    /// The Pod is gone from the API: its containers end now.
    Gone,
    /// The node ends: containers are asked to end, and nothing is written any more.
    Shutdown,
}

/// Runs the node until `shutdown` is over, then ends all containers and waits for them.
pub(crate) async fn run(
    client: kube::Client,
    options: NodeOptions,
    clock: Clock,
    teller: Teller,
    shutdown: Shared<impl Future<Output = ()> + Send>,
) {
    let context = Arc::new(Context { client: client.clone(), options, clock, teller });
    let kinds: &[Kind] = match context.options.mode {
        Mode::Processes(_) => &[Kind::Pod, Kind::Service],
        Mode::Simulated(_) => &[Kind::Pod],
    };
    let mut events = crate::controllers::watch(&client, kinds);
    let mut world = World::default();
    let mut pods = Pods { context: context.clone(), orders: BTreeMap::new(), tasks: JoinSet::new(), next_address: 0 };
    let mut proxy = proxy::Proxy::new(client);
    let mut binding = JoinSet::new();
    binding.spawn(bind::register(context.clone()));
    loop {
        tokio::select! {
            () = shutdown.clone() => break,
            Some((kind, event)) = events.next() => {
                let changes = world.take(kind, event);
                for change in changes.iter().filter(|change| change.kind == Kind::Pod) {
                    if let Some(pod) = bind::unbound(change) {
                        binding.spawn(bind::bind(context.clone(), pod.clone()));
                    }
                    pods.take(change);
                }
                if matches!(context.options.mode, Mode::Processes(_)) {
                    proxy.take(&world, &changes);
                }
            }
            Some(_) = pods.tasks.join_next() => {}
            Some(_) = binding.join_next() => {}
        }
    }
    binding.shutdown().await;
    proxy.close();
    for order in pods.orders.values() {
        order.send_replace(Order::Shutdown);
    }
    while pods.tasks.join_next().await.is_some() {}
}

/// The Pods of this node, each with its task.
struct Pods {
    context: Arc<Context>,
    orders: BTreeMap<String, watch::Sender<Order>>,
    tasks: JoinSet<()>,
    next_address: u16,
}

impl Pods {
    fn take(&mut self, change: &Change) {
        let here = |pod: &&Arc<Object>| pod.at("/spec/nodeName").is_some_and(|node| *node == json!(self.context.options.name));
        if let Some(pod) = change.after.as_ref().filter(here) {
            let uid = pod.metadata.uid.clone().unwrap_or_default();
            if let Some(order) = self.orders.get(&uid) {
                order.send_replace(Order::Run(pod.clone()));
                return;
            }
            if matches!(pod.at("/status/phase").and_then(serde_json::Value::as_str), Some("Succeeded" | "Failed"))
                && pod.metadata.deletion_timestamp.is_none()
            {
                return;
            }
            let (order, orders) = watch::channel(Order::Run(pod.clone()));
            self.orders.insert(uid, order);
            self.next_address = self.next_address.wrapping_add(1).max(1);
            let [high, low] = self.next_address.to_be_bytes();
            self.tasks.spawn(worker::run(self.context.clone(), pod.clone(), orders, format!("10.244.{high}.{low}")));
        } else if let Some(before) = &change.before {
            let uid = before.metadata.uid.clone().unwrap_or_default();
            // A changed Pod that is not here never was: nothing is sent to no one.
            if change.after.is_none()
                && let Some(order) = self.orders.remove(&uid)
            {
                order.send_replace(Order::Gone);
            }
        }
    }
}
