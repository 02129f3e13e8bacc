//! Taking fields out of a value, or all the others.

use serde_json::{Map, Value};

use super::path::Step;
use super::set::FieldSet;
use super::types::{Object, Shape, Type};

/// The value without the fields of a set, each with all that is below it. What loses all its parts is null.
#[must_use]
pub fn remove(value: &Value, fields: &FieldSet, of: Type<'_>) -> Value {
    if fields.is_empty() {
        return value.clone();
    }
    match (of.shape(Some(value)), value) {
        (Shape::Scalar(_), _) => value.clone(),
        (Shape::Object(object), Value::Object(all)) if !object.atomic => {
            let mut out = Map::new();
            for (name, value) in all {
                match fields.field(name) {
                    Some(entry) if entry.member => {}
                    Some(entry) => {
                        out.insert(name.clone(), remove(value, &entry.below, child(object, name)));
                    }
                    None => {
                        out.insert(name.clone(), value.clone());
                    }
                }
            }
            if out.is_empty() { Value::Null } else { Value::Object(out) }
        }
        (Shape::List(list), Value::Array(all)) if !list.is_atomic() => {
            let mut out = Vec::with_capacity(all.len());
            for (step, item) in list.steps(all) {
                match fields.entry(&step) {
                    Some(entry) if entry.member => {}
                    Some(entry) => out.push(remove(item, &entry.below, list.items)),
                    None => out.push(item.clone()),
                }
            }
            if out.is_empty() { Value::Null } else { Value::Array(out) }
        }
        _ => Value::Null,
    }
}

/// The value with nothing but the fields of a set; what has no such field is null. With `keys`, list items keep the fields by which they are known.
#[must_use]
pub fn extract(value: &Value, fields: &FieldSet, of: Type<'_>, keys: bool) -> Value {
    match (of.shape(Some(value)), value) {
        (Shape::Object(object), Value::Object(all)) if !object.atomic && !all.is_empty() => {
            let part = |(name, value): (&String, &Value)| {
                let entry = fields.field(name)?;
                Some((name.clone(), extract(value, &entry.below, child(object, name), keys)))
            };
            let kept: Map<String, Value> = all.iter().filter_map(part).collect();
            if kept.is_empty() { Value::Null } else { Value::Object(kept) }
        }
        (Shape::List(list), Value::Array(all)) if !list.is_atomic() && !all.is_empty() => {
            let part = |(step, item): (Step, &Value)| {
                let mut kept = extract(item, &fields.entry(&step)?.below, list.items, keys);
                if let (true, Step::Key(known), Value::Object(kept), Value::Object(all)) = (keys, &step, &mut kept, item) {
                    let known = known.iter().filter_map(|(name, _)| all.get_key_value(&**name));
                    kept.extend(known.map(|(name, value)| (name.clone(), value.clone())));
                }
                Some(kept)
            };
            let kept: Vec<Value> = list.steps(all).into_iter().filter_map(part).collect();
            if kept.is_empty() { Value::Null } else { Value::Array(kept) }
        }
        (Shape::Object(_), Value::Object(_)) | (Shape::List(_), Value::Array(_)) | (Shape::Scalar(_), _) => value.clone(),
        _ => Value::Null,
    }
}

fn child<'a>(object: Object<'a>, name: &str) -> Type<'a> {
    object.child(name).unwrap_or(Type::ATOMIC)
}
