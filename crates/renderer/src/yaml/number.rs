//! Numbers as Go prints them: kustomize's output passes through Go's JSON and YAML writers.

/// The shortest decimal digits that give this number back, and the exponent of the first one.
fn digits(value: impl std::fmt::LowerExp) -> (bool, String, i32) {
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let negative = mantissa.starts_with('-');
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    (negative, digits, exponent.parse().unwrap_or(0))
}

/// `strconv.FormatFloat(value, 'g', -1, 64)`: exponents below -4 and from 6 on are written with `e`.
pub(super) fn shortest(value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { general(digits(value)) }
}

/// `strconv.FormatFloat(value, 'g', -1, 32)`.
pub(super) fn shortest_of_32_bits(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "the precision is meant to be lost")]
    let value = value as f32;
    if value == 0.0 { "0".to_owned() } else { general(digits(value)) }
}

fn general((negative, digits, exponent): (bool, String, i32)) -> String {
    let mut out = String::with_capacity(24);
    if negative {
        out.push('-');
    }
    // Go decides as if the precision were 6 when it prints the fewest digits.
    if !(-4..6).contains(&exponent) {
        out.push_str(&digits[..1]);
        if digits.len() > 1 {
            out.push('.');
            out.push_str(&digits[1..]);
        }
        out.push('e');
        out.push(if exponent < 0 { '-' } else { '+' });
        let size = exponent.unsigned_abs();
        if size < 10 {
            out.push('0');
        }
        out.push_str(&size.to_string());
        return out;
    }
    plain(&mut out, &digits, exponent);
    out
}

/// A whole number as Go's JSON writes it: the fewest digits, then zeros.
pub(super) fn whole(value: f64) -> String {
    let (negative, digits, exponent) = digits(value);
    let mut out = String::with_capacity(24);
    if negative {
        out.push('-');
    }
    plain(&mut out, &digits, exponent);
    out
}

fn plain(out: &mut String, digits: &str, exponent: i32) {
    if exponent < 0 {
        out.push_str("0.");
        for _ in 1..-exponent {
            out.push('0');
        }
        out.push_str(digits);
        return;
    }
    let whole = usize::try_from(exponent).unwrap_or(0) + 1;
    if digits.len() <= whole {
        out.push_str(digits);
        for _ in digits.len()..whole {
            out.push('0');
        }
    } else {
        out.push_str(&digits[..whole]);
        out.push('.');
        out.push_str(&digits[whole..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_go_does() {
        for (value, text) in [
            (1.1, "1.1"),
            (1e-7, "1e-07"),
            (1e21, "1e+21"),
            (0.5, "0.5"),
            (-2.25, "-2.25"),
            (1.234_567_890_123_456_8e29, "1.2345678901234568e+29"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1_234_567.5, "1.2345675e+06"),
            (100_000.5, "100000.5"),
            (1e20, "1e+20"),
        ] {
            assert_eq!(shortest(value), text);
        }
    }
}
