//! What the server and its admission write into an object of a kind before it is looked at, beside its defaults: nobody who writes owns that.

use serde_json::{Map, Value, json};

use super::kinds::TEMPLATE_GENERATION;
use super::{default, object, pods};

/// Prepares an object in the server's form; `old` is what an update would replace, `now` the time as objects have it. Says whether anything is written
/// into objects of the kind.
pub(super) fn prepare(group: &str, kind: &str, fields: &mut Map<String, Value>, old: Option<&Value>, now: &str) -> bool {
    let template: &[&str] = match (group, kind) {
        ("", "Pod") => &[],
        ("batch", "CronJob") => &["spec", "jobTemplate", "spec", "template"],
        _ => &["spec", "template"],
    };
    let around = template.iter().try_fold(&mut *fields, |fields, name| fields.get_mut(*name)?.as_object_mut());
    if let Some(spec) = around.and_then(|around| around.get_mut("spec")?.as_object_mut()) {
        pods::ungated(spec);
    }
    match (group, kind) {
        ("", "Namespace") => namespace(fields),
        ("", "Pod") => pod(fields, old.is_none()),
        ("apps", "DaemonSet") => template_generation(fields, old),
        // Who changes a Job writes down what it has.
        ("batch", "Job") if old.is_none() => job(fields),
        ("", "PersistentVolumeClaim") => {
            claim_sources(fields, old);
            if old.is_none() {
                guard(fields, "kubernetes.io/pvc-protection");
            }
        }
        ("", "PersistentVolume") if old.is_none() => {
            guard(fields, "kubernetes.io/pv-protection");
            if let Some(status) = object(fields, "status") {
                default(status, "lastPhaseTransitionTime", now);
            }
        }
        _ => return false,
    }
    true
}

/// A finalizer that holds an object for as long as it is in use.
fn guard(fields: &mut Map<String, Value>, finalizer: &str) {
    let metadata = object(fields, "metadata");
    let list = metadata.and_then(|metadata| metadata.entry("finalizers").or_insert_with(|| json!([])).as_array_mut());
    if let Some(list) = list.filter(|list| list.iter().all(|one| one != finalizer)) {
        list.push(json!(finalizer));
    }
}

/// What a claim's volume begins with is said in two fields, of which the older one knows only claims and snapshots.
fn claim_sources(fields: &mut Map<String, Value>, old: Option<&Value>) {
    let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut) else { return };
    let word = |source: &Value, field: &str| source[field].as_str().unwrap_or_default().to_owned();
    // Of other namespaces servers know only when they are told to.
    if spec.get("dataSourceRef").is_some_and(|source| !word(source, "namespace").is_empty()) {
        spec.remove("dataSourceRef");
    }
    let was = old.is_some_and(|old| !old["spec"]["dataSource"].is_null());
    let unknown = spec.get("dataSource").is_some_and(|source| {
        let of = [word(source, "apiGroup"), word(source, "kind")];
        of != ["", "PersistentVolumeClaim"] && of != ["snapshot.storage.k8s.io", "VolumeSnapshot"]
    });
    if unknown && !was && !spec.contains_key("dataSourceRef") {
        spec.remove("dataSource");
    }
    for (from, to) in [("dataSource", "dataSourceRef"), ("dataSourceRef", "dataSource")] {
        if let (Some(source), None) = (spec.get(from).cloned(), spec.get(to)) {
            spec.insert(to.to_owned(), source);
        }
    }
}

fn namespace(fields: &mut Map<String, Value>) {
    let deleted = fields["metadata"].get("deletionTimestamp").is_some();
    let finalizers = object(fields, "spec").filter(|_| !deleted).map(|spec| spec.entry("finalizers").or_insert(Value::Null));
    match finalizers {
        Some(Value::Array(list)) if list.iter().all(|one| one != "kubernetes") => list.push(json!("kubernetes")),
        Some(finalizers) if finalizers.is_null() => *finalizers = json!(["kubernetes"]),
        _ => {}
    }
}

fn pod(fields: &mut Map<String, Value>, new: bool) {
    let Some(spec) = object(fields, "spec") else { return };
    pods::admitted(spec);
    if new && spec.get("terminationGracePeriodSeconds").and_then(Value::as_i64).is_some_and(|seconds| seconds < 0) {
        spec.insert("terminationGracePeriodSeconds".to_owned(), json!(1));
    }
    let class = quality(spec);
    if let Some(status) = object(fields, "status") {
        status.remove("nodeAllocatableResourceClaimStatuses");
        if new {
            default(status, "phase", "Pending");
        }
        default(status, "qosClass", class);
    }
}

/// How much the node may count on what the Pod asks for.
fn quality(spec: &Map<String, Value>) -> &'static str {
    let (mut any, mut all) = (false, true);
    let lists = ["initContainers", "containers"].into_iter().filter_map(|list| spec.get(list).and_then(Value::as_array));
    for container in lists.flatten() {
        let (requests, limits) = (&container["resources"]["requests"], &container["resources"]["limits"]);
        for name in ["cpu", "memory"] {
            any |= !requests[name].is_null() || !limits[name].is_null();
            all &= !limits[name].is_null() && (requests[name].is_null() || requests[name] == limits[name]);
        }
    }
    match (any, all) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

fn template_generation(fields: &mut Map<String, Value>, old: Option<&Value>) {
    let before =
        old.map_or(0, |old| old["metadata"]["annotations"][TEMPLATE_GENERATION].as_str().and_then(|text| text.parse().ok()).unwrap_or(0));
    let changed = old.is_none_or(|old| fields.get("spec").is_some_and(|spec| old["spec"]["template"] != spec["template"]));
    let count: u64 = before + u64::from(changed);
    if let Some(annotations) = object(fields, "metadata").and_then(|metadata| object(metadata, "annotations")) {
        annotations.insert(TEMPLATE_GENERATION.to_owned(), json!(count.to_string()));
    }
}

fn job(fields: &mut Map<String, Value>) {
    let uid = fields["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
    let name = fields["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    if let Some(spec) = object(fields, "spec")
        && spec.get("manualSelector") != Some(&Value::Bool(true))
        && !uid.is_empty()
    {
        select_by_uid(spec, &uid, &name);
    }
}

/// The labels of a template that a Job without any of its own shows as its own.
pub(super) fn lent_labels<'f>(group: &str, kind: &str, fields: &'f Map<String, Value>) -> Option<&'f Value> {
    let given = |labels: &&Value| labels.as_object().is_some_and(|labels| !labels.is_empty());
    let own = fields.get("metadata").and_then(|metadata| metadata.get("labels"));
    if (group, kind) != ("batch", "Job") || own.filter(given).is_some() {
        return None;
    }
    fields.get("spec")?.get("template")?.get("metadata")?.get("labels").filter(given)
}

/// Without labels of its own, a Job has its template's; what leads out of the cluster has no traffic in it.
pub(super) fn reread(group: &str, kind: &str, fields: &mut Map<String, Value>) {
    if let Some(labels) = lent_labels(group, kind, fields).cloned()
        && let Some(metadata) = object(fields, "metadata")
    {
        metadata.insert("labels".to_owned(), labels);
    }
    if (group, kind) == ("", "Service")
        && let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut).filter(|spec| spec["type"] == "ExternalName")
    {
        spec.remove("internalTrafficPolicy");
    }
}

/// A Job finds its Pods by its own uid, which the server writes into selector and template.
fn select_by_uid(spec: &mut Map<String, Value>, uid: &str, name: &str) {
    if let Some(labels) = object(spec, "selector").and_then(|selector| object(selector, "matchLabels")) {
        default(labels, "batch.kubernetes.io/controller-uid", uid);
    }
    let labels = object(spec, "template").and_then(|template| object(template, "metadata")).and_then(|metadata| object(metadata, "labels"));
    if let Some(labels) = labels {
        for (label, value) in [
            ("batch.kubernetes.io/controller-uid", uid),
            ("batch.kubernetes.io/job-name", name),
            ("controller-uid", uid),
            ("job-name", name),
        ] {
            default(labels, label, value);
        }
    }
}
