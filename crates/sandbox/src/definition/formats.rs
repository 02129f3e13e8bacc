//! The formats of texts that the server knows, and what fits them. Others are passed over (and warned of in a definition).

use std::net::{IpAddr, Ipv6Addr};
use std::sync::LazyLock;

use base64::Engine as _;
use regex::Regex;

use crate::{canonical, duration};

const TEXTS: [&str; 26] = [
    "bsonobjectid",
    "uri",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "cidr",
    "mac",
    "uuid",
    "uuid3",
    "uuid4",
    "uuid5",
    "isbn",
    "isbn10",
    "isbn13",
    "creditcard",
    "ssn",
    "hexcolor",
    "rgbcolor",
    "byte",
    "password",
    "date",
    "duration",
    "datetime",
    "k8sshortname",
    "k8slongname",
];

/// Whether a format is known for a type (empty when a schema gives none).
pub(super) fn is_known(kind: &str, format: &str) -> bool {
    match kind {
        "" | "string" => TEXTS.contains(&format.replace('-', "").as_str()),
        "integer" => matches!(format, "int32" | "int64"),
        "number" => matches!(format, "float" | "double"),
        _ => false,
    }
}

/// Whether a text fits a known format.
pub(super) fn fits(format: &str, text: &str) -> bool {
    match format.replace('-', "").as_str() {
        "datetime" => is_date_time(text),
        "date" => shape(&DATE, text) && text.parse::<jiff::civil::Date>().is_ok(),
        "duration" => is_duration(text),
        "ipv4" => text.contains('.') && address(text).is_some(),
        "ipv6" => text.contains(':') && text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => is_cidr(text),
        "uri" => is_uri(text),
        "email" => shape(&EMAIL, text),
        "hostname" => text.len() <= 255 && text.split('.').all(|part| part.len() <= 63) && shape(&HOST, text),
        "mac" => shape(&MAC, text),
        "uuid" => shape(&UUID, text),
        "uuid3" => shape(&UUID, text) && version(text) == Some('3'),
        "uuid4" => shape(&UUID, text) && version(text) == Some('4') && variant(text),
        "uuid5" => shape(&UUID, text) && version(text) == Some('5') && variant(text),
        "isbn" => is_isbn10(text) || is_isbn13(text),
        "isbn10" => is_isbn10(text),
        "isbn13" => is_isbn13(text),
        "creditcard" => is_credit_card(text),
        "ssn" => shape(&SSN, text),
        "hexcolor" => shape(&HEX_COLOUR, text),
        "rgbcolor" => is_rgb(text),
        "byte" => base64::engine::general_purpose::STANDARD.decode(text).is_ok() && !text.is_empty(),
        "bsonobjectid" => shape(&OBJECT_ID, text),
        "k8sshortname" => canonical::label(text).is_empty(),
        "k8slongname" => canonical::subdomain(text).is_empty(),
        _ => true,
    }
}

type Shape = LazyLock<Regex>;

fn shape(shape: &Shape, text: &str) -> bool {
    shape.is_match(text)
}

fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the patterns of this file are compiled in its tests")
}

static DATE: Shape = LazyLock::new(|| pattern(r"^\d{4}-\d{2}-\d{2}$"));
static DATE_TIME: Shape = LazyLock::new(|| pattern(r"^\d{4}-\d{2}-\d{2}[ tT]\d{2}:\d{2}:\d{2}(\.\d+)?([zZ]|[+-]\d{2}:?\d{2})$"));
static WORDY: Shape = LazyLock::new(|| {
    pattern(
        r"(?i)^\s*\d+\s*(ns|nanos?|nanoseconds?|us|µs|micros?|microseconds?|ms|millis?|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)\s*$",
    )
});
static EMAIL: Shape = LazyLock::new(|| pattern(r"^(.*<)?[^\s<>@,;]+@[^\s<>@,;]+>?$"));
static HOST: Shape = LazyLock::new(|| {
    pattern(
        r"^([a-zA-Z0-9\p{S}\p{L}](-?[a-zA-Z0-9\p{S}\p{L}]+)*|([a-zA-Z0-9\p{S}\p{L}]([a-zA-Z0-9\p{S}\p{L}-]*[a-zA-Z0-9\p{S}\p{L}])?\.)+[a-zA-Z\p{L}]{2,63})$",
    )
});
static MAC: Shape =
    LazyLock::new(|| pattern(r"^([0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}(([:-][0-9A-Fa-f]{2}){2})?|[0-9A-Fa-f]{4}(\.[0-9A-Fa-f]{4}){2,3})$"));
static UUID: Shape = LazyLock::new(|| pattern(r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$"));
static SSN: Shape = LazyLock::new(|| pattern(r"^\d{3}[- ]?\d{2}[- ]?\d{4}$"));
static HEX_COLOUR: Shape = LazyLock::new(|| pattern(r"^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"));
static OBJECT_ID: Shape = LazyLock::new(|| pattern(r"^[0-9a-fA-F]{24}$"));

fn is_date_time(text: &str) -> bool {
    let hour = text.get(11..13).and_then(|hour| hour.parse::<u32>().ok());
    shape(&DATE_TIME, text)
        && text.get(..10).is_some_and(|date| date.parse::<jiff::civil::Date>().is_ok())
        && hour.is_some_and(|hour| hour < 24)
        && [14..16, 17..19].into_iter().all(|part| text.get(part).and_then(|part| part.parse::<u32>().ok()).is_some_and(|part| part < 60))
}

/// As Go writes durations, or as a number with a word.
fn is_duration(text: &str) -> bool {
    duration::parse(text).is_some() || shape(&WORDY, text)
}

/// An address whose parts may begin with zeros.
fn address(text: &str) -> Option<IpAddr> {
    let plain: Vec<&str> =
        text.split('.').map(|part| if part.len() > 1 && part.len() <= 3 { part.trim_start_matches('0') } else { part }).collect();
    let plain: Vec<&str> = plain.into_iter().map(|part| if part.is_empty() { "0" } else { part }).collect();
    if text.contains(':') { text.parse().ok() } else { plain.join(".").parse().ok() }
}

fn is_cidr(text: &str) -> bool {
    let Some((ip, bits)) = text.split_once('/') else {
        return false;
    };
    let most = match address(ip) {
        Some(IpAddr::V4(_)) => 32,
        Some(IpAddr::V6(_)) => 128,
        None => return false,
    };
    !bits.is_empty() && bits.chars().all(|c| c.is_ascii_digit()) && bits.parse::<u32>().is_ok_and(|bits| bits <= most)
}

/// What may stand in a request's first line: a path, or scheme and what follows.
fn is_uri(text: &str) -> bool {
    let scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    let begins = text.starts_with('/') || text.split_once(':').is_some_and(|(first, rest)| scheme(first) && !rest.is_empty());
    begins && !text.chars().any(|c| c.is_control() || c == ' ')
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().replace('-', "")
}

fn version(text: &str) -> Option<char> {
    digits(text).chars().nth(12)
}

fn variant(text: &str) -> bool {
    digits(text).chars().nth(16).is_some_and(|c| "89abAB".contains(c))
}

fn is_isbn10(text: &str) -> bool {
    let plain = text.replace([' ', '-'], "");
    if plain.len() != 10 || !plain[..plain.len().min(9)].chars().all(|c| c.is_ascii_digit()) {
        return false;
    }
    let value = |c: char| if c == 'X' { Some(10) } else { c.to_digit(10) };
    let sum: Option<u32> = plain.chars().zip(1..).map(|(c, place)| value(c).map(|value| value * place)).sum();
    sum.is_some_and(|sum| sum.is_multiple_of(11))
}

fn is_isbn13(text: &str) -> bool {
    let plain = text.replace([' ', '-'], "");
    if plain.len() != 13 || !plain.chars().all(|c| c.is_ascii_digit()) {
        return false;
    }
    let sum: u32 = plain.chars().filter_map(|c| c.to_digit(10)).zip([1, 3].into_iter().cycle()).map(|(digit, weight)| digit * weight).sum();
    sum.is_multiple_of(10)
}

/// The check sum of Luhn over 13 to 19 digits.
fn is_credit_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let sum: u32 = digits
        .iter()
        .rev()
        .zip([false, true].into_iter().cycle())
        .map(|(digit, twice)| if twice { digit * 2 / 10 + digit * 2 % 10 } else { *digit })
        .sum();
    (13..=19).contains(&digits.len()) && sum.is_multiple_of(10)
}

fn is_rgb(text: &str) -> bool {
    let Some(inner) = text.strip_prefix("rgb(").and_then(|rest| rest.strip_suffix(')')) else {
        return false;
    };
    let parts: Vec<&str> = inner.split(',').map(str::trim).collect();
    parts.len() == 3 && parts.iter().all(|part| part.parse::<u8>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn texts_fit_their_formats_or_not() {
        for (format, yes, no) in [
            ("date-time", "2014-12-15T19:30:20.000Z", "2014-13-15T19:30:20Z"),
            ("date", "2006-01-02", "2006-02-30"),
            ("duration", "1h30m", "soon"),
            ("duration", "22 ns", "22 parsecs"),
            ("ipv4", "10.0.0.1", "10.0.0.256"),
            ("ipv6", "fd00::1", "10.0.0.1"),
            ("cidr", "10.0.0.0/8", "10.0.0.0/33"),
            ("uri", "https://a.example/x", "no uri"),
            ("email", "a@b.example", "a.b.example"),
            ("hostname", "a.example", "-a"),
            ("mac", "00:11:22:33:44:55", "00:11:22"),
            ("uuid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6ba7"),
            ("uuid4", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
            ("isbn", "978-0321751041", "978-0321751042"),
            ("isbn10", "0321751043", "0321751044"),
            ("creditcard", "4111 1111 1111 1111", "4111 1111 1111 1112"),
            ("ssn", "123-45-6789", "123-456-789"),
            ("hexcolor", "#FFFFFF", "#FFFFF"),
            ("rgbcolor", "rgb(255,255,255)", "rgb(256,0,0)"),
            ("byte", "aGVsbG8=", "!"),
            ("bsonobjectid", "507f1f77bcf86cd799439011", "507f"),
            ("k8s-short-name", "a-b", "a.b"),
            ("k8s-long-name", "a.b", "A"),
        ] {
            assert!(fits(format, yes), "{yes} is a {format}");
            assert!(!fits(format, no), "{no} is no {format}");
        }
        assert!(fits("password", "anything"));
    }
}
