//! Lists that are sets or maps: nothing stands in them twice.

use serde_json::{Map, Value, json};

use super::cause::{Causes, key};
use super::structural::each_part;

/// What stands twice in the lists of a value that are sets or maps.
pub(crate) fn check(schema: &Value, value: &Value, path: &str) -> Causes {
    let mut causes = Causes::default();
    walk(schema, value, path, &mut causes);
    causes
}

fn walk(schema: &Value, value: &Value, path: &str, causes: &mut Causes) {
    if let Value::Array(items) = value {
        match schema["x-kubernetes-list-type"].as_str() {
            Some("set") => twice(items, path, causes),
            Some("map") => map(schema, items, path, causes),
            _ => {}
        }
    }
    each_part(schema, value, path, &mut |schema, value, path| walk(schema, value, path, causes));
}

/// The second of equal ones is told, whatever number follows.
fn twice(items: &[Value], path: &str, causes: &mut Causes) {
    for (index, item) in items.iter().enumerate() {
        if items[..index].iter().filter(|one| *one == item).count() == 1 {
            causes.duplicate(&key(path, index), item.clone());
        }
    }
}

fn map(schema: &Value, items: &[Value], path: &str, causes: &mut Causes) {
    if let Some(index) = items.iter().position(|item| !item.is_object() && !item.is_null()) {
        causes.invalid(&key(path, index), items[index].clone(), "must be an object for an array of list-type map");
        return;
    }
    let names: Vec<&str> = schema["x-kubernetes-list-map-keys"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let keys = items.iter().map(|item| {
        let given: Map<String, Value> = names.iter().filter_map(|name| Some(((*name).to_owned(), item.get(name)?.clone()))).collect();
        json!(given)
    });
    twice(&keys.collect::<Vec<_>>(), path, causes);
}
