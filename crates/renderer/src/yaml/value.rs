//! The value that the renderer works on: YAML's scalars as they were written, lists and maps in their order.

use compact_str::CompactString;

use super::emit::gets_quotes;
use super::scalar::{Canonical, Kind, canonical};

/// Where something stands in a file: 1-based line and column (in bytes); line 0 means that it stands in none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Pos {
    /// 1-based line.
    pub line: u32,
    /// 1-based column in bytes.
    pub column: u32,
}

impl Pos {
    /// Of what was read, but not where: kustomize prints a resource and reads it again.
    pub(crate) const UNKNOWN: Self = Self { line: 0, column: 1 };

    /// Of what was made without a type: it is what its text looks like, until a patch takes it for text.
    pub(crate) const UNTYPED: Self = Self { line: 0, column: 2 };

    /// The place of what is put here; what was made for it has no type.
    pub(crate) fn or_untyped(self) -> Self {
        if self == Self::default() { Self::UNTYPED } else { self }
    }
}

/// A YAML value and where it was read.
#[derive(Debug, Clone, Default)]
pub struct Value {
    /// What it is.
    pub node: Node,
    /// Where it begins.
    pub pos: Pos,
}

/// Two values are equal when they mean and print the same; where they were read does not count.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

/// A text of YAML. Most are short: up to 24 bytes stand in the value itself, without memory of their own.
pub type Text = CompactString;

/// The three shapes of YAML.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Anything written in one piece.
    Scalar(Scalar),
    /// A sequence.
    List(Vec<Value>),
    /// A mapping.
    Map(Map),
}

impl Default for Node {
    fn default() -> Self {
        Node::Scalar(Scalar::plain("", Kind::Null))
    }
}

/// A scalar keeps its text (quotes and escapes resolved) and what that text means; numbers are only normalised when they are printed.
#[derive(Debug, Clone)]
pub struct Scalar {
    /// The text.
    pub text: Text,
    /// What the text means.
    pub kind: Kind,
    /// Whether it was read in quotes or as a block of text: what a patch puts in its place is a string then.
    pub quoted: bool,
}

impl Scalar {
    /// A scalar without quotes.
    pub(crate) fn plain(text: impl Into<Text>, kind: Kind) -> Self {
        Self { text: text.into(), kind, quoted: false }
    }

    /// What kind of thing it is, for messages.
    pub(crate) fn describe(&self) -> &'static str {
        match self.kind {
            Kind::Null => "null",
            Kind::Bool => "a boolean",
            Kind::Int | Kind::Float => "a number",
            Kind::Str => "a string",
            Kind::Timestamp => "a timestamp",
        }
    }

    /// A string as it is read in quotes or as a block of text.
    pub(crate) fn quoted(text: impl Into<Text>) -> Self {
        Self { text: text.into(), kind: Kind::Str, quoted: true }
    }
}

/// How it was written does not count.
impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.text == other.text
    }
}

/// A mapping with string keys, in the order in which they were written or added.
#[derive(Debug, Clone, Default)]
pub struct Map {
    entries: Vec<(Text, Value)>,
}

/// Maps are equal whatever the order of their keys.
impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.entries.len() == other.entries.len() && self.entries.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

impl Map {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A map from entries whose keys the caller knows to be distinct.
    pub(crate) fn from_distinct(entries: Vec<(Text, Value)>) -> Self {
        Self { entries }
    }

    /// The value under a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.iter().find(|(k, _)| **k == *key).map(|(_, v)| v)
    }

    /// The value under a key, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.entries.iter_mut().find(|(k, _)| **k == *key).map(|(_, v)| v)
    }

    /// Sets a key; a new one goes to the end.
    pub fn insert(&mut self, key: &str, value: Value) {
        match self.get_mut(key) {
            Some(old) => *old = value,
            None => self.entries.push((key.into(), value)),
        }
    }

    /// The value under a key, made with `make` where it is missing.
    pub fn entry(&mut self, key: &str, make: impl FnOnce() -> Value) -> &mut Value {
        let at = match self.entries.iter().position(|(k, _)| **k == *key) {
            Some(at) => at,
            None => {
                self.entries.push((key.into(), make()));
                self.entries.len() - 1
            }
        };
        &mut self.entries[at].1
    }

    /// Takes a key out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.entries.iter().position(|(k, _)| **k == *key)?;
        Some(self.entries.remove(at).1)
    }

    /// Whether the key is there.
    #[must_use]
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(k, v)| (&**k, v))
    }

    /// Keys and values in order, values to be changed.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&str, &mut Value)> {
        self.entries.iter_mut().map(|(k, v)| (&**k, v))
    }

    /// Keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(k, _)| &**k)
    }

    /// How many keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Keeps the entries that `keep` wants.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &Value) -> bool) {
        self.entries.retain(|(k, v)| keep(k, v));
    }

    /// Goes through all entries, the values to be changed; keeps those for which `keep` says so.
    pub(crate) fn edit(&mut self, mut keep: impl FnMut(&str, &mut Value) -> bool) {
        self.entries.retain_mut(|(key, value)| keep(key, value));
    }

    /// Adds a key of which the caller knows that it is not there.
    pub(crate) fn insert_new(&mut self, key: Text, value: Value) {
        self.entries.push((key, value));
    }

    /// The entries by themselves.
    #[must_use]
    pub fn into_entries(self) -> Vec<(Text, Value)> {
        self.entries
    }
}

impl Value {
    /// A string.
    #[must_use]
    pub fn string(text: impl Into<Text>) -> Self {
        Self::made(Node::Scalar(Scalar::plain(text, Kind::Str)))
    }

    /// A string that gets the quotes that it needs when it is made.
    pub(crate) fn with_quotes(text: &str) -> Self {
        Self::made(Node::Scalar(Scalar { quoted: gets_quotes(text), ..Scalar::plain(text, Kind::Str) }))
    }

    /// An integer.
    #[must_use]
    pub fn int(value: i64) -> Self {
        Self::made(Node::Scalar(Scalar::plain(value.to_string(), Kind::Int)))
    }

    /// A truth value.
    #[must_use]
    pub fn bool(value: bool) -> Self {
        Self::made(Node::Scalar(Scalar::plain(if value { "true" } else { "false" }, Kind::Bool)))
    }

    /// The explicit null.
    #[must_use]
    pub fn null() -> Self {
        Self::made(Node::Scalar(Scalar::plain("null", Kind::Null)))
    }

    /// A list.
    #[must_use]
    pub fn list(items: Vec<Value>) -> Self {
        Self::made(Node::List(items))
    }

    /// A map.
    #[must_use]
    pub fn map(map: Map) -> Self {
        Self::made(Node::Map(map))
    }

    fn made(node: Node) -> Self {
        Self { node, pos: Pos::default() }
    }

    /// The map, if it is one.
    #[must_use]
    pub fn as_map(&self) -> Option<&Map> {
        match &self.node {
            Node::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The map, if it is one, to change it.
    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        match &mut self.node {
            Node::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The list, if it is one.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Value]> {
        match &self.node {
            Node::List(items) => Some(items),
            _ => None,
        }
    }

    /// The scalar, if it is one.
    #[must_use]
    pub fn as_scalar(&self) -> Option<&Scalar> {
        match &self.node {
            Node::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The text of a scalar of any kind.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.as_scalar().map(|scalar| &*scalar.text)
    }

    /// The text of a scalar that is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.as_scalar().filter(|scalar| scalar.kind == Kind::Str).map(|scalar| &*scalar.text)
    }

    /// Whether this is null, written or left empty.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(&self.node, Node::Scalar(Scalar { kind: Kind::Null, .. }))
    }

    /// The field of a map.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.get(key)
    }

    /// The field of a map, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.as_map_mut()?.get_mut(key)
    }

    /// What kind of thing it is, for messages.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match &self.node {
            Node::Map(_) => "a map",
            Node::List(_) => "a list",
            Node::Scalar(scalar) => scalar.describe(),
        }
    }

    /// The value as JSON, numbers normalised as they are printed.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match &self.node {
            Node::Map(map) => map.iter().map(|(key, value)| (key.to_owned(), value.to_json())).collect::<serde_json::Map<_, _>>().into(),
            Node::List(items) => items.iter().map(Value::to_json).collect::<Vec<_>>().into(),
            Node::Scalar(scalar) => match canonical(scalar) {
                Canonical::Null => serde_json::Value::Null,
                Canonical::Bool(value) => value.into(),
                Canonical::Int(value) => value.into(),
                Canonical::Uint(value) => value.into(),
                Canonical::Float(value) => value.into(),
                Canonical::Str(value) => value.into_owned().into(),
            },
        }
    }

    /// A value from JSON.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::null(),
            serde_json::Value::Bool(value) => Self::bool(*value),
            serde_json::Value::Number(number) => {
                let text = number.to_string();
                let kind = if number.is_f64() { Kind::Float } else { Kind::Int };
                Self::made(Node::Scalar(Scalar::plain(text, kind)))
            }
            serde_json::Value::String(text) => Self::string(text.as_str()),
            serde_json::Value::Array(items) => Self::list(items.iter().map(Self::from_json).collect()),
            serde_json::Value::Object(map) => {
                Self::map(Map::from_distinct(map.iter().map(|(k, v)| (k.as_str().into(), Self::from_json(v))).collect()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_small() {
        assert_eq!(std::mem::size_of::<Value>(), 40);
        assert_eq!(std::mem::size_of::<(Text, Value)>(), 64);
    }
}
