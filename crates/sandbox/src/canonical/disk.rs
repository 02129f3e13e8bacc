//! What the server refuses in disks of clouds and of storage systems of which more than one field must be looked at.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::check::Check::{OneOf, Required, With, Within};
use super::check::{Rules, Seen, items, look, text};
use super::volume::PARTITION;
use crate::cause::Cause;

/// A disk of Google, whose field the server calls otherwise here.
pub(super) fn google(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let rules = &[("pdName", Required("")), ("partition", Within(0, 255, "must be between 1 and 255, inclusive"))];
    look(rules, &Seen { at: &seen.at.replace(".gcePersistentDisk", ".persistentDisk"), ..*seen }, causes);
}

/// A data set that has a name or an id, not both.
pub(super) fn flocker(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (name, id) = (text(&seen.value["datasetName"]), text(&seen.value["datasetUUID"]));
    match (name.is_empty(), id.is_empty()) {
        (true, true) => causes.push(Cause::required(seen.at, "one of datasetName and datasetUUID is required")),
        (false, false) => {
            causes.push(Cause::invalid(seen.at, &json!("resource"), "datasetName and datasetUUID can not be specified simultaneously"));
        }
        _ => {}
    }
    if name.contains('/') {
        causes.push(Cause::invalid(seen.below("datasetName"), &json!(name), "must not contain '/'"));
    }
}

/// Where a volume of Quobyte is asked for; only one complaint of that is told.
pub(super) fn quobyte(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    const PAIRS: &str = "must be a host:port pair or multiple pairs separated by commas";
    let (registry, at) = (text(&seen.value["registry"]), seen.below("registry"));
    if registry.is_empty() {
        causes.push(Cause::required(at, PAIRS));
    } else if text(&seen.value["tenant"]).len() > 64 {
        causes.push(Cause::required(seen.below("tenant"), "must be a UUID and may not exceed a length of 64 characters"));
    } else if registry.split(',').any(|pair| pair.matches(':').count() != 1) {
        causes.push(Cause::invalid(at, &json!(registry), PAIRS));
    }
}

/// A disk at the end of a fibre is found by one of two kinds of names.
pub(super) fn fibre(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (targets, at) = (&seen.value["targetWWNs"], seen.below("targetWWNs"));
    match (items(targets).is_empty(), items(&seen.value["wwids"]).is_empty()) {
        (true, true) => causes.push(Cause::required(&at, "must specify either targetWWNs or wwids, but not both")),
        (false, false) => causes.push(Cause::invalid(&at, targets, "targetWWNs and wwids can not be specified simultaneously")),
        _ => {}
    }
    if !items(targets).is_empty() && seen.value["lun"].is_null() {
        causes.push(Cause::required(seen.below("lun"), "lun is required if targetWWNs is specified"));
    }
}

/// A disk that is reached over a network, by iSCSI.
pub(super) const ISCSI: Rules = &[
    ("targetPortal", Required("")),
    ("iqn", Required("")),
    ("iqn", With(iscsi_target)),
    ("lun", Within(0, 255, PARTITION)),
    ("", With(iscsi_login)),
];

fn iscsi_target(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let complaint = Some(text(seen.value)).filter(|name| !name.is_empty()).and_then(iscsi_name);
    causes.extend(complaint.map(|told| Cause::invalid(seen.at, seen.value, told)));
}

/// Who proves who it is needs a secret for it; who names itself has a name like a target's.
fn iscsi_login(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let proves = ["chapAuthDiscovery", "chapAuthSession"].iter().any(|field| seen.value[*field] == true);
    if proves && seen.value["secretRef"].is_null() {
        causes.push(Cause::required(seen.below("secretRef"), ""));
    }
    let initiator = &seen.value["initiatorName"];
    if let Some(told) = initiator.as_str().and_then(iscsi_name) {
        causes.push(Cause::invalid(seen.below("initiatorname"), initiator, told));
    }
}

/// What is wrong with the name of a node of iSCSI. As in Kubernetes, any letter may stand where two of the forms have a point.
fn iscsi_name(name: &str) -> Option<&'static str> {
    static FORMS: LazyLock<[(&str, Regex); 3]> = LazyLock::new(|| {
        let form = |pattern: &str| Regex::new(pattern).expect("the pattern is well made");
        [
            ("iqn", form(r"iqn\.[0-9]{4}-[0-9]{2}\.[[:alnum:].-]+:[^,;*&$|\t\n\f\r ]+$")),
            ("eui", form("^eui.[[:alnum:]]{16}$")),
            ("naa", form("^naa.[[:alnum:]]{32}$")),
        ]
    });
    match FORMS.iter().find(|(begin, _)| name.starts_with(begin)) {
        Some((_, form)) => (!form.is_match(name)).then_some("must be valid format"),
        None => Some("must be valid format starting with iqn, eui, or naa"),
    }
}

/// A disk of Azure.
pub(super) const AZURE: Rules = &[
    ("diskName", Required("")),
    ("diskURI", Required("")),
    ("cachingMode", OneOf(&["None", "ReadOnly", "ReadWrite"])),
    ("kind", OneOf(&["Dedicated", "Managed", "Shared"])),
    ("", With(azure_address)),
];

/// A managed disk has an address of another form than one that lies in an account.
fn azure_address(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    const MANAGED: &str = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}";
    const ACCOUNT: &str = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd";
    let managed = seen.value["kind"] == "Managed";
    let (begin, form) = if managed { ("/subscriptions/", MANAGED) } else { ("https://", ACCOUNT) };
    let address: &Value = &seen.value["diskURI"];
    if !text(address).starts_with(begin) {
        causes.push(Cause::unsupported(seen.below("diskURI"), address, &[form]));
    }
}
