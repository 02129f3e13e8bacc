//! Patches of all four forms for an object that may be there.

use serde_json::{Map, Value, json};

use crate::mutate::{partial, paths};
use crate::random::Random;

/// A JSON patch: operations on places of `now`, with values of `wanted`; some places are not there.
pub(crate) fn json_patch(random: &mut Random, now: &Value, wanted: &Value) -> Value {
    let (here, there) = (paths(now), paths(wanted));
    let place = |random: &mut Random, of: &[String]| -> String {
        match random.below(12) {
            0 => "/spec/not/there".to_owned(),
            1 => format!("{}/-", of[random.below(of.len())]),
            2 => random.pick(&["", "/metadata/labels/new", "/metadata/annotations/a~1b", "spec", "/metadata/labels"]).to_owned(),
            _ => of[random.below(of.len())].clone(),
        }
    };
    let count = 1 + random.below(3);
    (0..count)
        .map(|_| {
            let path = place(random, &there);
            let value = wanted.pointer(&path).cloned().unwrap_or(json!("new"));
            match random.below(10) {
                0..=2 => json!({"op": "replace", "path": path, "value": value}),
                3..=4 => json!({"op": "add", "path": path, "value": value}),
                5..=6 => json!({"op": "remove", "path": place(random, &here)}),
                7 => json!({"op": "test", "path": path, "value": value}),
                8 => json!({"op": random.pick(&["move", "copy"]), "from": place(random, &here), "path": path}),
                _ => [json!({"op": "jump", "path": path}), json!({"op": "add", "path": path}), json!({"path": path}), json!("text")]
                    [random.below(4)]
                .clone(),
            }
        })
        .collect()
}

/// A merge patch towards an object: parts of it, with some fields taken away.
pub(crate) fn merge(random: &mut Random, wanted: &Value) -> Value {
    let mut patch = partial(random, wanted, 35);
    for path in paths(&patch) {
        if random.chance(4) && !path.starts_with("/metadata/name") && path.split('/').all(|part| part.parse::<usize>().is_err()) {
            *patch.pointer_mut(&path).unwrap_or(&mut Value::Null) = Value::Null;
        }
    }
    patch
}

/// A strategic merge patch towards an object: a merge patch with directives.
pub(crate) fn strategic(random: &mut Random, wanted: &Value) -> Value {
    let mut patch = merge(random, wanted);
    direct(random, &mut patch);
    patch
}

fn direct(random: &mut Random, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let mut more = Map::new();
            for (name, value) in fields.iter_mut() {
                direct(random, value);
                if let Value::Array(items) = value {
                    if random.chance(15) {
                        let order = items.iter().map(|item| key(item).unwrap_or_else(|| item.clone())).collect::<Vec<_>>();
                        more.insert(format!("$setElementOrder/{name}"), order.into());
                    }
                    let scalars = items.iter().all(|item| !item.is_object());
                    if scalars && !items.is_empty() && random.chance(25) {
                        // Not one that the patch puts there too: which comes first is chance, since Go's maps have no order.
                        more.insert(format!("$deleteFromPrimitiveList/{name}"), json!([items.remove(0)]));
                    }
                }
            }
            if random.chance(6) {
                let kept: Vec<&String> = fields.keys().collect();
                more.insert("$retainKeys".to_owned(), json!(kept));
            }
            if random.chance(4) {
                more.insert("$patch".to_owned(), random.pick(&["replace", "delete", "merge", "other"]).into());
            }
            fields.extend(more);
        }
        Value::Array(items) => {
            items.iter_mut().for_each(|item| direct(random, item));
            if random.chance(6) {
                items.push(json!({"$patch": random.pick(&["replace", "delete"])}));
            }
        }
        _ => {}
    }
}

/// The field by which an item of a list is known, alone.
fn key(item: &Value) -> Option<Value> {
    let (name, value) =
        ["name", "containerPort", "port", "mountPath", "key", "ip"].iter().find_map(|name| Some((*name, item.get(*name)?)))?;
    Some(json!({name: value}))
}
