//! `cargo xtask install`: builds the command line `fiel` and puts it where programs are found.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use crate::{elf, process};

const NAME: &str = "fiel";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder for it; by default where cargo puts programs (`$CARGO_HOME/bin`, `~/.cargo/bin`)
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// The cargo profile: `dist` is the quickest and takes minutes to build
    #[arg(long, default_value = "dist", value_name = "NAME")]
    profile: String,
}

pub(crate) fn run(sh: &Shell, args: &Args) -> Result<ExitCode> {
    let folder = match &args.to {
        Some(folder) => folder.clone(),
        None => cargos(|name| std::env::var_os(name).map(PathBuf::from)).context("neither CARGO_HOME nor HOME is set; say --to DIR")?,
    };
    let built = process::build_command_line(sh, &args.profile)?;
    let installed = put(&built, &folder)?;
    println!("installed {} ({:.1} MB)", installed.display(), fs::metadata(&installed)?.len() as f64 / 1e6);
    let path = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&path).any(|listed| listed.join(NAME).canonicalize().is_ok_and(|found| found == installed)) {
        println!("its folder is not in PATH: add it, or call the program by its whole path");
    }
    Ok(ExitCode::SUCCESS)
}

/// Where cargo puts the programs that it installs.
fn cargos(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let home = variable("CARGO_HOME").or_else(|| Some(variable("HOME")?.join(".cargo")))?;
    Some(home.join("bin"))
}

/// Copies a program into a folder, which is made if need be. Whoever runs the one that was there keeps it; it is never there by half.
fn put(program: &Path, folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let folder = &folder.canonicalize()?;
    let mut beside = tempfile::NamedTempFile::new_in(folder).with_context(|| format!("cannot write to {}", folder.display()))?;
    io::copy(&mut File::open(program)?, &mut beside)?;
    beside.as_file().set_permissions(Permissions::from_mode(0o755))?;
    let place = folder.join(NAME);
    beside.persist(&place).with_context(|| format!("cannot replace {}", place.display()))?;
    Ok(place)
}

/// The step of `cargo xtask ci`: what is installed works under both of its names. Built with the optimised program's dependencies, not with the profile
/// `dist`, which takes minutes: how it is linked is the same.
pub(crate) fn ci(sh: &Shell) -> Result<()> {
    let home = tempfile::tempdir()?;
    let fiel = put(&process::build_command_line(sh, "release")?, home.path())?;
    let kustomize = home.path().join("kustomize");
    std::os::unix::fs::symlink(&fiel, &kustomize)?;
    for overlay in ["overlays/dev", "overlays/prod"] {
        let ours = cmd!(sh, "{fiel} build {overlay}").read()?;
        ensure!(!ours.is_empty() && cmd!(sh, "{kustomize} build {overlay}").read()? == ours, "{overlay} differs under the name kustomize");
    }
    ensure!(cmd!(sh, "{kustomize} version").read()?.starts_with('v'), "under the name kustomize it tells its version otherwise");
    if cfg!(target_os = "linux") {
        let header = fs::read(&fiel)?;
        ensure!(elf::is_at_fixed_address(&header), "the command line is not linked to a fixed address");
        ensure!(!elf::asks_for_interpreter(&header), "the command line is not static");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_where_cargo_installs() {
        let set = |names: &'static [(&str, &str)]| {
            move |name: &str| names.iter().find(|(set, _)| *set == name).map(|(_, value)| PathBuf::from(value))
        };
        assert_eq!(cargos(set(&[("HOME", "/h"), ("CARGO_HOME", "/c")])), Some("/c/bin".into()));
        assert_eq!(cargos(set(&[("HOME", "/h")])), Some("/h/.cargo/bin".into()));
        assert_eq!(cargos(set(&[])), None);
    }

    #[test]
    fn replaces_what_was_there_and_leaves_nothing_beside_it() {
        let home = tempfile::tempdir().unwrap();
        let (program, folder) = (home.path().join("built"), home.path().join("a/bin"));
        for content in ["one", "two"] {
            fs::write(&program, content).unwrap();
            let place = put(&program, &folder).unwrap();
            assert_eq!(fs::read_to_string(&place).unwrap(), content);
            assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o755);
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }
}
