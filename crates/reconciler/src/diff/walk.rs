//! Every field that is desired, looked up in what is live.

use fiel_schema::{ListType, Node, Scalar};
use serde_json::Value;

use super::Difference;
use super::normal::{is_empty, quantity};

/// Compares one field of an object or item.
pub(super) fn field(path: &str, desired: &Value, live: Option<&Value>, node: Option<Node<'_>>, found: &mut Vec<Difference>) {
    let Some(live) = live else {
        // The server drops empty values of most fields. An object with fields of its own (`emptyDir: {}`) says
        // something even when it is empty.
        let says_something = desired.is_object() && node.is_some_and(|n| n.is_object() && n.additional().is_none());
        if !is_empty(desired) || says_something {
            found.push(Difference { path: path.to_owned(), desired: Some(desired.clone()), live: None });
        }
        return;
    };
    match (desired, live) {
        (Value::Object(fields), Value::Object(_)) => {
            for (name, value) in fields {
                field(&below(path, name), value, live.get(name), node.and_then(|n| n.child(name)), found);
            }
        }
        (Value::Array(wanted), Value::Array(items)) => list(path, wanted, items, node, found),
        _ if same_scalar(desired, live, node) => {}
        _ => found.push(Difference { path: path.to_owned(), desired: Some(desired.clone()), live: Some(live.clone()) }),
    }
}

fn list(path: &str, wanted: &[Value], items: &[Value], node: Option<Node<'_>>, found: &mut Vec<Difference>) {
    let item_node = node.and_then(Node::items);
    let differ = |found: &mut Vec<Difference>| {
        found.push(Difference { path: path.to_owned(), desired: Some(wanted.into()), live: Some(items.into()) });
    };
    match node.map_or(ListType::Atomic, Node::list_type) {
        ListType::Map => {
            let mut last = None;
            for item in wanted {
                let position = node.and_then(|node| position(item, items, node));
                let Some(at) = position else {
                    let missing = node.map_or_else(|| path.to_owned(), |n| keyed(path, item, n));
                    found.push(Difference { path: missing, desired: Some(item.clone()), live: None });
                    continue;
                };
                let path = node.map_or_else(|| path.to_owned(), |n| keyed(path, item, n));
                field(&path, item, items.get(at), item_node, found);
                if last.is_some_and(|last| at < last) {
                    // An apply would put them in the order of Git, which matters for init containers.
                    differ(found);
                    return;
                }
                last = Some(at);
            }
        }
        ListType::Set => {
            if wanted.iter().any(|item| !items.contains(item)) {
                differ(found);
            }
        }
        ListType::Atomic => {
            if wanted.len() != items.len() {
                return differ(found);
            }
            for (index, (item, live)) in wanted.iter().zip(items).enumerate() {
                field(&format!("{path}[{index}]"), item, Some(live), item_node, found);
            }
        }
    }
}

/// Where the item with the same keys is.
pub(super) fn position(item: &Value, items: &[Value], node: Node<'_>) -> Option<usize> {
    items.iter().position(|other| node.list_map_keys().all(|key| key_value(item, key, node) == key_value(other, key, node)))
}

fn key_value(item: &Value, key: &str, node: Node<'_>) -> Option<Value> {
    item.get(key).cloned().or_else(|| node.items()?.field(key)?.default())
}

fn keyed(path: &str, item: &Value, node: Node<'_>) -> String {
    let keys: Vec<String> = node
        .list_map_keys()
        .filter_map(|key| {
            let value = item.get(key)?;
            Some(format!("{key}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        })
        .collect();
    format!("{path}[{}]", keys.join(","))
}

pub(super) fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn same_scalar(desired: &Value, live: &Value, node: Option<Node<'_>>) -> bool {
    if desired == live {
        return true;
    }
    if let (Value::Number(a), Value::Number(b)) = (desired, live) {
        return a.as_f64() == b.as_f64();
    }
    match node.and_then(Node::scalar) {
        Some(Scalar::Quantity) => quantity(desired).is_some_and(|amount| quantity(live) == Some(amount)),
        // The server keeps text in such fields; YAML authors write numbers and booleans.
        Some(Scalar::Time) => desired
            .as_str()
            .and_then(|t| t.parse::<jiff::Timestamp>().ok())
            .is_some_and(|t| live.as_str().and_then(|l| l.parse().ok()) == Some(t)),
        _ => false,
    }
}
