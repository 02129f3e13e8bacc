//! The URLs by which a kustomization names a Git repository: in all of kustomize's spellings.

use std::time::Duration;

/// A folder in a Git repository, as a URL names it.
///
/// ```
/// use fiel_renderer::Repository;
///
/// let repository = Repository::parse("github.com/org/repo//deploy/prod?ref=v1.2").unwrap();
/// assert_eq!(repository.url, "https://github.com/org/repo");
/// assert_eq!(repository.path, "deploy/prod");
/// assert_eq!(repository.reference.as_deref(), Some("v1.2"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// The URL as it was written.
    pub written: String,
    /// What Git is asked to fetch.
    pub url: String,
    /// The folder in the repository; empty for its top.
    pub path: String,
    /// `?ref=` or `?version=`: a branch, tag or commit; the remote's HEAD where it is missing.
    pub reference: Option<String>,
    /// `?timeout=`: how long one call of Git may take (27 s unless said otherwise).
    pub timeout: Duration,
    /// `?submodules=`: whether submodules are fetched too (they are unless said otherwise).
    pub submodules: bool,
}

/// How long one call of Git may take unless the URL says otherwise.
const TIMEOUT: Duration = Duration::from_secs(27);

impl Repository {
    /// Parses a URL.
    ///
    /// # Errors
    /// Why the text does not name a Git repository; it is then a path.
    pub fn parse(written: &str) -> Result<Self, String> {
        if written.starts_with('/') {
            return Err(format!("{written} is an absolute path"));
        }
        let (address, query) = written.split_once('?').unwrap_or((written, ""));
        let (host, rest) = host(address)?;
        let (repository, path) = split(rest, host.starts_with(FILE)).ok_or("the path of the repository is missing")?;
        if repository.is_empty() {
            return Err("the path of the repository is missing".to_owned());
        }
        if leaves(path) {
            return Err(format!("{path} leads out of the repository"));
        }
        let mut parsed = Self {
            written: written.to_owned(),
            url: format!("{host}{repository}"),
            path: path.strip_prefix('/').unwrap_or(path).to_owned(),
            reference: None,
            timeout: TIMEOUT,
            submodules: true,
        };
        parsed.apply(query);
        Ok(parsed)
    }

    /// Takes over what stands behind the question mark; a query that cannot be read counts for nothing.
    fn apply(&mut self, query: &str) {
        let Some(pairs) = pairs(query) else { return };
        let get = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty());
        self.reference = get("ref").or_else(|| get("version")).map(str::to_owned);
        if let Some(timeout) = get("timeout").and_then(duration) {
            self.timeout = timeout;
        }
        match get("submodules") {
            Some("1" | "t" | "T" | "true" | "TRUE" | "True") => self.submodules = true,
            Some("0" | "f" | "F" | "false" | "FALSE" | "False") => self.submodules = false,
            _ => {}
        }
    }
}

const FILE: &str = "file://";

/// Splits off scheme, user and host: what stands before the path.
fn host(address: &str) -> Result<(String, &str), String> {
    let address = cut(address, "git::").unwrap_or(address);
    let schemes = ["ssh://", "https://", "http://", FILE];
    let (scheme, rest) = schemes.iter().find_map(|scheme| Some((*scheme, cut(address, scheme)?))).unwrap_or(("", address));
    if scheme == FILE {
        return Ok((scheme.to_owned(), rest));
    }
    let (user, rest) = user(rest);
    let github = cut(rest, "github.com/").or_else(|| cut(rest, "github.com:")).is_some();
    // user@host:path, with the colon where a URL would have a slash
    let scp = scheme.is_empty() && (!user.is_empty() || github);
    if scheme.is_empty() && !scp {
        return Err("there is no scheme".to_owned());
    }
    let slash = rest.find('/');
    let colon = rest.find(':').filter(|colon| scp && slash.is_none_or(|slash| *colon > 0 && *colon < slash));
    let (name, path) = colon.or(slash).map_or((rest, ""), |end| rest.split_at(end + 1));
    if github {
        let ssh = scheme == "ssh://" || !user.is_empty();
        return Ok(if ssh { (format!("{user}github.com:"), path) } else { ("https://github.com/".to_owned(), path) });
    }
    if name.is_empty() {
        return Err("there is no host".to_owned());
    }
    Ok((format!("{scheme}{user}{name}"), path))
}

/// What follows a prefix whose case does not matter.
fn cut<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

/// Splits off `name@`.
fn user(text: &str) -> (&str, &str) {
    let Some(at) = text.find('@') else { return ("", text) };
    let name = &text[..at];
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if plain { text.split_at(at + 1) } else { ("", text) }
}

/// Splits the path of the repository from the path in it: behind `_git/NAME`, at `//`, behind `.git`, otherwise behind two parts (`org/repo`).
fn split(path: &str, file: bool) -> Option<(&str, &str)> {
    if let Some(at) = path.find("_git/") {
        let name = at + "_git/".len();
        return Some(path[name..].find('/').map_or((path, ""), |end| (&path[..name + end], &path[name + end + 1..])));
    }
    if let Some(pair) = path.split_once("//") {
        return Some(pair);
    }
    if let Some(at) = path.find(".git") {
        return Some(path.split_at(at + ".git".len()));
    }
    if file {
        return Some((path, ""));
    }
    let second = path.find('/')? + 1;
    Some(path[second..].find('/').map_or((path, ""), |end| (&path[..second + end], &path[second + end + 1..])))
}

/// Whether a path climbs above where it starts.
fn leaves(path: &str) -> bool {
    let path = path.strip_prefix('/').unwrap_or(path);
    if path.starts_with('/') {
        return false;
    }
    let mut depth = 0_i32;
    path.split('/').any(|part| {
        match part {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        depth < 0
    })
}

/// The pairs of a query, decoded; `None` when it is malformed.
fn pairs(query: &str) -> Option<Vec<(String, String)>> {
    if query.contains(';') {
        return None;
    }
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            Some((decoded(key)?, decoded(value)?))
        })
        .collect()
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |c: u8| char::from(c).to_digit(16);
                u8::try_from(digit(rest.next()?)? * 16 + digit(rest.next()?)?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Whole seconds, or Go's notation (`1m30s`); nothing unless it is above zero.
fn duration(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<u32>() {
        return (seconds > 0).then(|| Duration::from_secs(seconds.into()));
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    let mut sum = 0.0;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let value: f64 = rest[..number].parse().ok()?;
        rest = &rest[number..];
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        sum += value
            * match &rest[..end] {
                "ns" => 1e-9,
                "us" | "µs" | "μs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return None,
            };
        rest = &rest[end..];
    }
    Duration::try_from_secs_f64(sum).ok().filter(|duration| !duration.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written, the URL to fetch, the path in it, the reference.
    const SPELLINGS: [(&str, &str, &str, &str); 33] = [
        ("https://github.com/org/repo", "https://github.com/org/repo", "", ""),
        ("https://github.com/org/repo/some/path?ref=v1", "https://github.com/org/repo", "some/path", "v1"),
        ("https://github.com/org/repo//some/path?ref=v1", "https://github.com/org/repo", "some/path", "v1"),
        ("https://github.com/org/repo.git/some/path?ref=v1", "https://github.com/org/repo.git", "some/path", "v1"),
        ("https://github.com/org/repo.git//some/path", "https://github.com/org/repo.git", "some/path", ""),
        ("github.com/org/repo/path?version=v2", "https://github.com/org/repo", "path", "v2"),
        ("github.com/org/repo?version=a&ref=b", "https://github.com/org/repo", "", "b"),
        ("GitHub.com/org/repo", "https://github.com/org/repo", "", ""),
        ("HTTP://github.com/org/repo", "https://github.com/org/repo", "", ""),
        ("github.com:org/repo/path", "https://github.com/org/repo", "path", ""),
        ("git::https://github.com/org/repo//path", "https://github.com/org/repo", "path", ""),
        ("git@github.com:org/repo/path?ref=v1", "git@github.com:org/repo", "path", "v1"),
        ("git@github.com/org/repo.git", "git@github.com:org/repo.git", "", ""),
        ("ssh://git@github.com/org/repo.git//path", "git@github.com:org/repo.git", "path", ""),
        ("ssh://github.com/org/repo", "github.com:org/repo", "", ""),
        ("org-1234@github.com:org/repo", "org-1234@github.com:org/repo", "", ""),
        ("git@gitlab.com:group/repo.git/path", "git@gitlab.com:group/repo.git", "path", ""),
        ("git@gitlab.com:group/sub/repo//path", "git@gitlab.com:group/sub/repo", "path", ""),
        ("ssh://git@host.xz:7999/org/repo//path", "ssh://git@host.xz:7999/org/repo", "path", ""),
        ("https://host.xz:8443/org/repo/path", "https://host.xz:8443/org/repo", "path", ""),
        ("https://user:secret@host.xz/org/repo", "https://user:secret@host.xz/org/repo", "", ""),
        ("https://dev.azure.com/org/project/_git/repo/path?ref=v1", "https://dev.azure.com/org/project/_git/repo", "path", "v1"),
        ("https://dev.azure.com/org/project/_git/repo", "https://dev.azure.com/org/project/_git/repo", "", ""),
        ("https://host.xz/a/b/c/repo//", "https://host.xz/a/b/c/repo", "", ""),
        ("file:///srv/repos/one", "file:///srv/repos/one", "", ""),
        ("file:///srv/repos/one//path?ref=main", "file:///srv/repos/one", "path", "main"),
        ("file:///srv/repos/one.git/path", "file:///srv/repos/one.git", "path", ""),
        ("FILE:///srv/one", "file:///srv/one", "", ""),
        ("https://host.xz/org/repo//a/../b", "https://host.xz/org/repo", "a/../b", ""),
        ("https://host.xz/org/repo?ref=feature%2Fone", "https://host.xz/org/repo", "", "feature/one"),
        ("https://host.xz/org/repo?ref=a;b", "https://host.xz/org/repo", "", ""),
        ("https://host.xz/org/repo?ref=%zz", "https://host.xz/org/repo", "", ""),
        ("https://host.xz/org/repo/?ref=x", "https://host.xz/org/repo", "", "x"),
    ];

    #[test]
    fn every_spelling_is_understood() {
        for (written, url, path, reference) in SPELLINGS {
            let parsed = Repository::parse(written).expect(written);
            let found = (parsed.url.as_str(), parsed.path.as_str(), parsed.reference.as_deref().unwrap_or(""));
            assert_eq!(found, (url, path, reference), "{written}");
        }
    }

    #[test]
    fn what_is_no_repository_is_a_path() {
        for path in [
            "../base",
            "/abs/olute",
            "base.git/path",
            "host.xz/org/repo",
            "github.com/org",
            "https://host.xz",
            "https://host.xz/one",
            "https://",
            "file://",
            "oci://host.xz/a/b",
            "https://host.xz/org/repo//../x",
            "https://host.xz/org/repo.git/../../x",
            "C:/windows/path",
            "",
        ] {
            assert!(Repository::parse(path).is_err(), "{path}");
        }
    }

    #[test]
    fn the_query_sets_time_and_submodules() {
        let parsed = |query: &str| Repository::parse(&format!("https://host.xz/org/repo?{query}")).expect("a repository");
        assert_eq!((parsed("").timeout, parsed("").submodules), (TIMEOUT, true));
        assert_eq!(parsed("timeout=61").timeout, Duration::from_secs(61));
        assert_eq!(parsed("timeout=1m30.5s").timeout, Duration::from_millis(90_500));
        for odd in ["timeout=0", "timeout=-3", "timeout=soon", "timeout=5 s", "timeout=1e999h", "timeout=9", "timeout=1.2.3s"] {
            let expected = if odd == "timeout=9" { Duration::from_secs(9) } else { TIMEOUT };
            assert_eq!(parsed(odd).timeout, expected, "{odd}");
        }
        assert!(!parsed("submodules=false").submodules && parsed("submodules=no").submodules);
    }
}
