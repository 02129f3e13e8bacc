//! `StatefulSet`s: numbered Pods, each with its own volumes, made and replaced in order.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::action::{Action, Outcome};
use super::claim::{claim, owners};
use super::engine::{Controller, Decision};
use super::event::Report;
use super::kind::Kind;
use super::object::{Object, is_deleting, key, label, make, name, namespace, number, ready_since, status_patch, text};
use super::pods;
use super::revision::{self, Revisions};
use super::world::{Name, World};

/// Who tells it.
const SOURCE: &str = "statefulset-controller";

/// The controller of `StatefulSet`s. The claims of a removed Pod are kept, whatever `persistentVolumeClaimRetentionPolicy` says.
pub(crate) struct StatefulSets;

impl Controller for StatefulSets {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::StatefulSet, Kind::Pod, Kind::ControllerRevision, Kind::PersistentVolumeClaim]
    }

    fn touched(&self, world: &World, kind: Kind, object: &Object) -> Vec<Name> {
        match kind {
            Kind::StatefulSet => vec![key(object)],
            Kind::PersistentVolumeClaim => Vec::new(),
            _ => owners(world, Kind::StatefulSet, object),
        }
    }

    fn decide(&self, world: &World, (namespace, name): &Name, now: Timestamp) -> Decision {
        let Some(set) = world.get(Kind::StatefulSet, namespace, name) else { return Decision::default() };
        if is_deleting(set) {
            return Decision::default();
        }
        let claimed = claim(world, Kind::StatefulSet, set, Kind::Pod);
        if !claimed.actions.is_empty() {
            return claimed.actions.into();
        }
        let revisions = match revision::of(world, Kind::StatefulSet, set, false) {
            Ok(revisions) => revisions,
            Err(actions) => return actions.into(),
        };
        let pods: BTreeMap<i64, Arc<Object>> = claimed.owned.into_iter().filter_map(|pod| Some((ordinal(set, &pod)?, pod))).collect();
        let step = step(world, set, &revisions, &pods, now);
        if step.is_empty() { settle(set, &revisions, &pods, now) } else { step.into() }
    }

    fn report(&self, world: &World, (namespace, name): &Name, action: &Action, answer: Result<&Outcome, &str>) -> Vec<Report> {
        world.get(Kind::StatefulSet, namespace, name).map(|set| told(set, action, answer)).unwrap_or_default()
    }
}

/// What there is to tell of a Pod, or of its claim, that was made or deleted, or could not be.
fn told(set: &Object, action: &Action, answer: Result<&Outcome, &str>) -> Vec<Report> {
    let of = name(set);
    let normal = |reason, message| Report::normal(SOURCE, Kind::StatefulSet, set, reason, message);
    let warning = |reason, message| Report::warning(SOURCE, Kind::StatefulSet, set, reason, message);
    let pod_failed =
        |reason, verb, pod: &str, error: &str| warning(reason, format!("{verb} Pod {pod} in StatefulSet {of} failed error: {error}"));
    match (action, answer) {
        (Action::Create(Kind::Pod, pod), Ok(_)) => {
            vec![normal("SuccessfulCreate", format!("Create Pod {} in StatefulSet {of} successful", name(pod)))]
        }
        (Action::Create(Kind::Pod, pod), Err(error)) => vec![pod_failed("FailedCreate", "Create", name(pod), error)],
        (Action::Delete(Kind::Pod, (_, pod), _), Ok(_)) => {
            vec![normal("SuccessfulDelete", format!("Delete Pod {pod} in StatefulSet {of} successful"))]
        }
        (Action::Delete(Kind::Pod, (_, pod), _), Err(error)) => vec![pod_failed("FailedDelete", "Delete", pod, error)],
        (Action::Create(Kind::PersistentVolumeClaim, claim), answer) => {
            let claim = name(claim);
            // The claim's name ends with that of its Pod.
            let pod = format!("{of}-{}", claim.rsplit('-').next().unwrap_or_default());
            match answer {
                Ok(_) => vec![normal("SuccessfulCreate", format!("Create Claim {claim} Pod {pod} in StatefulSet {of} success"))],
                Err(error) => vec![
                    warning("FailedCreate", format!("Create Claim {claim} for Pod {pod} in StatefulSet {of} failed error: {error}")),
                    pod_failed("FailedCreate", "Create", &pod, &format!("failed to create PVC {claim}: {error}")),
                ],
            }
        }
        _ => Vec::new(),
    }
}

fn ordinal(set: &Object, pod: &Object) -> Option<i64> {
    name(pod).strip_prefix(name(set))?.strip_prefix('-')?.parse().ok()
}

fn min_ready(set: &Object) -> i64 {
    number(set, "/spec/minReadySeconds").unwrap_or(0)
}

/// What must be made, deleted or replaced next.
fn step(world: &World, set: &Object, revisions: &Revisions, pods: &BTreeMap<i64, Arc<Object>>, now: Timestamp) -> Vec<Action> {
    let parallel = text(set, "/spec/podManagementPolicy") == Some("Parallel");
    let start = number(set, "/spec/ordinals/start").unwrap_or(0);
    let wanted = start..start + number(set, "/spec/replicas").unwrap_or(1);
    let healthy = |pod: &Object| !is_deleting(pod) && pods::availability(pod, min_ready(set), now).0;
    let mut actions = Vec::new();
    for index in wanted.clone() {
        match pods.get(&index) {
            None => actions.extend(create(world, set, revisions, index)),
            // A Pod that ended makes room for its successor.
            Some(pod) if pods::is_finished(pod) && !is_deleting(pod) => actions.push(Action::delete(Kind::Pod, pod)),
            Some(pod) if healthy(pod) || parallel => continue,
            Some(_) => {}
        }
        if !parallel {
            // One at a time: the next waits until this one is there and ready.
            if actions.is_empty() {
                break;
            }
            return actions;
        }
    }
    if !actions.is_empty() {
        return actions;
    }
    let unhealthy = wanted.clone().any(|index| !pods.get(&index).is_some_and(|pod| healthy(pod)));
    let surplus: Vec<&Arc<Object>> = pods.iter().rev().filter(|(index, _)| !wanted.contains(index)).map(|(_, pod)| pod).collect();
    if parallel {
        actions.extend(surplus.iter().filter(|pod| !is_deleting(pod)).map(|pod| Action::delete(Kind::Pod, pod)));
    } else if let Some(last) = surplus.first() {
        // The last goes first, and the next only when it is gone.
        return if is_deleting(last) || unhealthy { Vec::new() } else { vec![Action::delete(Kind::Pod, last)] };
    }
    if !actions.is_empty() || text(set, "/spec/updateStrategy/type") == Some("OnDelete") {
        return actions;
    }
    let partition = start.max(number(set, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0));
    for (_, pod) in pods.iter().rev().filter(|(index, _)| wanted.contains(index) && **index >= partition) {
        if label(pod, revision::HASH) != Some(revisions.hash()) && !is_deleting(pod) {
            return vec![Action::delete(Kind::Pod, pod)];
        }
        if !healthy(pod) {
            break;
        }
    }
    Vec::new()
}

/// The Pod of this number, with its claims.
fn create(world: &World, set: &Object, revisions: &Revisions, index: i64) -> Vec<Action> {
    let pod_name = format!("{}-{index}", name(set));
    // Below the partition, Pods are made from the revision that the others have.
    let partition = number(set, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
    let before = text(set, "/status/currentRevision").filter(|_| index < partition);
    let old = before.and_then(|before| revisions.others.iter().find(|revision| name(revision) == before));
    let revision = old.unwrap_or(&revisions.current);
    let template = revision.at("/data/spec/template").cloned().unwrap_or_default();
    let number_label = index.to_string();
    let labels = [
        ("statefulset.kubernetes.io/pod-name", pod_name.as_str()),
        ("apps.kubernetes.io/pod-index", number_label.as_str()),
        (revision::HASH, label(revision, revision::HASH).unwrap_or_default()),
    ];
    let mut pod = pods::from_template(Kind::StatefulSet, set, &template, &labels);
    pod.metadata.generate_name = None;
    pod.metadata.name = Some(pod_name.clone());
    pod.data["spec"]["hostname"] = pod_name.clone().into();
    if let Some(service) = text(set, "/spec/serviceName").filter(|service| !service.is_empty()) {
        pod.data["spec"]["subdomain"] = service.into();
    }
    let mut actions = Vec::new();
    let templates = set.at("/spec/volumeClaimTemplates").and_then(Value::as_array).into_iter().flatten();
    let mut volumes = pod.at("/spec/volumes").and_then(Value::as_array).cloned().unwrap_or_default();
    for template in templates {
        let Some(volume) = template.pointer("/metadata/name").and_then(Value::as_str) else { continue };
        let claim_name = format!("{volume}-{pod_name}");
        volumes.retain(|other| other["name"] != volume);
        volumes.push(json!({"name": volume, "persistentVolumeClaim": {"claimName": claim_name}}));
        if world.get(Kind::PersistentVolumeClaim, namespace(set), &claim_name).is_none() {
            let selector = set.at("/spec/selector/matchLabels").and_then(Value::as_object);
            let labels =
                selector.into_iter().flatten().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
            let metadata = ObjectMeta {
                name: Some(claim_name),
                namespace: Some(namespace(set).to_owned()),
                labels: Some(labels),
                ..ObjectMeta::default()
            };
            let claim = make(Kind::PersistentVolumeClaim, metadata, json!({"spec": template.get("spec").cloned().unwrap_or_default()}));
            actions.push(Action::Create(Kind::PersistentVolumeClaim, Box::new(claim)));
        }
    }
    if !volumes.is_empty() {
        pod.data["spec"]["volumes"] = volumes.into();
    }
    actions.push(Action::Create(Kind::Pod, Box::new(pod)));
    actions
}

/// The status, and the revisions that are too many.
fn settle(set: &Object, revisions: &Revisions, pods: &BTreeMap<i64, Arc<Object>>, now: Timestamp) -> Decision {
    let count = |test: &dyn Fn(&Object) -> bool| pods.values().filter(|pod| test(pod)).count();
    let active = |pod: &Object| pods::is_active(pod);
    let newest = revisions.hash().to_owned();
    let updated = count(&|pod| active(pod) && label(pod, revision::HASH) == Some(newest.as_str()));
    let replicas = pods.len();
    let mut again = None;
    let mut available = 0_usize;
    for pod in pods.values().filter(|pod| active(pod)) {
        let (is_available, left) = pods::availability(pod, min_ready(set), now);
        available += usize::from(is_available);
        again = pods::sooner(again, left);
    }
    let ready = count(&|pod| active(pod) && ready_since(pod).is_some());
    let wanted = usize::try_from(number(set, "/spec/replicas").unwrap_or(1)).unwrap_or(0);
    let complete = updated == wanted && replicas == wanted && ready == wanted;
    let before = text(set, "/status/currentRevision").unwrap_or(&newest).to_owned();
    let current = if complete { newest.clone() } else { before };
    let current_count = count(&|pod| active(pod) && label(pod, revision::HASH) == Some(current.as_str()));
    let mut status = json!({
        "observedGeneration": set.metadata.generation.unwrap_or(0),
        "replicas": replicas,
        "availableReplicas": available,
        "currentRevision": current,
        "updateRevision": newest,
        "collisionCount": number(set, "/status/collisionCount").unwrap_or(0),
    });
    for (field, value) in [("readyReplicas", ready), ("currentReplicas", current_count), ("updatedReplicas", updated)] {
        if value > 0 {
            status[field] = value.into();
        }
    }
    let mut actions: Vec<Action> =
        status_patch(set, &status).into_iter().map(|patch| Action::status(Kind::StatefulSet, set, patch)).collect();
    if complete {
        let in_use: Vec<&str> = pods.values().filter_map(|pod| label(pod, revision::HASH)).collect();
        actions.extend(revisions.clean(set, &in_use));
    }
    Decision { actions, again, ..Decision::default() }
}
