//! Changes to a kustomization, as `kustomize edit` makes them, and the making of new ones: `create`, `localize`.
//!
//! [`File`] is the text of a kustomization that can be changed; each verb is a function on it. Nothing here writes: the caller gets the new text.
//!
//! ```
//! use fiel_renderer::edit;
//!
//! let mut file = edit::File::parse(b"# the shop\nnamePrefix: a-\n")?;
//! edit::set_text(&mut file, edit::TextField::NamePrefix, "b-");
//! assert!(file.into_text().starts_with("# the shop\nnamePrefix: b-\n"));
//! # Ok::<(), fiel_renderer::Error>(())
//! ```

mod create;
mod file;
mod fix;
mod generator;
mod glob;
mod image;
mod label;
mod localize;
mod patch;
mod path;
mod place;
mod schema;
mod simple;
mod vars;

pub use create::{New, create};
pub use file::File;
pub use fix::fix;
pub use generator::{GeneratorKind, Source, add_generator, remove_generators, set_generator};
pub use image::{set_image, set_images};
pub use label::{MapField, add_labels, add_pairs, remove_pairs, set_pairs};

pub use localize::{Localized, localize};
pub use patch::{PatchArgs, add_patch, remove_patch};
pub use path::{PathField, add_bases, add_paths, remove_paths};
pub use place::Place;
pub use simple::{TextField, add_build_metadata, remove_build_metadata, set_build_metadata, set_replicas, set_text};
pub use vars::convert_vars;

use crate::error::{Error, ErrorKind};

/// What an edit has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// Whether the file is to be written; when nothing was to be done it stays as it is.
    pub changed: bool,
    /// Remarks for the user, one a line.
    pub notes: Vec<String>,
}

impl Edited {
    fn changed() -> Self {
        Self { changed: true, notes: Vec::new() }
    }

    fn unchanged(note: String) -> Self {
        Self { changed: false, notes: vec![note] }
    }
}

fn failed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Kustomization, message)
}
