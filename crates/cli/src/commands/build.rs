//! `fiel build`: what kustomize's `build` prints.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::error::CommandError;

/// Prints the resources that a kustomization makes, as `kustomize build` does.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder that holds the kustomization
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Write to FILE instead of standard output; nothing is written when the build fails
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Builds and prints.
pub(crate) fn run(args: &Args) -> Result<(), CommandError> {
    let (root, path) = locate(&args.path)?;
    let files = fiel_renderer::Disk::new(&root);
    let build = fiel_renderer::build(&files, &path, &fiel_renderer::Options::default()).map_err(CommandError::failed)?;
    let mut stderr = std::io::stderr().lock();
    for warning in build.warnings() {
        writeln!(stderr, "# Warning: {warning}")?;
    }
    let text = build.to_yaml();
    match &args.output {
        Some(file) => std::fs::write(file, text).map_err(|e| CommandError::failed(format!("{}: {e}", file.display()))),
        None => {
            let mut stdout = std::io::stdout().lock();
            stdout.write_all(text.as_bytes())?;
            Ok(stdout.flush()?)
        }
    }
}

/// Splits a folder on disk into a root and a path below it. The root is the repository's top, or `/` where there is none: bases lie beside an
/// overlay (`../../k8s`), while whether a single file may be read is the renderer's own rule.
fn locate(path: &Path) -> Result<(PathBuf, String), CommandError> {
    let full = path.canonicalize().map_err(|e| CommandError::failed(format!("{}: {e}", path.display())))?;
    let root = full.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(Path::new("/")).to_owned();
    let below = full.strip_prefix(&root).unwrap_or(&full);
    let text = below.to_str().ok_or_else(|| CommandError::failed(format!("{}: the path is not UTF-8", full.display())))?;
    Ok((root, text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_does_not_exist_is_named() {
        let error = locate(Path::new("no/such/folder")).expect_err("it does not exist");
        assert!(format!("{error:?}").contains("no/such/folder"));
    }
}
