//! A definition as a whole: its group, scope, versions, conversion, and what may change of them.

use serde_json::{Value, json};

use super::cause::{Causes, child, key};
use super::names::{is_dns_1035, is_true, why_not};
use super::{names, path, schema, structural::says};
use crate::canonical::subdomain;

const COLUMN_TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: [&str; 8] = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
const APPROVED: &str = "api-approved.kubernetes.io";
const MOST_SELECTABLE: u64 = 8;

/// What is wrong with a definition; `old` is the one that it replaces.
///
/// A server tightens its rules only for what is new. All definitions here came through the same rules, so they are held to all of them always.
pub(crate) fn check(new: &Value, old: Option<&Value>) -> Causes {
    let mut causes = Causes::default();
    let spec = &new["spec"];
    if old.is_none() {
        name(new, &mut causes);
    }
    group_and_scope(spec, &mut causes);
    versions(spec, &mut causes);
    conversion(spec, &mut causes);
    if let Some(old) = old {
        immutable(new, old, &mut causes);
    }
    stored_versions(&new["status"]["storedVersions"], spec, &mut causes);
    approval(new, old, &mut causes);
    if spec["preserveUnknownFields"] == true {
        let why = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        causes.invalid("spec.preserveUnknownFields", true, why);
    }
    causes
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

fn name(new: &Value, causes: &mut Causes) {
    let (name, spec) = (text(&new["metadata"], "name"), &new["spec"]);
    if name.is_empty() {
        causes.required("metadata.name", "name or generateName is required");
        return;
    }
    for why in subdomain(name) {
        causes.invalid("metadata.name", name, &why);
    }
    if name != format!("{}.{}", text(&spec["names"], "plural"), text(spec, "group")) {
        causes.invalid("metadata.name", name, "must be spec.names.plural+\".\"+spec.group");
    }
}

fn group_and_scope(spec: &Value, causes: &mut Causes) {
    let group = text(spec, "group");
    if group.is_empty() {
        causes.required("spec.group", "");
    } else {
        let mut told = subdomain(group);
        if told.is_empty() && !group.contains('.') {
            told.push("should be a domain with at least one dot".to_owned());
        }
        told.iter().for_each(|why| causes.invalid("spec.group", group, why));
    }
    match text(spec, "scope") {
        "" => causes.required("spec.scope", ""),
        "Cluster" | "Namespaced" => {}
        _ => causes.unsupported("spec.scope", &spec["scope"], &["Cluster", "Namespaced"]),
    }
}

/// What versions may say of themselves, and where the server speaks of it when all of them say the same.
const PER_VERSION: [(&str, &str); 4] = [
    ("schema", "validation"),
    ("subresources", "subresources"),
    ("additionalPrinterColumns", "additionalPrinterColumns"),
    ("selectableFields", "selectableFields"),
];

fn versions(spec: &Value, causes: &mut Causes) {
    let empty = Vec::new();
    let list = spec["versions"].as_array().unwrap_or(&empty);
    let shared = |field: &str| list.iter().all(|version| version[field] == list[0][field]);
    let shown = || if spec["versions"].is_null() { "null".to_owned() } else { shown(list) };
    if list.is_empty() || !shared("schema") || !says(&list[0], "schema") {
        for (index, _) in list.iter().enumerate().filter(|(_, version)| version["schema"]["openAPIV3Schema"].is_null()) {
            causes.required(&child(&key("spec.versions", index), "schema.openAPIV3Schema"), "");
        }
    }
    for (index, version) in list.iter().enumerate() {
        let at = key("spec.versions", index);
        let name = text(version, "name");
        if !is_dns_1035(name) {
            causes.invalid(&child(&at, "name"), name, &why_not(name));
        }
        warning(version, &child(&at, "deprecationWarning"), causes);
        for (field, _) in PER_VERSION.into_iter().filter(|(field, _)| !shared(field)) {
            of_version(version, field, &child(&at, field), version["subresources"]["status"].is_object(), causes);
        }
    }
    if list.iter().enumerate().any(|(index, version)| list[..index].iter().any(|other| other["name"] == version["name"])) {
        causes.invalid_as("spec.versions", &shown(), "must contain unique version names");
    }
    if list.iter().filter(|version| version["storage"] == true).count() != 1 {
        causes.invalid_as("spec.versions", &shown(), "must have exactly one version marked as storage version");
    }
    if let Some(first) = list.first().map(|version| text(version, "name")).filter(|name| !name.is_empty() && !is_dns_1035(name)) {
        causes.invalid("spec.version", first, &why_not(first));
    }
    causes.append(names::check(&spec["names"], "spec.names"));
    let has_status = list.iter().any(|version| version["subresources"]["status"].is_object());
    for (field, told) in PER_VERSION.into_iter().filter(|(field, _)| !list.is_empty() && shared(field)) {
        of_version(&list[0], field, &child("spec", told), has_status, causes);
    }
}

/// Versions as the server shows them, by the names of its own types and in their order; what all of them share stands elsewhere.
fn shown(list: &[Value]) -> String {
    let one = |version: &Value| {
        let own = |field: &str| if list.iter().all(|other| other[field] == version[field]) { Value::Null } else { version[field].clone() };
        let fields = [
            ("Name", json!(text(version, "name"))),
            ("Served", json!(version["served"] == true)),
            ("Storage", json!(version["storage"] == true)),
            ("Deprecated", json!(version["deprecated"] == true)),
            ("DeprecationWarning", version["deprecationWarning"].clone()),
            ("Schema", own("schema")),
            ("Subresources", own("subresources")),
            ("AdditionalPrinterColumns", own("additionalPrinterColumns")),
            ("SelectableFields", own("selectableFields")),
        ];
        format!("{{{}}}", fields.map(|(name, value)| format!("\"{name}\":{value}")).join(","))
    };
    format!("[{}]", list.iter().map(one).collect::<Vec<_>>().join(","))
}

fn of_version(version: &Value, field: &str, at: &str, has_status: bool, causes: &mut Causes) {
    let given = &version[field];
    match field {
        "schema" if given["openAPIV3Schema"].is_object() => causes.append(schema::check(&given["openAPIV3Schema"], has_status, at)),
        "subresources" if given["scale"].is_object() => scale(&given["scale"], &child(at, "scale"), causes),
        "additionalPrinterColumns" => columns(given, at, causes),
        "selectableFields" => selectable(given, &version["schema"]["openAPIV3Schema"], at, causes),
        _ => {}
    }
}

fn warning(version: &Value, at: &str, causes: &mut Causes) {
    let Some(warning) = version["deprecationWarning"].as_str() else {
        return;
    };
    if version["deprecated"] != true {
        causes.invalid(at, warning, "can only be set for deprecated versions");
    }
    if warning.len() > 256 {
        causes.invalid(at, warning, "must be <= 256 characters long");
    }
    if warning.is_empty() {
        causes.invalid(at, warning, "must not be an empty string");
    }
    if let Some((index, _)) = warning.char_indices().find(|(_, c)| c.is_control()) {
        let why = format!("must only contain printable UTF-8 characters; non-printable character found at index {index}");
        causes.invalid(at, warning, &why);
    }
}

fn scale(scale: &Value, at: &str, causes: &mut Causes) {
    for (field, under, must) in [
        ("specReplicasPath", &[".spec."][..], "should be a json path under .spec"),
        ("statusReplicasPath", &[".status."][..], "should be a json path under .status"),
        ("labelSelectorPath", &[".spec.", ".status."][..], "should be a json path under either .spec or .status"),
    ] {
        let (given, field) = (text(scale, field), child(at, field));
        if given.is_empty() {
            if under.len() == 1 {
                causes.required(&field, "");
            }
        } else if !simple(given) {
            causes.invalid(&field, given, "must be a simple json path starting with .");
        } else if !under.iter().any(|under| given.starts_with(under)) {
            causes.invalid(&field, given, must);
        }
    }
}

fn simple(path: &str) -> bool {
    path.starts_with('.')
}

fn columns(columns: &Value, at: &str, causes: &mut Causes) {
    for (index, column) in columns.as_array().into_iter().flatten().enumerate() {
        let at = |field: &str| child(&key(at, index), field);
        if text(column, "name").is_empty() {
            causes.required(&at("name"), "");
        }
        let (kind, format, path) = (text(column, "type"), text(column, "format"), text(column, "jsonPath"));
        let why = format!("must be one of {}", COLUMN_TYPES.join(","));
        if kind.is_empty() {
            causes.required(&at("type"), &why);
        } else if !COLUMN_TYPES.contains(&kind) {
            causes.invalid(&at("type"), kind, &why);
        }
        if !format.is_empty() && !COLUMN_FORMATS.contains(&format) {
            causes.invalid(&at("format"), format, &format!("must be one of {}", COLUMN_FORMATS.join(",")));
        }
        if path.is_empty() {
            causes.required(&at("JSONPath"), "");
        } else if !simple(path) {
            causes.invalid(&at("JSONPath"), path, "must be a simple json path starting with .");
        }
    }
}

fn selectable(fields: &Value, schema: &Value, at: &str, causes: &mut Causes) {
    let mut seen: Vec<String> = Vec::new();
    for (index, field) in fields.as_array().into_iter().flatten().enumerate() {
        let (given, at) = (text(field, "jsonPath"), child(&key(at, index), "jsonPath"));
        if given.is_empty() {
            causes.required(&at, "");
            continue;
        }
        let (told, found) = match path::resolve(given, schema, false) {
            Ok(found) => found,
            Err(why) => {
                causes.invalid(&at, given, &format!("is an invalid path: {why}"));
                continue;
            }
        };
        if told.split('.').next() == Some("metadata") {
            causes.invalid(&at, given, "must not point to fields in metadata");
        }
        if !matches!(found["type"].as_str(), Some("string" | "boolean" | "integer")) {
            let why = "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.";
            causes.invalid(&at, given, why);
        }
        if seen.contains(&told) {
            causes.duplicate(&at, given);
        } else {
            seen.push(told);
        }
    }
    if seen.len() as u64 > MOST_SELECTABLE {
        causes.too_many(at, seen.len(), MOST_SELECTABLE);
    }
}

fn conversion(spec: &Value, causes: &mut Causes) {
    let (conversion, at) = (&spec["conversion"], "spec.conversion");
    if conversion.is_null() {
        return;
    }
    let strategy = text(conversion, "strategy");
    match strategy {
        "" => causes.required("spec.conversion.strategy", ""),
        "None" | "Webhook" => {}
        _ => causes.unsupported("spec.conversion.strategy", &conversion["strategy"], &["None", "Webhook"]),
    }
    let (client, accepted) = (&conversion["webhook"]["clientConfig"], &conversion["webhook"]["conversionReviewVersions"]);
    let (client_at, accepted_at) = (child(at, "webhookClientConfig"), child(at, "conversionReviewVersions"));
    if strategy != "Webhook" {
        let why = "should not be set when strategy is not set to Webhook";
        if !client.is_null() {
            causes.forbidden(&client_at, why);
        }
        if says(&conversion["webhook"], "conversionReviewVersions") {
            causes.forbidden(&accepted_at, why);
        }
        return;
    }
    if client.is_null() {
        causes.required(&client_at, "required when strategy is set to Webhook");
    } else if client["url"].is_null() == client["service"].is_null() {
        causes.required(&client_at, "exactly one of url or service is required");
    } else if let Some(url) = client["url"].as_str() {
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        if scheme != "https" {
            let why = "'https' is the only allowed URL scheme; desired format: https://host[/path]";
            causes.invalid(&child(&client_at, "url"), scheme, why);
        }
    } else {
        for field in ["name", "namespace"].into_iter().filter(|field| !says(&client["service"], field)) {
            causes.required(&child(&child(&client_at, "service"), field), "");
        }
    }
    let versions: Vec<&str> = accepted.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if versions.is_empty() {
        causes.required(&accepted_at, "");
        return;
    }
    for (index, version) in versions.iter().enumerate() {
        if versions[..index].contains(version) {
            causes.invalid(&key(&accepted_at, index), *version, "duplicate version");
        } else if !is_dns_1035(version) {
            causes.invalid(&key(&accepted_at, index), *version, &why_not(version));
        }
    }
    if !versions.iter().any(|version| matches!(*version, "v1" | "v1beta1")) {
        causes.invalid(&accepted_at, accepted.clone(), "must include at least one of v1, v1beta1");
    }
}

fn immutable(new: &Value, old: &Value, causes: &mut Causes) {
    let (spec, before) = (&new["spec"], &old["spec"]);
    let mut kept = |at: &str, value: &Value, before: &Value| {
        if value != before {
            causes.invalid(at, value.clone(), "field is immutable");
        }
    };
    if is_true(old, "Established") {
        kept("spec.scope", &spec["scope"], &before["scope"]);
        kept("spec.names.kind", &spec["names"]["kind"], &before["names"]["kind"]);
    }
    kept("spec.group", &spec["group"], &before["group"]);
    kept("spec.names.plural", &spec["names"]["plural"], &before["names"]["plural"]);
}

fn stored_versions(stored: &Value, spec: &Value, causes: &mut Causes) {
    let at = "status.storedVersions";
    let names: Vec<&str> = stored.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if names.is_empty() {
        causes.invalid(at, Value::Null, "must have at least one stored version");
        return;
    }
    let versions: Vec<&Value> = spec["versions"].as_array().into_iter().flatten().collect();
    for version in versions.iter().filter(|version| version["storage"] == true) {
        let name = text(version, "name");
        if !names.contains(&name) {
            causes.invalid(at, stored.clone(), &format!("must have the storage version {name}"));
        }
    }
    for (index, name) in names.iter().enumerate().filter(|(_, name)| !versions.iter().any(|version| version["name"] == **name)) {
        let why = format!(
            "missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in {name} and removes {name} from status.storedVersions"
        );
        causes.invalid(&key(at, index), *name, &why);
    }
}

/// Groups of Kubernetes itself are not for everybody.
fn approval(new: &Value, old: Option<&Value>, causes: &mut Causes) {
    let group = text(&new["spec"], "group");
    let protected = ["k8s.io", "kubernetes.io"].iter().any(|domain| group == *domain || group.ends_with(&format!(".{domain}")));
    let given = |definition: &Value| definition["metadata"]["annotations"][APPROVED].as_str().unwrap_or_default().to_owned();
    if !protected || old.is_some_and(|old| given(old) == given(new)) {
        return;
    }
    let at = key("metadata.annotations", APPROVED);
    let given = given(new);
    if given.is_empty() {
        let why = format!(
            "protected groups must have approval annotation \"{APPROVED}\", see https://github.com/kubernetes/enhancements/pull/1111"
        );
        causes.required(&at, &why);
    } else if !given.starts_with("unapproved") && !given.starts_with("https://") && !given.starts_with("http://") {
        let why = format!(
            "protected groups must have approval annotation \"{APPROVED}\" with either a URL or a reason starting with \"unapproved\", see https://github.com/kubernetes/enhancements/pull/1111"
        );
        causes.invalid(&at, given, &why);
    }
}

/// The formats in a definition's schemas that the server passes over, in their order.
pub(crate) fn unknown_formats(definition: &Value) -> Vec<String> {
    fn walk(schema: &Value, out: &mut Vec<String>) {
        let kind = schema["type"].as_str().unwrap_or_default();
        out.extend(
            schema["format"].as_str().filter(|format| !format.is_empty() && !super::formats::is_known(kind, format)).map(str::to_owned),
        );
        for (_, inner) in schema::inner(schema) {
            walk(inner, out);
        }
    }
    let mut out = Vec::new();
    let versions: Vec<&Value> = definition["spec"]["versions"].as_array().into_iter().flatten().map(|version| &version["schema"]).collect();
    let shared = versions.iter().all(|schema| *schema == versions[0]);
    for schema in versions.iter().take(if shared { 1 } else { versions.len() }) {
        walk(&schema["openAPIV3Schema"], &mut out);
    }
    out
}
