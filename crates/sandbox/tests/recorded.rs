//! Exchanges with a real kube-apiserver, played again to the sandbox: the same objects, the same refusals.
//!
//! `recorded/*.yaml` hold requests of our own and what kube-apiserver 1.36 answered. `FIEL_RECORD=1 KUBECONFIG=… cargo test -p fiel-sandbox --test
//! recorded` asks the server of that cluster (a fresh one) and writes its answers down again; with the beginning of a file's name instead of `1`
//! only those. An exchange that the sandbox answers otherwise says
//! why in `differs`; the test fails when that is no longer so.

use std::path::{Path, PathBuf};

use fiel_sandbox::{Config, Sandbox};
use http_body_util::BodyExt as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Serialize, Deserialize)]
struct Exchange {
    /// What is asked here, in words.
    title: String,
    /// Method and path.
    request: String,
    /// Of a patch; JSON otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    /// The form that is asked for; JSON as it is otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accept: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
    /// The body as it is sent, where its very letters count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    raw: Option<String>,
    /// Why the sandbox answers otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    differs: Option<String>,
    #[serde(default)]
    status: u16,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    answer: Value,
}

async fn ask(client: &kube::Client, exchange: &Exchange) -> (u16, Vec<String>, Value) {
    let (method, path) = exchange.request.split_once(' ').expect("METHOD PATH");
    let body = match (&exchange.raw, &exchange.body) {
        (Some(raw), _) => raw.clone().into_bytes(),
        (None, Some(body)) => serde_json::to_vec(body).expect("as the recordings are made"),
        (None, None) => Vec::new(),
    };
    let content_type = exchange.content_type.as_deref().unwrap_or("application/json");
    let mut request = http::Request::builder().method(method).uri(path).header("content-type", content_type);
    if let Some(accept) = &exchange.accept {
        request = request.header("accept", accept);
    }
    let response = client.send(request.body(body.into()).expect("as the recordings are made")).await.expect("an answer");
    let status = response.status().as_u16();
    let warnings = response.headers().get_all("warning").iter().filter_map(|one| one.to_str().ok()).map(str::to_owned).collect();
    let yaml = response.headers().get("content-type").is_some_and(|of| of == "application/yaml");
    let bytes = response.into_body().collect().await.expect("a whole answer").to_bytes();
    let read = if yaml { serde_yaml::from_slice(&bytes).ok() } else { serde_json::from_slice(&bytes).ok() };
    let mut answer: Value = read.unwrap_or_else(|| String::from_utf8_lossy(&bytes).into_owned().into());
    let uid = answer["metadata"]["uid"].as_str().unwrap_or("no uid").to_owned();
    settle(&mut answer, &uid);
    (status, warnings, answer)
}

/// Takes out what a server draws by lot, counts or reads from its clock.
fn settle(value: &mut Value, uid: &str) {
    match value {
        Value::Object(fields) => {
            for name in ["uid", "resourceVersion", "creationTimestamp", "managedFields"] {
                fields.remove(name);
            }
            for (name, value) in fields.iter_mut() {
                let allotted =
                    matches!(name.as_str(), "clusterIP" | "nodePort" | "healthCheckNodePort") && *value != "None" && *value != "";
                if allotted || (name.ends_with("Time") || name == "deletionTimestamp") && value.is_string() {
                    *value = format!("<{name}>").into();
                } else if name == "clusterIPs" && value[0] != "None" {
                    *value = "<clusterIPs>".into();
                }
                settle(value, uid);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| settle(item, uid)),
        Value::String(text) if text == uid => *text = "<uid>".to_owned(),
        _ => {}
    }
}

/// The same for what stands in the midst of an error's words.
fn settle_words(value: &mut Value) {
    static LOTS: std::sync::LazyLock<[(regex::Regex, &str); 4]> = std::sync::LazyLock::new(|| {
        [
            ("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uid>"),
            (r#"resourceVersion\\*":\\*"\d+"#, "<resourceVersion>"),
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<time>"),
            ("Bad_[a-z0-9]{5}", "<name>"),
        ]
        .map(|(pattern, name)| (regex::Regex::new(pattern).expect("a pattern"), name))
    });
    match value {
        Value::Object(fields) => fields.values_mut().for_each(settle_words),
        Value::Array(items) => items.iter_mut().for_each(settle_words),
        Value::String(text) => {
            for (lot, name) in LOTS.iter() {
                *text = lot.replace_all(text, *name).into_owned();
            }
        }
        _ => {}
    }
}

/// Where two values differ, a line each.
fn differences(at: &str, got: &Value, want: &Value, out: &mut Vec<String>) {
    match (got, want) {
        (Value::Object(one), Value::Object(other)) => {
            let names: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for name in names {
                match (one.get(name), other.get(name)) {
                    (Some(one), Some(other)) => differences(&format!("{at}.{name}"), one, other, out),
                    (Some(one), None) => out.push(format!("{at}.{name}: {one} is too much")),
                    (None, other) => out.push(format!("{at}.{name}: {} is missing", other.unwrap_or(&Value::Null))),
                }
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                differences(&format!("{at}[{index}]"), one, other, out);
            }
        }
        _ if got != want => out.push(format!("{at}:\n      got  {got}\n      want {want}")),
        _ => {}
    }
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("as the recordings are made")
        .map(|entry| entry.expect("as the recordings are made").path())
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn the_sandbox_answers_as_a_real_server_did() {
    let wish = std::env::var("FIEL_RECORD").ok();
    let (mut played, mut wrong) = (0, Vec::new());
    for file in files() {
        let name = file.file_stem().expect("as the recordings are made").to_string_lossy().into_owned();
        let record = wish.as_ref().is_some_and(|wish| wish == "1" || name.starts_with(wish.as_str()));
        if wish.is_some() && !record {
            continue;
        }
        let mut exchanges: Vec<Exchange> =
            serde_yaml::from_str(&std::fs::read_to_string(&file).expect("as the recordings are made")).expect("as the recordings are made");
        let client = if record {
            drop(rustls::crypto::ring::default_provider().install_default());
            kube::Client::try_default().await.expect("the cluster of KUBECONFIG")
        } else {
            Sandbox::new(Config::default()).client()
        };
        for exchange in &mut exchanges {
            let title = exchange.title.clone();
            let (status, warnings, answer) = ask(&client, exchange).await;
            if record {
                // What follows from a write of a definition is done by controllers; nobody says when all of them are done.
                if exchange.request.contains("customresourcedefinitions") && !exchange.request.starts_with("GET") && status < 300 {
                    tokio::time::sleep(std::time::Duration::from_secs(8)).await;
                }
                (exchange.status, exchange.warnings, exchange.answer) = (status, warnings, answer);
                continue;
            }
            let mut lines = Vec::new();
            if (status, &warnings) != (exchange.status, &exchange.warnings) {
                lines.push(format!("status {status} {warnings:?}, not {} {:?}", exchange.status, exchange.warnings));
            }
            let (mut ours, mut real) = (answer, exchange.answer.clone());
            if status >= 400 {
                settle_words(&mut ours);
                settle_words(&mut real);
            }
            differences("", &ours, &real, &mut lines);
            played += 1;
            match &exchange.differs {
                None if !lines.is_empty() => wrong.push(format!("{name}: {title}\n    {}", lines.join("\n    "))),
                Some(_) if lines.is_empty() => wrong.push(format!("{name}: {title}: it no longer differs: take `differs` out")),
                _ => {}
            }
        }
        if record {
            std::fs::write(&file, serde_yaml::to_string(&exchanges).expect("as the recordings are made"))
                .expect("as the recordings are made");
        }
    }
    assert!(wish.is_some() || played > 50, "only {played} exchanges were played");
    assert!(wrong.is_empty(), "{} of {played} exchanges differ:\n{}", wrong.len(), wrong.join("\n"));
}
