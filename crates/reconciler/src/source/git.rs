//! The real sources: Git repositories on the disk and over http(s), one reference check per repository.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Mutex as AsyncMutex, Notify};
use tokio::time::Instant;

use super::credentials::{Credentials, Identity};
use super::refs::{Meaning, Refs, candidates, is_hex};
use super::tree::GitTree;
use super::url::{Scheme, Url};
use super::{Error, Snapshot, Sources, fetch, open};

/// No check of a repository may take longer.
const LIMIT: Duration = Duration::from_secs(90);

/// How repositories are asked.
#[derive(Debug, Clone)]
pub struct GitOptions {
    /// The folder for what is fetched; made when needed, readable for the owner only.
    pub cache: PathBuf,
    /// How often the references of a repository on the local disk are looked at. Default 200 ms.
    pub file_interval: Duration,
    /// How often a repository over http(s) is asked for its references (one request). Default 3 s.
    pub http_interval: Duration,
}

impl GitOptions {
    /// The defaults, with this folder for what is fetched.
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        GitOptions { cache: cache.into(), file_interval: Duration::from_millis(200), http_interval: Duration::from_secs(3) }
    }
}

/// Git repositories. Dropping the value ends its polling.
pub struct Git {
    shared: Arc<Shared>,
    receiver: Mutex<Option<UnboundedReceiver<String>>>,
}

struct Shared {
    options: GitOptions,
    changed: UnboundedSender<String>,
    repositories: Mutex<HashMap<String, Arc<Repository>>>,
    credentials: Mutex<Credentials>,
}

/// One repository and what its revisions in use resolve to.
struct Repository {
    name: String,
    url: Url,
    poke: Notify,
    state: AsyncMutex<State>,
}

#[derive(Default)]
struct State {
    known: BTreeMap<String, Result<Snapshot, Error>>,
    checked: Option<Instant>,
    opened: Option<Opened>,
}

struct Opened {
    repository: gix::Repository,
    identity: Option<(PathBuf, u64, u64, i64)>,
}

impl Git {
    /// Sources with these options; nothing is asked before a repository is first resolved.
    pub fn new(options: GitOptions) -> Self {
        let (changed, receiver) = unbounded_channel();
        Git {
            shared: Arc::new(Shared { options, changed, repositories: Mutex::default(), credentials: Mutex::default() }),
            receiver: Mutex::new(Some(receiver)),
        }
    }
}

impl Shared {
    fn repository(self: &Arc<Self>, name: &str) -> Result<Arc<Repository>, Error> {
        let mut repositories = self.repositories.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = repositories.get(name) {
            return Ok(known.clone());
        }
        let url = Url::parse(name)?;
        let repository = Arc::new(Repository { name: name.to_owned(), url, poke: Notify::new(), state: AsyncMutex::default() });
        repositories.insert(name.to_owned(), repository.clone());
        let interval = match repository.url.scheme {
            Scheme::File(_) => self.options.file_interval,
            Scheme::Http(_) => self.options.http_interval,
        };
        tokio::spawn(poll(Arc::downgrade(self), Arc::downgrade(&repository), interval));
        Ok(repository)
    }

    /// Resolves every revision in use (and `also`) anew; those that moved are announced.
    async fn check(&self, repository: &Repository, state: &mut State, also: Option<&str>) {
        let mut wanted: Vec<(String, Option<Result<Snapshot, Error>>)> =
            state.known.iter().map(|(r, s)| (r.clone(), Some(s.clone()))).collect();
        if let Some(also) = also.filter(|r| !state.known.contains_key(*r)) {
            wanted.push((also.to_owned(), None));
        }
        let (url, cache) = (repository.url.clone(), self.options.cache.clone());
        let opened = state.opened.take();
        let identity = match &url.scheme {
            Scheme::Http(address) => self.credentials.lock().unwrap_or_else(PoisonError::into_inner).find(address),
            Scheme::File(_) => Ok(None),
        };
        let started = Instant::now();
        let before = wanted.clone();
        let work = tokio::task::spawn_blocking(move || resolve_all(&url, &cache, identity, opened, wanted));
        let (found, opened) = match tokio::time::timeout(LIMIT, work).await {
            Ok(Ok(done)) => done,
            failed => {
                let reason =
                    if failed.is_err() { format!("no answer within {} s", LIMIT.as_secs()) } else { "reading it failed".to_owned() };
                let error = Error::Repository { url: repository.url.shown.clone(), reason };
                (before.iter().map(|(revision, _)| (revision.clone(), Err(error.clone()))).collect(), None)
            }
        };
        state.opened = opened;
        state.checked = Some(started);
        let moved =
            before.iter().any(|(revision, then)| then.as_ref().is_some_and(|then| found.get(revision).is_none_or(|now| differ(then, now))));
        state.known = found;
        if moved {
            tracing::debug!(repository = %repository.url.shown, "a revision in use has moved");
            // Nobody listening: the agent has ended.
            drop(self.changed.send(repository.name.clone()));
        }
    }
}

fn differ(then: &Result<Snapshot, Error>, now: &Result<Snapshot, Error>) -> bool {
    match (then, now) {
        (Ok(then), Ok(now)) => then.commit != now.commit,
        (Err(then), Err(now)) => then.to_string() != now.to_string(),
        _ => true,
    }
}

/// Checks a repository for as long as it is in use.
async fn poll(shared: Weak<Shared>, repository: Weak<Repository>, interval: Duration) {
    loop {
        {
            let Some(repository) = repository.upgrade() else { return };
            // A timeout is the turn, a poke comes before it.
            drop(tokio::time::timeout(interval, repository.poke.notified()).await);
        }
        let (Some(shared), Some(repository)) = (shared.upgrade(), repository.upgrade()) else { return };
        let mut state = repository.state.lock().await;
        if !state.known.is_empty() {
            shared.check(&repository, &mut state, None).await;
        }
    }
}

impl Sources for Git {
    fn resolve<'a>(&'a self, url: &'a str, revision: &'a str, fresh: bool) -> BoxFuture<'a, Result<Snapshot, Error>> {
        async move {
            let repository = self.shared.repository(url)?;
            let asked = Instant::now();
            let mut state = repository.state.lock().await;
            // Whoever waited for another's check that began after the question has its answer.
            let good = state.known.contains_key(revision) && (!fresh || state.checked.is_some_and(|at| at > asked));
            if !good {
                self.shared.check(&repository, &mut state, Some(revision)).await;
            }
            state
                .known
                .get(revision)
                .cloned()
                .unwrap_or_else(|| Err(Error::Revision { url: repository.url.shown.clone(), revision: revision.to_owned() }))
        }
        .boxed()
    }

    fn changes(&self) -> UnboundedReceiver<String> {
        let taken = self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take();
        taken.unwrap_or_else(|| unbounded_channel().1)
    }

    fn retain(&self, used: &BTreeSet<(String, String)>) {
        let mut repositories = self.shared.repositories.lock().unwrap_or_else(PoisonError::into_inner);
        repositories.retain(|name, repository| {
            // A state that is locked is in use; its unused revisions go at the next call.
            if let Ok(mut state) = repository.state.try_lock() {
                state.known.retain(|revision, _| used.contains(&(name.clone(), revision.clone())));
            }
            used.iter().any(|(url, _)| url == name)
        });
    }

    fn set_credentials(&self, credentials: Credentials) {
        {
            let mut known = self.shared.credentials.lock().unwrap_or_else(PoisonError::into_inner);
            if *known == credentials {
                return;
            }
            *known = credentials;
        }
        let repositories: Vec<Arc<Repository>> =
            self.shared.repositories.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        for repository in repositories {
            // The folder that is open may be another user's.
            if let Ok(mut state) = repository.state.try_lock() {
                state.opened = None;
            }
            repository.poke.notify_one();
        }
    }

    fn poke(&self, url: Option<&str>) {
        let repositories = self.shared.repositories.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, repository) in repositories.iter() {
            if url.is_none_or(|url| url == name) {
                repository.poke.notify_one();
            }
        }
    }
}

type Resolved = BTreeMap<String, Result<Snapshot, Error>>;

/// The blocking half of a check.
fn resolve_all(
    url: &Url,
    cache: &Path,
    identity: Result<Option<Identity>, String>,
    opened: Option<Opened>,
    wanted: Vec<(String, Option<Result<Snapshot, Error>>)>,
) -> (Resolved, Option<Opened>) {
    let fail = |reason: String, wanted: Vec<(String, Option<Result<Snapshot, Error>>)>| {
        let error = Error::Repository { url: url.shown.clone(), reason };
        (wanted.into_iter().map(|(revision, _)| (revision, Err(error.clone()))).collect(), None)
    };
    match &url.scheme {
        Scheme::File(folder) => {
            let identity = open::identity(folder);
            let same = opened.as_ref().is_some_and(|o| identity.is_some() && o.identity == identity);
            let opened = match opened.filter(|_| same) {
                Some(opened) => opened,
                None => match open::open(folder) {
                    Ok(repository) => Opened { repository, identity },
                    Err(reason) => return fail(reason, wanted),
                },
            };
            let found = wanted
                .into_iter()
                .map(|(revision, then)| {
                    let commit = local_commit(&opened.repository, &revision);
                    let snapshot = snapshot(url, &opened.repository, &revision, commit, if same { then } else { None });
                    (revision, snapshot)
                })
                .collect();
            (found, Some(opened))
        }
        Scheme::Http(address) => {
            super::install_crypto();
            let identity = match identity {
                Ok(identity) => identity,
                Err(reason) => return fail(reason, wanted),
            };
            let folder = cache.join(cache_name(address, identity.as_ref()));
            let repository = match opened {
                Some(opened) => opened.repository,
                None => match fetch::cache(&folder) {
                    Ok(repository) => repository,
                    Err(reason) => return fail(reason, wanted),
                },
            };
            let extra: Vec<String> = wanted.iter().map(|(revision, _)| revision.clone()).collect();
            let refs = match fetch::list(&repository, address, identity.as_ref(), &extra) {
                Ok(refs) => refs,
                Err(reason) => return fail(reason, wanted),
            };
            let found = wanted
                .into_iter()
                .map(|(revision, then)| {
                    let snapshot = remote_commit(&repository, address, identity.as_ref(), &refs, &revision)
                        .map_err(|reason| Error::Repository { url: url.shown.clone(), reason })
                        .and_then(|commit| snapshot(url, &repository, &revision, commit, then));
                    (revision, snapshot)
                })
                .collect();
            (found, Some(Opened { repository, identity: None }))
        }
    }
}

/// A commit of a repository on the disk.
fn local_commit(repository: &gix::Repository, revision: &str) -> Option<gix::ObjectId> {
    if revision.len() == 40 && is_hex(revision) {
        return open::commit_by_id(repository, revision);
    }
    let named = candidates(revision).iter().find_map(|name| open::commit_of(repository, name));
    named.or_else(|| is_hex(revision).then(|| open::commit_by_id(repository, revision)).flatten())
}

/// A commit of a repository elsewhere, fetched if it is not in the cache yet.
fn remote_commit(
    cache: &gix::Repository,
    address: &str,
    identity: Option<&Identity>,
    refs: &Refs,
    revision: &str,
) -> Result<Option<gix::ObjectId>, String> {
    let id = match refs.resolve(revision) {
        Meaning::Commit(id) => id,
        Meaning::Object(id) if id.len() == 40 => id,
        // The beginning of an id: of a commit that a reference names, or of one fetched before.
        Meaning::Object(start) => match refs.0.values().find(|id| id.starts_with(&start)) {
            Some(id) => id.clone(),
            None => return Ok(open::commit_by_id(cache, &start)),
        },
        Meaning::Unknown => return Ok(None),
    };
    if open::commit_by_id(cache, &id).is_none() {
        fetch::commit(cache, address, identity, &id)?;
    }
    Ok(open::commit_by_id(cache, &id))
}

fn snapshot(
    url: &Url,
    repository: &gix::Repository,
    revision: &str,
    commit: Option<gix::ObjectId>,
    then: Option<Result<Snapshot, Error>>,
) -> Result<Snapshot, Error> {
    let commit = commit.ok_or_else(|| Error::Revision { url: url.shown.clone(), revision: revision.to_owned() })?;
    let name = commit.to_string();
    if let Some(Ok(then)) = then
        && then.commit == name
    {
        return Ok(then);
    }
    let tree = GitTree::open(repository.clone(), commit).map_err(|reason| Error::Repository { url: url.shown.clone(), reason })?;
    Ok(Snapshot { commit: name, tree: Arc::new(tree) })
}

/// A folder for each repository and user: what one may read is not shown to another.
fn cache_name(address: &str, identity: Option<&Identity>) -> String {
    let mut hash = Sha256::new_with_prefix(address.as_bytes());
    if let Some(identity) = identity {
        hash.update([0]);
        hash.update(identity.username.as_bytes());
        hash.update([0]);
        hash.update(identity.password.as_bytes());
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
