//! Generators of ConfigMaps and Secrets.

use super::file::{File, items, push};
use super::place::Place;
use super::{Edited, failed};
use crate::error::Result;
use crate::kustomization::GeneratorArgs;
use crate::load::{Folder, Session};
use crate::yaml::{Map, Value};

/// What is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GeneratorKind {
    /// ConfigMaps.
    ConfigMap,
    /// Secrets.
    Secret,
}

impl GeneratorKind {
    fn field(self) -> &'static str {
        match self {
            Self::ConfigMap => "configMapGenerator",
            Self::Secret => "secretGenerator",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::ConfigMap => "configmap",
            Self::Secret => "secret",
        }
    }
}

/// What a generator gets, as the command line describes it; what is empty is not given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Its namespace; none is the same as `default`.
    pub namespace: String,
    /// `create`, `merge` or `replace`.
    pub behavior: String,
    /// `KEY=VALUE`.
    pub literals: Vec<String>,
    /// `PATH` or `KEY=PATH`, the path may be a pattern.
    pub files: Vec<String>,
    /// A file of `KEY=VALUE` lines.
    pub env: String,
    /// The type of a new Secret.
    pub secret_type: String,
    /// Whether the name gets no hash.
    pub disable_hash: bool,
}

impl Source {
    fn check(&self) -> Result<()> {
        if self.env.is_empty() && self.files.is_empty() && self.literals.is_empty() {
            return Err(failed("at least from-env-file, or from-file or from-literal must be set"));
        }
        if !self.env.is_empty() && (!self.files.is_empty() || !self.literals.is_empty()) {
            return Err(failed("from-env-file cannot be combined with from-file or from-literal"));
        }
        if !matches!(&*self.behavior, "" | "create" | "merge" | "replace") {
            return Err(failed(format!("invalid behavior {:?}: must be create, merge or replace", self.behavior)));
        }
        Ok(())
    }
}

/// Adds to a generator, or adds one; it must be able to generate afterwards.
///
/// # Errors
/// When the sources cannot be read or repeat a key.
pub fn add_generator(file: &mut File, place: &Place<'_>, kind: GeneratorKind, source: &Source) -> Result<Edited> {
    let mut edited = Edited::changed();
    let source = &Source { files: files(place, &source.files, &mut edited)?, ..source.clone() };
    source.check()?;
    let at = match find(file, kind, &source.name, &source.namespace) {
        Some(at) => at,
        None => {
            let mut map = Map::new();
            for (name, text) in [("name", &source.name), ("namespace", &source.namespace), ("type", &source.secret_type)] {
                if !text.is_empty() {
                    map.insert(name, Value::string(text.as_str()));
                }
            }
            let list = file.list_mut(kind.field());
            list.push(Value::map(map));
            list.len() - 1
        }
    };
    let generator = generator(file, kind, at)?;
    for (name, texts) in [("literals", &source.literals), ("files", &source.files)] {
        items(generator, name).extend(texts.iter().map(|text| Value::string(text.as_str())));
    }
    if !source.env.is_empty() {
        push(generator, "envs", Value::string(source.env.as_str()));
    }
    if source.disable_hash {
        let mut options = Map::new();
        options.insert("disableNameSuffixHash", Value::bool(true));
        generator.insert("options", Value::map(options));
    }
    if !source.behavior.is_empty() {
        generator.insert("behavior", Value::string(source.behavior.as_str()));
    }
    finish(file, place, kind, at)?;
    Ok(edited)
}

/// Gives literals of a generator new values, or it a new namespace.
///
/// # Errors
/// When the generator or a literal's key is not there.
pub fn set_generator(
    file: &mut File,
    place: &Place<'_>,
    kind: GeneratorKind,
    (name, namespace): (&str, &str),
    literals: &[String],
    new_namespace: &str,
) -> Result<Edited> {
    if literals.is_empty() && new_namespace.is_empty() {
        return Err(failed("at least one of --from-literal, --new-namespace must be specified"));
    }
    let at = find(file, kind, name, namespace).ok_or_else(|| failed(format!("unable to find {} with name {name:?}", kind.noun())))?;
    let generator = generator(file, kind, at)?;
    if !literals.is_empty() {
        let old = items(generator, "literals");
        let mut keys = Vec::new();
        for literal in old.iter() {
            keys.push(key(literal.text().unwrap_or_default())?.to_owned());
        }
        for literal in literals {
            let wanted = key(literal)?;
            // The last of equal keys is the one that counts.
            let at = keys.iter().rposition(|known| known == wanted).ok_or_else(|| failed(format!("key '{wanted}' not found in {name}")))?;
            old[at] = Value::string(literal.as_str());
        }
    }
    if !new_namespace.is_empty() {
        generator.insert("namespace", Value::string(new_namespace));
    }
    finish(file, place, kind, at)?;
    Ok(Edited::changed())
}

/// Takes generators out; the argument holds their names, separated by commas.
///
/// # Errors
/// When none of them is there.
pub fn remove_generators(file: &mut File, kind: GeneratorKind, argument: &str, namespace: &str) -> Result<Edited> {
    let mut edited = Edited::changed();
    let mut gone = 0;
    for name in argument.split(',') {
        let list = file.list_mut(kind.field());
        let before = list.len();
        list.retain(|generator| !is(generator, name, namespace));
        if list.len() == before {
            edited.notes.push(format!("{} {name} doesn't exist in kustomization file", kind.noun()));
        }
        gone += before - list.len();
    }
    if gone == 0 {
        return Err(failed(format!("no specified {}(s) were found in the kustomization file", kind.noun())));
    }
    Ok(edited)
}

fn is(generator: &Value, name: &str, namespace: &str) -> bool {
    fn or_default(namespace: &str) -> &str {
        if namespace.is_empty() { "default" } else { namespace }
    }
    let text = |field: &str| generator.get(field).and_then(Value::text).unwrap_or_default();
    text("name") == name && or_default(text("namespace")) == or_default(namespace)
}

fn find(file: &File, kind: GeneratorKind, name: &str, namespace: &str) -> Option<usize> {
    file.list(kind.field()).iter().position(|generator| is(generator, name, namespace))
}

fn generator(file: &mut File, kind: GeneratorKind, at: usize) -> Result<&mut Map> {
    let generator = file.list_mut(kind.field()).get_mut(at).and_then(Value::as_map_mut);
    generator.ok_or_else(|| failed(format!("{} must hold maps", kind.field())))
}

fn key(literal: &str) -> Result<&str> {
    match literal.split('=').collect::<Vec<_>>()[..] {
        [key, _] => Ok(key),
        _ => Err(failed(format!("invalid format of literal {literal}: it must be KEY=VALUE with one '='"))),
    }
}

/// Writes the common options into the generator's own, as kustomize does, and tries it.
fn finish(file: &mut File, place: &Place<'_>, kind: GeneratorKind, at: usize) -> Result<()> {
    if let Some(common) = file.get("generatorOptions").and_then(Value::as_map).cloned() {
        let generator = generator(file, kind, at)?;
        let options = super::file::map(generator, "options");
        for (name, value) in common.into_entries() {
            match value.as_map() {
                Some(texts) => {
                    let into = super::file::map(options, &name);
                    for (key, value) in texts.iter() {
                        into.entry(key, || value.clone());
                    }
                }
                None => options.insert(&name, value),
            }
        }
    }
    let session = Session::new(place.files, place.outside, &crate::build::Options::default());
    let folder = Folder::first(&session, place.folder)?;
    let secret = kind == GeneratorKind::Secret;
    let args = GeneratorArgs::decode(file.list(kind.field())[at].clone(), secret)?;
    crate::generate::generate(&folder, &args, None, secret)?;
    Ok(())
}

/// The files that `--from-file` names.
fn files(place: &Place<'_>, sources: &[String], edited: &mut Edited) -> Result<Vec<String>> {
    let mut out = Vec::new();
    for source in sources {
        let parts: Vec<&str> = source.split('=').collect();
        let (key, pattern) = if let [key, pattern] = parts[..] { (key, pattern) } else { ("", parts[0]) };
        let found = place.globs(&[pattern.to_owned()], edited)?;
        match (key, &found[..]) {
            ("", _) => out.extend(found),
            (key, [path]) => out.push(format!("{key}={path}")),
            (_, many) => {
                return Err(failed(format!(
                    "the pattern in {source} catches {} files [{}], should catch only one",
                    many.len(),
                    many.join(" ")
                )));
            }
        }
    }
    Ok(out)
}
