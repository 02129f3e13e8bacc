//! Patches.

use super::file::File;
use super::{Edited, failed};
use crate::error::Result;
use crate::yaml::{Map, Value};

/// A patch as the command line describes it; what is empty is not given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PatchArgs {
    /// The patch's file.
    pub path: String,
    /// The patch itself, instead of a file.
    pub patch: String,
    /// The fields of its target, by name.
    pub target: Vec<(&'static str, String)>,
}

impl PatchArgs {
    fn value(&self) -> Result<Value> {
        if !self.path.is_empty() && !self.patch.is_empty() {
            return Err(failed("patch and path can't be set at the same time"));
        }
        let mut map = Map::new();
        let mut target = Map::new();
        for (name, text) in self.target.iter().filter(|(_, text)| !text.is_empty()) {
            target.insert(name, Value::string(text.as_str()));
        }
        for (name, text) in [("path", &self.path), ("patch", &self.patch)] {
            if !text.is_empty() {
                map.insert(name, Value::string(text.as_str()));
            }
        }
        if !target.is_empty() {
            map.insert("target", Value::map(target));
        }
        Ok(Value::map(map))
    }

    fn name(&self) -> &str {
        if self.path.is_empty() { &self.patch } else { &self.path }
    }
}

/// Adds a patch.
///
/// # Errors
/// When it is given neither as a file nor as text, or as both.
pub fn add_patch(file: &mut File, patch: &PatchArgs) -> Result<Edited> {
    let value = patch.value()?;
    if patch.name().is_empty() {
        return Err(failed("must provide either patch or path"));
    }
    let list = file.list_mut("patches");
    if list.contains(&value) {
        return Ok(Edited::unchanged(format!("patch {} already in kustomization file", patch.name())));
    }
    list.push(value);
    Ok(Edited::changed())
}

/// Takes a patch out; all that is said of it must be the same.
///
/// # Errors
/// When it is given both as a file and as text.
pub fn remove_patch(file: &mut File, patch: &PatchArgs) -> Result<Edited> {
    let value = patch.value()?;
    let list = file.list_mut("patches");
    let before = list.len();
    list.retain(|item| *item != value);
    if list.len() == before {
        return Ok(Edited::unchanged(format!("patch {} doesn't exist in kustomization file", patch.name())));
    }
    Ok(Edited::changed())
}
