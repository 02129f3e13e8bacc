//! Who owns whom, over all kinds: the garbage collector's knowledge and its decisions.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

/// Where an object is: an index into the kinds that are known, namespace, name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Group, version and plural.
    pub(crate) resource: Resource,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// Group, version and plural.
pub(crate) type Resource = (String, String, String);

/// What is known of an object: its metadata.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) version: String,
    pub(crate) owners: Vec<OwnerReference>,
    pub(crate) finalizers: Vec<String>,
    pub(crate) deleting: bool,
}

/// The finalizers by which the API asks the garbage collector to act first.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";
pub(crate) const ORPHAN: &str = "orphan";

impl Node {
    pub(crate) fn new(place: Place, metadata: ObjectMeta) -> Self {
        Self {
            place,
            version: metadata.resource_version.unwrap_or_default(),
            owners: metadata.owner_references.unwrap_or_default(),
            finalizers: metadata.finalizers.unwrap_or_default(),
            deleting: metadata.deletion_timestamp.is_some(),
        }
    }

    fn holds(&self, finalizer: &str) -> bool {
        self.deleting && self.finalizers.iter().any(|name| name == finalizer)
    }
}

/// How an object is deleted, by the finalizers that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    Background,
    Foreground,
    Orphan,
}

/// What must happen to one object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// Nothing, until something changes.
    Rest,
    /// It is not known whether this owner exists: ask the API.
    Verify(OwnerReference),
    /// None of its owners is left.
    Delete(Policy),
    /// These owners are gone or going, others remain.
    KeepOwners(Vec<OwnerReference>),
    /// The dependents go first: these are asked to look again.
    Await(Vec<String>),
    /// The dependents lose this owner, then the finalizer `orphan` is removed.
    Orphan(Vec<String>),
    /// Nothing blocks any more: the finalizer is removed.
    RemoveFinalizer(&'static str),
}

/// All objects by uid.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    nodes: BTreeMap<String, Node>,
    dependents: BTreeMap<String, BTreeSet<String>>,
    /// Uids that existed and do not any more, or that the API does not know. Uids never come back.
    absent: BTreeSet<String>,
}

/// How many absent uids are remembered; forgetting one costs a question to the API.
const REMEMBERED: usize = 10_000;

impl Graph {
    pub(crate) fn get(&self, uid: &str) -> Option<&Node> {
        self.nodes.get(uid)
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = (&String, &Node)> {
        self.nodes.iter()
    }

    /// Takes in an object's newest state; returns the uids to look at again.
    pub(crate) fn put(&mut self, uid: &str, node: Node) -> Vec<String> {
        if let Some(known) = self.nodes.get(uid) {
            let stale = match (known.version.parse::<u64>(), node.version.parse::<u64>()) {
                (Ok(known), Ok(told)) => told <= known,
                _ => known.version == node.version,
            };
            if stale {
                return Vec::new();
            }
        }
        let mut look = vec![uid.to_owned()];
        let before = self.nodes.get(uid).map(|node| node.owners.clone()).unwrap_or_default();
        for owner in before.iter().filter(|owner| !node.owners.iter().any(|kept| kept.uid == owner.uid)) {
            self.unlink(uid, &owner.uid);
            // It may have waited for this one.
            look.push(owner.uid.clone());
        }
        for owner in &node.owners {
            self.dependents.entry(owner.uid.clone()).or_default().insert(uid.to_owned());
            if self.nodes.get(&owner.uid).is_some_and(|owner| owner.holds(FOREGROUND)) {
                look.push(owner.uid.clone());
            }
        }
        if node.deleting {
            look.extend(self.dependents.get(uid).into_iter().flatten().cloned());
        }
        self.nodes.insert(uid.to_owned(), node);
        look
    }

    /// Forgets an object that is gone; returns the uids to look at again: its dependents, and its owners, which may have waited for it.
    pub(crate) fn remove(&mut self, uid: &str) -> Vec<String> {
        let mut look: Vec<String> = self.dependents.get(uid).into_iter().flatten().cloned().collect();
        if let Some(node) = self.nodes.remove(uid) {
            for owner in node.owners {
                self.unlink(uid, &owner.uid);
                look.push(owner.uid);
            }
        }
        self.mark_absent(uid);
        look
    }

    pub(crate) fn mark_absent(&mut self, uid: &str) {
        if self.absent.len() >= REMEMBERED {
            self.absent.clear();
        }
        self.absent.insert(uid.to_owned());
    }

    fn unlink(&mut self, dependent: &str, owner: &str) {
        if let Some(all) = self.dependents.get_mut(owner) {
            all.remove(dependent);
            if all.is_empty() {
                self.dependents.remove(owner);
            }
        }
    }

    /// What must happen to the object of this uid now.
    pub(crate) fn decide(&self, uid: &str) -> Step {
        let Some(node) = self.nodes.get(uid) else { return Step::Rest };
        if node.holds(ORPHAN) {
            let dependents: Vec<String> = self.dependents.get(uid).into_iter().flatten().cloned().collect();
            return if dependents.is_empty() { Step::RemoveFinalizer(ORPHAN) } else { Step::Orphan(dependents) };
        }
        if node.holds(FOREGROUND) {
            let dependents = self.dependents.get(uid).into_iter().flatten();
            let blocking: Vec<String> = dependents.filter(|dependent| self.blocks(dependent, uid)).cloned().collect();
            return if blocking.is_empty() { Step::RemoveFinalizer(FOREGROUND) } else { Step::Await(blocking) };
        }
        if node.deleting || node.owners.is_empty() {
            return Step::Rest;
        }
        let (mut kept, mut waiting) = (Vec::new(), 0);
        for owner in &node.owners {
            match self.nodes.get(&owner.uid) {
                // An owner in another namespace, or of a cluster-wide object in a namespace, is a mistake of the user's: never a reason to delete.
                Some(found) if found.holds(FOREGROUND) && owner.block_owner_deletion == Some(true) => waiting += 1,
                Some(_) => kept.push(owner.clone()),
                None if self.absent.contains(&owner.uid) => {}
                None => return Step::Verify(owner.clone()),
            }
        }
        if !kept.is_empty() {
            return if kept.len() == node.owners.len() { Step::Rest } else { Step::KeepOwners(kept) };
        }
        let asked = |name: &str| node.finalizers.iter().any(|finalizer| finalizer == name);
        let has_dependents = self.dependents.get(uid).is_some_and(|all| !all.is_empty());
        Step::Delete(match () {
            () if waiting > 0 && has_dependents => Policy::Foreground,
            () if asked(ORPHAN) => Policy::Orphan,
            () if asked(FOREGROUND) => Policy::Foreground,
            () => Policy::Background,
        })
    }

    /// Whether a dependent holds up the deletion of its owner.
    fn blocks(&self, dependent: &str, owner: &str) -> bool {
        let owners = self.nodes.get(dependent).map(|node| node.owners.as_slice()).unwrap_or_default();
        owners.iter().any(|reference| reference.uid == owner && reference.block_owner_deletion == Some(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(uid: &str) -> OwnerReference {
        OwnerReference { uid: uid.to_owned(), name: uid.to_owned(), block_owner_deletion: Some(true), ..OwnerReference::default() }
    }

    fn node(version: u32, owners: &[&str], finalizers: &[&str], deleting: bool) -> Node {
        Node {
            place: Place {
                resource: (String::new(), "v1".to_owned(), "things".to_owned()),
                namespace: "a".to_owned(),
                name: "n".to_owned(),
            },
            version: version.to_string(),
            owners: owners.iter().map(|uid| owner(uid)).collect(),
            finalizers: finalizers.iter().map(|&name| name.to_owned()).collect(),
            deleting,
        }
    }

    #[test]
    fn an_object_goes_with_its_last_owner() {
        let mut graph = Graph::default();
        graph.put("a", node(1, &[], &[], false));
        graph.put("b", node(2, &[], &[], false));
        graph.put("child", node(3, &["a", "b"], &[], false));
        assert_eq!(graph.decide("child"), Step::Rest);
        assert!(graph.remove("a").contains(&"child".to_owned()), "its dependents are looked at");
        assert_eq!(graph.decide("child"), Step::KeepOwners(vec![owner("b")]));
        graph.remove("b");
        assert_eq!(graph.decide("child"), Step::Delete(Policy::Background));
    }

    #[test]
    fn an_unknown_owner_is_asked_for_before_anything_is_deleted() {
        let mut graph = Graph::default();
        graph.put("child", node(1, &["never-seen"], &[], false));
        assert_eq!(graph.decide("child"), Step::Verify(owner("never-seen")));
        graph.mark_absent("never-seen");
        assert_eq!(graph.decide("child"), Step::Delete(Policy::Background));
    }

    #[test]
    fn in_the_foreground_the_owner_waits_for_its_dependents() {
        let mut graph = Graph::default();
        graph.put("child", node(1, &["top"], &[], false));
        graph.put("grandchild", node(2, &["child"], &[], false));
        let look = graph.put("top", node(3, &[], &[FOREGROUND], true));
        assert!(look.contains(&"child".to_owned()));
        assert_eq!(graph.decide("top"), Step::Await(vec!["child".to_owned()]));
        assert_eq!(graph.decide("child"), Step::Delete(Policy::Foreground), "what has dependents goes in the foreground too");
        graph.put("child", node(4, &["top"], &[FOREGROUND], true));
        assert_eq!(graph.decide("grandchild"), Step::Delete(Policy::Background));
        assert!(graph.remove("grandchild").contains(&"child".to_owned()), "the owner that waits is looked at");
        assert_eq!(graph.decide("child"), Step::RemoveFinalizer(FOREGROUND));
        graph.remove("child");
        assert_eq!(graph.decide("top"), Step::RemoveFinalizer(FOREGROUND));
    }

    #[test]
    fn orphans_lose_their_owner_and_stay() {
        let mut graph = Graph::default();
        graph.put("child", node(1, &["top"], &[], false));
        graph.put("top", node(2, &[], &[ORPHAN], true));
        assert_eq!(graph.decide("child"), Step::Rest);
        assert_eq!(graph.decide("top"), Step::Orphan(vec!["child".to_owned()]));
        assert!(graph.put("child", node(3, &[], &[], false)).contains(&"top".to_owned()));
        assert_eq!(graph.decide("top"), Step::RemoveFinalizer(ORPHAN));
        graph.remove("top");
        assert_eq!(graph.decide("child"), Step::Rest);
    }

    #[test]
    fn old_news_and_finalizers_of_the_living_change_nothing() {
        let mut graph = Graph::default();
        graph.put("a", node(5, &[], &[FOREGROUND], false));
        assert_eq!(graph.decide("a"), Step::Rest, "not being deleted");
        assert!(graph.put("a", node(4, &[], &[FOREGROUND], true)).is_empty());
        assert_eq!(graph.decide("a"), Step::Rest);
    }
}
