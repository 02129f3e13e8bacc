//! configMapGenerator and secretGenerator.

use base64::Engine as _;

use crate::error::{Error, ErrorKind, Gathered, Result};
use crate::fs::file_name;
use crate::kustomization::{GeneratorArgs, GeneratorOptions};
use crate::load::Folder;
use crate::names::Names;
use crate::resource::{Behavior, Resource, State};
use crate::yaml::{Map, Value};

fn failed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Kustomization, message)
}

/// Makes one ConfigMap or Secret.
pub(crate) fn generate(folder: &Folder<'_>, args: &GeneratorArgs, global: Option<&GeneratorOptions>, secret: bool) -> Result<Resource> {
    make(folder, args, global, secret).map_err(|error| error.at(args.pos))
}

fn make(folder: &Folder<'_>, args: &GeneratorArgs, global: Option<&GeneratorOptions>, secret: bool) -> Result<Resource> {
    if args.name.is_empty() {
        return Err(failed("a generator needs a name"));
    }
    let options = merged(args.options.as_ref(), global);
    let mut map = Map::new();
    map.insert("apiVersion", Value::string("v1"));
    map.insert("kind", Value::string(if secret { "Secret" } else { "ConfigMap" }));
    let mut metadata = Map::new();
    metadata.insert("name", Value::string(args.name.as_str()));
    if !args.namespace.is_empty() {
        metadata.insert("namespace", Value::string(args.namespace.as_str()));
    }
    for (field, pairs) in [("labels", &options.labels), ("annotations", &options.annotations)] {
        if !pairs.is_empty() {
            metadata.insert(field, Value::map(crate::decode::to_map(pairs)));
        }
    }
    map.insert("metadata", Value::map(metadata));
    if secret {
        map.insert("type", Value::string(if args.secret_type.is_empty() { "Opaque" } else { &args.secret_type }));
    }
    let (mut data, mut binary) = (Map::new(), Map::new());
    let mut seen = std::collections::HashSet::new();
    for (key, bytes) in pairs(folder, args)? {
        if !seen.insert(key.clone()) {
            return Err(failed(format!("the key {key} is there twice in {}", args.name)));
        }
        match String::from_utf8(bytes) {
            Ok(text) if !secret => data.insert(&key, Value::string(text)),
            Ok(text) => data.insert(&key, Value::string(wrapped_base64(text.as_bytes()))),
            Err(error) if secret => data.insert(&key, Value::string(wrapped_base64(error.as_bytes()))),
            Err(error) => binary.insert(&key, Value::string(wrapped_base64(error.as_bytes()))),
        }
    }
    // kustomize gives every Secret its data, even when there are none.
    if secret || !data.is_empty() {
        map.insert("data", Value::map(data));
    }
    if !binary.is_empty() {
        map.insert("binaryData", Value::map(binary));
    }
    if options.immutable {
        map.insert("immutable", Value::bool(true));
    }
    let mut resource = Resource::new(Value::map(map));
    resource.state.needs_hash = !options.disable_hash;
    resource.state.annotated = true;
    resource.state.behavior = match &*args.behavior {
        "" => Behavior::Unspecified,
        "create" => Behavior::Create,
        "replace" => Behavior::Replace,
        "merge" => Behavior::Merge,
        // kustomize takes anything else for unspecified.
        _ => Behavior::Unspecified,
    };
    Ok(resource)
}

/// The generator's own options win over those of the kustomization.
fn merged(local: Option<&GeneratorOptions>, global: Option<&GeneratorOptions>) -> GeneratorOptions {
    let mut options = local.cloned().unwrap_or_default();
    let Some(global) = global else { return options };
    for (into, from) in [(&mut options.labels, &global.labels), (&mut options.annotations, &global.annotations)] {
        for (key, value) in from {
            if !into.iter().any(|(known, _)| known == key) {
                into.push((key.clone(), value.clone()));
            }
        }
    }
    options.disable_hash |= global.disable_hash;
    options.immutable |= global.immutable;
    options
}

fn pairs(folder: &Folder<'_>, args: &GeneratorArgs) -> Result<Vec<(String, Vec<u8>)>> {
    let (mut out, mut errors) = (Vec::new(), Gathered::default());
    for (path, pos) in &args.envs {
        let text = folder.read(path).and_then(|bytes| String::from_utf8(bytes).map_err(|_| failed(format!("{path} is not UTF-8"))));
        if let Some(text) = errors.keep(text.map_err(|error| error.at(*pos)))? {
            env_lines(&text, &mut out);
        }
    }
    for (literal, pos) in &args.literals {
        match literal.split_once('=').filter(|(key, _)| !key.is_empty()) {
            Some((key, value)) => out.push((key.to_owned(), unquoted(value).as_bytes().to_vec())),
            // It may be the secret itself.
            None => errors.note(failed("this literal should be key=value").at(*pos)),
        }
    }
    for (source, pos) in &args.files {
        let read = file_source(source).and_then(|(key, path)| Ok((key.to_owned(), folder.read(path)?)));
        out.extend(errors.keep(read.map_err(|error| error.at(*pos)))?);
    }
    errors.finish().map(|()| out)
}

fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner;
        }
    }
    value
}

/// Keys keep what stands to their right, values everything. A line without `=` has an empty value.
fn env_lines(text: &str, out: &mut Vec<(String, Vec<u8>)>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line).trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        // What has no key is nothing to kustomize.
        if !key.is_empty() {
            out.push((key.to_owned(), value.as_bytes().to_vec()));
        }
    }
}

fn file_source(source: &str) -> Result<(&str, &str)> {
    match source.matches('=').count() {
        0 => Ok((file_name(source), source)),
        1 if source.starts_with('=') => Err(failed(format!("the key before = is missing in {source}"))),
        1 if source.ends_with('=') => Err(failed(format!("the path behind = is missing in {source}"))),
        1 => Ok(source.split_once('=').unwrap_or((source, source))),
        _ => Err(failed(format!("neither key nor path may hold a = in {source}"))),
    }
}

/// Base64 in lines of 70 when it does not fit into one.
fn wrapped_base64(bytes: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    if text.len() < 70 {
        return text;
    }
    let mut out = String::with_capacity(text.len() + text.len() / 70 + 1);
    for line in text.as_bytes().chunks(70) {
        out.extend(line.iter().map(|c| char::from(*c)));
        out.push('\n');
    }
    out
}

/// Adds a generated resource, or merges it into one that is there, as its behavior says.
pub(crate) fn absorb(resources: &mut Vec<Resource>, names: &mut Names, mut new: Resource) -> Result<()> {
    let key = new.id().key();
    let mut found = names.places(new.name());
    found.retain(|at| {
        let r = &resources[*at];
        !r.is_empty() && (r.id().key() == key || r.previous_ids().any(|id| id.key() == key))
    });
    let behavior = new.state.behavior;
    match found[..] {
        [] => {
            if matches!(behavior, Behavior::Merge | Behavior::Replace) {
                return Err(failed(format!("{} does not exist, so it cannot be merged or replaced", new.id())));
            }
            names.add(&new, resources.len());
            resources.push(new);
            Ok(())
        }
        [at] => {
            let old = &resources[at];
            match behavior {
                Behavior::Replace | Behavior::Merge => {}
                _ => return Err(failed(format!("{} exists already; behavior must be merge or replace", new.id()))),
            }
            inherit_metadata(&mut new, old);
            if behavior == Behavior::Merge {
                // What was merged into something still comes from where that came from.
                if let Some(origin) = old.annotation(crate::origin::ORIGIN) {
                    crate::origin::annotate([&mut new], origin);
                }
                merge_strings(&mut new.value, &old.value, "data");
                merge_strings(&mut new.value, &old.value, "binaryData");
            }
            names.add(&new, at);
            resources[at] = new;
            Ok(())
        }
        _ => Err(failed(format!("several resources could be meant by {}", new.id()))),
    }
}

fn inherit_metadata(new: &mut Resource, old: &Resource) {
    for field in ["labels", "annotations"] {
        let inherited = old.value.get("metadata").and_then(|meta| meta.get(field)).and_then(Value::as_map).cloned().unwrap_or_default();
        if inherited.is_empty() {
            continue;
        }
        if let Some(target) = new.metadata_mut().and_then(|meta| meta.entry(field, || Value::map(Map::new())).as_map_mut()) {
            for (key, value) in inherited.iter() {
                if !target.contains_key(key) {
                    target.insert(key, Value::string(value.text().unwrap_or("")));
                }
            }
        }
    }
    let (name, namespace) = (old.name().to_owned(), old.namespace().to_owned());
    new.set_metadata("name", &name);
    new.set_metadata("namespace", &namespace);
    let needs_hash = new.state.needs_hash && old.state.needs_hash;
    *new.state = State { needs_hash, behavior: old.state.behavior, ..State::clone(&old.state) };
}

/// Adds what `new` does not have; a field that stays empty goes.
fn merge_strings(new: &mut Value, old: &Value, field: &str) {
    let Some(map) = new.as_map_mut() else { return };
    let inherited = old.get(field).and_then(Value::as_map).into_iter().flat_map(Map::iter);
    for (key, value) in inherited {
        if let Some(target) = map.entry(field, || Value::map(Map::new())).as_map_mut()
            && !target.contains_key(key)
        {
            target.insert(key, Value::string(value.text().unwrap_or("")));
        }
    }
    if map.get(field).and_then(Value::as_map).is_some_and(Map::is_empty) {
        map.remove(field);
    }
}
