//! Which kinds live outside namespaces, as kustomize 5.8.1 knows it (Kubernetes 1.21, by exact group, version and kind).

use crate::id::Gvk;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

thread_local! {
    /// What the schema of the build on this thread says. In kustomize it belongs to the process, and every id asks it: no other value could reach them all.
    static OWN: RefCell<Option<Arc<Scopes>>> = const { RefCell::new(None) };
}

/// What a schema of one's own says of the kinds that Kubernetes does not have.
#[derive(Debug, Default)]
pub(crate) struct Scopes {
    /// Whether a kind is namespaced, by group, version and kind.
    namespaced: HashMap<String, bool>,
}

impl Scopes {
    /// Learns from a path at which objects of a kind are read: one within a namespace counts for more than any other.
    pub(crate) fn learn(&mut self, path: &str, gvk: &Gvk<'_>) {
        let within = path.contains("namespaces/{namespace}");
        *self.namespaced.entry(key(gvk)).or_default() |= within;
    }
}

fn key(gvk: &Gvk<'_>) -> String {
    format!("{}/{}/{}", gvk.group, gvk.version, gvk.kind)
}

/// What the schema of this thread's build says, to be handed on to the threads that help with it.
pub(crate) fn own() -> Option<Arc<Scopes>> {
    OWN.with_borrow(Clone::clone)
}

/// Takes over what [`own`] gave on the thread of the build.
pub(crate) fn adopt(own: Option<Arc<Scopes>>) {
    OWN.set(own);
}

/// The time in which a build's own schema is in force, which ends with the build; what was in force before is so again.
#[derive(Debug)]
pub(crate) struct Force {
    before: Option<Arc<Scopes>>,
}

impl Force {
    /// A build begins: nothing is known but Kubernetes' own kinds.
    pub(crate) fn begin() -> Self {
        Self { before: OWN.take() }
    }

    /// The build has chosen a schema.
    pub(crate) fn choose(&self, scopes: Scopes) {
        OWN.set(Some(Arc::new(scopes)));
    }
}

impl Drop for Force {
    fn drop(&mut self) {
        OWN.set(self.before.take());
    }
}

/// Whether kustomize takes a kind for cluster-scoped. Kinds that neither it nor a schema of the build knows are namespaced.
pub(crate) fn is_cluster_scoped(gvk: &Gvk<'_>) -> bool {
    let versions: &[&str] = match (gvk.group, gvk.kind) {
        ("", "ComponentStatus" | "Namespace" | "Node" | "PersistentVolume") => &["v1"],
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration") => &["v1", "v1beta1"],
        ("apiextensions.k8s.io", "CustomResourceDefinition") => &["v1", "v1beta1"],
        ("apiregistration.k8s.io", "APIService") => &["v1", "v1beta1"],
        ("authentication.k8s.io", "TokenReview") => &["v1", "v1beta1"],
        ("authorization.k8s.io", "SelfSubjectAccessReview" | "SelfSubjectRulesReview" | "SubjectAccessReview") => &["v1", "v1beta1"],
        ("certificates.k8s.io", "CertificateSigningRequest") => &["v1", "v1beta1"],
        ("flowcontrol.apiserver.k8s.io", "FlowSchema" | "PriorityLevelConfiguration") => &["v1beta1", "v1alpha1"],
        ("internal.apiserver.k8s.io", "StorageVersion") => &["v1alpha1"],
        ("networking.k8s.io", "IngressClass") => &["v1", "v1beta1"],
        ("node.k8s.io", "RuntimeClass") => &["v1", "v1beta1", "v1alpha1"],
        ("policy" | "extensions", "PodSecurityPolicy") => &["v1beta1"],
        ("rbac.authorization.k8s.io", "ClusterRole" | "ClusterRoleBinding") => &["v1", "v1beta1", "v1alpha1"],
        ("scheduling.k8s.io", "PriorityClass") => &["v1", "v1beta1", "v1alpha1"],
        ("storage.k8s.io", "CSIDriver" | "CSINode" | "StorageClass" | "VolumeAttachment") => &["v1", "v1beta1", "v1alpha1"],
        _ => &[],
    };
    versions.contains(&gvk.version) || is_own_cluster_scoped(gvk)
}

fn is_own_cluster_scoped(gvk: &Gvk<'_>) -> bool {
    OWN.with_borrow(|own| own.as_ref().is_some_and(|own| own.namespaced.get(&key(gvk)) == Some(&false)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The generated table of Kubernetes 1.36 says the same of every kind that 1.21 had; kustomize takes what came later for namespaced.
    #[test]
    fn agrees_with_the_generated_table_but_for_what_is_newer() {
        let kinds = fiel_schema::Registry::builtin().kinds();
        let different = kinds.filter(|kind| {
            let gvk = Gvk { group: kind.group(), version: kind.version(), kind: kind.kind() };
            is_cluster_scoped(&gvk) == kind.namespaced()
        });
        let different: Vec<String> = different.map(|kind| format!("{}/{} {}", kind.group(), kind.version(), kind.kind())).collect();
        let newer = [
            "admissionregistration.k8s.io/v1 MutatingAdmissionPolicy",
            "admissionregistration.k8s.io/v1 MutatingAdmissionPolicyBinding",
            "admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy",
            "admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding",
            "authentication.k8s.io/v1 SelfSubjectReview",
            "flowcontrol.apiserver.k8s.io/v1 FlowSchema",
            "flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfiguration",
            "networking.k8s.io/v1 IPAddress",
            "networking.k8s.io/v1 ServiceCIDR",
            "resource.k8s.io/v1 DeviceClass",
            "resource.k8s.io/v1 ResourceSlice",
            "storage.k8s.io/v1 VolumeAttributesClass",
        ];
        assert_eq!(different, newer);
    }
}
