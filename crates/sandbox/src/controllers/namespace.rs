//! Namespaces on their way out: their contents first, then they themselves.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use serde_json::{Value, json};

use super::MANAGER;
use super::action::is_status;
use super::housekeeping::Kinds;
use super::object::{Object, condition, is_deleting};
use crate::time;

/// What is left in a namespace.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Remaining {
    /// By resource (`pods.`, `deployments.apps`): how many.
    pub(crate) objects: BTreeMap<String, usize>,
    /// By finalizer: in how many objects.
    pub(crate) finalizers: BTreeMap<String, usize>,
}

/// Works at the deletion of a namespace. True when it is done or when there is nothing to do; false while something remains.
pub(crate) async fn carry_out(client: &kube::Client, kinds: &Kinds, name: &str, now: Timestamp) -> Result<bool, kube::Error> {
    let Some(resource) = kinds.namespaces() else { return Ok(true) };
    let api: Api<Object> = Api::all_with(client.clone(), &resource);
    let Some(namespace) = api.get_opt(name).await? else { return Ok(true) };
    if !is_deleting(&namespace) {
        return Ok(true);
    }
    let remaining = empty(client, kinds, name).await?;
    if let Some(status) = status(&namespace, &remaining, now) {
        let patch = kube::api::Patch::Merge(json!({"metadata": {"uid": namespace.metadata.uid}, "status": status}));
        let params = kube::api::PatchParams { field_manager: Some(MANAGER.to_owned()), ..kube::api::PatchParams::default() };
        match api.patch_status(name, &params, &patch).await {
            Ok(_) => {}
            Err(error) if is_status(&error, 404) => return Ok(true),
            Err(error) => return Err(error),
        }
    }
    if !remaining.objects.is_empty() {
        return Ok(false);
    }
    let Some(mut namespace) = api.get_opt(name).await? else { return Ok(true) };
    let finalizers = namespace.at("/spec/finalizers").and_then(Value::as_array).cloned().unwrap_or_default();
    let kept: Vec<Value> = finalizers.iter().filter(|finalizer| *finalizer != "kubernetes").cloned().collect();
    if kept.len() < finalizers.len() {
        namespace.data["spec"]["finalizers"] = kept.into();
        let finalized = api.replace_subresource("finalize", name, &PostParams::default(), &namespace).await;
        match finalized {
            Ok(_) => {}
            Err(error) if is_status(&error, 404) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Deletes everything in the namespace; returns what is still there.
async fn empty(client: &kube::Client, kinds: &Kinds, name: &str) -> Result<Remaining, kube::Error> {
    let mut remaining = Remaining::default();
    for (resource, deletes_collections) in kinds.in_namespaces() {
        let api: Api<Object> = Api::namespaced_with(client.clone(), name, resource);
        let left = match api.list_metadata(&ListParams::default()).await {
            Ok(found) if found.items.is_empty() => continue,
            Ok(found) if deletes_collections => {
                drop(found);
                api.delete_collection(&DeleteParams::background(), &ListParams::default()).await?;
                api.list_metadata(&ListParams::default()).await?
            }
            Ok(found) => {
                for object in found.items.iter().filter_map(|object| object.metadata.name.as_deref()) {
                    match api.delete(object, &DeleteParams::background()).await {
                        Ok(_) => {}
                        Err(error) if is_status(&error, 404) || is_status(&error, 405) => {}
                        Err(error) => return Err(error),
                    }
                }
                api.list_metadata(&ListParams::default()).await?
            }
            // A kind that went away since it was discovered.
            Err(error) if is_status(&error, 404) => continue,
            Err(error) => return Err(error),
        };
        if !left.items.is_empty() {
            remaining.objects.insert(format!("{}.{}", resource.plural, resource.group), left.items.len());
            for finalizer in left.items.iter().filter_map(|object| object.metadata.finalizers.as_ref()).flatten() {
                *remaining.finalizers.entry(finalizer.clone()).or_default() += 1;
            }
        }
    }
    Ok(remaining)
}

/// The status that says what remains; none if the live one says so already.
fn status(namespace: &Object, remaining: &Remaining, now: Timestamp) -> Option<Value> {
    let objects: Vec<String> =
        remaining.objects.iter().map(|(resource, count)| format!("{resource} has {count} resource instances")).collect();
    let finalizers: Vec<String> =
        remaining.finalizers.iter().map(|(finalizer, count)| format!("{finalizer} in {count} resource instances")).collect();
    let content = if objects.is_empty() {
        ("False", "ContentRemoved", "All content successfully removed".to_owned())
    } else {
        ("True", "SomeResourcesRemain", format!("Some resources are remaining: {}", objects.join(", ")))
    };
    let held = if finalizers.is_empty() {
        ("False", "ContentHasNoFinalizers", "All content-preserving finalizers finished".to_owned())
    } else {
        ("True", "SomeFinalizersRemain", format!("Some content in the namespace has finalizers remaining: {}", finalizers.join(", ")))
    };
    let wanted = [
        ("NamespaceDeletionDiscoveryFailure", ("False", "ResourcesDiscovered", "All resources successfully discovered".to_owned())),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            ("False", "ParsedGroupVersions", "All legacy kube types successfully parsed".to_owned()),
        ),
        (
            "NamespaceDeletionContentFailure",
            ("False", "ContentDeleted", "All content successfully deleted, may be waiting on finalization".to_owned()),
        ),
        ("NamespaceContentRemaining", content),
        ("NamespaceFinalizersRemaining", held),
    ];
    let same = wanted.iter().all(|(kind, (truth, _, message))| {
        condition(namespace, kind).is_some_and(|live| live["status"] == *truth && live["message"] == message.as_str())
    });
    if same {
        return None;
    }
    let time = |kind: &str, truth: &str| {
        let live = condition(namespace, kind).filter(|live| live["status"] == truth);
        live.and_then(|live| live["lastTransitionTime"].as_str()).map_or_else(|| time::seconds(now), str::to_owned)
    };
    let conditions: Vec<Value> = wanted
        .iter()
        .map(|(kind, (truth, reason, message))| {
            json!({"type": kind, "status": truth, "reason": reason, "message": message, "lastTransitionTime": time(kind, truth)})
        })
        .collect();
    Some(json!({"phase": "Terminating", "conditions": conditions}))
}
