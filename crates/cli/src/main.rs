//! The binary `fiel`: kustomize's and Argo CD's job in one small program. Each verb is one file under `commands`.

/// Trees of small texts are what everything here is made of: glibc's own takes a third longer for them. Without huge pages, which would be most of a small
/// process.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod commands;
mod error;

use std::process::ExitCode;

fn main() -> ExitCode {
    match commands::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}
