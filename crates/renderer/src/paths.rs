//! Many paths of fields at once: which of them lead to something in a value, found in one walk.

use crate::fieldspec::first_part;
use crate::yaml::{Node, Value};

/// Paths as a tree of their parts.
#[derive(Default)]
pub(crate) struct Paths {
    root: Part,
    /// How many paths there are.
    count: usize,
    /// Paths with an escaped slash: where they lead, only a real walk knows.
    unknown: Vec<usize>,
}

#[derive(Default)]
struct Part {
    fields: Vec<(String, Part)>,
    /// The first bytes of their names, a bit for each (some share one): most keys of a map are told apart by it.
    begins: u64,
    /// The paths that end here.
    ends: Vec<usize>,
}

impl Paths {
    pub(crate) fn of<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut tree = Self::default();
        for path in paths {
            let at = tree.count;
            tree.count += 1;
            if path.contains('\\') {
                tree.unknown.push(at);
                continue;
            }
            let (mut part, mut rest) = (&mut tree.root, Some(path));
            while let Some(path) = rest {
                let (name, next) = first_part(path);
                part = part.field(name.strip_suffix("[]").unwrap_or(&name));
                rest = next.filter(|next| !next.is_empty());
            }
            part.ends.push(at);
        }
        tree
    }

    /// Of each path, whether it leads to something in some element of each list on its way, or ends at a scalar before: then a walk fails.
    pub(crate) fn there(&self, value: &Value) -> There {
        let mut there = There { paths: vec![false; self.count], is_blocked: false, is_null: false };
        self.unknown.iter().for_each(|at| there.paths[*at] = true);
        self.root.follow(value, &mut there);
        there
    }
}

/// What was found of paths.
pub(crate) struct There {
    /// Of each, whether to walk it.
    pub(crate) paths: Vec<bool>,
    /// Whether a scalar stands in the way of some.
    pub(crate) is_blocked: bool,
    /// Whether null does.
    pub(crate) is_null: bool,
}

impl Part {
    fn field(&mut self, name: &str) -> &mut Part {
        let at = self.fields.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.fields.push((name.to_owned(), Part::default()));
            self.begins |= begin(name);
            self.fields.len() - 1
        });
        &mut self.fields[at].1
    }

    fn follow(&self, value: &Value, there: &mut There) {
        match &value.node {
            Node::List(items) => items.iter().for_each(|item| self.follow(item, there)),
            Node::Map(map) => {
                for (key, field) in map.iter().filter(|(key, _)| self.begins & begin(key) != 0) {
                    if let Some((_, part)) = self.fields.iter().find(|(name, _)| name == key) {
                        part.ends.iter().for_each(|at| there.paths[*at] = true);
                        part.follow(field, there);
                    }
                }
            }
            Node::Scalar(_) if value.is_null() => there.is_null |= !self.fields.is_empty(),
            Node::Scalar(_) => self.block(there),
        }
    }

    fn block(&self, there: &mut There) {
        for (_, part) in &self.fields {
            there.is_blocked = true;
            part.ends.iter().for_each(|at| there.paths[*at] = true);
            part.block(there);
        }
    }
}

/// A bit for the first byte of a name.
fn begin(name: &str) -> u64 {
    1 << (name.as_bytes().first().copied().unwrap_or(0) & 63)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse_all;

    #[test]
    fn a_path_leads_somewhere_when_some_element_has_its_fields() {
        let value = parse_all(b"spec: {volumes: [{name: a}, {configMap: {name: x}}], list: [[{deep: 1}]], text: t, nothing: null}", "t")
            .expect("is YAML")
            .remove(0);
        let there = |path: &str| Paths::of([path]).there(&value).paths[0];
        for path in
            ["spec", "spec/", "spec/volumes[]/configMap/name", "spec/volumes/name", "spec/list/deep", "any\\/name", "spec/text/more"]
        {
            assert!(there(path), "{path}");
        }
        for path in ["spec/volumes/configMap/key", "spec/nothing/more", "data", "/spec"] {
            assert!(!there(path), "{path}");
        }
        let there = Paths::of(["spec/none", "spec/text", "spec/text/x", "spec/text"]).there(&value);
        assert_eq!((there.paths, there.is_blocked), (vec![false, true, true, true], true));
        let there = Paths::of(["spec/none/x", "spec/text", "spec/nothing/x"]).there(&value);
        assert_eq!((there.is_blocked, there.is_null), (false, true));
        assert!(!Paths::of(["spec/nothing", "spec/text"]).there(&value).is_null);
    }
}
