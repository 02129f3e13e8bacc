//! Many objects of a resource, those beyond the first of which are held as text, and a long text compressed; and many clients at a time.

use bytes::Bytes;
use fiel_sandbox::{Config, Sandbox, Service};
use futures::StreamExt as _;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use tower::Service as _;

/// More than are held as values.
const MANY: usize = 300;
const CONFIGS: &str = "/api/v1/namespaces/default/configmaps";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

fn config() -> Config {
    Config { clock: std::sync::Arc::new(|| jiff::Timestamp::UNIX_EPOCH), seed: 7, ..Config::default() }
}

async fn ask(service: &Service, method: Method, path: &str, (kind, accept): (&str, &str), body: &Value) -> (StatusCode, String) {
    let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
    let request = Request::builder().method(method).uri(path).header("content-type", kind).header("accept", accept);
    let request = request.header("user-agent", "many").body(Full::new(body)).expect("a request");
    let (head, body) = service.clone().call(request).await.expect("an answer").into_parts();
    let text = body.collect().await.expect("a body").to_bytes();
    (head.status, String::from_utf8(text.to_vec()).expect("a text"))
}

async fn send(service: &Service, method: Method, path: &str, kind: &str, body: &Value) -> Value {
    let (status, text) = ask(service, method, path, (kind, JSON), body).await;
    assert!(status.is_success(), "{path}: {text}");
    serde_json::from_str(&text).expect("JSON")
}

async fn get(service: &Service, path: &str) -> Value {
    send(service, Method::GET, path, JSON, &Value::Null).await
}

/// So long that it is held compressed; [`deployment`] is not.
fn settings(name: &str) -> Value {
    let text = "\u{e9} \"quoted\"\n".repeat(400);
    json!({"metadata": {"name": name, "labels": {"of": "many"}}, "data": {"name": name, "text": text}})
}

fn deployment(name: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"of": "many"}}, "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "main", "image": "app:1"}]}}}})
}

/// A cluster that holds so many ConfigMaps and Deployments.
async fn filled(count: usize) -> Service {
    let service = Sandbox::new(config()).service(None);
    for index in 0..count {
        send(&service, Method::POST, CONFIGS, JSON, &settings(&format!("m-{index:03}"))).await;
        send(&service, Method::POST, DEPLOYMENTS, JSON, &deployment(&format!("m-{index:03}"))).await;
    }
    service
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().into_iter().flatten().filter_map(|item| item["metadata"]["name"].as_str()).collect()
}

/// What is asked of one object in a cluster, and answered, but for what a cluster counts.
async fn session(service: &Service) -> Vec<String> {
    // Refusals quote the object, with its quotes escaped.
    let counted = regex::Regex::new(r#"(uid|resourceVersion)(\\*":\\*")[^"\\]*"#).expect("an expression");
    let (one, web) = (format!("{CONFIGS}/one"), format!("{DEPLOYMENTS}/web"));
    let selected = |path: &str| format!("{path}?labelSelector=of%3Done");
    let mine = |path: &str, manager: &str| format!("{path}?fieldManager={manager}");
    let mut labelled = deployment("web");
    labelled["metadata"]["labels"]["of"] = json!("one");
    let applied = |data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": data});
    let unready =
        json!({"status": {"replicas": 1, "conditions": [{"type": "Available", "status": "False", "reason": "X", "message": ""}]}});
    let image =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "app:2"}, {"name": "side", "image": "s"}]}}}});
    let table = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let metadata = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
    let none = Value::Null;
    let steps = [
        (Method::POST, CONFIGS.to_owned(), (JSON, JSON), settings("one")),
        (Method::POST, CONFIGS.to_owned(), (JSON, JSON), settings("one")),
        (Method::GET, one.clone(), (JSON, JSON), none.clone()),
        (Method::PUT, one.clone(), (JSON, JSON), settings("one")),
        (Method::PUT, one.clone(), (JSON, JSON), json!({"metadata": {"name": "one", "labels": {"of": "one"}}, "data": {"a": "1"}})),
        (Method::PATCH, one.clone(), (MERGE, JSON), json!({"data": {"b": "2"}})),
        (Method::PATCH, one.clone(), (MERGE, JSON), json!({"data": {"b": 2}})),
        (Method::PATCH, mine(&one, "ada"), (APPLY, JSON), applied(json!({"b": "2", "c": "3"}))),
        (Method::PATCH, mine(&one, "bob"), (APPLY, JSON), applied(json!({"c": "4"}))),
        (Method::PATCH, mine(&one, "bob") + "&force=true", (APPLY, JSON), applied(json!({"c": "4"}))),
        (Method::PATCH, mine(&one, "ada"), (APPLY, JSON), applied(json!({"b": "2"}))),
        (Method::PATCH, one.clone() + "?dryRun=All", (MERGE, JSON), json!({"data": {"d": "5"}})),
        (Method::GET, one.clone(), (JSON, JSON), none.clone()),
        (Method::GET, one.clone(), (JSON, table), none.clone()),
        (Method::GET, one.clone(), (JSON, metadata), none.clone()),
        (Method::GET, selected(CONFIGS), (JSON, JSON), none.clone()),
        (Method::GET, format!("{CONFIGS}?fieldSelector=metadata.name%3Done"), (JSON, JSON), none.clone()),
        (Method::POST, DEPLOYMENTS.to_owned(), (JSON, JSON), labelled.clone()),
        (Method::PATCH, web.clone(), (STRATEGIC, JSON), image),
        (Method::PATCH, format!("{web}/status"), (MERGE, JSON), unready),
        (Method::PATCH, web.clone(), (MERGE, JSON), json!({"spec": {"replicas": -1}})),
        (Method::GET, format!("{web}/scale"), (JSON, JSON), none.clone()),
        (Method::PATCH, format!("{web}/scale"), (MERGE, JSON), json!({"spec": {"replicas": 3}})),
        (Method::GET, selected(DEPLOYMENTS), (JSON, table), none.clone()),
        (Method::PUT, web.clone(), (JSON, JSON), labelled),
        (Method::PATCH, web.clone(), (MERGE, JSON), json!({"metadata": {"finalizers": ["example.com/hold"]}})),
        (Method::DELETE, web.clone(), (JSON, JSON), none.clone()),
        (Method::GET, web.clone(), (JSON, JSON), none.clone()),
        (Method::PATCH, web.clone(), (MERGE, JSON), json!({"metadata": {"finalizers": null}})),
        (Method::GET, web, (JSON, JSON), none.clone()),
        (Method::DELETE, selected(CONFIGS), (JSON, JSON), none.clone()),
        (Method::GET, one, (JSON, JSON), none),
    ];
    let mut out = Vec::new();
    for (method, path, kinds, body) in steps {
        let (status, text) = ask(service, method.clone(), &path, kinds, &body).await;
        out.push(format!("{method} {path} {kinds:?} {body}\n{status} {}", counted.replace_all(&text, "$1$2")));
    }
    out
}

#[tokio::test]
async fn what_is_held_as_text_is_answered_as_what_is_held_as_a_value() {
    let (few, many) = (session(&filled(0).await).await, session(&filled(MANY).await).await);
    let statuses: Vec<&str> = few.iter().filter_map(|one| one.split('\n').nth(1)?.split(' ').next()).collect();
    for status in ["200", "201", "404", "409", "422"] {
        assert!(statuses.contains(&status), "the session has no {status}");
    }
    for (few, many) in few.iter().zip(&many) {
        assert_eq!(few, many);
    }
}

#[tokio::test]
async fn pages_show_each_object_once_and_as_it_was_at_first() {
    let service = filled(MANY).await;
    let all = get(&service, CONFIGS).await;
    assert_eq!(names(&all).len(), MANY);
    let first = get(&service, &format!("{CONFIGS}?limit=120")).await;
    assert_eq!(first["metadata"]["remainingItemCount"], json!(MANY - 120));
    // What happens now is not seen by those who have begun to read.
    send(&service, Method::PATCH, &format!("{CONFIGS}/m-290"), MERGE, &json!({"data": {"name": "changed"}})).await;
    send(&service, Method::DELETE, &format!("{CONFIGS}/m-291"), JSON, &Value::Null).await;
    send(&service, Method::POST, CONFIGS, JSON, &settings("m-2915")).await;
    let (mut seen, mut page) = (first["items"].as_array().expect("items").clone(), first);
    while let Some(next) = page["metadata"]["continue"].as_str() {
        page = get(&service, &format!("{CONFIGS}?limit=120&continue={next}")).await;
        seen.extend(page["items"].as_array().expect("items").clone());
    }
    assert_eq!(json!(seen), all["items"]);
    let now = get(&service, CONFIGS).await;
    assert_eq!(names(&now).len(), MANY);
    assert!(names(&now).contains(&"m-2915") && !names(&now).contains(&"m-291"));
}

/// The types and names of so many events of a watch.
async fn events(service: &Service, path: &str, count: usize) -> Vec<(String, String, Value)> {
    let request = Request::builder().uri(path).body(Full::new(Bytes::new())).expect("a request");
    let body = service.clone().call(request).await.expect("an answer").into_body();
    let lines = body.into_data_stream().take(count).map(|line| {
        let event: Value = serde_json::from_slice(&line.expect("a line")).expect("JSON");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&event["type"]), text(&event["object"]["metadata"]["name"]), event["object"].clone())
    });
    lines.collect().await
}

#[tokio::test]
async fn watches_tell_of_what_is_held_as_text() {
    let service = filled(MANY).await;
    let revision = get(&service, CONFIGS).await["metadata"]["resourceVersion"].as_str().expect("a version").to_owned();
    let last = format!("{CONFIGS}/m-299");
    send(&service, Method::PATCH, &last, MERGE, &json!({"metadata": {"labels": {"of": "few"}}})).await;
    let changed = send(&service, Method::PATCH, &last, MERGE, &json!({"data": {"name": "x"}})).await;
    send(&service, Method::PATCH, &last, MERGE, &json!({"metadata": {"labels": {"of": "many"}}})).await;
    send(&service, Method::DELETE, &last, JSON, &Value::Null).await;
    let all = events(&service, &format!("{CONFIGS}?watch=true&resourceVersion={revision}"), 4).await;
    assert_eq!(all.iter().map(|(kind, ..)| kind.as_str()).collect::<Vec<_>>(), ["MODIFIED", "MODIFIED", "MODIFIED", "DELETED"]);
    assert_eq!(all[1].2, changed);
    let few = events(&service, &format!("{CONFIGS}?watch=true&resourceVersion={revision}&labelSelector=of%3Dfew"), 3).await;
    assert_eq!(few.iter().map(|(kind, ..)| kind.as_str()).collect::<Vec<_>>(), ["ADDED", "MODIFIED", "DELETED"]);
    assert!(few.iter().all(|(_, name, _)| name == "m-299"));
    let initial = events(&service, &format!("{CONFIGS}?watch=true"), MANY - 1).await;
    assert!(initial.iter().all(|(kind, ..)| kind == "ADDED"));
}

#[tokio::test]
async fn what_is_held_as_text_is_kept_on_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let before = {
        let service = Sandbox::open(config(), folder.path()).expect("opened").service(None);
        for index in 0..MANY {
            send(&service, Method::POST, CONFIGS, JSON, &settings(&format!("m-{index:03}"))).await;
        }
        send(&service, Method::PATCH, &format!("{CONFIGS}/m-299"), MERGE, &json!({"data": {"name": "changed"}})).await;
        send(&service, Method::DELETE, &format!("{CONFIGS}/m-280"), JSON, &Value::Null).await;
        get(&service, CONFIGS).await
    };
    let service = Sandbox::open(config(), folder.path()).expect("opened").service(None);
    let after = get(&service, CONFIGS).await;
    assert_eq!(after["items"], before["items"]);
    assert_eq!(names(&after).len(), MANY - 1);
    let one = get(&service, &format!("{CONFIGS}/m-299")).await;
    assert_eq!(one["data"]["name"], "changed");
}

#[tokio::test]
async fn addresses_and_ports_are_given_once_among_many_services() {
    const SERVICES: &str = "/api/v1/namespaces/default/services";
    let service = Sandbox::new(config()).service(None);
    let mut seen = std::collections::BTreeSet::new();
    for index in 0..MANY {
        let spec = json!({"type": "NodePort", "ports": [{"port": 80}]});
        let made = send(&service, Method::POST, SERVICES, JSON, &json!({"metadata": {"name": format!("s-{index}")}, "spec": spec})).await;
        assert!(seen.insert((made["spec"]["clusterIP"].to_string(), made["spec"]["ports"][0]["nodePort"].to_string())));
    }
    let old = get(&service, &format!("{SERVICES}/s-280")).await;
    send(&service, Method::DELETE, &format!("{SERVICES}/s-280"), JSON, &Value::Null).await;
    let taken = json!({"metadata": {"name": "again"}, "spec": {"clusterIP": "10.96.0.10", "ports": [{"port": 80}]}});
    let (status, text) = ask(&service, Method::POST, SERVICES, (JSON, JSON), &taken).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && text.contains("provided IP is already allocated"), "{text}");
    let free = json!({"metadata": {"name": "again"}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}});
    let made = send(&service, Method::POST, SERVICES, JSON, &free).await;
    assert_eq!(made["spec"]["clusterIP"], old["spec"]["clusterIP"], "what comes free is given again");
    assert_eq!(made["spec"]["ports"][0]["nodePort"], old["spec"]["ports"][0]["nodePort"]);
}

#[tokio::test]
async fn a_claim_is_held_by_its_pods_among_many() {
    let service = Sandbox::new(config()).service(None);
    let claim =
        json!({"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    let (pods, claims) = ("/api/v1/namespaces/default/pods", "/api/v1/namespaces/default/persistentvolumeclaims");
    send(&service, Method::POST, claims, JSON, &claim).await;
    for index in 0..MANY {
        let used = if index == MANY - 1 { "data" } else { "other" };
        let spec = json!({"containers": [{"name": "c", "image": "i"}],
            "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": used}}]});
        send(&service, Method::POST, pods, JSON, &json!({"metadata": {"name": format!("p-{index}")}, "spec": spec})).await;
    }
    send(&service, Method::DELETE, &format!("{claims}/data"), JSON, &Value::Null).await;
    assert!(get(&service, &format!("{claims}/data")).await["metadata"]["deletionTimestamp"].is_string(), "a Pod uses it");
    send(&service, Method::DELETE, &format!("{pods}/p-{}", MANY - 1), JSON, &Value::Null).await;
    let (status, _) = ask(&service, Method::GET, &format!("{claims}/data"), (JSON, JSON), &Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

/// How many clients write at a time, and how often each.
const CLIENTS: usize = 8;
const TIMES: usize = 50;

/// Runs clients of one cluster on threads.
async fn together<F: Future<Output = ()> + Send + 'static>(service: &Service, client: impl Fn(Service, usize) -> F) {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..CLIENTS {
        tasks.spawn(client(service.clone(), number));
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("a client ends");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_write_is_lost_among_threads() {
    let service = Sandbox::new(config()).service(None);
    send(&service, Method::POST, CONFIGS, JSON, &json!({"metadata": {"name": "one"}, "data": {"count": "0"}})).await;
    let path = format!("{CONFIGS}/one");
    together(&service, |service, number| {
        let path = path.clone();
        async move {
            for time in 1..=TIMES {
                // A patch without a version is made on what there is.
                let key = format!("key-{number}");
                send(&service, Method::PATCH, &path, MERGE, &json!({"data": {key: time.to_string()}})).await;
                let applied = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {format!("applied-{number}"): time.to_string()}});
                send(&service, Method::PATCH, &format!("{path}?fieldManager=m-{number}"), APPLY, &applied).await;
                // With a version it is refused when another was faster, and made again.
                loop {
                    let mut object = get(&service, &path).await;
                    let count: usize = object["data"]["count"].as_str().and_then(|text| text.parse().ok()).expect("a number");
                    object["data"]["count"] = json!((count + 1).to_string());
                    match ask(&service, Method::PUT, &path, (JSON, JSON), &object).await {
                        (StatusCode::OK, _) => break,
                        (status, text) => assert_eq!(status, StatusCode::CONFLICT, "{text}"),
                    }
                }
            }
        }
    })
    .await;
    let end = get(&service, &path).await;
    assert_eq!(end["data"]["count"], (CLIENTS * TIMES).to_string());
    for number in 0..CLIENTS {
        assert_eq!(end["data"][format!("key-{number}")], TIMES.to_string());
        assert_eq!(end["data"][format!("applied-{number}")], TIMES.to_string());
    }
    let writes = 1 + 3 * CLIENTS * TIMES;
    let events = events(&service, &format!("{CONFIGS}?watch=true&resourceVersion=1"), 1).await;
    assert!(events[0].0 == "ADDED" || events[0].0 == "ERROR", "{events:?}");
    let version: usize = end["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok()).expect("a number");
    assert!(version >= writes, "every write has its number: {version}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn names_and_addresses_are_given_once_among_threads() {
    let service = Sandbox::new(config()).service(None);
    together(&service, |service, number| async move {
        for time in 0..TIMES {
            let object = json!({"metadata": {"name": format!("s-{number}-{time}")}, "spec": {"ports": [{"port": 80}]}});
            send(&service, Method::POST, "/api/v1/namespaces/default/services", JSON, &object).await;
            // One of them makes it, all others are told that it is there.
            let (status, text) = ask(&service, Method::POST, CONFIGS, (JSON, JSON), &settings(&format!("c-{time}"))).await;
            assert!(status == StatusCode::CREATED || status == StatusCode::CONFLICT && text.contains("AlreadyExists"), "{text}");
        }
    })
    .await;
    let list = get(&service, "/api/v1/namespaces/default/services").await;
    let mut addresses: Vec<String> =
        list["items"].as_array().expect("items").iter().map(|one| one["spec"]["clusterIP"].to_string()).collect();
    addresses.sort();
    addresses.dedup();
    assert_eq!(addresses.len(), 1 + CLIENTS * TIMES, "the API's own, and one each");
    assert_eq!(names(&get(&service, CONFIGS).await).len(), TIMES);
}
