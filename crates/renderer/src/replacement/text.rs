//! Values inside a text of YAML are exchanged where they stand, so that comments, quotes and the order of keys stay.

use crate::yaml::{Kind, Node, Pos, Scalar, Value};

/// The text with the scalars that differ between `old` (what the text says) and `new` exchanged; `None` when more differs than scalars of one line.
pub(super) fn exchange(text: &str, old: &Value, new: &Value) -> Option<String> {
    let mut edits = Vec::new();
    differences(old, new, &mut edits)?;
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    // From the end, so that earlier positions stay right.
    edits.sort_by_key(|(pos, ..)| std::cmp::Reverse((pos.line, pos.column)));
    for (pos, kind, text) in edits {
        let line = lines.get_mut(usize::try_from(pos.line).ok()?.checked_sub(1)?)?;
        let start = usize::try_from(pos.column).ok()?.checked_sub(1)?;
        let length = length(line.get(start..)?)?;
        let written = match line.as_bytes()[start] {
            b'\'' => format!("'{}'", text.replace('\'', "''")),
            b'"' => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
            _ if !super::fits(&Scalar::plain(text.as_str(), kind)) => format!("!!{} {text}", tag(kind)),
            _ if is_plain(&text, kind) => text,
            _ => format!("'{}'", text.replace('\'', "''")),
        };
        line.replace_range(start..start + length, &written);
    }
    Some(lines.join("\n"))
}

/// Collects the scalars that differ: where they stand, what they meant, what they become.
fn differences(old: &Value, new: &Value, edits: &mut Vec<(Pos, Kind, String)>) -> Option<()> {
    match (&old.node, &new.node) {
        (Node::Map(old), Node::Map(new)) if old.len() == new.len() => {
            old.iter().try_for_each(|(key, value)| differences(value, new.get(key)?, edits))
        }
        (Node::List(old), Node::List(new)) if old.len() == new.len() => {
            old.iter().zip(new).try_for_each(|(old, new)| differences(old, new, edits))
        }
        (Node::Scalar(was), Node::Scalar(Scalar { text, .. })) => {
            if was.text != *text {
                edits.push((old.pos, was.kind, text.to_string()));
            }
            Some(())
        }
        _ => None,
    }
}

/// The name of a kind in YAML; a text that does not look like its kind needs it.
fn tag(kind: Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Bool => "bool",
        Kind::Int => "int",
        Kind::Float => "float",
        Kind::Timestamp => "timestamp",
        Kind::Str => "str",
    }
}

/// How long the scalar at the start of a line's rest is, if it ends on that line.
fn length(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    match bytes.first()? {
        b'\'' => {
            let mut at = 1;
            while let Some(&byte) = bytes.get(at) {
                match byte {
                    b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 2,
                    b'\'' => return Some(at + 1),
                    _ => at += 1,
                }
            }
            None
        }
        b'"' => {
            let mut at = 1;
            while let Some(&byte) = bytes.get(at) {
                match byte {
                    b'\\' => at += 2,
                    b'"' => return Some(at + 1),
                    _ => at += 1,
                }
            }
            None
        }
        b'|' | b'>' | b'&' | b'*' | b'!' => None,
        _ => {
            let end = rest.find(" #").unwrap_or(rest.len());
            // Within brackets a comma or the closing bracket ends it; a plain text of block style may hold them.
            let end = rest[..end].find([',', ']', '}']).filter(|_| rest[..end].ends_with([']', '}'])).unwrap_or(end);
            Some(rest[..end].trim_end().len())
        }
    }
}

/// Whether a text can stand without quotes and still mean the same kind of thing.
fn is_plain(text: &str, kind: Kind) -> bool {
    if kind != Kind::Str {
        return true;
    }
    let parsed = crate::yaml::parse_all(format!("k: {text}\n").as_bytes(), "text");
    parsed.is_ok_and(|docs| docs.len() == 1 && docs[0].get("k").and_then(Value::as_str) == Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchanged(text: &str, change: impl FnOnce(&mut Value)) -> Option<String> {
        let old = crate::yaml::parse_all(text.as_bytes(), "text").unwrap().remove(0);
        let mut new = old.clone();
        change(&mut new);
        exchange(text, &old, &new)
    }

    fn set(key: &'static str, text: &'static str) -> impl FnOnce(&mut Value) {
        move |value| *value.get_mut(key).unwrap() = Value::string(text)
    }

    #[test]
    fn comments_quotes_and_order_stay() {
        let text = "# top\nz: old   # why\na: 'it''s'\nb: \"q\\\"\"\nn: 1\nf: {x: 1, y: 2}\n";
        assert_eq!(exchanged(text, set("z", "new")).unwrap(), text.replace("z: old", "z: new"));
        assert_eq!(exchanged(text, set("a", "we're")).unwrap(), text.replace("'it''s'", "'we''re'"));
        assert_eq!(exchanged(text, set("b", "\\")).unwrap(), text.replace("\"q\\\"\"", "\"\\\\\""));
        assert_eq!(exchanged(text, set("n", "3")).unwrap(), text.replace("n: 1", "n: 3"));
        let inner = |value: &mut Value| *value.get_mut("f").unwrap().get_mut("x").unwrap() = Value::string("9");
        assert_eq!(exchanged(text, inner).unwrap(), text.replace("x: 1", "x: 9"));
    }

    #[test]
    fn what_would_mean_something_else_is_quoted() {
        assert_eq!(exchanged("a: b\n", set("a", "git:")).unwrap(), "a: 'git:'\n");
        assert_eq!(exchanged("a: b\n", set("a", "5")).unwrap(), "a: '5'\n");
    }

    #[test]
    fn other_changes_are_not_done_here() {
        assert_eq!(exchanged("a: b\n", |value| *value = Value::string("x")), None);
        assert_eq!(exchanged("a: |\n  b\n", set("a", "x")), None);
    }
}
