//! Builds that reach outside, against repositories, servers and programs of this machine.
#![allow(clippy::unwrap_used, reason = "tests")]

mod git;
mod http;
mod programs;

use std::path::Path;

use fiel_outside::World;
use fiel_renderer::{Build, Disk, Error, Options, build_with};

const CONFIG: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n";

fn write(folder: &Path, path: &str, text: &str) {
    let file = folder.join(path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

/// Writes a program.
fn script(folder: &Path, path: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    write(folder, path, text);
    std::fs::set_permissions(folder.join(path), std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Builds a kustomization of that text.
fn build(world: &World, folder: &Path, text: &str) -> Result<Build, Error> {
    write(folder, "kustomization.yaml", text);
    build_with(&Disk::new(folder), "", &Options::default(), world)
}
