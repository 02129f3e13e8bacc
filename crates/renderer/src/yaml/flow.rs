//! Flow style and quoted scalars.

use super::parse::Parser;
use super::value::{Node, Scalar, Value};
use crate::error::Result;

impl Parser<'_> {
    /// `[…]` or `{…}`.
    pub(super) fn flow(&mut self) -> Result<Value> {
        self.enter()?;
        let value = if self.peek() == b'[' { self.flow_list() } else { self.flow_map() }?;
        self.depth -= 1;
        Ok(value)
    }

    fn flow_list(&mut self) -> Result<Value> {
        let (pos, list) = (self.pos(), self.open_list());
        self.at += 1;
        loop {
            self.skip_in_flow()?;
            if self.peek() == b']' {
                self.at += 1;
                return Ok(self.close_list(list, pos));
            }
            let item_pos = self.pos();
            let item = self.flow_node()?;
            self.skip_in_flow()?;
            if self.peek() == b':' {
                self.at += 1;
                self.skip_in_flow()?;
                let value =
                    if matches!(self.peek(), b',' | b']') { Value { pos: self.pos(), ..Value::default() } } else { self.flow_node()? };
                let mut map = self.open_map(item_pos);
                self.add_entry(&mut map, item, value)?;
                let map = self.close_map(map)?;
                self.add_item(map);
                self.skip_in_flow()?;
            } else {
                self.add_item(item);
            }
            self.flow_separator(b']')?;
        }
    }

    fn flow_map(&mut self) -> Result<Value> {
        let mut map = self.open_map(self.pos());
        self.at += 1;
        loop {
            self.skip_in_flow()?;
            if self.peek() == b'}' {
                self.at += 1;
                return self.close_map(map);
            }
            if self.peek() == b'?' && matches!(self.peek_at(1), b' ' | b'\t' | b'\n') {
                self.at += 1;
                self.skip_in_flow()?;
            }
            let key = self.flow_node()?;
            self.skip_in_flow()?;
            let value = if self.peek() == b':' {
                self.at += 1;
                self.skip_in_flow()?;
                if matches!(self.peek(), b',' | b'}') {
                    // `{a: }` holds an empty text for kustomize, while `{a}` holds null.
                    Value { pos: self.pos(), ..Value::string("") }
                } else {
                    self.flow_node()?
                }
            } else {
                Value { pos: self.pos(), ..Value::default() }
            };
            self.add_entry(&mut map, key, value)?;
            self.skip_in_flow()?;
            self.flow_separator(b'}')?;
        }
    }

    fn skip_in_flow(&mut self) -> Result<()> {
        self.skip_to_token(false)?;
        if self.done() {
            return Err(self.error("the file ends inside [ ] or { }"));
        }
        if self.at_marker() {
            return Err(self.error("the document ends inside [ ] or { }"));
        }
        Ok(())
    }

    fn flow_separator(&mut self, close: u8) -> Result<()> {
        match self.peek() {
            b',' => {
                self.at += 1;
                Ok(())
            }
            c if c == close => Ok(()),
            _ => Err(self.error(format!("did not find expected ',' or '{}'", char::from(close)))),
        }
    }

    fn flow_node(&mut self) -> Result<Value> {
        let pos = self.pos();
        let properties = self.properties()?;
        self.skip_in_flow()?;
        let next = self.peek();
        let (mut value, quoted) = match next {
            b'[' | b'{' => (self.flow()?, false),
            b'"' | b'\'' => (self.quoted(-1)?, true),
            b'*' => (self.alias()?, false),
            b',' | b']' | b'}' => (Value::default(), false),
            b':' if matches!(self.peek_at(1), b' ' | b'\t' | b'\n' | b',' | b']' | b'}') => (Value::default(), false),
            b'|' | b'>' | b'%' | b'@' | b'`' | b'#' => {
                return Err(self.error(format!("a value cannot begin with '{}'; quote it", char::from(next))));
            }
            b'-' if matches!(self.peek_at(1), b' ' | b'\t' | b'\n' | b',' | b']' | b'}') => {
                return Err(self.error("a list with dashes cannot stand inside [ ] or { }"));
            }
            _ => (self.flow_plain()?, false),
        };
        value.pos = pos;
        self.finish(&properties, value, quoted)
    }

    fn flow_plain(&mut self) -> Result<Value> {
        let pos = self.pos();
        let mut text = String::new();
        let mut pending = 0usize;
        loop {
            let start = self.at;
            let mut end = start;
            loop {
                match self.peek() {
                    b'\n' | b',' | b'[' | b']' | b'{' | b'}' => break,
                    0 if self.done() => break,
                    b':' if matches!(self.peek_at(1), b' ' | b'\t' | b'\n' | b',' | b'[' | b']' | b'{' | b'}') => break,
                    b' ' | b'\t' => {
                        if self.peek_at(1) == b'#' {
                            break;
                        }
                        self.at += 1;
                    }
                    _ => {
                        self.at += 1;
                        end = self.at;
                    }
                }
            }
            if end > start {
                match pending {
                    0 => {}
                    1 => text.push(' '),
                    n => text.extend(std::iter::repeat_n('\n', n - 1)),
                }
                text.push_str(self.slice(start, end));
                pending = 0;
            }
            if self.peek() != b'\n' || self.done() {
                break;
            }
            self.newline();
            pending += 1;
            self.skip_blanks();
            if self.peek() == b'#' {
                break;
            }
        }
        Ok(self.plain_value(&text, pos))
    }

    /// `"…"` or `'…'`; line ends inside are folded.
    pub(super) fn quoted(&mut self, parent: i64) -> Result<Value> {
        let pos = self.pos();
        let start_error = self.error("the quoted text never ends");
        let quote = self.peek();
        self.at += 1;
        let mut text = String::new();
        loop {
            let start = self.at;
            while !self.done() && !matches!(self.peek(), b'\n' | b'\\') && self.peek() != quote {
                self.at += 1;
            }
            text.push_str(self.slice(start, self.at));
            if self.done() {
                return Err(start_error);
            }
            match self.peek() {
                b'\n' => {
                    let kept = text.trim_end_matches([' ', '\t']).len();
                    text.truncate(kept);
                    self.fold(&mut text, parent, true)?;
                }
                b'\\' if quote == b'"' => self.escape(&mut text, parent)?,
                b'\\' => {
                    text.push('\\');
                    self.at += 1;
                }
                _ if quote == b'\'' && self.peek_at(1) == b'\'' => {
                    text.push('\'');
                    self.at += 2;
                }
                _ => {
                    self.at += 1;
                    return Ok(Value { node: Node::Scalar(Scalar::quoted(text)), pos });
                }
            }
        }
    }

    /// A line end and the blank lines and indentation behind it.
    fn fold(&mut self, text: &mut String, parent: i64, space: bool) -> Result<()> {
        let mut breaks = 0usize;
        while !self.done() && self.peek() == b'\n' {
            self.newline();
            if self.at_marker() {
                return Err(self.error("the document ends inside quoted text"));
            }
            self.skip_blanks();
            breaks += 1;
        }
        if !self.done() && parent >= 0 && self.column() == 0 {
            return Err(self.error("quoted text must be indented like the value that it is part of"));
        }
        match breaks {
            1 if space => text.push(' '),
            n => text.extend(std::iter::repeat_n('\n', n.saturating_sub(1))),
        }
        Ok(())
    }

    fn escape(&mut self, text: &mut String, parent: i64) -> Result<()> {
        let sign = self.peek_at(1);
        let digits = match sign {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            _ => 0,
        };
        if digits > 0 {
            let from = self.at + 2;
            let code = self
                .src
                .get(from..from + digits)
                .filter(|hex| hex.iter().all(u8::is_ascii_hexdigit))
                .map(|_| self.slice(from, from + digits));
            let Some(c) = code.and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32) else {
                return Err(self.error("an escape needs hexadecimal digits of a character"));
            };
            text.push(c);
            self.at = from + digits;
            return Ok(());
        }
        let c = match sign {
            b'0' => '\0',
            b'a' => '\x07',
            b'b' => '\x08',
            b't' | b'\t' => '\t',
            b'n' => '\n',
            b'v' => '\x0b',
            b'f' => '\x0c',
            b'r' => '\r',
            b'e' => '\x1b',
            b' ' => ' ',
            b'"' => '"',
            b'/' => '/',
            b'\\' => '\\',
            b'N' => '\u{85}',
            b'_' => '\u{a0}',
            b'L' => '\u{2028}',
            b'P' => '\u{2029}',
            b'\n' => {
                self.at += 1;
                return self.fold(text, parent, false);
            }
            _ => return Err(self.error("unknown escape in quoted text; write '\\\\' for a backslash")),
        };
        text.push(c);
        self.at += 2;
        Ok(())
    }
}
