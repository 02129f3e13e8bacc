//! The table's form: words and text, read where they lie.
//!
//! Everything is a little-endian `u32`: a header, then node, field and kind records, then offsets into one text. Strings are named by their number
//! plus one, so that 0 means none.

use std::borrow::Cow;

/// Marks a table of this form.
pub(crate) const MAGIC: u32 = 0x6669_6501;
/// Words of the header: magic, nodes, fields, kinds, strings, text (each a byte offset), then how many kinds and strings.
pub(crate) const HEADER: usize = 8;
/// Words of a node record.
pub(crate) const NODE: usize = 9;
/// Words of a field record: name, node.
pub(crate) const FIELD: usize = 2;
/// Words of a kind record.
pub(crate) const KIND: usize = 11;

/// A table in memory, borrowed from the program or built at run time.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    bytes: Cow<'static, [u8]>,
    /// Its words as read: whoever walks a schema needs them at every step.
    header: [usize; HEADER],
}

impl Table {
    pub(crate) const fn borrowed(bytes: &'static [u8]) -> Self {
        Self { bytes: Cow::Borrowed(bytes), header: header(bytes) }
    }

    pub(crate) fn owned(bytes: Vec<u8>) -> Self {
        Self { header: header(&bytes), bytes: Cow::Owned(bytes) }
    }

    fn word_at(&self, byte: usize) -> u32 {
        let bytes = self.bytes.get(byte..byte + 4);
        // The builder writes every word that it refers to; a table of our own making is never short.
        bytes.map_or(0, |four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
    }

    pub(crate) fn node(&self, node: u32, word: usize) -> u32 {
        self.word_at(self.header[1] + (node as usize * NODE + word) * 4)
    }

    pub(crate) fn field(&self, field: u32, word: usize) -> u32 {
        self.word_at(self.header[2] + (field as usize * FIELD + word) * 4)
    }

    pub(crate) fn kind(&self, kind: u32, word: usize) -> u32 {
        self.word_at(self.header[3] + (kind as usize * KIND + word) * 4)
    }

    pub(crate) fn kinds(&self) -> u32 {
        self.header[6] as u32
    }

    /// The string of that number; none for 0.
    pub(crate) fn text(&self, string: u32) -> Option<&str> {
        std::str::from_utf8(self.raw(string)?).ok()
    }

    /// The bytes of that string, to compare: searching a name must not validate every name on its way.
    pub(crate) fn raw(&self, string: u32) -> Option<&[u8]> {
        let index = string.checked_sub(1)? as usize;
        let at = self.header[4] + index * 8;
        let (start, length) = (self.word_at(at) as usize, self.word_at(at + 4) as usize);
        let begin = self.header[5] + start;
        self.bytes.get(begin..begin + length)
    }
}

/// The words with which a table begins; zero where it is too short for them.
const fn header(bytes: &[u8]) -> [usize; HEADER] {
    let (mut out, mut word) = ([0; HEADER], 0);
    while word < HEADER && word * 4 + 3 < bytes.len() {
        let at = word * 4;
        out[word] = u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) as usize;
        word += 1;
    }
    out
}

/// A comma-separated list in the table; empty when there is none.
pub(crate) fn list(text: Option<&str>) -> impl Iterator<Item = &str> + Clone {
    text.unwrap_or_default().split(',').filter(|part| !part.is_empty())
}
