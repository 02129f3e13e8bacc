//! Values of another type than Kubernetes' Go types have, in a strategic patch and in what is applied: it is no JSON any more when the server puts it
//! into its type, but maps, lists and scalars, and what does that has words of its own (apimachinery 1.36, `runtime/converter.go`).

use serde_json::{Number, Value};

use super::types::{self, OCTET};
use crate::golang::{Field, Shape, Table, Type, type_name};

/// Puts a patched object of a built-in kind into its type; says what is wrong with the types in it. Numbers that are too large lose what does not fit.
pub(crate) fn convert(object: &mut Value, api_version: &str, kind: &str) -> Option<String> {
    let told = unconvertible(object, api_version, kind);
    if told.is_none() {
        cut(object, &type_name(api_version, kind));
    }
    told
}

/// What is wrong with the types in an object, in the order of Go's fields; none when they are as they must be.
fn unconvertible(object: &Value, api_version: &str, kind: &str) -> Option<String> {
    let text = |name| Field { name, inline: false, always: false, shape: Shape::One, of: Type::Text, go: "string" };
    let said = ["kind", "apiVersion"].into_iter().find_map(|name| one(&object[name], &text(name)));
    said.or_else(|| inside(object, &type_name(api_version, kind)))
}

fn inside(value: &Value, message: &str) -> Option<String> {
    let fields = value.as_object()?;
    let known = Table::get().ordered(message);
    known.iter().find_map(|field| fields.get(field.name).filter(|value| !value.is_null()).and_then(|value| filled(value, field)))
}

fn filled(value: &Value, field: &Field) -> Option<String> {
    match (field.shape, value) {
        (Shape::List, Value::Array(items)) => items.iter().find_map(|item| one(item, field)),
        (Shape::Map, Value::Object(entries)) => entries.values().find_map(|value| one(value, field)),
        (Shape::List, _) => Some(format!("cannot restore slice from {}", go_kind(value))),
        (Shape::Map, _) => Some(format!("cannot restore map from {}", go_kind(value))),
        _ => one(value, field),
    }
}

fn one(value: &Value, field: &Field) -> Option<String> {
    if let Type::Message(message) = field.of
        && let Some(told) = types::reads_itself(message, value)
    {
        // What reads itself reads JSON here too.
        return told;
    }
    let whole = value.is_i64() || value.is_u64();
    let unknown = |kind: &str| Some(format!("unrecognized type: {kind}"));
    let inconvertible = || Some(format!("cannot convert {} to {}", go_kind(value), field.go));
    match (field.of, value) {
        (_, Value::Null) | (Type::Text, Value::String(_)) | (Type::Boolean, Value::Bool(_)) | (Type::Float, Value::Number(_)) => None,
        // In Go a whole number can be made a text (of one letter), and this is forbidden; others are not even thought of.
        (Type::Text, Value::Number(_)) if whole => inconvertible(),
        (Type::Text, _) => unknown("string"),
        (Type::Boolean, _) => unknown("bool"),
        (Type::Float, _) => unknown("float64"),
        (Type::Integer, _) => integer(value, field.go),
        (Type::Bytes, Value::String(text)) => types::bytes(text).map(|told| format!("error decoding from json: {told}")),
        (Type::Bytes, Value::Array(octets)) => octets.iter().find_map(|octet| integer(octet, OCTET)),
        (Type::Bytes, _) => Some(format!("cannot restore slice from {}", go_kind(value))),
        (Type::Message("util/intstr.IntOrString"), Value::String(_)) => None,
        (Type::Message("util/intstr.IntOrString"), Value::Number(number)) => {
            let fits = number.as_f64().is_some_and(|number| number == f64::from(number as i32));
            if fits { None } else { Some(format!("json: cannot unmarshal number {number} into Go value of type int32")) }
        }
        (Type::Message("util/intstr.IntOrString"), _) => {
            Some(format!("json: cannot unmarshal {} into Go value of type int32", types::kind_of(value)))
        }
        (Type::Message(message), Value::Object(_)) => inside(value, message),
        (Type::Message(message), _) if !Table::get().knows(message) => None,
        (Type::Message(_), _) => Some(format!("cannot restore struct from: {}", go_kind(value))),
    }
}

/// What is wrong with a whole number of a type in Go.
fn integer(value: &Value, go: &str) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Number(number) if !number.is_f64() || number.as_f64().is_some_and(|number| number.fract() == 0.0) => None,
        Value::Number(_) => Some(format!("cannot convert {} to {go}", go_kind(value))),
        _ => Some(format!("unrecognized type: {go}")),
    }
}

/// Leaves of numbers what fits into their types.
fn cut(value: &mut Value, message: &str) {
    let (Some(fields), Some(known)) = (value.as_object_mut(), Table::get().fields(message)) else { return };
    for (name, value) in fields {
        let Some(field) = known.get(name.as_str()) else { continue };
        match (field.shape, value) {
            (Shape::List, Value::Array(items)) => items.iter_mut().for_each(|item| cut_one(item, field)),
            (Shape::Map, Value::Object(entries)) => entries.values_mut().for_each(|value| cut_one(value, field)),
            (_, value) => cut_one(value, field),
        }
    }
}

fn cut_one(value: &mut Value, field: &Field) {
    match (field.of, &*value) {
        (Type::Message(message), _) => cut(value, message),
        (Type::Integer, Value::Number(number))
            if field.go == "int32" && number.as_i64().is_none_or(|number| i32::try_from(number).is_err()) =>
        {
            *value = (whole(number) as i32).into();
        }
        (Type::Bytes, Value::Array(_)) => {
            for octet in value.as_array_mut().into_iter().flatten() {
                if let Value::Number(number) = octet {
                    *octet = (whole(number) as u8).into();
                }
            }
        }
        _ => {}
    }
}

fn whole(number: &Number) -> i64 {
    number.as_i64().unwrap_or_else(|| number.as_f64().unwrap_or_default() as i64)
}

/// A JSON value's kind once Go has read it.
fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "invalid",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_does_not_convert_is_told_in_the_converters_words() {
        let deployment = |object: Value| unconvertible(&object, "apps/v1", "Deployment");
        let pod = |spec: Value| deployment(json!({"spec": {"template": {"spec": spec}}}));
        for (told, expected) in [
            (deployment(json!({"spec": "x"})), "cannot restore struct from: string"),
            (deployment(json!({"spec": {"replicas": "3"}})), "unrecognized type: int32"),
            (deployment(json!({"spec": {"replicas": 1.5}})), "cannot convert float64 to int32"),
            (deployment(json!({"spec": {"paused": 1}})), "unrecognized type: bool"),
            (
                deployment(json!({"spec": {"strategy": {"rollingUpdate": {"maxSurge": true}}}})),
                "json: cannot unmarshal bool into Go value of type int32",
            ),
            (pod(json!({"restartPolicy": 1})), "cannot convert int64 to v1.RestartPolicy"),
            (pod(json!({"restartPolicy": 1.5})), "unrecognized type: string"),
            (pod(json!({"nodeSelector": "x"})), "cannot restore map from string"),
            (pod(json!({"nodeSelector": {"a": 1}})), "cannot convert int64 to string"),
            (pod(json!({"containers": "x"})), "cannot restore slice from string"),
            // In the order of Go's fields.
            (pod(json!({"containers": [{"args": [1], "image": true}]})), "unrecognized type: string"),
        ] {
            assert_eq!(told.as_deref(), Some(expected));
        }
        let secret = |data: Value| unconvertible(&json!({"data": data}), "v1", "Secret");
        assert_eq!(secret(json!({"a": 5})).as_deref(), Some("cannot restore slice from int64"));
        assert_eq!(secret(json!({"a": "%%"})).as_deref(), Some("error decoding from json: illegal base64 data at input byte 0"));
        assert_eq!(secret(json!({"a": "YQ=="})), None);
        assert_eq!(secret(json!({"a": [300, -1, 1.0, null]})), None);
        assert_eq!(secret(json!({"a": [1.5]})).as_deref(), Some("cannot convert float64 to uint8"));
        assert_eq!(secret(json!({"a": ["a"]})).as_deref(), Some("unrecognized type: uint8"));
        assert_eq!(secret(json!({"a": {}})).as_deref(), Some("cannot restore slice from map"));
        for (kind, expected) in
            [(json!(1.5), Some("unrecognized type: string")), (json!(1), Some("cannot convert int64 to string")), (json!(null), None)]
        {
            assert_eq!(unconvertible(&json!({"kind": kind}), "v1", "Secret").as_deref(), expected);
        }
        assert_eq!(pod(json!({"containers": [{"name": "c", "resources": {"limits": {"cpu": 1}}}], "hostNetwork": null})), None);
    }

    #[test]
    fn of_numbers_that_are_too_large_the_end_is_left() {
        let replicas = |given: Value| {
            let mut object = json!({"spec": {"replicas": given}});
            assert_eq!(convert(&mut object, "apps/v1", "Deployment"), None);
            object["spec"]["replicas"].take()
        };
        for (given, left) in [(json!(2_147_483_648_i64), -2_147_483_648), (json!(4_294_967_296_i64), 0), (json!(1.0), 1), (json!(7), 7)] {
            assert_eq!(replicas(given), left);
        }
        let surge =
            |given: Value| unconvertible(&json!({"spec": {"strategy": {"rollingUpdate": {"maxSurge": given}}}}), "apps/v1", "Deployment");
        assert_eq!(
            surge(json!(2_147_483_648_i64)).as_deref(),
            Some("json: cannot unmarshal number 2147483648 into Go value of type int32")
        );
        assert_eq!(surge(json!(1.0)), None);
        let mut secret = json!({"data": {"a": [300, -1, null]}});
        assert_eq!(convert(&mut secret, "v1", "Secret"), None);
        assert_eq!(secret["data"]["a"], json!([44, 255, null]));
    }
}
