//! Values against a schema: every validation of OpenAPI v3, in the server's order and words, and what an update may leave as it was.
//!
//! The server's library keeps from alternatives (`anyOf`, `oneOf`) only what the alternative says that fits best: the one with most checks passed.
//! [`Outcome::passed`] counts as that library does.

use serde_json::Value;

use super::cause::{Causes, child, key};
use super::{formats, structural::says};

/// What a value is looked at with.
#[derive(Clone, Copy)]
struct Node<'a> {
    schema: &'a Value,
    /// The value that stood there before, where the server can tell which that is.
    old: Option<&'a Value>,
}

/// What was found, and how many checks passed.
#[derive(Default)]
struct Outcome {
    causes: Causes,
    passed: usize,
}

impl Outcome {
    fn merge(&mut self, other: Self) {
        self.passed += other.passed;
        for cause in other.causes.0 {
            // The same words are told once.
            if !self.causes.0.contains(&cause) {
                self.causes.0.push(cause);
            }
        }
    }
}

/// What is wrong with a value that stands at `prefix`. What an update left as it was in `old` is let pass.
pub(crate) fn check(schema: &Value, value: &Value, old: Option<&Value>, prefix: &str) -> Causes {
    let walk = Walk { prefix };
    walk.value(Node { schema, old }, value, "").causes
}

struct Walk<'a> {
    prefix: &'a str,
}

impl Walk<'_> {
    /// The field of a cause.
    fn field(&self, path: &str) -> String {
        match (self.prefix, path.trim_start_matches('.')) {
            ("", path) => path.to_owned(),
            (prefix, "") => prefix.to_owned(),
            (prefix, path) => format!("{prefix}.{path}"),
        }
    }

    /// What is unchanged passes.
    fn value(&self, node: Node<'_>, value: &Value, path: &str) -> Outcome {
        let mut out = self.strictly(node, value, path);
        if !out.causes.is_empty() && node.old == Some(value) {
            out.causes = Causes::default();
        }
        out
    }

    /// What is unchanged does not pass for that, but what stands in it does. Clauses are looked at so.
    fn strictly(&self, node: Node<'_>, value: &Value, path: &str) -> Outcome {
        let mut out = Outcome::default();
        let schema = node.schema;
        out.merge(self.kind(schema, value, path));
        if value.is_null() {
            out.merge(self.choices(schema, value, path));
        } else {
            out.passed += usize::from(says(schema, "type") || says(schema, "format") || is_int_or_string(schema));
            out.merge(self.clauses(node, value, path));
            out.passed += 1;
            match value {
                Value::String(text) => {
                    out.merge(self.text(schema, text, path));
                    out.passed += 1;
                    if let Some(format) = format(schema) {
                        if !formats::fits(format, text) {
                            let why = format!("{path} in body must be of type {format}: {value}");
                            out.causes.of_type(&self.field(path), value.clone(), &why);
                        }
                        out.passed += 1;
                    }
                }
                Value::Number(number) => {
                    out.merge(self.number(schema, number, path));
                    out.passed += 2;
                }
                Value::Array(items) => {
                    out.merge(self.list(node, items, path));
                    out.passed += 2;
                }
                _ => {}
            }
            out.merge(self.choices(schema, value, path));
            out.passed += 1;
            if let Value::Object(_) = value {
                out.merge(self.object(node, value, path));
                out.passed += 1;
            }
            out.passed += 1;
        }
        out
    }

    fn kind(&self, schema: &Value, value: &Value, path: &str) -> Outcome {
        let mut out = Outcome { passed: 1, ..Outcome::default() };
        let wanted = match schema["type"].as_str().unwrap_or_default() {
            _ if is_int_or_string(schema) => "integer,string",
            kind => kind,
        };
        let (found, native) = match value {
            Value::Null => ("null", ""),
            Value::Bool(_) => ("boolean", ""),
            Value::Number(number) if number.is_f64() => ("number", "float64"),
            Value::Number(_) => ("integer", "int64"),
            Value::String(_) => ("string", ""),
            Value::Array(_) => ("array", ""),
            Value::Object(_) => ("object", ""),
        };
        let format = format(schema).unwrap_or_default();
        let mut refuse = |wanted: &str, found: &str| {
            let told = if path.is_empty() { "" } else { path };
            out.causes.of_type(&self.field(path), found, &format!("{told} in body must be of type {wanted}: \"{found}\""));
            out.passed = 0;
        };
        if value.is_null() {
            if !wanted.is_empty() && !says(schema, "nullable") {
                refuse(wanted, found);
            }
            return out;
        }
        if wanted.is_empty() && format.is_empty() {
            return Outcome::default();
        }
        let among = |kind: &str| wanted.split(',').any(|one| one == kind);
        let whole = value.as_f64().is_some_and(|number| found == "number" && number.fract() == 0.0) && among("integer");
        let fits = among(found) || whole || found == "integer" && among("number");
        let has_parts = matches!(value, Value::String(_) | Value::Array(_));
        if !has_parts && !format.is_empty() && !fits && format != native {
            refuse(format, native);
        } else if !(fits || has_parts && !format.is_empty() && !among("number") && !among("integer")) {
            refuse(wanted, found);
        }
        out
    }

    /// `allOf`, `anyOf`, `oneOf`, `not`.
    fn clauses(&self, node: Node<'_>, value: &Value, path: &str) -> Outcome {
        let mut out = Outcome::default();
        let schema = node.schema;
        let each = |name: &str| {
            let list = schema[name].as_array().into_iter().flatten();
            list.map(|clause| self.strictly(Node { schema: clause, ..node }, value, path)).collect::<Vec<_>>()
        };
        let refuse = |out: &mut Outcome, why: &str| out.causes.invalid(self.prefix, "", &format!("{path:?} {why}"));
        let any = each("anyOf");
        if !any.is_empty() {
            let fits = any.iter().any(|one| one.causes.is_empty());
            if !fits {
                refuse(&mut out, "must validate at least one schema (anyOf)");
            }
            out.merge(best(any));
        }
        let one = each("oneOf");
        if !one.is_empty() {
            let fit = one.iter().filter(|one| one.causes.is_empty()).count();
            match fit {
                1 => out.merge(best(one)),
                0 => {
                    refuse(&mut out, "must validate one and only one schema (oneOf). Found none valid");
                    out.merge(best(one));
                }
                more => refuse(&mut out, &format!("must validate one and only one schema (oneOf). Found {more} valid alternatives")),
            }
        }
        let all = each("allOf");
        let (count, fit) = (all.len(), all.iter().filter(|one| one.causes.is_empty()).count());
        for one in all {
            out.merge(one);
        }
        if fit < count {
            refuse(&mut out, &format!("must validate all the schemas (allOf){}", if fit == 0 { ". None validated" } else { "" }));
        }
        if schema["not"].is_object() && self.strictly(Node { schema: &schema["not"], ..node }, value, path).causes.is_empty() {
            refuse(&mut out, "must not validate the schema (not)");
        }
        out.passed += 1;
        out
    }

    fn text(&self, schema: &Value, text: &str, path: &str) -> Outcome {
        let mut out = Outcome::default();
        let length = text.chars().count() as u64;
        let field = self.field(path);
        if let Some(most) = schema["maxLength"].as_u64().filter(|most| length > *most) {
            out.causes.too_long(&field, most);
        } else if let Some(least) = schema["minLength"].as_u64().filter(|least| length < *least) {
            out.causes.invalid(&field, text, &format!("{path} in body should be at least {least} chars long"));
        } else if let Some(pattern) = schema["pattern"].as_str().filter(|pattern| !pattern.is_empty())
            && regex::Regex::new(pattern).is_ok_and(|pattern| !pattern.is_match(text))
        {
            out.causes.invalid(&field, text, &format!("{path} in body should match '{pattern}'"));
        }
        out
    }

    fn number(&self, schema: &Value, number: &serde_json::Number, path: &str) -> Outcome {
        let mut out = Outcome::default();
        let (field, value) = (self.field(path), number.as_f64().unwrap_or_default());
        let whole = !number.is_f64();
        let shown = Value::Number(number.clone());
        if schema["type"] == "integer" && !is_int_or_string(schema) {
            let (format, fits) = match format(schema) {
                Some("int32") => ("with format int32", value.fract() == 0.0 && value.abs() <= f64::from(i32::MAX)),
                Some("int64") => ("with format int64", value.fract() == 0.0),
                _ => ("(default format)", value.fract() == 0.0),
            };
            if !fits {
                out.causes.invalid(self.prefix, "", &format!("Checked value must be of type integer {format} in {path}"));
            }
        }
        // Bounds lose what stands behind their point where a whole number is looked at.
        let bound = |name: &str| schema[name].as_f64().map(|bound| if whole { bound.trunc() } else { bound });
        if let Some(factor) = bound("multipleOf") {
            let times = value / factor;
            let fits = if whole { value % factor == 0.0 } else { (times - times.round()).abs() < 1e-9 * times.abs().max(1.0) };
            if factor <= 0.0 {
                out.causes.invalid(&field, factor, &format!("factor MultipleOf declared for {path} must be positive: {factor}"));
            } else if !fits {
                out.causes.invalid(&field, shown.clone(), &format!("{path} in body should be a multiple of {factor}"));
            }
        }
        if let Some(least) = bound("minimum") {
            let open = says(schema, "exclusiveMinimum");
            if value < least || open && value <= least {
                let than = if open { "greater than" } else { "greater than or equal to" };
                out.causes.invalid(&field, shown.clone(), &format!("{path} in body should be {than} {least}"));
            }
        }
        if let Some(most) = bound("maximum") {
            let open = says(schema, "exclusiveMaximum");
            if value > most || open && value >= most {
                let than = if open { "less than" } else { "less than or equal to" };
                out.causes.invalid(&field, shown, &format!("{path} in body should be {than} {most}"));
            }
        }
        out
    }

    fn list(&self, node: Node<'_>, items: &[Value], path: &str) -> Outcome {
        let mut out = Outcome::default();
        let schema = node.schema;
        if schema["items"].is_object() {
            for (index, item) in items.iter().enumerate() {
                let old = node.old.and_then(|old| old_item(schema, old, item));
                out.merge(self.value(Node { schema: &schema["items"], old }, item, &key(path, index)));
            }
        }
        let (field, count) = (self.field(path), items.len() as u64);
        if let Some(least) = schema["minItems"].as_u64().filter(|least| count < *least) {
            out.causes.invalid(&field, count, &format!("{path} in body should have at least {least} items"));
        }
        if let Some(most) = schema["maxItems"].as_u64().filter(|most| count > *most) {
            out.causes.too_many(&field, items.len(), most);
        }
        if says(schema, "uniqueItems") && items.iter().enumerate().any(|(index, item)| items[..index].contains(item)) {
            out.causes.invalid(&field, "", &format!("{path} in body shouldn't contain duplicates"));
        }
        out
    }

    fn choices(&self, schema: &Value, value: &Value, path: &str) -> Outcome {
        let mut out = Outcome::default();
        let same = |choice: &Value| choice == value || value.is_number() && choice.is_number() && choice.as_f64() == value.as_f64();
        if let Some(choices) = schema["enum"].as_array().filter(|choices| !choices.is_empty() && !choices.iter().any(same)) {
            let choices: Vec<String> = choices.iter().map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned)).collect();
            let choices: Vec<&str> = choices.iter().map(String::as_str).collect();
            out.causes.unsupported(&self.field(path), value, &choices);
        }
        out
    }

    fn object(&self, node: Node<'_>, value: &Value, path: &str) -> Outcome {
        let mut out = Outcome::default();
        let schema = node.schema;
        let Some(fields) = value.as_object() else {
            return out;
        };
        let (field, count) = (self.field(path), fields.len());
        if let Some(least) = schema["minProperties"].as_u64().filter(|least| (count as u64) < *least) {
            out.causes.invalid(&field, count, &format!("{path} in body should have at least {least} properties"));
        }
        if let Some(most) = schema["maxProperties"].as_u64().filter(|most| count as u64 > *most) {
            out.causes.too_many(&field, count, most);
        }
        let properties = &schema["properties"];
        for (name, value) in fields {
            let own = properties.get(name);
            if own.is_none() && schema["additionalProperties"] == false {
                out.causes.invalid(&field, "", &format!("{path}.{name} in body is a forbidden property"));
            }
            let inner = own.or_else(|| schema.get("additionalProperties").filter(|inner| inner.is_object()));
            let Some(inner) = inner else { continue };
            // Of apiVersion and kind nobody sees that they changed: both are converted first.
            let seen = !(path.is_empty() && matches!(name.as_str(), "apiVersion" | "kind"));
            let old = node.old.filter(|_| seen).and_then(|old| old.get(name));
            let at = if own.is_none() && path.is_empty() { format!(".{name}") } else { child(path, name) };
            out.merge(self.value(Node { schema: inner, old }, value, &at));
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !fields.contains_key(name) {
                out.causes.required(&self.field(&child(path, name)), "");
            }
        }
        out
    }
}

/// Of alternatives the first that fits, else the one that passed most checks.
fn best(all: Vec<Outcome>) -> Outcome {
    let mut best: Option<Outcome> = None;
    for one in all {
        if one.causes.is_empty() {
            return one;
        }
        if best.as_ref().is_none_or(|best| one.passed > best.passed) {
            best = Some(one);
        }
    }
    best.unwrap_or_default()
}

fn is_int_or_string(schema: &Value) -> bool {
    schema["x-kubernetes-int-or-string"] == true
}

/// The format of a schema, if the server knows it for that type.
fn format(schema: &Value) -> Option<&str> {
    let format = schema["format"].as_str()?;
    formats::is_known(if is_int_or_string(schema) { "both" } else { schema["type"].as_str().unwrap_or_default() }, format).then_some(format)
}

/// The item that stood in a list before with the same keys; only lists of type `map` tell.
pub(super) fn old_item<'a>(schema: &Value, old: &'a Value, item: &Value) -> Option<&'a Value> {
    if schema["x-kubernetes-list-type"] != "map" {
        return None;
    }
    let keys = schema["x-kubernetes-list-map-keys"].as_array()?;
    let same = |other: &&Value| keys.iter().filter_map(Value::as_str).all(|key| other[key] == item[key]);
    old.as_array()?.iter().find(same)
}
