//! `fiel plan`: what the agent would do.

use std::io::Write as _;

use fiel_reconciler::agent::Agent;

use crate::error::CommandError;

/// Shows what the agent would do for an Application now: what is created, updated and pruned, and which fields differ. Changes nothing.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The Application
    #[arg(value_name = "APPLICATION")]
    application: String,
    #[command(flatten)]
    cluster: super::agent::Cluster,
}

/// Prints the plan.
pub(crate) fn run(args: &Args) -> Result<(), CommandError> {
    super::runtime()?.block_on(async {
        let (options, _folder) = super::agent::options(&args.cluster)?;
        let client = super::client(args.cluster.kubeconfig.as_deref()).await?;
        let preview = Agent::new(client, options).preview(&args.application).await.map_err(CommandError::failed)?;
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{} at {}: {}", args.application, preview.revision, preview.comparison.sync().name())?;
        for (kind, message) in &preview.comparison.conditions {
            writeln!(stdout, "{kind}: {message}")?;
        }
        let steps = preview.comparison.shown(preview.prune);
        stdout.write_all(if steps.is_empty() { b"nothing to do\n" } else { steps.as_bytes() })?;
        Ok(stdout.flush()?)
    })
}
