//! Fields that an earlier apply set and Git does not set any more.
//!
//! Two records tell: the fields that our own server-side apply owns (`managedFields`), and what `kubectl apply` noted
//! on the object before us (the annotation `last-applied-configuration`). A field that another manager owns as well
//! would survive an apply, so it is no difference.

use fiel_schema::{ListType, Node};
use serde_json::Value;

use super::Difference;
use super::walk::{below, position};
use crate::apply::MANAGER;

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Adds the differences that removals are.
pub(super) fn find(desired: &Value, live: &Value, schema: Option<Node<'_>>, found: &mut Vec<Difference>) {
    let entries: Vec<&Value> = live["metadata"]["managedFields"].as_array().into_iter().flatten().collect();
    let ours = |e: &&Value| e["manager"] == MANAGER && e["operation"] == "Apply" && e["subresource"].is_null();
    let others: Vec<&Value> = entries.iter().filter(|e| !ours(e)).map(|e| &e["fieldsV1"]).collect();
    let mut gone = Vec::new();
    for entry in entries.iter().filter(|e| ours(e)) {
        owned(Place::Top, &entry["fieldsV1"], Some(desired), live, &others, &mut gone);
    }
    let applied = live["metadata"]["annotations"][LAST_APPLIED].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    if let Some(applied) = applied {
        noted("", &super::normalized(&applied), desired, live, schema, &mut gone);
    }
    for (path, value) in gone {
        if !found.iter().any(|d| d.path == path) {
            found.push(Difference { path, desired: None, live: Some(value) });
        }
    }
}

/// A place on the walk; it is put into words only where something is found.
#[derive(Clone, Copy)]
enum Place<'a> {
    Top,
    Field(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, &'a Value),
}

impl Place<'_> {
    fn path(&self) -> String {
        match self {
            Self::Top => String::new(),
            Self::Field(above, name) => below(&above.path(), name),
            Self::Item(above, keys) => format!("{}[{}]", above.path(), shown_keys(keys)),
        }
    }
}

/// Walks a set of owned fields beside what is desired and live.
fn owned(place: Place<'_>, fields: &Value, desired: Option<&Value>, live: &Value, others: &[&Value], gone: &mut Vec<(String, Value)>) {
    for (key, below_fields) in fields.as_object().into_iter().flatten() {
        let read = |text: &str| serde_json::from_str::<Value>(text).ok();
        let (mut live_child, mut desired_child, mut child_place) = (None, None, place);
        let keys = key.strip_prefix("k:").and_then(read);
        if let Some(name) = key.strip_prefix("f:") {
            live_child = live.get(name);
            desired_child = desired.and_then(|d| d.get(name));
            child_place = Place::Field(&place, name);
        } else if let Some(keys) = &keys {
            let has = |item: &&Value| keys.as_object().is_some_and(|keys| keys.iter().all(|(k, v)| item.get(k) == Some(v)));
            // What is desired may leave out a key that has a default.
            let may =
                |item: &&Value| keys.as_object().is_some_and(|keys| keys.iter().all(|(k, v)| item.get(k).is_none_or(|found| found == v)));
            live_child = live.as_array().and_then(|items| items.iter().find(has));
            desired_child = desired.and_then(Value::as_array).and_then(|items| items.iter().find(may));
            child_place = Place::Item(&place, keys);
        } else if let Some(value) = key.strip_prefix("v:").and_then(read) {
            live_child = live.as_array().and_then(|items| items.iter().find(|item| **item == value));
            desired_child = desired.and_then(Value::as_array).and_then(|items| items.iter().find(|item| **item == value));
        }
        let Some(live_child) = live_child else { continue };
        let others: Vec<&Value> = others.iter().filter_map(|o| o.get(key)).collect();
        if desired_child.is_none() && others.is_empty() {
            gone.push((child_place.path(), live_child.clone()));
        } else if below_fields.as_object().is_some_and(|f| f.keys().any(|k| k != ".")) {
            owned(child_place, below_fields, desired_child, live_child, &others, gone);
        }
    }
}

fn shown_keys(keys: &Value) -> String {
    let shown =
        keys.as_object().into_iter().flatten().map(|(k, v)| format!("{k}={}", v.as_str().map_or_else(|| v.to_string(), str::to_owned)));
    shown.collect::<Vec<_>>().join(",")
}

/// Walks what `kubectl apply` sent last beside what is desired and live.
fn noted(path: &str, applied: &Value, desired: &Value, live: &Value, node: Option<Node<'_>>, gone: &mut Vec<(String, Value)>) {
    for (name, was) in applied.as_object().into_iter().flatten() {
        if path.is_empty() && ["apiVersion", "kind", "status"].contains(&name.as_str()) {
            continue;
        }
        let Some(live_child) = live.get(name) else { continue };
        let (child_path, child) = (below(path, name), node.and_then(|n| n.child(name)));
        match (was, desired.get(name)) {
            (_, None) if path == "metadata" && ["namespace", "name", "creationTimestamp"].contains(&name.as_str()) => {}
            (was, None) if super::normal::is_empty(was) => {}
            (_, None) => gone.push((child_path, live_child.clone())),
            (Value::Object(_), Some(wanted @ Value::Object(_))) => noted(&child_path, was, wanted, live_child, child, gone),
            (Value::Array(was), Some(Value::Array(wanted))) => {
                let (Some(node), Some(items)) = (child.filter(|n| n.list_type() == ListType::Map), live_child.as_array()) else { continue };
                for item in was {
                    let Some(at) = position(item, items, node) else { continue };
                    match position(item, wanted, node) {
                        None => gone.push((format!("{child_path}[{at}]"), items[at].clone())),
                        Some(index) => noted(&format!("{child_path}[{at}]"), item, &wanted[index], &items[at], node.items(), gone),
                    }
                }
            }
            _ => {}
        }
    }
}
