//! `metadata.managedFields`: how owners are kept in an object.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::managers::{Manager, Operation, Owners};
use super::set::FieldSet;

/// Owners, and when each of them wrote last.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ManagedFields {
    /// Who owns what.
    pub owners: Owners,
    /// When, as RFC 3339.
    pub times: BTreeMap<Manager, String>,
    /// The version in which each applier wrote.
    pub versions: BTreeMap<Manager, String>,
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
            let operation = match text("operation").as_str() {
                "Apply" => Operation::Apply,
                "Update" => Operation::Update,
                _ => return None,
            };
            let api_version = text("apiVersion");
            let manager = Manager {
                name: text("manager"),
                operation,
                api_version: if operation == Operation::Apply { String::new() } else { api_version.clone() },
                subresource: text("subresource"),
            };
            let set = FieldSet::decode(&entry["fieldsV1"])?;
            out.times.insert(manager.clone(), text("time"));
            out.versions.insert(manager.clone(), api_version);
            out.owners.insert(manager, set);
        }
        Some(out)
    }

    /// Notes that a manager wrote now, in that version.
    pub fn stamp(&mut self, manager: &Manager, time: &str, api_version: &str) {
        self.times.insert(manager.clone(), time.to_owned());
        self.versions.insert(manager.clone(), api_version.to_owned());
    }

    /// The entries as an object holds them: appliers first, then by time and name.
    #[must_use]
    pub fn encode(&self) -> Value {
        let mut entries: Vec<(&Manager, &FieldSet)> = self.owners.iter().collect();
        entries.sort_by_key(|(manager, _)| {
            (manager.operation, self.times.get(*manager), &manager.name, &manager.api_version, &manager.subresource)
        });
        let encoded = entries.into_iter().map(|(manager, set)| {
            let version = self.versions.get(manager).unwrap_or(&manager.api_version);
            let operation = match manager.operation {
                Operation::Apply => "Apply",
                Operation::Update => "Update",
            };
            let mut entry = json!({
                "manager": manager.name,
                "operation": operation,
                "apiVersion": version,
                "fieldsType": "FieldsV1",
                "fieldsV1": set.encode(),
            });
            if let Some(time) = self.times.get(manager).filter(|time| !time.is_empty()) {
                entry["time"] = json!(time);
            }
            if !manager.subresource.is_empty() {
                entry["subresource"] = json!(manager.subresource);
            }
            entry
        });
        Value::Array(encoded.collect())
    }
}
