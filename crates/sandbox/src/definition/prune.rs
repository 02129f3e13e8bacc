//! What the server takes out of custom objects and puts in: unknown fields go, nulls where none may stand go, defaults come.

use serde_json::{Map, Value};

use super::structural::says;

/// Brings the whole object of a definition into the server's form; its metadata has another one.
pub(crate) fn object(schema: &Value, object: &mut Value) {
    let metadata = object.as_object_mut().and_then(|fields| fields.remove("metadata"));
    value(schema, object, true);
    nulls(schema, object);
    preset(schema, object);
    if let (Some(metadata), Some(fields)) = (metadata, object.as_object_mut()) {
        fields.insert("metadata".to_owned(), metadata);
    }
}

fn is_meta(name: &str) -> bool {
    matches!(name, "apiVersion" | "kind" | "metadata")
}

/// Takes out what the schema does not know; `is_resource` says that the value is an object of the API.
pub(super) fn value(schema: &Value, value: &mut Value, is_resource: bool) {
    prune(Some(schema), value, is_resource);
}

/// The schema of a map's entries, if there are any: `Some(None)` knows no fields within them.
fn entries(schema: &Value) -> Option<Option<&Value>> {
    match &schema["additionalProperties"] {
        Value::Null => None,
        inner => Some(Some(inner).filter(|inner| inner.is_object())),
    }
}

fn prune(schema: Option<&Value>, value: &mut Value, is_resource: bool) {
    let is_resource = is_resource || schema.is_some_and(|schema| says(schema, "x-kubernetes-embedded-resource"));
    let keeps = schema.is_some_and(|schema| says(schema, "x-kubernetes-preserve-unknown-fields"));
    match value {
        Value::Object(fields) => fields.retain(|name, value| {
            if is_resource && is_meta(name) {
                return true;
            }
            let own = schema.and_then(|schema| schema["properties"].get(name).map(Some).or_else(|| entries(schema)));
            if let Some(inner) = own {
                prune(inner, value, false);
            }
            own.is_some() || keeps
        }),
        Value::Array(items) => {
            let inner = schema.map(|schema| &schema["items"]).filter(|inner| inner.is_object());
            for item in items {
                if inner.is_some() || !keeps {
                    prune(inner, item, false);
                }
            }
        }
        _ => {}
    }
}

/// The schema of a field, as one of its properties or an entry of a map.
fn of_field<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    schema["properties"].get(name).or_else(|| entries(schema)?)
}

/// Null where null may not stand is as good as absent, unless there is a default.
fn nulls(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(fields) => fields.retain(|name, value| {
            let inner = of_field(schema, name);
            let gone = value.is_null() && inner.is_some_and(|inner| !says(inner, "nullable") && inner["default"].is_null());
            if let Some(inner) = inner {
                nulls(inner, value);
            }
            !gone
        }),
        Value::Array(items) if schema["items"].is_object() => items.iter_mut().for_each(|item| nulls(&schema["items"], item)),
        _ => {}
    }
}

fn preset(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let properties: Option<&Map<String, Value>> = schema["properties"].as_object();
            for (name, inner) in properties.into_iter().flatten().filter(|(_, inner)| !inner["default"].is_null()) {
                if fields.get(name).is_none_or(|value| value.is_null() && !says(inner, "nullable")) {
                    fields.insert(name.clone(), inner["default"].clone());
                }
            }
            for (name, value) in fields.iter_mut() {
                if let Some(inner) = of_field(schema, name) {
                    preset_one(inner, value);
                }
            }
        }
        Value::Array(items) if schema["items"].is_object() => items.iter_mut().for_each(|item| preset_one(&schema["items"], item)),
        _ => {}
    }
}

fn preset_one(schema: &Value, value: &mut Value) {
    if value.is_null() && !says(schema, "nullable") && !schema["default"].is_null() {
        *value = schema["default"].clone();
    }
    preset(schema, value);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn a_field_that_is_preserved_keeps_all_but_what_a_known_field_does_not_have() {
        let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"a": {"type": "object"}, "m": {"type": "object", "additionalProperties": {"type": "object", "properties": {"x": {"type": "integer", "default": 1}}}}}});
        let mut object = json!({"free": {"b": 1}, "a": {"b": 1}, "m": {"k": {"y": 1}}, "metadata": {"name": "a"}});
        super::object(&schema, &mut object);
        assert_eq!(object, json!({"free": {"b": 1}, "a": {}, "m": {"k": {"x": 1}}, "metadata": {"name": "a"}}));
    }

    #[test]
    fn null_goes_stays_or_becomes_the_default() {
        let schema = json!({"properties": {"a": {"type": "string"}, "b": {"type": "string", "nullable": true, "default": "x"}, "c": {"type": "string", "default": "y"}}});
        let mut object = json!({"a": null, "b": null, "c": null});
        super::object(&schema, &mut object);
        assert_eq!(object, json!({"b": null, "c": "y"}));
    }
}
