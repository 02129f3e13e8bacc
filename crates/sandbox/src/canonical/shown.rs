//! Objects as Go writes them into errors: in the order of its own fields, and by the names that the server's own types give them.

use serde_json::{Map, Value};

use crate::golang::{Field, Shape, Table, Type};

/// A value of an API type as the server's own type `message` (`core.PodSpec`) is shown: every field, given or not.
pub(crate) fn internal(value: &Value, message: &str) -> String {
    let mut out = String::new();
    whole(value, message, &mut out);
    out
}

/// A value in Go's order of fields, those that are not known behind them; objects on the way of a patch go by the alphabet, as its library has it, and what
/// the patch brought is as it was there.
pub(crate) fn ordered(value: &Value, message: &str, patch: Option<&Value>) -> String {
    let mut out = String::new();
    in_order(value, message, patch, &mut out);
    out
}

/// What changed between two values, as lines around the changes.
pub(crate) fn difference(old: &Value, new: &Value, message: &str) -> String {
    let lines = |value| indented(&internal(value, message));
    super::unified::unified(&lines(old), &lines(new))
}

fn whole(value: &Value, message: &str, out: &mut String) {
    let Some(fields) = value.as_object().filter(|_| Table::get().knows(message)) else {
        return out.push_str(&value.to_string());
    };
    let nested = (message == "core.PodSpec").then(|| with_namespaces(fields));
    object(
        Table::get().ordered(message).iter().filter_map(|field| {
            let found = match &nested {
                Some(context) if field.name == "SecurityContext" => Some(context),
                _ => {
                    let called = RENAMED.iter().find(|(own, _)| *own == field.name).map_or(field.name, |(_, name)| name);
                    let own = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(called)).map(|(_, value)| value);
                    // The server's own types have their metadata inline.
                    own.or_else(|| fields.get("metadata")?.get(field.name))
                }
            };
            let found = found.filter(|value| !value.is_null());
            (found.is_some() || field.always).then(|| (field.name, text_of(found, field)))
        }),
        out,
    );
}

/// What the server's own types call otherwise than JSON does.
const RENAMED: [(&str, &str); 4] = [("CephMonitors", "monitors"), ("RBDImage", "image"), ("RBDPool", "pool"), ("RadosUser", "user")];

/// The server's own Pods have their host's namespaces in the security context.
fn with_namespaces(spec: &Map<String, Value>) -> Value {
    let mut context = spec.get("securityContext").and_then(Value::as_object).cloned().unwrap_or_default();
    for name in ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers"] {
        if let Some(value) = spec.get(name) {
            context.insert(name.to_owned(), value.clone());
        }
    }
    Value::Object(context)
}

fn text_of(value: Option<&Value>, field: &Field) -> String {
    let mut out = String::new();
    let one = |value: &Value, out: &mut String| match field.of {
        Type::Message(of) => whole(value, of, out),
        _ => out.push_str(&value.to_string()),
    };
    match (value, field.shape, field.of) {
        (Some(Value::Array(items)), Shape::List, _) => list(items, one, &mut out),
        (Some(Value::Object(entries)), Shape::Map, _) => map(entries, one, &mut out),
        (Some(value), ..) => one(value, &mut out),
        (None, Shape::One, Type::Text) => out.push_str("\"\""),
        (None, Shape::One, Type::Integer | Type::Float | Type::Message("util/intstr.IntOrString")) => out.push('0'),
        (None, Shape::One, Type::Boolean) => out.push_str("false"),
        (None, Shape::One, Type::Message("resource.Quantity")) => out.push_str("\"0\""),
        (None, Shape::One, Type::Message(of)) if Table::get().knows(of) => whole(&Value::Object(Map::new()), of, &mut out),
        (None, ..) => out.push_str("null"),
    }
    out
}

fn in_order(value: &Value, message: &str, patch: Option<&Value>, out: &mut String) {
    let own = !patch.is_some_and(is_brought);
    let Some(fields) = value.as_object().filter(|_| own) else { return out.push_str(&value.to_string()) };
    let patch = patch.and_then(Value::as_object);
    let known = Table::get().ordered(message);
    let of = |name: &str| known.iter().find(|field| field.name == name);
    let mut names: Vec<&str> = fields.keys().map(String::as_str).collect();
    if patch.is_none() {
        // The sort keeps what is not known in order, behind the rest.
        names.sort_by_key(|name| match (known.iter().position(|field| field.name == *name), *name) {
            (Some(place), _) => place + 2,
            (None, "kind") => 0,
            (None, "apiVersion") => 1,
            (None, _) => usize::MAX,
        });
    }
    object(
        names.into_iter().map(|name| {
            let (value, patch) = (&fields[name], patch.and_then(|patch| patch.get(name)));
            let mut text = String::new();
            let one = |value: &Value, patch: Option<&Value>, out: &mut String| match of(name).map(|field| field.of) {
                Some(Type::Message(of)) => in_order(value, of, patch, out),
                _ => out.push_str(&value.to_string()),
            };
            let mut places = (0_usize..).map(|place| patch?.get(place.to_string()));
            match (value, of(name).map(|field| field.shape)) {
                _ if patch.is_some_and(is_brought) => text.push_str(&value.to_string()),
                (Value::Array(items), _) => list(items, |item, out| one(item, places.next().flatten(), out), &mut text),
                (Value::Object(entries), Some(Shape::Map)) => map(entries, |value, out| one(value, patch, out), &mut text),
                _ => one(value, patch, &mut text),
            }
            (name, text)
        }),
        out,
    );
}

/// Whether a value stands where a patch brought it, and not on the way to that.
fn is_brought(patch: &Value) -> bool {
    !patch.is_object() && !patch.is_null()
}

fn object<'a>(fields: impl Iterator<Item = (&'a str, String)>, out: &mut String) {
    let fields: Vec<String> = fields.map(|(name, text)| format!("{}:{text}", Value::from(name))).collect();
    out.push_str(&format!("{{{}}}", fields.join(",")));
}

fn list(items: &[Value], mut one: impl FnMut(&Value, &mut String), out: &mut String) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        one(item, out);
    }
    out.push(']');
}

fn map(entries: &Map<String, Value>, mut one: impl FnMut(&Value, &mut String), out: &mut String) {
    let texts: Vec<(&str, String)> = entries
        .iter()
        .map(|(name, value)| {
            let mut text = String::new();
            one(value, &mut text);
            (name.as_str(), text)
        })
        .collect();
    object(texts.into_iter(), out);
}

/// JSON over many lines, a blank for each depth; empty lists and objects stay on one.
fn indented(json: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let mut letters = json.chars().peekable();
    while let Some(letter) = letters.next() {
        let empty = matches!((letter, letters.peek()), ('{', Some('}')) | ('[', Some(']')));
        let fresh = |lines: &mut Vec<String>, depth: usize| lines.push(" ".repeat(depth));
        if !quoted && matches!(letter, '}' | ']') && !lines.last().is_some_and(|line| line.ends_with(['{', '['])) {
            depth = depth.saturating_sub(1);
            fresh(&mut lines, depth);
        }
        let Some(line) = lines.last_mut() else { break };
        line.push(letter);
        match letter {
            '"' if !escaped => quoted = !quoted,
            '{' | '[' if !quoted && !empty => {
                depth += 1;
                fresh(&mut lines, depth);
            }
            ',' if !quoted => fresh(&mut lines, depth),
            ':' if !quoted => line.push(' '),
            _ => {}
        }
        escaped = letter == '\\' && !escaped;
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_given_is_shown_too() {
        let strategy = json!({"type": "Blue"});
        assert_eq!(internal(&strategy, "apps.DeploymentStrategy"), r#"{"Type":"Blue","RollingUpdate":null}"#);
        let port = json!({"protocol": "TCP", "port": 80});
        let wanted = r#"{"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}"#;
        assert_eq!(internal(&port, "core.ServicePort"), wanted);
    }

    #[test]
    fn a_difference_has_lines_around_it() {
        let (old, new) = (json!({"volumeName": "a"}), json!({"volumeName": "b"}));
        let shown = difference(&old, &new, "core.PersistentVolumeClaimSpec");
        assert!(
            shown.starts_with("@@ -5,7 +5,7 @@\n") && shown.contains("\n- \"VolumeName\": \"a\",\n+ \"VolumeName\": \"b\",\n"),
            "{shown}"
        );
        assert_eq!(difference(&old, &old, "core.PersistentVolumeClaimSpec"), "");
    }
}
