//! The controllers and the simulated node on a sandbox in this process, with time that does not pass by itself.

use std::time::Duration;

use fiel_sandbox::controllers::{Options, run};
use fiel_sandbox::node::{NodeOptions, Play, Rules};
use fiel_sandbox::{Config, Sandbox};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{ConfigMap, Event, Namespace, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// A cluster whose clock is that of the paused runtime.
fn cluster(options: Options) -> (Client, JoinHandle<()>) {
    let began = tokio::time::Instant::now();
    let clock = std::sync::Arc::new(move || {
        let passed = began.elapsed();
        jiff::Timestamp::from_second(1_800_000_000).expect("a time") + jiff::SignedDuration::try_from(passed).expect("a short test")
    });
    let client = Sandbox::new(Config { clock: clock.clone(), ..Config::default() }).client();
    let work = tokio::spawn(run(client.clone(), options, clock, std::future::pending()));
    (client, work)
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("an object")
}

fn template(app: &str, image: &str) -> Value {
    json!({"metadata": {"labels": {"app": app}}, "spec": {"containers": [{"name": "c", "image": image, "ports": [{"name": "http", "containerPort": 8080}]}]}})
}

fn deployment(replicas: u32, image: &str) -> Deployment {
    read(json!({
        "metadata": {"name": "web"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template("web", image)},
    }))
}

/// Waits until something holds; simulated time passes quickly, so that a minute of it is soon over.
async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let ends = tokio::time::Instant::now() + Duration::from_secs(60);
    while !holds().await {
        assert!(tokio::time::Instant::now() < ends, "not within a minute: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn rolled_out(client: &Client, image: &str, replicas: i32) {
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    until("the deployment is rolled out", || async {
        let live = deployments.get("web").await.expect("it exists");
        let status = live.status.clone().unwrap_or_default();
        let settled = status.observed_generation == live.metadata.generation
            && [status.replicas, status.updated_replicas, status.available_replicas].map(Option::unwrap_or_default) == [replicas; 3];
        let pods = pods.list(&ListParams::default().labels("app=web")).await.expect("a list").items;
        let images: Vec<_> = pods.iter().filter_map(|pod| pod.spec.as_ref()?.containers[0].image.clone()).collect();
        settled && images.len() == usize::try_from(replicas).expect("a count") && images.iter().all(|live| live == image)
    })
    .await;
}

fn merge(patch: &Value) -> Patch<&Value> {
    Patch::Merge(patch)
}

#[tokio::test(start_paused = true)]
async fn a_deployment_scales_rolls_and_returns() {
    let (client, work) = cluster(Options::everything());
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    let sets: Api<ReplicaSet> = Api::default_namespaced(client.clone());
    deployments.create(&PostParams::default(), &deployment(2, "i:1")).await.expect("made");
    rolled_out(&client, "i:1", 2).await;
    let params = PatchParams::default();
    deployments.patch("web", &params, &merge(&json!({"spec": {"replicas": 5}}))).await.expect("scaled");
    rolled_out(&client, "i:1", 5).await;

    let second = json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i:2"}]}}}});
    deployments.patch("web", &params, &Patch::Strategic(&second)).await.expect("changed");
    rolled_out(&client, "i:2", 5).await;
    let first = json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i:1"}]}}}});
    deployments.patch("web", &params, &Patch::Strategic(&first)).await.expect("undone");
    rolled_out(&client, "i:1", 5).await;

    let sets = sets.list(&ListParams::default()).await.expect("a list").items;
    let revisions: std::collections::BTreeSet<_> =
        sets.iter().map(|set| set.annotations()["deployment.kubernetes.io/revision"].clone()).collect();
    assert_eq!(revisions, ["2".to_owned(), "3".to_owned()].into(), "the first revision came back as the third");
    let live = deployments.get("web").await.expect("it exists");
    assert_eq!(live.metadata.generation, Some(4), "made, scaled, changed, undone: the number of the revision is no change");
    assert_eq!(live.annotations()["deployment.kubernetes.io/revision"], "3");
    work.abort();
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_stands_still_says_so_after_its_deadline() {
    // Without a node, no Pod ever becomes ready.
    let (client, work) = cluster(Options::without_node());
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    let mut stuck = deployment(1, "i:1");
    stuck.spec.as_mut().expect("a spec").progress_deadline_seconds = Some(30);
    deployments.create(&PostParams::default(), &stuck).await.expect("made");
    let reason = || async {
        let conditions = deployments.get("web").await.expect("it exists").status.and_then(|status| status.conditions).unwrap_or_default();
        conditions.into_iter().find(|condition| condition.type_ == "Progressing").and_then(|condition| condition.reason)
    };
    until("the rollout has begun", || async { reason().await.as_deref() == Some("ReplicaSetUpdated") }).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(reason().await.as_deref(), Some("ReplicaSetUpdated"), "there is still time");
    until("the deadline is over", || async { reason().await.as_deref() == Some("ProgressDeadlineExceeded") }).await;
    work.abort();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_while_nothing_changes() {
    let (client, work) = cluster(Options::everything());
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    deployments.create(&PostParams::default(), &deployment(3, "i:1")).await.expect("made");
    let services: Api<Service> = Api::default_namespaced(client.clone());
    services
        .create(
            &PostParams::default(),
            &read(json!({"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}})),
        )
        .await
        .expect("made");
    rolled_out(&client, "i:1", 3).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let revision = || async { deployments.list(&ListParams::default()).await.expect("a list").metadata.resource_version };
    let before = revision().await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(revision().await, before);
    work.abort();
}

#[tokio::test(start_paused = true)]
async fn pods_are_ready_only_after_the_nodes_delay_and_services_follow() {
    let node = NodeOptions::simulated(Rules::new().any(Play::new().ready_after(Duration::from_secs(30))));
    let (client, work) = cluster(Options { node: Some(node), ..Options::everything() });
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    let services: Api<Service> = Api::default_namespaced(client.clone());
    let slices: Api<EndpointSlice> = Api::default_namespaced(client.clone());
    let service = json!({"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]}});
    services.create(&PostParams::default(), &read(service)).await.expect("made");
    deployments.create(&PostParams::default(), &deployment(2, "i:1")).await.expect("made");
    let ready = || async {
        let slices = slices.list(&ListParams::default().labels("kubernetes.io/service-name=web")).await.expect("a list").items;
        let of_slice = |slice: &EndpointSlice| {
            assert!(slice.ports.iter().flatten().all(|port| port.port == Some(8080)));
            slice
                .endpoints
                .iter()
                .flatten()
                .filter(|endpoint| endpoint.conditions.as_ref().and_then(|conditions| conditions.ready) == Some(true))
                .count()
        };
        slices.iter().map(of_slice).sum::<usize>()
    };
    tokio::time::sleep(Duration::from_secs(25)).await;
    assert_eq!(ready().await, 0);
    until("both are ready", || async { ready().await == 2 }).await;
    work.abort();
}

#[tokio::test(start_paused = true)]
async fn deletion_cascades_in_the_background_in_the_foreground_and_not_at_all() {
    let (client, work) = cluster(Options::everything());
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let sets: Api<ReplicaSet> = Api::default_namespaced(client.clone());
    let left = || async {
        let list = ListParams::default();
        (sets.list(&list).await.expect("a list").items.len(), pods.list(&list).await.expect("a list").items.len())
    };
    for how in [DeleteParams::background(), DeleteParams::foreground()] {
        deployments.create(&PostParams::default(), &deployment(2, "i:1")).await.expect("made");
        rolled_out(&client, "i:1", 2).await;
        deployments.delete("web", &how).await.expect("deleted");
        until("all is gone", || async {
            let deployment = deployments.get_opt("web").await.expect("an answer").is_none();
            deployment && left().await == (0, 0)
        })
        .await;
    }
    deployments.create(&PostParams::default(), &deployment(2, "i:1")).await.expect("made");
    rolled_out(&client, "i:1", 2).await;
    deployments.delete("web", &DeleteParams::orphan()).await.expect("deleted");
    until("the deployment is gone", || async { deployments.get_opt("web").await.expect("an answer").is_none() }).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(left().await, (1, 2), "orphans stay");
    assert!(sets.list(&ListParams::default()).await.expect("a list").items[0].owner_references().is_empty());
    work.abort();
}

/// Managed fields and order are what kube-controller-manager 1.36 left on a kube-apiserver for the same roles.
#[tokio::test(start_paused = true)]
async fn a_role_made_up_of_others_follows_them() {
    let (client, work) = cluster(Options::without_node());
    let roles: Api<ClusterRole> = Api::all(client.clone());
    let bindings: Api<ClusterRoleBinding> = Api::all(client.clone());
    let reviews: Api<SubjectAccessReview> = Api::all(client.clone());
    let sum = json!({"metadata": {"name": "sum"}, "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"into": "sum"}}]},
        "rules": [{"apiGroups": [""], "resources": ["services"], "verbs": ["list"]}]});
    let part = json!({"metadata": {"name": "part", "labels": {"into": "sum"}},
        "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}]});
    let binding = json!({"metadata": {"name": "jane"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "sum"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane"}]});
    let params = PostParams { field_manager: Some("kubectl-create".to_owned()), ..PostParams::default() };
    roles.create(&params, &read(sum)).await.expect("made");
    roles.create(&params, &read(part)).await.expect("made");
    bindings.create(&params, &read(binding)).await.expect("made");
    let may = async |resource: &str| {
        let asked = json!({"metadata": {}, "spec": {"user": "jane", "resourceAttributes": {"verb": "list", "resource": resource}}});
        let answer = reviews.create(&PostParams::default(), &read(asked)).await.expect("an answer");
        answer.status.is_some_and(|status| status.allowed)
    };
    let fields = async || {
        let role = roles.get("sum").await.expect("it exists");
        let of = |manager: &str| {
            let entry = role.managed_fields().iter().find(|entry| entry.manager.as_deref() == Some(manager))?;
            Some((entry.operation.clone()?, entry.fields_v1.clone()?.0))
        };
        (of("clusterrole-aggregation-controller"), of("kubectl-create"), role.rules)
    };
    until("she may what the part says, and no more what the role said", async || may("secrets").await && !may("services").await).await;
    let made = ("Update".to_owned(), json!({"f:aggregationRule": {".": {}, "f:clusterRoleSelectors": {}}}));
    let (controller, maker, _) = fields().await;
    assert_eq!((controller, maker.as_ref()), (Some(("Apply".to_owned(), json!({"f:rules": {}}))), Some(&made)));

    roles.patch("part", &PatchParams::default(), &merge(&json!({"metadata": {"labels": {"into": null}}}))).await.expect("changed");
    until("nothing is left", async || !may("secrets").await).await;
    assert_eq!(fields().await, (None, Some(made), None));
    work.abort();
}

#[tokio::test(start_paused = true)]
async fn a_namespace_goes_when_its_contents_are_gone() {
    let (client, work) = cluster(Options::only_deletion());
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "x");
    namespaces.create(&PostParams::default(), &read(json!({"metadata": {"name": "x"}}))).await.expect("made");
    maps.create(&PostParams::default(), &read(json!({"metadata": {"name": "free"}}))).await.expect("made");
    maps.create(&PostParams::default(), &read(json!({"metadata": {"name": "held", "finalizers": ["example.com/hold"]}})))
        .await
        .expect("made");
    namespaces.delete("x", &DeleteParams::default()).await.expect("deleted");
    until("only what is held remains, and the status says so", || async {
        let namespace = namespaces.get("x").await.expect("it is held");
        let conditions = namespace.status.and_then(|status| status.conditions).unwrap_or_default();
        let message = conditions
            .into_iter()
            .find(|condition| condition.type_ == "NamespaceFinalizersRemaining")
            .and_then(|condition| condition.message);
        let names: Vec<_> = maps.list(&ListParams::default()).await.expect("a list").items.iter().map(ResourceExt::name_any).collect();
        names == ["held"] && message.is_some_and(|message| message.contains("example.com/hold in 1 resource instances"))
    })
    .await;
    maps.patch("held", &PatchParams::default(), &merge(&json!({"metadata": {"finalizers": null}}))).await.expect("released");
    until("the namespace is gone", || async { namespaces.get_opt("x").await.expect("an answer").is_none() }).await;
    work.abort();
}

#[tokio::test(start_paused = true)]
async fn stateful_sets_daemon_sets_and_jobs_come_to_their_end() {
    let (client, work) = cluster(Options::everything());
    let stateful: Api<StatefulSet> = Api::default_namespaced(client.clone());
    let daemons: Api<DaemonSet> = Api::default_namespaced(client.clone());
    let jobs: Api<Job> = Api::default_namespaced(client.clone());
    let made = PostParams::default();
    let set = json!({"metadata": {"name": "db"}, "spec": {"serviceName": "db", "replicas": 3, "selector": {"matchLabels": {"app": "db"}}, "template": template("db", "i:1")}});
    stateful.create(&made, &read(set)).await.expect("made");
    let daemon =
        json!({"metadata": {"name": "ds"}, "spec": {"selector": {"matchLabels": {"app": "ds"}}, "template": template("ds", "i:1")}});
    daemons.create(&made, &read(daemon)).await.expect("made");
    let mut once = template("job", "i:1");
    once["spec"]["restartPolicy"] = "Never".into();
    jobs.create(&made, &read(json!({"metadata": {"name": "job"}, "spec": {"completions": 3, "parallelism": 2, "template": once}})))
        .await
        .expect("made");
    let set_is = |image: &'static str| {
        let (stateful, pods) = (stateful.clone(), Api::<Pod>::default_namespaced(client.clone()));
        async move {
            let status = stateful.get("db").await.expect("it exists").status.unwrap_or_default();
            let pods = pods.list(&ListParams::default().labels("app=db")).await.expect("a list").items;
            let names: Vec<_> = pods.iter().map(ResourceExt::name_any).collect();
            let images = pods.iter().all(|pod| pod.spec.as_ref().and_then(|spec| spec.containers[0].image.as_deref()) == Some(image));
            images
                && names == ["db-0", "db-1", "db-2"]
                && status.ready_replicas == Some(3)
                && status.current_revision == status.update_revision
        }
    };
    until("the StatefulSet is ready", || set_is("i:1")).await;
    until("the DaemonSet is ready", || async {
        let status = daemons.get("ds").await.expect("it exists").status.unwrap_or_default();
        (status.number_ready, status.desired_number_scheduled) == (1, 1)
    })
    .await;
    until("the Job is complete", || async {
        let status = jobs.get("job").await.expect("it exists").status.unwrap_or_default();
        let complete = status.conditions.iter().flatten().any(|condition| condition.type_ == "Complete" && condition.status == "True");
        complete && status.succeeded == Some(3) && status.completion_time.is_some()
    })
    .await;
    let second = json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i:2"}]}}}});
    stateful.patch("db", &PatchParams::default(), &Patch::Strategic(&second)).await.expect("changed");
    until("the StatefulSet is replaced", || set_is("i:2")).await;
    work.abort();
}

#[tokio::test(start_paused = true)]
async fn a_cron_job_makes_jobs_by_its_schedule_and_keeps_the_newest() {
    // It is eight o'clock.
    let (client, work) = cluster(Options::everything());
    let crons: Api<CronJob> = Api::default_namespaced(client.clone());
    let jobs: Api<Job> = Api::default_namespaced(client.clone());
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let template = json!({"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}});
    let tick = json!({"metadata": {"name": "tick"}, "spec": {"schedule": "*/2 * * * *", "successfulJobsHistoryLimit": 2, "jobTemplate": template}});
    crons.create(&PostParams::default(), &read(tick)).await.expect("made");
    let last = || async {
        let status = crons.get("tick").await.expect("it is there").status.unwrap_or_default();
        assert!(status.last_successful_time.is_some() && status.active.is_none(), "{status:?}");
        status.last_schedule_time.map(|time| time.0.to_string())
    };
    tokio::time::sleep(Duration::from_secs(11 * 60)).await;
    assert_eq!(last().await.as_deref(), Some("2027-01-15T08:10:00Z"));
    assert_eq!(jobs.list(&ListParams::default()).await.expect("a list").items.len(), 2);
    assert_eq!(pods.list(&ListParams::default()).await.expect("a list").items.len(), 2, "the others went with their Jobs");

    let events: Api<Event> = Api::default_namespaced(client.clone());
    let told = events.list(&ListParams::default().fields("involvedObject.name=tick")).await.expect("a list").items;
    let count = |reason: &str| told.iter().filter(|event| event.reason.as_deref() == Some(reason)).count();
    // Five times, of which two are kept.
    assert_eq!([count("SuccessfulCreate"), count("SawCompletedJob"), count("SuccessfulDelete")], [5, 5, 3]);
    assert!(told.iter().all(|event| event.source.as_ref().is_some_and(|source| source.component.as_deref() == Some("cronjob-controller"))));
    assert!(told.iter().any(|event| event.message.as_deref() == Some("Saw completed job: tick-30000002, condition: Complete")), "{told:?}");

    crons.patch("tick", &PatchParams::default(), &merge(&json!({"spec": {"suspend": true}}))).await.expect("suspended");
    tokio::time::sleep(Duration::from_secs(10 * 60)).await;
    assert_eq!(last().await.as_deref(), Some("2027-01-15T08:10:00Z"));
    crons.patch("tick", &PatchParams::default(), &merge(&json!({"spec": {"suspend": false}}))).await.expect("resumed");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(last().await.as_deref(), Some("2027-01-15T08:20:00Z"), "only the newest of the missed times is made up for");
    work.abort();
}
