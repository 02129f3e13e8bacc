//! The transformers' configuration: kustomize's built-in field specs, and what `configurations` and `crds` add.

use std::borrow::Cow;

use crate::decode::{Fields, error};
use crate::error::{Error, ErrorKind, Result};
use crate::fieldspec::FieldSpec;
use crate::id::Gvk;
use crate::order;
use crate::yaml::Value;

/// Kinds that can be referred to by name, and the fields that do so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NameReference {
    pub(crate) group: Cow<'static, str>,
    pub(crate) version: Cow<'static, str>,
    pub(crate) kind: Cow<'static, str>,
    pub(crate) fields: Vec<FieldSpec>,
}

impl NameReference {
    /// Fields that a name reference does not know are nothing to it.
    fn decode(value: Value) -> Result<Self> {
        let pos = value.pos;
        Fields::new(value, "a name reference")?.read_known(|f| {
            let reference = Self {
                group: f.text("group").into(),
                version: f.text("version").into(),
                kind: f.text("kind").into(),
                fields: decode_specs(f, "fieldSpecs"),
            };
            if reference.kind.is_empty() && reference.fields.is_empty() {
                return Err(error(pos, "a name reference needs kind and fieldSpecs"));
            }
            Ok(reference)
        })
    }

    pub(crate) fn target(&self) -> Gvk<'_> {
        Gvk { group: &self.group, version: &self.version, kind: &self.kind }
    }
}

/// All field specs.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Config {
    /// Whether these are exactly kustomize's own.
    pub(crate) is_builtin: bool,
    pub(crate) name_prefix: Vec<FieldSpec>,
    pub(crate) name_suffix: Vec<FieldSpec>,
    pub(crate) namespace: Vec<FieldSpec>,
    pub(crate) common_labels: Vec<FieldSpec>,
    pub(crate) template_labels: Vec<FieldSpec>,
    /// For every entry of `labels`.
    pub(crate) labels: Vec<FieldSpec>,
    pub(crate) common_annotations: Vec<FieldSpec>,
    pub(crate) name_reference: Vec<NameReference>,
    pub(crate) var_reference: Vec<FieldSpec>,
    pub(crate) images: Vec<FieldSpec>,
    pub(crate) replicas: Vec<FieldSpec>,
}

fn decode_specs(f: &mut Fields, name: &'static str) -> Vec<FieldSpec> {
    f.each(name, FieldSpec::decode)
}

/// The same in the order of the kinds that they are for: one of a single kind meets one of all kinds first, and they may not contradict each other.
fn sorted_specs(f: &mut Fields, name: &'static str) -> Vec<FieldSpec> {
    let mut specs = decode_specs(f, name);
    sort(&mut specs);
    specs
}

fn sort(specs: &mut [FieldSpec]) {
    specs.sort_by(|one, other| order::compare_gvks(&one.selector(), &other.selector()));
}

/// Adds field specs as kustomize does: one that is for a kind which an earlier one of the same path also serves is left out.
pub(crate) fn merge_specs(into: &mut Vec<FieldSpec>, from: impl IntoIterator<Item = FieldSpec>) -> Result<()> {
    for spec in from {
        match into.iter().find(|known| known.path == spec.path && known.selector().is_selected(&spec.selector())) {
            None => into.push(spec),
            Some(known) if known.create == spec.create => {}
            Some(_) => {
                let message = format!("conflicting field specs: the path {} is there with create and without", spec.path);
                return Err(Error::new(ErrorKind::Kustomization, message));
            }
        }
    }
    Ok(())
}

impl Config {
    /// Decodes a configuration file.
    pub(crate) fn decode(value: Value) -> Result<Self> {
        const FIELDS: [&str; 11] = [
            "namePrefix",
            "nameSuffix",
            "namespace",
            "commonLabels",
            "templateLabels",
            "labels",
            "commonAnnotations",
            "nameReference",
            "varReference",
            "images",
            "replicas",
        ];
        Fields::new(value, "a transformer configuration")?.read(&FIELDS, |f| {
            Ok(Self {
                is_builtin: false,
                name_prefix: sorted_specs(f, "namePrefix"),
                name_suffix: sorted_specs(f, "nameSuffix"),
                namespace: sorted_specs(f, "namespace"),
                common_labels: sorted_specs(f, "commonLabels"),
                template_labels: sorted_specs(f, "templateLabels"),
                labels: sorted_specs(f, "labels"),
                common_annotations: sorted_specs(f, "commonAnnotations"),
                var_reference: sorted_specs(f, "varReference"),
                images: sorted_specs(f, "images"),
                replicas: sorted_specs(f, "replicas"),
                name_reference: f.each("nameReference", NameReference::decode),
            })
        })
    }

    /// kustomize's own field specs, but for name references and vars, which have tables of their own.
    pub(crate) fn builtin() -> Self {
        Self {
            is_builtin: true,
            name_prefix: NAME.to_vec(),
            name_suffix: NAME.to_vec(),
            namespace: NAMESPACE.to_vec(),
            common_labels: [&SELECTOR_LABELS[..], &PEER_LABELS, &METADATA_LABELS, &TEMPLATE_LABELS].concat(),
            template_labels: [&METADATA_LABELS[..], &TEMPLATE_LABELS].concat(),
            common_annotations: ANNOTATIONS.to_vec(),
            images: IMAGES.to_vec(),
            replicas: REPLICAS.to_vec(),
            ..Self::default()
        }
    }

    /// Adds the field specs of another configuration.
    pub(crate) fn merge(&mut self, other: Self) -> Result<()> {
        if other.is_builtin && (self.is_builtin || *self == Self::default()) {
            // Their order matters to nothing but more of them.
            *self = other;
            return Ok(());
        }
        self.is_builtin = false;
        let lists = [
            (&mut self.name_prefix, other.name_prefix),
            (&mut self.name_suffix, other.name_suffix),
            (&mut self.namespace, other.namespace),
            (&mut self.common_labels, other.common_labels),
            (&mut self.template_labels, other.template_labels),
            (&mut self.labels, other.labels),
            (&mut self.common_annotations, other.common_annotations),
            (&mut self.var_reference, other.var_reference),
            (&mut self.images, other.images),
            (&mut self.replicas, other.replicas),
        ];
        for (into, from) in lists {
            merge_specs(into, from)?;
            sort(into);
        }
        for reference in other.name_reference {
            match self.name_reference.iter_mut().find(|known| known.target() == reference.target()) {
                Some(known) => merge_specs(&mut known.fields, reference.fields)?,
                None => self.name_reference.push(reference),
            }
        }
        Ok(())
    }
}

const fn spec(group: &'static str, kind: &'static str, path: &'static str, create: bool) -> FieldSpec {
    FieldSpec::builtin(group, kind, path, create)
}

const fn v1(kind: &'static str, path: &'static str, create: bool) -> FieldSpec {
    FieldSpec::of_version("", "v1", kind, path, create)
}

static NAME: [FieldSpec; 1] = [spec("", "", "metadata/name", false)];

static NAMESPACE: [FieldSpec; 4] = [
    spec("", "", "metadata/namespace", true),
    spec("", "Namespace", "metadata/name", true),
    spec("apiregistration.k8s.io", "APIService", "spec/service/namespace", true),
    spec("apiextensions.k8s.io", "CustomResourceDefinition", "spec/conversion/webhook/clientConfig/service/namespace", false),
];

pub(crate) static METADATA_LABELS: [FieldSpec; 1] = [spec("", "", "metadata/labels", true)];

static TEMPLATE_LABELS: [FieldSpec; 9] = [
    v1("ReplicationController", "spec/template/metadata/labels", true),
    spec("", "Deployment", "spec/template/metadata/labels", true),
    spec("", "ReplicaSet", "spec/template/metadata/labels", true),
    spec("", "DaemonSet", "spec/template/metadata/labels", true),
    spec("apps", "StatefulSet", "spec/template/metadata/labels", true),
    spec("apps", "StatefulSet", "spec/volumeClaimTemplates[]/metadata/labels", true),
    spec("batch", "Job", "spec/template/metadata/labels", true),
    spec("batch", "CronJob", "spec/jobTemplate/metadata/labels", true),
    spec("batch", "CronJob", "spec/jobTemplate/spec/template/metadata/labels", true),
];

static SELECTOR_LABELS: [FieldSpec; 20] = [
    v1("Service", "spec/selector", true),
    v1("ReplicationController", "spec/selector", true),
    spec("", "Deployment", "spec/selector/matchLabels", true),
    spec(
        "apps",
        "Deployment",
        "spec/template/spec/affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
        false,
    ),
    spec(
        "apps",
        "Deployment",
        "spec/template/spec/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
        false,
    ),
    spec(
        "apps",
        "Deployment",
        "spec/template/spec/affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
        false,
    ),
    spec(
        "apps",
        "Deployment",
        "spec/template/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
        false,
    ),
    spec("apps", "Deployment", "spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels", false),
    spec("", "ReplicaSet", "spec/selector/matchLabels", true),
    spec("", "DaemonSet", "spec/selector/matchLabels", true),
    spec("apps", "StatefulSet", "spec/selector/matchLabels", true),
    spec(
        "apps",
        "StatefulSet",
        "spec/template/spec/affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
        false,
    ),
    spec(
        "apps",
        "StatefulSet",
        "spec/template/spec/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
        false,
    ),
    spec(
        "apps",
        "StatefulSet",
        "spec/template/spec/affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
        false,
    ),
    spec(
        "apps",
        "StatefulSet",
        "spec/template/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
        false,
    ),
    spec("apps", "StatefulSet", "spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels", false),
    spec("batch", "Job", "spec/selector/matchLabels", false),
    spec("batch", "CronJob", "spec/jobTemplate/spec/selector/matchLabels", false),
    spec("policy", "PodDisruptionBudget", "spec/selector/matchLabels", false),
    spec("networking.k8s.io", "NetworkPolicy", "spec/podSelector/matchLabels", false),
];

static PEER_LABELS: [FieldSpec; 2] = [
    spec("networking.k8s.io", "NetworkPolicy", "spec/ingress/from/podSelector/matchLabels", false),
    spec("networking.k8s.io", "NetworkPolicy", "spec/egress/to/podSelector/matchLabels", false),
];

static ANNOTATIONS: [FieldSpec; 9] = [
    spec("", "", "metadata/annotations", true),
    v1("ReplicationController", "spec/template/metadata/annotations", true),
    spec("", "Deployment", "spec/template/metadata/annotations", true),
    spec("", "ReplicaSet", "spec/template/metadata/annotations", true),
    spec("", "DaemonSet", "spec/template/metadata/annotations", true),
    spec("", "StatefulSet", "spec/template/metadata/annotations", true),
    spec("batch", "Job", "spec/template/metadata/annotations", true),
    spec("batch", "CronJob", "spec/jobTemplate/metadata/annotations", true),
    spec("batch", "CronJob", "spec/jobTemplate/spec/template/metadata/annotations", true),
];

static IMAGES: [FieldSpec; 6] = [
    spec("", "", "spec/containers[]/image", true),
    spec("", "", "spec/initContainers[]/image", true),
    spec("", "", "spec/volumes[]/image/reference", true),
    spec("", "", "spec/template/spec/containers[]/image", true),
    spec("", "", "spec/template/spec/initContainers[]/image", true),
    spec("", "", "spec/template/spec/volumes[]/image/reference", true),
];

static REPLICAS: [FieldSpec; 4] = [
    spec("", "Deployment", "spec/replicas", true),
    spec("", "ReplicationController", "spec/replicas", true),
    spec("", "ReplicaSet", "spec/replicas", true),
    spec("", "StatefulSet", "spec/replicas", true),
];
