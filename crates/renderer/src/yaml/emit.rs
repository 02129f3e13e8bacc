//! The YAML writer: byte for byte what go-yaml v2 prints for a resource that went through JSON, as kustomize's resources do.

use super::number::shortest;
use super::order;
use super::scalar::{Canonical, Dialect, Kind, canonical, is_plain_number, needs_quotes, resolve};
use super::value::{Map, Node, Scalar, Value};

/// Lines of text are folded at the first space behind this column.
const WIDTH: usize = 80;
/// Longer keys are written with `? `.
const MAX_KEY: usize = 128;

struct Emitter<'a> {
    out: &'a mut String,
    column: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// Appends a value as a document.
pub(crate) fn emit(value: &Value, out: &mut String) {
    let mut emitter = Emitter { out, column: 0 };
    match &value.node {
        Node::Map(map) if !map.is_empty() => emitter.map(map, 0, true),
        Node::List(items) if !items.is_empty() => emitter.list(items, 0, true),
        Node::Map(_) => emitter.line("{}"),
        Node::List(_) => emitter.line("[]"),
        Node::Scalar(scalar) => {
            emitter.scalar(scalar, 0, false);
            emitter.end_line();
        }
    }
}

impl Emitter<'_> {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.len();
    }

    fn put_char(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn end_line(&mut self) {
        if !self.out.ends_with('\n') || self.column > 0 {
            self.out.push('\n');
        }
        self.column = 0;
    }

    fn line(&mut self, text: &str) {
        self.put(text);
        self.end_line();
    }

    fn pad(&mut self, indent: usize) {
        const SPACES: &str = "                                ";
        let mut left = indent;
        while left > 0 {
            let step = left.min(SPACES.len());
            self.out.push_str(&SPACES[..step]);
            left -= step;
        }
        self.column += indent;
    }

    /// `first_here`: the first key follows a dash on the same line.
    fn map(&mut self, map: &Map, indent: usize, first_here: bool) {
        if order::is_sorted(map.keys()) {
            self.entries(map.iter(), indent, first_here);
        } else {
            let mut entries: Vec<(&str, &Value)> = map.iter().collect();
            order::sort(&mut entries, |(key, _)| key);
            self.entries(entries.into_iter(), indent, first_here);
        }
    }

    fn entries<'v>(&mut self, entries: impl Iterator<Item = (&'v str, &'v Value)>, indent: usize, first_here: bool) {
        for (i, (key, value)) in entries.enumerate() {
            if i > 0 || !first_here {
                self.pad(indent);
            }
            if key.len() <= MAX_KEY && is_word(key) {
                self.put(key);
            } else if key.len() > MAX_KEY || key.contains('\n') {
                self.put("? ");
                self.string(key, indent + 2, key.len() <= MAX_KEY && !key.contains('\n'));
                if self.column > 0 {
                    self.end_line();
                }
                self.pad(indent);
                self.on_this_line(": ", value, indent);
                continue;
            } else {
                self.string(key, indent + 2, true);
            }
            match &value.node {
                Node::Map(map) if !map.is_empty() => {
                    self.line(":");
                    self.map(map, indent + 2, false);
                }
                Node::List(items) if !items.is_empty() => {
                    self.line(":");
                    self.list(items, indent, false);
                }
                _ => self.leaf(": ", value, indent),
            }
        }
    }

    fn list(&mut self, items: &[Value], indent: usize, first_here: bool) {
        for (i, item) in items.iter().enumerate() {
            if i > 0 || !first_here {
                self.pad(indent);
            }
            self.on_this_line("- ", item, indent);
        }
    }

    /// Any value, which begins behind this sign.
    fn on_this_line(&mut self, sign: &str, value: &Value, indent: usize) {
        match &value.node {
            Node::Map(map) if !map.is_empty() => {
                self.put(sign);
                self.map(map, indent + 2, true);
            }
            Node::List(items) if !items.is_empty() => {
                self.put(sign);
                self.list(items, indent + 2, true);
            }
            _ => self.leaf(sign, value, indent),
        }
    }

    /// A value that fits behind the sign of its key or dash.
    fn leaf(&mut self, sign: &str, value: &Value, indent: usize) {
        self.put(sign);
        match &value.node {
            Node::Scalar(scalar) => self.scalar(scalar, indent + 2, false),
            Node::Map(_) => self.put("{}"),
            Node::List(_) => self.put("[]"),
        }
        if self.column > 0 {
            self.end_line();
        }
    }

    fn scalar(&mut self, scalar: &Scalar, indent: usize, key: bool) {
        match scalar.kind {
            Kind::Str => return self.string(&scalar.text, indent, key),
            Kind::Int if is_plain_number(&scalar.text) => return self.put(&scalar.text),
            _ => {}
        }
        match canonical(scalar) {
            Canonical::Null => self.put("null"),
            Canonical::Bool(value) => self.put(if value { "true" } else { "false" }),
            Canonical::Int(value) => self.put(&value.to_string()),
            Canonical::Uint(value) => self.put(&value.to_string()),
            Canonical::Float(value) => self.put(&shortest(value)),
            Canonical::Str(text) => self.string(&text, indent, key),
        }
    }

    fn string(&mut self, text: &str, indent: usize, key: bool) {
        if text.len() + self.column <= WIDTH && is_word(text) {
            return self.put(text);
        }
        // kustomize reads what it wrote once more, and in quoted text this old line end is folded into a space.
        let folded;
        let text = if text.contains('\u{85}') {
            folded = text.replace('\u{85}', " ");
            &folded
        } else {
            text
        };
        match style(text, key) {
            Style::Plain if text.len() + self.column <= WIDTH => self.put(text),
            Style::Plain => self.folded(text, indent, !key, false),
            Style::Single => {
                self.put("'");
                self.folded(text, indent, !key, true);
                self.put("'");
            }
            Style::Double => self.double(text, indent, !key),
            Style::Literal => self.literal(text, indent),
        }
    }

    fn folded(&mut self, text: &str, indent: usize, may_fold: bool, quoted: bool) {
        let mut spaces = false;
        let mut breaks = false;
        let mut rest = text;
        while !rest.is_empty() {
            let run = rest.bytes().position(|c| !(b'!'..=b'~').contains(&c) || c == b'\'').unwrap_or(rest.len());
            if run > 0 {
                if breaks {
                    self.pad(indent);
                }
                self.put(&rest[..run]);
                rest = &rest[run..];
                (spaces, breaks) = (false, false);
            }
            let at = text.len() - rest.len();
            let mut chars = rest.chars();
            let Some(c) = chars.next() else { break };
            rest = chars.as_str();
            let next_is_space = rest.starts_with(' ');
            if c == ' ' {
                let inner = !quoted || (at > 0 && at + 1 < text.len());
                if may_fold && !spaces && self.column > WIDTH && inner && !next_is_space {
                    self.out.push('\n');
                    self.column = 0;
                    self.pad(indent);
                } else {
                    self.put_char(c);
                }
                spaces = true;
            } else if is_break(c) {
                self.out.push(c);
                self.column = 0;
                breaks = true;
            } else {
                if breaks {
                    self.pad(indent);
                }
                if quoted && c == '\'' {
                    self.put_char(c);
                }
                self.put_char(c);
                spaces = false;
                breaks = false;
            }
        }
        if breaks {
            // The closing quote stands where the last line break left off.
            self.column = 1;
        }
    }

    fn double(&mut self, text: &str, indent: usize, may_fold: bool) {
        self.put("\"");
        let mut spaces = false;
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if c == ' ' {
                if may_fold && !spaces && self.column > WIDTH && at > 0 && at + 1 < text.len() {
                    self.out.push('\n');
                    self.column = 0;
                    self.pad(indent);
                    if chars.peek().is_some_and(|(_, next)| *next == ' ') {
                        self.put("\\");
                    }
                } else {
                    self.put_char(c);
                }
                spaces = true;
                continue;
            }
            spaces = false;
            if printable(c) && !is_break(c) && c != '"' && c != '\\' {
                self.put_char(c);
                continue;
            }
            match c {
                '\0' => self.put("\\0"),
                '\x07' => self.put("\\a"),
                '\x08' => self.put("\\b"),
                '\t' => self.put("\\t"),
                '\n' => self.put("\\n"),
                '\x0b' => self.put("\\v"),
                '\x0c' => self.put("\\f"),
                '\r' => self.put("\\r"),
                '\x1b' => self.put("\\e"),
                '"' => self.put("\\\""),
                '\\' => self.put("\\\\"),
                '\u{85}' => self.put("\\N"),
                '\u{a0}' => self.put("\\_"),
                '\u{2028}' => self.put("\\L"),
                '\u{2029}' => self.put("\\P"),
                _ => {
                    let code = u32::from(c);
                    let text = if code <= 0xff {
                        format!("\\x{code:02X}")
                    } else if code <= 0xffff {
                        format!("\\u{code:04X}")
                    } else {
                        format!("\\U{code:08X}")
                    };
                    self.put(&text);
                }
            }
        }
        self.put("\"");
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.put("|");
        if text.starts_with([' ', '\n', '\u{2028}', '\u{2029}']) {
            self.put("2");
        }
        let mut back = text.chars().rev();
        match (back.next().is_some_and(is_break), back.next()) {
            (false, _) => self.put("-"),
            (true, None) => self.put("+"),
            (true, Some(c)) if is_break(c) => self.put("+"),
            _ => {}
        }
        self.out.push('\n');
        self.column = 0;
        for line in text.split_inclusive(is_break) {
            let content = line.strip_suffix(is_break).unwrap_or(line);
            if !content.is_empty() {
                self.pad(indent);
                self.put(content);
            }
            if content.len() < line.len() {
                self.out.push_str(&line[content.len()..]);
                self.column = 0;
            }
        }
    }
}

/// The signs that mean nothing within a word: letters, digits and a few others; a colon only where it does not end the word.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut c = 0u8;
    while c < 128 {
        plain[c as usize] = c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'/' | b'_' | b':');
        c += 1;
    }
    plain
};

/// Whether a text surely needs no quotes: signs that mean nothing, and nothing that YAML 1.1 reads as something else.
fn is_word(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(|c| c.is_ascii_alphabetic() || *c == b'/')
        && bytes.last() != Some(&b':')
        && bytes.iter().all(|c| PLAIN[usize::from(*c)])
        && resolve(text, Dialect::Kustomization) == Kind::Str
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{fffd}') && c != '\u{feff}'
}

/// go-yaml's choice: what it would misread is double-quoted, what has line ends is a literal, and what the syntax forbids moves on to the next stricter style.
fn style(text: &str, key: bool) -> Style {
    let wanted = if text.contains('\n') {
        Style::Literal
    } else if needs_quotes(text) {
        Style::Double
    } else {
        Style::Plain
    };
    if wanted == Style::Double || text.is_empty() {
        return Style::Double;
    }
    let found = Analysis::of(text);
    match wanted {
        Style::Plain if found.plain => Style::Plain,
        Style::Literal if found.block && !key => Style::Literal,
        Style::Literal => Style::Double,
        _ if found.single => Style::Single,
        _ => Style::Double,
    }
}

/// Whether a text is written without quotes and not as a block.
pub(crate) fn prints_plain(text: &str) -> bool {
    is_word(text) || style(text, false) == Style::Plain
}

/// Whether kustomize gives a text quotes where it makes it, or where it leaves it alone under a patch: what takes its place later is text then. Nothing and dates
/// get theirs only when they are printed.
pub(crate) fn gets_quotes(text: &str) -> bool {
    !text.is_empty() && !prints_plain(text) && resolve(text, Dialect::Resource) != Kind::Timestamp
}

struct Analysis {
    plain: bool,
    single: bool,
    block: bool,
}

impl Analysis {
    fn of(text: &str) -> Self {
        if text.is_ascii() { Self::look(text, text.bytes().map(char::from)) } else { Self::look(text, text.chars()) }
    }

    fn look(text: &str, chars: impl Iterator<Item = char>) -> Self {
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let (mut breaks, mut special) = (false, false);
        let (mut lead, mut trail, mut trailing_space) = (false, false, false);
        let (mut break_space, mut space_break) = (false, false);
        let (mut previous_space, mut previous_break, mut after_blank) = (false, false, true);
        let mut chars = chars.peekable();
        let mut first = true;
        while let Some(c) = chars.next() {
            let last = chars.peek().is_none();
            let blank_follows = chars.peek().is_none_or(|next| matches!(next, ' ' | '\t') || is_break(*next));
            match c {
                '#' if first || after_blank => indicators = true,
                ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' if first => indicators = true,
                '?' | '-' if first && blank_follows => indicators = true,
                ':' if blank_follows => indicators = true,
                _ => {}
            }
            special |= !printable(c);
            if c == ' ' {
                lead |= first;
                trailing_space |= last;
                break_space |= previous_break;
                (previous_space, previous_break) = (true, false);
            } else if is_break(c) {
                breaks = true;
                lead |= first;
                trail |= last;
                space_break |= previous_space;
                (previous_space, previous_break) = (false, true);
            } else {
                (previous_space, previous_break) = (false, false);
            }
            after_blank = matches!(c, ' ' | '\t') || is_break(c);
            first = false;
        }
        let broken = space_break || special;
        Self {
            plain: !(broken || indicators || breaks || lead || trail || trailing_space),
            single: !(broken || break_space),
            block: !(broken || trailing_space),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{parse_all, to_string};

    fn round(text: &str) -> String {
        parse_all(text.as_bytes(), "t.yaml").expect("is YAML").iter().map(to_string).collect()
    }

    #[test]
    fn keys_are_sorted_and_lists_not_indented() {
        insta::assert_snapshot!(round("b: [1, {y: 1, x: [[2]]}]\na: {}\n"), @r#"
        a: {}
        b:
        - 1
        - x:
          - - 2
          "y": 1
        "#);
    }

    #[test]
    fn strings_choose_their_style() {
        insta::assert_snapshot!(round("a: \"yes\"\nb: 'a: b'\nc: \"x\\ty\"\nd: \"l1\\nl2\"\ne: \"\"\nf: ' lead'\ng: \"end \\n x\"\n"), @r#"
        a: "yes"
        b: 'a: b'
        c: "x\ty"
        d: |-
          l1
          l2
        e: ""
        f: ' lead'
        g: "end \n x"
        "#);
    }

    #[test]
    fn long_text_is_folded_behind_column_80() {
        let word = "word ".repeat(30);
        let text = round(&format!("a: {word}\n"));
        assert!(text.lines().count() == 2, "{text}");
        assert!(text.lines().all(|line| line.len() <= 85));
    }
}
