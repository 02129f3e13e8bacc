//! Files by http(s).

use std::io::Read as _;
use std::sync::{Once, OnceLock};
use std::time::Duration;

use fiel_renderer::Failure;

/// How long a download may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Larger files are refused, as those on a disk are.
const MAX_FILE: u64 = 64 << 20;
/// How many times a server may send us elsewhere.
const MAX_REDIRECTS: usize = 10;

/// Reads a URL.
pub(crate) fn get(url: &str) -> Result<Vec<u8>, Failure> {
    let failed = |e: reqwest::Error| Failure::failed(format!("cannot read {}: {}", shown(url), chain(&e.without_url())));
    let response = client().map_err(failed)?.get(url).send().map_err(failed)?;
    let status = response.status();
    if !status.is_success() {
        return Err(Failure::failed(format!("cannot read {}: the server answers {status}", shown(url))));
    }
    read(response, MAX_FILE).map_err(|problem| Failure::failed(format!("cannot read {}: {problem}", shown(url))))
}

fn read(from: impl std::io::Read, limit: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    from.take(limit + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() as u64 > limit { Err(format!("it is larger than {} MiB", limit >> 20)) } else { Ok(bytes) }
}

fn client() -> Result<&'static reqwest::blocking::Client, reqwest::Error> {
    static ONCE: Once = Once::new();
    static CLIENT: OnceLock<reqwest::blocking::Client> = OnceLock::new();
    ONCE.call_once(|| {
        // An error means that a provider is there already, which is what is wanted.
        drop(rustls::crypto::ring::default_provider().install_default());
    });
    if let Some(client) = CLIENT.get() {
        return Ok(client);
    }
    let builder = reqwest::blocking::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::limited(MAX_REDIRECTS));
    let client = builder.user_agent(concat!("fiel/", env!("CARGO_PKG_VERSION"))).build()?;
    Ok(CLIENT.get_or_init(|| client))
}

/// An error with its causes: the outermost alone says little.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// A URL without password and query, either of which may be secret.
fn shown(url: &str) -> String {
    let address = url.split(['?', '#']).next().unwrap_or(url);
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    format!("{scheme}://{}/{path}", host.rsplit_once('@').map_or(host, |(_, host)| host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_urls_are_not_shown() {
        assert_eq!(shown("https://user:pw@host.xz/a?token=b#c"), "https://host.xz/a");
        assert_eq!(shown("http://host.xz"), "http://host.xz/");
    }

    #[test]
    fn endless_answers_are_refused() {
        assert_eq!(read(std::io::repeat(b'x'), 1 << 20), Err("it is larger than 1 MiB".to_owned()));
        assert_eq!(read(&b"abc"[..], 3), Ok(b"abc".to_vec()));
    }
}
