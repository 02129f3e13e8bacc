//! The story on kind: images, manifests and Application brought in as the course's user would, the repository mounted
//! into the node, so that nothing outside this machine is asked.

use std::path::Path;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::image::{self, Engine, What};
use crate::report::Tally;
use crate::{kind, process};

/// The second version that is delivered.
const SECOND: &str = "user/gitopsfc:second";
/// Where the Application puts the course's server, and its name there.
const NAMESPACE: &str = "gitopsfc-dev";

/// Makes the cluster, builds both images and plays.
pub(super) fn run(sh: &Shell) -> Result<Tally> {
    let engine = kind::prepare(sh)?;
    kind::up(sh)?;
    for what in [What::Server, What::Fiel] {
        image::local(sh, engine, what, &what.tag())?;
    }
    let fiel = process::programs(sh, &["--package", "fiel-cli"], &["fiel"])?.remove(0);
    let work = repository(sh)?;
    play(sh, engine, &fiel, &work)
}

/// Plays the story with images that are there: each step is one check.
fn play(sh: &Shell, engine: Engine, fiel: &Path, work: &Path) -> Result<Tally> {
    let (first, program) = (What::Server.tag(), engine.program());
    cmd!(sh, "{program} tag {first} {SECOND}").run()?;
    image::load(sh, Some(engine), &[first, SECOND.to_owned(), What::Fiel.tag()])?;
    let context = kind::context();
    let kubectl = ["--context", &context];
    cmd!(sh, "kubectl {kubectl...} apply --server-side --kustomize deploy").run()?;
    // A folder of the node in a Pod is more than the namespace allows by itself.
    cmd!(sh, "kubectl {kubectl...} label namespace argocd pod-security.kubernetes.io/enforce=privileged --overwrite").run()?;
    let mount = mount();
    cmd!(sh, "kubectl {kubectl...} --namespace argocd patch deployment fiel-agent --patch {mount}").run()?;
    cmd!(sh, "kubectl {kubectl...} --namespace argocd rollout status deployment fiel-agent --timeout=180s").run()?;

    let mut tally = Tally::default();
    let mut holds = |what: &str, held: bool| {
        println!("{} {what}", if held { "ok  " } else { "FAIL" });
        tally.add(Tally::one(held));
    };
    let application = application(&sh.read_file("deploy/argocd-application.yaml")?);
    cmd!(sh, "kubectl {kubectl...} apply --filename -").stdin(application).run()?;
    let synced = |wanted: &str| {
        let wanted = format!("--for=jsonpath={wanted}");
        cmd!(sh, "kubectl {kubectl...} --namespace argocd wait application --all {wanted} --timeout=300s").run().is_ok()
    };
    holds("the Application is synced", synced("{.status.sync.status}=Synced"));
    holds("the Application is healthy", synced("{.status.health.status}=Healthy"));

    let deployed = |wanted: &str| {
        let wanted = format!("--for=jsonpath={wanted}");
        cmd!(sh, "kubectl {kubectl...} --namespace {NAMESPACE} wait deployment --all {wanted} --timeout=180s").run().is_ok()
    };
    deliver(sh, fiel, work)?;
    holds("a commit changes what runs", deployed(&format!("{{.spec.template.spec.containers[0].image}}={SECOND}")));
    cmd!(sh, "kubectl {kubectl...} --namespace {NAMESPACE} scale deployment --all --replicas=0").run()?;
    holds("a change by hand is undone", deployed("{.spec.replicas}=1"));
    Ok(tally)
}

/// A bare copy of this repository where the node sees it, and a working copy of that.
fn repository(sh: &Shell) -> Result<std::path::PathBuf> {
    let folder = kind::repositories();
    sh.create_dir(&folder)?;
    let (bare, work) = (folder.join("gitopsfc.git"), folder.join("work"));
    sh.remove_path(&bare)?;
    sh.remove_path(&work)?;
    cmd!(sh, "git clone --quiet --bare . {bare}").run()?;
    cmd!(sh, "git --git-dir {bare} branch --force main HEAD").run()?;
    cmd!(sh, "git clone --quiet --branch main {bare} {work}").run()?;
    Ok(work)
}

/// Delivers the second version as CD does: the tag by `edit set image`, commit, push.
fn deliver(sh: &Shell, fiel: &Path, work: &Path) -> Result<()> {
    let _base = sh.push_dir(work.join("k8s"));
    let image = format!("goserver={SECOND}");
    cmd!(sh, "{fiel} edit set image {image}").run()?;
    cmd!(sh, "git -c user.name=cd -c user.email=cd@example.com commit --quiet --all --message second").run()?;
    cmd!(sh, "git push --quiet").run()?;
    Ok(())
}

/// The Application of the course with the repository in the node's folder.
fn application(text: &str) -> String {
    let ours = format!("repoURL: file://{}/gitopsfc.git", kind::REPOSITORIES);
    let swap = |line: &str| match line.split_once("repoURL:") {
        Some((indent, _)) => format!("{indent}{ours}\n"),
        None => format!("{line}\n"),
    };
    text.lines().map(swap).collect()
}

/// The patch that mounts the node's folder of repositories into the agent.
fn mount() -> String {
    let path = kind::REPOSITORIES;
    serde_json::json!({"spec": {"template": {"spec": {
        "volumes": [{"name": "host", "hostPath": {"path": path, "type": "Directory"}}],
        "containers": [{"name": "agent", "volumeMounts": [{"name": "host", "mountPath": path, "readOnly": true}]}],
    }}}})
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::Fakes;

    #[test]
    fn plays_up_to_the_calls_of_the_tools() {
        let fakes = Fakes::new(&["docker", "kind", "kubectl", "git", "fiel"]);
        let sh = fakes.shell();
        // The fake git clones nothing: the working copy is made here.
        let work = tempfile::tempdir().unwrap();
        sh.create_dir(work.path().join("k8s")).unwrap();
        let tally = play(&sh, Engine::Docker, Path::new("fiel"), work.path()).unwrap();
        assert_eq!(tally, Tally { passed: 4, failed: 0, skipped: 0 });
        let calls = fakes.calls();
        let at = |start: &str| {
            let found = calls.iter().position(|call| call.starts_with(start));
            found.unwrap_or_else(|| panic!("no {start} in {calls:#?}"))
        };
        let order = [
            at("docker tag user/gitopsfc:latest user/gitopsfc:second"),
            at("kind load docker-image --name gitopsfc user/gitopsfc:latest user/gitopsfc:second fiel:latest"),
            at("kubectl --context kind-gitopsfc apply --server-side --kustomize deploy"),
            at("kubectl --context kind-gitopsfc --namespace argocd patch deployment fiel-agent --patch {"),
            at("kubectl --context kind-gitopsfc --namespace argocd rollout status deployment fiel-agent"),
            at("kubectl --context kind-gitopsfc apply --filename -"),
            at("kubectl --context kind-gitopsfc --namespace argocd wait application --all --for=jsonpath={.status.health.status}=Healthy"),
            at("fiel edit set image goserver=user/gitopsfc:second"),
            at("git push --quiet"),
            at(
                "kubectl --context kind-gitopsfc --namespace gitopsfc-dev wait deployment --all --for=jsonpath={.spec.template.spec.containers[0].image}=user/gitopsfc:second",
            ),
            at("kubectl --context kind-gitopsfc --namespace gitopsfc-dev scale deployment --all --replicas=0"),
            at("kubectl --context kind-gitopsfc --namespace gitopsfc-dev wait deployment --all --for=jsonpath={.spec.replicas}=1"),
        ];
        assert!(order.is_sorted(), "{calls:#?}");
    }

    #[test]
    fn the_application_reads_the_mounted_repository() {
        let text = "spec:\n  source:\n    repoURL: https://host/x.git\n    path: overlays/dev\n";
        assert_eq!(application(text), "spec:\n  source:\n    repoURL: file:///srv/git/gitopsfc.git\n    path: overlays/dev\n");
        assert!(mount().contains(r#""mountPath":"/srv/git""#));
    }
}
