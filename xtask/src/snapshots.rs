//! `cargo xtask snapshots`: compares the insta snapshots with what is rendered now, or takes the new ones.

use std::process::{Command, ExitCode};

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::process;
use crate::report::Tally;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write what is rendered now into the snapshots, to be read with git diff
    #[arg(long)]
    accept: bool,
}

/// The test binaries that hold snapshots of what a user sees.
const TESTS: [&str; 4] = ["--package", "fiel-e2e", "--test", "overlays"];

pub(crate) fn run(sh: &Shell, args: &Args) -> Result<ExitCode> {
    let (status, output) = process::tee(command(sh, args.accept), |_| true)?;
    println!("{}", Tally::of_cargo(&output));
    if args.accept {
        println!("look at the new snapshots with: git diff -- '*.snap'");
    }
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn command(sh: &Shell, accept: bool) -> Command {
    // `always` writes the snapshot and passes; `no` leaves every file as it is.
    let update = if accept { "always" } else { "no" };
    cmd!(sh, "cargo test {TESTS...}").env("INSTA_UPDATE", update).env("INSTA_FORCE_PASS", if accept { "1" } else { "0" }).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_only_when_asked() {
        let sh = Shell::new().unwrap();
        for (accept, want) in [(false, "no"), (true, "always")] {
            let command = command(&sh, accept);
            let update = command.get_envs().find(|(name, _)| *name == "INSTA_UPDATE").and_then(|(_, value)| value).unwrap();
            assert_eq!(update, want);
        }
    }
}
