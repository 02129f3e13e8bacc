//! Field specs: which field of which kinds a transformer changes.

use std::borrow::Cow;

use crate::decode::Fields;
use crate::error::{Error, ErrorKind, Result};
use crate::id::Gvk;
use crate::yaml::{Map, Node, Value};

/// A path of fields (`spec/template`, `[]` marks lists, `\/` a slash in a name) for the kinds that match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldSpec {
    pub(crate) group: Cow<'static, str>,
    pub(crate) version: Cow<'static, str>,
    pub(crate) kind: Cow<'static, str>,
    pub(crate) path: Cow<'static, str>,
    pub(crate) create: bool,
}

/// What is made where a field spec leads to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaf {
    Nothing,
    Scalar,
    Map,
}

impl FieldSpec {
    pub(crate) const fn builtin(group: &'static str, kind: &'static str, path: &'static str, create: bool) -> Self {
        Self { group: Cow::Borrowed(group), version: Cow::Borrowed(""), kind: Cow::Borrowed(kind), path: Cow::Borrowed(path), create }
    }

    pub(crate) fn decode(value: Value) -> Result<Self> {
        let mut f = Fields::new(value, "a field spec")?;
        let spec = Self {
            group: f.text("group")?.into(),
            version: f.text("version")?.into(),
            kind: f.text("kind")?.into(),
            path: f.text("path")?.into(),
            create: f.boolean("create")?,
        };
        f.finish(&["group", "version", "kind", "path", "create"])?;
        Ok(spec)
    }

    pub(crate) fn selector(&self) -> Gvk<'_> {
        Gvk { group: &self.group, version: &self.version, kind: &self.kind }
    }

    pub(crate) fn matches(&self, gvk: &Gvk<'_>) -> bool {
        gvk.is_selected(&self.selector())
    }

    /// Calls `set` for every field that the path leads to.
    pub(crate) fn apply(&self, root: &mut Value, leaf: Leaf, set: &mut dyn FnMut(&mut Value) -> Result<()>) -> Result<()> {
        let leaf = if self.create { leaf } else { Leaf::Nothing };
        if self.path.contains('\\') {
            let parts = split(&self.path);
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            return walk(root, &parts, leaf, set);
        }
        let mut buffer = [""; 16];
        let mut count = 0;
        for part in self.path.split('/') {
            if count == buffer.len() {
                let parts: Vec<&str> = self.path.split('/').collect();
                return walk(root, &parts, leaf, set);
            }
            buffer[count] = part;
            count += 1;
        }
        walk(root, &buffer[..count], leaf, set)
    }
}

/// The parts of a path.
pub(crate) fn split(path: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in path.split('/') {
        match parts.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push('/');
                last.push_str(part);
            }
            _ => parts.push(part.to_owned()),
        }
    }
    parts
}

fn walk(value: &mut Value, path: &[&str], leaf: Leaf, set: &mut dyn FnMut(&mut Value) -> Result<()>) -> Result<()> {
    let Some((part, rest)) = path.split_first() else { return set(value) };
    let pos = value.pos;
    match &mut value.node {
        Node::List(items) => items.iter_mut().try_for_each(|item| walk(item, path, leaf, set)),
        Node::Map(map) => {
            let (name, is_list) = match part.strip_suffix("[]") {
                Some(name) => (name, true),
                None => (*part, false),
            };
            let make = leaf != Leaf::Nothing && !is_list;
            let empty = || if rest.is_empty() && leaf == Leaf::Scalar { Value::string("") } else { Value::map(Map::new()) };
            let field = if make {
                map.entry(name, empty)
            } else {
                match map.get_mut(name) {
                    Some(field) => field,
                    None => return Ok(()),
                }
            };
            if field.is_null() {
                if make {
                    *field = empty();
                } else if is_list {
                    field.node = Node::List(Vec::new());
                } else if !rest.is_empty() {
                    return Err(
                        Error::new(ErrorKind::Resource, format!("expected a list or a map in the field {name}, found null")).at(pos)
                    );
                }
            }
            walk(field, rest, leaf, set)
        }
        Node::Scalar(_) => Err(Error::new(
            ErrorKind::Resource,
            format!("expected a list or a map that holds the field {part}, found {}", value.describe()),
        )
        .at(pos)),
    }
}
