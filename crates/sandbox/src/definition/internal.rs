//! A schema as the server's own type has it (`apiextensions.JSONSchemaProps` of Kubernetes 1.36), and its rules, which errors show: every field by its name in Go and in
//! Go's order, given or not.

use serde_json::{Map, Value, json};

/// What a field holds, and what is shown when it was not given.
#[derive(Clone, Copy)]
enum Holds {
    Text,
    Flag,
    /// A value of any kind, or null.
    Any,
    Schema,
    Schemas,
    /// By name.
    Named,
    SchemaOrList,
    SchemaOrFlag,
    /// By name, a schema or names.
    Dependencies,
    Documentation,
    Rules,
}

use Holds::{Any, Dependencies, Documentation, Flag, Named, Rules, Schema, SchemaOrFlag, SchemaOrList, Schemas, Text};

/// The fields in Go's order: name in Go, name in JSON.
const FIELDS: [(&str, &str, Holds); 43] = [
    ("ID", "id", Text),
    ("Schema", "$schema", Text),
    ("Ref", "$ref", Any),
    ("Description", "description", Text),
    ("Type", "type", Text),
    ("Nullable", "nullable", Flag),
    ("Format", "format", Text),
    ("Title", "title", Text),
    ("Default", "default", Any),
    ("Maximum", "maximum", Any),
    ("ExclusiveMaximum", "exclusiveMaximum", Flag),
    ("Minimum", "minimum", Any),
    ("ExclusiveMinimum", "exclusiveMinimum", Flag),
    ("MaxLength", "maxLength", Any),
    ("MinLength", "minLength", Any),
    ("Pattern", "pattern", Text),
    ("MaxItems", "maxItems", Any),
    ("MinItems", "minItems", Any),
    ("UniqueItems", "uniqueItems", Flag),
    ("MultipleOf", "multipleOf", Any),
    ("Enum", "enum", Any),
    ("MaxProperties", "maxProperties", Any),
    ("MinProperties", "minProperties", Any),
    ("Required", "required", Any),
    ("Items", "items", SchemaOrList),
    ("AllOf", "allOf", Schemas),
    ("OneOf", "oneOf", Schemas),
    ("AnyOf", "anyOf", Schemas),
    ("Not", "not", Schema),
    ("Properties", "properties", Named),
    ("AdditionalProperties", "additionalProperties", SchemaOrFlag),
    ("PatternProperties", "patternProperties", Named),
    ("Dependencies", "dependencies", Dependencies),
    ("AdditionalItems", "additionalItems", SchemaOrFlag),
    ("Definitions", "definitions", Named),
    ("ExternalDocs", "externalDocs", Documentation),
    ("Example", "example", Any),
    ("XPreserveUnknownFields", "x-kubernetes-preserve-unknown-fields", Any),
    ("XEmbeddedResource", "x-kubernetes-embedded-resource", Flag),
    ("XIntOrString", "x-kubernetes-int-or-string", Flag),
    ("XListMapKeys", "x-kubernetes-list-map-keys", Any),
    ("XListType", "x-kubernetes-list-type", Any),
    ("XMapType", "x-kubernetes-map-type", Any),
];
const RULE: [(&str, &str, Holds); 6] = [
    ("Rule", "rule", Text),
    ("Message", "message", Text),
    ("MessageExpression", "messageExpression", Text),
    ("Reason", "reason", Any),
    ("FieldPath", "fieldPath", Text),
    ("OptionalOldSelf", "optionalOldSelf", Any),
];

/// A schema as JSON text.
pub(super) fn schema(schema: &Value) -> String {
    escaped(&of_schema(schema))
}

/// A rule as JSON text.
pub(super) fn rule(rule: &Value) -> String {
    escaped(&of_rule(rule))
}

/// Go writes these three so that a browser takes them for no markup.
fn escaped(text: &str) -> String {
    text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn of_rule(rule: &Value) -> String {
    structure(rule, RULE.into_iter())
}

fn of_schema(schema: &Value) -> String {
    let rules = [("XValidations", "x-kubernetes-validations", Rules)];
    structure(schema, FIELDS.into_iter().chain(rules))
}

fn structure(value: &Value, fields: impl Iterator<Item = (&'static str, &'static str, Holds)>) -> String {
    let fields: Vec<String> = fields.map(|(go, name, holds)| format!("\"{go}\":{}", field(&value[name], holds))).collect();
    format!("{{{}}}", fields.join(","))
}

fn field(value: &Value, holds: Holds) -> String {
    let list = |value: &Value, one: fn(&Value) -> String| match value.as_array() {
        Some(items) => format!("[{}]", items.iter().map(one).collect::<Vec<_>>().join(",")),
        None => "null".to_owned(),
    };
    let map = |one: fn(&Value) -> String| match value.as_object() {
        Some(named) => {
            format!("{{{}}}", sorted(named).map(|(name, value)| format!("{}:{}", json!(name), one(value))).collect::<Vec<_>>().join(","))
        }
        None => "null".to_owned(),
    };
    let schema_or_null = |value: &Value| if value.is_object() { of_schema(value) } else { "null".to_owned() };
    match holds {
        Text => json!(value.as_str().unwrap_or_default()).to_string(),
        Flag => (value == true).to_string(),
        Rules => list(value, of_rule),
        Schemas => list(value, of_schema),
        Named => map(of_schema),
        Dependencies => map(|one| {
            let (schema, names) = if one.is_object() { (of_schema(one), "null".to_owned()) } else { ("null".to_owned(), any(one)) };
            format!("{{\"Schema\":{schema},\"Property\":{names}}}")
        }),
        _ if value.is_null() => "null".to_owned(),
        Any => any(value),
        Schema => of_schema(value),
        SchemaOrList => format!("{{\"Schema\":{},\"JSONSchemas\":{}}}", schema_or_null(value), list(value, of_schema)),
        SchemaOrFlag => format!("{{\"Allows\":{},\"Schema\":{}}}", value != false, schema_or_null(value)),
        Documentation => structure(value, [("Description", "description", Text), ("URL", "url", Text)].into_iter()),
    }
}

/// A value as Go writes it: names in order, and whole numbers without a fraction.
fn any(value: &Value) -> String {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => format!("{float:.0}"),
            _ => number.to_string(),
        },
        Value::Array(items) => format!("[{}]", items.iter().map(any).collect::<Vec<_>>().join(",")),
        Value::Object(fields) => {
            format!("{{{}}}", sorted(fields).map(|(name, value)| format!("{}:{}", json!(name), any(value))).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

fn sorted(fields: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_by_key(|(name, _)| *name);
    fields.into_iter()
}
