//! Labels and annotations.

use super::file::{File, map};
use super::{Edited, failed};
use crate::error::Result;
use crate::labels;
use crate::yaml::{Map, Value};

/// A field that holds labels or annotations for all resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapField {
    /// `commonLabels`.
    Labels,
    /// `commonAnnotations`.
    Annotations,
}

impl MapField {
    fn name(self) -> &'static str {
        match self {
            Self::Labels => "commonLabels",
            Self::Annotations => "commonAnnotations",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Labels => "label",
            Self::Annotations => "annotation",
        }
    }

    /// Reads arguments `KEY:VALUE`, the value maybe in double quotes, or `KEY` alone for an empty value.
    pub(super) fn pairs<S: AsRef<str>>(self, arguments: impl IntoIterator<Item = S>) -> Result<Map> {
        let mut pairs = Map::new();
        for argument in arguments {
            let argument = argument.as_ref();
            let (key, value) = argument.split_once(':').unwrap_or((argument, ""));
            if key.is_empty() && !argument.is_empty() {
                return Err(failed(format!("invalid {}: '{argument}' (need KEY:VALUE where the value may be quoted)", self.noun())));
            }
            let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
            pairs.insert(key, Value::string(bare));
        }
        Ok(pairs)
    }

    fn wanted(self, arguments: &[String]) -> Result<Map> {
        if arguments.is_empty() {
            return Err(failed(format!("must specify {}: KEY:VALUE", self.noun())));
        }
        self.pairs(arguments)
    }
}

/// Adds labels or annotations.
///
/// # Errors
/// When an argument cannot be read, or the key is there already and `force` is not given.
pub fn add_pairs(file: &mut File, field: MapField, arguments: &[String], force: bool) -> Result<Edited> {
    let pairs = field.wanted(arguments)?;
    add(file.map_mut(field.name()), pairs, field, force)
}

fn add(into: &mut Map, pairs: Map, field: MapField, force: bool) -> Result<Edited> {
    for (key, value) in pairs.into_entries() {
        if into.contains_key(&key) && !force {
            return Err(failed(format!("{} {key} already in kustomization file. Use --force to override.", field.noun())));
        }
        into.insert(&key, value);
    }
    Ok(Edited::changed())
}

/// Adds labels that stay out of selectors, with `templates` also to the templates of Pods.
///
/// # Errors
/// As [`add_pairs`].
pub fn add_labels(file: &mut File, arguments: &[String], force: bool, templates: bool) -> Result<Edited> {
    let pairs = MapField::Labels.wanted(arguments)?;
    let on = |label: &Value, name: &str| label.get(name).is_some_and(|value| value.to_json() == true);
    let labels = file.list_mut("labels");
    let at = labels.iter().position(|label| !on(label, "includeSelectors") && on(label, "includeTemplates") == templates);
    let at = at.unwrap_or_else(|| {
        let mut label = Map::new();
        if templates {
            label.insert("includeTemplates", Value::bool(true));
        }
        labels.push(Value::map(label));
        labels.len() - 1
    });
    match labels[at].as_map_mut() {
        Some(label) => add(map(label, "pairs"), pairs, MapField::Labels, force),
        None => Ok(Edited::changed()),
    }
}

/// Sets labels or annotations.
///
/// # Errors
/// When an argument cannot be read or an annotation's key is not one.
pub fn set_pairs(file: &mut File, field: MapField, arguments: &[String]) -> Result<Edited> {
    let pairs = field.wanted(arguments)?;
    // Annotations are looked at in lower case.
    if field == MapField::Annotations
        && let Some(key) = pairs.keys().find(|key| !labels::is_key(&key.to_ascii_lowercase()))
    {
        return Err(failed(format!(
            "invalid annotation key {key:?}: letters, digits, '-', '_' and '.', up to 63, with a domain and '/' before it or not"
        )));
    }
    add(file.map_mut(field.name()), pairs, field, true)
}

/// Takes labels or annotations out; the argument holds their keys, separated by commas.
///
/// # Errors
/// When a key is missing in the file, unless `ignore` is given.
pub fn remove_pairs(file: &mut File, field: MapField, argument: &str, ignore: bool) -> Result<Edited> {
    let keys: Vec<&str> = argument.split(',').collect();
    if keys.iter().any(|key| key.is_empty()) {
        return Err(failed(format!("invalid {}: a name in {argument:?} is empty", field.noun())));
    }
    if file.get(field.name()).is_none() && !ignore {
        return Err(failed(format!("{} is not defined in kustomization file", field.name())));
    }
    let map = file.map_mut(field.name());
    for key in keys {
        if map.remove(key).is_none() && !ignore {
            return Err(failed(format!("{} {key} is not defined in kustomization file", field.noun())));
        }
    }
    Ok(Edited::changed())
}
