//! `cargo xtask conformance events`: what controllers tell in events, ours and those of the real kube-controller-manager.
//!
//! The session is `crates/e2e/events/session`. Each of both runs beside a kube-apiserver of its own; there is no node, and the session says of the Pods
//! what one would.

use std::process::Command;

use anyhow::Result;
use xshell::Shell;

use super::session::{self, Stage};
use crate::apiserver::ApiServer;
use crate::process::{self, Guarded};
use crate::report::Tally;

/// How many seconds something may take: what is due at full minutes comes two times.
const PATIENCE: u32 = 150;

/// Plays the session with both; of all commands, or of those whose text contains `matching`, differences are printed.
pub(crate) fn play(sh: &Shell, matching: &str) -> Result<Tally> {
    let [real, ours] = [ApiServer::start(sh)?, ApiServer::start(sh)?];
    let programs = process::programs(sh, &["--package", "fiel-sandbox", "--example", "controllers"], &["controllers"])?;
    let home = tempfile::tempdir()?;
    let _manager = real.controller_manager()?;
    let mut beside = Command::new(&programs[0]);
    beside.arg("--without-node").env("KUBECONFIG", ours.kubeconfig());
    let _beside = Guarded::spawn(beside, &home.path().join("controllers.log"))?;
    let stage = |name, server: &ApiServer| Stage {
        name,
        kubeconfig: server.kubeconfig(),
        assets: server.assets().to_owned(),
        home: home.path().join(format!("{name}-home")),
        patience: PATIENCE,
    };
    session::compare("events", [stage("kubernetes", &real), stage("fiel", &ours)], matching)
}
