//! Whether two servers answered the same, apart from what each draws by lot, counts or reads from its clock.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::play::Answer;

/// How two answers differ.
#[derive(Debug, Clone)]
pub(crate) struct Difference {
    /// What kind of difference it is: making a session smaller must not turn one into another.
    pub(crate) class: String,
    pub(crate) lines: Vec<String>,
}

pub(crate) fn difference(real: &Answer, ours: &Answer) -> Option<Difference> {
    if real.status == 0 {
        return None;
    }
    if real.status != ours.status {
        let class = format!("{} not {}: {} | {}", real.status, ours.status, masked(&message(real)), masked(&message(ours)));
        return Some(Difference {
            class,
            lines: vec![format!("- {} {}\n+ {} {}", real.status, message(real), ours.status, message(ours))],
        });
    }
    let mut lines = Vec::new();
    if real.content_type != ours.content_type {
        lines.push(format!("  content-type:\n- {}\n+ {}", real.content_type, ours.content_type));
    }
    if real.warnings != ours.warnings {
        lines.push(format!("  warnings:\n- {:?}\n+ {:?}", real.warnings, ours.warnings));
    }
    let told = |answer: &Answer| answer.body["details"]["causes"].as_array().map_or(0, Vec::len);
    let (mut one, mut other) = (settled(&real.body), settled(&ours.body));
    // A server tells the conflicts of managers in the order of a map in Go, which is another one each time.
    // So it does with the properties of a custom object.
    if real.status == 409 || real.body["details"]["kind"] == "Thing" {
        [&mut one, &mut other].into_iter().for_each(in_any_order);
    }
    if told(real) + told(ours) > 1 && one != other {
        // Of many causes, those that only one of them tells.
        let (these, those) = (complaints(&one), complaints(&other));
        lines.extend(these.iter().filter(|line| !those.contains(line)).map(|line| format!("- {line}")));
        lines.extend(those.iter().filter(|line| !these.contains(line)).map(|line| format!("+ {line}")));
        if lines.is_empty() {
            lines.push(format!("  order:\n- {}\n+ {}", these.join("\n- "), those.join("\n+ ")));
        }
    } else {
        walk("", &one, &other, &mut lines);
    }
    let first = lines.first()?.lines().next().unwrap_or_default().trim();
    let class = match first {
        // What an error says counts more than in which of its fields.
        _ if real.status >= 400 && first != "warnings:" => {
            let (one, other) = (causes(real), causes(ours));
            let only = |these: &BTreeSet<String>, those: &BTreeSet<String>| these.difference(those).next().cloned().unwrap_or_default();
            match (only(&one, &other), only(&other, &one)) {
                (one, other) if one.is_empty() && other.is_empty() => format!("{} {}", real.status, parting(&lines.join("\n"))),
                (one, other) => format!("{} {one} | {other}", real.status),
            }
        }
        _ => format!("{} {}", real.status, masked(first)),
    };
    Some(Difference { class, lines })
}

fn in_any_order(body: &mut Value) {
    if let Some(causes) = body.pointer_mut("/details/causes").and_then(Value::as_array_mut) {
        causes.sort_by_cached_key(Value::to_string);
    }
}

/// The causes of an error, a line each.
fn complaints(body: &Value) -> Vec<String> {
    let told =
        |cause: &Value| format!("{}: {}", cause["field"].as_str().unwrap_or_default(), cause["message"].as_str().unwrap_or_default());
    body["details"]["causes"].as_array().into_iter().flatten().map(told).collect()
}

/// What an error complains of: its causes, or its message.
fn causes(answer: &Answer) -> BTreeSet<String> {
    let mut all: BTreeSet<String> = complaints(&answer.body).iter().map(|line| masked(line)).collect();
    if all.is_empty() {
        all.insert(masked(&message(answer)));
    }
    all
}

/// Where what one of them says parts from what the other one says.
fn parting(lines: &str) -> String {
    let of = |mark: char| lines.lines().filter_map(move |line| line.strip_prefix(mark)).collect::<Vec<_>>().join("\n");
    let (real, ours) = (of('-'), of('+'));
    let same = real.chars().zip(ours.chars()).take_while(|(one, other)| one == other).count();
    let from = |text: &str| masked(&text.chars().skip(same.saturating_sub(30)).collect::<String>()).chars().take(60).collect::<String>();
    format!("{} | {}", from(&real), from(&ours))
}

/// The beginning of a text, without numbers and what is in quotes.
fn masked(text: &str) -> String {
    static LOTS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"\[\d+\]|"(\\.|[^"\\])*"|\d+"#).expect("a pattern"));
    LOTS.replace_all(text, "_").chars().take(110).collect()
}

fn message(answer: &Answer) -> String {
    answer.body["message"].as_str().unwrap_or_default().to_owned()
}

/// Without what must differ.
fn settled(value: &Value) -> Value {
    let mut value = value.clone();
    settle("", &mut value);
    value
}

fn settle(name: &str, value: &mut Value) {
    static LOTS: LazyLock<[(Regex, &str); 8]> = LazyLock::new(|| {
        [
            ("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uid>"),
            (r"20[2-9]\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
            (r"\bgen-[a-z0-9]{5}\b", "<generated>"),
            (r"\b10\.\d+\.\d+\.\d+\b", "<address>"),
            (r#"(resourceVersion\\*": ?\\*")\d+"#, "$1<version>"),
            (r"\b\d+ms\b", "<duration>"),
            (r"(in record \()\d+\)", "$1<version>)"),
            (r#"(odePort\\*": ?)\d+"#, "$1<port>"),
        ]
        .map(|(pattern, name)| (Regex::new(pattern).expect("a pattern"), name))
    });
    static AGE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\d+s$").expect("a pattern"));
    match value {
        // What a column is about is nothing that kubectl shows.
        Value::Object(fields) if name == "columnDefinitions" && fields.contains_key("priority") => drop(fields.remove("description")),
        Value::Object(fields) => {
            let prefix = fields.get("generateName").and_then(Value::as_str);
            if fields.get("name").is_some_and(|name| prefix.is_some_and(|prefix| is_drawn(name, prefix))) {
                fields.insert("name".to_owned(), "<generated>".into());
            }
            fields.iter_mut().for_each(|(name, value)| settle(name, value));
        }
        Value::Array(items) => {
            items.iter_mut().for_each(|item| settle(name, item));
            if matches!(name, "items" | "rows") {
                sort_generated(items);
            }
        }
        Value::Number(_) if matches!(name, "nodePort" | "healthCheckNodePort") => *value = "<port>".into(),
        Value::String(text) if name == "cells" && text.contains("/TCP") => *value = "<ports>".into(),
        Value::String(_) if matches!(name, "resourceVersion" | "continue") => *value = format!("<{name}>").into(),
        Value::String(text) if name == "cells" && AGE.is_match(text) => *value = "<age>".into(),
        Value::String(text) => {
            for (lot, name) in LOTS.iter() {
                *text = lot.replace_all(text, *name).into_owned();
            }
        }
        _ => {}
    }
}

/// Whether a name is a prefix and five letters behind it.
fn is_drawn(name: &Value, prefix: &str) -> bool {
    !prefix.is_empty() && name.as_str().and_then(|name| name.strip_prefix(prefix)).is_some_and(|drawn| drawn.len() == 5)
}

/// Puts those of a list that have generated names, and lie in it by those, into an order of their own.
fn sort_generated(items: &mut [Value]) {
    let is_generated = |item: &Value| item.to_string().contains("\"name\":\"<generated>\"");
    for run in items.chunk_by_mut(|one, next| is_generated(one) == is_generated(next)).filter(|run| run.first().is_some_and(is_generated)) {
        run.sort_by_cached_key(Value::to_string);
    }
}

fn walk(at: &str, real: &Value, ours: &Value, lines: &mut Vec<String>) {
    match (real, ours) {
        (Value::Object(one), Value::Object(other)) => {
            for name in one.keys().chain(other.keys()).collect::<BTreeSet<_>>() {
                match (one.get(name), other.get(name)) {
                    (Some(one), Some(other)) => walk(&format!("{at}.{name}"), one, other, lines),
                    (Some(one), None) => lines.push(format!("  {at}.{name}:\n- {one}")),
                    (None, other) => lines.push(format!("  {at}.{name}:\n+ {}", other.unwrap_or(&Value::Null))),
                }
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                walk(&format!("{at}[{index}]"), one, other, lines);
            }
        }
        _ if real != ours => lines.push(format!("  {at}:\n- {real}\n+ {ours}")),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(status: u16, body: Value) -> Answer {
        Answer { status, content_type: "application/json".to_owned(), warnings: Vec::new(), body, sent: Default::default() }
    }

    #[test]
    fn what_is_drawn_by_lot_does_not_count() {
        let of = |uid: &str, version: &str, port: u16| {
            answer(200, json!({"metadata": {"uid": uid, "resourceVersion": version}, "spec": {"ports": [{"nodePort": port}]}}))
        };
        let (one, other) = ("0f0f0f0f-1111-4222-8333-444444444444", "5f0f0f0f-1111-4222-8333-444444444444");
        assert!(difference(&of(one, "3", 30001), &of(other, "17", 32000)).is_none());
        let named = |name: &str| answer(201, json!({"metadata": {"generateName": "a", "name": name}}));
        assert!(difference(&named("abcdef"), &named("aghijk")).is_none());
        let list = |items: [(&str, u8); 3]| {
            answer(200, json!({"items": items.map(|(name, data)| json!({"metadata": {"name": name}, "data": data}))}))
        };
        let drawn = list([("gen-aaaaa", 1), ("gen-bbbbb", 2), ("one", 3)]);
        assert!(difference(&drawn, &list([("gen-ccccc", 2), ("gen-ddddd", 1), ("one", 3)])).is_none());
        assert!(difference(&drawn, &list([("gen-ccccc", 2), ("gen-ddddd", 3), ("one", 1)])).is_some());
    }

    #[test]
    fn a_difference_is_told_with_its_place_and_classed_without_numbers() {
        let found = difference(&answer(200, json!({"a": [1, {"b": 2}]})), &answer(200, json!({"a": [1, {"b": 3}]}))).unwrap();
        assert_eq!((found.class.as_str(), found.lines), ("200 .a_.b:", vec!["  .a[1].b:\n- 2\n+ 3".to_owned()]));
        let found = difference(&answer(200, json!({})), &answer(409, json!({"message": "no"}))).unwrap();
        assert_eq!(found.class, "200 not 409:  | no");
    }
}
