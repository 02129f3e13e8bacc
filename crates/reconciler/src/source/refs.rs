//! Revisions to commits, given the references of a repository.

use std::collections::BTreeMap;

/// The references of a repository: full name to the commit it names (annotated tags peeled); `HEAD` among them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Refs(pub(super) BTreeMap<String, String>);

/// What a revision may mean, before the objects have been asked.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// This commit, which a reference names.
    Commit(String),
    /// Maybe the object with this id or beginning of an id.
    Object(String),
    /// Nothing.
    Unknown,
}

/// The full names that a short one may stand for, in git's order of preference (branches before remote ones).
pub(super) fn candidates(revision: &str) -> Vec<String> {
    match revision {
        "" | "HEAD" => vec!["HEAD".to_owned()],
        full if full.starts_with("refs/") => vec![full.to_owned()],
        short => ["refs/heads/", "refs/tags/", "refs/", "refs/remotes/origin/"].iter().map(|prefix| format!("{prefix}{short}")).collect(),
    }
}

/// Whether it can be (the beginning of) an object id.
pub(super) fn is_hex(revision: &str) -> bool {
    (4..=40).contains(&revision.len()) && revision.bytes().all(|b| b.is_ascii_hexdigit())
}

impl Refs {
    /// What the revision means: a full id is itself; then the references; then the beginning of an id.
    pub(super) fn resolve(&self, revision: &str) -> Meaning {
        if revision.len() == 40 && is_hex(revision) {
            return Meaning::Object(revision.to_ascii_lowercase());
        }
        if let Some(commit) = candidates(revision).iter().find_map(|name| self.0.get(name)) {
            return Meaning::Commit(commit.clone());
        }
        if is_hex(revision) { Meaning::Object(revision.to_ascii_lowercase()) } else { Meaning::Unknown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence() {
        let refs = Refs(
            [
                ("HEAD", "a"),
                ("refs/heads/main", "a"),
                ("refs/heads/v1", "b"),
                ("refs/tags/v1", "c"),
                ("refs/heads/abcd", "d"),
                ("refs/tags/t", "e"),
            ]
            .into_iter()
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect(),
        );
        let is = |s: &str| Meaning::Commit(s.to_owned());
        assert_eq!(refs.resolve(""), is("a"));
        assert_eq!(refs.resolve("HEAD"), is("a"));
        assert_eq!(refs.resolve("v1"), is("b"));
        assert_eq!(refs.resolve("refs/tags/v1"), is("c"));
        assert_eq!(refs.resolve("t"), is("e"));
        assert_eq!(refs.resolve("abcd"), is("d"));
        assert_eq!(refs.resolve("ABCDE"), Meaning::Object("abcde".to_owned()));
        assert_eq!(refs.resolve("nope"), Meaning::Unknown);
    }
}
