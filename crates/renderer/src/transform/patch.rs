//! Patches: strategic merge and JSON 6902, by target or by the patch's own id.

use std::collections::HashMap;

use super::Change;
use crate::decode::nearest;
use crate::error::{Error, ErrorKind, Gathered, Result};
use crate::jsonpatch::{self, Operation};
use crate::kustomization::{Entry, Patch};
use crate::load::Folder;
use crate::merge::{merge, twice};
use crate::mergekeys::{ListMerge, root};
use crate::names::Names;
use crate::openapi::Schemas;
use crate::parallel::Flag;
use crate::resource::Resource;
use crate::selector::Compiled;
use crate::yaml::{Map, Node, Parsed, Pos, Text, Value, parse_kustomization, parse_patch};

/// A patch that has been read.
pub(crate) struct Patches {
    content: Content,
    target: Option<Compiled>,
    /// The kustomization and the entry in it.
    file: String,
    pos: Pos,
    /// The file in which the patch stands, unless it is inline.
    own: Option<String>,
    schemas: Schemas,
    /// Whether a key stands twice in one of its maps.
    twice: bool,
    /// Whether it was for any resource yet.
    used: Flag,
}

enum Content {
    Merge(Vec<Resource>),
    /// Also whether what it renames goes on being found by the earlier name: not so in kustomize if it is of the older kind of patches.
    Json {
        operations: Vec<Operation>,
        remembers: bool,
    },
}

fn failed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Patch, message)
}

/// Reads one entry of `patches` or `patchesJson6902`.
pub(crate) fn prepare(folder: &Folder<'_>, patch: &Patch, kustomization: &str, json_only: bool) -> Result<Patches> {
    let inline = patch.patch.trim();
    let here = |error: Error| error.at(patch.pos).in_file(kustomization);
    let (text, file, pos) = match (inline.is_empty(), patch.path.is_empty()) {
        (true, true) => return Err(here(failed("a patch needs either patch or path"))),
        (false, false) => return Err(here(failed("a patch cannot have both patch and path"))),
        (false, true) => (inline.as_bytes().to_vec(), kustomization.to_owned(), patch.patch_pos),
        (true, false) => (folder.read(&patch.path).map_err(here)?, folder.name(&patch.path), Pos::default()),
    };
    let shift = |error: Error| {
        if pos.line > 0 { failed(format!("in the inline patch: {error}")).at(pos).in_file(kustomization) } else { error.in_file(&file) }
    };
    let label = if pos.line > 0 { "patch" } else { &file };
    let target = patch.target.as_ref().map(Compiled::new).transpose().map_err(here)?;
    // An inline one is one of `patches` to kustomize, which need none.
    if json_only && inline.is_empty() && patch.target.as_ref().is_none_or(|target| target.name.is_empty()) {
        return Err(here(failed("the target of this patch needs a name")));
    }
    let own = (pos.line == 0).then(|| file.clone());
    let made = |content, twice| Patches {
        // Operations merge nothing.
        schemas: match content {
            Content::Merge(_) => folder.session.schemas.borrow_mut().for_merge(),
            Content::Json { .. } => Schemas::default(),
        },
        content,
        target,
        file: kustomization.to_owned(),
        pos: patch.pos,
        own,
        twice,
        used: Flag::default(),
    };
    let merge = if json_only { Err(failed("a JSON patch must be a list of operations")) } else { crate::read::patches(&text, label) };
    let json = operations(&text, label);
    match (merge, json) {
        (Ok((mut patches, parsed)), _) => {
            warn(folder, &parsed, &file, pos);
            if patches.len() > 1 && patch.target.is_some() {
                return Err(here(failed("a patch of several documents cannot have a target; make one entry of each")));
            }
            for one in &mut patches {
                one.state.name_change = patch.name_change;
                one.state.kind_change = patch.kind_change;
                if patch.name_change || patch.kind_change || patch.target.is_some() {
                    metadata_as_text(one, "annotations");
                }
                if patch.target.is_some() {
                    metadata_as_text(one, "labels");
                }
            }
            let alike = !parsed.twice.is_empty();
            if alike {
                patches.iter_mut().for_each(|one| last_counts(one, "annotations"));
                if patch.target.is_some() {
                    patches.iter_mut().for_each(|one| last_counts(one, "labels"));
                } else if let Some(error) = patches.iter().find_map(|one| twice(one.value.get("metadata")?.get("labels")?)) {
                    return Err(shift(error));
                }
            }
            Ok(made(Content::Merge(patches), alike))
        }
        (Err(_), Ok(operations)) => {
            if patch.target.is_none() {
                return Err(here(failed("a JSON patch needs a target")));
            }
            // kustomize takes a list of none in `patches`.
            if json_only && operations.is_empty() {
                return Err(shift(failed("the patch is empty")));
            }
            Ok(made(Content::Json { operations, remembers: !json_only }, false))
        }
        (Err(as_merge), Err(as_json)) => {
            Err(shift(if text.iter().find(|c| !c.is_ascii_whitespace()).is_some_and(|c| matches!(c, b'[' | b'-')) {
                as_json
            } else {
                as_merge
            }))
        }
    }
}

/// Text that begins with `[` is JSON, everything else YAML 1.1.
fn operations(text: &[u8], file: &str) -> Result<Vec<Operation>> {
    let value = if text.first() == Some(&b'[') {
        let json: serde_json::Value = serde_json::from_slice(text)
            .map_err(|error| failed(format!("a patch that begins with [ must be JSON: {error}")).in_file(file))?;
        Value::from_json(&json)
    } else {
        parse_kustomization(text, file)?
    };
    if value.is_null() {
        return Err(failed("the patch is empty").in_file(file));
    }
    jsonpatch::decode(value).map_err(|error| error.in_file(file))
}

/// The entries of `patchesStrategicMerge`. Beside others one that holds nothing is nothing.
pub(crate) fn patch_entries(entries: &[Entry]) -> impl Iterator<Item = &Entry> {
    let holds = |(text, _): &Entry| !text.trim().is_empty();
    let all = !entries.iter().any(holds);
    entries.iter().filter(move |entry| all || holds(entry))
}

/// Reads one entry of `patchesStrategicMerge`, which is a path or the patch itself.
pub(crate) fn load_inline_or_file(folder: &Folder<'_>, entry: &Entry, kustomization: &str) -> Result<Patches> {
    let (text, pos) = entry;
    let inline = parse_patch(text.as_bytes(), "patch").ok().filter(|parsed| parsed.documents.iter().any(|doc| doc.as_map().is_some()));
    let own = inline.is_none().then(|| folder.name(text));
    let (mut patches, parsed) = match inline {
        Some(_) => crate::read::patches(text.as_bytes(), "patch")
            .map_err(|error| failed(format!("in the inline patch: {error}")).at(*pos).in_file(kustomization))?,
        None => {
            let bytes = folder.read(text).map_err(|error| error.at(*pos).in_file(kustomization))?;
            crate::read::patches(&bytes, &folder.name(text))?
        }
    };
    match &own {
        Some(file) => warn(folder, &parsed, file, Pos::default()),
        None => warn(folder, &parsed, kustomization, *pos),
    }
    if patches.is_empty() {
        return Err(failed("the patch is empty").at(*pos).in_file(kustomization));
    }
    for patch in &mut patches {
        metadata_as_text(patch, "annotations");
        last_counts(patch, "annotations");
        last_counts(patch, "labels");
    }
    Ok(Patches {
        content: Content::Merge(patches),
        target: None,
        file: kustomization.to_owned(),
        pos: *pos,
        own,
        used: Flag::default(),
        schemas: folder.session.schemas.borrow_mut().for_merge(),
        twice: !parsed.twice.is_empty(),
    })
}

/// Warns of what kustomize does not look at in a patch, of which it says nothing; `inline`: where the patch begins if it has no file of its own.
fn warn(folder: &Folder<'_>, parsed: &Parsed, file: &str, inline: Pos) {
    let at = |pos: Pos| if inline.line > 0 { inline } else { pos };
    for (key, pos) in &parsed.twice {
        let Pos { line, column } = at(*pos);
        folder.session.warn(format!(
            "{file}:{line}:{column}: the key {key} is here for the second time in one map of the patch; the first one counts"
        ));
    }
    if let Some(pos) = parsed.unread {
        folder.session.warn(crate::read::unread(file, at(pos)));
    }
}

/// kustomize writes the annotations of some patches anew, with a target the labels too, and by that makes all of them texts: a null then no longer
/// deletes, neither one of them nor all.
fn metadata_as_text(patch: &mut Resource, field: &str) {
    let Some(metadata) = patch.value.get_mut("metadata").and_then(Value::as_map_mut) else { return };
    let Some(value) = metadata.get_mut(field) else { return };
    match &mut value.node {
        Node::Map(map) if !map.is_empty() => {
            for (_, value) in map.iter_mut() {
                *value = Value { pos: value.pos, ..Value::string(value.text().unwrap_or_default()) };
            }
        }
        // At these kustomize crashes; they are refused when they are merged.
        Node::List(items) if !items.is_empty() => {}
        _ => drop(metadata.remove(field)),
    }
}

/// kustomize reads labels and annotations of patches once more: of a key that stands twice in them the last one counts, or, of some labels, none.
fn last_counts(patch: &mut Resource, field: &str) {
    let found = patch.value.get_mut("metadata").and_then(|metadata| metadata.get_mut(field));
    let Some(Node::Map(map)) = found.map(|found| &mut found.node) else { return };
    let mut counting = Map::new();
    for (key, value) in std::mem::take(map).into_entries() {
        counting.insert(&key, value);
    }
    *map = counting;
}

impl Patches {
    /// What to tell of a patch whose target matched nothing, of which kustomize says nothing.
    pub(super) fn unused(&self) -> Option<String> {
        let silent = self.target.is_some() && !self.used.is_set();
        silent.then(|| format!("{}:{}:{}: the target of this patch matches no resource", self.file, self.pos.line, self.pos.column))
    }

    /// What the patch does with each resource by itself: one with a target that is no name. With a name, it is quicker to look up who has it.
    pub(super) fn each(&self) -> Option<Change<'_>> {
        let target = self.target.as_ref().filter(|target| target.name().is_none())?;
        Some(Box::new(move |resource| self.change(target, resource).map_err(|error| self.here(error))))
    }

    /// Whether the resources that it changes may have another name then.
    pub(super) fn rename(&self) -> bool {
        match &self.content {
            Content::Merge(patches) => patches.iter().any(|patch| patch.state.name_change),
            Content::Json { .. } => true,
        }
    }

    /// Whether it may give a resource the id of another one.
    pub(super) fn changes_ids(&self) -> bool {
        match &self.content {
            Content::Merge(patches) => patches.iter().any(|patch| patch.state.name_change || patch.state.kind_change),
            Content::Json { operations, .. } => operations.iter().flat_map(Operation::paths).any(|path| match &path[..] {
                [] => true,
                [field, below @ ..] if field == "metadata" => below.first().is_none_or(|field| field == "name" || field == "namespace"),
                [field, ..] => field == "kind" || field == "apiVersion",
            }),
        }
    }

    /// Whether kustomize puts all resources together anew when it is done, and so finds ids that stand twice.
    pub(super) fn finds_ids_twice(&self) -> bool {
        self.target.is_some() && matches!(self.content, Content::Merge(_))
    }

    /// Looks up which resources are meant and changes them; tells whether one was deleted and so is empty now.
    pub(super) fn apply(&self, resources: &mut [Resource], names: &mut Names) -> Result<bool> {
        self.look_up(resources, names).map_err(|error| self.here(error))
    }

    /// Positions in a file of the patch are worth more than that of its entry.
    fn here(&self, error: Error) -> Error {
        error.in_text(self.own.as_deref(), &self.file, self.pos)
    }

    fn look_up(&self, resources: &mut [Resource], names: &mut Names) -> Result<bool> {
        let (mut deleted, mut errors) = (false, Gathered::default());
        match (&self.target, &self.content) {
            (Some(target), _) => {
                for at in target.name().map(|name| names.places(name)).unwrap_or_default() {
                    if let Err(error) = self.change(target, &mut resources[at]) {
                        errors.note(error);
                    }
                    names.add(&resources[at], at);
                    deleted |= resources[at].is_empty();
                }
            }
            (None, Content::Merge(patches)) => {
                for patch in patches {
                    let changed = find(resources, names, patch).and_then(|at| {
                        strategic(&mut resources[at], patch, false, &self.schemas)?;
                        self.look_again(&resources[at])?;
                        deleted |= resources[at].is_empty();
                        names.add(&resources[at], at);
                        Ok(())
                    });
                    if let Err(error) = changed {
                        errors.note(error);
                    }
                }
            }
            // A patch of operations has a target.
            (None, Content::Json { .. }) => {}
        }
        errors.finish().map(|()| deleted)
    }

    /// What the patch has twice may not have come into the resource so.
    fn look_again(&self, resource: &Resource) -> Result<()> {
        let found = if self.twice { twice(&resource.value) } else { None };
        found.map_or(Ok(()), Err)
    }

    /// Changes a resource if it is meant.
    fn change(&self, target: &Compiled, resource: &mut Resource) -> Result<()> {
        let meant = |resource: &Resource| {
            let meant = !resource.is_empty() && target.matches(resource);
            if meant {
                self.used.set();
            }
            meant
        };
        match &self.content {
            Content::Merge(patches) => {
                for patch in patches {
                    if meant(resource) {
                        strategic(resource, patch, true, &self.schemas)?;
                        self.look_again(resource)?;
                    }
                }
                Ok(())
            }
            Content::Json { operations, remembers } => {
                if meant(resource) {
                    if *remembers {
                        resource.store_previous();
                    }
                    json(resource, operations)
                } else {
                    Ok(())
                }
            }
        }
    }
}

/// Carries out the operations, those behind one that failed too: they may have errors of their own.
fn json(resource: &mut Resource, operations: &[Operation]) -> Result<()> {
    let [kind, name] = [resource.kind(), resource.name()].map(Text::from);
    if let Some(number) = jsonpatch::infinite(&resource.value) {
        let message = format!(
            "a patch of operations cannot be for {}: its number {} is none in JSON",
            resource.id(),
            number.text().unwrap_or_default()
        );
        return Err(Error::new(ErrorKind::Patch, message));
    }
    resource.value = jsonpatch::normal(&std::mem::take(&mut resource.value));
    let mut errors = Gathered::default();
    for (at, operation) in operations.iter().enumerate() {
        if let Err(error) = operation.apply(&mut resource.value) {
            // Both paths of one operation are looked at before either is in doubt: one may lie below the other.
            let is_new = operation.paths().all(|path| !resource.is_doubtful(&path));
            for path in operation.paths() {
                resource.doubt(path);
            }
            if is_new {
                let hint = operation.hint(&resource.value).unwrap_or_default();
                let message = format!("the patch does not fit {}: {}{hint}", resource.id(), error.message());
                errors.note(Error::new(ErrorKind::Patch, message).at(operation.pos()));
            }
            if operation.is_test() {
                // The others are for a resource that passes it.
                for path in operations[at..].iter().flat_map(Operation::paths) {
                    resource.doubt(path);
                }
                break;
            }
        }
    }
    errors.finish()?;
    jsonpatch::read_again(&mut resource.value);
    // An emptied resource goes.
    let Some(lost) = resource.lost(&kind, &name).filter(|_| !resource.is_empty()) else { return Ok(()) };
    let pos = operations.first().map(Operation::pos).unwrap_or_default();
    Err(Error::new(ErrorKind::Patch, format!("the patch leaves no {lost} to {kind}/{name}")).at(pos))
}

/// The one resource that has or had the patch's id.
fn find(resources: &[Resource], names: &Names, patch: &Resource) -> Result<usize> {
    let id = patch.original_id();
    let key = id.key();
    let mut found = names.places(id.name).into_iter().filter(|at| {
        let r = &resources[*at];
        !r.is_empty() && (r.id().key() == key || r.previous_ids().any(|id| id.key() == key))
    });
    match (found.next(), found.next()) {
        (Some(at), None) => Ok(at),
        (None, _) => {
            let near: HashMap<&str, String> =
                resources.iter().filter(|r| r.name() == id.name).map(|r| (r.kind(), r.id().to_string())).collect();
            let there = near.values().min().map(|other| format!("; there is {other}"));
            let alike = resources.iter().filter(|r| r.kind() == id.gvk.kind).map(Resource::name);
            let hint = there.or_else(|| Some(format!("; did you mean {}?", nearest(id.name, alike)?))).unwrap_or_default();
            Err(failed(format!("no resource matches the patch for {id} ({}){hint}", patch.api_version())))
        }
        _ => Err(failed(format!("several resources match the patch for {id}"))),
    }
}

/// Leaves nothing of a resource but its id, by which later patches may still find it.
#[cold]
fn lose(resource: &mut Resource, patch: &Resource, [name, namespace, kind, api_version]: [&Text; 4], error: &Error) -> Result<()> {
    let mut husk = Map::new();
    husk.insert("apiVersion", Value::string(api_version.clone()));
    husk.insert("kind", Value::string(kind.clone()));
    resource.value = Value::map(husk);
    resource.set_metadata("name", name);
    resource.set_metadata("namespace", namespace);
    let is_new = resource.doubt_content();
    if patch.state.name_change || patch.state.kind_change {
        resource.doubt(Vec::new());
    }
    if !is_new {
        return Ok(());
    }
    let pos = Pos { line: error.line().unwrap_or_default(), column: error.column().unwrap_or_default() };
    let place = path_to(&patch.value, pos).map(|path| format!(" at {}", path.join("/"))).unwrap_or_default();
    let message = format!("the patch does not fit {}: {}{place}", resource.id(), error.message());
    Err(Error::new(error.kind(), message).at(pos))
}

/// The path to the innermost value that begins at a position.
fn path_to(value: &Value, pos: Pos) -> Option<Vec<String>> {
    let inner = |(key, value): (String, &Value)| {
        let mut path = path_to(value, pos)?;
        path.insert(0, key);
        Some(path)
    };
    let below = match &value.node {
        Node::Map(map) => map.iter().find_map(|(key, value)| inner((key.to_owned(), value))),
        Node::List(items) => items.iter().enumerate().find_map(|(at, value)| inner((at.to_string(), value))),
        Node::Scalar(_) => None,
    };
    below.or_else(|| (value.pos == pos).then(Vec::new))
}

fn strategic(resource: &mut Resource, patch: &Resource, by_target: bool, schemas: &Schemas) -> Result<()> {
    let [name, namespace, kind, api_version] =
        [resource.name(), resource.namespace(), resource.kind(), resource.api_version()].map(Text::from);
    // As they are written: a number stays one.
    let written = ["name", "namespace"].map(|field| resource.value.get("metadata").and_then(|metadata| metadata.get(field)).cloned());
    let version = resource.value.get("apiVersion").filter(|version| !version.is_null()).cloned();
    let (name_change, kind_change) = (patch.state.name_change, patch.state.kind_change);
    if name_change || kind_change {
        resource.store_previous();
    }
    if patch.value.get("$patch").and_then(Value::text) == Some("replace") {
        return Ok(());
    }
    let mut content = patch.value.clone();
    if by_target && let Some(map) = content.as_map_mut() {
        map.insert("apiVersion", version.clone().unwrap_or_else(|| Value::string("")));
    }
    let shape = root(&resource.gvk(), schemas);
    let value = std::mem::take(&mut resource.value);
    match merge(Some(value), Some(content), shape, ListMerge::Replace) {
        Ok(merged) => resource.value = merged.unwrap_or_default(),
        Err(error) => return lose(resource, patch, [&name, &namespace, &kind, &api_version], &error),
    }
    if resource.is_empty() {
        return Ok(());
    }
    // kustomize prints the version that it took from a resource without one.
    if by_target
        && version.is_none_or(|version| version.text() == Some(""))
        && let Some(map) = resource.value.as_map_mut()
    {
        map.insert("apiVersion", Value::null());
    }
    if !kind_change {
        resource.set_kind(&kind);
    }
    let [name, namespace] = written;
    if !name_change {
        resource.put_metadata("name", name);
    }
    resource.put_metadata("namespace", namespace);
    Ok(())
}
