//! Lists whose elements should have names of their own, and do not all have one. No server takes such a list, but kustomize makes something of it, step by step; so does this.

use super::{failed, filled, merge, not_empty};
use crate::error::Result;
use crate::mergekeys::{ListMerge, Shape};
use crate::yaml::{Map, Value};

/// Merges two lists, at least one of which has an element without a name or two with the same. Without a list that is there the patch takes its place, and is
/// the patch no more.
pub(super) fn merge_lists(dest: Option<Vec<Value>>, patch: Vec<Value>, key: &str, shape: Shape<'_>) -> Result<Vec<Value>> {
    let (mut dest, patch, is_new) = match dest {
        Some(dest) => (dest, patch, false),
        None => (patch, Vec::new(), true),
    };
    if let Some(other) = dest.iter().chain(&patch).find(|item| !item.is_null() && item.as_map().is_none()) {
        return Err(failed(format!("an element of a list that is merged by {key} must be a map, not {}", other.describe()), other));
    }
    let mut names: Vec<String> = Vec::new();
    for item in patch.iter().chain(&dest) {
        let name = filled(item, key).unwrap_or_default();
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    let mut out = Vec::new();
    for name in &names {
        let at = dest.iter().position(|item| is_called(item, key, name));
        let (old, new) = (at.map(|at| dest[at].clone()), patch.iter().find(|item| is_called(item, key, name)).cloned());
        let replaces = new.as_ref().is_some_and(|new| new.get("$patch").and_then(Value::text) == Some("replace"));
        let merged = match (old, new) {
            (None, None) => None,
            (old, None) if is_new => merge(None, old, shape, ListMerge::Replace)?,
            (Some(old), _) if replaces => Some(old),
            (old, new) => merge(old, new, shape, ListMerge::Replace)?,
        };
        let Some(merged) = not_empty(merged) else {
            // All that might be meant goes.
            dest.retain(|item| !is_nothing(item) && !may_be_called(item, key, name));
            continue;
        };
        if let Some(at) = at {
            dest[at] = merged.clone();
        }
        set(&mut out, merged, key, name);
    }
    for item in dest {
        match item.get(key).map(|name| name.text().unwrap_or_default().to_owned()) {
            Some(name) => set(&mut out, item, key, &name),
            // One without a name takes the place of all others.
            None if item.is_null() => out.clear(),
            None => out = vec![item],
        }
    }
    Ok(out)
}

/// Puts an element in the place of all that may be called so, or behind the others.
fn set(out: &mut Vec<Value>, item: Value, key: &str, name: &str) {
    out.retain(|item| !is_nothing(item));
    let mut found = false;
    for old in out.iter_mut().filter(|old| may_be_called(old, key, name)) {
        old.clone_from(&item);
        found = true;
    }
    if !found {
        out.push(item);
    }
}

fn is_nothing(item: &Value) -> bool {
    item.is_null() || item.as_map().is_some_and(Map::is_empty)
}

/// Whether the name is written there, be it an empty text.
fn is_called(item: &Value, key: &str, name: &str) -> bool {
    item.get(key).and_then(Value::text) == Some(name)
}

/// The same, but that an empty name stands for any.
fn may_be_called(item: &Value, key: &str, name: &str) -> bool {
    if name.is_empty() { item.get(key).is_some() } else { is_called(item, key, name) }
}
