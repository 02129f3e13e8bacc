//! `fiel agent`: the reconciler, wired top to bottom.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fiel_reconciler::agent::{Agent, AgentOptions};
use fiel_reconciler::source::{Git, GitOptions, install_crypto};

use crate::error::CommandError;

/// Makes the cluster follow Git, for ever: looks after the Applications of a namespace, as Argo CD's controller does.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) cluster: Cluster,
    /// How many Applications are worked on at a time
    #[arg(long, value_name = "N", default_value_t = 20)]
    concurrency: usize,
    /// End when standard input closes
    #[arg(long, hide = true)]
    until_stdin_closes: bool,
}

/// Which cluster, which Applications, and how Git is asked.
#[derive(Debug, clap::Args)]
pub(super) struct Cluster {
    /// The kubeconfig [default: as kubectl finds it, or the Pod's service account]
    #[arg(long, value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// The namespace whose Applications are looked after
    #[arg(long, value_name = "NAME", default_value = "argocd")]
    pub(super) namespace: String,
    /// Where fetched Git objects are kept [default: a folder that goes with the process]
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// How often a repository over http(s) is asked whether it moved, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    poll: u64,
}

/// The agent's options, and the folder that must outlive it.
pub(super) fn options(cluster: &Cluster) -> Result<(AgentOptions, Option<tempfile::TempDir>), CommandError> {
    install_crypto();
    let (folder, temporary) = match &cluster.cache {
        Some(folder) => (folder.clone(), None),
        None => {
            let temporary = tempfile::Builder::new().prefix("fiel-").tempdir()?;
            (temporary.path().to_owned(), Some(temporary))
        }
    };
    let git = GitOptions { http_interval: Duration::from_secs(cluster.poll), ..GitOptions::new(folder) };
    let mut options = AgentOptions::new(Arc::new(Git::new(git)));
    options.namespace.clone_from(&cluster.namespace);
    Ok((options, temporary))
}

/// Works until it is told to end.
pub(crate) fn run(args: &Args) -> Result<(), CommandError> {
    super::log("info");
    super::runtime()?.block_on(async {
        let (mut options, _folder) = options(&args.cluster)?;
        options.concurrency = args.concurrency;
        let client = super::client(args.cluster.kubeconfig.as_deref()).await?;
        Agent::new(client, options).run(super::shutdown(args.until_stdin_closes)).await;
        Ok(())
    })
}
