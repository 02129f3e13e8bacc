//! Get and list.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Value, json};

use super::{Ask, Core, options};
use crate::cause::Cause;
use crate::kept::Kept;
use crate::resource::Resource;
use crate::selector::Selector;
use crate::status::ApiError;
use crate::store::Name;
use crate::stored::Shown;

/// GET of one object.
pub(crate) fn get(core: &Core, ask: &Ask<'_>) -> Result<Shown, ApiError> {
    let resource = &*ask.resource;
    let namespace = if resource.namespaced { ask.target.namespace.as_str() } else { "" };
    let version = ask.query.get("resourceVersion");
    if !version.is_empty() && version.parse::<u64>().is_err() {
        return Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "", no_version(version)));
    }
    let found = core.store.find(resource.storage(), namespace, &ask.target.name);
    let found = found.ok_or_else(|| ApiError::not_found(resource, &ask.target.name))?;
    let found = found.stored();
    if found.text(resource).is_some() {
        return Ok(found.into_owned().into());
    }
    Ok(in_version(resource, found.whole()).into())
}

/// The object as this version shows it.
pub(crate) fn in_version(resource: &Resource, mut object: Value) -> Value {
    let version = resource.api_version();
    if object["apiVersion"] != version {
        object["apiVersion"] = version.into();
    }
    object
}

/// A part of a list.
pub(crate) struct Page {
    pub(crate) items: Vec<Kept>,
    pub(crate) revision: u64,
    pub(crate) next: Option<String>,
    pub(crate) remaining: Option<usize>,
}

impl Page {
    /// What the list says of itself.
    pub(crate) fn metadata(&self, resource: &Resource) -> Value {
        let mut metadata = json!({"resourceVersion": self.revision.to_string()});
        match &self.next {
            Some(next) => metadata["continue"] = json!(next),
            // Lists without a Go type say even what is empty.
            None if !resource.is_builtin() => metadata["continue"] = json!(""),
            None => {}
        }
        if let Some(remaining) = self.remaining {
            metadata["remainingItemCount"] = json!(remaining);
        }
        metadata
    }
}

fn no_version(version: &str) -> String {
    format!("resourceVersion: Invalid value: \"{version}\": strconv.ParseUint: parsing \"{version}\": invalid syntax")
}

/// Refuses numbers that are none.
fn numbers(ask: &Ask<'_>) -> Result<(), ApiError> {
    for number in ["limit", "timeoutSeconds"].map(|name| ask.query.get(name)).into_iter().filter(|number| !number.is_empty()) {
        if number.parse::<i64>().is_err() {
            let shown = Value::from(number);
            return Err(ApiError::bad_request(format!("strconv.ParseInt: parsing {shown}: invalid syntax")));
        }
    }
    Ok(())
}

/// Refuses matches of versions that do not fit, all together.
fn matches(ask: &Ask<'_>) -> Result<(), ApiError> {
    let (version, wanted) = (ask.query.get("resourceVersion"), ask.query.get("resourceVersionMatch"));
    if wanted.is_empty() {
        return Ok(());
    }
    let (mut causes, at) = (Vec::new(), "resourceVersionMatch");
    if version.is_empty() {
        causes.push(Cause::forbidden(at, "resourceVersionMatch is forbidden unless resourceVersion is provided"));
    }
    if !ask.query.get("continue").is_empty() {
        causes.push(Cause::forbidden(at, "resourceVersionMatch is forbidden when continue is provided"));
    }
    if !matches!(wanted, "Exact" | "NotOlderThan") {
        causes.push(Cause::unsupported(at, &json!(wanted), &["Exact", "NotOlderThan", ""]));
    }
    if wanted == "Exact" && version == "0" {
        causes.push(Cause::forbidden(at, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""));
    }
    options::refused("ListOptions", &causes)
}

/// What the request selects, at most as many as it wants.
pub(crate) fn list(core: &Core, ask: &Ask<'_>) -> Result<Page, ApiError> {
    numbers(ask)?;
    let selector = Selector::parse(ask.query.get("labelSelector"), ask.query.get("fieldSelector"))?;
    matches(ask)?;
    let selector = selector.fit(&ask.resource)?;
    let (storage, namespace) = (ask.resource.storage(), ask.target.namespace.as_str());
    let limit = if ask.query.get("resourceVersion") == "0" { 0 } else { ask.query.get("limit").parse::<usize>().unwrap_or(0) };
    let version = ask.query.get("resourceVersion");
    if version.parse::<u64>().is_ok_and(|version| version > core.store.revision()) {
        let message = format!("Too large resource version: {version}, current: {}", core.store.revision());
        let details =
            json!({"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}], "retryAfterSeconds": 1});
        return Err(ApiError::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message).with(details));
    }
    let token = match ask.query.get("continue") {
        "" => None,
        token if !matches!(version, "" | "0") && read_token(token).is_some() => {
            return Err(ApiError::bad_request("specifying resource version is not allowed when using continue"));
        }
        token => Some(
            read_token(token)
                .ok_or_else(|| ApiError::bad_request(format!("invalid continue token: continue key is not valid{}", unread(token))))?,
        ),
    };
    if !version.is_empty() && version.parse::<u64>().is_err() {
        return Err(ApiError::bad_request(format!("invalid resource version: {}", no_version(version))));
    }
    let after = token.as_ref().map(|token| &token.after);
    // The pages after the first show what the first one was a part of.
    let pinned = token.as_ref().and_then(|token| token.revision).filter(|revision| *revision != core.store.revision());
    let past = match pinned.map(|revision| core.store.at(storage, revision)) {
        Some(Err(_)) => return Err(ApiError::expired(TOO_OLD).with_continue(inconsistent(token.as_ref()))),
        Some(Ok(objects)) => Some(objects),
        None => None,
    };
    let revision = pinned.unwrap_or_else(|| core.store.revision());
    let mut items = Vec::new();
    let of_now = past.is_none().then(|| core.store.list(storage, namespace, after)).into_iter().flatten();
    let of_then =
        past.iter().flatten().filter(|(name, _)| after.is_none_or(|after| *name > after) && (namespace.is_empty() || name.0 == namespace));
    let mut found = of_now.chain(of_then);
    let mut last = None;
    let selects = |object: &Kept| selector.is_empty() || selector.matches(&object.value());
    for (name, object) in found.by_ref().filter(|(_, object)| selects(object)) {
        items.push(object.clone());
        if limit > 0 && items.len() == limit {
            last = Some(name.clone());
            break;
        }
    }
    // Nobody is told how many there are of what must be looked into.
    let (more, remaining) = if selector.is_empty() {
        let rest = found.count();
        (rest > 0, Some(rest))
    } else {
        // Nor whether anything of that is selected; of what has that name there is no more.
        (selector.name().is_none() && found.next().is_some(), None)
    };
    let next = last.filter(|_| more).map(|name| self::token(&name, Some(revision)));
    let remaining = remaining.filter(|_| next.is_some());
    Ok(Page { items, revision, next, remaining })
}

/// GET of many as a list object; its text can be had for less ([`crate::listing`]).
pub(crate) fn answer(core: &Core, ask: &Ask<'_>) -> Result<Value, ApiError> {
    let page = list(core, ask)?;
    let items = page.items.iter().map(|object| in_version(&ask.resource, object.stored().whole())).collect();
    let mut out = list_object(&ask.resource, items, page.revision);
    out["metadata"] = page.metadata(&ask.resource);
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
    let metadata = Page { items: Vec::new(), revision, next: None, remaining: None }.metadata(resource);
    json!({"kind": resource.list_kind(), "apiVersion": resource.api_version(), "metadata": metadata, "items": items})
}

/// What is said when the revision of the first page is forgotten.
const TOO_OLD: &str = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

/// Where a list goes on.
struct Token {
    /// What the first page showed; none: whatever is newest.
    revision: Option<u64>,
    after: Name,
}

/// A token that goes on with what is newest.
fn inconsistent(token: Option<&Token>) -> String {
    token.map(|token| self::token(&token.after, None)).unwrap_or_default()
}

fn token(after: &Name, revision: Option<u64>) -> String {
    let revision = revision.map_or(json!(-1), Value::from);
    let text = json!({"v": "meta.k8s.io/v1", "rv": revision, "start": [after.0, after.1]}).to_string();
    URL_SAFE_NO_PAD.encode(text)
}

/// Why a token cannot be read, as Go's reader of JSON says it.
fn unread(token: &str) -> String {
    let first = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| bytes.first().copied()).filter(|first| *first != b'{');
    first.map_or_else(String::new, |first| {
        let shown = match first {
            b'\'' => "\\'".to_owned(),
            b' '..=b'~' => char::from(first).to_string(),
            0..=0x7f => format!("\\x{first:02x}"),
            0x80..=0xa0 | 0xad => format!("\\u{first:04x}"),
            _ => char::from(first).to_string(),
        };
        format!(": invalid character '{shown}' looking for beginning of value")
    })
}

fn read_token(token: &str) -> Option<Token> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let value: Value = serde_json::from_slice(&bytes).ok()?;
    let after = (value["start"][0].as_str()?.to_owned(), value["start"][1].as_str()?.to_owned());
    Some(Token { revision: value["rv"].as_u64(), after })
}
