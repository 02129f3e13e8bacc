//! One turn of one Application: look, decide, act, write what changed.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::cascade::{self, Progress};
use super::context::Context;
use super::gather::{self, Desired};
use super::operation;
use super::queue::{AppName, Turn};
use crate::auto::{self, Decision};
use crate::desired;
use crate::live::ApiError;
use crate::plan::{self, Comparison};
use crate::status::{self, Findings};

/// Argo CD's annotation that asks for a comparison now.
const REFRESH: &str = "argocd.argoproj.io/refresh";
/// How many steps one turn may take; more would be a fight with somebody, and waits for its next turn.
const STEPS: usize = 30;

/// What comes after a step.
pub(super) enum Next {
    /// Another step at once.
    Again,
    /// Nothing until something happens, or until this time has passed.
    Wait(Option<Duration>),
}

/// Desired and live state of an Application.
pub(super) struct View {
    pub(super) desired: Result<Desired, desired::Error>,
    pub(super) comparison: Arc<Comparison>,
}

/// Does what there is to do for an Application now. Interests are registered before anything is looked at, so that no
/// change between looking and registering is lost.
pub(super) async fn run(context: &Context, name: &AppName) -> Turn {
    for _ in 0..STEPS {
        match step(context, name).await {
            Ok(Next::Again) => {}
            Ok(Next::Wait(after)) => return Turn::Done(Some(after.map_or(context.resync, |after| after.min(context.resync)))),
            Err(error) => {
                tracing::warn!(application = %name.1, %error, "cannot go on now");
                return Turn::Failed;
            }
        }
    }
    tracing::warn!(application = %name.1, "does not come to rest");
    Turn::Failed
}

async fn step(context: &Context, name: &AppName) -> Result<Next, ApiError> {
    let Some(app) = context.apps.get(name) else {
        context.index().remove(name);
        context.healed.lock().unwrap_or_else(PoisonError::into_inner).forget(name);
        context.latest().forget(name);
        return Ok(Next::Wait(None));
    };
    if !app["metadata"]["deletionTimestamp"].is_null() {
        return end(context, &app, name).await;
    }
    if let Some(reason) = unsupported(&app) {
        return write(context, &app, name, Err(("InvalidSpecError", reason)), Vec::new(), None, None).await;
    }
    let view = look(context, &app, name).await?;
    if under_way(&app) {
        return operation::carry_out(context, &app, name, view).await;
    }
    if app["operation"].is_object() {
        let begun = operation::begun(&app["operation"], &app, &now(context));
        return write_view(context, &app, name, &view, Vec::new(), Some(begun), None).await.map(|_| Next::Again);
    }
    let mut conditions = Vec::new();
    let mut wait = None;
    let mut begin = None;
    let mut heals = false;
    if let Ok(desired) = &view.desired {
        let times = context.healed.lock().unwrap_or_else(PoisonError::into_inner).times(name, &view.comparison, Instant::now());
        match auto::decide(&app, &view.comparison, &desired.commit, times) {
            Decision::Nothing => {}
            Decision::Later(after) => wait = Some(after),
            Decision::Refuse(reason) => conditions.push(("SyncError".to_owned(), reason)),
            Decision::Start(operation) => {
                heals = operation["sync"]["resources"].is_array();
                begin = Some(operation::begun(&operation, &app, &now(context)));
            }
        }
    }
    let begins = begin.is_some();
    let next = write_view(context, &app, name, &view, conditions, begin, None).await?;
    if matches!(next, Next::Wait(_)) && heals {
        context.healed.lock().unwrap_or_else(PoisonError::into_inner).note(name, &view.comparison, Instant::now());
    }
    Ok(match next {
        Next::Wait(_) if !begins => Next::Wait(shorter(wait, view_retry(&view))),
        _ => Next::Again,
    })
}

/// Whether an operation is being carried out.
fn under_way(app: &Value) -> bool {
    let phase = app["status"]["operationState"]["phase"].as_str();
    phase.is_some_and(|phase| ["Running", "Terminating"].contains(&phase))
}

/// A view that rests on something unknown is looked at again soon.
fn view_retry(view: &View) -> Option<Duration> {
    let unknown =
        view.comparison.conditions.iter().any(|(kind, message)| kind == "ComparisonError" && message.contains("cannot be listed"));
    let missing = view.comparison.objects.iter().any(|c| c.live.is_none() && c.desired.is_some());
    if unknown { Some(Duration::from_secs(2)) } else { missing.then(|| Duration::from_secs(60)) }
}

fn shorter(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// What of the specification fiel cannot honour; ignoring it could do harm.
pub(super) fn unsupported(app: &Value) -> Option<String> {
    let spec = &app["spec"];
    let used = |v: &Value| v.as_array().is_some_and(|list| !list.is_empty());
    if used(&spec["sources"]) {
        return Some("spec.sources (several sources) is not supported yet, use spec.source".to_owned());
    }
    if spec["sourceHydrator"].is_object() {
        return Some("spec.sourceHydrator is not supported yet".to_owned());
    }
    if used(&spec["ignoreDifferences"]) {
        return Some("spec.ignoreDifferences is not supported yet: without it the differences would be undone".to_owned());
    }
    let project = spec["project"].as_str().unwrap_or_default();
    if !["", "default"].contains(&project) {
        return Some(format!("spec.project {project}: projects other than default are not supported yet"));
    }
    let destination = &spec["destination"];
    let (server, cluster) = (destination["server"].as_str().unwrap_or_default(), destination["name"].as_str().unwrap_or_default());
    match (server, cluster) {
        ("https://kubernetes.default.svc", "") | ("", "in-cluster") => None,
        ("", "") => Some("spec.destination needs server or name".to_owned()),
        (_, "") => {
            Some(format!("spec.destination.server {server}: other clusters than https://kubernetes.default.svc are not supported yet"))
        }
        ("", _) => Some(format!("spec.destination.name {cluster}: other clusters than in-cluster are not supported yet")),
        _ => Some("spec.destination has both server and name".to_owned()),
    }
}

/// Renders and compares what the Application's own source says.
pub(super) async fn look(context: &Context, app: &Value, name: &AppName) -> Result<View, ApiError> {
    let refresh = app["metadata"]["annotations"][REFRESH].as_str();
    let desired = gather::desired(context, app, name, &app["spec"]["source"], None, refresh.is_some(), refresh == Some("hard")).await?;
    Ok(compared(context, app, name, desired).await)
}

/// Compares desired objects with what is live.
pub(super) async fn compared(context: &Context, app: &Value, name: &AppName, desired: Result<Desired, desired::Error>) -> View {
    let objects = desired.as_ref().map_or(&[][..], |d| &d.objects);
    let holdings = gather::holdings(context, app, name, objects).await;
    let before = context.latest().comparison(name);
    let comparison = Arc::new(plan::compare(&name.1, objects, &holdings, &before));
    context.latest().note_comparison(name, comparison.clone());
    View { desired, comparison }
}

/// The Application's last step: its objects, if it has the finalizer.
async fn end(context: &Context, app: &Arc<Value>, name: &AppName) -> Result<Next, ApiError> {
    match cascade::step(context, app, name).await? {
        Progress::NotOurs | Progress::Done => Ok(Next::Wait(None)),
        Progress::Waiting => Ok(Next::Wait(Some(Duration::from_secs(10)))),
        Progress::Again => Ok(Next::Again),
        Progress::Held(reason) => {
            let mut status = app["status"].clone();
            let held = json!([{"type": "DeletionError", "message": reason, "lastTransitionTime": now(context)}]);
            if status["conditions"][0]["message"] != held[0]["message"] {
                status["conditions"] = held;
                if let Some(patch) = status::patch(&app["status"], &status) {
                    context.patch_app(name, &json!({"status": patch})).await?;
                }
            }
            Ok(Next::Wait(None))
        }
    }
}

/// The time of day, as Kubernetes writes it.
pub(super) fn now(context: &Context) -> String {
    let now = context.now();
    now.round(jiff::Unit::Second).unwrap_or(now).to_string()
}

/// Writes the status that a view gives.
pub(super) async fn write_view(
    context: &Context,
    app: &Value,
    name: &AppName,
    view: &View,
    conditions: Vec<(String, String)>,
    operation: Option<Value>,
    history: Option<Value>,
) -> Result<Next, ApiError> {
    let result = match &view.desired {
        Ok(desired) => {
            for warning in &desired.warnings {
                tracing::debug!(application = %name.1, warning, "source");
            }
            Ok((&*view.comparison, desired.commit.as_str(), desired.source_type))
        }
        Err(desired::Error::Spec(message)) => Err(("InvalidSpecError", message.clone())),
        Err(error) => {
            Err(("ComparisonError", format!("Failed to load target state: failed to generate manifest for source 1 of 1: {error}")))
        }
    };
    write(context, app, name, result, conditions, operation, history).await
}

/// Writes the status if it changed, takes the refresh annotation off, and takes over an operation: in one patch.
///
/// An operation begins only on the Application that was looked at. Applications and live objects are watched apart, so that a drift
/// may be seen before the change of the policy that came before it: then the server refuses, and the next step sees the new policy.
async fn write(
    context: &Context,
    app: &Value,
    name: &AppName,
    result: Result<(&Comparison, &str, desired::SourceType), (&str, String)>,
    conditions: Vec<(String, String)>,
    operation: Option<Value>,
    history: Option<Value>,
) -> Result<Next, ApiError> {
    let begins = operation.as_ref().is_some_and(|o| o["phase"] == "Running") && !under_way(app);
    let new = status::status(app, Findings { result, conditions, operation, history, now: now(context) });
    let mut patch = Map::new();
    if let Some(mut change) = status::patch(&app["status"], &new) {
        if let Some(change) = change.as_object_mut() {
            change.insert("reconciledAt".to_owned(), now(context).into());
        }
        patch.insert("status".to_owned(), change);
    }
    let mut metadata = Map::new();
    if app["metadata"]["annotations"][REFRESH].is_string() {
        metadata.insert("annotations".to_owned(), json!({REFRESH: null}));
    }
    if begins {
        metadata.insert("resourceVersion".to_owned(), app["metadata"]["resourceVersion"].clone());
        if app["operation"].is_object() {
            patch.insert("operation".to_owned(), Value::Null);
        }
    }
    if !metadata.is_empty() {
        patch.insert("metadata".to_owned(), metadata.into());
    }
    if patch.is_empty() {
        return Ok(Next::Wait(None));
    }
    match context.patch_app(name, &Value::Object(patch)).await {
        // Whatever others changed since our look and does not forbid our write gets its own turn (note_foreign).
        Ok(_) => Ok(Next::Wait(None)),
        Err(error) if begins && error.code() == 409 => {
            context.look_again(name).await?;
            Ok(Next::Again)
        }
        Err(error) => Err(error),
    }
}
