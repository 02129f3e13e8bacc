//! `cargo xtask fuzz-kubernetes --seeds A..B`: random sessions of requests, answered by a real kube-apiserver and by the sandbox, which must answer the same.
//!
//! The sessions are made, played and compared by the example `fuzz` of `crates/sandbox`; here is the server beside it. A session that is answered
//! differently is made small and printed. The seeds of a range always give the same sessions.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};
use xshell::Shell;

use crate::apiserver::ApiServer;
use crate::process;
use crate::report::Tally;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The seeds to try: A..B, without B
    #[arg(long, default_value = "0..100")]
    seeds: String,
    /// Where the small sessions that differ are kept, as files that crates/sandbox/tests/recorded can take in
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// How often a session that differs is played while it is made small
    #[arg(long, value_name = "N")]
    tries: Option<usize>,
}

pub(crate) fn run(sh: &Shell, args: &Args) -> Result<ExitCode> {
    let tally = play(sh, args)?;
    println!("{tally}");
    Ok(if tally.failed == 0 && tally.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn play(sh: &Shell, args: &Args) -> Result<Tally> {
    // First the server: where there is none, nothing needs to be built.
    let server = ApiServer::start(sh)?;
    let programs = process::programs(sh, &["--package", "fiel-sandbox", "--example", "fuzz"], &["fuzz"])?;
    let mut fuzz = Command::new(&programs[0]);
    fuzz.arg(&args.seeds).env("KUBECONFIG", server.kubeconfig());
    if let Some(tries) = args.tries {
        fuzz.arg("--tries").arg(tries.to_string());
    }
    if let Some(keep) = &args.keep {
        fuzz.arg("--keep").arg(std::path::absolute(keep)?);
    }
    let (_, output) = process::tee(fuzz, |_| true)?;
    Tally::of_runner(&output).context("it did not come to its end")
}
