//! The project's tasks, one file each: `cargo xtask --help`.
//!
//! Compiles in seconds (clap, serde_json, xshell and nothing of the product), because a new user waits for it.
//! Exit codes: 0 all well; 1 something failed; 2 a tool that the task needs is not on this machine.

mod apiserver;
mod bench;
mod ci;
mod conformance;
mod demo;
mod doorway;
mod e2e;
mod fuzz_kustomize;
mod image;
mod kind;
mod process;
mod report;
mod snapshots;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xshell::Shell;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "The tasks of project fiel", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Every check that a change must pass, in numbered, timed steps
    Ci(ci::Args),
    /// Plays the whole story on this machine: a commit changes what runs
    Demo(demo::Args),
    /// Builds the container images with docker or podman; `image load` brings them into kind
    Image(image::Args),
    /// The local cluster gitopsfc (context kind-gitopsfc): up or down
    Kind(kind::Args),
    /// The end-to-end story on the sandbox, on a real kube-apiserver, on kind, in containers
    E2e(e2e::Args),
    /// Compares the insta snapshots; `--accept` takes the new ones
    Snapshots(snapshots::Args),
    /// Compares with what the real tools answered: kustomize, kubernetes, health, diff, argocd
    Conformance(conformance::Args),
    /// Random trees through the real kustomize and `fiel build`, which must answer the same
    FuzzKustomize(fuzz_kustomize::Args),
    /// How fast the renderer is, against the real kustomize and against itself
    Bench(bench::Args),
    /// The rules of the house that no compiler checks: file sizes, names, layers, documents
    Tidy,
}

/// What a task says when this machine lacks a tool that it cannot do without: one line, exit code 2.
#[derive(Debug)]
pub(crate) struct Unavailable(pub(crate) String);

impl std::fmt::Display for Unavailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unavailable {}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(if error.is::<Unavailable>() { 2 } else { 1 })
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let sh = Shell::new()?;
    sh.change_dir(process::root());
    match cli.task {
        Task::Ci(args) => ci::run(&sh, &args),
        Task::Demo(args) => demo::run(&sh, &args),
        Task::Image(args) => image::run(&sh, &args),
        Task::Kind(args) => kind::run(&sh, &args),
        Task::E2e(args) => e2e::run(&sh, &args),
        Task::Snapshots(args) => snapshots::run(&sh, &args),
        Task::Conformance(args) => conformance::run(&sh, &args),
        Task::FuzzKustomize(args) => fuzz_kustomize::run(&sh, &args),
        Task::Bench(args) => bench::run(&sh, &args),
        Task::Tidy => tidy::run(&process::root()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
