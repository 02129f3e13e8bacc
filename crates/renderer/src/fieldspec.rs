//! Field specs: which field of which kinds a transformer changes.

use std::borrow::Cow;

use crate::decode::Fields;
use crate::error::{Error, ErrorKind, Gathered, Result};
use crate::id::Gvk;
use crate::resource::Resource;
use crate::yaml::{Dialect, Kind, Map, Node, Pos, Scalar, Text, Value, resolve};

/// A path of fields (`spec/template`, `[]` marks lists, `\/` a slash in a name) for the kinds that match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldSpec {
    pub(crate) group: Cow<'static, str>,
    pub(crate) version: Cow<'static, str>,
    pub(crate) kind: Cow<'static, str>,
    pub(crate) path: Cow<'static, str>,
    pub(crate) create: bool,
    ends: Ends,
}

/// Where the parts of a path end, so that it need not be looked through for each resource again. None are known of a path that is long or has escaped slashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Ends {
    count: u8,
    at: [u8; MOST],
}

/// Of so many parts the ends are kept.
const MOST: usize = 11;

impl Ends {
    const fn of(path: &[u8]) -> Self {
        let mut ends = Self { count: 0, at: [0; MOST] };
        let mut at = 0;
        while at <= path.len() {
            if at == path.len() || path[at] == b'/' {
                if ends.count as usize == MOST || at > u8::MAX as usize {
                    return Self { count: 0, at: [0; MOST] };
                }
                // Checked one line above.
                #[allow(clippy::cast_possible_truncation)]
                let end = at as u8;
                ends.at[ends.count as usize] = end;
                ends.count += 1;
            } else if path[at] == b'\\' {
                return Self { count: 0, at: [0; MOST] };
            }
            at += 1;
        }
        ends
    }
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
        Self::of_version(group, "", kind, path, create)
    }

    pub(crate) const fn of_version(
        group: &'static str,
        version: &'static str,
        kind: &'static str,
        path: &'static str,
        create: bool,
    ) -> Self {
        Self {
            group: Cow::Borrowed(group),
            version: Cow::Borrowed(version),
            kind: Cow::Borrowed(kind),
            path: Cow::Borrowed(path),
            create,
            ends: Ends::of(path.as_bytes()),
        }
    }

    /// One that is for a kind of any group and version, and creates nothing.
    pub(crate) fn of_kind(kind: &str, path: &str) -> Self {
        Self { kind: Cow::Owned(kind.to_owned()), ..Self::default() }.at(Cow::Owned(path.to_owned()))
    }

    /// The same with another path.
    pub(crate) fn at(self, path: Cow<'static, str>) -> Self {
        Self { ends: Ends::of(path.as_bytes()), path, ..self }
    }

    pub(crate) fn decode(value: Value) -> Result<Self> {
        Fields::new(value, "a field spec")?.read(&["group", "version", "kind", "path", "create"], |f| Ok(Self::take(f)))
    }

    pub(crate) fn take(f: &mut Fields) -> Self {
        let path = f.text("path");
        // kustomize passes over one slash at the begin.
        let path = path.strip_prefix('/').map(str::to_owned).unwrap_or(path).into();
        Self {
            group: f.text("group").into(),
            version: f.text("version").into(),
            kind: f.text("kind").into(),
            create: f.boolean("create"),
            ..Self::default()
        }
        .at(path)
    }

    pub(crate) fn selector(&self) -> Gvk<'_> {
        Gvk { group: &self.group, version: &self.version, kind: &self.kind }
    }

    pub(crate) fn matches(&self, gvk: &Gvk<'_>) -> bool {
        gvk.is_selected(&self.selector())
    }

    /// Whether all parts of the path are names of fields and look like nothing else.
    pub(crate) fn is_plain(&self) -> bool {
        self.ends.count > 0 && self.path.split('/').all(|part| !looks_like_element(part.strip_suffix("[]").unwrap_or(part)))
    }

    /// Calls `set` for every field that the path leads to.
    pub(crate) fn apply(&self, root: &mut Value, leaf: Leaf, set: &mut dyn FnMut(&mut Value) -> Result<()>) -> Result<()> {
        self.walk(root, leaf, set).map(drop)
    }

    /// The same; tells how many bytes of the path lead to the field that is not there, if one is not and no list leads to it.
    fn walk(&self, root: &mut Value, leaf: Leaf, set: &mut dyn FnMut(&mut Value) -> Result<()>) -> Result<Option<usize>> {
        let leaf = if self.create { leaf } else { Leaf::Nothing };
        let known = &self.ends.at[..usize::from(self.ends.count)];
        if known.is_empty() {
            let parts = split(&self.path);
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            return walk(root, &parts, leaf, set).map(|_| None);
        }
        let (mut parts, mut start) = ([""; MOST], 0);
        for (part, end) in parts.iter_mut().zip(known) {
            let end = usize::from(*end);
            *part = self.path.get(start..end).unwrap_or_default();
            start = end + 1;
        }
        let missing = walk(root, &parts[..known.len()], leaf, set)?;
        Ok(missing.map(|behind| usize::from(known[known.len() - 1 - behind])))
    }
}

/// Calls `set` for the fields of a resource that the paths lead to which are for its kind. Where one fails the others are walked all the same.
pub(crate) fn apply_all<'s>(
    specs: impl IntoIterator<Item = &'s FieldSpec>,
    resource: &mut Resource,
    leaf: Leaf,
    set: &mut dyn FnMut(&mut Value) -> Result<()>,
) -> Result<()> {
    let gvk = resource.gvk();
    // Of its own: the resource changes meanwhile.
    let (group, version, kind) = (Text::from(gvk.group), Text::from(gvk.version), Text::from(gvk.kind));
    let gvk = Gvk { group: &group, version: &version, kind: &kind };
    let mut errors = Gathered::default();
    // A field that was not there: what lies below it is not there either, until something changes.
    let mut absent: Option<&str> = None;
    for spec in specs.into_iter().filter(|spec| spec.matches(&gvk)) {
        let leaf = if spec.create { leaf } else { Leaf::Nothing };
        if leaf == Leaf::Nothing && absent.is_some_and(|absent| is_below(&spec.path, absent)) {
            continue;
        }
        match spec.walk(&mut resource.value, leaf, set) {
            Ok(Some(end)) if leaf == Leaf::Nothing => absent = spec.path.get(..end),
            Ok(_) => absent = None,
            Err(error) => {
                absent = None;
                errors.note_field(resource, &spec.path, &error);
            }
        }
    }
    errors.finish()
}

/// Whether a path leads to or through the field at another one.
fn is_below(path: &str, field: &str) -> bool {
    path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
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

/// Whether a part of a path may stand for something else than the name of a field.
fn looks_like_element(part: &str) -> bool {
    matches!(part.as_bytes().first(), None | Some(b'0'..=b'9' | b'+' | b'-' | b'*' | b'[' | b' '))
}

/// The name of a field that a part of a path stands for, where it looks as if it could stand for something else: kustomize takes it for that then, and refuses it
/// in a map. Lists need no parts of their own.
fn field_name(part: &str) -> Result<&str> {
    let name = part.trim();
    let refused = |message: &str| Err(Error::new(ErrorKind::Kustomization, format!("{message} in the path of a field")));
    match name {
        "" => refused("a part is empty"),
        "-" | "*" => refused(&format!("{name} stands for elements of a list, and has no place")),
        _ if name.parse::<i64>().is_ok() || name.starts_with('[') && name.ends_with(']') => {
            refused(&format!("{name} stands for an element of a list, and has no place"))
        }
        _ => Ok(name),
    }
}

/// Tells how many parts of the path follow the field that is not there, if one is not and no list leads to it.
fn walk(mut value: &mut Value, mut parts: &[&str], leaf: Leaf, set: &mut dyn FnMut(&mut Value) -> Result<()>) -> Result<Option<usize>> {
    while let Some((part, rest)) = parts.split_first() {
        let pos = value.pos;
        let map = match &mut value.node {
            Node::Map(map) => map,
            Node::List(items) => {
                return items.iter_mut().try_for_each(|item| walk(item, parts, leaf, set).map(drop)).map(|()| None);
            }
            Node::Scalar(scalar) => {
                let message = format!("expected a list or a map that holds the field {part}, found {}", scalar.describe());
                return Err(Error::new(ErrorKind::Resource, message).at(pos));
            }
        };
        let (name, is_list) = match part.strip_suffix("[]") {
            Some(name) => (name, true),
            None => (*part, false),
        };
        let name = if looks_like_element(name) { field_name(name)? } else { name };
        let make = leaf != Leaf::Nothing && !is_list;
        let empty = || if rest.is_empty() && leaf == Leaf::Scalar { Value::string("") } else { Value::map(Map::new()) };
        let field = if make {
            map.entry(name, empty)
        } else {
            match map.get_mut(name) {
                Some(field) => field,
                None => return Ok(Some(rest.len())),
            }
        };
        if field.is_null() {
            if make {
                *field = empty();
            } else if is_list {
                field.node = Node::List(Vec::new());
            } else if !rest.is_empty() {
                return Ok(None);
            }
        }
        (value, parts) = (field, rest);
    }
    set(value).map(|()| None)
}

/// Puts a text into a field: one that is a text by its quotes, or was made one, stays a text; any other becomes what its new text looks like.
pub(crate) fn put_text(field: &mut Value, text: String) -> Result<()> {
    let Some(old) = field.as_scalar() else {
        let message = format!("expected a scalar, found {}", field.describe());
        return Err(Error::new(ErrorKind::Resource, message).at(field.pos));
    };
    // What was made has no place in a file, and what was made for this no text yet.
    let is_made = field.pos == Pos::default() && !old.text.is_empty();
    let is_text = old.kind == Kind::Str && (old.quoted || is_made);
    let kind = if is_text { Kind::Str } else { resolve(&text, Dialect::Resource) };
    let quoted = is_text && old.quoted;
    let pos = if is_made { field.pos } else { field.pos.or_untyped() };
    *field = Value { node: Node::Scalar(Scalar { quoted, ..Scalar::plain(text, kind) }), pos };
    Ok(())
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

    #[test]
    fn ends_cut_a_path_as_its_parts_are_split() {
        for path in ["a", "a/b/c", "/a", "a/", "", "spec/template/spec/containers[]/image"] {
            let ends = Ends::of(path.as_bytes());
            let mut start = 0;
            let cut = ends.at[..usize::from(ends.count)].iter().map(|end| {
                let part = &path[start..usize::from(*end)];
                start = usize::from(*end) + 1;
                part
            });
            assert_eq!(cut.collect::<Vec<_>>(), split(path), "{path}");
        }
        for path in ["a\\/b", &"a/".repeat(MOST), &"a".repeat(256)] {
            assert_eq!(Ends::of(path.as_bytes()), Ends::default(), "{path}");
        }
    }

    #[test]
    fn all_paths_lead_where_each_leads_by_itself() {
        let text = b"{kind: A, metadata: {name: a}, spec: {list: [{x: 1}, {y: {z: 2}}], text: t, none: null}}";
        let paths = [
            "gone/a",
            "gone/a/b",
            "gone",
            "goner/a",
            "spec/gone[]/a",
            "spec/gone[]/b",
            "spec/gone/b",
            "spec/list/y",
            "spec/list/y/z",
            "spec/list/x",
            "spec/text/x",
            "spec/text",
            "spec/text/x",
            "spec/none/x",
            "spec/new",
            "spec/new/x",
            "gone.io\\/a/b",
            "a/b/c/d/e/f/g/h/i/j/k/l",
        ];
        for leaf in [Leaf::Nothing, Leaf::Map] {
            let specs: Vec<FieldSpec> = paths.iter().enumerate().map(|(at, path)| FieldSpec::builtin("", "A", path, at % 3 == 0)).collect();
            let mut resource = crate::read::resources(text, "t").expect("is YAML").remove(0);
            let mut alone = resource.value.clone();
            let (mut met, mut met_alone) = (Vec::new(), Vec::new());
            let together = apply_all(&specs, &mut resource, leaf, &mut |value| {
                met.push(value.pos);
                *value = Value::map(Map::from_distinct(vec![("x".into(), Value::int(1))]));
                Ok(())
            });
            let mut failed = 0;
            for spec in &specs {
                let one = spec.apply(&mut alone, leaf, &mut |value| {
                    met_alone.push(value.pos);
                    *value = Value::map(Map::from_distinct(vec![("x".into(), Value::int(1))]));
                    Ok(())
                });
                failed += usize::from(one.is_err());
            }
            assert_eq!(met, met_alone);
            assert_eq!(resource.value, alone);
            assert_eq!((together.is_err(), failed > 0), (true, true));
        }
    }
}
