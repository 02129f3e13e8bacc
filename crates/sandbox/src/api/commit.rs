//! The last steps of every write: defaults, owners, validation, generation, and the store.

use std::sync::Arc;

use fiel_merge::structured::ManagedFields;
use serde_json::{Value, json};

use super::{Core, definitions, managed, meta};
use crate::canonical;
use crate::resource::Resource;
use crate::status::ApiError;

/// Who gets the changed fields.
pub(crate) enum Manage {
    /// Nobody: the cluster's own objects.
    Nobody,
    /// The writer of that name.
    Writer(String),
    /// It is known already, from server-side apply.
    Known(ManagedFields),
}

/// What is about to be written, and how.
pub(crate) struct Change<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) old: Option<&'a Arc<Value>>,
    pub(crate) manage: Manage,
    pub(crate) subresource: &'a str,
    pub(crate) dry_run: bool,
}

/// Completes an object, looks whether it may be, and keeps it; a write that changes nothing is none.
pub(crate) fn commit(core: &mut Core, change: &Change<'_>, mut new: Value) -> Result<Arc<Value>, ApiError> {
    let Change { resource, namespace, name, old, .. } = change;
    let old = old.map(|old| &**old);
    new["apiVersion"] = json!(resource.api_version());
    new["kind"] = json!(resource.kind);
    match old {
        Some(old) => meta::keep_system_fields(old, &mut new),
        None => fresh(core, namespace, name, &mut new),
    }
    complete(core, resource, old, &mut new, change.subresource);
    let managed = match &change.manage {
        Manage::Nobody => None,
        Manage::Writer(manager) => Some(managed::updated(resource, old, &new, manager, change.subresource, &core.now())),
        Manage::Known(managed) => Some(managed.clone()),
    };
    let metadata = meta::metadata(&mut new);
    metadata.remove("managedFields");
    if let Some(managed) = managed.filter(|managed| !managed.owners.is_empty()) {
        metadata.insert("managedFields".to_owned(), managed.encode());
    }
    validate(resource, name, old, &new, change.subresource, &mut core.warnings)?;
    if definitions::is_definition(resource) {
        core.warnings.extend(definitions::warnings(&new, old));
    }
    meta::generation(resource, old, &mut new);
    meta::tidy(&mut new);
    if let Some(existing) = change.old {
        meta::metadata(&mut new).insert("resourceVersion".to_owned(), existing["metadata"]["resourceVersion"].clone());
        if same(existing, &new) {
            return Ok(existing.clone());
        }
    }
    if change.dry_run {
        if old.is_none() {
            meta::metadata(&mut new).remove("resourceVersion");
        }
        return Ok(Arc::new(new));
    }
    let storage = resource.storage();
    if meta::is_deleting(&new) && meta::finalizers(&new).is_empty() && grace(&new) == 0 && !held(resource, &new) {
        // The last finalizer went: so does the object.
        core.store.put(&storage, namespace, name, new);
        let last = core.remove(resource, namespace, name);
        return last.ok_or_else(|| ApiError::not_found(resource, name));
    }
    let stored = core.store.put(&storage, namespace, name, new);
    if definitions::is_definition(resource) {
        definitions::settle(core);
    }
    Ok(stored)
}

impl Core {
    /// Takes an object away for good; the last one of a definition that is to go takes that along.
    pub(crate) fn remove(&mut self, resource: &Resource, namespace: &str, name: &str) -> Option<Arc<Value>> {
        let last = self.store.delete(&resource.storage(), namespace, name)?;
        if definitions::is_definition(resource) || definitions::is_terminating(self, resource) {
            definitions::finish(self);
        }
        Some(last)
    }
}

fn grace(object: &Value) -> u64 {
    object["metadata"]["deletionGracePeriodSeconds"].as_u64().unwrap_or(0)
}

/// A namespace is held by finalizers in its spec.
fn held(resource: &Resource, object: &Value) -> bool {
    resource.kind == "Namespace" && object["spec"]["finalizers"].as_array().is_some_and(|list| !list.is_empty())
}

/// What the server writes into a new object.
fn fresh(core: &mut Core, namespace: &str, name: &str, new: &mut Value) {
    let (uid, now) = (core.random.uid(), core.now());
    let metadata = meta::metadata(new);
    for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "resourceVersion", "generation"] {
        metadata.remove(field);
    }
    metadata.insert("name".to_owned(), json!(name));
    if !namespace.is_empty() {
        metadata.insert("namespace".to_owned(), json!(namespace));
    }
    metadata.insert("uid".to_owned(), json!(uid));
    metadata.insert("creationTimestamp".to_owned(), json!(now));
}

/// Defaults and canonical form, and what only the cluster can know.
fn complete(core: &Core, resource: &Resource, old: Option<&Value>, new: &mut Value, subresource: &str) {
    if resource.is_builtin() {
        if resource.kind == "Service" && resource.group.is_empty() {
            addresses(core, old, new);
        }
        canonical::canonicalise(&resource.group, &resource.kind, new);
    } else {
        definitions::prune_and_default(resource, new);
    }
    if definitions::is_definition(resource) {
        definitions::complete(new, old, subresource);
    }
}

/// Gives a Service its address, and lets it keep the one it has.
fn addresses(core: &Core, old: Option<&Value>, new: &mut Value) {
    let kind = new["spec"]["type"].as_str().unwrap_or("ClusterIP").to_owned();
    if !new["spec"].is_object() || kind == "ExternalName" {
        return;
    }
    let given = new["spec"]["clusterIP"].as_str().unwrap_or_default().to_owned();
    let kept = old.and_then(|old| old["spec"]["clusterIP"].as_str()).unwrap_or_default().to_owned();
    let address = match (given.is_empty(), kept.is_empty()) {
        (false, _) => given,
        (true, false) => kept,
        (true, true) => free_address(core),
    };
    if new["spec"]["clusterIPs"].as_array().is_none_or(Vec::is_empty) {
        new["spec"]["clusterIPs"] = json!([address]);
    }
    new["spec"]["clusterIP"] = json!(address);
    if kind == "NodePort" || kind == "LoadBalancer" {
        let mut next = 30000;
        let before = old.map_or(Value::Null, |old| old["spec"]["ports"].clone());
        for port in new["spec"]["ports"].as_array_mut().into_iter().flatten() {
            if !port["nodePort"].is_null() {
                continue;
            }
            let same = before.as_array().into_iter().flatten().find(|one| one["port"] == port["port"] && !one["nodePort"].is_null());
            port["nodePort"] = match same {
                Some(same) => same["nodePort"].clone(),
                None => {
                    let used: Vec<u64> = core.store.list("/services", "", None).flat_map(|(_, service)| node_ports(service)).collect();
                    while used.contains(&next) {
                        next += 1;
                    }
                    next += 1;
                    json!(next - 1)
                }
            };
        }
    }
}

fn node_ports(service: &Value) -> Vec<u64> {
    service["spec"]["ports"].as_array().into_iter().flatten().filter_map(|port| port["nodePort"].as_u64()).collect()
}

/// The first address of 10.96.0.0/16 that no Service has.
fn free_address(core: &Core) -> String {
    let used: std::collections::BTreeSet<String> = core
        .store
        .list("/services", "", None)
        .filter_map(|(_, service)| service["spec"]["clusterIP"].as_str().map(str::to_owned))
        .collect();
    let all = (0..=255u32).flat_map(|third| (1..=254u32).map(move |fourth| format!("10.96.{third}.{fourth}")));
    all.skip(9).find(|address| !used.contains(address)).unwrap_or_else(|| "None".to_owned())
}

/// What is refused may be warned of too.
fn validate(
    resource: &Resource,
    name: &str,
    old: Option<&Value>,
    new: &Value,
    subresource: &str,
    warnings: &mut Vec<String>,
) -> Result<(), ApiError> {
    let mut causes = meta::validate(resource, new);
    if definitions::is_definition(resource) {
        causes.extend(definitions::validate(new, old, subresource));
    } else if resource.is_builtin() {
        let found = canonical::validate(&resource.group, &resource.kind, new, old);
        causes.extend(found.into_iter().map(|cause| (cause.reason.to_owned(), cause.message, cause.field)));
    } else {
        let found = definitions::validate_object(resource, new, old, subresource);
        causes.extend(found.causes.0);
        warnings.extend(found.warnings);
    }
    // Both look at names.
    let mut told = std::collections::BTreeSet::new();
    causes.retain(|cause| told.insert(cause.clone()));
    if causes.is_empty() { Ok(()) } else { Err(ApiError::invalid(resource, name, &causes)) }
}

/// Whether a write changes anything but the time at which managers wrote.
fn same(old: &Value, new: &Value) -> bool {
    if old == new {
        return true;
    }
    let timeless = |object: &Value| {
        let mut object = object.clone();
        for entry in object["metadata"]["managedFields"].as_array_mut().into_iter().flatten() {
            entry["time"] = Value::Null;
        }
        object
    };
    timeless(old) == timeless(new)
}
