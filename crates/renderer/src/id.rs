//! What identifies a resource, and when two ids are the same.

use std::fmt;

use crate::scope;

/// Group, version and kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Gvk<'a> {
    pub(crate) group: &'a str,
    pub(crate) version: &'a str,
    pub(crate) kind: &'a str,
}

impl<'a> Gvk<'a> {
    pub(crate) fn new(api_version: &'a str, kind: &'a str) -> Self {
        // Asked for often, and short: looking at each byte is quicker than a search.
        match api_version.bytes().position(|c| c == b'/') {
            Some(at) => Self { group: &api_version[..at], version: &api_version[at + 1..], kind },
            None => Self { group: "", version: api_version, kind },
        }
    }

    /// Whether a selector with wildcards (empty fields) matches.
    pub(crate) fn is_selected(&self, selector: &Gvk<'_>) -> bool {
        (selector.group.is_empty() || selector.group == self.group)
            && (selector.version.is_empty() || selector.version == self.version)
            && (selector.kind.is_empty() || selector.kind == self.kind)
    }
}

impl fmt::Display for Gvk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        Ok(())
    }
}

/// A resource's id. Two namespaces are the same when they are effectively so: none is `default`, and cluster-scoped kinds have none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Id<'a> {
    pub(crate) gvk: Gvk<'a>,
    pub(crate) name: &'a str,
    pub(crate) namespace: &'a str,
}

/// The parts of an id that count for equality, to be used as a key.
pub(crate) type Key<'a> = (Gvk<'a>, &'a str, &'a str);

impl<'a> Id<'a> {
    pub(crate) fn effective_namespace(&self) -> &'a str {
        if scope::is_cluster_scoped(&self.gvk) {
            "_non_namespaceable_"
        } else if self.namespace.is_empty() {
            "default"
        } else {
            self.namespace
        }
    }

    pub(crate) fn key(&self) -> Key<'a> {
        (self.gvk, self.name, self.effective_namespace())
    }
}

impl fmt::Display for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.gvk, self.name)?;
        if !self.namespace.is_empty() {
            write!(f, " in namespace {}", self.namespace)?;
        }
        Ok(())
    }
}
