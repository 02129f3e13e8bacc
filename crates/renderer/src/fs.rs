//! Where a build reads its files: a disk, memory, or (in the agent) the tree of a Git commit.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::{File, Metadata};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Larger files are read piece by piece.
const MAX_AT_ONCE: usize = 1 << 20;

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A file.
    File,
    /// A folder.
    Dir,
    /// Nothing, or something that is neither file nor folder, or a link that leads out of the root.
    Missing,
}

/// Files below a root. Paths are separated by `/`, relative to the root, without `.` and `..`; the root itself is the empty path.
pub trait FileSystem: Send + Sync {
    /// The bytes of a file.
    ///
    /// # Errors
    /// When it is missing, unreadable, a folder, or leads out of the root.
    fn read(&self, path: &str) -> std::io::Result<Vec<u8>>;

    /// What stands there, links followed.
    fn kind(&self, path: &str) -> FileKind;

    /// The names in a folder, sorted.
    ///
    /// # Errors
    /// When it is not a readable folder.
    fn list(&self, dir: &str) -> std::io::Result<Vec<String>>;

    /// The path with all links resolved; `None` when there is nothing or it leads out of the root.
    fn canonical(&self, path: &str) -> Option<String> {
        (self.kind(path) != FileKind::Missing).then(|| path.to_owned())
    }

    /// The path with all links resolved, and what stands there; `None` as in [`FileSystem::canonical`].
    fn find(&self, path: &str) -> Option<(String, FileKind)> {
        let real = self.canonical(path)?;
        let kind = self.kind(&real);
        Some((real, kind))
    }

    /// The bytes of the file to which a path leads, and that file's path with all links resolved; `None` when there is no file, `may` does not want it, or it
    /// cannot be read.
    fn read_if<'p>(&self, path: &'p str, may: &dyn Fn(&str) -> bool) -> Option<(Cow<'p, str>, Vec<u8>)> {
        let (real, kind) = self.find(path)?;
        let bytes = (kind == FileKind::File && may(&real)).then(|| self.read(&real).ok())??;
        Some((Cow::Owned(real), bytes))
    }

    /// Where the path lies on a disk, for programs that must see it; it need not exist. `None` when the files are not on one.
    fn on_disk(&self, _path: &str) -> Option<PathBuf> {
        None
    }

    /// How messages name the path.
    fn display(&self, path: &str) -> String {
        path.to_owned()
    }

    /// The bytes of a file that a message named, to show them with the message.
    ///
    /// # Errors
    /// As [`FileSystem::read`].
    fn read_displayed(&self, name: &str) -> std::io::Result<Vec<u8>> {
        self.read(name)
    }
}

/// Joins a relative path to a folder and resolves `.` and `..`; `None` when that leaves the root or the path is absolute.
#[must_use]
pub fn join(dir: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let plain = |path: &str| path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if plain(path) && (dir.is_empty() || plain(dir)) {
        // Nothing to put right.
        return Some(inside(dir, path));
    }
    let mut parts: Vec<&str> = dir.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// What lies in a folder, or below it.
fn inside(dir: &str, path: &str) -> String {
    if dir.is_empty() { path.to_owned() } else { [dir, "/", path].concat() }
}

/// A path without `.` and with `..` resolved as far as it can be.
pub(crate) fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

/// The last part of a path, as Go's `path.Base` has it for paths that are not empty.
pub(crate) fn file_name(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Whether `path` is `dir` or lies below it.
pub(crate) fn is_within(path: &str, dir: &str) -> bool {
    dir.is_empty() || path == dir || path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
}

/// A folder on disk. Links are followed only while they stay below it. Where folders lie is looked up once, so it is meant to live for one piece of work.
#[derive(Debug, Clone)]
pub struct Disk {
    root: PathBuf,
    shown_from: Option<PathBuf>,
    /// Folders by path: a file in a known folder costs one look at the disk, not one for each part of its path.
    folders: Arc<Mutex<HashMap<String, Arc<Folder>>>>,
}

/// Where a folder lies, links resolved.
#[derive(Debug)]
struct Folder {
    full: PathBuf,
    /// The same as a path from the root; `None` when it is not UTF-8.
    below: Option<String>,
}

/// A path's folder and what it is called there.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

impl Disk {
    /// The folder; it need not be absolute.
    #[must_use]
    pub fn new(root: impl AsRef<Path>) -> Self {
        let root = root.as_ref();
        Self { root: root.canonicalize().unwrap_or_else(|_| root.to_owned()), shown_from: None, folders: Arc::default() }
    }

    /// Makes messages name files relative to this folder.
    #[must_use]
    pub fn shown_from(mut self, folder: impl Into<PathBuf>) -> Self {
        self.shown_from = Some(folder.into());
        self
    }

    /// Where a path leads and what is there.
    fn look(&self, path: &str) -> std::io::Result<(PathBuf, Metadata)> {
        let (folder, name) = split(path);
        let full = self.folder(folder)?.full.join(name);
        let meta = std::fs::symlink_metadata(&full)?;
        if !meta.is_symlink() {
            return Ok((full, meta));
        }
        let full = self.resolve(path)?;
        let meta = std::fs::metadata(&full)?;
        Ok((full, meta))
    }

    fn folder(&self, path: &str) -> std::io::Result<Arc<Folder>> {
        let known = || self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(folder) = known().get(path) {
            return Ok(folder.clone());
        }
        // Its own folder is known already, or will be asked for again.
        let full = if path.is_empty() { self.resolve(path)? } else { self.look(path)?.0 };
        let folder = Arc::new(Folder { below: self.below(&full), full });
        known().insert(path.to_owned(), folder.clone());
        Ok(folder)
    }

    fn resolve(&self, path: &str) -> std::io::Result<PathBuf> {
        let full = self.root.join(path).canonicalize()?;
        if full.starts_with(&self.root) {
            Ok(full)
        } else {
            Err(std::io::Error::new(std::io::ErrorKind::PermissionDenied, "a link leads out of the root"))
        }
    }

    fn below(&self, full: &Path) -> Option<String> {
        full.strip_prefix(&self.root).ok()?.to_str().map(str::to_owned)
    }
}

/// Opens what is no link: one call instead of one that looks and one that opens. It never waits, whatever stands there.
#[cfg(unix)]
fn open_unlinked(path: &Path) -> Option<File> {
    use rustix::fs::{Mode, OFlags, open};
    open(path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK, Mode::empty()).ok().map(File::from)
}

#[cfg(not(unix))]
fn open_unlinked(_path: &Path) -> Option<File> {
    None
}

fn kind_of(meta: &Metadata) -> FileKind {
    if meta.is_dir() {
        FileKind::Dir
    } else if meta.is_file() {
        FileKind::File
    } else {
        FileKind::Missing
    }
}

/// An open file whose length is known. One byte more is asked for: getting less means that this was all.
fn read_of_length(mut file: File, length: u64) -> std::io::Result<Vec<u8>> {
    let room = usize::try_from(length).ok().and_then(|length| length.checked_add(1)).filter(|room| *room <= MAX_AT_ONCE);
    let Some(room) = room else {
        let mut bytes = Vec::new();
        return file.read_to_end(&mut bytes).map(|_| bytes);
    };
    let mut bytes = vec![0; room];
    let read = file.read(&mut bytes)?;
    bytes.truncate(read);
    if read < room { Ok(()) } else { file.read_to_end(&mut bytes).map(drop) }?;
    Ok(bytes)
}

impl FileSystem for Disk {
    fn read(&self, path: &str) -> std::io::Result<Vec<u8>> {
        std::fs::read(self.look(path)?.0)
    }

    fn kind(&self, path: &str) -> FileKind {
        self.look(path).map_or(FileKind::Missing, |(_, meta)| kind_of(&meta))
    }

    fn list(&self, dir: &str) -> std::io::Result<Vec<String>> {
        let entries = std::fs::read_dir(self.resolve(dir)?)?;
        let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        names.sort();
        Ok(names)
    }

    fn canonical(&self, path: &str) -> Option<String> {
        self.below(&self.look(path).ok()?.0)
    }

    fn find(&self, path: &str) -> Option<(String, FileKind)> {
        let (full, meta) = self.look(path).ok()?;
        Some((self.below(&full)?, kind_of(&meta)))
    }

    fn read_if<'p>(&self, path: &'p str, may: &dyn Fn(&str) -> bool) -> Option<(Cow<'p, str>, Vec<u8>)> {
        let (dir, name) = split(path);
        let folder = self.folder(dir).ok()?;
        let unlinked =
            folder.below.as_deref().map(|below| if below == dir { Cow::Borrowed(path) } else { Cow::Owned(inside(below, name)) });
        let opened = unlinked.filter(|real| may(real)).and_then(|real| Some((real, open_unlinked(&folder.full.join(name))?)));
        let (real, file) = match opened {
            Some(opened) => opened,
            None => {
                let (full, meta) = self.look(path).ok()?;
                let real = self.below(&full).filter(|real| may(real) && meta.is_file())?;
                (Cow::Owned(real), File::open(&full).ok()?)
            }
        };
        let meta = file.metadata().ok().filter(Metadata::is_file)?;
        Some((real, read_of_length(file, meta.len()).ok()?))
    }

    fn on_disk(&self, path: &str) -> Option<PathBuf> {
        Some(if path.is_empty() { self.root.clone() } else { self.root.join(path) })
    }

    fn display(&self, path: &str) -> String {
        let Some(from) = &self.shown_from else { return path.to_owned() };
        let full = self.root.join(path);
        let common = from.components().zip(full.components()).take_while(|(a, b)| a == b).count();
        let up = from.components().skip(common).map(|_| std::path::Component::ParentDir);
        let relative: PathBuf = up.chain(full.components().skip(common)).collect();
        if relative.as_os_str().is_empty() { ".".to_owned() } else { relative.display().to_string() }
    }

    fn read_displayed(&self, name: &str) -> std::io::Result<Vec<u8>> {
        match &self.shown_from {
            Some(from) => std::fs::read(from.join(name)),
            None => self.read(name),
        }
    }
}

/// Files in memory, mostly for tests.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    files: BTreeMap<String, Vec<u8>>,
}

impl Memory {
    /// No files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a file.
    pub fn insert(&mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) -> &mut Self {
        self.files.insert(path.into(), content.into());
        self
    }
}

impl<P: Into<String>, C: Into<Vec<u8>>> FromIterator<(P, C)> for Memory {
    fn from_iter<I: IntoIterator<Item = (P, C)>>(files: I) -> Self {
        Self { files: files.into_iter().map(|(path, content)| (path.into(), content.into())).collect() }
    }
}

impl FileSystem for Memory {
    fn read(&self, path: &str) -> std::io::Result<Vec<u8>> {
        self.files.get(path).cloned().ok_or_else(|| std::io::Error::new(std::io::ErrorKind::NotFound, "no such file"))
    }

    fn kind(&self, path: &str) -> FileKind {
        if self.files.contains_key(path) {
            return FileKind::File;
        }
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        match self.files.range(prefix.clone()..).next() {
            Some((name, _)) if name.starts_with(&prefix) => FileKind::Dir,
            _ => FileKind::Missing,
        }
    }

    fn list(&self, dir: &str) -> std::io::Result<Vec<String>> {
        let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        let below = self.files.range(prefix.clone()..).map_while(|(name, _)| name.strip_prefix(&prefix));
        let mut names: Vec<String> = below.filter_map(|rest| rest.split('/').next()).map(str::to_owned).collect();
        names.dedup();
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_never_leave_the_root() {
        assert_eq!(join("a/b", "../c/./d").as_deref(), Some("a/c/d"));
        assert_eq!(join("a", "../.."), None);
        assert_eq!(join("a", "/etc/passwd"), None);
        assert!(is_within("a/b", "a") && is_within("a", "a") && !is_within("ab", "a"));
    }

    #[test]
    fn a_file_is_named_by_the_last_part_of_its_path() {
        let names = ["a/b.yaml", "b.yaml", "a/b.yaml/", "", "/"].map(file_name);
        assert_eq!(names, ["b.yaml", "b.yaml", "b.yaml", "", ""]);
    }

    #[test]
    fn disk_does_not_follow_links_out_of_its_root() {
        let outside = tempfile::tempdir().expect("a folder");
        std::fs::write(outside.path().join("secret"), "s").expect("written");
        let inside = tempfile::tempdir().expect("a folder");
        std::fs::write(inside.path().join("file"), "f").expect("written");
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(outside.path().join("secret"), inside.path().join("out")).expect("linked");
            std::os::unix::fs::symlink("file", inside.path().join("in")).expect("linked");
        }
        let disk = Disk::new(inside.path());
        assert_eq!(disk.read("in").expect("inside"), b"f");
        assert_eq!(disk.canonical("in").as_deref(), Some("file"));
        assert!(disk.read("out").is_err());
        assert_eq!(disk.kind("out"), FileKind::Missing);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_file_that_is_wanted_is_read_through_links_and_nothing_else_is() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("dir")).expect("made");
        std::fs::write(folder.path().join("dir/file"), "f").expect("written");
        std::os::unix::fs::symlink("dir/file", folder.path().join("link")).expect("linked");
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("out")).expect("linked");
        // Opening it would wait for a writer.
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).expect("made");
        let disk = Disk::new(folder.path());
        let read =
            |path: &str| disk.read_if(path, &|_| true).map(|(real, bytes)| (real.into_owned(), String::from_utf8(bytes).expect("text")));
        let file = Some(("dir/file".to_owned(), "f".to_owned()));
        assert_eq!([read("dir/file"), read("link")], [file.clone(), file]);
        assert_eq!(["out", "pipe", "dir", "none", "none/file"].map(read), [const { None }; 5]);
        assert_eq!(disk.read_if("link", &|real| real != "dir/file"), None);
        // It is the file that must be wanted, not the link.
        assert!(disk.read_if("link", &|real| real == "dir/file").is_some());
    }

    #[test]
    fn disk_names_files_as_seen_from_a_folder() {
        let disk = Disk::new("/").shown_from("/work/app");
        assert_eq!(disk.display("work/app/x.yaml"), "x.yaml");
        assert_eq!(disk.display("work/base/x.yaml"), "../base/x.yaml");
        assert_eq!(disk.display("work/app"), ".");
        assert_eq!(Disk::new("/").display("work/app"), "work/app");
    }

    #[test]
    fn memory_knows_its_folders() {
        let memory: Memory = [("a/b.yaml", "x"), ("a/c/d.yaml", "y")].into_iter().collect();
        assert_eq!(memory.kind("a"), FileKind::Dir);
        assert_eq!(memory.kind("a/b.yaml"), FileKind::File);
        assert_eq!(memory.kind("b"), FileKind::Missing);
        assert_eq!(memory.list("a").expect("a folder"), ["b.yaml", "c"]);
    }
}
