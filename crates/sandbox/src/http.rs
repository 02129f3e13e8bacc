//! HTTP around the API: who asks, what is asked, and in which form the answer goes out.

use std::borrow::Cow;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::StreamExt as _;
use http::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, USER_AGENT, WARNING};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::{Body as _, Frame};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited, StreamBody};
use serde_json::{Map, Value, json};

use crate::api::{self, Ask, Done};
use crate::auth::rbac::Action;
use crate::auth::{self, User};
use crate::canonical::TEMPLATE_GENERATION;
use crate::discovery::{self, Served, Sub};
use crate::negotiate::{Clause, Encoding};
use crate::request::{Query, Target, Verb};
use crate::resource::{Resource, Resources};
use crate::selector::Selector;
use crate::status::ApiError;
use crate::stored::Order;
use crate::tls::Peer;
use crate::{Shared, json, listing, log, negotiate, openapi, table, watch};

/// An answer's body: whole, or a watch that goes on.
pub type ServiceBody = UnsyncBoxBody<Bytes, Infallible>;

/// The largest body that is read.
const LIMIT: usize = 3 * 1024 * 1024;

/// The API as a service, in process or behind a socket.
#[derive(Clone)]
pub struct Service {
    shared: Arc<Shared>,
    /// Every request is the administrator's.
    open: bool,
}

impl Service {
    pub(crate) fn new(shared: Arc<Shared>, open: bool) -> Self {
        Self { shared, open }
    }
}

impl<B> tower::Service<Request<B>> for Service
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    type Response = Response<ServiceBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.answer(request).await) })
    }
}

/// How an object begins of which only the metadata is shown.
pub(crate) const PARTIAL: &[u8] = br#"{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":"#;

/// The form that a client wants its objects in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    Plain,
    /// Only what they are and their metadata.
    Metadata,
    /// Rows for printing, with so much of the object: None, Metadata, Object.
    Table {
        include: String,
        now: jiff::Timestamp,
        version: &'static str,
    },
}

impl Form {
    /// From the clause of the header Accept that was chosen.
    fn of(chosen: Option<&Clause<'_>>, query: &Query, now: jiff::Timestamp) -> Self {
        let parameter = |name| chosen.and_then(|clause| clause.parameter(name));
        match parameter("as") {
            Some("Table") => {
                let include = query.get("includeObject");
                let include = if include.is_empty() { "Metadata" } else { include }.to_owned();
                let old = parameter("v") == Some("v1beta1");
                Self::Table { include, now, version: if old { "meta.k8s.io/v1beta1" } else { "meta.k8s.io/v1" } }
            }
            Some("PartialObjectMetadata" | "PartialObjectMetadataList") => Self::Metadata,
            _ => Self::Plain,
        }
    }

    /// One object in this form, as in a watch.
    pub(crate) fn present<'v>(&self, resource: &Resource, object: &'v Value) -> Cow<'v, Value> {
        match self {
            Self::Plain if object["apiVersion"] == resource.api_version() => Cow::Borrowed(object),
            Self::Plain => {
                let mut object = object.clone();
                object["apiVersion"] = json!(resource.api_version());
                Cow::Owned(object)
            }
            Self::Metadata => {
                let metadata = alone(resource, &object["metadata"]);
                Cow::Owned(json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}))
            }
            Self::Table { include, now, version } => {
                let mut table = rows(resource, std::slice::from_ref(object), *now, include, version);
                table["metadata"]["resourceVersion"] = object["metadata"]["resourceVersion"].clone();
                Cow::Owned(table)
            }
        }
    }

    /// The same as JSON; the part of it is not copied before.
    pub(crate) fn text(&self, resource: &Resource, object: &Value) -> Vec<u8> {
        let mut text = Vec::new();
        match self {
            Self::Metadata => {
                json::write(&mut text, &alone(resource, &object["metadata"]));
                return [PARTIAL, &text, b"}"].concat();
            }
            Self::Plain => {
                let (shown, nothing) = (self.present(resource, object), Map::new());
                let fields = Order::of(resource).fields(shown.as_object().unwrap_or(&nothing));
                json::entries(&mut text, fields, |text, _, value| json::write(text, value));
            }
            Self::Table { .. } => json::write(&mut text, &self.present(resource, object)),
        }
        text
    }

    /// An answer of the API in this form; Status objects stay as they are.
    fn transform(&self, resource: &Resource, value: Arc<Value>) -> Arc<Value> {
        if *self == Self::Plain || value["kind"] == "Status" {
            return value;
        }
        let Some(items) = value["items"].as_array() else {
            return Arc::new(self.present(resource, &value).into_owned());
        };
        Arc::new(match self {
            Self::Table { include, now, version } => {
                let mut out = rows(resource, items, *now, include, version);
                out["metadata"] = value["metadata"].clone();
                if let Some(metadata) = out["metadata"].as_object_mut() {
                    metadata.retain(|_, value| *value != "");
                }
                out
            }
            _ => {
                let items: Vec<Value> = items.iter().map(|object| self.present(resource, object).into_owned()).collect();
                json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": value["metadata"], "items": items})
            }
        })
    }
}

/// Whether metadata that are shown alone are not those that are stored.
pub(crate) fn hides(resource: &Resource) -> bool {
    resource.kind == "DaemonSet" && resource.group == "apps"
}

/// Metadata that are shown alone: what an object's version writes into them from other fields is not there.
fn alone<'v>(resource: &Resource, metadata: &'v Value) -> Cow<'v, Value> {
    let mut shown = Cow::Borrowed(metadata);
    if hides(resource)
        && let Some(metadata) = shown.to_mut().as_object_mut()
        && let Some(Value::Object(annotations)) = metadata.get_mut("annotations")
    {
        annotations.remove(TEMPLATE_GENERATION);
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
    shown
}

fn rows(resource: &Resource, objects: &[Value], now: jiff::Timestamp, include: &str, version: &str) -> Value {
    let columns = resource.custom.as_ref().map(|custom| custom.columns.as_ref().unwrap_or(&Value::Null));
    // Rows carry whole objects, which lists do not.
    let whole: Vec<Value> = objects
        .iter()
        .map(|object| {
            let mut object = object.clone();
            object["apiVersion"] = json!(resource.api_version());
            object["kind"] = json!(resource.kind);
            object
        })
        .collect();
    let mut table = table::table(&resource.group, &resource.kind, columns, &whole, now, include);
    // Both versions of a table are the same but for their name.
    table["apiVersion"] = json!(version);
    for row in table["rows"].as_array_mut().into_iter().flatten() {
        if row["object"]["kind"] == "PartialObjectMetadata" {
            row["object"]["apiVersion"] = json!(version);
            if hides(resource) {
                row["object"]["metadata"] = alone(resource, &row["object"]["metadata"]).into_owned();
            }
        }
    }
    table
}

/// What a request says beside its body.
struct Head {
    method: Method,
    path: String,
    query: Query,
    headers: HeaderMap,
    /// Whom the client's certificate names, if it showed one.
    peer: Option<Peer>,
}

impl Head {
    fn header(&self, name: http::header::HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Service {
    async fn answer<B>(&self, request: Request<B>) -> Response<ServiceBody>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
    {
        let (parts, body) = request.into_parts();
        let head = Head {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: Query::parse(parts.uri.query().unwrap_or_default()),
            headers: parts.headers,
            peer: parts.extensions.get::<Peer>().cloned(),
        };
        let answer = self.answer_to(&head, body).await;
        if head.path.starts_with("/openapi/") {
            return answer;
        }
        encoded(answer, negotiate::encoding(head.header(ACCEPT), &head.query, head.header(USER_AGENT))).await
    }

    async fn answer_to<B>(&self, head: &Head, body: B) -> Response<ServiceBody>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
    {
        let user = match self.user(head) {
            Ok(user) => user,
            Err(error) => return refuse(&error),
        };
        let body = match Limited::new(body, LIMIT).collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                let message = format!("Request entity too large: limit is {LIMIT}");
                return refuse(&ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message));
            }
            Err(error) => return refuse(&ApiError::bad_request(format!("the body could not be read: {error}"))),
        };
        match self.route(head, &user, &body) {
            Ok(response) => response,
            Err(error) => refuse(&error),
        }
    }

    /// Who asks, and in whose name.
    fn user(&self, head: &Head) -> Result<User, ApiError> {
        let core = self.shared.core();
        let token = head.header(AUTHORIZATION).strip_prefix("Bearer ").map(str::trim).filter(|token| !token.is_empty());
        let known = match &head.peer {
            _ if self.open => Some(User::administrator()),
            // A certificate counts before a token, as in a kube-apiserver; one that is not believed leaves it to the token.
            Some(Peer::Known { name, groups }) => Some(User::named(name, "", groups.clone())),
            Some(Peer::Unknown) | None => token.and_then(|token| core.user(token)),
        };
        // Who shows nothing is nobody; who shows something that proves nothing is refused.
        let nobody = head.peer.is_none() && token.is_none();
        let public = ["/healthz", "/livez", "/readyz", "/version"].contains(&head.path.as_str());
        let user = match known {
            Some(user) => user,
            None if nobody && public => User::named("system:anonymous", "", Vec::new()),
            None => return Err(ApiError::unauthorized()),
        };
        auth::acting(&core, user, &head.headers)
    }

    fn route(&self, head: &Head, user: &User, body: &Bytes) -> Result<Response<ServiceBody>, ApiError> {
        if let Some(target) = Target::parse(&head.path) {
            return self.resource(head, user, &target, body);
        }
        if head.method != Method::GET && head.method != Method::HEAD {
            return Err(ApiError::method_not_allowed());
        }
        let parts: Vec<&str> = head.path.trim_matches('/').split('/').collect();
        let core = self.shared.core();
        auth::authorize_path(&core, user, "get", &head.path)?;
        let accept = head.header(ACCEPT);
        match parts.as_slice() {
            ["version"] => negotiate::route(accept, negotiate::PLAIN)?,
            ["api", _] => negotiate::route(accept, negotiate::SERVED)?,
            ["apis", group, _] if core.resources.all().iter().any(|one| one.is_builtin() && one.group == *group) => {
                negotiate::route(accept, negotiate::SERVED)?;
            }
            ["api" | "apis"] | ["apis", _] | ["apis", _, _] if !discovery::wants_aggregated(accept) => {
                negotiate::check(accept, negotiate::chosen(accept).as_ref(), false)?;
            }
            _ => {}
        }
        let served = || served(&core.resources);
        let found =
            |document: Option<Value>| document.ok_or_else(ApiError::no_path).map(|document| json_response(StatusCode::OK, &document));
        match parts.as_slice() {
            ["healthz" | "livez" | "readyz", ..] => Ok(text("text/plain; charset=utf-8", "ok")),
            ["version"] => found(Some(version())),
            ["metrics"] => Ok(text("text/plain; version=0.0.4", &metrics(&core.writes))),
            ["api" | "apis"] if discovery::wants_aggregated(head.header(ACCEPT)) => {
                Ok(aggregated(discovery::aggregated(&served(), parts[0] == "api")))
            }
            ["api"] => found(Some(discovery::core_versions())),
            ["apis"] => found(Some(discovery::groups(&served()))),
            ["api", version] => found(discovery::resources(&served(), "", version)),
            ["apis", group] => found(discovery::group(&served(), group)),
            ["apis", group, version] => found(discovery::resources(&served(), group, version)),
            ["openapi", "v3"] => found(Some(openapi::index(core.resources.all()))),
            ["openapi", "v3", rest @ ..] => {
                let (resources, now) = (core.resources.all().to_vec(), (core.clock)());
                // Making a document takes its time.
                drop(core);
                let (path, known) = (rest.join("/"), head.header(IF_NONE_MATCH));
                let ask = openapi::serve::Ask { path: &path, hash: head.query.get("hash"), known, now };
                self.shared.documents.answer(&resources, &ask).ok_or_else(ApiError::no_path)
            }
            ["openapi", "v2"] => {
                let resources = core.resources.all().to_vec();
                drop(core);
                Ok(self.shared.documents.answer_v2(&resources, head.header(ACCEPT), head.header(IF_NONE_MATCH)))
            }
            _ => Err(ApiError::no_path()),
        }
    }

    fn resource(&self, head: &Head, user: &User, target: &Target, body: &Bytes) -> Result<Response<ServiceBody>, ApiError> {
        let mut core = self.shared.core();
        let resource = core.resources.find(&target.group, &target.version, &target.plural);
        let resource = resource.ok_or_else(|| {
            let known = core.resources.all().iter().any(|one| one.group == target.group && one.version == target.version);
            if known { ApiError::no_resource() } else { ApiError::no_path() }
        })?;
        if resource.namespaced && target.namespace.is_empty() && !target.name.is_empty()
            || !resource.namespaced && !target.namespace.is_empty()
        {
            return Err(ApiError::no_resource());
        }
        let verb = Verb::of(&head.method, target, &head.query).ok_or_else(ApiError::method_not_allowed)?;
        let part = if target.subresource.is_empty() { target.plural.clone() } else { format!("{}/{}", target.plural, target.subresource) };
        let selected = Selector::parse("", head.query.get("fieldSelector")).ok().and_then(|selector| selector.name().map(str::to_owned));
        let name = if target.name.is_empty() { selected.unwrap_or_default() } else { target.name.clone() };
        // A namespace itself is asked about as being in itself.
        let namespace = if target.plural == "namespaces" && target.group.is_empty() { &target.name } else { &target.namespace };
        let action = Action { verb: verb.name(), group: &target.group, resource: &part, namespace, name: &name, path: "" };
        auth::authorize(&core, user, &resource, &action)?;
        let user_agent = head.header(USER_AGENT);
        if verb.writes() {
            match core.writes.get_mut(user_agent) {
                Some(count) => *count += 1,
                None => drop(core.writes.insert(user_agent.to_owned(), 1)),
            }
        }
        if api::expires(&resource) {
            api::expire(&mut core);
        }
        let now = (core.clock)();
        drop(core);
        let accept = head.header(ACCEPT);
        let chosen = negotiate::chosen(accept);
        let many = target.name.is_empty() && !verb.writes();
        let logs = verb == Verb::Get && target.subresource == "log" && resource.kind == "Pod" && resource.group.is_empty();
        // Objects of definitions have no routes of their own.
        if resource.is_builtin() {
            let reads = if many { negotiate::WATCHED } else { negotiate::SERVED };
            negotiate::route(accept, if logs { negotiate::LOGGED } else { reads })?;
        }
        if !logs {
            negotiate::check(accept, chosen.as_ref(), verb == Verb::Watch)?;
        }
        if matches!(verb, Verb::Create | Verb::Update) {
            negotiate::check_body(head.header(CONTENT_TYPE), &resource)?;
        }
        let form = Form::of(chosen.as_ref(), &head.query, now);
        let ask = Ask {
            verb,
            target,
            query: &head.query,
            resource: resource.clone(),
            body,
            content_type: head.header(CONTENT_TYPE),
            user_agent,
            user,
        };
        if verb == Verb::Watch {
            let stream = watch::begin(&self.shared, &ask, form)?;
            let body = StreamBody::new(stream.map(|bytes| Ok(Frame::data(bytes)))).boxed_unsync();
            return Ok(response(StatusCode::OK, "application/json", body));
        }
        let whole = matches!(form, Form::Plain | Form::Metadata) && resource.kind != "ComponentStatus";
        if verb == Verb::List && target.subresource.is_empty() && whole {
            let page = api::list(&self.shared.core(), &ask)?;
            negotiate::check_form(chosen.as_ref(), &resource, true)?;
            let text = listing::text(&resource, &form, &page);
            return Ok(response(StatusCode::OK, "application/json", Full::new(Bytes::from(text)).boxed_unsync()));
        }
        if logs {
            let options = log::Options::of(&head.query, &resource, &target.name, now)?;
            let whole = Target { subresource: String::new(), ..target.clone() };
            let (_, pod) = api::carry_out(&self.shared, &Ask { target: &whole, query: &Query::default(), ..ask }).answer?;
            let Some(run) = options.choose(&pod.look())? else {
                return Ok(nothing());
            };
            let stream = log::read(self.shared.logs(), run, &options);
            let body = StreamBody::new(stream.map(|bytes| Ok(Frame::data(bytes)))).boxed_unsync();
            return Ok(response(StatusCode::OK, "text/plain", body));
        }
        let Done { mut answer, warnings } = api::carry_out(&self.shared, &ask);
        if verb == Verb::Get {
            answer = answer.and_then(|answer| negotiate::check_form(chosen.as_ref(), &resource, false).map(|()| answer));
        }
        // What is refused is warned of too.
        let mut answer = match answer {
            Ok((status, shown)) => match shown.text(&resource).filter(|_| form == Form::Plain) {
                Some(text) => response(status, "application/json", Full::new(Bytes::from_owner(text.clone())).boxed_unsync()),
                None => {
                    let value = form.transform(&resource, shown.whole());
                    if resource.is_builtin() { json_response(status, &value) } else { json_body(status, &*value) }
                }
            },
            Err(error) => refuse(&error),
        };
        for warning in warnings {
            let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
            if let Ok(value) = http::HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
                answer.headers_mut().append(WARNING, value);
            }
        }
        Ok(answer)
    }
}

/// What discovery tells of everything that is served.
fn served(resources: &Resources) -> Vec<Served<'_>> {
    resources.all().iter().map(|resource| one_served(resource)).collect()
}

fn one_served<'a>(resource: &'a Resource) -> Served<'a> {
    let sub = |sub: &'a crate::resource::Subresource| Sub {
        name: &sub.name,
        group: if sub.group.is_empty() && sub.version.is_empty() { &resource.group } else { &sub.group },
        version: if sub.version.is_empty() { &resource.version } else { &sub.version },
        kind: &sub.kind,
        verbs: &sub.verbs,
    };
    Served {
        group: &resource.group,
        version: &resource.version,
        kind: &resource.kind,
        plural: &resource.plural,
        singular: &resource.singular,
        short_names: &resource.short_names,
        categories: &resource.categories,
        verbs: &resource.verbs,
        namespaced: resource.namespaced,
        subresources: resource.subresources.iter().map(sub).collect(),
    }
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "gitVersion": "v1.36.3+sandbox", "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "rustc", "platform": "linux/amd64",
    })
}

/// The counted writes in Prometheus' text format.
fn metrics(writes: &std::collections::BTreeMap<String, u64>) -> String {
    let mut out = String::from(
        "# HELP sandbox_writes_total Requests that could have changed something, by user agent.\n# TYPE sandbox_writes_total counter\n",
    );
    for (agent, count) in writes {
        let agent = agent.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        out.push_str(&format!("sandbox_writes_total{{user_agent=\"{agent}\"}} {count}\n"));
    }
    out
}

fn aggregated(document: Vec<u8>) -> Response<ServiceBody> {
    let tag = http::HeaderValue::from_str(&discovery::etag(&document));
    let mut out = response(StatusCode::OK, discovery::AGGREGATED, Full::new(Bytes::from(document)).boxed_unsync());
    if let Ok(tag) = tag {
        out.headers_mut().insert(ETAG, tag);
    }
    out
}

pub(crate) fn response(status: StatusCode, content_type: &'static str, body: ServiceBody) -> Response<ServiceBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, http::HeaderValue::from_static("no-cache, private"));
    response
}

fn text(content_type: &'static str, text: &str) -> Response<ServiceBody> {
    response(StatusCode::OK, content_type, Full::new(Bytes::from(text.to_owned())).boxed_unsync())
}

/// Success that has nothing to say.
fn nothing() -> Response<ServiceBody> {
    let mut out = response(StatusCode::NO_CONTENT, "", Full::default().boxed_unsync());
    out.headers_mut().remove(CONTENT_TYPE);
    out
}

/// An answer in Kubernetes' own types, which begin with what they are. Objects of definitions do not: their fields are sorted.
fn json_response(status: StatusCode, value: &Value) -> Response<ServiceBody> {
    json_body(status, &KindFirst(value))
}

/// A whole answer in JSON, written otherwise; a watch goes on as it is.
async fn encoded(answer: Response<ServiceBody>, encoding: Encoding) -> Response<ServiceBody> {
    let json = answer.headers().get(CONTENT_TYPE).is_some_and(|of| of == "application/json");
    if encoding == Encoding::Json || !json || answer.body().size_hint().exact().is_none() {
        return answer;
    }
    let (mut head, body) = answer.into_parts();
    let Ok(text) = body.collect().await;
    if encoding == Encoding::Yaml {
        head.headers.insert(CONTENT_TYPE, http::HeaderValue::from_static("application/yaml"));
    }
    let text = negotiate::encode(&text.to_bytes(), encoding);
    Response::from_parts(head, Full::new(Bytes::from(text)).boxed_unsync())
}

fn json_body(status: StatusCode, value: &impl serde::Serialize) -> Response<ServiceBody> {
    // A value in memory has no part that JSON cannot hold.
    let mut text = serde_json::to_vec(value).unwrap_or_default();
    text.push(b'\n');
    response(status, "application/json", Full::new(Bytes::from(text)).boxed_unsync())
}

struct KindFirst<'a>(&'a Value);

impl serde::Serialize for KindFirst<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(fields) = self.0.as_object() else { return self.0.serialize(serializer) };
        serializer.collect_map(Order::KindFirst.fields(fields))
    }
}

fn refuse(error: &ApiError) -> Response<ServiceBody> {
    if error.is_no_path() {
        // As of every server that knows nothing of the path; clients make their own words of it.
        let mut out = text("text/plain; charset=utf-8", "404 page not found\n");
        *out.status_mut() = error.code;
        return out;
    }
    json_response(error.code, &error.status())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_begins_with_what_it_is() {
        let text = serde_json::to_string(&KindFirst(&json!({"apiVersion": "v1", "data": {"b": 1}, "kind": "ConfigMap"})));
        assert_eq!(text.ok().as_deref(), Some(r#"{"kind":"ConfigMap","apiVersion":"v1","data":{"b":1}}"#));
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_with_curl_gets_lines_but_of_a_watch() {
        let client = crate::Sandbox::new(crate::Config::default()).client();
        let ask = async |path: &str| {
            let request = Request::get(path).header(USER_AGENT, "curl/8.5.0").header(ACCEPT, "*/*").body(Vec::new().into());
            client.send(request.expect("a request")).await.expect("an answer").into_body().collect().await.expect("all of it").to_bytes()
        };
        let one = ask("/api/v1/namespaces/default").await;
        assert!(one.starts_with(b"{\n  \"kind\": \"Namespace\",\n  \"apiVersion\": \"v1\",\n  \"metadata\": {\n"), "{one:?}");
        let watch = ask("/api/v1/namespaces?watch=1&timeoutSeconds=1").await;
        assert!(watch.starts_with(b"{\"type\":\"ADDED\",\"object\":{"), "{watch:?}");
        let document = ask("/openapi/v3").await;
        assert!(!document.starts_with(b"{\n"), "as a kube-apiserver has it");
    }
}
