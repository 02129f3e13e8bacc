//! The schedules of CronJobs: what the server's parser says of one that is none.

/// The fields of a schedule: the least and the greatest number, and the names that stand for numbers.
const FIELDS: [(u32, u32, &[&str]); 5] = [
    (0, 59, &[]),
    (0, 23, &[]),
    (1, 31, &[]),
    (1, 12, &["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
    (0, 6, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
];

/// What is wrong with a schedule.
pub(super) fn schedule(text: &str) -> Vec<String> {
    if text.contains("TZ") {
        return vec!["cannot use TZ or CRON_TZ in schedule, use timeZone field instead".to_owned()];
    }
    parse(text).err().into_iter().collect()
}

fn parse(text: &str) -> Result<(), String> {
    if text.starts_with('@') {
        let known = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
        return match text.strip_prefix("@every ") {
            _ if known.contains(&text) => Ok(()),
            Some(span) if is_duration(span) => Ok(()),
            Some(span) => Err(format!("failed to parse duration {text}: time: invalid duration \"{span}\"")),
            None => Err(format!("unrecognized descriptor: {text}")),
        };
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Err(format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" ")));
    }
    for (field, bounds) in fields.iter().zip(FIELDS) {
        field.split(',').filter(|part| !part.is_empty()).try_for_each(|part| range(part, bounds))?;
    }
    Ok(())
}

/// `*`, `5`, `MON-FRI`, `*/5`, `10-40/2`
fn range(text: &str, (least, greatest, names): (u32, u32, &[&str])) -> Result<(), String> {
    let slashes: Vec<&str> = text.split('/').collect();
    let ends: Vec<&str> = slashes[0].split('-').collect();
    let single = ends.len() == 1;
    let (begin, mut end) = match ends.as_slice() {
        ["*" | "?"] => (least, greatest),
        [one] => (number(one, names)?, number(one, names)?),
        [begin, end] => (number(begin, names)?, number(end, names)?),
        _ => return Err(format!("too many hyphens: {text}")),
    };
    let step = match slashes.as_slice() {
        [_] => 1,
        [_, step] => {
            // `5/15` has no end.
            if single {
                end = greatest;
            }
            number(step, &[])?
        }
        _ => return Err(format!("too many slashes: {text}")),
    };
    if begin < least {
        return Err(format!("beginning of range ({begin}) below minimum ({least}): {text}"));
    }
    if end > greatest {
        return Err(format!("end of range ({end}) above maximum ({greatest}): {text}"));
    }
    if begin > end {
        return Err(format!("beginning of range ({begin}) beyond end of range ({end}): {text}"));
    }
    if step == 0 {
        return Err(format!("step of range should be a positive number: {text}"));
    }
    Ok(())
}

fn number(text: &str, names: &[&str]) -> Result<u32, String> {
    let lower = text.to_lowercase();
    if let Some(place) = names.iter().position(|name| !name.is_empty() && *name == lower) {
        return u32::try_from(place).map_err(|error| error.to_string());
    }
    match text.parse::<i64>() {
        Ok(number) => u32::try_from(number).map_err(|_| format!("negative number ({number}) not allowed: {text}")),
        Err(_) => Err(format!("failed to parse int from {text}: strconv.Atoi: parsing \"{text}\": invalid syntax")),
    }
}

/// A span of time as Go has it: `1h30m`.
fn is_duration(text: &str) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let Some(unit) = ["ns", "us", "µs", "ms", "s", "m", "h"].iter().find(|unit| rest[digits..].starts_with(**unit)) else {
            return false;
        };
        if digits == 0 {
            return false;
        }
        rest = &rest[digits + unit.len()..];
    }
    !text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_read_as_the_server_reads_them() {
        for good in ["* * * * *", "*/5 0-6,12 ? JAN mon-FRI", "@hourly", "@every 1h30m", "5/15 * 31 12 0"] {
            assert_eq!(schedule(good), Vec::<String>::new(), "{good}");
        }
        for (bad, told) in [
            ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
            ("1/2/3 * * * *", "too many slashes: 1/2/3"),
            ("@every soon", "failed to parse duration @every soon: time: invalid duration \"soon\""),
        ] {
            assert_eq!(schedule(bad), [told], "{bad}");
        }
    }
}
