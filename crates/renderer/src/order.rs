//! The order in which resources come out.

use crate::id::Id;
use crate::resource::Resource;

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
    let mut keys: Vec<Key> = resources
        .iter()
        .enumerate()
        .map(|(at, resource)| (rank(resource.kind()), group_version_kind(&resource.id()), rest(&resource.id()), at))
        .collect();
    keys.sort_unstable_by(|a, b| {
        let (one, other) = (&resources[a.3], &resources[b.3]);
        let by_group = a.1.cmp(&b.1);
        // Among Namespaces the real ones come before those of other groups.
        let reverse =
            one.kind() == "Namespace" && other.kind() == "Namespace" && (one.gvk().group.is_empty() || other.gvk().group.is_empty());
        a.0.cmp(&b.0).then(if reverse { by_group.reverse() } else { by_group }).then_with(|| a.2.cmp(&b.2)).then(a.3.cmp(&b.3))
    });
    let mut old: Vec<Option<Resource>> = std::mem::take(resources).into_iter().map(Some).collect();
    resources.extend(keys.into_iter().filter_map(|(.., at)| old[at].take()));
}

/// What decides where a resource comes: its kind's rank, its group, version and kind, its namespace and name, and where it stood.
type Key = (i64, String, String, usize);

fn group_version_kind(id: &Id<'_>) -> String {
    let or = |text: &'_ str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
    format!("{}_{}_{}", or(id.gvk.group, "~G"), or(id.gvk.version, "~V"), or(id.gvk.kind, "~K"))
}

fn rest(id: &Id<'_>) -> String {
    let or = |text: &'_ str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
    format!("{}|{}", or(id.namespace, "~X"), or(id.name, "~N"))
}
