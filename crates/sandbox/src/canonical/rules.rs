//! What the server refuses in each kind, as tables: what several kinds need is a line here, not code. What is not listed is accepted.
//!
//! The lines stand in the order in which the server looks, for that is the order of the errors it tells.

use super::check::Check::{
    All, AtMostAll, Choice, Each, Immutable, Inside, Kept, Labels, NotNegative, NumberOrPercent, Of, OneOf, Port, PortOrName, Required,
    Selector, With, Within,
};
use super::check::Rules;
use super::meta::Looks;
use super::template::DATA;
use super::volume::HOST_PATH;
use super::{config, format, job, network, storage, workload};

/// The rules of a kind.
pub(super) fn of(group: &str, kind: &str) -> Rules {
    match (group, kind) {
        ("", "Pod") => &[("", With(workload::pod))],
        ("apps", "Deployment") => DEPLOYMENT,
        ("apps", "ReplicaSet") => REPLICA_SET,
        ("apps", "StatefulSet") => STATEFUL_SET,
        ("apps", "DaemonSet") => DAEMON_SET,
        ("batch", "Job") => {
            &[("", With(job::generated_selector)), ("spec", With(job::spec)), ("", With(job::name)), ("", With(job::update))]
        }
        ("batch", "CronJob") => CRON_JOB,
        ("", "Service") => SERVICE,
        ("", "ConfigMap") => {
            &[("data", Inside(DATA)), ("binaryData", Inside(DATA)), ("", With(config::twice)), ("", With(config::immutable))]
        }
        ("", "Secret") => &[("type", Immutable), ("", With(config::immutable)), ("data", Inside(DATA)), ("", With(config::secret))],
        ("", "Namespace") => &[("spec.finalizers", With(config::finalizers))],
        ("", "PersistentVolumeClaim") => CLAIM,
        ("", "PersistentVolume") => VOLUME,
        ("storage.k8s.io", "StorageClass") => &[
            ("provisioner", Required("")),
            ("provisioner", Of(format::qualified)),
            ("reclaimPolicy", OneOf(&["Delete", "Retain"])),
            ("volumeBindingMode", OneOf(&["Immediate", "WaitForFirstConsumer"])),
            ("parameters", Immutable),
        ],
        ("scheduling.k8s.io", "PriorityClass") => &[
            ("", With(config::priority)),
            ("preemptionPolicy", OneOf(&["PreemptLowerPriority", "Never"])),
            ("value", Kept("may not be changed in an update.")),
        ],
        ("networking.k8s.io", "Ingress") => INGRESS,
        ("networking.k8s.io", "NetworkPolicy") => NETWORK_POLICY,
        ("autoscaling", "HorizontalPodAutoscaler") => super::scaling::AUTOSCALER,
        ("policy", "PodDisruptionBudget") => BUDGET,
        ("rbac.authorization.k8s.io", "Role") => &[("rules", Each(&[("", With(config::namespaced_rule))]))],
        ("rbac.authorization.k8s.io", "ClusterRole") => {
            &[("rules", Each(&[("", With(config::rule))])), ("aggregationRule", With(config::aggregation))]
        }
        ("rbac.authorization.k8s.io", "RoleBinding") => &[
            ("roleRef.apiGroup", Choice(&["rbac.authorization.k8s.io"])),
            ("roleRef.kind", Choice(&["Role", "ClusterRole"])),
            ("roleRef.name", Required("")),
            ("roleRef.name", Of(format::path_segment)),
            ("subjects", Each(SUBJECT)),
            ("roleRef", With(config::same_role)),
        ],
        ("rbac.authorization.k8s.io", "ClusterRoleBinding") => &[
            ("roleRef.apiGroup", Choice(&["rbac.authorization.k8s.io"])),
            ("roleRef.kind", Choice(&["ClusterRole"])),
            ("roleRef.name", Required("")),
            ("roleRef.name", Of(format::path_segment)),
            ("subjects", Each(SUBJECT)),
            ("subjects", Each(&[("", With(config::account_namespace))])),
            ("roleRef", With(config::same_role)),
        ],
        _ => &[],
    }
}

/// What is looked at first in objects of a kind: where something is wrong there, the server looks no further.
pub(super) fn first(group: &str, kind: &str) -> Rules {
    if (group, kind) == ("", "Service") { ADDRESSES } else { &[] }
}

/// What a kind's own rules look at in metadata.
pub(super) fn looks(group: &str, kind: &str) -> Looks {
    match (group, kind) {
        ("policy", "PodDisruptionBudget") => Looks::Never,
        ("apps", _) | ("", "Service") | ("autoscaling", "HorizontalPodAutoscaler") | ("batch", "CronJob") => Looks::Change,
        ("networking.k8s.io", "NetworkPolicy") | ("scheduling.k8s.io", "PriorityClass") => Looks::Change,
        ("rbac.authorization.k8s.io" | "storage.k8s.io", _) | ("batch", "Job") | ("", "Namespace" | "Node") => Looks::NewThenChange,
        _ => Looks::ChangeThenNew,
    }
}

const DEPLOYMENT: Rules = &[
    ("spec.replicas", NotNegative),
    ("spec.selector", With(workload::selector)),
    ("spec", With(workload::template)),
    ("spec.strategy", With(workload::strategy)),
    ("spec.minReadySeconds", NotNegative),
    ("spec.revisionHistoryLimit", NotNegative),
    ("spec.progressDeadlineSeconds", NotNegative),
    ("spec", With(workload::progress)),
    ("spec.selector", Immutable),
];
const REPLICA_SET: Rules = &[
    ("spec.replicas", NotNegative),
    ("spec.minReadySeconds", NotNegative),
    ("spec.selector", With(workload::selector)),
    ("spec", With(workload::template)),
    ("spec.selector", Immutable),
];
const STATEFUL_SET: Rules = &[
    ("spec", With(workload::stateful)),
    ("spec.persistentVolumeClaimRetentionPolicy.whenDeleted", OneOf(RETENTION)),
    ("spec.persistentVolumeClaimRetentionPolicy.whenScaled", OneOf(RETENTION)),
    ("spec.volumeClaimTemplates", With(workload::claim_templates)),
    ("spec.replicas", NotNegative),
    ("spec.minReadySeconds", NotNegative),
    ("spec.ordinals.start", NotNegative),
    ("spec.serviceName", Of(format::label)),
    ("spec.selector", With(workload::selector)),
    ("spec", With(workload::template)),
    ("spec", With(workload::stateful_update)),
];
const RETENTION: &[&str] = &["Retain", "Delete"];
const DAEMON_SET: Rules = &[
    ("spec.selector", Immutable),
    ("spec.selector", Selector),
    ("spec", With(workload::daemon_selector)),
    ("spec", With(workload::template)),
    ("spec.minReadySeconds", NotNegative),
    ("spec.updateStrategy", With(workload::update_strategy)),
    ("spec.revisionHistoryLimit", NotNegative),
];

const CRON_JOB: Rules = &[
    ("spec.schedule", Required("")),
    ("spec.schedule", Of(format::schedule)),
    ("spec.startingDeadlineSeconds", NotNegative),
    ("spec.timeZone", With(job::time_zone)),
    ("spec.concurrencyPolicy", OneOf(&["Allow", "Forbid", "Replace"])),
    ("spec.jobTemplate", Inside(job::TEMPLATE)),
    ("spec.successfulJobsHistoryLimit", NotNegative),
    ("spec.failedJobsHistoryLimit", NotNegative),
];

const SERVICE: Rules = &[
    ("spec", With(network::same_address)),
    ("spec", With(network::class_change)),
    ("spec", With(network::service_kind)),
    ("spec.ports", With(network::service_ports)),
    ("spec.selector", Labels),
    ("spec.sessionAffinity", OneOf(&["ClientIP", "None"])),
    ("spec.sessionAffinityConfig.clientIP.timeoutSeconds", Within(1, 86400, "must be greater than 0 and less than 86400")),
    ("spec.externalIPs", Of(format::address)),
    ("spec.type", OneOf(&["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"])),
    ("spec", With(network::service_unique)),
    ("spec", With(network::balancer)),
    ("spec", With(network::traffic)),
    ("spec.internalTrafficPolicy", OneOf(&["Cluster", "Local"])),
    ("spec.trafficDistribution", OneOf(&["PreferClose", "PreferSameZone", "PreferSameNode"])),
];
/// A Service's addresses are given to it before all else is looked at.
const ADDRESSES: Rules = &[
    ("spec", With(network::one_address)),
    ("spec.ipFamilies", With(network::families)),
    ("spec.ipFamilyPolicy", OneOf(&["PreferDualStack", "RequireDualStack", "SingleStack"])),
    ("spec.clusterIPs", With(network::cluster_addresses)),
];

const INGRESS: Rules = &[
    ("spec", With(network::ingress)),
    ("spec.defaultBackend", Inside(&[("", With(network::backend))])),
    ("spec.tls", Each(&[("hosts", Of(format::domain)), ("secretName", Of(format::subdomain))])),
    ("spec.rules", Each(&[("host", Of(format::host)), ("http", Inside(&[("paths", Required("")), ("paths", Each(PATH))]))])),
    ("spec.ingressClassName", Of(format::subdomain)),
];
const PATH: Rules = &[("pathType", Required("pathType must be specified")), ("", With(network::path))];

const NETWORK_POLICY: Rules = &[
    ("spec.podSelector", Selector),
    ("spec.ingress", Each(&[("ports", Each(POLICY_PORT)), ("from", Each(PEER))])),
    ("spec.egress", Each(&[("ports", Each(POLICY_PORT)), ("to", Each(PEER))])),
    ("spec.policyTypes", With(network::policy_types)),
];
const POLICY_PORT: Rules = &[("protocol", OneOf(&["TCP", "UDP", "SCTP"])), ("", With(network::ports_from_to))];
const PEER: Rules = &[
    ("podSelector", Selector),
    ("namespaceSelector", Selector),
    ("ipBlock", Inside(&[("cidr", Required("")), ("cidr", Of(format::network)), ("", With(network::exceptions))])),
    ("", With(network::peer)),
];

const BUDGET: Rules = &[
    ("spec", With(network::one_bound)),
    ("spec.minAvailable", NumberOrPercent),
    ("spec.minAvailable", AtMostAll),
    ("spec.maxUnavailable", NumberOrPercent),
    ("spec.maxUnavailable", AtMostAll),
    ("spec.selector", Selector),
    ("spec.unhealthyPodEvictionPolicy", OneOf(&["AlwaysAllow", "IfHealthyBudget"])),
];

const CLAIM: Rules = &[("spec", All(CLAIM_SPEC)), ("", With(storage::claim_update))];
/// What a claim asks for, also where it is the template of one.
pub(super) const CLAIM_SPEC: Rules = &[
    ("accessModes", Required("at least 1 access mode is required")),
    ("selector", Selector),
    ("accessModes", With(storage::modes)),
    ("resources", With(storage::request)),
    ("storageClassName", Of(format::subdomain)),
    ("volumeMode", OneOf(&["Block", "Filesystem"])),
    ("dataSource", Inside(&[("", With(storage::data_source))])),
    ("dataSourceRef", Inside(&[("", With(storage::data_source))])),
    ("", With(storage::same_source)),
    ("volumeAttributesClassName", Of(format::subdomain)),
];
const VOLUME: Rules = &[
    ("spec.accessModes", Required("")),
    ("spec.accessModes", With(storage::modes)),
    ("spec.capacity", Required("")),
    ("spec.capacity", With(storage::capacity)),
    ("spec.persistentVolumeReclaimPolicy", OneOf(&["Delete", "Recycle", "Retain"])),
    ("spec.hostPath", Inside(HOST_PATH)),
    ("spec", With(storage::source)),
    ("spec.storageClassName", Of(format::subdomain)),
    ("spec.volumeMode", OneOf(&["Block", "Filesystem"])),
];

const SUBJECT: Rules = &[("name", Required("")), ("", With(config::subject))];

/// A port of a Service, but for its name.
pub(super) const SERVICE_PORT: Rules =
    &[("port", Port), ("protocol", OneOf(&["SCTP", "TCP", "UDP"])), ("targetPort", PortOrName), ("appProtocol", Of(format::qualified))];
