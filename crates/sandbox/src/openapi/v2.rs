//! The OpenAPI v2 document: everything that is served in one, for clients that know no other (`kubectl explain --output plaintext-openapiv2`).
//!
//! Its definitions are made of the components of v3, which say more: v2 knows no alternatives, and a kube-apiserver tells no defaults in it. It has no
//! paths. Clients ask for it in protobuf, in the messages of the package gnostic (`openapi.v2.Document`).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::components::Components;
use super::custom;
use crate::resource::Resource;

/// The media type that clients ask for the messages with.
pub(super) const PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
/// What kube-apiserver 1.36 calls it in its answer.
pub(super) const ANSWERED: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// `GET /openapi/v2`.
pub(super) fn document(resources: &[Arc<Resource>]) -> Value {
    let components = Components::read();
    let mut definitions = Map::new();
    for one in resources {
        definitions.extend(custom::schemas(&components, one).into_iter().map(|(name, schema)| (name, narrow(schema))));
    }
    definitions.extend(components.rest().map(|(name, schema)| (name, lower(schema))));
    json!({"swagger": "2.0", "info": {"title": "Kubernetes", "version": "v1.36.3"}, "paths": {}, "definitions": definitions})
}

/// A custom kind's schema without what v2 cannot say: where anything may stand, nothing is said.
fn narrow(mut schema: Value) -> Value {
    if schema["x-kubernetes-preserve-unknown-fields"] == true {
        return json!({"type": "object", "x-kubernetes-group-version-kind": schema["x-kubernetes-group-version-kind"]});
    }
    free(&mut schema);
    lower(schema)
}

fn free(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else { return };
    let is = |key: &str| fields.get(key) == Some(&Value::Bool(true));
    if is("x-kubernetes-preserve-unknown-fields") || is("nullable") {
        fields.retain(|key, _| !["type", "items", "properties", "additionalProperties", "required"].contains(&key.as_str()));
    } else if is("x-kubernetes-int-or-string") {
        fields.remove("type");
    }
    for key in ["nullable", "oneOf", "anyOf", "allOf", "not"] {
        fields.remove(key);
    }
    for (key, value) in fields {
        match (key.as_str(), value) {
            ("properties", Value::Object(inner)) => inner.values_mut().for_each(free),
            ("items" | "additionalProperties", inner) => free(inner),
            _ => {}
        }
    }
}

/// A component as a definition.
fn lower(schema: Value) -> Value {
    let Value::Object(fields) = schema else { return schema };
    let mut out = Map::new();
    for (key, value) in fields {
        match (key.as_str(), value) {
            ("default", _) => {}
            // What is a number or a text is a text here.
            ("oneOf", _) => drop(out.insert("type".to_owned(), json!("string"))),
            ("allOf", Value::Array(all)) if all.len() == 1 => {
                if let Some(Value::Object(one)) = all.into_iter().next().map(lower) {
                    out.extend(one);
                }
            }
            ("$ref", Value::String(target)) => drop(out.insert(key, json!(target.replace("#/components/schemas/", "#/definitions/")))),
            ("properties", Value::Object(inner)) => {
                let inner: Map<String, Value> = inner.into_iter().map(|(name, schema)| (name, lower(schema))).collect();
                out.insert(key, Value::Object(inner));
            }
            ("items" | "additionalProperties", inner) => drop(out.insert(key, lower(inner))),
            (_, value) => drop(out.insert(key, value)),
        }
    }
    Value::Object(out)
}

/// The document in protobuf.
pub(super) fn protobuf(document: &Value) -> Vec<u8> {
    let mut out = Message::default();
    out.text(1, &document["swagger"]);
    out.message(2, |info| {
        info.text(1, &document["info"]["title"]);
        info.text(2, &document["info"]["version"]);
    });
    out.message(8, |_| {});
    out.message(9, |definitions| definitions.schemas(1, &document["definitions"]));
    out.bytes
}

/// A message while it is written: each field is its number and kind, and then what it holds.
#[derive(Default)]
struct Message {
    bytes: Vec<u8>,
}

impl Message {
    fn number(&mut self, mut number: usize) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    fn bytes(&mut self, field: usize, bytes: &[u8]) {
        self.number(field << 3 | 2);
        self.number(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    fn text(&mut self, field: usize, text: &Value) {
        if let Some(text) = text.as_str() {
            self.bytes(field, text.as_bytes());
        }
    }

    fn flag(&mut self, field: usize, value: bool) {
        self.number(field << 3);
        self.number(usize::from(value));
    }

    fn double(&mut self, field: usize, value: f64) {
        self.number(field << 3 | 1);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    fn message(&mut self, field: usize, write: impl FnOnce(&mut Message)) {
        let mut inner = Message::default();
        write(&mut inner);
        self.bytes(field, &inner.bytes);
    }

    /// Any value, as YAML text.
    fn any(&mut self, field: usize, value: &Value) {
        self.message(field, |any| any.bytes(2, value.to_string().as_bytes()));
    }

    fn schemas(&mut self, field: usize, schemas: &Value) {
        for (name, schema) in schemas.as_object().into_iter().flatten() {
            self.message(field, |named| {
                named.bytes(1, name.as_bytes());
                named.message(2, |inner| inner.schema(schema));
            });
        }
    }

    fn schema(&mut self, schema: &Value) {
        for (key, value) in schema.as_object().into_iter().flatten() {
            match key.as_str() {
                "$ref" => self.text(1, value),
                "format" => self.text(2, value),
                "title" => self.text(3, value),
                "description" => self.text(4, value),
                "multipleOf" => self.double(6, value.as_f64().unwrap_or_default()),
                "maximum" => self.double(7, value.as_f64().unwrap_or_default()),
                "exclusiveMaximum" => self.flag(8, value == true),
                "minimum" => self.double(9, value.as_f64().unwrap_or_default()),
                "exclusiveMinimum" => self.flag(10, value == true),
                "maxLength" => self.count(11, value),
                "minLength" => self.count(12, value),
                "pattern" => self.text(13, value),
                "maxItems" => self.count(14, value),
                "minItems" => self.count(15, value),
                "uniqueItems" => self.flag(16, value == true),
                "maxProperties" => self.count(17, value),
                "minProperties" => self.count(18, value),
                "required" => value.as_array().into_iter().flatten().for_each(|name| self.text(19, name)),
                "enum" => value.as_array().into_iter().flatten().for_each(|one| self.any(20, one)),
                "additionalProperties" => self.message(21, |item| match value.as_bool() {
                    Some(any) => item.flag(2, any),
                    None => item.message(1, |inner| inner.schema(value)),
                }),
                "type" => self.message(22, |item| item.text(1, value)),
                "items" => self.message(23, |item| item.message(1, |inner| inner.schema(value))),
                "allOf" => value.as_array().into_iter().flatten().for_each(|one| self.message(24, |inner| inner.schema(one))),
                "properties" => self.message(25, |properties| properties.schemas(1, value)),
                "example" => self.any(30, value),
                extension if extension.starts_with("x-") => self.message(31, |named| {
                    named.bytes(1, extension.as_bytes());
                    named.any(2, value);
                }),
                _ => {}
            }
        }
    }

    fn count(&mut self, field: usize, value: &Value) {
        self.number(field << 3);
        self.number(value.as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default());
    }
}
