//! Turning YAML into typed fields, as strictly as Go's JSON decoder: unknown fields and wrong types are errors, the case of field names is not.

use crate::error::{Error, ErrorKind, Result};
use crate::yaml::{Kind, Map, Pos, Text, Value};

/// The fields of a map that are still to be taken.
pub(crate) struct Fields {
    entries: Vec<(Text, Value)>,
    what: &'static str,
    pos: Pos,
}

pub(crate) fn error(pos: Pos, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Kustomization, message).at(pos)
}

impl Fields {
    /// The fields of `value`; null counts as an empty map.
    pub(crate) fn new(value: Value, what: &'static str) -> Result<Self> {
        let pos = value.pos;
        if value.is_null() {
            return Ok(Self { entries: Vec::new(), what, pos });
        }
        let found = value.describe();
        match value.node {
            crate::yaml::Node::Map(map) => Ok(Self { entries: map.into_entries(), what, pos }),
            _ => Err(error(pos, format!("{what} must be a map, not {found}"))),
        }
    }

    pub(crate) fn pos(&self) -> Pos {
        self.pos
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes a field; of several spellings the last one counts. Null counts as missing.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        let mut found = None;
        self.entries.retain_mut(|(key, value)| {
            let hit = key.eq_ignore_ascii_case(name);
            if hit {
                found = Some(std::mem::take(value));
            }
            !hit
        });
        found.filter(|value| !value.is_null())
    }

    /// Whether the field is there, even as null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, _)| key.eq_ignore_ascii_case(name))
    }

    pub(crate) fn string(&mut self, name: &'static str) -> Result<Option<String>> {
        self.take(name).map(|value| string(&value, name)).transpose()
    }

    pub(crate) fn text(&mut self, name: &'static str) -> Result<String> {
        Ok(self.string(name)?.unwrap_or_default())
    }

    pub(crate) fn boolean(&mut self, name: &'static str) -> Result<bool> {
        let Some(value) = self.take(name) else { return Ok(false) };
        boolean(&value, name)
    }

    pub(crate) fn integer(&mut self, name: &'static str) -> Result<Option<i64>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        match value.to_json().as_i64() {
            Some(number) => Ok(Some(number)),
            None => Err(error(value.pos, format!("{name} must be a whole number, not {}", value.describe()))),
        }
    }

    pub(crate) fn list(&mut self, name: &'static str) -> Result<Vec<Value>> {
        let Some(value) = self.take(name) else { return Ok(Vec::new()) };
        list(value, name)
    }

    pub(crate) fn strings(&mut self, name: &'static str) -> Result<Vec<(String, Pos)>> {
        self.list(name)?.iter().map(|item| Ok((string(item, name)?, item.pos))).collect()
    }

    /// A map of strings, sorted by key.
    pub(crate) fn string_map(&mut self, name: &'static str) -> Result<Vec<(String, String)>> {
        let Some(value) = self.take(name) else { return Ok(Vec::new()) };
        string_map(&value, name)
    }

    /// Everything must have been taken.
    pub(crate) fn finish(self, known: &[&str]) -> Result<()> {
        let mut errors = self.entries.iter().map(|(key, value)| unknown(key, self.what, value.pos, known));
        let Some(first) = errors.next() else { return Ok(()) };
        // Whoever misspelt one field may have misspelt more.
        Err(errors.fold(first, |all, more| all.because(format!("and at {more}"))))
    }
}

/// The error for a field that nobody knows. The value's place is all that is kept; the key stands just before it, mostly on its line.
pub(crate) fn unknown(key: &str, what: &str, pos: Pos, known: &[&str]) -> Error {
    let hint = known.iter().find(|name| distance(name, key) <= 2).map(|name| format!("; did you mean \"{name}\"?")).unwrap_or_default();
    error(pos, format!("unknown field \"{key}\" in {what}{hint}"))
}

pub(crate) fn list(value: Value, name: &str) -> Result<Vec<Value>> {
    let (pos, found) = (value.pos, value.describe());
    match value.node {
        crate::yaml::Node::List(items) => Ok(items),
        _ => Err(error(pos, format!("{name} must be a list, not {found}"))),
    }
}

pub(crate) fn string(value: &Value, name: &str) -> Result<String> {
    match value.as_scalar() {
        Some(scalar) if scalar.kind == Kind::Str => Ok(scalar.text.to_string()),
        Some(scalar) if scalar.kind == Kind::Null => Ok(String::new()),
        Some(_) => Err(error(value.pos, format!("{name} must be text, not {}; put it in quotes", value.describe()))),
        None => Err(error(value.pos, format!("{name} must be text, not {}", value.describe()))),
    }
}

pub(crate) fn boolean(value: &Value, name: &str) -> Result<bool> {
    match value.to_json().as_bool() {
        Some(value) => Ok(value),
        None => Err(error(value.pos, format!("{name} must be true or false, not {}", value.describe()))),
    }
}

pub(crate) fn string_map(value: &Value, name: &str) -> Result<Vec<(String, String)>> {
    let Some(map) = value.as_map() else {
        return Err(error(value.pos, format!("{name} must be a map, not {}", value.describe())));
    };
    let mut pairs = map.iter().map(|(key, value)| Ok((key.to_owned(), string(value, key)?))).collect::<Result<Vec<_>>>()?;
    pairs.sort();
    Ok(pairs)
}

/// A map of strings back as a value.
pub(crate) fn to_map(pairs: &[(String, String)]) -> Map {
    let mut map = Map::new();
    for (key, value) in pairs {
        map.insert(key, Value::string(value.as_str()));
    }
    map
}

/// Levenshtein's distance, for "did you mean".
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.to_lowercase().chars().collect(), b.to_lowercase().chars().collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (diagonal + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[b.len()]
}
