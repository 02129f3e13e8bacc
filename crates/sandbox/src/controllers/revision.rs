//! Revisions of a `StatefulSet`'s or `DaemonSet`'s template, kept as `ControllerRevision`s.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::action::Action;
use super::hash;
use super::kind::Kind;
use super::object::{Object, controller, label, make, name, namespace, number, owner_reference, uid};
use super::world::World;

/// The label that says of which revision a Pod is.
pub(super) const HASH: &str = "controller-revision-hash";

/// The revision of the owner's template as it is now, and all others, eldest first.
pub(super) struct Revisions {
    pub(super) current: Arc<Object>,
    pub(super) others: Vec<Arc<Object>>,
}

impl Revisions {
    /// The value of the label of a Pod of the newest revision.
    pub(super) fn hash(&self) -> &str {
        label(&self.current, HASH).unwrap_or_default()
    }

    /// Deletes the eldest revisions beyond the owner's limit that no Pod has.
    pub(super) fn clean(&self, owner: &Object, in_use: &[&str]) -> Vec<Action> {
        let limit = usize::try_from(number(owner, "/spec/revisionHistoryLimit").unwrap_or(10)).unwrap_or(0);
        let idle = self.others.iter().filter(|revision| !label(revision, HASH).is_some_and(|hash| in_use.contains(&hash)));
        idle.take(self.others.len().saturating_sub(limit)).map(|revision| Action::delete(Kind::ControllerRevision, revision)).collect()
    }
}

/// The owner's revisions; or what must be written first so that the newest is there with the highest number.
///
/// `short` chooses the label's value: the hash alone (`DaemonSet`), or the revision's whole name (`StatefulSet`).
pub(super) fn of(world: &World, kind: Kind, owner: &Object, short: bool) -> Result<Revisions, Vec<Action>> {
    let mut all: Vec<Arc<Object>> = world
        .list(Kind::ControllerRevision, namespace(owner))
        .filter(|revision| controller(revision).is_some_and(|manager| manager.uid == uid(owner)))
        .cloned()
        .collect();
    all.sort_by_key(|revision| (number(revision, "/revision"), name(revision).to_owned()));
    let mut template = hash::canonical(owner.at("/spec/template").unwrap_or(&Value::Null), HASH);
    let hash = hash::name(&template, number(owner, "/status/collisionCount").unwrap_or(0));
    template["$patch"] = "replace".into();
    let data = json!({"spec": {"template": template}});
    let highest = all.iter().filter_map(|revision| number(revision, "/revision")).max().unwrap_or(0);
    let Some(index) = all.iter().position(|revision| revision.data.get("data") == Some(&data)) else {
        let revision_name = format!("{}-{hash}", name(owner));
        let selector = owner.at("/spec/template/metadata/labels").and_then(Value::as_object);
        let labels = selector.into_iter().flatten().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        let value = if short { hash } else { revision_name.clone() };
        let metadata = ObjectMeta {
            name: Some(revision_name),
            namespace: Some(namespace(owner).to_owned()),
            labels: Some(labels.chain([(HASH.to_owned(), value)]).collect()),
            owner_references: Some(vec![owner_reference(kind, owner)]),
            ..ObjectMeta::default()
        };
        let revision = make(Kind::ControllerRevision, metadata, json!({"data": data, "revision": highest + 1}));
        return Err(vec![Action::Create(Kind::ControllerRevision, Box::new(revision))]);
    };
    let current = all.remove(index);
    if number(&current, "/revision").unwrap_or(0) < highest {
        // A template that comes back is the newest again.
        return Err(vec![Action::merge(Kind::ControllerRevision, &current, json!({"revision": highest + 1}))]);
    }
    Ok(Revisions { current, others: all })
}
