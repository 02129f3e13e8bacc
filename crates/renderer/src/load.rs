//! Reading a kustomization's files: which ones it may read, and which ones it did.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::sync::Arc;

use crate::ahead::Ahead;
use crate::build::{Limits, LoadRestrictor, Options};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{FileKind, FileSystem, is_within, join};
use crate::openapi::Schemas;
use crate::origin::Origin;
use crate::outside::{Checkout, Failure, Outside};
use crate::provenance::{Recorder, Step};
use crate::repository::Repository;
use crate::resource::Resource;
use crate::scope::Force;

/// Larger files are refused.
pub(crate) const MAX_FILE: usize = 64 << 20;

/// The names that a kustomization file may have.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// What all folders of a build share.
pub(crate) struct Session<'a> {
    pub(crate) fs: &'a dyn FileSystem,
    pub(crate) outside: &'a dyn Outside,
    pub(crate) restrictor: LoadRestrictor,
    /// What was read or looked for (see [`crate::Build::read_set`]).
    pub(crate) noted: RefCell<Vec<String>>,
    pub(crate) warnings: RefCell<Vec<String>>,
    pub(crate) schemas: RefCell<Schemas>,
    pub(crate) scopes: Force,
    pub(crate) limits: Limits,
    /// Files and bytes that were read.
    pub(crate) used: Cell<(usize, usize)>,
    /// Takes notes of where values come from, if anyone wants to know.
    pub(crate) recorder: Option<RefCell<Recorder>>,
}

impl<'a> Session<'a> {
    /// The start of a build.
    pub(crate) fn new(fs: &'a dyn FileSystem, outside: &'a dyn Outside, options: &Options) -> Self {
        Self {
            fs,
            outside,
            restrictor: options.load_restrictor,
            noted: RefCell::default(),
            warnings: RefCell::default(),
            schemas: RefCell::default(),
            scopes: Force::begin(),
            recorder: None,
            limits: options.limits,
            used: Cell::default(),
        }
    }
}

impl Session<'_> {
    /// Notes what a step changed, if anyone wants to know.
    pub(crate) fn observe(&self, step: impl FnOnce() -> Step, resources: &mut [Resource]) {
        if let Some(recorder) = &self.recorder {
            recorder.borrow_mut().observe(&step(), resources);
        }
    }
}

/// A repository that was fetched.
pub(crate) struct Fetched {
    pub(crate) repository: Repository,
    checkout: Checkout,
}

/// The files among which a folder lies.
#[derive(Clone)]
pub(crate) enum Tree<'a> {
    Given(&'a dyn FileSystem),
    Fetched(Arc<Fetched>),
}

impl Tree<'_> {
    fn files(&self) -> &dyn FileSystem {
        match self {
            Tree::Given(files) => *files,
            Tree::Fetched(fetched) => &*fetched.checkout.files,
        }
    }

    fn is(&self, other: &Tree<'_>) -> bool {
        match (self, other) {
            (Tree::Given(_), Tree::Given(_)) => true,
            (Tree::Fetched(one), Tree::Fetched(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

/// A folder that is being built, and those that led to it.
#[derive(Clone)]
pub(crate) struct Folder<'a> {
    pub(crate) session: &'a Session<'a>,
    tree: Tree<'a>,
    /// The folder, links resolved.
    pub(crate) path: String,
    parents: Vec<(Tree<'a>, String)>,
    /// The namespace that this kustomization or the nearest one above it sets.
    pub(crate) namespace: String,
    /// Where the folder lies as annotations tell it, if anyone wants to know.
    pub(crate) origin: Option<Origin>,
}

fn failed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::File, message)
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Error::new(ErrorKind::Outside, failure.to_string())
    }
}

impl Session<'_> {
    /// Counts a file that was read.
    fn count(&self, bytes: usize) -> Result<()> {
        let (files, total) = self.used.get();
        let (files, total) = (files + 1, total.saturating_add(bytes));
        self.used.set((files, total));
        let limit = |message: String| Err(Error::new(ErrorKind::Limit, message));
        if files > self.limits.files {
            return limit(format!("the build reads more than {} files", self.limits.files));
        }
        if total > self.limits.bytes {
            return limit(format!("the build reads more than {} bytes", self.limits.bytes));
        }
        Ok(())
    }

    /// How many files and bytes may still be read.
    pub(crate) fn left(&self) -> (usize, usize) {
        let (files, bytes) = self.used.get();
        (self.limits.files.saturating_sub(files), self.limits.bytes.saturating_sub(bytes))
    }

    /// Whether that many resources may be held.
    pub(crate) fn check_resources(&self, count: usize) -> Result<()> {
        if count > self.limits.resources {
            return Err(Error::new(ErrorKind::Limit, format!("the build holds more than {} resources", self.limits.resources)));
        }
        Ok(())
    }

    /// Notes a warning, once.
    pub(crate) fn warn(&self, warning: String) {
        let mut warnings = self.warnings.borrow_mut();
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
}

impl<'a> Folder<'a> {
    /// The folder at the start of a build.
    pub(crate) fn first(session: &'a Session<'a>, path: &str) -> Result<Self> {
        let clean = join("", path.trim_start_matches('/')).ok_or_else(|| failed(format!("{path} is outside of the repository")))?;
        let path = session.fs.canonical(&clean).filter(|path| session.fs.kind(path) == FileKind::Dir);
        let path = path.ok_or_else(|| failed(format!("{} is not a folder", session.fs.display(&clean))))?;
        Ok(Self { session, tree: Tree::Given(session.fs), path, parents: Vec::new(), namespace: String::new(), origin: None })
    }

    /// The folder of a repository at the start of a build.
    pub(crate) fn fetch(session: &'a Session<'a>, repository: Repository) -> Result<Self> {
        Self::fetched(session, repository, Vec::new())
    }

    fn fetched(session: &'a Session<'a>, repository: Repository, parents: Vec<(Tree<'a>, String)>) -> Result<Self> {
        let checkout = session.outside.repository(&repository)?;
        let clean = join("", &repository.path);
        let folder = clean.and_then(|clean| checkout.files.canonical(&clean)).filter(|path| checkout.files.kind(path) == FileKind::Dir);
        let Some(path) = folder else {
            return Err(failed(format!("there is no folder {:?} in {} at {}", repository.path, repository.url, checkout.commit)));
        };
        Ok(Self {
            session,
            tree: Tree::Fetched(Arc::new(Fetched { repository, checkout })),
            path,
            parents,
            namespace: String::new(),
            origin: None,
        })
    }

    /// The folder as its own kustomization sees it, which sets a namespace or inherits it.
    pub(crate) fn in_namespace(&self, namespace: &str) -> Self {
        let namespace = if namespace.is_empty() { &self.namespace } else { namespace };
        Self { namespace: namespace.to_owned(), ..self.clone() }
    }

    /// Another folder that this one names: a path, or the URL of a repository.
    pub(crate) fn enter(&self, path: &str) -> Result<Self> {
        let origin = self.origin.as_ref().map(|origin| origin.append(path));
        Ok(Self { origin, ..self.entered(path)? })
    }

    fn entered(&self, path: &str) -> Result<Self> {
        if path.is_empty() {
            return Err(failed("the path is empty"));
        }
        if self.parents.len() >= self.session.limits.depth {
            return Err(Error::new(ErrorKind::Limit, format!("kustomizations lead deeper than {} folders", self.session.limits.depth)));
        }
        let mut parents = self.parents.clone();
        parents.push((self.tree.clone(), self.path.clone()));
        if let Ok(repository) = Repository::parse(path) {
            let known = parents.iter().filter_map(|(tree, _)| match tree {
                Tree::Fetched(fetched) => Some(&fetched.repository.written),
                Tree::Given(_) => None,
            });
            if let Some(earlier) = known.into_iter().find(|written| written.starts_with(path)) {
                return Err(failed(format!("cycle detected: {path} is part of the build of {earlier}")));
            }
            let folder = Self::fetched(self.session, repository, parents)?;
            return Ok(folder.in_namespace(&self.namespace));
        }
        if path.starts_with('/') {
            return Err(failed(format!("{path} is absolute; a folder is named relative to the kustomization")));
        }
        let files = self.tree.files();
        let clean = join(&self.path, path).ok_or_else(|| failed(format!("{path} leads out of the repository")))?;
        let Some((folder, kind)) = files.find(&clean) else {
            self.note(&clean);
            return Err(failed(format!("{path} does not exist (looked for {})", self.show(&clean))));
        };
        if kind != FileKind::Dir {
            return Err(failed(format!("{path} is not a folder")));
        }
        // A folder that holds this one would be read again and again.
        if is_within(&self.path, &folder) {
            return Err(failed(format!("{path} leads back to the folder {}, which would be a cycle", self.show(&folder))));
        }
        if let Some((_, parent)) = self.parents.iter().find(|(tree, parent)| tree.is(&self.tree) && is_within(parent, &folder)) {
            return Err(failed(format!("cycle detected: {} is part of the build of {}", self.show(&folder), self.show(parent))));
        }
        Ok(Self { session: self.session, tree: self.tree.clone(), path: folder, parents, namespace: self.namespace.clone(), origin: None })
    }

    /// The files among which this folder lies.
    pub(crate) fn files(&self) -> &dyn FileSystem {
        self.tree.files()
    }

    /// Whether a path is a folder here.
    pub(crate) fn is_folder(&self, path: &str) -> bool {
        self.clean(path).is_some_and(|clean| self.tree.files().kind(&clean) == FileKind::Dir)
    }

    /// A path from the root of the tree; an absolute one may lead to it as well.
    fn clean(&self, path: &str) -> Option<String> {
        if !path.starts_with('/') {
            return join(&self.path, path);
        }
        let Tree::Given(files) = &self.tree else { return None };
        let root = files.on_disk("")?;
        let below = std::path::Path::new(path).strip_prefix(root).ok()?;
        join("", below.to_str()?)
    }

    /// What reads this folder's files from several threads.
    pub(crate) fn reader(&self) -> Reader<'_> {
        // A repository that was fetched stays within itself, whatever the caller allows its own files.
        let restricted = self.session.restrictor == LoadRestrictor::RootOnly || matches!(self.tree, Tree::Fetched(_));
        Reader { files: self.tree.files(), folder: &self.path, restricted }
    }

    /// Takes note of a file that was read ahead; what stands in it comes out.
    pub(crate) fn note_read(&self, ahead: Ahead) -> Result<Vec<Resource>> {
        self.note(ahead.path);
        ahead.linked.into_iter().for_each(|real| self.note(real));
        self.session.count(ahead.bytes).map(|()| ahead.resources)
    }

    /// Takes note of a folder of which any file may matter.
    pub(crate) fn note_folder(&self, path: &str) {
        if let Some(clean) = self.clean(path) {
            self.note(&clean);
        }
    }

    /// A file's path, after all checks.
    pub(crate) fn locate(&self, path: &str) -> Result<String> {
        let files = self.tree.files();
        let clean = self.clean(path).ok_or_else(|| failed(format!("{path} leads out of the repository")))?;
        self.note(&clean);
        let Some((real, kind)) = files.find(&clean) else {
            return Err(failed(format!("{path} does not exist (looked for {})", self.show(&clean))));
        };
        self.note_link(&clean, &real);
        if kind == FileKind::Dir {
            return Err(failed(format!("{path} is a folder, not a file")));
        }
        if !self.reader().may(&real) {
            return Err(failed(format!(
                "{path} is not in or below the folder {} of its kustomization; make it part of a kustomization there, or build with --load-restrictor LoadRestrictionsNone",
                self.show(&self.path)
            )));
        }
        Ok(real)
    }

    /// A file's content; the file may be an http(s) URL.
    pub(crate) fn read(&self, path: &str) -> Result<Vec<u8>> {
        if is_url(path) {
            return self.counted(path, self.download(path)?);
        }
        let bytes = match self.read_plain(path) {
            Some(bytes) => bytes,
            None => {
                let real = self.locate(path)?;
                self.tree.files().read(&real).map_err(|error| failed(format!("cannot read {path}: {error}")))?
            }
        };
        self.counted(path, bytes)
    }

    /// A file's content; `None` for a folder.
    pub(crate) fn read_unless_folder(&self, path: &str) -> Result<Option<Vec<u8>>> {
        match self.read_plain(path) {
            Some(bytes) => self.counted(path, bytes).map(Some),
            None if self.is_folder(path) => Ok(None),
            None => self.read(path).map(Some),
        }
    }

    /// The content of a file that may be read, found in as few looks at the disk as can be; `None` for whatever else stands there, and [`Folder::locate`]
    /// tells what is wrong with it.
    fn read_plain(&self, path: &str) -> Option<Vec<u8>> {
        let (looked_for, linked, bytes) = self.reader().read_at(self.clean(path)?)?;
        self.note(looked_for);
        linked.into_iter().for_each(|real| self.note(real));
        Some(bytes)
    }

    /// What was read, if it keeps to the limits.
    fn counted(&self, path: &str, bytes: Vec<u8>) -> Result<Vec<u8>> {
        if bytes.len() > MAX_FILE {
            return Err(Error::new(ErrorKind::Limit, format!("{path} is larger than 64 MiB")));
        }
        self.session.count(bytes.len())?;
        Ok(bytes)
    }

    fn download(&self, url: &str) -> Result<Vec<u8>> {
        self.session.noted.borrow_mut().push(url.to_owned());
        Ok(self.session.outside.download(url)?)
    }

    /// The name of a file of this folder, for messages.
    pub(crate) fn name(&self, path: &str) -> String {
        if is_url(path) {
            return path.to_owned();
        }
        self.clean(path).map_or_else(|| path.to_owned(), |clean| self.show(&clean))
    }

    /// Where a path lies on a disk.
    pub(crate) fn on_disk(&self, path: &str) -> Option<PathBuf> {
        self.tree.files().on_disk(&self.clean(path)?)
    }

    /// The kustomization file: its name and content.
    pub(crate) fn kustomization(&self) -> Result<(String, Vec<u8>)> {
        let files = self.tree.files();
        let (mut found, mut read) = (Vec::new(), None);
        for name in NAMES {
            let path = join(&self.path, name).unwrap_or_default();
            self.note(&path);
            if found.is_empty() {
                read = files.read_if(&path, &|_| true).map(|(_, bytes)| bytes);
            }
            if found.is_empty() && read.is_some() || files.kind(&path) == FileKind::File {
                found.push(path);
            }
        }
        match &found[..] {
            [] => Err(failed(format!(
                "no kustomization file in {}; looked for {}{}",
                self.show(&self.path),
                NAMES.join(", "),
                self.manifest().map(|one| format!("; a file by itself can be named in resources, such as {one}")).unwrap_or_default()
            ))),
            [path] => {
                let name = self.show(path);
                let bytes = read.map_or_else(|| files.read(path), Ok);
                let bytes = bytes.map_err(|error| failed(format!("cannot read {name}: {error}")))?;
                self.session.count(bytes.len())?;
                Ok((name, bytes))
            }
            many => {
                let names: Vec<String> = many.iter().map(|path| self.show(path)).collect();
                Err(failed(format!("found multiple kustomization files: {}; keep one", names.join(", "))))
            }
        }
    }

    /// A file of this folder that may hold resources, if another folder asks for it.
    fn manifest(&self) -> Option<String> {
        // It may only be asked for from above.
        self.parents.last().filter(|(_, parent)| is_within(&self.path, parent))?;
        let names = self.tree.files().list(&self.path).ok()?;
        let name = names.into_iter().find(|name| [".yaml", ".yml"].iter().any(|end| name.ends_with(end)))?;
        Some(self.show(&join(&self.path, &name)?))
    }

    /// Puts a path into the read set: a file, or a folder for all that is in it.
    fn note<'p>(&self, path: impl Into<Cow<'p, str>>) {
        let path = path.into();
        let name = match &self.tree {
            Tree::Given(_) => path.into_owned(),
            Tree::Fetched(_) => self.show(&path),
        };
        self.session.noted.borrow_mut().push(name);
    }

    /// Puts where a path's links lead into the read set as well.
    fn note_link(&self, path: &str, real: &str) {
        if real != path {
            self.note(real);
        }
    }

    /// How messages name a path of this tree.
    fn show(&self, path: &str) -> String {
        match &self.tree {
            Tree::Given(files) => Some(files.display(path)).filter(|name| !name.is_empty()).unwrap_or_else(|| ".".to_owned()),
            Tree::Fetched(fetched) => format!("{}@{}//{path}", without_password(&fetched.repository.url), fetched.checkout.commit),
        }
    }
}

/// Reads plain files of a folder, from any thread, and takes no notes.
pub(crate) struct Reader<'a> {
    files: &'a dyn FileSystem,
    folder: &'a str,
    /// Whether files must lie in or below the folder.
    restricted: bool,
}

impl Reader<'_> {
    /// Whether a file may be read that really lies there.
    fn may(&self, real: &str) -> bool {
        !self.restricted || is_within(real, self.folder)
    }

    /// As [`Reader::read_at`], for a file that a relative path names; `None` for whatever else a path may name.
    pub(crate) fn read_plain(&self, path: &str) -> Option<(String, Option<String>, Vec<u8>)> {
        if path.starts_with('/') || is_url(path) || Repository::parse(path).is_ok() {
            return None;
        }
        self.read_at(join(self.folder, path)?)
    }

    /// Where a file was looked for, where its links lead if there are any, and its bytes; `None` for anything else than a file that may be read.
    fn read_at(&self, clean: String) -> Option<(String, Option<String>, Vec<u8>)> {
        let (real, bytes) = self.files.read_if(&clean, &|real| self.may(real))?;
        let linked = (real != clean).then(|| real.into_owned());
        Some((clean, linked, bytes))
    }
}

/// Whether a path is an http(s) URL.
pub(crate) fn is_url(path: &str) -> bool {
    let scheme = path.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"))
}

/// A URL as it may be shown.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    match host.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{host}/{path}"),
        None => url.to_owned(),
    }
}
