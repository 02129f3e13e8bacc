//! Points in time as Kubernetes writes them: in UTC, a `Time` in whole seconds and a `MicroTime` with six digits behind them.

use jiff::Timestamp;

/// As a `Time`: `2026-01-02T03:04:05Z`.
pub(crate) fn seconds(time: Timestamp) -> String {
    // Display leaves out a fraction that is nothing.
    let begun = time.as_second() - i64::from(time.subsec_nanosecond() < 0);
    Timestamp::from_second(begun).unwrap_or(time).to_string()
}

/// As a `MicroTime`: `2026-01-02T03:04:05.000006Z`.
pub(crate) fn micros(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_finer_is_cut_off() {
        for (given, whole, fine) in [
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000Z"),
            ("2026-01-02T04:04:05.9999999+01:00", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.999999Z"),
            ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59Z", "1969-12-31T23:59:59.500000Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
        ] {
            let time: Timestamp = given.parse().expect("a time");
            assert_eq!((seconds(time).as_str(), micros(time).as_str()), (whole, fine));
        }
    }
}
