//! `fiel edit`: changes a kustomization as kustomize's `edit` does.

use std::path::{Path, PathBuf};

use crate::error::CommandError;

/// Changes the kustomization in the current folder, comments and order kept, as `kustomize edit` does.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Sets a field of the kustomization
    #[command(subcommand)]
    Set(Set),
}

#[derive(Debug, clap::Subcommand)]
enum Set {
    /// Sets images: NAME=NEWNAME, NAME=NEWNAME:TAG, NAME=NEWNAME@DIGEST, NAME:TAG or NAME@DIGEST; `*` keeps what is there
    Image {
        /// What to set
        #[arg(required = true, value_name = "IMAGE")]
        images: Vec<String>,
    },
}

/// The names a kustomization may have, in kustomize's order.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Edits the file; one that fails changes nothing.
pub(crate) fn run(args: &Args) -> Result<(), CommandError> {
    let Verb::Set(Set::Image { images }) = &args.verb;
    let file = find()?;
    let before = std::fs::read_to_string(&file).map_err(|e| CommandError::failed(format!("{}: {e}", file.display())))?;
    let after = fiel_renderer::edit::set_image(&before, images).map_err(|e| CommandError::failed(format!("{}: {e}", file.display())))?;
    replace(&file, &after)
}

fn find() -> Result<PathBuf, CommandError> {
    let mut found = NAMES.iter().map(PathBuf::from).filter(|file| file.is_file());
    match (found.next(), found.next()) {
        (Some(file), None) => Ok(file),
        (Some(one), Some(other)) => Err(CommandError::failed(format!("found both {} and {}; keep one", one.display(), other.display()))),
        (None, _) => Err(CommandError::failed(format!("missing kustomization file; looked for {}", NAMES.join(", ")))
            .hint("run this in the folder that holds it")),
    }
}

/// Writes the whole file or nothing of it.
fn replace(file: &Path, text: &str) -> Result<(), CommandError> {
    use std::io::Write as _;
    let mut new = tempfile::NamedTempFile::new_in(".")?;
    new.write_all(text.as_bytes())?;
    new.as_file().set_permissions(std::fs::metadata(file)?.permissions())?;
    new.persist(file).map_err(|e| CommandError::failed(format!("{}: {}", file.display(), e.error)))?;
    Ok(())
}
