//! What one schema of a definition may hold, beside being structural: `x-kubernetes-*` that go together, keys of lists, defaults, rules.

use serde_json::{Value, json};

use super::cause::{Causes, child, key};
use super::structural::{self, properties, says};
use super::{defaults, internal, path, rules};

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
const UNSUPPORTED: [&str; 7] = ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref", "schema"];
const REASONS: [&str; 4] = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
/// What may stand at the root beside a status subresource, in the words of the server's own types.
const AT_ROOT: [&str; 22] = [
    "Description",
    "Type",
    "Format",
    "Title",
    "Maximum",
    "ExclusiveMaximum",
    "Minimum",
    "ExclusiveMinimum",
    "MaxLength",
    "MinLength",
    "Pattern",
    "MaxItems",
    "MinItems",
    "UniqueItems",
    "MultipleOf",
    "Required",
    "Items",
    "Properties",
    "ExternalDocs",
    "Example",
    "XPreserveUnknownFields",
    "XValidations",
];

/// What is wrong with the schema of a version, or of all (`path` says which).
pub(super) fn check(schema: &Value, has_status: bool, at: &str) -> Causes {
    let mut causes = Causes::default();
    let path = child(at, "openAPIV3Schema");
    if has_status {
        beside_status(schema, &path, &mut causes);
    }
    if says(schema, "nullable") {
        causes.forbidden(&child(&path, "nullable"), "nullable cannot be true at the root");
    }
    // What no structural schema can be made of is told by its fields below.
    let mut rules_matter = false;
    if !has_unsupported(schema) {
        let found = structural::check(schema, &path);
        if found.is_empty() {
            let found = defaults::check(schema, &path);
            rules_matter = found.is_empty();
            causes.append(found);
        } else {
            causes.append(found);
        }
    }
    let mut found = Found { schema: Causes::default(), rules: Causes::default(), rules_matter };
    found.walk(schema, &path, &Place { is_root: true, ..Place::default() });
    causes.append(found.schema);
    causes.append(found.rules);
    causes
}

fn beside_status(schema: &Value, path: &str, causes: &mut Causes) {
    if schema["type"] != "object" && says(schema, "type") {
        let why = "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled";
        causes.invalid(&child(path, "type"), schema["type"].clone(), why);
        return;
    }
    let go = |name: &str| match name {
        "x-kubernetes-preserve-unknown-fields" => "XPreserveUnknownFields".to_owned(),
        "x-kubernetes-validations" => "XValidations".to_owned(),
        name => name.chars().next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + &name[first.len_utf8()..]),
    };
    let fields = schema.as_object().into_iter().flatten();
    if fields.into_iter().any(|(name, _)| says(schema, name) && !AT_ROOT.contains(&go(name).as_str())) {
        let why = format!("only [{}] fields are allowed at the root of the schema if the status subresource is enabled", AT_ROOT.join(" "));
        causes.invalid_as(path, &internal::schema(schema), &why);
    }
}

fn has_unsupported(schema: &Value) -> bool {
    let own = UNSUPPORTED.iter().any(|field| says(schema, field)) || schema["items"].is_array();
    own || inner(schema).any(|(_, inner)| has_unsupported(inner))
}

/// The schemas within a schema, each with where it stands.
pub(super) fn inner(schema: &Value) -> impl Iterator<Item = (String, &Value)> {
    let one = ["items", "additionalProperties", "not"].into_iter().map(|name| (name.to_owned(), &schema[name]));
    let named = properties(schema).map(|(name, inner)| (key("properties", name), inner));
    let clauses = ["allOf", "anyOf", "oneOf"].into_iter().flat_map(|name| {
        let list = schema[name].as_array().into_iter().flatten();
        list.enumerate().map(move |(index, inner)| (key(name, index), inner))
    });
    one.chain(named).chain(clauses).filter(|(_, inner)| inner.is_object())
}

/// Where a schema stands, as far as that says what it may hold.
#[derive(Clone, Default)]
struct Place {
    is_root: bool,
    /// Within `apiVersion`, `kind` or `metadata` of a resource.
    in_meta: bool,
    /// Why no default may be given here.
    no_defaults: Option<String>,
    /// In a clause, where rules are refused already.
    in_clause: bool,
    /// The schema from which on an old value cannot be told from a new one.
    uncorrelated: Option<String>,
}

struct Found {
    schema: Causes,
    rules: Causes,
    /// Whether the schema is such that its rules can be read.
    rules_matter: bool,
}

impl Found {
    fn walk(&mut self, schema: &Value, path: &str, place: &Place) {
        let before = self.schema.0.len();
        let at = |name: &str| child(path, name);
        self.single_fields(schema, path, place);
        let additional = &schema["additionalProperties"];
        if properties(schema).next().is_some() && !additional.is_null() && *additional != json!(true) {
            self.schema.forbidden(&at("additionalProperties"), "additionalProperties and properties are mutual exclusive");
        }
        if additional.is_object() {
            let mut inner = Place { is_root: false, ..place.clone() };
            if place.in_meta {
                inner.no_defaults = Some("inside additionalProperties applying to object metadata".to_owned());
            }
            self.walk(additional, &at("additionalProperties"), &inner);
        }
        for (name, property) in properties(schema) {
            let mut inner = Place { is_root: false, ..place.clone() };
            let meta = matches!(name.as_str(), "metadata" | "kind" | "apiVersion");
            if meta && (place.is_root || says(schema, "x-kubernetes-embedded-resource")) {
                inner.in_meta = true;
                if place.is_root {
                    inner.no_defaults = Some(format!("in top-level {name}"));
                }
            }
            self.walk(property, &key(&at("properties"), name), &inner);
        }
        let clause = Place { is_root: false, in_clause: true, ..place.clone() };
        if schema["not"].is_object() {
            self.walk(&schema["not"], &at("not"), &clause);
        }
        for name in ["allOf", "oneOf", "anyOf"] {
            for (index, inner) in schema[name].as_array().into_iter().flatten().enumerate() {
                self.walk(inner, &key(&at(name), index), &clause);
            }
        }
        if schema["items"].is_object() {
            let mut inner = Place { is_root: false, ..place.clone() };
            if schema["x-kubernetes-list-type"] != "map" && inner.uncorrelated.is_none() {
                inner.uncorrelated = Some(path.to_owned());
            }
            self.walk(&schema["items"], &at("items"), &inner);
        }
        self.extensions(schema, path);
        self.keys_of_lists(schema, path);
        self.rules_as_text(schema, path);
        // Words about rules help nobody while the schema itself is wrong.
        if self.schema.0.len() == before && self.rules_matter && !place.in_clause {
            rules::check(schema, path, place.is_root, place.uncorrelated.as_deref(), &mut self.rules);
        }
    }

    fn single_fields(&mut self, schema: &Value, path: &str, place: &Place) {
        let at = |name: &str| child(path, name);
        if says(schema, "type") && !schema["type"].as_str().is_some_and(|kind| TYPES.contains(&kind)) {
            self.schema.unsupported(&at("type"), &schema["type"], &TYPES);
        }
        if let Some(why) = place.no_defaults.as_ref().filter(|_| !schema["default"].is_null()) {
            self.schema.forbidden(&at("default"), &format!("must not be set {why}"));
        }
        for field in UNSUPPORTED.into_iter().filter(|field| *field != "schema" && says(schema, field)) {
            self.schema.forbidden(&at(field), &format!("{field} is not supported"));
        }
        if schema["type"] == "null" {
            self.schema.forbidden(&at("type"), "type cannot be set to null, use nullable as an alternative");
        }
        if schema["items"].is_array() {
            self.schema.forbidden(&at("items"), "items must be a schema object and not an array");
        }
        if place.in_meta && says(schema, "x-kubernetes-embedded-resource") {
            self.schema.forbidden(&at("x-kubernetes-embedded-resource"), "must not be used inside of resource meta");
        }
        if says(schema, "uniqueItems") {
            let why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
            self.schema.forbidden(&at("uniqueItems"), why);
        }
    }

    /// The `x-kubernetes-*` fields of maps and lists.
    fn extensions(&mut self, schema: &Value, path: &str) {
        let at = |name: &str| child(path, name);
        if schema["x-kubernetes-preserve-unknown-fields"] == false {
            self.schema.invalid(&at("x-kubernetes-preserve-unknown-fields"), false, "must be true or undefined");
        }
        for (field, kind, known) in [
            ("x-kubernetes-map-type", "object", &["atomic", "granular"][..]),
            ("x-kubernetes-list-type", "array", &["atomic", "set", "map"][..]),
        ] {
            let Some(given) = schema[field].as_str() else {
                continue;
            };
            let why = format!("must be {kind} if {field} is specified");
            if !says(schema, "type") {
                self.schema.required(&at("type"), &why);
            } else if schema["type"] != kind {
                self.schema.invalid(&at("type"), schema["type"].clone(), &why);
            } else if given == "set" {
                self.items_of_set(schema, path);
            }
            if !known.contains(&given) {
                self.schema.unsupported(&at(field), &schema[field], known);
            }
        }
    }

    fn items_of_set(&mut self, schema: &Value, path: &str) {
        let items = &schema["items"];
        let field = if items["type"] == "object" { "x-kubernetes-map-type" } else { "x-kubernetes-list-type" };
        let atomic = match items["type"].as_str() {
            Some("object") => items[field] == "atomic",
            Some("array") => items[field].is_null() || items[field] == "atomic",
            _ => true,
        };
        if !atomic {
            let why = "must be atomic as item of a list with x-kubernetes-list-type=set";
            self.schema.invalid(&child(&child(path, "items"), field), items["x-kubernetes-list-type"].clone(), why);
        }
    }

    fn keys_of_lists(&mut self, schema: &Value, path: &str) {
        let at = |name: &str| child(path, name);
        let (list_type, items) = (schema["x-kubernetes-list-type"].as_str(), &schema["items"]);
        let field = "x-kubernetes-list-map-keys";
        let keys: Vec<&str> = schema[field].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if !keys.is_empty() && list_type != Some("map") {
            let why = "must be map if x-kubernetes-list-map-keys is non-empty";
            match list_type {
                None => self.schema.required(&at("x-kubernetes-list-type"), why),
                Some(other) => self.schema.invalid(&at("x-kubernetes-list-type"), other, why),
            }
        }
        if list_type == Some("map") {
            if keys.is_empty() {
                self.schema.required(&at(field), "must not be empty if x-kubernetes-list-type is map");
            }
            if items.is_null() {
                self.schema.required(&at("items"), "must have a schema if x-kubernetes-list-type is map");
            } else if items["type"] == "object" {
                self.keys_of_items(schema, &keys, path);
            } else if items.is_object() {
                let why = "must be object if parent array's x-kubernetes-list-type is map";
                self.schema.invalid(&child(&at("items"), "type"), items["type"].as_str().unwrap_or_default(), why);
            }
        }
        let Some(list_type) = list_type.filter(|list_type| matches!(*list_type, "map" | "set") && items.is_object()) else {
            return;
        };
        if says(items, "nullable") {
            let why = format!("cannot be nullable when x-kubernetes-list-type is {list_type}");
            self.schema.forbidden(&child(&at("items"), "nullable"), &why);
        }
        for name in keys.into_iter().filter(|_| list_type == "map") {
            let Some(property) = items["properties"].get(name) else {
                continue;
            };
            let place = key(&child(&at("items"), "properties"), name);
            let required = items["required"].as_array().is_some_and(|list| list.iter().any(|one| one == name));
            if !required && property["default"].is_null() {
                let why = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
                self.schema.required(&child(&place, "default"), why);
            }
            if says(property, "nullable") {
                let why = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
                self.schema.forbidden(&child(&place, "nullable"), why);
            }
        }
    }

    fn keys_of_items(&mut self, schema: &Value, keys: &[&str], path: &str) {
        let (items, field) = (&schema["items"], child(path, "x-kubernetes-list-map-keys"));
        for (index, name) in keys.iter().enumerate() {
            match items["properties"].get(name).map(|property| property["type"].as_str()) {
                None => self.schema.invalid(
                    &field,
                    schema["x-kubernetes-list-map-keys"].clone(),
                    "entries must all be names of item properties",
                ),
                Some(Some("array" | "object")) => {
                    let place = child(&key(&child(&child(path, "items"), "properties"), name), "type");
                    self.schema.invalid(&place, "object", "must be a scalar type if parent array's x-kubernetes-list-type is map");
                }
                Some(_) => {}
            }
            if keys[..index].contains(name) {
                self.schema.invalid(&field, schema["x-kubernetes-list-map-keys"].clone(), "must not contain duplicate entries");
            }
        }
    }

    /// What can be said of rules without reading them.
    fn rules_as_text(&mut self, schema: &Value, path: &str) {
        for (index, rule) in schema["x-kubernetes-validations"].as_array().into_iter().flatten().enumerate() {
            let text = |name: &str| rule[name].as_str().unwrap_or_default();
            let at = |name: &str| child(&key(&child(path, "x-kubernetes-validations"), index), name);
            let broken = |text: &str| text.contains(['\n', '\r']);
            let (source, message) = (text("rule").trim(), text("message").trim());
            if source.is_empty() {
                self.schema.required(&at("rule"), "rule is not specified");
            } else if !text("message").is_empty() && message.is_empty() {
                self.schema.invalid(&at("message"), text("message"), "must be non-empty if specified");
            } else if broken(message) {
                self.schema.invalid(&at("message"), text("message"), "must not contain line breaks");
            } else if broken(source) && message.is_empty() {
                self.schema.required(&at("message"), "message must be specified if rule contains line breaks");
            }
            if !text("messageExpression").is_empty() && text("messageExpression").trim().is_empty() {
                self.schema.required(&at("messageExpression"), "messageExpression must be non-empty if specified");
            }
            if rule["reason"].is_string() && !REASONS.contains(&text("reason")) {
                self.schema.unsupported(&at("reason"), &rule["reason"], &REASONS);
            }
            let field = text("fieldPath");
            if !field.is_empty() && field.trim().is_empty() {
                self.schema.invalid(&at("fieldPath"), field, "must be non-empty if specified");
            }
            if broken(field) {
                self.schema.invalid(&at("fieldPath"), field, "must not contain line breaks");
            }
            if !field.is_empty() && path::resolve(field, schema, true).is_err() {
                self.schema.invalid(&at("fieldPath"), field, "must be a valid path");
            }
        }
    }
}
