//! The task of one Pod: its containers, its status, its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::container::{Life, Report};
use super::status::{self, Container, Place};
use super::{Context, Mode, Order, PORTS};
use crate::controllers::{Kind, Object};

/// How long processes may take to end when the node ends, before they are killed.
const LAST_GRACE: Duration = Duration::from_secs(5);
const RETRY: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(5));

struct Worker {
    context: Arc<Context>,
    pod: Arc<Object>,
    containers: Vec<Container>,
    ports: BTreeMap<usize, BTreeMap<u16, u16>>,
    place: Place,
    stop: watch::Sender<Option<Duration>>,
}

/// Runs the Pod until it is gone or over.
pub(super) async fn run(context: Arc<Context>, pod: Arc<Object>, mut orders: watch::Receiver<Order>, pod_ip: String) {
    let specs: Vec<Value> = pod.at("/spec/containers").and_then(Value::as_array).cloned().unwrap_or_default();
    // After a restart of the node a Pod keeps its address.
    let pod_ip = pod.at("/status/podIP").and_then(Value::as_str).map_or(pod_ip, str::to_owned);
    let (reports, mut reported) = mpsc::unbounded_channel();
    let (stop, stopped) = watch::channel(None);
    let mut lives = JoinSet::new();
    if pod.metadata.deletion_timestamp.is_none() {
        if matches!(context.options.mode, Mode::Simulated(_)) {
            context.tell_initialized(&pod);
        }
        for (index, spec) in specs.iter().enumerate() {
            let life = Life {
                context: context.clone(),
                pod: pod.clone(),
                index,
                spec: spec.clone(),
                pod_ip: pod_ip.clone(),
                reports: reports.clone(),
                stop: stopped.clone(),
                now: Container::new(),
                ports: BTreeMap::new(),
            };
            lives.spawn(life.run());
        }
    }
    drop((reports, stopped));
    let since = (context.clock)();
    let mut worker = Worker {
        context,
        pod,
        containers: vec![Container::new(); specs.len()],
        ports: BTreeMap::new(),
        place: Place { pod_ip, host_ip: "127.0.0.1".to_owned(), since, evicted: None },
        stop,
    };
    worker.work(&mut orders, &mut reported, &mut lives).await;
    // Whatever the reason, no container outlives its Pod.
    worker.stop.send_if_modified(|stop| stop.is_none() && stop.replace(Duration::ZERO).is_none());
    while lives.join_next().await.is_some() {}
    worker.context.options.logs.forget(worker.pod.metadata.uid.as_deref().unwrap_or_default());
}

impl Worker {
    async fn work(&mut self, orders: &mut watch::Receiver<Order>, reported: &mut mpsc::UnboundedReceiver<Report>, lives: &mut JoinSet<()>) {
        let mut delay = RETRY.0;
        loop {
            // What containers do at once is one change of the status.
            tokio::task::yield_now().await;
            while let Ok(report) = reported.try_recv() {
                self.take(report);
            }
            let order = orders.borrow_and_update().clone();
            match order {
                Order::Run(pod) => self.meet(pod),
                Order::Gone => return self.end(Duration::ZERO),
                Order::Shutdown => return self.end(LAST_GRACE),
            }
            if let Some(grace) = self.pod.metadata.deletion_timestamp.is_some().then(|| self.grace()) {
                self.end(grace);
            }
            let is_last = lives.is_empty() && reported.is_empty() && self.pod.metadata.deletion_timestamp.is_some();
            let written = if is_last { self.delete().await } else { self.write().await };
            let retry = match written {
                // What holds it now is no concern of a node.
                Ok(()) if is_last => return,
                Ok(()) => {
                    delay = RETRY.0;
                    None
                }
                Err(kube::Error::Api(status)) if status.code == 404 => return self.end(Duration::ZERO),
                Err(error) => {
                    tracing::debug!(%error, pod = self.pod.metadata.name, "cannot write the pod, trying again");
                    delay = (delay * 2).min(RETRY.1);
                    Some(delay)
                }
            };
            tokio::select! {
                changed = orders.changed() => if changed.is_err() { return self.end(LAST_GRACE) },
                Some(report) = reported.recv() => self.take(report),
                Some(_) = lives.join_next() => {}
                () = async { if let Some(delay) = retry { tokio::time::sleep(delay).await } else { std::future::pending().await } } => {}
            }
        }
    }

    /// The newest of what the API told and what was written.
    fn meet(&mut self, pod: Arc<Object>) {
        let version = |pod: &Object| pod.metadata.resource_version.as_deref().and_then(|version| version.parse::<u64>().ok());
        if version(&pod).is_none() || version(&pod) > version(&self.pod) {
            self.pod = pod;
        }
    }

    fn take(&mut self, report: Report) {
        if let Some(why) = report.evicted {
            if self.place.evicted.is_none() {
                self.context.tell_evicted(&self.pod, &why);
                self.place.evicted = Some(why);
            }
            self.end(Duration::ZERO);
        }
        self.ports.insert(report.index, report.ports);
        if let Some(container) = self.containers.get_mut(report.index) {
            *container = report.container;
        }
    }

    fn grace(&self) -> Duration {
        let seconds = self.pod.metadata.deletion_grace_period_seconds.unwrap_or(0);
        Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
    }

    /// Tells the containers to end, if nobody has.
    fn end(&self, grace: Duration) {
        self.stop.send_if_modified(|stop| {
            let first = stop.is_none();
            if first {
                *stop = Some(grace);
            }
            first
        });
    }

    /// The last word on a Pod that was being deleted: its containers have ended.
    async fn delete(&mut self) -> Result<(), kube::Error> {
        let metadata = &self.pod.metadata;
        let api = Kind::Pod.api(&self.context.client, metadata.namespace.as_deref().unwrap_or_default());
        let only_this = Preconditions { uid: metadata.uid.clone(), resource_version: None };
        let params = DeleteParams::default().grace_period(0).preconditions(only_this);
        api.delete(metadata.name.as_deref().unwrap_or_default(), &params).await.map(drop)
    }

    /// Writes where the ports are and what the status is, if that is not what the API knows.
    async fn write(&mut self) -> Result<(), kube::Error> {
        let api = Kind::Pod.api(&self.context.client, self.pod.metadata.namespace.as_deref().unwrap_or_default());
        let name = self.pod.metadata.name.clone().unwrap_or_default();
        let params = PatchParams { field_manager: Some("kubelet".to_owned()), ..PatchParams::default() };
        if matches!(self.context.options.mode, Mode::Processes(_)) {
            let ports: BTreeMap<String, u16> = self.ports.values().flatten().map(|(port, local)| (port.to_string(), *local)).collect();
            let text = json!(ports).to_string();
            let live = self.pod.metadata.annotations.as_ref().and_then(|annotations| annotations.get(PORTS));
            if !ports.is_empty() && live != Some(&text) {
                let patch = json!({"metadata": {"uid": self.pod.metadata.uid, "annotations": {PORTS: text}}});
                self.pod = Arc::new(api.patch(&name, &params, &Patch::Merge(patch)).await?);
            }
        }
        let status = status::of(&self.pod, &self.containers, &self.place, (self.context.clock)());
        if self.pod.data.get("status").is_some_and(|live| same(live, &status)) {
            return Ok(());
        }
        let patch = json!({"metadata": {"uid": self.pod.metadata.uid}, "status": status});
        self.pod = Arc::new(api.patch_status(&name, &params, &Patch::Merge(patch)).await?);
        Ok(())
    }
}

/// Whether everything that is wanted is live: an API may leave out what is null, and may know more.
fn same(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => wanted
            .iter()
            .all(|(name, value)| live.get(name).map_or_else(|| value.is_null() || *value == json!({}), |live| same(live, value))),
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len() && live.iter().zip(wanted).all(|(live, wanted)| same(live, wanted))
        }
        _ => live == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_api_leaves_out_is_no_difference() {
        let wanted = json!({"a": [{"x": 1, "none": null, "empty": {}}]});
        assert!(same(&json!({"a": [{"x": 1}], "more": true}), &wanted));
        assert!(!same(&json!({"a": [{"x": 2}]}), &wanted));
        assert!(!same(&json!({"a": []}), &wanted));
    }
}
