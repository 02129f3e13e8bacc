//! Paths to fields as definitions write them (`.spec.a['b']`), resolved in a schema.

use serde_json::Value;

use super::cause::{child, key};

/// The path as the server tells it, and the schema to which it leads.
///
/// # Errors
/// The server's words for why it leads nowhere.
pub(super) fn resolve<'a>(path: &str, schema: &'a Value, brackets: bool) -> Result<(String, &'a Value), String> {
    let (mut told, mut schema) = (String::new(), schema);
    let mut rest = path;
    while let Some(first) = rest.chars().next() {
        let (name, after) = match first {
            '.' => {
                let end = rest[1..].find(['.', '[', ']']).map_or(rest.len(), |end| end + 1);
                if end == 1 && rest.len() == 1 {
                    return Err("unexpected end of JSON path".to_owned());
                }
                // A delimiter right behind the dot is taken for a name, which there is none of.
                let end = end.max(2);
                (rest[1..end].to_owned(), &rest[end..])
            }
            '[' if !brackets => return Err("array notation is not allowed".to_owned()),
            '[' => quoted(&rest[1..])?,
            _ => {
                let end = rest.find(['.', '[', ']']).unwrap_or(rest.len()).max(1);
                return Err(format!("expected [ or . but got: {}", &rest[..end]));
            }
        };
        let nowhere = || "does not refer to a valid field".to_owned();
        if schema["properties"].is_object() {
            schema = schema["properties"].get(&name).ok_or_else(nowhere)?;
            told = child(&told, &name);
        } else if schema["additionalProperties"].is_object() {
            schema = &schema["additionalProperties"];
            told = key(&told, &name);
        } else {
            return Err(nowhere());
        }
        rest = after;
    }
    Ok((told, schema))
}

/// What stands in single quotes before a bracket, and what follows.
fn quoted(rest: &str) -> Result<(String, &str), String> {
    let Some(inner) = rest.strip_prefix('\'') else {
        let end = rest.find(['.', '[', ']']).unwrap_or(rest.len());
        return Err(if end == 0 {
            "unexpected end of JSON path".to_owned()
        } else {
            format!("expected single quoted string but got {}", &rest[..end])
        });
    };
    let (mut name, mut escaped) = (String::new(), false);
    for (index, c) in inner.char_indices() {
        match (escaped, c) {
            (true, 'a') => name.push('\u{7}'),
            (true, 'b') => name.push('\u{8}'),
            (true, 'f') => name.push('\u{c}'),
            (true, 'n') => name.push('\n'),
            (true, 'r') => name.push('\r'),
            (true, 't') => name.push('\t'),
            (true, 'v') => name.push('\u{b}'),
            (true, '\'' | '\\') => name.push(c),
            (true, other) => return Err(format!("invalid string literal: invalid escape char \\{other}")),
            (false, '\\') => {
                escaped = true;
                continue;
            }
            (false, '\'') => {
                let after = &inner[index + 1..];
                return after.strip_prefix(']').map(|after| (name, after)).ok_or_else(|| "unexpected end of JSON path".to_owned());
            }
            (false, c) => name.push(c),
        }
        escaped = false;
    }
    Err("unexpected end of JSON path".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::resolve;

    #[test]
    fn paths_lead_through_fields_and_maps() {
        let schema = json!({"properties": {"spec": {"properties": {"a.b": {"type": "string"}, "m": {"additionalProperties": {"type": "integer"}}}}}});
        let led = |path| resolve(path, &schema, true).map(|(told, schema)| (told, schema["type"].as_str().unwrap_or_default().to_owned()));
        assert_eq!(led(".spec['a.b']"), Ok(("spec.a.b".to_owned(), "string".to_owned())));
        assert_eq!(led(".spec.m.x"), Ok(("spec.m[x]".to_owned(), "integer".to_owned())));
        assert_eq!(led(".spec.c").unwrap_err(), "does not refer to a valid field");
        assert_eq!(led("spec").unwrap_err(), "expected [ or . but got: spec");
        assert_eq!(led(".").unwrap_err(), "unexpected end of JSON path");
        assert_eq!(led(".spec[0]").unwrap_err(), "expected single quoted string but got 0");
        assert_eq!(resolve(".spec['a.b']", &schema, false).unwrap_err(), "array notation is not allowed");
    }
}
