//! Spans of time as Go's `time.ParseDuration` reads them: `1h30m`, `-1.5s`, `0`.

use jiff::SignedDuration;

/// The units and their nanoseconds; none begins with one that stands before it.
const UNITS: [(&str, i64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// The span; none when it is none, or longer than Go can count nanoseconds.
pub(crate) fn parse(text: &str) -> Option<SignedDuration> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut sum = 0_i64;
    while !rest.is_empty() {
        let (number, behind) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len()));
        let (unit, nanoseconds) = UNITS.into_iter().find(|(unit, _)| behind.starts_with(unit))?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return None;
        }
        let whole = if whole.is_empty() { 0 } else { whole.parse::<i64>().ok()? };
        let fraction = format!("0.{fraction}0").parse::<f64>().ok()? * nanoseconds as f64;
        sum = sum.checked_add(whole.checked_mul(nanoseconds)?)?.checked_add(fraction as i64)?;
        rest = &behind[unit.len()..];
    }
    Some(SignedDuration::from_nanos(sign * sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_go_reads_them() {
        for (text, milliseconds) in [
            ("0", 0),
            ("90s", 90_000),
            ("1h30m", 5_400_000),
            ("-1.5s", -1_500),
            (".25s", 250),
            ("1.h", 3_600_000),
            ("+2ms", 2),
            ("1000µs", 1),
        ] {
            assert_eq!(parse(text), Some(SignedDuration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "-", "1", "s", ".s", "1.2.3s", "1 h", "1d", "PT1H", "1 hour", "99999999999h"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
