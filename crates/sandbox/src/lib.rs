//! A Kubernetes API in one process: the embedded default of the demo, and the test bed.
//!
//! It answers what kubectl, kube-rs and the agent ask, as Kubernetes 1.36 would. It is no product for production: where it and a real kube-apiserver
//! differ, the sandbox is wrong (`COMPAT.md` lists what it does not do).
//!
//! # A request's way
//! 1. `http` takes the request apart: which path, which form of answer ([`Sandbox::service`] serves it in process, [`serve()`] on a socket); `auth`
//!    says who asks (`401` without a token, when there is one) and whether they may.
//! 2. `request` turns path and query into a target and a verb; `resource` knows what is served, from the table of `fiel-schema` and from the stored
//!    CustomResourceDefinitions; `discovery` and `openapi` tell clients about it.
//! 3. `api` carries it out under one lock: `read` and `watch` look, `write` and `delete` make the new object (patches and server-side apply come from
//!    `fiel-merge`), `strict` looks for fields that a kind does not have, and `commit` ends every write: defaults and canonical form (`canonical`), owners, validation, generation, store.
//! 4. `store` gives the write the next revision and remembers it, as a value or as text (`stored`); the watches of its resource wake up and read on from where they were (`watch`).
//! 5. `listing` puts lists together from the texts of their objects; `table` turns objects into what `kubectl get` prints; `log` reads what containers have written;
//!    `negotiate` chooses between JSON and YAML.
//!
//! What the documents of `openapi` say of Kubernetes' own kinds is data of Kubernetes (`data/openapi.bin`; The Kubernetes Authors, Apache-2.0).
//!
//! The controllers ([`controllers`]) and the node ([`node`]) are ordinary clients of this API: they run beside a real kube-apiserver just as well.
//! Time and chance are handed in ([`Config`]), so a test sees the same cluster every time.
//!
//! ```
//! # async fn example() -> Result<(), kube::Error> {
//! use k8s_openapi::api::core::v1::ConfigMap;
//! let sandbox = fiel_sandbox::Sandbox::new(fiel_sandbox::Config::default());
//! let api: kube::Api<ConfigMap> = kube::Api::namespaced(sandbox.client(), "default");
//! let made = api.create(&Default::default(), &serde_json::from_value(serde_json::json!({"metadata": {"name": "settings"}})).unwrap()).await?;
//! assert!(made.metadata.uid.is_some());
//! # Ok(()) }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(example()).unwrap();
//! ```

mod api;
mod auth;
mod canonical;
mod cause;
pub mod controllers;
mod definition;
mod discovery;
mod duration;
pub mod faults;
mod golang;
mod http;
mod journal;
mod json;
mod kept;
mod labels;
mod listing;
mod log;
mod negotiate;
pub mod node;
mod openapi;
mod place;
mod protobuf;
mod request;
mod resource;
mod schedule;
mod selector;
mod serve;
mod status;
mod store;
mod stored;
mod strict;
mod table;
mod time;
pub mod tls;
mod uses;
mod watch;

use std::sync::{Arc, Mutex, MutexGuard};

use api::Core;
pub use http::{Service, ServiceBody};
pub use serve::serve;

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>;

/// What a sandbox is made with.
#[derive(Clone)]
pub struct Config {
    /// Where the time comes from that is written into objects.
    pub clock: Clock,
    /// Where chance begins: uids and generated names.
    pub seed: u64,
    /// Whether roles decide what users may do; without, everybody may do everything.
    pub rbac: bool,
}

impl Default for Config {
    /// The wall clock, and the same chance every time.
    fn default() -> Self {
        Self { clock: Arc::new(jiff::Timestamp::now), seed: 1, rbac: true }
    }
}

/// A cluster's API. Clones are the same cluster.
#[derive(Clone)]
pub struct Sandbox {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    core: Mutex<Core>,
    logs: Mutex<node::Logs>,
    documents: openapi::serve::Documents,
}

impl Shared {
    /// The state. A panic under the lock would be a bug of ours; what is stored is whole all the same, because it is written last.
    pub(crate) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn logs(&self) -> node::Logs {
        self.logs.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

impl Sandbox {
    /// An empty cluster: the namespaces that every cluster has, and nothing that runs.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self::of(Core::new(config.clock, config.seed, config.rbac))
    }

    /// A cluster that is kept in a folder: what is there is read, and every write is kept before it is answered. A killed process loses nothing;
    /// a machine that loses its power may lose the newest writes. Watches from before must list again.
    ///
    /// # Errors
    /// When the folder cannot be used, another process uses it, or it holds something else.
    pub fn open(config: Config, folder: &std::path::Path) -> std::io::Result<Self> {
        Ok(Self::of(Core::open(config.clock, config.seed, config.rbac, folder)?))
    }

    fn of(core: Core) -> Self {
        Self { shared: Arc::new(Shared { core: Mutex::new(core), logs: Mutex::default(), documents: Default::default() }) }
    }

    /// A client in this process: no socket, no TLS, no token.
    #[must_use]
    pub fn client(&self) -> kube::Client {
        kube::Client::new(self.service(None), "default")
    }

    /// The API as a service. With the administrator's token, every request must bear it or another one that the cluster gave out; without, every
    /// request is the administrator's.
    #[must_use]
    pub fn service(&self, token: Option<String>) -> Service {
        let open = token.is_none();
        if let Some(token) = token {
            self.shared.core().know(token, auth::User::administrator(), None, None);
        }
        Service::new(self.shared.clone(), open)
    }

    /// Whose output `kubectl logs` shows: that of the node which runs beside this cluster ([`node::NodeOptions::logs`]). Without one, logs are empty.
    pub fn set_logs(&self, logs: node::Logs) {
        *self.shared.logs.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = logs;
    }
}
