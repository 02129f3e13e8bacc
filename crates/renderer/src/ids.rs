//! Which ids are there, so that a second one is found without looking at all others.

use std::collections::hash_map::Entry;
use std::hash::BuildHasher as _;

use foldhash::HashMap;
use foldhash::fast::RandomState;

use crate::parallel;
use crate::resource::Resource;

/// The ids of resources by their hashes: where those stand that have one.
#[derive(Default)]
pub(crate) struct Ids {
    state: RandomState,
    /// Nearly always a hash is that of one id.
    places: HashMap<u64, usize>,
    /// The others.
    more: Vec<(u64, usize)>,
}

impl Ids {
    /// The ids of resources that are known to be distinct.
    pub(crate) fn of(resources: &[Resource]) -> Self {
        let mut ids = Self::default();
        ids.add(resources, 0);
        ids
    }

    /// Adds the ids of the resources from `first` on; tells where those stand whose ids were there before.
    pub(crate) fn add(&mut self, resources: &[Resource], first: usize) -> Vec<usize> {
        let new = &resources[first..];
        let hash = |resource: &Resource| self.state.hash_one(resource.id().key());
        let hashes = parallel::run(new.chunks(parallel::part_of_little(new.len())), |part| part.iter().map(hash).collect::<Vec<_>>());
        self.places.reserve(new.len());
        let mut twice = Vec::new();
        for (at, hash) in hashes.into_iter().flatten().enumerate().map(|(nth, hash)| (first + nth, hash)) {
            let is_same = |other: usize| resources[other].id().key() == resources[at].id().key();
            match self.places.entry(hash) {
                Entry::Vacant(new) => drop(new.insert(at)),
                Entry::Occupied(known) if is_same(*known.get()) => twice.push(at),
                Entry::Occupied(_) if self.more.iter().any(|(alike, other)| *alike == hash && is_same(*other)) => twice.push(at),
                Entry::Occupied(_) => self.more.push((hash, at)),
            }
        }
        twice
    }
}

/// The first resource whose id another one before it has. Nothing that is empty counts.
pub(crate) fn twice(resources: &[Resource]) -> Option<&Resource> {
    Ids::default().add(resources, 0).into_iter().map(|at| &resources[at]).find(|resource| !resource.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_is_there_is_told_wherever_it_is_added() {
        let text = ["{kind: A, metadata: {name: x}}"; 3].join("\n---\n") + "\n---\n{kind: A, metadata: {name: x, namespace: n}}";
        let resources = crate::read::resources(text.as_bytes(), "t").expect("is YAML");
        assert_eq!(Ids::default().add(&resources, 0), [1, 2]);
        let mut ids = Ids::of(&resources[..1]);
        assert_eq!(ids.add(&resources[..2], 1), [1]);
        assert_eq!(ids.add(&resources, 2), [2]);
        assert_eq!(ids.add(&resources, 3), [3]);
    }

    #[test]
    fn hashes_that_are_the_same_do_not_make_ids_the_same() {
        let resources =
            crate::read::resources(b"{kind: A, metadata: {name: x}}\n---\n{kind: A, metadata: {name: y}}", "t").expect("is YAML");
        let mut ids = Ids::of(&resources[..1]);
        let hash = ids.state.hash_one(resources[1].id().key());
        ids.places.insert(hash, 0);
        assert!(ids.add(&resources, 1).is_empty());
        assert_eq!(ids.more, [(hash, 1)]);
        let again = [&resources[..], &resources[1..]].concat();
        assert_eq!(ids.add(&again, 2), [2]);
    }
}
