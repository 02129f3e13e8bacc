//! Schedules: the five fields of cron, `@hourly` and the like, and `@every`, as robfig/cron 3.0.1 reads them for Kubernetes.

use std::sync::OnceLock;

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

use crate::duration;

/// When something is to happen again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Schedule {
    /// At the minutes that all five fields allow.
    Fields(Fields),
    /// So long after the last time; at least a second.
    Every(SignedDuration),
}

/// The time zone of that name, with its very letters, as the tables have it that come with the program: it is the same everywhere, also where there is no
/// file of time zones.
pub(crate) fn zone(name: &str) -> Option<TimeZone> {
    static ZONES: OnceLock<TimeZoneDatabase> = OnceLock::new();
    let zone = ZONES.get_or_init(TimeZoneDatabase::bundled).get(name).ok()?;
    // `get` makes no difference between letters and capitals.
    (zone.iana_name() == Some(name)).then_some(zone)
}

/// What is allowed, a bit for each value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fields {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// A day must be allowed by both fields for days, because one of them says nothing (`*`); else one is enough.
    both: bool,
}

/// The values of a field, and the names that the first ones go by.
struct Range {
    lowest: i64,
    highest: i64,
    names: &'static [&'static str],
}

const MINUTES: Range = Range { lowest: 0, highest: 59, names: &[] };
const HOURS: Range = Range { lowest: 0, highest: 23, names: &[] };
const DAYS: Range = Range { lowest: 1, highest: 31, names: &[] };
const MONTHS: Range =
    Range { lowest: 1, highest: 12, names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"] };
const WEEKDAYS: Range = Range { lowest: 0, highest: 6, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

/// After so many years without a time there is none.
const YEARS: i16 = 5;

impl Schedule {
    /// Reads a schedule. A time zone within it (`TZ=…`) is not allowed, as in new CronJobs.
    ///
    /// # Errors
    /// What kube-apiserver 1.36 says of one that is none.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.contains("TZ") {
            return Err("cannot use TZ or CRON_TZ in schedule, use timeZone field instead".to_owned());
        }
        match text {
            "@yearly" | "@annually" => Self::fields("0 0 1 1 *"),
            "@monthly" => Self::fields("0 0 1 * *"),
            "@weekly" => Self::fields("0 0 * * 0"),
            "@daily" | "@midnight" => Self::fields("0 0 * * *"),
            "@hourly" => Self::fields("0 * * * *"),
            _ if text.starts_with('@') => {
                let span = text.strip_prefix("@every ").ok_or_else(|| format!("unrecognized descriptor: {text}"))?;
                let time =
                    duration::parse(span).ok_or_else(|| format!("failed to parse duration {text}: time: invalid duration \"{span}\""))?;
                Ok(Self::Every(SignedDuration::from_secs(time.as_secs().max(1))))
            }
            fields => Self::fields(fields),
        }
    }

    fn fields(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = parts.as_slice() else {
            return Err(format!("expected exactly 5 fields, found {}: [{}]", parts.len(), parts.join(" ")));
        };
        let (minutes, _) = field(minutes, &MINUTES)?;
        let (hours, _) = field(hours, &HOURS)?;
        let (days, any_day) = field(days, &DAYS)?;
        let (months, _) = field(months, &MONTHS)?;
        let (weekdays, any_weekday) = field(weekdays, &WEEKDAYS)?;
        Ok(Self::Fields(Fields { minutes, hours, days, months, weekdays, both: any_day || any_weekday }))
    }

    /// The first time after another, as the clocks of a zone show it; none if there is none within years.
    ///
    /// An hour that the clocks leave out has no times, and one that they show twice has its times twice.
    pub(crate) fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Every(time) => Timestamp::from_second(after.as_second()).ok()?.checked_add(*time).ok(),
            Self::Fields(fields) => fields.next(after, zone),
        }
    }
}

impl Fields {
    fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut at = Timestamp::from_second((after.as_second().div_euclid(60) + 1) * 60).ok()?;
        let mut day = zone.to_datetime(at).date();
        let last_year = day.year() + YEARS;
        while day.year() <= last_year {
            let tomorrow = day.tomorrow().ok()?;
            let midnight = tomorrow.to_zoned(zone.clone()).ok()?.timestamp();
            while self.allows(day) && at < midnight {
                let local = zone.to_datetime(at);
                if local.date() == day && has(self.hours, local.hour()) && has(self.minutes, local.minute()) {
                    return Some(at);
                }
                at = at.checked_add(SignedDuration::from_mins(1)).ok()?;
            }
            (at, day) = (at.max(midnight), tomorrow);
        }
        None
    }

    fn allows(&self, day: Date) -> bool {
        let (by_day, by_weekday) = (has(self.days, day.day()), has(self.weekdays, day.weekday().to_sunday_zero_offset()));
        has(self.months, day.month()) && if self.both { by_day && by_weekday } else { by_day || by_weekday }
    }
}

fn has(bits: u64, value: i8) -> bool {
    bits >> value & 1 == 1
}

/// The values of a field, and whether it allows all without saying so one by one.
fn field(text: &str, range: &Range) -> Result<(u64, bool), String> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    parts.map(|part| values(part, range)).try_fold((0, false), |(bits, any), part| part.map(|(more, all)| (bits | more, any | all)))
}

/// The values of a part of a field: `*`, `5`, `MON-FRI`, `*/5`, `10-40/2`.
fn values(text: &str, range: &Range) -> Result<(u64, bool), String> {
    let slashes: Vec<&str> = text.split('/').collect();
    let ends: Vec<&str> = slashes[0].split('-').collect();
    let all = matches!(ends.as_slice(), ["*" | "?"]);
    let (begin, mut end) = match ends.as_slice() {
        _ if all => (range.lowest, range.highest),
        [one] => (value(one, range)?, value(one, range)?),
        [begin, end] => (value(begin, range)?, value(end, range)?),
        _ => return Err(format!("too many hyphens: {text}")),
    };
    let step = match slashes.as_slice() {
        [_] => 1,
        [_, step] => {
            // `3/5` begins with 3 and has no end.
            if ends.len() == 1 {
                end = range.highest;
            }
            number(step)?
        }
        _ => return Err(format!("too many slashes: {text}")),
    };
    if begin < range.lowest {
        return Err(format!("beginning of range ({begin}) below minimum ({}): {text}", range.lowest));
    }
    if end > range.highest {
        return Err(format!("end of range ({end}) above maximum ({}): {text}", range.highest));
    }
    if begin > end {
        return Err(format!("beginning of range ({begin}) beyond end of range ({end}): {text}"));
    }
    if step == 0 {
        return Err(format!("step of range should be a positive number: {text}"));
    }
    let step = usize::try_from(step).unwrap_or(usize::MAX);
    Ok(((begin..=end).step_by(step).fold(0, |bits, value| bits | 1 << value), all && step == 1))
}

fn value(text: &str, range: &Range) -> Result<i64, String> {
    let mut named = range.names.iter().zip(range.lowest..).filter(|(name, _)| name.eq_ignore_ascii_case(text));
    named.next().map_or_else(|| number(text), |(_, value)| Ok(value))
}

fn number(text: &str) -> Result<i64, String> {
    match text.parse::<i64>() {
        Ok(number) if number < 0 => Err(format!("negative number ({number}) not allowed: {text}")),
        Ok(number) => Ok(number),
        Err(_) => Err(format!("failed to parse int from {text}: strconv.Atoi: parsing \"{text}\": invalid syntax")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_known_by_their_very_names() {
        for known in ["UTC", "Etc/UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "US/Pacific", "Asia/Kolkata"] {
            assert!(zone(known).is_some(), "{known}");
        }
        for unknown in ["", "europe/berlin", "Moon/Base", "../UTC", "/etc/localtime", "Europe", "CET-1", "Local"] {
            assert!(zone(unknown).is_none(), "{unknown}");
        }
    }

    /// The times after another one, in a zone.
    fn times(schedule: &str, after: &str, zone: &str, count: usize) -> Vec<String> {
        let zone = super::zone(zone).expect("a zone");
        let schedule = Schedule::parse(schedule).expect("a schedule");
        let mut at: Timestamp = after.parse().expect("a time");
        std::iter::from_fn(|| {
            at = schedule.next(at, &zone)?;
            Some(at.to_string())
        })
        .take(count)
        .collect()
    }

    fn next(schedule: &str, after: &str) -> String {
        times(schedule, after, "UTC", 1).concat()
    }

    #[test]
    fn the_next_time_is_the_first_that_all_fields_allow() {
        for (schedule, after, wanted) in [
            ("* * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"),
            ("* * * * *", "2026-01-01T00:00:59.9Z", "2026-01-01T00:01:00Z"),
            ("*/15 * * * *", "2026-01-01T00:50:00Z", "2026-01-01T01:00:00Z"),
            ("5/20 * * * *", "2026-01-01T00:26:00Z", "2026-01-01T00:45:00Z"),
            ("0 9-17/4 * * MON-fri", "2026-01-02T17:00:00Z", "2026-01-05T09:00:00Z"),
            ("30 6 1,15 * ?", "2026-01-02T00:00:00Z", "2026-01-15T06:30:00Z"),
            ("0 0 29 feb *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("0 0 31 */2 *", "2026-02-01T00:00:00Z", "2026-03-31T00:00:00Z"),
            ("@hourly", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"),
            ("@daily", "2026-01-31T12:00:00Z", "2026-02-01T00:00:00Z"),
            ("@weekly", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"),
            ("@monthly", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
            ("@yearly", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("@every 90s", "2026-01-01T00:00:10.5Z", "2026-01-01T00:01:40Z"),
            ("@every 1h30m", "2026-01-01T00:00:00Z", "2026-01-01T01:30:00Z"),
        ] {
            assert_eq!(next(schedule, after), wanted, "{schedule}");
        }
        assert_eq!(next("59 23 31 2 *", "2026-01-01T00:00:00Z"), "", "a day that never comes");
    }

    #[test]
    fn of_two_fields_for_days_one_is_enough_unless_the_other_says_nothing() {
        // The 13th, or a Friday.
        let either = times("0 0 13 * 5", "2026-01-08T00:00:00Z", "UTC", 3);
        assert_eq!(either, ["2026-01-09T00:00:00Z", "2026-01-13T00:00:00Z", "2026-01-16T00:00:00Z"]);
        assert_eq!(next("0 0 13 * *", "2026-01-08T00:00:00Z"), "2026-01-13T00:00:00Z");
        // `*/2` says something.
        assert_eq!(next("0 0 */2 * 5", "2026-01-08T00:00:00Z"), "2026-01-09T00:00:00Z");
    }

    #[test]
    fn clocks_that_are_put_forward_and_back() {
        // In New York 02:30 is left out on 8 March 2026, and 01:30 comes twice on 1 November.
        let spring = times("30 2 * * *", "2026-03-07T12:00:00Z", "America/New_York", 1);
        assert_eq!(spring, ["2026-03-09T06:30:00Z"]);
        let autumn = times("30 1 * * *", "2026-10-31T12:00:00Z", "America/New_York", 3);
        assert_eq!(autumn, ["2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z", "2026-11-02T06:30:00Z"]);
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 7",
            "5-1 * * * *",
            "*/0 * * * *",
            "a * * * *",
            "1-2-3 * * * *",
            "-1 * * * *",
            "@often",
            "@every",
            "@every soon",
            "TZ=UTC * * * * *",
            "1/2/3 * * * *",
        ] {
            assert!(Schedule::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn schedules_are_read_as_the_server_reads_them() {
        for good in ["* * * * *", "*/5 0-6,12 ? JAN mon-FRI", "@hourly", "@every 1h30m", "5/15 * 31 12 0"] {
            assert_eq!(Schedule::parse(good).err(), None, "{good}");
        }
        for (bad, told) in [
            ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
            ("1/2/3 * * * *", "too many slashes: 1/2/3"),
            ("@every soon", "failed to parse duration @every soon: time: invalid duration \"soon\""),
        ] {
            assert_eq!(Schedule::parse(bad).err().as_deref(), Some(told), "{bad}");
        }
    }
}
