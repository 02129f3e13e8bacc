//! Generates `data/openapi.bin`: the components of a real kube-apiserver's OpenAPI v3 documents, each text once, compressed.
//!
//! `cargo run -p fiel-sandbox --example openapi -- DOCUMENT… OUT`: each DOCUMENT is what `kubectl get --raw /openapi/v3/apis/apps/v1` prints, for every
//! group and version; with a CustomResourceDefinition, the document of its group is one of them. Of those only what is Kubernetes' own is taken.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use zlib_rs::{Deflate, DeflateFlush, Status};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [documents @ .., out] = arguments.as_slice() else {
        return Err("usage: openapi DOCUMENT… OUT".into());
    };
    let mut schemas: Map<String, Value> = Map::new();
    for file in documents {
        let document: Value = serde_json::from_slice(&std::fs::read(file)?)?;
        for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
            let known = schemas.get(name);
            if name.starts_with("io.k8s.") && known.is_none_or(|known| kinds(known) < kinds(schema)) {
                if known.is_some_and(|known| plain(known) != plain(schema)) {
                    return Err(format!("{name} is another in {file}").into());
                }
                schemas.insert(name.clone(), schema.clone());
            }
        }
    }
    let mut schemas = Value::Object(schemas);
    // Whoever reads it meets the texts in this order.
    schemas.sort_all_objects();
    let mut texts = Texts::default();
    texts.number(&mut schemas)?;
    let text = serde_json::to_vec(&json!({"texts": texts.all, "schemas": schemas}))?;
    let mut bytes = u32::try_from(text.len())?.to_le_bytes().to_vec();
    let mut compressed = vec![0; text.len()];
    let mut deflate = Deflate::new(9, true, 15);
    if deflate.compress(&text, &mut compressed, DeflateFlush::Finish) != Ok(Status::StreamEnd) {
        return Err("it does not become smaller".into());
    }
    bytes.extend(&compressed[..usize::try_from(deflate.total_out())?]);
    let count = schemas.as_object().map_or(0, Map::len);
    println!("{count} components, {} texts, {} bytes, compressed {}", texts.all.len(), text.len(), bytes.len());
    Ok(std::fs::write(out, bytes)?)
}

/// For how many kinds a schema stands: what goes with every group names those of its document.
fn kinds(schema: &Value) -> usize {
    schema["x-kubernetes-group-version-kind"].as_array().map_or(0, Vec::len)
}

fn plain(schema: &Value) -> Value {
    let mut schema = schema.clone();
    schema["x-kubernetes-group-version-kind"] = Value::Null;
    schema
}

#[derive(Default)]
struct Texts {
    all: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Texts {
    /// Puts numbers in the places of descriptions: 0 for a text that was not there before, and else that of the text, counted from one. Zeros take no
    /// room when they are compressed.
    fn number(&mut self, schema: &mut Value) -> Result<(), Failure> {
        match schema {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value.as_str().filter(|_| name == "description") {
                        Some(text) => {
                            let next = self.all.len();
                            let number = *self.numbers.entry(text.to_owned()).or_insert(next);
                            let new = number == next;
                            if new {
                                self.all.push(text.to_owned());
                            }
                            *value = json!(if new { 0 } else { number + 1 });
                        }
                        None if name == "description" && value.is_number() => return Err("a description is a number".into()),
                        None => self.number(value)?,
                    }
                }
            }
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.number(item))?,
            _ => {}
        }
        Ok(())
    }
}
