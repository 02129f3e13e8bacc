//! The paths of printer columns: `.spec.replicas`, `.metadata.labels['app']`, `.status.conditions[?(@.type=="Ready")].status`, `.spec.ports[*].port`.

use serde_json::Value;

/// The first value at a path; none when there is none, or when the path is none that is known.
pub(super) fn first<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    walk(value, path.trim().trim_start_matches('{').trim_end_matches('}'))
}

fn walk<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    let path = path.trim_start_matches('$');
    if path.is_empty() {
        return Some(value);
    }
    if let Some(rest) = path.strip_prefix('[') {
        let end = closing(rest)?;
        let (inside, rest) = (&rest[..end], &rest[end + 1..]);
        return bracket(value, inside.trim(), rest);
    }
    let rest = path.strip_prefix('.')?;
    // A dot within a name is written with a backslash before it.
    let (mut name, mut end, mut escaped) = (String::new(), rest.len(), false);
    for (at, character) in rest.char_indices() {
        match character {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            '.' | '[' if !escaped => {
                end = at;
                break;
            }
            other => name.push(other),
        }
        escaped = false;
    }
    walk(value.get(&name)?, &rest[end..])
}

/// Where the bracket that is open closes; brackets within quotes do not count.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (None, ']') => return Some(at),
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
    }
    None
}

fn bracket<'v>(value: &'v Value, inside: &str, rest: &str) -> Option<&'v Value> {
    let unquoted = |text: &str| text.trim().trim_matches(['\'', '"']).to_owned();
    if let Some(filter) = inside.strip_prefix("?(").and_then(|filter| filter.strip_suffix(')')) {
        let (left, right) = filter.split_once("==")?;
        let (left, right) = (left.trim().strip_prefix('@')?, unquoted(right));
        let holds = |item: &&Value| walk(item, left).is_some_and(|found| text(found) == right);
        return walk(value.as_array()?.iter().find(holds)?, rest);
    }
    if inside == "*" {
        return value.as_array()?.iter().find_map(|item| walk(item, rest));
    }
    if let Ok(index) = inside.parse::<i64>() {
        let items = value.as_array()?;
        let at = if index < 0 { items.len().checked_sub(usize::try_from(-index).ok()?)? } else { usize::try_from(index).ok()? };
        return walk(items.get(at)?, rest);
    }
    walk(value.get(unquoted(inside))?, rest)
}

/// A value as text.
pub(super) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn finds_what_columns_ask_for() {
        let object = json!({
            "metadata": {"labels": {"app.kubernetes.io/name": "web"}},
            "spec": {"ports": [{"port": 80}, {"port": 81}]},
            "status": {"conditions": [{"type": "A", "status": "False"}, {"type": "Ready", "status": "True"}]},
        });
        for (path, wanted) in [
            (".spec.ports[1].port", Some("81")),
            (".spec.ports[-1].port", Some("81")),
            (".spec.ports[*].port", Some("80")),
            (".status.conditions[?(@.type==\"Ready\")].status", Some("True")),
            (".status.conditions[?(@.type=='None')].status", None),
            (".metadata.labels['app.kubernetes.io/name']", Some("web")),
            (".metadata.labels.app\\.kubernetes\\.io/name", Some("web")),
            ("{.spec.ports[0].port}", Some("80")),
            (".spec.none", None),
            ("spec", None),
        ] {
            assert_eq!(first(&object, path).map(text).as_deref(), wanted, "{path}");
        }
    }
}
