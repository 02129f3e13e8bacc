//! The components of Kubernetes' own documents: the schemas of its kinds, with their descriptions.
//!
//! `data/openapi.bin` holds them as a kube-apiserver 1.36 serves them, each text once, compressed (`examples/openapi.rs` makes it). The texts are those of
//! Kubernetes' API types (copyright The Kubernetes Authors, Apache-2.0). It is read when a document is made, and what was read goes with that.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use zlib_rs::{Inflate, InflateFlush};

/// How long the text is, in four bytes, and the text in zlib's format.
static DATA: &[u8] = include_bytes!("../../data/openapi.bin");

/// The components that were not taken yet.
pub(super) struct Components {
    schemas: Map<String, Value>,
    /// Their names by group, version and kind.
    names: HashMap<(String, String, String), String>,
}

/// What the data file holds.
#[derive(Deserialize)]
struct File {
    /// Every description, once, in the order in which they first stand in the schemas.
    texts: Vec<String>,
    /// By name; a description is 0 for the next text, or else the number of one before, counted from one.
    schemas: Map<String, Value>,
}

impl Components {
    /// All of them.
    pub(super) fn read() -> Self {
        let File { texts, mut schemas } = serde_json::from_slice(&inflate()).expect("the data file holds components: a test reads it");
        let (mut next, mut names) = (0, HashMap::new());
        for (name, schema) in &mut schemas {
            describe(schema, &texts, &mut next);
            for gvk in schema["x-kubernetes-group-version-kind"].as_array().into_iter().flatten() {
                let part = |key: &str| gvk[key].as_str().unwrap_or_default().to_owned();
                names.insert((part("group"), part("version"), part("kind")), name.clone());
            }
        }
        Self { schemas, names }
    }

    /// What the component of a kind is called.
    pub(super) fn name(&self, group: &str, version: &str, kind: &str) -> Option<String> {
        self.names.get(&(group.to_owned(), version.to_owned(), kind.to_owned())).cloned()
    }

    /// The description of one of a component's fields.
    pub(super) fn description(&self, component: &str, field: &str) -> &str {
        self.schemas.get(component).and_then(|schema| schema["properties"][field]["description"].as_str()).unwrap_or_default()
    }

    /// A component; none when there is no such one, or it was taken before.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.schemas.remove(name)
    }

    /// All that were not taken.
    pub(super) fn rest(self) -> impl Iterator<Item = (String, Value)> {
        self.schemas.into_iter()
    }
}

/// Of the text in the data file, as its compressed form holds it.
pub(super) fn checksum() -> &'static [u8] {
    &DATA[DATA.len() - 4..]
}

fn inflate() -> Vec<u8> {
    let (length, compressed) = DATA.split_first_chunk().expect("the data file begins with a length: a test reads it");
    let mut text = vec![0; u32::from_le_bytes(*length) as usize];
    Inflate::new(true, 15).decompress(compressed, &mut text, InflateFlush::Finish).expect("the data file is whole: a test reads it");
    text
}

/// Puts the texts in the places of their numbers. (A field may be called `description` too; it is no number.)
fn describe(schema: &mut Value, texts: &[String], next: &mut usize) {
    match schema {
        Value::Object(fields) => {
            for (name, value) in fields {
                let Some(number) = value.as_u64().filter(|_| name == "description") else {
                    describe(value, texts, next);
                    continue;
                };
                let before = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
                let text = texts.get(before.unwrap_or(*next)).cloned().unwrap_or_default();
                *next += usize::from(before.is_none());
                *value = Value::String(text);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| describe(item, texts, next)),
        _ => {}
    }
}
