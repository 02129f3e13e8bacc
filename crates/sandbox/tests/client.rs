//! What a kube client sees, in process.

use fiel_sandbox::{Config, Sandbox};
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Service};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::GroupVersionKind;
use kube::runtime::{WatchStreamExt as _, watcher};
use serde_json::{Value, json};

fn sandbox() -> Sandbox {
    Sandbox::new(Config { clock: std::sync::Arc::new(|| jiff::Timestamp::UNIX_EPOCH), seed: 7, ..Config::default() })
}

fn from<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).expect("it is of that kind")
}

fn code(error: kube::Error) -> (u16, String, String) {
    match error {
        kube::Error::Api(status) => (status.code, status.reason.clone(), status.message.clone()),
        other => panic!("no answer of the API: {other}"),
    }
}

#[tokio::test]
async fn objects_live_from_create_to_delete() {
    let sandbox = sandbox();
    let api: Api<ConfigMap> = Api::namespaced(sandbox.client(), "default");
    let settings = from(json!({"metadata": {"name": "settings"}, "data": {"colour": "blue"}}));
    let made = api.create(&PostParams::default(), &settings).await.expect("created");
    assert_eq!(made.metadata.creation_timestamp.as_ref().map(|time| time.0.as_second()), Some(0));
    let (status, reason, message) = code(api.create(&PostParams::default(), &settings).await.expect_err("it exists"));
    assert_eq!((status, reason.as_str(), message.as_str()), (409, "AlreadyExists", "configmaps \"settings\" already exists"));

    let same = api.patch("settings", &PatchParams::default(), &Patch::Merge(json!({"data": {"colour": "blue"}}))).await.expect("patched");
    assert_eq!(same.metadata.resource_version, made.metadata.resource_version, "a write that changes nothing is none");
    let patched = api.patch("settings", &PatchParams::default(), &Patch::Merge(json!({"data": {"colour": "red"}}))).await.expect("patched");
    assert_ne!(patched.metadata.resource_version, made.metadata.resource_version);

    let wrong = DeleteParams {
        preconditions: Some(Preconditions { uid: Some("another".into()), resource_version: None }),
        ..DeleteParams::default()
    };
    assert_eq!(code(api.delete("settings", &wrong).await.expect_err("the uid differs")).0, 409);
    api.delete("settings", &DeleteParams::default()).await.expect("deleted");
    let (status, _, message) = code(api.get("settings").await.expect_err("it is gone"));
    assert_eq!((status, message.as_str()), (404, "configmaps \"settings\" not found"));
}

#[tokio::test]
async fn a_patch_that_makes_no_object_is_refused() {
    let client = sandbox().client();
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let made = api.create(&PostParams::default(), &from(json!({"metadata": {"name": "settings"}}))).await.expect("created");
    let patch = br#"[{"op": "replace", "path": "", "value": []}]"#.to_vec();
    let request = http::Request::patch("/api/v1/namespaces/default/configmaps/settings");
    let request = request.header("content-type", "application/json-patch+json").body(patch).expect("a request");
    let (status, reason, message) = code(client.request_text(request).await.expect_err("a list is no ConfigMap"));
    assert_eq!((status, reason.as_str()), (422, "Invalid"));
    assert!(message.ends_with("json: cannot unmarshal array into Go value of type v1.ConfigMap"), "{message}");
    assert_eq!(api.get("settings").await.expect("it is there"), made);
}

#[tokio::test]
async fn nothing_is_made_in_a_namespace_that_is_not_there() {
    let api: Api<ConfigMap> = Api::namespaced(sandbox().client(), "nowhere");
    let (status, _, message) =
        code(api.create(&PostParams::default(), &from(json!({"metadata": {"name": "a"}}))).await.expect_err("no namespace"));
    assert_eq!((status, message.as_str()), (404, "namespaces \"nowhere\" not found"));
}

#[tokio::test]
async fn server_side_apply_owns_prunes_and_conflicts() {
    let api: Api<ConfigMap> = Api::namespaced(sandbox().client(), "default");
    let object = |data| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data});
    let mine = PatchParams::apply("me");
    api.patch("a", &mine, &Patch::Apply(object(json!({"one": "1", "two": "2"})))).await.expect("applied");
    let again = api.patch("a", &mine, &Patch::Apply(object(json!({"one": "1"})))).await.expect("applied");
    assert_eq!(again.data.expect("data"), [("one".to_owned(), "1".to_owned())].into());
    let theirs = PatchParams::apply("other");
    let (status, reason, message) =
        code(api.patch("a", &theirs, &Patch::Apply(object(json!({"one": "3"})))).await.expect_err("a conflict"));
    assert_eq!((status, reason.as_str()), (409, "Conflict"));
    assert_eq!(message, "Apply failed with 1 conflict: conflict with \"me\": .data.one");
    let forced = api.patch("a", &theirs.force(), &Patch::Apply(object(json!({"one": "3"})))).await.expect("forced");
    assert_eq!(forced.data.expect("data")["one"], "3");
    let unknown = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "nonsense": 1});
    assert!(
        code(api.patch("a", &mine, &Patch::Apply(unknown)).await.expect_err("an unknown field"))
            .2
            .contains(".nonsense: field not declared in schema")
    );
}

/// A manager who lost everything and takes it back by a write that changes nothing has no time, in an object that is open as in one that is packed.
#[tokio::test]
async fn when_somebody_wrote_is_forgotten_with_what_they_owned() {
    let sandbox = sandbox();
    let api: Api<ConfigMap> = Api::namespaced(sandbox.client(), "default");
    for packed in [false, true] {
        let name = if packed { "packed" } else { "open" };
        let apply = async |manager: &str, value: &str| {
            let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"x": value}});
            let made = api.patch(name, &PatchParams::apply(manager).force(), &Patch::Apply(&config)).await.expect("applied");
            let entries = made.metadata.managed_fields.into_iter().flatten();
            entries.map(|entry| (entry.manager.unwrap_or_default(), entry.time.is_some())).collect::<Vec<_>>()
        };
        assert_eq!(apply("a", "1").await, [("a".to_owned(), true)]);
        assert_eq!(apply("b", "2").await, [("b".to_owned(), true)]);
        assert_eq!(apply("a", "2").await, [("a".to_owned(), false), ("b".to_owned(), true)]);
        for index in 0..if packed { 0 } else { 256 } {
            api.create(&PostParams::default(), &from(json!({"metadata": {"name": format!("other-{index}")}}))).await.expect("created");
        }
    }
}

#[tokio::test]
async fn what_a_type_writes_anyhow_was_nobodys_before_the_first_apply() {
    let api: Api<PodDisruptionBudget> = Api::namespaced(sandbox().client(), "default");
    let nothing = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "a"}});
    for _ in 0..2 {
        let applied = api.patch("a", &PatchParams::apply("me"), &Patch::Apply(&nothing)).await.expect("applied");
        assert_eq!(applied.metadata.managed_fields, None);
    }
}

#[tokio::test]
async fn who_applies_what_nobody_owns_changes_nothing_and_wrote_all_the_same() {
    let api: Api<ConfigMap> = Api::namespaced(sandbox().client(), "default");
    api.create(&PostParams::default(), &from(json!({"metadata": {"name": "a"}, "data": {"x": "1"}}))).await.expect("created");
    let mut config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "1"}});
    for (manager, field, value, wrote) in [
        ("plain", "name", json!("a"), false),
        ("old", "creationTimestamp", json!(null), true),
        ("none", "generation", json!(null), true),
        ("other", "generation", json!(3), true),
    ] {
        config["metadata"][field] = value;
        let applied = api.patch("a", &PatchParams::apply(manager), &Patch::Apply(&config)).await.expect("applied");
        assert_eq!(applied.metadata.generation, None);
        let entry = applied.metadata.managed_fields.into_iter().flatten().find(|entry| entry.manager.as_deref() == Some(manager));
        assert_eq!(entry.expect("it owns a field").time.is_some(), wrote, "{manager}");
    }
}

#[tokio::test]
async fn a_dry_run_leaves_no_trace() {
    let api: Api<ConfigMap> = Api::namespaced(sandbox().client(), "default");
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}});
    api.patch("a", &PatchParams::apply("me").dry_run(), &Patch::Apply(object)).await.expect("it would be made");
    assert!(api.get_opt("a").await.expect("asked").is_none());
}

#[tokio::test]
async fn generations_count_changes_of_the_spec_only() {
    let api: Api<Deployment> = Api::namespaced(sandbox().client(), "default");
    let spec = json!({"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}});
    let made = api.create(&PostParams::default(), &from(json!({"metadata": {"name": "web"}, "spec": spec}))).await.expect("created");
    assert_eq!(made.metadata.generation, Some(1));
    let status = api
        .patch_status("web", &PatchParams::default(), &Patch::Merge(json!({"status": {"replicas": 1}, "spec": {"replicas": 9}})))
        .await
        .expect("patched");
    assert_eq!(
        (status.metadata.generation, status.spec.and_then(|spec| spec.replicas)),
        (Some(1), made.spec.and_then(|spec| spec.replicas))
    );
    let scaled = api.patch_scale("web", &PatchParams::default(), &Patch::Merge(json!({"spec": {"replicas": 3}}))).await.expect("scaled");
    assert_eq!(scaled.spec.and_then(|spec| spec.replicas), Some(3));
    let after = api.get("web").await.expect("there");
    assert_eq!((after.metadata.generation, after.status.and_then(|status| status.replicas)), (Some(2), Some(1)));
}

#[tokio::test]
async fn a_scale_of_nothing_is_managed_by_nobody() {
    let api: Api<Deployment> = Api::namespaced(sandbox().client(), "default");
    let spec = json!({"replicas": 2, "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}});
    api.create(&PostParams::default(), &from(json!({"metadata": {"name": "web"}, "spec": spec}))).await.expect("created");
    // What nobody manages any more is not managed again.
    for (replicas, managed) in [(3, true), (0, false), (4, false)] {
        api.patch_scale("web", &PatchParams::default(), &Patch::Merge(json!({"spec": {"replicas": replicas}}))).await.expect("scaled");
        let entries = api.get("web").await.expect("there").metadata.managed_fields.unwrap_or_default();
        assert_eq!(entries.iter().any(|entry| entry.subresource.as_deref() == Some("scale")), managed, "{replicas}");
    }
}

#[tokio::test]
async fn the_labels_that_a_template_lends_its_job_are_the_writers() {
    let api: Api<Job> = Api::namespaced(sandbox().client(), "default");
    let job = |labels: Value, lent: Value| {
        let pod = json!({"containers": [{"name": "main", "image": "nginx:1"}], "restartPolicy": "Never"});
        from::<Job>(
            json!({"metadata": {"name": "one", "labels": labels}, "spec": {"template": {"metadata": {"labels": lent}, "spec": pod}}}),
        )
    };
    let owned = |job: &Job| {
        let fields = job.metadata.managed_fields.as_ref().and_then(|managed| managed[0].fields_v1.clone());
        fields.expect("somebody owns them").0["f:metadata"]["f:labels"].clone()
    };
    let made = api.create(&PostParams::default(), &job(Value::Null, json!({"app": "a"}))).await.expect("created");
    assert_eq!(made.metadata.labels.as_ref().map(|labels| labels["job-name"].as_str()), Some("one"));
    assert_eq!(owned(&made), json!({".": {}, "f:app": {}}), "not of those that the server adds to both");
    api.delete("one", &DeleteParams::background()).await.expect("deleted");
    let mut made = api.create(&PostParams::default(), &job(json!({"tier": "front"}), Value::Null)).await.expect("created");
    assert_eq!(owned(&made), json!({".": {}, "f:tier": {}}));
    made.metadata.labels = None;
    let written = api.replace("one", &PostParams::default(), &made).await.expect("replaced");
    let all = json!({".": {}, "f:batch.kubernetes.io/controller-uid": {}, "f:batch.kubernetes.io/job-name": {}, "f:controller-uid": {}, "f:job-name": {}});
    assert_eq!(owned(&written), all);
}

#[tokio::test]
async fn watches_tell_what_happens() {
    let sandbox = sandbox();
    let api: Api<ConfigMap> = Api::namespaced(sandbox.client(), "default");
    let object = |name: &str, app: &str| from::<ConfigMap>(json!({"metadata": {"name": name, "labels": {"app": app}}}));
    api.create(&PostParams::default(), &object("one", "x")).await.expect("created");
    let stream = watcher(api.clone(), watcher::Config::default().labels("app=x")).touched_objects();
    futures::pin_mut!(stream);
    let next = stream.try_next().await.expect("no error").expect("an event");
    assert_eq!(next.metadata.name.as_deref(), Some("one"));
    api.create(&PostParams::default(), &object("two", "y")).await.expect("created");
    api.create(&PostParams::default(), &object("three", "x")).await.expect("created");
    let next = stream.next().await.expect("an event").expect("no error");
    assert_eq!(next.metadata.name.as_deref(), Some("three"), "the other one is not selected");
    let list = api.list(&ListParams::default().labels("app in (x,z)")).await.expect("listed");
    assert_eq!(list.items.len(), 2);
}

#[tokio::test]
async fn finalizers_hold_what_is_deleted() {
    let api: Api<ConfigMap> = Api::namespaced(sandbox().client(), "default");
    api.create(&PostParams::default(), &from(json!({"metadata": {"name": "a", "finalizers": ["example.com/wait"]}})))
        .await
        .expect("created");
    api.delete("a", &DeleteParams::default()).await.expect("deleting");
    assert!(api.get("a").await.expect("it is held").metadata.deletion_timestamp.is_some());
    api.patch("a", &PatchParams::default(), &Patch::Merge(json!({"metadata": {"finalizers": null}}))).await.expect("let go");
    assert!(api.get_opt("a").await.expect("asked").is_none());
}

#[tokio::test]
async fn services_get_and_keep_an_address() {
    let api: Api<Service> = Api::namespaced(sandbox().client(), "default");
    let spec = json!({"selector": {"a": "b"}, "ports": [{"port": 80}]});
    let made = api.create(&PostParams::default(), &from(json!({"metadata": {"name": "web"}, "spec": spec}))).await.expect("created");
    let address = made.spec.and_then(|spec| spec.cluster_ip).expect("an address");
    let object = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec});
    let applied = api.patch("web", &PatchParams::apply("me").force(), &Patch::Apply(object)).await.expect("applied");
    assert_eq!(applied.spec.and_then(|spec| spec.cluster_ip).as_deref(), Some(address.as_str()));
}

#[tokio::test]
async fn custom_kinds_are_served_at_once() {
    let sandbox = sandbox();
    let definitions: Api<k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition> =
        Api::all(sandbox.client());
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "required": ["size"], "properties": {"size": {"type": "integer"}, "colour": {"type": "string", "default": "blue"}}}}});
    let definition = json!({"metadata": {"name": "things.example.com"}, "spec": {
        "group": "example.com", "scope": "Namespaced", "names": {"plural": "things", "kind": "Thing"},
        "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
    }});
    definitions.create(&PostParams::default(), &from(definition)).await.expect("defined");
    let kind =
        kube::discovery::pinned_kind(&sandbox.client(), &GroupVersionKind::gvk("example.com", "v1", "Thing")).await.expect("discovered").0;
    let api: Api<DynamicObject> = Api::namespaced_with(sandbox.client(), "default", &kind);
    let thing =
        |spec| from::<DynamicObject>(json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}, "spec": spec}));
    let made = api.create(&PostParams::default(), &thing(json!({"size": 3, "unknown": true}))).await.expect("created");
    assert_eq!(made.data["spec"], json!({"size": 3, "colour": "blue"}));
    let (status, _, message) = code(api.create(&PostParams::default(), &thing(json!({"size": "big"}))).await.expect_err("a wrong type"));
    // That the name is taken is said only of an object that could be.
    assert_eq!(status, 422, "{message}");
    let namespaces: Api<Namespace> = Api::all(sandbox.client());
    assert_eq!(namespaces.list(&ListParams::default()).await.expect("listed").items.len(), 4);
}

#[tokio::test]
async fn a_client_certificate_says_who_asks_and_in_which_group() {
    use fiel_sandbox::tls::{Authority, kubeconfig_with_certificate};
    let authority = Authority::new(&[]).expect("an authority");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}", listener.local_addr().expect("an address"));
    let service = sandbox().service(Some(authority.token().to_owned()));
    let server =
        tokio::spawn(fiel_sandbox::serve(service, listener, Some(authority.server_tls().expect("it fits")), std::future::pending()));
    let kubeconfig = |by: &Authority, user: &str, group: &str| {
        kubeconfig_with_certificate(&url, &authority, &by.client(user, group).expect("a certificate"))
    };
    let reach = |text: String| async move {
        let parsed = kube::config::Kubeconfig::from_yaml(&text).expect("a kubeconfig");
        kube::Client::try_from(kube::Config::from_custom_kubeconfig(parsed, &Default::default()).await.expect("complete"))
            .expect("a client")
    };
    let client = |by: &Authority, user: &str, group: &str| reach(kubeconfig(by, user, group));
    let spaces = |client: &kube::Client| Api::<Namespace>::all(client.clone());
    let admin = client(&authority, "admin", "system:masters").await;
    assert!(spaces(&admin).get("default").await.is_ok());

    let jane = client(&authority, "jane", "developers").await;
    let (status, _, message) = code(spaces(&jane).get("default").await.expect_err("nobody lets her"));
    assert_eq!(status, 403);
    assert!(message.contains("User \"jane\" cannot get resource \"namespaces\""), "{message}");
    let bindings: Api<k8s_openapi::api::rbac::v1::ClusterRoleBinding> = Api::all(admin);
    let binding = json!({"metadata": {"name": "developers"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "developers"}]});
    bindings.create(&PostParams::default(), &from(binding)).await.expect("made");
    assert!(spaces(&jane).get("default").await.is_ok(), "her group may look");

    // Another authority's word counts nothing: as by a kube-apiserver it is refused everywhere, and a token beside it counts.
    let another = Authority::new(&[]).expect("another");
    let stranger = client(&another, "admin", "system:masters").await;
    let (status, _, message) = code(spaces(&stranger).get("default").await.expect_err("nobody knows them"));
    assert_eq!((status, message.as_str()), (401, "Unauthorized"));
    let healthz = || http::Request::get("/healthz").body(Vec::new()).expect("a request");
    assert_eq!(code(stranger.request_text(healthz()).await.expect_err("here too")).0, 401);
    let beside = |token: &str| {
        let text = kubeconfig(&another, "admin", "system:masters");
        reach(text.replacen("    client-certificate-data", &format!("    token: {token}\n    client-certificate-data"), 1))
    };
    assert!(spaces(&beside(authority.token()).await).get("default").await.is_ok());
    assert_eq!(code(beside("wrong").await.request_text(healthz()).await.expect_err("neither counts")).0, 401);
    server.abort();
}

#[tokio::test]
async fn the_pages_of_a_list_show_one_moment() {
    let sandbox = sandbox();
    let api: Api<ConfigMap> = Api::namespaced(sandbox.client(), "default");
    let named = |name: &str| from::<ConfigMap>(json!({"metadata": {"name": name}}));
    for name in ["a", "b", "c"] {
        api.create(&PostParams::default(), &named(name)).await.expect("created");
    }
    let first = api.list(&ListParams::default().limit(1)).await.expect("a page");
    let token = first.metadata.continue_.expect("there is more");
    api.delete("b", &DeleteParams::default()).await.expect("deleted");
    api.create(&PostParams::default(), &named("d")).await.expect("created");
    let rest = api.list(&ListParams::default().continue_token(&token)).await.expect("the rest");
    let names: Vec<_> = rest.items.iter().filter_map(|one| one.metadata.name.as_deref()).collect();
    assert_eq!((names, &rest.metadata.resource_version), (vec!["b", "c"], &first.metadata.resource_version));

    // As many writes as make the sandbox forget that moment.
    for count in 0..4100 {
        let change = Patch::Merge(json!({"data": {"count": count.to_string()}}));
        api.patch("d", &PatchParams::default(), &change).await.expect("patched");
    }
    let request =
        http::Request::get(format!("/api/v1/namespaces/default/configmaps?continue={token}")).body(Vec::new()).expect("a request");
    let error = match sandbox.client().request::<serde_json::Value>(request).await {
        Err(kube::Error::Api(status)) => status,
        other => panic!("it is forgotten: {other:?}"),
    };
    assert_eq!((error.code, error.reason.as_str()), (410, "Expired"));
    let on = error.metadata.and_then(|metadata| metadata.continue_).expect("a token to go on with");
    let rest = api.list(&ListParams::default().continue_token(&on)).await.expect("what is there now");
    assert_eq!(rest.items.iter().filter_map(|one| one.metadata.name.as_deref()).collect::<Vec<_>>(), ["c", "d"]);
}

#[tokio::test]
async fn a_definition_that_goes_says_how_far_it_is() {
    let client = sandbox().client();
    let ask = async |method: &str, path: &str, body: serde_json::Value| {
        let request = http::Request::builder().method(method).uri(path);
        let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let request = request.header("content-type", kind).body(serde_json::to_vec(&body).expect("a body")).expect("a request");
        client.request::<serde_json::Value>(request).await
    };
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let definition = &format!("{definitions}/widgets.example.com");
    let widgets = "/apis/example.com/v1/namespaces/default/widgets";
    let versions = json!([{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}]);
    let spec =
        json!({"group": "example.com", "scope": "Namespaced", "names": {"kind": "Widget", "plural": "widgets"}, "versions": versions});
    let metadata = json!({"name": "widgets.example.com", "finalizers": ["example.com/own"]});
    ask("POST", definitions, json!({"metadata": metadata, "spec": spec})).await.expect("made");
    let held = json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "one", "finalizers": ["example.com/held"]}});
    ask("POST", widgets, held).await.expect("made");

    let told = async || {
        let found = ask("GET", definition, json!(null)).await.expect("it is there");
        let conditions = found["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let condition = conditions.into_iter().find(|condition| condition["type"] == "Terminating").expect("it goes");
        (condition["status"].clone(), condition["reason"].clone(), found["metadata"]["finalizers"].clone())
    };
    ask("DELETE", definition, json!({})).await.expect("marked");
    let both = json!(["example.com/own", "customresourcecleanup.apiextensions.k8s.io"]);
    assert_eq!(told().await, (json!("True"), json!("InstanceDeletionInProgress"), both));
    ask("PATCH", &format!("{widgets}/one"), json!({"metadata": {"finalizers": null}})).await.expect("let go");
    assert_eq!(told().await, (json!("False"), json!("InstanceDeletionCompleted"), json!(["example.com/own"])));
    ask("PATCH", definition, json!({"metadata": {"finalizers": null}})).await.expect("let go");
    let gone = ask("GET", definition, json!(null)).await.expect_err("it is gone");
    assert_eq!(code(gone).0, 404);
}
