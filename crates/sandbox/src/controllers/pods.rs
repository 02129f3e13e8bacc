//! Pods as their owners make, count and choose them.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::action::{Action, Outcome};
use super::event::Report;
use super::kind::Kind;
use super::object::{Labels, Object, created, is_deleting, make, name, namespace, owner_reference, ready_since, text};

/// A Pod of `owner` from `template`, without a name; `extra` labels are added to the template's.
pub(crate) fn from_template(kind: Kind, owner: &Object, template: &Value, extra: &[(&str, &str)]) -> Object {
    let map = |field: &str| -> Option<Labels> {
        let pairs = template.pointer(&format!("/metadata/{field}"))?.as_object()?;
        Some(pairs.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect())
    };
    let mut labels = map("labels").unwrap_or_default();
    labels.extend(extra.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())));
    let finalizers = template.pointer("/metadata/finalizers").and_then(Value::as_array);
    let metadata = ObjectMeta {
        generate_name: Some(format!("{}-", name(owner))),
        namespace: Some(namespace(owner).to_owned()),
        labels: Some(labels).filter(|labels| !labels.is_empty()),
        annotations: map("annotations"),
        finalizers: finalizers.map(|names| names.iter().filter_map(|name| Some(name.as_str()?.to_owned())).collect()),
        owner_references: Some(vec![owner_reference(kind, owner)]),
        ..ObjectMeta::default()
    };
    make(Kind::Pod, metadata, json!({"spec": template.get("spec").cloned().unwrap_or_else(|| json!({}))}))
}

/// What `source` tells about the owner of Pods that were made or deleted, or could not be, in Kubernetes' words. `StatefulSet`s have words of their own.
pub(crate) fn report(source: &'static str, kind: Kind, owner: &Object, action: &Action, answer: Result<&Outcome, &str>) -> Option<Report> {
    let normal = |reason, message| Some(Report::normal(source, kind, owner, reason, message));
    let warning = |reason, message| Some(Report::warning(source, kind, owner, reason, message));
    match (action, answer) {
        (Action::Create(Kind::Pod, _), Ok(Outcome::Now(_, pod))) => normal("SuccessfulCreate", format!("Created pod: {}", name(pod))),
        (Action::Create(Kind::Pod, _), Err(error)) => warning("FailedCreate", format!("Error creating: {error}")),
        (Action::Delete(Kind::Pod, ..), Ok(Outcome::Absent(..))) => None,
        (Action::Delete(Kind::Pod, (_, pod), _), Ok(_)) => normal("SuccessfulDelete", format!("Deleted pod: {pod}")),
        (Action::Delete(Kind::Pod, ..), Err(error)) => warning("FailedDelete", format!("Error deleting: {error}")),
        _ => None,
    }
}

pub(crate) fn is_finished(pod: &Object) -> bool {
    matches!(text(pod, "/status/phase"), Some("Succeeded" | "Failed"))
}

/// Whether a Pod counts: neither finished nor going away.
pub(crate) fn is_active(pod: &Object) -> bool {
    !is_finished(pod) && !is_deleting(pod)
}

/// Whether the Pod has been ready for long enough; if it is ready but not for long enough, how long is left.
pub(crate) fn availability(pod: &Object, min_ready_seconds: i64, now: Timestamp) -> (bool, Option<Duration>) {
    let Some(since) = ready_since(pod) else { return (false, None) };
    if min_ready_seconds <= 0 {
        return (true, None);
    }
    let left = since.as_second().saturating_add(min_ready_seconds).saturating_sub(now.as_second());
    match u64::try_from(left) {
        Ok(left) if left > 0 => (false, Some(Duration::from_secs(left))),
        _ => (true, None),
    }
}

/// Sorts so that the Pods that are missed least come first: not bound, not running, not ready, then the youngest.
pub(crate) fn least_missed_first(pods: &mut [&Object]) {
    pods.sort_by_key(|pod| {
        let bound = text(pod, "/spec/nodeName").is_some_and(|node| !node.is_empty());
        let running = text(pod, "/status/phase") == Some("Running");
        let ready = ready_since(pod);
        (bound, running, ready.is_some(), std::cmp::Reverse(ready), std::cmp::Reverse(created(pod)), name(pod).to_owned())
    });
}

/// The smaller of two delays, where there are any.
pub(crate) fn sooner(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
