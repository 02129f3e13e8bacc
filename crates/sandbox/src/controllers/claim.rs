//! Which objects an owner manages: by reference, else by selector.

use std::sync::Arc;

use serde_json::{Value, json};

use super::action::Action;
use super::kind::Kind;
use super::object::{Object, controller, is_deleting, namespace, owner_reference, selects, uid};
use super::world::{Name, World};

/// What an owner manages, and what must be written so that the references say the same.
#[derive(Debug, Default)]
pub(crate) struct Claim {
    /// Managed by the owner already.
    pub(crate) owned: Vec<Arc<Object>>,
    /// Adopts what the selector selects and nobody manages; releases what it no more selects.
    pub(crate) actions: Vec<Action>,
}

/// Sorts the objects of kind `of` in the owner's namespace.
pub(crate) fn claim(world: &World, kind: Kind, owner: &Object, of: Kind) -> Claim {
    let mut claim = Claim::default();
    let selector = owner.at("/spec/selector");
    for object in world.list(of, namespace(owner)) {
        let selected = selects(selector, object.metadata.labels.as_ref());
        match controller(object) {
            Some(manager) if manager.uid == uid(owner) => {
                if selected || is_deleting(owner) {
                    claim.owned.push(object.clone());
                } else {
                    let others = object.metadata.owner_references.iter().flatten().filter(|other| other.uid != uid(owner));
                    claim.actions.push(with_owners(of, object, &others.map(|other| json!(other)).collect::<Vec<_>>()));
                }
            }
            None if selected && !is_deleting(owner) && !is_deleting(object) => {
                let mut owners: Vec<Value> = object.metadata.owner_references.iter().flatten().map(|other| json!(other)).collect();
                owners.push(json!(owner_reference(kind, owner)));
                claim.actions.push(with_owners(of, object, &owners));
            }
            _ => {}
        }
    }
    claim
}

/// The uid in the patch makes it fail for a namesake.
fn with_owners(kind: Kind, object: &Object, owners: &[Value]) -> Action {
    let version = object.metadata.resource_version.as_deref();
    Action::merge(kind, object, json!({"metadata": {"uid": uid(object), "resourceVersion": version, "ownerReferences": owners}}))
}

/// The names of the owners of `kind` that a change of `object` concerns: its manager, or whoever would adopt it.
pub(crate) fn owners(world: &World, kind: Kind, object: &Object) -> Vec<Name> {
    let namespace = namespace(object);
    match controller(object) {
        Some(manager) if manager.kind == kind.name() && manager.api_version == kind.api_version() => {
            vec![(namespace.to_owned(), manager.name.clone())]
        }
        Some(_) => Vec::new(),
        None => {
            let takers = world.list(kind, namespace).filter(|owner| selects(owner.at("/spec/selector"), object.metadata.labels.as_ref()));
            takers.map(|owner| super::object::key(owner)).collect()
        }
    }
}
