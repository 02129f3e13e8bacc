//! Whether a schema is structural: every field has a type outside of the clauses (`allOf`, `anyOf`, `oneOf`, `not`), and clauses only restrict.
//! What is found is sorted by its words, as kube-apiserver does.

use serde_json::Value;

use super::cause::{Causes, child, key};

/// Where a schema stands.
#[derive(Clone, Copy, PartialEq)]
enum Level {
    Root,
    Item,
    Field,
}

/// What keeps a schema from being structural; empty when nothing does.
pub(super) fn check(schema: &Value, path: &str) -> Causes {
    let mut causes = Causes::default();
    invariants(schema, Level::Root, path, &mut causes);
    complete(schema, schema, path, path, &mut causes);
    causes.sort();
    causes
}

/// Whether a field says anything: neither absent nor of Go's zero value.
pub(super) fn says(schema: &Value, field: &str) -> bool {
    match &schema[field] {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => true,
    }
}

/// The properties of a schema.
pub(super) fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

/// Calls `visit` with the schema, the value and the path of every field and item that the schema knows.
pub(super) fn each_part(schema: &Value, value: &Value, path: &str, visit: &mut dyn FnMut(&Value, &Value, &str)) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match schema["properties"].get(name) {
                    Some(inner) => visit(inner, value, &child(path, name)),
                    None if schema["additionalProperties"].is_object() => visit(&schema["additionalProperties"], value, &key(path, name)),
                    None => {}
                }
            }
        }
        Value::Array(items) if schema["items"].is_object() => {
            for (index, item) in items.iter().enumerate() {
                visit(&schema["items"], item, &key(path, index));
            }
        }
        _ => {}
    }
}

fn kind(schema: &Value) -> &str {
    schema["type"].as_str().unwrap_or_default()
}

fn invariants(schema: &Value, level: Level, path: &str, causes: &mut Causes) {
    let kind = kind(schema);
    let at = |name: &str| child(path, name);
    if kind == "array" && schema["items"].is_null() {
        causes.required(&at("items"), "must be specified");
    }
    if schema["items"].is_object() {
        invariants(&schema["items"], Level::Item, &at("items"), causes);
    }
    for (name, inner) in properties(schema) {
        invariants(inner, Level::Field, &key(&at("properties"), name), causes);
    }
    let additional = &schema["additionalProperties"];
    if !additional.is_null() {
        if level == Level::Root {
            causes.forbidden(&at("additionalProperties"), "must not be used at the root");
        }
        if additional.is_object() {
            invariants(additional, Level::Field, &at("additionalProperties"), causes);
        }
    }
    let (int_or_string, preserve) = (says(schema, "x-kubernetes-int-or-string"), says(schema, "x-kubernetes-preserve-unknown-fields"));
    let embedded = says(schema, "x-kubernetes-embedded-resource");
    if int_or_string && preserve {
        causes.invalid(&at("x-kubernetes-preserve-unknown-fields"), true, "must be false if x-kubernetes-int-or-string is true");
    }
    if int_or_string && embedded {
        causes.invalid(&at("x-kubernetes-embedded-resource"), true, "must be false if x-kubernetes-int-or-string is true");
    }
    clauses(schema, is_int_or_string(&schema["anyOf"]), is_int_or_string(&schema["allOf"][0]["anyOf"]), path, causes);
    if embedded && kind != "object" {
        let why = "must be object if x-kubernetes-embedded-resource is true";
        if kind.is_empty() {
            causes.required(&at("type"), why);
        } else {
            causes.invalid(&at("type"), kind, why);
        }
    } else if kind.is_empty() && !int_or_string && !preserve {
        let whose = match level {
            Level::Root => "at the root",
            Level::Item => "for specified array items",
            Level::Field => "for specified object fields",
        };
        causes.required(&at("type"), &format!("must not be empty {whose}"));
    }
    if embedded && !additional.is_null() {
        causes.forbidden(&at("additionalProperties"), "must not be used if x-kubernetes-embedded-resource is set");
    }
    if level == Level::Root && !kind.is_empty() && kind != "object" {
        causes.invalid(&at("type"), kind, "must be object at the root");
    }
    meta_fields(schema, level, embedded, path, causes);
    if embedded && !preserve && properties(schema).next().is_none() {
        let why = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
        causes.required(&at("properties"), why);
    }
}

/// `apiVersion`, `kind` and `metadata` are what they are everywhere.
fn meta_fields(schema: &Value, level: Level, embedded: bool, path: &str, causes: &mut Causes) {
    let own = level == Level::Root || embedded;
    let at = |name: &str| key(&child(path, "properties"), name);
    for name in ["kind", "apiVersion"] {
        if let Some(inner) = schema["properties"].get(name).filter(|inner| own && kind(inner) != "string") {
            causes.invalid(&child(&at(name), "type"), kind(inner), "must be string");
        }
    }
    let Some(metadata) = schema["properties"].get("metadata") else {
        return;
    };
    if own && kind(metadata) != "object" {
        causes.invalid(&child(&at("metadata"), "type"), kind(metadata), "must be object");
    }
    let named = |name: &String| name == "name" || name == "generateName";
    let more = metadata.as_object().into_iter().flatten().any(|(field, value)| match field.as_str() {
        "type" | "default" => false,
        "properties" => !value.as_object().is_some_and(|fields| fields.keys().all(named)),
        field => says(metadata, field),
    });
    if level == Level::Root && more {
        let why = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        causes.forbidden(&at("metadata"), why);
    }
}

/// The one clause in which types may stand.
fn is_int_or_string(any: &Value) -> bool {
    *any == serde_json::json!([{"type": "integer"}, {"type": "string"}])
}

/// What stands in the clauses; those that only say "a number or a text" are passed over.
fn clauses(schema: &Value, skip_any: bool, skip_first_all: bool, path: &str, causes: &mut Causes) {
    for name in ["anyOf", "allOf", "oneOf"] {
        for (index, clause) in schema[name].as_array().into_iter().flatten().enumerate() {
            if name == "anyOf" && skip_any {
                continue;
            }
            nested(clause, name == "allOf" && index == 0 && skip_first_all, &key(&child(path, name), index), causes);
        }
    }
    if schema["not"].is_object() {
        nested(&schema["not"], false, &child(path, "not"), causes);
    }
    if let Some(pattern) = schema["pattern"].as_str()
        && let Err(error) = regex::Regex::new(pattern)
    {
        let why = format!("must be a valid regular expression, but isn't: {}", go_regexp(pattern, &error));
        causes.invalid(&child(path, "pattern"), pattern, &why);
    }
}

/// The commonest refusals in Go's words; others in this library's own, on one line.
fn go_regexp(pattern: &str, error: &regex::Error) -> String {
    let said = error.to_string();
    let last = said.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let why = match last.as_str() {
        "unclosed group" => "missing closing )",
        "unopened group" => "unexpected )",
        "unclosed character class" => "missing closing ]",
        other => return format!("error parsing regexp: {other}: `{pattern}`"),
    };
    format!("error parsing regexp: {why}: `{pattern}`")
}

/// A clause only restricts: it says nothing of types, defaults, texts and lists.
fn nested(clause: &Value, skip_any: bool, path: &str, causes: &mut Causes) {
    clauses(clause, skip_any, false, path, causes);
    let at = |name: &str| child(path, name);
    if clause["items"].is_object() {
        nested(&clause["items"], false, &at("items"), causes);
    }
    for (name, inner) in properties(clause) {
        nested(inner, false, &key(&at("properties"), name), causes);
    }
    for (field, must) in [
        ("type", "must be empty"),
        ("additionalProperties", "must be undefined"),
        ("default", "must be undefined"),
        ("title", "must be empty"),
        ("description", "must be empty"),
        ("nullable", "must be false"),
        ("x-kubernetes-preserve-unknown-fields", "must be false"),
        ("x-kubernetes-embedded-resource", "must be false"),
        ("x-kubernetes-int-or-string", "must be false"),
        ("x-kubernetes-list-map-keys", "must be empty"),
        ("x-kubernetes-list-type", "must be undefined"),
        ("x-kubernetes-map-type", "must be undefined"),
        ("x-kubernetes-validations", "must be empty"),
    ] {
        let given = if must == "must be undefined" { !clause[field].is_null() } else { says(clause, field) };
        if given {
            causes.forbidden(&at(field), &format!("{must} to be structural"));
        }
    }
    if clause["properties"].get("metadata").is_some() {
        causes.forbidden(&key(&at("properties"), "metadata"), "must not be specified in a nested context");
    }
}

/// What clauses speak of is there outside of them too. Like the server, this looks only at the clauses of the root.
fn complete(clause: &Value, schema: &Value, path: &str, said_at: &str, causes: &mut Causes) {
    let each = |clause: &Value, said_at: &str, causes: &mut Causes| restricts(clause, schema, path, said_at, causes);
    if clause["not"].is_object() {
        each(&clause["not"], &child(said_at, "not"), causes);
    }
    for name in ["allOf", "anyOf", "oneOf"] {
        for (index, inner) in clause[name].as_array().into_iter().flatten().enumerate() {
            each(inner, &key(&child(said_at, name), index), causes);
        }
    }
}

fn restricts(clause: &Value, schema: &Value, path: &str, said_at: &str, causes: &mut Causes) {
    complete(clause, schema, path, said_at, causes);
    if clause["items"].is_object() {
        let (path, said_at) = (child(path, "items"), child(said_at, "items"));
        if schema["items"].is_object() {
            restricts(&clause["items"], &schema["items"], &path, &said_at, causes);
        } else {
            causes.required(&path, &format!("because it is defined in {said_at}"));
        }
    }
    for (name, inner) in properties(clause) {
        let (path, said_at) = (key(&child(path, "properties"), name), key(&child(said_at, "properties"), name));
        match schema["properties"].get(name) {
            Some(own) => restricts(inner, own, &path, &said_at, causes),
            None => causes.required(&path, &format!("because it is defined in {said_at}")),
        }
    }
}
