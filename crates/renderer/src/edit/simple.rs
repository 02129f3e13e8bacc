//! Fields of one value, replicas and build metadata.

use std::collections::BTreeMap;

use super::file::File;
use super::{Edited, failed};
use crate::error::Result;
use crate::yaml::{Map, Value};

/// A field that holds one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextField {
    /// `namePrefix`.
    NamePrefix,
    /// `nameSuffix`.
    NameSuffix,
    /// `namespace`.
    Namespace,
}

impl TextField {
    fn name(self) -> &'static str {
        match self {
            Self::NamePrefix => "namePrefix",
            Self::NameSuffix => "nameSuffix",
            Self::Namespace => "namespace",
        }
    }
}

/// Sets a text; an empty one takes the field out.
pub fn set_text(file: &mut File, field: TextField, value: &str) {
    file.set(field.name(), Value::string(value));
}

/// Sets replica counts; each argument is `NAME=COUNT`. The list is sorted by name.
///
/// # Errors
/// When an argument is not of this form.
pub fn set_replicas(file: &mut File, arguments: &[String]) -> Result<Edited> {
    if arguments.is_empty() {
        return Err(failed("no replicas specified; use NAME=COUNT"));
    }
    let mut wanted: BTreeMap<String, Value> = BTreeMap::new();
    for argument in arguments {
        let replica = argument.split_once('=').and_then(|(name, count)| Some((name, count.parse::<i64>().ok()?)));
        let (name, count) = replica.ok_or_else(|| failed(format!("invalid format of replica {argument}, use NAME=COUNT")))?;
        let mut map = Map::new();
        map.insert("name", Value::string(name));
        map.insert("count", Value::int(count));
        wanted.insert(name.to_owned(), Value::map(map));
    }
    let list = file.list_mut("replicas");
    for item in list.drain(..) {
        let name = item.get("name").and_then(Value::text).unwrap_or_default().to_owned();
        wanted.entry(name).or_insert(item);
    }
    list.extend(wanted.into_values());
    Ok(Edited::changed())
}

const OPTIONS: [&str; 3] = ["originAnnotations", "transformerAnnotations", "managedByLabel"];

/// The options in a list with commas.
fn options(argument: &str) -> Result<Vec<&str>> {
    let options: Vec<&str> = argument.split(',').collect();
    match options.iter().find(|option| !OPTIONS.contains(option)) {
        Some(option) => Err(failed(format!("invalid buildMetadata option: {option:?}; use {}", OPTIONS.join(", ")))),
        None => Ok(options),
    }
}

/// Adds build metadata options, separated by commas.
///
/// # Errors
/// When an option is unknown or there already.
pub fn add_build_metadata(file: &mut File, argument: &str) -> Result<Edited> {
    for option in options(argument)? {
        let list = file.list_mut("buildMetadata");
        if list.iter().any(|item| item.text() == Some(option)) {
            return Err(failed(format!("buildMetadata option {option} already in kustomization file")));
        }
        list.push(Value::string(option));
    }
    Ok(Edited::changed())
}

/// Replaces the build metadata options by those given, separated by commas.
///
/// # Errors
/// When an option is unknown.
pub fn set_build_metadata(file: &mut File, argument: &str) -> Result<Edited> {
    let options = options(argument)?.into_iter().map(Value::string).collect();
    file.set("buildMetadata", Value::list(options));
    Ok(Edited::changed())
}

/// Takes build metadata options out, separated by commas.
///
/// # Errors
/// When an option is unknown.
pub fn remove_build_metadata(file: &mut File, argument: &str) -> Result<Edited> {
    let options = options(argument)?;
    file.list_mut("buildMetadata").retain(|item| !item.text().is_some_and(|text| options.contains(&text)));
    Ok(Edited::changed())
}
