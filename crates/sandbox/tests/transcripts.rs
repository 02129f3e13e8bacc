//! Requests and what a real kube-apiserver answered to them, asked again of the sandbox: every file of `tests/transcripts`.
//!
//! Each exchange is a request and the recorded answer, in which uids, versions and times are replaced. `{{uid}}`, `{{version}}` and `{{continue}}` in
//! a request are those of the last answer that had them. `# except POINTER: REASON` takes a part out of the comparison.
//! `cargo xtask conformance transcripts` records anew, from a real server (`FIEL_RECORD_KUBECONFIG`), whatever stands there.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use http_body_util::BodyExt as _;
use serde_json::{Value, json};

/// One request, and the answer on record.
#[derive(Debug, Default)]
struct Exchange {
    title: String,
    /// `# except` lines: where, and why.
    exceptions: Vec<(String, String)>,
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: String,
    answer: String,
}

/// What the requests to come may refer to.
#[derive(Default)]
struct Seen {
    uid: String,
    version: String,
    more: String,
}

#[test]
fn the_sandbox_answers_as_the_real_server_did() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert!(!files.is_empty());
    let (mut differences, mut count) = (String::new(), 0);
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a transcript");
        let mut exchanges = read(&text);
        assert!(!exchanges.is_empty(), "{}", file.display());
        let record = std::env::var_os("FIEL_RECORD_KUBECONFIG").map(PathBuf::from);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(record.is_none()).build().expect("a runtime");
        let answers = runtime.block_on(play(&exchanges, record.as_deref()));
        count += exchanges.len();
        if record.is_some() {
            for (exchange, answer) in exchanges.iter_mut().zip(answers) {
                exchange.answer = answer;
            }
            let text: String = exchanges.iter().map(show).collect();
            std::fs::write(&file, text).expect("written");
            continue;
        }
        for (exchange, answer) in exchanges.iter().zip(answers) {
            let (real, ours) = (excepted(&exchange.answer, exchange), excepted(&answer, exchange));
            if real != ours {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                writeln!(differences, "== {name}: {}\n{}", exchange.title, lines_that_differ(&real, &ours)).expect("a string");
            }
        }
    }
    assert!(differences.is_empty(), "- the real server, + the sandbox\n{differences}");
    println!("{count} exchanges");
}

/// Sends all requests, one after the other, to a new sandbox or to the cluster of a kubeconfig.
async fn play(exchanges: &[Exchange], kubeconfig: Option<&Path>) -> Vec<String> {
    let client = match kubeconfig {
        None => fiel_sandbox::Sandbox::new(fiel_sandbox::Config::default()).client(),
        Some(path) => {
            let config = kube::config::Kubeconfig::read_from(path).expect("a kubeconfig");
            let config = kube::Config::from_custom_kubeconfig(config, &Default::default()).await.expect("a configuration");
            kube::Client::try_from(config).expect("a client")
        }
    };
    let mut seen = Seen::default();
    let mut answers = Vec::new();
    for exchange in exchanges {
        let fill =
            |text: &str| text.replace("{{uid}}", &seen.uid).replace("{{version}}", &seen.version).replace("{{continue}}", &seen.more);
        let mut request = http::Request::builder().method(exchange.method.as_str()).uri(fill(&exchange.url));
        for (name, value) in &exchange.headers {
            request = request.header(name, value);
        }
        let request = request.body(kube::client::Body::from(fill(&exchange.body).into_bytes())).expect("a request");
        let response = client.send(request).await.expect("an answer");
        let status = response.status();
        let header = |name: &str| response.headers().get_all(name).iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>();
        let mut answer = format!("{} {}\n", status.as_u16(), header("content-type").join(", "));
        for warning in header("warning") {
            writeln!(answer, "Warning: {warning}").expect("a string");
        }
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        for line in String::from_utf8_lossy(&bytes).lines() {
            match serde_json::from_str::<Value>(line) {
                Ok(mut value) => {
                    remember(&value, &mut seen);
                    normalise(&mut value);
                    answer.push_str(&serde_json::to_string_pretty(&value).expect("JSON"));
                }
                Err(_) => answer.push_str(line),
            }
            answer.push('\n');
        }
        answers.push(answer);
    }
    answers
}

fn remember(value: &Value, seen: &mut Seen) {
    for (field, place) in [("uid", &mut seen.uid), ("resourceVersion", &mut seen.version), ("continue", &mut seen.more)] {
        if let Some(text) = value["metadata"][field].as_str() {
            text.clone_into(place);
        }
    }
}

/// Replaces what differs from run to run.
fn normalise(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), &value) {
                    ("uid", Value::String(text)) if text.len() == 36 => *value = json!("UID"),
                    ("resourceVersion", Value::String(text)) if !text.is_empty() => *value = json!("VERSION"),
                    ("continue", Value::String(text)) if !text.is_empty() => *value = json!("CONTINUE"),
                    ("time", _) => *value = json!("TIME"),
                    (_, Value::String(text)) if text.len() >= 20 && text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok() => {
                        *value = json!("TIME");
                    }
                    _ => normalise(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(normalise),
        Value::String(text) if text.len() <= 6 && text.ends_with('s') && text.trim_end_matches('s').parse::<u32>().is_ok() => {
            *value = json!("AGE");
        }
        _ => {}
    }
}

/// An answer without what is excepted from the comparison.
fn excepted(answer: &str, exchange: &Exchange) -> String {
    let Some((head, body)) = answer.split_once("\n{") else {
        return answer.to_owned();
    };
    let Ok(mut value) = serde_json::from_str::<Value>(&format!("{{{body}")) else {
        return answer.to_owned();
    };
    for (pointer, _) in &exchange.exceptions {
        if let Some(place) = value.pointer_mut(pointer) {
            *place = json!("EXCEPTED");
        } else if let Some((parent, field)) = pointer.rsplit_once('/')
            && let Some(Value::Object(fields)) = value.pointer_mut(parent)
        {
            fields.insert(field.to_owned(), json!("EXCEPTED"));
        }
    }
    format!("{head}\n{}\n", serde_json::to_string_pretty(&value).expect("JSON"))
}

fn read(text: &str) -> Vec<Exchange> {
    let mut out: Vec<Exchange> = Vec::new();
    let mut answering = false;
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("### ") {
            out.push(Exchange { title: title.to_owned(), ..Exchange::default() });
            answering = false;
            continue;
        }
        let Some(now) = out.last_mut() else { continue };
        if let Some(answer) = line.strip_prefix("< ") {
            writeln!(now.answer, "{answer}").expect("a string");
            answering = true;
        } else if answering || line.is_empty() {
        } else if let Some(exception) = line.strip_prefix("# except ") {
            let (pointer, why) = exception.split_once(": ").expect("an exception has a reason");
            now.exceptions.push((pointer.to_owned(), why.to_owned()));
        } else if now.method.is_empty() {
            let (method, url) = line.split_once(' ').expect("METHOD URL");
            (now.method, now.url) = (method.to_owned(), url.to_owned());
        } else if let Some((name, value)) = line.split_once(": ").filter(|(name, _)| now.body.is_empty() && !name.contains(['{', '"'])) {
            now.headers.push((name.to_owned(), value.to_owned()));
        } else {
            writeln!(now.body, "{line}").expect("a string");
        }
    }
    out
}

fn show(exchange: &Exchange) -> String {
    let mut out = format!("### {}\n", exchange.title);
    for (pointer, why) in &exchange.exceptions {
        writeln!(out, "# except {pointer}: {why}").expect("a string");
    }
    writeln!(out, "{} {}", exchange.method, exchange.url).expect("a string");
    for (name, value) in &exchange.headers {
        writeln!(out, "{name}: {value}").expect("a string");
    }
    out.push_str(&exchange.body);
    out.push('\n');
    for line in exchange.answer.lines() {
        writeln!(out, "< {line}").expect("a string");
    }
    out.push('\n');
    out
}

/// The lines that only one of them has.
fn lines_that_differ(real: &str, ours: &str) -> String {
    let only = |one: &str, other: &str, mark: &str| {
        one.lines().filter(|line| !other.lines().any(|other| other == *line)).map(|line| format!("{mark} {line}\n")).collect::<String>()
    };
    let out = only(real, ours, "-") + &only(ours, real, "+");
    if out.is_empty() { format!("the same lines in another order or number:\n{real}\n---\n{ours}") } else { out }
}
