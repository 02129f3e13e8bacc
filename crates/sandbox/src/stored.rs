//! One object as the store holds it: open, a value that can be looked into at once beside the text of its JSON; or packed, the text alone.
//!
//! A value takes three times the memory of its text, and more where it has many small maps: each of them takes 600 bytes. So the first objects of
//! a resource are open, which in most clusters are all of its roles, definitions, namespaces and what a test makes; what comes on top of them is
//! packed, and read whenever somebody looks at it. Nobody else needs to know which is which.
//!
//! A write makes the text once: it is what is kept in memory and on disk, what the writer is answered with, and what watches tell.

use std::sync::Arc;

use serde_json::Value;

use crate::json;
use crate::resource::Resource;

/// How many objects of one resource are open.
pub(crate) const OPEN: usize = 256;

/// An object; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    /// None: packed.
    open: Option<Arc<Value>>,
    /// A line of JSON with its end.
    text: Arc<[u8]>,
    /// Where in it the metadata begins and ends.
    metadata: (u32, u32),
}

impl Stored {
    /// The object.
    pub(crate) fn value(&self) -> Arc<Value> {
        self.open.clone().unwrap_or_else(|| Arc::new(read(&self.text)))
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

/// An object as an answer shows it: a value, a line of JSON with its end, or both.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    value: Option<Arc<Value>>,
    text: Option<Arc<[u8]>>,
}

impl Shown {
    pub(crate) fn value(self) -> Arc<Value> {
        match (self.value, self.text) {
            (Some(value), _) => value,
            (None, text) => Arc::new(text.map(|text| read(&text)).unwrap_or_default()),
        }
    }

    /// The line, if it is there already.
    pub(crate) fn text(&self) -> Option<&Arc<[u8]>> {
        self.text.as_ref()
    }
}

impl From<Arc<Value>> for Shown {
    fn from(value: Arc<Value>) -> Self {
        Self { value: Some(value), text: None }
    }
}

impl From<Value> for Shown {
    fn from(value: Value) -> Self {
        Arc::new(value).into()
    }
}

impl From<Arc<[u8]>> for Shown {
    fn from(text: Arc<[u8]>) -> Self {
        Self { value: None, text: Some(text) }
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
    text: Vec<u8>,
    /// Where in the text the version goes.
    place: usize,
    /// Where in the text the metadata begins and ends.
    metadata: (usize, usize),
}

impl Draft {
    pub(crate) fn new(mut object: Value, order: Order) -> Self {
        object["metadata"]["resourceVersion"] = Value::String(String::new());
        let mut text = Vec::with_capacity(4096);
        let (mut place, mut whole) = (0, (0, 0));
        let nothing = serde_json::Map::new();
        let fields = order.fields(object.as_object().unwrap_or(&nothing));
        json::entries(&mut text, fields, |text, name, value| match value {
            Value::Object(metadata) if name == "metadata" => {
                let begin = text.len();
                json::entries(text, metadata.iter(), |text, name, value| {
                    json::write(text, value);
                    if name == "resourceVersion" {
                        // Before the closing quote.
                        place = text.len() - 1;
                    }
                });
                whole = (begin, text.len());
            }
            value => json::write(text, value),
        });
        text.push(b'\n');
        Self { object, text, place, metadata: whole }
    }

    /// The object with its version, packed if it comes on top of so many others; and how it is shown.
    pub(crate) fn store(mut self, revision: u64, others: usize) -> (Stored, Shown) {
        let version = revision.to_string();
        let mut text = Vec::with_capacity(self.text.len() + version.len());
        text.extend_from_slice(&self.text[..self.place]);
        text.extend_from_slice(version.as_bytes());
        text.extend_from_slice(&self.text[self.place..]);
        let text: Arc<[u8]> = text.into();
        // No object is as large as 4 GiB: bodies are limited.
        let place = |place: usize| u32::try_from(place).unwrap_or(0);
        let metadata = (place(self.metadata.0), place(self.metadata.1 + version.len()));
        self.object["metadata"]["resourceVersion"] = Value::String(version);
        let object = Arc::new(self.object);
        let stored = Stored { open: (others < OPEN).then(|| object.clone()), text: text.clone(), metadata };
        (stored, Shown { value: Some(object), text: Some(text) })
    }

    pub(crate) fn object(&self) -> &Value {
        &self.object
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_packed_is_the_same_again() {
        let object = json!({"a": [1, -2, 1.5, u64::MAX, null], "b": {"\u{e9}\n": "\""}, "metadata": {"name": "x", "uid": "u"}});
        let draft = || Draft::new(object.clone(), Order::Sorted);
        let ((open, _), (packed, _)) = (draft().store(7, OPEN - 1), draft().store(7, OPEN));
        assert!(open.open.is_some() && packed.open.is_none());
        assert_eq!(open.value()["metadata"], json!({"name": "x", "resourceVersion": "7", "uid": "u"}));
        assert_eq!(open.value(), packed.value());
        let written = |stored: &Stored| {
            let mut out = b"x".to_vec();
            stored.write(&mut out);
            out
        };
        assert_eq!(written(&open), written(&packed));
        assert_eq!(packed.metadata(), br#"{"name":"x","resourceVersion":"7","uid":"u"}"#);
    }

    #[test]
    fn an_answer_begins_with_what_it_is() {
        let object = json!({"apiVersion": "v1", "data": {"resourceVersion": "b"}, "kind": "ConfigMap", "metadata": {"name": "x"}});
        let text = |order| {
            let (_, shown) = Draft::new(object.clone(), order).store(12, 0);
            String::from_utf8(shown.text().map(|text| text.to_vec()).unwrap_or_default()).expect("a text")
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
