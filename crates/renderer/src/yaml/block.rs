//! Block style: maps and lists by indentation, literals, folded text, plain scalars over several lines.

use super::line::end_of_text;
use super::parse::{ONE_MARK, Parser, Properties, TAB};
use super::scalar::Kind;
use super::value::{Node, Scalar, Value};
use crate::error::Result;

pub(super) fn as_int(column: usize) -> i64 {
    i64::try_from(column).unwrap_or(i64::MAX)
}

impl<'a> Parser<'a> {
    /// Reads the node that belongs to a parent at column `parent` (-1: none).
    ///
    /// `key_ok`: a map may begin on this line (after a newline or a dash). `list_ok`: a list may stand in the parent's own column, as the value of a key.
    pub(super) fn node(&mut self, parent: i64, key_ok: bool, list_ok: bool) -> Result<Value> {
        self.enter()?;
        let value = self.node_inner(parent, key_ok, list_ok)?;
        self.depth -= 1;
        Ok(value)
    }

    fn node_inner(&mut self, parent: i64, key_ok: bool, list_ok: bool) -> Result<Value> {
        let mut here = self.pos();
        let mut crossed = self.skip_to_token(true)? || key_ok;
        if self.nothing_here(parent, crossed, list_ok) {
            return Ok(Value { pos: here, ..Value::default() });
        }
        here = self.pos();
        let mut properties = Properties::default();
        while matches!(self.peek(), b'&' | b'!') {
            let (start, column) = (self.at, self.column());
            let here_too = self.properties()?;
            let line_ends = self.at_line_end() || self.peek() == b'#';
            if !line_ends
                && crossed
                && let Some(colon) = self.key_ahead()
            {
                // These belong to the key, not to the map that begins with it.
                let value = self.map(column, Some(here_too), Some(colon))?;
                return self.finish(&properties, value, false);
            }
            if !properties.add(&here_too) {
                self.at = start;
                return Err(self.error(ONE_MARK));
            }
            if line_ends {
                self.skip_to_token(true)?;
                crossed = true;
                if self.nothing_here(parent, crossed, list_ok) {
                    let empty = Value { pos: here, ..Value::default() };
                    return self.finish(&properties, empty, false);
                }
                here = self.pos();
            } else if crossed && matches!(self.peek(), b'-') && matches!(self.peek_at(1), b' ' | b'\n') {
                return Err(self.error("a list cannot begin on the line of its anchor or tag"));
            }
        }
        let column = self.column();
        let next = self.peek();
        let blank_follows = matches!(self.peek_at(1), b' ' | b'\t' | b'\n') || self.at + 1 >= self.src.len();
        if next == b'-' && blank_follows {
            if !crossed {
                return Err(self.error("a list cannot begin here; put it on its own line"));
            }
            let value = self.list(column)?;
            return self.finish(&properties, value, false);
        }
        if crossed {
            let colon = self.key_ahead();
            if colon.is_some() || (next == b'?' && blank_follows) {
                let value = self.map(column, None, colon)?;
                return self.finish(&properties, value, false);
            }
        }
        if let Some(value) = self.text_of_a_line(self.at, parent) {
            return self.finish(&properties, Value { pos: here, ..value }, false);
        }
        let (value, quoted) = match next {
            b'|' | b'>' => (self.block_scalar(parent)?, true),
            b'*' if properties.is_empty() => (self.alias_in_block()?, false),
            b'[' | b'{' => (self.flow(parent)?, false),
            b'"' | b'\'' => (self.quoted()?, true),
            _ => (self.plain(parent)?, false),
        };
        // What stands behind the brackets that are a whole document is not looked at.
        let is_document = parent < 0 && matches!(next, b'[' | b'{');
        if is_document {
            self.skip_blanks();
        }
        if !matches!(next, b'|' | b'>') && (!is_document || self.peek() == b':') {
            self.line_must_end()?;
        }
        let mut value = value;
        value.pos = here;
        self.finish(&properties, value, quoted)
    }

    /// What was left out within brackets is an ordinary null where an alias brings it out of them.
    fn alias_in_block(&mut self) -> Result<Value> {
        let mut value = self.alias()?;
        if let Node::Scalar(scalar) = &mut value.node
            && scalar.kind == Kind::Null
        {
            scalar.quoted = false;
        }
        Ok(value)
    }

    /// Whether the parent's value is empty: the next token belongs to something further out.
    fn nothing_here(&self, parent: i64, crossed: bool, list_ok: bool) -> bool {
        if self.done() || self.at_marker() {
            return true;
        }
        if !crossed {
            return false;
        }
        let column = as_int(self.column());
        let dash = self.peek() == b'-' && matches!(self.peek_at(1), b' ' | b'\t' | b'\n' | 0);
        column < parent || (column == parent && !(list_ok && dash))
    }

    /// After a value in block style only a comment may follow on the line.
    fn line_must_end(&mut self) -> Result<()> {
        self.skip_blanks();
        if self.at_line_end() || self.peek() == b'#' {
            return Ok(());
        }
        if self.peek() == b':' {
            return Err(self.error("mapping values are not allowed here; quote the text or put the map on its own line"));
        }
        Err(self.error("did not expect more on this line"))
    }

    /// Where the colon of the key stands that begins here, if a key does on this line.
    fn key_ahead(&self) -> Option<usize> {
        let line = &self.src[self.at..];
        let end = match line.first() {
            None | Some(b'|' | b'>' | b'#' | b'%' | b'@' | b'`' | b'&' | b'!' | b',' | b']' | b'}') => return None,
            Some(b'"') => {
                let mut at = 1;
                loop {
                    match line.get(at) {
                        None | Some(b'\n') => return None,
                        Some(b'\\') => at += 2,
                        Some(b'"') => break at + 1,
                        Some(_) => at += 1,
                    }
                }
            }
            Some(b'\'') => {
                let mut at = 1;
                loop {
                    match (line.get(at), line.get(at + 1)) {
                        (None | Some(b'\n'), _) => return None,
                        (Some(b'\''), Some(b'\'')) => at += 2,
                        (Some(b'\''), _) => break at + 1,
                        (Some(_), _) => at += 1,
                    }
                }
            }
            Some(b'[' | b'{') => return None,
            Some(_) => return end_of_text(line).filter(|end| line.get(*end) == Some(&b':')).map(|end| self.at + end),
        };
        let colon = end + line[end..].iter().position(|c| !matches!(c, b' ' | b'\t'))?;
        (line[colon] == b':' && matches!(line.get(colon + 1), None | Some(b' ' | b'\t' | b'\n'))).then_some(self.at + colon)
    }

    fn list(&mut self, column: usize) -> Result<Value> {
        let (pos, list) = (self.pos(), self.open_list());
        loop {
            self.at += 1;
            let item = self.node(as_int(column), true, false)?;
            self.add_item(item);
            self.skip_to_token(true)?;
            let dash = self.peek() == b'-' && matches!(self.peek_at(1), b' ' | b'\t' | b'\n' | 0);
            if self.done() || self.at_marker() || self.column() < column || (self.column() == column && !dash) {
                break;
            }
            if self.column() > column {
                return Err(self.error("did not expect this indentation in a list"));
            }
        }
        Ok(self.close_list(list, pos))
    }

    /// `first`: what stood before the first key; `colon`: where its colon stands, as far as that is known.
    fn map(&mut self, column: usize, mut first: Option<Properties<'a>>, mut colon: Option<usize>) -> Result<Value> {
        let mut map = self.open_map(self.pos());
        loop {
            let blank_follows = matches!(self.peek_at(1), b' ' | b'\t' | b'\n' | 0);
            if self.peek() == b'?' && blank_follows {
                self.at += 1;
                let key = self.node(as_int(column), true, false)?;
                self.skip_to_token(true)?;
                let value = if self.column() == column && self.peek() == b':' {
                    self.at += 1;
                    self.node(as_int(column), true, false)?
                } else {
                    Value { pos: self.pos(), ..Value::default() }
                };
                self.add_entry(&mut map, key, value)?;
            } else if let (Some(colon), None) = (colon, &first)
                && let Some(key) = self.plain_key(colon)
            {
                let pos = self.pos();
                self.at = colon + 1;
                let value = self.value_of_a_key(column)?;
                self.add_known(&mut map, key, pos, value)?;
            } else {
                let key = self.key(first.take(), colon)?;
                let value = self.value_of_a_key(column)?;
                self.add_entry(&mut map, key, value)?;
            }
            self.skip_to_token(true)?;
            if self.done() || self.at_marker() || self.column() < column {
                break;
            }
            let dash = self.peek() == b'-' && matches!(self.peek_at(1), b' ' | b'\t' | b'\n' | 0);
            if self.column() > column {
                return Err(self.error("did not expect this indentation; the map it seems to belong to is further left"));
            }
            if dash {
                return Err(self.error("did not expect a list item among the keys of a map"));
            }
            let explicit = self.peek() == b'?' && matches!(self.peek_at(1), b' ' | b'\t' | b'\n');
            let marked = matches!(self.peek(), b'&' | b'!' | b'*');
            colon = self.key_ahead();
            if !explicit && !marked && colon.is_none() {
                return Err(self.error("could not find expected ':' after this key"));
            }
        }
        self.close_map(map)
    }

    /// What stands behind the colon of a key at `column`.
    #[inline]
    fn value_of_a_key(&mut self, column: usize) -> Result<Value> {
        match self.text_behind_a_key(column) {
            Some(value) => Ok(value),
            None => self.node(as_int(column), false, true),
        }
    }

    /// A key on one line and the colon behind it.
    fn key(&mut self, properties: Option<Properties<'a>>, colon: Option<usize>) -> Result<Value> {
        let properties = match properties {
            Some(properties) => properties,
            None => self.properties()?,
        };
        let pos = self.pos();
        let value = match self.peek() {
            b'"' | b'\'' => self.quoted()?,
            b'*' if properties.is_empty() => self.alias_in_block()?,
            _ => {
                let start = self.at;
                let Some(colon) = colon.or_else(|| self.colon()) else {
                    return Err(self.error("could not find expected ':' after this key"));
                };
                if colon == start && properties.is_empty() {
                    return Err(self.error("did not expect ':' here; is the key missing?"));
                }
                self.at = colon;
                let text = self.slice(start, colon).trim_end_matches([' ', '\t']);
                self.plain_value(text, pos)
            }
        };
        let value = self.finish(&properties, Value { pos, ..value }, false)?;
        self.skip_blanks();
        if self.peek() != b':' {
            return Err(self.error("could not find expected ':' after this key"));
        }
        self.at += 1;
        Ok(value)
    }

    /// The next colon on this line that may end a key.
    fn colon(&self) -> Option<usize> {
        let line = self.src[self.at..].iter().take_while(|c| **c != b'\n').enumerate();
        let ends = |at: usize| matches!(self.src.get(at + 1), None | Some(b' ' | b'\t' | b'\n' | 0));
        line.filter(|(_, c)| **c == b':').map(|(at, _)| self.at + at).find(|at| ends(*at))
    }

    /// A plain scalar; lines that are indented deeper than the parent continue it.
    fn plain(&mut self, parent: i64) -> Result<Value> {
        let pos = self.pos();
        if let c @ (b',' | b']' | b'}' | b'%' | b'@' | b'`' | b'#' | b'*') = self.peek() {
            return Err(self.error(format!("a value cannot begin with '{}'; quote it", char::from(c))));
        }
        if self.peek() == b':' && matches!(self.peek_at(1), b' ' | b'\t' | b'\n' | 0) {
            return Err(self.error("did not expect ':' here; is the key missing?"));
        }
        let first = self.plain_line()?;
        let mut folded: Option<String> = None;
        loop {
            let (at, line, line_start) = (self.at, self.line, self.line_start);
            let mut breaks = 0usize;
            loop {
                while self.peek() == b' ' {
                    self.at += 1;
                }
                if breaks > 0 && self.peek() == b'\t' && as_int(self.column()) <= parent {
                    return Err(self.error(TAB));
                }
                self.skip_blanks();
                if self.peek() != b'\n' || self.done() {
                    break;
                }
                self.newline();
                breaks += 1;
            }
            self.tabs_until = self.at;
            let comment = self.peek() == b'#' && self.at > 0 && matches!(self.src[self.at - 1], b' ' | b'\t' | b'\n');
            if breaks == 0 || self.done() || comment || self.at_marker() || as_int(self.column()) <= parent {
                (self.at, self.line, self.line_start) = (at, line, line_start);
                break;
            }
            let next = self.plain_line()?;
            let text = folded.get_or_insert_with(|| first.to_owned());
            if breaks == 1 {
                text.push(' ');
            } else {
                text.extend(std::iter::repeat_n('\n', breaks - 1));
            }
            text.push_str(next);
        }
        Ok(self.plain_value(folded.as_deref().unwrap_or(first), pos))
    }

    /// The part of a plain scalar on this line, in block style.
    fn plain_line(&mut self) -> Result<&'a str> {
        let start = self.at;
        let (mut at, mut end) = (start, start);
        let next = |at: usize| self.src.get(at + 1);
        while let Some(c) = self.src.get(at) {
            match c {
                b'\n' => break,
                b':' if matches!(next(at), None | Some(b' ' | b'\t' | b'\n' | 0)) => {
                    self.at = at;
                    return Err(self.error("mapping values are not allowed here; quote the text or put the map on its own line"));
                }
                b' ' | b'\t' => {
                    if next(at) == Some(&b'#') {
                        break;
                    }
                    at += 1;
                }
                _ => {
                    at += 1;
                    end = at;
                }
            }
        }
        self.at = at;
        Ok(self.slice(start, end))
    }

    /// `|` and `>`.
    fn block_scalar(&mut self, parent: i64) -> Result<Value> {
        let pos = self.pos();
        let literal = self.peek() == b'|';
        self.at += 1;
        let (mut chomp, mut explicit) = (b' ', None);
        loop {
            match self.peek() {
                c @ (b'+' | b'-') => chomp = c,
                c @ b'1'..=b'9' => explicit = Some(i64::from(c - b'0')),
                _ => break,
            }
            self.at += 1;
        }
        self.skip_blanks();
        if self.peek() == b'#' {
            self.skip_comment();
        }
        if !self.at_line_end() {
            return Err(self.error("did not expect this after the sign of a block of text"));
        }
        if self.done() {
            // The header is the end of the file. Looking for the text's indentation would go back to the header's own line, for ever.
            return Ok(Value { node: Node::Scalar(Scalar::quoted("")), pos });
        }
        self.newline();
        let minimum = (parent + 1).max(0);
        let mut text = String::with_capacity(64);
        let mut breaks = 0usize;
        let indent = match explicit {
            Some(columns) => usize::try_from(parent.max(0) + columns).unwrap_or(0),
            None => self.block_indent(minimum, &mut breaks)?,
        };
        let mut any = false;
        let mut previous_more = false;
        loop {
            // Blank lines count as breaks until content follows.
            let start = self.at;
            while self.column() < indent && self.peek() == b' ' {
                self.at += 1;
            }
            if self.peek() == b'\n' && !self.done() {
                self.newline();
                breaks += 1;
                continue;
            }
            if self.done() || self.column() < indent || self.at_marker() {
                if !self.done() {
                    self.at = start;
                }
                break;
            }
            let begin = self.at;
            self.skip_comment();
            let line = self.slice(begin, self.at);
            let more = line.starts_with([' ', '\t']);
            if !any || literal || previous_more || more {
                text.extend(std::iter::repeat_n('\n', breaks));
            } else if breaks == 1 {
                text.push(' ');
            } else {
                text.extend(std::iter::repeat_n('\n', breaks - 1));
            }
            text.push_str(line);
            any = true;
            previous_more = more;
            breaks = 0;
            if self.done() {
                break;
            }
            self.newline();
            breaks = 1;
        }
        match chomp {
            b'+' => text.extend(std::iter::repeat_n('\n', breaks)),
            b'-' => {}
            _ if any && breaks > 0 => text.push('\n'),
            _ => {}
        }
        Ok(Value { node: Node::Scalar(Scalar::quoted(text)), pos })
    }

    /// The indentation of a block of text is that of its first line with content.
    fn block_indent(&mut self, minimum: i64, breaks: &mut usize) -> Result<usize> {
        let mut longest = 0;
        loop {
            while self.peek() == b' ' {
                self.at += 1;
            }
            let column = self.column();
            if self.peek() == b'\n' && !self.done() {
                longest = longest.max(column);
                self.newline();
                *breaks += 1;
                continue;
            }
            let tab = self.peek() == b'\t';
            if tab && (*breaks > 0 || as_int(column) < minimum) {
                return Err(self.error(TAB));
            }
            let found = if self.done() { longest.max(column) } else { column };
            let indent = as_int(found).max(minimum).max(0);
            // Back to the line's start: the caller strips the indentation itself.
            self.at = self.line_start;
            return Ok(usize::try_from(indent).unwrap_or(0));
        }
    }
}
