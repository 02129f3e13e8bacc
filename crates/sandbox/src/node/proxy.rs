//! Services on loopback: for each with a selector a listener that leads to its ready Pods, one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use super::{ADDRESS, PORTS};
use crate::controllers::{Change, Kind, Object, World, is_pod_ready, selects_plainly, target};

/// The name under which addresses are written.
const MANAGER: &str = "sandbox-proxy";

/// Namespace, Service, port of the Service.
type Place = (String, String, u16);

/// Where connections go now.
type Backends = Arc<Mutex<Vec<SocketAddr>>>;

/// One port of a Service that is being listened for.
struct Front {
    local: u16,
    backends: Backends,
    listener: AbortHandle,
}

/// All Services of the cluster.
pub(super) struct Proxy {
    client: kube::Client,
    fronts: BTreeMap<Place, Front>,
    /// The port that a Service had, so that it has it again when it is made again.
    remembered: BTreeMap<Place, u16>,
    tasks: JoinSet<()>,
}

impl Proxy {
    pub(super) fn new(client: kube::Client) -> Self {
        Self { client, fronts: BTreeMap::new(), remembered: BTreeMap::new(), tasks: JoinSet::new() }
    }

    /// Ends all connections.
    pub(super) fn close(&mut self) {
        self.fronts.clear();
        self.tasks.abort_all();
    }

    /// Brings the listeners and what they lead to up to date with the Services that the changes touch.
    pub(super) fn take(&mut self, world: &World, changes: &[Change]) {
        while self.tasks.try_join_next().is_some() {}
        let mut touched = BTreeSet::new();
        for change in changes {
            for object in [&change.before, &change.after].into_iter().flatten() {
                let namespace = object.metadata.namespace.clone().unwrap_or_default();
                if change.kind == Kind::Service {
                    touched.insert((namespace, object.metadata.name.clone().unwrap_or_default()));
                } else {
                    let services = world.list(Kind::Service, &namespace);
                    let selecting =
                        services.filter(|service| selects_plainly(service.at("/spec/selector"), object.metadata.labels.as_ref()));
                    touched.extend(selecting.map(|service| (namespace.clone(), service.metadata.name.clone().unwrap_or_default())));
                }
            }
        }
        for (namespace, name) in touched {
            self.refresh(world, &namespace, &name);
        }
    }

    fn refresh(&mut self, world: &World, namespace: &str, name: &str) {
        let service = world.get(Kind::Service, namespace, name).filter(|service| {
            let selector = service.at("/spec/selector").and_then(Value::as_object);
            selector.is_some_and(|selector| !selector.is_empty()) && service.metadata.deletion_timestamp.is_none()
        });
        let ports: Vec<Value> =
            service.and_then(|service| service.at("/spec/ports")).and_then(Value::as_array).cloned().unwrap_or_default();
        let ports: BTreeMap<u16, Value> = ports
            .into_iter()
            .filter(|port| port["protocol"].as_str().unwrap_or("TCP") == "TCP")
            .filter_map(|port| Some((number(&port)?, port)))
            .collect();
        let gone: Vec<Place> = self
            .fronts
            .range((namespace.to_owned(), name.to_owned(), 0)..=(namespace.to_owned(), name.to_owned(), u16::MAX))
            .map(|(place, _)| place.clone())
            .filter(|place| !ports.contains_key(&place.2))
            .collect();
        for place in gone {
            if let Some(front) = self.fronts.remove(&place) {
                front.listener.abort();
            }
        }
        let Some(service) = service.cloned() else { return };
        for (number, port) in &ports {
            let place = (namespace.to_owned(), name.to_owned(), *number);
            let backends = backends(world, &service, port);
            if let Some(front) = self.fronts.get(&place) {
                *front.backends.lock().unwrap_or_else(PoisonError::into_inner) = backends;
                continue;
            }
            match self.open(&place, backends) {
                Ok(front) => {
                    self.remembered.insert(place.clone(), front.local);
                    self.fronts.insert(place, front);
                }
                Err(error) => tracing::warn!(%namespace, service = %name, port = number, %error, "cannot listen for the service"),
            }
        }
        self.publish(&service, namespace, name);
    }

    /// Listens at the port that the Service had before, else at a free one.
    fn open(&mut self, place: &Place, backends: Vec<SocketAddr>) -> std::io::Result<Front> {
        let listener = match self.remembered.get(place).map(|port| listen(*port)) {
            Some(Ok(listener)) => listener,
            _ => listen(0)?,
        };
        let local = listener.local_addr()?.port();
        let backends = Backends::new(Mutex::new(backends));
        let handle = self.tasks.spawn(accept(listener, backends.clone()));
        Ok(Front { local, backends, listener: handle })
    }

    /// Writes the addresses into the Service, if it does not have them.
    fn publish(&mut self, service: &Arc<Object>, namespace: &str, name: &str) {
        let mut annotations = BTreeMap::new();
        let ports = service.at("/spec/ports").and_then(Value::as_array).into_iter().flatten();
        for (index, port) in ports.enumerate() {
            let Some(number) = number(port) else { continue };
            let Some(front) = self.fronts.get(&(namespace.to_owned(), name.to_owned(), number)) else { continue };
            let key = match port["name"].as_str() {
                _ if index == 0 => ADDRESS.to_owned(),
                Some(port_name) => format!("{ADDRESS}.{port_name}"),
                None => format!("{ADDRESS}.{number}"),
            };
            annotations.insert(key, format!("127.0.0.1:{}", front.local));
        }
        let live = service.metadata.annotations.clone().unwrap_or_default();
        if annotations.iter().all(|(key, value)| live.get(key) == Some(value)) {
            return;
        }
        // With the uid: should the Service be gone, it is not made again.
        let patch = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": namespace, "uid": service.metadata.uid, "annotations": annotations},
        });
        let api = Kind::Service.api(&self.client, namespace);
        let name = name.to_owned();
        self.tasks.spawn(async move {
            let written = api.patch(&name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(patch)).await;
            if let Err(error) = written {
                // Gone meanwhile; or the next change of the Service brings another try.
                tracing::debug!(service = %name, %error, "cannot write the service's address");
            }
        });
    }
}

fn number(port: &Value) -> Option<u16> {
    port["port"].as_u64().and_then(|number| u16::try_from(number).ok())
}

/// A listener that is open when this returns: whoever reads the address can connect.
fn listen(port: u16) -> std::io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// The loopback addresses of the ready Pods that a Service's port leads to.
fn backends(world: &World, service: &Object, port: &Value) -> Vec<SocketAddr> {
    let namespace = service.metadata.namespace.as_deref().unwrap_or_default();
    let pods = world.list(Kind::Pod, namespace);
    let ready = pods.filter(|pod| is_pod_ready(pod) && selects_plainly(service.at("/spec/selector"), pod.metadata.labels.as_ref()));
    let local = ready.filter_map(|pod| {
        let ports: BTreeMap<String, u16> = serde_json::from_str(pod.metadata.annotations.as_ref()?.get(PORTS)?).ok()?;
        ports.get(&target(port, pod)?.to_string()).copied()
    });
    local.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))).collect()
}

/// Accepts for ever. Connections end with the listener.
async fn accept(listener: TcpListener, backends: Backends) {
    let turn = AtomicUsize::new(0);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let candidates = backends.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    connections.spawn(lead(stream, candidates, turn.fetch_add(1, Ordering::Relaxed)));
                }
                // Too many open files, most likely: ends of other connections help.
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Leads a connection to the Pod whose turn it is, or to the next that accepts it.
async fn lead(mut stream: TcpStream, candidates: Vec<SocketAddr>, turn: usize) {
    for step in 0..candidates.len() {
        let address = candidates[(turn + step) % candidates.len()];
        if let Ok(mut backend) = TcpStream::connect(address).await {
            // Either side may end it at any time.
            drop(tokio::io::copy_bidirectional(&mut stream, &mut backend).await);
            return;
        }
    }
}
