//! Turning YAML into typed fields, as strictly as Go's JSON decoder: unknown fields and wrong types are errors, the case of field names is not.

use crate::error::{Error, ErrorKind, Gathered, Result};
use crate::yaml::{Kind, Map, Node, Pos, Text, Value};

/// The fields of a map that are still to be taken. What is wrong with one of them is kept and told with the others in the end: until then a wrong field
/// counts as a missing one.
pub(crate) struct Fields {
    entries: Vec<(Text, Value)>,
    what: &'static str,
    pos: Pos,
    errors: Gathered,
}

pub(crate) fn error(pos: Pos, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Kustomization, message).at(pos)
}

impl Fields {
    /// The fields of `value`; null counts as an empty map.
    pub(crate) fn new(value: Value, what: &'static str) -> Result<Self> {
        let pos = value.pos;
        if value.is_null() {
            return Ok(Self { entries: Vec::new(), what, pos, errors: Gathered::default() });
        }
        let found = value.describe();
        match value.node {
            crate::yaml::Node::Map(map) => Ok(Self { entries: map.into_entries(), what, pos, errors: Gathered::default() }),
            _ => Err(error(pos, format!("{what} must be a map, not {found}"))),
        }
    }

    /// What `decode` makes of the fields, which must be all that is there but for what else is `known`.
    ///
    /// # Errors
    /// All fields that are wrong or unknown. What `decode` itself refuses comes out only if the fields are good: it may have missed a wrong one.
    pub(crate) fn read<T>(mut self, known: &[&str], decode: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let decoded = decode(&mut self);
        for (key, value) in &self.entries {
            self.errors.note(unknown(key, self.what, value.pos, known));
        }
        self.errors.sort();
        self.errors.finish()?;
        decoded
    }

    /// As [`Self::read`], of something to which fields that it does not know are nothing.
    pub(crate) fn read_known<T>(mut self, decode: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let decoded = decode(&mut self);
        self.errors.finish()?;
        decoded
    }

    pub(crate) fn pos(&self) -> Pos {
        self.pos
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether this holds for all fields that have not been taken.
    pub(crate) fn all(&self, mut holds: impl FnMut(&str, &Value) -> bool) -> bool {
        self.entries.iter().all(|(key, value)| holds(key, value))
    }

    /// Takes a field; of several spellings the last one in the order of bytes counts. Null counts as missing.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        let (mut found, mut spelt) = (None, Text::default());
        self.entries.retain_mut(|(key, value)| {
            let hit = key.eq_ignore_ascii_case(name);
            if hit && *key >= spelt {
                (found, spelt) = (Some(std::mem::take(value)), key.clone());
            }
            !hit
        });
        found.filter(|value| !value.is_null())
    }

    /// Whether the field is there, even as null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, _)| key.eq_ignore_ascii_case(name))
    }

    /// Whether something is wrong already.
    pub(crate) fn has_failed(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Keeps what is wrong with the fields beside their types.
    pub(crate) fn note(&mut self, error: Error) {
        self.errors.note(error);
    }

    /// The value that was made of a field, or nothing if that failed.
    pub(crate) fn keep<T>(&mut self, made: Result<T>) -> Option<T> {
        made.map_err(|error| self.errors.note(error)).ok()
    }

    /// Whether the field is there and says something.
    pub(crate) fn holds(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_null())
    }

    pub(crate) fn string(&mut self, name: &'static str) -> Option<String> {
        self.nested(name, |value| string(&value, name))
    }

    pub(crate) fn text(&mut self, name: &'static str) -> String {
        self.string(name).unwrap_or_default()
    }

    pub(crate) fn boolean(&mut self, name: &'static str) -> bool {
        self.nested(name, |value| boolean(&value, name)).unwrap_or_default()
    }

    pub(crate) fn integer(&mut self, name: &'static str) -> Option<i64> {
        self.nested(name, |value| match value.to_json().as_i64() {
            Some(number) => Ok(number),
            None => Err(error(value.pos, format!("{name} must be a whole number, not {}", value.describe()))),
        })
    }

    pub(crate) fn list(&mut self, name: &'static str) -> Vec<Value> {
        self.nested(name, |value| list(value, name)).unwrap_or_default()
    }

    pub(crate) fn strings(&mut self, name: &'static str) -> Vec<(String, Pos)> {
        self.each(name, |item| match string(&item, name) {
            Ok(text) => Ok((text, item.pos)),
            Err(_) => string(&item, &format!("each of {name}")).map(|text| (text, item.pos)),
        })
    }

    /// A map of strings, sorted by key.
    pub(crate) fn string_map(&mut self, name: &'static str) -> Vec<(String, String)> {
        self.nested(name, |value| string_map(&value, name)).unwrap_or_default()
    }

    /// What `decode` makes of a field.
    pub(crate) fn nested<T>(&mut self, name: &str, decode: impl FnOnce(Value) -> Result<T>) -> Option<T> {
        let value = self.take(name)?;
        self.keep(decode(value))
    }

    /// What `decode` makes of each element of a list.
    pub(crate) fn each<T>(&mut self, name: &'static str, decode: impl Fn(Value) -> Result<T>) -> Vec<T> {
        let items = self.list(name);
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            out.extend(self.keep(decode(item)));
        }
        out
    }
}

/// Fields that hold something else than text, wherever they stand: switches, numbers, and the values of a chart.
const NOT_TEXT: [&str; 17] = [
    "allowKindChange",
    "allowNameChange",
    "count",
    "create",
    "debug",
    "devel",
    "disableNameSuffixHash",
    "filePathPosition",
    "immutable",
    "includeCRDs",
    "includeSelectors",
    "includeTemplates",
    "index",
    "skipHooks",
    "skipTests",
    "unsetOnly",
    "valuesInline",
];

/// Makes text of numbers and switches where text is wanted. kustomize reads most transformers, configurations and files of replacements so, but neither
/// kustomizations nor generators.
pub(crate) fn loosen(value: &mut Value) {
    match &mut value.node {
        Node::Map(map) => {
            let texts = map.iter_mut().filter(|(key, _)| !NOT_TEXT.iter().any(|name| key.eq_ignore_ascii_case(name)));
            texts.for_each(|(_, value)| loosen(value));
        }
        Node::List(items) => items.iter_mut().for_each(loosen),
        Node::Scalar(scalar) => {
            if let Some(text) = crate::yaml::as_text(scalar) {
                *value = Value { pos: value.pos, ..Value::string(text) };
            }
        }
    }
}

/// The fields that something has, and what those have that hold maps, or lists of them.
pub(crate) struct Known(pub(crate) &'static [(&'static str, Option<&'static Known>)]);

impl Known {
    /// What the fields are called.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|(name, _)| *name).collect()
    }

    /// Takes out what is not known; each key that goes with its place.
    pub(crate) fn prune(&self, value: &mut Value, gone: &mut Vec<(Text, Pos)>) {
        match &mut value.node {
            Node::Map(map) => map.edit(|key, value| {
                let field = self.0.iter().find(|(name, _)| key.eq_ignore_ascii_case(name));
                match field {
                    Some((_, Some(inner))) => inner.prune(value, gone),
                    Some((_, None)) => {}
                    None => gone.push((key.into(), value.pos)),
                }
                field.is_some()
            }),
            Node::List(items) => items.iter_mut().for_each(|item| self.prune(item, gone)),
            Node::Scalar(_) => {}
        }
    }
}

/// The error for a field that nobody knows, at its value.
pub(crate) fn unknown(key: &str, what: &str, pos: Pos, known: &[&str]) -> Error {
    let hint = nearest(key, known.iter().copied()).map(|name| format!("; did you mean \"{name}\"?")).unwrap_or_default();
    error(pos, format!("unknown field \"{key}\" in {what}{hint}")).at_key()
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
        // A date is text by the time that kustomize decodes it, with a time of day.
        Some(scalar) if scalar.kind == Kind::Timestamp => Ok(crate::yaml::as_text(scalar).unwrap_or_default()),
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
    let (mut pairs, mut errors) = (Vec::with_capacity(map.len()), Gathered::default());
    for (key, value) in map.iter() {
        match string(value, key) {
            Ok(text) => pairs.push((key.to_owned(), text)),
            Err(error) => errors.note(error),
        }
    }
    errors.finish()?;
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

/// The one of some names that somebody may have meant who wrote another: the first of those that are nearest, if that is near.
pub(crate) fn nearest<'n>(written: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let near =
        names.map(|name| (distance(name, written), name)).filter(|(distance, name)| *distance <= 2 && *distance < name.chars().count());
    near.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
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
