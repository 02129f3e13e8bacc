//! Repositories in memory, for tests: commits are maps of files, nothing is waited for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{Entry, EntryKind, Error, Snapshot, Sources, Tree};

/// Repositories in memory; cheap to clone, the clones are the same repositories.
#[derive(Clone)]
pub struct Memory {
    shared: Arc<Shared>,
}

struct Shared {
    repositories: Mutex<BTreeMap<String, Repository>>,
    listeners: Mutex<Vec<UnboundedSender<String>>>,
}

#[derive(Default)]
struct Repository {
    commits: BTreeMap<String, Arc<dyn Tree>>,
    references: BTreeMap<String, String>,
    broken: Option<String>,
}

impl Default for Memory {
    fn default() -> Self {
        Memory { shared: Arc::new(Shared { repositories: Mutex::default(), listeners: Mutex::default() }) }
    }
}

impl Memory {
    /// No repository yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Commits `files` (path, content: all the files there are) as the new tip of `HEAD` and branch `main`,
    /// and returns the commit's id. The agent is told at once.
    pub fn commit<P: Into<String>, C: Into<Vec<u8>>>(&self, url: &str, files: impl IntoIterator<Item = (P, C)>) -> String {
        let files: BTreeMap<String, Vec<u8>> = files.into_iter().map(|(p, c)| (p.into(), c.into())).collect();
        let id = {
            let mut repositories = self.lock();
            let repository = repositories.entry(url.to_owned()).or_default();
            let mut hash = Sha256::new();
            hash.update(repository.commits.len().to_be_bytes());
            for (path, content) in &files {
                hash.update(path.as_bytes());
                hash.update(content);
            }
            let id: String = hash.finalize().iter().take(20).map(|b| format!("{b:02x}")).collect();
            let file = |(path, content): (String, Vec<u8>)| (path, File { digest: Sha256::digest(&content).into(), content });
            repository.commits.insert(id.clone(), Arc::new(MemoryTree { files: files.into_iter().map(file).collect() }));
            for name in ["HEAD", "main", "refs/heads/main"] {
                repository.references.insert(name.to_owned(), id.clone());
            }
            id
        };
        self.tell(url);
        id
    }

    /// Makes every question about the repository fail with this message, or work again.
    pub fn set_broken(&self, url: &str, message: Option<&str>) {
        self.lock().entry(url.to_owned()).or_default().broken = message.map(str::to_owned);
        self.tell(url);
    }

    fn tell(&self, url: &str) {
        self.shared.listeners.lock().unwrap_or_else(PoisonError::into_inner).retain(|listener| listener.send(url.to_owned()).is_ok());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Repository>> {
        self.shared.repositories.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, url: &str, revision: &str) -> Result<Snapshot, Error> {
        let repositories = self.lock();
        let broken = |reason: &str| Error::Repository { url: url.to_owned(), reason: reason.to_owned() };
        let repository = repositories.get(url).ok_or_else(|| broken("there is no such repository"))?;
        if let Some(reason) = &repository.broken {
            return Err(broken(reason));
        }
        let wanted = if revision.is_empty() { "HEAD" } else { revision };
        let id = repository.references.get(wanted).map_or(wanted, String::as_str);
        let tree = repository.commits.get(id).ok_or_else(|| Error::Revision { url: url.to_owned(), revision: revision.to_owned() })?;
        Ok(Snapshot { commit: id.to_owned(), tree: tree.clone() })
    }
}

impl Sources for Memory {
    fn resolve<'a>(&'a self, url: &'a str, revision: &'a str, _fresh: bool) -> BoxFuture<'a, Result<Snapshot, Error>> {
        std::future::ready(self.find(url, revision)).boxed()
    }

    fn changes(&self) -> UnboundedReceiver<String> {
        let (sender, receiver) = unbounded_channel();
        self.shared.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        receiver
    }

    fn retain(&self, _used: &BTreeSet<(String, String)>) {}

    fn poke(&self, url: Option<&str>) {
        let urls: Vec<String> = self.lock().keys().filter(|known| url.is_none_or(|url| url == *known)).cloned().collect();
        for url in urls {
            self.tell(&url);
        }
    }
}

struct MemoryTree {
    files: BTreeMap<String, File>,
}

struct File {
    content: Vec<u8>,
    digest: [u8; 32],
}

fn clean(path: &str) -> String {
    path.split('/').filter(|c| !c.is_empty() && *c != ".").collect::<Vec<_>>().join("/")
}

impl MemoryTree {
    fn below<'a>(&'a self, folder: &str) -> impl Iterator<Item = (&'a str, &'a File)> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        self.files.iter().filter_map(move |(path, file)| Some((path.strip_prefix(&prefix)?, file)))
    }
}

impl Tree for MemoryTree {
    fn entry(&self, path: &str) -> Result<Option<Entry>, Error> {
        let path = clean(path);
        let id = |digest: [u8; 32]| -> [u8; 20] { std::array::from_fn(|i| digest[i]) };
        if let Some(file) = self.files.get(&path) {
            return Ok(Some(Entry { kind: EntryKind::File, id: id(file.digest) }));
        }
        let mut hash = Sha256::new();
        let mut any = path.is_empty();
        for (name, file) in self.below(&path) {
            any = true;
            hash.update(name.as_bytes());
            hash.update(file.digest);
        }
        Ok(any.then(|| Entry { kind: EntryKind::Directory, id: id(hash.finalize().into()) }))
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        self.files.get(&clean(path)).map(|file| file.content.clone()).ok_or_else(|| Error::file(path, "no such file in the repository"))
    }

    fn list(&self, path: &str) -> Result<Vec<String>, Error> {
        let path = clean(path);
        let names: BTreeSet<String> = self.below(&path).filter_map(|(rest, _)| rest.split('/').next()).map(str::to_owned).collect();
        if names.is_empty() && !path.is_empty() {
            Err(Error::file(&path, "no such folder in the repository"))
        } else {
            Ok(names.into_iter().collect())
        }
    }

    fn canonical(&self, path: &str) -> Result<Option<String>, Error> {
        Ok(self.entry(path)?.map(|_| clean(path)))
    }
}
