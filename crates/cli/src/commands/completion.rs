//! `fiel completion`: what shells need to complete the command line.

use std::io::Write as _;

use clap_complete::Shell;

use crate::error::CommandError;

/// Prints a script that makes a shell complete this command line.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

/// Prints the script for a program of that name.
pub(crate) fn run(args: &Args, mut command: clap::Command) -> Result<(), CommandError> {
    let (name, mut script) = (command.get_name().to_owned(), Vec::new());
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    Ok(std::io::stdout().lock().write_all(&script)?)
}
