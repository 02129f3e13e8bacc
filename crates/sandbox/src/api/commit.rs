//! The last steps of every write: defaults, owners, validation, generation, and the store.

use std::sync::Arc;

use fiel_merge::structured::ManagedFields;
use serde_json::{Value, json};

use super::write::namespace_is_open;
use super::{Core, Held, addresses, definitions, expiry, guard, managed, meta};
use crate::canonical::{self, Empties};
use crate::cause::Cause;
use crate::definition;
use crate::kept::Kept;
use crate::resource::Resource;
use crate::status::ApiError;
use crate::stored::{self, Draft, Opened, Order, Shown, Stored};

/// Who gets the changed fields.
pub(crate) enum Manage {
    /// Nobody: the cluster's own objects.
    Nobody,
    /// The writer of that name.
    Writer(String),
    /// It is known already, from server-side apply.
    Known(ManagedFields),
}

/// An object that is about to be written over: as it is stored, and as it can be looked into.
pub(crate) struct Old {
    kept: Kept,
    pub(crate) opened: Opened,
}

impl Old {
    pub(crate) fn of(kept: &Kept) -> Self {
        Self { kept: kept.clone(), opened: kept.stored().opened() }
    }
}

impl std::ops::Deref for Old {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.opened.value
    }
}

/// What is about to be written, and how.
pub(crate) struct Change<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) old: Option<&'a Old>,
    pub(crate) manage: Manage,
    pub(crate) subresource: &'a str,
    pub(crate) dry_run: bool,
}

/// What the cluster gives to a write that begins.
struct Start {
    now: String,
    /// The uid of an object that is new.
    uid: Option<String>,
    /// The cluster's newest write.
    revision: u64,
}

/// What became of a change before it is written.
enum Made {
    /// It changes nothing.
    Same,
    /// It is only asked what would be.
    Dry(Value),
    /// The last finalizer went: so does the object.
    Last(Draft),
    New(Draft),
}

/// Completes an object, looks whether it may be, and keeps it; a write that changes nothing is none.
pub(crate) fn commit(core: &mut Held<'_>, change: &Change<'_>, new: Value) -> Result<Shown, ApiError> {
    let uid = change.old.is_none().then(|| core.random.uid());
    let start = Start { now: core.now(), uid, revision: core.store.revision() };
    let made = if asks_the_cluster(change) {
        core.with(|core, warnings| make(change, &start, new, Some(core), warnings))
    } else {
        core.aside(|warnings| make(change, &start, new, None, warnings))
    }?;
    unchanged(core, change, &start)?;
    let (storage, namespace, name) = (change.resource.storage(), change.namespace, change.name);
    let draft = match (made, change.old) {
        (Made::Same, Some(old)) => return Ok(old.kept.stored().into_owned().into()),
        (Made::Same, None) => return Err(ApiError::again()),
        (Made::Dry(new), _) => return Ok(new.into()),
        (Made::Last(draft), _) => {
            core.store.put_draft(storage, namespace, name, draft);
            let last = core.remove(change.resource, namespace, name);
            return last.map(Shown::from).ok_or_else(|| ApiError::not_found(change.resource, name));
        }
        (Made::New(draft), _) => draft,
    };
    let stored = core.store.put_draft(storage, namespace, name, draft);
    expiry::note(core, change.resource, namespace, name);
    if definitions::is_definition(change.resource) {
        definitions::settle(core);
    }
    Ok(stored.into())
}

/// Whether an object gets something of what the cluster has to give: then nobody may write meanwhile.
fn asks_the_cluster(change: &Change<'_>) -> bool {
    is_service(change.resource) || is_new_pod(change.resource, change.old.map(|old| &**old))
}

/// Refuses what can no longer be written as it was made, because others wrote in between.
fn unchanged(core: &Core, change: &Change<'_>, start: &Start) -> Result<(), ApiError> {
    let Change { resource, namespace, name, old, manage, .. } = change;
    match (old, core.store.find(resource.storage(), namespace, name)) {
        (None, None) => {}
        (Some(old), Some(found)) if old.kept.is(found) => {}
        // Who creates is told; who applies would have changed it, had it been there.
        (None, Some(found)) if !matches!(manage, Manage::Known(_)) => {
            return Err(ApiError::already_exists(resource, name, meta::is_deleting(&found.value())));
        }
        _ => return Err(ApiError::again()),
    }
    if old.is_some() || start.revision == core.store.revision() {
        return Ok(());
    }
    namespace_is_open(core, resource, namespace, name)?;
    if definitions::is_terminating(core, resource) { Err(ApiError::again()) } else { Ok(()) }
}

/// Completes an object and looks whether it may be; what only the cluster can give it gets from there.
fn make(change: &Change<'_>, start: &Start, mut new: Value, cluster: Option<&Core>, warnings: &mut Vec<String>) -> Result<Made, ApiError> {
    let Change { resource, namespace, name, .. } = change;
    let opened = change.old.map(|old| &old.opened);
    let old = opened.map(|opened| &*opened.value);
    let now = &start.now;
    new["apiVersion"] = json!(resource.api_version());
    new["kind"] = json!(resource.kind);
    match (old, &start.uid) {
        (Some(old), _) => meta::keep_system_fields(old, &mut new),
        (None, uid) => fresh(uid.as_deref().unwrap_or_default(), now, namespace, name, &mut new),
    }
    warnings.extend(meta::owners_once(&mut new));
    let empties = complete(resource, old, &mut new, change.subresource);
    let lent = if change.subresource.is_empty() { canonical::lent_labels(&resource.group, &resource.kind, &new) } else { None };
    let lends = lent.is_some();
    if let Some(labels) = lent {
        meta::metadata(&mut new).insert("labels".to_owned(), labels);
    }
    let managed = match &change.manage {
        Manage::Nobody => ManagedFields::default(),
        Manage::Writer(manager) => managed::updated(resource, opened, &new, manager, change.subresource, now),
        Manage::Known(managed) => managed.clone(),
    };
    meta::metadata(&mut new).remove("managedFields");
    if lends && old.is_none() {
        // In Go both are one map, into which the server writes more: they are lent again when it has.
        meta::metadata(&mut new).remove("labels");
    }
    if let Some(core) = cluster {
        prioritise(core, resource, old, &mut new)?;
    }
    prepare(resource, old, &mut new, now);
    if let Some(core) = cluster.filter(|_| is_service(resource) && name.is_empty() && !change.dry_run) {
        refuse(resource, name, addresses::nameless(core, &new).as_slice())?;
    }
    validate(change, old, &new, empties, warnings)?;
    if !resource.is_builtin() || definitions::is_definition(resource) {
        definition::whole_numbers(&mut new);
    }
    if definitions::is_definition(resource) {
        warnings.extend(definitions::warnings(&new, old));
    } else if resource.is_builtin() && change.subresource.is_empty() {
        canonical::reread(&resource.group, &resource.kind, &mut new);
    }
    meta::generation(resource, old, &mut new, change.subresource);
    if resource.is_builtin() && change.subresource.is_empty() {
        warnings.extend(canonical::warnings(&resource.group, &resource.kind, &new, old));
    }
    if let Some(core) = cluster {
        unchanged(core, change, start)?;
        if is_service(resource) {
            refuse(resource, name, &addresses::allot(core, old, namespace, name, &mut new))?;
        }
    }
    meta::tidy(&mut new);
    if let Some(existing) = opened {
        meta::metadata(&mut new).insert("resourceVersion".to_owned(), existing.value["metadata"]["resourceVersion"].clone());
        // That managers wrote at another time changes nothing.
        if *existing.value == new && existing.managed.same_but_for_times(&managed) {
            return Ok(Made::Same);
        }
    }
    if change.dry_run {
        if old.is_none() {
            meta::metadata(&mut new).remove("resourceVersion");
        }
        return Ok(Made::Dry(stored::whole(new, &managed)));
    }
    let last = meta::is_deleting(&new) && meta::finalizers(&new).is_empty() && grace(&new) == 0 && !held(resource, &new);
    let draft = Draft::new(new, Arc::new(managed), Order::of(resource));
    Ok(if last { Made::Last(draft) } else { Made::New(draft) })
}

impl Core {
    /// Takes an object away for good; the last one of a definition that is to go takes that along.
    pub(crate) fn remove(&mut self, resource: &Resource, namespace: &str, name: &str) -> Option<Stored> {
        let last = self.store.delete(resource.storage(), namespace, name)?;
        if definitions::is_definition(resource) || definitions::is_terminating(self, resource) {
            definitions::finish(self);
        }
        if resource.kind == "Pod" && resource.group.is_empty() {
            guard::release(self, namespace, &last.value());
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
fn fresh(uid: &str, now: &str, namespace: &str, name: &str, new: &mut Value) {
    let metadata = meta::metadata(new);
    for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "resourceVersion"] {
        metadata.remove(field);
    }
    metadata.insert("name".to_owned(), json!(name));
    if !namespace.is_empty() {
        metadata.insert("namespace".to_owned(), json!(namespace));
    }
    metadata.insert("uid".to_owned(), json!(uid));
    metadata.insert("creationTimestamp".to_owned(), json!(now));
}

/// Defaults and canonical form, and what of it is only shown.
fn complete(resource: &Resource, old: Option<&Value>, new: &mut Value, subresource: &str) -> Empties {
    let mut empties = Empties::new();
    if resource.is_builtin() {
        empties = canonical::canonicalise(&resource.group, &resource.kind, new, old);
    } else {
        canonical::prune_metadata(new);
        meta::tidy(new);
        definitions::prune_and_default(resource, new);
    }
    if definitions::is_definition(resource) {
        definitions::complete(new, old, subresource);
    }
    empties
}

/// Gives a new Pod the priority of its class, or of the class that is meant for all.
fn prioritise(core: &Core, resource: &Resource, old: Option<&Value>, new: &mut Value) -> Result<(), ApiError> {
    if !is_new_pod(resource, old) {
        return Ok(());
    }
    const CLASSES: &str = "scheduling.k8s.io/priorityclasses";
    let named = new["spec"]["priorityClassName"].as_str().filter(|name| !name.is_empty()).map(str::to_owned);
    let class = match (named.as_deref(), named.as_ref().and_then(|name| core.store.get(CLASSES, "", name))) {
        (_, Some(class)) => Value::clone(&class),
        // What every cluster has of its own.
        (Some("system-cluster-critical"), None) => json!({"value": 2_000_000_000}),
        (Some("system-node-critical"), None) => json!({"value": 2_000_001_000}),
        (Some(name), None) => {
            // A name that the API thought up is not known yet to who looks at priorities.
            let (pod, begin) = (meta::text(new, "name").to_owned(), meta::text(new, "generateName").to_owned());
            let made_up = !begin.is_empty() && pod.strip_prefix(&begin).is_some_and(|rest| rest.len() == 5);
            return Err(ApiError::forbidden(
                resource,
                if made_up { &begin } else { &pod },
                &format!("no PriorityClass with name {name} was found"),
            ));
        }
        (None, None) => {
            let mut classes = core.store.list(CLASSES, "", None).map(|(_, class)| class.value());
            let Some(class) = classes.find(|class| class["globalDefault"] == true) else { return Ok(()) };
            new["spec"]["priorityClassName"] = class["metadata"]["name"].clone();
            Value::clone(&class)
        }
    };
    new["spec"]["priority"] = class["value"].clone();
    if !class["preemptionPolicy"].is_null() {
        new["spec"]["preemptionPolicy"] = class["preemptionPolicy"].clone();
    }
    Ok(())
}

fn is_new_pod(resource: &Resource, old: Option<&Value>) -> bool {
    old.is_none() && resource.kind == "Pod" && resource.group.is_empty()
}

fn is_service(resource: &Resource) -> bool {
    resource.kind == "Service" && resource.group.is_empty()
}

/// What the server adds of its own; whoever writes does not own it.
fn prepare(resource: &Resource, old: Option<&Value>, new: &mut Value, now: &str) {
    if !resource.is_builtin() {
        return;
    }
    if is_service(resource) {
        addresses::keep(old, new);
    }
    canonical::prepare(&resource.group, &resource.kind, new, old, now);
}

/// Refuses what its kind does not allow; a subresource of Kubernetes' own kinds changes little that would have to be looked at but metadata.
fn validate(change: &Change<'_>, old: Option<&Value>, new: &Value, empties: Empties, warnings: &mut Vec<String>) -> Result<(), ApiError> {
    let Change { resource, name, subresource, .. } = change;
    let (group, kind) = (&resource.group, &resource.kind);
    if definitions::is_definition(resource) || !resource.is_builtin() {
        let mut causes = canonical::custom_metadata(new, old);
        if resource.is_builtin() {
            // How a definition is called says what it defines.
            let own = |cause: &Cause| cause.field == "metadata.name";
            causes.retain(|cause| !own(cause));
            let (called, others) = definitions::validate(new, old, subresource).into_iter().partition(own);
            causes = [called, causes, others].concat();
        } else {
            let found = definitions::validate_object(resource, causes, new, old, subresource);
            causes = found.causes.0;
            if causes.is_empty() {
                warnings.extend(canonical::finalizer_warnings(new, old));
            }
            warnings.extend(found.warnings);
        }
        return refuse(resource, name, &causes);
    }
    let causes = match *subresource {
        "" => canonical::validate(group, kind, new, old, empties),
        part => canonical::validate_part(group, kind, new, old, part),
    };
    refuse(resource, name, &causes)
}

fn refuse(resource: &Resource, name: &str, causes: &[Cause]) -> Result<(), ApiError> {
    if causes.is_empty() { Ok(()) } else { Err(ApiError::invalid(resource, name, causes)) }
}
