//! Deployments: a `ReplicaSet` for each revision of the template, and rollouts from one to the next.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Map, Value, json};

use super::action::{Action, Outcome};
use super::claim::{claim, owners};
use super::engine::{Controller, Decision};
use super::event::Report;
use super::hash;
use super::kind::Kind;
use super::object::{
    Labels, Object, annotation, condition, controller, created, flag, is_deleting, key, make, name, namespace, number, owner_reference,
    status_patch, uid,
};
use super::rollout::{self, Limits, Revision};
use super::world::{Name, World};
use crate::time;

/// The label that keeps the Pods of two revisions apart.
pub(super) const HASH: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAXIMUM: &str = "deployment.kubernetes.io/max-replicas";
/// What a `ReplicaSet` does not take over from the annotations of its Deployment.
const OWN: [&str; 6] =
    [REVISION, HISTORY, DESIRED, MAXIMUM, "kubectl.kubernetes.io/last-applied-configuration", "deprecated.deployment.rollback.to"];

/// Who tells it.
const SOURCE: &str = "deployment-controller";

/// The controller of Deployments.
pub(crate) struct Deployments;

impl Controller for Deployments {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Deployment, Kind::ReplicaSet, Kind::Pod]
    }

    fn touched(&self, world: &World, kind: Kind, object: &Object) -> Vec<Name> {
        match kind {
            Kind::Deployment => vec![key(object)],
            Kind::ReplicaSet => owners(world, Kind::Deployment, object),
            // Recreate waits for the last old Pod to be gone.
            _ => {
                let set = controller(object).filter(|manager| manager.kind == Kind::ReplicaSet.name());
                let set = set.and_then(|manager| world.get(Kind::ReplicaSet, namespace(object), &manager.name));
                set.map(|set| owners(world, Kind::Deployment, set)).unwrap_or_default()
            }
        }
    }

    fn decide(&self, world: &World, (namespace, name): &Name, now: Timestamp) -> Decision {
        let Some(deployment) = world.get(Kind::Deployment, namespace, name) else { return Decision::default() };
        let claimed = claim(world, Kind::Deployment, deployment, Kind::ReplicaSet);
        if !claimed.actions.is_empty() {
            return claimed.actions.into();
        }
        let rollout = Rollout::of(world, deployment, claimed.owned);
        let step = if is_deleting(deployment) { Vec::new() } else { rollout.step() };
        if step.is_empty() { rollout.settle(now) } else { step.into() }
    }

    fn report(&self, world: &World, (namespace, name): &Name, action: &Action, answer: Result<&Outcome, &str>) -> Vec<Report> {
        let deployment = world.get(Kind::Deployment, namespace, name);
        deployment.and_then(|deployment| told(world, deployment, action, answer)).into_iter().collect()
    }
}

/// What there is to tell of a `ReplicaSet` that was made or scaled, or could not be made.
fn told(world: &World, deployment: &Object, action: &Action, answer: Result<&Outcome, &str>) -> Option<Report> {
    let scaled = |set: &str, from: i64, to: i64| {
        let way = if to > from { "up" } else { "down" };
        let message = format!("Scaled {way} replica set {set} from {from} to {to}");
        (from != to).then(|| Report::normal(SOURCE, Kind::Deployment, deployment, "ScalingReplicaSet", message))
    };
    match (action, answer) {
        (Action::Create(Kind::ReplicaSet, set), Ok(_)) => scaled(name(set), 0, sizes(set).wanted),
        (Action::Create(Kind::ReplicaSet, set), Err(error)) => {
            let message = format!("Failed to create new replica set {:?}: {error}", name(set));
            Some(Report::warning(SOURCE, Kind::Deployment, deployment, "ReplicaSetCreateError", message))
        }
        (Action::Merge(Kind::ReplicaSet, (namespace, set), patch), Ok(_)) => {
            let before = world.get(Kind::ReplicaSet, namespace, set)?;
            scaled(set, sizes(before).wanted, patch.pointer("/spec/replicas")?.as_i64()?)
        }
        _ => None,
    }
}

/// A Deployment with its `ReplicaSet`s.
struct Rollout<'a> {
    world: &'a World,
    deployment: &'a Object,
    replicas: i64,
    limits: Limits,
    new: Option<Arc<Object>>,
    /// Eldest first.
    old: Vec<Arc<Object>>,
}

impl<'a> Rollout<'a> {
    fn of(world: &'a World, deployment: &'a Object, mut sets: Vec<Arc<Object>>) -> Self {
        sets.sort_by_key(|set| (created(set), name(set).to_owned()));
        let template = deployment.at("/spec/template").unwrap_or(&Value::Null);
        let same = |set: &Arc<Object>| set.at("/spec/template").is_some_and(|other| hash::same(other, template, HASH));
        let new = sets.iter().position(same).map(|index| sets.remove(index));
        let replicas = number(deployment, "/spec/replicas").unwrap_or(1);
        let limits = Limits::of(deployment.at("/spec/strategy"), replicas);
        Self { world, deployment, replicas, limits, new, old: sets }
    }

    /// What moves the rollout on; nothing if the status can be written.
    fn step(&self) -> Vec<Action> {
        let paused = flag(self.deployment, "/spec/paused");
        if let Some(scaling) = self.rescale(paused) {
            return scaling;
        }
        if paused {
            return Vec::new();
        }
        let revision = self.revision();
        let Some(new) = &self.new else {
            let old_gone = !self.recreates() || self.empties_old();
            return if old_gone { self.create(revision) } else { self.scale_all(&vec![0; self.old.len()]) };
        };
        let mut actions = Vec::new();
        actions.extend(self.annotate(new, revision));
        if annotation(self.deployment, REVISION) != Some(revision.to_string().as_str()) {
            let patch = json!({"metadata": {"annotations": {REVISION: revision.to_string()}}});
            // By way of the status, as kube-controller-manager does it: so it is no change of what is wanted, and the generation stays.
            actions.push(Action::status(Kind::Deployment, self.deployment, patch));
        }
        if !actions.is_empty() {
            return actions;
        }
        let olds: Vec<Revision> = self.old.iter().map(|set| sizes(set)).collect();
        let grown = if self.recreates() && !self.empties_old() {
            return self.scale_all(&vec![0; self.old.len()]);
        } else if self.recreates() {
            self.replicas
        } else {
            rollout::grow(sizes(new), &olds, self.replicas, self.limits)
        };
        if grown != sizes(new).wanted {
            return vec![self.scale(new, grown)];
        }
        self.scale_all(&rollout::shrink(sizes(new), &olds, self.replicas, self.limits))
    }

    fn recreates(&self) -> bool {
        self.deployment.at("/spec/strategy/type").is_some_and(|kind| kind == "Recreate")
    }

    /// Whether the old revisions want no Pods and have none.
    fn empties_old(&self) -> bool {
        let pods = || self.world.list(Kind::Pod, namespace(self.deployment));
        self.old.iter().all(|set| {
            let has_pods =
                || pods().any(|pod| controller(pod).is_some_and(|manager| manager.uid == uid(set)) && !super::pods::is_finished(pod));
            sizes(set).wanted == 0 && !has_pods()
        })
    }

    /// Spreads a changed number of replicas over the revisions, if it changed in the middle of a rollout or while paused.
    fn rescale(&self, paused: bool) -> Option<Vec<Action>> {
        let sets: Vec<&Arc<Object>> = self.old.iter().chain(&self.new).filter(|set| sizes(set).wanted > 0).collect();
        let changed = sets
            .iter()
            .any(|set| annotation(set, DESIRED).and_then(|text| text.parse::<i64>().ok()).is_some_and(|was| was != self.replicas));
        if !changed && !paused {
            return None;
        }
        if let [only] = sets.as_slice() {
            let is_right = sizes(only).wanted == self.replicas && annotation(only, DESIRED) == Some(self.replicas.to_string().as_str());
            return (!is_right).then(|| vec![self.scale(only, self.replicas)]);
        }
        if !changed || self.recreates() {
            return None;
        }
        let all: Vec<i64> = sets.iter().map(|set| sizes(set).wanted).collect();
        let total = if self.replicas > 0 { self.replicas + self.limits.surge } else { 0 };
        let scaled = rollout::proportional(&all, total);
        Some(sets.into_iter().zip(scaled).map(|(set, size)| self.scale(set, size)).collect())
    }

    /// The number of this revision: one more than any before, unless it already is the highest.
    fn revision(&self) -> i64 {
        let of = |set: &Arc<Object>| annotation(set, REVISION).and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
        let highest = self.old.iter().map(of).max().unwrap_or(0);
        let own = self.new.as_ref().map_or(0, of);
        if own > highest { own } else { highest + 1 }
    }

    /// The annotations that the new `ReplicaSet` must have.
    fn annotations(&self, revision: i64) -> Labels {
        let mut annotations: Labels = self.deployment.metadata.annotations.clone().unwrap_or_default();
        annotations.retain(|name, _| !OWN.contains(&name.as_str()));
        annotations.insert(REVISION.to_owned(), revision.to_string());
        annotations.insert(DESIRED.to_owned(), self.replicas.to_string());
        annotations.insert(MAXIMUM.to_owned(), (self.replicas + self.limits.surge).to_string());
        annotations
    }

    fn create(&self, revision: i64) -> Vec<Action> {
        let collision = number(self.deployment, "/status/collisionCount").unwrap_or(0);
        let mut template = hash::canonical(self.deployment.at("/spec/template").unwrap_or(&Value::Null), HASH);
        let hash = hash::name(&template, collision);
        let set_name = format!("{}-{hash}", name(self.deployment));
        if self.world.get(Kind::ReplicaSet, namespace(self.deployment), &set_name).is_some() {
            // Taken by another template or another owner: the count gives another name.
            return vec![Action::status(Kind::Deployment, self.deployment, json!({"status": {"collisionCount": collision + 1}}))];
        }
        template["metadata"]["labels"][HASH] = hash.clone().into();
        let mut selector = self.deployment.at("/spec/selector").cloned().unwrap_or_else(|| json!({}));
        selector["matchLabels"][HASH] = hash.into();
        let labels = template.pointer("/metadata/labels").and_then(Value::as_object);
        let labels =
            labels.map(|pairs| pairs.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect());
        let olds: Vec<Revision> = self.old.iter().map(|set| sizes(set)).collect();
        let size = if self.recreates() { self.replicas } else { rollout::grow(Revision::default(), &olds, self.replicas, self.limits) };
        let mut spec = json!({"replicas": size, "selector": selector, "template": template});
        if let Some(seconds) = number(self.deployment, "/spec/minReadySeconds").filter(|seconds| *seconds > 0) {
            spec["minReadySeconds"] = seconds.into();
        }
        let metadata = ObjectMeta {
            name: Some(set_name),
            namespace: Some(namespace(self.deployment).to_owned()),
            labels,
            annotations: Some(self.annotations(revision)),
            owner_references: Some(vec![owner_reference(Kind::Deployment, self.deployment)]),
            ..ObjectMeta::default()
        };
        vec![Action::Create(Kind::ReplicaSet, Box::new(make(Kind::ReplicaSet, metadata, json!({"spec": spec}))))]
    }

    /// Brings the annotations of the new `ReplicaSet`, and its `minReadySeconds`, up to date.
    fn annotate(&self, set: &Object, revision: i64) -> Option<Action> {
        let mut wanted = self.annotations(revision);
        let before = annotation(set, REVISION).filter(|before| *before != revision.to_string());
        if let Some(before) = before {
            // A revision that comes back keeps the numbers that it had.
            let history = annotation(set, HISTORY).map_or_else(|| before.to_owned(), |history| format!("{history},{before}"));
            wanted.insert(HISTORY.to_owned(), history);
        }
        let changed: Map<String, Value> = wanted
            .into_iter()
            .filter(|(name, value)| annotation(set, name) != Some(value))
            .map(|(name, value)| (name, value.into()))
            .collect();
        let seconds = number(self.deployment, "/spec/minReadySeconds").unwrap_or(0);
        let mut patch = json!({});
        if !changed.is_empty() {
            patch["metadata"] = json!({"annotations": changed});
        }
        if number(set, "/spec/minReadySeconds").unwrap_or(0) != seconds {
            patch["spec"] = json!({"minReadySeconds": seconds});
        }
        (patch != json!({})).then(|| Action::merge(Kind::ReplicaSet, set, patch))
    }

    fn scale(&self, set: &Object, size: i64) -> Action {
        let annotations = json!({DESIRED: self.replicas.to_string(), MAXIMUM: (self.replicas + self.limits.surge).to_string()});
        Action::merge(Kind::ReplicaSet, set, json!({"metadata": {"annotations": annotations}, "spec": {"replicas": size}}))
    }

    /// Scales the old revisions to these sizes, where they differ.
    fn scale_all(&self, keep: &[i64]) -> Vec<Action> {
        let changed = self.old.iter().zip(keep).filter(|(set, size)| sizes(set).wanted != **size);
        changed.map(|(set, size)| self.scale(set, *size)).collect()
    }

    /// Nothing moves now: the status, and the old revisions that are too many to keep.
    fn settle(&self, now: Timestamp) -> Decision {
        let (status, again) = self.status(now);
        let patch = status_patch(self.deployment, &status);
        let mut actions: Vec<Action> = patch.into_iter().map(|patch| Action::status(Kind::Deployment, self.deployment, patch)).collect();
        if self.is_complete(&status) && !is_deleting(self.deployment) {
            let limit = number(self.deployment, "/spec/revisionHistoryLimit").unwrap_or(10);
            let surplus = self.old.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
            let idle = self
                .old
                .iter()
                .filter(|set| sizes(set).wanted == 0 && number(set, "/status/replicas").unwrap_or(0) == 0 && !is_deleting(set));
            actions.extend(idle.take(surplus).map(|set| Action::delete(Kind::ReplicaSet, set)));
        }
        Decision { actions, again, ..Decision::default() }
    }

    fn is_complete(&self, status: &Value) -> bool {
        let count = |field: &str| status[field].as_i64().unwrap_or(0);
        ["updatedReplicas", "replicas", "availableReplicas"].iter().all(|field| count(field) == self.replicas) && self.new.is_some()
    }

    fn status(&self, now: Timestamp) -> (Value, Option<Duration>) {
        let sum = |field: &str| -> i64 {
            let pointer = format!("/status/{field}");
            self.old.iter().chain(&self.new).filter_map(|set| number(set, &pointer)).sum()
        };
        let (all, available) = (sum("replicas"), sum("availableReplicas"));
        let updated = self.new.as_ref().and_then(|set| number(set, "/status/replicas")).unwrap_or(0);
        let mut status = json!({"observedGeneration": self.deployment.metadata.generation.unwrap_or(0)});
        let wanted: i64 = self.old.iter().chain(&self.new).map(|set| sizes(set).wanted).sum();
        let counts = [
            ("replicas", all),
            ("updatedReplicas", updated),
            ("readyReplicas", sum("readyReplicas")),
            ("availableReplicas", available),
            ("unavailableReplicas", wanted - available),
        ];
        for (field, count) in counts {
            if count > 0 {
                status[field] = count.into();
            }
        }
        if let Some(count) = self.deployment.at("/status/collisionCount") {
            status["collisionCount"] = count.clone();
        }
        let available = available >= self.replicas - self.limits.unavailable;
        let (reason, message) = if available {
            ("MinimumReplicasAvailable", "Deployment has minimum availability.")
        } else {
            ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
        };
        let truth = if available { "True" } else { "False" };
        let available = self.condition("Available", truth, reason, message, false, now);
        let (progressing, again) = self.progressing(&status, now);
        let mut conditions = vec![available];
        conditions.extend(progressing);
        // In the order in which they first came, as the API shows them.
        let order = |condition: &Value| {
            let live = self.deployment.at("/status/conditions").and_then(Value::as_array);
            live.and_then(|live| live.iter().position(|other| other["type"] == condition["type"])).unwrap_or(usize::MAX)
        };
        conditions.sort_by_key(order);
        status["conditions"] = conditions.into();
        (status, again)
    }

    /// A condition with its times; `touch` renews the update even if nothing else changed.
    fn condition(&self, kind: &str, truth: &str, reason: &str, message: &str, touch: bool, now: Timestamp) -> Value {
        let now = time::seconds(now);
        let live = condition(self.deployment, kind);
        let same_truth = live.filter(|live| live["status"] == truth);
        let same = same_truth.filter(|live| live["reason"] == reason && live["message"] == message && !touch);
        let time = |live: Option<&Value>, field: &str| live.and_then(|live| live[field].as_str()).unwrap_or(&now).to_owned();
        json!({
            "type": kind,
            "status": truth,
            "reason": reason,
            "message": message,
            "lastTransitionTime": time(same_truth, "lastTransitionTime"),
            "lastUpdateTime": time(same, "lastUpdateTime"),
        })
    }

    /// The condition that says whether the rollout moves, and when it will count as stuck.
    fn progressing(&self, status: &Value, now: Timestamp) -> (Option<Value>, Option<Duration>) {
        // The API's way to say: no deadline.
        let deadline = number(self.deployment, "/spec/progressDeadlineSeconds").unwrap_or(600);
        if deadline == i64::from(i32::MAX) {
            return (None, None);
        }
        let live = condition(self.deployment, "Progressing");
        let reason = live.and_then(|live| live["reason"].as_str()).unwrap_or_default();
        if flag(self.deployment, "/spec/paused") {
            return (Some(self.condition("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", false, now)), None);
        }
        if reason == "DeploymentPaused" {
            return (Some(self.condition("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed", false, now)), None);
        }
        let Some(new) = &self.new else { return (live.cloned(), None) };
        let set = name(new);
        let done = ("True", "NewReplicaSetAvailable", format!("ReplicaSet \"{set}\" has successfully progressed."));
        let about_this = live.and_then(|live| live["message"].as_str()).is_some_and(|message| message.contains(&format!("\"{set}\"")));
        let count = |status: &Value, field: &str| status.get(field).and_then(Value::as_i64).unwrap_or(0);
        // Once a revision has been rolled out, losing or adding Pods does not make it a rollout again.
        if about_this && reason == "NewReplicaSetAvailable" && count(status, "replicas") == count(status, "updatedReplicas")
            || self.is_complete(status)
        {
            return (Some(self.condition("Progressing", done.0, done.1, &done.2, false, now)), None);
        }
        let left = || {
            let since =
                live.and_then(|live| live["lastUpdateTime"].as_str()).and_then(|time| time.parse::<Timestamp>().ok()).unwrap_or(now);
            since.as_second() + deadline - now.as_second()
        };
        let after = |seconds: i64| Some(Duration::from_secs(u64::try_from(seconds.max(1)).unwrap_or(1)));
        if !about_this {
            let (reason, verb) =
                if annotation(new, HISTORY).is_some() { ("FoundNewReplicaSet", "Found") } else { ("NewReplicaSetCreated", "Created") };
            let message = format!("{verb} new replica set \"{set}\"");
            return (Some(self.condition("Progressing", "True", reason, &message, true, now)), after(deadline));
        }
        let was = self.deployment.data.get("status").unwrap_or(&Value::Null);
        let old = |status: &Value| count(status, "replicas") - count(status, "updatedReplicas");
        let moved = count(status, "updatedReplicas") > count(was, "updatedReplicas")
            || old(status) < old(was)
            || count(status, "readyReplicas") > count(was, "readyReplicas")
            || count(status, "availableReplicas") > count(was, "availableReplicas");
        if moved {
            let message = format!("ReplicaSet \"{set}\" is progressing.");
            return (Some(self.condition("Progressing", "True", "ReplicaSetUpdated", &message, true, now)), after(deadline));
        }
        if reason == "ProgressDeadlineExceeded" {
            return (live.cloned(), None);
        }
        if left() <= 0 {
            let message = format!("ReplicaSet \"{set}\" has timed out progressing.");
            return (Some(self.condition("Progressing", "False", "ProgressDeadlineExceeded", &message, false, now)), None);
        }
        (live.cloned(), after(left()))
    }
}

fn sizes(set: &Object) -> Revision {
    Revision { wanted: number(set, "/spec/replicas").unwrap_or(1), available: number(set, "/status/availableReplicas").unwrap_or(0) }
}
