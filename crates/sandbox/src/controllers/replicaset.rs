//! `ReplicaSet`s: as many Pods of one template as wanted.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::action::{Action, Outcome};
use super::claim::{claim, owners};
use super::engine::{Controller, Decision};
use super::event::Report;
use super::kind::Kind;
use super::object::{Object, is_deleting, key, number, ready_since, status_patch};
use super::pods;
use super::world::{Name, World};

/// How many Pods one step makes or deletes at most, so that other objects get their turn.
const BURST: usize = 500;

/// Who tells it.
const SOURCE: &str = "replicaset-controller";

/// The controller of `ReplicaSet`s.
pub(crate) struct ReplicaSets;

impl Controller for ReplicaSets {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::ReplicaSet, Kind::Pod]
    }

    fn touched(&self, world: &World, kind: Kind, object: &Object) -> Vec<Name> {
        if kind == Kind::ReplicaSet { vec![key(object)] } else { owners(world, Kind::ReplicaSet, object) }
    }

    fn decide(&self, world: &World, (namespace, name): &Name, now: Timestamp) -> Decision {
        let Some(set) = world.get(Kind::ReplicaSet, namespace, name) else { return Decision::default() };
        let claimed = claim(world, Kind::ReplicaSet, set, Kind::Pod);
        if !claimed.actions.is_empty() {
            return claimed.actions.into();
        }
        let active: Vec<&Object> = claimed.owned.iter().map(AsRef::as_ref).filter(|pod| pods::is_active(pod)).collect();
        let scaling = if is_deleting(set) { Vec::new() } else { scale(set, &active) };
        if !scaling.is_empty() {
            return scaling.into();
        }

        let min_ready = number(set, "/spec/minReadySeconds").unwrap_or(0);
        let available = active.iter().map(|pod| pods::availability(pod, min_ready, now));
        let (mut count, mut again) = (0, None);
        for (is_available, left) in available {
            count += usize::from(is_available);
            again = pods::sooner(again, left);
        }
        let labels = set.at("/spec/template/metadata/labels").and_then(Value::as_object);
        let labelled = active.iter().filter(|pod| {
            let has = |(name, value): (&String, &Value)| super::object::label(pod, name) == value.as_str();
            labels.is_none_or(|labels| labels.iter().all(has))
        });
        let mut status = json!({
            "replicas": active.len(),
            "observedGeneration": set.metadata.generation.unwrap_or(0),
        });
        // The API leaves out counts that are zero.
        let ready = active.iter().filter(|pod| ready_since(pod).is_some()).count();
        for (field, value) in [("fullyLabeledReplicas", labelled.count()), ("readyReplicas", ready), ("availableReplicas", count)] {
            if value > 0 {
                status[field] = value.into();
            }
        }
        let patch = status_patch(set, &status);
        Decision {
            actions: patch.into_iter().map(|patch| Action::status(Kind::ReplicaSet, set, patch)).collect(),
            again,
            ..Decision::default()
        }
    }

    fn report(&self, world: &World, (namespace, name): &Name, action: &Action, answer: Result<&Outcome, &str>) -> Vec<Report> {
        let owner = world.get(Kind::ReplicaSet, namespace, name);
        owner.and_then(|owner| pods::report(SOURCE, Kind::ReplicaSet, owner, action, answer)).into_iter().collect()
    }
}

/// Makes the Pods that are missing, or deletes those that are too many.
fn scale(set: &Object, active: &[&Object]) -> Vec<Action> {
    let wanted = usize::try_from(number(set, "/spec/replicas").unwrap_or(1)).unwrap_or(0);
    if active.len() < wanted {
        let template = set.at("/spec/template").unwrap_or(&Value::Null);
        let pod = pods::from_template(Kind::ReplicaSet, set, template, &[]);
        let missing = (wanted - active.len()).min(BURST);
        return std::iter::repeat_with(|| Action::Create(Kind::Pod, Box::new(pod.clone()))).take(missing).collect();
    }
    let mut candidates = active.to_vec();
    pods::least_missed_first(&mut candidates);
    let surplus = (active.len() - wanted).min(BURST);
    candidates[..surplus].iter().map(|pod| Action::delete(Kind::Pod, pod)).collect()
}
