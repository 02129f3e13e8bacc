//! The few verbs of the Kubernetes API that the agent needs, over `serde_json::Value`.

use std::fmt::Write as _;
use std::time::Duration;

use futures::{Stream, StreamExt};
use kube::core::WatchEvent;
use serde_json::{Value, json};

/// No single request but a watch may take longer.
const LIMIT: Duration = Duration::from_secs(60);
/// How long one watch request lasts, in seconds; afterwards it is continued.
const WATCH_SECONDS: u32 = 290;
/// How many objects one page of a list has.
const PAGE: usize = 500;

/// A kind as the server serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The API group, empty for the core one.
    pub group: String,
    /// The version within the group.
    pub version: String,
    /// The kind.
    pub kind: String,
    /// The name in URLs.
    pub plural: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Whether it can be listed and watched.
    pub watchable: bool,
}

impl Resource {
    /// `group/version`, or `version` for the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The URL path of the collection, or of the object `name`. Names are percent-encoded: they cannot lead elsewhere.
    fn path(&self, namespace: &str, name: &str) -> String {
        let mut path = if self.group.is_empty() {
            format!("/api/{}", encoded(&self.version))
        } else {
            format!("/apis/{}/{}", encoded(&self.group), encoded(&self.version))
        };
        if self.namespaced && !namespace.is_empty() {
            path = format!("{path}/namespaces/{}", encoded(namespace));
        }
        path = format!("{path}/{}", encoded(&self.plural));
        if name.is_empty() { path } else { format!("{path}/{}", encoded(name)) }
    }
}

fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b':') {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    if out == "." || out == ".." { out.replace('.', "%2E") } else { out }
}

/// A request that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The server answered with an error.
    #[error("{message}")]
    Status {
        /// The HTTP status.
        code: u16,
        /// The machine-readable reason, such as `NotFound`.
        reason: String,
        /// The server's words.
        message: String,
    },
    /// The server could not be reached or its answer not be understood.
    #[error("the Kubernetes API does not answer: {0}")]
    Unreachable(String),
}

impl ApiError {
    /// The HTTP status, 0 if there was no answer.
    pub fn code(&self) -> u16 {
        match self {
            ApiError::Status { code, .. } => *code,
            ApiError::Unreachable(_) => 0,
        }
    }

    /// Whether the same request may well succeed a little later.
    pub fn is_transient(&self) -> bool {
        matches!(self.code(), 0 | 429 | 500 | 502 | 503 | 504)
    }
}

impl From<kube::Error> for ApiError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => {
                ApiError::Status { code: status.code, reason: status.reason.clone(), message: status.message.clone() }
            }
            // A parse error quotes what was received, which may be a Secret.
            kube::Error::SerdeError(_) => ApiError::Unreachable("the answer is not JSON".to_owned()),
            other => ApiError::Unreachable(causes(&other)),
        }
    }
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text
}

/// Which objects of a kind are looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Those of this namespace; empty: everywhere.
    pub namespace: String,
    /// Those that this label selector selects; empty: all.
    pub labels: String,
}

impl Scope {
    fn selection(&self) -> String {
        if self.labels.is_empty() { String::new() } else { format!("&labelSelector={}", encoded(&self.labels)) }
    }
}

/// How an apply is made.
#[derive(Debug, Clone, Copy)]
pub struct ApplyOptions<'a> {
    /// The field manager.
    pub manager: &'a str,
    /// Whether conflicts with other managers are won.
    pub force: bool,
    /// Whether nothing is stored.
    pub dry_run: bool,
}

/// The cluster's API.
#[derive(Clone)]
pub struct Api {
    client: kube::Client,
}

impl Api {
    /// Over this client.
    pub fn new(client: kube::Client) -> Self {
        Api { client }
    }

    async fn call(&self, method: &str, path: &str, content: &str, body: Option<&Value>) -> Result<Value, ApiError> {
        let bytes = body.map(Value::to_string).unwrap_or_default().into_bytes();
        let mut request = http::Request::builder().method(method).uri(path).header(http::header::ACCEPT, "application/json");
        if body.is_some() {
            request = request.header(http::header::CONTENT_TYPE, content);
        }
        let request = request.body(bytes).map_err(|e| ApiError::Unreachable(e.to_string()))?;
        let text = tokio::time::timeout(LIMIT, self.client.request_text(request))
            .await
            .map_err(|_| ApiError::Unreachable(format!("no answer within {} s", LIMIT.as_secs())))??;
        serde_json::from_str(&text).map_err(|_| ApiError::Unreachable("the answer is not JSON".to_owned()))
    }

    /// What the server serves in `group/version`; `None` if it does not know it.
    pub async fn resources(&self, group: &str, version: &str) -> Result<Option<Vec<Resource>>, ApiError> {
        let path =
            if group.is_empty() { format!("/api/{}", encoded(version)) } else { format!("/apis/{}/{}", encoded(group), encoded(version)) };
        let answer = match self.call("GET", &path, "", None).await {
            Err(error) if error.code() == 404 => return Ok(None),
            other => other?,
        };
        let text = |v: &Value, field: &str| v[field].as_str().unwrap_or_default().to_owned();
        let has = |v: &Value, verb: &str| v["verbs"].as_array().is_some_and(|verbs| verbs.iter().any(|v| v == verb));
        let found = answer["resources"].as_array().map(|list| {
            list.iter()
                .filter(|r| !text(r, "name").contains('/'))
                .map(|r| Resource {
                    group: group.to_owned(),
                    version: version.to_owned(),
                    kind: text(r, "kind"),
                    plural: text(r, "name"),
                    namespaced: r["namespaced"].as_bool().unwrap_or_default(),
                    watchable: has(r, "list") && has(r, "watch"),
                })
                .collect()
        });
        Ok(Some(found.unwrap_or_default()))
    }

    /// One object; `None` if the server says that it is not there.
    pub async fn get(&self, resource: &Resource, namespace: &str, name: &str) -> Result<Option<Value>, ApiError> {
        match self.call("GET", &resource.path(namespace, name), "", None).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.code() == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All objects of a kind in a scope, and the version of the list.
    pub async fn list(&self, resource: &Resource, scope: &Scope) -> Result<(Vec<Value>, String), ApiError> {
        let (mut objects, mut token) = (Vec::new(), String::new());
        loop {
            let mut path = format!("{}?limit={PAGE}{}", resource.path(&scope.namespace, ""), scope.selection());
            if !token.is_empty() {
                let _ = write!(path, "&continue={}", encoded(&token));
            }
            let mut page = self.call("GET", &path, "", None).await?;
            if let Value::Array(items) = page["items"].take() {
                objects.extend(items);
            }
            token = page["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
            if token.is_empty() {
                return Ok((objects, page["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned()));
            }
        }
    }

    /// What happens to the objects of a kind in a scope after `version`.
    pub async fn watch(
        &self,
        resource: &Resource,
        scope: &Scope,
        version: &str,
    ) -> Result<impl Stream<Item = Result<WatchEvent<Value>, ApiError>> + use<>, ApiError> {
        let path = format!(
            "{}?watch=true&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}&resourceVersion={}{}",
            resource.path(&scope.namespace, ""),
            encoded(version),
            scope.selection()
        );
        let request = http::Request::get(path)
            .header(http::header::ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(|e| ApiError::Unreachable(e.to_string()))?;
        let stream = tokio::time::timeout(LIMIT, self.client.request_events::<Value>(request))
            .await
            .map_err(|_| ApiError::Unreachable("the watch does not begin".to_owned()))??;
        Ok(stream.map(|event| event.map_err(ApiError::from)))
    }

    /// Server-side apply.
    pub async fn apply(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        object: &Value,
        options: ApplyOptions<'_>,
    ) -> Result<Value, ApiError> {
        let path = format!(
            "{}?fieldManager={}&force={}{}",
            resource.path(namespace, name),
            encoded(options.manager),
            options.force,
            if options.dry_run { "&dryRun=All" } else { "" }
        );
        self.call("PATCH", &path, "application/apply-patch+yaml", Some(object)).await
    }

    /// Creates an object.
    pub async fn create(
        &self,
        resource: &Resource,
        namespace: &str,
        object: &Value,
        manager: &str,
        dry_run: bool,
    ) -> Result<Value, ApiError> {
        let path =
            format!("{}?fieldManager={}{}", resource.path(namespace, ""), encoded(manager), if dry_run { "&dryRun=All" } else { "" });
        self.call("POST", &path, "application/json", Some(object)).await
    }

    /// Patches an object with a JSON merge patch.
    pub async fn merge(&self, resource: &Resource, namespace: &str, name: &str, patch: &Value, manager: &str) -> Result<Value, ApiError> {
        let path = format!("{}?fieldManager={}", resource.path(namespace, name), encoded(manager));
        self.call("PATCH", &path, "application/merge-patch+json", Some(patch)).await
    }

    /// Patches an object with a JSON patch (RFC 6902).
    pub async fn json_patch(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        patch: &Value,
        manager: &str,
    ) -> Result<Value, ApiError> {
        let path = format!("{}?fieldManager={}", resource.path(namespace, name), encoded(manager));
        self.call("PATCH", &path, "application/json-patch+json", Some(patch)).await
    }

    /// Deletes exactly the object with this uid in this version; anything else is a conflict.
    pub async fn delete(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        uid: &str,
        version: Option<&str>,
        propagation: &str,
    ) -> Result<Value, ApiError> {
        let mut preconditions = json!({"uid": uid});
        if let Some(version) = version {
            preconditions["resourceVersion"] = version.into();
        }
        let body = json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation, "preconditions": preconditions});
        self.call("DELETE", &resource.path(namespace, name), "application/json", Some(&body)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_lead_elsewhere() {
        let pods = Resource {
            group: String::new(),
            version: "v1".into(),
            kind: "Pod".into(),
            plural: "pods".into(),
            namespaced: true,
            watchable: true,
        };
        assert_eq!(pods.path("demo", "web"), "/api/v1/namespaces/demo/pods/web");
        assert_eq!(pods.path("a/../b", ".."), "/api/v1/namespaces/a%2F..%2Fb/pods/%2E%2E");
        assert_eq!(pods.path("demo", "x?dryRun=All"), "/api/v1/namespaces/demo/pods/x%3FdryRun%3DAll");
    }
}
