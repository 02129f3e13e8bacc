//! A tree as the renderer's file system.

use std::io;

use fiel_renderer::{FileKind, FileSystem};

use crate::source::{EntryKind, Tree};

/// Lets the renderer read a tree.
pub struct Files<'a>(pub &'a dyn Tree);

impl FileSystem for Files<'_> {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.0.read(path).map_err(io::Error::other)
    }

    fn kind(&self, path: &str) -> FileKind {
        match self.0.entry(path) {
            Ok(Some(entry)) if entry.kind == EntryKind::Directory => FileKind::Dir,
            Ok(Some(_)) => FileKind::File,
            // A link that leads out of the repository is as good as nothing, and noted as an error when it is read.
            Ok(None) | Err(_) => FileKind::Missing,
        }
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.0.list(dir).map_err(io::Error::other)
    }

    fn canonical(&self, path: &str) -> Option<String> {
        self.0.canonical(path).ok().flatten()
    }
}
