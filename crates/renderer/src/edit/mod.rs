//! Changes to the text of a kustomization, as `kustomize edit` makes them: pure functions from text to text.

mod file;
mod image;

pub use image::set_image;
