//! Reading a kustomization's files: which ones it may read, and which ones it did.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::build::LoadRestrictor;
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{FileKind, FileSystem, is_within, join};

/// Larger files are refused.
const MAX_FILE: usize = 64 << 20;

/// The names that a kustomization file may have.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// What all folders of a build share.
pub(crate) struct Session<'a> {
    pub(crate) fs: &'a dyn FileSystem,
    pub(crate) restrictor: LoadRestrictor,
    pub(crate) read_set: RefCell<BTreeSet<String>>,
    pub(crate) warnings: RefCell<Vec<String>>,
}

/// A folder that is being built, and those that led to it.
#[derive(Clone)]
pub(crate) struct Folder<'a> {
    pub(crate) session: &'a Session<'a>,
    /// The folder, links resolved.
    pub(crate) path: String,
    pub(crate) parents: Vec<String>,
}

fn failed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::File, message)
}

impl<'a> Folder<'a> {
    /// The folder at the start of a build.
    pub(crate) fn first(session: &'a Session<'a>, path: &str) -> Result<Self> {
        let clean = join("", path.trim_start_matches('/')).ok_or_else(|| failed(format!("{path} is outside of the repository")))?;
        let path = session.fs.canonical(&clean).filter(|path| session.fs.kind(path) == FileKind::Dir);
        let path = path.ok_or_else(|| failed(format!("{} is not a folder", if clean.is_empty() { "." } else { &clean })))?;
        Ok(Self { session, path, parents: Vec::new() })
    }

    /// Another folder that this one names.
    pub(crate) fn enter(&self, path: &str) -> Result<Self> {
        if is_remote(path) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("{path} looks like a remote base, which is not supported yet; copy it into the repository"),
            ));
        }
        if path.is_empty() {
            return Err(failed("the path is empty"));
        }
        let clean = join(&self.path, path).ok_or_else(|| failed(format!("{path} leads out of the repository")))?;
        let folder = match self.session.fs.canonical(&clean) {
            Some(folder) => folder,
            None => return Err(failed(format!("{path} does not exist (looked for {clean})"))),
        };
        if self.session.fs.kind(&folder) != FileKind::Dir {
            return Err(failed(format!("{path} is not a folder")));
        }
        // A folder that holds this one would be read again and again.
        if is_within(&self.path, &folder) {
            return Err(failed(format!("{path} leads back to the folder {}, which would be a cycle", show(&folder))));
        }
        if let Some(parent) = self.parents.iter().find(|parent| is_within(parent, &folder)) {
            return Err(failed(format!("cycle detected: {} is part of the build of {}", show(&folder), show(parent))));
        }
        let mut parents = self.parents.clone();
        parents.push(self.path.clone());
        Ok(Self { session: self.session, path: folder, parents })
    }

    /// A file's path, after all checks.
    pub(crate) fn locate(&self, path: &str) -> Result<String> {
        if path.starts_with("http://") || path.starts_with("https://") {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("{path} is a remote file, which is not supported yet; copy it into the repository"),
            ));
        }
        let clean = join(&self.path, path).ok_or_else(|| failed(format!("{path} leads out of the repository")))?;
        self.session.read_set.borrow_mut().insert(clean.clone());
        let real = match self.session.fs.canonical(&clean) {
            Some(real) => real,
            None => return Err(failed(format!("{path} does not exist (looked for {clean})"))),
        };
        if self.session.fs.kind(&real) == FileKind::Dir {
            return Err(failed(format!("{path} is a folder, not a file")));
        }
        if self.session.restrictor == LoadRestrictor::RootOnly && !is_within(&real, &self.path) {
            return Err(failed(format!(
                "{path} is not in or below the folder {} of its kustomization; make it part of a kustomization there, or build with --load-restrictor LoadRestrictionsNone",
                show(&self.path)
            )));
        }
        Ok(real)
    }

    /// A file's content.
    pub(crate) fn read(&self, path: &str) -> Result<Vec<u8>> {
        let real = self.locate(path)?;
        let bytes = self.session.fs.read(&real).map_err(|error| failed(format!("cannot read {path}: {error}")))?;
        if bytes.len() > MAX_FILE {
            return Err(Error::new(ErrorKind::Limit, format!("{path} is larger than 64 MiB")));
        }
        Ok(bytes)
    }

    /// The name of a file of this folder, for messages.
    pub(crate) fn name(&self, path: &str) -> String {
        join(&self.path, path).unwrap_or_else(|| path.to_owned())
    }

    /// The kustomization file: its name and content.
    pub(crate) fn kustomization(&self) -> Result<(String, Vec<u8>)> {
        let mut found = Vec::new();
        for name in NAMES {
            let path = self.name(name);
            self.session.read_set.borrow_mut().insert(path.clone());
            if self.session.fs.kind(&path) == FileKind::File {
                found.push(path);
            }
        }
        match &found[..] {
            [] => Err(failed(format!("no kustomization file in {}; looked for {}", show(&self.path), NAMES.join(", ")))),
            [path] => {
                let bytes = self.session.fs.read(path).map_err(|error| failed(format!("cannot read {path}: {error}")))?;
                Ok((path.clone(), bytes))
            }
            many => Err(failed(format!("found multiple kustomization files: {}; keep one", many.join(", ")))),
        }
    }
}

fn show(path: &str) -> &str {
    if path.is_empty() { "." } else { path }
}

fn is_remote(path: &str) -> bool {
    path.contains("://")
        || path.starts_with("git@")
        || path.starts_with("github.com/")
        || path.starts_with("gitlab.com/")
        || path.starts_with("git::")
        || (path.contains("?ref=") || path.contains("&ref=") || path.contains(".git/"))
}
