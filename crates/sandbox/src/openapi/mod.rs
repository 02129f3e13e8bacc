//! OpenAPI documents, of v3 one a group and version: `kubectl explain` shows them, and kubectl asks them which patches a kind takes, how its lists merge
//! and whether a server looks for unknown fields.
//!
//! What their components say is Kubernetes' own (`components`), or that of a definition (`custom`). Of the paths only those of single objects are told,
//! with what clients look for in them. What knows v2 alone gets that (`v2`). A document is made when it is first asked for, and kept until what it tells of changes (`serve`).

mod components;
mod custom;
pub(crate) mod serve;
mod v2;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::discovery::digest;
use crate::resource::Resource;
use components::Components;

/// What all of `meta.k8s.io/v1` begins with.
const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";
/// Part of every hash: raise it when documents are made in another way, because clients keep them for a year.
const FORM: u32 = 1;

/// `GET /openapi/v3`: where each group's document is. The hash changes when what is served does.
pub(crate) fn index(resources: &[Arc<Resource>]) -> Value {
    let locations: BTreeSet<String> = resources.iter().map(|one| location(one)).collect();
    let paths: Map<String, Value> =
        locations.into_iter().map(|path| (path.clone(), json!({"serverRelativeURL": url(&path, &hash(resources, &path))}))).collect();
    json!({"paths": paths})
}

/// Where a document is, as the index tells it.
fn url(path: &str, hash: &str) -> String {
    format!("/openapi/v3/{path}?hash={hash}")
}

/// `GET /openapi/v3/PATH` (`api/v1`, `apis/apps/v1`): none when nothing is served there.
fn document(resources: &[Arc<Resource>], path: &str) -> Option<Value> {
    let mine: Vec<&Resource> = resources.iter().map(AsRef::as_ref).filter(|one| location(one) == path).collect();
    let builtin = mine.first()?.is_builtin();
    let mut components = Components::read();
    let mut paths = Map::new();
    let mut schemas = Map::new();
    let mut wanted: Vec<String> = Vec::new();
    if builtin {
        wanted.push(format!("{META}APIResourceList"));
    }
    for one in &mine {
        let at = if one.namespaced { "/namespaces/{namespace}" } else { "" };
        if let Some(name) = name(&components, one) {
            let (all, single) = operations(one, &name);
            let operations = [(format!("/{path}{at}/{}", one.plural), all), (format!("/{path}{at}/{}/{{name}}", one.plural), single)];
            paths.extend(operations.into_iter().filter(|(_, operations)| operations.as_object().is_some_and(|map| !map.is_empty())));
        }
        wanted.extend(roots(&components, one));
        for (name, schema) in custom::schemas(&components, one) {
            custom::references(&schema, &mut wanted);
            schemas.insert(name, schema);
        }
    }
    while let Some(name) = wanted.pop() {
        let Some(mut schema) = components.take(&name) else { continue };
        if builtin && [format!("{META}DeleteOptions"), format!("{META}WatchEvent")].contains(&name) {
            schema["x-kubernetes-group-version-kind"] = everywhere(mine[0], name.trim_start_matches(META));
        }
        custom::references(&schema, &mut wanted);
        schemas.insert(name, schema);
    }
    let info = if builtin {
        json!({"title": "Kubernetes", "version": "1.36"})
    } else {
        json!({"title": "Kubernetes CRD Swagger", "version": "v0.1.0"})
    };
    Some(json!({"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas}}))
}

/// `api/v1` or `apis/GROUP/VERSION`.
fn location(one: &Resource) -> String {
    if one.group.is_empty() { format!("api/{}", one.version) } else { format!("apis/{}/{}", one.group, one.version) }
}

/// A document's hash: of what it tells of, and of the texts in this program. Making the document for it would take much longer.
fn hash(resources: &[Arc<Resource>], path: &str) -> String {
    hash_of(resources.iter().filter(|one| location(one) == path))
}

fn hash_of<'a>(resources: impl Iterator<Item = &'a Arc<Resource>>) -> String {
    let own = |one: &Resource| one.custom.as_ref().map(|custom| json!([custom.openapi, custom.list_kind]));
    let told: Vec<Value> = resources.map(|one| json!([location(one), one.plural, one.kind, one.namespaced, own(one)])).collect();
    digest(json!([FORM, components::checksum(), told]).to_string().as_bytes())
}

/// What the component of a kind is called; none for the few that have none.
fn name(components: &Components, one: &Resource) -> Option<String> {
    match &one.custom {
        Some(_) => Some(custom::name(&one.group, &one.version, &one.kind)),
        None => components.name(&one.group, &one.version, &one.kind),
    }
}

/// The components that the operations on a kind send and receive.
fn roots(components: &Components, one: &Resource) -> Vec<String> {
    let mut roots = Vec::new();
    let verbs = |verbs: &[String], roots: &mut Vec<String>| {
        let can = |verb: &str| verbs.iter().any(|one| one == verb);
        if can("patch") {
            roots.push(format!("{META}Patch"));
        }
        if can("delete") || can("deletecollection") {
            roots.extend(["Status", "DeleteOptions"].map(|name| format!("{META}{name}")));
        }
        if can("watch") && one.is_builtin() {
            roots.push(format!("{META}WatchEvent"));
        }
    };
    verbs(&one.verbs, &mut roots);
    roots.extend(components.name(&one.group, &one.version, &one.kind));
    if one.verbs.iter().any(|verb| verb == "list") {
        roots.extend(components.name(&one.group, &one.version, &format!("{}List", one.kind)));
    }
    for sub in &one.subresources {
        verbs(&sub.verbs, &mut roots);
        let own = sub.group.is_empty() && sub.version.is_empty();
        let (group, version) = if own { (&one.group, &one.version) } else { (&sub.group, &sub.version) };
        roots.extend(components.name(group, if version.is_empty() { &one.version } else { version }, &sub.kind));
    }
    roots
}

/// The groups and versions of what goes with every group: the core group, and the document's own.
fn everywhere(one: &Resource, kind: &str) -> Value {
    let mut all = vec![json!({"group": "", "kind": kind, "version": "v1"})];
    if !one.group.is_empty() {
        all.push(json!({"group": one.group, "kind": kind, "version": one.version}));
    }
    Value::Array(all)
}

/// The operations on all objects of a kind, and on one: kubectl reads the patch, and takes the kind from whichever there is.
fn operations(one: &Resource, name: &str) -> (Value, Value) {
    let gvk = json!({"group": one.group, "version": one.version, "kind": one.kind});
    let object = json!({"schema": {"$ref": format!("#/components/schemas/{name}")}});
    let answer = json!({"description": "OK", "content": {"application/json": object}});
    let operation = |verb: &str, parameters: &[&str], body: Option<Map<String, Value>>| {
        let query = |name: &&str| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}});
        let mut operation = json!({"x-kubernetes-action": verb, "x-kubernetes-group-version-kind": gvk, "responses": {"200": answer}});
        if let Some(content) = body {
            operation["parameters"] = parameters.iter().map(query).collect();
            operation["requestBody"] = json!({"required": true, "content": content});
        }
        operation
    };
    let mut types = vec!["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"];
    if one.is_builtin() {
        types.push("application/strategic-merge-patch+json");
    }
    let patch = json!({"schema": {"$ref": format!("#/components/schemas/{META}Patch")}});
    let patches = types.into_iter().map(|one| (one.to_owned(), patch.clone())).collect();
    let whole = Map::from_iter([("*/*".to_owned(), object.clone())]);
    let known = |operations: Vec<(&str, &str, Value)>| -> Value {
        let can = |verb: &str| one.verbs.iter().any(|one| one == verb);
        operations.into_iter().filter(|(verb, _, _)| can(verb)).map(|(_, method, operation)| (method.to_owned(), operation)).collect()
    };
    let all = known(vec![("create", "post", operation("post", &["dryRun", "fieldManager", "fieldValidation"], Some(whole)))]);
    let patch = operation("patch", &["dryRun", "fieldManager", "fieldValidation", "force"], Some(patches));
    (all, known(vec![("get", "get", operation("get", &[], None)), ("patch", "patch", patch)]))
}

#[cfg(test)]
mod tests;
