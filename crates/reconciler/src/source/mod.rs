//! Sources: Git repositories, looked at without a checkout.
//!
//! [`Sources`] is what the agent knows: it resolves a repository and a revision to a commit and hands over the
//! commit's [`Tree`]; it tells when a revision in use has moved. [`Git`] is the real one (gix: `file://`, paths,
//! `http://`, `https://`), [`Memory`] the one of tests.
//!
//! No command is run because a repository says so: no hook, no filter, no credential helper, no configured transport;
//! nothing outside the repository is read: alternates and links that leave it are refused.

mod credentials;
mod fetch;
mod git;
mod local;
mod memory;
mod open;
mod refs;
mod tls;
mod tree;
mod url;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::mpsc::UnboundedReceiver;

pub use credentials::{Credentials, SECRET_TYPE};
pub use git::{Git, GitOptions};
pub use local::local;
pub use memory::Memory;
pub use tls::install_crypto;
pub use tree::Recorder;
pub use url::{Scheme, Url};

/// Where desired state comes from.
pub trait Sources: Send + Sync + 'static {
    /// Resolves `revision` of the repository at `url` and opens its tree. An empty revision is `HEAD`.
    /// What a poll found a moment ago is good enough, unless `fresh`: then the repository is asked (again).
    fn resolve<'a>(&'a self, url: &'a str, revision: &'a str, fresh: bool) -> BoxFuture<'a, Result<Snapshot, Error>>;

    /// The URLs of repositories in which a revision that was resolved before now resolves to something else.
    /// There is one receiver: the agent.
    fn changes(&self) -> UnboundedReceiver<String>;

    /// Forgets (and stops asking) every repository and revision that is not in `used`.
    fn retain(&self, used: &BTreeSet<(String, String)>);

    /// Replaces what is known of users and passwords.
    fn set_credentials(&self, credentials: Credentials) {
        drop(credentials);
    }

    /// Asks the repository at once instead of at its next turn (a webhook came); all repositories for `None`.
    fn poke(&self, url: Option<&str>);
}

/// A commit and its files.
#[derive(Clone)]
pub struct Snapshot {
    /// The full object id of the commit, in lower-case hexadecimal.
    pub commit: String,
    /// The files.
    pub tree: Arc<dyn Tree>,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("commit", &self.commit).finish_non_exhaustive()
    }
}

/// The immutable files of one commit. Paths are `/`-separated and relative to the repository's root; the root is `""`.
/// Links are followed within the tree; a link that leaves it is an error.
pub trait Tree: Send + Sync {
    /// What is at a path, `None` if nothing is.
    fn entry(&self, path: &str) -> Result<Option<Entry>, Error>;
    /// A file's content.
    fn read(&self, path: &str) -> Result<Vec<u8>, Error>;
    /// The names of a folder's entries, sorted.
    fn list(&self, path: &str) -> Result<Vec<String>, Error>;
    /// The path with all links followed, `None` if nothing is there.
    fn canonical(&self, path: &str) -> Result<Option<String>, Error>;
}

/// What is at a path of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// A file or a folder.
    pub kind: EntryKind,
    /// A name for the content: equal ids, equal content (all of it, for a folder).
    pub id: [u8; 20],
}

/// Whether an entry is a file or a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A regular file (executable or not).
    File,
    /// A folder.
    Directory,
}

/// Why a source could not be had. No message holds a credential: URLs are shown without their user part.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The URL cannot be understood or its scheme is not supported.
    #[error("repository {url}: {reason}")]
    Url {
        /// The URL, without user and password.
        url: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// The repository could not be opened or asked.
    #[error("repository {url}: {reason}")]
    Repository {
        /// The URL, without user and password.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The revision names no commit.
    #[error("repository {url}: unable to resolve '{revision}' to a commit SHA")]
    Revision {
        /// The URL, without user and password.
        url: String,
        /// The revision asked for.
        revision: String,
    },
    /// A file could not be read.
    #[error("{path}: {reason}")]
    File {
        /// The path within the repository.
        path: String,
        /// What went wrong.
        reason: String,
    },
}

impl Error {
    pub(crate) fn file(path: &str, reason: impl fmt::Display) -> Self {
        Error::File { path: path.to_owned(), reason: reason.to_string() }
    }
}
