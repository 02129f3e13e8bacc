//! `create`: a new kustomization.

use super::failed;
use super::file::File;
use super::label::MapField;
use super::place::{NAMES, Place};
use super::simple::{TextField, set_text};
use crate::error::Result;
use crate::fs::{FileKind, join};
use crate::yaml::Value;

/// What a new kustomization holds; what is empty is not given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct New {
    /// Patterns of resources, separated by commas.
    pub resources: String,
    /// `namespace`.
    pub namespace: String,
    /// `namePrefix`.
    pub name_prefix: String,
    /// `nameSuffix`.
    pub name_suffix: String,
    /// Annotations `KEY:VALUE`, separated by commas.
    pub annotations: String,
    /// Labels `KEY:VALUE`, separated by commas.
    pub labels: String,
    /// Whether to look for resources in the folder.
    pub autodetect: bool,
    /// Whether to look in the folders below as well.
    pub recursive: bool,
}

/// The text of a new `kustomization.yaml`.
///
/// # Errors
/// When there is a kustomization already, or what is given cannot be read.
pub fn create(place: &Place<'_>, new: &New) -> Result<String> {
    if let Some(name) = NAMES.iter().find(|name| place.kind(name) != FileKind::Missing) {
        return Err(failed(format!("kustomization file already exists: {name}")));
    }
    let mut resources = Vec::new();
    if !new.resources.is_empty() {
        let patterns: Vec<String> = new.resources.split(',').map(str::to_owned).collect();
        resources = place.resources(&patterns)?;
    }
    if new.autodetect {
        let mut found = Vec::new();
        detect(place, "", new.recursive, &mut found)?;
        for path in found {
            if !resources.contains(&path) {
                resources.push(path);
            }
        }
    }
    let mut file = File::parse(b"")?;
    file.set("resources", Value::list(resources.into_iter().map(Value::string).collect()));
    for (field, text) in
        [(TextField::Namespace, &new.namespace), (TextField::NamePrefix, &new.name_prefix), (TextField::NameSuffix, &new.name_suffix)]
    {
        set_text(&mut file, field, text);
    }
    for (field, name, text) in
        [(MapField::Annotations, "commonAnnotations", &new.annotations), (MapField::Labels, "commonLabels", &new.labels)]
    {
        if !text.is_empty() {
            file.set(name, Value::map(field.pairs(text.split(','))?));
        }
    }
    Ok(file.into_text())
}

/// Finds the files that hold resources; a folder with a kustomization is one resource.
fn detect(place: &Place<'_>, below: &str, recursive: bool, found: &mut Vec<String>) -> Result<()> {
    let folder = join(place.folder, below).unwrap_or_default();
    let names = place.files.list(&folder).map_err(|error| failed(format!("cannot list {folder}: {error}")))?;
    for name in names {
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        match place.kind(&path) {
            FileKind::Dir if !recursive => {}
            FileKind::Dir if NAMES.iter().any(|name| place.kind(&format!("{path}/{name}")) != FileKind::Missing) => found.push(path),
            FileKind::Dir => detect(place, &path, recursive, found)?,
            FileKind::File if crate::read::resources(&place.read(&path)?, &path).is_ok() => found.push(path),
            FileKind::File | FileKind::Missing => {}
        }
    }
    Ok(())
}
