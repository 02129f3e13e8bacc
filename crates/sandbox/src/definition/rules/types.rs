//! What a rule speaks of, as far as its schema says: unknown fields, names and functions are found before any object is.
//!
//! No whole type checker: what is not known for sure is let pass, and told when the rule runs.

use kube_cel::cel::common::ast::{Expr, LiteralValue};
use kube_cel::cel::parser::Expression;
use serde_json::Value;

use super::values::escape;

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Type<'a> {
    /// A value of this schema; the root of an object knows its kind, version and name too.
    Of(&'a Value, bool),
    Bool,
    Int,
    Double,
    Text,
    /// Nobody knows.
    Any,
}

/// Why a rule cannot be.
#[derive(Debug, PartialEq)]
pub(super) struct Wrong {
    pub(super) message: String,
    /// A text of the rule behind whose first `skip` characters the fault is.
    pub(super) near: String,
    pub(super) skip: usize,
}

/// The functions of CEL and Kubernetes; others do not exist.
const FUNCTIONS: &str = " size contains startsWith endsWith matches string int uint double bool bytes type dyn duration timestamp getFullYear getMonth getDayOfYear getDayOfMonth getDate getDayOfWeek getHours getMinutes getSeconds getMilliseconds has indexOf lastIndexOf isSorted sum min max find findAll url isURL getScheme getHost getHostname getPort getEscapedPath getQuery ip isIP ip.isCanonical family isLoopback isUnspecified isLinkLocalMulticast isLinkLocalUnicast isGlobalUnicast cidr isCIDR containsIP containsCIDR prefixLength masked quantity isQuantity isInteger asInteger asApproximateFloat sign add sub isGreaterThan isLessThan compareTo semver isSemver major minor patch sets.contains sets.equivalent sets.intersects charAt lowerAscii upperAscii replace split substring trim join reverse strings.quote format format.named validate slice sort flatten distinct first last lists.range base64.encode base64.decode optional.of optional.none optional.ofNonZeroValue hasValue value or orValue optMap optFlatMap math.greatest math.least math.ceil math.floor math.round math.trunc math.abs math.sign math.isInf math.isNaN math.isFinite math.bitAnd math.bitOr math.bitXor math.bitNot math.bitShiftLeft math.bitShiftRight math.sqrt jsonpatch.escapeKey ";
const TYPES: [&str; 10] = ["int", "uint", "double", "bool", "string", "bytes", "list", "map", "type", "null_type"];
/// Names before the dot of a function.
const SPACES: [&str; 10] = ["sets", "math", "optional", "strings", "lists", "base64", "format", "jsonpatch", "ip", "google"];

/// The variables that stand around an expression.
pub(super) type Scope<'a> = Vec<(String, Type<'a>)>;

/// What an expression is.
///
/// # Errors
/// It speaks of what is not there.
pub(super) fn of<'a>(program: &Expression, scope: &Scope<'a>) -> Result<Type<'a>, Wrong> {
    Ok(match &program.expr {
        Expr::Literal(literal) => match literal {
            LiteralValue::Boolean(_) => Type::Bool,
            LiteralValue::Int(_) => Type::Int,
            LiteralValue::Double(_) => Type::Double,
            LiteralValue::String(_) => Type::Text,
            _ => Type::Any,
        },
        Expr::Ident(name) => match scope.iter().rev().find(|(known, _)| known == name) {
            Some((_, known)) => known.clone(),
            None if TYPES.contains(&name.as_str()) || SPACES.contains(&name.as_str()) || name.starts_with('@') => Type::Any,
            None => {
                return Err(Wrong { message: format!("undeclared reference to '{name}' (in container '')"), near: name.clone(), skip: 0 });
            }
        },
        Expr::Select(select) => {
            let inner = field(&of(&select.operand, scope)?, &select.field)?;
            if select.test { Type::Bool } else { inner }
        }
        Expr::List(list) => {
            for item in &list.elements {
                of(item, scope)?;
            }
            Type::Any
        }
        Expr::Comprehension(all) => {
            let range = of(&all.iter_range, scope)?;
            let mut inner = scope.clone();
            let (key, item) = entries(&range);
            match &all.iter_var2 {
                Some(second) => inner.extend([(all.iter_var.clone(), key), (second.clone(), item)]),
                None => inner.push((all.iter_var.clone(), if key == Type::Text { key } else { item })),
            }
            let result = of(&all.accu_init, scope)?;
            inner.push((all.accu_var.clone(), Type::Any));
            for part in [&all.loop_cond, &all.loop_step, &all.result] {
                of(part, &inner)?;
            }
            if result == Type::Bool { result } else { Type::Any }
        }
        Expr::Call(call) => {
            let target = call.target.as_ref().map(|target| of(target, scope)).transpose()?;
            let mut given = Vec::new();
            for argument in &call.args {
                given.push(of(argument, scope)?);
            }
            function(&call.func_name, target.as_ref(), &given)?
        }
        _ => Type::Any,
    })
}

/// What a map or list holds: its keys (or places) and its values.
fn entries<'a>(range: &Type<'a>) -> (Type<'a>, Type<'a>) {
    match range {
        Type::Of(schema, _) if schema["type"] == "array" => (Type::Int, scalar(&schema["items"])),
        Type::Of(schema, _) if schema["additionalProperties"].is_object() => (Type::Text, scalar(&schema["additionalProperties"])),
        _ => (Type::Any, Type::Any),
    }
}

/// The type of a schema, plain where it is a scalar.
pub(super) fn scalar(schema: &Value) -> Type<'_> {
    if schema["x-kubernetes-int-or-string"] == true {
        return Type::Any;
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("string"), Some("date-time" | "date" | "duration" | "byte")) => Type::Any,
        (Some("string"), _) => Type::Text,
        (Some("integer"), _) => Type::Int,
        (Some("number"), _) => Type::Double,
        (Some("boolean"), _) => Type::Bool,
        (Some("object" | "array"), _) => Type::Of(schema, schema["x-kubernetes-embedded-resource"] == true),
        _ => Type::Any,
    }
}

fn field<'a>(of: &Type<'a>, name: &str) -> Result<Type<'a>, Wrong> {
    let Type::Of(schema, is_resource) = of else {
        return Ok(Type::Any);
    };
    if schema["type"] != "object" {
        return Ok(Type::Any);
    }
    let mut properties = schema["properties"].as_object().into_iter().flatten();
    if *is_resource && matches!(name, "apiVersion" | "kind") {
        return Ok(Type::Text);
    }
    if *is_resource && name == "metadata" {
        return Ok(Type::Any);
    }
    if let Some((_, inner)) = properties.find(|(known, _)| escape(known) == name) {
        return Ok(scalar(inner));
    }
    if schema["additionalProperties"].is_object() {
        return Ok(scalar(&schema["additionalProperties"]));
    }
    Err(Wrong { message: format!("undefined field '{name}'"), near: format!(".{name}"), skip: 0 })
}

fn told(of: &Type<'_>) -> &'static str {
    match of {
        Type::Bool => "bool",
        Type::Int => "int",
        Type::Double => "double",
        Type::Text => "string",
        Type::Of(..) | Type::Any => "",
    }
}

fn function<'a>(name: &str, target: Option<&Type<'a>>, given: &[Type<'a>]) -> Result<Type<'a>, Wrong> {
    let operator = name.trim_matches(['_', '@']);
    Ok(match (operator, given) {
        ("&&" | "||" | "!" | "in" | "not_strictly_false", _) => Type::Bool,
        ("==" | "!=" | "<" | "<=" | ">" | ">=", [one, other]) => {
            let ordered = !matches!(operator, "==" | "!=");
            let (one, other) = (told(one), told(other));
            let number = |name: &str| matches!(name, "int" | "double");
            let fit = one == other || one.is_empty() || other.is_empty() || ordered && number(one) && number(other);
            if !fit {
                let message = format!("found no matching overload for '_{operator}_' applied to '({one}, {other})'");
                return Err(Wrong { message, near: format!(" {operator} "), skip: 1 });
            }
            Type::Bool
        }
        ("[_]", [of, _]) => entries(of).1,
        ("?_:", [_, one, other]) if one == other => one.clone(),
        ("+" | "-" | "*" | "/" | "%", [one, other]) if one == other && !matches!(one, Type::Of(..)) => one.clone(),
        _ if operator.chars().any(|c| !c.is_ascii_alphanumeric() && c != '.') || operator.is_empty() => Type::Any,
        ("size" | "indexOf" | "lastIndexOf" | "int", _) => Type::Int,
        ("string" | "lowerAscii" | "upperAscii" | "join" | "format" | "replace" | "substring" | "trim", _) => Type::Text,
        ("startsWith" | "endsWith" | "contains" | "matches" | "isSorted" | "hasValue" | "bool", _) => Type::Bool,
        (function, _) => {
            let known = FUNCTIONS.contains(&format!(" {function} ")) || FUNCTIONS.contains(&format!(".{function} "));
            if !known {
                let message = format!("undeclared reference to '{function}' (in container '')");
                let near = if target.is_some() { format!(".{function}(") } else { format!("{function}(") };
                return Err(Wrong { message, skip: near.len() - 1, near });
            }
            Type::Any
        }
    })
}
