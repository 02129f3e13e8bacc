//! What the server refuses in what a container or a Pod may do.

use super::check::Check::{Between, Inside, OneOf, Required, With};
use super::check::{Rules, Seen, items, text};
use super::{format, shown};
use crate::cause::Cause;

/// What one container may do.
pub(super) const SECURITY: Rules = &[
    ("runAsUser", Between(0, ID)),
    ("runAsGroup", Between(0, ID)),
    ("procMount", OneOf(&["Default", "Unmasked"])),
    ("procMount", With(unmasked)),
    ("seccompProfile", Inside(SECCOMP)),
    ("", With(escalation)),
    ("appArmorProfile", Inside(APP_ARMOR)),
];
pub(super) const SECCOMP: Rules = &[
    ("type", Required("type is required when seccompProfile is set")),
    ("type", OneOf(&["Localhost", "RuntimeDefault", "Unconfined"])),
    ("", With(localhost)),
];
pub(super) const APP_ARMOR: Rules = &[("", With(app_armor))];
/// The numbers that a user or a group may have.
pub(super) const ID: i64 = 2_147_483_647;

fn unmasked(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if seen.value == "Unmasked" && seen.root["hostUsers"] != false {
        causes.push(Cause::invalid(seen.at, seen.value, "`hostUsers` must be false to use `Unmasked`"));
    }
}

fn localhost(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (file, at) = (&seen.value["localhostProfile"], seen.below("localhostProfile"));
    match (seen.value["type"] == "Localhost", file.as_str()) {
        (true, None) => causes.push(Cause::required(at, "must be set when seccomp type is Localhost")),
        (true, Some(path)) => causes.extend(Cause::of_format(at, path, format::below(path))),
        (false, Some(_)) => {
            let shown = shown::internal(seen.value, "core.SeccompProfile");
            causes.push(Cause::shown(at, &shown, "can only be set when seccomp type is Localhost"));
        }
        (false, None) => {}
    }
}

fn app_armor(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    const SET: &str = "must be set when AppArmor type is Localhost";
    let (kind, file, at) = (text(&seen.value["type"]), &seen.value["localhostProfile"], seen.below("localhostProfile"));
    match (kind, file.as_str()) {
        ("Localhost", None | Some("")) => causes.push(Cause::required(at, SET)),
        ("Localhost", Some(path)) if path != path.trim() => causes.push(Cause::invalid(at, file, "must not be padded with whitespace")),
        ("RuntimeDefault" | "Unconfined", Some(_)) => {
            causes.push(Cause::invalid(at, file, "can only be set when AppArmor type is Localhost"));
        }
        ("Localhost" | "RuntimeDefault" | "Unconfined", _) => {}
        ("", _) => causes.push(Cause::required(seen.below("type"), "type is required when appArmorProfile is set")),
        _ => causes.push(Cause::unsupported(seen.below("type"), &seen.value["type"], &["Localhost", "RuntimeDefault", "Unconfined"])),
    }
}

fn escalation(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if seen.value["allowPrivilegeEscalation"] != false {
        return;
    }
    let capability = items(&seen.value["capabilities"]["add"]).iter().any(|one| one == "CAP_SYS_ADMIN");
    for (given, what) in [(seen.value["privileged"] == true, "`privileged` to true"), (capability, "`capabilities.Add` CAP_SYS_ADMIN")] {
        if given {
            let shown = shown::internal(seen.value, "core.SecurityContext");
            causes.push(Cause::shown(seen.at, &shown, &format!("cannot set `allowPrivilegeEscalation` to false and {what}")));
        }
    }
}
