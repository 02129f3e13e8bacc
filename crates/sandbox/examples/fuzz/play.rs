//! Carries a session out on a server.

use http_body_util::BodyExt as _;
use serde_json::{Map, Value};

use crate::Error;
use crate::kinds::NAMES;
use crate::session::{Body, Session};

/// Where a session is played: its namespace, and the API group of its own kinds.
pub(crate) struct Place {
    namespace: String,
    group: String,
}

impl Place {
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(crate) fn new(number: u64) -> Self {
        // Of one length each, so that limits of length are met alike.
        Self { namespace: format!("fuzz-{number:06}"), group: format!("f{number:06}.example.com") }
    }

    fn fill(&self, text: &str) -> String {
        text.replace("NAMESPACE", &self.namespace).replace("GROUP", &self.group)
    }

    fn blank(&self, text: &str) -> String {
        text.replace(&self.namespace, "NAMESPACE").replace(&self.group, "GROUP")
    }
}

/// What a server said.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) warnings: Vec<String>,
    pub(crate) body: Value,
    /// Path and body of the request, as they were sent.
    pub(crate) sent: (String, String),
}

/// The last place that was used on a server: what earlier runs left there is in nobody's way.
pub(crate) async fn used(client: &kube::Client) -> Result<u64, Error> {
    let namespaces = send(client, "GET", "/api/v1/namespaces", None, None, String::new()).await?.body;
    let names = namespaces["items"].as_array().into_iter().flatten().filter_map(|one| one["metadata"]["name"].as_str());
    Ok(names.filter_map(|name| name.strip_prefix("fuzz-")?.parse().ok()).max().unwrap_or(0))
}

/// All answers to a session, in order.
pub(crate) async fn play(client: &kube::Client, session: &Session, place: &Place) -> Result<Vec<Answer>, Error> {
    let namespace = serde_json::json!({"metadata": {"name": place.namespace}});
    send(client, "POST", "/api/v1/namespaces", None, None, namespace.to_string()).await?;
    let mut answers: Vec<Answer> = Vec::new();
    for request in &session.requests {
        let text = |text: &str| place.fill(&refer(text, &answers));
        let body = match &request.body {
            Body::None => String::new(),
            Body::Raw(raw) => text(raw),
            Body::Json(value) => text(&doubled(&value.to_string())),
            Body::Edited { of, edits } => {
                let mut value = last(of, &answers).cloned().unwrap_or(Value::Object(Map::new()));
                edits.iter().for_each(|edit| edit.apply(&mut value));
                text(&doubled(&value.to_string()))
            }
        };
        let (path, sent) = (text(&request.path), body.clone());
        let mut answer = send(client, &request.method, &path, request.content_type.as_deref(), request.accept.as_deref(), body).await?;
        if answer.status == 201 && request.path.contains("/customresourcedefinitions") && !request.path.contains("dryRun") {
            served(client, &answer.body).await?;
        }
        answer.body = serde_json::from_str(&place.blank(&answer.body.to_string()))?;
        answer.sent = (path, sent);
        answer.warnings = answer.warnings.iter().map(|one| place.blank(one)).collect();
        answers.push(answer);
    }
    Ok(answers)
}

/// Takes away what would become scarce on a server that sees thousands of sessions: ports, addresses and definitions.
pub(crate) async fn clean(client: &kube::Client, session: &Session, place: &Place) -> Result<(), Error> {
    let any = |part: &str| session.requests.iter().any(|request| request.path.contains(part));
    let delete = |path: String| async move { send(client, "DELETE", &path, None, None, String::new()).await };
    if any("/services") {
        delete(format!("/api/v1/namespaces/{}/services", place.namespace)).await?;
    }
    if any("/customresourcedefinitions") {
        delete(format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.{}", place.group)).await?;
    }
    Ok(())
}

/// Waits until a definition's objects are served: a kube-apiserver does so a moment after it has answered.
async fn served(client: &kube::Client, definition: &Value) -> Result<(), Error> {
    let spec = &definition["spec"];
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for version in spec["versions"].as_array().into_iter().flatten().filter(|version| version["served"] == true) {
        let path = format!("/apis/{}/{}/{}", word(&spec["group"]), word(&version["name"]), word(&spec["names"]["plural"]));
        for _ in 0..100 {
            if send(client, "GET", &path, None, None, String::new()).await?.status == 200 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
    Ok(())
}

async fn send(
    client: &kube::Client,
    method: &str,
    path: &str,
    content_type: Option<&str>,
    accept: Option<&str>,
    body: String,
) -> Result<Answer, Error> {
    let mut request = http::Request::builder().method(method).uri(path).header("content-type", content_type.unwrap_or("application/json"));
    if let Some(accept) = accept {
        request = request.header("accept", accept);
    }
    let response = match client.send(request.body(body.into_bytes().into())?).await {
        Ok(response) => response,
        // A kube-apiserver that panics over a request (it does) says nothing to that one.
        Err(_) if client.apiserver_version().await.is_ok() => {
            return Ok(Answer {
                status: 0,
                content_type: String::new(),
                warnings: Vec::new(),
                body: Value::Null,
                sent: Default::default(),
            });
        }
        Err(error) => return Err(error.into()),
    };
    let header = |name: &str| response.headers().get_all(name).iter().filter_map(|one| one.to_str().ok()).map(str::to_owned).collect();
    let (content_types, warnings): (Vec<String>, Vec<String>) = (header("content-type"), header("warning"));
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await?.to_bytes();
    let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned().into());
    Ok(Answer { status, content_type: content_types.join(", "), warnings, body, sent: Default::default() })
}

/// A name that begins with this stands for the rest of it: the second time in its object.
pub(crate) const TWICE: &str = "@twice@";

fn doubled(text: &str) -> String {
    text.replace(TWICE, "")
}

/// The object of a name as it was last answered, whole.
fn last<'a>(name: &str, answers: &'a [Answer]) -> Option<&'a Value> {
    const NO_OBJECTS: [&str; 4] = ["Status", "Table", "PartialObjectMetadata", "Scale"];
    let whole = |answer: &&Answer| answer.status < 300 && !NO_OBJECTS.iter().any(|kind| answer.body["kind"] == *kind);
    answers.iter().rev().filter(whole).map(|answer| &answer.body).find(|body| body["metadata"]["name"] == name)
}

/// Puts in what earlier answers said: `<version one>`, `<uid one>`, `<continue>`.
fn refer(text: &str, answers: &[Answer]) -> String {
    let mut text = text.to_owned();
    let mut put = |mark: String, value: Option<&Value>| {
        if text.contains(&mark) {
            text = text.replace(&mark, value.and_then(Value::as_str).unwrap_or_default());
        }
    };
    for name in NAMES {
        let metadata = last(name, answers).map(|object| &object["metadata"]);
        put(format!("<version {name}>"), metadata.map(|metadata| &metadata["resourceVersion"]));
        put(format!("<uid {name}>"), metadata.map(|metadata| &metadata["uid"]));
    }
    put("<continue>".to_owned(), answers.last().map(|answer| &answer.body["metadata"]["continue"]));
    text
}
