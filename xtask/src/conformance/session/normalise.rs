//! Replaces in kubectl's output what differs from run to run.

use std::path::Path;

/// The letters of generated names.
const LETTERS: &str = "bcdfghjklmnpqrstvwxz2456789";

/// The output with uids, times, ages, addresses, ports, versions and generated names replaced, and with columns that are one space apart.
pub(super) fn text(output: &str, home: &Path) -> String {
    let output = output.replace(&home.display().to_string(), "HOME");
    let mut out = String::new();
    for line in output.lines() {
        // Indentation says something, the width of a column does not.
        let indent = line.len() - line.trim_start().len();
        let line = without_date(line);
        let fields: Vec<&str> = line.split_whitespace().collect();
        let mut words: Vec<String> = Vec::new();
        for (index, field) in fields.iter().enumerate() {
            let counted = index > 0 && matches!(fields[index - 1], "resourceVersion:" | "\"resourceVersion\":" | "nodePort:" | "Version:");
            let number = field.trim_matches(|c| c == '"' || c == ',').chars().all(|c| c.is_ascii_digit());
            words.push(if counted && number { "NUMBER".to_owned() } else { tokens(field) });
        }
        out.push_str(&line[..indent]);
        out.push_str(&words.join(" "));
        out.push('\n');
    }
    out
}

/// The line with a date as `kubectl describe` writes it (`Thu, 01 Jan 2026 00:00:00 +0000`) replaced.
fn without_date(line: &str) -> String {
    const SHAPE: &str = "Aaa, 00 Aaa 0000 00:00:00 +0000";
    let shape: String = line
        .chars()
        .map(|c| match c {
            'A'..='Z' => 'A',
            'a'..='z' => 'a',
            '0'..='9' => '0',
            other => other,
        })
        .collect();
    // No letter beyond ASCII changes, so a place in the shape is the same place in the line.
    match shape.find(SHAPE) {
        Some(at) => format!("{}TIME{}", &line[..at], &line[at + SHAPE.len()..]),
        None => line.to_owned(),
    }
}

/// A field of a line, its parts replaced one by one.
fn tokens(field: &str) -> String {
    let mut out = String::new();
    let mut token = String::new();
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':');
    for c in field.chars() {
        if part(c) {
            token.push(c);
        } else {
            out.push_str(&replaced(&token));
            out.push(c);
            token.clear();
        }
    }
    out + &replaced(&token)
}

fn replaced(token: &str) -> String {
    if is_uid(token) {
        return "UID".to_owned();
    }
    if is_time(token) {
        return "TIME".to_owned();
    }
    if is_age(token) {
        return "AGE".to_owned();
    }
    if let Some((address, port)) = token.rsplit_once(':')
        && is_address(address)
        && port.chars().all(|c| c.is_ascii_digit())
    {
        return format!("ADDRESS:{}", if address == "127.0.0.1" { "PORT" } else { port });
    }
    if is_address(token) {
        return "ADDRESS".to_owned();
    }
    if let Some((name, port)) = token.split_once(':')
        && port.parse().is_ok_and(|port: u32| (30000..=32767).contains(&port))
    {
        return format!("{name}:NODEPORT");
    }
    match token.rsplit_once('-') {
        Some((name, suffix)) if suffix.len() == 5 && suffix.chars().all(|c| LETTERS.contains(c)) => format!("{name}-XXXXX"),
        _ => token.to_owned(),
    }
}

fn is_uid(token: &str) -> bool {
    let lengths: Vec<usize> = token.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && token.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

/// `2026-01-01T00:00:00Z`, with or without fractions.
fn is_time(token: &str) -> bool {
    let shape: String = token.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape.starts_with("0000-00-00T00:00:00") && shape.ends_with('Z')
}

/// `5s`, `2m10s`, `3h`.
fn is_age(token: &str) -> bool {
    let parts: Vec<&str> = token.split_inclusive(['s', 'm', 'h', 'd']).collect();
    !token.is_empty()
        && parts.iter().all(|part| {
            part.strip_suffix(['s', 'm', 'h', 'd']).is_some_and(|number| !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()))
        })
}

fn is_address(token: &str) -> bool {
    token.parse::<std::net::Ipv4Addr>().is_ok_and(|address| !address.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_what_chance_and_time_decide() {
        let shown = |line: &str| text(line, Path::new("/tmp/home"));
        assert_eq!(shown("NAME      READY   AGE"), "NAME READY AGE\n");
        assert_eq!(shown("pod/web-5d6f7-bcdfg   1/1   2m10s"), "pod/web-5d6f7-XXXXX 1/1 AGE\n");
        assert_eq!(shown("  resourceVersion: \"412\""), "  resourceVersion: NUMBER\n");
        assert_eq!(shown("uid: 0f0e0d0c-0102-4304-8506-0708090a0b0c"), "uid: UID\n");
        assert_eq!(shown("time: \"2026-01-01T00:00:00Z\""), "time: \"TIME\"\n");
        assert_eq!(shown("CreationTimestamp:      Sun, 29 Nov 2026 11:21:09 +0000"), "CreationTimestamp: TIME\n");
        assert_eq!(shown("é Sun, 29 Nov 2026 11:21:09 +0000."), "é TIME.\n");
        assert_eq!(shown("80:30123/TCP 10.96.0.1 10.244.0.3:8080"), "80:NODEPORT/TCP ADDRESS ADDRESS:8080\n");
        assert_eq!(shown("/tmp/home/x maxSurge: 25%"), "HOME/x maxSurge: 25%\n");
    }
}
