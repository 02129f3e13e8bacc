//! The kinds of Kubernetes: names, scope, verbs, and where their schemas begin.

use std::sync::LazyLock;

use crate::node::Node;
use crate::table::{Table, list};

pub(crate) static BUILTIN: Table = Table::borrowed(include_bytes!("../data/table.bin"));

/// Kubernetes' own kinds.
#[derive(Debug, Clone, Copy)]
pub struct Registry {
    table: &'static Table,
}

impl Registry {
    /// Those of Kubernetes 1.36.
    #[must_use]
    pub fn builtin() -> &'static Registry {
        static REGISTRY: Registry = Registry { table: &BUILTIN };
        &REGISTRY
    }

    /// Every kind that a server serves, by group, version and kind.
    pub fn kinds(&self) -> impl ExactSizeIterator<Item = Kind<'static>> + use<> {
        let table = self.table;
        (0..table.kinds()).map(move |index| Kind { table, index })
    }

    /// The kind of exactly that group (empty: core), version and name.
    #[must_use]
    pub fn kind(&self, group: &str, version: &str, kind: &str) -> Option<Kind<'static>> {
        let (mut low, mut high) = (0, self.table.kinds());
        while low < high {
            let index = u32::midpoint(low, high);
            let found = Kind { table: self.table, index };
            match (found.group(), found.version(), found.kind()).cmp(&(group, version, kind)) {
                std::cmp::Ordering::Equal => return Some(found),
                std::cmp::Ordering::Less => low = index + 1,
                std::cmp::Ordering::Greater => high = index,
            }
        }
        None
    }

    /// The schema of every object's `metadata`.
    #[must_use]
    pub fn object_meta() -> Node<'static> {
        static NODE: LazyLock<Node<'static>> = LazyLock::new(|| {
            let config_map = Registry::builtin().kind("", "v1", "ConfigMap");
            let meta = config_map.and_then(|kind| kind.schema().field("metadata"));
            meta.expect("the table holds v1/ConfigMap: a test looks")
        });
        *NODE
    }
}

/// One kind.
#[derive(Debug, Clone, Copy)]
pub struct Kind<'a> {
    table: &'a Table,
    index: u32,
}

/// What stands below an object, like `deployments/scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subresource<'a> {
    /// Its name, without the resource's.
    pub name: &'a str,
    /// The group of what it answers with; empty: core, or the resource's own.
    pub group: &'a str,
    /// The version of what it answers with; empty: the resource's own.
    pub version: &'a str,
    /// The kind of what it answers with.
    pub kind: &'a str,
    /// What can be done with it, separated by spaces.
    verbs: &'a str,
}

impl<'a> Subresource<'a> {
    /// What can be done with it.
    pub fn verbs(&self) -> impl Iterator<Item = &'a str> + Clone {
        self.verbs.split(' ').filter(|verb| !verb.is_empty())
    }
}

impl<'a> Kind<'a> {
    fn text(self, word: usize) -> &'a str {
        self.table.text(self.table.kind(self.index, word)).unwrap_or_default()
    }

    /// The API group; empty for the core group.
    #[must_use]
    pub fn group(self) -> &'a str {
        self.text(0)
    }

    /// The version.
    #[must_use]
    pub fn version(self) -> &'a str {
        self.text(1)
    }

    /// The kind's name.
    #[must_use]
    pub fn kind(self) -> &'a str {
        self.text(2)
    }

    /// The resource's name in URLs.
    #[must_use]
    pub fn plural(self) -> &'a str {
        self.text(3)
    }

    /// The name that kubectl accepts for one.
    #[must_use]
    pub fn singular(self) -> &'a str {
        self.text(4)
    }

    /// The abbreviations that kubectl accepts.
    pub fn short_names(self) -> impl Iterator<Item = &'a str> + Clone {
        list(Some(self.text(5)))
    }

    /// The groupings that kubectl accepts, `all` for instance.
    pub fn categories(self) -> impl Iterator<Item = &'a str> + Clone {
        list(Some(self.text(6)))
    }

    /// What can be done with it.
    pub fn verbs(self) -> impl Iterator<Item = &'a str> + Clone {
        list(Some(self.text(7)))
    }

    /// What stands below its objects.
    pub fn subresources(self) -> impl Iterator<Item = Subresource<'a>> {
        list(Some(self.text(8))).filter_map(|entry| {
            let mut parts = entry.split('|');
            Some(Subresource {
                name: parts.next()?,
                group: parts.next()?,
                version: parts.next()?,
                kind: parts.next()?,
                verbs: parts.next()?,
            })
        })
    }

    /// Whether its objects live in namespaces.
    #[must_use]
    pub fn namespaced(self) -> bool {
        self.table.kind(self.index, 9) & 1 != 0
    }

    /// Where its schema begins; for the few kinds without one, a place of which nothing is said.
    #[must_use]
    pub fn schema(self) -> Node<'a> {
        Node { table: self.table, index: self.table.kind(self.index, 10) }
    }
}
