//! Where copies of what is remote lie, as kustomize places them: `localized-files/HOST/PATH` and, for repositories, `/REFERENCE`.

use crate::edit::failed;
use crate::error::Result;
use crate::fs::{clean, file_name};
use crate::repository::Repository;

/// The folder beside a kustomization that holds what it names elsewhere.
const FOLDER: &str = "localized-files";
/// What stands for the host of `file://`.
const FILES: &str = "file-schemed";

/// The reference that pins a repository: without one every copy could be another one.
pub(super) fn reference(repository: &Repository) -> Result<&str> {
    let missing = || failed(format!("localize remote root {:?} missing ref query string parameter", repository.written));
    repository.reference.as_deref().ok_or_else(missing)
}

/// Where the top of a repository lies.
pub(super) fn root(repository: &Repository, reference: &str) -> String {
    let (host, path) = place(&repository.url);
    format!("{FOLDER}/{host}/{}", rooted(&format!("{}/{reference}", path.strip_suffix(".git").unwrap_or(path))))
}

/// Where a file lies; neither its query nor the user and the port of its host count.
pub(super) fn file(url: &str) -> String {
    let (host, path) = place(url.split(['?', '#']).next().unwrap_or(url));
    format!("{FOLDER}/{host}/{}", rooted(path).replace(' ', "%20"))
}

/// How the copy of a remote target is called.
pub(super) fn name(repository: &Repository, reference: &str) -> String {
    let folder = rooted(&repository.path);
    let name = if folder.is_empty() { file_name(place(&repository.url).1) } else { file_name(&folder) };
    format!("localized-{name}-{}", reference.replace('/', "-"))
}

/// Host and path of a URL, or of `user@host:path`.
fn place(url: &str) -> (&str, &str) {
    let (scheme, rest) = url.split_once("://").map_or((None, url), |(scheme, rest)| (Some(scheme), rest));
    if scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("file")) {
        return (FILES, rest);
    }
    let end = if scheme.is_some() { rest.find('/') } else { rest.find([':', '/']) };
    let (authority, path) = end.map_or((rest, ""), |end| (&rest[..end], &rest[end + 1..]));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|c| c.is_ascii_digit())).map_or(host, |(host, _)| host);
    (host.trim_matches(['[', ']']), path)
}

/// A path below a top that `..` does not leave.
fn rooted(path: &str) -> String {
    clean(path).split('/').skip_while(|part| *part == "..").collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first five were asked of kustomize 5.8.1 with repositories of this machine.
    #[test]
    fn repositories_lie_by_host_path_and_reference() {
        for (url, expected) in [
            ("file:///srv/org/repo//app?ref=v1", "file-schemed/srv/org/repo/v1"),
            ("file:///srv/org/repo//app?ref=feature/x", "file-schemed/srv/org/repo/feature/x"),
            ("http://user:pw@localhost:8766/org/repo/app?ref=v1", "localhost/org/repo/v1"),
            ("http://localhost:8766/org/../org/./repo/.git//app?ref=v1&timeout=20", "localhost/org/repo/v1"),
            ("http://localhost:8766/org/dot.git?ref=v2", "localhost/org/dot/v2"),
            ("git@github.com:org/repo/path?ref=v1", "github.com/org/repo/v1"),
            ("github.com/org/repo?version=v1", "github.com/org/repo/v1"),
            ("ssh://git@host.xz:7999/org/repo//path?ref=v1", "host.xz/org/repo/v1"),
            ("http://[::1]:80/org/repo?ref=../../../v1", "::1/v1"),
        ] {
            let repository = Repository::parse(url).expect(url);
            assert_eq!(root(&repository, reference(&repository).expect(url)), format!("localized-files/{expected}"), "{url}");
        }
        assert!(reference(&Repository::parse("file:///srv/org/repo").expect("a URL")).is_err());
    }

    /// Asked of kustomize 5.8.1.
    #[test]
    fn files_lie_by_host_and_path() {
        for (url, expected) in [
            ("http://localhost:8765/a.yaml?x=1", "localhost/a.yaml"),
            ("http://localhost:8765/d/../d/b.yaml", "localhost/d/b.yaml"),
            ("http://localhost:8765/d/e/b%20c.yaml", "localhost/d/e/b%20c.yaml"),
            ("https://user@host.xz/../../x", "host.xz/x"),
        ] {
            assert_eq!(file(url), format!("localized-files/{expected}"), "{url}");
        }
    }

    /// Asked of kustomize 5.8.1.
    #[test]
    fn copies_of_remote_targets_are_called_by_folder_and_reference() {
        for (url, expected) in [
            ("file:///srv/org/repo//app?ref=feature/x", "localized-app-feature-x"),
            ("file:///srv/org/dot.git?ref=v2", "localized-dot.git-v2"),
        ] {
            let repository = Repository::parse(url).expect(url);
            assert_eq!(name(&repository, reference(&repository).expect(url)), expected);
        }
    }
}
