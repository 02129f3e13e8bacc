//! The kinds that the workload controllers and the node know by heart.

use kube::Resource as _;
use kube::api::{Api, ApiResource};
use kube::core::GroupVersionKind;

use super::object::Object;

/// A kind of a fixed version, so that caches and actions can name it cheaply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    ClusterRole,
    ControllerRevision,
    CronJob,
    DaemonSet,
    Deployment,
    EndpointSlice,
    Endpoints,
    Event,
    Job,
    Node,
    PersistentVolumeClaim,
    Pod,
    ReplicaSet,
    Service,
    StatefulSet,
}

impl Kind {
    /// Group, version, kind, plural.
    const fn parts(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::ClusterRole => ("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles"),
            Self::ControllerRevision => ("apps", "v1", "ControllerRevision", "controllerrevisions"),
            Self::CronJob => ("batch", "v1", "CronJob", "cronjobs"),
            Self::DaemonSet => ("apps", "v1", "DaemonSet", "daemonsets"),
            Self::Deployment => ("apps", "v1", "Deployment", "deployments"),
            Self::EndpointSlice => ("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
            Self::Endpoints => ("", "v1", "Endpoints", "endpoints"),
            Self::Event => ("", "v1", "Event", "events"),
            Self::Job => ("batch", "v1", "Job", "jobs"),
            Self::Node => ("", "v1", "Node", "nodes"),
            Self::PersistentVolumeClaim => ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
            Self::Pod => ("", "v1", "Pod", "pods"),
            Self::ReplicaSet => ("apps", "v1", "ReplicaSet", "replicasets"),
            Self::Service => ("", "v1", "Service", "services"),
            Self::StatefulSet => ("apps", "v1", "StatefulSet", "statefulsets"),
        }
    }

    /// As in the field `kind`.
    pub(crate) const fn name(self) -> &'static str {
        self.parts().2
    }

    /// As in the field `apiVersion`.
    pub(crate) fn api_version(self) -> String {
        let (group, version, ..) = self.parts();
        if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
    }

    pub(crate) fn resource(self) -> ApiResource {
        let (group, version, kind, plural) = self.parts();
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
    }

    pub(crate) fn api(self, client: &kube::Client, namespace: &str) -> Api<Object> {
        let resource = self.resource();
        if matches!(self, Self::ClusterRole | Self::Node) {
            Api::all_with(client.clone(), &resource)
        } else {
            Api::namespaced_with(client.clone(), namespace, &resource)
        }
    }

    /// The path of the kind's objects in a namespace, for requests whose answers are not the objects of an [`Api`].
    pub(crate) fn path(self, namespace: &str) -> String {
        Object::url_path(&self.resource(), Some(namespace).filter(|namespace| !namespace.is_empty()))
    }

    /// All of the kind, in every namespace.
    pub(crate) fn everywhere(self, client: &kube::Client) -> Api<Object> {
        Api::all_with(client.clone(), &self.resource())
    }
}
