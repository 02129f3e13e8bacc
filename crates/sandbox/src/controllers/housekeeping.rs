//! The loop that watches the metadata of everything: garbage collection and the end of namespaces.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use futures::stream::{AbortHandle, BoxStream, SelectAll};
use futures::{FutureExt, StreamExt};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{Api, ApiResource};
use kube::core::discovery::{Scope, verbs};
use kube::discovery::Discovery;
use kube::runtime::{WatchStreamExt, watcher};
use tokio::time::Instant;

use super::Clock;
use super::action::is_status;
use super::graph::{Graph, Node, Place, Resource};
use super::meta::Meta;
use super::object::Object;
use super::{collector, namespace};

/// A kind that the API serves.
#[derive(Debug, Clone)]
struct Served {
    resource: ApiResource,
    namespaced: bool,
    deletes_collections: bool,
}

/// The kinds whose objects can be listed, watched and deleted, each in one version.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kinds {
    served: BTreeMap<Resource, Served>,
}

fn resource_of(resource: &ApiResource) -> Resource {
    (resource.group.clone(), resource.version.clone(), resource.plural.clone())
}

impl Kinds {
    /// Asks the API what it serves.
    async fn discover(client: &kube::Client) -> Result<Self, kube::Error> {
        let discovery = match Discovery::new(client.clone()).run_aggregated().await {
            Ok(discovery) => discovery,
            // Servers before 1.27 do not answer it.
            Err(error) => {
                tracing::debug!(%error, "no aggregated discovery, asking group by group");
                Discovery::new(client.clone()).run().await?
            }
        };
        let mut served = BTreeMap::new();
        for (resource, capabilities) in discovery.groups().flat_map(kube::discovery::ApiGroup::recommended_resources) {
            let can = |verb| capabilities.supports_operation(verb);
            // Events would double the traffic, and nothing owns them: they go with their namespace.
            let collected = can(verbs::LIST) && can(verbs::WATCH) && can(verbs::DELETE) && resource.plural != "events";
            if collected || (can(verbs::LIST) && can(verbs::DELETE) && resource.plural == "events" && resource.group.is_empty()) {
                let namespaced = capabilities.scope == Scope::Namespaced;
                let deletes_collections = can(verbs::DELETE_COLLECTION);
                served.insert(resource_of(&resource), Served { resource, namespaced, deletes_collections });
            }
        }
        Ok(Self { served })
    }

    /// The API for the object at this place, if its kind is served.
    pub(crate) fn api(&self, client: &kube::Client, place: &Place) -> Option<Api<Object>> {
        let served = self.served.get(&place.resource)?;
        Some(bind(client, served, &place.namespace))
    }

    /// The API for an owner of an object in `namespace`, whatever version the reference names, if its kind is served.
    pub(crate) fn api_of_owner(&self, client: &kube::Client, owner: &OwnerReference, namespace: &str) -> Option<Api<Object>> {
        let group = owner.api_version.rsplit_once('/').map_or("", |(group, _)| group);
        let served = self.served.values().find(|served| served.resource.group == group && served.resource.kind == owner.kind)?;
        // A cluster-wide object cannot be owned by one in a namespace: there is nowhere to look.
        if served.namespaced && namespace.is_empty() {
            return None;
        }
        Some(bind(client, served, namespace))
    }

    /// The kinds that live in namespaces, and whether they can be deleted all at once.
    pub(crate) fn in_namespaces(&self) -> impl Iterator<Item = (&ApiResource, bool)> {
        self.served.values().filter(|served| served.namespaced).map(|served| (&served.resource, served.deletes_collections))
    }

    pub(crate) fn namespaces(&self) -> Option<ApiResource> {
        self.served.values().find(|served| is_namespaces(&resource_of(&served.resource))).map(|served| served.resource.clone())
    }
}

fn bind(client: &kube::Client, served: &Served, namespace: &str) -> Api<Object> {
    if served.namespaced {
        Api::namespaced_with(client.clone(), namespace, &served.resource)
    } else {
        Api::all_with(client.clone(), &served.resource)
    }
}

fn is_namespaces((group, _, plural): &Resource) -> bool {
    group.is_empty() && plural == "namespaces"
}

fn is_definitions((group, _, plural): &Resource) -> bool {
    group == "apiextensions.k8s.io" && plural == "customresourcedefinitions"
}

/// What one watch tells.
enum News {
    Event(Box<watcher::Event<Meta>>),
    /// The watch failed; it tries again by itself.
    Failed,
}

/// What is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Object(String),
    Namespace(String),
    Discovery,
}

const RETRY: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(15));
/// Definitions mostly change several at a time and several times each: the API is asked once what it serves now.
const SETTLE: Duration = Duration::from_millis(10);

/// Everything that the loop knows.
struct Keeper {
    client: kube::Client,
    collects: bool,
    empties: bool,
    clock: Clock,
    kinds: Kinds,
    graph: Graph,
    watches: SelectAll<BoxStream<'static, (Resource, News)>>,
    handles: BTreeMap<Resource, AbortHandle>,
    /// Kinds whose first list is not complete yet.
    unsynced: BTreeSet<Resource>,
    /// While a watch lists anew: what was known and has not been listed.
    unlisted: BTreeMap<Resource, BTreeSet<String>>,
    queue: VecDeque<Item>,
    queued: BTreeSet<Item>,
    due: BTreeMap<Item, Instant>,
    failures: BTreeMap<Item, u32>,
}

/// Runs for ever.
pub(crate) async fn run(client: kube::Client, collects: bool, empties: bool, clock: Clock) {
    let mut keeper = Keeper {
        client,
        collects,
        empties,
        clock,
        kinds: Kinds::default(),
        graph: Graph::default(),
        watches: SelectAll::new(),
        handles: BTreeMap::new(),
        unsynced: BTreeSet::new(),
        unlisted: BTreeMap::new(),
        queue: VecDeque::from([Item::Discovery]),
        queued: BTreeSet::from([Item::Discovery]),
        due: BTreeMap::new(),
        failures: BTreeMap::new(),
    };
    loop {
        while let Some(Some((resource, news))) = keeper.watches.next().now_or_never() {
            keeper.take(resource, news);
        }
        let now = Instant::now();
        let woken: Vec<Item> = keeper.due.iter().filter(|(_, at)| **at <= now).map(|(item, _)| item.clone()).collect();
        for item in woken {
            keeper.due.remove(&item);
            keeper.push(item);
        }
        if let Some(item) = keeper.pop() {
            keeper.look(item).await;
            tokio::task::yield_now().await;
            continue;
        }
        let next = keeper.due.values().min().copied();
        tokio::select! {
            Some((resource, news)) = keeper.watches.next() => keeper.take(resource, news),
            () = async { if let Some(at) = next { tokio::time::sleep_until(at).await } else { std::future::pending().await } } => {}
        }
    }
}

impl Keeper {
    fn push(&mut self, item: Item) {
        if self.queued.insert(item.clone()) {
            self.queue.push_back(item);
        }
    }

    /// The next item that may be looked at: nothing is decided on while lists are incomplete.
    fn pop(&mut self) -> Option<Item> {
        let item = if self.unsynced.is_empty() {
            self.queue.pop_front()
        } else {
            let index = self.queue.iter().position(|item| *item == Item::Discovery)?;
            self.queue.remove(index)
        }?;
        self.queued.remove(&item);
        Some(item)
    }

    async fn look(&mut self, item: Item) {
        let result = match &item {
            Item::Discovery => self.discover().await.map(|()| true),
            Item::Object(uid) => match collector::carry_out(&self.client, &self.kinds, &mut self.graph, uid).await {
                Ok(true) => {
                    self.push(item.clone());
                    Ok(true)
                }
                other => other.map(|_| true),
            },
            Item::Namespace(name) => namespace::carry_out(&self.client, &self.kinds, name, (self.clock)()).await,
        };
        match result {
            Ok(true) => {
                self.failures.remove(&item);
            }
            outcome => {
                if let Err(error) = &outcome {
                    let moved_on = is_status(error, 409) || is_status(error, 404);
                    if moved_on {
                        tracing::debug!(?item, %error, "the world has moved on, looking again");
                    } else {
                        tracing::warn!(?item, %error, "failed, trying again");
                    }
                }
                let count = self.failures.entry(item.clone()).or_default();
                *count += 1;
                let delay = RETRY.0.saturating_mul(1 << (*count - 1).min(16)).min(RETRY.1);
                self.due.insert(item, Instant::now() + delay);
            }
        }
    }

    /// Watches kinds that are new, forgets those that are gone.
    async fn discover(&mut self) -> Result<(), kube::Error> {
        let found = Kinds::discover(&self.client).await?;
        let gone: Vec<Resource> = self.kinds.served.keys().filter(|resource| !found.served.contains_key(*resource)).cloned().collect();
        let new: Vec<Served> = found
            .served
            .iter()
            .filter(|(resource, _)| !self.kinds.served.contains_key(*resource))
            .map(|(_, served)| served.clone())
            .collect();
        self.kinds = found;
        for served in new.iter().filter(|served| served.resource.plural != "events") {
            let resource = resource_of(&served.resource);
            let api: Api<Meta> = Api::all_with(self.client.clone(), &served.resource);
            let name = resource.clone();
            let events = watcher(api, watcher::Config::default().streaming_lists()).default_backoff();
            let events = events.map(move |event| match event {
                Ok(event) => (name.clone(), News::Event(Box::new(event))),
                Err(error) => {
                    tracing::debug!(resource = ?name, %error, "watch failed, trying again");
                    (name.clone(), News::Failed)
                }
            });
            let (events, handle) = futures::stream::abortable(events);
            self.unsynced.insert(resource.clone());
            self.handles.insert(resource, handle);
            self.watches.push(events.boxed());
        }
        if !gone.is_empty() {
            let uids: Vec<String> =
                self.graph.nodes().filter(|(_, node)| gone.contains(&node.place.resource)).map(|(uid, _)| uid.clone()).collect();
            for uid in uids {
                self.removed(&uid);
            }
            for resource in gone {
                // Its watch would ask for ever.
                if let Some(handle) = self.handles.remove(&resource) {
                    handle.abort();
                }
                self.unsynced.remove(&resource);
                self.unlisted.remove(&resource);
            }
        }
        Ok(())
    }

    fn take(&mut self, resource: Resource, news: News) {
        if !self.kinds.served.contains_key(&resource) {
            return;
        }
        let event = match news {
            News::Event(event) => *event,
            News::Failed => {
                // One kind that cannot be listed must not hold up all others.
                self.unsynced.remove(&resource);
                return;
            }
        };
        match event {
            watcher::Event::Apply(object) => self.known(resource, object),
            watcher::Event::Delete(object) => {
                if is_definitions(&resource) {
                    self.due.entry(Item::Discovery).or_insert_with(|| Instant::now() + SETTLE);
                }
                let namespace = object.metadata.namespace.clone().unwrap_or_default();
                self.removed(&collector::uid_of(&object.metadata));
                self.left(&namespace);
            }
            watcher::Event::Init => {
                let known = self.graph.nodes().filter(|(_, node)| node.place.resource == resource).map(|(uid, _)| uid.clone());
                let known = known.collect();
                self.unlisted.insert(resource, known);
            }
            watcher::Event::InitApply(object) => {
                if let Some(unlisted) = self.unlisted.get_mut(&resource) {
                    unlisted.remove(&collector::uid_of(&object.metadata));
                }
                self.known(resource, object);
            }
            watcher::Event::InitDone => {
                for uid in self.unlisted.remove(&resource).unwrap_or_default() {
                    self.removed(&uid);
                }
                self.unsynced.remove(&resource);
            }
        }
    }

    /// Takes in the newest state of an object.
    fn known(&mut self, resource: Resource, object: Meta) {
        let metadata = object.metadata;
        if is_definitions(&resource) {
            self.due.entry(Item::Discovery).or_insert_with(|| Instant::now() + SETTLE);
        }
        let name = metadata.name.clone().unwrap_or_default();
        if self.empties && is_namespaces(&resource) && metadata.deletion_timestamp.is_some() {
            self.push(Item::Namespace(name.clone()));
        }
        let place = Place { resource, namespace: metadata.namespace.clone().unwrap_or_default(), name };
        let uid = collector::uid_of(&metadata);
        for uid in self.graph.put(&uid, Node::new(place, metadata)) {
            self.queue_object(uid);
        }
    }

    fn removed(&mut self, uid: &str) {
        for uid in self.graph.remove(uid) {
            self.queue_object(uid);
        }
    }

    /// Only what has something to be done costs a place in the queue.
    fn queue_object(&mut self, uid: String) {
        if self.collects && self.graph.decide(&uid) != super::graph::Step::Rest {
            self.push(Item::Object(uid));
        }
    }

    /// Something left a namespace: if that is being deleted and waits, it is looked at again.
    fn left(&mut self, namespace: &str) {
        let item = Item::Namespace(namespace.to_owned());
        if self.due.remove(&item).is_some() {
            self.push(item);
        }
    }
}
