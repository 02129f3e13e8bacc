//! `cargo xtask conformance kubectl`: one session of kubectl commands, played on the sandbox and on a real kube-apiserver.
//!
//! The session is `crates/e2e/kubectl/session`.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use xshell::Shell;

use super::session::{self, Stage};
use crate::apiserver::ApiServer;
use crate::process::{self, Guarded};
use crate::report::Tally;

/// Plays the session on both; of all commands, or of those whose text contains `matching`, differences are printed.
pub(crate) fn play(sh: &Shell, matching: &str) -> Result<Tally> {
    let server = ApiServer::start(sh)?;
    let programs = process::programs(
        sh,
        &["--package", "fiel-cli", "--bin", "fiel", "--package", "fiel-sandbox", "--example", "controllers"],
        &["fiel", "controllers"],
    )?;
    let [fiel, controllers] = programs.as_slice() else { anyhow::bail!("two programs were asked for") };
    let home = tempfile::tempdir()?;

    // The same controllers on both: what differs is the API.
    let mut beside = Command::new(controllers);
    beside.env("KUBECONFIG", server.kubeconfig());
    let _beside = Guarded::spawn(beside, &home.path().join("controllers.log"))?;
    let mut sandbox = Command::new(fiel);
    sandbox.arg("sandbox").arg("--kubeconfig").arg(home.path().join("sandbox"));
    let _sandbox = Guarded::spawn(sandbox, &home.path().join("sandbox.log"))?;
    process::wait_for("the sandbox", Duration::from_secs(20), || Ok(home.path().join("sandbox").is_file()))?;

    let stage = |name, kubeconfig| Stage {
        name,
        kubeconfig,
        assets: server.assets().to_owned(),
        home: home.path().join(format!("{name}-home")),
        patience: 30,
    };
    session::compare("kubectl", [stage("apiserver", server.kubeconfig()), stage("sandbox", home.path().join("sandbox"))], matching)
}
