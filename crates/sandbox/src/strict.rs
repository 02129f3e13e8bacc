//! Fields that a kind does not have, or that stand twice in a body: refused, warned of or passed over, as the request wishes.

use fiel_merge::structured::ManagedFields;
use fiel_schema::Node;
use serde_json::Value;

use crate::api::{self, Ask};
use crate::canonical;
use crate::golang;
use crate::place::Place;
use crate::resource::Resource;
use crate::status::ApiError;
use crate::stored;

/// The fields that stand twice in a body, as its reader tells them.
pub(crate) struct Twice {
    told: Vec<String>,
    yaml: bool,
}

impl Twice {
    pub(crate) fn new(told: Vec<String>, yaml: bool) -> Self {
        Self { told, yaml }
    }

    /// As they stand in an error: the reader of YAML tells all its own at once.
    fn refused(&self) -> Vec<String> {
        if !self.yaml || self.told.is_empty() {
            return self.told.clone();
        }
        vec![format!("yaml: unmarshal errors:\n{}", self.told.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"))]
    }
}

/// What is done about fields that should not be there.
#[derive(Clone, Copy, PartialEq)]
enum Wish {
    Ignore,
    Warn,
    Refuse,
}

fn wish(ask: &Ask<'_>) -> Wish {
    match ask.query.get("fieldValidation") {
        "Ignore" => Wish::Ignore,
        "Strict" => Wish::Refuse,
        _ => Wish::Warn,
    }
}

/// Looks for fields that are unknown or stand twice in what is about to be written, as `fieldValidation` says.
pub(crate) fn check(ask: &Ask<'_>, object: &Value, twice: &Twice, warnings: &mut Vec<String>) -> Result<(), ApiError> {
    let wish = wish(ask);
    let unknown = told(&ask.resource, object, None);
    if wish == Wish::Refuse && !(twice.told.is_empty() && unknown.is_empty()) {
        let Resource { kind, version, .. } = &*ask.resource;
        let all = together(ask, twice.refused(), unknown);
        return Err(ApiError::bad_request(format!(
            "{kind} in version \"{version}\" cannot be handled as a {kind}: strict decoding error: {}",
            all.join(", ")
        )));
    }
    if wish == Wish::Warn {
        warnings.extend(together(ask, twice.told.clone(), unknown));
    }
    Ok(())
}

/// All that is told of a body, in the order in which it stands there.
fn together(ask: &Ask<'_>, twice: Vec<String>, unknown: Vec<String>) -> Vec<String> {
    let both = !twice.is_empty() && !unknown.is_empty();
    let mut all: Vec<String> = twice.into_iter().chain(unknown).collect();
    if both {
        let places = api::places(ask);
        // What a reader of YAML tells comes first.
        let path = |told: &str| told.split_once(" field \"").map(|(_, path)| path.trim_end_matches('"').to_owned());
        all.sort_by_cached_key(|told| path(told).and_then(|path| places.iter().rposition(|place| *place == path)));
    }
    all
}

/// The same for a configuration that is applied, of which other unknown fields are refused anyway.
pub(crate) fn check_apply(ask: &Ask<'_>, twice: &Twice, warnings: &mut Vec<String>) -> Result<(), ApiError> {
    match wish(ask) {
        Wish::Refuse if !twice.told.is_empty() => {
            let message = format!("error strict decoding YAML: error converting YAML to JSON: {}", twice.refused().join(", "));
            Err(ApiError::bad_request(message))
        }
        Wish::Warn => {
            warnings.extend(twice.told.iter().cloned());
            Ok(())
        }
        _ => Ok(()),
    }
}

/// A patch as errors show it.
pub(crate) struct Patch<'a> {
    pub(crate) change: &'a Value,
    /// Of Kubernetes' own form, which is shown itself; of others, the object that they would make.
    pub(crate) strategic: bool,
    /// Who manages which fields, where that was left out of what it makes.
    pub(crate) left_out: Option<&'a ManagedFields>,
}

impl Patch<'_> {
    /// The refusal of a patch that makes what cannot be.
    pub(crate) fn refused(&self, resource: &Resource, made: &Value, why: &str) -> ApiError {
        let shown = self.shown(resource, made);
        let message = format!("Invalid value: {}: {why}", Value::from(shown));
        let causes = serde_json::json!({"causes": [{"reason": "FieldValueInvalid", "message": message, "field": "patch"}]});
        ApiError::new(http::StatusCode::UNPROCESSABLE_ENTITY, "Invalid", format!(" \"\" is invalid: patch: {message}")).with(causes)
    }

    /// The refusal of a patch that takes from an object what kind it is of.
    pub(crate) fn kindless(&self, resource: &Resource, made: &Value) -> ApiError {
        self.refused(resource, made, &format!("Object 'Kind' is missing in '{}'", self.shown(resource, made)))
    }

    fn shown(&self, resource: &Resource, made: &Value) -> String {
        if self.strategic {
            return go_map(&carried_out(self.change));
        }
        let message = golang::type_name(resource.api_version(), &resource.kind);
        // What lost its metadata lost that with it.
        let left_out = self.left_out.filter(|_| made["metadata"].is_object());
        let made = left_out.map_or_else(|| made.clone(), |managed| stored::whole(made.clone(), managed));
        canonical::ordered(&made, &message, Some(&self.touched()))
    }

    /// What stands twice in it. Of operations it is told of them, and then of the object into which they bring it.
    fn twice(&self, twice: &Twice) -> Vec<String> {
        let Some(operations) = self.change.as_array() else { return twice.told.clone() };
        let brought = |told: &String| {
            let (index, rest) = told.split_once('"')?.1.strip_prefix('[')?.split_once("].value.")?;
            let pointer = operations.get(index.parse::<usize>().ok()?)?["path"].as_str()?;
            let path: Vec<String> = pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
            Some(format!("duplicate field \"{}.{rest}", path.join(".")))
        };
        let mut brought: Vec<String> = twice.told.iter().filter_map(brought).collect();
        brought.sort();
        twice.told.iter().map(|told| format!("json patch {told}")).chain(brought).collect()
    }

    /// The objects and lists on the way to what is changed, and where something stands that the patch itself brings.
    fn touched(&self) -> Value {
        let Some(operations) = self.change.as_array() else { return self.change.clone() };
        let mut out = serde_json::json!({});
        for operation in operations {
            let mut at = &mut out;
            for step in operation["path"].as_str().unwrap_or_default().split('/').skip(1) {
                if !at.is_object() {
                    *at = serde_json::json!({});
                }
                at = &mut at[step];
            }
            *at = match operation["op"].as_str() {
                Some("add" | "replace") => Value::Bool(true),
                _ if at.is_null() => serde_json::json!({}),
                _ => continue,
            };
        }
        out
    }
}

/// A strategic patch as the server shows it, which forgets which fields are kept once it has carried that out.
fn carried_out(change: &Value) -> Value {
    let Some(fields) = change.as_object() else { return change.clone() };
    fields.iter().filter(|(name, _)| *name != "$retainKeys").map(|(name, value)| (name.clone(), carried_out(value))).collect()
}

/// A value as Go prints its maps and lists.
fn go_map(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(go_map).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            format!("map[{}]", fields.iter().map(|(name, value)| format!("{name}:{}", go_map(value))).collect::<Vec<_>>().join(" "))
        }
        other => other.to_string(),
    }
}

/// The same for what a patch makes of an old object.
pub(crate) fn check_patch(
    ask: &Ask<'_>,
    (old, made): (&Value, &Value),
    twice: &Twice,
    patch: &Patch<'_>,
    warnings: &mut Vec<String>,
) -> Result<(), ApiError> {
    let wish = wish(ask);
    let all: Vec<String> = patch.twice(twice).into_iter().chain(told(&ask.resource, made, Some(old))).collect();
    match wish {
        _ if all.is_empty() => {}
        Wish::Refuse => return Err(patch.refused(&ask.resource, made, &format!("strict decoding error: {}", all.join(", ")))),
        Wish::Warn => warnings.extend(all),
        Wish::Ignore => {}
    }
    Ok(())
}

/// The same for what is read as a type that has none of its fields.
pub(crate) fn check_foreign(ask: &Ask<'_>, made: &Value, patch: &Patch<'_>, warnings: &mut Vec<String>) -> Result<(), ApiError> {
    let names = made.as_object().into_iter().flatten().map(|(name, _)| name).filter(|name| *name != "apiVersion" && *name != "kind");
    let all: Vec<String> = names.map(|name| format!("unknown field \"{name}\"")).collect();
    match wish(ask) {
        Wish::Refuse => return Err(patch.refused(&ask.resource, made, &format!("strict decoding error: {}", all.join(", ")))),
        Wish::Warn => warnings.extend(all),
        Wish::Ignore => {}
    }
    Ok(())
}

fn told(resource: &Resource, object: &Value, old: Option<&Value>) -> Vec<String> {
    unknown(resource, object, old).iter().map(|path| format!("unknown field \"{path}\"")).collect()
}

/// The paths of the fields that the kind's schema does not have. Of Kubernetes' own kinds nothing unknown is stored: what is as in the old object is
/// not looked at. The schema of others may have changed since.
fn unknown(resource: &Resource, object: &Value, old: Option<&Value>) -> Vec<String> {
    let mut out = Vec::new();
    let old = old.filter(|_| resource.is_builtin());
    let (Some(schema), Some(fields)) = (resource.schema(), object.as_object()) else {
        return out;
    };
    for (name, value) in fields.iter().filter(|(name, value)| old.is_none_or(|old| old.get(name) != Some(value))) {
        let own = matches!(name.as_str(), "apiVersion" | "kind" | "metadata");
        match schema.child(name) {
            _ if name == "metadata" => walk(fiel_schema::Registry::object_meta(), value, Place::Field(&Place::Top, name), false, &mut out),
            Some(inner) => walk(inner, value, Place::Field(&Place::Top, name), !resource.is_builtin(), &mut out),
            None if own || schema.preserves_unknown() || schema.is_any() => {}
            None => out.push(name.clone()),
        }
    }
    out
}

/// In custom objects nothing is known within what should be a scalar either.
fn walk(node: Node<'_>, value: &Value, place: Place<'_>, custom: bool, out: &mut Vec<String>) {
    match value {
        Value::Object(fields) if custom && !node.is_object() && !node.is_any() && !node.preserves_unknown() => {
            out.extend(fields.keys().map(|name| Place::Field(&place, name).to_string()));
        }
        Value::Object(fields) if node.is_object() => {
            for (name, value) in fields {
                let place = Place::Field(&place, name);
                match node.child(name) {
                    // A set of fields, each named as its manager had it.
                    _ if name == "fieldsV1" => {}
                    Some(inner) => walk(inner, value, place, custom, out),
                    None if node.preserves_unknown() || node.is_any() => {}
                    None if node.is_embedded_resource() && matches!(name.as_str(), "apiVersion" | "kind" | "metadata") => {}
                    None => out.push(place.to_string()),
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                if let Some(inner) = node.items() {
                    walk(inner, item, Place::Item(&place, index), custom, out);
                }
            }
        }
        _ => {}
    }
}
