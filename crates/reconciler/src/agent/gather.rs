//! Gathering: the desired objects of an Application and the live ones beside them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use serde_json::Value;

use super::context::Context;
use super::index::Interest;
use super::latest::Made;
use super::queue::AppName;
use crate::desired::{self, Rendered, Request, SourceType};
use crate::live::{ApiError, Gvk, Kind};
use crate::plan::Holdings;
use crate::resource::ObjectKey;
use crate::tracking;

/// What a source renders to, with the namespaces that the objects will have and the Application's mark.
#[derive(Debug, Clone)]
pub(super) struct Desired {
    pub(super) commit: String,
    pub(super) source_type: SourceType,
    pub(super) objects: Vec<Arc<Value>>,
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
    let objects = finished(context, name, &rendered, namespace).await?;
    Ok(Ok(Desired { commit, source_type: rendered.source_type, objects, warnings: rendered.warnings.clone() }))
}

/// The objects as they will be applied, made anew where the last ones were of another rendering or for another place.
async fn finished(context: &Context, name: &AppName, rendered: &Arc<Rendered>, namespace: &str) -> Result<Vec<Arc<Value>>, ApiError> {
    let mut scopes = BTreeMap::new();
    for gvk in rendered.objects.iter().filter_map(Gvk::of) {
        if let Entry::Vacant(entry) = scopes.entry(gvk) {
            let namespaced = is_namespaced(context, entry.key()).await?;
            entry.insert(namespaced);
        }
    }
    if let Some(made) = context.latest().made(name).filter(|made| made.is_of(rendered, namespace, &scopes)) {
        return Ok(made.objects.clone());
    }
    let finish = |object: &Value| {
        let mut object = object.clone();
        if let Some(namespaced) = Gvk::of(&object).and_then(|gvk| scopes.get(&gvk)) {
            place(&mut object, *namespaced, namespace);
        }
        tracking::stamp(&mut object, &name.1);
        Arc::new(object)
    };
    let objects: Vec<Arc<Value>> = rendered.objects.iter().map(finish).collect();
    let made = Made { rendered: rendered.clone(), namespace: namespace.to_owned(), scopes, objects: objects.clone() };
    context.latest().note_made(name, made);
    Ok(objects)
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

/// Whether objects of a kind live in namespaces. The scope of a kind that the server does not know yet (its CRD may come with the same sync) is that
/// of the schema table, and namespaced otherwise.
async fn is_namespaced(context: &Context, gvk: &Gvk) -> Result<bool, ApiError> {
    let found = context.live.discovery.find(&gvk.group, &gvk.version, &gvk.kind).await?;
    Ok(found.map_or_else(|| context.scope_of_missing(gvk), |resource| resource.namespaced))
}

/// Gives a namespaced object without a namespace the destination's, and takes the namespace off a cluster-scoped one.
fn place(object: &mut Value, namespaced: bool, namespace: &str) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    if !namespaced {
        metadata.remove("namespace");
    } else if metadata.get("namespace").and_then(Value::as_str).is_none_or(str::is_empty) && !namespace.is_empty() {
        metadata.insert("namespace".to_owned(), namespace.into());
    }
}

/// Looks up what is live: the desired objects and those that carry this Application's mark, in all kinds that are
/// desired or were ever noted in its status. The interest is registered before anything is looked at.
pub(super) async fn holdings(context: &Context, app: &Value, name: &AppName, desired: &[Arc<Value>]) -> Holdings {
    let mut kinds: BTreeMap<Gvk, Vec<ObjectKey>> = BTreeMap::new();
    let mut interest = Interest::default();
    for object in desired {
        let key = ObjectKey::of(object);
        interest.objects.insert(key.clone());
        if let Some(gvk) = Gvk::of(object) {
            kinds.entry(gvk).or_default().push(key);
        }
    }
    for (gvk, key) in noted(app) {
        interest.objects.insert(key);
        // Another version of a desired kind shows the same objects.
        if !kinds.keys().any(|known| known.group == gvk.group && known.kind == gvk.kind) {
            kinds.entry(gvk).or_default();
        }
    }
    interest.kinds = kinds.keys().cloned().collect();
    context.index().watch(name, interest);

    let mut found = Holdings::default();
    let mut caches: Vec<(Arc<Kind>, Vec<ObjectKey>)> = Vec::new();
    let gvks: Vec<(Gvk, Vec<ObjectKey>)> = kinds.into_iter().collect();
    let ready = futures::future::join_all(gvks.iter().map(|(gvk, _)| context.live.kind(gvk))).await;
    for ((gvk, wanted), ready) in gvks.into_iter().zip(ready) {
        match ready {
            Ok(Some(kind)) => caches.push((kind, wanted)),
            Ok(None) => {
                found.missing.insert(gvk);
            }
            Err(error) => {
                found.unknown.insert(gvk, error.to_string());
            }
        }
    }
    for (kind, _) in &caches {
        for object in kind.marked(&name.1) {
            found.objects.insert(ObjectKey::of(&object), object);
        }
    }
    // What is tracked is watched, too: an object that lost its mark, for one.
    context.index().watch_too(name, found.objects.keys());
    for (kind, wanted) in caches {
        for key in wanted {
            let name = (key.namespace.clone(), key.name.clone());
            found.objects.extend(kind.get(&name).map(|object| (key, object)));
        }
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
            let key = ObjectKey::named(r);
            (Gvk { group: key.group.clone(), version: text(&r["version"]), kind: key.kind.clone() }, key)
        })
        .filter(|(gvk, _)| !gvk.version.is_empty() && !gvk.kind.is_empty())
        .collect()
}
