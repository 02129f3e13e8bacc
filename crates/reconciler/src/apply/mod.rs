//! Carrying out: the calls that change the cluster, each safe to repeat.
//!
//! Objects are applied server-side and with force as field manager [`MANAGER`], Argo CD's own, so that whoever comes
//! from there keeps the ownership of fields. A deletion asks the server for the object first and names its uid and
//! version: what is not exactly the object that was judged stays.

mod migrate;

use std::time::Duration;

use serde_json::Value;

use crate::live::{ApiError, ApplyOptions, Gvk, Live, Resource, version};

pub use migrate::migration;

/// The field manager of everything that the agent applies.
pub const MANAGER: &str = "argocd-controller";

/// How often a call that failed for a passing reason is repeated, with growing pauses: 0.05 s up to 0.8 s, 1.6 s in all.
const REPEATS: u32 = 5;

/// What an apply did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The object was not there before.
    Created,
    /// The object changed.
    Configured,
    /// The object was so already.
    Unchanged,
}

/// What a deletion did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// The object is gone.
    Gone,
    /// The deletion is under way: finalizers, or dependents in the foreground.
    Terminating,
    /// Nothing was deleted: the object is not the one that was judged any more. Judge again.
    Changed,
}

/// Applies an object. `managers` are those whose ownership is taken over first, so that fields which they set and
/// `object` does not set any more go. A dry run stores nothing and takes nothing over.
pub async fn apply(live: &Live, object: &Value, managers: &[String], dry_run: bool) -> Result<(Value, Outcome), ApiError> {
    let resource = resource(live, object).await?;
    let (namespace, name) = name(object);
    let before = before(live, &resource, object).await?;
    if !dry_run
        && let Some(before) = &before
        && let Some(patch) = migration(before, managers)
    {
        take_over(live, &resource, before, patch, managers).await?;
    }
    let options = ApplyOptions { manager: MANAGER, force: true, dry_run };
    let first = live.api.apply(&resource, &namespace, &name, object, options);
    let after = repeated(first, || live.api.apply(&resource, &namespace, &name, object, options)).await?;
    let outcome = match &before {
        None => Outcome::Created,
        Some(before) if version(before) == version(&after) => Outcome::Unchanged,
        Some(_) => Outcome::Configured,
    };
    if !dry_run {
        live.observe(&after);
    }
    Ok((after, outcome))
}

/// The object as it is: from its kind's cache, which is asked again by version before anything is taken over; from
/// the server if the kind has no cache.
async fn before(live: &Live, resource: &Resource, object: &Value) -> Result<Option<std::sync::Arc<Value>>, ApiError> {
    let key = name(object);
    let cached = Gvk::of(object).and_then(|gvk| live.cached(&gvk)).filter(|kind| kind.is_ready());
    if let Some(kind) = cached {
        return Ok(kind.get(&key));
    }
    let first = live.api.get(resource, &key.0, &key.1);
    Ok(repeated(first, || live.api.get(resource, &key.0, &key.1)).await?.map(std::sync::Arc::new))
}

/// Makes the fields that client-side managers own ours. The patch names the version that it was made for.
async fn take_over(live: &Live, resource: &Resource, before: &Value, patch: Value, managers: &[String]) -> Result<(), ApiError> {
    let (namespace, name) = name(before);
    let mut patch = patch;
    for _ in 0..REPEATS {
        match live.api.json_patch(resource, &namespace, &name, &patch, MANAGER).await {
            Ok(_) => return Ok(()),
            // Another version already (or a passing error): made anew for what is there now.
            Err(error) if error.code() == 409 || error.code() == 422 || error.is_transient() => {
                let Some(now) = live.api.get(resource, &namespace, &name).await? else { return Ok(()) };
                match migration(&now, managers) {
                    Some(next) => patch = next,
                    None => return Ok(()),
                }
            }
            Err(error) if error.code() == 404 => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Err(ApiError::Unreachable("the object changes too often to take over its fields".to_owned()))
}

/// Deletes the object if it is still the one with this uid and `judge` still agrees with its present state.
/// `propagation` is `Foreground`, `Background` or `Orphan`.
pub async fn delete(
    live: &Live,
    gvk: &Gvk,
    namespace: &str,
    name: &str,
    uid: &str,
    propagation: &str,
    judge: impl Fn(&Value) -> bool,
) -> Result<Removal, ApiError> {
    let Some(resource) = live.discovery.find(&gvk.group, &gvk.version, &gvk.kind).await? else { return Ok(Removal::Gone) };
    let key = (namespace.to_owned(), name.to_owned());
    let mut changed = 0;
    loop {
        let first = live.api.get(&resource, namespace, name);
        let Some(now) = repeated(first, || live.api.get(&resource, namespace, name)).await? else {
            live.forget(gvk, &key, uid, u128::MAX);
            return Ok(Removal::Gone);
        };
        if now["metadata"]["uid"] != uid {
            // Gone, and another took its place.
            live.observe(&now);
            return Ok(Removal::Changed);
        }
        if !now["metadata"]["deletionTimestamp"].is_null() {
            live.observe(&now);
            return Ok(Removal::Terminating);
        }
        if !judge(&now) {
            live.observe(&now);
            return Ok(Removal::Changed);
        }
        let at = now["metadata"]["resourceVersion"].as_str();
        match live.api.delete(&resource, namespace, name, uid, at, propagation).await {
            // The answer is the object, or a status once it is gone: asked again at the top.
            Ok(_) => {}
            Err(error) if error.code() == 404 => {}
            Err(error) if error.code() == 409 && changed < REPEATS => changed += 1,
            Err(error) if error.is_transient() && changed < REPEATS => {
                changed += 1;
                pause(changed).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// The resource of an object; a kind that the server does not know is an error as the server would word it.
async fn resource(live: &Live, object: &Value) -> Result<std::sync::Arc<Resource>, ApiError> {
    let gvk = Gvk::of(object);
    let found = match &gvk {
        Some(gvk) => live.discovery.find(&gvk.group, &gvk.version, &gvk.kind).await?,
        None => None,
    };
    found.ok_or_else(|| ApiError::Status {
        code: 404,
        reason: "NotFound".to_owned(),
        message: gvk.map_or_else(
            || "an object without apiVersion and kind".to_owned(),
            |gvk| format!("The Kubernetes API could not find {}/{} for requested resource: the kind is not known to the cluster, is its CRD missing?", gvk.group, gvk.kind),
        ),
    })
}

fn name(object: &Value) -> (String, String) {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}

/// Awaits `first`, and repeats it while the reason of its failure may pass. A 409 of an apply with force passes, too.
async fn repeated<T, F: Future<Output = Result<T, ApiError>>>(first: F, again: impl Fn() -> F) -> Result<T, ApiError> {
    let mut result = first.await;
    for turn in 1..=REPEATS {
        match &result {
            Err(error) if error.is_transient() || error.code() == 409 => {
                pause(turn).await;
                result = again().await;
            }
            _ => break,
        }
    }
    result
}

async fn pause(turn: u32) {
    tokio::time::sleep(Duration::from_millis(25) * 2u32.pow(turn.min(5))).await;
}
