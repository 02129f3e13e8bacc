//! CustomResourceDefinitions: what is served by them, which names they get, and how they go.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Core, delete, managed, meta};
use crate::cause::Cause;
use crate::definition::rules::{Found, Programs};
use crate::definition::{self, names};
use crate::resource::{Resource, Resources};
use crate::stored::{Draft, Order, Stored};

const STORAGE: &str = "apiextensions.k8s.io/customresourcedefinitions";
/// Who holds a definition until its objects are gone.
const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";
/// The manager of what the server itself writes.
const SERVER: &str = "kube-apiserver";

/// Whether a resource is CustomResourceDefinition.
pub(crate) fn is_definition(resource: &Resource) -> bool {
    resource.storage() == STORAGE
}

fn all(core: &Core) -> Vec<Arc<Value>> {
    core.store.list(STORAGE, "", None).map(|(_, object)| object.value()).collect()
}

/// Serves what the stored definitions say, as far as they are established.
pub(crate) fn reload(core: &mut Core) {
    let definitions = all(core);
    core.resources =
        Resources::new(definitions.iter().map(|definition| &**definition).filter(|definition| names::is_true(definition, "Established")));
}

/// Gives every definition the names that nobody had before it, and serves what can be served now.
pub(crate) fn settle(core: &mut Core) {
    // A name that comes free here may be wanted there, so this is looked at until nothing changes.
    loop {
        let definitions = all(core);
        let now = core.now();
        let next = definitions.iter().find_map(|one| {
            let group = &one["spec"]["group"];
            let others = definitions
                .iter()
                .map(|other| &**other)
                .filter(|other| other["spec"]["group"] == *group && other["metadata"]["name"] != one["metadata"]["name"]);
            let status = names::settled(one, &others.collect::<Vec<_>>(), &now)?;
            (status != one["status"]).then_some((one, status))
        });
        let Some((old, status)) = next else {
            break;
        };
        let mut new = Value::clone(old);
        new["status"] = status;
        write_status(core, meta::text(old, "name"), new);
    }
    reload(core);
}

fn write_status(core: &mut Core, name: &str, new: Value) {
    let resource = core.resources.find("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    let old = core.store.find(STORAGE, "", name).map(|old| old.stored().opened());
    let managed = resource.zip(old).map(|(resource, old)| managed::updated(&resource, Some(&old), &new, SERVER, "status", &core.now()));
    core.store.put_draft(STORAGE, "", name, Draft::new(new, Arc::new(managed.unwrap_or_default()), Order::KindFirst));
}

/// Marks a definition for deletion and lets its objects go; the definition goes with the last of them. Its last state but one is returned.
pub(crate) fn terminate(core: &mut Core, old: &Value, marked: Value) -> Stored {
    let mut new = marked;
    let now = core.now();
    // Definitions go by a way of their own, on which nothing is counted.
    meta::metadata(&mut new).remove("deletionGracePeriodSeconds");
    new["metadata"]["generation"] = old["metadata"]["generation"].clone();
    names::set_condition(
        &mut new["status"],
        "Terminating",
        true,
        "InstanceDeletionPending",
        "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
        &now,
    );
    let name = meta::text(&new, "name").to_owned();
    let stored = core.store.put(STORAGE, "", &name, new);
    let storage = storage_of(&stored.value());
    let served = core.resources.all().iter().find(|resource| resource.storage() == storage).cloned();
    let objects: Vec<_> = core.store.list(&storage, "", None).map(|(name, _)| name.clone()).collect();
    for (namespace, name) in objects {
        match &served {
            Some(resource) => drop(delete::plainly(core, resource, &namespace, &name)),
            // Nobody serves it any more, so nobody could let it go later.
            None => drop(core.store.delete(&storage, &namespace, &name)),
        }
    }
    finish(core);
    stored
}

/// The finalizers of a definition that is to be deleted: the server holds it until its objects are gone.
pub(crate) fn hold(finalizers: &mut Vec<String>) {
    if !finalizers.iter().any(|one| one == CLEANUP) {
        finalizers.push(CLEANUP.to_owned());
    }
}

fn storage_of(definition: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!("{}/{}", text(&definition["spec"]["group"]), text(&definition["spec"]["names"]["plural"]))
}

/// Lets the definitions go whose last object is gone, and writes down how far the others are. (After a minute a kube-apiserver writes that it could not
/// confirm the end, and begins anew; here it is known at once.)
pub(crate) fn finish(core: &mut Core) {
    let held = |definition: &Arc<Value>| meta::is_deleting(definition) && meta::finalizers(definition).iter().any(|one| one == CLEANUP);
    for old in all(core).into_iter().filter(held) {
        let established = names::condition(&old["status"], "Established").is_some_and(|condition| condition["status"] == "True");
        let remain = core.store.list(&storage_of(&old), "", None).next().is_some();
        let (goes_on, reason, message) = match (remain, established) {
            (true, _) => (true, "InstanceDeletionInProgress", "CustomResource deletion is in progress"),
            (false, true) => (false, "InstanceDeletionCompleted", "removed all instances"),
            (false, false) => (false, "NeverEstablished", "resource was never established"),
        };
        let (mut new, now) = (Value::clone(&old), core.now());
        names::set_condition(&mut new["status"], "Terminating", goes_on, reason, message, &now);
        let left: Vec<String> = meta::finalizers(&old).into_iter().filter(|one| remain || one != CLEANUP).collect();
        if left.is_empty() {
            core.store.delete(STORAGE, "", meta::text(&old, "name"));
            continue;
        }
        new["metadata"]["finalizers"] = json!(left);
        if new != *old {
            write_status(core, meta::text(&old, "name"), new);
        }
    }
    settle(core);
}

/// Whether the objects of a resource are about to go with their definition.
pub(crate) fn is_terminating(core: &Core, resource: &Resource) -> bool {
    let name = format!("{}.{}", resource.plural, resource.group);
    !resource.is_builtin() && core.store.get(STORAGE, "", &name).is_some_and(|definition| meta::is_deleting(&definition))
}

/// Completes a definition: names from its kind, and the versions in which objects may be stored.
pub(crate) fn complete(definition: &mut Value, old: Option<&Value>, subresource: &str) {
    let kind = definition["spec"]["names"]["kind"].as_str().unwrap_or_default().to_owned();
    let mut preset = |name: &str, value: String| {
        if definition["spec"]["names"][name].as_str().is_none_or(str::is_empty) && !kind.is_empty() {
            definition["spec"]["names"][name] = json!(value);
        }
    };
    preset("singular", kind.to_lowercase());
    preset("listKind", format!("{kind}List"));
    if definition["spec"]["conversion"].is_null() {
        definition["spec"]["conversion"] = json!({"strategy": "None"});
    }
    if old.is_none() {
        definition["status"] = json!({"acceptedNames": {"kind": "", "plural": ""}, "conditions": null, "storedVersions": []});
    }
    if subresource.is_empty() {
        let versions = definition["spec"]["versions"].as_array().into_iter().flatten();
        let storage = versions.filter(|version| version["storage"] == true).map(|version| version["name"].clone()).next();
        if let (Some(storage), Some(stored)) = (storage, definition["status"]["storedVersions"].as_array_mut())
            && !stored.contains(&storage)
        {
            stored.push(storage);
        }
    }
}

/// What the server has against a definition.
pub(crate) fn validate(new: &Value, old: Option<&Value>, subresource: &str) -> Vec<Cause> {
    // Its status may say what it will.
    if subresource == "status" { Vec::new() } else { definition::check(new, old).0 }
}

/// The formats of a definition that nobody knows and that were not there before.
pub(crate) fn warnings(new: &Value, old: Option<&Value>) -> Vec<String> {
    let known = old.map(definition::unknown_formats).unwrap_or_default();
    let found = definition::unknown_formats(new).into_iter().filter(|format| !known.contains(format));
    found.map(|format| format!("unrecognized format \"{format}\"")).collect()
}

/// Takes out what the schema does not know, and puts in what it presets.
pub(crate) fn prune_and_default(resource: &Resource, object: &mut Value) {
    if let Some(custom) = &resource.custom {
        definition::prune::object(&custom.openapi, object);
    }
}

/// What the definition's schema has against an object.
pub(crate) fn validate_object(resource: &Resource, known: Vec<Cause>, new: &Value, old: Option<&Value>, subresource: &str) -> Found {
    let Some(custom) = &resource.custom else {
        return Found { causes: definition::Causes(known), warnings: Vec::new() };
    };
    let rules = definition::Rules {
        schema: &custom.openapi,
        scale: custom.scale.as_ref(),
        programs: custom.programs.get_or_init(|| Programs::of(&custom.openapi)),
    };
    definition::check_object(&rules, known, new, old, subresource)
}
