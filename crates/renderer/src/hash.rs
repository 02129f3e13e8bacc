//! The hash at the end of generated names.

use sha2::{Digest, Sha256};

use crate::resource::Resource;
use crate::yaml::Value;

/// Ten letters and digits that change with the content.
pub(crate) fn suffix(resource: &Resource) -> String {
    let digest = Sha256::digest(content(resource).as_bytes());
    let hex: String = digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect();
    // No vowels, no digits that look like some: names stay free of words.
    hex.chars()
        .map(|c| match c {
            '0' => 'g',
            '1' => 'h',
            '3' => 'k',
            'a' => 'm',
            'e' => 't',
            c => c,
        })
        .collect()
}

/// What is hashed: JSON as Go writes it. The name is always empty, which kustomize keeps for compatibility.
fn content(resource: &Resource) -> String {
    let field = |name: &str| resource.value.get(name).filter(|value| value.as_map().is_some());
    let data = |name: &str| field(name).map_or_else(|| serde_json::Value::from(""), Value::to_json);
    let mut map = serde_json::Map::new();
    match resource.kind() {
        kind @ ("ConfigMap" | "Secret") => {
            map.insert("kind".into(), kind.into());
            map.insert("name".into(), "".into());
            map.insert("data".into(), data("data"));
            let extra = if kind == "Secret" { "stringData" } else { "binaryData" };
            if field(extra).is_some() {
                map.insert(extra.into(), data(extra));
            }
            if kind == "Secret" {
                map.insert("type".into(), resource.value.get("type").and_then(Value::text).unwrap_or("").into());
            }
        }
        _ => return go_json(&resource.value.to_json()),
    }
    go_json(&map.into())
}

/// JSON in lines, indented by two, with the escapes of Go's encoder.
pub(crate) fn go_json_pretty(value: &serde_json::Value) -> String {
    escaped(&format!("{value:#}"))
}

/// JSON with the escapes of Go's encoder.
pub(crate) fn go_json(value: &serde_json::Value) -> String {
    escaped(&value.to_string())
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
    out
}
