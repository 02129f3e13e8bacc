//! The defaults of a schema: they hold no unknown fields, and what they preset is valid itself.

use serde_json::Value;

use super::cause::{Causes, child, key};
use super::rules::{self, Programs};
use super::structural::{properties, says};
use super::{embedded, prune, value};

/// What is wrong with the defaults of a structural schema.
pub(super) fn check(schema: &Value, path: &str) -> Causes {
    let mut causes = Causes::default();
    walk(schema, path, true, false, &mut causes);
    causes
}

fn walk(schema: &Value, path: &str, is_resource: bool, in_meta: bool, causes: &mut Causes) {
    let is_resource = is_resource || says(schema, "x-kubernetes-embedded-resource");
    let default = &schema["default"];
    if !default.is_null() {
        one(schema, default, &child(path, "default"), in_meta, causes);
    }
    if schema["items"].is_object() {
        walk(&schema["items"], &child(path, "items"), false, in_meta && !is_resource, causes);
    }
    for (name, inner) in properties(schema) {
        let meta = is_resource && matches!(name.as_str(), "metadata" | "apiVersion" | "kind");
        walk(inner, &key(&child(path, "properties"), name), false, meta || in_meta && !is_resource, causes);
    }
}

fn one(schema: &Value, default: &Value, at: &str, in_meta: bool, causes: &mut Causes) {
    if !in_meta {
        let mut pruned = default.clone();
        prune::value(schema, &mut pruned, says(schema, "x-kubernetes-embedded-resource"));
        if pruned != *default {
            causes.invalid(at, default.clone(), "must not have unknown fields");
        }
        let found = embedded::check(schema, default, at);
        if !found.is_empty() {
            causes.append(found);
            return;
        }
    }
    let found = value::check(schema, default, None, at);
    if !found.is_empty() {
        causes.append(found);
        return;
    }
    let programs = Programs::of(schema);
    if !programs.is_empty() {
        // It may stay, and it may come.
        let found = rules::evaluate(&programs, schema, default, Some(default), false, at).causes;
        let found = if found.is_empty() { rules::evaluate(&programs, schema, default, None, false, at).causes } else { found };
        causes.append(found);
    }
}
