//! Amounts like `500m` and `1Gi`, in the one way that the server writes them.

/// How an amount was written, which decides how it is written again.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    Decimal,
    Binary,
    Exponent,
}

const NANO: i128 = 1_000_000_000;
const MILLI: i128 = NANO / 1_000;
const DECIMAL: [(&str, i128); 9] = [
    ("E", NANO * 1_000_000_000_000_000_000),
    ("P", NANO * 1_000_000_000_000_000),
    ("T", NANO * 1_000_000_000_000),
    ("G", NANO * 1_000_000_000),
    ("M", NANO * 1_000_000),
    ("k", NANO * 1_000),
    ("", NANO),
    ("m", NANO / 1_000),
    ("u", NANO / 1_000_000),
];
const BINARY: [(&str, u32); 6] = [("Ei", 60), ("Pi", 50), ("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)];

/// The server's way to write an amount; none when it is none.
pub(super) fn canonical(text: &str) -> Option<String> {
    parse(text).map(|(nanos, format)| written(nanos, format))
}

/// The same in a list of resources, which knows nothing finer than a thousandth: what is, is rounded away from zero.
pub(super) fn resource(text: &str) -> Option<String> {
    let (nanos, format) = parse(text)?;
    let (whole, rest) = (nanos / MILLI, nanos % MILLI);
    Some(written((whole + rest.signum()) * MILLI, format))
}

fn written(nanos: i128, format: Format) -> String {
    match format {
        Format::Binary if nanos.abs() >= 1024 * NANO => binary(nanos),
        Format::Exponent => exponent(nanos),
        _ => decimal(nanos),
    }
}

/// How much an amount is, in billionths; none when it is none.
pub(super) fn amount(text: &str) -> Option<i128> {
    parse(text).map(|(nanos, _)| nanos)
}

/// One whole, as [`amount`] counts.
pub(super) const WHOLE: i128 = NANO;

fn parse(text: &str) -> Option<(i128, Format)> {
    let digits = text.trim_start_matches(['+', '-']);
    let end = digits.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(digits.len());
    let (number, suffix) = digits.split_at(end);
    if number.is_empty() || number == "." || digits.len() + 1 < text.len() {
        return None;
    }
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let (scale, format): (i128, Format) = if let Some((_, power)) = BINARY.iter().find(|(name, _)| *name == suffix) {
        (NANO.checked_shl(*power)?, Format::Binary)
    } else if let Some((_, scale)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        (*scale, Format::Decimal)
    } else if suffix == "n" {
        (1, Format::Decimal)
    } else {
        let power: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
        let power = u32::try_from(power.checked_add(9)?).ok()?;
        (10_i128.checked_pow(power)?, Format::Exponent)
    };
    let whole = if whole.is_empty() { 0 } else { whole.parse::<i128>().ok()?.checked_mul(scale)? };
    // From the last digit on, so that any number of them fits. What is finer than a nano-unit is rounded up, away from zero.
    let (mut part, mut finer) = (0, false);
    for digit in fraction.bytes().rev() {
        part = scale.checked_mul(i128::from(digit.checked_sub(b'0')?))?.checked_add(part)?;
        finer |= part % 10 != 0;
        part /= 10;
    }
    let nanos = whole.checked_add(part)?.checked_add(i128::from(finer))?;
    Some((if text.starts_with('-') { -nanos } else { nanos }, format))
}

fn decimal(nanos: i128) -> String {
    if nanos == 0 {
        return "0".to_owned();
    }
    let fits = DECIMAL.iter().find(|(_, scale)| nanos % scale == 0);
    fits.map_or_else(|| format!("{nanos}n"), |(suffix, scale)| format!("{}{suffix}", nanos / scale))
}

fn binary(nanos: i128) -> String {
    if nanos % NANO != 0 {
        return decimal(nanos);
    }
    let units = nanos / NANO;
    let fits = BINARY.iter().find(|(_, power)| units % (1 << power) == 0);
    fits.map_or_else(|| units.to_string(), |(suffix, power)| format!("{}{suffix}", units >> power))
}

fn exponent(nanos: i128) -> String {
    if nanos == 0 {
        return "0".to_owned();
    }
    let (mut mantissa, mut power) = (nanos, -9);
    while mantissa % 1000 == 0 {
        mantissa /= 1000;
        power += 3;
    }
    if power == 0 { mantissa.to_string() } else { format!("{mantissa}e{power}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_one_way() {
        for (given, wanted) in [
            ("1000m", "1"),
            ("0.5", "500m"),
            ("1024Mi", "1Gi"),
            ("1.0Gi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("100m", "100m"),
            ("64Mi", "64Mi"),
            ("1e3", "1e3"),
            ("1000", "1k"),
            ("0", "0"),
            ("0Gi", "0"),
            ("0.001", "1m"),
            ("512Ki", "512Ki"),
            ("1.5", "1500m"),
            ("-1500m", "-1500m"),
            ("3k", "3k"),
            ("0.5Ki", "512"),
            ("1n", "1n"),
            ("12E", "12E"),
            ("0.99999999999999999999999999999999999999n", "1n"),
            ("1.000000000000000000000000000000000000000000001", "1000000001n"),
        ] {
            assert_eq!(canonical(given).as_deref(), Some(wanted), "{given}");
        }
        for none in ["", "abc", "1Xi", "--1", ".", "1.2.3", "m", "170141183460.9E"] {
            assert_eq!(canonical(none), None, "{none}");
        }
        assert_eq!(amount("-1"), Some(-WHOLE));
    }

    #[test]
    fn resources_are_rounded_to_thousandths() {
        for (given, wanted) in [
            ("1e-9", "1e-3"),
            ("1n", "1m"),
            ("1500u", "2m"),
            ("-1500u", "-2m"),
            ("100e-3", "100e-3"),
            ("0.5", "500m"),
            ("1Gi", "1Gi"),
            ("0", "0"),
        ] {
            assert_eq!(resource(given).as_deref(), Some(wanted), "{given}");
        }
    }
}
