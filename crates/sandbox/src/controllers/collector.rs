//! Carries out what the graph decides: the garbage collector.

use futures::future::try_join_all;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use serde_json::{Value, json};

use super::MANAGER;
use super::action::is_status;
use super::graph::{Graph, Node, Policy, Step};
use super::housekeeping::Kinds;

/// Does the step for the object of this uid. True if the graph changed, so that the object must be looked at again at once.
pub(crate) async fn carry_out(client: &kube::Client, kinds: &Kinds, graph: &mut Graph, uid: &str) -> Result<bool, kube::Error> {
    let step = graph.decide(uid);
    let Some(node) = graph.get(uid) else { return Ok(false) };
    match step {
        Step::Rest => Ok(false),
        Step::Verify(owner) => {
            if exists(client, kinds, node, &owner).await? {
                // The watch will bring it; until then it counts as there.
                return Ok(false);
            }
            graph.mark_absent(&owner.uid);
            Ok(true)
        }
        Step::Delete(policy) => {
            let params = match policy {
                Policy::Background => DeleteParams::background(),
                Policy::Foreground => DeleteParams::foreground(),
                Policy::Orphan => DeleteParams::orphan(),
            };
            let exactly = Preconditions { uid: Some(uid.to_owned()), resource_version: Some(node.version.clone()) };
            let Some(api) = kinds.api(client, &node.place) else { return Ok(false) };
            gone_is_fine(api.delete(&node.place.name, &params.preconditions(exactly)).await.map(|_| ()))?;
            Ok(false)
        }
        Step::KeepOwners(owners) => patch(client, kinds, uid, node, json!({"ownerReferences": owners})).await.map(|()| false),
        // The dependents were queued when their owner began to go.
        Step::Await(_) => Ok(false),
        Step::Orphan(dependents) => {
            let patches = dependents.iter().filter_map(|dependent| {
                let node = graph.get(dependent)?;
                let kept: Vec<&OwnerReference> = node.owners.iter().filter(|owner| owner.uid != uid).collect();
                Some(patch(client, kinds, dependent, node, json!({"ownerReferences": kept})))
            });
            try_join_all(patches).await?;
            Ok(false)
        }
        Step::RemoveFinalizer(finalizer) => {
            let kept: Vec<&String> = node.finalizers.iter().filter(|name| *name != finalizer).collect();
            patch(client, kinds, uid, node, json!({"finalizers": kept})).await.map(|()| false)
        }
    }
}

/// Whether an owner that the watches have not shown exists, asked of the API itself.
///
/// An owner of a kind that the API does not serve counts as there: a missing CRD is no reason to delete what it owned.
async fn exists(client: &kube::Client, kinds: &Kinds, dependent: &Node, owner: &OwnerReference) -> Result<bool, kube::Error> {
    let Some(api) = kinds.api_of_owner(client, owner, &dependent.place.namespace) else { return Ok(true) };
    let found = api.get_metadata_opt(&owner.name).await?;
    Ok(found.is_some_and(|found| found.metadata.uid.as_deref() == Some(owner.uid.as_str())))
}

/// Patches metadata, if the object still is exactly as it is known.
async fn patch(client: &kube::Client, kinds: &Kinds, uid: &str, node: &Node, metadata: Value) -> Result<(), kube::Error> {
    let Some(api) = kinds.api(client, &node.place) else { return Ok(()) };
    let mut metadata = metadata;
    metadata["uid"] = uid.into();
    metadata["resourceVersion"] = node.version.clone().into();
    let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    gone_is_fine(api.patch_metadata(&node.place.name, &params, &Patch::Merge(json!({"metadata": metadata}))).await.map(|_| ()))
}

fn gone_is_fine(result: Result<(), kube::Error>) -> Result<(), kube::Error> {
    match result {
        Err(error) if is_status(&error, 404) => Ok(()),
        other => other,
    }
}

/// The uid of an object; empty for what has none.
pub(crate) fn uid_of(metadata: &ObjectMeta) -> String {
    metadata.uid.clone().unwrap_or_default()
}
