//! Repositories over http and https: the references are listed with one request, a commit that is not there yet is
//! fetched (only it, without its history) into a bare repository under the cache folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use gix::credentials::helper::Action;
use gix::credentials::protocol::Outcome;
use gix::protocol::handshake::Ref;
use gix::remote::{Direction, fetch::Shallow, fetch::Tags, ref_map};
use gix::sec::identity::Account;

use super::credentials::Identity;
use super::open;
use super::refs::Refs;

/// Opens the cache repository in `folder`, making it if needed.
pub(super) fn cache(folder: &Path) -> Result<gix::Repository, String> {
    if let Ok(repository) = gix::open_opts(folder, options()) {
        return Ok(repository);
    }
    if folder.exists() {
        // Half made by a process that was killed: it holds nothing that cannot be fetched again.
        std::fs::remove_dir_all(folder).map_err(|e| e.to_string())?;
    }
    private_folder(folder)?;
    gix::ThreadSafeRepository::init_opts(folder, gix::create::Kind::Bare, gix::create::Options::default(), options())
        .map(Into::into)
        .map_err(|e| e.to_string())
}

fn options() -> gix::open::Options {
    open::options().with(gix::sec::Trust::Full).config_overrides(["gitoxide.http.connectTimeout=10000"])
}

fn private_folder(folder: &Path) -> Result<(), String> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|e| format!("cannot make the cache folder: {e}"))
}

/// Asks for the references: `HEAD`, branches, tags, and `extra` ones by their full names.
pub(super) fn list(repository: &gix::Repository, url: &str, identity: Option<&Identity>, extra: &[String]) -> Result<Refs, String> {
    let mut specs = vec!["HEAD".to_owned(), "refs/heads/*:refs/heads/*".to_owned(), "refs/tags/*:refs/tags/*".to_owned()];
    specs.extend(extra.iter().filter(|name| name.starts_with("refs/")).cloned());
    let remote = remote(repository, url, &specs)?;
    let connection =
        remote.connect(Direction::Fetch).map_err(|e| e.to_string())?.with_credentials(|action| Ok(answer(identity, url, action)));
    let (map, _) = connection.ref_map(gix::progress::Discard, ref_map::Options::default()).map_err(|e| reason(&e))?;
    Ok(Refs(map.remote_refs.iter().filter_map(named).collect::<BTreeMap<_, _>>()))
}

/// Answers a server that asks who we are; never one that we were redirected to on another host.
fn answer(identity: Option<&Identity>, url: &str, action: Action) -> Option<Outcome> {
    let Action::Get(context) = action else { return None };
    let host = |url: &str| url.split('/').nth(2).map(str::to_lowercase);
    let asked = context.url.as_ref().map(ToString::to_string);
    if asked.as_deref().and_then(host) != host(url) {
        return None;
    }
    let identity = identity?;
    let account = Account { username: identity.username.clone(), password: identity.password.clone(), oauth_refresh_token: None };
    Some(Outcome { identity: account, next: context.into() })
}

fn named(reference: &Ref) -> Option<(String, String)> {
    match reference {
        Ref::Peeled { full_ref_name, object, .. } | Ref::Direct { full_ref_name, object } | Ref::Symbolic { full_ref_name, object, .. } => {
            Some((full_ref_name.to_string(), object.to_string()))
        }
        Ref::Unborn { .. } => None,
    }
}

/// Fetches one commit with its files and without its history.
pub(super) fn commit(repository: &gix::Repository, url: &str, identity: Option<&Identity>, id: &str) -> Result<(), String> {
    let remote = remote(repository, url, &[format!("+{id}:refs/fiel/{id}")])?;
    let connection =
        remote.connect(Direction::Fetch).map_err(|e| e.to_string())?.with_credentials(|action| Ok(answer(identity, url, action)));
    let depth = std::num::NonZeroU32::MIN;
    connection
        .prepare_fetch(gix::progress::Discard, ref_map::Options::default())
        .map_err(|e| reason(&e))?
        .with_shallow(Shallow::DepthAtRemote(depth))
        .receive(gix::progress::Discard, &AtomicBool::new(false))
        .map_err(|e| reason(&e))?;
    Ok(())
}

fn remote<'r>(repository: &'r gix::Repository, url: &str, specs: &[String]) -> Result<gix::Remote<'r>, String> {
    repository
        .remote_at_without_url_rewrite(url)
        .map_err(|e| e.to_string())?
        .with_fetch_tags(Tags::None)
        .with_refspecs(specs.iter().map(String::as_str), Direction::Fetch)
        .map_err(|e| e.to_string())
}

/// The error with its causes: the outermost says little ("handshake failed").
fn reason(error: &gix::Error) -> String {
    let mut text = error.to_string();
    if text.contains("No credentials were returned") {
        return "the server asks for a user and password, and no repository Secret has them".to_owned();
    }
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text
}
