//! Strategic merge as kustomize does it: patch first in lists, nulls delete, `$patch` directives.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::error::{Error, ErrorKind, Result};
use crate::mergekeys::{ListMerge, Shape};
use crate::yaml::{Kind, Map, Node, Pos, Scalar, Text, Value, gets_quotes};

mod nameless;

/// Lists with fewer elements are looked through pair by pair.
const FEW: usize = 16;

#[derive(PartialEq, Clone, Copy)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

fn failed(message: impl Into<String>, at: &Value) -> Error {
    Error::new(ErrorKind::Patch, message).at(at.pos)
}

/// Merges `patch` into `dest`; `None` when the patch deletes it.
pub(crate) fn merge(dest: Option<Value>, patch: Option<Value>, shape: Shape<'_>, list: ListMerge<'_>) -> Result<Option<Value>> {
    let kind = dest.iter().chain(patch.iter()).find(|value| !value.is_null());
    match kind.map(|value| &value.node) {
        None => merge_nothing(dest, patch),
        Some(Node::Map(_)) => merge_map(dest, patch, shape),
        Some(Node::List(_)) => match list {
            ListMerge::Replace => {
                same_kind(&dest, &patch, "a list")?;
                Ok(patch.or(dest).filter(|value| !value.is_null() || matches!(value.node, Node::List(_))))
            }
            _ => merge_list(dest, patch, shape, list),
        },
        Some(Node::Scalar(_)) => {
            same_kind(&dest, &patch, "a scalar")?;
            match patch {
                Some(patch) if patch.is_null() => Ok(None),
                Some(patch) => Ok(Some(quoted_like(dest.as_ref(), patch))),
                None => Ok(dest),
            }
        }
    }
}

/// What comes in the place of a quoted string is one too, as it is written: kustomize keeps the quotes of the resource.
fn quoted_like(dest: Option<&Value>, mut patch: Value) -> Value {
    let was_quoted = dest.and_then(Value::as_scalar).is_some_and(|scalar| scalar.quoted && scalar.kind == Kind::Str);
    if let (Some(_), Node::Scalar(scalar)) = (dest, &mut patch.node) {
        if was_quoted {
            scalar.kind = Kind::Str;
        }
        // A text that needs quotes gets them, but what is put in its place later does not.
        scalar.quoted = was_quoted;
    }
    patch
}

fn same_kind(dest: &Option<Value>, patch: &Option<Value>, wanted: &str) -> Result<()> {
    let shape = |value: &Value| match &value.node {
        Node::Map(_) => "a map",
        Node::List(_) => "a list",
        Node::Scalar(_) => "a scalar",
    };
    for value in dest.iter().chain(patch.iter()).filter(|value| !value.is_null()) {
        if shape(value) != wanted {
            return Err(failed(format!("cannot merge {} with {wanted}", shape(value)), patch.as_ref().unwrap_or(value)));
        }
    }
    Ok(())
}

/// Both are null or missing: an explicit null of the resource stays, an empty one goes.
fn merge_nothing(dest: Option<Value>, patch: Option<Value>) -> Result<Option<Value>> {
    match (dest, patch) {
        (Some(dest), None) if dest.text().is_some_and(|text| !text.is_empty()) => Ok(Some(dest)),
        _ => Ok(None),
    }
}

fn merge_map(dest: Option<Value>, patch: Option<Value>, shape: Shape<'_>) -> Result<Option<Value>> {
    same_kind(&dest, &patch, "a map")?;
    let Some(mut patch) = patch else {
        return dest.map(|dest| each_field(dest, None, shape)).transpose();
    };
    if patch.is_null() {
        return Ok(None);
    }
    let directive = directive(&mut patch)?;
    match (directive, dest.filter(|dest| !dest.is_null())) {
        (Directive::Delete, _) => Ok(None),
        (Directive::Replace, _) | (_, None) => settle(patch, shape).map(Some),
        (Directive::Merge, Some(dest)) => each_field(dest, Some(patch), shape).map(Some),
    }
}

/// A patch that meets nothing: its nulls and directives go, the rest is taken over.
fn settle(patch: Value, shape: Shape<'_>) -> Result<Value> {
    let pos = patch.pos;
    let Node::Map(map) = patch.node else { return Ok(patch) };
    let mut out = Vec::with_capacity(map.len());
    for (key, value) in map.into_entries() {
        let (inner, list) = shape.field(&key);
        let merged = match &value.node {
            Node::List(_) if list != ListMerge::Replace => settle_list(value, inner, list)?,
            Node::List(_) => Some(value),
            _ => merge(None, Some(value), inner, list)?,
        };
        out.extend(merged.map(|value| (key, value)));
    }
    Ok(Value { node: Node::Map(Map::from_distinct(out)), pos })
}

/// A list of a map that meets nothing: what a directive says of all of it is done, other than where only the list is new.
fn settle_list(patch: Value, shape: Shape<'_>, list: ListMerge<'_>) -> Result<Option<Value>> {
    let pos = patch.pos;
    let Node::List(mut items) = patch.node else { return Ok(Some(patch)) };
    while items.iter().any(is_list_directive) {
        if list_directive(&mut items)? == Directive::Delete {
            return Ok(None);
        }
    }
    merge_list(None, Some(Value { node: Node::List(items), pos }), shape, list)
}

/// A key that a map has twice, since a patch brought it so: kustomize cannot read again what it printed then.
pub(crate) fn twice(value: &Value) -> Option<Error> {
    match &value.node {
        Node::Map(map) => {
            let mut seen = std::collections::HashSet::new();
            let again = map
                .iter()
                .find(|(key, _)| !seen.insert(*key))
                .map(|(key, value)| failed(format!("the key \"{key}\" is here for the second time"), value));
            again.or_else(|| map.iter().find_map(|(_, value)| twice(value)))
        }
        Node::List(items) => items.iter().find_map(twice),
        Node::Scalar(_) => None,
    }
}

fn each_field(dest: Value, patch: Option<Value>, shape: Shape<'_>) -> Result<Value> {
    let pos = dest.pos;
    let (Node::Map(mut dest), patch) = (dest.node, patch.map(|patch| patch.node)) else {
        return Ok(Value { node: Node::Map(Map::new()), pos });
    };
    let mut patch = match patch {
        Some(Node::Map(map)) => map,
        _ => Map::new(),
    };
    let (mut error, mut gone) = (None, Vec::new());
    dest.edit(|key, value| {
        let (inner, list) = shape.field(key);
        let met = patch.remove(key);
        if error.is_some() || met.is_none() && stays(value, inner, list) {
            return true;
        }
        match merge(Some(std::mem::take(value)), met, inner, list) {
            Ok(Some(merged)) => *value = merged,
            Ok(None) => {
                gone.push(Text::from(key));
                return false;
            }
            Err(failed) => error = Some(failed),
        }
        true
    });
    if let Some(error) = error {
        return Err(error);
    }
    for (key, value) in patch.into_entries() {
        // Of a key that a patch has twice the first one counts.
        if dest.contains_key(&key) || gone.contains(&key) {
            continue;
        }
        let (inner, list) = shape.field(&key);
        match merge(None, Some(value), inner, list)? {
            Some(merged) => dest.insert_new(key, merged),
            None => gone.push(key),
        }
    }
    Ok(Value { node: Node::Map(dest), pos })
}

/// Whether a value that meets no patch stays as it is: no empty null vanishes, no list with keys is put in order.
fn stays(value: &mut Value, shape: Shape<'_>, list: ListMerge<'_>) -> bool {
    match (&mut value.node, list) {
        (Node::Scalar(scalar), _) => {
            leave(scalar, value.pos);
            scalar.kind != Kind::Null
        }
        (Node::Map(map), _) => map.iter_mut().all(|(key, value)| {
            let (inner, list) = shape.field(key);
            stays(value, inner, list)
        }),
        (Node::List(_), ListMerge::Replace) => true,
        (Node::List(items), ListMerge::Keys(keys)) if items.len() < FEW => {
            let keys: Vec<Option<&str>> = items.iter().map(|item| filled(item, &keys[0])).collect();
            let are_distinct = keys.iter().enumerate().all(|(at, key)| key.is_some() && !keys[..at].contains(key));
            are_distinct && items.iter_mut().all(|item| stays(item, shape, ListMerge::Replace))
        }
        (Node::List(_), _) => false,
    }
}

/// What meets no patch has the quotes that it is printed with from then on, so that what a later one puts in its place is text; and it is text itself if it was
/// made without a type.
fn leave(scalar: &mut Scalar, pos: Pos) {
    if pos == Pos::UNTYPED && scalar.kind != Kind::Null {
        scalar.kind = Kind::Str;
    }
    scalar.quoted |= scalar.kind == Kind::Str && gets_quotes(&scalar.text);
}

/// The text of a field that is not empty.
fn filled<'v>(item: &'v Value, field: &str) -> Option<&'v str> {
    item.get(field).filter(|value| !value.is_null()).and_then(Value::text).filter(|text| !text.is_empty())
}

/// Takes `$patch` out of a map.
fn directive(patch: &mut Value) -> Result<Directive> {
    let Some(map) = patch.as_map_mut() else { return Ok(Directive::Merge) };
    let Some(value) = map.get("$patch") else { return Ok(Directive::Merge) };
    let directive = match value.text() {
        Some("delete") => Directive::Delete,
        Some("replace") => Directive::Replace,
        Some("merge") => Directive::Merge,
        _ => return Err(failed("unknown $patch; use delete, replace or merge", value)),
    };
    map.remove("$patch");
    Ok(directive)
}

/// A directive that stands for the whole list: an element that is nothing but `$patch`.
fn list_directive(items: &mut Vec<Value>) -> Result<Directive> {
    let at = items.iter().position(is_list_directive);
    match at {
        Some(at) => directive(&mut items.remove(at)),
        None => Ok(Directive::Merge),
    }
}

fn merge_list(dest: Option<Value>, patch: Option<Value>, shape: Shape<'_>, list: ListMerge<'_>) -> Result<Option<Value>> {
    same_kind(&dest, &patch, "a list")?;
    let pos = dest.as_ref().or(patch.as_ref()).map(|value| value.pos).unwrap_or_default();
    if patch.as_ref().is_some_and(Value::is_null) {
        return Ok(None);
    }
    let into_items = |value: Option<Value>| match value.map(|value| value.node) {
        Some(Node::List(items)) => items,
        _ => Vec::new(),
    };
    let had_dest = dest.as_ref().is_some_and(|dest| !dest.is_null());
    let mut patch = into_items(patch);
    if let (false, ListMerge::Keys(keys)) = (had_dest, list) {
        return new_list(patch, keys, shape).map(|items| Some(Value { node: Node::List(items), pos }));
    }
    let mut dest = had_dest.then(|| into_items(dest));
    match list_directive(&mut patch)? {
        Directive::Delete => return Ok(None),
        Directive::Replace => dest = Some(Vec::new()),
        Directive::Merge => {}
    }
    let items = match list {
        ListMerge::Keys(keys) => keyed(dest, patch, keys, shape)?,
        _ => scalars(dest.unwrap_or_default(), patch),
    };
    if items.is_empty() && !had_dest {
        return Ok(None);
    }
    Ok(Some(Value { node: Node::List(items), pos }))
}

/// A list that meets none stays a list, though all of its elements may go; a directive for the whole list is then taken for an element, and the only one
/// (the last one, of several).
fn new_list(mut patch: Vec<Value>, keys: &[Cow<'static, str>], shape: Shape<'_>) -> Result<Vec<Value>> {
    match patch.iter().rposition(is_list_directive) {
        Some(at) => Ok(vec![patch.swap_remove(at)]),
        None => keyed(None, patch, keys, shape),
    }
}

/// Whether an element is nothing but `$patch`.
fn is_list_directive(item: &Value) -> bool {
    item.as_map().is_some_and(|map| map.len() == 1 && map.contains_key("$patch"))
}

/// Sets of scalars: the patch's first, then the rest.
fn scalars(dest: Vec<Value>, patch: Vec<Value>) -> Vec<Value> {
    let mut seen = std::collections::HashSet::new();
    patch.into_iter().chain(dest).filter(|item| seen.insert(item.text().unwrap_or("").to_owned())).collect()
}

fn values_of<'v>(item: &'v Value, keys: &[Cow<'static, str>]) -> Vec<&'v str> {
    keys.iter().map(|key| item.get(key).and_then(Value::text).unwrap_or_default()).collect()
}

/// `dest`: the list that is there, if one is.
fn keyed(dest: Option<Vec<Value>>, patch: Vec<Value>, keys: &[Cow<'static, str>], shape: Shape<'_>) -> Result<Vec<Value>> {
    // Only the first key counts where all have it and nobody gives the others.
    let first_only = |item: &Value| item.get(&keys[0]).is_some() && keys[1..].iter().all(|key| item.get(key).is_none());
    let simple = keys.len() == 1 || dest.iter().flatten().chain(&patch).all(first_only);
    match dest {
        dest if simple => by_one_key(dest, patch, &keys[0], shape),
        dest => by_several_keys(dest.unwrap_or_default(), patch, keys, shape),
    }
}

/// With several keys kustomize merges elements in their place when all keys are equal; a new element comes first, unless it lacks a key (or the other does) and so might
/// mean one that is there: then it is dropped.
fn by_several_keys(mut dest: Vec<Value>, patch: Vec<Value>, keys: &[Cow<'static, str>], shape: Shape<'_>) -> Result<Vec<Value>> {
    let mut out = Vec::new();
    for item in patch {
        let wanted = values_of(&item, keys);
        let vague = |item: &Value| values_of(item, keys).iter().zip(&wanted).all(|(a, b)| a == b || a.is_empty() || b.is_empty());
        let same = dest.iter().position(|item| values_of(item, keys) == wanted);
        let might_mean = dest.iter().filter(|item| vague(item)).count();
        // One that lacks a key takes nothing away, and does nothing where it might mean several.
        let lacks = wanted.contains(&"");
        let deletes = item.get("$patch").and_then(Value::text) == Some("delete");
        if lacks && (deletes || might_mean > 1) {
            continue;
        }
        if let Some(at) = same {
            let old = std::mem::take(&mut dest[at]);
            match merge(Some(old), Some(item), shape, ListMerge::Replace)?.filter(|value| !value.as_map().is_some_and(Map::is_empty)) {
                Some(merged) => dest[at] = merged,
                None => drop(dest.remove(at)),
            }
        } else if might_mean == 0 {
            out.extend(merge(None, Some(item), shape, ListMerge::Replace)?);
        }
    }
    out.extend(dest);
    Ok(out)
}

/// The patch's elements come first, each merged with the one of the same name.
fn by_one_key(dest: Option<Vec<Value>>, mut patch: Vec<Value>, key: &str, shape: Shape<'_>) -> Result<Vec<Value>> {
    let (dest_names, patch_names) = (Names::of(dest.as_deref().unwrap_or_default(), key), Names::of(&patch, key));
    let repeats = if dest.is_some() { dest_names.repeat_some() } else { patch_names.repeat_some() };
    if repeats || dest_names.lack_some() || patch_names.lack_some() {
        return nameless::merge_lists(dest, patch, key, shape);
    }
    let mut dest = dest.unwrap_or_default();
    let mut out = Vec::with_capacity(dest.len() + patch.len());
    // Of several with the same name the first one counts.
    for (at, name) in patch_names.distinct() {
        let old = dest_names.first(name).map(|at| std::mem::take(&mut dest[at]));
        let new = std::mem::take(&mut patch[at]);
        // kustomize brings an element with `$patch: replace` in, and then overwrites it with the old one that has the same key.
        let replaces = new.get("$patch").and_then(Value::text) == Some("replace");
        match old {
            Some(old) if replaces => out.extend(not_empty(Some(old))),
            old => out.extend(not_empty(merge(old, Some(new), shape, ListMerge::Replace)?)),
        }
    }
    for (at, _) in dest_names.distinct().filter(|(_, name)| patch_names.first(name).is_none()) {
        let mut old = std::mem::take(&mut dest[at]);
        let stays = stays(&mut old, shape, ListMerge::Replace);
        out.extend(not_empty(if stays { Some(old) } else { merge(Some(old), None, shape, ListMerge::Replace)? }));
    }
    Ok(out)
}

fn not_empty(value: Option<Value>) -> Option<Value> {
    value.filter(|value| !value.as_map().is_some_and(Map::is_empty))
}

/// The names of a list's elements, and where each stands first.
struct Names {
    names: Vec<Text>,
    /// Only for lists that are too long to be looked through.
    index: Option<HashMap<Text, usize>>,
}

impl Names {
    fn of(items: &[Value], key: &str) -> Self {
        let names: Vec<Text> = items.iter().map(|item| filled(item, key).unwrap_or_default().into()).collect();
        let index = (names.len() >= FEW).then(|| names.iter().enumerate().rev().map(|(at, name)| (name.clone(), at)).collect());
        Self { names, index }
    }

    fn first(&self, name: &str) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(name).copied(),
            None => self.names.iter().position(|other| *other == name),
        }
    }

    /// The places of the elements whose names stand there for the first time.
    fn distinct(&self) -> impl Iterator<Item = (usize, &Text)> {
        self.names.iter().enumerate().filter(|(at, name)| !name.is_empty() && self.first(name) == Some(*at))
    }

    /// Whether some elements share a name.
    fn repeat_some(&self) -> bool {
        self.names.iter().enumerate().any(|(at, name)| self.first(name) != Some(at))
    }

    /// Whether some element has no name.
    fn lack_some(&self) -> bool {
        self.names.iter().any(Text::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Gvk;
    use crate::mergekeys::root;
    use crate::yaml::{parse_all, to_string};

    fn patched(dest: &str, patch: &str) -> String {
        let one = |text: &str| parse_all(text.as_bytes(), "t.yaml").expect("is YAML").remove(0);
        let schemas = crate::openapi::Schemas::default();
        let shape = root(&Gvk::new("apps/v1", "Deployment"), &schemas);
        merge(Some(one(dest)), Some(one(patch)), shape, ListMerge::Replace)
            .expect("merges")
            .map(|value| to_string(&value))
            .unwrap_or_default()
    }

    #[test]
    fn containers_merge_by_name_and_the_patch_comes_first() {
        let dest = "spec: {template: {spec: {containers: [{name: a, image: x}, {name: b, image: y}]}}}";
        insta::assert_snapshot!(patched(dest, "spec: {template: {spec: {containers: [{name: c}, {name: b, image: z}]}}}"), @r#"
        spec:
          template:
            spec:
              containers:
              - name: c
              - image: z
                name: b
              - image: x
                name: a
        "#);
        insta::assert_snapshot!(patched(dest, "spec: {template: {spec: {containers: [{name: a, $patch: delete}]}}}"), @r#"
        spec:
          template:
            spec:
              containers:
              - image: "y"
                name: b
        "#);
    }

    #[test]
    fn a_list_that_meets_none_stays() {
        let containers =
            |patch: &str| patched("spec: {template: {spec: {x: z}}}", &format!("spec: {{template: {{spec: {{containers: {patch}}}}}}}"));
        assert!(containers("[{name: a, $patch: delete}]").contains("containers: []"));
        assert!(containers("[]").contains("containers: []"));
        assert!(containers("[{$patch: replace}, {name: a}]").contains("containers:\n      - $patch: replace\n      x"));
    }

    #[test]
    fn null_deletes_and_other_lists_are_replaced() {
        insta::assert_snapshot!(patched("spec: {paused: true, x: [1, 2]}", "spec: {paused: null, x: [3]}"), @r#"
        spec:
          x:
          - 3
        "#);
    }
}
