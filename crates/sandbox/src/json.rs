//! JSON as it is kept and answered: values in memory put into text.
//!
//! The bytes are those of `serde_json`. This walks a value without going through serde, and looks at eight bytes of a text at once for what must be
//! escaped in it: of nearly all texts nothing must.

use serde_json::{Map, Value};

/// Writes a value behind what is there already.
pub(crate) fn write(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        // A number has no part that JSON cannot hold, and a vector takes everything.
        Value::Number(number) => drop(serde_json::to_writer(out, number)),
        Value::String(of) => text(out, of),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(out, item);
            }
            out.push(b']');
        }
        Value::Object(fields) => object(out, fields),
    }
}

fn object(out: &mut Vec<u8>, fields: &Map<String, Value>) {
    entries(out, fields.iter(), |out, _, value| write(out, value));
}

/// Writes fields as an object, each value by `value`.
pub(crate) fn entries<'a>(
    out: &mut Vec<u8>,
    fields: impl Iterator<Item = (&'a String, &'a Value)>,
    mut value: impl FnMut(&mut Vec<u8>, &str, &'a Value),
) {
    out.push(b'{');
    for (index, (name, of)) in fields.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        text(out, name);
        out.push(b':');
        value(out, name, of);
    }
    out.push(b'}');
}

/// Writes a text with its quotes.
fn text(out: &mut Vec<u8>, text: &str) {
    if is_plain(text.as_bytes()) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        drop(serde_json::to_writer(out, text));
    }
}

/// Whether a text needs nothing but quotes.
fn is_plain(text: &[u8]) -> bool {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    // Borrows from the highest bit of a byte that is smaller than the limit; bytes beyond ASCII have that bit themselves.
    let below = |eight: u64, limit: u8| eight.wrapping_sub(EACH * u64::from(limit)) & !eight & (EACH << 7) != 0;
    let is = |eight: u64, byte: u8| below(eight ^ (EACH * u64::from(byte)), 1);
    let (eights, rest) = text.as_chunks();
    let mut eights = eights.iter().map(|eight| u64::from_le_bytes(*eight));
    let special = |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\';
    !eights.any(|eight| below(eight, b' ') || is(eight, b'"') || is(eight, b'\\')) && !rest.iter().any(special)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6).prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    fn written(value: &Value) -> String {
        let mut out = Vec::new();
        write(&mut out, value);
        String::from_utf8(out).expect("a text")
    }

    #[test]
    fn what_must_be_escaped_is() {
        let value = json!({"a\"": ["\u{1f}", "\u{7f}", "back\\slash", "\u{e9}\n"], "b": u64::MAX});
        assert_eq!(written(&value), value.to_string());
    }

    proptest! {
        #[test]
        fn the_bytes_are_those_of_serde_json(value in values()) {
            prop_assert_eq!(written(&value), value.to_string());
        }
    }
}
