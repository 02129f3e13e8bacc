use serde_json::{Value, json};

use super::*;

/// Bodies that kubectl 1.36 sent, and the JSON that it prints of the same objects.
const RECORDED: &str = include_str!("../../tests/data/protobuf.jsonl");

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// An empty list without `omitempty` is null in Go's JSON, and nothing in protobuf.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            map.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.clone(), without_nulls(value))).collect()
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

#[test]
fn kubectls_bodies_are_what_it_prints_as_json() {
    let mut count = 0;
    for line in RECORDED.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let decoded = decode(&bytes(case["body"].as_str().unwrap())).unwrap();
        assert_eq!(decoded, without_nulls(&case["json"]), "{}", case["command"]);
        count += 1;
    }
    assert!(count > 10);
}

#[test]
fn damaged_bodies_are_refused_and_never_panic() {
    for line in RECORDED.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let whole = bytes(case["body"].as_str().unwrap());
        // Cut anywhere, or with any one byte changed: an answer or an error, but an end.
        for at in 0..whole.len() {
            drop(decode(&whole[..at]));
            let mut changed = whole.clone();
            changed[at] ^= 0xff;
            drop(decode(&changed));
        }
    }
    assert_eq!(decode(b"{}").unwrap_err(), "provided data does not appear to be a protobuf message");
}

/// A number as protobuf writes it.
fn number(mut number: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while number > 0x7f {
        out.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap());
    out
}

/// A field of bytes.
fn field(tag: usize, bytes: &[u8]) -> Vec<u8> {
    [&number(tag << 3 | 2), &number(bytes.len()), bytes].concat()
}

#[test]
fn unknown_kinds_and_deep_nesting_are_refused() {
    let body = |api_version: &str, kind: &str, raw: &[u8]| {
        let meta = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
        [MAGIC, &field(1, &meta), &field(2, raw)].concat()
    };
    let unknown = body("example.org/v1", "Widget", &[]);
    assert_eq!(decode(&unknown).unwrap_err(), "no kind \"Widget\" is registered for version \"example.org/v1\" in protobuf");
    let options = body("v1", "DeleteOptions", &[8, 0, 34, 10, b'F', b'o', b'r', b'e', b'g', b'r', b'o', b'u', b'n', b'd']);
    let wanted = json!({"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0, "propagationPolicy": "Foreground"});
    assert_eq!(decode(&options).unwrap(), wanted);
    // NodeAffinity's terms do not nest, so that only a made-up chain could: managed fields hold raw JSON, whose own limit holds.
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    let raw = field(1, &field(17, &field(7, &field(1, deep.as_bytes()))));
    assert!(decode(&body("v1", "Pod", &raw)).unwrap_err().contains("raw content is no JSON"));
}
