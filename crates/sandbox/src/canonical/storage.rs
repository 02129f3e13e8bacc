//! What needs more than one field of volumes and claims to be judged.

use serde_json::{Value, json};

use super::check::{Seen, items, text};
use super::{format, quantity, shown, workload};
use crate::cause::Cause;

const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

/// How a volume may be used.
pub(super) fn modes(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let modes: Vec<&str> = items(seen.value).iter().map(text).collect();
    for mode in modes.iter().filter(|mode| !MODES.contains(mode)) {
        causes.push(Cause::unsupported(seen.at, &json!(mode), &MODES));
    }
    if modes.contains(&"ReadWriteOncePod") && modes.iter().any(|mode| *mode != "ReadWriteOncePod" && MODES.contains(mode)) {
        causes.push(Cause::forbidden(seen.at, "may not use ReadWriteOncePod with other access modes"));
    }
}

fn positive(amount: &Value, at: String, causes: &mut Vec<Cause>) {
    if quantity::amount(text(amount)).is_some_and(|number| number <= 0) {
        causes.push(Cause::invalid(at, amount, "must be greater than zero"));
    }
}

/// How much a claim asks for.
pub(super) fn request(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (amount, at) = (&seen.value["requests"]["storage"], format!("{}[storage]", seen.at));
    if amount.is_null() {
        causes.push(Cause::required(at, ""));
    } else {
        positive(amount, at, causes);
    }
}

/// What a claim's volume begins with.
pub(super) fn data_source(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (kind, group) = (text(&seen.value["kind"]), text(&seen.value["apiGroup"]));
    for (field, given) in [("name", text(&seen.value["name"])), ("kind", kind)] {
        if given.is_empty() {
            causes.push(Cause::required(seen.below(field), ""));
        }
    }
    if group.is_empty() && kind != "PersistentVolumeClaim" {
        let detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
        causes.push(Cause::invalid(seen.at, &json!(kind), detail));
    }
    for (field, format) in [("apiGroup", format::subdomain as format::Format), ("namespace", format::label)] {
        let given = text(&seen.value[field]);
        causes.extend(Cause::of_format(seen.below(field), given, if given.is_empty() { Vec::new() } else { format(given) }));
    }
}

/// Where both fields say what a volume begins with, they say the same.
pub(super) fn same_source(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (old, new) = (&seen.value["dataSource"], &seen.value["dataSourceRef"]);
    if old.is_null() || new.is_null() {
        return;
    }
    let detail = if !text(&new["namespace"]).is_empty() {
        "may not be specified when dataSourceRef.namespace is specified"
    } else if ["apiGroup", "kind", "name"].iter().any(|field| text(&old[*field]) != text(&new[*field])) {
        "must match dataSourceRef"
    } else {
        return;
    };
    // The server shows the place of the field and not its value, and of a place nothing.
    causes.push(Cause::shown(seen.at, "{}", detail));
}

/// How much a volume holds.
pub(super) fn capacity(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let amounts = seen.value.as_object();
    if seen.value["storage"].is_null() || amounts.is_some_and(|amounts| amounts.len() > 1) {
        causes.push(Cause::unsupported_shown(seen.at, &seen.value.to_string(), &["storage"]));
    }
    for (name, amount) in amounts.into_iter().flatten() {
        positive(amount, format!("{}[{name}]", seen.at), causes);
    }
}

/// The fields of a volume that say nothing of where it comes from.
const NO_SOURCES: [&str; 9] = [
    "accessModes",
    "capacity",
    "claimRef",
    "mountOptions",
    "nodeAffinity",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "volumeAttributesClassName",
    "volumeMode",
];

/// A volume comes from one place.
pub(super) fn source(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let sources: Vec<&String> =
        seen.value.as_object().into_iter().flatten().map(|(name, _)| name).filter(|name| !NO_SOURCES.contains(&name.as_str())).collect();
    if sources.is_empty() {
        causes.push(Cause::required(seen.at, "must specify a volume type"));
    }
    for source in sources.iter().skip(1) {
        causes.push(Cause::forbidden(seen.below(source), "may not specify more than 1 volume type"));
    }
}

/// A claim that is bound may grow; nothing else of it changes.
pub(super) fn claim_update(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let Some(old) = seen.old else { return };
    let (mut spec, mut shown, before) = (seen.value["spec"].clone(), seen.shown["spec"].clone(), &old["spec"]);
    let bound = old["status"]["phase"] == "Bound";
    if bound && !before["resources"]["requests"].is_null() {
        for spec in [&mut spec, &mut shown] {
            spec["resources"]["requests"] = before["resources"]["requests"].clone();
        }
    }
    // The binder names the volume, once; from then on the class of volumes may be another.
    let free = [
        ("volumeName", before["volumeName"].is_null()),
        ("volumeAttributesClassName", bound),
        // The class that claims have by default may have come later.
        ("storageClassName", before["storageClassName"].is_null()),
    ];
    let free: Vec<&str> = free.into_iter().filter(|(_, free)| *free).map(|(name, _)| name).collect();
    if workload::without(&spec, &free) != workload::without(before, &free) {
        for name in free {
            match before.get(name) {
                Some(value) => shown[name] = value.clone(),
                None => drop(shown.as_object_mut().map(|fields| fields.remove(name))),
            }
        }
        let detail = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        let lines = shown::difference(before, &shown, "core.PersistentVolumeClaimSpec");
        causes.push(Cause::forbidden("spec", &format!("{detail}\n{lines}")));
    }
    let amount = |value: &Value| quantity::amount(text(value)).unwrap_or(0);
    let asked = |claim: &Value| amount(&claim["spec"]["resources"]["requests"]["storage"]);
    // It may ask for less again than it did, but not for less than it has.
    if asked(seen.value) < asked(old) && asked(seen.value) <= amount(&old["status"]["capacity"]["storage"]) {
        causes.push(Cause::forbidden("spec.resources.requests.storage", "field can not be less than status.capacity"));
    }
    let (mode, was) = (&seen.value["spec"]["volumeMode"], &before["volumeMode"]);
    if mode != was {
        // The server leaves out where the field stands.
        causes.push(Cause::invalid("volumeMode", mode, "field is immutable"));
    }
}
