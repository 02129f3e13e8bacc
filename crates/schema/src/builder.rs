//! Writes tables: that of Kubernetes from a server's OpenAPI schemas and its discovery, and those of CustomResourceDefinitions at run time.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use crate::node::{SCALARS, Scalar, flags, types};
use crate::table::{FIELD, HEADER, KIND, MAGIC, NODE};

/// Why no table could be made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A `$ref` leads nowhere; CustomResourceDefinitions may not hold any.
    #[error("the schema refers to {0}, which is not defined")]
    Dangling(String),
    /// A schema must be an object.
    #[error("a schema must be an object, found {0}")]
    NotAnObject(String),
}

/// What a server's discovery says of one kind, beside its schema.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Group, version and kind.
    pub gvk: (String, String, String),
    /// Plural and singular names.
    pub names: (String, String),
    /// Abbreviations.
    pub short_names: Vec<String>,
    /// Groupings.
    pub categories: Vec<String>,
    /// Verbs.
    pub verbs: Vec<String>,
    /// Subresources: `name|group|version|kind|verb verb`.
    pub subresources: Vec<String>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

/// Writes the table of a whole server: `definitions` by name, and what is served.
///
/// # Errors
/// A definition refers to one that is missing.
pub fn generate(definitions: &Map<String, Value>, facts: &[Facts]) -> Result<Vec<u8>, BuildError> {
    let mut builder = Builder::default();
    builder.define(definitions)?;
    let mut by_gvk = BTreeMap::new();
    for (index, schema) in definitions.values().enumerate() {
        let names = schema["x-kubernetes-group-version-kind"].as_array();
        for gvk in names.into_iter().flatten() {
            let part = |key: &str| gvk[key].as_str().unwrap_or_default().to_owned();
            by_gvk.insert((part("group"), part("version"), part("kind")), index);
        }
    }
    let nothing = builder.node([0; NODE]);
    let mut facts: Vec<&Facts> = facts.iter().collect();
    facts.sort_by(|one, other| one.gvk.cmp(&other.gvk));
    for fact in facts {
        let node = by_gvk.get(&fact.gvk).map_or(nothing, |index| *index as u32);
        let words = [
            builder.string(&fact.gvk.0),
            builder.string(&fact.gvk.1),
            builder.string(&fact.gvk.2),
            builder.string(&fact.names.0),
            builder.string(&fact.names.1),
            builder.string(&fact.short_names.join(",")),
            builder.string(&fact.categories.join(",")),
            builder.string(&fact.verbs.join(",")),
            builder.string(&fact.subresources.join(",")),
            u32::from(fact.namespaced),
            node,
        ];
        builder.kinds.push(words);
    }
    Ok(builder.write())
}

/// Writes the table of definitions that refer to each other, and says where that of `root` begins.
pub(crate) fn defined(definitions: &Map<String, Value>, root: &Value) -> Result<(Vec<u8>, u32), BuildError> {
    let mut builder = Builder::default();
    builder.define(definitions)?;
    let at = builder.child(root)?;
    Ok((builder.write(), at))
}

/// Writes the table of one schema and says where it begins.
pub(crate) fn custom(schema: &Value, root: bool) -> Result<(Vec<u8>, u32), BuildError> {
    let mut builder = Builder::default();
    let mut record = builder.record(schema, "")?;
    if root {
        record[0] |= flags::ROOT;
        let string = builder.node(scalar(Scalar::String));
        let fields: Vec<(String, u32)> = ["apiVersion", "kind"].map(|name| (name.to_owned(), string)).into();
        let old = (record[1] as usize, record[2] as usize);
        let mut all: BTreeMap<String, u32> = fields.into_iter().collect();
        for [name, node] in &builder.fields[old.0..old.0 + old.1] {
            let name = builder.strings[*name as usize - 1].clone();
            all.insert(name, *node);
        }
        builder.place_fields(&mut record, all);
    }
    let at = builder.node(record);
    Ok((builder.write(), at))
}

fn scalar(scalar: Scalar) -> [u32; NODE] {
    let mut record = [0; NODE];
    let index = SCALARS.iter().position(|one| *one == scalar).unwrap_or_default();
    record[0] = types::FIRST_SCALAR + index as u32;
    record
}

#[derive(Default)]
struct Builder {
    nodes: Vec<[u32; NODE]>,
    known: HashMap<[u32; NODE], u32>,
    fields: Vec<[u32; FIELD]>,
    known_fields: HashMap<Vec<[u32; FIELD]>, u32>,
    kinds: Vec<[u32; KIND]>,
    strings: Vec<String>,
    numbers: HashMap<String, u32>,
    definitions: HashMap<String, u32>,
}

impl Builder {
    fn define(&mut self, definitions: &Map<String, Value>) -> Result<(), BuildError> {
        // Every definition gets its place first, because they refer to each other in circles.
        for (index, name) in definitions.keys().enumerate() {
            let index = u32::try_from(index).expect("fewer definitions than u32 counts");
            self.definitions.insert(name.clone(), index);
            self.nodes.push([0; NODE]);
        }
        for (index, (name, schema)) in definitions.iter().enumerate() {
            self.nodes[index] = self.record(schema, name)?;
        }
        Ok(())
    }

    fn string(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        self.strings.push(text.to_owned());
        let number = self.strings.len() as u32;
        self.numbers.insert(text.to_owned(), number);
        number
    }

    /// The place of such a record; equal ones share it.
    fn node(&mut self, record: [u32; NODE]) -> u32 {
        if let Some(index) = self.known.get(&record) {
            return *index;
        }
        let index = self.nodes.len() as u32;
        self.nodes.push(record);
        self.known.insert(record, index);
        index
    }

    fn place_fields(&mut self, record: &mut [u32; NODE], fields: BTreeMap<String, u32>) {
        let fields: Vec<[u32; FIELD]> = fields.into_iter().map(|(name, node)| [self.string(&name), node]).collect();
        record[2] = fields.len() as u32;
        record[1] = if let Some(start) = self.known_fields.get(&fields) {
            *start
        } else {
            let start = self.fields.len() as u32;
            self.fields.extend(&fields);
            self.known_fields.insert(fields, start);
            start
        };
    }

    fn child(&mut self, schema: &Value) -> Result<u32, BuildError> {
        let record = self.record(schema, "")?;
        Ok(self.node(record))
    }

    /// The record of a schema; `name` is that of its definition, if it is one.
    fn record(&mut self, schema: &Value, name: &str) -> Result<[u32; NODE], BuildError> {
        let Some(object) = schema.as_object() else {
            return Err(BuildError::NotAnObject(schema.to_string()));
        };
        let reference = object.get("$ref").or_else(|| object.get("allOf").and_then(|all| all.get(0)?.get("$ref")));
        let mut record = [0; NODE];
        if let Some(target) = reference.and_then(Value::as_str) {
            let target = target.rsplit('/').next().unwrap_or_default();
            let index = self.definitions.get(target).ok_or_else(|| BuildError::Dangling(target.to_owned()))?;
            record[8] = index + 1;
        } else {
            record[0] = kind(object, name);
            if let Some(properties) = object.get("properties").and_then(Value::as_object) {
                let mut fields = BTreeMap::new();
                for (field, schema) in properties {
                    fields.insert(field.clone(), self.child(schema)?);
                }
                self.place_fields(&mut record, fields);
            }
            let inner = match record[0] & flags::TYPE {
                types::LIST => object.get("items"),
                _ => object.get("additionalProperties").filter(|schema| schema.is_object()),
            };
            if let Some(inner) = inner {
                record[3] = self.child(inner)? + 1;
            }
            record[7] = self.names(object.get("required"));
        }
        record[0] |= attributes(object);
        record[4] = self.names(object.get("x-kubernetes-list-map-keys"));
        let merge_key = object.get("x-kubernetes-patch-merge-key").and_then(Value::as_str);
        record[5] = self.string(merge_key.unwrap_or_default());
        // Every reference carries an empty default, which says nothing.
        let default = object.get("default").filter(|value| reference.is_none() || **value != Value::Object(Map::new()));
        record[6] = default.map_or(0, |value| self.string(&value.to_string()));
        Ok(record)
    }

    fn names(&mut self, list: Option<&Value>) -> u32 {
        let names = list.and_then(Value::as_array).into_iter().flatten();
        let names: Vec<&str> = names.filter_map(Value::as_str).collect();
        self.string(&names.join(","))
    }

    fn write(self) -> Vec<u8> {
        let node_at = HEADER * 4;
        let field_at = node_at + self.nodes.len() * NODE * 4;
        let kind_at = field_at + self.fields.len() * FIELD * 4;
        let string_at = kind_at + self.kinds.len() * KIND * 4;
        let text_at = string_at + self.strings.len() * 8;
        let counts = [node_at, field_at, kind_at, string_at, text_at, self.kinds.len(), self.strings.len()];
        let mut words: Vec<u32> = vec![MAGIC];
        words.extend(counts.iter().map(|count| *count as u32));
        words.extend(self.nodes.iter().flatten());
        words.extend(self.fields.iter().flatten());
        words.extend(self.kinds.iter().flatten());
        let mut start = 0;
        for string in &self.strings {
            words.extend([start, string.len() as u32]);
            start += string.len() as u32;
        }
        let mut bytes: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
        bytes.extend(self.strings.iter().flat_map(|string| string.bytes()));
        bytes
    }
}

/// The type bits of a schema without a reference.
fn kind(schema: &Map<String, Value>, name: &str) -> u32 {
    let known = match name {
        "io.k8s.apimachinery.pkg.api.resource.Quantity" => Some(Scalar::Quantity),
        "io.k8s.apimachinery.pkg.util.intstr.IntOrString" => Some(Scalar::IntOrString),
        "io.k8s.apimachinery.pkg.apis.meta.v1.Time" => Some(Scalar::Time),
        "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime" => Some(Scalar::MicroTime),
        _ => None,
    };
    if name == "io.k8s.apimachinery.pkg.runtime.RawExtension" {
        return types::ANY;
    }
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    let int_or_string = schema.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true));
    let found = known.or(match schema.get("type").and_then(Value::as_str) {
        _ if int_or_string || format == "int-or-string" => Some(Scalar::IntOrString),
        Some("string") if format == "byte" => Some(Scalar::Bytes),
        Some("string") => Some(Scalar::String),
        Some("integer") => Some(Scalar::Integer),
        Some("number") => Some(Scalar::Number),
        Some("boolean") => Some(Scalar::Boolean),
        _ => None,
    });
    if let Some(found) = found {
        return scalar(found)[0];
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("array") => types::LIST,
        Some("object") => types::OBJECT,
        _ if schema.contains_key("properties") => types::OBJECT,
        _ => types::ANY,
    }
}

/// The bits of a schema that say how it is merged and kept.
fn attributes(schema: &Map<String, Value>) -> u32 {
    let text = |key: &str| schema.get(key).and_then(Value::as_str).unwrap_or_default();
    let is = |key: &str, flag: u32| {
        if schema.get(key) == Some(&Value::Bool(true)) { flag } else { 0 }
    };
    let list = match text("x-kubernetes-list-type") {
        "atomic" => 1,
        "set" => 2,
        "map" => 3,
        _ => 0,
    };
    let map = match text("x-kubernetes-map-type") {
        "atomic" => flags::MAP_ATOMIC,
        "granular" => flags::MAP_GRANULAR,
        _ => 0,
    };
    let strategy = text("x-kubernetes-patch-strategy").split(',').fold(0, |bits, part| {
        bits | match part {
            "merge" => flags::MERGE,
            "retainKeys" => flags::RETAIN_KEYS,
            "replace" => flags::REPLACE,
            _ => 0,
        }
    });
    (list << flags::LIST_SHIFT)
        | map
        | strategy
        | is("x-kubernetes-preserve-unknown-fields", flags::PRESERVE)
        | is("x-kubernetes-embedded-resource", flags::EMBEDDED)
        | is("nullable", flags::NULLABLE)
}
