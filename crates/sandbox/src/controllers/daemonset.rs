//! `DaemonSet`s: one Pod on each node.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::action::{Action, Outcome};
use super::claim::{claim, owners};
use super::engine::{Controller, Decision};
use super::event::Report;
use super::kind::Kind;
use super::object::{Object, is_deleting, key, label, name, number, ready_since, status_patch, text};
use super::pods;
use super::revision::{self, Revisions};
use super::rollout::share;
use super::world::{Name, World};

/// Who tells it.
const SOURCE: &str = "daemonset-controller";

/// The controller of `DaemonSet`s. Taints and affinities of nodes are not looked at: only `nodeSelector` chooses.
pub(crate) struct DaemonSets;

impl Controller for DaemonSets {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::DaemonSet, Kind::Pod, Kind::Node, Kind::ControllerRevision]
    }

    fn touched(&self, world: &World, kind: Kind, object: &Object) -> Vec<Name> {
        match kind {
            Kind::DaemonSet => vec![key(object)],
            Kind::Node => world.all(Kind::DaemonSet).map(|set| key(set)).collect(),
            _ => owners(world, Kind::DaemonSet, object),
        }
    }

    fn decide(&self, world: &World, (namespace, name): &Name, now: Timestamp) -> Decision {
        let Some(set) = world.get(Kind::DaemonSet, namespace, name) else { return Decision::default() };
        if is_deleting(set) {
            return Decision::default();
        }
        let claimed = claim(world, Kind::DaemonSet, set, Kind::Pod);
        if !claimed.actions.is_empty() {
            return claimed.actions.into();
        }
        let revisions = match revision::of(world, Kind::DaemonSet, set, true) {
            Ok(revisions) => revisions,
            Err(actions) => return actions.into(),
        };
        let mut on_node: BTreeMap<String, Vec<Arc<Object>>> = BTreeMap::new();
        for pod in claimed.owned {
            on_node.entry(node_of(&pod).unwrap_or_default().to_owned()).or_default().push(pod);
        }
        let nodes: Vec<&str> =
            world.all(Kind::Node).filter(|node| !is_deleting(node) && suits(set, node)).map(|node| self::name(node)).collect();
        let step = step(set, &revisions, &on_node, &nodes, now);
        if step.is_empty() {
            settle(set, &revisions, &on_node, &nodes, now)
        } else {
            Decision { reports: ended(set, &on_node, &nodes), ..step.into() }
        }
    }

    fn report(&self, world: &World, (namespace, name): &Name, action: &Action, answer: Result<&Outcome, &str>) -> Vec<Report> {
        let owner = world.get(Kind::DaemonSet, namespace, name);
        owner.and_then(|owner| pods::report(SOURCE, Kind::DaemonSet, owner, action, answer)).into_iter().collect()
    }
}

/// Whether the template's `nodeSelector` chooses this node.
fn suits(set: &Object, node: &Object) -> bool {
    let selector = set.at("/spec/template/spec/nodeSelector").and_then(Value::as_object);
    selector.is_none_or(|pairs| pairs.iter().all(|(name, value)| label(node, name) == value.as_str()))
}

/// The node that a Pod is bound to, or made for.
fn node_of(pod: &Object) -> Option<&str> {
    let terms = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/0/matchFields/0/values/0";
    text(pod, "/spec/nodeName").filter(|node| !node.is_empty()).or_else(|| text(pod, terms))
}

/// What there is to tell of Pods that should run for ever and have ended.
fn ended(set: &Object, on_node: &BTreeMap<String, Vec<Arc<Object>>>, nodes: &[&str]) -> Vec<Report> {
    let there = on_node.iter().filter(|(node, _)| nodes.contains(&node.as_str()));
    let pods = there.flat_map(|(node, pods)| pods.iter().filter(|pod| !is_deleting(pod)).map(move |pod| (node, pod)));
    let report = |(node, pod): (&String, &Arc<Object>)| {
        let (namespace, pod_name) = key(pod);
        let found = |how: &str, end: &str| format!("Found {how} daemon pod {namespace}/{pod_name} on node {node}, will try to {end} it");
        match text(pod, "/status/phase") {
            Some("Failed") => Some(Report::warning(SOURCE, Kind::DaemonSet, set, "FailedDaemonPod", found("failed", "kill"))),
            Some("Succeeded") => Some(Report::normal(SOURCE, Kind::DaemonSet, set, "SucceededDaemonPod", found("succeeded", "delete"))),
            _ => None,
        }
    };
    pods.filter_map(report).collect()
}

fn step(set: &Object, revisions: &Revisions, on_node: &BTreeMap<String, Vec<Arc<Object>>>, nodes: &[&str], now: Timestamp) -> Vec<Action> {
    let mut actions = Vec::new();
    for (node, pods) in on_node {
        let wanted = usize::from(nodes.contains(&node.as_str()));
        let mut active: Vec<&Object> = pods.iter().map(AsRef::as_ref).filter(|pod| pods::is_active(pod)).collect();
        // The eldest stays.
        pods::least_missed_first(&mut active);
        let surplus = active.len().saturating_sub(wanted);
        actions.extend(active[..surplus].iter().map(|pod| Action::delete(Kind::Pod, pod)));
        let finished = pods.iter().filter(|pod| pods::is_finished(pod) && !is_deleting(pod));
        actions.extend(finished.map(|pod| Action::delete(Kind::Pod, pod)));
    }
    for node in nodes {
        if on_node.get(*node).is_none_or(Vec::is_empty) {
            actions.push(Action::Create(Kind::Pod, Box::new(create(set, revisions, node))));
        }
    }
    if !actions.is_empty() || text(set, "/spec/updateStrategy/type") == Some("OnDelete") {
        return actions;
    }
    let one = Value::from(1);
    let limit = set.at("/spec/updateStrategy/rollingUpdate/maxUnavailable").unwrap_or(&one);
    let limit = share(limit, i64::try_from(nodes.len()).unwrap_or(i64::MAX), true).max(1);
    let min_ready = number(set, "/spec/minReadySeconds").unwrap_or(0);
    let (mut old_ready, mut unavailable) = (Vec::new(), 0);
    for pod in on_node.values().flatten() {
        let available = !is_deleting(pod) && pods::availability(pod, min_ready, now).0;
        unavailable += i64::from(!available);
        if label(pod, revision::HASH) != Some(revisions.hash()) && !is_deleting(pod) {
            if available { old_ready.push(pod) } else { actions.push(Action::delete(Kind::Pod, pod)) }
        }
    }
    let room = usize::try_from(limit - unavailable).unwrap_or(0);
    actions.extend(old_ready.into_iter().take(room).map(|pod| Action::delete(Kind::Pod, pod)));
    actions
}

fn create(set: &Object, revisions: &Revisions, node: &str) -> Object {
    let template = set.at("/spec/template").cloned().unwrap_or_default();
    let generation = set.metadata.generation.unwrap_or(1).to_string();
    let mut pod = pods::from_template(
        Kind::DaemonSet,
        set,
        &template,
        &[(revision::HASH, revisions.hash()), ("pod-template-generation", &generation)],
    );
    let here = json!([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}]);
    pod.data["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] = json!({"nodeSelectorTerms": here});
    pod
}

fn settle(set: &Object, revisions: &Revisions, on_node: &BTreeMap<String, Vec<Arc<Object>>>, nodes: &[&str], now: Timestamp) -> Decision {
    let min_ready = number(set, "/spec/minReadySeconds").unwrap_or(0);
    let (mut scheduled, mut ready, mut available, mut updated, mut misplaced) = (0, 0, 0, 0, 0);
    let mut again = None;
    for (node, pods) in on_node {
        let Some(pod) = pods.iter().find(|pod| pods::is_active(pod)) else { continue };
        if !nodes.contains(&node.as_str()) {
            misplaced += 1;
            continue;
        }
        let (is_available, left) = pods::availability(pod, min_ready, now);
        again = pods::sooner(again, left);
        scheduled += 1;
        ready += i64::from(ready_since(pod).is_some());
        available += i64::from(is_available);
        updated += i64::from(label(pod, revision::HASH) == Some(revisions.hash()));
    }
    let wanted = i64::try_from(nodes.len()).unwrap_or(i64::MAX);
    let mut status = json!({
        "observedGeneration": set.metadata.generation.unwrap_or(0),
        "currentNumberScheduled": scheduled,
        "desiredNumberScheduled": wanted,
        "numberMisscheduled": misplaced,
        "numberReady": ready,
    });
    for (field, value) in [("updatedNumberScheduled", updated), ("numberAvailable", available), ("numberUnavailable", wanted - available)] {
        if value > 0 {
            status[field] = value.into();
        }
    }
    let mut actions: Vec<Action> =
        status_patch(set, &status).into_iter().map(|patch| Action::status(Kind::DaemonSet, set, patch)).collect();
    if updated == wanted {
        actions.extend(revisions.clean(set, &on_node.values().flatten().filter_map(|pod| label(pod, revision::HASH)).collect::<Vec<_>>()));
    }
    Decision { actions, again, ..Decision::default() }
}
