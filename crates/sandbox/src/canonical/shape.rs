//! What the Go types make of a built-in object: which empty fields go, which are always written, and how values are written.
//!
//! A server reads an object into its type and writes it out again. The types are a table (`golang`); nothing here knows any kind.

use std::sync::OnceLock;

use base64::Engine as _;
use fiel_schema::Registry;
use foldhash::HashSet;
use serde_json::{Map, Value, json};

use super::quantity;
use crate::golang::{Field, Shape, Table, Type, type_name};
use crate::place::Place;
use crate::time;

/// Lists and maps without anything in them that were taken out of an object, each with its place as a JSON pointer. Nothing tells them from what was not
/// given but Go's own types, which show them in errors.
pub(crate) type Empties = Vec<(String, Value)>;

/// Takes out what the type does not have and what it cannot tell from nothing. Defaults are given to what is left. The fields of these names are
/// canonical already.
pub(super) fn prune(fields: &mut Map<String, Value>, message: &str, done: &[&str]) -> Empties {
    let mut empties = Empties::new();
    prune_in(fields, message, done, Place::Top, &mut empties);
    empties
}

fn prune_in(fields: &mut Map<String, Value>, message: &str, done: &[&str], place: Place<'_>, empties: &mut Empties) {
    let Some(known) = Table::get().fields(message).filter(|_| !is_raw(message)) else { return };
    fields.retain(|name, value| {
        if done.contains(&name.as_str()) {
            return true;
        }
        let Some(field) = known.get(name.as_str()) else {
            return matches!(name.as_str(), "apiVersion" | "kind") && is_kind(message);
        };
        if value.is_null() {
            return false;
        }
        let place = Place::Field(&place, name);
        inside(value, field, place, empties);
        let zero = is_zero(value, field);
        if zero && matches!(value, Value::Array(_) | Value::Object(_)) {
            empties.push((place.pointer(), value.take()));
        }
        !zero
    });
}

/// Writes what the type always writes. The fields of these names are canonical already.
pub(super) fn fill(fields: &mut Map<String, Value>, message: &str, done: &[&str]) {
    let Some(known) = Table::get().message(message).filter(|_| !is_raw(message)) else { return };
    for (name, absent) in &known.absent {
        if !fields.contains_key(*name) {
            fields.insert((*name).to_owned(), absent.clone());
        }
    }
    for (name, value) in fields.iter_mut().filter(|(name, value)| (value.is_object() || value.is_array()) && !done.contains(&name.as_str()))
    {
        let Some(Field { shape, of: Type::Message(of), .. }) = known.fields.get(name.as_str()) else { continue };
        match (shape, value) {
            (Shape::List, Value::Array(items)) => items.iter_mut().filter_map(Value::as_object_mut).for_each(|item| fill(item, of, &[])),
            (Shape::Map, Value::Object(map)) => map.values_mut().filter_map(Value::as_object_mut).for_each(|item| fill(item, of, &[])),
            (Shape::One | Shape::Pointer, Value::Object(inner)) => fill(inner, object_of(of), &[]),
            _ => {}
        }
    }
}

/// A kind's object of which nothing is given.
pub(super) fn nothing(message: &str) -> &'static Value {
    let made = || {
        let mut fields = Map::new();
        fill(&mut fields, message, &[]);
        Value::Object(fields)
    };
    Table::get().message(message).map_or(&Value::Null, |known| known.nothing.get_or_init(made))
}

/// Whether a type holds JSON of any shape, which Go keeps as it is.
fn is_raw(message: &str) -> bool {
    matches!(message, "runtime.RawExtension" | "meta/v1.FieldsV1" | "apiextensions/v1.JSON")
}

/// A schema in a definition may be true or a list instead: where it is an object, it is a schema.
pub(super) fn object_of(message: &str) -> &str {
    if message.starts_with("apiextensions/v1.JSONSchemaPropsOr") { "apiextensions/v1.JSONSchemaProps" } else { message }
}

/// Whether objects of this type bear `apiVersion` and `kind`.
fn is_kind(message: &str) -> bool {
    static KINDS: OnceLock<HashSet<String>> = OnceLock::new();
    let kinds = KINDS.get_or_init(|| {
        let all = Registry::builtin().kinds();
        all.map(|kind| match kind.group() {
            "" => type_name(kind.version(), kind.kind()),
            group => type_name(&format!("{group}/{}", kind.version()), kind.kind()),
        })
        .collect()
    });
    kinds.contains(message)
}

fn inside(value: &mut Value, field: &Field, place: Place<'_>, empties: &mut Empties) {
    match (field.shape, value) {
        (Shape::List, Value::Array(items)) => {
            for (index, item) in items.iter_mut().enumerate() {
                if item.is_null() {
                    *item = nothing_in_list(field.of);
                }
                one(item, field.of, Place::Item(&place, index), empties);
            }
        }
        (Shape::Map, Value::Object(map)) => {
            for (name, value) in map {
                match field.of {
                    Type::Text if value.is_null() => *value = json!(""),
                    Type::Message("resource.Quantity") if value.is_null() => *value = json!("0"),
                    Type::Message("resource.Quantity") => amount(value, quantity::resource),
                    of => one(value, of, Place::Field(&place, name), empties),
                }
            }
        }
        (Shape::One | Shape::Pointer, value) => one(value, field.of, place, empties),
        // Of another type than it should be: whoever looks at types speaks of it.
        _ => {}
    }
}

/// What Go reads where a list has null.
fn nothing_in_list(of: Type) -> Value {
    match of {
        Type::Text => json!(""),
        Type::Integer => json!(0),
        Type::Boolean => json!(false),
        Type::Message(message) if Table::get().knows(message) && !is_raw(message) => json!({}),
        _ => Value::Null,
    }
}

fn one(value: &mut Value, of: Type, place: Place<'_>, empties: &mut Empties) {
    if let (Type::Bytes, Value::Array(octets)) = (of, &*value) {
        let octets: Vec<u8> = octets.iter().map(|octet| octet.as_u64().unwrap_or_default() as u8).collect();
        *value = base64::engine::general_purpose::STANDARD.encode(octets).into();
    }
    let Type::Message(message) = of else { return };
    match (message, &mut *value) {
        ("resource.Quantity", _) => amount(value, quantity::canonical),
        ("meta/v1.Time", Value::String(text)) => time(text, time::seconds),
        ("meta/v1.MicroTime", Value::String(text)) => time(text, time::micros),
        (_, Value::Object(fields)) => prune_in(fields, object_of(message), &[], place, empties),
        _ => {}
    }
}

fn amount(value: &mut Value, written: fn(&str) -> Option<String>) {
    if !value.is_string() && !value.is_number() {
        return;
    }
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if let Some(canonical) = written(&text) {
        *value = Value::String(canonical);
    }
}

fn time(text: &mut String, written: fn(jiff::Timestamp) -> String) {
    if let Ok(time) = text.parse() {
        *text = written(time);
    }
}

/// Whether Go cannot tell a value from one that was not given.
fn is_zero(value: &Value, field: &Field) -> bool {
    match (field.shape, value) {
        (Shape::Pointer, _) => false,
        // No list gets defaults here, and an empty one is refused.
        (Shape::List, Value::Array(_)) if field.of == Type::Message("autoscaling/v2.HPAScalingPolicy") => false,
        // Nor versions.
        (Shape::List, Value::Array(_)) if field.of == Type::Message("apiextensions/v1.CustomResourceDefinitionVersion") => false,
        (_, Value::Array(items)) => items.is_empty(),
        (Shape::Map, Value::Object(fields)) => fields.is_empty(),
        (_, Value::String(text)) => text.is_empty() && field.of != Type::Message("util/intstr.IntOrString"),
        (_, Value::Bool(flag)) => !flag,
        (_, Value::Number(number)) => number.as_f64() == Some(0.0) && !matches!(field.of, Type::Message(_)),
        _ => false,
    }
}
