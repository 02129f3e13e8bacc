//! The options of writes: refused together and before anything is looked at, as a kube-apiserver does.

use http::StatusCode;
use serde_json::{Value, json};

use super::Ask;
use crate::cause::Cause;
use crate::request::Verb;
use crate::status::ApiError;

/// The longest name of a manager, in bytes.
const MANAGER: usize = 128;

/// What a patch can be, beside an application.
pub(super) const JSON_PATCH: &str = "application/json-patch+json";
pub(super) const MERGE_PATCH: &str = "application/merge-patch+json";
pub(super) const STRATEGIC_PATCH: &str = "application/strategic-merge-patch+json";

/// The kind of patch that a request holds, without parameters.
pub(super) fn patch_kind<'a>(ask: &Ask<'a>) -> &'a str {
    ask.content_type.split(';').next().unwrap_or_default().trim()
}

fn applies(ask: &Ask<'_>) -> bool {
    ask.content_type.starts_with("application/apply-patch")
}

/// Refuses the options of a write that cannot be, and kinds of patches that are not known.
pub(super) fn check(ask: &Ask<'_>) -> Result<(), ApiError> {
    let (kind, mut causes) = match ask.verb {
        Verb::Create => ("CreateOptions", Vec::new()),
        Verb::Update => ("UpdateOptions", Vec::new()),
        Verb::Patch => {
            known(ask)?;
            ("PatchOptions", patch(ask))
        }
        _ => return Ok(()),
    };
    causes.extend(manager(ask.query.get("fieldManager")));
    causes.extend(dry_run(ask.query.given("dryRun").as_slice()));
    causes.extend(validation(ask.query.get("fieldValidation")));
    refused(kind, &causes)
}

/// The same for a deletion, whose options may stand in its body too.
pub(super) fn check_delete(policy: &str, orphan: Option<bool>, dry: &[&str]) -> Result<(), ApiError> {
    let mut causes = Vec::new();
    if orphan.is_some() && !policy.is_empty() {
        let message = "orphanDependents and deletionPropagation cannot be both set";
        causes.push(Cause::invalid("propagationPolicy", &json!(policy), message));
    }
    if !matches!(policy, "" | "Foreground" | "Background" | "Orphan") {
        let supported = "supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"";
        causes.push(unsupported("propagationPolicy", &format!("\"{policy}\""), supported));
    }
    causes.extend(dry_run(dry));
    refused("DeleteOptions", &causes)
}

/// The refusal of options for everything that is wrong with them.
pub(super) fn refused(kind: &str, causes: &[Cause]) -> Result<(), ApiError> {
    let told: Vec<String> = causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
    let list = match told.as_slice() {
        [] => return Ok(()),
        [one] => one.clone(),
        all => format!("[{}]", all.join(", ")),
    };
    let causes: Vec<Value> =
        causes.iter().map(|cause| json!({"reason": cause.reason, "message": cause.message, "field": cause.field})).collect();
    let message = format!("{kind}.meta.k8s.io \"\" is invalid: {list}");
    Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message)
        .with(json!({"group": "meta.k8s.io", "kind": kind, "causes": causes})))
}

fn unsupported(field: &str, value: &str, supported: &str) -> Cause {
    Cause { reason: "FieldValueNotSupported", message: format!("Unsupported value: {value}: {supported}"), field: field.to_owned() }
}

fn known(ask: &Ask<'_>) -> Result<(), ApiError> {
    let (kind, builtin) = (patch_kind(ask), ask.resource.is_builtin());
    if applies(ask) || matches!(kind, JSON_PATCH | MERGE_PATCH) || builtin && kind == STRATEGIC_PATCH {
        return Ok(());
    }
    let supported = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
    let refuse = |message: &str| ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message);
    Err(match builtin {
        true => refuse("415: Unsupported Media Type").with(json!({})),
        false => refuse(&format!("the body of the request was in an unknown format - accepted media types include: {supported}")),
    })
}

fn patch(ask: &Ask<'_>) -> Vec<Cause> {
    let cause = |reason, message: &str, field: &str| vec![Cause { reason, message: message.to_owned(), field: field.to_owned() }];
    match applies(ask) {
        true if ask.query.get("fieldManager").is_empty() => {
            cause("FieldValueRequired", "Required value: is required for apply patch", "fieldManager")
        }
        false if ask.query.given("force").is_some() => {
            cause("FieldValueForbidden", "Forbidden: may not be specified for non-apply patch", "force")
        }
        _ => Vec::new(),
    }
}

fn manager(name: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    if name.len() > MANAGER {
        let message = format!("Too long: may not be more than {MANAGER} bytes");
        causes.push(Cause { reason: "FieldValueTooLong", message, field: "fieldManager".to_owned() });
    }
    let mut shown = String::new();
    name.chars().for_each(|c| match c {
        '"' | '\\' => shown.extend(['\\', c]),
        '\n' => shown += "\\n",
        '\t' => shown += "\\t",
        '\r' => shown += "\\r",
        c if c.is_control() => shown += &format!("\\x{:02x}", u32::from(c)),
        c => shown.push(c),
    });
    let unprintable = name.char_indices().filter(|(_, c)| c.is_control());
    causes.extend(unprintable.map(|(at, c)| Cause {
        reason: "FieldValueInvalid",
        message: format!("Invalid value: \"{shown}\": invalid character U+{:04X} (at position {at})", u32::from(c)),
        field: "fieldManager".to_owned(),
    }));
    causes
}

fn dry_run(given: &[&str]) -> Option<Cause> {
    let wrong = given.iter().any(|one| !matches!(*one, "" | "All"));
    wrong.then(|| unsupported("dryRun", &json!(given).to_string(), "supported values: \"All\""))
}

fn validation(wish: &str) -> Option<Cause> {
    let supported = "supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"";
    let known = matches!(wish, "" | "Ignore" | "Strict" | "Warn");
    (!known).then(|| unsupported("fieldValidation", &format!("\"{wish}\""), supported))
}
