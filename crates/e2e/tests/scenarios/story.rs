//! The story of the demo, step by step.

use std::time::{Duration, Instant};

use fiel_sandbox::faults::{Fault, Faults};
use serde_json::{Value, json};

use crate::world::{Cut, REPO, World, application, play};

const BASE_KUSTOMIZATION: &str =
    "resources: [deployment.yaml, service.yaml]\nimages: [{name: goserver, newName: user/gitopsfc, newTag: TAG}]\n";
const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: goserver}
spec:
  replicas: 2
  selector: {matchLabels: {app: goserver}}
  template:
    metadata: {labels: {app: goserver}}
    spec: {containers: [{name: goserver, image: goserver, ports: [{containerPort: 8080}]}]}
";
const SERVICE: &str = "apiVersion: v1
kind: Service
metadata: {name: goserver}
spec: {selector: {app: goserver}, ports: [{port: 80, targetPort: 8080}]}
";
const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\ndata: {k: v}\n";

/// The files of the repository at an image tag, with or without the extra ConfigMap.
pub(crate) fn files(tag: &str, extra: bool) -> Vec<(String, String)> {
    let overlay = if extra { "resources: [../../k8s, extra.yaml]\n" } else { "resources: [../../k8s]\n" };
    let mut files = vec![
        ("k8s/kustomization.yaml".to_owned(), BASE_KUSTOMIZATION.replace("TAG", tag)),
        ("k8s/deployment.yaml".to_owned(), DEPLOYMENT.to_owned()),
        ("k8s/service.yaml".to_owned(), SERVICE.to_owned()),
        ("overlays/prod/kustomization.yaml".to_owned(), overlay.to_owned()),
    ];
    if extra {
        files.push(("overlays/prod/extra.yaml".to_owned(), CONFIG.to_owned()));
    }
    files
}

/// The sync policy of the course.
pub(crate) fn automated() -> Value {
    json!({"automated": {"prune": true, "selfHeal": true}})
}

pub(crate) async fn deployment(world: &World) -> Value {
    world.get("apps/v1", "Deployment", "demo", "goserver").await.unwrap_or_default()
}

fn image(deployment: &Value) -> &str {
    deployment["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap_or_default()
}

/// The objects as the course's user applied them by hand before there was an agent.
async fn applied_by_hand(world: &World) {
    for text in [DEPLOYMENT, SERVICE] {
        let mut object: Value = serde_yaml::from_str(text).expect("YAML");
        object["metadata"]["namespace"] = "demo".into();
        if object["kind"] == "Deployment" {
            object["spec"]["template"]["spec"]["containers"][0]["image"] = "user/gitopsfc:v1".into();
            // A field that Git does not have: it goes when the agent adopts the object.
            object["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "OLD", "value": "1"}]);
        }
        world.client_side_apply(&object).await;
    }
}

/// One turn of the loop and nothing else: `cargo xtask bench sandbox` measures it.
#[test]
fn delivers_and_undoes_a_drift() {
    play("delivers_and_undoes_a_drift", || async {
        let world = World::new().await;
        let one = world.sources.commit(REPO, files("v1", false));
        let agent = world.agent(Cut::Never);
        world.apply(&application(&automated())).await;
        world.until_synced(&one).await;
        assert_eq!(deployment(&world).await["status"]["readyReplicas"], 2);
        let two = world.sources.commit(REPO, files("v2", false));
        world.until_synced(&two).await;
        assert_eq!(image(&deployment(&world).await), "user/gitopsfc:v2");
        world.patch("apps/v1", "Deployment", "demo", "goserver", json!({"spec": {"replicas": 5}})).await;
        world.until("the drift is undone", || async { deployment(&world).await["spec"]["replicas"] == 2 }).await;
        world.until_synced(&two).await;
        assert!(agent.writes() > 0);
    });
}

#[test]
fn adopts_follows_and_heals() {
    play("adopts_follows_and_heals", || async {
        let world = World::new().await;
        applied_by_hand(&world).await;
        let uid = deployment(&world).await["metadata"]["uid"].clone();
        let one = world.sources.commit(REPO, files("v1", false));
        let agent = world.agent(Cut::Never);
        world.apply(&application(&automated())).await;
        world.until_synced(&one).await;
        let adopted = deployment(&world).await;
        assert_eq!(adopted["metadata"]["uid"], uid, "adopted, not made anew");
        assert_eq!(adopted["spec"]["template"]["spec"]["containers"][0]["env"], Value::Null, "what Git does not have goes");
        assert_eq!(adopted["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"], "demo:apps/Deployment:demo/goserver");

        // CD delivers.
        let two = world.sources.commit(REPO, files("v2", false));
        world.until_synced(&two).await;
        assert_eq!(image(&deployment(&world).await), "user/gitopsfc:v2");

        // Three hands.
        world.patch("apps/v1", "Deployment", "demo", "goserver", json!({"spec": {"replicas": 5}})).await;
        world.until("the scale is undone", || async { deployment(&world).await["spec"]["replicas"] == 2 }).await;
        world.until_synced(&two).await;
        let mut vandalised = deployment(&world).await["spec"]["template"]["spec"]["containers"].clone();
        vandalised[0]["image"] = "evil:latest".into();
        world.patch("apps/v1", "Deployment", "demo", "goserver", json!({"spec": {"template": {"spec": {"containers": vandalised}}}})).await;
        world.until("the image is undone", || async { image(&deployment(&world).await) == "user/gitopsfc:v2" }).await;
        world.until_synced(&two).await;
        world.delete("v1", "Service", "demo", "goserver").await;
        world.until("the Service is back", || async { world.get("v1", "Service", "demo", "goserver").await.is_some() }).await;
        world.until_synced(&two).await;

        // Idle: nothing is written.
        world.pass(Duration::from_secs(30)).await;
        let before = agent.writes();
        world.pass(Duration::from_secs(3600)).await;
        assert_eq!(agent.writes(), before, "an idle hour has no write");
    });
}

#[test]
fn a_broken_kustomization_loses_nothing() {
    play("a_broken_kustomization_loses_nothing", || async {
        let world = World::new().await;
        let one = world.sources.commit(REPO, files("v1", true));
        let _agent = world.agent(Cut::Never);
        world.apply(&application(&automated())).await;
        world.until_synced(&one).await;
        let mut broken = files("v2", true);
        broken[3].1 = "resources:\n- ../../k8s\n- missing.yaml\n".to_owned();
        world.sources.commit(REPO, broken);
        world
            .until("the error is told", || async {
                let app = world.app().await;
                app["status"]["conditions"].as_array().is_some_and(|c| {
                    c.iter().any(|c| {
                        c["type"] == "ComparisonError"
                            && c["message"].as_str().is_some_and(|m| m.contains("missing.yaml") && m.contains("kustomization.yaml:3"))
                    })
                })
            })
            .await;
        world.pass(Duration::from_secs(60)).await;
        assert_eq!(image(&deployment(&world).await), "user/gitopsfc:v1");
        assert!(world.get("v1", "ConfigMap", "demo", "extra").await.is_some());
        assert_eq!(world.app().await["status"]["sync"]["status"], "Unknown");
        let three = world.sources.commit(REPO, files("v3", true));
        world.until_synced(&three).await;
        assert!(world.app().await["status"]["conditions"].as_array().is_none_or(Vec::is_empty));
        // A repository that does not answer loses nothing either.
        world.sources.set_broken(REPO, Some("connection refused"));
        world.pass(Duration::from_secs(600)).await;
        assert!(world.get("v1", "ConfigMap", "demo", "extra").await.is_some());
        world.sources.set_broken(REPO, None);
        world.until_synced(&three).await;
    });
}

#[test]
fn prunes_what_left_git_but_never_everything() {
    play("prunes_what_left_git_but_never_everything", || async {
        let world = World::new().await;
        let one = world.sources.commit(REPO, files("v1", true));
        let _agent = world.agent(Cut::Never);
        world.apply(&application(&automated())).await;
        world.until_synced(&one).await;
        // Not ours: neither tracked nor desired.
        world.apply(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "foreign", "namespace": "demo"}})).await;
        let two = world.sources.commit(REPO, files("v1", false));
        world.until_synced(&two).await;
        assert!(world.get("v1", "ConfigMap", "demo", "extra").await.is_none(), "pruned");
        let mut empty = files("v1", false);
        empty[3].1 = "resources: []\n".to_owned();
        world.sources.commit(REPO, empty);
        world
            .until("the refusal is told", || async {
                let app = world.app().await;
                app["status"]["conditions"].as_array().is_some_and(|c| {
                    c.iter().any(|c| {
                        c["message"]
                            .as_str()
                            .is_some_and(|m| m.contains("auto-sync will wipe out all resources") && m.contains("allowEmpty"))
                    })
                })
            })
            .await;
        world.pass(Duration::from_secs(600)).await;
        assert!(world.get("v1", "Service", "demo", "goserver").await.is_some());
        assert!(!deployment(&world).await.is_null());
        assert!(world.get("v1", "ConfigMap", "demo", "foreign").await.is_some());
        let four = world.sources.commit(REPO, files("v2", false));
        world.until_synced(&four).await;
    });
}

#[test]
fn without_finalizer_nothing_is_deleted_with_it_everything_of_ours() {
    play("without_finalizer_nothing_is_deleted_with_it_everything_of_ours", || async {
        let world = World::new().await;
        let one = world.sources.commit(REPO, files("v1", true));
        let _agent = world.agent(Cut::Never);
        world.apply(&application(&automated())).await;
        world.until_synced(&one).await;
        world.delete("argoproj.io/v1alpha1", "Application", "argocd", "demo").await;
        world.until("the Application is gone", || async { world.app().await.is_null() }).await;
        world.pass(Duration::from_secs(60)).await;
        assert!(world.get("v1", "ConfigMap", "demo", "extra").await.is_some(), "orphaned");
        let mut app = application(&automated());
        app["metadata"]["finalizers"] = json!(["resources-finalizer.argocd.argoproj.io"]);
        world.apply(&app).await;
        // Found again as it was left: Synced without any operation.
        world.until("everything is found again", || async { world.app().await["status"]["sync"]["status"] == "Synced" }).await;
        assert_eq!(world.app().await["status"]["operationState"], Value::Null);
        world.apply(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "foreign", "namespace": "demo"}})).await;
        world.delete("argoproj.io/v1alpha1", "Application", "argocd", "demo").await;
        world.until("the Application is gone", || async { world.app().await.is_null() }).await;
        assert!(deployment(&world).await.is_null());
        assert!(world.get("v1", "ConfigMap", "demo", "extra").await.is_none());
        assert!(world.get("v1", "ConfigMap", "demo", "foreign").await.is_some());
    });
}

#[test]
fn a_drift_is_judged_by_the_policy_that_was_there_before_it() {
    play("a_drift_is_judged_by_the_policy_that_was_there_before_it", || async {
        let world = World::new().await;
        let one = world.sources.commit(REPO, files("v1", false));
        world.apply(&application(&automated())).await;
        // The agent hears of Applications only by its own writes.
        let deaf =
            Faults::by(|asked| (asked.watch && asked.path.ends_with("/applications")).then_some(Fault::Late(Duration::from_secs(20))));
        let _agent = world.agent_among(&deaf);
        world.until_synced(&one).await;
        let off = json!({"spec": {"syncPolicy": {"automated": {"enabled": false}}}});
        world.patch("argoproj.io/v1alpha1", "Application", "argocd", "demo", off).await;
        world.patch("apps/v1", "Deployment", "demo", "goserver", json!({"spec": {"replicas": 5}})).await;
        world.until("the drift is seen", || async { world.app().await["status"]["sync"]["status"] == "OutOfSync" }).await;
        world.pass(Duration::from_secs(1)).await;
        assert_eq!(deployment(&world).await["spec"]["replicas"], 5, "automated sync was off before the drift");
    });
}

/// However many objects an Application has, the drift of one costs the writes of one. `FIEL_E2E_OBJECTS` says how many there are.
#[test]
fn one_of_many_objects_is_healed_alone() {
    let count: usize = std::env::var("FIEL_E2E_OBJECTS").map_or(50, |count| count.parse().expect("a number of objects"));
    play("one_of_many_objects_is_healed_alone", || async {
        let world = World::new().await;
        let mut files = files("v1", true);
        files[4].1 = (0..count).map(|number| CONFIG.replace("extra", &format!("extra-{number}"))).collect::<Vec<_>>().join("---\n");
        let one = world.sources.commit(REPO, files);
        let agent = world.agent(Cut::Never);
        let began = Instant::now();
        world.apply(&application(&automated())).await;
        world.until_synced(&one).await;
        println!("{count} objects synced: {:.1} ms", began.elapsed().as_secs_f64() * 1000.0);
        let (before, began) = (agent.writes(), Instant::now());
        world.patch("v1", "ConfigMap", "demo", "extra-7", json!({"data": {"k": "x"}})).await;
        let value = async || world.get("v1", "ConfigMap", "demo", "extra-7").await.map(|object| object["data"]["k"].clone());
        world.until("the drift is undone", || async { value().await == Some(json!("v")) }).await;
        world.until_synced(&one).await;
        world.pass(Duration::from_secs(30)).await;
        println!("one of them healed: {:.1} ms", began.elapsed().as_secs_f64() * 1000.0);
        let writes = agent.writes() - before;
        assert!(writes <= 6, "{writes} writes for one object");
        assert_eq!(world.app().await["status"]["resources"].as_array().map(Vec::len), Some(count + 2));
    });
}
