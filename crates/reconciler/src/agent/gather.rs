//! Gathering: the desired objects of an Application and the live ones beside them.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::context::Context;
use super::index::Interest;
use super::queue::AppName;
use crate::desired::{self, Rendered, Request, SourceType};
use crate::live::{ApiError, Gvk, Kind};
use crate::plan::Holdings;
use crate::resource::ObjectKey;
use crate::tracking;

/// What a source renders to, with the namespaces that the objects will have.
#[derive(Debug, Clone)]
pub(super) struct Desired {
    pub(super) commit: String,
    pub(super) source_type: SourceType,
    pub(super) objects: Vec<Value>,
    pub(super) warnings: Vec<String>,
}

/// Resolves and renders. `revision` takes the place of the one in the source (a sync to an older revision).
/// `fresh` asks the repository, `hard` renders even if nothing changed. That the cluster does not answer says nothing about the source, so that is
/// an error of its own.
pub(super) async fn desired(
    context: &Context,
    app: &Value,
    name: &AppName,
    source: &Value,
    revision: Option<&str>,
    fresh: bool,
    hard: bool,
) -> Result<Result<Desired, desired::Error>, ApiError> {
    let (commit, rendered) = match rendered(context, name, source, revision, fresh, hard).await {
        Ok(found) => found,
        Err(error) => return Ok(Err(error)),
    };
    let namespace = app["spec"]["destination"]["namespace"].as_str().unwrap_or_default();
    let mut objects = rendered.objects.clone();
    for object in &mut objects {
        place(context, object, namespace).await?;
    }
    Ok(Ok(Desired { commit, source_type: rendered.source_type, objects, warnings: rendered.warnings.clone() }))
}

/// The commit, and what it renders to.
async fn rendered(
    context: &Context,
    name: &AppName,
    source: &Value,
    revision: Option<&str>,
    fresh: bool,
    hard: bool,
) -> Result<(String, Arc<Rendered>), desired::Error> {
    let mut request = Request::new(source, &name.1)?;
    if let Some(revision) = revision.filter(|r| !r.is_empty()) {
        revision.clone_into(&mut request.revision);
    }
    if revision.is_none() {
        context.index().follow(name, (request.url.clone(), request.revision.clone()));
    }
    let snapshot = context.sources.resolve(&request.url, &request.revision, fresh).await?;
    if hard {
        context.renderings.forget(&request);
    }
    let rendered = context.renderings.get(&request, &snapshot).await?;
    Ok((snapshot.commit, rendered))
}

/// Gives a namespaced object without a namespace the destination's, and takes the namespace off a cluster-scoped one.
/// The scope of a kind that the server does not know yet (its CRD may come with the same sync) is that of the schema
/// table, and namespaced otherwise.
async fn place(context: &Context, object: &mut Value, namespace: &str) -> Result<(), ApiError> {
    let Some(gvk) = Gvk::of(object) else { return Ok(()) };
    let namespaced = match context.live.discovery.find(&gvk.group, &gvk.version, &gvk.kind).await? {
        Some(resource) => resource.namespaced,
        None => context.scope_of_missing(&gvk),
    };
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return Ok(()) };
    if !namespaced {
        metadata.remove("namespace");
    } else if metadata.get("namespace").and_then(Value::as_str).is_none_or(str::is_empty) && !namespace.is_empty() {
        metadata.insert("namespace".to_owned(), namespace.into());
    }
    Ok(())
}

/// Looks up what is live: the desired objects and those that carry this Application's mark, in all kinds that are
/// desired or were ever noted in its status. The interest is registered before anything is looked at.
pub(super) async fn holdings(context: &Context, app: &Value, name: &AppName, desired: &[Value]) -> Holdings {
    let mut kinds: BTreeMap<Gvk, Vec<ObjectKey>> = BTreeMap::new();
    for object in desired {
        if let Some(gvk) = Gvk::of(object) {
            kinds.entry(gvk).or_default().push(ObjectKey::of(object));
        }
    }
    for (gvk, _) in noted(app) {
        // Another version of a desired kind shows the same objects.
        if !kinds.keys().any(|known| known.group == gvk.group && known.kind == gvk.kind) {
            kinds.entry(gvk).or_default();
        }
    }
    let mut interest =
        Interest { kinds: kinds.keys().cloned().collect(), objects: desired.iter().map(ObjectKey::of).collect(), ..Interest::default() };
    interest.objects.extend(noted(app).into_iter().map(|(_, key)| key));
    context.index().watch(name, interest.clone());

    let mut found = Holdings::default();
    let mut caches: Vec<(Gvk, Arc<Kind>, Vec<ObjectKey>)> = Vec::new();
    let gvks: Vec<(Gvk, Vec<ObjectKey>)> = kinds.into_iter().collect();
    let ready = futures::future::join_all(gvks.iter().map(|(gvk, _)| context.live.kind(gvk))).await;
    for ((gvk, wanted), ready) in gvks.into_iter().zip(ready) {
        match ready {
            Ok(Some(kind)) => caches.push((gvk, kind, wanted)),
            Ok(None) => {
                found.missing.insert(gvk);
            }
            Err(error) => {
                found.unknown.insert(gvk, error.to_string());
            }
        }
    }
    for (_, kind, wanted) in &caches {
        for key in wanted {
            if let Some(object) = kind.get(&(key.namespace.clone(), key.name.clone())) {
                found.objects.insert(key.clone(), object);
            }
        }
        for object in kind.filter(|object| tracking::is_tracked_by(object, &name.1)) {
            found.objects.insert(ObjectKey::of(&object), object);
        }
    }
    // What is tracked is watched, too: an object that lost its mark, for one.
    let seen: HashSet<ObjectKey> = found.objects.keys().cloned().collect();
    if !seen.is_subset(&interest.objects) {
        interest.objects.extend(seen);
        context.index().watch(name, interest);
    }
    found
}

/// The objects that the status names: compared last, and touched by the last operation.
fn noted(app: &Value) -> Vec<(Gvk, ObjectKey)> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let lists = [&app["status"]["resources"], &app["status"]["operationState"]["syncResult"]["resources"]];
    let resources = lists.into_iter().filter_map(Value::as_array).flatten();
    resources
        .map(|r| {
            let key =
                ObjectKey { group: text(&r["group"]), kind: text(&r["kind"]), namespace: text(&r["namespace"]), name: text(&r["name"]) };
            (Gvk { group: key.group.clone(), version: text(&r["version"]), kind: key.kind.clone() }, key)
        })
        .filter(|(gvk, _)| !gvk.version.is_empty() && !gvk.kind.is_empty())
        .collect()
}
