//! `edit fix`: deprecated fields give way to those that replace them.

use super::file::File;
use super::place::Place;
use super::{Edited, failed};
use crate::error::Result;
use crate::yaml::{Map, Value};

/// Replaces the deprecated fields `patchesJson6902`, `patchesStrategicMerge` and `commonLabels`.
///
/// # Errors
/// When a label is both in `commonLabels` and in `labels`.
pub fn fix(file: &mut File, place: &Place<'_>) -> Result<Edited> {
    let patches = file.take_list("patchesJson6902");
    file.list_mut("patches").extend(patches);
    for patch in file.take_list("patchesStrategicMerge") {
        let text = patch.text().unwrap_or_default();
        // What is not a file is the patch itself.
        let field = if place.read(text).is_ok() { "path" } else { "patch" };
        let mut map = Map::new();
        map.insert(field, Value::string(text));
        file.list_mut("patches").push(Value::map(map));
    }
    let Some(common) = file.get("commonLabels").and_then(Value::as_map).filter(|common| !common.is_empty()).cloned() else {
        return Ok(Edited::changed());
    };
    let mut pairs = file.list("labels").iter().filter_map(|label| label.get("pairs")?.as_map());
    if let Some(key) = pairs.find_map(|pairs| pairs.keys().find(|key| common.contains_key(key))) {
        return Err(failed(format!("label name '{key}' exists in both commonLabels and labels; remove one of them")));
    }
    let mut label = Map::new();
    label.insert("includeSelectors", Value::bool(true));
    label.insert("pairs", Value::map(common));
    file.list_mut("labels").push(Value::map(label));
    file.remove("commonLabels");
    Ok(Edited::changed())
}
