//! What a node tells people of its Pods, in the words of Kubernetes 1.36's kubelet and scheduler.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::Context;
use super::container::Life;
use crate::controllers::{Kind, Object, Report, make};

const KUBELET: &str = "kubelet";
const SCHEDULER: &str = "default-scheduler";

/// How a container came to its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Image {
    /// It was there.
    Present,
    /// It had to be fetched.
    Fetched,
}

impl Context {
    /// Tells that a Pod was bound to this node.
    pub(super) fn tell_bound(&self, pod: &Object) {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (namespace, name, node) = (text(&pod.metadata.namespace), text(&pod.metadata.name), &self.options.name);
        let message = format!("Successfully assigned {namespace}/{name} to {node}");
        self.teller.tell(Report::normal(SCHEDULER, Kind::Pod, pod, "Scheduled", message).at(node).doing("Binding"));
    }

    /// Tells that a Pod must leave the node.
    pub(super) fn tell_evicted(&self, pod: &Object, why: &str) {
        let node = &self.options.name;
        let reclaim = Report::warning(KUBELET, Kind::Node, &self.node(), "EvictionThresholdMet", "Attempting to reclaim memory");
        self.teller.tell(reclaim.at(node));
        self.teller.tell(Report::warning(KUBELET, Kind::Pod, pod, "Evicted", why).at(node));
    }

    /// Tells that the node has started, and how it is if it is new.
    pub(super) fn tell_registered(&self, made: Option<&Object>) {
        let node = &self.options.name;
        let tell = |reason, message: &str| self.teller.tell(Report::normal(KUBELET, Kind::Node, &self.node(), reason, message).at(node));
        tell("Starting", "Starting kubelet.");
        let Some(made) = made else { return };
        for reason in ["NodeHasSufficientMemory", "NodeHasNoDiskPressure", "NodeHasSufficientPID", "NodeReady"] {
            tell(reason, &format!("Node {node} status is now: {reason}"));
        }
        let message = format!("Node {node} event: Registered Node {node} in Controller");
        let mut made = made.clone();
        made.metadata.resource_version = None;
        self.teller.tell(Report::normal("node-controller", Kind::Node, &made, "RegisteredNode", message));
    }

    /// The node as a kubelet names it, without a uid.
    fn node(&self) -> Object {
        let metadata = ObjectMeta { name: Some(self.options.name.clone()), ..ObjectMeta::default() };
        make(Kind::Node, metadata, json!({}))
    }

    /// Tells something about a container of a Pod; `list` is the field of the specification in which it is.
    fn tell_of(&self, pod: &Object, list: &str, container: &str, form: Form, reason: &'static str, message: String) {
        let report = form(KUBELET, Kind::Pod, pod, reason, message);
        self.teller.tell(report.at(&self.options.name).about(format!("spec.{list}{{{container}}}")));
    }

    fn tell_image(&self, pod: &Object, list: &str, spec: &Value, image: Image, size: u64) {
        let text = |field: &str| spec[field].as_str().unwrap_or_default();
        let (container, name) = (text("name"), text("image"));
        let tell = |reason, message| self.tell_of(pod, list, container, Report::normal, reason, message);
        if image == Image::Present && text("imagePullPolicy") != "Always" {
            return tell("Pulled", format!("Container image \"{name}\" already present on machine and can be accessed by the pod"));
        }
        tell("Pulling", format!("Pulling image \"{name}\""));
        // Nothing is fetched here, so it takes no time.
        tell("Pulled", format!("Successfully pulled image \"{name}\" in 0s (0s including waiting). Image size: {size} bytes."));
    }

    /// Tells of the init containers, which have run to their end as soon as the Pod is here.
    pub(super) fn tell_initialized(&self, pod: &Object) {
        for spec in pod.at("/spec/initContainers").and_then(Value::as_array).into_iter().flatten() {
            let list = "initContainers";
            self.tell_image(pod, list, spec, Image::Present, 0);
            for (reason, message) in BEGUN {
                self.tell_of(pod, list, spec["name"].as_str().unwrap_or_default(), Report::normal, reason, message.to_owned());
            }
        }
    }
}

/// What is told of every run that begins.
const BEGUN: [(&str, &str); 2] = [("Created", "Container created"), ("Started", "Container started")];

type Form = fn(&'static str, Kind, &Object, &'static str, String) -> Report;

impl Life {
    /// Tells something about this container.
    pub(super) fn tell(&self, reason: &'static str, message: impl Into<String>) {
        self.context.tell_of(&self.pod, "containers", self.text("name"), Report::normal, reason, message.into());
    }

    /// Tells of something that somebody should look at.
    pub(super) fn warn(&self, reason: &'static str, message: impl Into<String>) {
        self.context.tell_of(&self.pod, "containers", self.text("name"), Report::warning, reason, message.into());
    }

    /// Tells how the container came to its image, of so many bytes.
    pub(super) fn tell_image(&self, image: Image, size: u64) {
        self.context.tell_image(&self.pod, "containers", &self.spec, image, size);
    }

    /// Tells that a run begins.
    pub(super) fn tell_begun(&self) {
        for (reason, message) in BEGUN {
            self.tell(reason, message);
        }
    }

    /// Tells that a run is being ended.
    pub(super) fn tell_stopping(&self) {
        self.tell("Killing", format!("Stopping container {}", self.text("name")));
    }
}
