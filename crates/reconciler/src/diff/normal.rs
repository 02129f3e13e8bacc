//! What the server does to an object before it keeps it, as far as a comparison needs it.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// The object without nulls; a Secret's `stringData` within `data`. Most objects are so already.
pub fn normalized(object: &Value) -> Cow<'_, Value> {
    let secret = object["kind"] == "Secret" && object["apiVersion"] == "v1" && object.get("stringData").is_some();
    if !secret && !has_nulls(object) {
        return Cow::Borrowed(object);
    }
    let mut object = without_nulls(object);
    if secret {
        let plain = object.as_object_mut().and_then(|o| o.remove("stringData"));
        if let (Some(Value::Object(plain)), Some(fields)) = (plain, object.as_object_mut()) {
            let data = fields.entry("data").or_insert_with(|| Value::Object(Map::new()));
            if let Some(data) = data.as_object_mut() {
                for (key, value) in plain {
                    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    data.insert(key, STANDARD.encode(text).into());
                }
            }
        }
    }
    Cow::Owned(object)
}

fn has_nulls(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.values().any(|value| value.is_null() || has_nulls(value)),
        Value::Array(items) => items.iter().any(has_nulls),
        _ => false,
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), without_nulls(v))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

/// Nothing, as far as the server is concerned: it leaves out what is empty.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(b) => !b,
        Value::Number(n) => n.as_f64() == Some(0.0),
        Value::String(s) => s.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

/// The amount of a Kubernetes quantity, in thousandths of a thousandth of a thousandth (nano units).
pub(super) fn quantity(value: &Value) -> Option<i128> {
    let text = match value {
        Value::Number(n) => n.to_string(),
        Value::String(s) => s.trim().to_owned(),
        _ => return None,
    };
    let split = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-' | '+')).unwrap_or(text.len());
    let (mut number, mut suffix) = text.split_at(split);
    // 1e3, 1E3: an exponent, not the suffix E.
    let exponent = suffix.strip_prefix(['e', 'E']).filter(|e| !e.is_empty()).and_then(|e| e.parse::<i32>().ok());
    if exponent.is_some() {
        suffix = "";
    }
    let negative = number.starts_with('-');
    number = number.trim_start_matches(['-', '+']);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let scale: i128 = match suffix {
        "n" => 1,
        "u" => 1_000,
        "m" => 1_000_000,
        "" => 1_000_000_000,
        "k" => 1_000_000_000_000,
        "M" => 1_000_000_000_000_000,
        "G" => 1_000_000_000_000_000_000,
        "T" => 1_000_000_000_000_000_000_000,
        "P" => 1_000_000_000_000_000_000_000_000,
        "E" => 1_000_000_000_000_000_000_000_000_000,
        "Ki" => 1_000_000_000 << 10,
        "Mi" => 1_000_000_000 << 20,
        "Gi" => 1_000_000_000 << 30,
        "Ti" => 1_000_000_000 << 40,
        "Pi" => 1_000_000_000 << 50,
        "Ei" => 1_000_000_000_i128 << 60,
        _ => return None,
    };
    let mut amount = if whole.is_empty() { 0 } else { whole.parse::<i128>().ok()?.checked_mul(scale)? };
    let mut unit = scale;
    for digit in fraction.chars() {
        unit /= 10;
        amount = amount.checked_add(unit.checked_mul(i128::from(digit.to_digit(10)?))?)?;
    }
    for _ in 0..exponent.unwrap_or(0).clamp(0, 18) {
        amount = amount.checked_mul(10)?;
    }
    for _ in exponent.unwrap_or(0).clamp(-18, 0)..0 {
        amount /= 10;
    }
    Some(if negative { -amount } else { amount })
}
