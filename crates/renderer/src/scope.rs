//! Which kinds live outside namespaces, as kustomize 5.8.1 knows it (Kubernetes 1.21, by exact group, version and kind).

use crate::id::Gvk;

/// Whether kustomize takes a kind for cluster-scoped. Kinds that it does not know are namespaced.
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
        _ => return false,
    };
    versions.contains(&gvk.version)
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
