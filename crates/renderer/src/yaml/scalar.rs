//! What a plain scalar means: go-yaml v3's reading (YAML 1.2 with some of 1.1) for resources, v2's (YAML 1.1) for kustomizations and JSON patches.

use std::borrow::Cow;

use super::{time, value::Scalar};

/// What the text of a scalar means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Null,
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A number with a fraction or an exponent.
    Float,
    /// Text.
    Str,
    /// A date, with or without a time; it prints as text.
    Timestamp,
}

/// Whose rules decide what a plain scalar means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// go-yaml v3, which reads resources: `yes` is text.
    Resource,
    /// go-yaml v2, which reads kustomizations: `yes` is true.
    Kustomization,
}

/// A scalar's value after normalisation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Canonical<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Str(Cow<'a, str>),
}

/// The kind of a plain (unquoted, untagged) scalar.
pub(crate) fn resolve(text: &str, dialect: Dialect) -> Kind {
    let Some(&first) = text.as_bytes().first() else { return Kind::Null };
    match first {
        b'~' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'y' | b'Y' | b'o' | b'O' => word(text, dialect),
        b'.' | b'+' | b'-' | b'0'..=b'9' => numeric(text, first),
        _ => Kind::Str,
    }
}

fn word(text: &str, dialect: Dialect) -> Kind {
    if text.len() > "false".len() {
        return Kind::Str;
    }
    match text {
        "~" | "null" | "Null" | "NULL" => Kind::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Kind::Bool,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF"
            if dialect == Dialect::Kustomization =>
        {
            Kind::Bool
        }
        _ => Kind::Str,
    }
}

fn numeric(text: &str, first: u8) -> Kind {
    if is_plain_number(text) {
        return Kind::Int;
    }
    if special_float(text).is_some() {
        return Kind::Float;
    }
    if first == b'.' {
        return if go_float(text).is_some() { Kind::Float } else { Kind::Str };
    }
    if first.is_ascii_digit() && time::parse(text).is_some() {
        return Kind::Timestamp;
    }
    let plain = without_underscores(text);
    if integer(&plain).is_some() {
        Kind::Int
    } else if looks_like_float(&plain) && go_float(&plain).is_some() {
        Kind::Float
    } else {
        Kind::Str
    }
}

/// Whether a text is a whole number as it is printed: without sign, leading zeros or anything else, and short enough for 64 bits.
pub(super) fn is_plain_number(text: &str) -> bool {
    let digits = text.as_bytes();
    text.len() <= 18 && digits.iter().all(u8::is_ascii_digit) && (digits.first() != Some(&b'0') || text.len() == 1) && !text.is_empty()
}

fn without_underscores(text: &str) -> Cow<'_, str> {
    if text.contains('_') { text.replace('_', "").into() } else { text.into() }
}

fn special_float(text: &str) -> Option<f64> {
    match text {
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Some(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
        _ => None,
    }
}

/// Go's `ParseInt(text, 0, 64)`, then `ParseUint`: decimal, `0x`, `0o`, `0b` and a leading zero for octal.
fn integer(text: &str) -> Option<Result<i64, u64>> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.as_bytes();
    let (radix, digits) = match lower {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    let size = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        return 0i64.checked_sub_unsigned(size).map(Ok);
    }
    match i64::try_from(size) {
        Ok(value) => Some(Ok(value)),
        // `ParseUint` takes no sign.
        Err(_) if text.starts_with('+') => None,
        Err(_) => Some(Err(size)),
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn looks_like_float(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let start = usize::from(matches!(bytes.first(), Some(b'-' | b'+')));
    let whole = digits(start);
    let mut at = whole;
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if whole == start && fraction == at + 1 {
            return false;
        }
        at = fraction;
    } else if whole == start {
        return false;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'-' | b'+')));
        let end = digits(at);
        if end == at {
            return false;
        }
        at = end;
    }
    at == bytes.len()
}

/// Go's `ParseFloat`, which refuses what overflows.
fn go_float(text: &str) -> Option<f64> {
    if !looks_like_float(text) {
        return None;
    }
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// What a scalar is worth when it is printed.
pub(crate) fn canonical(scalar: &Scalar) -> Canonical<'_> {
    match scalar.kind {
        // Quotes around nothing: this was left out within brackets. It is null to whatever changes it, and an empty text where it ends up.
        Kind::Null if scalar.quoted => Canonical::Str(Cow::Borrowed("")),
        Kind::Null => Canonical::Null,
        Kind::Bool => Canonical::Bool(
            matches!(scalar.text.as_bytes().first(), Some(b't' | b'T' | b'y' | b'Y')) || matches!(&*scalar.text, "on" | "On" | "ON"),
        ),
        Kind::Str => Canonical::Str(Cow::Borrowed(&scalar.text)),
        Kind::Timestamp => match time::parse(&scalar.text) {
            Some(text) => Canonical::Str(Cow::Owned(text)),
            None => Canonical::Str(Cow::Borrowed(&scalar.text)),
        },
        Kind::Int | Kind::Float => number(&scalar.text),
    }
}

/// A number, switch or date as Go's YAML decoder makes text of it: floats have the precision of 32 bits. `None` of what is text or nothing already,
/// and of infinities, which no JSON holds.
pub(crate) fn as_text(scalar: &Scalar) -> Option<String> {
    if matches!(scalar.kind, Kind::Str | Kind::Null) {
        return None;
    }
    Some(match canonical(scalar) {
        Canonical::Null => return None,
        Canonical::Bool(value) => value.to_string(),
        Canonical::Int(value) => value.to_string(),
        Canonical::Uint(value) => value.to_string(),
        Canonical::Float(value) if value.is_finite() => super::number::shortest_of_32_bits(value),
        Canonical::Float(_) => return None,
        Canonical::Str(text) => text.into_owned(),
    })
}

fn number(text: &str) -> Canonical<'_> {
    if let Some(value) = special_float(text) {
        return Canonical::Float(value);
    }
    let plain = without_underscores(text);
    match integer(&plain) {
        Some(Ok(value)) => return Canonical::Int(value),
        Some(Err(value)) => return Canonical::Uint(value),
        None => {}
    }
    match go_float(&plain) {
        // A JSON writer prints 1.0 as 1, and the YAML reader that follows takes it for an integer if it fits.
        Some(value) if value.fract() == 0.0 && value.abs() < 1e21 => {
            let text = super::number::whole(value);
            match (text.parse(), text.parse()) {
                (Ok(value), _) => Canonical::Int(value),
                (_, Ok(value)) => Canonical::Uint(value),
                _ => Canonical::Float(value),
            }
        }
        Some(value) => Canonical::Float(value),
        None => Canonical::Str(Cow::Borrowed(text)),
    }
}

/// Whether a text must be quoted so that go-yaml v2 reads it back as text.
pub(super) fn needs_quotes(text: &str) -> bool {
    let Some(&first) = text.as_bytes().first() else { return true };
    resolve(text, Dialect::Kustomization) != Kind::Str || base60(text, first)
}

/// YAML 1.1's sexagesimal numbers, `12:30:45`.
fn base60(text: &str, first: u8) -> bool {
    if !matches!(first, b'+' | b'-' | b'0'..=b'9') || !text.contains(':') {
        return false;
    }
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (body, fraction) = body.split_once('.').unwrap_or((body, ""));
    let mut parts = body.split(':');
    let head = parts.next().unwrap_or("");
    head.starts_with(|c: char| c.is_ascii_digit())
        && head.bytes().all(|c| c.is_ascii_digit() || c == b'_')
        && fraction.bytes().all(|c| c.is_ascii_digit() || c == b'_')
        && parts.all(|part| match part.as_bytes() {
            [one] => one.is_ascii_digit(),
            [ten, one] => (b'0'..=b'5').contains(ten) && one.is_ascii_digit(),
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_resolve_as_in_go_yaml() {
        for (text, kind) in [
            ("", Kind::Null),
            ("~", Kind::Null),
            ("true", Kind::Bool),
            ("yes", Kind::Str),
            ("1_000", Kind::Int),
            ("0x1F", Kind::Int),
            ("08", Kind::Float),
            ("1e3", Kind::Float),
            ("1e400", Kind::Str),
            ("2001-01-01", Kind::Timestamp),
            ("1.2.3", Kind::Str),
            ("-", Kind::Str),
            ("12:30:45", Kind::Str),
        ] {
            assert_eq!(resolve(text, Dialect::Resource), kind, "{text}");
        }
        assert_eq!(resolve("yes", Dialect::Kustomization), Kind::Bool);
    }

    #[test]
    fn numbers_are_normalised() {
        let canon = |text: &str, kind| match canonical(&Scalar::plain(text, kind)) {
            Canonical::Int(value) => value.to_string(),
            Canonical::Uint(value) => value.to_string(),
            Canonical::Float(value) => value.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(canon("007", Kind::Int), "7");
        assert_eq!(canon("08", Kind::Float), "8");
        assert_eq!(canon("1.10", Kind::Float), "1.1");
        assert_eq!(canon("18446744073709551615", Kind::Int), "18446744073709551615");
        assert_eq!(canon("-0.0", Kind::Float), "0");
    }

    #[test]
    fn what_yaml_1_1_misreads_is_quoted() {
        for text in ["y", "off", "1_000", "12:30:45", "2001-01-01", "", "0o7", "null"] {
            assert!(needs_quotes(text), "{text}");
        }
        for text in ["=", "<<", "1e400", "12:99", "a", "v1"] {
            assert!(!needs_quotes(text), "{text}");
        }
    }
}
