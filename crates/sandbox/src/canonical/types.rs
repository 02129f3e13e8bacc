//! Values of another type than Kubernetes' Go types have: what Go's JSON says of the first of them.

use base64::Engine as _;
use serde_json::Value;

use super::quantity;
use super::shape::object_of;
use crate::golang::{Field, Shape, Table, Type, type_name};
use crate::place::Place;

const QUANTITY: &str = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/// What Go calls one of the bytes in a list of them.
pub(super) const OCTET: &str = "uint8";

/// What is wrong with the types in an object of a built-in kind; none when they are as they must be. In what is the same in `old`, an object of the
/// same kind that is stored, they are.
pub(crate) fn mismatch(object: &Value, api_version: &str, kind: &str, old: Option<&Value>) -> Option<String> {
    let old = old.filter(|old| old["apiVersion"] == api_version);
    inside(object, &type_name(api_version, kind), Place::Top, old)
}

/// The same in the metadata of a custom object, of which alone the server knows the type.
pub(crate) fn metadata_mismatch(metadata: &Value) -> Option<String> {
    match metadata {
        Value::Object(_) => inside(metadata, "meta/v1.ObjectMeta", Place::Top, None),
        Value::Null => None,
        other => Some(format!("json: cannot unmarshal {} into Go value of type v1.ObjectMeta", kind_of(other))),
    }
}

fn inside(value: &Value, message: &str, place: Place<'_>, old: Option<&Value>) -> Option<String> {
    let fields = value.as_object()?;
    let known = Table::get().message(message)?;
    fields.iter().filter(|(_, value)| !value.is_null()).find_map(|(name, value)| {
        let field = known.fields.get(name.as_str())?;
        let old = old.and_then(|old| old.get(name));
        if old == Some(value) {
            return None;
        }
        let embedded = known.embedded.get(name.as_str()).map(|of| Place::Field(&place, of.rsplit('.').next().unwrap_or_default()));
        whole(value, field, &Known { message, place: Place::Field(embedded.as_ref().unwrap_or(&place), name) }, old)
    })
}

/// A field of a Go structure.
struct Known<'a> {
    /// The message that has the field.
    message: &'a str,
    place: Place<'a>,
}

impl Known<'_> {
    fn told(&self, value: &Value, go: &str) -> String {
        // What stands inline belongs to the structure that it is written in.
        let owner = self.message.rsplit('.').next().unwrap_or_default();
        let number = if value.is_number() { format!(" {value}") } else { String::new() };
        let number = if go.starts_with("int") || go == OCTET { number } else { String::new() };
        format!("json: cannot unmarshal {}{number} into Go struct field {owner}.{} of type {go}", kind_of(value), self.place)
    }
}

/// A JSON value's kind, as Go's decoder calls it.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A type's name as Go prints it.
fn go_name(field: &Field) -> String {
    match field.of {
        Type::Message(message) => message.rsplit('/').next().unwrap_or_default().to_owned(),
        _ => field.go.to_owned(),
    }
}

fn whole(value: &Value, field: &Field, known: &Known<'_>, old: Option<&Value>) -> Option<String> {
    match (field.shape, value) {
        (Shape::List, Value::Array(items)) => {
            items.iter().enumerate().find_map(|(index, item)| one(item, field, known, old.and_then(|old| old.get(index))))
        }
        (Shape::Map, Value::Object(entries)) => {
            entries.iter().find_map(|(name, value)| one(value, field, known, old.and_then(|old| old.get(name))))
        }
        (Shape::List, _) => Some(known.told(value, &format!("[]{}", go_name(field)))),
        // The one map that has a name of its own.
        (Shape::Map, _) if field.of == Type::Message("resource.Quantity") => Some(known.told(value, "v1.ResourceList")),
        (Shape::Map, _) => Some(known.told(value, &format!("map[string]{}", go_name(field)))),
        _ => one(value, field, known, old),
    }
}

fn one(value: &Value, field: &Field, known: &Known<'_>, old: Option<&Value>) -> Option<String> {
    if let Type::Message(message) = field.of
        && let Some(told) = reads_itself(message, value)
    {
        return told.or_else(|| schemas(message, value, known, old));
    }
    let wrong = || Some(known.told(value, &go_name(field)));
    match (field.of, value) {
        (_, Value::Null) => None,
        (Type::Text, Value::String(_)) | (Type::Boolean, Value::Bool(_)) | (Type::Float, Value::Number(_)) => None,
        (Type::Bytes, Value::String(text)) => bytes(text),
        // Go reads a list of numbers too.
        (Type::Bytes, Value::Array(octets)) => {
            let fits = |octet: &Value| octet.is_null() || octet.as_u64().is_some_and(|octet| u8::try_from(octet).is_ok());
            octets.iter().find(|octet| !fits(octet)).map(|octet| known.told(octet, OCTET))
        }
        (Type::Integer, Value::Number(number)) => {
            let fits = number.as_i64().is_some_and(|number| field.go != "int32" || i32::try_from(number).is_ok());
            if fits || number.is_u64() && field.go != "int32" { None } else { wrong() }
        }
        (Type::Message("util/intstr.IntOrString"), Value::String(_)) => None,
        (Type::Message("util/intstr.IntOrString"), Value::Number(number))
            if number.as_i64().is_some_and(|it| i32::try_from(it).is_ok()) =>
        {
            None
        }
        (Type::Message("util/intstr.IntOrString"), _) => Some(known.told(value, "int32")),
        (Type::Message(message), Value::Object(_)) => inside(value, message, known.place, old),
        (Type::Message(message), _) if !Table::get().knows(message) => None,
        _ => wrong(),
    }
}

/// What is wrong in the schemas of a field that may hold one, several, or something else.
fn schemas(message: &str, value: &Value, known: &Known<'_>, old: Option<&Value>) -> Option<String> {
    let schema = object_of(message);
    if schema == message {
        return None;
    }
    let one = |value: &Value, old| inside(value, schema, known.place, old);
    match value {
        Value::Array(all) => all.iter().find_map(|value| one(value, None)),
        value => one(value, old),
    }
}

/// What a type says of a value that it reads by code of its own; none for other types.
pub(super) fn reads_itself(message: &str, value: &Value) -> Option<Option<String>> {
    if value.is_null() {
        return None;
    }
    Some(match (message, value) {
        ("resource.Quantity", Value::Number(_)) => None,
        ("resource.Quantity", _) => {
            let canonical = value.as_str().is_some_and(|text| quantity::canonical(text).is_some());
            if canonical { None } else { Some(QUANTITY.to_owned()) }
        }
        ("meta/v1.Time", Value::String(text)) => time(text, "2006-01-02T15:04:05Z07:00"),
        ("meta/v1.MicroTime", Value::String(text)) => time(text, "2006-01-02T15:04:05.000000Z07:00"),
        ("meta/v1.Time" | "meta/v1.MicroTime", _) => {
            Some(format!("json: cannot unmarshal {} into Go value of type string", kind_of(value)))
        }
        // Of any shape.
        ("apiextensions/v1.JSON" | "meta/v1.FieldsV1", _) => None,
        _ if message.starts_with("runtime.") || message.starts_with("apiextensions/v1.JSONSchemaPropsOr") => None,
        _ => return None,
    })
}

/// What is wrong with a text that should be Base64.
pub(super) fn bytes(text: &str) -> Option<String> {
    let error = base64::engine::general_purpose::STANDARD.decode(text.replace(['\n', '\r'], "")).err()?;
    let place = match error {
        base64::DecodeError::InvalidByte(place, _) | base64::DecodeError::InvalidLastSymbol(place, _) => place,
        base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => text.len() / 4 * 4,
    };
    Some(format!("illegal base64 data at input byte {place}"))
}

/// A time that Go cannot read in a layout; a fraction must be given where the layout has one.
fn time(text: &str, layout: &str) -> Option<String> {
    let told = |rest: &str, part: &str| Some(format!("parsing time \"{text}\" as \"{layout}\": cannot parse \"{rest}\" as \"{part}\""));
    // From the front: each part of the layout is so many letters of digits or the sign itself.
    let parts = [("2006", 4), ("-", 1), ("01", 2), ("-", 1), ("02", 2), ("T", 1), ("15", 2), (":", 1), ("04", 2), (":", 1), ("05", 2)];
    let mut at = 0;
    for (part, length) in parts {
        let piece = text.get(at..at + length);
        let well = piece.is_some_and(|piece| if part.len() == 1 { piece == part } else { piece.bytes().all(|byte| byte.is_ascii_digit()) });
        if !well {
            return told(text.get(at..).unwrap_or_default(), part);
        }
        at += length;
    }
    let rest = &text[at..];
    if layout.contains(".000000") && !rest.starts_with('.') {
        return told(rest, ".000000");
    }
    if text.parse::<jiff::Timestamp>().is_ok() {
        None
    } else {
        told(rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit()), "Z07:00")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_wrong_type_is_told_in_gos_words() {
        let pod = |spec: Value| mismatch(&json!({"spec": spec}), "v1", "Pod", None);
        for (spec, told) in [
            (
                json!({"containers": [{"resources": {"requests": 1}}]}),
                "json: cannot unmarshal number into Go struct field ResourceRequirements.spec.containers.resources.requests of type v1.ResourceList",
            ),
            (
                json!({"containers": "c"}),
                "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container",
            ),
            (
                json!({"restartPolicy": 1}),
                "json: cannot unmarshal number into Go struct field PodSpec.spec.restartPolicy of type v1.RestartPolicy",
            ),
            (
                json!({"terminationGracePeriodSeconds": 1.5}),
                "json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.terminationGracePeriodSeconds of type int64",
            ),
        ] {
            assert_eq!(pod(spec.clone()).as_deref(), Some(told), "{spec}");
        }
        assert_eq!(pod(json!({"containers": [{"name": "c", "ports": [{"containerPort": 80}]}], "nodeSelector": null})), None);
        assert_eq!(time("2026-01-02T03:04:05Z", "2006-01-02T15:04:05Z07:00"), None);
    }
}
