//! The one form in which the server keeps an object, whatever form it was written in.
//!
//! A real server reads built-in objects into typed structures and writes them out again: unknown fields and nulls go, empty fields go or stay by
//! their type, amounts and times are written one way, and what was left out gets its default. GitOps compares with that form, so the sandbox must
//! give the same. [`shape`] follows the Go types, a table; [`kinds`] and [`pods`] know what no schema says. Pure: values to values.
//!
//! What the server refuses stands in the tables of [`rules`] and [`template`]; [`check`] walks them. What needs more than one field is a function beside
//! them (`workload`, `container`, `network`, `storage`, `config`); [`shown`] writes objects as Go has them in its errors.

mod check;
mod config;
mod container;
mod convert;
mod format;
mod kinds;
mod meta;
mod network;
mod pods;
mod prepare;
mod quantity;
mod rules;
mod shape;
mod shown;
mod storage;
mod template;
mod types;
mod validate;
mod warn;
mod workload;

use serde_json::{Map, Value};

use crate::golang::type_name;
pub(crate) use convert::unconvertible;
pub(crate) use format::{label, label_value, qualified, subdomain};
pub(crate) use meta::custom as custom_metadata;
pub(crate) use shown::ordered;
pub(crate) use types::{kind_of, mismatch};
pub(crate) use validate::{labels, metadata, validate};
pub(crate) use warn::{finalizers as finalizer_warnings, warnings};

/// Brings a built-in object into the server's form. Objects of other kinds are left as they are: their definition says what they get.
pub(crate) fn canonicalise(group: &str, kind: &str, object: &mut Value) {
    let message = type_name(object["apiVersion"].as_str().unwrap_or_default(), kind);
    if let Some(fields) = object.as_object_mut() {
        shape::prune(fields, &message);
        kinds::complete(group, kind, fields);
        shape::fill(fields, &message);
    }
}

/// A kind's object of which nothing is given, with what its type writes all the same.
pub(crate) fn nothing(api_version: &str, kind: &str) -> Value {
    let mut fields = Map::new();
    shape::fill(&mut fields, &type_name(api_version, kind));
    Value::Object(fields)
}

/// Writes into an object what follows when the server reads it back from its store: defaults from what the server itself had written.
pub(crate) fn reread(group: &str, kind: &str, object: &mut Value) {
    if let Some(fields) = object.as_object_mut() {
        prepare::reread(group, kind, fields);
    }
}

/// Writes what the server and its admission add to an object of a built-in kind, whoever writes it.
pub(crate) fn prepare(group: &str, kind: &str, object: &mut Value, old: Option<&Value>, now: &str) {
    let message = type_name(object["apiVersion"].as_str().unwrap_or_default(), kind);
    if let Some(fields) = object.as_object_mut()
        && prepare::prepare(group, kind, fields, old, now)
    {
        shape::fill(fields, &message);
    }
}

/// The object at a field, made if it is not there. What is there and is no object is left: validation speaks of it.
fn object<'a>(fields: &'a mut Map<String, Value>, name: &str) -> Option<&'a mut Map<String, Value>> {
    fields.entry(name).or_insert_with(|| Value::Object(Map::new())).as_object_mut()
}

/// Puts a value where there is none.
fn default(fields: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    if fields.get(name).is_none_or(Value::is_null) {
        fields.insert(name.to_owned(), value.into());
    }
}

/// The objects in a list.
fn items<'a>(fields: &'a mut Map<String, Value>, name: &str) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    fields.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

#[cfg(test)]
mod tests;
