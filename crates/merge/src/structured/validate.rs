//! Whether a value fits its type.

use std::collections::BTreeSet;

use serde_json::Value;

use super::path::Step;
use super::types::{List, Object, Scalar, Shape, Type};

/// What keeps a value from being applied: everything that does not fit, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfits(Vec<Misfit>);

/// One thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}{}{problem}", if path.is_empty() { "" } else { ": " })]
pub struct Misfit {
    /// Where, as in `.spec.ports[port=80].name`; empty: the value itself.
    pub path: String,
    /// What, in the words of Kubernetes.
    pub problem: String,
}

impl Misfits {
    /// All of them; there is at least one.
    #[must_use]
    pub fn all(&self) -> &[Misfit] {
        &self.0
    }
}

impl std::error::Error for Misfits {}

impl std::fmt::Display for Misfits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.as_slice() {
            [only] => write!(f, "{only}"),
            all => {
                f.write_str("errors:")?;
                all.iter().try_for_each(|one| write!(f, "\n  {one}"))
            }
        }
    }
}

/// Looks whether a value fits its type: only fields that the schema knows, scalars of the right kind, and list items that are told apart.
///
/// Live objects may hold the same item twice (`duplicates`); what is applied may not.
///
/// # Errors
/// All that does not fit.
pub fn validate(value: &Value, of: Type<'_>, duplicates: bool) -> Result<(), Misfits> {
    let mut check = Check { path: Vec::new(), duplicates, found: Vec::new() };
    check.value(value, of);
    if check.found.is_empty() { Ok(()) } else { Err(Misfits(check.found)) }
}

struct Check {
    path: Vec<Step>,
    duplicates: bool,
    found: Vec<Misfit>,
}

impl Check {
    fn fail(&mut self, problem: impl Into<String>) {
        let path = self.path.iter().map(ToString::to_string).collect();
        self.found.push(Misfit { path, problem: problem.into() });
    }

    fn value(&mut self, value: &Value, of: Type<'_>) {
        match (of.shape(Some(value)), value) {
            (Shape::Object(_) | Shape::List(_) | Shape::Scalar(_), Value::Null) => {}
            (Shape::Object(object), Value::Object(fields)) => {
                // One unknown field ends the walk: what else is wrong beside it is not said.
                fields.iter().all(|(name, value)| self.field(name, value, object));
            }
            (Shape::List(list), Value::Array(items)) => self.items(items, list),
            (Shape::Scalar(scalar), value) => self.scalar(value, scalar),
            (Shape::Object(_), _) => self.fail(format!("expected map, got {}", plain(value))),
            (Shape::List(_), _) => self.fail(format!("expected list, got {}", plain(value))),
            (Shape::Nothing, _) => self.fail("schema error: no type found matching: inlined type"),
        }
    }

    /// Looks at one field; says whether there is such a field.
    fn field(&mut self, name: &str, value: &Value, object: Object<'_>) -> bool {
        let child = object.child(name);
        if fits_at_once(value, child) {
            return true;
        }
        self.path.push(Step::Field(name.into()));
        match child {
            Some(of) => self.value(value, of),
            None => self.fail("field not declared in schema"),
        }
        self.path.pop();
        child.is_some()
    }

    fn items(&mut self, items: &[Value], list: List<'_>) {
        let mut seen = BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            let step = match list.step(item) {
                _ if list.is_atomic() => Step::Index(index as u64),
                Ok(step) => step,
                Err(problem) => return self.fail(format!("element {index}: {problem}")),
            };
            if !list.is_atomic() && !self.duplicates && !seen.insert(step.clone()) {
                self.fail(format!("duplicate entries for key {step}"));
            }
            self.path.push(step);
            self.value(item, list.items);
            self.path.pop();
        }
    }

    fn scalar(&mut self, value: &Value, scalar: Scalar) {
        if fits(value, scalar) {
            return;
        }
        self.fail(match scalar {
            Scalar::String => format!("expected string, got &value.valueUnstructured{{Value:{}}}", go_literal(value)),
            Scalar::Numeric => format!("expected numeric (int or float), got {}", go_type(value)),
            Scalar::Boolean => format!("expected boolean, got {}", plain(value)),
            Scalar::Untyped | Scalar::Unknown => format!("expected any scalar, got {}", plain(value)),
        });
    }
}

/// Scalars are most of an object: they are seen to fit without a note of where they are.
fn fits_at_once(value: &Value, of: Option<Type<'_>>) -> bool {
    match value {
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            matches!(of.map(|of| of.shape(Some(value))), Some(Shape::Scalar(scalar)) if fits(value, scalar))
        }
        _ => false,
    }
}

pub(super) fn fits(value: &Value, scalar: Scalar) -> bool {
    match scalar {
        _ if value.is_null() => true,
        Scalar::String => value.is_string(),
        Scalar::Numeric => value.is_number(),
        Scalar::Boolean => value.is_boolean(),
        Scalar::Untyped => !value.is_array() && !value.is_object(),
        Scalar::Unknown => true,
    }
}

/// What Go calls the type of a decoded JSON or YAML value (`%T`), as the messages of structured-merge-diff and of kube-apiserver show it.
#[must_use]
pub fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// A decoded JSON or YAML value in Go's own syntax (`%#v`), as the same messages show it.
#[must_use]
pub fn go_literal(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::Array(items) => format!("[]interface {{}}{{{}}}", items.iter().map(go_literal).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name:?}:{}", go_literal(value))).collect();
            format!("map[string]interface {{}}{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

/// As Go writes a pointer to a value (`%v`).
fn plain(value: &Value) -> String {
    fn inner(value: &Value) -> String {
        match value {
            Value::Null => "<nil>".to_owned(),
            Value::String(text) => text.clone(),
            Value::Array(items) => format!("[{}]", items.iter().map(inner).collect::<Vec<_>>().join(" ")),
            Value::Object(fields) => {
                let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}:{}", inner(value))).collect();
                format!("map[{}]", fields.join(" "))
            }
            other => other.to_string(),
        }
    }
    format!("&{{{}}}", inner(value))
}
