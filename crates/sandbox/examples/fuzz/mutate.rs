//! What people get wrong: an object with a field changed, taken out or put in.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::play::TWICE;
use crate::random::Random;
use crate::schema::Schemas;

/// The pointers of all that is in a value, itself apart.
pub(crate) fn paths(value: &Value) -> Vec<String> {
    fn collect(at: &str, value: &Value, out: &mut Vec<String>) {
        let mut inside = |part: &str, value: &Value| {
            let at = format!("{at}/{}", part.replace('~', "~0").replace('/', "~1"));
            out.push(at.clone());
            collect(&at, value, out);
        };
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| inside(name, value)),
            Value::Array(items) => items.iter().enumerate().for_each(|(index, value)| inside(&index.to_string(), value)),
            _ => {}
        }
    }
    let mut out = Vec::new();
    collect("", value, &mut out);
    out
}

/// The last part of a pointer that is a name, not an index.
fn name_of(path: &str) -> &str {
    path.rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap_or_default()
}

/// A field set, or taken out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Edit {
    pub(crate) at: String,
    pub(crate) value: Option<Value>,
}

impl Edit {
    /// Carries it out as far as there is such a place.
    pub(crate) fn apply(&self, object: &mut Value) {
        let (parent, last) = self.at.rsplit_once('/').unwrap_or(("", ""));
        let last = last.replace("~1", "/").replace("~0", "~");
        if self.value.is_some() && object.pointer(parent).is_none_or(Value::is_null) && !parent.is_empty() {
            Edit { at: parent.to_owned(), value: Some(json!({})) }.apply(object);
        }
        match (object.pointer_mut(parent), &self.value) {
            (Some(Value::Object(fields)), Some(value)) => drop(fields.insert(last, value.clone())),
            (Some(Value::Object(fields)), None) => drop(fields.remove(&last)),
            (Some(Value::Array(items)), value) => match (last.parse::<usize>(), value) {
                (Ok(at), Some(value)) if at < items.len() => items[at] = value.clone(),
                (Ok(at), Some(value)) if at == items.len() => items.push(value.clone()),
                (Ok(at), None) if at < items.len() => drop(items.remove(at)),
                _ => {}
            },
            _ => {}
        }
    }
}

/// A change that is right as far as the schema tells: an optional field with a likely value.
pub(crate) fn enrich(random: &mut Random, schemas: &Schemas, kind: &str, object: &mut Value) {
    let top = ["/spec", "/metadata", ""];
    let inside: Vec<String> = paths(object).into_iter().filter(|path| object.pointer(path).is_some_and(Value::is_object)).collect();
    let at = if inside.is_empty() || random.chance(10) { random.pick(&top).to_owned() } else { inside[random.below(inside.len())].clone() };
    let mut schema = schemas.of(kind);
    for part in at.split('/').skip(1) {
        schema = schemas.inside(schema, part);
    }
    let (schema, _) = schemas.resolve(schema);
    let Some(properties) = schema["properties"].as_object() else { return };
    let names: Vec<&String> = properties.keys().filter(|name| !HIDDEN.contains(&name.as_str())).collect();
    if names.is_empty() {
        return;
    }
    let name = names[random.below(names.len())];
    let value = schemas.sample(random, &properties[name], name, 2);
    Edit { at: format!("{at}/{name}"), value: Some(value) }.apply(object);
}

/// Fields that only a server writes, or that would be scarce on one that sees thousands of sessions.
const HIDDEN: [&str; 11] = [
    "managedFields",
    "creationTimestamp",
    "deletionTimestamp",
    "uid",
    "nodePort",
    "clusterIP",
    "clusterIPs",
    "status",
    "healthCheckNodePort",
    "selfLink",
    "resourceVersion",
];

/// One thing wrong, or at least unusual.
pub(crate) fn spoil(random: &mut Random, object: &Value) -> Edit {
    let all = paths(object);
    if all.is_empty() {
        return Edit { at: "/unknown".to_owned(), value: Some(json!(1)) };
    }
    // What is deep counts more often than what is at the top: there is more of it.
    let at = all[random.below(all.len())].clone();
    let old = object.pointer(&at).cloned().unwrap_or_default();
    let set = |value: Value| Edit { at: at.clone(), value: Some(value) };
    match random.below(20) {
        0..=3 => Edit { at, value: None },
        4 => set(Value::Null),
        5 => set([json!("text"), json!(7), json!(true), json!([]), json!({}), json!(["a"]), json!(1.5)][random.below(7)].clone()),
        6 => {
            let name = random.pick(&["unknown", "Spec", "nmae", "replica"]);
            match old {
                Value::Object(mut fields) => {
                    fields.insert(name.to_owned(), json!("x"));
                    set(fields.into())
                }
                _ => Edit { at: format!("{}/{name}", at.rsplit_once('/').map_or("", |(parent, _)| parent)), value: Some(json!("x")) },
            }
        }
        7 => match old {
            Value::Array(mut items) if !items.is_empty() => {
                let one = items[random.below(items.len())].clone();
                items.push(one);
                set(items.into())
            }
            Value::Object(mut fields) if !fields.is_empty() => {
                let (name, value) =
                    fields.iter().nth(random.below(fields.len())).map(|(name, value)| (name.clone(), value.clone())).expect("one");
                fields.insert(format!("{TWICE}{name}"), value);
                set(fields.into())
            }
            _ => set(wrong(random, &at, &old)),
        },
        _ => set(wrong(random, &at, &old)),
    }
}

/// Another value of the same type that is seldom right.
fn wrong(random: &mut Random, at: &str, old: &Value) -> Value {
    match old {
        Value::Bool(old) => (!old).into(),
        Value::Number(_) => {
            [json!(-1), json!(0), json!(1), json!(65536), json!(2_147_483_648_i64), json!(101), json!(1.5), json!("5"), json!(4)]
                [random.below(9)]
            .clone()
        }
        Value::String(old) => {
            let long = ["a".repeat(64), "a".repeat(254), "a.".repeat(40) + "a"];
            let common: [&str; 17] =
                ["", "A_B", "-x", "a.b", "a/b", "a b", "Ümlaut", &long[0], &long[1], &long[2], "x", "1", "a..b", "a-", "/a", "b", "0"];
            let special: &[&str] = match name_of(at) {
                "cpu" | "memory" | "storage" | "ephemeral-storage" => &["1x", "-1", "1.2.3", "", "0.1m", "10Mi", "1E", "1e-9", "100"],
                "schedule" => &["* * * *", "@never", "61 * * * *", "*/0 * * * *", "TZ=UTC * * * * *", "a b c d e"],
                "apiVersion" => &["v2", "apps/v1beta1", "v1", "a/b/c", ""],
                "kind" => &["Secret", "deployment", "Unknown", ""],
                "type" => {
                    &["ClusterIP", "NodePort", "LoadBalancer", "ExternalName", "Opaque", "kubernetes.io/tls", "Recreate", "OnDelete", "x"]
                }
                "image" => &["", " nginx", "nginx:1", "a b"],
                "protocol" => &["UDP", "SCTP", "tcp", "HTTP"],
                "name" | "namespace" | "value" | "app" => &common,
                _ if old.len() > 3 && random.chance(30) => &["Always", "Never", "IfNotPresent", "Prefix", "Exact", "always", "OnFailure"],
                _ => &common,
            };
            random.pick(special).into()
        }
        Value::Array(items) => {
            let mut items = items.clone();
            match random.below(3) {
                0 => items.clear(),
                1 => items.reverse(),
                _ => items.push(items.first().cloned().unwrap_or(json!("a"))),
            }
            items.into()
        }
        Value::Object(_) => [json!({}), json!({"unknown": 1}), Map::new().into()][random.below(3)].clone(),
        Value::Null => json!({}),
    }
}

/// A part of an object: fields taken out by chance, those apart by which its kind and name are known.
pub(crate) fn partial(random: &mut Random, value: &Value, keep: usize) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| ["apiVersion", "kind", "metadata", "name"].contains(&name.as_str()) || random.chance(keep))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect::<Vec<_>>()
            .into_iter()
            .map(|(name, value)| (name, partial(random, &value, keep)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(|item| partial(random, item, keep)).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_makes_the_way_to_its_place() {
        let mut value = json!({"a": [1]});
        Edit { at: "/b/c/d".to_owned(), value: Some(json!(2)) }.apply(&mut value);
        Edit { at: "/a/1".to_owned(), value: Some(json!(3)) }.apply(&mut value);
        Edit { at: "/a/0".to_owned(), value: None }.apply(&mut value);
        assert_eq!(value, json!({"a": [3], "b": {"c": {"d": 2}}}));
    }

    #[test]
    fn paths_are_pointers() {
        let value = json!({"a/b": [{"c": 1}]});
        assert_eq!(paths(&value), ["/a~1b", "/a~1b/0", "/a~1b/0/c"]);
        assert_eq!(name_of("/spec/ports/0"), "ports");
    }
}
