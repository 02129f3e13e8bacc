//! Lists of paths: resources, components, generators, transformers.

use super::file::File;
use super::glob::Pattern;
use super::place::Place;
use super::{Edited, failed};
use crate::error::Result;
use crate::fs::FileKind;
use crate::yaml::Value;

/// A field that holds paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathField {
    /// `resources`.
    Resources,
    /// `components`.
    Components,
    /// `generators`.
    Generators,
    /// `transformers`.
    Transformers,
}

impl PathField {
    fn name(self) -> &'static str {
        match self {
            Self::Resources => "resources",
            Self::Components => "components",
            Self::Generators => "generators",
            Self::Transformers => "transformers",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Resources => "resource",
            Self::Components => "component",
            Self::Generators => "generator",
            Self::Transformers => "transformer",
        }
    }
}

/// Adds the files that patterns name; those that are there already are noted. With `verify` off the arguments are added as they are.
///
/// # Errors
/// When a resource or component names nothing, or a pattern cannot be read.
pub fn add_paths(file: &mut File, place: &Place<'_>, field: PathField, patterns: &[String], verify: bool) -> Result<Edited> {
    if patterns.is_empty() {
        return Err(failed(format!("must specify a {} file", field.noun())));
    }
    let mut edited = Edited::changed();
    let paths = match field {
        _ if !verify => patterns.to_vec(),
        PathField::Resources | PathField::Components => {
            // The kustomization itself is no resource of its own, even where a pattern finds it.
            let own = place.kustomization()?;
            let mut paths = place.resources(patterns)?;
            paths.retain(|path| path != own);
            paths
        }
        PathField::Generators | PathField::Transformers => {
            let paths = place.globs(patterns, &mut edited)?;
            edited.changed = !paths.is_empty();
            paths
        }
    };
    let list = file.list_mut(field.name());
    for path in paths {
        if list.iter().any(|item| item.text() == Some(&path)) {
            edited.notes.push(format!("{} {path} already in kustomization file", field.noun()));
        } else {
            list.push(Value::string(path));
        }
    }
    Ok(edited)
}

/// Adds folders to the resources; the argument holds them separated by commas.
///
/// # Errors
/// When one does not exist or is there already.
pub fn add_bases(file: &mut File, place: &Place<'_>, argument: &str) -> Result<Edited> {
    for path in argument.split(',') {
        if place.kind(path) == FileKind::Missing {
            return Err(failed(format!("{path} does not exist")));
        }
        let list = file.list_mut("resources");
        if list.iter().any(|item| item.text() == Some(path)) {
            return Err(failed(format!("base {path} already in kustomization file")));
        }
        list.push(Value::string(path));
    }
    Ok(Edited::changed())
}

/// Takes out what patterns match in the list; the files themselves do not matter.
///
/// # Errors
/// When a pattern cannot be read.
pub fn remove_paths(file: &mut File, field: PathField, patterns: &[String]) -> Result<Edited> {
    if patterns.is_empty() {
        return Err(failed(format!("must specify a {} file", field.noun())));
    }
    let patterns = patterns.iter().map(|pattern| Pattern::parse(pattern)).collect::<Result<Vec<_>>>()?;
    let list = file.list_mut(field.name());
    let before = list.len();
    list.retain(|item| !item.text().is_some_and(|path| patterns.iter().any(|pattern| pattern.matches(path))));
    Ok(Edited { changed: list.len() < before, notes: Vec::new() })
}
