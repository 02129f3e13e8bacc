//! helm, as kustomize calls it.

use std::process::Command;

use fiel_renderer::{Argument, Failure, HelmCall, HelmSettings};

use crate::process::{Stderr, run};

/// How helm is run.
#[derive(Debug, Clone)]
pub struct Helm {
    /// The program.
    pub command: String,
    /// What the command line says to all charts.
    pub settings: HelmSettings,
}

impl Helm {
    pub(crate) fn run(&self, call: &HelmCall) -> Result<Vec<u8>, Failure> {
        if self.command.is_empty() {
            return Err(Failure::refused("helm has no name: say which program it is with --helm-command"));
        }
        let failed = |e: std::io::Error| Failure::failed(format!("cannot prepare helm: {e}"));
        let scratch = tempfile::Builder::new().prefix("fiel-helm-").tempdir().map_err(failed)?;
        let home = call.config_home.as_ref().map_or_else(|| scratch.path().join("helm"), std::path::PathBuf::from);
        let mut command = Command::new(&self.command);
        command.env("HELM_CONFIG_HOME", &home).env("HELM_CACHE_HOME", home.join(".cache")).env("HELM_DATA_HOME", home.join(".data"));
        for argument in &call.arguments {
            match argument {
                Argument::Text(text) => command.arg(text),
                Argument::File(name, content) => {
                    let file = scratch.path().join(name);
                    std::fs::write(&file, content).map_err(failed)?;
                    command.arg(file)
                }
            };
        }
        run(command, Vec::new(), Stderr::Kept, None)
    }
}
