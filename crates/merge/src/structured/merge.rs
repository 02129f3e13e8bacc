//! Laying one value over another.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value};

use super::path::Step;
use super::types::{List, Object, Shape, Type};

/// Lays `config` over `live`: what config sets wins, what only live has stays, and lists keep live's own items in their places.
///
/// ```
/// use fiel_merge::structured::{Type, merge};
/// use serde_json::json;
/// let service = fiel_schema::Registry::builtin().kind("", "v1", "Service").expect("a kind of Kubernetes");
/// let live = json!({"spec": {"ports": [{"port": 80, "nodePort": 30080}]}});
/// let config = json!({"spec": {"ports": [{"port": 80, "protocol": "TCP", "name": "http"}]}});
/// let merged = merge(&live, &config, Type::new(service.schema()));
/// assert_eq!(merged, json!({"spec": {"ports": [{"port": 80, "protocol": "TCP", "name": "http", "nodePort": 30080}]}}));
/// ```
#[must_use]
pub fn merge(live: &Value, config: &Value, of: Type<'_>) -> Value {
    match of.shape(Some(config)) {
        Shape::Object(object) if !object.atomic => objects(live, config, object),
        Shape::List(list) if !list.is_atomic() => lists(live, config, list),
        _ => config.clone(),
    }
}

fn objects(live: &Value, config: &Value, object: Object<'_>) -> Value {
    let (old, new) = (live.as_object(), config.as_object());
    match (old.filter(|fields| !fields.is_empty()), new.filter(|fields| !fields.is_empty())) {
        (Some(old), Some(new)) => {
            let mut out = Map::new();
            for (name, value) in old {
                if !new.contains_key(name) {
                    out.insert(name.clone(), value.clone());
                }
            }
            for (name, value) in new {
                let merged = match (old.get(name), object.child(name)) {
                    (Some(old), Some(of)) => merge(old, value, of),
                    _ => value.clone(),
                };
                out.insert(name.clone(), merged);
            }
            Value::Object(out)
        }
        // Nothing over something leaves it; nothing over nothing keeps the difference of null and empty.
        (Some(_), None) => live.clone(),
        (None, _) => config.clone(),
    }
}

fn lists(live: &Value, config: &Value, list: List<'_>) -> Value {
    let (old, new) = (live.as_array(), config.as_array());
    match (old.filter(|items| !items.is_empty()), new.filter(|items| !items.is_empty())) {
        (Some(old), Some(new)) => Value::Array(interleave(&list.steps(old), &list.steps(new), list)),
        (Some(_), None) => live.clone(),
        (None, _) => config.clone(),
    }
}

/// Items of both follow config's order; items that only live has stay where they are between them.
fn interleave(live: &[(Step, &Value)], config: &[(Step, &Value)], list: List<'_>) -> Vec<Value> {
    let place = |items: &'_ [(Step, &Value)]| -> Vec<usize> { (0..items.len()).collect() };
    let mut in_live: BTreeMap<&Step, Option<usize>> = BTreeMap::new();
    for index in place(live) {
        // What is there twice is nothing to merge into.
        in_live.entry(&live[index].0).and_modify(|place| *place = None).or_insert(Some(index));
    }
    let in_config: BTreeMap<&Step, usize> = config.iter().enumerate().map(|(index, (step, _))| (step, index)).collect();
    let mut shared: VecDeque<&Step> = config.iter().map(|(step, _)| step).filter(|step| in_live.contains_key(step)).collect();
    let mut out = Vec::with_capacity(live.len().max(config.len()));
    let (mut at, mut next) = (0, 0);
    let take = |index: usize, out: &mut Vec<Value>| {
        let (step, value) = &config[index];
        out.push(match in_live.get(step).copied().flatten() {
            Some(old) => merge(live[old].1, value, list.items),
            None => (*value).clone(),
        });
    };
    while at < live.len() || next < config.len() {
        if let (Some((step, _)), Some((other, _))) = (live.get(at), config.get(next)) {
            if step == other {
                take(next, &mut out);
                (at, next) = (at + 1, next + 1);
                shared.pop_front();
                continue;
            }
            // An item of both, but not the one whose turn it is.
            if in_config.contains_key(step) && shared.front().is_some_and(|turn| *turn != step) {
                at += 1;
                continue;
            }
        }
        if let Some((step, item)) = live.get(at) {
            match in_config.get(step) {
                None => {
                    out.push((*item).clone());
                    at += 1;
                    continue;
                }
                // Taken already, in config's order.
                Some(index) if *index < next => at += 1,
                Some(_) => {}
            }
        }
        if let Some((step, _)) = config.get(next) {
            take(next, &mut out);
            next += 1;
            if shared.front() == Some(&step) {
                shared.pop_front();
            }
        }
    }
    out
}
