//! Where each value of a build comes from. Only a build that is asked for it takes notes.
//!
//! After each step the resources are compared with what they were before it, and what changed is put down to the step: so no transformer needs to
//! know of this, and none can be forgotten.

use std::collections::HashMap;

use serde_json::json;

use crate::diff::{Identity, Shown};
use crate::leaf::{is_secret, leaves};
use crate::resource::Resource;
use crate::yaml::{Pos, Value};

/// A place in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: String,
    /// 1-based line; 0 when it is not known.
    pub line: u32,
    /// 1-based column in bytes.
    pub column: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.line == 0 { f.write_str(&self.file) } else { write!(f, "{}:{}:{}", self.file, self.line, self.column) }
    }
}

/// Something that gave a field its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What it was: `resource`, `patch`, `namePrefix`, ….
    pub by: String,
    /// Where it stands.
    pub place: Place,
    /// The value that the field had then; `None` when it was taken out.
    pub value: Option<Shown>,
}

/// A field of a built resource, and what happened to it in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Where, as replacements spell paths.
    pub path: String,
    /// What gave it its values; the last one counts.
    pub events: Vec<Event>,
}

/// A built resource and the history of its fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Provenance {
    /// The resource as it was built.
    pub id: Identity,
    /// The name under which it was read or generated.
    pub original_name: String,
    /// Its fields in the order in which it has them.
    pub fields: Vec<Field>,
}

impl Provenance {
    /// The provenance as JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let event = |event: &Event| {
            let mut out = json!({ "by": event.by, "file": event.place.file, "line": event.place.line, "column": event.place.column });
            match &event.value {
                Some(Shown::Value(value)) => out["value"] = value.clone(),
                Some(Shown::Secret) => out["secret"] = true.into(),
                None => out["removed"] = true.into(),
            }
            out
        };
        let fields: Vec<_> = self
            .fields
            .iter()
            .map(|field| json!({ "path": field.path, "events": field.events.iter().map(event).collect::<Vec<_>>() }))
            .collect();
        json!({
            "apiVersion": self.id.api_version, "kind": self.id.kind, "namespace": self.id.namespace, "name": self.id.name,
            "originalName": self.original_name, "fields": fields,
        })
    }
}

/// A step of a build.
#[derive(Clone)]
pub(crate) struct Step {
    pub(crate) by: &'static str,
    pub(crate) place: Place,
    /// The file in which the values that it sets stand, if they do in one.
    pub(crate) values_in: Option<String>,
}

impl Step {
    pub(crate) fn new(by: &'static str, file: &str, pos: Pos) -> Self {
        Self { by, place: Place { file: file.to_owned(), line: pos.line, column: pos.column }, values_in: None }
    }

    pub(crate) fn values_in(self, file: Option<String>) -> Self {
        Self { values_in: file, ..self }
    }

    fn place_of(&self, value: Option<&Value>) -> Place {
        match (&self.values_in, value.map(|value| value.pos).filter(|pos| pos.line > 0)) {
            (Some(file), Some(pos)) => Place { file: file.clone(), line: pos.line, column: pos.column },
            (Some(file), None) => Place { file: file.clone(), ..Place::default() },
            (None, _) => self.place.clone(),
        }
    }
}

/// Takes notes of a build.
#[derive(Default)]
pub(crate) struct Recorder {
    last: u32,
    known: HashMap<u32, History>,
}

#[derive(Default)]
struct History {
    name: String,
    value: Value,
    events: HashMap<String, Vec<Event>>,
}

impl Recorder {
    /// Puts down to a step what it changed in the resources, and all of those that are new.
    pub(crate) fn observe<'a>(&mut self, step: &Step, resources: impl IntoIterator<Item = &'a mut Resource>) {
        for resource in resources {
            if resource.state.serial == 0 {
                self.last += 1;
                resource.state.serial = self.last;
            }
            let history = self.known.entry(resource.state.serial).or_default();
            if history.name.is_empty() {
                resource.name().clone_into(&mut history.name);
            }
            if history.value != resource.value {
                note(history, step, resource);
                history.value = resource.value.clone();
            }
        }
    }

    /// What is known of the resources of a build.
    pub(crate) fn finish(&self, resources: &[Resource]) -> Vec<Provenance> {
        let told = |resource: &Resource| {
            let history = self.known.get(&resource.state.serial)?;
            let fields = leaves(resource)
                .into_iter()
                .map(|(path, _)| Field { events: history.events.get(&path).cloned().unwrap_or_default(), path })
                .collect();
            Some(Provenance { id: Identity::of(resource), original_name: history.name.clone(), fields })
        };
        resources.iter().filter_map(told).collect()
    }
}

fn note(history: &mut History, step: &Step, resource: &Resource) {
    let before = Resource::new(std::mem::take(&mut history.value));
    let old: HashMap<String, &Value> = leaves(&before).into_iter().collect();
    let new: HashMap<String, &Value> = leaves(resource).into_iter().collect();
    let mut add = |path: &str, value: Option<&Value>| {
        let shown = value.map(|value| if is_secret(resource, path) { Shown::Secret } else { Shown::Value(value.to_json()) });
        let event = Event { by: step.by.to_owned(), place: step.place_of(value), value: shown };
        history.events.entry(path.to_owned()).or_default().push(event);
    };
    for path in old.keys().filter(|path| !new.contains_key(*path)) {
        add(path, None);
    }
    for (path, value) in new.iter().filter(|(path, value)| old.get(*path) != Some(value)) {
        add(path, Some(value));
    }
}
