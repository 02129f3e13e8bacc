//! Lists whose elements should have names of their own, and do not all have one. No server takes such a list, but kustomize makes something of it, step by step; so does this.

use std::collections::{HashMap, HashSet};

use super::{failed, filled, merge, not_empty};
use crate::error::Result;
use crate::mergekeys::{ListMerge, Shape};
use crate::yaml::{Map, Value};

/// Merges two lists, at least one of which has an element without a name or two with the same. Without a list that is there the patch takes its place, and is
/// the patch no more.
pub(super) fn merge_lists(dest: Option<Vec<Value>>, patch: Vec<Value>, key: &str, shape: Shape<'_>) -> Result<Vec<Value>> {
    let (dest, patch, is_new) = match dest {
        Some(dest) => (dest, patch, false),
        None => (patch, Vec::new(), true),
    };
    if let Some(other) = dest.iter().chain(&patch).find(|item| !item.is_null() && item.as_map().is_none()) {
        return Err(failed(format!("an element of a list that is merged by {key} must be a map, not {}", other.describe()), other));
    }
    let (mut names, mut known) = (Vec::new(), HashSet::new());
    for item in patch.iter().chain(&dest) {
        let name = filled(item, key).unwrap_or_default();
        if known.insert(name) {
            names.push(name.to_owned());
        }
    }
    let (mut dest, patch, mut out) = (List::of(dest, key), List::of(patch, key), List::default());
    for name in &names {
        let at = dest.first(name);
        let (old, new) = (at.and_then(|at| dest.items[at].clone()), patch.first(name).and_then(|at| patch.items[at].clone()));
        let replaces = new.as_ref().is_some_and(|new| new.get("$patch").and_then(Value::text) == Some("replace"));
        let merged = match (old, new) {
            (None, None) => None,
            (old, None) if is_new => merge(None, old, shape, ListMerge::Replace)?,
            (Some(old), _) if replaces => Some(old),
            (old, new) => merge(old, new, shape, ListMerge::Replace)?,
        };
        let Some(merged) = not_empty(merged) else {
            dest.remove(name);
            continue;
        };
        if let Some(at) = at {
            dest.items[at] = Some(merged.clone());
        }
        out.set(merged, name);
    }
    for item in dest.into_items() {
        match item.get(key).map(|name| name.text().unwrap_or_default().to_owned()) {
            Some(name) => out.set(item, &name),
            // One without a name takes the place of all others.
            None if item.is_null() => out = List::default(),
            None => out = List::of(vec![item], key),
        }
    }
    Ok(out.into_items())
}

/// A list whose elements are found by the names that are written there.
#[derive(Default)]
struct List {
    /// What was removed leaves its place empty.
    items: Vec<Option<Value>>,
    called: HashMap<String, Vec<usize>>,
    /// The places of elements that hold nothing; they go with the next change.
    nothing: Vec<usize>,
    /// What stands at these places, put there at once.
    same: Option<(Value, Vec<usize>)>,
}

impl List {
    fn of(items: Vec<Value>, key: &str) -> Self {
        let mut list = Self::default();
        for (at, item) in items.iter().enumerate() {
            match item.get(key) {
                Some(name) => list.called.entry(name.text().unwrap_or_default().to_owned()).or_default().push(at),
                None if item.is_null() || item.as_map().is_some_and(Map::is_empty) => list.nothing.push(at),
                None => {}
            }
        }
        Self { items: items.into_iter().map(Some).collect(), ..list }
    }

    fn first(&self, name: &str) -> Option<usize> {
        self.called.get(name)?.first().copied()
    }

    /// Takes out all that may be meant by a name: an empty one stands for any.
    fn remove(&mut self, name: &str) {
        let any = name.is_empty().then(|| std::mem::take(&mut self.called)).into_iter().flatten().flat_map(|(_, places)| places);
        let places: Vec<usize> = any.chain(self.called.remove(name).into_iter().flatten()).chain(self.nothing.drain(..)).collect();
        places.into_iter().for_each(|at| self.items[at] = None);
    }

    /// Puts an element in the place of all that may be meant, or behind the others.
    fn set(&mut self, item: Value, name: &str) {
        self.nothing.drain(..).for_each(|at| self.items[at] = None);
        if name.is_empty() {
            let mut places = self.same.take().map(|(_, places)| places).unwrap_or_default();
            places.extend(std::mem::take(&mut self.called).into_values().flatten());
            if places.is_empty() {
                places.push(self.items.len());
                self.items.push(None);
            }
            self.same = Some((item, places));
        } else if let Some(places) = self.called.get(name) {
            places.iter().for_each(|at| self.items[*at] = Some(item.clone()));
        } else {
            self.called.insert(name.to_owned(), vec![self.items.len()]);
            self.items.push(Some(item));
        }
    }

    fn into_items(mut self) -> Vec<Value> {
        if let Some((item, places)) = self.same {
            places.into_iter().for_each(|at| self.items[at] = Some(item.clone()));
        }
        self.items.into_iter().flatten().collect()
    }
}
