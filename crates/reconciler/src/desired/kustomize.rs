//! Kustomizations, built by the renderer straight from the tree.

use fiel_renderer::{Options, Resource, build};

use super::files::Files;
use super::{Error, Rendered, SourceType};
use crate::source::Tree;

/// Builds the kustomization in the folder `path`.
pub(super) fn render(tree: &dyn Tree, path: &str) -> Result<Rendered, Error> {
    let built = build(&Files(tree), path, &Options::default()).map_err(|e| Error::Render(e.to_string()))?;
    Ok(Rendered {
        source_type: SourceType::Kustomize,
        objects: built.resources().iter().map(Resource::to_json).collect(),
        warnings: built.warnings().to_vec(),
    })
}
