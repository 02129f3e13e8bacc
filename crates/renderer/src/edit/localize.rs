//! `localize`: a copy of a kustomization with all that it names, which builds wherever it is put.

use std::collections::BTreeMap;

use super::file::fields;
use super::glob::{at, clean};
use super::{Place, failed};
use crate::error::{Error, Result};
use crate::fs::{FileKind, FileSystem, file_name, is_within, join};
use crate::load::{Folder, Session, is_url};
use crate::repository::Repository;
use crate::resource::Resource;
use crate::yaml::{Map, Node, Value, to_string};

mod remote;

/// What a localized copy holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Localized {
    /// Its files, by path from the top of the copy.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Where the copy of the target lies, from the top of the copy.
    pub target: String,
    /// How kustomize names the copy's folder when it is not told.
    pub name: String,
}

/// Where helm keeps charts unless it is told otherwise.
const CHARTS: &str = "charts";

/// Copies the kustomization in the folder `target` and everything it names; nothing outside of the folder `scope`. Both are seen from the place.
/// What is remote is fetched and lies in `localized-files` beside the kustomization that names it. The target may be the URL of a repository, which then is
/// the scope.
///
/// # Errors
/// When the kustomization names what does not exist, lies outside of the scope, or is in a repository without a reference that pins it.
pub fn localize(place: &Place<'_>, target: &str, scope: Option<&str>) -> Result<Localized> {
    let session = Session::new(place.files, place.outside, &crate::build::Options::default());
    let while_localizing = |error: Error| error.because(format!("while localizing {target}"));
    if let Ok(repository) = Repository::parse(target) {
        if let Some(scope) = scope {
            return Err(failed(format!("invalid localize scope {scope}: {target} is remote, and its repository is the scope")));
        }
        let reference = remote::reference(&repository)?;
        let name = remote::name(&repository, reference);
        let folder = Folder::fetch(&session, repository)?;
        let mut copy = Copying { top: Top::default(), files: BTreeMap::new() };
        copy.kustomization(&folder).map_err(while_localizing)?;
        return Ok(Localized { target: copy.below(&folder.path), files: copy.files, name });
    }
    let enter =
        |path: &str| Folder::first(&session, &at(place.folder, path).ok_or_else(|| failed(format!("{path} leads out of the root")))?);
    let folder = enter(target)?;
    let top = scope.map_or_else(|| Ok(folder.path.clone()), |scope| enter(scope).map(|folder| folder.path))?;
    if !is_within(&folder.path, &top) {
        return Err(failed(format!("localize scope {} does not contain target {target}", scope.unwrap_or("."))));
    }
    let mut copy = Copying { top: Top { scope: top, place: String::new() }, files: BTreeMap::new() };
    copy.kustomization(&folder).map_err(while_localizing)?;
    let name = match file_name(&folder.path) {
        "" => "localized".to_owned(),
        name => format!("localized-{name}"),
    };
    Ok(Localized { target: copy.below(&folder.path), files: copy.files, name })
}

/// A folder that bounds what is copied, and where it lies in the copy.
#[derive(Default)]
struct Top {
    scope: String,
    place: String,
}

struct Copying {
    /// Of the files that are copied now: those of a repository have another one than those that name it.
    top: Top,
    files: BTreeMap<String, Vec<u8>>,
}

/// What a text names.
#[derive(Clone, Copy)]
enum Entry {
    File,
    /// `PATH` or `KEY=PATH`.
    Source,
    Folder,
    /// A file of resources or a folder.
    Resource,
    /// A patch or the file of one.
    Patch,
    /// Configurations of plugins or the file of some.
    Plugins,
    /// A folder of charts.
    Charts,
}

impl Copying {
    /// Where a path lies in the copy.
    fn below(&self, path: &str) -> String {
        let path = path.strip_prefix(&self.top.scope).unwrap_or(path).trim_start_matches('/');
        join(&self.top.place, path).unwrap_or_default()
    }

    fn write(&mut self, path: &str, content: Vec<u8>) {
        let path = self.below(path);
        self.files.insert(path, content);
    }

    fn kustomization(&mut self, folder: &Folder<'_>) -> Result<()> {
        let (name, content) = folder.kustomization()?;
        let mut fields = fields(&content).map_err(|error| error.in_file(&name))?;
        self.fields(folder, &mut fields).map_err(|error| error.in_file(&name))?;
        // The name may be one for messages: only its last part is sure.
        let path = join(&folder.path, file_name(&name)).unwrap_or_default();
        self.write(&path, to_string(&Value::map(fields)).into_bytes());
        Ok(())
    }

    fn fields(&mut self, folder: &Folder<'_>, fields: &mut Map) -> Result<()> {
        if let Some(path) = fields.get_mut("openapi").and_then(|openapi| openapi.get_mut("path")) {
            self.each(folder, path, Entry::File)?;
        }
        let lists: [(&str, Entry); 9] = [
            ("bases", Entry::Folder),
            ("components", Entry::Folder),
            ("configurations", Entry::File),
            ("crds", Entry::File),
            ("resources", Entry::Resource),
            ("patchesStrategicMerge", Entry::Patch),
            ("generators", Entry::Plugins),
            ("transformers", Entry::Plugins),
            ("validators", Entry::Plugins),
        ];
        for (field, entry) in lists {
            if let Some(list) = fields.get_mut(field) {
                self.each(folder, list, entry)?;
            }
        }
        let entries: [(&str, &[(&str, Entry)]); 7] = [
            ("configMapGenerator", &GENERATOR),
            ("secretGenerator", &GENERATOR),
            ("patches", &[("path", Entry::File)]),
            ("patchesJson6902", &[("path", Entry::File)]),
            ("replacements", &[("path", Entry::File)]),
            ("helmCharts", &[("valuesFile", Entry::File), ("additionalValuesFiles", Entry::File)]),
            ("helmChartInflationGenerator", &[("values", Entry::File)]),
        ];
        for (field, inner) in entries {
            let Some(Value { node: Node::List(items), .. }) = fields.get_mut(field) else { continue };
            for item in items {
                self.inner(folder, item, inner)?;
                if field == "helmChartInflationGenerator" {
                    self.home(folder, item)?;
                }
            }
        }
        if let Some(globals) = fields.get_mut("helmGlobals") {
            return self.home(folder, globals);
        }
        if fields.contains_key("helmCharts") {
            self.charts(folder, "")?;
        }
        Ok(())
    }

    /// The fields of a map.
    fn inner(&mut self, folder: &Folder<'_>, map: &mut Value, fields: &[(&str, Entry)]) -> Result<()> {
        for (field, entry) in fields {
            if let Some(value) = map.get_mut(field) {
                self.each(folder, value, *entry)?;
            }
        }
        Ok(())
    }

    /// A text, or all texts of a list.
    fn each(&mut self, folder: &Folder<'_>, value: &mut Value, entry: Entry) -> Result<()> {
        let pos = value.pos;
        match &mut value.node {
            Node::List(items) => items.iter_mut().try_for_each(|item| self.each(folder, item, entry)),
            Node::Scalar(scalar) => {
                let new = self.entry(folder, entry, &scalar.text).map_err(|error| error.at(pos))?;
                if *new != *scalar.text {
                    *value = Value { pos, ..Value::string(new) };
                }
                Ok(())
            }
            Node::Map(_) => Err(failed("a path or a list of paths must stand here, not a map").at(pos)),
        }
    }

    /// Copies what a text names and gives its new text.
    fn entry(&mut self, folder: &Folder<'_>, entry: Entry, text: &str) -> Result<String> {
        match entry {
            Entry::File => self.file(folder, text),
            Entry::Source => self.source(folder, text),
            Entry::Folder => self.folder(folder, text),
            Entry::Resource => self.resource(folder, text),
            Entry::Patch => self.patch(folder, text),
            Entry::Plugins => self.plugins(folder, text),
            Entry::Charts => self.charts(folder, text),
        }
    }

    /// Copies a file. What is empty stays so: whether it may be is the build's business.
    fn file(&mut self, folder: &Folder<'_>, path: &str) -> Result<String> {
        if path.is_empty() {
            return Ok(String::new());
        }
        let content = content(folder, path)?;
        self.put(folder, path, content)
    }

    /// Writes a file to where its links lead, which is where it is found from then on; one from elsewhere to a place that its URL names.
    fn put(&mut self, folder: &Folder<'_>, path: &str, content: Vec<u8>) -> Result<String> {
        if is_url(path) {
            let home = remote::file(path);
            self.write(&format!("{}/{home}", folder.path), content);
            return Ok(home);
        }
        let real = folder.locate(path)?;
        let relative = relative(&folder.path, &real);
        self.write(&real, content);
        Ok(relative)
    }

    fn folder(&mut self, folder: &Folder<'_>, path: &str) -> Result<String> {
        if path.is_empty() {
            return Ok(String::new());
        }
        if let Ok(repository) = Repository::parse(path) {
            return self.repository(folder, &repository);
        }
        let inner = self.enter(folder, path)?;
        self.kustomization(&inner)?;
        Ok(relative(&folder.path, &inner.path))
    }

    /// Copies a folder of a repository, which bounds what is copied of it.
    fn repository(&mut self, folder: &Folder<'_>, repository: &Repository) -> Result<String> {
        let home = remote::root(repository, remote::reference(repository)?);
        let inner = folder.enter(&repository.written)?;
        let place = self.below(&format!("{}/{home}", folder.path));
        let outer = std::mem::replace(&mut self.top, Top { scope: String::new(), place });
        let copied = self.kustomization(&inner);
        self.top = outer;
        copied?;
        Ok(join(&home, &inner.path).unwrap_or(home))
    }

    fn enter<'f>(&self, folder: &Folder<'f>, path: &str) -> Result<Folder<'f>> {
        let inner = folder.enter(path)?;
        if !is_within(&inner.path, &self.top.scope) {
            return Err(failed(format!("{path} is outside of the localize scope; widen it with --scope")));
        }
        Ok(inner)
    }

    fn resource(&mut self, folder: &Folder<'_>, path: &str) -> Result<String> {
        let is_repository = Repository::parse(path).is_ok();
        if path.is_empty() || folder.is_folder(path) || (is_repository && !is_url(path)) {
            return self.folder(folder, path);
        }
        let read = content(folder, path).and_then(|content| crate::read::resources(&content, &folder.name(path)).map(|_| content));
        match read {
            Ok(content) => self.put(folder, path, content),
            // As in a build: what an http(s) URL stands for shows only when it is fetched.
            Err(_) if is_repository => self.folder(folder, path),
            Err(error) => Err(error),
        }
    }

    /// A patch or the file of one.
    fn patch(&mut self, folder: &Folder<'_>, entry: &str) -> Result<String> {
        if crate::read::resources(entry.as_bytes(), "").is_ok() {
            return Ok(entry.to_owned());
        }
        let content = content(folder, entry)?;
        crate::read::resources(&content, &folder.name(entry))?;
        self.put(folder, entry, content)
    }

    /// `PATH` or `KEY=PATH`.
    fn source(&mut self, folder: &Folder<'_>, source: &str) -> Result<String> {
        match source.split_once('=') {
            Some((key, path)) => Ok(format!("{key}={}", self.file(folder, path)?)),
            None => self.file(folder, source),
        }
    }

    /// Configurations of plugins, or the file of some. They are written anew, paths of the built-in ones changed.
    fn plugins(&mut self, folder: &Folder<'_>, entry: &str) -> Result<String> {
        let inline = crate::read::resources(entry.as_bytes(), "");
        let is_file = inline.is_err();
        let mut plugins = match inline {
            Ok(plugins) => plugins,
            Err(_) => crate::read::resources(&content(folder, entry)?, &folder.name(entry))?,
        };
        for plugin in &mut plugins {
            self.plugin(folder, plugin)?;
        }
        let texts: Vec<String> = plugins.iter().map(|plugin| to_string(&plugin.value)).collect();
        let text = texts.join("---\n");
        if is_file { self.put(folder, entry, text.into_bytes()) } else { Ok(text) }
    }

    fn plugin(&mut self, folder: &Folder<'_>, plugin: &mut Resource) -> Result<()> {
        let text = |name: &str| plugin.value.get(name).and_then(Value::text).unwrap_or_default().to_owned();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        if api_version != "builtin" {
            return Ok(());
        }
        let value = &mut plugin.value;
        match &*kind {
            "ConfigMapGenerator" | "SecretGenerator" => self.inner(folder, value, &GENERATOR),
            "PatchTransformer" | "PatchJson6902Transformer" => self.inner(folder, value, &[("path", Entry::File)]),
            "PatchStrategicMergeTransformer" => self.inner(folder, value, &[("paths", Entry::Patch)]),
            "ReplacementTransformer" => {
                let Some(Value { node: Node::List(items), .. }) = value.get_mut("replacements") else { return Ok(()) };
                items.iter_mut().try_for_each(|item| self.inner(folder, item, &[("path", Entry::File)]))
            }
            "HelmChartInflationGenerator" => {
                self.inner(folder, value, &[("valuesFile", Entry::File), ("additionalValuesFiles", Entry::File)])?;
                self.home(folder, value)
            }
            _ => Ok(()),
        }
    }

    /// The folder of charts that a map names, or the usual one.
    fn home(&mut self, folder: &Folder<'_>, map: &mut Value) -> Result<()> {
        match map.get_mut("chartHome") {
            Some(home) => self.each(folder, home, Entry::Charts),
            None => self.charts(folder, "").map(drop),
        }
    }

    /// Copies a folder of charts where there is one: helm may fetch them later.
    fn charts(&mut self, folder: &Folder<'_>, home: &str) -> Result<String> {
        if home.starts_with('/') {
            return Err(failed(format!("the chart home {home} is absolute; name it relative to the kustomization")));
        }
        // As it is written, links aside, but no longer than it must be.
        let path = match join(&folder.path, if home.is_empty() { CHARTS } else { home }) {
            Some(path) => relative(&folder.path, &path),
            None => clean(home),
        };
        let there = join(&folder.path, &path).is_some_and(|path| folder.files().kind(&path) != FileKind::Missing);
        let mut new = path.clone();
        if there {
            let inner = self.enter(folder, &path)?;
            // The usual folder stays where helm looks for it, wherever its link leads.
            let to = if path == CHARTS { join(&folder.path, CHARTS).unwrap_or_default() } else { inner.path.clone() };
            new = relative(&folder.path, &to);
            self.tree(inner.files(), &inner.path, &to)?;
        }
        Ok(if home.is_empty() { String::new() } else { new })
    }

    /// Copies all files below a folder; links are left out.
    fn tree(&mut self, files: &dyn FileSystem, from: &str, to: &str) -> Result<()> {
        let names = files.list(from).map_err(|error| failed(format!("cannot list {from}: {error}")))?;
        for name in names {
            let (path, new) = (format!("{from}/{name}"), format!("{to}/{name}"));
            if files.canonical(&path).as_deref() != Some(&path) {
                continue;
            }
            match files.kind(&path) {
                FileKind::Dir => self.tree(files, &path, &new)?,
                FileKind::File => {
                    let content = files.read(&path).map_err(|error| failed(format!("cannot read {path}: {error}")))?;
                    self.write(&new, content);
                }
                FileKind::Missing => {}
            }
        }
        Ok(())
    }
}

/// What holds paths in a generator.
const GENERATOR: [(&str, Entry); 3] = [("env", Entry::File), ("envs", Entry::File), ("files", Entry::Source)];

fn content(folder: &Folder<'_>, path: &str) -> Result<Vec<u8>> {
    if path.starts_with('/') {
        return Err(failed(format!("{path} is absolute; name it relative to the kustomization")));
    }
    folder.read(path)
}

/// The way from a folder to a path.
fn relative(from: &str, to: &str) -> String {
    let parts = |path: &str| path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (from, to) = (parts(from), parts(to));
    let shared = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    let up = std::iter::repeat_n("..".to_owned(), from.len() - shared);
    let way: Vec<String> = up.chain(to[shared..].iter().cloned()).collect();
    if way.is_empty() { ".".to_owned() } else { way.join("/") }
}
