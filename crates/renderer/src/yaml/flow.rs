//! Flow style and quoted scalars.

use std::borrow::Cow;

use super::block::as_int;
use super::parse::{ONE_MARK, Parser, Properties, TAB};
use super::scalar::{Dialect, Kind};
use super::value::{Node, Pos, Scalar, Value};
use crate::error::{Error, ErrorKind, Result};

/// A key without `?` is at most so many characters long.
const KEY_LENGTH: usize = 1024;

impl Parser<'_> {
    /// `[…]` or `{…}` within a block whose column is `parent` (-1: none).
    pub(super) fn flow(&mut self, parent: i64) -> Result<Value> {
        self.enter()?;
        let value = if self.peek() == b'[' { self.flow_list(parent) } else { self.flow_map(parent) }?;
        self.depth -= 1;
        Ok(value)
    }

    fn flow_list(&mut self, parent: i64) -> Result<Value> {
        let (pos, list) = (self.pos(), self.open_list());
        self.at += 1;
        loop {
            self.skip_in_flow()?;
            if self.peek() == b']' {
                self.at += 1;
                return Ok(self.close_list(list, pos));
            }
            let (item_pos, start) = (self.pos(), self.at);
            let marked = self.key_sign()?;
            let item = if marked && matches!(self.peek(), b':' | b',') {
                // kustomize takes this sign away with the key that is not there.
                self.at += 1;
                self.empty(item_pos)
            } else {
                self.flow_node(parent)?
            };
            self.skip_in_flow()?;
            if marked || self.peek() == b':' {
                let value = self.flow_value(parent, marked, item_pos, start)?;
                let mut map = self.open_map(item_pos);
                self.add_entry(&mut map, item, value)?;
                let map = self.close_map(map)?;
                self.add_item(map);
            } else {
                self.add_item(item);
            }
            self.flow_separator(b']')?;
        }
    }

    fn flow_map(&mut self, parent: i64) -> Result<Value> {
        let mut map = self.open_map(self.pos());
        self.at += 1;
        loop {
            self.skip_in_flow()?;
            if self.peek() == b'}' {
                self.at += 1;
                return self.close_map(map);
            }
            let (key_pos, start) = (self.pos(), self.at);
            let marked = self.key_sign()?;
            let key = if marked && matches!(self.peek(), b':' | b',' | b'}') { self.empty(key_pos) } else { self.flow_node(parent)? };
            self.skip_in_flow()?;
            let value = self.flow_value(parent, marked, key_pos, start)?;
            self.add_entry(&mut map, key, value)?;
            self.flow_separator(b'}')?;
        }
    }

    /// Reads the `?` before a key; within brackets it needs no blank behind it.
    fn key_sign(&mut self) -> Result<bool> {
        let marked = self.peek() == b'?';
        if marked {
            self.at += 1;
            self.skip_in_flow()?;
        }
        Ok(marked)
    }

    /// What follows a key that began at `start`: a colon and a value, or nothing. Only behind a `?` the colon may stand on a later line or far away.
    fn flow_value(&mut self, parent: i64, marked: bool, key_pos: Pos, start: usize) -> Result<Value> {
        if self.peek() != b':' {
            return Ok(self.empty(self.pos()));
        }
        let far = || self.at - start > KEY_LENGTH && self.slice(start, self.at).chars().count() > KEY_LENGTH;
        if !marked && (self.line != key_pos.line || far()) {
            return Err(self.error("a key and its ':' must stand on one line, at most 1024 characters apart"));
        }
        self.at += 1;
        self.skip_in_flow()?;
        let value = if matches!(self.peek(), b',' | b']' | b'}') { self.empty(self.pos()) } else { self.flow_node(parent)? };
        self.skip_in_flow()?;
        Ok(value)
    }

    /// What is left out within brackets: null. Of a resource it prints as an empty text, which the quotes stand for.
    fn empty(&self, pos: Pos) -> Value {
        let quoted = self.dialect == Dialect::Resource;
        Value { node: Node::Scalar(Scalar { quoted, ..Scalar::plain("", Kind::Null) }), pos }
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

    fn flow_node(&mut self, parent: i64) -> Result<Value> {
        let pos = self.pos();
        let mut properties = Properties::default();
        while matches!(self.peek(), b'&' | b'!') {
            let here = self.properties()?;
            if !properties.add(&here) {
                return Err(self.error(ONE_MARK));
            }
            self.skip_in_flow()?;
        }
        let next = self.peek();
        let (mut value, quoted) = match next {
            b'[' | b'{' => (self.flow(parent)?, false),
            b'"' | b'\'' => (self.quoted()?, true),
            b'*' if properties.is_empty() => {
                let mut value = self.alias()?;
                if self.dialect == Dialect::Resource {
                    mark_empty(&mut value);
                }
                (value, false)
            }
            b',' | b']' | b'}' | b':' if !properties.is_empty() => (self.empty(pos), false),
            b',' | b']' | b'}' => {
                return Err(self.error(format!("did not expect '{}' here; is something missing before it?", char::from(next))));
            }
            b':' => return Err(self.error("did not expect ':' here; is the key missing?")),
            b'?' => return Err(self.error("a '?' within [ ] or { } marks a key; quote the text")),
            b'*' | b'|' | b'>' | b'%' | b'@' | b'`' => {
                return Err(self.error(format!("a value cannot begin with '{}'; quote it", char::from(next))));
            }
            b'-' if matches!(self.peek_at(1), b' ' | b'\t' | b'\n') => {
                return Err(self.error("a list with dashes cannot stand inside [ ] or { }"));
            }
            _ => (self.flow_plain(parent)?, false),
        };
        value.pos = pos;
        self.finish(&properties, value, quoted)
    }

    fn flow_plain(&mut self, parent: i64) -> Result<Value> {
        let pos = self.pos();
        let mut text = Cow::Borrowed("");
        let mut pending = 0usize;
        loop {
            let start = self.at;
            let mut end = start;
            loop {
                match self.peek() {
                    b'\n' | b',' | b'?' | b'[' | b']' | b'{' | b'}' => break,
                    0 if self.done() => break,
                    b':' if matches!(self.peek_at(1), b' ' | b'\t' | b'\n') => break,
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
                    1 => text.to_mut().push(' '),
                    n => text.to_mut().extend(std::iter::repeat_n('\n', n - 1)),
                }
                // The first piece is only borrowed.
                text += self.slice(start, end);
                pending = 0;
            }
            if self.peek() != b'\n' || self.done() {
                break;
            }
            self.newline();
            pending += 1;
            // Within brackets nothing needs to be indented, but a tab may not stand where a block would have its indentation.
            while self.peek() == b' ' {
                self.at += 1;
            }
            if self.peek() == b'\t' && as_int(self.column()) <= parent {
                return Err(self.error(TAB));
            }
            self.skip_blanks();
            if self.peek() == b'#' || self.at_marker() {
                break;
            }
        }
        Ok(self.plain_value(&text, pos))
    }

    /// `"…"` or `'…'`; line ends inside are folded.
    pub(super) fn quoted(&mut self) -> Result<Value> {
        let pos = self.pos();
        let quote = self.peek();
        self.at += 1;
        // Mostly it holds nothing special.
        let begin = self.at;
        let run = self.src[begin..].iter().position(|c| *c == quote || matches!(c, b'\n' | b'\\'));
        if let Some(end) = run.map(|run| begin + run)
            && self.src[end] == quote
            && !(quote == b'\'' && self.src.get(end + 1) == Some(&quote))
        {
            self.at = end + 1;
            return Ok(Value { node: Node::Scalar(Scalar::quoted(self.slice(begin, end))), pos });
        }
        let mut text = String::new();
        loop {
            let start = self.at;
            while !self.done() && !matches!(self.peek(), b'\n' | b'\\') && self.peek() != quote {
                self.at += 1;
            }
            text.push_str(self.slice(start, self.at));
            if self.done() {
                return Err(Error::new(ErrorKind::Syntax, "the quoted text never ends").at(pos));
            }
            match self.peek() {
                b'\n' => {
                    let kept = text.trim_end_matches([' ', '\t']).len();
                    text.truncate(kept);
                    self.fold(&mut text, true)?;
                }
                b'\\' if quote == b'"' => self.escape(&mut text)?,
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
    fn fold(&mut self, text: &mut String, space: bool) -> Result<()> {
        let mut breaks = 0usize;
        while !self.done() && self.peek() == b'\n' {
            self.newline();
            if self.at_marker() {
                return Err(self.error("the document ends inside quoted text"));
            }
            self.skip_blanks();
            breaks += 1;
        }
        match breaks {
            1 if space => text.push(' '),
            n => text.extend(std::iter::repeat_n('\n', n.saturating_sub(1))),
        }
        Ok(())
    }

    fn escape(&mut self, text: &mut String) -> Result<()> {
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
            b'\'' => '\'',
            b'\\' => '\\',
            b'N' => '\u{85}',
            b'_' => '\u{a0}',
            b'L' => '\u{2028}',
            b'P' => '\u{2029}',
            b'\n' => {
                self.at += 1;
                return self.fold(text, false);
            }
            _ => return Err(self.error("unknown escape in quoted text; write '\\\\' for a backslash")),
        };
        text.push(c);
        self.at += 2;
        Ok(())
    }
}

/// What an alias brings between brackets was left out there too.
fn mark_empty(value: &mut Value) {
    match &mut value.node {
        Node::Scalar(scalar) => scalar.quoted |= scalar.kind == Kind::Null && scalar.text.is_empty(),
        Node::List(items) => items.iter_mut().for_each(mark_empty),
        Node::Map(map) => map.iter_mut().for_each(|(_, value)| mark_empty(value)),
    }
}
