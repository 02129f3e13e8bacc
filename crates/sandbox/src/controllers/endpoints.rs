//! What Services lead to: `EndpointSlice`s, and the older Endpoints.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::action::{Action, Outcome};
use super::engine::{Controller, Decision};
use super::event::Report;
use super::kind::Kind;
use super::object::{
    Labels, Object, controller, is_deleting, key, label, make, namespace, owner_reference, ready_since, selects_plainly, text, uid,
};
use super::pods;
use super::world::{Name, World};

const SERVICE: &str = "kubernetes.io/service-name";
const MANAGED: &str = "endpointslice.kubernetes.io/managed-by";
const MANAGER: &str = "endpointslice-controller.k8s.io";

/// The controller of Endpoints.
pub(crate) struct Endpoints;

/// The controller of `EndpointSlice`s. One slice holds all Pods of a Service, however many.
pub(crate) struct Slices;

impl Controller for Endpoints {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Service, Kind::Pod, Kind::Endpoints]
    }

    fn touched(&self, world: &World, kind: Kind, object: &Object) -> Vec<Name> {
        touched(world, kind, object)
    }

    fn decide(&self, world: &World, (namespace, name): &Name, _: Timestamp) -> Decision {
        let live = world.get(Kind::Endpoints, namespace, name);
        let Some(service) = selecting(world, namespace, name) else {
            // Endpoints of a Service without a selector are the user's own.
            let orphan = live.filter(|_| world.get(Kind::Service, namespace, name).is_none());
            let ours = orphan.filter(|live| label(live, "endpoints.kubernetes.io/managed-by").is_some());
            return ours.map(|live| vec![Action::delete(Kind::Endpoints, live)]).unwrap_or_default().into();
        };
        let mut subsets: BTreeMap<String, (Vec<Value>, Vec<Value>, Value)> = BTreeMap::new();
        for pod in backends(world, service).filter(|pod| !is_deleting(pod)) {
            let ports = ports(service, pod, None);
            let address = json!({
                "ip": text(pod, "/status/podIP"),
                "nodeName": text(pod, "/spec/nodeName"),
                "targetRef": {"kind": "Pod", "name": key(pod).1, "namespace": namespace, "uid": uid(pod)},
            });
            let subset = subsets.entry(ports.to_string()).or_insert_with(|| (Vec::new(), Vec::new(), ports));
            if ready_since(pod).is_some() { subset.0.push(address) } else { subset.1.push(address) }
        }
        let subsets: Vec<Value> = subsets
            .into_values()
            .map(|(ready, not_ready, ports)| {
                let mut subset = json!({"ports": ports});
                for (field, addresses) in [("addresses", ready), ("notReadyAddresses", not_ready)] {
                    if !addresses.is_empty() {
                        subset[field] = addresses.into();
                    }
                }
                subset
            })
            .collect();
        let wanted = if subsets.is_empty() { Value::Null } else { subsets.into() };
        let Some(live) = live else {
            let mut labels: Labels = service.metadata.labels.clone().unwrap_or_default();
            labels.insert("endpoints.kubernetes.io/managed-by".to_owned(), "endpoint-controller".to_owned());
            let metadata =
                ObjectMeta { name: Some(name.clone()), namespace: Some(namespace.clone()), labels: Some(labels), ..ObjectMeta::default() };
            let data = if wanted.is_null() { json!({}) } else { json!({"subsets": wanted}) };
            return vec![Action::Create(Kind::Endpoints, Box::new(make(Kind::Endpoints, metadata, data)))].into();
        };
        if live.data.get("subsets").unwrap_or(&Value::Null) == &wanted {
            return Decision::default();
        }
        vec![Action::merge(Kind::Endpoints, live, json!({"subsets": wanted}))].into()
    }

    fn report(&self, world: &World, (namespace, name): &Name, action: &Action, answer: Result<&Outcome, &str>) -> Vec<Report> {
        let Err(error) = answer else { return Vec::new() };
        let warning =
            |object: &Object, reason, message| vec![Report::warning("endpoint-controller", Kind::Endpoints, object, reason, message)];
        match (action, world.get(Kind::Endpoints, namespace, name)) {
            (Action::Create(Kind::Endpoints, object), _) => {
                warning(object, "FailedToCreateEndpoint", format!("Failed to create endpoint for service {namespace}/{name}: {error}"))
            }
            (Action::Merge(Kind::Endpoints, ..), Some(live)) => {
                warning(live, "FailedToUpdateEndpoint", format!("Failed to update endpoint {namespace}/{name}: {error}"))
            }
            _ => Vec::new(),
        }
    }
}

impl Controller for Slices {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Service, Kind::Pod, Kind::EndpointSlice]
    }

    fn touched(&self, world: &World, kind: Kind, object: &Object) -> Vec<Name> {
        if kind == Kind::EndpointSlice {
            return label(object, SERVICE).map(|service| (namespace(object).to_owned(), service.to_owned())).into_iter().collect();
        }
        touched(world, kind, object)
    }

    fn decide(&self, world: &World, (namespace, name): &Name, _: Timestamp) -> Decision {
        // Without its Service a slice goes by garbage collection.
        let Some(service) = selecting(world, namespace, name) else { return Decision::default() };
        if is_deleting(service) {
            return Decision::default();
        }
        let mut live = world.list(Kind::EndpointSlice, namespace).filter(|slice| {
            label(slice, SERVICE) == Some(name.as_str())
                && controller(slice).is_some_and(|manager| manager.uid == uid(service))
                && !is_deleting(slice)
        });
        let (mut ports_of_all, mut endpoints) = (Value::Null, Vec::new());
        for pod in backends(world, service) {
            let (ready, going) = (ready_since(pod).is_some(), is_deleting(pod));
            if ports_of_all.is_null() {
                ports_of_all = ports(service, pod, Some(""));
            }
            endpoints.push(json!({
                "addresses": [text(pod, "/status/podIP")],
                "conditions": {"ready": ready && !going, "serving": ready, "terminating": going},
                "nodeName": text(pod, "/spec/nodeName"),
                "targetRef": {"kind": "Pod", "name": key(pod).1, "namespace": namespace, "uid": uid(pod)},
            }));
        }
        let empty = json!([]);
        let wanted = (Value::from(endpoints), if ports_of_all.is_null() { empty.clone() } else { ports_of_all });
        let Some(slice) = live.next() else {
            let mut labels: Labels = service.metadata.labels.clone().unwrap_or_default();
            labels.extend([(SERVICE.to_owned(), name.clone()), (MANAGED.to_owned(), MANAGER.to_owned())]);
            let metadata = ObjectMeta {
                generate_name: Some(format!("{name}-")),
                namespace: Some(namespace.clone()),
                labels: Some(labels),
                owner_references: Some(vec![owner_reference(Kind::Service, service)]),
                ..ObjectMeta::default()
            };
            let data = json!({"addressType": "IPv4", "endpoints": wanted.0, "ports": wanted.1});
            return vec![Action::Create(Kind::EndpointSlice, Box::new(make(Kind::EndpointSlice, metadata, data)))].into();
        };
        let is = |field: &str| slice.data.get(field).filter(|value| !value.is_null()).unwrap_or(&empty);
        let mut actions = Vec::new();
        if (is("endpoints"), is("ports")) != (&wanted.0, &wanted.1) {
            actions.push(Action::merge(Kind::EndpointSlice, slice, json!({"endpoints": wanted.0, "ports": wanted.1})));
        }
        actions.extend(live.map(|surplus| Action::delete(Kind::EndpointSlice, surplus)));
        actions.into()
    }

    fn report(&self, world: &World, (namespace, name): &Name, action: &Action, answer: Result<&Outcome, &str>) -> Vec<Report> {
        let (Err(error), Some(service)) = (answer, world.get(Kind::Service, namespace, name)) else { return Vec::new() };
        let what = match action {
            Action::Create(..) => "create EndpointSlice".to_owned(),
            Action::Delete(_, (_, slice), _) => format!("delete {slice} EndpointSlice"),
            Action::Merge(_, (_, slice), _) | Action::Status(_, (_, slice), _) | Action::Apply(_, (_, slice), ..) => {
                format!("update {slice} EndpointSlice")
            }
        };
        let of = format!("{namespace}/{name}");
        let message = format!("Error updating Endpoint Slices for Service {of}: failed to {what} for Service {of}: {error}");
        vec![Report::warning("endpoint-slice-controller", Kind::Service, service, "FailedToUpdateEndpointSlices", message)]
    }
}

/// The Service itself, its Endpoints by name, and the Services that select a Pod.
fn touched(world: &World, kind: Kind, object: &Object) -> Vec<Name> {
    if kind != Kind::Pod {
        return vec![key(object)];
    }
    let services = world.list(Kind::Service, namespace(object));
    let selecting = services.filter(|service| selects_plainly(service.at("/spec/selector"), object.metadata.labels.as_ref()));
    selecting.map(|service| key(service)).collect()
}

/// The Service, if it has a selector.
fn selecting<'a>(world: &'a World, namespace: &str, name: &str) -> Option<&'a Object> {
    let service = world.get(Kind::Service, namespace, name)?;
    let selector = service.at("/spec/selector").and_then(Value::as_object);
    selector.is_some_and(|selector| !selector.is_empty()).then_some(service)
}

/// The Pods with an address that a Service selects, by name.
fn backends<'a>(world: &'a World, service: &'a Object) -> impl Iterator<Item = &'a Object> {
    let pods = world.list(Kind::Pod, namespace(service)).map(AsRef::as_ref);
    pods.filter(|pod| {
        let selected = selects_plainly(service.at("/spec/selector"), pod.metadata.labels.as_ref());
        selected && !pods::is_finished(pod) && text(pod, "/status/podIP").is_some()
    })
}

/// The Service's ports with the numbers that they have in this Pod. Slices give a port without a name an empty one, Endpoints none.
fn ports(service: &Object, pod: &Object, unnamed: Option<&str>) -> Value {
    let ports = service.at("/spec/ports").and_then(Value::as_array);
    let resolved = ports.into_iter().flatten().filter_map(|port| {
        let mut resolved = json!({"port": target(port, pod)?, "protocol": port.get("protocol").cloned().unwrap_or_else(|| "TCP".into())});
        if let Some(name) = port["name"].as_str().or(unnamed) {
            resolved["name"] = name.into();
        }
        Some(resolved)
    });
    resolved.collect()
}

/// The number of a Service's target port in a Pod: given, or by the name of a container's port.
pub(crate) fn target(port: &Value, pod: &Object) -> Option<u16> {
    let target = port.get("targetPort").filter(|target| !target.is_null()).unwrap_or(&port["port"]);
    if let Some(number) = target.as_u64() {
        return u16::try_from(number).ok();
    }
    let wanted = target.as_str()?;
    let containers = pod.at("/spec/containers").and_then(Value::as_array)?;
    let mut ports = containers.iter().filter_map(|container| container["ports"].as_array()).flatten();
    let found = ports.find(|port| port["name"] == wanted)?;
    found["containerPort"].as_u64().and_then(|number| u16::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_port_is_a_number_or_a_name() {
        let pod =
            make(Kind::Pod, ObjectMeta::default(), json!({"spec": {"containers": [{"ports": [{"name": "http", "containerPort": 8080}]}]}}));
        assert_eq!(target(&json!({"port": 80, "targetPort": "http"}), &pod), Some(8080));
        assert_eq!(target(&json!({"port": 80, "targetPort": 9}), &pod), Some(9));
        assert_eq!(target(&json!({"port": 80}), &pod), Some(80));
        assert_eq!(target(&json!({"port": 80, "targetPort": "grpc"}), &pod), None);
    }
}
