//! What most lines of a manifest consist of: a key and a text without quotes. They are read at one go; whatever is not as simple as that is left to `block`.

use super::block::as_int;
use super::parse::{MAX_DEPTH, Parser};
use super::scalar::{Kind, resolve};
use super::value::{Text, Value};

/// What a byte within a text without quotes may mean.
#[derive(Clone, Copy, PartialEq)]
enum Sign {
    /// Nothing.
    Plain,
    /// Nothing, but no such text begins with it.
    Inner,
    /// That the text ends, or that it is none.
    Special,
}

const SIGNS: [Sign; 256] = {
    let mut signs = [Sign::Plain; 256];
    let inner = b" \t-?,[]{}&*!|>'\"%@`";
    let mut at = 0;
    while at < inner.len() {
        signs[inner[at] as usize] = Sign::Inner;
        at += 1;
    }
    signs[b'\n' as usize] = Sign::Special;
    signs[b':' as usize] = Sign::Special;
    signs[b'#' as usize] = Sign::Special;
    signs
};

/// Where a text without quotes ends on this line: at its colon, at the begin of a comment or at the end of the line; `None` where the source ends before.
pub(super) fn end_of_text(line: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += line[at..].iter().position(|c| SIGNS[usize::from(*c)] == Sign::Special)?;
        match line[at] {
            b'\n' => return Some(at),
            b':' if matches!(line.get(at + 1), None | Some(b' ' | b'\t' | b'\n')) => return Some(at),
            b'#' if at > 0 && matches!(line[at - 1], b' ' | b'\t') => return Some(at),
            _ => at += 1,
        }
    }
}

/// How many spaces a text begins with.
pub(super) fn spaces(text: &[u8]) -> usize {
    let mut count = 0;
    // Eight at a time: what differs from spaces has bits left, the first byte lowest.
    while let Some(Ok(eight)) = text.get(count..count + 8).map(<[u8; 8]>::try_from) {
        let other = u64::from_le_bytes(eight) ^ u64::from_le_bytes([b' '; 8]);
        if other != 0 {
            return count + (other.trailing_zeros() / 8) as usize;
        }
        count += 8;
    }
    count + text[count..].iter().take_while(|c| **c == b' ').count()
}

impl Parser<'_> {
    /// The key that begins here and ends before `colon`, if it has no quotes and means nothing but its text.
    #[inline]
    pub(super) fn plain_key(&self, colon: usize) -> Option<Text> {
        let sign = SIGNS[usize::from(*self.src.get(self.at)?)];
        let text = self.slice(self.at, colon);
        let known = sign == Sign::Plain && !text.ends_with([' ', '\t']) && text != "<<" && resolve(text, self.dialect) == Kind::Str;
        known.then(|| text.into())
    }

    /// The text behind a key at `column`, if it stands behind one space.
    pub(super) fn text_behind_a_key(&mut self, column: usize) -> Option<Value> {
        if self.peek() == b' ' && self.depth < MAX_DEPTH { self.text_of_a_line(self.at + 1, as_int(column)) } else { None }
    }

    /// A text that begins at `start` and ends with its line, if what follows at once is no part of it: something that stands no deeper than the parent at
    /// column `parent`, or nothing. Goes on to that; nothing is read if it is otherwise.
    pub(super) fn text_of_a_line(&mut self, start: usize, parent: i64) -> Option<Value> {
        let rest = self.src.get(start..)?;
        if SIGNS[usize::from(*rest.first()?)] != Sign::Plain {
            return None;
        }
        let end = end_of_text(rest).filter(|end| rest[*end] == b'\n')?;
        let next = &rest[end + 1..];
        let indent = spaces(next);
        let follows = match next.get(indent) {
            None => true,
            Some(b'\n' | b'\t' | b'#') => false,
            Some(_) => as_int(indent) <= parent,
        };
        if !follows {
            return None;
        }
        let text = self.slice(start, start + end).trim_end_matches([' ', '\t']);
        self.at = start;
        let value = self.plain_value(text, self.pos());
        self.at = start + end;
        self.newline();
        self.at += indent;
        Some(value)
    }
}
