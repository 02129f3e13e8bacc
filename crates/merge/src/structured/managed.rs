//! `metadata.managedFields`: how owners are kept in an object.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::owners::{Owned, Owners};
use super::path::write_text;
use super::set::FieldSet;

/// Whether a manager applies (and so prunes what it no longer sets) or updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Server-side apply.
    Apply,
    /// Every other write.
    Update,
}

/// The identity of a manager: one program may be several, by operation, version and subresource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Manager {
    /// What it calls itself.
    pub name: String,
    /// Apply or update.
    pub operation: Operation,
    /// The version in which it wrote; for appliers it is no part of the identity, and empty.
    pub api_version: String,
    /// Through which subresource; empty: the object itself.
    pub subresource: String,
}

/// Owners, and when each of them wrote last.
///
/// ```
/// use fiel_merge::structured::ManagedFields;
/// use serde_json::json;
/// let entries = json!([{"manager": "ada", "operation": "Apply", "apiVersion": "v1", "time": "2026-01-02T03:04:05Z",
///     "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:a": {}}}}]);
/// let managed = ManagedFields::of(&json!({"metadata": {"managedFields": entries}})).expect("readable entries");
/// assert_eq!(managed.owners.len(), 1);
/// assert_eq!(managed.encode(), entries);
/// assert_eq!(managed.json(), entries.to_string());
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ManagedFields {
    /// Who owns what.
    pub owners: Owners<Manager>,
    /// When, as RFC 3339.
    pub times: BTreeMap<Manager, String>,
}

impl ManagedFields {
    /// Reads an object's; one entry that cannot be read makes all of it unreadable, as it does for a server.
    #[must_use]
    pub fn of(object: &Value) -> Option<Self> {
        let mut out = Self::default();
        let Some(entries) = object["metadata"]["managedFields"].as_array() else {
            return Some(out);
        };
        for entry in entries {
            let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
            let operation = match entry["operation"].as_str() {
                Some("Apply") => Operation::Apply,
                Some("Update") => Operation::Update,
                _ => return None,
            };
            let version = text("apiVersion");
            let applied = operation == Operation::Apply;
            let manager = Manager {
                name: text("manager"),
                operation,
                api_version: if applied { String::new() } else { version.clone() },
                subresource: text("subresource"),
            };
            let fields = FieldSet::decode(&entry["fieldsV1"])?;
            let time = text("time");
            if !time.is_empty() {
                out.times.insert(manager.clone(), time);
            }
            out.owners.insert(manager, Owned { fields, version, applied });
        }
        Some(out)
    }

    /// Notes that a manager wrote now.
    pub fn stamp(&mut self, manager: &Manager, time: &str) {
        self.times.insert(manager.clone(), time.to_owned());
    }

    /// The same with the fields owned by these. When those wrote who own nothing any more is forgotten.
    #[must_use]
    pub fn passed_to(&self, owners: Owners<Manager>) -> Self {
        let times = self.times.iter().filter(|(manager, _)| owners.contains_key(manager));
        Self { times: times.map(|(manager, time)| (manager.clone(), time.clone())).collect(), owners }
    }

    /// The entries in an object's order: appliers first, then by time and name.
    fn entries(&self) -> Vec<(&Manager, &Owned)> {
        let mut entries: Vec<(&Manager, &Owned)> = self.owners.iter().collect();
        entries.sort_by_key(|(manager, owned)| {
            (manager.operation, self.times.get(*manager), &manager.name, &owned.version, &manager.subresource)
        });
        entries
    }

    /// Whether both have the same entries in the same order, whenever each of them was written.
    #[must_use]
    pub fn same_but_for_times(&self, other: &Self) -> bool {
        self.owners == other.owners && (self.times == other.times || self.entries() == other.entries())
    }

    /// What one entry says beside its fields: by name, in the order of the names.
    fn words<'a>(&'a self, manager: &'a Manager, owned: &'a Owned) -> impl Iterator<Item = (&'static str, &'a str)> {
        let operation = match manager.operation {
            Operation::Apply => "Apply",
            Operation::Update => "Update",
        };
        let time = self.times.get(manager).map_or("", String::as_str);
        [
            ("apiVersion", Some(owned.version.as_str())),
            ("fieldsType", Some("FieldsV1")),
            ("manager", Some(manager.name.as_str())),
            ("operation", Some(operation)),
            ("subresource", Some(manager.subresource.as_str()).filter(|subresource| !subresource.is_empty())),
            ("time", Some(time).filter(|time| !time.is_empty())),
        ]
        .into_iter()
        .filter_map(|(name, word)| Some((name, word?)))
    }

    /// The entries as an object holds them.
    #[must_use]
    pub fn encode(&self) -> Value {
        let encoded = self.entries().into_iter().map(|(manager, owned)| {
            let words = self.words(manager, owned).map(|(name, word)| (name.to_owned(), Value::from(word)));
            let mut entry: Map<String, Value> = words.collect();
            entry.insert("fieldsV1".to_owned(), owned.fields.encode());
            Value::Object(entry)
        });
        Value::Array(encoded.collect())
    }

    /// The same as JSON, made without values in between.
    #[must_use]
    pub fn json(&self) -> String {
        let mut out = String::with_capacity(1024);
        for (manager, owned) in self.entries() {
            out.push_str(if out.is_empty() { "[{" } else { "},{" });
            for (name, word) in self.words(manager, owned) {
                write_text(name, &mut out);
                out.push(':');
                write_text(word, &mut out);
                out.push(',');
                if name == "fieldsType" {
                    out.push_str("\"fieldsV1\":");
                    owned.fields.write(false, &mut out);
                    out.push(',');
                }
            }
            // Each word has a comma behind it, and there are always some.
            out.pop();
        }
        out.push_str(if out.is_empty() { "[]" } else { "}]" });
        out
    }
}
