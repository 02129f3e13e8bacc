//! Label and field selectors.

use serde_json::Value;

use crate::labels::{self, Requirement};
use crate::resource::Resource;
use crate::status::ApiError;

const POD: [&str; 8] = [
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
];
const EVENT: [&str; 11] = [
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
];

/// What a list or watch is restricted to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<(String, String, bool)>,
}

impl Selector {
    /// Reads both selectors of a request.
    pub(crate) fn parse(label_selector: &str, fields: &str) -> Result<Self, ApiError> {
        let mut out = Self { labels: labels::parse(label_selector).map_err(ApiError::bad_request)?, fields: Vec::new() };
        for part in fields.split(',').filter(|part| !part.trim().is_empty()) {
            let (path, value, equal) = if let Some((path, value)) = part.split_once("!=") {
                (path, value, false)
            } else if let Some((path, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
                (path, value, true)
            } else {
                return Err(ApiError::bad_request(format!("invalid selector: '{part}'; can't understand '{part}'")));
            };
            out.fields.push((path.trim().to_owned(), value.trim().to_owned(), equal));
        }
        Ok(out)
    }

    /// Restricts it to one name, as a watch on one object does.
    pub(crate) fn named(mut self, name: &str) -> Self {
        if !name.is_empty() {
            self.fields.push(("metadata.name".to_owned(), name.to_owned(), true));
        }
        self
    }

    /// The name that it asks for.
    pub(crate) fn name(&self) -> Option<&str> {
        self.fields.iter().find(|(path, _, equal)| *equal && path == "metadata.name").map(|(_, value, _)| value.as_str())
    }

    /// Refuses fields by which a kind's objects cannot be selected.
    pub(crate) fn fit(self, resource: &Resource) -> Result<Self, ApiError> {
        let own: &[&str] = match (resource.group.as_str(), resource.kind.as_str()) {
            ("", "Pod") => &POD,
            ("" | "events.k8s.io", "Event") => &EVENT,
            ("", "Secret") => &["type"],
            ("", "Namespace") => &["status.phase"],
            ("", "Node") => &["spec.unschedulable"],
            ("", "ReplicationController") | ("apps", "ReplicaSet") => &["status.replicas"],
            ("batch", "Job") => &["status.successful"],
            ("", "Service") => &["spec.clusterIP", "spec.type"],
            ("certificates.k8s.io", "CertificateSigningRequest") => &["spec.signerName"],
            _ => &[],
        };
        let custom = resource.custom.as_ref().map(|custom| custom.selectable.as_slice()).unwrap_or_default();
        let known = |path: &str| {
            matches!(path, "metadata.name" | "metadata.namespace") || own.contains(&path) || custom.iter().any(|one| one == path)
        };
        match self.fields.iter().find(|(path, ..)| !known(path)) {
            None => Ok(self),
            Some((path, ..)) if own.is_empty() && resource.is_builtin() => Err(ApiError::bad_request(format!(
                "\"{path}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
            ))),
            Some((path, ..)) if resource.group == "batch" => {
                Err(ApiError::bad_request(format!("field label \"{path}\" not supported for {}", resource.kind)))
            }
            Some((path, ..)) => Err(ApiError::bad_request(format!("field label not supported: {path}"))),
        }
    }

    /// Whether everything is selected.
    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether an object is selected.
    pub(crate) fn matches(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        self.labels.iter().all(|requirement| requirement.holds(labels))
            && self.fields.iter().all(|(path, value, equal)| (field(object, path) == *value) == *equal)
    }
}

fn field(object: &Value, path: &str) -> String {
    if path == "source" {
        // Of an event: who tells it, in either form.
        let component = object["source"]["component"].as_str().filter(|component| !component.is_empty());
        return component.or(object["reportingComponent"].as_str()).unwrap_or_default().to_owned();
    }
    let found = path.split('.').fold(object, |value, part| &value[part]);
    match found {
        Value::String(text) => text.clone(),
        // A flag that is not set.
        Value::Null if matches!(path, "spec.unschedulable" | "spec.hostNetwork") => "false".to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_selected_by_who_tells_them_in_either_form() {
        let matches = |event: Value| Selector::parse("", "source=kubelet").expect("a selector").matches(&event);
        assert!(matches(json!({"source": {"component": "kubelet", "host": "n"}, "reportingComponent": ""})));
        assert!(matches(json!({"source": {}, "reportingComponent": "kubelet"})));
        assert!(!matches(json!({"source": {"component": "other"}, "reportingComponent": "kubelet"})));
    }

    #[test]
    fn selects_by_labels_and_fields() {
        let object = json!({"metadata": {"name": "web", "labels": {"app": "web", "tier": "front"}}, "status": {"phase": "Running"}});
        let matches = |labels: &str, fields: &str| Selector::parse(labels, fields).expect("a selector").matches(&object);
        assert!(matches("app=web,tier in (front, back),!old", "metadata.name=web"));
        assert!(matches("app!=db,tier notin (back)", "status.phase!=Pending"));
        assert!(!matches("old", ""));
        assert!(!matches("", "metadata.name=other"));
        assert!(matches("", "spec.unschedulable=false"), "a flag that is not set is false");
        assert!(Selector::parse("a in b c", "").is_err());
    }
}
