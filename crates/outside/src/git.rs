//! Git repositories, fetched by the `git` program into a cache that is keyed by URL and commit.
//!
//! git knows the user's keys, proxies and credential helpers, as kustomize's users expect. It is kept from everything else: its environment is
//! chosen, no hook runs, only file, ssh and http(s) are spoken (a submodule cannot even name a file), and of the cache only files are left.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use fiel_renderer::{Checkout, Disk, Failure, Repository};
use sha2::{Digest as _, Sha256};

use crate::process::{Stderr, run};

/// More files than this are not kept.
const MAX_FILES: usize = 200_000;
/// More bytes than this are not kept.
const MAX_BYTES: u64 = 1 << 30;

/// The variables that git may see: where it finds programs, the user's settings and keys, and the way out.
const ENVIRONMENT: [&str; 20] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "XDG_CONFIG_HOME",
    "SSH_AUTH_SOCK",
    "SSH_ASKPASS",
    "GIT_ASKPASS",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSL_CAINFO",
    "GIT_CONFIG_GLOBAL",
    "SSL_CERT_FILE",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "no_proxy",
    "NO_PROXY",
];

const SETTINGS: [&str; 9] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "protocol.allow=never",
    "protocol.https.allow=always",
    "protocol.http.allow=always",
    "protocol.ssh.allow=always",
    // By the user's own words only: not by a submodule.
    "protocol.file.allow=user",
    "fetch.recurseSubmodules=false",
    "advice.detachedHead=false",
];

/// Fetches repositories.
#[derive(Debug)]
pub struct Git {
    cache: PathBuf,
    /// What this build has fetched: one answer for all who ask.
    known: Mutex<HashMap<Key, Found>>,
}

/// URL, reference, submodules.
type Key = (String, Option<String>, bool);

/// The folder in the cache, and the commit.
type Found = (PathBuf, String);

impl Git {
    /// With a cache in that folder.
    #[must_use]
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        Self { cache: cache.into(), known: Mutex::default() }
    }

    /// The repository's files.
    pub(crate) fn fetch(&self, repository: &Repository) -> Result<Checkout, Failure> {
        let key = (repository.url.clone(), repository.reference.clone(), repository.submodules);
        // A second build of the same repository waits for the first, and then needs nothing.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (folder, commit) = match known.get(&key) {
            Some(found) => found.clone(),
            None => {
                let found = self.find(repository).map_err(|failure| {
                    let text = failure.to_string().replace(&repository.url, &shown(&repository.url));
                    Failure::failed(format!("cannot fetch {}: {text}", shown(&repository.url)))
                })?;
                known.insert(key, found.clone());
                found
            }
        };
        Ok(Checkout { files: Box::new(Disk::new(folder)), commit })
    }

    fn find(&self, repository: &Repository) -> Result<Found, Failure> {
        let wanted = repository.reference.as_deref().unwrap_or("HEAD");
        check(wanted)?;
        check_url(&repository.url)?;
        own(&self.cache)?;
        let home = self.cache.join("git").join(digest(&repository.url));
        let place = |commit: &str| home.join(if repository.submodules { commit.to_owned() } else { format!("{commit}-alone") });
        let commit = if is_commit(wanted) { Some(wanted.to_ascii_lowercase()) } else { self.ask(repository, wanted)? };
        if let Some(commit) = commit.filter(|commit| place(commit).is_dir()) {
            return Ok((place(&commit), commit));
        }
        let failed = |e: io::Error| Failure::failed(format!("the cache {}: {e}", home.display()));
        fs::create_dir_all(&home).map_err(failed)?;
        let work = tempfile::Builder::new().prefix("new-").tempdir_in(&home).map_err(failed)?;
        let commit = checkout(repository, wanted, work.path())?;
        let target = place(&commit);
        strip(work.path(), &mut Budget { files: MAX_FILES, bytes: MAX_BYTES })?;
        match fs::rename(work.path(), &target) {
            Ok(()) => drop(work.keep()),
            // Another process was quicker with the same commit.
            Err(_) if target.is_dir() => {}
            Err(e) => return Err(failed(e)),
        }
        Ok((target, commit))
    }

    /// The commit that a name stands for at the remote; nothing when the remote does not list it.
    fn ask(&self, repository: &Repository, wanted: &str) -> Result<Option<String>, Failure> {
        let peeled = format!("{wanted}^{{}}");
        let listing = git(&self.cache, repository, ["ls-remote", "-q", "--", &repository.url, wanted, &peeled])?;
        Ok(resolve(&String::from_utf8_lossy(&listing), wanted))
    }
}

/// Fetches one commit into a folder and gives its id.
fn checkout(repository: &Repository, wanted: &str, folder: &Path) -> Result<String, Failure> {
    let git = |args: &[&str]| git(folder, repository, args);
    git(&["init", "-q"])?;
    git(&["fetch", "-q", "--depth=1", "--", &repository.url, wanted])?;
    git(&["checkout", "-q", "--detach", "FETCH_HEAD"])?;
    if repository.submodules && folder.join(".gitmodules").is_file() {
        // Relative submodules are relative to the remote.
        git(&["remote", "add", "origin", &repository.url])?;
        git(&["submodule", "-q", "update", "--init", "--recursive"])?;
    }
    let commit = git(&["rev-parse", "--verify", "HEAD"])?;
    Ok(String::from_utf8_lossy(&commit).trim().to_owned())
}

fn git<'a>(folder: &Path, repository: &Repository, args: impl AsRef<[&'a str]>) -> Result<Vec<u8>, Failure> {
    let mut command = Command::new("git");
    command.env_clear().envs(std::env::vars_os().filter(|(key, _)| ENVIRONMENT.iter().any(|allowed| OsStr::new(allowed) == key)));
    command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_CONFIG_NOSYSTEM", "0").env("LC_ALL", "C");
    if folder.is_dir() {
        command.current_dir(folder);
    }
    command.args(SETTINGS.iter().flat_map(|setting| ["-c", setting])).args(args.as_ref());
    run(command, Vec::new(), Stderr::Kept, Some(repository.timeout))
}

/// A name that git cannot take for anything else.
fn check(reference: &str) -> Result<(), Failure> {
    let odd = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    if reference.starts_with(['-', '+', '/']) || reference.contains(odd) || reference.contains("..") {
        return Err(Failure::failed(format!("{reference:?} is not the name of a branch, tag or commit")));
    }
    Ok(())
}

/// A URL that a credential helper reads as one line.
fn check_url(url: &str) -> Result<(), Failure> {
    let lower = url.to_ascii_lowercase();
    if url.contains(char::is_control) || ["%0a", "%0d", "%00"].iter().any(|code| lower.contains(code)) {
        return Err(Failure::refused("its URL holds a line end, or another sign that cannot be written"));
    }
    Ok(())
}

/// Makes the folder, for this user alone. What is in it counts as what was fetched: nobody else may have put it there, or read it.
fn own(folder: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let failed = |e: io::Error| Failure::failed(format!("the cache {}: {e}", folder.display()));
    fs::create_dir_all(folder).map_err(failed)?;
    let meta = fs::metadata(folder).map_err(failed)?;
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(Failure::refused(format!(
            "the cache {} belongs to another user; XDG_CACHE_HOME names a folder of your own",
            folder.display()
        )));
    }
    if meta.mode() & 0o077 != 0 {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(failed)?;
    }
    Ok(())
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|c| c.is_ascii_hexdigit())
}

/// Finds a name in what `ls-remote` lists, in the order in which git itself would.
fn resolve(listing: &str, wanted: &str) -> Option<String> {
    let refs: HashMap<&str, &str> = listing.lines().filter_map(|line| line.split_once('\t')).map(|(id, name)| (name, id)).collect();
    let names = [wanted.to_owned(), format!("refs/{wanted}"), format!("refs/tags/{wanted}"), format!("refs/heads/{wanted}")];
    let found = names.iter().find_map(|name| refs.get(&*format!("{name}^{{}}")).or_else(|| refs.get(&**name)));
    found.filter(|id| is_commit(id)).map(|id| (*id).to_owned())
}

fn digest(text: &str) -> String {
    Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// A URL without its password.
fn shown(url: &str) -> String {
    match url.split_once("://").map(|(scheme, rest)| (scheme, rest.split_once('/').unwrap_or((rest, "")))) {
        Some((scheme, (host, path))) if host.contains('@') => {
            format!("{scheme}://{}/{path}", host.rsplit_once('@').map_or(host, |(_, host)| host))
        }
        _ => url.to_owned(),
    }
}

struct Budget {
    files: usize,
    bytes: u64,
}

/// Takes away what belongs to git, and refuses what is too large to keep.
fn strip(folder: &Path, budget: &mut Budget) -> Result<(), Failure> {
    let failed = |e: io::Error| Failure::failed(format!("{}: {e}", folder.display()));
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        match (entry.file_name() == ".git", kind.is_dir()) {
            (true, true) => fs::remove_dir_all(entry.path()).map_err(failed)?,
            (true, false) => fs::remove_file(entry.path()).map_err(failed)?,
            (false, true) => strip(&entry.path(), budget)?,
            (false, false) => {
                let size = entry.metadata().map_err(failed)?.len();
                let left = (budget.files.checked_sub(1), budget.bytes.checked_sub(size));
                let (Some(files), Some(bytes)) = left else {
                    return Err(Failure::failed(format!("the repository has more than {MAX_FILES} files or {} MiB", MAX_BYTES >> 20)));
                };
                *budget = Budget { files, bytes };
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_as_git_finds_them() {
        let id = |c: char| c.to_string().repeat(40);
        let listing = format!(
            "{}\tHEAD\n{}\trefs/heads/x/v1\n{}\trefs/heads/v1\n{}\trefs/tags/v1\n{}\trefs/tags/v1^{{}}\n",
            id('a'),
            id('b'),
            id('c'),
            id('d'),
            id('e')
        );
        assert_eq!(resolve(&listing, "v1"), Some(id('e')));
        assert_eq!(resolve(&listing, "heads/v1"), Some(id('c')));
        assert_eq!(resolve(&listing, "refs/heads/x/v1"), Some(id('b')));
        assert_eq!(resolve(&listing, "HEAD"), Some(id('a')));
        assert_eq!(resolve(&listing, "v2"), None);
    }

    #[test]
    fn git_runs_no_hook_and_sees_only_what_it_needs() {
        let folder = tempfile::tempdir().expect("a folder");
        let repository = Repository::parse("file:///a").expect("a repository");
        let said = git(folder.path(), &repository, ["config", "core.hooksPath"]).expect("git answers");
        assert_eq!(said, b"/dev/null\n");
        // An alias of the shell's shows the environment; cargo sets the variable that must not be there.
        let said = git(folder.path(), &repository, ["-c", "alias.environment=!env", "environment"]).expect("git answers");
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("GIT_TERMINAL_PROMPT=0") && !said.contains("CARGO_MANIFEST_DIR"), "{said}");
    }

    #[test]
    fn names_that_git_could_take_for_something_else_are_refused() {
        for odd in ["--upload-pack=touch x", "-x", "a:refs/heads/b", "+a", "a b", "a..b", "a\nb"] {
            assert!(check(odd).is_err(), "{odd}");
        }
        for good in ["main", "v1.2.3", "feature/one", "HEAD", "refs/pull/1/head", "0123456789012345678901234567890123456789"] {
            assert!(check(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_url_is_one_line() {
        for odd in ["https://host/a\nb/c", "https://host/org/repo%0ahost=other", "https://host%0D/org/repo", "https://host/a%00/b"] {
            assert!(check_url(odd).is_err(), "{odd}");
        }
        assert!(check_url("https://host/org/a%20b").is_ok());
    }

    #[test]
    fn the_cache_is_this_users_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let temp = tempfile::tempdir().expect("a folder");
        let cache = temp.path().join("a/cache");
        let mode = || fs::metadata(&cache).expect("there").permissions().mode() & 0o777;
        own(&cache).expect("made");
        assert_eq!(mode(), 0o700);
        fs::set_permissions(&cache, fs::Permissions::from_mode(0o777)).expect("set");
        own(&cache).expect("it is ours");
        assert_eq!(mode(), 0o700);
        // Root may give a folder away, which is what it takes to test the other case.
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&cache, Some(65534), None).expect("given away");
            let refused = own(&cache).expect_err("somebody else's").to_string();
            assert!(refused.contains("belongs to another user"), "{refused}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(shown("https://user:secret@host/org/repo"), "https://host/org/repo");
        assert_eq!(shown("git@host:org/repo"), "git@host:org/repo");
        assert_eq!(shown("file:///a/b@c"), "file:///a/b@c");
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["a", "b"] {
            fs::write(folder.path().join(name), "12345").expect("written");
        }
        assert!(strip(folder.path(), &mut Budget { files: 2, bytes: 10 }).is_ok());
        assert!(strip(folder.path(), &mut Budget { files: 1, bytes: 10 }).is_err());
        assert!(strip(folder.path(), &mut Budget { files: 2, bytes: 9 }).is_err());
    }
}
