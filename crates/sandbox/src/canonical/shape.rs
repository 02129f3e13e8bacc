//! What the schema and the Go types behind it make of a built-in object: which empty fields go, and how values are written.

use fiel_schema::{Node, Scalar};
use serde_json::Value;

use super::quantity;

/// Tidies a whole object of a built-in kind.
pub(super) fn tidy(object: &mut Value, schema: Node<'_>, kind: &str) {
    let Some(fields) = object.as_object_mut() else { return };
    fields.retain(|name, value| !value.is_null() && (schema.child(name).is_some() || name == "apiVersion" || name == "kind"));
    for (name, value) in fields.iter_mut() {
        if let Some(node) = schema.child(name) {
            inside(value, node, &Place { kind, parent: name });
        }
    }
    let empty = |name: &str, value: &Value| match name {
        "apiVersion" | "kind" | "metadata" | "spec" | "status" => false,
        _ => goes(value, schema.field(name), &Place { kind, parent: "" }, name),
    };
    fields.retain(|name, value| !empty(name, value));
}

/// Where a value stands: the Go types are not in the schema, so the few names that mean two things are told apart by this.
#[derive(Clone, Copy)]
struct Place<'a> {
    kind: &'a str,
    /// The field that holds the object or list.
    parent: &'a str,
}

fn inside(value: &mut Value, node: Node<'_>, place: &Place<'_>) {
    match value {
        Value::Object(fields) => {
            let free = node.additional();
            let named = node.fields().next().is_some();
            if !named && free.is_none() {
                // A value of any form: managed fields, raw extensions. It is data.
                return;
            }
            fields.retain(|name, value| node.child(name).is_some() || node.preserves_unknown() || (free.is_some() && !value.is_null()));
            for (name, value) in fields.iter_mut() {
                let Some(child) = node.child(name) else { continue };
                inside(value, child, &Place { parent: if named { name } else { place.parent }, ..*place });
            }
            if named {
                fields.retain(|name, value| node.field(name).is_none() || !goes(value, node.field(name), place, name));
            }
        }
        Value::Array(items) => {
            if let Some(item) = node.items() {
                for value in items.iter_mut() {
                    inside(value, item, place);
                }
            }
        }
        scalar => write(scalar, node),
    }
}

/// Writes amounts and times the server's way.
fn write(value: &mut Value, node: Node<'_>) {
    match node.scalar() {
        Some(Scalar::Quantity) => {
            let text = match &*value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return,
            };
            if let Some(canonical) = quantity::canonical(&text) {
                *value = Value::String(canonical);
            }
        }
        Some(Scalar::Time) => {
            if let Some(time) = value.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok()) {
                *value = Value::String(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
            }
        }
        Some(Scalar::MicroTime) => {
            if let Some(time) = value.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok()) {
                *value = Value::String(time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string());
            }
        }
        _ => {}
    }
}

/// Whether an empty field is not written at all.
fn goes(value: &Value, node: Option<Node<'_>>, place: &Place<'_>, name: &str) -> bool {
    match value {
        // A time that may be missing in Go is written as null; every other null goes.
        Value::Null => !is_kept_null(place, name),
        Value::Array(items) => items.is_empty() && !KEPT_LISTS.contains(&name),
        Value::Object(fields) => {
            let free = node.is_some_and(|node| node.additional().is_some() && node.fields().next().is_none());
            fields.is_empty() && free
        }
        Value::String(text) => text.is_empty() && !is_kept_text(place, name),
        Value::Bool(flag) => !flag && FALSE_GOES.contains(&name) && !(name == "readOnly" && matches!(place.parent, "azureDisk" | "csi")),
        Value::Number(number) => number.as_i64() == Some(0) && zero_goes(place, name),
    }
}

/// Lists that are written even when they are empty.
const KEPT_LISTS: [&str; 12] = [
    "rules",
    "containers",
    "addresses",
    "endpoints",
    "paths",
    "verbs",
    "drivers",
    "topologyKeys",
    "sources",
    "nodeSelectorTerms",
    "limits",
    "currentMetrics",
];

/// Flags that cannot tell false from not given.
const FALSE_GOES: [&str; 21] = [
    "paused",
    "hostNetwork",
    "hostIPC",
    "hostPID",
    "stdin",
    "stdinOnce",
    "tty",
    "readOnly",
    "publishNotReadyAddresses",
    "unschedulable",
    "globalDefault",
    "insecureSkipTLSVerify",
    "insecureSkipTLSVerifyBackend",
    "deprecated",
    "preserveUnknownFields",
    "nullable",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "uniqueItems",
    "chapAuthDiscovery",
    "chapAuthSession",
];

/// Numbers that cannot tell 0 from not given.
const ZERO_GOES: [&str; 30] = [
    "active",
    "count",
    "failed",
    "failureThreshold",
    "fullyLabeledReplicas",
    "generation",
    "healthCheckNodePort",
    "hostPort",
    "initialDelaySeconds",
    "minReadySeconds",
    "nodePort",
    "number",
    "numberAvailable",
    "numberUnavailable",
    "readyReplicas",
    "signal",
    "sizeBytes",
    "succeeded",
    "successThreshold",
    "unavailableReplicas",
    "updatedNumberScheduled",
    "updatedReplicas",
    "deprecatedCount",
    "observedGeneration",
    "leaseTransitions",
    "terminatedReplicas",
    "currentReplicas",
    "groupPriorityMinimum",
    "versionPriority",
    "periodSeconds",
];

fn zero_goes(place: &Place<'_>, name: &str) -> bool {
    match name {
        "replicas" => place.kind == "Deployment" && place.parent == "status",
        "availableReplicas" => place.kind != "StatefulSet",
        "timeoutSeconds" => place.parent != "clientIP",
        "observedGeneration" => place.kind != "HorizontalPodAutoscaler",
        // A lease counts from 0 with a pointer, an autoscaling policy always has a period.
        "leaseTransitions" => false,
        "periodSeconds" => place.kind != "HorizontalPodAutoscaler",
        _ => ZERO_GOES.contains(&name),
    }
}

/// Empty texts that are written: they mean something else than nothing, or Go always writes them.
fn is_kept_text(place: &Place<'_>, name: &str) -> bool {
    match name {
        "serviceName" => place.kind == "StatefulSet",
        "type" => place.parent == "hostPath",
        "name" => place.parent == "ports" && matches!(place.kind, "EndpointSlice"),
        "value" => matches!(place.parent, "httpHeaders" | "sysctls" | "options"),
        "apiGroup" => place.parent == "roleRef",
        "status"
        | "imageID"
        | "image"
        | "storageClassName"
        | "ingressClassName"
        | "runtimeClassName"
        | "volumeAttributesClassName"
        | "reportingComponent"
        | "reportingInstance"
        | "holderIdentity"
        | "key"
        | "path" => true,
        _ => false,
    }
}

/// Times that are written as null when they are not known.
fn is_kept_null(place: &Place<'_>, name: &str) -> bool {
    place.parent == "conditions" && matches!(name, "lastTransitionTime" | "lastProbeTime" | "lastUpdateTime" | "lastHeartbeatTime")
        || place.kind == "Event" && matches!(name, "eventTime" | "firstTimestamp" | "lastTimestamp")
}
