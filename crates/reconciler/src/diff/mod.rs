//! Whether live state is as desired: would applying change anything?
//!
//! fiel applies server-side, so an object is in sync if every field that Git sets has its value in the cluster
//! (normalised: quantities, defaults within list keys, empty values), and no field is there that an earlier apply of
//! ours, or `kubectl apply` before us, set and Git does not set any more. Fields that others added are no difference.

mod normal;
mod removed;
mod walk;

use fiel_schema::{Node, Registry};
use serde_json::Value;

pub use normal::normalized;

/// One field that is not as desired.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Where, as `spec.template.spec.containers[name=web].image`.
    pub path: String,
    /// What Git says; `None`: nothing, the field must go.
    pub desired: Option<Value>,
    /// What the cluster holds.
    pub live: Option<Value>,
}

/// The differences between a desired object (as it would be applied) and the live one; none: in sync.
pub fn differences(desired: &Value, live: &Value) -> Vec<Difference> {
    let schema = schema(desired);
    let (desired, live) = (normalized(desired), normalized(live));
    let mut found = Vec::new();
    if let (Value::Object(fields), Value::Object(_)) = (&*desired, &*live) {
        for (name, value) in fields.iter().filter(|(name, _)| !["apiVersion", "kind", "status"].contains(&name.as_str())) {
            let node = schema.and_then(|s| s.field(name));
            walk::field(name, value, live.get(name), node, &mut found);
        }
    }
    removed::find(&desired, &live, schema, &mut found);
    found
}

/// The client-side managers whose fields must be taken over before an apply, so that removed fields really go.
pub fn managers_to_migrate(live: &Value) -> Vec<String> {
    let entries = live["metadata"]["managedFields"].as_array();
    let updates =
        entries.into_iter().flatten().filter(|e| e["operation"] == "Update" && e["subresource"].as_str().is_none_or(str::is_empty));
    let names = updates.filter_map(|e| e["manager"].as_str());
    names
        .filter(|name| ["kubectl-client-side-apply", "before-first-apply", crate::apply::MANAGER].contains(name))
        .map(str::to_owned)
        .collect()
}

fn schema(object: &Value) -> Option<Node<'static>> {
    let api_version = object["apiVersion"].as_str()?;
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    Some(Registry::builtin().kind(group, version, object["kind"].as_str()?)?.schema())
}

/// A difference in one line. Values of Secrets are never shown.
pub fn shown(difference: &Difference, kind: &str) -> String {
    let secret = kind == "Secret" && (difference.path.starts_with("data") || difference.path.starts_with("stringData"));
    let show = |value: &Option<Value>| match value {
        None => "(none)".to_owned(),
        Some(_) if secret => "(secret)".to_owned(),
        Some(value) => value.to_string(),
    };
    format!("{}: {} → {}", difference.path, show(&difference.live), show(&difference.desired))
}

#[cfg(test)]
mod tests;
