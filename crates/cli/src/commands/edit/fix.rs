//! `fiel edit fix`.

use std::io::Write as _;
use std::path::Path;

use fiel_renderer::{Build, Error, Options, build_with, edit};

use super::{Here, read, replace};
use crate::error::CommandError;

/// Replaces deprecated fields, and says whether the build is still the same
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Turn vars into replacements as well, which rewrites the files that name them
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = clap::ArgAction::Set)]
    vars: bool,
    /// kustomize ignores arguments here, and so does this
    #[arg(hide = true)]
    ignored: Vec<String>,
}

/// What kustomize says.
const FIXED: &str = "
Fixed fields:
  patchesJson6902 -> patches
  patchesStrategicMerge -> patches
  commonLabels -> labels
";

const HINT: &str = "
To convert vars -> replacements, run the command `kustomize edit fix --vars`

WARNING: Converting vars to replacements will potentially overwrite many resource files 
and the resulting files may not produce the same output when `kustomize build` is run. 
We recommend doing this in a clean git repository where the change is easy to undo.
";

pub(super) fn run(args: &Args) -> Result<(), CommandError> {
    let here = Here::new()?;
    let place = here.place();
    let name = place.kustomization().map_err(CommandError::failed)?;
    let before = built(&here);
    let mut file = read(name)?;
    edit::fix(&mut file, &place).map_err(|e| CommandError::failed(e.in_file(name)))?;
    if args.vars {
        for (path, content) in edit::convert_vars(&mut file, &place).map_err(CommandError::failed)? {
            replace(Path::new(&path), &content)?;
        }
    }
    replace(Path::new(name), file.into_text().as_bytes())?;
    let mut stdout = std::io::stdout().lock();
    write!(stdout, "{FIXED}{}", if args.vars { "  vars -> replacements\n" } else { HINT })?;
    match (before, built(&here)) {
        (_, Err(error)) => {
            writeln!(stdout, "Warning: 'Fixed' kustomization now produces the error when running `kustomize build`: {error}")?;
        }
        (Ok(before), Ok(after)) if before != after => {
            write!(
                stdout,
                "Warning: 'Fixed' kustomization now produces different output when running `kustomize build`:\n...{after}...\n"
            )?;
        }
        _ => {}
    }
    Ok(())
}

/// What the kustomization builds. Warnings are said by `build`, not here.
fn built(here: &Here) -> Result<String, Error> {
    build_with(&here.files, &here.folder, &Options::default(), &here.outside).map(|build: Build| build.to_yaml())
}
