//! The order in which resources come out.

use std::cmp::Ordering;

use crate::id::{Gvk, Id};
use crate::parallel;
use crate::resource::Resource;
use crate::yaml::Text;

/// Kinds that others need come first.
const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

/// Kinds that could refuse the others come last.
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// kustomize's legacy order, with other lists of kinds where a kustomization gives them.
pub(crate) fn legacy(resources: &mut Vec<Resource>, lists: Option<(&[String], &[String])>) {
    let rank = |kind: &str| -> i64 {
        let place = |at: Option<usize>| at.and_then(|at| i64::try_from(at).ok());
        let (first, last) = match lists {
            Some((first, last)) => (place(first.iter().position(|one| one == kind)), place(last.iter().position(|one| one == kind))),
            None => (place(FIRST.iter().position(|one| *one == kind)), place(LAST.iter().position(|one| *one == kind))),
        };
        match (first, last) {
            (_, Some(last)) => 1 + last,
            (Some(first), None) => first - i64::from(u32::MAX),
            (None, None) => 0,
        }
    };
    let part = parallel::part_of_little(resources.len());
    let keys = parallel::run(resources.chunks(part).enumerate(), |(place, resources)| {
        let keys = resources.iter().enumerate().map(|(at, resource)| Key::new(place * part + at, &resource.id(), rank(resource.kind())));
        keys.collect::<Vec<_>>()
    });
    let mut keys: Vec<Key<'_>> = keys.into_iter().flatten().collect();
    keys.sort_unstable_by(Key::compare);
    let order: Vec<usize> = keys.into_iter().map(|key| key.at).collect();
    let mut old: Vec<Option<Resource>> = std::mem::take(resources).into_iter().map(Some).collect();
    resources.extend(order.into_iter().filter_map(|at| old[at].take()));
}

/// What decides where a resource comes: its kind's rank, then group, version and kind, namespace and name, and at last where it stood. The name is here itself:
/// it is what is mostly compared, and lies far away in the resource.
struct Key<'a> {
    rank: i64,
    gvk: Gvk<'a>,
    namespace: &'a str,
    name: Text,
    at: usize,
}

impl<'a> Key<'a> {
    fn new(at: usize, id: &Id<'a>, rank: i64) -> Self {
        Self { rank, gvk: id.gvk, namespace: or(id.namespace, "~X"), name: or(id.name, "~N").into(), at }
    }

    fn compare(&self, other: &Self) -> Ordering {
        let by_kind = || {
            let order = compare_kinds(&self.gvk, &other.gvk);
            // Among Namespaces the real ones come before those of other groups.
            let namespaces = [self, other].iter().all(|key| key.gvk.kind == "Namespace");
            let reverse = namespaces && (self.gvk.group.is_empty() || other.gvk.group.is_empty());
            if reverse { order.reverse() } else { order }
        };
        self.rank.cmp(&other.rank).then_with(by_kind).then_with(|| self.compare_names(other)).then(self.at.cmp(&other.at))
    }

    /// As texts `namespace|name`.
    fn compare_names(&self, other: &Self) -> Ordering {
        if self.namespace == other.namespace {
            return self.name.as_str().cmp(&other.name);
        }
        compare_joined(&[self.namespace, "|", &self.name], &[other.namespace, "|", &other.name])
    }
}

/// As texts `group_version_kind`.
fn compare_kinds(one: &Gvk<'_>, other: &Gvk<'_>) -> Ordering {
    if one == other {
        return Ordering::Equal;
    }
    compare_joined(&parts(one), &parts(other))
}

fn parts<'a>(gvk: &Gvk<'a>) -> [&'a str; 5] {
    [or(gvk.group, "~G"), "_", or(gvk.version, "~V"), "_", or(gvk.kind, "~K")]
}

/// Compares what the parts are when they are joined, without joining them.
fn compare_joined(one: &[&str], other: &[&str]) -> Ordering {
    one.iter().flat_map(|part| part.bytes()).cmp(other.iter().flat_map(|part| part.bytes()))
}

fn or<'a>(text: &'a str, other: &'a str) -> &'a str {
    if text.is_empty() { other } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_compared_as_kustomize_writes_them() {
        let text = [
            "{apiVersion: b/v1, kind: X, metadata: {name: a}}",
            "{apiVersion: v1, kind: X, metadata: {name: a}}",
            "{apiVersion: a_b/v1, kind: X, metadata: {name: a}}",
            "{apiVersion: a/v1, kind: X, metadata: {name: b}}",
            "{apiVersion: a/v1, kind: X, metadata: {name: z, namespace: n}}",
            "{apiVersion: a/v1, kind: X, metadata: {name: a, namespace: n-m}}",
            "{apiVersion: g/v1, kind: Namespace, metadata: {name: n}}",
            "{apiVersion: v1, kind: Namespace, metadata: {name: n}}",
        ];
        let mut resources = crate::read::resources(text.join("\n---\n").as_bytes(), "t").expect("is YAML");
        legacy(&mut resources, None);
        let told: Vec<String> = resources.iter().map(|one| format!("{} {} {}", one.api_version(), one.name(), one.namespace())).collect();
        assert_eq!(told, ["v1 n ", "g/v1 n ", "a_b/v1 a ", "a/v1 a n-m", "a/v1 z n", "a/v1 b ", "b/v1 a ", "v1 a "]);
    }
}
