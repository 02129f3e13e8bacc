//! By which keys the lists of Kubernetes' own kinds merge, as kustomize 5.8.1 knows it (Kubernetes 1.21).
//!
//! kustomize embeds an old OpenAPI document and byte-equal output needs exactly that one, so the newer table of `fiel-schema` cannot be used as it is:
//! kinds that came after 1.21 have no merge keys here, their lists are replaced.

use std::borrow::Cow;

use crate::id::Gvk;
use crate::openapi::{Place, Schemas};

/// How a list meets the same list of a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListMerge<'a> {
    /// The patch's list replaces it.
    Replace,
    /// Elements are paired by these keys.
    Keys(&'a [Cow<'static, str>]),
    /// A set of scalars.
    Set,
}

/// What is known about a place in a resource.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Shape<'a> {
    Unknown,
    /// In a schema of the kustomization.
    Custom(Place<'a>),
    /// A kind: its body's shape and its status.
    Root(Body),
    Meta,
    PodTemplate,
    PodSpec,
    Container,
    Workload,
    ServiceSpec,
    JobTemplate,
    CronSpec,
    Status,
    CsiSpec,
    NodeSpec,
}

/// What distinguishes the kinds at their top level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    Plain,
    Workload,
    Pod,
    Template,
    Service,
    CronJob,
    ServiceAccount,
    Webhooks,
    CsiNode,
    Node,
    ComponentStatus,
    /// Kinds whose status has conditions that are replaced as a whole.
    PlainStatus,
}

/// The shape of a kind; `Unknown` where kustomize has no schema.
pub(crate) fn root<'a>(gvk: &Gvk<'_>, schemas: &'a Schemas) -> Shape<'a> {
    let own = schemas.custom(gvk).map(Shape::Custom);
    match own {
        Some(own) if !schemas.prefers_builtin() || builtin(gvk) == Shape::Unknown => own,
        _ if schemas.has_builtin() => builtin(gvk),
        _ => Shape::Unknown,
    }
}

/// The shape of one of Kubernetes' own kinds.
pub(crate) fn builtin(gvk: &Gvk<'_>) -> Shape<'static> {
    let body = match (gvk.group, gvk.version, gvk.kind) {
        ("apps", "v1", "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet")
        | ("", "v1", "ReplicationController")
        | ("batch", "v1", "Job") => Body::Workload,
        ("", "v1", "Pod") => Body::Pod,
        ("", "v1", "PodTemplate") => Body::Template,
        ("", "v1", "Service") => Body::Service,
        ("batch", "v1" | "v1beta1", "CronJob") => Body::CronJob,
        ("", "v1", "ServiceAccount") => Body::ServiceAccount,
        ("", "v1", "Node") => Body::Node,
        ("", "v1", "ComponentStatus") => Body::ComponentStatus,
        ("apiextensions.k8s.io", "v1" | "v1beta1", "CustomResourceDefinition")
        | ("certificates.k8s.io", "v1" | "v1beta1", "CertificateSigningRequest") => Body::PlainStatus,
        ("admissionregistration.k8s.io", "v1" | "v1beta1", "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration") => {
            Body::Webhooks
        }
        ("storage.k8s.io", "v1" | "v1beta1", "CSINode") => Body::CsiNode,
        _ if is_known(gvk) => Body::Plain,
        _ => return Shape::Unknown,
    };
    Shape::Root(body)
}

/// The other kinds of Kubernetes 1.21.
fn is_known(gvk: &Gvk<'_>) -> bool {
    let versions: &[&str] = match (gvk.group, gvk.kind) {
        (
            "",
            "ConfigMap"
            | "Secret"
            | "Namespace"
            | "PersistentVolume"
            | "PersistentVolumeClaim"
            | "Endpoints"
            | "Event"
            | "LimitRange"
            | "ResourceQuota"
            | "Binding",
        ) => &["v1"],
        ("apps", "ControllerRevision") => &["v1"],
        ("autoscaling", "HorizontalPodAutoscaler") => &["v1", "v2beta1", "v2beta2"],
        ("networking.k8s.io", "Ingress" | "IngressClass") => &["v1", "v1beta1"],
        ("networking.k8s.io", "NetworkPolicy") => &["v1"],
        ("extensions", "Ingress") => &["v1beta1"],
        ("policy", "PodDisruptionBudget") => &["v1", "v1beta1"],
        ("policy", "PodSecurityPolicy") => &["v1beta1"],
        ("rbac.authorization.k8s.io", "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding") => &["v1", "v1beta1", "v1alpha1"],
        ("scheduling.k8s.io", "PriorityClass") => &["v1", "v1beta1", "v1alpha1"],
        ("storage.k8s.io", "StorageClass" | "VolumeAttachment" | "CSIDriver" | "CSIStorageCapacity") => &["v1", "v1beta1", "v1alpha1"],
        ("apiregistration.k8s.io", "APIService") => &["v1", "v1beta1"],
        ("coordination.k8s.io", "Lease") => &["v1", "v1beta1"],
        ("discovery.k8s.io", "EndpointSlice") => &["v1", "v1beta1"],
        ("events.k8s.io", "Event") => &["v1", "v1beta1"],
        ("flowcontrol.apiserver.k8s.io", "FlowSchema" | "PriorityLevelConfiguration") => &["v1beta1"],
        ("node.k8s.io", "RuntimeClass") => &["v1", "v1beta1", "v1alpha1"],
        _ => return false,
    };
    versions.contains(&gvk.version)
}

impl<'a> Shape<'a> {
    /// The shape of a field, or of the elements of a list field, and how that list merges.
    pub(crate) fn field(self, name: &str) -> (Shape<'a>, ListMerge<'a>) {
        use ListMerge::{Keys, Replace, Set};
        const NAME: ListMerge<'static> = Keys(&[Cow::Borrowed("name")]);
        const TYPE: ListMerge<'static> = Keys(&[Cow::Borrowed("type")]);
        match (self, name) {
            (Shape::Custom(place), _) => {
                let (shape, list) = place.field(name).unwrap_or((None, Replace));
                (shape.map_or(Shape::Unknown, Shape::Custom), list)
            }
            (Shape::Root(_) | Shape::PodTemplate | Shape::JobTemplate, "metadata") => (Shape::Meta, Replace),
            (Shape::Root(Body::Pod) | Shape::PodTemplate, "spec") => (Shape::PodSpec, Replace),
            (Shape::Root(Body::Workload) | Shape::JobTemplate, "spec") => (Shape::Workload, Replace),
            (Shape::Root(Body::Template) | Shape::Workload, "template") => (Shape::PodTemplate, Replace),
            (Shape::Root(Body::Service), "spec") => (Shape::ServiceSpec, Replace),
            (Shape::Root(Body::CronJob), "spec") => (Shape::CronSpec, Replace),
            (Shape::Root(Body::CsiNode), "spec") => (Shape::CsiSpec, Replace),
            (Shape::Root(Body::Node), "spec") => (Shape::NodeSpec, Replace),
            (Shape::NodeSpec, "podCIDRs") => (Shape::Unknown, Set),
            (Shape::Root(Body::ServiceAccount), "secrets") | (Shape::Root(Body::Webhooks), "webhooks") | (Shape::CsiSpec, "drivers") => {
                (Shape::Unknown, NAME)
            }
            (Shape::Root(Body::ComponentStatus), "conditions") => (Shape::Unknown, TYPE),
            (Shape::Root(Body::PlainStatus), "status") => (Shape::Unknown, Replace),
            (Shape::Root(_), "status") => (Shape::Status, Replace),
            (Shape::Status, "conditions" | "addresses") => (Shape::Unknown, TYPE),
            (Shape::Status, "podIPs") => (Shape::Unknown, Keys(&[Cow::Borrowed("ip")])),
            (Shape::CronSpec, "jobTemplate") => (Shape::JobTemplate, Replace),
            (Shape::Meta, "ownerReferences") => (Shape::Unknown, Keys(&[Cow::Borrowed("uid")])),
            (Shape::Meta, "finalizers") => (Shape::Unknown, Set),
            (Shape::PodSpec, "containers" | "initContainers" | "ephemeralContainers") => (Shape::Container, NAME),
            (Shape::PodSpec, "volumes" | "imagePullSecrets") | (Shape::Container, "env") => (Shape::Unknown, NAME),
            (Shape::PodSpec, "hostAliases") => (Shape::Unknown, Keys(&[Cow::Borrowed("ip")])),
            (Shape::PodSpec, "topologySpreadConstraints") => {
                (Shape::Unknown, Keys(&[Cow::Borrowed("topologyKey"), Cow::Borrowed("whenUnsatisfiable")]))
            }
            (Shape::Container, "ports") => (Shape::Unknown, Keys(&[Cow::Borrowed("containerPort"), Cow::Borrowed("protocol")])),
            (Shape::Container, "volumeMounts") => (Shape::Unknown, Keys(&[Cow::Borrowed("mountPath")])),
            (Shape::Container, "volumeDevices") => (Shape::Unknown, Keys(&[Cow::Borrowed("devicePath")])),
            (Shape::ServiceSpec, "ports") => (Shape::Unknown, Keys(&[Cow::Borrowed("port"), Cow::Borrowed("protocol")])),
            _ => (Shape::Unknown, Replace),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fiel_schema::{Node, Registry};

    use super::*;

    /// Walks a kind's schema of today beside the shape of 1.21 and notes where lists merge by other keys.
    fn differences(node: Node<'_>, shape: Shape<'_>, path: &str, depth: usize, found: &mut BTreeSet<String>) {
        if depth == 0 || shape == Shape::Unknown {
            return;
        }
        for (name, field) in node.fields() {
            let (inner, list) = shape.field(name);
            let here = format!("{path}.{name}");
            let keys: Vec<&str> = match (field.is_list() && field.patch_merges(), field.patch_merge_key()) {
                (true, Some(key)) => {
                    let several: Vec<&str> = field.list_map_keys().collect();
                    if several.is_empty() { vec![key] } else { several }
                }
                _ => Vec::new(),
            };
            let ours: Vec<&str> = match &list {
                ListMerge::Keys(keys) => keys.iter().map(AsRef::as_ref).collect(),
                ListMerge::Replace | ListMerge::Set => Vec::new(),
            };
            if keys != ours {
                found.insert(format!("{here}: {keys:?} now, {ours:?} in kustomize"));
            }
            let next = field.items().unwrap_or(field);
            differences(next, inner, &here, depth - 1, found);
        }
    }

    /// The list above is not trusted by itself: the generated table of Kubernetes 1.36 says the same, but for what came or changed after 1.21.
    #[test]
    fn agrees_with_the_generated_table_but_for_what_is_newer() {
        let schemas = Schemas::default().for_merge();
        let mut found = BTreeSet::new();
        let mut kinds = 0;
        for kind in Registry::builtin().kinds() {
            let gvk = Gvk { group: kind.group(), version: kind.version(), kind: kind.kind() };
            let shape = root(&gvk, &schemas);
            kinds += usize::from(shape != Shape::Unknown);
            differences(kind.schema(), shape, kind.kind(), 9, &mut found);
        }
        assert!(kinds > 40, "{kinds}");
        let newer = ["resourceClaims", "schedulingGates", "hostIPs", "resourceClaimStatuses"];
        found.retain(|told| !newer.iter().any(|name| told.contains(&format!(".{name}: "))));
        assert!(found.is_empty(), "{found:#?}");
    }
}
