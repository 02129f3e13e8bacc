//! `cargo xtask kind up|down`: the local cluster of the course, gitopsfc, in containers.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::image::Engine;
use crate::process;

/// The cluster's name; its kubectl context is `kind-gitopsfc`.
pub(crate) const CLUSTER: &str = "gitopsfc";

/// Where the node sees the folder of repositories: an agent in the cluster reads them as files.
pub(crate) const REPOSITORIES: &str = "/srv/git";

/// Where that folder is on the host.
pub(crate) fn repositories() -> PathBuf {
    process::root().join("target/kind/git")
}

/// One node, with the folder of repositories mounted.
fn config() -> String {
    format!(
        "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nname: {CLUSTER}\nnodes:\n- role: control-plane\n  extraMounts:\n  - hostPath: {}\n    containerPath: {REPOSITORIES}\n    readOnly: true\n",
        repositories().display()
    )
}

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Make the cluster gitopsfc, or find it there, and wait until its node is ready
    Up,
    /// Delete the cluster gitopsfc
    Down,
}

pub(crate) fn run(sh: &Shell, args: &Args) -> Result<ExitCode> {
    match args.verb {
        Verb::Up => up(sh)?,
        Verb::Down => down(sh)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The name of the kubectl context that kind writes for the cluster.
pub(crate) fn context() -> String {
    format!("kind-{CLUSTER}")
}

/// Makes the cluster if it is not there, and waits for its node.
pub(crate) fn up(sh: &Shell) -> Result<()> {
    let engine = prepare(sh)?;
    process::need(sh, "kubectl", &["version", "--client"], "kind up")?;
    let _provider = engine.provider(sh);
    if exists(sh)? {
        println!("cluster {CLUSTER} is already there");
    } else {
        let folder = sh.create_temp_dir()?;
        let config = folder.path().join("kind.yaml");
        sh.create_dir(repositories())?;
        sh.write_file(&config, self::config())?;
        cmd!(sh, "kind create cluster --name {CLUSTER} --config {config} --wait 180s").run().context("kind could not make the cluster")?;
    }
    let context = context();
    cmd!(sh, "kubectl --context {context} wait --for=condition=Ready node --all --timeout=180s").run()?;
    println!("kubectl --context {context} get nodes");
    Ok(())
}

fn down(sh: &Shell) -> Result<()> {
    let engine = prepare(sh)?;
    let _provider = engine.provider(sh);
    cmd!(sh, "kind delete cluster --name {CLUSTER}").run()?;
    Ok(())
}

/// The container engine and kind must both be there: one clear line says what is not.
pub(crate) fn prepare(sh: &Shell) -> Result<Engine> {
    let engine = Engine::find(sh, None, "kind")?;
    process::need(sh, "kind", &["version"], "the local cluster")?;
    Ok(engine)
}

/// Whether the cluster is there.
fn exists(sh: &Shell) -> Result<bool> {
    let clusters = cmd!(sh, "kind get clusters").quiet().read()?;
    Ok(clusters.lines().any(|line| line.trim() == CLUSTER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Unavailable;
    use crate::image::tests::Fakes;

    #[test]
    fn up_makes_the_cluster_once() {
        let fakes = Fakes::new(&["docker", "kind", "kubectl"]);
        up(&fakes.shell()).unwrap();
        let calls = fakes.calls();
        let made = calls.iter().find(|call| call.starts_with("kind create")).unwrap();
        assert!(made.starts_with("kind create cluster --name gitopsfc --config ") && made.ends_with("--wait 180s"), "{made}");
        assert_eq!(calls.last().unwrap(), "kubectl --context kind-gitopsfc wait --for=condition=Ready node --all --timeout=180s");

        let fakes = Fakes::new(&["docker", "kind", "kubectl"]);
        fakes.answer("kind", "gitopsfc");
        up(&fakes.shell()).unwrap();
        assert!(!fakes.calls().iter().any(|call| call.starts_with("kind create")), "made a second time");
    }

    #[test]
    fn down_deletes_it_with_podman_too() {
        let fakes = Fakes::new(&["podman", "kind"]);
        down(&fakes.shell()).unwrap();
        assert_eq!(fakes.calls().last().unwrap(), "kind delete cluster --name gitopsfc");
    }

    #[test]
    fn says_in_one_line_what_is_missing() {
        let error = up(&Fakes::new(&[]).shell()).unwrap_err();
        assert!(error.is::<Unavailable>());
        assert_eq!(error.to_string(), "kind needs a container engine: neither `docker info` nor `podman info` answers here");
        let error = up(&Fakes::new(&["docker"]).shell()).unwrap_err();
        assert_eq!(error.to_string(), "the local cluster needs kind, and `kind version` does not answer here");
    }
}
