//! The order in which resources come out.

use std::cmp::Ordering;

use foldhash::HashMap;
use foldhash::HashMapExt as _;

use crate::id::Gvk;
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
    let size = parallel::part_of_little(resources.len());
    let parts = parallel::run(resources.chunks(size).enumerate(), |(nth, part)| Part::of(part, nth * size));
    let ranks = Ranks::of(parts.iter().flat_map(|part| &part.kinds).copied(), lists);
    let sorted = parallel::run(parts, |part| part.sorted(&ranks));
    let mut keys: Vec<Key<'_>> = sorted.into_iter().flatten().collect();
    // This sort finds the parts that are in order, and merges them.
    keys.sort_by(Key::compare);
    let order: Vec<usize> = keys.into_iter().map(|key| key.at).collect();
    let mut old: Vec<Option<Resource>> = std::mem::take(resources).into_iter().map(Some).collect();
    resources.extend(order.into_iter().filter_map(|at| old[at].take()));
}

/// The keys of some resources, by a thread of their own.
struct Part<'a> {
    /// The kinds that there are; those of the keys are numbers among them.
    kinds: Vec<Gvk<'a>>,
    keys: Vec<Key<'a>>,
}

impl<'a> Part<'a> {
    /// `first`: where the first one stands among all.
    fn of(resources: &'a [Resource], first: usize) -> Self {
        let mut known: HashMap<Gvk<'_>, usize> = HashMap::new();
        let mut kinds = Vec::new();
        let keys = resources.iter().enumerate().map(|(at, resource)| {
            let gvk = resource.gvk();
            let kind = *known.entry(gvk).or_insert_with(|| {
                kinds.push(gvk);
                kinds.len() - 1
            });
            Key::new(kind, resource, first + at)
        });
        let keys = keys.collect();
        Self { kinds, keys }
    }

    fn sorted(self, ranks: &Ranks<'_>) -> Vec<Key<'a>> {
        let Self { kinds, mut keys } = self;
        let of_kinds: Vec<usize> = kinds.iter().map(|kind| ranks.0.get(kind).copied().unwrap_or_default()).collect();
        keys.iter_mut().for_each(|key| key.kind = of_kinds[key.kind]);
        keys.sort_unstable_by(Key::compare);
        keys
    }
}

/// Where kinds come among all. There are few of them, so that they are put in order once, and then only numbers are compared.
struct Ranks<'a>(HashMap<Gvk<'a>, usize>);

impl<'a> Ranks<'a> {
    fn of(kinds: impl Iterator<Item = Gvk<'a>>, lists: Option<(&[String], &[String])>) -> Self {
        let mut ordered: Vec<(i64, Gvk<'_>)> = kinds.map(|gvk| (rank(gvk.kind, lists), gvk)).collect();
        let compare = |one: &(i64, Gvk<'_>), other: &(i64, Gvk<'_>)| one.0.cmp(&other.0).then_with(|| compare_alike(&one.1, &other.1));
        ordered.sort_by(compare);
        // Kinds whose texts are the same come together.
        let alike = ordered.chunk_by(|one, other| compare(one, other) == Ordering::Equal).enumerate();
        Self(alike.flat_map(|(rank, alike)| alike.iter().map(move |(_, gvk)| (*gvk, rank))).collect())
    }
}

/// Where a kind stands in the lists (of several places the last one counts); the others have 0.
fn rank(kind: &str, lists: Option<(&[String], &[String])>) -> i64 {
    let place = |at: Option<usize>| at.and_then(|at| i64::try_from(at).ok());
    let (first, last) = match lists {
        Some((first, last)) => (place(first.iter().rposition(|one| one == kind)), place(last.iter().rposition(|one| one == kind))),
        None => (place(FIRST.iter().position(|one| *one == kind)), place(LAST.iter().position(|one| *one == kind))),
    };
    match (first, last) {
        (_, Some(last)) => 1 + last,
        (Some(first), None) => first - i64::from(u32::MAX),
        (None, None) => 0,
    }
}

/// What decides where a resource comes: its kind, namespace and name, and at last where it stood. The name is here itself: it is what is mostly compared, and
/// lies far away in the resource.
struct Key<'a> {
    kind: usize,
    namespace: &'a str,
    name: Text,
    at: usize,
}

impl<'a> Key<'a> {
    fn new(kind: usize, resource: &'a Resource, at: usize) -> Self {
        Self { kind, namespace: or(resource.namespace(), "~X"), name: or(resource.name(), "~N").into(), at }
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.kind.cmp(&other.kind).then_with(|| self.compare_names(other)).then(self.at.cmp(&other.at))
    }

    /// As texts `namespace|name`.
    fn compare_names(&self, other: &Self) -> Ordering {
        if self.namespace == other.namespace {
            return self.name.as_str().cmp(&other.name);
        }
        compare_joined(&[self.namespace, "|", &self.name], &[other.namespace, "|", &other.name])
    }
}

/// Kinds of one rank.
fn compare_alike(one: &Gvk<'_>, other: &Gvk<'_>) -> Ordering {
    let order = compare_kinds(one, other);
    // Among Namespaces the real ones come before those of other groups.
    let namespaces = one.kind == "Namespace" && other.kind == "Namespace";
    let reverse = namespaces && (one.group.is_empty() || other.group.is_empty());
    if reverse { order.reverse() } else { order }
}

/// Where kinds stand to each other in the legacy order.
pub(crate) fn compare_gvks(one: &Gvk<'_>, other: &Gvk<'_>) -> Ordering {
    rank(one.kind, None).cmp(&rank(other.kind, None)).then_with(|| compare_alike(one, other))
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
            "{apiVersion: a/b_v1, kind: X, metadata: {name: c}}",
            "{apiVersion: a_b/v1, kind: X, metadata: {name: d}}",
        ];
        let mut resources = crate::read::resources(text.join("\n---\n").as_bytes(), "t").expect("is YAML");
        legacy(&mut resources, None);
        let told: Vec<String> = resources.iter().map(|one| format!("{} {} {}", one.api_version(), one.name(), one.namespace())).collect();
        assert_eq!(
            told,
            ["v1 n ", "g/v1 n ", "a_b/v1 a ", "a/b_v1 c ", "a_b/v1 d ", "a/v1 a n-m", "a/v1 z n", "a/v1 b ", "b/v1 a ", "v1 a "]
        );
    }
}
