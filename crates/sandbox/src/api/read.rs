//! Get and list.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Value, json};

use super::{Ask, Core};
use crate::resource::Resource;
use crate::selector::Selector;
use crate::status::ApiError;
use crate::store::Name;

/// GET of one object.
pub(crate) fn get(core: &Core, ask: &Ask<'_>) -> Result<Value, ApiError> {
    let namespace = if ask.resource.namespaced { ask.target.namespace.as_str() } else { "" };
    let found = core.store.get(&ask.resource.storage(), namespace, &ask.target.name);
    let found = found.ok_or_else(|| ApiError::not_found(&ask.resource, &ask.target.name))?;
    Ok(in_version(&ask.resource, &found))
}

/// The object as this version shows it.
pub(crate) fn in_version(resource: &Resource, object: &Value) -> Value {
    let mut object = object.clone();
    object["apiVersion"] = json!(resource.api_version());
    object
}

/// A part of a list.
pub(crate) struct Page {
    pub(crate) items: Vec<Arc<Value>>,
    pub(crate) revision: u64,
    pub(crate) next: Option<String>,
    pub(crate) remaining: Option<usize>,
}

/// Refuses versions that are none and matches that do not fit.
fn options(ask: &Ask<'_>) -> Result<(), ApiError> {
    let (version, wanted) = (ask.query.get("resourceVersion"), ask.query.get("resourceVersionMatch"));
    let invalid = |reason: &str, message: &str| Err(ApiError::invalid_options("ListOptions", "resourceVersionMatch", reason, message));
    if !wanted.is_empty() && version.is_empty() {
        return invalid("FieldValueForbidden", "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided");
    }
    if !matches!(wanted, "" | "Exact" | "NotOlderThan") {
        let message = format!("Unsupported value: \"{wanted}\": supported values: \"Exact\", \"NotOlderThan\", \"\"");
        return invalid("FieldValueNotSupported", &message);
    }
    if !version.is_empty() && version.parse::<u64>().is_err() {
        return Err(ApiError::bad_request(format!(
            "invalid resource version: resourceVersion: Invalid value: \"{version}\": strconv.ParseUint: parsing \"{version}\": invalid syntax"
        )));
    }
    Ok(())
}

/// What the request selects, at most as many as it wants.
pub(crate) fn list(core: &Core, ask: &Ask<'_>) -> Result<Page, ApiError> {
    options(ask)?;
    let selector = Selector::parse(ask.query.get("labelSelector"), ask.query.get("fieldSelector"))?.fit(&ask.resource)?;
    let (storage, namespace) = (ask.resource.storage(), ask.target.namespace.as_str());
    let limit = if ask.query.get("resourceVersion") == "0" { 0 } else { ask.query.get("limit").parse::<usize>().unwrap_or(0) };
    let version = ask.query.get("resourceVersion");
    if version.parse::<u64>().is_ok_and(|version| version > core.store.revision()) {
        let message = format!("Too large resource version: {version}, current: {}", core.store.revision());
        let details =
            json!({"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}], "retryAfterSeconds": 1});
        return Err(ApiError::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message).with(details));
    }
    let after = match ask.query.get("continue") {
        "" => None,
        token => Some(read_token(token).ok_or_else(|| ApiError::bad_request("invalid continue token: continue key is not valid"))?),
    };
    let mut items = Vec::new();
    let mut found = core.store.list(&storage, namespace, after.as_ref()).filter(|(_, object)| selector.matches(object));
    let mut last = None;
    for (name, object) in found.by_ref() {
        items.push(object.clone());
        if limit > 0 && items.len() == limit {
            last = Some(name.clone());
            break;
        }
    }
    let rest = found.count();
    let next = last.filter(|_| rest > 0).map(|name| token(&name, core.store.revision()));
    let remaining = (next.is_some() && selector.is_empty()).then_some(rest);
    Ok(Page { items, revision: core.store.revision(), next, remaining })
}

/// GET of many as a list object.
pub(crate) fn answer(core: &Core, ask: &Ask<'_>) -> Result<Value, ApiError> {
    let page = list(core, ask)?;
    let items = page.items.iter().map(|object| in_version(&ask.resource, object)).collect();
    let mut out = list_object(&ask.resource, items, page.revision);
    if let Some(next) = page.next {
        out["metadata"]["continue"] = json!(next);
    }
    if let Some(remaining) = page.remaining {
        out["metadata"]["remainingItemCount"] = json!(remaining);
    }
    Ok(out)
}

/// A list of that kind; items of Kubernetes' own kinds do not repeat what they are.
pub(crate) fn list_object(resource: &Resource, mut items: Vec<Value>, revision: u64) -> Value {
    if resource.is_builtin() {
        for fields in items.iter_mut().filter_map(Value::as_object_mut) {
            fields.remove("apiVersion");
            fields.remove("kind");
        }
    }
    let mut list = json!({
        "kind": resource.custom.as_ref().map_or_else(|| format!("{}List", resource.kind), |custom| custom.list_kind.clone()),
        "apiVersion": resource.api_version(),
        "metadata": {"resourceVersion": revision.to_string()},
        "items": items,
    });
    if !resource.is_builtin() {
        // Lists without a Go type say even what is empty.
        list["metadata"]["continue"] = json!("");
    }
    list
}

fn token(after: &Name, revision: u64) -> String {
    let text = json!({"v": "meta.k8s.io/v1", "rv": revision, "start": [after.0, after.1]}).to_string();
    URL_SAFE_NO_PAD.encode(text)
}

fn read_token(token: &str) -> Option<Name> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let value: Value = serde_json::from_slice(&bytes).ok()?;
    Some((value["start"][0].as_str()?.to_owned(), value["start"][1].as_str()?.to_owned()))
}
