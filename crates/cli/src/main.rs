//! The binary `fiel`: kustomize's and Argo CD's job in one small program. Each verb is one file under `commands`.

mod commands;
mod error;

use std::process::ExitCode;

/// The threads of a build, and of the agent, make and free many small values: the allocator of the system lets them wait for each other.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match commands::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}
