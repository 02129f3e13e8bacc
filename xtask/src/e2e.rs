//! `cargo xtask e2e`: the end-to-end story on the sandbox, on a real kube-apiserver, on kind, in containers.

mod course;
mod on_kind;
pub(crate) mod story;

use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use crate::apiserver::ApiServer;
use crate::doorway::Doorway;
use crate::image::{self, Engine, What};
use crate::report::{Report, Tally};
use crate::{demo, process};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the story is played
    #[arg(long, value_enum, default_value = "sandbox")]
    on: Stage,
    /// course: also its blocks for a kind cluster
    #[arg(long)]
    kind: bool,
}

/// A cluster to play the story on.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Stage {
    /// In process with injected time, then over the wire
    Sandbox,
    /// The local cluster gitopsfc in containers
    Kind,
    /// Sandbox and agent images `FROM scratch` on a container engine
    Containers,
    /// A real kube-apiserver and etcd
    Apiserver,
    /// The commands of docs/pt-BR/curso.md, as far as this machine can run them
    Course,
}

pub(crate) fn run(sh: &Shell, args: &Args) -> Result<ExitCode> {
    let tally = match args.on {
        Stage::Sandbox => sandbox(sh)?,
        Stage::Containers => containers(sh)?,
        Stage::Kind => on_kind::run(sh)?,
        Stage::Course => course(sh, &mut Report::default(), args.kind)?,
        Stage::Apiserver => apiserver(sh)?,
    };
    println!("{tally}");
    Ok(if tally.failed == 0 && tally.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The commands of the course.
pub(crate) fn course(sh: &Shell, report: &mut Report, kind: bool) -> Result<Tally> {
    course::run(sh, report, kind)
}

/// The scenarios in process, and the story once over the wire.
fn sandbox(sh: &Shell) -> Result<Tally> {
    let whose = process::tests_of(sh, "fiel-e2e");
    let command = cmd!(sh, "cargo test {whose...} --test scenarios");
    let (_, output) = process::tee(command.into(), |_| true)?;
    let mut tally = Tally::of_cargo(&output);
    ensure!(tally != Tally::default(), "the scenarios did not run");
    let programs = demo::programs(sh, false)?;
    let status = demo::command(&programs, true, None, None, &[]).status().context("cannot start fiel demo")?;
    tally.add(Tally::one(status.success()));
    Ok(tally)
}

/// The same scenarios on a real kube-apiserver, our controllers beside it. Time is real there: one after the other.
pub(crate) fn apiserver(sh: &Shell) -> Result<Tally> {
    let server = ApiServer::start(sh)?;
    let whose = process::tests_of(sh, "fiel-e2e");
    let command =
        cmd!(sh, "cargo test {whose...} --test scenarios -- --test-threads 1 --nocapture").env("FIEL_E2E_KUBECONFIG", server.kubeconfig());
    let (_, output) = process::tee(command.into(), |_| true)?;
    let tally = Tally::of_cargo(&output);
    ensure!(tally != Tally::default(), "the scenarios did not run");
    Ok(tally)
}

/// The images `FROM scratch` play the story together on a container engine.
pub(crate) fn containers(sh: &Shell) -> Result<Tally> {
    process::need(sh, "docker", &["info"], "e2e --on containers")?;
    let server = process::build_static(sh, "fiel-server", "dist", "fiel-server")?;
    let fiel = process::build_static(sh, "fiel-cli", "release", "fiel")?;
    // The second image holds both: the sandbox's node runs the server as a process beside it.
    let [plain, both] = ["fiel-e2e/server:latest", "fiel-e2e/fiel:latest"];
    image::pack(sh, Engine::Docker, What::Server, plain, &[&server])?;
    image::pack(sh, Engine::Docker, What::Fiel, both, &[&fiel, &server])?;
    let folder = sh.create_temp_dir()?;
    let kinds = folder.path().join("crds.yaml");
    sh.write_file(&kinds, cmd!(sh, "{fiel} crds").quiet().read()?)?;
    let doorway = Doorway::open(sh)?;
    let whose = process::tests_of(sh, "fiel-e2e");
    let command = cmd!(sh, "cargo test {whose...} --test containers -- --ignored --nocapture")
        .env("DOCKER_HOST", doorway.host())
        .env("FIEL_E2E_CRDS", &kinds)
        .env("FIEL_E2E_SERVER", plain)
        .env("FIEL_E2E_FIEL", both);
    let (_, output) = process::tee(command.into(), |_| true)?;
    let tally = Tally::of_cargo(&output);
    ensure!(tally != Tally::default(), "the containers' test did not run");
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Unavailable;
    use crate::image::tests::Fakes;

    #[test]
    fn without_an_engine_containers_and_kind_are_unavailable() {
        let fakes = Fakes::new(&["kind", "kubectl"]);
        for error in [containers(&fakes.shell()).unwrap_err(), on_kind::run(&fakes.shell()).unwrap_err()] {
            assert!(error.is::<Unavailable>(), "{error:#}");
        }
    }
}
