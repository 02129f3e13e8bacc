//! What differs between two builds, by resource and field. A pure decision: values in, a value out.

use std::collections::{BTreeMap, HashMap};

use serde_json::json;

use crate::leaf::{is_secret, leaves};
use crate::resource::Resource;

/// The name of a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// `metadata.namespace`, empty when it is missing.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
}

impl Identity {
    /// The identity of a resource.
    #[must_use]
    pub fn of(resource: &Resource) -> Self {
        let [api_version, kind, namespace, name] =
            [resource.api_version(), resource.kind(), resource.namespace(), resource.name()].map(str::to_owned);
        Self { api_version, kind, namespace, name }
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)?;
        if self.namespace.is_empty() { Ok(()) } else { write!(f, " in {}", self.namespace) }
    }
}

/// A value that may be shown, or one that may not.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown {
    /// The value.
    Value(serde_json::Value),
    /// A value of a Secret, which is never part of a difference.
    Secret,
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Shown::Value(value) => write!(f, "{value}"),
            Shown::Secret => f.write_str("(secret)"),
        }
    }
}

impl Shown {
    fn to_json(&self) -> serde_json::Value {
        match self {
            Shown::Value(value) => json!({ "value": value }),
            Shown::Secret => json!({ "secret": true }),
        }
    }
}

/// A field that differs: it is missing on the side that is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange {
    /// Where, as replacements spell paths.
    pub path: String,
    /// Its value before.
    pub before: Option<Shown>,
    /// Its value after.
    pub after: Option<Shown>,
}

/// A resource that differs.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Only the second build has it.
    Added(Identity),
    /// Only the first build has it.
    Removed(Identity),
    /// Both have it; a generated one may have got another hash.
    Changed {
        /// Its identity in the first build.
        before: Identity,
        /// Its identity in the second build.
        after: Identity,
        /// The fields that differ, the name apart.
        fields: Vec<FieldChange>,
    },
}

impl Change {
    /// The change as JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let id = |id: &Identity| json!({ "apiVersion": id.api_version, "kind": id.kind, "namespace": id.namespace, "name": id.name });
        match self {
            Change::Added(after) => json!({ "change": "added", "after": id(after) }),
            Change::Removed(before) => json!({ "change": "removed", "before": id(before) }),
            Change::Changed { before, after, fields } => {
                let side = |shown: &Option<Shown>| shown.as_ref().map(Shown::to_json);
                let fields: Vec<_> = fields
                    .iter()
                    .map(|field| json!({ "path": field.path, "before": side(&field.before), "after": side(&field.after) }))
                    .collect();
                json!({ "change": "changed", "before": id(before), "after": id(after), "fields": fields })
            }
        }
    }
}

/// The resources that differ, in the order of the second build; those that are gone come last.
#[must_use]
pub fn diff(before: &[Resource], after: &[Resource]) -> Vec<Change> {
    let mut old: BTreeMap<Identity, &Resource> = before.iter().map(|resource| (Identity::of(resource), resource)).collect();
    let mut pairs: Vec<(Option<&Resource>, &Resource)> =
        after.iter().map(|resource| (old.remove(&Identity::of(resource)), resource)).collect();
    // What is left may be a generated resource whose content, and so its hash, is another one.
    for (old_one, new) in pairs.iter_mut().filter(|(old, _)| old.is_none()) {
        let Some(base) = without_hash(new) else { continue };
        let mut same = old.iter().filter(|(_, one)| without_hash(one).as_ref() == Some(&base)).map(|(id, _)| id);
        if let (Some(id), None) = (same.next().cloned(), same.next()) {
            *old_one = old.remove(&id);
        }
    }
    let changes = pairs.into_iter().filter_map(|(old, new)| match old {
        None => Some(Change::Added(Identity::of(new))),
        Some(old) => {
            let fields = fields(old, new);
            let (before, after) = (Identity::of(old), Identity::of(new));
            (before != after || !fields.is_empty()).then_some(Change::Changed { before, after, fields })
        }
    });
    changes.chain(old.keys().cloned().map(Change::Removed)).collect()
}

/// What a generated name was before its hash: ten characters of kustomize's own alphabet.
fn without_hash(resource: &Resource) -> Option<Identity> {
    let mut id = Identity::of(resource);
    let (base, hash) = id.name.rsplit_once('-')?;
    let is_hash = hash.len() == 10 && hash.chars().all(|c| "2456789bcdfghkmt".contains(c));
    id.name = is_hash.then(|| base.to_owned())?;
    Some(id)
}

fn fields(before: &Resource, after: &Resource) -> Vec<FieldChange> {
    let old: Vec<_> = leaves(before);
    let index: HashMap<&str, _> = old.iter().map(|(path, value)| (path.as_str(), *value)).collect();
    let new = leaves(after);
    let kept: std::collections::HashSet<&str> = new.iter().map(|(path, _)| path.as_str()).collect();
    let shown = |path: &str, value: &crate::yaml::Value| {
        if is_secret(before, path) || is_secret(after, path) { Shown::Secret } else { Shown::Value(value.to_json()) }
    };
    let gone = old.iter().filter(|(path, _)| !kept.contains(path.as_str())).map(|(path, value)| FieldChange {
        path: path.clone(),
        before: Some(shown(path, value)),
        after: None,
    });
    let other = new.iter().filter_map(|(path, value)| {
        let before = index.get(path.as_str());
        if path == "metadata.name" || before.is_some_and(|before| before.to_json() == value.to_json()) {
            return None;
        }
        Some(FieldChange { path: path.clone(), before: before.map(|value| shown(path, value)), after: Some(shown(path, value)) })
    });
    let mut changes: Vec<FieldChange> = gone.chain(other).collect();
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse_all;

    fn resources(text: &str) -> Vec<Resource> {
        parse_all(text.as_bytes(), "t").expect("is YAML").into_iter().map(Resource::new).collect()
    }

    fn told(before: &str, after: &str) -> Vec<String> {
        let side = |shown: &Option<Shown>| shown.as_ref().map_or("none".to_owned(), Shown::to_string);
        let mut out = Vec::new();
        for change in diff(&resources(before), &resources(after)) {
            match change {
                Change::Added(id) => out.push(format!("+ {id}")),
                Change::Removed(id) => out.push(format!("- {id}")),
                Change::Changed { before, after, fields } => {
                    out.push(format!("{before} -> {after}"));
                    out.extend(fields.iter().map(|field| format!("{}: {} -> {}", field.path, side(&field.before), side(&field.after))));
                }
            }
        }
        out
    }

    #[test]
    fn a_new_hash_is_one_change_and_a_list_in_another_order_none() {
        let pod = |first: &str, second: &str| {
            format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{name: {first}}}, {{name: {second}}}]}}\n")
        };
        let map =
            |name: &str, value: u8| format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{a: '{value}'}}\n");
        let before = pod("a", "b") + &map("c-46f8b28mk5", 1) + &map("gone", 1);
        let after = pod("b", "a") + &map("c-8226t8dd99", 2) + &map("new", 1);
        assert_eq!(
            told(&before, &after),
            ["ConfigMap/c-46f8b28mk5 -> ConfigMap/c-8226t8dd99", "data.a: \"1\" -> \"2\"", "+ ConfigMap/new", "- ConfigMap/gone"]
        );
        assert!(told(&before, &before).is_empty());
    }

    #[test]
    fn no_value_of_a_secret_is_told() {
        let secret = |value: &str| format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\ndata: {{a: {value}}}\ntype: Opaque\n");
        assert_eq!(told(&secret("aGlkZGVu"), &secret("b3RoZXI=")), ["Secret/s -> Secret/s", "data.a: (secret) -> (secret)"]);
    }
}
