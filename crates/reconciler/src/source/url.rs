//! Repository URLs: which are supported, and how they are shown.

use std::path::PathBuf;

use super::Error;

/// A repository's URL, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// How the repository is reached.
    pub scheme: Scheme,
    /// The URL as it may be shown: without user and password.
    pub shown: String,
}

/// How a repository is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    /// In this folder of the local disk.
    File(PathBuf),
    /// Over http or https, at this URL (as given, without user and password).
    Http(String),
}

impl Url {
    /// Understands a URL: `file:///path`, `/path`, `http://…`, `https://…`. Others are refused with what to do instead.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let shown = without_user(text);
        let refuse = |reason: &str| Err(Error::Url { url: shown.clone(), reason: reason.to_owned() });
        let scheme = if let Some(path) = text.strip_prefix("file://") {
            if !path.starts_with('/') {
                return refuse("a file URL needs an absolute path: file:///path/of/repository");
            }
            Scheme::File(PathBuf::from(percent_decoded(path)))
        } else if text.starts_with('/') {
            Scheme::File(PathBuf::from(text))
        } else if text.starts_with("http://") || text.starts_with("https://") {
            if shown != text {
                return refuse("a user or password within the URL is not supported: it would be shown wherever the URL is");
            }
            Scheme::Http(text.to_owned())
        } else if text.is_empty() {
            return refuse("repoURL is empty");
        } else if text.starts_with("ssh://") || (text.contains('@') && text.contains(':')) {
            return refuse("ssh is not supported yet, use the https URL");
        } else if text.starts_with("oci://") {
            return refuse("OCI sources are not supported yet, use a Git repository");
        } else {
            return refuse("not supported: use file://, http:// or https://");
        };
        Ok(Url { scheme, shown })
    }
}

/// The URL without `user:password@`.
fn without_user(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{host}{}", &rest[authority.len()..]),
        None => text.to_owned(),
    }
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten().and_then(|h| u8::from_str_radix(h, 16).ok());
        out.push(hex.unwrap_or(bytes[at]));
        at += if hex.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes() {
        assert_eq!(Url::parse("file:///a/b%20c").unwrap().scheme, Scheme::File("/a/b c".into()));
        assert_eq!(Url::parse("/a/b").unwrap().scheme, Scheme::File("/a/b".into()));
        assert!(matches!(Url::parse("https://x/y.git").unwrap().scheme, Scheme::Http(_)));
        for refused in ["git@host:a/b", "ssh://git@host/a", "oci://x", "file://rel", "", "ext::sh -c x"] {
            assert!(Url::parse(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let error = Url::parse("https://me:hunter2@host/x@y").unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
        assert!(error.contains("https://host/x@y"), "{error}");
    }
}
