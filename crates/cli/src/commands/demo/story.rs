//! The story itself, chapter by chapter.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cluster::{Cluster, Reference, namespace};
use super::figures::Figures;
use super::git::Repository;
use super::stage::Stage;
use super::{page, process};
use crate::error::CommandError;

/// What the Application deploys.
const OVERLAY: &str = "overlays/dev";
const KUSTOMIZATION: &str = "overlays/dev/kustomization.yaml";
/// Where the sandbox publishes at which loopback address a Service answers.
const ADDRESS: &str = "sandbox.fiel.dev/address";

/// The story's objects.
struct Scene {
    cluster: Cluster,
    repository: Repository,
    application: Reference,
    deployment: Reference,
    service: Reference,
    extra: Reference,
}

/// Plays every chapter; `measure_idle` waits 10 more seconds at the end to see that the agent rests.
pub(super) async fn play(stage: &mut Stage, course: &Path, measure_idle: bool) -> Result<Figures, CommandError> {
    let mut figures = Figures::default();
    let mut scene = prepare(stage, course).await?;
    adopt(stage, &scene).await?;
    deliver(stage, &mut scene, &mut figures).await?;
    vandalise(stage, &scene, &mut figures).await?;
    break_and_repair(stage, &scene).await?;
    prune(stage, &scene).await?;
    stage.check()?;
    figures.story_s = (stage.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    if measure_idle {
        figures.idle_writes = Some(rest(stage, &scene).await?);
    }
    figures.agent_rss_mib = stage.agent_id().and_then(process::resident_mib).map(|mib| (mib * 10.0).round() / 10.0);
    Ok(figures)
}

/// Chapter 1: the repository, the cluster, and the manifests applied by hand.
async fn prepare(stage: &mut Stage, course: &Path) -> Result<Scene, CommandError> {
    stage.chapter("A Git repository, a cluster, and the course's manifests applied by hand");
    let repository = Repository::create(stage.folder())?;
    repository.copy(&course.join("k8s"), "k8s")?;
    repository.copy(&course.join("overlays"), "overlays")?;
    repository.write(
        "overlays/dev/extra.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: extra\ndata:\n  note: leaves Git in chapter 6\n",
    )?;
    let kustomization = repository.read(KUSTOMIZATION)?;
    repository.write(KUSTOMIZATION, &with_resource(&kustomization, "extra.yaml")?)?;
    let version = repository.commit("feat: the hello server")?;
    set_image(&repository, &version)?;
    repository.commit(&format!("ci: deploy {}", short(&version)))?;
    repository.push()?;
    stage.saw(format!("{} holds k8s/, overlays/dev and overlays/prod", repository.url()));

    let cluster = stage.start_sandbox().await?;
    stage.saw("the sandbox answers: a Kubernetes API on loopback, with TLS");
    let objects = render(&repository)?;
    let find = |kind: &str| {
        let found = objects.iter().find(|object| object["kind"] == kind).map(Reference::of);
        found.ok_or_else(|| CommandError::failed(format!("{OVERLAY} renders no {kind}")))
    };
    let (deployment, service) = (find("Deployment")?, find("Service")?);
    let extra = objects.iter().find(|object| object["data"]["note"].is_string()).map(Reference::of);
    let extra = extra.ok_or_else(|| CommandError::failed("the extra ConfigMap is not rendered"))?;
    if objects.iter().all(|object| object["kind"] != "Namespace") {
        cluster.apply(&namespace(&deployment.namespace)).await?;
    }
    for object in &objects {
        cluster.apply_by_hand(object).await?;
    }
    let took = cluster.until(&deployment, "the Deployment becomes available", available).await?;
    stage.saw(format!("{} objects applied as kubectl does; running after {} ms", objects.len(), took.as_millis()));
    let scene = Scene { application: application_reference(), cluster, repository, deployment, service, extra };
    let (address, _) = answer(stage, &scene, &version).await?;
    stage.saw(format!("http://{address} says: {}", headline(&page::get(&address, "/").await.map_err(CommandError::failed)?)));
    stage.hint(format!("kubectl --kubeconfig {} get all,applications -A", stage.kubeconfig().display()));
    stage.hint(format!("curl http://{address}/"));
    stage.hint(format!("cd {}    # edit, commit, `git push origin main`, and watch", scene.repository.work().display()));
    Ok(scene)
}

/// Chapter 2: the agent adopts what is already there.
async fn adopt(stage: &mut Stage, scene: &Scene) -> Result<(), CommandError> {
    stage.chapter("The agent, and an Argo CD Application: what was applied by hand is adopted");
    let before = scene.cluster.get(&scene.deployment).await?;
    for crd in fiel_reconciler::application::crds() {
        scene.cluster.apply(&crd).await?;
    }
    scene.cluster.apply(&namespace("argocd")).await?;
    stage.start_agent()?;
    scene.cluster.apply(&application(&scene.repository.url(), &scene.deployment.namespace)).await?;
    settled(stage, scene).await?;
    let after = scene.cluster.get(&scene.deployment).await?;
    ensure(before["metadata"]["uid"] == after["metadata"]["uid"], "the Deployment was adopted, not made anew")?;
    let mark = &after["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"];
    stage.saw(format!("Synced and Healthy; the Deployment is the same one, now marked {mark}"));
    // The binary is not on the PATH of whoever only built it.
    let fiel = std::env::current_exe()?;
    stage.hint(format!("{} plan demo --kubeconfig {}", fiel.display(), stage.kubeconfig().display()));
    Ok(())
}

/// Chapter 3: a commit becomes live.
async fn deliver(stage: &mut Stage, scene: &mut Scene, figures: &mut Figures) -> Result<(), CommandError> {
    stage.chapter("Version 2 is delivered as CD does: edit set image, commit, push");
    scene.repository.write("version.txt", "2\n")?;
    let version = scene.repository.commit("feat: version 2")?;
    set_image(&scene.repository, &version)?;
    scene.repository.commit(&format!("ci: deploy {}", short(&version)))?;
    scene.repository.push()?;
    stage.saw(format!("pushed user/gitopsfc:{}", short(&version)));
    let (address, took) = answer(stage, scene, &version).await?;
    figures.delivery(took);
    stage.saw(format!("http://{address} answers with it: push → live in {} ms", took.as_millis()));
    settled(stage, scene).await
}

/// Chapter 4: whatever is changed by hand is changed back.
async fn vandalise(stage: &mut Stage, scene: &Scene, figures: &mut Figures) -> Result<(), CommandError> {
    stage.chapter("The cluster is vandalised; Git wins each time");
    let (cluster, deployment) = (&scene.cluster, &scene.deployment);
    let wanted = cluster.get(deployment).await?;
    let (replicas, containers) = (wanted["spec"]["replicas"].clone(), "/spec/template/spec/containers");
    let image = wanted.pointer(&format!("{containers}/0/image")).cloned().unwrap_or_default();

    cluster.patch(deployment, &json!({"spec": {"replicas": 7}})).await?;
    let undone = cluster.until(deployment, "replicas as in Git", |live| live["spec"]["replicas"] == replicas).await?;
    figures.drift(undone);
    stage.saw(format!("scaled to 7 replicas: undone after {} ms", undone.as_millis()));
    settled(stage, scene).await?;

    let mut changed = wanted.pointer(containers).cloned().unwrap_or_default();
    changed[0]["image"] = json!("evil/miner:latest");
    cluster.patch(deployment, &json!({"spec": {"template": {"spec": {"containers": changed}}}})).await?;
    let undone =
        cluster.until(deployment, "the image as in Git", |live| live.pointer(&format!("{containers}/0/image")) == Some(&image)).await?;
    figures.drift(undone);
    stage.saw(format!("image changed to evil/miner:latest: undone after {} ms", undone.as_millis()));
    settled(stage, scene).await?;

    let uid = cluster.get(&scene.service).await?["metadata"]["uid"].clone();
    cluster.delete(&scene.service).await?;
    let undone = cluster.until(&scene.service, "the Service is back", |live| !live.is_null() && live["metadata"]["uid"] != uid).await?;
    figures.drift(undone);
    stage.saw(format!("Service deleted: back after {} ms", undone.as_millis()));
    settled(stage, scene).await
}

/// Chapter 5: a broken commit breaks nothing.
async fn break_and_repair(stage: &mut Stage, scene: &Scene) -> Result<(), CommandError> {
    stage.chapter("A broken kustomization is pushed; nothing is lost");
    let before = scene.cluster.get(&scene.deployment).await?;
    let good = scene.repository.read(KUSTOMIZATION)?;
    scene.repository.write(KUSTOMIZATION, &with_resource(&good, "does-not-exist.yaml")?)?;
    scene.repository.commit("fix: oops")?;
    scene.repository.push()?;
    let condition = wait_condition(scene, "ComparisonError").await?;
    stage.saw(format!("ComparisonError: {condition}"));
    ensure(condition.contains(&format!("{KUSTOMIZATION}:")), "the condition names the file and the line")?;
    let after = scene.cluster.get(&scene.deployment).await?;
    ensure(before["metadata"]["uid"] == after["metadata"]["uid"] && before["spec"] == after["spec"], "the Deployment is untouched")?;
    scene.repository.revert()?;
    scene.repository.push()?;
    settled(stage, scene).await?;
    stage.saw("repaired by a revert: Synced and Healthy again");
    Ok(())
}

/// Chapter 6: what leaves Git leaves the cluster, but never everything at once by accident.
async fn prune(stage: &mut Stage, scene: &Scene) -> Result<(), CommandError> {
    stage.chapter("A resource leaves Git and is pruned; an empty kustomization is refused");
    let good = scene.repository.read(KUSTOMIZATION)?;
    scene.repository.remove("overlays/dev/extra.yaml")?;
    scene.repository.write(KUSTOMIZATION, &without_resource(&good, "extra.yaml"))?;
    scene.repository.commit("chore: no extra ConfigMap")?;
    scene.repository.push()?;
    let took = scene.cluster.until(&scene.extra, "the ConfigMap is pruned", Value::is_null).await?;
    stage.saw(format!("ConfigMap {} is gone {} ms after the push", scene.extra.name, took.as_millis()));
    settled(stage, scene).await?;

    scene.repository.write(KUSTOMIZATION, "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n")?;
    scene.repository.commit("chore: empty by accident")?;
    scene.repository.push()?;
    let condition = wait_condition(scene, "SyncError").await?;
    stage.saw(format!("refused: {condition}"));
    ensure(condition.contains("allowEmpty"), "the condition says how to allow it")?;
    for kept in [&scene.deployment, &scene.service] {
        let live = scene.cluster.get(kept).await?;
        ensure(!live.is_null() && live["metadata"]["deletionTimestamp"].is_null(), "nothing was deleted")?;
    }
    stage.saw("the Deployment and the Service are still there");
    scene.repository.revert()?;
    scene.repository.push()?;
    settled(stage, scene).await
}

/// How often the agent writes in 10 seconds in which nothing happens.
async fn rest(stage: &mut Stage, scene: &Scene) -> Result<u64, CommandError> {
    stage.chapter("Ten seconds in which nothing happens");
    let before = scene.cluster.agent_writes().await?;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let writes = scene.cluster.agent_writes().await? - before;
    stage.saw(format!("the agent wrote {writes} times"));
    Ok(writes)
}

/// Waits until the Service answers with `version`; says where and how long that took.
async fn answer(stage: &mut Stage, scene: &Scene, version: &str) -> Result<(String, Duration), CommandError> {
    let started = Instant::now();
    let mut last = String::from("the Service has no address");
    while started.elapsed() < Duration::from_secs(20) {
        stage.check()?;
        let service = scene.cluster.get(&scene.service).await?;
        if let Some(address) = service["metadata"]["annotations"][ADDRESS].as_str() {
            match page::get(address, "/version").await {
                Ok(body) if body.contains(version) => return Ok((address.to_owned(), started.elapsed())),
                Ok(body) => last = body,
                Err(error) => last = error,
            }
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    Err(CommandError::failed(format!("the Service did not answer with version {version} within 20 s; last: {last}")))
}

/// Waits until the Application has compared the newest commit and is Synced and Healthy without any complaint.
async fn settled(stage: &mut Stage, scene: &Scene) -> Result<(), CommandError> {
    stage.check()?;
    let head = scene.repository.head()?;
    let condition = move |application: &Value| {
        let status = &application["status"];
        let quiet = status["conditions"].as_array().is_none_or(Vec::is_empty) && application["operation"].is_null();
        let done = status["operationState"]["phase"] == "Succeeded";
        let compared = status["sync"]["revision"] == head.as_str() && status["sync"]["status"] == "Synced";
        quiet && done && compared && status["health"]["status"] == "Healthy"
    };
    scene.cluster.until(&scene.application, "the Application is Synced and Healthy at the newest commit", condition).await.map(drop)
}

/// Waits for a condition of that type and gives its message.
async fn wait_condition(scene: &Scene, kind: &str) -> Result<String, CommandError> {
    let message = |application: &Value| {
        let conditions = application["status"]["conditions"].as_array()?;
        conditions.iter().find(|condition| condition["type"] == kind)?["message"].as_str().map(str::to_owned)
    };
    scene.cluster.until(&scene.application, &format!("a condition {kind}"), |application| message(application).is_some()).await?;
    Ok(message(&scene.cluster.get(&scene.application).await?).unwrap_or_default())
}

fn application_reference() -> Reference {
    Reference { api_version: "argoproj.io/v1alpha1".into(), kind: "Application".into(), namespace: "argocd".into(), name: "demo".into() }
}

/// The Application exactly as the course's user writes it for Argo CD.
fn application(url: &str, namespace: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "demo", "namespace": "argocd"},
        "spec": {
            "project": "default",
            "source": {"repoURL": url, "targetRevision": "HEAD", "path": OVERLAY},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace},
            "syncPolicy": {"automated": {"prune": true, "selfHeal": true}},
        },
    })
}

/// The overlay's objects, rendered from the work tree.
fn render(repository: &Repository) -> Result<Vec<Value>, CommandError> {
    let files = fiel_renderer::Disk::new(repository.work());
    let build = fiel_renderer::build(&files, OVERLAY, &fiel_renderer::Options::default()).map_err(CommandError::failed)?;
    Ok(build.resources().iter().map(fiel_renderer::Resource::to_json).collect())
}

/// `fiel edit set image`, run as the CD workflow runs it.
fn set_image(repository: &Repository, version: &str) -> Result<(), CommandError> {
    let image = format!("goserver=user/gitopsfc:{version}");
    let output = std::process::Command::new(std::env::current_exe()?)
        .current_dir(repository.work().join("k8s"))
        .args(["edit", "set", "image", &image])
        .output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure(output.status.success(), &format!("fiel edit set image {image}: {}", stderr.trim()))
}

/// The kustomization with one more entry at the end of its `resources`.
fn with_resource(kustomization: &str, resource: &str) -> Result<String, CommandError> {
    let mut lines: Vec<String> = kustomization.lines().map(str::to_owned).collect();
    let at = lines.iter().position(|line| line.trim_end() == "resources:");
    let at = at.ok_or_else(|| CommandError::failed(format!("{KUSTOMIZATION} has no block of resources")))?;
    let indent = lines.get(at + 1).map_or(0, |line| line.len() - line.trim_start().len());
    lines.insert(at + 1, format!("{}- {resource}", " ".repeat(indent)));
    Ok(lines.join("\n") + "\n")
}

/// The kustomization without that entry.
fn without_resource(kustomization: &str, resource: &str) -> String {
    let entry = format!("- {resource}");
    kustomization.lines().filter(|line| line.trim() != entry).map(|line| format!("{line}\n")).collect()
}

fn available(deployment: &Value) -> bool {
    let (wanted, status) = (deployment["spec"]["replicas"].as_u64().unwrap_or(1), &deployment["status"]);
    status["availableReplicas"].as_u64() == Some(wanted) && status["observedGeneration"] == deployment["metadata"]["generation"]
}

/// The page's first heading, or its first line.
fn headline(page: &str) -> String {
    let heading = page.split_once("<h1").and_then(|(_, rest)| rest.split_once('>')).and_then(|(_, rest)| rest.split_once("</h1>"));
    let text = heading.map_or_else(|| page.lines().next().unwrap_or_default(), |(heading, _)| heading);
    text.trim().to_owned()
}

fn short(version: &str) -> &str {
    version.get(..7).unwrap_or(version)
}

fn ensure(holds: bool, what: &str) -> Result<(), CommandError> {
    if holds { Ok(()) } else { Err(CommandError::failed(format!("this did not hold: {what}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_added_and_taken_out_again() {
        let before = "kind: Kustomization\nresources:\n  - ../../k8s\nimages: []\n";
        let with = with_resource(before, "extra.yaml").expect("there is a block of resources");
        assert_eq!(with, "kind: Kustomization\nresources:\n  - extra.yaml\n  - ../../k8s\nimages: []\n");
        assert_eq!(without_resource(&with, "extra.yaml"), before);
    }

    #[test]
    fn the_headline_is_the_first_heading() {
        assert_eq!(headline("<html><h1 class=\"x\">Hello</h1></html>"), "Hello");
        assert_eq!(headline("plain\ntext"), "plain");
    }
}
