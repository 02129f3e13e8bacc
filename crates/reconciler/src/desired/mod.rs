//! Desired state: what a source renders to at a commit.
//!
//! A path that holds a kustomization is built by the renderer, any other is a plain directory of manifests. What was
//! looked at is recorded, so that a commit that touches none of it costs nothing ([`Cache`]).

mod cache;
mod directory;
mod files;
mod glob;
mod kustomize;
mod request;

use serde_json::Value;

pub use cache::Cache;
pub use files::Files;
pub use request::{Directory, Request, SourceType};

use crate::source;
use crate::source::{EntryKind, Tree};

/// What a source renders to.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// How it was rendered.
    pub source_type: SourceType,
    /// The objects, in the order of the source; nothing is added to them yet.
    pub objects: Vec<Value>,
    /// What the user should know although it could be rendered.
    pub warnings: Vec<String>,
}

/// Why there is no desired state.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The Application asks for something that is wrong, whatever the repository holds.
    #[error("{0}")]
    Spec(String),
    /// The repository or the revision could not be had.
    #[error(transparent)]
    Source(#[from] source::Error),
    /// The files cannot be rendered. The message names file and line where there is one.
    #[error("{0}")]
    Render(String),
}

/// Renders the files of a commit.
pub fn render(tree: &dyn Tree, request: &Request) -> Result<Rendered, Error> {
    let path = request.path.as_str();
    match tree.entry(path)? {
        None => return Err(Error::Render(format!("{path}: app path does not exist"))),
        Some(entry) if entry.kind != EntryKind::Directory => return Err(Error::Render(format!("{path}: app path is not a directory"))),
        Some(_) => {}
    }
    for overrides in [".argocd-source.yaml".to_owned(), format!(".argocd-source-{}.yaml", request.application)] {
        if tree.entry(&join(path, &overrides))?.is_some() {
            return Err(Error::Render(format!("{}: parameter override files are not supported yet", join(path, &overrides))));
        }
    }
    match source_type(tree, request)? {
        SourceType::Kustomize => kustomize::render(tree, path),
        SourceType::Directory => directory::render(tree, path, &request.directory),
    }
}

/// The type that is asked for, or that the files show.
fn source_type(tree: &dyn Tree, request: &Request) -> Result<SourceType, Error> {
    if let Some(given) = request.source_type {
        return Ok(given);
    }
    for name in ["kustomization.yaml", "kustomization.yml", "Kustomization"] {
        if tree.entry(&join(&request.path, name))?.is_some_and(|e| e.kind == EntryKind::File) {
            return Ok(SourceType::Kustomize);
        }
    }
    if tree.entry(&join(&request.path, "Chart.yaml"))?.is_some() {
        return Err(Error::Render(format!("{}: Helm charts are not supported yet", join(&request.path, "Chart.yaml"))));
    }
    Ok(SourceType::Directory)
}

/// `folder/name`, or `name` in the root.
fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() || folder == "." { name.to_owned() } else { format!("{folder}/{name}") }
}
