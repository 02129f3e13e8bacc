//! Rules on an object: what it breaks, and what it broke before already.

use std::sync::Arc;

use kube_cel::KubeCelExt as _;
use kube_cel::cel::objects::OptionalValue;
use kube_cel::cel::parser::Expression;
use kube_cel::cel::{Context, ExecutionError, Value as Cel};
use serde_json::Value;

use super::{Programs, bound, of, text, uses_old, values};
use crate::definition::cause::{Causes, child, key};
use crate::definition::path;
use crate::definition::value::old_item;

/// The longest message that an expression may give.
const LONGEST_MESSAGE: usize = 5120;

/// What rules say of a value.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) causes: Causes,
    /// What it broke before already and did not change.
    pub(crate) warnings: Vec<String>,
}

/// Runs the rules of a schema on a value at `path`. `unchanged_passes` is for updates: what breaks a rule but is as it was is only warned of.
pub(crate) fn evaluate(
    programs: &Programs,
    schema: &Value,
    value: &Value,
    old: Option<&Value>,
    unchanged_passes: bool,
    path: &str,
) -> Found {
    let mut run = Run { programs, context: context(), found: Found::default(), over: false };
    let pair = old.filter(|_| unchanged_passes).map(|old| (value, old));
    run.walk(schema, value, old, Ratchet { here: pair, above: None }, path);
    run.found
}

/// Everything that rules can call, and the names of types, which the crate lacks.
fn context() -> Context<'static> {
    let mut context = Context::default().with_all();
    context.add_function("type", |value: Cel| -> Result<Cel, ExecutionError> { Ok(named(type_of(&value))) });
    for name in ["int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type"] {
        context.add_variable_from_value(name, named(name));
    }
    context
}

/// A type as a value that no text of an object equals.
fn named(name: &str) -> Cel {
    Cel::String(Arc::new(format!("type {name}\0")))
}

fn type_of(value: &Cel) -> &'static str {
    match value {
        Cel::Int(_) => "int",
        Cel::UInt(_) => "uint",
        Cel::Float(_) => "double",
        Cel::Bool(_) => "bool",
        Cel::String(_) => "string",
        Cel::Bytes(_) => "bytes",
        Cel::List(_) => "list",
        Cel::Map(_) => "map",
        Cel::Null => "null_type",
        _ => "of another kind",
    }
}

/// What a value and those around it were before, where that can be told.
#[derive(Clone, Copy)]
struct Ratchet<'a> {
    here: Option<(&'a Value, &'a Value)>,
    above: Option<(&'a Value, &'a Value)>,
}

impl<'a> Ratchet<'a> {
    fn unchanged(self) -> bool {
        self.here.or(self.above).is_some_and(|(new, old)| new == old)
    }

    fn inner(self, value: &'a Value, old: Option<&'a Value>, hidden: bool) -> Self {
        if hidden {
            return Self { here: None, above: None };
        }
        match self.here {
            None => self,
            here => Self { here: old.map(|old| (value, old)), above: here },
        }
    }
}

struct Run<'p> {
    programs: &'p Programs,
    context: Context<'static>,
    found: Found,
    /// A rule was too much work: none is run any more.
    over: bool,
}

impl Run<'_> {
    fn walk(&mut self, schema: &Value, value: &Value, old: Option<&Value>, ratchet: Ratchet<'_>, path: &str) {
        if value.is_null() || self.over {
            return;
        }
        self.rules(schema, value, old.filter(|old| !old.is_null()), ratchet, path);
        match value {
            Value::Object(fields) => {
                for (name, inner_value) in fields {
                    let own = schema["properties"].get(name);
                    let Some(inner) = own.or_else(|| schema.get("additionalProperties").filter(|inner| inner.is_object())) else {
                        continue;
                    };
                    let at = if own.is_some() { child(path, name) } else { key(path, name) };
                    let old = old.and_then(|old| old.get(name));
                    let hidden = ratchet.above.is_none() && matches!(name.as_str(), "apiVersion" | "kind");
                    self.walk(inner, inner_value, old, ratchet.inner(inner_value, old, hidden), &at);
                }
            }
            Value::Array(items) if schema["items"].is_object() => {
                for (index, item) in items.iter().enumerate() {
                    let old = old.and_then(|old| old_item(schema, old, item));
                    self.walk(&schema["items"], item, old, ratchet.inner(item, old, false), &key(path, index));
                }
            }
            _ => {}
        }
    }

    fn rules(&mut self, schema: &Value, value: &Value, old: Option<&Value>, ratchet: Ratchet<'_>, path: &str) {
        let kind = schema["type"].as_str().unwrap_or_default();
        let mut seen: Option<(Cel, Option<Cel>)> = None;
        for rule in of(schema) {
            let Some(program) = self.programs.0.get(text(rule, "rule")) else {
                continue;
            };
            let (uses_old, optional) = (uses_old(program), rule["optionalOldSelf"] == true);
            if self.over || uses_old && old.is_none() && !optional {
                continue;
            }
            let told = Some(text(rule, "message").trim()).filter(|message| !message.is_empty()).unwrap_or(text(rule, "rule").trim());
            if !bound::allows(program, [Some(value), old]) {
                let why = format!(
                    "'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: {told}"
                );
                self.found.causes.invalid(path, kind, &why);
                self.over = true;
                return;
            }
            let (own, before) = seen
                .get_or_insert_with(|| (values::of(schema, value, &self.context), old.map(|old| values::of(schema, old, &self.context))));
            let mut scope = self.context.new_inner_scope();
            scope.add_variable_from_value("self", own.clone());
            let before = match (optional, before.clone()) {
                (true, None) => Some(Cel::Opaque(Arc::new(OptionalValue::none()))),
                (true, Some(before)) => Some(Cel::Opaque(Arc::new(OptionalValue::of(before)))),
                (false, before) => before,
            };
            if let Some(before) = before {
                scope.add_variable_from_value("oldSelf", before);
            }
            match Cel::resolve(program, &scope) {
                Ok(Cel::Bool(true)) => {}
                Ok(_) => {
                    let message = message(self.programs, rule, &scope, [Some(value), old]);
                    let at = match path::resolve(text(rule, "fieldPath"), schema, true) {
                        Ok((below, _)) if !below.is_empty() => child(path, &below),
                        _ => path.to_owned(),
                    };
                    let cause = refusal(rule, kind, value, &at, &message);
                    if !uses_old && ratchet.unchanged() {
                        let told = cause.0.iter().map(|cause| format!("{}: {}", cause.field, cause.message));
                        self.found.warnings.extend(told);
                    } else {
                        self.found.causes.append(cause);
                    }
                }
                Err(error) => {
                    let why = match fault(&error) {
                        Some(why) => format!("{why} evaluating rule: {told}"),
                        None => format!(
                            "'no such overload': call arguments did not match a supported operator, function or macro signature for rule: {told}"
                        ),
                    };
                    self.found.causes.invalid(path, kind, &why);
                }
            }
        }
    }
}

/// The words of a rule that is broken.
fn message(programs: &Programs, rule: &Value, scope: &Context<'_>, values: [Option<&Value>; 2]) -> String {
    let run = |program: &Expression| match Cel::resolve(program, scope) {
        Ok(Cel::String(text)) if bound::allows(program, values) => Some(text.trim().to_owned()),
        _ => None,
    };
    let told = programs.0.get(text(rule, "messageExpression")).filter(|program| bound::allows(program, values)).and_then(run);
    let fits = |text: &String| !text.is_empty() && text.len() <= LONGEST_MESSAGE && !text.contains('\n');
    told.filter(fits).unwrap_or_else(|| match text(rule, "message").trim() {
        "" => format!("failed rule: {}", text(rule, "rule").trim()),
        given => given.to_owned(),
    })
}

fn refusal(rule: &Value, kind: &str, value: &Value, at: &str, message: &str) -> Causes {
    let mut causes = Causes::default();
    let shown = !matches!(kind, "object" | "array");
    match text(rule, "reason") {
        "FieldValueForbidden" => causes.forbidden(at, message),
        "FieldValueRequired" => causes.required(at, message),
        "FieldValueDuplicate" if shown => causes.duplicate(at, value.clone()),
        "FieldValueDuplicate" => causes.duplicate_unshown(at),
        _ if shown => causes.invalid(at, value.clone(), message),
        _ => causes.invalid_unshown(at, message),
    }
    causes
}

/// What went wrong while a rule ran, in CEL's words; none when no function takes what it was given.
fn fault(error: &ExecutionError) -> Option<String> {
    Some(match error {
        ExecutionError::NoSuchKey(key) => format!("no such key: {key}"),
        ExecutionError::IndexOutOfBounds(Cel::Int(index)) => format!("index out of bounds: {index}"),
        ExecutionError::DivisionByZero(_) => "division by zero".to_owned(),
        ExecutionError::RemainderByZero(_) => "modulus by zero".to_owned(),
        ExecutionError::Overflow(..) => "integer overflow".to_owned(),
        ExecutionError::FunctionError { message, .. } => message.clone(),
        ExecutionError::UndeclaredReference(name) => format!("no such attribute(s): {name}"),
        _ => return None,
    })
}
