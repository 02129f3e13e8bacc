//! The folder that holds the kustomization.

use super::glob::{at, expand};
use super::{Edited, failed};
use crate::error::{Error, Result};
use crate::fs::{FileKind, FileSystem};
use crate::load::is_url;
use crate::outside::Outside;
use crate::repository::Repository;

/// The names that a kustomization may have, in the order in which they are looked for.
pub(super) const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// The folder of the kustomization that is edited.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// Its files and those around it.
    pub files: &'a dyn FileSystem,
    /// The folder, from the root of the files.
    pub folder: &'a str,
    /// Where repositories come from.
    pub outside: &'a dyn Outside,
}

impl Place<'_> {
    /// The name of the kustomization file in this folder.
    ///
    /// # Errors
    /// When there is none, or more than one, or it is not a file.
    pub fn kustomization(&self) -> Result<&'static str> {
        let found: Vec<&'static str> = NAMES.into_iter().filter(|name| self.kind(name) != FileKind::Missing).collect();
        match found[..] {
            [] => Err(failed(format!("missing kustomization file; looked for {} in this folder; `create` makes one", NAMES.join(", ")))),
            [name] if self.kind(name) == FileKind::Dir => Err(failed(format!("{name} should be a file, it is a folder"))),
            [name] => Ok(name),
            _ => Err(failed(format!("found multiple kustomization files: {}; keep one", found.join(", ")))),
        }
    }

    /// What stands at a path.
    pub(super) fn kind(&self, path: &str) -> FileKind {
        at(self.folder, path).filter(|_| !path.is_empty()).map_or(FileKind::Missing, |path| self.files.kind(&path))
    }

    /// A file's content.
    pub(super) fn read(&self, path: &str) -> Result<Vec<u8>> {
        let name = at(self.folder, path).ok_or_else(|| failed(format!("{path} leads out of the root")))?;
        self.files.read(&name).map_err(|error| Error::new(crate::ErrorKind::File, format!("cannot read {path}: {error}")))
    }

    /// The files that patterns name; for one that names none there is a note.
    pub(super) fn globs(&self, patterns: &[String], edited: &mut Edited) -> Result<Vec<String>> {
        let mut out = Vec::new();
        for pattern in patterns {
            let found = expand(self.files, self.folder, pattern)?;
            if found.is_empty() {
                edited.notes.push(format!("{pattern} has no match"));
            }
            out.extend(found);
        }
        Ok(out)
    }

    /// The files, folders and repositories that patterns name; each must name something.
    pub(super) fn resources(&self, patterns: &[String]) -> Result<Vec<String>> {
        let mut out = Vec::new();
        for pattern in patterns {
            let found = expand(self.files, self.folder, pattern)?;
            if !found.is_empty() {
                out.extend(found);
                continue;
            }
            let repository = Repository::parse(pattern).map_err(|_| {
                // kustomize looks at no file by URL either.
                let why = if is_url(pattern) {
                    "it is a URL, but not that of a repository"
                } else {
                    "there is no such file, folder or pattern here"
                };
                failed(format!("{pattern} has no match: {why} (--no-verify adds it anyway)"))
            })?;
            self.outside.repository(&repository).map_err(|error| failed(format!("{pattern} has no match: {error}")))?;
            out.push(pattern.clone());
        }
        Ok(out)
    }
}
