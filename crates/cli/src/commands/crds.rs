//! `fiel crds`: the resources that a cluster must know before the agent runs.

use std::io::Write as _;

use crate::error::CommandError;

/// Prints the CustomResourceDefinitions that the agent needs (the same kinds as Argo CD's), for `kubectl apply --server-side -f -`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Prints them.
pub(crate) fn run(_: &Args) -> Result<(), CommandError> {
    let mut stdout = std::io::stdout().lock();
    for crd in fiel_reconciler::application::crds() {
        let text = serde_yaml::to_string(&crd).map_err(CommandError::failed)?;
        write!(stdout, "---\n{text}")?;
    }
    Ok(stdout.flush()?)
}
