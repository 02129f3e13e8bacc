//! kustomize's built-in table of name references: which fields of which kinds name a resource of another kind.

use std::borrow::Cow;

use crate::fieldspec::FieldSpec;
use crate::id::Gvk;

/// A field that may name a resource of the kind `target`.
pub(crate) struct Reference {
    pub(crate) target: Gvk<'static>,
    pub(crate) spec: FieldSpec,
}

const POD_SPEC: [(&str, &str); 8] = [
    ("Pod", "spec"),
    ("PodTemplate", "template/spec"),
    ("Deployment", "spec/template/spec"),
    ("ReplicaSet", "spec/template/spec"),
    ("DaemonSet", "spec/template/spec"),
    ("StatefulSet", "spec/template/spec"),
    ("Job", "spec/template/spec"),
    ("CronJob", "spec/jobTemplate/spec/template/spec"),
];

const WORKLOADS: [(&str, &str); 7] = [
    ("Pod", "spec"),
    ("StatefulSet", "spec/template/spec"),
    ("Deployment", "spec/template/spec"),
    ("ReplicationController", "spec/template/spec"),
    ("CronJob", "spec/jobTemplate/spec/template/spec"),
    ("Job", "spec/template/spec"),
    ("DaemonSet", "spec/template/spec"),
];

const CONFIG_MAP_IN_POD: [&str; 6] = [
    "volumes/configMap/name",
    "containers/env/valueFrom/configMapKeyRef/name",
    "initContainers/env/valueFrom/configMapKeyRef/name",
    "containers/envFrom/configMapRef/name",
    "initContainers/envFrom/configMapRef/name",
    "volumes/projected/sources/configMap/name",
];

const SECRET_IN_POD: [&str; 7] = [
    "volumes/secret/secretName",
    "containers/env/valueFrom/secretKeyRef/name",
    "initContainers/env/valueFrom/secretKeyRef/name",
    "containers/envFrom/secretRef/name",
    "initContainers/envFrom/secretRef/name",
    "imagePullSecrets/name",
    "volumes/projected/sources/secret/name",
];

/// (target group, target version, target kind, referring group, referring kind, path)
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

const RBAC: &str = "rbac.authorization.k8s.io";
const HOOKS: &str = "admissionregistration.k8s.io";

const OTHERS: [Row; 42] = [
    ("", "", "Deployment", "", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name"),
    ("", "", "ReplicationController", "", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name"),
    ("", "", "ReplicaSet", "", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name"),
    ("", "", "StatefulSet", "", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name"),
    ("", "v1", "ConfigMap", "", "Node", "spec/configSource/configMap"),
    ("", "v1", "ConfigMap", "", "Role", "rules/resourceNames"),
    ("", "v1", "ConfigMap", "", "ClusterRole", "rules/resourceNames"),
    ("", "v1", "ConfigMap", "", "Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap"),
    ("", "v1", "Secret", "", "Ingress", "spec/tls/secretName"),
    ("", "v1", "Secret", "", "Ingress", "metadata/annotations/ingress.kubernetes.io\\/auth-secret"),
    ("", "v1", "Secret", "", "Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-secret"),
    ("", "v1", "Secret", "", "Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-tls-secret"),
    ("", "v1", "Secret", "", "ServiceAccount", "imagePullSecrets/name"),
    ("", "v1", "Secret", "", "StorageClass", "parameters/secretName"),
    ("", "v1", "Secret", "", "StorageClass", "parameters/adminSecretName"),
    ("", "v1", "Secret", "", "StorageClass", "parameters/userSecretName"),
    ("", "v1", "Secret", "", "StorageClass", "parameters/secretRef"),
    ("", "v1", "Secret", "", "Role", "rules/resourceNames"),
    ("", "v1", "Secret", "", "ClusterRole", "rules/resourceNames"),
    ("", "v1", "Secret", "serving.knative.dev", "Service", "spec/template/spec/containers/env/valueFrom/secretKeyRef/name"),
    ("", "v1", "Secret", "", "PersistentVolume", "spec/azureFile/secretName"),
    ("", "v1", "Service", "apps", "StatefulSet", "spec/serviceName"),
    ("", "v1", "Service", "", "Ingress", "spec/rules/http/paths/backend/serviceName"),
    ("", "v1", "Service", "", "Ingress", "spec/backend/serviceName"),
    ("", "v1", "Service", "", "Ingress", "spec/rules/http/paths/backend/service/name"),
    ("", "v1", "Service", "", "Ingress", "spec/defaultBackend/service/name"),
    ("", "v1", "Service", "apiregistration.k8s.io", "APIService", "spec/service/name"),
    ("", "v1", "Service", HOOKS, "ValidatingWebhookConfiguration", "webhooks/clientConfig/service"),
    ("", "v1", "Service", HOOKS, "MutatingWebhookConfiguration", "webhooks/clientConfig/service"),
    ("", "v1", "Service", "", "HTTPRoute", "spec/rules/backendRefs/name"),
    (HOOKS, "", "ValidatingAdmissionPolicy", HOOKS, "ValidatingAdmissionPolicyBinding", "spec/policyName"),
    (RBAC, "", "Role", RBAC, "RoleBinding", "roleRef/name"),
    (RBAC, "", "ClusterRole", RBAC, "RoleBinding", "roleRef/name"),
    (RBAC, "", "ClusterRole", RBAC, "ClusterRoleBinding", "roleRef/name"),
    ("", "v1", "ServiceAccount", RBAC, "RoleBinding", "subjects"),
    ("", "v1", "ServiceAccount", RBAC, "ClusterRoleBinding", "subjects"),
    ("", "v1", "PersistentVolume", "", "PersistentVolumeClaim", "spec/volumeName"),
    ("", "v1", "PersistentVolume", "", "ClusterRole", "rules/resourceNames"),
    ("storage.k8s.io", "v1", "StorageClass", "", "PersistentVolume", "spec/storageClassName"),
    ("storage.k8s.io", "v1", "StorageClass", "", "PersistentVolumeClaim", "spec/storageClassName"),
    ("storage.k8s.io", "v1", "StorageClass", "", "StatefulSet", "spec/volumeClaimTemplates/spec/storageClassName"),
    // kustomize's own table has the version inside the group here, so that this never matches; kept for the record.
    ("networking.k8s.io/v1", "v1", "IngressClass", "", "Ingress", "spec/ingressClassName"),
];

/// The references of one referring kind.
pub(crate) fn of(wanted: &str) -> Vec<Reference> {
    let mut found = Vec::new();
    let mut add = |target: Gvk<'static>, group: &'static str, version: &'static str, kind: &'static str, path: Cow<'static, str>| {
        let spec = FieldSpec::of_version(group, version, kind, "", false).at(path);
        found.push(Reference { target, spec });
    };
    let core = |kind| Gvk { group: "", version: "v1", kind };
    let mut pods = |target: Gvk<'static>, kinds: &[(&'static str, &'static str)], fields: &[&str], pods_v1: bool| {
        for (kind, prefix) in kinds.iter().filter(|(kind, _)| *kind == wanted) {
            let version = if pods_v1 && *kind == "Pod" { "v1" } else { "" };
            for field in fields {
                add(target, "", version, kind, Cow::Owned(format!("{prefix}/{field}")));
            }
        }
    };
    pods(core("ConfigMap"), &POD_SPEC, &CONFIG_MAP_IN_POD, true);
    pods(core("Secret"), &POD_SPEC, &SECRET_IN_POD, true);
    pods(core("ServiceAccount"), &WORKLOADS, &["serviceAccountName"], false);
    pods(core("PersistentVolumeClaim"), &WORKLOADS, &["volumes/persistentVolumeClaim/claimName"], false);
    pods(Gvk { group: "scheduling.k8s.io", version: "v1", kind: "PriorityClass" }, &WORKLOADS, &["priorityClassName"], false);
    for (group, version, kind, from_group, from_kind, path) in OTHERS.into_iter().filter(|row| row.4 == wanted) {
        let from_version = if from_group == "serving.knative.dev" { "v1" } else { "" };
        add(Gvk { group, version, kind }, from_group, from_version, from_kind, Cow::Borrowed(path));
    }
    found
}
