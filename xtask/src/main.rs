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
mod elf;
mod fuzz_kubernetes;
mod fuzz_kustomize;
mod image;
mod install;
mod kind;
mod often;
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
    /// Builds the command line `fiel` and puts it where programs are found
    Install(install::Args),
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
    /// Random sessions of requests to a real kube-apiserver and to the sandbox, which must answer the same
    FuzzKubernetes(fuzz_kubernetes::Args),
    /// How fast the renderer is, against the real kustomize and against itself
    Bench(bench::Args),
    /// Which functions every small build runs, for the linker to put side by side: writes crates/cli/often.ld
    Often,
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
    #[cfg(unix)]
    begin_without_cargos_variables();
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(if error.is::<Unavailable>() { 2 } else { 1 })
        }
    }
}

/// Begins anew without the variables by which `cargo run` tells a program of its own package.
///
/// Build scripts run again where those differ from the last time, ring's among them: whatever uses TLS would be compiled by each task, and once more by the
/// next `cargo test`.
#[cfg(unix)]
fn begin_without_cargos_variables() {
    use std::os::unix::process::CommandExt as _;

    let names: Vec<_> = std::env::vars_os().map(|(name, _)| name).filter(|name| is_of_package(&name.to_string_lossy())).collect();
    let Ok(program) = std::env::current_exe() else { return };
    if names.is_empty() {
        return;
    }
    let mut again = std::process::Command::new(program);
    again.args(std::env::args_os().skip(1));
    for name in names {
        again.env_remove(name);
    }
    // It only comes back when it fails. Then the task is slower, and that is all.
    drop(again.exec());
}

/// Whether a variable tells of the package that `cargo run` runs.
#[cfg(unix)]
fn is_of_package(name: &str) -> bool {
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let sh = Shell::new()?;
    sh.change_dir(process::root());
    match cli.task {
        Task::Ci(args) => ci::run(&sh, &args),
        Task::Demo(args) => demo::run(&sh, &args),
        Task::Install(args) => install::run(&sh, &args),
        Task::Image(args) => image::run(&sh, &args),
        Task::Kind(args) => kind::run(&sh, &args),
        Task::E2e(args) => e2e::run(&sh, &args),
        Task::Snapshots(args) => snapshots::run(&sh, &args),
        Task::Conformance(args) => conformance::run(&sh, &args),
        Task::FuzzKustomize(args) => fuzz_kustomize::run(&sh, &args),
        Task::FuzzKubernetes(args) => fuzz_kubernetes::run(&sh, &args),
        Task::Bench(args) => bench::run(&sh, &args),
        Task::Often => often::run(&sh),
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

    #[test]
    #[cfg(unix)]
    fn only_what_tells_of_the_package_goes() {
        let names = ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO", "CARGO_HOME", "CARGO_TERM_COLOR", "CARGO_INCREMENTAL", "PATH"];
        assert_eq!(names.map(super::is_of_package), [true, true, false, false, false, false, false]);
    }
}
