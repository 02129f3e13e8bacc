//! `cargo xtask e2e`: the end-to-end story on the sandbox, on kind, in containers.

mod on_kind;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::doorway::Doorway;
use crate::image::{self, Engine, What};
use crate::report::Tally;
use crate::{Unavailable, demo, process};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the story is played
    #[arg(long, value_enum, default_value = "sandbox")]
    on: Stage,
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
}

pub(crate) fn run(sh: &Shell, args: &Args) -> Result<ExitCode> {
    let tally = match args.on {
        Stage::Sandbox => sandbox(sh)?,
        Stage::Containers => containers(sh)?,
        Stage::Kind => on_kind::run(sh)?,
        Stage::Apiserver => bail!(Unavailable("the suite does not run on a real kube-apiserver yet: see COMPAT.md; use --on sandbox, kind or containers".to_owned())),
    };
    println!("{tally}");
    Ok(if tally.failed == 0 && tally.passed > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The scenarios in process, and the story once over the wire.
fn sandbox(sh: &Shell) -> Result<Tally> {
    let command = cmd!(sh, "cargo test --package fiel-e2e --test scenarios");
    let (_, output) = process::tee(command.into(), |_| true)?;
    let mut tally = Tally::of_cargo(&output);
    ensure!(tally != Tally::default(), "the scenarios did not run");
    let programs = demo::programs(sh, false)?;
    let status = demo::command(&programs, true, None, &[])
        .status()
        .context("cannot start fiel demo")?;
    tally.add(Tally::one(status.success()));
    Ok(tally)
}

/// The limits that the demo's figures must keep in CI. Times are generous: the machine may be busy, and they are told anyway.
const LIMITS: [(&str, f64); 4] = [
    ("push_to_live_ms", 5_000.0),
    ("drift_undone_ms", 2_000.0),
    ("agent_rss_mib", 40.0),
    ("idle_writes", 0.0),
];

/// How many demos run side by side after the first: the ports are free ones.
const SIDE_BY_SIDE: usize = 2;

/// The story with its figures checked, then twice side by side; none leaves a file behind.
pub(crate) fn story(sh: &Shell) -> Result<Tally> {
    let programs = demo::programs(sh, false)?;
    let folder = tempfile::tempdir()?;
    let figures = folder.path().join("figures.json");
    let start = Instant::now();
    let command = demo::command(&programs, true, Some(&figures), &[]);
    tidy_run(folder.path(), "alone", vec![command])?;
    println!("the story took {:.1} s", start.elapsed().as_secs_f64());
    let broken = check(&serde_json::from_str(&fs::read_to_string(&figures)?)?);
    ensure!(
        broken.is_empty(),
        "the demo's figures: {}",
        broken.join("; ")
    );
    let both = (0..SIDE_BY_SIDE)
        .map(|_| demo::command(&programs, true, None, &[]))
        .collect();
    tidy_run(folder.path(), "side-by-side", both)?;
    Ok(Tally {
        passed: 1 + SIDE_BY_SIDE,
        failed: 0,
        skipped: 0,
    })
}

/// Runs commands at the same time with a temporary folder of their own, which must be empty afterwards.
fn tidy_run(folder: &Path, name: &str, commands: Vec<Command>) -> Result<()> {
    let temporary = folder.join(name);
    fs::create_dir(&temporary)?;
    let alone = commands.len() == 1;
    let mut children = Vec::new();
    for (index, mut command) in commands.into_iter().enumerate() {
        command.env("TMPDIR", &temporary);
        let log = folder.join(format!("{name}-{index}.log"));
        children.push((process::Guarded::spawn(command, &log)?, log));
    }
    for (child, log) in children {
        let status = child.wait(Duration::from_secs(180));
        let failed = !matches!(&status, Ok(status) if status.success());
        if alone || failed {
            println!("{}", process::tail(&log, if failed { 200 } else { 60 }));
        }
        ensure!(status?.success(), "the demo failed ({name})");
    }
    let left: Vec<String> = fs::read_dir(&temporary)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    ensure!(
        left.is_empty(),
        "the demo left files behind: {}",
        left.join(", ")
    );
    Ok(())
}

/// The figures that are missing or beyond their limit.
fn check(figures: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    for (name, limit) in LIMITS {
        match figures[name].as_f64() {
            None => broken.push(format!("{name} is missing")),
            Some(value) if value > limit => {
                broken.push(format!("{name} is {value}, at most {limit} is allowed"));
            }
            Some(value) => println!("{name}: {value}"),
        }
    }
    broken
}

/// The images `FROM scratch` play the story together on a container engine.
pub(crate) fn containers(sh: &Shell) -> Result<Tally> {
    process::need(sh, "docker", &["info"], "e2e --on containers")?;
    let server = process::build_static(sh, "fiel-server", "dist", "fiel-server")?;
    // The optimised fiel takes many minutes to build; what the containers show does not depend on it.
    let fiel = process::build_static(sh, "fiel-cli", "dev", "fiel")?;
    // The second image holds both: the sandbox's node runs the server as a process beside it.
    let [plain, both] = ["fiel-e2e/server:latest", "fiel-e2e/fiel:latest"];
    image::pack(sh, Engine::Docker, What::Server, plain, &[&server])?;
    image::pack(sh, Engine::Docker, What::Fiel, both, &[&fiel, &server])?;
    let doorway = Doorway::open(sh)?;
    let command = cmd!(
        sh,
        "cargo test --package fiel-e2e --test containers -- --ignored --nocapture"
    )
    .env("DOCKER_HOST", doorway.host())
    .env("FIEL_E2E_SERVER", plain)
    .env("FIEL_E2E_FIEL", both);
    let (_, output) = process::tee(command.into(), |_| true)?;
    let tally = Tally::of_cargo(&output);
    ensure!(
        tally != Tally::default(),
        "the containers' test did not run"
    );
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::image::tests::Fakes;

    #[test]
    fn figures_beyond_their_limit_or_missing_are_told() {
        let good = json!({"push_to_live_ms": 412, "drift_undone_ms": 80.5, "agent_rss_mib": 31.2, "idle_writes": 0});
        assert_eq!(check(&good), [""; 0]);
        let bad = json!({"push_to_live_ms": 9000, "drift_undone_ms": 80, "idle_writes": 1});
        assert_eq!(
            check(&bad),
            [
                "push_to_live_ms is 9000, at most 5000 is allowed",
                "agent_rss_mib is missing",
                "idle_writes is 1, at most 0 is allowed"
            ]
        );
    }

    #[test]
    fn a_demo_that_fails_or_leaves_files_behind_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        };
        tidy_run(folder.path(), "good", vec![shell("true"), shell("true")]).unwrap();
        let error = tidy_run(
            folder.path(),
            "failing",
            vec![shell("true"), shell("exit 3")],
        )
        .unwrap_err();
        assert_eq!(error.to_string(), "the demo failed (failing)");
        let error = tidy_run(
            folder.path(),
            "messy",
            vec![shell("touch \"$TMPDIR/left\"")],
        )
        .unwrap_err();
        assert_eq!(error.to_string(), "the demo left files behind: left");
    }

    #[test]
    fn without_an_engine_containers_and_kind_are_unavailable() {
        let fakes = Fakes::new(&["kind", "kubectl"]);
        for error in [
            containers(&fakes.shell()).unwrap_err(),
            on_kind::run(&fakes.shell()).unwrap_err(),
        ] {
            assert!(error.is::<Unavailable>(), "{error:#}");
        }
    }
}
