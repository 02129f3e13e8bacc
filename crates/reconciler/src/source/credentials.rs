//! Users and passwords of repositories, from Argo CD's repository Secrets.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The label of a Secret that describes a repository (`repository`) or credentials for all below a URL (`repo-creds`).
pub const SECRET_TYPE: &str = "argocd.argoproj.io/secret-type";

/// What is known of how to reach repositories. Shows no secret when printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    entries: Vec<Entry>,
}

#[derive(Clone, PartialEq, Eq)]
struct Entry {
    url: String,
    /// For every repository below the URL, not only for it.
    below: bool,
    identity: Result<Identity, String>,
}

/// A user and a password (or token).
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) username: String,
    pub(super) password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.entries.iter().map(|e| &e.url)).finish()
    }
}

impl Credentials {
    /// Reads Secrets; others than repository Secrets are left out.
    pub fn from_secrets<'a>(secrets: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut entries: Vec<Entry> = secrets.into_iter().filter_map(entry).collect();
        entries.sort_by(|a, b| (&a.url, a.below).cmp(&(&b.url, b.below)));
        Credentials { entries }
    }

    /// For the repository at `url`: that of its own Secret, else of the longest URL above it. An error names what the
    /// Secret wants that is not supported.
    pub(super) fn find(&self, url: &str) -> Result<Option<Identity>, String> {
        let wanted = normal(url);
        let own = self
            .entries
            .iter()
            .find(|e| !e.below && e.url == wanted && !matches!(&e.identity, Ok(i) if i.username.is_empty() && i.password.is_empty()));
        let above = || self.entries.iter().filter(|e| e.below && is_below(&wanted, &e.url)).max_by_key(|e| e.url.len());
        own.or_else(above).map(|e| e.identity.clone()).transpose()
    }
}

fn entry(secret: &Value) -> Option<Entry> {
    let below = match secret["metadata"]["labels"][SECRET_TYPE].as_str()? {
        "repository" => false,
        "repo-creds" => true,
        _ => return None,
    };
    let text = |field: &str| {
        let decoded = secret["data"][field].as_str().and_then(|data| STANDARD.decode(data).ok());
        decoded.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
    };
    let unsupported = ["sshPrivateKey", "tlsClientCertData", "githubAppPrivateKey", "gcpServiceAccountKey", "bearerToken", "proxy"];
    let name = || secret["metadata"]["name"].as_str().unwrap_or_default();
    let identity = match unsupported.iter().find(|field| !text(field).is_empty()) {
        Some(field) => Err(format!(
            "the Secret {} has {field}, which is not supported yet: use username and password (or a token as the password)",
            name()
        )),
        None if text("insecure") == "true" => Err(format!("the Secret {} asks for insecure connections, which are not supported", name())),
        None => Ok(Identity { username: text("username"), password: text("password") }),
    };
    let url = text("url");
    (!url.is_empty()).then(|| Entry { url: normal(&url), below, identity })
}

/// Equal for the ways in which the URL of one repository is written.
fn normal(url: &str) -> String {
    let url = url.trim().trim_end_matches('/');
    let url = url.strip_suffix(".git").unwrap_or(url);
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
            let path = path.map(|path| format!("/{path}")).unwrap_or_default();
            format!("{}://{}{path}", scheme.to_lowercase(), host.to_lowercase())
        }
        None => url.to_owned(),
    }
}

/// Whether one URL is below another: whole path segments, never `https://host.evil` below `https://host`.
fn is_below(url: &str, above: &str) -> bool {
    url.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn secret(kind: &str, fields: &[(&str, &str)]) -> Value {
        let data: serde_json::Map<String, Value> = fields.iter().map(|(k, v)| ((*k).to_owned(), STANDARD.encode(v).into())).collect();
        json!({"metadata": {"name": "s", "labels": {SECRET_TYPE: kind}}, "data": data})
    }

    #[test]
    fn the_nearest_is_taken() {
        let credentials = Credentials::from_secrets(&[
            secret("repo-creds", &[("url", "https://git.example.com/"), ("username", "all"), ("password", "p")]),
            secret("repo-creds", &[("url", "https://git.example.com/team"), ("username", "team"), ("password", "p")]),
            secret("repository", &[("url", "https://Git.example.com/team/one.git"), ("username", "one"), ("password", "p")]),
            secret("repository", &[("url", "https://git.example.com/team/public")]),
            secret("repository", &[("url", "https://git.example.com/x"), ("sshPrivateKey", "k")]),
            secret("cluster", &[("url", "https://git.example.com/team/two")]),
        ]);
        let user = |url: &str| credentials.find(url).map(|i| i.map(|i| i.username));
        assert_eq!(user("https://git.example.com/team/one"), Ok(Some("one".into())));
        assert_eq!(user("https://git.example.com/team/public.git"), Ok(Some("team".into())));
        assert_eq!(user("https://git.example.com/teammate"), Ok(Some("all".into())));
        assert_eq!(user("https://git.example.com.evil/team/one"), Ok(None));
        assert!(user("https://git.example.com/x").is_err());
        assert!(!format!("{credentials:?}").contains('p'.to_string().repeat(2).as_str()));
    }
}
