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
        Fields::new(value, "a field spec")?.read(&["group", "version", "kind", "path", "create"], |f| Ok(Self::take(f)))
    }

    pub(crate) fn take(f: &mut Fields) -> Self {
        Self {
            group: f.text("group").into(),
            version: f.text("version").into(),
            kind: f.text("kind").into(),
            path: f.text("path").into(),
            create: f.boolean("create"),
        }
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
        walk(root, Some(&self.path), leaf, set)
    }
}

/// The parts of a path.
pub(crate) fn split(path: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = Some(path);
    while let Some(path) = rest {
        let (part, next) = first_part(path);
        parts.push(part.into_owned());
        rest = next;
    }
    parts
}

/// The first part of a path and what follows it. Paths are short: looking at each byte is quicker than anything clever.
#[inline]
pub(crate) fn first_part(path: &str) -> (Cow<'_, str>, Option<&str>) {
    let bytes = path.as_bytes();
    match bytes.iter().position(|c| *c == b'/') {
        None => (Cow::Borrowed(path), None),
        Some(at) if at > 0 && bytes[at - 1] == b'\\' => {
            let (more, rest) = first_part(&path[at + 1..]);
            (Cow::Owned(format!("{}/{more}", &path[..at - 1])), rest)
        }
        Some(at) => (Cow::Borrowed(&path[..at]), Some(&path[at + 1..])),
    }
}

fn walk(mut value: &mut Value, mut path: Option<&str>, leaf: Leaf, set: &mut dyn FnMut(&mut Value) -> Result<()>) -> Result<()> {
    while let Some(whole) = path {
        let (part, rest) = first_part(whole);
        let part = &*part;
        let pos = value.pos;
        let map = match &mut value.node {
            Node::Map(map) => map,
            Node::List(items) => return items.iter_mut().try_for_each(|item| walk(item, path, leaf, set)),
            Node::Scalar(scalar) => {
                let message = format!("expected a list or a map that holds the field {part}, found {}", scalar.describe());
                return Err(Error::new(ErrorKind::Resource, message).at(pos));
            }
        };
        let (name, is_list) = match part.strip_suffix("[]") {
            Some(name) => (name, true),
            None => (part, false),
        };
        let make = leaf != Leaf::Nothing && !is_list;
        let empty = || if rest.is_none() && leaf == Leaf::Scalar { Value::string("") } else { Value::map(Map::new()) };
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
            } else if rest.is_some() {
                return Err(Error::new(ErrorKind::Resource, format!("expected a list or a map in the field {name}, found null")).at(pos));
            }
        }
        (value, path) = (field, rest);
    }
    set(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_split_at_slashes_that_are_not_escaped() {
        assert_eq!(first_part("a"), ("a".into(), None));
        assert_eq!(first_part("a/b/c"), ("a".into(), Some("b/c")));
        assert_eq!(first_part("nginx.io\\/a\\/b/c"), ("nginx.io/a/b".into(), Some("c")));
        assert_eq!(first_part("/a"), ("".into(), Some("a")));
        assert_eq!(first_part("a/"), ("a".into(), Some("")));
    }
}
