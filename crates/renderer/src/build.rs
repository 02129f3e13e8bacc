//! The entry to a build.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::OnceLock;

use crate::error::{Error, ErrorKind, Result};
use crate::fs::{FileSystem, Memory};
use crate::kustomization::SortOptions;
use crate::load::{Folder, Session};
use crate::order;
use crate::origin::{self, Origin};
use crate::outside::{Closed, Outside};
use crate::parallel;
use crate::provenance::{Provenance, Step};
use crate::repository::Repository;
use crate::resource::Resource;
use crate::target::{self, Accumulator};
use crate::transform::Transformer;
use crate::yaml::{Canonical, Kind, Node, Pos, Scalar, Value, canonical};

/// Which files a kustomization may read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LoadRestrictor {
    /// Only files in or below its own folder (kustomize's default).
    #[default]
    RootOnly,
    /// Any file of the file system.
    None,
}

/// In which order resources come out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// What the kustomization's `sortOptions` says, otherwise kustomize's legacy order.
    #[default]
    Default,
    /// As they were read (`--reorder none`), unless the kustomization says otherwise.
    AsRead,
}

/// How to build.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// The order of the resources.
    pub order: Order,
    /// Which files may be read.
    pub load_restrictor: LoadRestrictor,
    /// Add the label `app.kubernetes.io/managed-by` to every resource.
    pub managed_by_label: bool,
    /// How much a build may take.
    pub limits: Limits,
}

/// What protects the process from hostile repositories: a build that needs more fails with [`ErrorKind::Limit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Files that are read, one that is read twice counting twice.
    pub files: usize,
    /// Bytes of all files that are read.
    pub bytes: usize,
    /// Resources that a kustomization holds.
    pub resources: usize,
    /// Bases of bases: each takes its part of the stack.
    pub depth: usize,
    /// Steps of the search for what names refer to: resources and namespaces beyond the first that a name may mean, values that fields of one's own
    /// may lead to.
    pub references: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { files: 100_000, bytes: 1 << 30, resources: 250_000, depth: 32, references: 100_000_000 }
    }
}

/// What a kustomization builds.
#[derive(Debug, Clone, Default)]
pub struct Build {
    resources: Vec<Resource>,
    /// In the order in which they were read, some perhaps twice.
    noted: Vec<String>,
    /// The same as a set, which not everybody asks for.
    read_set: OnceLock<BTreeSet<String>>,
    warnings: Vec<String>,
}

impl Build {
    /// The resources in their final order.
    #[must_use]
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// The files that were read or looked for, links and what they lead to; a folder stands for all that is in it: a change that touches none of them
    /// changes nothing.
    #[must_use]
    pub fn read_set(&self) -> &BTreeSet<String> {
        self.read_set.get_or_init(|| self.noted.iter().cloned().collect())
    }

    /// Deprecated fields and the like.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// Builds the kustomization in the folder `path` of a file system. Nothing is fetched and nothing run.
///
/// # Errors
/// Whatever kustomize refuses, and what is not supported yet; the error names file, line and column.
pub fn build(fs: &dyn FileSystem, path: &str, options: &Options) -> Result<Build> {
    build_with(fs, path, options, &Closed)
}

/// As [`build`]; what the kustomization wants of the world outside of its files is asked of `outside`.
///
/// # Errors
/// As [`build`], and what `outside` refuses or fails to do.
pub fn build_with(fs: &dyn FileSystem, path: &str, options: &Options, outside: &dyn Outside) -> Result<Build> {
    told(&Session::new(fs, outside, options), path, options)
}

/// The error shows the line at fault.
fn told(session: &Session<'_>, path: &str, options: &Options) -> Result<Build> {
    Folder::first(session, path)
        .and_then(|folder| run(&folder, options))
        .map_err(|error| error.with_source(|file| String::from_utf8(session.fs.read_displayed(file).ok()?).ok()))
}

/// A build that was tried.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// What it gives, as of [`build_with`].
    pub result: Result<Build, Error>,
    /// As [`Build::read_set`], also of a build that fails: what must change before another one can end otherwise.
    pub read_set: BTreeSet<String>,
}

/// As [`build_with`], for those who want to try again when something changes.
pub fn attempt(fs: &dyn FileSystem, path: &str, options: &Options, outside: &dyn Outside) -> Attempt {
    let session = Session::new(fs, outside, options);
    let result = told(&session, path, options);
    let read_set = match &result {
        Ok(build) => build.read_set().clone(),
        Err(_) => session.noted.take().into_iter().collect(),
    };
    Attempt { result, read_set }
}

/// As [`build_with`], and tells of every field of every resource where its value comes from.
///
/// # Errors
/// As [`build_with`].
pub fn explain_with(fs: &dyn FileSystem, path: &str, options: &Options, outside: &dyn Outside) -> Result<(Build, Vec<Provenance>)> {
    let session = Session { recorder: Some(RefCell::default()), ..Session::new(fs, outside, options) };
    let build = told(&session, path, options)?;
    let told = session.recorder.as_ref().map(|recorder| recorder.borrow().finish(&build.resources)).unwrap_or_default();
    Ok((build, told))
}

/// Builds a kustomization in a Git repository.
///
/// # Errors
/// As [`build_with`].
pub fn build_remote(repository: &Repository, options: &Options, outside: &dyn Outside) -> Result<Build> {
    let none = Memory::new();
    let session = Session::new(&none, outside, options);
    let folder = Folder::fetch(&session, repository.clone())?;
    run(&folder, options)
}

fn run(folder: &Folder<'_>, options: &Options) -> Result<Build> {
    let session = folder.session;
    let (file, kustomization) = target::load(folder)?;
    // What a kustomization below asks for does not count.
    let wanted = |option: &str| kustomization.build_metadata.iter().any(|one| one == option);
    // kustomize notes it whatever of the build is to be told, and takes off what is not.
    let origin = (!kustomization.build_metadata.is_empty()).then(Origin::default);
    let mut folder = folder.clone();
    folder.origin = origin;
    let folder = &folder;
    let mut acc = Accumulator::default();
    target::accumulate(folder, &file, &kustomization, &mut acc)?;
    let here = |by| {
        let file = &file;
        move || Step::new(by, file, Pos::default())
    };
    add_hashes(&mut acc.resources)?;
    session.observe(here("hash of the content"), &mut acc.resources);
    let misspelt = crate::nameref::fix(&mut acc.resources, &acc.config, options.limits.references).map_err(|error| error.in_file(&file))?;
    misspelt.into_iter().for_each(|warning| session.warn(warning));
    session.observe(here("name of the resource referred to"), &mut acc.resources);
    crate::vars::resolve(&mut acc).map_err(|error| error.in_file(&file))?;
    session.observe(here("vars"), &mut acc.resources);
    let mut resources = acc.resources;
    parallel::retain(&mut resources, |resource| resource.annotation("config.kubernetes.io/local-config") != Some("true"));
    // kustomize crashes.
    if let Some(twice) = crate::ids::twice(&resources) {
        let message =
            format!("two resources have the id {} in the end; a patch, a namespace or a name gives it to one of them", twice.id());
        return Err(Error::new(ErrorKind::Resource, message).in_file(&file));
    }
    match (&kustomization.sort_options, options.order) {
        (Some(sort_options), _) => sort(sort_options, &mut resources).map_err(|error| error.in_file(&file))?,
        (None, Order::Default) => order::legacy(&mut resources, None),
        (None, Order::AsRead) => {}
    }
    for option in &kustomization.build_metadata {
        if !matches!(&**option, "managedByLabel" | "originAnnotations" | "transformerAnnotations") {
            let known = "managedByLabel, originAnnotations and transformerAnnotations";
            session.warn(format!("{file}: buildMetadata {option} is unknown and does nothing; there are {known}"));
        }
    }
    if options.managed_by_label || wanted("managedByLabel") {
        let label = [("app.kubernetes.io/managed-by".to_owned(), "kustomize-v5.8.1".to_owned())];
        Transformer::Labels { pairs: label.into(), specs: crate::config::METADATA_LABELS.to_vec() }.apply(&mut resources)?;
    }
    session.observe(here("buildMetadata"), &mut resources);
    let annotations = [("originAnnotations", origin::ORIGIN), ("transformerAnnotations", origin::TRANSFORMATIONS)];
    let unwanted: Vec<&str> = annotations.iter().filter(|(option, _)| !wanted(option)).map(|(_, annotation)| *annotation).collect();
    parallel::each(&mut resources, |resource| {
        unwanted.iter().for_each(|annotation| origin::remove(resource, annotation));
        finish(resource)
    })
    .map_err(|error| error.in_file(&file))?;
    Ok(Build { resources, noted: session.noted.take(), read_set: OnceLock::new(), warnings: session.warnings.take() })
}

/// Appends the hash of their content to the names of generated resources.
pub(crate) fn add_hashes(resources: &mut [Resource]) -> Result<()> {
    for resource in resources.iter_mut().filter(|resource| resource.state.needs_hash) {
        resource.store_previous();
        let name = format!("{}-{}", resource.name(), crate::hash::suffix(resource));
        resource.set_metadata("name", &name);
    }
    Ok(())
}

/// Sorts as `sortOptions` says.
fn sort(options: &SortOptions, resources: &mut Vec<Resource>) -> Result<()> {
    let failed = |message: String| Err(Error::new(ErrorKind::Kustomization, message).at(options.pos));
    match (&*options.order, &options.legacy) {
        ("fifo", None) => Ok(()),
        ("fifo", Some(_)) => failed("legacySortOptions need the order legacy".to_owned()),
        ("legacy", lists) => {
            order::legacy(resources, lists.as_ref().map(|(first, last)| (&first[..], &last[..])));
            Ok(())
        }
        (other, _) => failed(format!("sortOptions.order should be fifo or legacy, not {other}")),
    }
}

/// Annotations that only kustomize itself uses.
const INTERNAL: [&str; 4] = ["config.kubernetes.io/index", "config.kubernetes.io/path", "config.k8s.io/id", "kustomize.config.k8s.io/id"];

/// The last touches: annotations become text, internal ones go, and what cannot be printed is refused.
fn finish(resource: &mut Resource) -> Result<()> {
    if let Some(metadata) = resource.value.get_mut("metadata").and_then(Value::as_map_mut) {
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_map_mut) {
            annotations.retain(|key, _| !INTERNAL.contains(&key) && !key.starts_with("internal.config.kubernetes.io/"));
            for (_, value) in annotations.iter_mut() {
                // Lists and maps have no text.
                if value.as_str().is_none() {
                    *value = Value::string(value.text().unwrap_or_default());
                }
            }
        }
        if metadata.get("annotations").is_some_and(|value| value.as_map().is_none_or(crate::yaml::Map::is_empty)) {
            metadata.remove("annotations");
        }
    }
    printable(&resource.value).map_err(|message| Error::new(ErrorKind::Resource, format!("{}: {message}", resource.id())))
}

/// What go-yaml could not read back makes kustomize fail.
fn printable(value: &Value) -> Result<(), String> {
    match &value.node {
        Node::Map(map) => map.iter().try_for_each(|(_, value)| printable(value)),
        Node::List(items) => items.iter().try_for_each(printable),
        // Nearly all scalars end here. Looking at all bytes is quicker than stopping at the first.
        Node::Scalar(Scalar { text, kind: Kind::Str, .. }) if !text.starts_with('\t') && text.bytes().fold(0, u8::max) < 0x7f => Ok(()),
        Node::Scalar(scalar) => match canonical(scalar) {
            Canonical::Float(number) if !number.is_finite() => Err(format!("the number {} cannot be printed", scalar.text)),
            Canonical::Str(text) if text.contains(['\u{7f}', '\u{fffe}', '\u{ffff}']) => {
                Err("a text holds a character that YAML does not allow".to_owned())
            }
            Canonical::Str(text) if text.starts_with('\t') && text.contains('\n') => {
                Err("a text of several lines may not begin with a tab".to_owned())
            }
            _ => Ok(()),
        },
    }
}
