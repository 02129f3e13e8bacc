//! One step from an object into its parts.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

/// A step: into a field, to the list item with certain keys, to a set's value, or to a position.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// `f:name`
    Field(Box<str>),
    /// `k:{"name":"a"}`, the keys by name.
    Key(Vec<(Box<str>, Scalar)>),
    /// `v:"text"`
    Value(Scalar),
    /// `i:0`
    Index(u64),
}

/// A JSON value that can be compared and ordered as Kubernetes does: numbers < text < booleans < lists < objects < null, and 1 is 1.0.
#[derive(Debug, Clone)]
pub struct Scalar(pub Value);

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Scalar {}

impl PartialOrd for Scalar {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scalar {
    fn cmp(&self, other: &Self) -> Ordering {
        order(&self.0, &other.0)
    }
}

fn order(one: &Value, two: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        Value::Bool(_) => 2,
        Value::Array(_) => 3,
        Value::Object(_) => 4,
        Value::Null => 5,
    };
    match (one, two) {
        (Value::Bool(one), Value::Bool(two)) => one.cmp(two),
        (Value::Number(one), Value::Number(two)) => order_numbers(one, two),
        (Value::String(one), Value::String(two)) => one.cmp(two),
        (Value::Array(one), Value::Array(two)) => {
            let differing = one.iter().zip(two).map(|(one, two)| order(one, two)).find(|order| order.is_ne());
            differing.unwrap_or_else(|| one.len().cmp(&two.len()))
        }
        (Value::Object(one), Value::Object(two)) => {
            let pairs = one.iter().zip(two).map(|(one, two)| one.0.cmp(two.0).then_with(|| order(one.1, two.1)));
            pairs.into_iter().find(|order| order.is_ne()).unwrap_or_else(|| one.len().cmp(&two.len()))
        }
        (one, two) => rank(one).cmp(&rank(two)),
    }
}

fn order_numbers(one: &Number, two: &Number) -> Ordering {
    match (one.as_i64(), two.as_i64()) {
        (Some(one), Some(two)) => one.cmp(&two),
        _ => {
            let float = |number: &Number| number.as_f64().unwrap_or(f64::NAN);
            float(one).total_cmp(&float(two))
        }
    }
}

/// Whether two values are the same to Kubernetes: as JSON, but 1 is 1.0.
#[must_use]
pub fn same(one: &Value, two: &Value) -> bool {
    match (one, two) {
        (Value::Number(one), Value::Number(two)) => one == two || order_numbers(one, two).is_eq(),
        (Value::Array(one), Value::Array(two)) => one.len() == two.len() && one.iter().zip(two).all(|(one, two)| same(one, two)),
        (Value::Object(one), Value::Object(two)) => {
            // Names stand in the same order, unless a feature of serde_json keeps that of the text.
            let other = |name, (beside, value)| if name == beside { Some(value) } else { two.get(name) };
            let mut pairs = one.iter().zip(two);
            one.len() == two.len() && pairs.all(|((name, value), beside)| other(name, beside).is_some_and(|other| same(value, other)))
        }
        _ => one == two,
    }
}

impl Step {
    /// The text by which managed fields know this step.
    #[must_use]
    pub fn encode(&self) -> String {
        match self {
            Self::Field(name) => ["f:", name].concat(),
            Self::Key(keys) => {
                let mut out = "k:{".to_owned();
                for (index, (name, value)) in keys.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    write_text(name, &mut out);
                    out.push(':');
                    write_value(&value.0, &mut out);
                }
                out.push('}');
                out
            }
            Self::Value(value) => {
                let mut out = "v:".to_owned();
                write_value(&value.0, &mut out);
                out
            }
            Self::Index(index) => format!("i:{index}"),
        }
    }

    /// Writes that text as JSON.
    pub(super) fn write(&self, out: &mut String) {
        match self {
            Self::Field(name) if is_plain(name) => {
                out.push_str("\"f:");
                out.push_str(name);
                out.push('"');
            }
            Self::Key(_) => {
                // What must be escaped in the JSON within was so already, but for what stands around it.
                out.push('"');
                for letter in self.encode().chars() {
                    if matches!(letter, '"' | '\\') {
                        out.push('\\');
                    }
                    out.push(letter);
                }
                out.push('"');
            }
            other => write_text(&other.encode(), out),
        }
    }

    /// Reads such a text; none if it is none.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "f" => Some(Self::Field(rest.into())),
            "v" => Some(Self::Value(Scalar(serde_json::from_str(rest).ok()?))),
            "i" => Some(Self::Index(rest.parse().ok()?)),
            "k" => {
                let fields: Map<String, Value> = serde_json::from_str(rest).ok()?;
                let mut keys: Vec<_> = fields.into_iter().map(|(name, value)| (name.into_boxed_str(), Scalar(value))).collect();
                keys.sort();
                Some(Self::Key(keys))
            }
            _ => None,
        }
    }
}

/// Writes a value as JSON; most are texts.
fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => write_text(text, out),
        other => out.push_str(&other.to_string()),
    }
}

/// Whether a text as JSON needs nothing but quotes. No early end: so the compiler looks at many bytes at once.
fn is_plain(text: &str) -> bool {
    !text.bytes().fold(false, |found, byte| found | (byte < b' ') | (byte == b'"') | (byte == b'\\'))
}

/// Writes a text as JSON.
pub(super) fn write_text(text: &str, out: &mut String) {
    if is_plain(text) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&Value::from(text).to_string());
    }
}

impl std::fmt::Display for Step {
    /// As conflicts show it: `.spec`, `[name="a"]`, `[="x"]`, `[0]`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(keys) => {
                let keys: Vec<String> = keys.iter().map(|(name, value)| format!("{name}={}", shown(&value.0))).collect();
                write!(f, "[{}]", keys.join(","))
            }
            Self::Value(value) => write!(f, "[={}]", shown(&value.0)),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// A value inside a step; lists and objects do not belong there, and are shown as Kubernetes shows them.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(",")),
        Value::Object(fields) => fields.iter().map(|(name, value)| format!("{name}={}", shown(value))).collect(),
        other => other.to_string(),
    }
}
