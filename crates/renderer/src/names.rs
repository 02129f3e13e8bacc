//! Where resources with a name stand. What means one resource of many looks it up here, so that the work grows with the number of look-ups and not with its square.

use std::hash::BuildHasher as _;

use foldhash::HashMap;
use foldhash::HashMapExt as _;
use foldhash::fast::RandomState;

use crate::resource::Resource;

/// The places of resources by the names that they have or had. A place may be told for a name that its resource never had (names are kept as hashes) or
/// lost: the caller compares anyway.
pub(crate) struct Names {
    state: RandomState,
    /// The last entry of a name.
    last: HashMap<u64, usize>,
    /// A place, and the earlier entry of the same name.
    entries: Vec<(usize, Option<usize>)>,
}

impl Names {
    pub(crate) fn of(resources: &[Resource]) -> Self {
        let mut names = Self {
            state: RandomState::default(),
            last: HashMap::with_capacity(resources.len()),
            entries: Vec::with_capacity(resources.len()),
        };
        for (at, resource) in resources.iter().enumerate() {
            names.add(resource, at);
        }
        names
    }

    /// Adds the names of a resource that is new at its place, or was renamed there.
    pub(crate) fn add(&mut self, resource: &Resource, at: usize) {
        self.insert(resource.name(), at);
        for (_, name, _) in &resource.state.previous {
            self.insert(name, at);
        }
    }

    fn insert(&mut self, name: &str, at: usize) {
        let hash = self.state.hash_one(name);
        let earlier = self.last.get(&hash).copied();
        if earlier.is_none_or(|entry| self.entries[entry].0 != at) {
            self.last.insert(hash, self.entries.len());
            self.entries.push((at, earlier));
        }
    }

    /// The places of a name in ascending order.
    pub(crate) fn places(&self, name: &str) -> Vec<usize> {
        let mut places: Vec<usize> = self.newest_first(name).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    /// The places of a name in any order, some perhaps twice.
    pub(crate) fn newest_first(&self, name: &str) -> impl Iterator<Item = usize> {
        let mut entry = self.last.get(&self.state.hash_one(name)).copied();
        std::iter::from_fn(move || {
            let (at, earlier) = self.entries[entry?];
            entry = earlier;
            Some(at)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn present_and_earlier_names_lead_to_a_resource() {
        let mut resources =
            crate::read::resources(b"{kind: A, metadata: {name: x}}\n---\n{kind: B, metadata: {name: x}}", "t").expect("is YAML");
        resources[0].store_previous();
        resources[0].set_metadata("name", "y");
        let mut names = Names::of(&resources);
        assert_eq!(names.places("x"), [0, 1]);
        assert_eq!(names.places("y"), [0]);
        assert!(names.places("z").is_empty());
        resources[1].set_metadata("name", "z");
        names.add(&resources[1], 1);
        assert_eq!(names.places("z"), [1]);
    }
}
