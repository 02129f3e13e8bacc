//! One object as it was written: open, a value that can be looked into at once beside the text of its JSON; or closed, the text alone.
//!
//! A value takes three times the memory of its text, and more where it has many small maps: each of them takes 600 bytes. So the first objects of
//! a resource are open, which in most clusters are all of its roles, definitions, namespaces and what a test makes; what comes on top of them is
//! closed, and read whenever somebody looks at it. Nobody else needs to know which is which.
//!
//! A write makes the text once: it is what is kept in memory and on disk, what the writer is answered with, and what watches tell.

use std::sync::Arc;

use fiel_merge::structured::ManagedFields;
use serde_json::{Map, Value};

use crate::json;
use crate::resource::Resource;

/// How many objects of one resource are open.
pub(crate) const OPEN: usize = 256;

/// Where the text of an object has who manages its fields.
const MANAGED: &str = "managedFields";

/// An object; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    /// None: closed.
    open: Option<Opened>,
    /// A line of JSON with its end.
    text: Arc<[u8]>,
    /// Where in it the metadata begins and ends.
    metadata: (u32, u32),
}

/// An object that can be looked into. Who manages its fields stands beside it: that is half of most objects, and only writes look at it.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    /// Without `managedFields`.
    pub(crate) value: Arc<Value>,
    pub(crate) managed: Arc<ManagedFields>,
}

impl Opened {
    /// Takes apart what an object says of itself.
    pub(crate) fn of(whole: Value) -> Self {
        let managed = ManagedFields::of(&whole).unwrap_or_default();
        Self { value: Arc::new(without_managed(whole)), managed: Arc::new(managed) }
    }

    /// The object as it shows itself, with who manages its fields.
    pub(crate) fn whole(&self) -> Value {
        whole(Value::clone(&self.value), &self.managed)
    }
}

fn without_managed(mut whole: Value) -> Value {
    if let Some(metadata) = whole.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove(MANAGED);
    }
    whole
}

/// An object with who manages its fields.
pub(crate) fn whole(mut object: Value, managed: &ManagedFields) -> Value {
    if !managed.owners.is_empty() {
        object["metadata"][MANAGED] = managed.encode();
    }
    object
}

impl Stored {
    /// The object, without who manages its fields.
    pub(crate) fn value(&self) -> Arc<Value> {
        // Who manages its fields need not be read for it.
        self.open.as_ref().map_or_else(|| Arc::new(without_managed(read(&self.text))), |open| open.value.clone())
    }

    /// The object, to be looked into.
    pub(crate) fn opened(&self) -> Opened {
        self.open.clone().unwrap_or_else(|| Opened::of(read(&self.text)))
    }

    /// An object that is closed.
    pub(crate) fn of_text(text: Arc<[u8]>, metadata: (u32, u32)) -> Self {
        Self { open: None, text, metadata }
    }

    /// What [`Stored::of_text`] makes the object of again, if that is all there is.
    pub(crate) fn packable(&self) -> Option<(&[u8], (u32, u32))> {
        self.open.is_none().then_some((&self.text, self.metadata))
    }

    /// The object as it shows itself.
    pub(crate) fn whole(&self) -> Value {
        self.open.as_ref().map_or_else(|| read(&self.text), Opened::whole)
    }

    /// The line that an answer shows, if it is there already as this resource shows it.
    pub(crate) fn text(&self, resource: &Resource) -> Option<&Arc<[u8]>> {
        let (kind, version) = (resource.kind.as_str(), resource.api_version());
        let begin: &[&str] = match Order::of(resource) {
            Order::KindFirst => &["{\"kind\":\"", kind, "\",\"apiVersion\":\"", version, "\","],
            Order::Sorted => &["{\"apiVersion\":\"", version, "\","],
        };
        let rest = begin.iter().try_fold(&*self.text, |rest, part| rest.strip_prefix(part.as_bytes()));
        rest.is_some().then_some(&self.text)
    }

    /// The text as it stands in a list, in two parts: items of Kubernetes' own kinds do not say what they are.
    pub(crate) fn item(&self, resource: &Resource) -> Option<[&[u8]; 2]> {
        let text = self.text(resource)?.trim_ascii_end();
        if !resource.is_builtin() {
            return Some([b"", text]);
        }
        // Behind the kind and the version, in which there are no commas.
        let rest = text.splitn(3, |byte| *byte == b',').nth(2)?;
        Some([b"{", rest])
    }

    /// The JSON of the metadata: many look at nothing else.
    pub(crate) fn metadata(&self) -> &[u8] {
        let (begin, end) = self.metadata;
        &self.text[begin as usize..end as usize]
    }

    /// Whether both are the same write of the same object.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.text, &other.text)
    }

    /// Writes the object's JSON behind what is there already.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.text.trim_ascii_end());
    }
}

/// Reads an object's text, which is our own.
fn read(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap_or_default()
}

/// What an answer shows: something that was made for it, or an object as it is stored.
#[derive(Debug, Clone)]
pub(crate) enum Shown {
    Made(Arc<Value>),
    Stored(Stored),
}

impl Shown {
    /// All of it.
    pub(crate) fn whole(self) -> Arc<Value> {
        match self {
            Self::Made(value) => value,
            Self::Stored(stored) => Arc::new(stored.whole()),
        }
    }

    /// The object to be looked at, perhaps without who manages its fields.
    pub(crate) fn look(self) -> Arc<Value> {
        match self {
            Self::Made(value) => value,
            Self::Stored(stored) => stored.value(),
        }
    }

    /// The line, if it is there already as this resource shows it.
    pub(crate) fn text(&self, resource: &Resource) -> Option<&Arc<[u8]>> {
        match self {
            Self::Made(_) => None,
            Self::Stored(stored) => stored.text(resource),
        }
    }
}

impl From<Arc<Value>> for Shown {
    fn from(value: Arc<Value>) -> Self {
        Self::Made(value)
    }
}

impl From<Value> for Shown {
    fn from(value: Value) -> Self {
        Self::Made(Arc::new(value))
    }
}

impl From<Stored> for Shown {
    fn from(stored: Stored) -> Self {
        Self::Stored(stored)
    }
}

/// In which order the text of an object has its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// What it is comes first, as in the answers of Kubernetes' own types.
    KindFirst,
    Sorted,
}

impl Order {
    /// The order of a resource's objects.
    pub(crate) fn of(resource: &Resource) -> Self {
        if resource.is_builtin() { Self::KindFirst } else { Self::Sorted }
    }

    /// The fields of an object in that order.
    pub(crate) fn fields(self, object: &serde_json::Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
        let first: &[&str] = if self == Self::KindFirst { &["kind", "apiVersion"] } else { &[] };
        let rest = object.iter().filter(move |(name, _)| !first.contains(&name.as_str()));
        first.iter().filter_map(|name| object.get_key_value(*name)).chain(rest)
    }
}

/// An object that is about to be written, with its text but for the version that only the store can give it.
#[derive(Debug)]
pub(crate) struct Draft {
    object: Value,
    managed: Arc<ManagedFields>,
    text: Vec<u8>,
    /// Where in the text the version goes.
    place: usize,
    /// Where in the text the metadata begins and ends.
    metadata: (usize, usize),
}

impl Draft {
    /// The object says nothing of who manages its fields: `managed` does.
    pub(crate) fn new(mut object: Value, managed: Arc<ManagedFields>, order: Order) -> Self {
        debug_assert!(object["metadata"][MANAGED].is_null(), "an object that says itself who manages its fields: {object}");
        object["metadata"]["resourceVersion"] = Value::String(String::new());
        let mut text = Vec::with_capacity(4096);
        let (mut place, mut whole) = (0, (0, 0));
        let nothing = Map::new();
        let fields = order.fields(object.as_object().unwrap_or(&nothing));
        let managers = (MANAGED.to_owned(), Value::Null);
        json::entries(&mut text, fields, |text, name, value| match value {
            Value::Object(metadata) if name == "metadata" => {
                let begin = text.len();
                json::entries(text, with_managed(metadata, &managers, &managed), |text, name, value| match name {
                    MANAGED => text.extend_from_slice(managed.json().as_bytes()),
                    _ => {
                        json::write(text, value);
                        if name == "resourceVersion" {
                            // Before the closing quote.
                            place = text.len() - 1;
                        }
                    }
                });
                whole = (begin, text.len());
            }
            value => json::write(text, value),
        });
        text.push(b'\n');
        Self { object, managed, text, place, metadata: whole }
    }

    /// The object with its version, closed if it comes on top of so many others.
    pub(crate) fn store(mut self, revision: u64, others: usize) -> Stored {
        let version = revision.to_string();
        let mut text = Vec::with_capacity(self.text.len() + version.len());
        text.extend_from_slice(&self.text[..self.place]);
        text.extend_from_slice(version.as_bytes());
        text.extend_from_slice(&self.text[self.place..]);
        // No object is as large as 4 GiB: bodies are limited.
        let place = |place: usize| u32::try_from(place).unwrap_or(0);
        let metadata = (place(self.metadata.0), place(self.metadata.1 + version.len()));
        let open = (others < OPEN).then(|| {
            self.object["metadata"]["resourceVersion"] = Value::String(version);
            Opened { value: Arc::new(self.object), managed: self.managed }
        });
        Stored { open, text: text.into(), metadata }
    }

    pub(crate) fn object(&self) -> &Value {
        &self.object
    }
}

/// The fields of an object's metadata in their order, with a place among them for who manages its fields, if anybody does.
fn with_managed<'a>(
    metadata: &'a Map<String, Value>,
    place: &'a (String, Value),
    managed: &ManagedFields,
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    let before = metadata.iter().take_while(|(name, _)| name.as_str() < MANAGED);
    let after = metadata.iter().skip_while(|(name, _)| name.as_str() < MANAGED);
    let place = (!managed.owners.is_empty()).then_some((&place.0, &place.1));
    before.chain(place).chain(after)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_closed_is_the_same_again() {
        let object = json!({"a": [1, -2, 1.5, u64::MAX, null], "b": {"\u{e9}\n": "\""}, "metadata": {"name": "x", "uid": "u"}});
        let draft = || Draft::new(object.clone(), Arc::default(), Order::Sorted);
        let (open, closed) = (draft().store(7, OPEN - 1), draft().store(7, OPEN));
        assert!(open.open.is_some() && closed.open.is_none());
        assert_eq!(open.value()["metadata"], json!({"name": "x", "resourceVersion": "7", "uid": "u"}));
        assert_eq!(open.value(), closed.value());
        let written = |stored: &Stored| {
            let mut out = b"x".to_vec();
            stored.write(&mut out);
            out
        };
        assert_eq!(written(&open), written(&closed));
        assert_eq!(closed.metadata(), br#"{"name":"x","resourceVersion":"7","uid":"u"}"#);
    }

    #[test]
    fn who_manages_its_fields_stands_beside_an_object_and_in_its_text() {
        let managers = json!([{"apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {".": {}, "f:\"": {}}}, "manager": "m",
            "operation": "Update", "time": "2026-01-01T00:00:00Z"}]);
        let object = json!({"data": {"\"": "a"}, "metadata": {"labels": {"a": "b"}, "managedFields": managers, "name": "x"}});
        let draft = || {
            let Opened { value, managed } = Opened::of(object.clone());
            assert_eq!(value["metadata"]["managedFields"], Value::Null);
            Draft::new(Value::clone(&value), managed, Order::Sorted)
        };
        let (open, closed) = (draft().store(7, OPEN - 1), draft().store(7, OPEN));
        let mut shown = object.clone();
        shown["metadata"]["resourceVersion"] = json!("7");
        assert_eq!((open.whole(), closed.whole()), (shown.clone(), shown.clone()));
        assert_eq!(open.value(), closed.value());
        assert_eq!(open.opened().managed, closed.opened().managed);
        assert_eq!(String::from_utf8_lossy(&open.text), format!("{shown}\n"));
    }

    #[test]
    fn an_answer_begins_with_what_it_is() {
        let object = json!({"apiVersion": "v1", "data": {"resourceVersion": "b"}, "kind": "ConfigMap", "metadata": {"name": "x"}});
        let text = |order| {
            let stored = Draft::new(object.clone(), Arc::default(), order).store(12, 0);
            String::from_utf8(stored.text.to_vec()).expect("a text")
        };
        let rest = r#""metadata":{"name":"x","resourceVersion":"12"}}"#;
        assert_eq!(
            text(Order::KindFirst),
            format!("{{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"data\":{{\"resourceVersion\":\"b\"}},{rest}\n")
        );
        assert_eq!(
            text(Order::Sorted),
            format!("{{\"apiVersion\":\"v1\",\"data\":{{\"resourceVersion\":\"b\"}},\"kind\":\"ConfigMap\",{rest}\n")
        );
    }
}
