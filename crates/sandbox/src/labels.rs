//! The language of label selectors (`app in (a,b),!old`), read as apimachinery reads it, and refused in its words.

use serde_json::{Value, json};

use crate::canonical;
use crate::cause::Cause;

/// What one label must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
    /// A whole number above this one.
    Above(String, i64),
    Below(String, i64),
}

impl Requirement {
    pub(crate) fn holds(&self, labels: &Value) -> bool {
        let value = |key: &str| labels.get(key).and_then(Value::as_str);
        let number = |key: &str| value(key).and_then(|value| value.parse::<i64>().ok());
        match self {
            Self::In(key, values) => value(key).is_some_and(|value| values.iter().any(|one| one == value)),
            Self::NotIn(key, values) => value(key).is_none_or(|value| values.iter().all(|one| one != value)),
            Self::Exists(key) => value(key).is_some(),
            Self::Absent(key) => value(key).is_none(),
            Self::Above(key, limit) => number(key).is_some_and(|number| number > *limit),
            Self::Below(key, limit) => number(key).is_some_and(|number| number < *limit),
        }
    }
}

/// Reads a selector.
pub(crate) fn parse(text: &str) -> Result<Vec<Requirement>, String> {
    let mut words = Words { rest: text };
    let mut out = Vec::new();
    loop {
        match words.peek() {
            Word::End => return Ok(out),
            Word::Identifier(_) | Word::Symbol("!") => {}
            other => return Err(format!("found '{}', expected: !, identifier, or 'end of string'", other.shown())),
        }
        out.push(requirement(&mut words).map_err(|why| format!("unable to parse requirement: {why}"))?);
        match words.next() {
            Word::End => return Ok(out),
            Word::Symbol(",") => match words.peek() {
                Word::Identifier(_) | Word::Symbol("!") => {}
                other => return Err(format!("found '{}', expected: identifier after ','", other.shown())),
            },
            other => return Err(format!("found '{}', expected: ',' or 'end of string'", other.shown())),
        }
    }
}

/// The symbols of the language; of those that begin alike the longer ones first.
const SYMBOLS: [&str; 9] = ["==", "!=", "=", "!", "(", ")", ",", ">", "<"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word<'a> {
    End,
    Symbol(&'static str),
    Identifier(&'a str),
}

impl<'a> Word<'a> {
    fn shown(self) -> &'a str {
        match self {
            Self::End => "",
            Self::Symbol(text) => text,
            Self::Identifier(text) => text,
        }
    }
}

struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Word<'a> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        if self.rest.is_empty() {
            return Word::End;
        }
        if let Some(symbol) = SYMBOLS.into_iter().find(|symbol| self.rest.starts_with(symbol)) {
            self.rest = &self.rest[symbol.len()..];
            return Word::Symbol(symbol);
        }
        let ends = |c: char| c.is_ascii_whitespace() || "=!(),><".contains(c);
        let (word, rest) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
        self.rest = rest;
        Word::Identifier(word)
    }

    fn peek(&self) -> Word<'a> {
        Words { rest: self.rest }.next()
    }
}

fn requirement(words: &mut Words<'_>) -> Result<Requirement, String> {
    let absent = words.peek() == Word::Symbol("!");
    if absent {
        words.next();
    }
    let key = match words.next() {
        Word::Identifier(key) => key.to_owned(),
        other => return Err(format!("found '{}', expected: identifier", other.shown())),
    };
    refused("<nil>", &key, &canonical::qualified(&key))?;
    if absent {
        return Ok(Requirement::Absent(key));
    }
    if matches!(words.peek(), Word::End | Word::Symbol(",")) {
        return Ok(Requirement::Exists(key));
    }
    let operator = words.next().shown();
    let values = match operator {
        "in" | "notin" => list(words)?,
        "=" | "==" | "!=" | ">" | "<" => vec![exact(words)?],
        other => return Err(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt")),
    };
    // Between brackets there may be nothing.
    let number = values.first().map(String::as_str).unwrap_or_default();
    if let (">" | "<", Err(_)) = (operator, number.parse::<i64>()) {
        let value = json!(number);
        return Err(format!("values[0]: Invalid value: {value}: for 'Gt', 'Lt' operators, the value must be an integer"));
    }
    for (index, value) in values.iter().enumerate() {
        refused(&format!("values[{index}][{key}]"), value, &canonical::label_value(value))?;
    }
    Ok(match operator {
        "!=" | "notin" => Requirement::NotIn(key, values),
        ">" => Requirement::Above(key, number.parse().unwrap_or_default()),
        "<" => Requirement::Below(key, number.parse().unwrap_or_default()),
        _ => Requirement::In(key, values),
    })
}

fn refused(field: &str, value: &str, complaints: &[String]) -> Result<(), String> {
    if complaints.is_empty() {
        return Ok(());
    }
    Err(format!("{field}: {}", Cause::invalid("", &json!(value), &complaints.join("; ")).message))
}

/// What stands alone behind `=`; nothing is an empty value.
fn exact(words: &mut Words<'_>) -> Result<String, String> {
    if matches!(words.peek(), Word::End | Word::Symbol(",")) {
        return Ok(String::new());
    }
    match words.next() {
        Word::Identifier(value) => Ok(value.to_owned()),
        other => Err(format!("found '{}', expected: identifier", other.shown())),
    }
}

/// The values in brackets, sorted and each once. Between two commas is an empty one.
fn list(words: &mut Words<'_>) -> Result<Vec<String>, String> {
    match words.next() {
        Word::Symbol("(") => {}
        other => return Err(format!("found '{}' expected: '('", other.shown())),
    }
    let mut values = std::collections::BTreeSet::new();
    match words.peek() {
        Word::Symbol(")") => {
            words.next();
            return Ok(Vec::new());
        }
        Word::Identifier(_) | Word::Symbol(",") => {}
        other => return Err(format!("found '{}', expected: ',', ')' or identifier", other.shown())),
    }
    loop {
        match words.next() {
            Word::Identifier(value) => {
                values.insert(value.to_owned());
                match words.peek() {
                    Word::Symbol("," | ")") => {}
                    other => return Err(format!("found '{}', expected: ',' or ')'", other.shown())),
                }
            }
            Word::Symbol(",") => {
                if values.is_empty() || matches!(words.peek(), Word::Symbol("," | ")")) {
                    values.insert(String::new());
                }
            }
            Word::Symbol(")") => return Ok(values.into_iter().collect()),
            other => return Err(format!("found '{}', expected: ',', or identifier", other.shown())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_kubectl_sends() {
        let list = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        let read = parse("app in (b, a),tier!=back,!old,new,n>5,in=notin").expect("a selector");
        let key = str::to_owned;
        assert_eq!(
            read,
            [
                Requirement::In(key("app"), list(&["a", "b"])),
                Requirement::NotIn(key("tier"), list(&["back"])),
                Requirement::Absent(key("old")),
                Requirement::Exists(key("new")),
                Requirement::Above(key("n"), 5),
                Requirement::In(key("in"), list(&["notin"])),
            ]
        );
        assert_eq!(parse("app="), Ok(vec![Requirement::In(key("app"), list(&[""]))]));
        assert_eq!(parse(" "), Ok(vec![]));
    }

    #[test]
    fn refuses_in_apimachinerys_words() {
        for (text, why) in [
            ("app,", "found '', expected: identifier after ','"),
            ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
            ("a=(", "unable to parse requirement: found '(', expected: identifier"),
            (",a", "found ',', expected: !, identifier, or 'end of string'"),
            ("a in b", "unable to parse requirement: found 'b' expected: '('"),
            ("a>x", "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer"),
        ] {
            assert_eq!(parse(text), Err(why.to_owned()), "{text}");
        }
        assert!(parse("-x").unwrap_err().starts_with("unable to parse requirement: <nil>: Invalid value: \"-x\": name part must"));
    }
}
