//! Definitions of kinds with random structural schemas, and objects of them.

use serde_json::{Map, Value, json};

use crate::kinds::metadata;
use crate::random::Random;

/// A definition of `things.GROUP`, and the schema of their `spec`.
pub(crate) fn definition(random: &mut Random) -> (Value, Value) {
    let mut spec = object_schema(random, 3);
    if random.chance(20) {
        spec["x-kubernetes-preserve-unknown-fields"] = true.into();
    }
    if random.chance(40) {
        let rules = [
            json!({"rule": "!has(self.count) || self.count < 10", "message": "count is too large"}),
            json!({"rule": "!has(self.name) || self.name.startsWith('a')", "messageExpression": "'not ' + self.name", "reason": "FieldValueForbidden"}),
            json!({"rule": "!has(self.items) || self.items.size() <= 2", "fieldPath": ".items"}),
            json!({"rule": "self == oldSelf", "message": "it must not change"}),
            json!({"rule": "!has(self.items) || self.items.all(item, item != 'x')"}),
        ];
        spec["x-kubernetes-validations"] = json!([rules[random.below(5)]]);
    }
    // The fields that the rules and the scale name are always there.
    spec["properties"]["count"] = json!({"type": "integer", "minimum": 0, "maximum": 50});
    spec["properties"]["name"] = json!({"type": "string", "maxLength": 20});
    spec["properties"]["items"] = json!({"type": "array", "maxItems": 5, "items": {"type": "string", "maxLength": 10}});
    let status = json!({"type": "object", "properties": {"replicas": {"type": "integer"}, "phase": {"type": "string"}, "selector": {"type": "string"}}});
    let mut schema = json!({"type": "object", "properties": {"spec": spec, "status": status}});
    if random.chance(20) {
        schema["required"] = json!(["spec"]);
    }
    let mut version = json!({"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}});
    let mut subresources = Map::new();
    if random.chance(60) {
        subresources.insert("status".to_owned(), json!({}));
    }
    if random.chance(40) {
        let scale =
            json!({"specReplicasPath": ".spec.count", "statusReplicasPath": ".status.replicas", "labelSelectorPath": ".status.selector"});
        subresources.insert("scale".to_owned(), scale);
    }
    version["subresources"] = subresources.into();
    if random.chance(40) {
        version["additionalPrinterColumns"] = json!([{"name": "Count", "type": "integer", "jsonPath": ".spec.count"},
            {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}, {"name": "Items", "type": "string", "jsonPath": ".spec.items"}]);
    }
    let names = json!({"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList", "shortNames": ["th"]});
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "things.GROUP"},
        "spec": {"group": "GROUP", "names": names, "scope": "Namespaced", "versions": [version]}});
    (definition, spec)
}

fn object_schema(random: &mut Random, depth: usize) -> Value {
    let names = ["alpha", "beta", "gamma", "delta"];
    let mut properties = Map::new();
    for name in names.iter().take(1 + random.below(4)) {
        properties.insert((*name).to_owned(), schema(random, depth));
    }
    let mut object = json!({"type": "object", "properties": properties});
    if random.chance(25) {
        object["required"] = json!([names[0]]);
    }
    if random.chance(8) {
        object["x-kubernetes-map-type"] = random.pick(&["atomic", "granular"]).into();
    }
    if random.chance(8) {
        object["minProperties"] = 1.into();
    }
    object
}

fn schema(random: &mut Random, depth: usize) -> Value {
    let mut schema = match random.below(if depth == 0 { 6 } else { 11 }) {
        0 => json!({"type": "integer", "minimum": 1, "maximum": 10}),
        1 => json!({"type": "string", "enum": ["red", "green"]}),
        2 => json!({"type": "string", "pattern": "^[a-z]+$", "minLength": 1}),
        3 => json!({"type": "boolean"}),
        4 => json!({"type": "number", "multipleOf": 0.5}),
        5 => [
            json!({"x-kubernetes-int-or-string": true}),
            json!({"type": "string", "format": "date-time"}),
            json!({"type": "string", "format": "ipv4"}),
            json!({"type": "integer", "format": "int32", "exclusiveMinimum": true, "minimum": 0}),
        ][random.below(4)]
        .clone(),
        6 => {
            let list = [json!({"x-kubernetes-list-type": "set"}), json!({"x-kubernetes-list-type": "atomic"}), json!({"maxItems": 2})];
            let mut array = list[random.below(3)].clone();
            array["type"] = "array".into();
            array["items"] = json!({"type": "string"});
            array
        }
        7 => {
            let mut item = object_schema(random, depth - 1);
            item["properties"]["key"] = json!({"type": "string"});
            item["required"] = json!(["key"]);
            if random.chance(30) {
                item["properties"]["protocol"] = json!({"type": "string", "default": "TCP"});
                return json!({"type": "array", "items": item, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["key", "protocol"]});
            }
            json!({"type": "array", "items": item, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["key"]})
        }
        8 => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        _ => object_schema(random, depth - 1),
    };
    if random.chance(20) {
        let value = sample(random, &schema);
        schema["default"] = value;
    }
    if random.chance(12) {
        schema["nullable"] = true.into();
    }
    schema
}

/// A value that the schema allows, mostly.
fn sample(random: &mut Random, schema: &Value) -> Value {
    if let Some(words) = schema["enum"].as_array() {
        return words[random.below(words.len())].clone();
    }
    if schema["x-kubernetes-int-or-string"] == true {
        return [json!(5), json!("5%")][random.below(2)].clone();
    }
    match schema["type"].as_str() {
        Some("integer") => (1 + random.below(9)).into(),
        Some("boolean") => random.chance(50).into(),
        Some("number") => [json!(1.5), json!(2), json!(2.0)][random.below(3)].clone(),
        Some("string") if schema["format"] == "date-time" => "2001-02-03T04:05:06Z".into(),
        Some("string") if schema["format"] == "ipv4" => "192.168.1.1".into(),
        Some("string") => random.pick(&["a", "b", "abc", "x"]).into(),
        Some("array") => (0..random.below(3)).map(|_| sample(random, &schema["items"])).collect(),
        _ => {
            let mut object = Map::new();
            for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
                if random.chance(65) {
                    object.insert(name.clone(), sample(random, schema));
                }
            }
            if schema["additionalProperties"].is_object() {
                object.insert("a".to_owned(), "b".into());
            }
            object.into()
        }
    }
}

/// An object of the defined kind.
pub(crate) fn object(random: &mut Random, spec: &Value, name: &str) -> Value {
    let mut object = json!({"apiVersion": "GROUP/v1", "kind": "Thing", "metadata": metadata(random, name), "spec": sample(random, spec)});
    if random.chance(15) {
        object["status"] = json!({"replicas": 1, "phase": "a", "selector": "app=a"});
    }
    object
}
