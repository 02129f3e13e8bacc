//! Deletion: preconditions, finalizers, propagation, grace.

use serde_json::{Value, json};

use super::commit::{Change, Manage, Old, commit};
use super::{Ask, Core, Held, definitions, guard, meta, options, read, write};
use crate::canonical;
use crate::kept::Kept;
use crate::request::Query;
use crate::resource::Resource;
use crate::selector::Selector;
use crate::status::ApiError;
use crate::stored::{self, Draft, Opened, Order, Shown, Stored};
use crate::time;

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// Said where nobody said what should become of them.
const ORPHANS: &str = "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning";

/// Whether the Pods of a kind stay when nobody says anything: those of a Job, as they did in the first versions of Kubernetes.
fn orphans(resource: &Resource) -> bool {
    resource.kind == "Job" && resource.group == "batch"
}

/// What a deletion may say.
struct Options {
    uid: Option<String>,
    version: Option<String>,
    policy: String,
    grace: Option<u64>,
    dry_run: bool,
}

/// Of a body or, where there is none, of the URL: never of both.
fn options(core: &mut Held<'_>, ask: &Ask<'_>) -> Result<Options, ApiError> {
    let body = if ask.body.is_empty() { of_url(ask.query) } else { write::decode(ask)? };
    if let Some(why) = canonical::mismatch(&body, "meta/v1", "DeleteOptions", None) {
        return Err(ApiError::bad_request(why));
    }
    let orphan = body["orphanDependents"].as_bool();
    let policy = body["propagationPolicy"].as_str().unwrap_or_default().to_owned();
    let dry: Vec<&str> = body["dryRun"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    options::check_delete(&policy, orphan, &dry)?;
    let policy = match orphan {
        Some(true) => "Orphan".to_owned(),
        Some(false) => "Background".to_owned(),
        None => policy,
    };
    if policy.is_empty() && orphans(&ask.resource) {
        core.warnings.push(ORPHANS.to_owned());
    }
    Ok(Options {
        uid: body["preconditions"]["uid"].as_str().map(str::to_owned),
        version: body["preconditions"]["resourceVersion"].as_str().map(str::to_owned),
        policy,
        grace: body["gracePeriodSeconds"].as_i64().map(|seconds| u64::try_from(seconds).unwrap_or(1)),
        dry_run: !dry.is_empty(),
    })
}

/// What the parameters of a URL say, as a body would.
fn of_url(query: &Query) -> Value {
    let mut out = json!({});
    if let Some(policy) = query.given("propagationPolicy") {
        out["propagationPolicy"] = json!(policy);
    }
    if let Ok(seconds) = query.get("gracePeriodSeconds").parse::<i64>() {
        out["gracePeriodSeconds"] = json!(seconds);
    }
    if query.given("orphanDependents").is_some() {
        out["orphanDependents"] = json!(query.is("orphanDependents"));
    }
    if let Some(dry) = query.given("dryRun").filter(|dry| !dry.is_empty()) {
        out["dryRun"] = json!([dry]);
    }
    out
}

/// DELETE of one object.
pub(crate) fn one(core: &mut Held<'_>, ask: &Ask<'_>) -> Result<Shown, ApiError> {
    let options = options(core, ask)?;
    let namespace = if ask.resource.namespaced { ask.target.namespace.as_str() } else { "" };
    delete(core, &ask.resource, namespace, &ask.target.name, &options)
}

/// DELETE of all that is selected.
pub(crate) fn collection(core: &mut Held<'_>, ask: &Ask<'_>) -> Result<Value, ApiError> {
    let options = options(core, ask)?;
    let selector = Selector::parse(ask.query.get("labelSelector"), ask.query.get("fieldSelector"))?.fit(&ask.resource)?;
    let found: Vec<(String, String, Kept)> = core
        .store
        .list(ask.resource.storage(), &ask.target.namespace, None)
        .filter(|(_, object)| selector.is_empty() || selector.matches(&object.value()))
        .map(|((namespace, name), object)| (namespace.clone(), name.clone(), object.clone()))
        .collect();
    let mut gone = Vec::new();
    for (namespace, name, object) in found {
        match delete(core, &ask.resource, &namespace, &name, &options) {
            Ok(_) => gone.push(object.stored().whole()),
            // What somebody else took away meanwhile is gone as well.
            Err(error) if error.code.as_u16() == 404 => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read::list_object(&ask.resource, gone, core.store.revision()))
}

/// Deletes an object as one would without options.
pub(crate) fn plainly(core: &mut Core, resource: &Resource, namespace: &str, name: &str) -> Result<Shown, ApiError> {
    let options = Options { uid: None, version: None, policy: String::new(), grace: None, dry_run: false };
    delete(core, resource, namespace, name, &options)
}

fn delete(core: &mut Core, resource: &Resource, namespace: &str, name: &str, options: &Options) -> Result<Shown, ApiError> {
    let storage = resource.storage();
    let kept = core.store.find(storage, namespace, name).ok_or_else(|| ApiError::not_found(resource, name))?;
    let stored = kept.stored().into_owned();
    let Opened { value: old, managed } = stored.opened();
    precondition(resource, name, &old, options)?;
    if resource.kind == "Namespace" && ["default", "kube-system", "kube-public"].contains(&name) {
        return Err(ApiError::forbidden(resource, name, "this namespace may not be deleted"));
    }
    let mut finalizers = finalizers(resource, &old, &options.policy);
    let idle = guard::idle(core, resource, namespace, &old);
    // Nothing uses it, and whoever would say so is this cluster itself: it goes at once, and all the same is told as one that waits for that.
    finalizers.retain(|one| Some(one.as_str()) != idle);
    let is_definition = definitions::is_definition(resource);
    if is_definition {
        definitions::hold(&mut finalizers);
    }
    let grace = grace(resource, &old, options.grace);
    let namespace_held = resource.kind == "Namespace" && old["spec"]["finalizers"].as_array().is_some_and(|list| !list.is_empty());
    let ends = finalizers.is_empty() && grace == 0 && !namespace_held;
    // A Pod that goes at once is told as one whose time to end is over.
    let timed = resource.kind == "Pod" && resource.group.is_empty();
    if ends && !timed {
        if options.dry_run {
            return Ok(outcome(resource, stored));
        }
        let last = core.remove(resource, namespace, name).ok_or_else(|| ApiError::not_found(resource, name))?;
        return Ok(outcome(resource, last));
    }
    let mut new = Value::clone(&old);
    let now = (core.clock)();
    let already = meta::is_deleting(&old);
    let shorter = already && grace < old["metadata"]["deletionGracePeriodSeconds"].as_u64().unwrap_or(0);
    if !already || shorter || finalizers != meta::finalizers(&old) {
        if !already || shorter {
            let end = now + jiff::SignedDuration::from_secs(i64::try_from(grace).unwrap_or(0));
            new["metadata"]["deletionTimestamp"] = json!(time::seconds(end));
            new["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
        }
        new["metadata"]["finalizers"] = json!(finalizers);
        if resource.kind == "Namespace" {
            new["status"]["phase"] = json!("Terminating");
        }
        meta::generation(resource, Some(&old), &mut new, "");
        meta::tidy(&mut new);
        if is_definition && !already && !options.dry_run {
            return Ok(definitions::terminate(core, &old, new).into());
        }
        if !options.dry_run && !ends {
            return Ok(core.store.put_draft(storage, namespace, name, Draft::new(new, managed, Order::KindFirst)).into());
        }
    }
    if ends && !options.dry_run {
        core.remove(resource, namespace, name).ok_or_else(|| ApiError::not_found(resource, name))?;
    }
    Ok(stored::whole(new, &managed).into())
}

fn precondition(resource: &Resource, name: &str, old: &Value, options: &Options) -> Result<(), ApiError> {
    let (uid, version) = (meta::text(old, "uid"), meta::text(old, "resourceVersion"));
    if let Some(wanted) = options.uid.as_ref().filter(|wanted| *wanted != uid) {
        let why = format!(
            "the UID in the precondition ({wanted}) does not match the UID in record ({uid}). The object might have been deleted and then recreated"
        );
        return Err(stale(resource, name, &why));
    }
    if let Some(wanted) = options.version.as_ref().filter(|wanted| *wanted != version) {
        let why = format!(
            "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record ({version}). The object might have been modified"
        );
        return Err(stale(resource, name, &why));
    }
    Ok(())
}

/// This refusal names the kind where others name the plural.
fn stale(resource: &Resource, name: &str, why: &str) -> ApiError {
    let mut named = resource.clone();
    named.plural.clone_from(&resource.kind);
    ApiError::conflict(&named, name, why)
}

/// The finalizers that a deletion leaves to be waited for.
fn finalizers(resource: &Resource, old: &Value, policy: &str) -> Vec<String> {
    let mut list = meta::finalizers(old);
    let said = |list: &[String]| list.iter().any(|one| one == ORPHAN || one == FOREGROUND);
    let policy = if policy.is_empty() && orphans(resource) && !said(&list) { "Orphan" } else { policy };
    if policy.is_empty() {
        return list;
    }
    list.retain(|one| one != ORPHAN && one != FOREGROUND);
    match policy {
        "Orphan" => list.push(ORPHAN.to_owned()),
        "Foreground" => list.push(FOREGROUND.to_owned()),
        _ => {}
    }
    list
}

/// Only a Pod that runs on a node is given time to end.
fn grace(resource: &Resource, old: &Value, asked: Option<u64>) -> u64 {
    if resource.kind != "Pod" || !resource.group.is_empty() || old["spec"]["nodeName"].is_null() {
        return 0;
    }
    if matches!(old["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
        return 0;
    }
    let own = old["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap_or(30);
    let left = old["metadata"]["deletionGracePeriodSeconds"].as_u64();
    match (asked, left) {
        (Some(asked), Some(left)) => asked.min(left),
        (None, Some(left)) => left,
        (Some(asked), None) => asked,
        (None, None) => own,
    }
}

/// What a completed deletion answers: a Status, or for some kinds the object.
fn outcome(resource: &Resource, last: Stored) -> Shown {
    const OBJECTS: [&str; 6] = ["Service", "ServiceAccount", "PersistentVolumeClaim", "PersistentVolume", "StorageClass", "ResourceQuota"];
    if resource.is_builtin() && OBJECTS.contains(&resource.kind.as_str()) {
        return last.into();
    }
    let last = last.value();
    let mut details = json!({"name": meta::text(&last, "name"), "kind": resource.plural, "uid": meta::text(&last, "uid")});
    if !resource.group.is_empty() {
        details["group"] = json!(resource.group);
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}).into()
}

/// Who overwrites an object, through which subresource, and whether for real.
pub(crate) struct Writer<'a> {
    pub(crate) manager: String,
    pub(crate) subresource: &'a str,
    pub(crate) dry_run: bool,
}

impl Core {
    /// Removes an object for good in the name of the cluster, as an eviction does, with its own grace.
    pub(crate) fn evict(&mut self, resource: &Resource, namespace: &str, name: &str) -> Result<Shown, ApiError> {
        let options = Options { uid: None, version: None, policy: String::new(), grace: None, dry_run: false };
        delete(self, resource, namespace, name, &options)
    }
}

impl Held<'_> {
    /// Writes an object in the name of a manager, past all that only concerns users.
    pub(crate) fn overwrite(
        &mut self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        by: Writer<'_>,
        new: Value,
    ) -> Result<Shown, ApiError> {
        let old = self.store.find(resource.storage(), namespace, name).ok_or_else(|| ApiError::not_found(resource, name))?;
        let old = Old::of(old);
        let Writer { manager, subresource, dry_run } = by;
        let change = Change { resource, namespace, name, old: Some(&old), manage: Manage::Writer(manager), subresource, dry_run };
        commit(self, &change, new)
    }
}
