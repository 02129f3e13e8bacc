//! A custom object against its definition, in the order in which the server looks.

use fiel_merge::structured::go_type;
use serde_json::Value;

use super::cause::{Causes, child, whole};
use super::rules::{self, Found, Programs};
use super::{embedded, lists, value};
use crate::cause::Cause;

/// What a definition says that bears on its objects.
pub(crate) struct Rules<'a> {
    pub(crate) schema: &'a Value,
    pub(crate) scale: Option<&'a Value>,
    pub(crate) programs: &'a Programs,
}

/// With these a value is not what rules are written for.
const BLOCKING: [&str; 5] =
    ["FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid"];

/// What is wrong with an object, behind what is `known` already; `old` is the one that it replaces, `subresource` the part that is written.
pub(crate) fn check(rules: &Rules<'_>, known: Vec<Cause>, new: &Value, old: Option<&Value>, subresource: &str) -> Found {
    let schema = rules.schema;
    let mut causes = Causes(known);
    if subresource == "status" {
        if let Some(status) = new.get("status") {
            let old = old.and_then(|old| old.get("status"));
            causes.append(value::check(&schema["properties"]["status"], status, old, "status"));
        }
    } else {
        causes.append(value::check(schema, new, old, ""));
        replicas(rules.scale, new, "specReplicasPath", &mut causes);
    }
    replicas(rules.scale, new, "statusReplicasPath", &mut causes);
    selector(rules.scale, new, &mut causes);
    causes.append(embedded::check(schema, new, ""));
    // What stood twice already may stand twice still.
    if old.is_none_or(|old| lists::check(schema, old, "").is_empty()) {
        causes.append(lists::check(schema, new, ""));
    }
    if rules.programs.is_empty() {
        return Found { causes, warnings: Vec::new() };
    }
    if causes.0.iter().any(|cause| BLOCKING.contains(&cause.reason)) {
        let why =
            "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";
        causes.invalid("", Value::Null, why);
        return Found { causes, warnings: Vec::new() };
    }
    let found = rules::evaluate(rules.programs, schema, new, old, old.is_some(), "");
    causes.append(found.causes);
    Found { causes, warnings: found.warnings }
}

/// The field at a path like `.spec.replicas`, or why there is none: the server's words.
fn field<'a>(object: &'a Value, path: &str) -> Result<Option<&'a Value>, String> {
    let mut value = object;
    let mut led = String::new();
    for name in path.trim_start_matches('.').split('.') {
        if !value.is_object() {
            return Err(format!(".{led} accessor error: {value} is of the type {}, expected map[string]interface{{}}", go_type(value)));
        }
        led = child(&led, name);
        match value.get(name) {
            Some(inner) => value = inner,
            None => return Ok(None),
        }
    }
    Ok(Some(value))
}

/// A value as Go prints it, if it is a scalar.
fn go_print(value: &Value) -> String {
    value.as_str().map_or_else(|| whole(value.clone()).to_string(), str::to_owned)
}

fn replicas(scale: Option<&Value>, object: &Value, which: &str, causes: &mut Causes) {
    let Some(path) = scale.and_then(|scale| scale[which].as_str()) else {
        return;
    };
    match field(object, path) {
        Err(why) => causes.invalid(path, 0, &why),
        Ok(None) => {}
        Ok(Some(value)) => match value.as_i64() {
            None => {
                let why = format!("{path} accessor error: {} is of the type {}, expected int64", go_print(value), go_type(value));
                causes.invalid(path, 0, &why);
            }
            Some(number) if number < 0 => causes.invalid(path, number, "should be a non-negative integer"),
            Some(number) if number > i64::from(i32::MAX) => {
                causes.invalid(path, number, &format!("should be less than or equal to {}", i32::MAX));
            }
            Some(_) => {}
        },
    }
}

fn selector(scale: Option<&Value>, object: &Value, causes: &mut Causes) {
    let Some(path) = scale.and_then(|scale| scale["labelSelectorPath"].as_str()).filter(|path| !path.is_empty()) else {
        return;
    };
    match field(object, path) {
        Err(why) => causes.invalid(path, "", &why),
        Ok(Some(value)) if !value.is_string() => {
            let why = format!("{path} accessor error: {} is of the type {}, expected string", go_print(value), go_type(value));
            causes.invalid(path, "", &why);
        }
        Ok(_) => {}
    }
}
