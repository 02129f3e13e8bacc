//! The binary `fiel`: kustomize's and Argo CD's job in one small program. Each verb is one file under `commands`.

mod commands;
mod error;

use std::process::ExitCode;

fn main() -> ExitCode {
    match commands::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}
