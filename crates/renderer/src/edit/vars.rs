//! `edit fix --vars`: variables become replacements, and what named them in the files becomes a placeholder.

use std::collections::BTreeMap;

use super::failed;
use super::file::{File, fields, push};
use super::glob::clean;
use super::place::{NAMES, Place};
use crate::error::Result;
use crate::fs::{FileKind, join};
use crate::yaml::{Map, Node, Value, parse_all};

/// Kustomizations that lead to others deeper than this are taken for a cycle.
const MAX_DEPTH: usize = 32;

/// A file that may name variables; of a patch also the patch's entry.
struct Touched {
    path: String,
    patch: Option<Value>,
}

/// Converts all variables. Gives the new content of the files that named them, by path from the folder.
///
/// # Errors
/// When a variable stands in the middle of a text between different characters, where no replacement could find it, or a file that names one is
/// not YAML.
pub fn convert_vars(file: &mut File, place: &Place<'_>) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut changed = BTreeMap::new();
    if file.get("vars").is_none() {
        return Ok(changed);
    }
    let mut touched = Vec::new();
    gather(place, file.list("resources"), file.list("patches"), "", 0, &mut touched)?;
    let mut contents: BTreeMap<String, String> = BTreeMap::new();
    for file in &touched {
        if let Some(text) = place.read(&file.path).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
            contents.insert(file.path.clone(), text);
        }
    }
    for var in file.take_list("vars") {
        let name = var.get("name").and_then(Value::text).unwrap_or_default();
        let written = format!("$({name})");
        let mut replacement = Map::new();
        replacement.insert("source", source(&var));
        for file in &touched {
            let Some(text) = contents.get(&file.path) else { continue };
            for target in targets(file, text, &written).map_err(|error| error.in_file(&file.path))? {
                push(&mut replacement, "targets", target);
            }
        }
        for (path, text) in &mut contents {
            if text.contains(&written) {
                *text = text.replace(&written, &format!("{name}_PLACEHOLDER"));
                changed.insert(path.clone(), text.clone().into_bytes());
            }
        }
        file.list_mut("replacements").push(Value::map(replacement));
    }
    Ok(changed)
}

/// The files of a kustomization and of those it leads to.
fn gather(place: &Place<'_>, resources: &[Value], patches: &[Value], folder: &str, depth: usize, out: &mut Vec<Touched>) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(failed(format!("the kustomizations around {folder} lead to each other")));
    }
    for resource in resources.iter().filter_map(Value::text) {
        // kustomize looks for folders from where it runs, also for those that a base names.
        if place.kind(resource) == FileKind::Dir {
            for name in NAMES {
                let Ok(bytes) = place.read(&format!("{resource}/{name}")) else { continue };
                let sub = fields(&bytes).map_err(|error| error.in_file(&format!("{resource}/{name}")))?;
                let list = |name: &str| sub.get(name).and_then(Value::as_list).unwrap_or_default();
                gather(place, list("resources"), list("patches"), resource, depth + 1, out)?;
            }
        }
        out.push(Touched { path: clean(&format!("{folder}/{resource}")).trim_start_matches('/').to_owned(), patch: None });
    }
    for patch in patches {
        if let Some(path) = patch.get("path").and_then(Value::text) {
            let path = join(folder, path).unwrap_or_else(|| clean(path));
            out.push(Touched { path, patch: Some(patch.clone()) });
        }
    }
    Ok(())
}

fn source(var: &Value) -> Value {
    let mut source = Map::new();
    if let Some(reference) = var.get("objref") {
        let (group, version) = group_version(reference.get("apiVersion").and_then(Value::text).unwrap_or_default());
        for (name, text) in [("group", group), ("version", version)] {
            source.insert(name, Value::string(text));
        }
        for name in ["kind", "name", "namespace"] {
            source.insert(name, reference.get(name).cloned().unwrap_or_default());
        }
    }
    if let Some(path) = var.get("fieldref").and_then(|reference| reference.get("fieldPath")) {
        source.insert("fieldPath", path.clone());
    }
    Value::map(source)
}

fn group_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// The places of a file where a variable stands.
fn targets(file: &Touched, text: &str, written: &str) -> Result<Vec<Value>> {
    let mut out = Vec::new();
    // A file that cannot be read as YAML keeps nobody from editing, unless it names the variable: its places would be lost.
    if !text.contains(written) {
        return Ok(out);
    }
    let docs = parse_all(text.as_bytes(), &file.path)
        .map_err(|error| error.because(format!("{} cannot be read to convert the variable {written}", file.path)))?;
    for node in docs.into_iter().flat_map(unfold) {
        let mut found = Vec::new();
        find(&node, written, &mut Vec::new(), &mut found)?;
        for (path, options) in found {
            let mut target = Map::new();
            target.insert("select", Value::map(select(file.patch.as_ref(), &node)));
            target.insert("fieldPaths", Value::list(vec![Value::string(path)]));
            if let Some(options) = options {
                target.insert("options", options);
            }
            out.push(Value::map(target));
        }
    }
    Ok(out)
}

fn unfold(mut node: Value) -> Vec<Value> {
    let is_list = matches!(node.get("kind").and_then(Value::text), Some("List" | "ResourceList"));
    match node.get_mut("items").map(std::mem::take) {
        Some(Value { node: Node::List(items), .. }) if is_list => items,
        Some(items) => {
            if let Some(map) = node.as_map_mut() {
                map.insert("items", items);
            }
            vec![node]
        }
        None => vec![node],
    }
}

/// What selects the resource that a node is, or that a patch is for.
fn select(patch: Option<&Value>, node: &Value) -> Map {
    let metadata = |name: &str| node.get("metadata").and_then(|metadata| metadata.get(name)).and_then(Value::text).unwrap_or_default();
    let kind = node.get("kind").and_then(Value::text).unwrap_or_default();
    let allows = |name: &str| {
        let options = patch.and_then(|patch| patch.get("options"));
        options.and_then(|options| options.get(name)).is_some_and(|value| value.to_json() == true)
    };
    let mut select = Map::new();
    let mut set = |name: &str, text: &str| select.insert(name, Value::string(text));
    // A patch may be for several resources, of other names than its own, unless it may change both name and kind.
    match patch {
        Some(patch) if !(allows("allowNameChange") && allows("allowKindChange")) => {
            if let Some(target) = patch.get("target").and_then(Value::as_map) {
                for (name, value) in target.iter() {
                    set(name, value.text().unwrap_or_default());
                }
            }
            if allows("allowNameChange") {
                set("name", metadata("name"));
            }
            if allows("allowKindChange") {
                set("kind", kind);
            }
            if !metadata("namespace").is_empty() {
                set("namespace", metadata("namespace"));
            }
        }
        _ => {
            let (group, version) = group_version(node.get("apiVersion").and_then(Value::text).unwrap_or_default());
            for (name, text) in
                [("group", group), ("version", version), ("kind", kind), ("name", metadata("name")), ("namespace", metadata("namespace"))]
            {
                set(name, text);
            }
        }
    }
    select
}

type Found = (String, Option<Value>);

fn find(node: &Value, written: &str, path: &mut Vec<String>, out: &mut Vec<Found>) -> Result<()> {
    match &node.node {
        Node::List(items) => {
            for (at, item) in items.iter().enumerate() {
                path.push(at.to_string());
                find(item, written, path, out)?;
                path.pop();
            }
        }
        Node::Map(map) => {
            for (key, value) in map.iter() {
                path.push(if key.contains('.') { format!("[{key}]") } else { key.to_owned() });
                find(value, written, path, out)?;
                path.pop();
            }
        }
        Node::Scalar(scalar) => {
            if let Some(at) = scalar.text.find(written) {
                out.push((path.join("."), options(&scalar.text, written, at).map_err(|error| error.at(node.pos))?));
            }
        }
    }
    Ok(())
}

/// How a replacement finds a variable within a text: the part of which index, parted by what.
fn options(text: &str, written: &str, at: usize) -> Result<Option<Value>> {
    if text == written {
        return Ok(None);
    }
    let before = text[..at].chars().next_back();
    let after = text[at + written.len()..].chars().next();
    let count = |c: char| text.split(c).count();
    let (delimiter, index) = match (before, after) {
        (None, Some(after)) => (Some(after), Some(0)),
        (Some(before), None) => (Some(before), Some(count(before) - 1)),
        (Some(before), Some(after)) if before == after => (Some(before), text.split(before).position(|part| part == written)),
        _ => (None, None),
    };
    let (Some(delimiter), Some(index)) = (delimiter.filter(char::is_ascii), index) else {
        return Err(failed(format!("cannot convert all vars to replacements; {written} is not delimited in {text:?}")));
    };
    let mut options = Map::new();
    options.insert("delimiter", Value::string(delimiter.to_string()));
    options.insert("index", Value::int(i64::try_from(index).unwrap_or(i64::MAX)));
    Ok(Some(Value::map(options)))
}
