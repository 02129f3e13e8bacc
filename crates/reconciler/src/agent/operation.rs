//! Carrying out a sync operation. Its state is in `status.operationState`; whatever step a process dies at, the next
//! one begins again with what is recorded there and finds the rest in the cluster, for every step may be repeated.
//!
//! Order: the destination namespace if asked for; a server-side dry run of everything; the waves, each waited for until
//! it is healthy if there are several; what Git does not have any more last, in the reverse order of the waves.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::context::Context;
use super::gather;
use super::queue::AppName;
use super::results::{Results, Selection};
use super::turn::{Next, View, compared, now, write_view};
use crate::application::{hook, listed_option, object_option, wave};
use crate::apply::{self, Outcome, Removal};
use crate::diff;
use crate::health::Status;
use crate::live::{ApiError, Gvk};
use crate::plan::{Compared, Sync};
use crate::tracking;

const SUCCESS: &str = "successfully synced (all tasks run)";

/// The order of kinds within a wave; others come after, in the order of their names.
const KINDS: [&str; 37] = [
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// The state of an operation that begins now.
pub(super) fn begun(operation: &Value, app: &Value, now: &str) -> Value {
    let mut operation = operation.clone();
    if operation["sync"]["source"].is_null() {
        operation["sync"]["source"] = app["spec"]["source"].clone();
    }
    json!({"operation": operation, "phase": "Running", "startedAt": now})
}

/// How one attempt ended.
enum Attempt {
    Succeeded,
    Failed(String),
    /// Something is not healthy yet; the message says what.
    Waiting(String),
}

/// Takes the operation that is under way further.
pub(super) async fn carry_out(context: &Context, app: &Value, name: &AppName, view: View) -> Result<Next, ApiError> {
    let state = app["status"]["operationState"].clone();
    let sync = &state["operation"]["sync"];
    if state["phase"] == "Terminating" {
        return finish(context, app, name, state, "Failed", "Operation terminated", None).await;
    }
    if let Some(wait) = retry_wait(&state, context) {
        let newer = view.desired.as_ref().is_ok_and(|d| state["syncResult"]["revision"] != d.commit.as_str());
        if newer && state["operation"]["initiatedBy"]["automated"] == true {
            // A newer commit is there: what failed before is not tried again.
            return finish(context, app, name, state, "Failed", "superseded by a newer revision", None).await;
        }
        return Ok(Next::Wait(Some(wait)));
    }
    if let Some(reason) = unsupported(&state["operation"]) {
        return finish(context, app, name, state, "Failed", &reason, None).await;
    }
    // The revision is fixed by the first attempt: a branch that moves meanwhile is the next operation's.
    let wanted = [&state["syncResult"]["revision"], &sync["revision"]].into_iter().find_map(|r| r.as_str().filter(|r| !r.is_empty()));
    let same_source = sync["source"].is_null() || sync["source"] == app["spec"]["source"];
    let view = match (&view.desired, wanted) {
        (Ok(desired), Some(wanted)) if same_source && desired.commit == wanted => view,
        (Ok(_), None) if same_source => view,
        _ => {
            let source = if same_source { &app["spec"]["source"] } else { &sync["source"] };
            let desired =
                gather::desired(context, app, name, source, wanted.or(source["targetRevision"].as_str()).or(Some("HEAD")), true, false)
                    .await?;
            compared(context, app, name, desired).await
        }
    };
    let desired = match &view.desired {
        Ok(desired) => desired,
        Err(error) => return fail(context, app, name, state.clone(), "Error", &format!("ComparisonError: {error}")).await,
    };
    let mut state = state;
    let known = state["syncResult"]["resources"].as_array();
    // A further attempt begins from the start: somebody may have changed what was applied before.
    let known = known.filter(|known| known.iter().all(|r| r["status"] != "SyncFailed"));
    let mut results = Results::known(known.cloned().unwrap_or_default());
    state["syncResult"]["revision"] = desired.commit.clone().into();
    state["syncResult"]["source"] = if same_source { app["spec"]["source"].clone() } else { state["operation"]["sync"]["source"].clone() };
    let attempt = if desired.objects.iter().any(|o| hook(o).is_some_and(|h| h != "Skip")) {
        Attempt::Failed("the source has hooks (argocd.argoproj.io/hook), which are not supported yet: nothing was applied".to_owned())
    } else {
        attempt(context, app, name, &state["operation"]["sync"], &view, &mut results).await?
    };
    state["syncResult"]["resources"] = results.into_list().into();
    match attempt {
        Attempt::Succeeded => {
            let sync = &state["operation"]["sync"];
            let whole = sync["dryRun"] != true && sync["resources"].as_array().is_none_or(std::vec::Vec::is_empty);
            let entry = json!({"revision": state["syncResult"]["revision"], "source": state["syncResult"]["source"], "deployStartedAt": state["startedAt"],
                "deployedAt": now(context), "initiatedBy": state["operation"]["initiatedBy"]});
            finish(context, app, name, state, "Succeeded", SUCCESS, whole.then_some(entry)).await
        }
        Attempt::Failed(reason) => fail(context, app, name, state, "Failed", &reason).await,
        Attempt::Waiting(message) => {
            state["message"] = message.into();
            let view = super::turn::look(context, app, name).await?;
            write_view(context, app, name, &view, Vec::new(), Some(state), None).await?;
            Ok(Next::Wait(Some(Duration::from_secs(10))))
        }
    }
}

/// What the operation asks for that fiel cannot do.
fn unsupported(operation: &Value) -> Option<String> {
    let sync = &operation["sync"];
    if !sync.is_object() {
        return Some("the operation is no sync".to_owned());
    }
    let used = |v: &Value| v.as_array().is_some_and(|list| !list.is_empty());
    if used(&sync["manifests"]) {
        return Some("syncing local manifests is not supported yet".to_owned());
    }
    if used(&sync["sources"]) || used(&sync["revisions"]) {
        return Some("several sources are not supported yet".to_owned());
    }
    if sync["syncStrategy"]["apply"]["force"] == true
        || sync["syncStrategy"]["hook"]["force"] == true
        || listed_option(&sync["syncOptions"], "Force=true")
    {
        return Some("force (delete and create) is not supported yet".to_owned());
    }
    listed_option(&sync["syncOptions"], "Replace=true").then(|| "the sync option Replace=true is not supported yet".to_owned())
}

/// One attempt at everything that is left to do.
async fn attempt(
    context: &Context,
    app: &Value,
    name: &AppName,
    sync: &Value,
    view: &View,
    results: &mut Results,
) -> Result<Attempt, ApiError> {
    let option =
        |wanted: &str| listed_option(&sync["syncOptions"], wanted) || listed_option(&app["spec"]["syncPolicy"]["syncOptions"], wanted);
    let selection = Selection::of(&sync["resources"]);
    let selected: Vec<&Compared> = view.comparison.objects.iter().filter(|c| selection.has(&c.key)).collect();
    if let Some(unknown) = selected.iter().find(|c| c.sync == Sync::Unknown) {
        return Ok(Attempt::Failed(format!("{} cannot be compared now, nothing was applied", unknown.key.shown())));
    }
    let mut tasks: Vec<&Compared> = selected.iter().copied().filter(|c| c.desired.is_some()).collect();
    if option("ApplyOutOfSyncOnly=true") {
        tasks.retain(|c| c.sync != Sync::Synced);
    }
    tasks.sort_by_cached_key(|c| order(c));
    let mut failures: BTreeSet<String> = BTreeSet::new();
    for task in tasks.iter().filter(|c| c.foreign.is_some()) {
        let owner = task.foreign.as_deref().unwrap_or_default();
        let message = format!("{} belongs to Application {owner}, it is not taken over", task.key.shown());
        results.set(task, "SyncFailed", "Failed", &message);
        failures.insert(message);
    }
    if !failures.is_empty() {
        return Ok(failed("one or more objects belong to another Application", &failures));
    }
    if option("CreateNamespace=true") && sync["dryRun"] != true {
        create_namespace(context, app, &tasks).await?;
    }
    for task in &tasks {
        if results.of(task).is_some_and(|r| r["status"] == "Synced") {
            continue;
        }
        if let Some(message) = dry_run(context, task, &tasks).await? {
            results.set(task, "SyncFailed", "Failed", &message);
            failures.insert(message);
        }
    }
    if !failures.is_empty() {
        return Ok(failed("one or more objects failed to apply (dry run)", &failures));
    }
    if sync["dryRun"] == true {
        for task in &tasks {
            results.set(task, "Synced", "Running", "would be applied (dry run)");
        }
        return Ok(Attempt::Succeeded);
    }
    let mut waves: BTreeMap<i64, Vec<&Compared>> = BTreeMap::new();
    for task in &tasks {
        waves.entry(task_wave(task)).or_default().push(task);
    }
    let several = waves.len() > 1;
    for tasks in waves.values() {
        for task in tasks {
            if results.of(task).is_some_and(|r| r["status"] == "Synced") {
                continue;
            }
            let Some(object) = &task.desired else { continue };
            let managers = task.live.as_deref().map(diff::managers_to_migrate).unwrap_or_default();
            match apply::apply(&context.live, object, &managers, false).await {
                Ok((_, outcome)) => results.set(task, "Synced", "Running", &told(task, outcome)),
                // Nobody's fault that a retry of the operation's own would mend: the turn is repeated.
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => {
                    results.set(task, "SyncFailed", "Failed", &error.to_string());
                    failures.insert(error.to_string());
                }
            }
        }
        if !failures.is_empty() {
            return Ok(failed("one or more synchronization tasks completed unsuccessfully", &failures));
        }
        if several && let Some(verdict) = health_of_wave(context, tasks, results) {
            return Ok(verdict);
        }
    }
    prune(context, app, name, sync, &selected, results).await
}

fn failed(what: &str, reasons: &BTreeSet<String>) -> Attempt {
    Attempt::Failed(format!("{what}, reason: {}", reasons.iter().cloned().collect::<Vec<_>>().join(",")))
}

fn task_wave(task: &Compared) -> i64 {
    task.desired.as_deref().or(task.live.as_deref()).map(wave).unwrap_or_default()
}

fn order(task: &Compared) -> (i64, usize, String, String) {
    let kind = KINDS.iter().position(|k| *k == task.key.kind).unwrap_or(KINDS.len());
    (task_wave(task), kind, task.key.kind.clone(), task.key.name.clone())
}

/// The message of an apply, as kubectl words it.
fn told(task: &Compared, outcome: Outcome) -> String {
    let group = if task.key.group.is_empty() { String::new() } else { format!(".{}", task.key.group) };
    let verb = match outcome {
        Outcome::Created => "created",
        Outcome::Configured => "configured",
        Outcome::Unchanged => "unchanged",
    };
    format!("{}{group}/{} {verb}", task.key.kind.to_lowercase(), task.key.name)
}

/// What the server would say; `None`: it would accept. An object whose namespace or definition comes with the same
/// sync cannot be tried yet.
async fn dry_run(context: &Context, task: &Compared, tasks: &[&Compared]) -> Result<Option<String>, ApiError> {
    let Some(object) = &task.desired else { return Ok(None) };
    if task.key.name.is_empty() {
        let generated = object["metadata"]["generateName"].as_str().unwrap_or("object without a name");
        return Ok(Some(format!("from {generated}: cannot use generate name with apply")));
    }
    if object_option(object, "Replace=true") || object_option(object, "Force=true") {
        return Ok(Some(format!("{}: the sync options Replace=true and Force=true are not supported yet", task.key.shown())));
    }
    if task.sync == Sync::Synced {
        // The server keeps exactly this already.
        return Ok(None);
    }
    match apply::apply(&context.live, object, &[], true).await {
        Ok(_) => Ok(None),
        Err(error) if error.is_transient() => Err(error),
        Err(error) if error.code() == 404 => {
            let namespace_comes =
                tasks.iter().any(|t| t.key.kind == "Namespace" && t.key.group.is_empty() && t.key.name == task.key.namespace);
            let definition_comes = tasks.iter().filter(|t| t.key.kind == "CustomResourceDefinition").any(|t| {
                t.desired.as_ref().is_some_and(|d| d["spec"]["group"] == task.key.group && d["spec"]["names"]["kind"] == task.key.kind)
            });
            let skipped = object_option(object, "SkipDryRunOnMissingResource=true");
            Ok((!namespace_comes && !definition_comes && !skipped).then(|| error.to_string()))
        }
        Err(error) => Ok(Some(error.to_string())),
    }
}

/// Makes the destination namespace unless it is there or comes with the sync.
async fn create_namespace(context: &Context, app: &Value, tasks: &[&Compared]) -> Result<(), ApiError> {
    let namespace = app["spec"]["destination"]["namespace"].as_str().unwrap_or_default();
    if namespace.is_empty() || tasks.iter().any(|t| t.key.kind == "Namespace" && t.key.name == namespace) {
        return Ok(());
    }
    let Some(resource) = context.live.discovery.find("", "v1", "Namespace").await? else { return Ok(()) };
    if context.live.api.get(&resource, "", namespace).await?.is_some() {
        return Ok(());
    }
    let mut object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    for part in ["labels", "annotations"] {
        let managed = &app["spec"]["syncPolicy"]["managedNamespaceMetadata"][part];
        if managed.is_object() {
            object["metadata"][part] = managed.clone();
        }
    }
    match context.live.api.create(&resource, "", &object, apply::MANAGER, false).await {
        Err(error) if error.code() != 409 => Err(error),
        _ => Ok(()),
    }
}

/// Whether a wave is healthy; `None`: it is.
fn health_of_wave(context: &Context, tasks: &[&Compared], results: &mut Results) -> Option<Attempt> {
    let mut waiting = Vec::new();
    for task in tasks {
        let gvk = Gvk { group: task.key.group.clone(), version: task.version.clone(), kind: task.key.kind.clone() };
        let live = context.live.cached(&gvk).and_then(|kind| kind.get(&(task.key.namespace.clone(), task.key.name.clone())));
        match live.as_deref().and_then(crate::health::of).map(|h| (h.status, h.message)) {
            Some((Status::Degraded, message)) => {
                results.set(task, "SyncFailed", "Failed", &message);
                return Some(failed("one or more synchronization tasks completed unsuccessfully", &BTreeSet::from([message])));
            }
            Some((Status::Healthy, _)) | None => {
                let message = results.of(task).and_then(|r| r["message"].as_str()).unwrap_or_default().to_owned();
                results.set(task, "Synced", "Succeeded", &message);
            }
            Some(_) => waiting.push(format!("{}/{}/{}", task.key.group, task.key.kind, task.key.name)),
        }
    }
    let first = waiting.first()?;
    let more = if waiting.len() > 1 { format!(" and {} more resources", waiting.len() - 1) } else { String::new() };
    Some(Attempt::Waiting(format!("waiting for healthy state of {first}{more}")))
}

/// Deletes what Git does not have any more, if the operation may.
async fn prune(
    context: &Context,
    app: &Value,
    name: &AppName,
    sync: &Value,
    selected: &[&Compared],
    results: &mut Results,
) -> Result<Attempt, ApiError> {
    let option =
        |wanted: &str| listed_option(&sync["syncOptions"], wanted) || listed_option(&app["spec"]["syncPolicy"]["syncOptions"], wanted);
    let propagation = match ["background", "orphan"].into_iter().find(|p| option(&format!("PrunePropagationPolicy={p}"))) {
        Some("background") => "Background",
        Some("orphan") => "Orphan",
        _ => "Foreground",
    };
    let mut surplus: Vec<&&Compared> = selected.iter().filter(|c| c.requires_pruning).collect();
    surplus.sort_by_cached_key(|c| std::cmp::Reverse(order(c)));
    let mut failures = BTreeSet::new();
    for compared in surplus {
        let Some(live) = &compared.live else { continue };
        if object_option(live, "Prune=false") || option("Prune=false") {
            results.set(compared, "PruneSkipped", "Succeeded", "ignored (no prune)");
            continue;
        }
        if sync["prune"] != true {
            results.set(compared, "PruneSkipped", "Succeeded", "ignored (requires pruning)");
            continue;
        }
        let approved = app["metadata"]["annotations"]["argocd.argoproj.io/deletion-approved"].is_string();
        if (object_option(live, "Prune=confirm") || option("Prune=confirm")) && !approved {
            return Ok(Attempt::Waiting(format!(
                "waiting for pruning confirmation of {}/{}/{}",
                compared.key.group, compared.key.kind, compared.key.name
            )));
        }
        let gvk = Gvk { group: compared.key.group.clone(), version: compared.version.clone(), kind: compared.key.kind.clone() };
        let uid = live["metadata"]["uid"].as_str().unwrap_or_default();
        let judge = |now: &Value| tracking::is_tracked_by(now, &name.1) && !object_option(now, "Prune=false");
        match apply::delete(&context.live, &gvk, &compared.key.namespace, &compared.key.name, uid, propagation, judge).await {
            Ok(Removal::Gone | Removal::Terminating) => results.set(compared, "Pruned", "Succeeded", "pruned"),
            Ok(Removal::Changed) => results.set(compared, "PruneSkipped", "Succeeded", "ignored (the object changed meanwhile)"),
            Err(error) if error.is_transient() => return Err(error),
            Err(error) => {
                results.set(compared, "SyncFailed", "Failed", &error.to_string());
                failures.insert(error.to_string());
            }
        }
    }
    Ok(if failures.is_empty() {
        Attempt::Succeeded
    } else {
        failed("one or more synchronization tasks completed unsuccessfully", &failures)
    })
}

/// Ends an attempt that failed: again later if the operation may be retried, otherwise for good.
async fn fail(context: &Context, app: &Value, name: &AppName, mut state: Value, phase: &str, reason: &str) -> Result<Next, ApiError> {
    let limit = state["operation"]["retry"]["limit"].as_i64().unwrap_or_default();
    let count = state["retryCount"].as_i64().unwrap_or_default();
    if limit >= 0 && count >= limit {
        return finish(context, app, name, state, phase, reason, None).await;
    }
    let wait = backoff(&state["operation"]["retry"]["backoff"], count);
    let at = context.now().saturating_add(jiff::SignedDuration::try_from(wait).unwrap_or_default()).unwrap_or_else(|_| context.now());
    state["retryCount"] = (count + 1).into();
    state["finishedAt"] = now(context).into();
    state["message"] = format!("{reason}. Retrying attempt #{} at {}.", count + 1, at.strftime("%-I:%M%p")).into();
    let view = super::turn::look(context, app, name).await?;
    write_view(context, app, name, &view, Vec::new(), Some(state), None).await?;
    Ok(Next::Wait(Some(wait)))
}

/// How long is left until the next attempt, if the last one failed and will be repeated.
fn retry_wait(state: &Value, context: &Context) -> Option<Duration> {
    let count = state["retryCount"].as_i64().filter(|count| *count > 0)?;
    let finished: jiff::Timestamp = state["finishedAt"].as_str()?.parse().ok()?;
    let next =
        finished.saturating_add(jiff::SignedDuration::try_from(backoff(&state["operation"]["retry"]["backoff"], count - 1)).ok()?).ok()?;
    let left = Duration::try_from(next.duration_since(context.now())).ok()?;
    (!left.is_zero()).then_some(left)
}

/// The pause after a failed attempt: 5 s, doubled each time, at most 3 minutes, unless the Application says otherwise.
fn backoff(backoff: &Value, count: i64) -> Duration {
    let given = |field: &str, default: u64| backoff[field].as_str().and_then(seconds).unwrap_or(Duration::from_secs(default));
    let factor = backoff["factor"].as_u64().unwrap_or(2).max(1);
    let times = u32::try_from(count.clamp(0, 30)).unwrap_or_default();
    let pause = given("duration", 5).as_millis().saturating_mul(u128::from(factor).saturating_pow(times));
    Duration::from_millis(u64::try_from(pause).unwrap_or(u64::MAX)).min(given("maxDuration", 180))
}

/// A duration as Go writes it: `5s`, `1m30s`, `500ms`, or plain seconds.
fn seconds(text: &str) -> Option<Duration> {
    if let Ok(plain) = text.parse::<u64>() {
        return Some(Duration::from_secs(plain));
    }
    let (mut total, mut number) = (Duration::ZERO, String::new());
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        number.clear();
        number.push_str(&rest[..digits]);
        let value: u64 = number.parse().ok()?;
        let (unit, length) = match &rest[digits..] {
            u if u.starts_with("ms") => (1, 2),
            u if u.starts_with('s') => (1000, 1),
            u if u.starts_with('m') => (60_000, 1),
            u if u.starts_with('h') => (3_600_000, 1),
            _ => return None,
        };
        total += Duration::from_millis(value.saturating_mul(unit));
        rest = &rest[digits + length..];
    }
    Some(total)
}

/// Ends the operation, and looks once more so that its last state and the new comparison are written together.
async fn finish(
    context: &Context,
    app: &Value,
    name: &AppName,
    mut state: Value,
    phase: &str,
    message: &str,
    history: Option<Value>,
) -> Result<Next, ApiError> {
    state["phase"] = phase.into();
    state["message"] = message.into();
    state["finishedAt"] = now(context).into();
    if phase != "Succeeded" {
        for result in state["syncResult"]["resources"].as_array_mut().into_iter().flatten() {
            if result["hookPhase"] == "Running" {
                result["hookPhase"] = "Succeeded".into();
            }
        }
    }
    tracing::info!(application = %name.1, phase, message, "operation ended");
    let view = super::turn::look(context, app, name).await?;
    write_view(context, app, name, &view, Vec::new(), Some(state), history).await?;
    Ok(Next::Again)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses() {
        assert_eq!((0..8).map(|n| backoff(&Value::Null, n).as_secs()).collect::<Vec<_>>(), [5, 10, 20, 40, 80, 160, 180, 180]);
        assert_eq!(backoff(&json!({"duration": "1m30s", "factor": 3, "maxDuration": "1h"}), 1).as_secs(), 270);
        assert_eq!(seconds("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(seconds("5x"), None);
        assert_eq!(seconds("s"), None);
    }
}
