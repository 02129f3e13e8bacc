//! The end of an Application: with a finalizer its objects go first, in the reverse order of their waves; without one
//! nothing is deleted.

use std::sync::Arc;

use serde_json::{Value, json};

use super::context::Context;
use super::gather;
use super::queue::AppName;
use crate::application::{object_option, wave};
use crate::apply::{self, Removal};
use crate::live::{ApiError, Gvk};
use crate::plan::Holdings;
use crate::resource::ObjectKey;
use crate::tracking;

/// Argo CD's finalizer: objects are deleted in the foreground.
const FINALIZER: &str = "resources-finalizer.argocd.argoproj.io";

/// How far the end of an Application has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It carries no finalizer of ours: nothing to do.
    NotOurs,
    /// Objects are being deleted; their going is seen by watch.
    Waiting,
    /// Nothing to wait for: the next wave, or the finalizer.
    Again,
    /// Everything of ours is gone, and so is the finalizer.
    Done,
    /// The objects are kept until the user confirms; the reason.
    Held(String),
}

/// `Foreground` or `Background`, if one of our finalizers is there.
fn propagation(app: &Value) -> Option<&'static str> {
    let finalizers = app["metadata"]["finalizers"].as_array()?;
    finalizers.iter().filter_map(Value::as_str).find_map(|finalizer| match finalizer.strip_prefix(FINALIZER)? {
        "" | "/foreground" => Some("Foreground"),
        "/background" => Some("Background"),
        _ => None,
    })
}

fn is_ours(finalizer: &Value) -> bool {
    finalizer.as_str().is_some_and(|f| {
        [FINALIZER, "resources-finalizer.argocd.argoproj.io/foreground", "resources-finalizer.argocd.argoproj.io/background"].contains(&f)
    })
}

/// Takes the end of the Application one step further.
pub(super) async fn step(context: &Context, app: &Arc<Value>, name: &AppName) -> Result<Progress, ApiError> {
    let Some(propagation) = propagation(app) else { return Ok(Progress::NotOurs) };
    let Holdings { objects, unknown, .. } = gather::holdings(context, app, name, &[]).await;
    if let Some((gvk, reason)) = unknown.into_iter().next() {
        // What cannot be seen may still be there: the finalizer stays.
        return Err(ApiError::Unreachable(format!("objects of kind {} cannot be listed: {reason}", gvk.kind)));
    }
    // Whatever the order of the caches: the same ones go first each time.
    let mut objects: Vec<(ObjectKey, Arc<Value>)> = objects.into_iter().collect();
    objects.sort_by(|a, b| a.0.cmp(&b.0));
    let mine = objects.into_iter().map(|(_, object)| object);
    let mine: Vec<Arc<Value>> =
        mine.filter(|object| tracking::is_tracked_by(object, &name.1) && !object_option(object, "Delete=false")).collect();
    let approved = app["metadata"]["annotations"]["argocd.argoproj.io/deletion-approved"].is_string();
    if !approved && let Some(object) = mine.iter().find(|object| object_option(object, "Delete=confirm")) {
        let key = ObjectKey::of(object);
        return Ok(Progress::Held(format!(
            "{} {} waits for a confirmation: set the annotation argocd.argoproj.io/deletion-approved",
            key.kind, key.name
        )));
    }
    let Some(last) = mine.iter().map(|object| wave(object)).max() else {
        release(context, app, name).await?;
        return Ok(Progress::Done);
    };
    let mut gone = 0;
    let of_wave: Vec<&Arc<Value>> = mine.iter().filter(|object| wave(object) == last).collect();
    for object in &of_wave {
        let Some(gvk) = Gvk::of(object) else { continue };
        let key = ObjectKey::of(object);
        let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
        let judge = |now: &Value| tracking::is_tracked_by(now, &name.1) && !object_option(now, "Delete=false");
        let removal = apply::delete(&context.live, &gvk, &key.namespace, &key.name, uid, propagation, judge).await?;
        tracing::info!(application = %name.1, kind = %key.kind, namespace = %key.namespace, name = %key.name, ?removal, "deleted with its Application");
        gone += usize::from(removal != Removal::Terminating);
    }
    if gone == of_wave.len() {
        return Ok(Progress::Again);
    }
    Ok(Progress::Waiting)
}

/// Takes our finalizer off, and no other; the patch names the version it was made for.
async fn release(context: &Context, app: &Value, name: &AppName) -> Result<(), ApiError> {
    let left: Vec<&Value> = app["metadata"]["finalizers"].as_array().into_iter().flatten().filter(|f| !is_ours(f)).collect();
    let patch = json!({"metadata": {"finalizers": left, "resourceVersion": app["metadata"]["resourceVersion"]}});
    context.patch_app(name, &patch).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finalizers() {
        let with = |finalizer: &str| propagation(&json!({"metadata": {"finalizers": ["x/y", finalizer]}}));
        assert_eq!(with("resources-finalizer.argocd.argoproj.io"), Some("Foreground"));
        assert_eq!(with("resources-finalizer.argocd.argoproj.io/foreground"), Some("Foreground"));
        assert_eq!(with("resources-finalizer.argocd.argoproj.io/background"), Some("Background"));
        assert_eq!(with("resources-finalizer.argocd.argoproj.io/other"), None);
        assert_eq!(propagation(&json!({"metadata": {}})), None);
    }
}
