//! Create, update, and the four kinds of patch.

use std::borrow::Cow;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::commit::{Change, Manage, Old, commit};
use super::{Answer, Ask, Body, Core, Held, body, definitions, managed, meta, operations, options};
use crate::auth::review;
use crate::canonical;
use crate::cause::Cause;
use crate::golang;
use crate::request::Verb;
use crate::resource::Resource;
use crate::status::ApiError;
use crate::stored::{Opened, Shown};
use crate::strict;

/// How often a generated name is tried.
const TRIES: usize = 8;

/// Reads a body that holds an object: JSON, YAML, or protobuf.
pub(crate) fn decode(ask: &Ask<'_>) -> Result<Value, ApiError> {
    body::read(ask).map(|body| body.value)
}

/// Who writes: as the request says, or as its client calls itself.
pub(crate) fn manager(ask: &Ask<'_>) -> String {
    let given = ask.query.get("fieldManager");
    let agent = ask.user_agent.split('/').next().unwrap_or_default();
    match (given, agent) {
        ("", "") => "unknown".to_owned(),
        ("", agent) => agent.chars().take(128).collect(),
        (given, _) => given.to_owned(),
    }
}

/// Whether the request only asks what would be.
pub(crate) fn dry_run(ask: &Ask<'_>) -> bool {
    ask.query.get("dryRun") == "All"
}

/// Refuses a body of another kind than the URL's.
fn is_of_kind(ask: &Ask<'_>, object: &Value) -> Result<(), ApiError> {
    let resource = &ask.resource;
    let (version, kind) = (object["apiVersion"].as_str().unwrap_or_default(), object["kind"].as_str().unwrap_or_default());
    // What Kubernetes' own kinds do not say is as in the URL.
    let other_version = !(version.is_empty() && resource.is_builtin()) && version != resource.api_version();
    let other_kind = !kind.is_empty() && kind != resource.kind;
    if resource.is_builtin() && (other_version || other_kind) {
        // What is not said is as in the URL.
        let (own_version, own_kind) = (resource.api_version(), resource.kind.as_str());
        let version = if version.is_empty() { own_version } else { version };
        return Err(ApiError::bad_request(unfit(resource, object, version, if kind.is_empty() { own_kind } else { kind })));
    }
    if other_version {
        return Err(ApiError::bad_request(format!(
            "the API version in the data ({version}) does not match the expected API version ({})",
            resource.api_version()
        )));
    }
    Ok(())
}

/// Refuses a custom object that is of another kind than the URL's.
fn is_of_custom_kind(ask: &Ask<'_>, object: &Value) -> Result<(), ApiError> {
    let (resource, kind) = (&ask.resource, object["kind"].as_str().unwrap_or_default());
    if !resource.is_builtin() && !kind.is_empty() && kind != resource.kind {
        let cause = Cause::invalid("kind", &json!(kind), &format!("must be {}", resource.kind));
        let mut told = Resource::clone(resource);
        told.kind = kind.to_owned();
        return Err(ApiError::invalid(&told, meta::text(object, "name"), &[cause]));
    }
    Ok(())
}

/// Refuses a custom object that a patch makes another kind's.
fn stays_of_kind(ask: &Ask<'_>, object: &Value) -> Result<(), ApiError> {
    let resource = &ask.resource;
    let word = |field: &str| object[field].as_str().unwrap_or_default();
    let (version, kind) = (word("apiVersion"), word("kind"));
    if version.is_empty() {
        let why = "Object 'apiVersion' is missing in 'object has no apiVersion field'";
        return Err(ApiError::internal(why));
    }
    let wanted = [("kind", kind, resource.kind.as_str()), ("apiVersion", version, resource.api_version())];
    let causes: Vec<Cause> = wanted
        .into_iter()
        .filter(|(_, given, wanted)| given != wanted)
        .map(|(field, given, wanted)| Cause::invalid(field, &json!(given), &format!("must be {wanted}")))
        .collect();
    if causes.is_empty() {
        return Ok(());
    }
    let mut told = Resource::clone(resource);
    told.kind = kind.to_owned();
    told.group = version.split_once('/').map_or("", |(group, _)| group).to_owned();
    Err(ApiError::invalid(&told, meta::text(object, "name"), &causes))
}

/// Refuses a body of another namespace or name than the URL's, or of none.
pub(crate) fn is_in_place(ask: &Ask<'_>, object: &Value) -> Result<(), ApiError> {
    let resource = &ask.resource;
    let namespace = meta::text(object, "namespace");
    if resource.namespaced && !namespace.is_empty() && namespace != ask.target.namespace {
        return Err(ApiError::bad_request("the namespace of the provided object does not match the namespace sent on the request"));
    }
    let name = meta::text(object, "name");
    if !ask.target.name.is_empty() && name.is_empty() {
        let url = &ask.target.name;
        return Err(ApiError::bad_request(format!(
            "the name of the object ({url} based on URL) was undeterminable: name must be provided"
        )));
    }
    if !ask.target.name.is_empty() && !name.is_empty() && name != ask.target.name {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            ask.target.name
        )));
    }
    Ok(())
}

/// What the server says of an object whose kind it knows, or does not, and that is not the one that is asked for.
fn unfit(resource: &Resource, object: &Value, version: &str, kind: &str) -> String {
    let short = version.rsplit('/').next().unwrap_or_default();
    let told = format!("{kind} in version \"{short}\" cannot be handled as a {}", resource.kind);
    let known = golang::Table::get().knows(&golang::type_name(version, kind));
    // The server's own scheme is named by the place where it is made.
    if !known {
        return format!("{told}: no kind \"{kind}\" is registered for version \"{version}\" in scheme \"pkg/runtime/scheme.go:111\"");
    }
    // It is read as what it says that it is.
    if let Some(why) = canonical::mismatch(object, version, kind, None) {
        return format!("{told}: {why}");
    }
    let package = if resource.group.is_empty() { "core" } else { resource.group.split('.').next().unwrap_or_default() };
    format!("{told}: converting ({short}.{kind}) to ({package}.{}): unknown conversion", resource.kind)
}

/// Refuses values of another type than the kind's fields have.
fn typed(ask: &Ask<'_>, object: &Value) -> Result<(), ApiError> {
    let Resource { kind, version, .. } = &*ask.resource;
    match mistyped(&ask.resource, object, None) {
        Some(why) => Err(ApiError::bad_request(format!("{kind} in version \"{version}\" cannot be handled as a {kind}: {why}"))),
        None => Ok(()),
    }
}

fn mistyped(resource: &Resource, object: &Value, old: Option<&Value>) -> Option<String> {
    if !object.is_object() {
        let found = canonical::kind_of(object);
        return Some(format!("json: cannot unmarshal {found} into Go value of type {}.{}", resource.version, resource.kind));
    }
    match resource.is_builtin() {
        true => canonical::mismatch(object, resource.api_version(), &resource.kind, old),
        false => canonical::metadata_mismatch(&object["metadata"]),
    }
}

/// Nothing can be made in a namespace that is not there or goes.
pub(super) fn namespace_is_open(core: &Core, resource: &Resource, namespace: &str, name: &str) -> Result<(), ApiError> {
    if !resource.namespaced {
        return Ok(());
    }
    let Some(found) = core.store.get("/namespaces", "", namespace) else {
        let details = json!({"name": namespace, "kind": "namespaces"});
        return Err(ApiError::new(StatusCode::NOT_FOUND, "NotFound", format!("namespaces \"{namespace}\" not found")).with(details));
    };
    if meta::is_deleting(&found) {
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        let mut error = ApiError::forbidden(resource, name, &why);
        error.details["causes"] = json!([{"reason": "NamespaceTerminating", "message": format!("namespace {namespace} is being terminated"), "field": "metadata.namespace"}]);
        return Err(error);
    }
    Ok(())
}

/// POST.
pub(crate) fn create(core: &mut Held<'_>, ask: &Ask<'_>) -> Answer {
    let resource = &*ask.resource;
    let review = review::is_review(&resource.group);
    let object = core.aside(|warnings| {
        let Body { value: object, twice, yaml } = body::read(ask)?;
        if review {
            return Ok(object);
        }
        if resource.namespaced && ask.target.namespace.is_empty() {
            return Err(ApiError::method_not_allowed());
        }
        looked_at(ask, object, twice, yaml, warnings)
    })?;
    if review {
        return Ok((StatusCode::CREATED, review::answer(core, ask.user, &resource.kind, object).into()));
    }
    insert(core, ask, object, Manage::Writer(manager(ask)))
}

/// A whole object of a body, if it is of the kind that is asked for.
fn looked_at(ask: &Ask<'_>, object: Value, twice: Vec<String>, yaml: bool, warnings: &mut Vec<String>) -> Result<Value, ApiError> {
    if !ask.resource.is_builtin() && object["kind"].as_str().is_none_or(str::is_empty) {
        return Err(body::kindless(ask));
    }
    // Custom objects are read before anybody asks what they are.
    if !ask.resource.is_builtin() {
        typed(ask, &object)?;
    }
    is_of_kind(ask, &object)?;
    if ask.resource.is_builtin() {
        typed(ask, &object)?;
    }
    strict::check(ask, &object, &strict::Twice::new(twice, yaml), warnings)?;
    is_in_place(ask, &object)?;
    if ask.verb == Verb::Create {
        is_of_custom_kind(ask, &object)?;
    }
    Ok(object)
}

/// Replaces an object by the one that a PUT gives. Of what kind that is, is only asked where there is something to replace.
pub(crate) fn put(core: &mut Held<'_>, ask: &Ask<'_>, object: Value, subresource: &str) -> Result<Shown, ApiError> {
    replace(core, ask, |_, _| Ok(object), subresource)
}

fn insert(core: &mut Held<'_>, ask: &Ask<'_>, mut object: Value, manage: Manage) -> Answer {
    let resource = ask.resource.clone();
    let namespace = if resource.namespaced { ask.target.namespace.clone() } else { String::new() };
    // What is no number is no version.
    if meta::text(&object, "resourceVersion").parse::<u64>().is_ok_and(|version| version > 0) {
        let message = "resourceVersion should not be set on objects to be created";
        return Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "", message));
    }
    let mut name = meta::text(&object, "name").to_owned();
    let prefix: String = meta::text(&object, "generateName").chars().take(58).collect();
    for _ in 0..TRIES {
        if meta::text(&object, "name").is_empty() && !prefix.is_empty() {
            name = format!("{prefix}{}", core.random.suffix());
        }
        if !core.store.has(resource.storage(), &namespace, &name) {
            break;
        }
    }
    namespace_is_open(core, &resource, &namespace, &name)?;
    if definitions::is_terminating(core, &resource) {
        let message = "create not allowed while custom resource definition is terminating";
        return Err(ApiError { message: message.to_owned(), ..ApiError::method_not_allowed() });
    }
    if (resource.has_status() && !resource.is_builtin() || resource.has_status() && resource.kind != "Namespace")
        && let Some(fields) = object.as_object_mut()
    {
        fields.remove("status");
    }
    let change =
        Change { resource: &resource, namespace: &namespace, name: &name, old: None, manage, subresource: "", dry_run: dry_run(ask) };
    let generates = !prefix.is_empty();
    let made = commit(core, &change, object).map_err(|error| match error.reason {
        // Whoever asked for a generated name is told that there was none, even who named one too.
        "AlreadyExists" if generates => error.not_generated(),
        _ => error,
    })?;
    Ok((StatusCode::CREATED, made))
}

/// PUT.
pub(crate) fn update(core: &mut Held<'_>, ask: &Ask<'_>) -> Answer {
    let object = given(core, ask)?;
    let namespace = if ask.resource.namespaced { ask.target.namespace.as_str() } else { "" };
    let is_new = makes_new(&ask.resource) && !core.store.has(ask.resource.storage(), namespace, &ask.target.name);
    if is_new && meta::text(&object, "uid").is_empty() && matches!(meta::text(&object, "resourceVersion"), "" | "0") {
        return insert(core, ask, object, Manage::Writer(manager(ask)));
    }
    put(core, ask, object, "").map(|object| (StatusCode::OK, object))
}

/// The whole object that a PUT gives.
pub(crate) fn given(core: &mut Held<'_>, ask: &Ask<'_>) -> Result<Value, ApiError> {
    core.aside(|warnings| {
        let Body { value: object, twice, yaml } = body::read(ask)?;
        looked_at(ask, object, twice, yaml, warnings)
    })
}

/// Whether an update of what is not there makes it.
fn makes_new(resource: &Resource) -> bool {
    const KINDS: [&str; 10] = [
        "Role",
        "RoleBinding",
        "ClusterRole",
        "ClusterRoleBinding",
        "Service",
        "Endpoints",
        "EndpointSlice",
        "Event",
        "LimitRange",
        "Lease",
    ];
    resource.is_builtin() && KINDS.contains(&resource.kind.as_str())
}

/// Whether a kind's objects are replaced by whoever does not say which version it knows.
fn unconditional(resource: &Resource) -> bool {
    const NOT: [&str; 15] = [
        "APIService",
        "CSIDriver",
        "CSINode",
        "CSIStorageCapacity",
        "CustomResourceDefinition",
        "Lease",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "PodDisruptionBudget",
        "RuntimeClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
    ];
    resource.is_builtin() && !NOT.contains(&resource.kind.as_str())
}

/// Replaces an object by what `make` makes of it, through the main endpoint or a subresource.
pub(crate) fn replace(
    core: &mut Held<'_>,
    ask: &Ask<'_>,
    make: impl FnOnce(&Opened, &mut Vec<String>) -> Result<Value, ApiError>,
    subresource: &str,
) -> Result<Shown, ApiError> {
    let resource = &*ask.resource;
    let (namespace, name) = (ask.target.namespace.as_str(), ask.target.name.as_str());
    let Some(old) = core.store.find(resource.storage(), namespace, name).cloned() else {
        // What could be made says that it is not the one that was meant.
        let makes = ask.verb == Verb::Update && subresource.is_empty() && makes_new(resource);
        let asked = if makes { make(&Opened::of(json!({})), &mut Vec::new())? } else { Value::Null };
        let uid = meta::text(&asked, "uid");
        return Err(if uid.is_empty() {
            ApiError::not_found(resource, name)
        } else {
            meta::other(resource, namespace, name, (uid, ""), dry_run(ask))
        });
    };
    let (old, new) = core.aside(|warnings| {
        let old = Old::of(&old);
        let mut new = make(&old.opened, warnings)?;
        if !unconditional(resource) && matches!(meta::text(&new, "resourceVersion"), "" | "0") {
            let cause = Cause::invalid("metadata.resourceVersion", &json!(0), "must be specified for an update");
            // Said by the store, which knows resources and no kinds.
            let mut told = Resource::clone(resource);
            told.kind = told.plural.clone();
            return Err(ApiError::invalid(&told, name, &[cause]));
        }
        meta::precondition(resource, name, &old, &new)?;
        is_of_custom_kind(ask, &new)?;
        confine(resource, &old, &mut new, subresource);
        Ok((old, new))
    })?;
    let manage = Manage::Writer(manager(ask));
    let change = Change { resource, namespace, name, old: Some(&old), manage, subresource, dry_run: dry_run(ask) };
    commit(core, &change, new)
}

/// Lets an endpoint change only its own part: the status through `/status`, everything else through the main one.
pub(crate) fn confine(resource: &Resource, old: &Value, new: &mut Value, subresource: &str) {
    match subresource {
        "status" => {
            if new.get("status").is_some_and(Value::is_null) {
                set(new, "status", Value::Null);
            }
            // Only a Deployment keeps the labels that its status is sent with from being written.
            let (builtin, labels) = (resource.is_builtin(), resource.kind != "Deployment");
            let metadata = meta::metadata(new);
            if builtin {
                keep(&old["metadata"], metadata, |part| match part {
                    "annotations" | "finalizers" | "ownerReferences" | "managedFields" => true,
                    // Refused.
                    "deletionTimestamp" | "deletionGracePeriodSeconds" => true,
                    part => part == "labels" && labels,
                });
            }
            if let Some(fields) = new.as_object_mut() {
                keep(old, fields, |part| part == "status" || part == "metadata" && builtin);
            }
        }
        // A container is looked into, or a certificate granted: nothing else changes.
        "ephemeralcontainers" => {
            let containers = new["spec"]["ephemeralContainers"].clone();
            *new = old.clone();
            set(&mut new["spec"], "ephemeralContainers", containers);
        }
        "approval" => {
            let conditions = new["status"]["conditions"].clone();
            *new = old.clone();
            if !new["status"].is_object() {
                new["status"] = json!({});
            }
            set(&mut new["status"], "conditions", conditions);
        }
        "" if resource.has_status() => set(new, "status", old["status"].clone()),
        _ => {}
    }
}

/// Gives an object back all parts of the old one but those that may change. Most are the same in both: to compare them costs less than to copy them.
fn keep(old: &Value, new: &mut Map<String, Value>, may_change: impl Fn(&str) -> bool) {
    let Some(old) = old.as_object() else { return };
    new.retain(|part, value| may_change(part) || old.get(part) == Some(value));
    for (part, value) in old.iter().filter(|(part, _)| !may_change(part)) {
        if !new.contains_key(part) {
            new.insert(part.clone(), value.clone());
        }
    }
}

fn set(object: &mut Value, field: &str, value: Value) {
    if value.is_null() {
        if let Some(fields) = object.as_object_mut() {
            fields.remove(field);
        }
    } else {
        object[field] = value;
    }
}

/// PATCH of any kind.
pub(crate) fn patch(core: &mut Held<'_>, ask: &Ask<'_>) -> Answer {
    if ask.content_type.starts_with("application/apply-patch") {
        return apply(core, ask, "");
    }
    change(core, ask, "").map(|object| (StatusCode::OK, object))
}

/// Patches an object through the main endpoint or a subresource.
pub(crate) fn change(core: &mut Held<'_>, ask: &Ask<'_>, subresource: &str) -> Result<Shown, ApiError> {
    replace(core, ask, |old, warnings| patched(ask, old, warnings), subresource)
}

/// The object as a patch of the request's kind makes it.
fn patched(ask: &Ask<'_>, old: &Opened, warnings: &mut Vec<String>) -> Result<Value, ApiError> {
    let resource = &ask.resource;
    let kind = options::patch_kind(ask);
    let Body { value: change, twice, yaml } = body::patch(ask)?;
    // Unless the patch speaks of managed fields, the write makes them from those of the old object anyhow. An operation may speak of all there is.
    let speaks = kind == options::JSON_PATCH || change["metadata"].get("managedFields").is_some();
    let left_out = (!speaks).then_some(&*old.managed);
    let old = if speaks { Cow::Owned(old.whole()) } else { Cow::Borrowed(&*old.value) };
    let old = &*old;
    let unprocessable = |message: String| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message);
    let mut new = match kind {
        options::JSON_PATCH => operations::patched(ask, old, &change)?,
        options::MERGE_PATCH => {
            let mut new = old.clone();
            fiel_merge::json_merge::patch_in_place(&mut new, &change);
            new
        }
        // Only Kubernetes' own kinds come here.
        _ => fiel_merge::strategic::patch(old, &change, resource.schema()).map_err(|error| match error {
            fiel_merge::strategic::StrategicError::UnknownMapDirective { .. }
            | fiel_merge::strategic::StrategicError::MissingKey { .. } => {
                ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "", error.to_string())
            }
            error => unprocessable(error.to_string()),
        })?,
    };
    let seen = strict::Patch { change: &change, strategic: kind == options::STRATEGIC_PATCH, left_out };
    // What says no version is read as the server's own type, which calls its fields otherwise than JSON does: nothing is left of it.
    let versionless = new.is_object() && new["apiVersion"].as_str().is_none_or(str::is_empty) && body::unnamed(&new).is_none();
    if versionless && resource.is_builtin() && !seen.strategic {
        strict::check_foreign(ask, &new, &seen, warnings)?;
        is_in_place(ask, &json!({}))?;
    }
    let unread = match seen.strategic {
        true => canonical::convert(&mut new, resource.api_version(), &resource.kind),
        false => body::unnamed(&new),
    };
    if let Some(why) = unread.or_else(|| mistyped(resource, &new, Some(old))) {
        return Err(seen.refused(resource, &new, &why));
    }
    if !resource.is_builtin() && new["kind"].as_str().is_none_or(str::is_empty) {
        return Err(seen.kindless(resource, &new));
    }
    strict::check_patch(ask, (old, &new), &strict::Twice::new(twice, yaml), &seen, warnings)?;
    // What a strategic patch makes is read as the kind that it is a patch of, whatever it says.
    if !resource.is_builtin() {
        stays_of_kind(ask, &new)?;
    } else if !seen.strategic {
        is_of_kind(ask, &new).map_err(|error| match error.message.split_once(&format!("cannot be handled as a {}: ", resource.kind)) {
            Some((_, why)) => seen.refused(resource, &new, why),
            None => error,
        })?;
    }
    is_in_place(ask, &new)?;
    // A patch without a version is made on the newest one.
    if unconditional(resource) && meta::text(&new, "resourceVersion").is_empty() {
        meta::metadata(&mut new).insert("resourceVersion".to_owned(), old["metadata"]["resourceVersion"].clone());
    }
    Ok(new)
}

/// Server-side apply, of the object or its status.
pub(crate) fn apply(core: &mut Held<'_>, ask: &Ask<'_>, subresource: &str) -> Answer {
    let resource = &*ask.resource;
    let manager = ask.query.get("fieldManager");
    let (config, twice) = core.aside(|_| {
        let Body { value: config, twice, yaml } = body::read(ask)?;
        if config["metadata"]["managedFields"].as_array().is_some_and(|list| !list.is_empty()) {
            return Err(ApiError::bad_request("metadata.managedFields must be nil"));
        }
        let word = |field: &str| config[field].as_str().unwrap_or_default();
        let (version, kind) = (word("apiVersion"), word("kind"));
        if version != resource.api_version() || kind != resource.kind {
            // What is no version is nothing, and the kind with it.
            let (version, kind) = if version.matches('/').count() > 1 { ("", "") } else { (version, kind) };
            let version = if version.contains('/') { version.to_owned() } else { format!("/{version}") };
            return Err(ApiError::bad_request(format!("invalid object type: {version}, Kind={kind}")));
        }
        Ok((config, strict::Twice::new(twice, yaml)))
    })?;
    let namespace = if resource.namespaced { ask.target.namespace.as_str() } else { "" };
    let name = ask.target.name.as_str();
    let (old, now) = (core.store.find(resource.storage(), namespace, name).cloned(), core.now());
    let (old, mut new, managed) = core.aside(|warnings| {
        let old = old.as_ref().map(Old::of);
        if old.is_none() && !subresource.is_empty() {
            return Err(ApiError::not_found(resource, name));
        }
        let given = |field: &str| config["metadata"][field].clone();
        let named = json!({"metadata": {"name": given("name"), "namespace": given("namespace")}});
        let which = json!({"metadata": {"resourceVersion": given("resourceVersion"), "uid": given("uid")}});
        let unnamed = config["metadata"].get("name").is_some_and(|name| name.is_null() || name == "");
        let (mut new, managed) =
            managed::applied(resource, old.as_ref().map(|old| &old.opened), config, manager, subresource, ask.query.is("force"), &now)?;
        // Only what could be applied is read strictly.
        strict::check_apply(ask, &twice, warnings)?;
        let uid = meta::text(&which, "uid");
        if old.is_none() && !uid.is_empty() {
            let why = format!("uid mismatch: the provided object specified uid {uid}, and no existing object was found");
            return Err(ApiError::conflict(resource, name, &why));
        }
        match &old {
            // What is there has its name, unless it is taken away.
            Some(_) if meta::text(&named, "name").is_empty() && !unnamed => {}
            _ => is_in_place(ask, &named)?,
        }
        if let Some(old) = &old {
            meta::precondition(resource, name, old, &which)?;
            confine(resource, old, &mut new, subresource);
        }
        Ok((old, new, managed))
    })?;
    let manage = Manage::Known(managed);
    if old.is_none() {
        meta::metadata(&mut new).insert("name".to_owned(), json!(name));
        return insert(core, ask, new, manage);
    }
    let change = Change { resource, namespace, name, old: old.as_ref(), manage, subresource, dry_run: dry_run(ask) };
    commit(core, &change, new).map(|stored| (StatusCode::OK, stored))
}
