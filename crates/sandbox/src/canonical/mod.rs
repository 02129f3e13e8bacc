//! The one form in which the server keeps an object, whatever form it was written in.
//!
//! A real server reads built-in objects into typed structures and writes them out again: unknown fields and nulls go, empty fields go or stay by
//! their type, amounts and times are written one way, and what was left out gets its default. GitOps compares with that form, so the sandbox must
//! give the same. [`shape`] follows the Go types, a table; [`kinds`] and [`pods`] know what no schema says. Pure: values to values.
//!
//! What the server refuses stands in the tables of [`rules`], [`status`] and [`template`]; [`check`] walks them. What needs more than one field is a function beside
//! them (`workload`, `job`, `containers`, `container`, `volume`, `network`, `scaling`, `storage`, `config`); [`shown`] writes objects as Go has them in its errors.

mod check;
mod config;
mod containers;
mod convert;
mod disk;
mod env;
mod format;
mod job;
mod job_status;
mod kinds;
mod meta;
mod mount;
mod network;
mod pod_status;
mod pods;
mod prepare;
mod probe;
mod quantity;
mod resources;
mod rules;
mod scaling;
mod security;
mod shape;
mod shown;
mod status;
mod storage;
mod template;
mod types;
mod unified;
mod validate;
mod volume;
mod warn;
mod warn_pods;
mod workload;

use serde_json::{Map, Value};

use crate::golang::{Table, type_name};
pub(crate) use convert::convert;
pub(crate) use format::{label, label_value, qualified, subdomain};
pub(crate) use kinds::TEMPLATE_GENERATION;
pub(crate) use meta::custom as custom_metadata;
pub(crate) use shape::Empties;
pub(crate) use shown::ordered;
pub(crate) use types::{kind_of, metadata_mismatch, mismatch};
pub(crate) use validate::{labels, validate, validate_part};
pub(crate) use warn::{finalizers as finalizer_warnings, warnings};

/// Brings a built-in object into the server's form. Objects of other kinds are left as they are: their definition says what they get. What is the same
/// in `old`, an object of the same kind that is stored, is in that form. Gives back the empty lists and maps that went.
pub(crate) fn canonicalise(group: &str, kind: &str, object: &mut Value, old: Option<&Value>) -> Empties {
    #[cfg(debug_assertions)]
    let given = object.clone();
    let message = type_name(object["apiVersion"].as_str().unwrap_or_default(), kind);
    let old = old.filter(|old| old["apiVersion"] == object["apiVersion"]).and_then(Value::as_object);
    let mut empties = Empties::new();
    if let Some(fields) = object.as_object_mut() {
        let same = old.into_iter().flatten().filter(|(name, value)| fields.get(*name) == Some(*value));
        let done: Vec<&str> = same.map(|(name, _)| name.as_str()).collect();
        empties = shape::prune(fields, &message, &done);
        kinds::complete(group, kind, fields);
        shape::fill(fields, &message, &done);
    }
    #[cfg(debug_assertions)]
    if old.is_some() {
        let mut anew = given;
        canonicalise(group, kind, &mut anew, None);
        assert_eq!(*object, anew, "what is the same in a stored {kind} is not in the server's form there");
    }
    empties
}

/// Takes out of an object's metadata what metadata does not have.
pub(crate) fn prune_metadata(object: &mut Value) {
    let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
    if let (Some(known), Some(metadata)) = (Table::get().fields("meta/v1.ObjectMeta"), metadata) {
        metadata.retain(|name, _| known.contains_key(name.as_str()));
    }
}

/// A kind's object of which nothing is given, with what its type writes all the same.
pub(crate) fn nothing(api_version: &str, kind: &str) -> &'static Value {
    shape::nothing(&type_name(api_version, kind))
}

/// The labels that an object has because it has none of its own: whoever writes it owns them.
pub(crate) fn lent_labels(group: &str, kind: &str, object: &Value) -> Option<Value> {
    prepare::lent_labels(group, kind, object.as_object()?).cloned()
}

/// Writes into an object what follows when the server reads it back from its store: defaults from what the server itself had written.
pub(crate) fn reread(group: &str, kind: &str, object: &mut Value) {
    if let Some(fields) = object.as_object_mut() {
        prepare::reread(group, kind, fields);
    }
}

/// Writes what the server and its admission add to an object of a built-in kind, whoever writes it.
pub(crate) fn prepare(group: &str, kind: &str, object: &mut Value, old: Option<&Value>, now: &str) {
    if let Some(fields) = object.as_object_mut()
        && prepare::prepare(group, kind, fields, old, now)
    {
        let message = type_name(fields.get("apiVersion").and_then(Value::as_str).unwrap_or_default(), kind);
        shape::fill(fields, &message, &[]);
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
