//! The few messages that are no objects in JSON: times, amounts, raw JSON.

use base64::Engine as _;
use serde_json::Value;

use super::wire::{self, Reader, Wire};
use crate::time;

type Read = fn(&[u8]) -> Result<Value, String>;

/// How a message of that name is read, if it is one of them.
pub(super) fn of(name: &str) -> Option<Read> {
    Some(match name {
        "meta/v1.Time" => |bytes| time(bytes, time::seconds),
        "meta/v1.MicroTime" => |bytes| time(bytes, time::micros),
        "resource.Quantity" => |bytes| first_text(bytes),
        "util/intstr.IntOrString" => int_or_string,
        "meta/v1.FieldsV1" | "runtime.RawExtension" => raw,
        "meta/v1.Verbs" | "authentication/v1.ExtraValue" | "authorization/v1.ExtraValue" | "certificates/v1.ExtraValue" => texts,
        _ => return None,
    })
}

/// Bytes as JSON has them.
pub(super) fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// A point in time. The zero time is written without content, and is null in JSON.
fn time(bytes: &[u8], write: fn(jiff::Timestamp) -> String) -> Result<Value, String> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let (mut seconds, mut nanos) = (0, 0);
    for part in Reader::new(bytes) {
        match part? {
            (1, Wire::Number(number)) => seconds = number.cast_signed(),
            (2, Wire::Number(number)) => nanos = i32::try_from(number).map_err(|_| "a time is out of range")?,
            _ => {}
        }
    }
    let at = jiff::Timestamp::new(seconds, nanos).map_err(|_| "a time is out of range")?;
    Ok(write(at).into())
}

fn first_text(bytes: &[u8]) -> Result<Value, String> {
    for part in Reader::new(bytes) {
        if let (1, Wire::Bytes(text)) = part? {
            return Ok(wire::text(text)?.into());
        }
    }
    Ok("".into())
}

/// Field 1 says which of the two it is; the zero value is the number 0.
fn int_or_string(bytes: &[u8]) -> Result<Value, String> {
    let (mut is_text, mut number, mut text) = (false, 0, String::new());
    for part in Reader::new(bytes) {
        match part? {
            (1, Wire::Number(kind)) => is_text = kind == 1,
            (2, Wire::Number(found)) => number = found.cast_signed(),
            (3, Wire::Bytes(found)) => text = wire::text(found)?,
            _ => {}
        }
    }
    Ok(if is_text { text.into() } else { number.into() })
}

fn raw(bytes: &[u8]) -> Result<Value, String> {
    for part in Reader::new(bytes) {
        if let (1, Wire::Bytes(json)) = part? {
            return serde_json::from_slice(json).map_err(|error| format!("raw content is no JSON: {error}"));
        }
    }
    Ok(Value::Null)
}

fn texts(bytes: &[u8]) -> Result<Value, String> {
    let mut texts = Vec::new();
    for part in Reader::new(bytes) {
        if let (1, Wire::Bytes(text)) = part? {
            texts.push(Value::from(wire::text(text)?));
        }
    }
    Ok(texts.into())
}
