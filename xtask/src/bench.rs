//! How fast the renderer is (whole processes against the real kustomize, and instruction counts that do not depend on what else the machine does), and
//! how fast the sandbox takes writes (against a real kube-apiserver).

mod counts;
mod inputs;
mod measure;
mod sandbox;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use xshell::Shell;

use crate::report::Report;
use crate::{Unavailable, process};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// `fiel build` against `kustomize build`: medians, ratios, peak memory, instructions; writes the table of docs/benchmarks.md
    Render(Render),
    /// Writes to the sandbox against those to a kube-apiserver with etcd; writes the table of docs/benchmarks.md
    Sandbox(Sandbox),
}

#[derive(clap::Args)]
struct Sandbox {
    /// Objects created in process
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    count: usize,
    /// Objects created over the wire
    #[arg(long, default_value_t = 5000, value_name = "N")]
    wire: usize,
    /// Write the figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(clap::Args)]
struct Render {
    /// Runs of each tool on each input; an input that takes kustomize seconds is run once
    #[arg(long, default_value_t = 11, value_name = "N")]
    runs: usize,
    /// The cargo profile of `fiel`
    #[arg(long, default_value = "dist", value_name = "NAME")]
    profile: String,
    /// Write the figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only count instructions and compare them with conformance/instructions.txt, as `cargo xtask ci` does
    #[arg(long, conflicts_with_all = ["json", "bless"])]
    check: bool,
    /// Only count instructions and write conformance/instructions.txt
    #[arg(long)]
    bless: bool,
}

pub(crate) fn run(sh: &Shell, args: &Args) -> Result<ExitCode> {
    let mut report = Report::default();
    match &args.what {
        What::Render(render) => self::render(sh, render, &mut report)?,
        What::Sandbox(args) => sandbox::make(sh, args.count, args.wire, args.json.as_deref(), &mut report)?,
    }
    for skipped in &report.skipped {
        println!("NOT MEASURED: {skipped}");
    }
    Ok(ExitCode::SUCCESS)
}

fn render(sh: &Shell, render: &Render, report: &mut Report) -> Result<()> {
    if render.check || render.bless {
        ensure!(measure::has_valgrind(sh), Unavailable("instructions are counted with valgrind, which does not answer here".to_owned()));
        let counts = counts::count(sh, report)?;
        if render.bless { counts::bless(sh, &counts)? } else { counts::compare(sh, &counts, report)? }
    } else {
        table::make(sh, render.runs, &render.profile, render.json.as_deref(), report)?;
    }
    Ok(())
}

/// The step of `cargo xtask ci`: no more instructions than before, and no more than proportional to the input.
pub(crate) fn ci(sh: &Shell, report: &mut Report) -> Result<()> {
    if !measure::has_valgrind(sh) {
        report.skip("instructions: valgrind does not answer here");
        return Ok(());
    }
    let counts = counts::count(sh, report)?;
    counts::compare(sh, &counts, report)
}

/// The folder of Argo CD's cluster-install in the corpus.
fn cluster_install(report: &mut Report) -> Option<PathBuf> {
    let folder =
        process::conformance().map(|home| home.join("kustomize/build/real.argo-cd.manifests-cluster-install/input/cluster-install"));
    let found = folder.filter(|folder| folder.is_dir());
    if found.is_none() {
        report.skip("cluster-install: the corpora are not here (FIEL_CONFORMANCE, or shared/conformance beside the working copy)");
    }
    found
}
