//! `cargo xtask demo`: builds `fiel` and the hello server and plays the whole story with them.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};
use xshell::Shell;

use crate::process;

/// What `--help` tells: the whole story.
const STORY: &str = "\
With nothing but a Rust toolchain and git, this builds everything and plays the whole story,
each step with its time:

  1. A bare Git repository in a temporary folder holds k8s/, overlays/dev, overlays/prod and an
     Argo CD Application (automated, prune, selfHeal). The manifests are first applied by hand,
     so the agent must adopt what is there.
  2. The sandbox (a Kubernetes API on loopback, TLS, kubeconfig under target/demo/) and the agent
     start, each a process of the real `fiel`. The sandbox's node runs the hello server as a local
     process for each Pod whose image it knows, and the Service answers on a loopback port: the
     demo GETs it and shows the body.
  3. Version 2 is delivered as CD does it: `edit set image`, commit, push. Shown: push → live.
  4. The cluster is vandalised: Deployment scaled, its image changed, the Service deleted.
     Shown: drift → undone.
  5. A broken kustomization is pushed: nothing is lost, the Application says what is wrong with
     file and line. The repair is pushed: it heals.
  6. A resource leaves Git: it is pruned. An empty kustomization is pushed: refused, nothing is
     deleted, and the status says why and how to allow it.
  7. Everything stays up and the demo prints how to look around; with --once it ends here.

Exit code 0, or another one if any step failed. Ctrl-C leaves no process and no file behind.
Ports are free ones: two demos run side by side.

--json FILE writes push_to_live_ms, drift_undone_ms (the worst), agent_rss_mib and idle_writes
(writes of the agent to the API in 10 idle seconds).";

#[derive(clap::Args)]
#[command(after_help = STORY)]
pub(crate) struct Args {
    /// End after the story instead of staying up
    #[arg(long)]
    once: bool,
    /// Write the figures to a file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Build optimised programs (slower to build)
    #[arg(long)]
    release: bool,
    /// More arguments for `fiel demo`, after --
    #[arg(last = true)]
    more: Vec<String>,
}

/// The two programs that the story is played with.
pub(crate) struct Programs {
    pub(crate) fiel: PathBuf,
    pub(crate) server: PathBuf,
}

/// Builds `fiel` and the hello server.
pub(crate) fn programs(sh: &Shell, release: bool) -> Result<Programs> {
    let (packages, names) = (["--package", "fiel-cli", "--package", "fiel-server"], ["fiel", "fiel-server"]);
    let built = if release {
        process::build(sh, &[&packages[..], &["--release"]].concat(), &names)
    } else {
        process::programs(sh, &packages, &names)
    };
    match <[PathBuf; 2]>::try_from(built?) {
        Ok([fiel, server]) => Ok(Programs { fiel, server }),
        Err(other) => bail!("two programs were asked for, cargo built {}", other.len()),
    }
}

/// The command that plays the story, by default in a temporary folder.
pub(crate) fn command(programs: &Programs, once: bool, folder: Option<&Path>, json: Option<&Path>, more: &[String]) -> Command {
    let mut command = Command::new(&programs.fiel);
    command.arg("demo").arg("--server").arg(&programs.server);
    if once {
        command.arg("--once");
    }
    for (flag, path) in [("--dir", folder), ("--json", json)] {
        command.args(path.into_iter().flat_map(|path| [flag.as_ref(), path.as_os_str()]));
    }
    command.args(more).current_dir(process::root());
    command
}

pub(crate) fn run(sh: &Shell, args: &Args) -> Result<ExitCode> {
    eprintln!("building fiel and the hello server (the first time takes some minutes) …");
    let programs = programs(sh, args.release)?;
    // The path is meant from where the user stands, and the story runs at the root.
    let json = args.json.as_ref().map(std::path::absolute).transpose()?;
    let folder = process::root().join("target/demo");
    // This process is replaced, so that Ctrl-C and the exit code are `fiel demo`'s own.
    let error = command(&programs, args.once, Some(&folder), json.as_deref(), &args.more).exec();
    Err(anyhow::Error::new(error).context("cannot start fiel demo"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hands_its_arguments_on() {
        let programs = Programs { fiel: "/bin/fiel".into(), server: "/bin/fiel-server".into() };
        let (folder, json) = (Path::new("/x/demo"), Path::new("/x/figures.json"));
        let command = command(&programs, true, Some(folder), Some(json), &["--verbose".to_owned()]);
        let arguments: Vec<_> = command.get_args().map(|a| a.to_string_lossy().into_owned()).collect();
        assert_eq!(
            arguments,
            ["demo", "--server", "/bin/fiel-server", "--once", "--dir", "/x/demo", "--json", "/x/figures.json", "--verbose"]
        );
    }

    #[test]
    fn the_help_tells_the_whole_story() {
        for word in
            ["adopt", "sandbox", "push → live", "drift → undone", "broken kustomization", "pruned", "refused", "--once", "idle_writes"]
        {
            assert!(STORY.contains(word), "{word} is missing");
        }
    }
}
