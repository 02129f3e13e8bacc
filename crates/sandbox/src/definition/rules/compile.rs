//! Rules when a definition is written: they can be read, they speak of what is there, and they say yes or no.

use kube_cel::cel::parser::{Expression, Parser};
use serde_json::Value;

use super::types::{self, Scope, Type, Wrong, scalar};
use super::{of, text, uses_old};
use crate::definition::cause::{Causes, child, key};
use crate::definition::internal;

/// Reads a rule.
///
/// # Errors
/// Why it cannot be read, and where.
pub(in crate::definition) fn parse(source: &str) -> Result<Expression, String> {
    Parser::new().enable_optional_syntax(true).parse(source).map_err(|errors| {
        let told = errors.errors.iter().map(|error| located(source, error.pos, &error.msg));
        told.collect::<Vec<_>>().join("\n")
    })
}

/// A fault with its place, as CEL shows it: the line and an arrow below it.
fn located(source: &str, (line, column): (isize, isize), message: &str) -> String {
    let shown = source.lines().nth(usize::try_from(line - 1).unwrap_or(0)).unwrap_or_default();
    let dots = ".".repeat(usize::try_from(column - 1).unwrap_or(0));
    format!("ERROR: <input>:{line}:{column}: {message}\n | {shown}\n | {dots}^")
}

fn placed(source: &str, wrong: &Wrong) -> String {
    let at = source.find(&wrong.near).map_or(0, |at| at + wrong.skip);
    let before = &source[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1;
    located(source, (line as isize, column as isize), &wrong.message)
}

/// The program of a text, whose outcome must be of a type.
fn compile<'a>(source: &str, scope: &Scope<'a>, wanted: &Type<'a>, what: &str, not: &str) -> Result<Expression, String> {
    let failed = |why: String| format!("{what}compilation failed: {why}");
    let program = parse(source).map_err(failed)?;
    let found = types::of(&program, scope).map_err(|wrong| failed(placed(source, &wrong)))?;
    if found == *wanted || found == Type::Any { Ok(program) } else { Err(not.to_owned()) }
}

/// What is wrong with the rules of a schema itself; behind `uncorrelated` nobody can tell an old value from a new one.
pub(in crate::definition) fn check(schema: &Value, path: &str, is_root: bool, uncorrelated: Option<&str>, causes: &mut Causes) {
    for (index, rule) in of(schema).enumerate() {
        let at = |name: &str| child(&key(&child(path, "x-kubernetes-validations"), index), name);
        let own = match scalar(schema) {
            Type::Of(schema, embedded) => Type::Of(schema, embedded || is_root),
            other => other,
        };
        let optional = rule["optionalOldSelf"] == true;
        let scope: Scope<'_> = vec![("self".to_owned(), own.clone()), ("oldSelf".to_owned(), if optional { Type::Any } else { own })];
        let source = text(rule, "rule");
        let program = match compile(source, &scope, &Type::Bool, "", "cel expression must evaluate to a bool") {
            Ok(program) => program,
            Err(why) => {
                causes.invalid_as(&at("rule"), &internal::rule(rule), &why);
                continue;
            }
        };
        let message = text(rule, "messageExpression");
        if !message.trim().is_empty()
            && let Err(why) = compile(message, &scope, &Type::Text, "messageExpression ", "messageExpression must evaluate to a string")
        {
            causes.invalid_as(&at("messageExpression"), &internal::rule(rule), &why);
        }
        if uses_old(&program) {
            if let Some(whole) = uncorrelated {
                let why = format!("oldSelf cannot be used on the uncorrelatable portion of the schema within {whole}");
                causes.invalid(&at("rule"), source, &why);
            }
        } else if rule["optionalOldSelf"].is_boolean() {
            causes.invalid(&at("optionalOldSelf"), rule["optionalOldSelf"].clone(), "may not be set if oldSelf is not used in rule");
        }
    }
}
