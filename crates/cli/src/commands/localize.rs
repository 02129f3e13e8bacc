//! `fiel localize`: a copy of a kustomization that needs nothing from elsewhere, as kustomize's `localize` makes it.

use std::io::Write as _;
use std::path::Path;

use fiel_renderer::edit::{Localized, localize};
use fiel_renderer::{Disk, Memory, Options, Repository, build, build_remote, build_with};

use super::edit::Here;
use crate::error::CommandError;

/// Copies a kustomization and all that it names to a new folder, as `kustomize localize` does.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(crate) struct Args {
    /// The folder of the kustomization, or the URL of one in a repository: `https://host/org/repo//path?ref=v1`
    #[arg(default_value = ".")]
    target: String,
    /// The new folder; its parent must exist. Without it `localized-TARGET` in the current folder
    destination: Option<String>,
    /// The folder that bounds what is copied; the target itself unless said otherwise
    #[arg(long, allow_hyphen_values = true)]
    scope: Option<String>,
    /// Do not build both to see whether they are the same
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = clap::ArgAction::Set)]
    no_verify: bool,
}

/// Copies and compares.
pub(crate) fn run(args: &Args) -> Result<(), CommandError> {
    let here = Here::new()?;
    let scope = args.scope.as_deref().filter(|scope| !scope.is_empty());
    let localized = localize(&here.place(), &args.target, scope).map_err(CommandError::failed)?;
    let destination = Path::new(args.destination.as_deref().unwrap_or(&localized.name));
    write(destination, &localized)?;
    let mut stderr = std::io::stderr().lock();
    if !args.no_verify {
        verify(&here, &args.target, &localized)?;
        writeln!(stderr, "verified: {} and its copy build the same", args.target)?;
    }
    writeln!(stderr, "localized {:?} to directory {}", args.target, destination.display())?;
    Ok(())
}

/// Writes all files or none: they get their place when all of them are there.
fn write(destination: &Path, localized: &Localized) -> Result<(), CommandError> {
    let failed = |e: std::io::Error| CommandError::failed(format!("{}: {e}", destination.display()));
    if destination.symlink_metadata().is_ok() {
        return Err(CommandError::failed(format!("the localize destination {} already exists", destination.display())));
    }
    let parent = destination.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let temporary = tempfile::Builder::new().prefix(".fiel-localize-").tempdir_in(parent).map_err(failed)?;
    let new = temporary.path().join("new");
    std::fs::create_dir(&new).map_err(failed)?;
    for (path, content) in &localized.files {
        let file = new.join(path);
        std::fs::create_dir_all(file.parent().unwrap_or(&new)).map_err(failed)?;
        std::fs::write(&file, content).map_err(failed)?;
    }
    std::fs::rename(&new, destination).map_err(failed)
}

/// Builds both and compares. As with kustomize the copy stays when this fails, to be looked at.
fn verify(here: &Here, target: &str, localized: &Localized) -> Result<(), CommandError> {
    let hint = "the copy was made all the same; if the target needs flags to build, use --no-verify and compare the builds yourself";
    let failed = |error: fiel_renderer::Error| CommandError::failed(error).hint(hint);
    let (options, outside) = (Options::default(), here.place().outside);
    let before = match Repository::parse(target) {
        Ok(repository) => build_remote(&repository, &options, outside),
        Err(_) => {
            let full = Path::new(target).canonicalize()?;
            build_with(&Disk::new("/"), full.to_str().unwrap_or_default().trim_start_matches('/'), &options, outside)
        }
    };
    let before = before.map_err(failed)?;
    let files: Memory = localized.files.iter().map(|(path, content)| (path.clone(), content.clone())).collect();
    let after = build(&files, &localized.target, &Options::default()).map_err(failed)?;
    if before.to_yaml() == after.to_yaml() {
        Ok(())
    } else {
        Err(CommandError::failed(format!("{target} and its copy do not build the same")).hint(hint))
    }
}
