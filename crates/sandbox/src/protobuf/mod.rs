//! Request bodies in protobuf, as `kubectl create` sends them: decoded into the JSON that the same client would have sent instead.
//!
//! One generic reader over a table of field numbers (`data/golang.txt`); nothing is ever answered in protobuf.

mod special;
mod wire;

use serde_json::{Map, Value};

use crate::golang::{Field, Shape, Table, Type, type_name as name_of};
use wire::{Reader, Wire};

/// What every body in protobuf begins with.
pub(crate) const MAGIC: &[u8] = b"k8s\0";

/// Messages within messages; Kubernetes' own types nest some twenty levels.
const MAX_DEPTH: usize = 64;

/// Decodes a body: the envelope says of which type its content is.
///
/// # Errors
/// Says in one line what is wrong: no envelope, an unknown type, damaged content.
pub(crate) fn decode(body: &[u8]) -> Result<Value, String> {
    let envelope = body.strip_prefix(MAGIC).ok_or("provided data does not appear to be a protobuf message")?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    for part in Reader::new(envelope) {
        match part? {
            (1, Wire::Bytes(meta)) => {
                for part in Reader::new(meta) {
                    match part? {
                        (1, Wire::Bytes(text)) => api_version = wire::text(text)?,
                        (2, Wire::Bytes(text)) => kind = wire::text(text)?,
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let name = type_name(&api_version, &kind);
    let table = Table::get();
    if !table.knows(&name) {
        return Err(format!("no kind \"{kind}\" is registered for version \"{api_version}\" in protobuf"));
    }
    let mut object = Map::new();
    object.insert("kind".to_owned(), kind.into());
    object.insert("apiVersion".to_owned(), api_version.into());
    message(table, &name, raw, &mut object, 0)?;
    Ok(object.into())
}

/// The table's name of a kind: `apps/v1.Deployment`, `core/v1.Pod`. Options of a request may bear any group's version.
fn type_name(api_version: &str, kind: &str) -> String {
    if matches!(kind, "DeleteOptions" | "CreateOptions" | "UpdateOptions" | "PatchOptions") {
        return format!("meta/v1.{kind}");
    }
    name_of(api_version, kind)
}

/// Whether a message is no object in JSON.
#[cfg(test)]
pub(crate) fn is_special(message: &str) -> bool {
    special::of(message).is_some()
}

/// Reads a message's fields into an object.
fn message(table: &Table, name: &str, bytes: &[u8], object: &mut Map<String, Value>, depth: usize) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err("nested too deeply".to_owned());
    }
    for part in Reader::new(bytes) {
        let (number, wire) = part?;
        // A field of a newer Kubernetes is left out, as a server of this version leaves it out.
        let Some(field) = table.field(name, number) else { continue };
        if let (true, Type::Message(of), Wire::Bytes(bytes)) = (field.inline, field.of, wire) {
            message(table, of, bytes, object, depth + 1)?;
            continue;
        }
        let failed = |error| format!("{name}.{}: {error}", field.name);
        match field.shape {
            Shape::List => {
                let Value::Array(list) = object.entry(field.name).or_insert_with(|| Value::Array(Vec::new())) else { continue };
                match (field.of, wire) {
                    (Type::Integer, Wire::Bytes(packed)) => list.extend(wire::packed(packed)?.into_iter().map(Value::from)),
                    _ => list.push(value(table, field, wire, depth).map_err(failed)?),
                }
            }
            Shape::Map => {
                let Value::Object(map) = object.entry(field.name).or_insert_with(|| Value::Object(Map::new())) else { continue };
                let Wire::Bytes(entry) = wire else { return Err(failed("a map entry was expected".to_owned())) };
                let (mut key, mut found) = (String::new(), None);
                for part in Reader::new(entry) {
                    match part? {
                        (1, Wire::Bytes(text)) => key = wire::text(text)?,
                        (2, wire) => found = Some(value(table, field, wire, depth).map_err(failed)?),
                        _ => {}
                    }
                }
                // An empty value may be left out on the wire.
                let found = match found {
                    Some(found) => found,
                    None => value(table, field, Wire::Bytes(&[]), depth).map_err(failed)?,
                };
                map.insert(key, found);
            }
            Shape::One | Shape::Pointer => {
                let found = value(table, field, wire, depth).map_err(failed)?;
                // Go writes plain fields always; what its JSON would leave out is left out here too.
                let zero = matches!(&found, Value::String(text) if text.is_empty()) || found == 0 || found == false;
                let dropped = found.is_null() || zero && field.shape == Shape::One && !field.always;
                if !dropped {
                    object.insert(field.name.to_owned(), found);
                }
            }
        }
    }
    Ok(())
}

/// One value of a field.
fn value(table: &Table, field: &Field, wire: Wire<'_>, depth: usize) -> Result<Value, String> {
    match (field.of, wire) {
        (Type::Text, Wire::Bytes(bytes)) => Ok(wire::text(bytes)?.into()),
        // Negative numbers of 32 bits are written as 64 bits, too.
        (Type::Integer, Wire::Number(number)) => Ok(number.cast_signed().into()),
        (Type::Boolean, Wire::Number(number)) => Ok((number != 0).into()),
        (Type::Float, Wire::Fixed64(bits)) => Ok(f64::from_bits(bits).into()),
        (Type::Bytes, Wire::Bytes(bytes)) => Ok(special::base64(bytes).into()),
        (Type::Message(name), Wire::Bytes(bytes)) => {
            if let Some(read) = special::of(name) {
                return read(bytes);
            }
            let mut object = Map::new();
            message(table, name, bytes, &mut object, depth + 1)?;
            Ok(object.into())
        }
        _ => Err("a value of another type was expected".to_owned()),
    }
}

#[cfg(test)]
mod tests;
