//! `fiel demo`: the whole story of the course on an embedded cluster, each step with its time.

mod cluster;
mod figures;
mod git;
mod page;
mod process;
mod stage;
mod story;

use std::path::PathBuf;

use crate::commands::runtime;
use crate::error::CommandError;
use stage::Stage;

/// Plays the whole story on an embedded cluster: a commit changes what runs, and nothing else does.
///
/// Makes a Git repository with the course's manifests and an Argo CD Application, starts a sandbox (a Kubernetes API on loopback, whose node runs
/// the hello server as a local process) and the agent, and then: adopts what was applied by hand, delivers version 2, undoes vandalism, survives a
/// broken commit, prunes what leaves Git, and refuses to delete everything. Needs only the program git.
///
/// Without --once it stays up and says how to look around; Ctrl-C ends it and leaves no process and no file behind. With --once the exit code is 0
/// when every step held. Any number of demos run side by side.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// End after the story instead of staying up
    #[arg(long)]
    once: bool,
    /// Write the figures to FILE: push_to_live_ms, drift_undone_ms (the worst), agent_rss_mib, idle_writes (API writes of the agent in 10 idle seconds; waits for them)
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The hello server's program, which the sandbox runs for the image user/gitopsfc
    #[arg(long, value_name = "PROGRAM")]
    server: PathBuf,
    /// The folder that holds the course's k8s/ and overlays/
    #[arg(long, value_name = "DIR", default_value = ".")]
    course: PathBuf,
    /// Where the kubeconfig and the logs live while the demo runs [default: the system's temporary folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Plays it.
pub(crate) fn run(args: &Args) -> Result<(), CommandError> {
    runtime()?.block_on(play(args))
}

async fn play(args: &Args) -> Result<(), CommandError> {
    let mut stage = Stage::open(args.dir.as_deref(), &args.server)?;
    let told = tokio::select! {
        outcome = perform(args, &mut stage) => outcome,
        () = interrupted() => Err(CommandError::failed("interrupted")),
    };
    let outcome = match told {
        Ok(()) if !args.once => {
            stage.look_around();
            interrupted().await;
            println!("\nending: no process and no file is left behind");
            Ok(())
        }
        outcome => outcome,
    };
    let kept = outcome.as_ref().err().map(|_| stage.logs());
    stage.close().await;
    match (outcome, kept) {
        (Err(error), Some(logs)) if !logs.is_empty() => Err(error.hint(format!("what the agent said last:\n{logs}"))),
        (outcome, _) => outcome,
    }
}

async fn perform(args: &Args, stage: &mut Stage) -> Result<(), CommandError> {
    let figures = story::play(stage, &args.course, args.json.is_some()).await?;
    if let Some(file) = &args.json {
        figures.write(file)?;
    }
    figures.print();
    Ok(())
}

/// Completes on Ctrl-C or a polite request to end.
async fn interrupted() {
    crate::commands::shutdown_signal().await;
}
