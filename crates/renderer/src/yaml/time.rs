//! Timestamps as go-yaml reads them and as Go's JSON prints them.

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn number(&mut self, min: usize, max: usize) -> Option<u32> {
        let count = self.rest.iter().take(max).take_while(|c| c.is_ascii_digit()).count();
        if count < min {
            return None;
        }
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        Some(digits.iter().fold(0, |sum, c| sum * 10 + u32::from(c - b'0')))
    }

    fn eat(&mut self, byte: u8) -> bool {
        let hit = self.rest.first() == Some(&byte);
        if hit {
            self.rest = &self.rest[1..];
        }
        hit
    }
}

/// A date (`2001-1-2`) or a date with a time, normalised to RFC 3339; `None` when the text is neither.
pub(super) fn parse(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || bytes[4] != b'-' || !bytes[..4].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut reader = Reader { rest: bytes };
    let year = reader.number(4, 4)?;
    let month = reader.eat(b'-').then(|| reader.number(1, 2))??;
    let day = reader.eat(b'-').then(|| reader.number(1, 2))??;
    if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
        return None;
    }
    if reader.rest.is_empty() {
        return Some(format!("{year:04}-{month:02}-{day:02}T00:00:00Z"));
    }
    let zoned = reader.eat(b'T') || reader.eat(b't');
    if !zoned {
        if !reader.eat(b' ') {
            return None;
        }
        while reader.eat(b' ') {}
    }
    let hour = reader.number(1, 2)?;
    let minute = reader.eat(b':').then(|| reader.number(1, 2))??;
    let second = reader.eat(b':').then(|| reader.number(1, 2))??;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut fraction = String::new();
    if reader.eat(b'.') {
        let count = reader.rest.iter().take_while(|c| c.is_ascii_digit()).count();
        if count == 0 {
            return None;
        }
        let (digits, rest) = reader.rest.split_at(count);
        let digits: String = digits.iter().take(9).map(|c| char::from(*c)).collect();
        let digits = digits.trim_end_matches('0');
        if !digits.is_empty() {
            fraction = format!(".{digits}");
        }
        reader.rest = rest;
    }
    let zone = match (zoned, reader.rest) {
        (false, []) | (true, [b'Z']) => "Z".to_owned(),
        (true, [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2]) if [h1, h2, m1, m2].iter().all(|c| c.is_ascii_digit()) => {
            let text: String = [*sign, *h1, *h2, b':', *m1, *m2].iter().map(|c| char::from(*c)).collect();
            if &text[1..] == "00:00" { "Z".to_owned() } else { text }
        }
        _ => return None,
    };
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}"))
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn dates_and_times() {
        assert_eq!(parse("2001-01-01").as_deref(), Some("2001-01-01T00:00:00Z"));
        assert_eq!(parse("2001-12-14t21:59:43.10-05:00").as_deref(), Some("2001-12-14T21:59:43.1-05:00"));
        assert_eq!(parse("2001-12-14 21:59:43.1").as_deref(), Some("2001-12-14T21:59:43.1Z"));
        assert_eq!(parse("2001-02-30"), None);
        assert_eq!(parse("2001-01-01x"), None);
    }
}
