//! JSON as rules see it: fields by escaped names, times and durations by the formats of their schema.

use std::collections::HashMap;
use std::sync::Arc;

use kube_cel::cel::objects::{Key, Map};
use kube_cel::cel::parser::Parser;
use kube_cel::cel::{Context, Value as Cel};
use serde_json::Value;

const RESERVED: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// The name by which a rule calls a field.
pub(super) fn escape(name: &str) -> String {
    if RESERVED.contains(&name) {
        return format!("__{name}__");
    }
    name.replace("__", "__underscores__").replace('.', "__dot__").replace('-', "__dash__").replace('/', "__slash__")
}

/// A value of a schema; the functions of `context` read times and durations.
pub(super) fn of(schema: &Value, value: &Value, context: &Context<'_>) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(flag) => Cel::Bool(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) if schema["type"] != "number" => Cel::Int(whole),
            _ if schema["type"] == "integer" => Cel::Int(number.as_f64().unwrap_or_default() as i64),
            _ => Cel::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => of_text(schema, text, context),
        Value::Array(items) => Cel::List(Arc::new(items.iter().map(|item| of(&schema["items"], item, context)).collect())),
        Value::Object(fields) => {
            let is_map = schema["additionalProperties"].is_object();
            let field = |(name, value): (&String, &Value)| {
                let own = schema["properties"].get(name);
                let inner = own.unwrap_or(&schema["additionalProperties"]);
                let name = if is_map && own.is_none() { name.clone() } else { escape(name) };
                (Key::String(Arc::new(name)), of(inner, value, context))
            };
            Cel::Map(Map { map: Arc::new(fields.iter().map(field).collect::<HashMap<_, _>>()) })
        }
    }
}

fn of_text(schema: &Value, text: &str, context: &Context<'_>) -> Cel {
    let plain = Cel::String(Arc::new(text.to_owned()));
    let (function, argument) = match schema["format"].as_str() {
        _ if schema["x-kubernetes-int-or-string"] == true => return plain,
        Some("date-time") => ("timestamp", text.to_owned()),
        Some("date") => ("timestamp", format!("{text}T00:00:00Z")),
        Some("duration") => ("duration", text.to_owned()),
        Some("byte") => ("base64.decode", text.to_owned()),
        _ => return plain,
    };
    let mut scope = context.new_inner_scope();
    scope.add_variable_from_value("text", Cel::String(Arc::new(argument)));
    let read = Parser::new().parse(&format!("{function}(text)")).ok().and_then(|program| Cel::resolve(&program, &scope).ok());
    read.unwrap_or(plain)
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn names_are_escaped_as_kubernetes_does() {
        for (name, escaped) in [
            ("plain_name", "plain_name"),
            ("a__b", "a__underscores__b"),
            ("a.b", "a__dot__b"),
            ("a-b", "a__dash__b"),
            ("a/b", "a__slash__b"),
            ("namespace", "__namespace__"),
            ("default", "default"),
        ] {
            assert_eq!(escape(name), escaped);
        }
    }
}
