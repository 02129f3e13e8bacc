//! What the server refuses in where a container has its volumes.

use serde_json::{Value, json};

use super::check::Check::{Of, OneOf};
use super::check::{Rules, Seen, look, text};
use super::{format, volume};
use crate::cause::Cause;

/// Where a container has its volumes, as folders and as devices.
pub(super) fn mounted(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if !seen.items("volumeMounts").is_empty() || !seen.items("volumeDevices").is_empty() {
        let volumes = volume::usable(&seen.root["volumes"]);
        mounts(seen, &volumes, causes);
        devices(seen, &volumes, causes);
    }
}

fn mounts(seen: &Seen<'_>, volumes: &[&Value], causes: &mut Vec<Cause>) {
    let (all, devices, list) = (seen.items("volumeMounts"), seen.items("volumeDevices"), seen.below("volumeMounts"));
    let privileged = seen.value["securityContext"]["privileged"] == true;
    for (index, mount) in all.iter().enumerate() {
        let at = format!("{list}[{index}]");
        let (name, path) = (json!(text(&mount["name"])), json!(text(&mount["mountPath"])));
        if text(&name).is_empty() {
            causes.push(Cause::required(format!("{at}.name"), ""));
        }
        if !volumes.iter().any(|volume| volume["name"] == name) {
            causes.push(Cause::not_found(format!("{at}.name"), &name));
        }
        if text(&path).is_empty() {
            causes.push(Cause::required(format!("{at}.mountPath"), ""));
        }
        if all[..index].iter().any(|other| text(&other["mountPath"]) == text(&path)) {
            causes.push(Cause::invalid(format!("{at}.mountPath"), &path, "must be unique"));
        }
        if same(devices, "name", &name).is_some() {
            causes.push(Cause::invalid(format!("{at}.name"), &name, "must not already exist in volumeDevices"));
        }
        if same(devices, "devicePath", &path).is_some() {
            causes.push(Cause::invalid(format!("{at}.mountPath"), &path, "must not already exist as a path in volumeDevices"));
        }
        // Of paths within and of what is shared, the server does not say in which mount.
        let seen = Seen { value: mount, old: None, at: &list, ..*seen };
        look(&[("subPath", Of(format::below))], &seen, causes);
        if !text(&mount["subPath"]).is_empty() && !text(&mount["subPathExpr"]).is_empty() {
            let detail = "subPathExpr and subPath are mutually exclusive";
            causes.push(Cause::invalid(format!("{at}.subPathExpr"), &mount["subPathExpr"], detail));
        }
        let rules: Rules =
            &[("subPathExpr", Of(format::below)), ("mountPropagation", OneOf(&["Bidirectional", "HostToContainer", "None"]))];
        look(rules, &seen, causes);
        propagated(mount, privileged, &list, causes);
    }
}

/// What a mount shares with the host.
fn propagated(mount: &Value, privileged: bool, list: &str, causes: &mut Vec<Cause>) {
    let (propagation, at) = (text(&mount["mountPropagation"]), format!("{list}.recursiveReadOnly"));
    if propagation == "Bidirectional" && !privileged {
        let detail = "Bidirectional mount propagation is available only to privileged containers";
        causes.push(Cause::forbidden(format!("{list}.mountPropagation"), detail));
    }
    match mount["recursiveReadOnly"].as_str() {
        None | Some("Disabled") => {}
        Some("Enabled" | "IfPossible") => {
            if mount["readOnly"] != true {
                causes.push(Cause::forbidden(&at, "may only be specified when readOnly is true"));
            }
            if !matches!(propagation, "" | "None") {
                causes.push(Cause::forbidden(&at, "may only be specified when mountPropagation is None or not specified"));
            }
        }
        Some(_) => causes.push(Cause::unsupported(at, &mount["recursiveReadOnly"], &["Disabled", "Enabled", "IfPossible"])),
    }
}

fn devices(seen: &Seen<'_>, volumes: &[&Value], causes: &mut Vec<Cause>) {
    let (all, mounts) = (seen.items("volumeDevices"), seen.items("volumeMounts"));
    for (index, device) in all.iter().enumerate() {
        let (name, path) = (json!(text(&device["name"])), json!(text(&device["devicePath"])));
        let at = |field: &str| seen.below(&format!("volumeDevices[{index}].{field}"));
        if text(&name).is_empty() {
            causes.push(Cause::required(at("name"), ""));
        }
        if !text(&name).is_empty() && same(&all[..index], "name", &name).is_some() {
            causes.push(Cause::invalid(at("name"), &name, "must be unique"));
        }
        match volumes.iter().find(|volume| volume["name"] == name) {
            None => causes.push(Cause::not_found(at("name"), &name)),
            Some(volume) if volume["persistentVolumeClaim"].is_null() && volume["ephemeral"].is_null() => {
                let detail = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
                causes.push(Cause::invalid(at("name"), &name, detail));
            }
            Some(_) => {}
        }
        if text(&path).is_empty() {
            causes.push(Cause::required(at("devicePath"), ""));
        }
        if all[..index].iter().any(|other| text(&other["devicePath"]) == text(&path)) {
            causes.push(Cause::invalid(at("devicePath"), &path, "must be unique"));
        }
        if !format::no_climbing(text(&path)).is_empty() {
            causes.push(Cause::invalid(at("devicePath"), &path, "can not contain backsteps ('..')"));
        }
        if same(mounts, "name", &name).is_some() {
            causes.push(Cause::invalid(at("name"), &name, "must not already exist in volumeMounts"));
        }
        if same(mounts, "mountPath", &path).is_some() {
            causes.push(Cause::invalid(at("devicePath"), &path, "must not already exist as a path in volumeMounts"));
        }
    }
}

/// What one thing is called that should be another's name for it.
fn same<'v>(list: &'v [Value], field: &str, value: &Value) -> Option<&'v Value> {
    list.iter().find(|other| text(&other[field]) == text(value))
}
