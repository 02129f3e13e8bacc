//! Trees straight from Git objects, and a recorder of what was read of a tree.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Entry, EntryKind, Error, Tree};

/// The largest file that is read, in bytes. Manifests are small; a huge blob must not fill the memory.
const MAX_FILE: u64 = 16 << 20;
/// Stands for any id in a record: only the kind of the entry mattered.
const ANY: [u8; 20] = [0; 20];
/// How many links are followed for one path.
const MAX_LINKS: usize = 40;

/// The files of one commit in a Git repository.
pub(super) struct GitTree {
    inner: Mutex<Inner>,
}

struct Inner {
    repository: gix::Repository,
    root: gix::ObjectId,
    folders: HashMap<gix::ObjectId, Arc<Folder>>,
}

/// The entries of a folder by name.
type Folder = BTreeMap<String, (Kind, gix::ObjectId)>;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    File,
    Directory,
    Link,
    Submodule,
}

impl GitTree {
    /// The tree of `commit`, which must be in the object database.
    pub(super) fn open(mut repository: gix::Repository, commit: gix::ObjectId) -> Result<Self, String> {
        // Files of a folder are read one after the other, mostly from one pack.
        repository.object_cache_size_if_unset(1 << 20);
        let root = repository.find_commit(commit).map_err(|e| e.to_string())?.tree_id().map_err(|e| e.to_string())?.detach();
        Ok(GitTree { inner: Mutex::new(Inner { repository, root, folders: HashMap::new() }) })
    }

    fn with<T>(&self, action: impl FnOnce(&mut Inner) -> Result<T, Error>) -> Result<T, Error> {
        // The cache of folders is only ever added to, so a panic elsewhere cannot have left it half done.
        action(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inner {
    fn folder(&mut self, id: gix::ObjectId, path: &str) -> Result<Arc<Folder>, Error> {
        if let Some(known) = self.folders.get(&id) {
            return Ok(known.clone());
        }
        let tree = self.repository.find_tree(id).map_err(|e| Error::file(path, format!("cannot read the folder: {e}")))?;
        let mut entries = BTreeMap::new();
        for entry in tree.iter() {
            let entry = entry.map_err(|e| Error::file(path, format!("damaged folder: {e}")))?;
            let kind = match entry.mode().kind() {
                gix::object::tree::EntryKind::Tree => Kind::Directory,
                gix::object::tree::EntryKind::Blob | gix::object::tree::EntryKind::BlobExecutable => Kind::File,
                gix::object::tree::EntryKind::Link => Kind::Link,
                gix::object::tree::EntryKind::Commit => Kind::Submodule,
            };
            // A name that is not UTF-8 cannot be named in a kustomization either.
            if let Ok(name) = std::str::from_utf8(entry.filename()) {
                entries.insert(name.to_owned(), (kind, entry.object_id()));
            }
        }
        let entries = Arc::new(entries);
        self.folders.insert(id, entries.clone());
        Ok(entries)
    }

    /// Walks a path, following links within the tree.
    fn walk(&mut self, path: &str) -> Result<Option<(Kind, gix::ObjectId)>, Error> {
        Ok(self.walk_named(path)?.map(|(kind, id, _)| (kind, id)))
    }

    /// Walks a path, and tells the path that it comes to.
    fn walk_named(&mut self, path: &str) -> Result<Option<(Kind, gix::ObjectId, String)>, Error> {
        let mut rest: Vec<String> = components(path).rev().map(str::to_owned).collect();
        let mut at: Vec<(String, gix::ObjectId)> = Vec::new();
        let mut links = 0;
        let outside = || Error::file(path, "leads out of the repository");
        while let Some(name) = rest.pop() {
            if name == ".." {
                at.pop().ok_or_else(outside)?;
                continue;
            }
            let here = at.last().map_or(self.root, |(_, id)| *id);
            let folder = self.folder(here, path)?;
            match folder.get(&name) {
                None => return Ok(None),
                Some((Kind::Directory, id)) => at.push((name, *id)),
                Some((Kind::Link, id)) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(Error::file(path, "too many links, or a circle of links"));
                    }
                    let target = self.blob(*id, path)?;
                    let target = String::from_utf8(target).map_err(|_| Error::file(path, "a link with a target that is not text"))?;
                    if target.starts_with('/') {
                        return Err(Error::file(path, format!("link to {target}, outside the repository")));
                    }
                    rest.extend(components(&target).rev().map(str::to_owned));
                }
                Some((kind, id)) => {
                    // A file; nothing can be below it.
                    let folders = at.iter().map(|(name, _)| name.as_str());
                    let full = || folders.chain([name.as_str()]).collect::<Vec<_>>().join("/");
                    return Ok(rest.is_empty().then(|| (*kind, *id, full())));
                }
            }
        }
        let full = at.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join("/");
        Ok(Some((Kind::Directory, at.last().map_or(self.root, |(_, id)| *id), full)))
    }

    fn blob(&mut self, id: gix::ObjectId, path: &str) -> Result<Vec<u8>, Error> {
        let size = self.repository.find_header(id).map_err(|e| Error::file(path, format!("cannot read: {e}")))?.size();
        if size > MAX_FILE {
            return Err(Error::file(path, format!("{size} bytes are more than the {MAX_FILE} that a file may have")));
        }
        let mut blob = self.repository.find_blob(id).map_err(|e| Error::file(path, format!("cannot read: {e}")))?;
        Ok(blob.take_data())
    }
}

/// The components of a path; `.` and empty ones are nothing.
fn components(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|c| !c.is_empty() && *c != ".")
}

impl Tree for GitTree {
    fn entry(&self, path: &str) -> Result<Option<Entry>, Error> {
        self.with(|inner| {
            let found = inner.walk(path)?;
            Ok(found.and_then(|(kind, id)| {
                let kind = match kind {
                    Kind::Directory => EntryKind::Directory,
                    Kind::File => EntryKind::File,
                    // Submodules are not fetched: nothing is there. (A link was followed by `walk`.)
                    Kind::Submodule | Kind::Link => return None,
                };
                Some(Entry { kind, id: id.as_slice().try_into().ok()? })
            }))
        })
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        self.with(|inner| match inner.walk(path)? {
            Some((Kind::File, id)) => inner.blob(id, path),
            Some((Kind::Submodule, _)) => Err(Error::file(path, "is in a submodule, which is not supported yet")),
            Some(_) => Err(Error::file(path, "is a folder")),
            None => Err(Error::file(path, "no such file in the repository")),
        })
    }

    fn list(&self, path: &str) -> Result<Vec<String>, Error> {
        self.with(|inner| match inner.walk(path)? {
            Some((Kind::Directory, id)) => Ok(inner.folder(id, path)?.keys().cloned().collect()),
            Some(_) => Err(Error::file(path, "is not a folder")),
            None => Err(Error::file(path, "no such folder in the repository")),
        })
    }

    fn canonical(&self, path: &str) -> Result<Option<String>, Error> {
        self.with(|inner| Ok(inner.walk_named(path)?.map(|(_, _, full)| full)))
    }
}

/// A tree that remembers what was looked at: what a result depends on, exactly.
pub struct Recorder {
    tree: Arc<dyn Tree>,
    seen: Mutex<BTreeMap<String, Option<Entry>>>,
}

impl Recorder {
    /// Records what is read of `tree` through this value.
    pub fn new(tree: Arc<dyn Tree>) -> Self {
        Recorder { tree, seen: Mutex::default() }
    }

    /// Every path that was looked at, and what was there.
    pub fn into_seen(self) -> BTreeMap<String, Option<Entry>> {
        self.seen.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether `tree` holds the same at every one of these paths.
    pub fn same(seen: &BTreeMap<String, Option<Entry>>, tree: &dyn Tree) -> bool {
        seen.iter().all(|(path, entry)| match (tree.entry(path), entry) {
            (Ok(Some(now)), Some(then)) => now.kind == then.kind && (then.id == ANY || now.id == then.id),
            (Ok(None), None) => true,
            _ => false,
        })
    }

    fn note(&self, path: &str) -> Result<Option<Entry>, Error> {
        let entry = self.tree.entry(path)?;
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), entry);
        Ok(entry)
    }
}

impl Tree for Recorder {
    fn entry(&self, path: &str) -> Result<Option<Entry>, Error> {
        let entry = self.tree.entry(path)?;
        // A mere question about a folder: that it is one counts, not what is anywhere below it.
        let noted = entry.map(|e| if e.kind == EntryKind::Directory { Entry { id: ANY, ..e } } else { e });
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).entry(path.to_owned()).or_insert(noted);
        Ok(entry)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        self.note(path)?;
        self.tree.read(path)
    }

    fn list(&self, path: &str) -> Result<Vec<String>, Error> {
        self.note(path)?;
        self.tree.list(path)
    }

    fn canonical(&self, path: &str) -> Result<Option<String>, Error> {
        let canonical = self.tree.canonical(path)?;
        self.entry(path)?;
        Ok(canonical)
    }
}
