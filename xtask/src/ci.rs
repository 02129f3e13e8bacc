//! `cargo xtask ci`: every check that a change must pass, in numbered and timed steps.
//!
//! Stops at the first failure. What this machine cannot check is told loudly when it is met and again at the end.

mod checks;
mod tests;
mod workflows;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::report::{Report, Tally};
use crate::{Unavailable, conformance, e2e, fuzz_kustomize, install, process, tidy};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run only this step; may be given several times
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// List the steps
    #[arg(long)]
    list: bool,
}

/// One step: its name, what it holds, and how.
struct Step {
    name: &'static str,
    about: &'static str,
    run: fn(&Shell, &mut Report) -> Result<()>,
}

const STEPS: &[Step] = &[
    Step { name: "fmt", about: "the code is formatted", run: fmt },
    Step { name: "tidy", about: "file sizes, layers, names, documents, one oldest Rust everywhere", run: tidy_up },
    Step { name: "workflows", about: ".github/workflows by a linter", run: workflows::run },
    Step { name: "flake", about: "flake.nix parses, flake.lock is whole", run: checks::flake },
    Step { name: "clippy", about: "no warning in any target", run: clippy },
    Step { name: "test", about: "all tests but those that need a container engine", run: tests::run },
    Step { name: "doc", about: "the documentation without a warning", run: doc },
    Step { name: "conformance", about: "kustomize, merges, health, diff against the recorded answers", run: corpora },
    Step { name: "fuzz", about: "random trees, built as the real kustomize builds them", run: fuzz },
    Step {
        name: "instructions",
        about: "the renderer does no more work than before, and no more than its input explains",
        run: crate::bench::ci,
    },
    Step { name: "argocd", about: "recorded scenarios of Argo CD, over the wire", run: scenarios },
    Step { name: "apiserver", about: "the scenarios on a real kube-apiserver", run: apiserver },
    Step { name: "kubectl", about: "a session of kubectl, and OpenAPI, on the sandbox and on a real kube-apiserver", run: kubectl },
    Step { name: "kube-rs", about: "kube-rs's own cluster tests on the sandbox", run: kube_rs },
    Step { name: "demo", about: "the story with its figures, then twice side by side", run: story },
    Step { name: "install", about: "the command line as it is installed, under both of its names", run: installed },
    Step { name: "course", about: "the course's commands", run: course },
    Step { name: "size", about: "the static server is at most 2.5 MB", run: checks::size },
    Step { name: "containers", about: "the images FROM scratch play the story on a container engine", run: containers },
];

pub(crate) fn run(sh: &Shell, args: &Args) -> Result<ExitCode> {
    if args.list {
        for step in STEPS {
            println!("{:12} {}", step.name, step.about);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let steps = chosen(&args.only)?;
    let start = Instant::now();
    let mut report = Report::default();
    let mut times = Vec::new();
    let failed = carry_out(&steps, sh, &mut report, &mut times);
    println!("\n== summary ({:.0} s)", start.elapsed().as_secs_f64());
    for (name, seconds) in &times {
        println!("{seconds:7.1} s  {name}");
    }
    for skipped in &report.skipped {
        println!("SKIPPED: {skipped}");
    }
    if let Some((name, error)) = &failed {
        println!("FAILED: {name}: {error:#}\n   again: cargo xtask ci --only {name}");
        // A failed step that counted no failed test still fails the run.
        report.tally.failed = report.tally.failed.max(1);
    }
    println!("{}", report.tally);
    Ok(if failed.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The steps asked for, in their own order; all when none is named.
fn chosen(only: &[String]) -> Result<Vec<&'static Step>> {
    if let Some(unknown) = only.iter().find(|name| !STEPS.iter().any(|step| step.name == **name)) {
        let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        bail!("there is no step {unknown}; the steps are: {}", names.join(", "));
    }
    Ok(STEPS.iter().filter(|step| only.is_empty() || only.iter().any(|name| name == step.name)).collect())
}

/// Runs steps until one fails, which is given back.
fn carry_out(
    steps: &[&'static Step],
    sh: &Shell,
    report: &mut Report,
    times: &mut Vec<(&'static str, f64)>,
) -> Option<(&'static str, anyhow::Error)> {
    for (index, step) in steps.iter().enumerate() {
        println!("\n== {}/{} {}: {}", index + 1, steps.len(), step.name, step.about);
        let start = Instant::now();
        let (tally, skipped) = (report.tally, report.skipped.len());
        let outcome = (step.run)(sh, report);
        if outcome.is_ok() && report.tally == tally {
            // A step that counts nothing itself is one check, done or left out.
            let done = report.skipped.len() == skipped;
            let left_out = Tally { skipped: 1, ..Tally::default() };
            report.tally.add(if done { Tally::one(true) } else { left_out });
        }
        times.push((step.name, start.elapsed().as_secs_f64()));
        if let Err(error) = outcome {
            return Some((step.name, error));
        }
    }
    None
}

fn fmt(sh: &Shell, report: &mut Report) -> Result<()> {
    if !process::answers(sh, "cargo", &["fmt", "--version"]) {
        report.skip("fmt: this toolchain has no rustfmt");
        return Ok(());
    }
    Ok(cmd!(sh, "cargo fmt --all --check").run()?)
}

fn tidy_up(_: &Shell, _: &mut Report) -> Result<()> {
    let findings = tidy::check(&process::root())?;
    for finding in &findings {
        println!("{finding}");
    }
    ensure!(findings.is_empty(), "{} findings", findings.len());
    Ok(())
}

fn clippy(sh: &Shell, report: &mut Report) -> Result<()> {
    if !process::answers(sh, "cargo", &["clippy", "--version"]) {
        report.skip("clippy: this toolchain has none");
        return Ok(());
    }
    Ok(cmd!(sh, "cargo clippy --workspace --all-targets --locked -- -D warnings").run()?)
}

fn doc(sh: &Shell, _: &mut Report) -> Result<()> {
    Ok(cmd!(sh, "cargo doc --workspace --no-deps --locked").env("RUSTDOCFLAGS", "-D warnings").run()?)
}

fn corpora(sh: &Shell, report: &mut Report) -> Result<()> {
    let tally = conformance::ci(sh, report)?;
    counted(report, tally, "conformance")
}

fn fuzz(sh: &Shell, report: &mut Report) -> Result<()> {
    if !process::answers(sh, "kustomize", &["version"]) {
        report.skip("fuzz: there is no kustomize on the PATH");
        return Ok(());
    }
    let tally = fuzz_kustomize::ci(sh)?;
    counted(report, tally, "random trees")
}

fn scenarios(sh: &Shell, report: &mut Report) -> Result<()> {
    let Some(home) = process::conformance() else {
        report.skip("argocd: the recorded scenarios are not here (FIEL_CONFORMANCE, or shared/conformance beside the working copy)");
        return Ok(());
    };
    let corpus = home.join("argocd");
    let choice = conformance::argocd::Choice {
        corpus: &corpus,
        all: false,
        matching: "",
        pace: conformance::argocd::PACE,
        jobs: conformance::argocd::JOBS,
        messages: false,
    };
    let tally = match conformance::argocd::play(sh, &choice) {
        Err(error) if error.is::<Unavailable>() => {
            report.skip(format!("argocd: {error}"));
            return Ok(());
        }
        outcome => outcome?,
    };
    counted(report, tally, "scenarios")
}

fn apiserver(sh: &Shell, report: &mut Report) -> Result<()> {
    if let Err(error) = crate::apiserver::assets(sh) {
        report.skip(format!("apiserver: {error}"));
        return Ok(());
    }
    let tally = e2e::apiserver(sh)?;
    counted(report, tally, "scenarios on the kube-apiserver")
}

fn kubectl(sh: &Shell, report: &mut Report) -> Result<()> {
    if let Err(error) = crate::apiserver::assets(sh) {
        report.skip(format!("kubectl: {error}"));
        return Ok(());
    }
    let tally = conformance::kubectl::play(sh, "")?;
    counted(report, tally, "kubectl commands")?;
    let tally = conformance::openapi::play(sh, "")?;
    counted(report, tally, "components of OpenAPI")?;
    report.skip("events: two minutes of waiting for CronJobs to fall due, by hand: cargo xtask conformance events");
    Ok(())
}

fn kube_rs(sh: &Shell, report: &mut Report) -> Result<()> {
    let tally = match conformance::kube_rs::play(sh, "") {
        Err(error) if error.is::<Unavailable>() => {
            report.skip(format!("kube-rs: {error}"));
            return Ok(());
        }
        outcome => outcome?,
    };
    counted(report, tally, "tests of kube-rs")
}

fn story(sh: &Shell, report: &mut Report) -> Result<()> {
    let tally = e2e::story::play(sh)?;
    counted(report, tally, "demos")
}

fn installed(sh: &Shell, _: &mut Report) -> Result<()> {
    install::ci(sh)
}

fn course(sh: &Shell, report: &mut Report) -> Result<()> {
    let tally = e2e::course(sh, report, false)?;
    counted(report, tally, "blocks of the course")
}

fn containers(sh: &Shell, report: &mut Report) -> Result<()> {
    if !process::answers(sh, "docker", &["info"]) {
        report.skip("containers: no container engine answers here (`docker info`)");
        return Ok(());
    }
    let tally = e2e::containers(sh)?;
    counted(report, tally, "container tests")
}

/// Adds the counts of a step, which must have no failures.
fn counted(report: &mut Report, tally: Tally, what: &str) -> Result<()> {
    println!("{what}: {tally}");
    report.tally.add(tally);
    ensure!(tally.failed == 0, "{} {what} failed", tally.failed);
    Ok(())
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn chooses_steps_in_their_own_order() {
        let names = |only: &[&str]| {
            chosen(&only.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
                .map(|steps| steps.iter().map(|step| step.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["test", "fmt"]).unwrap(), ["fmt", "test"]);
        assert_eq!(names(&[]).unwrap().len(), STEPS.len());
        assert!(names(&["tset"]).unwrap_err().to_string().starts_with("there is no step tset; the steps are: fmt, tidy, "));
    }

    #[test]
    fn stops_at_the_first_failure() {
        const GOOD: Step =
            Step { name: "good", about: "", run: |_, report| counted(report, Tally { passed: 2, failed: 0, skipped: 1 }, "things") };
        const BAD: Step =
            Step { name: "bad", about: "", run: |_, report| counted(report, Tally { passed: 1, failed: 3, skipped: 0 }, "things") };
        let (mut report, mut times) = (Report::default(), Vec::new());
        let (name, error) = carry_out(&[&GOOD, &BAD, &GOOD], &Shell::new().unwrap(), &mut report, &mut times).unwrap();
        assert_eq!((name, error.to_string().as_str()), ("bad", "3 things failed"));
        assert_eq!(report.tally, Tally { passed: 3, failed: 3, skipped: 1 });
        assert_eq!(times.len(), 2);
    }

    #[test]
    fn a_step_without_counts_is_one_check_done_or_left_out() {
        const DONE: Step = Step { name: "done", about: "", run: |_, _| Ok(()) };
        const LEFT: Step = Step {
            name: "left",
            about: "",
            run: |_, report| {
                report.skip("left: no tool");
                Ok(())
            },
        };
        let (mut report, mut times) = (Report::default(), Vec::new());
        let failed = carry_out(&[&DONE, &LEFT], &Shell::new().unwrap(), &mut report, &mut times);
        assert!(failed.is_none());
        assert_eq!(report.tally, Tally { passed: 1, failed: 0, skipped: 1 });
    }

    #[test]
    fn a_skip_is_told_once_and_kept() {
        let mut report = Report::default();
        report.skip("a: no tool");
        report.skip("a: no tool");
        assert_eq!(report.skipped, ["a: no tool"]);
    }
}
