//! Fields that a kind does not have: refused, warned of or passed over, as the request wishes.

use fiel_schema::Node;
use serde_json::Value;

use crate::api::{Ask, Core};
use crate::resource::Resource;
use crate::status::ApiError;

/// Looks for unknown fields in what is about to be written, as `fieldValidation` says.
pub(crate) fn check(core: &mut Core, ask: &Ask<'_>, object: &Value) -> Result<(), ApiError> {
    let wish = ask.query.get("fieldValidation");
    match wish {
        "Ignore" => return Ok(()),
        "" | "Warn" | "Strict" => {}
        other => {
            let message = format!(
                " \"\" is invalid: fieldValidation: Unsupported value: \"{other}\": supported values: \"Ignore\", \"Strict\", \"Warn\""
            );
            return Err(ApiError::new(http::StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message));
        }
    }
    let unknown = unknown(&ask.resource, object);
    if unknown.is_empty() {
        return Ok(());
    }
    let told: Vec<String> = unknown.iter().map(|path| format!("unknown field \"{path}\"")).collect();
    if wish == "Strict" {
        let Resource { kind, version, .. } = &*ask.resource;
        return Err(ApiError::bad_request(format!(
            "{kind} in version \"{version}\" cannot be handled as a {kind}: strict decoding error: {}",
            told.join(", ")
        )));
    }
    core.warnings.extend(told);
    Ok(())
}

/// The paths of the fields that the kind's schema does not have.
fn unknown(resource: &Resource, object: &Value) -> Vec<String> {
    let mut out = Vec::new();
    let (Some(schema), Some(fields)) = (resource.schema(), object.as_object()) else {
        return out;
    };
    for (name, value) in fields {
        let own = matches!(name.as_str(), "apiVersion" | "kind" | "metadata");
        match schema.child(name) {
            _ if name == "metadata" => walk(fiel_schema::Registry::object_meta(), value, "metadata", false, &mut out),
            Some(inner) => walk(inner, value, name, !resource.is_builtin(), &mut out),
            None if own || schema.preserves_unknown() || schema.is_any() => {}
            None => out.push(name.clone()),
        }
    }
    out
}

/// In custom objects nothing is known within what should be a scalar either.
fn walk(node: Node<'_>, value: &Value, path: &str, custom: bool, out: &mut Vec<String>) {
    match value {
        Value::Object(fields) if custom && !node.is_object() && !node.is_any() && !node.preserves_unknown() => {
            out.extend(fields.keys().map(|name| format!("{path}.{name}")));
        }
        Value::Object(fields) if node.is_object() => {
            for (name, value) in fields {
                let path = format!("{path}.{name}");
                match node.child(name) {
                    // A set of fields, each named as its manager had it.
                    _ if name == "fieldsV1" => {}
                    Some(inner) => walk(inner, value, &path, custom, out),
                    None if node.preserves_unknown() || node.is_any() => {}
                    None if node.is_embedded_resource() && matches!(name.as_str(), "apiVersion" | "kind" | "metadata") => {}
                    None => out.push(path),
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                if let Some(inner) = node.items() {
                    walk(inner, item, &format!("{path}[{index}]"), custom, out);
                }
            }
        }
        _ => {}
    }
}
