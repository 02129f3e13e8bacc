//! The finalizers that hold a claim for as long as a Pod uses it, and a volume for as long as a claim does.
//!
//! A cluster has a controller for that; here the API itself lets go, so that a claim can be deleted whoever runs beside the API.

use serde_json::Value;

use super::{Core, meta};
use crate::resource::Resource;
use crate::uses::{Use, claims};

const CLAIM: &str = "kubernetes.io/pvc-protection";
const VOLUME: &str = "kubernetes.io/pv-protection";
const CLAIMS: &str = "/persistentvolumeclaims";

/// The finalizer that guards a kind's objects for no reason any more, for this one is not in use.
pub(super) fn idle(core: &Core, resource: &Resource, namespace: &str, object: &Value) -> Option<&'static str> {
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("", "PersistentVolumeClaim") => (!is_used(core, namespace, meta::text(object, "name"))).then_some(CLAIM),
        ("", "PersistentVolume") => (object["status"]["phase"] != "Bound").then_some(VOLUME),
        _ => None,
    }
}

fn is_used(core: &Core, namespace: &str, claim: &str) -> bool {
    core.store.uses("/pods").is_some_and(|uses| uses.has(&Use::Claim(namespace.to_owned(), claim.to_owned())))
}

/// Lets the claims go that are being deleted and that only this Pod, which is gone, had used.
pub(super) fn release(core: &mut Core, namespace: &str, pod: &Value) {
    for name in claims(pod) {
        let Some(claim) = core.store.get(CLAIMS, namespace, name).filter(|claim| meta::is_deleting(claim)) else { continue };
        if is_used(core, namespace, name) {
            continue;
        }
        let kept: Vec<String> = meta::finalizers(&claim).into_iter().filter(|one| one != CLAIM).collect();
        if kept.is_empty() {
            core.store.delete(CLAIMS, namespace, name);
        } else {
            let mut claim = Value::clone(&claim);
            claim["metadata"]["finalizers"] = kept.into();
            core.store.put(CLAIMS, namespace, name, claim);
        }
    }
}
