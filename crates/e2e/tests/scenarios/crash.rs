//! The agent is cut off at every single call to the API, and works among faults of all kinds; it reaches the same end.

use std::time::Duration;

use fiel_sandbox::faults::Faults;

use serde_json::{Value, json};

use crate::story::{automated, deployment, files};
use crate::world::{Cut, REPO, Running, World, application, play, real};

/// What must be the same however often the agent was killed: the objects but for what the server counts, and the
/// Application's verdicts.
async fn end_state(world: &World) -> Value {
    let mut objects = Vec::new();
    for (api_version, kind) in [("apps/v1", "Deployment"), ("v1", "Service"), ("v1", "ConfigMap")] {
        for mut object in world.list(api_version, kind, "demo").await {
            for counted in ["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"] {
                if let Some(metadata) = object["metadata"].as_object_mut() {
                    metadata.remove(counted);
                }
            }
            if let Some(fields) = object.as_object_mut() {
                fields.remove("status");
            }
            // Which address a Service got, and which revision a rollout has, depends on how often it was made.
            if kind == "Service"
                && let Some(spec) = object["spec"].as_object_mut()
            {
                spec.remove("clusterIP");
                spec.remove("clusterIPs");
            }
            if let Some(annotations) = object["metadata"]["annotations"].as_object_mut() {
                annotations.remove("deployment.kubernetes.io/revision");
            }
            objects.push(object);
        }
    }
    let app = world.app().await;
    let status = &app["status"];
    let resources: Vec<Value> = status["resources"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|r| json!([r["kind"], r["name"], r["status"], r["health"]["status"]]))
        .collect();
    json!({
        "objects": objects,
        "sync": status["sync"]["status"], "revision": status["sync"]["revision"], "health": status["health"]["status"], "resources": resources,
        "phase": status["operationState"]["phase"], "operation": app["operation"], "conditions": status["conditions"],
        "history": status["history"].as_array().into_iter().flatten().map(|h| h["revision"].clone()).collect::<Vec<_>>(),
    })
}

/// A short story with the agent that `start` starts; what there is at the end, and how many calls it took.
async fn told(start: impl FnOnce(&World) -> Running) -> (Value, usize) {
    let world = World::quiet().await;
    let one = world.sources.commit(REPO, files("v1", true));
    let agent = start(&world);
    world.apply(&application(&automated())).await;
    world.until_synced(&one).await;
    world.patch("apps/v1", "Deployment", "demo", "goserver", json!({"spec": {"replicas": 7}})).await;
    world.until("the scale is undone", || async { deployment(&world).await["spec"]["replicas"] == 2 }).await;
    world.until_synced(&one).await;
    let two = world.sources.commit(REPO, files("v2", false));
    world.until_synced(&two).await;
    world.until("what left Git is pruned", || async { world.get("v1", "ConfigMap", "demo", "extra").await.is_none() }).await;
    world.pass(Duration::from_secs(30)).await;
    (end_state(&world).await, agent.calls())
}

#[test]
fn killed_at_each_call_the_end_is_the_same() {
    play("killed_at_each_call_the_end_is_the_same", || async {
        let (expected, calls) = told(|world| world.agent(Cut::Never)).await;
        assert!(calls > 20, "{calls}");
        // A real cluster takes seconds for what the sandbox does in milliseconds: a few of the calls there, spread over the story.
        let step = if real().is_some() { calls.div_ceil(4) } else { 1 };
        for at in (1..=calls).step_by(step) {
            for cut in [Cut::Before(at), Cut::After(at)] {
                let (found, _) = told(|world| world.agent(cut)).await;
                assert_eq!(found, expected, "{cut:?} of {calls}");
            }
        }
        println!("killed {} times", 2 * calls.div_ceil(step));
    });
}

#[test]
fn among_faults_of_all_kinds_the_end_is_the_same() {
    play("among_faults_of_all_kinds_the_end_is_the_same", || async {
        let (expected, _) = told(|world| world.agent(Cut::Never)).await;
        let seeds = if real().is_some() { 0..2 } else { 0..8 };
        for seed in seeds {
            let (found, _) = told(|world| world.agent_among(&Faults::seeded(seed, 100))).await;
            assert_eq!(found, expected, "seed {seed}");
        }
    });
}
