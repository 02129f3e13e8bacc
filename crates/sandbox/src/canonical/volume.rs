//! What the server refuses in the volumes of a Pod: where each comes from, as a table, and what needs more than one field.

use serde_json::{Value, json};

use super::check::Check::{Each, Inside, Of, OneOf, Required, With, Within};
use super::check::{Rules, Seen, items, look, text};
use super::containers::PULLED;
use super::{disk, env, format, quantity};
use crate::cause::Cause;

const MODE: &str = "must be a number between 0 and 0777 (octal), both inclusive";
const HOST_PATHS: &[&str] = &["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
pub(super) const PARTITION: &str = "must be between 0 and 255, inclusive";

const VOLUME: Rules = &[("", With(one_source)), ("name", Required("")), ("name", Of(format::label))];
const EMPTY_DIR: Rules = &[("sizeLimit", With(size))];
const SECRET: Rules = &[("secretName", Required("")), ("defaultMode", Within(0, 0o777, MODE)), ("items", Each(ITEM))];
const NFS: Rules = &[("server", Required("")), ("path", Required("")), ("path", With(absolute))];
const CONFIG_MAP: Rules = &[("name", Required("")), ("defaultMode", Within(0, 0o777, MODE)), ("items", Each(ITEM))];
pub(super) const HOST_PATH: Rules = &[("path", Required("")), ("path", Of(format::no_climbing)), ("type", OneOf(HOST_PATHS))];
const ITEM: Rules =
    &[("key", Required("")), ("path", Required("")), ("path", Of(format::below_and_free)), ("mode", Within(0, 0o777, MODE))];
const DOWNWARD: Rules = &[("defaultMode", Within(0, 0o777, MODE)), ("", With(|seen, causes| files(seen, seen.at, causes)))];
const PROJECTED: Rules = &[("defaultMode", Within(0, 0o777, MODE)), ("", With(projected))];

/// Where a volume's content comes from, in the order in which the server looks: the field, the name it has where it is one too many, and its rules.
const SOURCES: [(&str, &str, Rules); 30] = [
    ("emptyDir", "emptyDir", EMPTY_DIR),
    ("hostPath", "hostPath", HOST_PATH),
    ("gitRepo", "gitRepo", &[("repository", Required("")), ("directory", Of(format::below))]),
    ("gcePersistentDisk", "gcePersistentDisk", &[("", With(disk::google))]),
    ("awsElasticBlockStore", "awsElasticBlockStore", &[("volumeID", Required("")), ("partition", Within(0, 255, PARTITION))]),
    ("secret", "secret", SECRET),
    ("nfs", "nfs", NFS),
    ("iscsi", "iscsi", disk::ISCSI),
    ("glusterfs", "glusterfs", &[("endpoints", Required("")), ("path", Required(""))]),
    ("flocker", "flocker", &[("", With(disk::flocker))]),
    ("persistentVolumeClaim", "persistentVolumeClaim", &[("claimName", Required(""))]),
    ("rbd", "rbd", &[("monitors", Required("")), ("image", Required(""))]),
    ("cinder", "cinder", &[("volumeID", Required("")), ("secretRef", Inside(&[("name", Required(""))]))]),
    ("cephfs", "cephFS", &[("monitors", Required(""))]),
    ("quobyte", "quobyte", &[("", With(disk::quobyte)), ("volume", Required(""))]),
    ("downwardAPI", "downwarAPI", DOWNWARD),
    ("fc", "fc", &[("", With(disk::fibre)), ("lun", Within(0, 255, PARTITION))]),
    ("flexVolume", "flexVolume", &[("driver", Required(""))]),
    ("configMap", "configMap", CONFIG_MAP),
    ("azureFile", "azureFile", &[("secretName", Required("")), ("shareName", Required(""))]),
    ("vsphereVolume", "vsphereVolume", &[("volumePath", Required(""))]),
    ("photonPersistentDisk", "photonPersistentDisk", &[("pdID", Required(""))]),
    ("portworxVolume", "portworxVolume", &[("volumeID", Required(""))]),
    ("azureDisk", "azureDisk", disk::AZURE),
    ("storageos", "storageos", &[("volumeName", Required("")), ("volumeName", Of(format::label)), ("volumeNamespace", Of(format::label))]),
    ("projected", "projected", PROJECTED),
    ("scaleIO", "scaleIO", &[("gateway", Required("")), ("system", Required("")), ("volumeName", Required(""))]),
    ("csi", "csi", &[("driver", Required("")), ("nodePublishSecretRef", Inside(&[("name", Required(""))]))]),
    ("ephemeral", "ephemeral", &[("volumeClaimTemplate", With(template))]),
    ("image", "image", &[("pullPolicy", OneOf(PULLED))]),
];

/// The volumes of a Pod. What is wrong with one leaves it out for whoever would mount it.
pub(super) fn volumes(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    each(seen.value, seen.at, causes);
}

/// The volumes in which nothing is wrong.
pub(super) fn usable(list: &Value) -> Vec<&Value> {
    each(list, "", &mut Vec::new())
}

fn each<'v>(list: &'v Value, at: &str, causes: &mut Vec<Cause>) -> Vec<&'v Value> {
    let mut usable: Vec<&Value> = Vec::new();
    for (index, volume) in items(list).iter().enumerate() {
        let (before, at) = (causes.len(), format!("{at}[{index}]"));
        look(VOLUME, &Seen { value: volume, old: None, root: volume, shown: volume, at: &at }, causes);
        if usable.iter().any(|other| other["name"] == volume["name"]) {
            causes.push(Cause::duplicate(format!("{at}.name"), &volume["name"]));
        }
        if causes.len() == before {
            usable.push(volume);
        }
    }
    usable
}

/// Only the first source is looked into; the others are one too many.
fn one_source(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let given = SOURCES.iter().filter(|(name, ..)| !seen.value[*name].is_null());
    for (index, (name, told, rules)) in given.enumerate() {
        if index == 0 {
            look(rules, &Seen { value: &seen.value[*name], old: None, at: &seen.below(name), ..*seen }, causes);
        } else {
            causes.push(Cause::forbidden(seen.below(told), "may not specify more than 1 volume type"));
        }
    }
}

fn absolute(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if !text(seen.value).starts_with('/') {
        causes.push(Cause::invalid(seen.at, &json!(text(seen.value)), "must be an absolute path"));
    }
}

fn size(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if quantity::amount(text(seen.value)).is_some_and(|amount| amount < 0) {
        causes.push(Cause::forbidden(seen.at, "SizeLimit field must be a valid resource quantity"));
    }
}

/// The claim that a Pod makes for itself.
fn template(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if seen.value.is_null() {
        return causes.push(Cause::required(seen.at, ""));
    }
    look(super::rules::CLAIM_SPEC, &Seen { value: &seen.value["spec"], old: None, at: &seen.below("spec"), ..*seen }, causes);
}

/// The fields of a Pod that a file can hold.
const IN_FILES: &[&str] = &["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];

/// Files with what is known of the Pod; the server does not say which of them is wrong.
fn files(seen: &Seen<'_>, at: &str, causes: &mut Vec<Cause>) {
    for file in seen.items("items") {
        let seen = Seen { value: file, at, ..*seen };
        look(&[("path", Required("")), ("path", Of(format::below_and_free))], &seen, causes);
        match (file["fieldRef"].is_null(), file["resourceFieldRef"].is_null()) {
            (false, other) => {
                env::field_reference(&file["fieldRef"], IN_FILES, &seen.below("fieldRef"), causes);
                if !other {
                    let detail = "fieldRef and resourceFieldRef can not be specified simultaneously";
                    causes.push(Cause::invalid(at, &json!("resource"), detail));
                }
            }
            (true, false) => env::resource_reference(&file["resourceFieldRef"], true, &seen.below("resourceFieldRef"), causes),
            (true, true) => causes.push(Cause::required(at, "one of fieldRef and resourceFieldRef is required")),
        }
        look(&[("mode", Within(0, 0o777, MODE))], &seen, causes);
    }
}

const TOKEN_AT_LEAST: &str = "may not specify a duration less than 10 minutes";
const TOKEN_AT_MOST: &str = "may not specify a duration larger than 2^32 seconds";

/// Many sources in one volume.
fn projected(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let mut paths: Vec<&str> = Vec::new();
    for (index, source) in seen.items("sources").iter().enumerate() {
        let at = seen.below(&format!("sources[{index}]"));
        for kind in ["secret", "configMap"] {
            let (one, at) = (&source[kind], format!("{at}.{kind}"));
            if one.is_null() {
                continue;
            }
            look(&[("name", Required("")), ("items", Each(ITEM))], &Seen { value: one, old: None, at: &at, ..*seen }, causes);
            for item in items(&one["items"]) {
                taken(text(&item["path"]), &one["name"], seen.at, &mut paths, causes);
            }
        }
        let downward = &source["downwardAPI"];
        files(&Seen { value: downward, ..*seen }, &format!("{at}.downwardAPI"), causes);
        for item in items(&downward["items"]) {
            taken(text(&item["path"]), &item["path"], seen.at, &mut paths, causes);
        }
        let (token, at_token) = (&source["serviceAccountToken"], format!("{at}.serviceAccountToken"));
        if !token.is_null() {
            let bounds: Rules = &[
                ("expirationSeconds", Within(600, i64::MAX, TOKEN_AT_LEAST)),
                ("expirationSeconds", Within(i64::MIN, 1 << 32, TOKEN_AT_MOST)),
            ];
            look(bounds, &Seen { value: token, old: None, at: &at_token, ..*seen }, causes);
            // Its path is told as if it were the volume's.
            look(&[("path", Required("")), ("path", Of(format::below_and_free))], &Seen { value: token, old: None, ..*seen }, causes);
        }
        if source.as_object().is_some_and(|source| source.len() > 1) {
            causes.push(Cause::forbidden(at, "may not specify more than 1 volume type per source"));
        }
    }
}

/// Refuses a path that another source has taken already, showing who wants it again.
fn taken<'v>(path: &'v str, shown: &Value, at: &str, paths: &mut Vec<&'v str>, causes: &mut Vec<Cause>) {
    if path.is_empty() {
        return;
    }
    if paths.contains(&path) {
        let shown = if shown.is_null() { &json!("") } else { shown };
        causes.push(Cause::invalid(at, shown, "conflicting duplicate paths"));
    } else {
        paths.push(path);
    }
}
