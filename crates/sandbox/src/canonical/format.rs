//! How names, labels, percentages and addresses must look, and what the server says of those that do not.

use std::net::IpAddr;

use crate::schedule::Schedule;

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const WILDCARD: &str = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const QUALIFIED: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const FILE_NAME: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const PERCENT: &str = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

/// What is wrong with a text; nothing when it is as it must be.
pub(super) type Format = fn(&str) -> Vec<String>;

/// The words for a text that is too long, and those for one that is badly made.
fn told(text: &str, limit: usize, well: bool, words: &str) -> Vec<String> {
    let long = (text.len() > limit).then(|| format!("must be no more than {limit} characters"));
    long.into_iter().chain((!well).then(|| words.to_owned())).collect()
}

/// A name of one part. Of a name of several that is well made otherwise it is said what is too much.
pub(crate) fn label(text: &str) -> Vec<String> {
    told(text, 63, is_label(text), if is_subdomain(text) { "must not contain dots" } else { LABEL })
}

/// A name of parts with dots between them.
pub(crate) fn subdomain(text: &str) -> Vec<String> {
    told(text, 253, is_subdomain(text), SUBDOMAIN)
}

/// A name of parts, or what one begins with.
pub(super) fn beginning(text: &str) -> Vec<String> {
    if text.len() > 1 && text.ends_with('-') { subdomain(&format!("{}a", &text[..text.len() - 1])) } else { subdomain(text) }
}

/// The name of a CronJob, to which its Jobs add the time.
pub(super) fn cron_name(text: &str) -> Vec<String> {
    match subdomain(text) {
        none if none.is_empty() && text.len() > 52 => vec!["must be no more than 52 characters".to_owned()],
        told => told,
    }
}

/// The name of a role, which may hold nearly everything.
pub(super) fn path_segment(text: &str) -> Vec<String> {
    let exact = [".", ".."].iter().filter(|bad| text == **bad).map(|bad| format!("may not be '{bad}'"));
    let inside = ["/", "%"].iter().filter(|bad| text.contains(**bad)).map(|bad| format!("may not contain '{bad}'"));
    exact.chain(inside).collect()
}

/// The name of a port.
pub(super) fn port_name(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 15 {
        out.push("must be no more than 15 characters".to_owned());
    }
    if !text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
        out.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned());
    }
    if !text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        out.push("must contain at least one letter (a-z)".to_owned());
    }
    if text.contains("--") {
        out.push("must not contain consecutive hyphens".to_owned());
    }
    if text.starts_with('-') || text.ends_with('-') {
        out.push("must not begin or end with a hyphen".to_owned());
    }
    out
}

/// A key with or without a domain before it.
pub(crate) fn qualified(text: &str) -> Vec<String> {
    let (prefix, name) = text.split_once('/').map_or((None, text), |(prefix, name)| (Some(prefix), name));
    if name.contains('/') {
        return vec![format!("a valid label key {QUALIFIED} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')")];
    }
    let mut out = Vec::new();
    match prefix {
        Some("") => out.push("prefix part must be non-empty".to_owned()),
        Some(prefix) => out.extend(subdomain(prefix).into_iter().map(|told| format!("prefix part {told}"))),
        None => {}
    }
    if name.is_empty() {
        out.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        out.push("name part must be no more than 63 bytes".to_owned());
    }
    if name.is_empty() || !is_label_value(name) {
        out.push(format!("name part {QUALIFIED}"));
    }
    out
}

/// The value of a label.
pub(crate) fn label_value(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 63 {
        out.push("must be no more than 63 bytes".to_owned());
    }
    if !is_label_value(text) {
        out.push(LABEL_VALUE.to_owned());
    }
    out
}

/// Why a condition is as it is, in one word.
pub(super) fn reason(text: &str) -> Vec<String> {
    const WORDS: &str = "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')";
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ',' | ':');
    let well = text.starts_with(|c: char| c.is_ascii_alphabetic()) && !text.ends_with([',', ':']) && text.chars().all(inner);
    if well { Vec::new() } else { vec![WORDS.to_owned()] }
}

/// A key of data, which may become a file.
pub(super) fn file_name(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 253 {
        out.push("must be no more than 253 characters".to_owned());
    }
    if text.is_empty() || !text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
        out.push(FILE_NAME.to_owned());
    }
    match text {
        "." | ".." => out.push(format!("must not be '{text}'")),
        _ if text.starts_with("..") => out.push("must not start with '..'".to_owned()),
        _ => {}
    }
    out
}

/// The host of an Ingress' rule.
pub(super) fn host(text: &str) -> Vec<String> {
    if text.parse::<IpAddr>().is_ok() {
        return vec!["must be a DNS name, not an IP address".to_owned()];
    }
    domain(text)
}

/// A name of hosts, of which the first part may stand for any.
pub(super) fn domain(text: &str) -> Vec<String> {
    if text.contains('*') {
        return told(text, 253, text.strip_prefix("*.").is_some_and(is_subdomain), WILDCARD);
    }
    subdomain(text)
}

/// The name of an environment variable.
pub(super) fn variable(text: &str) -> Vec<String> {
    let well = text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'=');
    let words = "a valid environment variable name must consist only of printable ASCII characters other than '='";
    if well { Vec::new() } else { vec![words.to_owned()] }
}

/// A share like `25%`.
pub(super) fn percent(text: &str) -> Vec<String> {
    let digits = text.strip_suffix('%').unwrap_or_default();
    let well = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if well { Vec::new() } else { vec![PERCENT.to_owned()] }
}

/// An address.
pub(super) fn address(text: &str) -> Vec<String> {
    let well = text.parse::<IpAddr>().is_ok();
    if well { Vec::new() } else { vec!["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)".to_owned()] }
}

/// A network.
pub(super) fn network(text: &str) -> Vec<String> {
    let well = parse_network(text).is_some();
    if well { Vec::new() } else { vec!["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)".to_owned()] }
}

/// A network's address and the length of its prefix.
pub(super) fn parse_network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = text.split_once('/')?;
    let (address, length) = (address.parse::<IpAddr>().ok()?, length.parse::<u8>().ok()?);
    (length <= if address.is_ipv4() { 32 } else { 128 }).then_some((address, length))
}

/// A finalizer of a namespace.
pub(super) fn finalizer(text: &str) -> Vec<String> {
    let mut told = qualified(text);
    told.extend(own_finalizer(text));
    told
}

/// A finalizer of an object of Kubernetes' own: without a domain it is one of Kubernetes' own.
pub(super) fn own_finalizer(text: &str) -> Vec<String> {
    let own = is_standard_finalizer(text) || text.contains('/');
    if own { Vec::new() } else { vec!["name is neither a standard finalizer name nor is it fully qualified".to_owned()] }
}

/// Whether a finalizer is one of Kubernetes' own, which have no domain.
pub(super) fn is_standard_finalizer(text: &str) -> bool {
    ["orphan", "foregroundDeletion", "kubernetes"].contains(&text)
}

/// The schedule of a CronJob.
pub(super) fn schedule(text: &str) -> Vec<String> {
    Schedule::parse(text).err().into_iter().collect()
}

/// A path that does not climb.
pub(super) fn no_climbing(text: &str) -> Vec<String> {
    let climbs = text.split('/').any(|part| part == "..");
    if climbs { vec!["must not contain '..'".to_owned()] } else { Vec::new() }
}

/// A path below a folder.
pub(super) fn below(text: &str) -> Vec<String> {
    let absolute = text.starts_with('/').then(|| "must be a relative path".to_owned());
    absolute.into_iter().chain(no_climbing(text)).collect()
}

/// A path below a folder that Kubernetes does not keep for itself.
pub(super) fn below_and_free(text: &str) -> Vec<String> {
    let mut told = below(text);
    if text.starts_with("..") && !text.starts_with("../") {
        told.push("must not start with '..'".to_owned());
    }
    told
}

/// The name of a header of HTTP.
pub(super) fn header(text: &str) -> Vec<String> {
    const WORDS: &str = "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";
    let well = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if well { Vec::new() } else { vec![WORDS.to_owned()] }
}

/// Where names are looked for in the DNS: parts may hold underscores, and a dot may end it.
pub(super) fn search(text: &str) -> Vec<String> {
    const WORDS: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')";
    if text == "." {
        return Vec::new();
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    told(name, 253, name.split('.').all(|part| is_label(&part.strip_prefix('_').unwrap_or(part).replace('_', "-"))), WORDS)
}

/// What stands behind the host of an address.
pub(super) fn path_of_address(text: &str) -> Vec<String> {
    let well = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&byte));
    if well { Vec::new() } else { vec!["Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')".to_owned()] }
}

/// A setting of the kernel.
pub(super) fn setting(text: &str) -> Vec<String> {
    const WORDS: &str =
        "must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
    let well = text.len() <= 253 && text.split(['.', '/']).all(|part| is_label(&part.replace('_', "-")));
    if well { Vec::new() } else { vec![WORDS.to_owned()] }
}

/// Whether a text is one part of a DNS name.
fn is_label(text: &str) -> bool {
    let letter = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.first().is_some_and(letter) && bytes.last().is_some_and(letter) && bytes.iter().all(|byte| letter(byte) || *byte == b'-')
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

fn is_label_value(value: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let edge = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    value.chars().all(inner) && edge(value.chars().next()) && edge(value.chars().last())
}
