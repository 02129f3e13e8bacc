//! The YAML reader: one pass over the bytes, no token list. This file has documents and nodes; `block` and `flow` the two styles.

use std::collections::{HashMap, HashSet};

use super::line::spaces;
use super::scalar::{Dialect, Kind, resolve};
use super::value::{Map, Node, Pos, Scalar, Text, Value};
use crate::error::{Error, ErrorKind, Result};

/// Deeper nesting is refused: it would exhaust the stack, and no manifest needs it.
pub(super) const MAX_DEPTH: usize = 192;
/// How many values aliases may add to a file, as protection from "billion laughs".
const MAX_ALIASED: usize = 1_000_000;

/// What is said of a tab at the begin of a line.
pub(super) const TAB: &str = "a tab cannot indent; use spaces";

/// What is said of a second anchor or tag.
pub(super) const ONE_MARK: &str = "did not expect this anchor or tag";

pub(super) struct Parser<'a> {
    text: &'a str,
    /// The bytes of the text.
    pub(super) src: &'a [u8],
    pub(super) at: usize,
    pub(super) line: u32,
    pub(super) line_start: usize,
    pub(super) dialect: Dialect,
    alike: Alike,
    /// Where something stands first that no document holds.
    unread: Option<Pos>,
    pub(super) depth: usize,
    /// Up to here tabs may begin a line: between a plain text and what follows, and between comments.
    pub(super) tabs_until: usize,
    anchors: HashMap<&'a str, Value>,
    aliased: usize,
    /// The scalars with a tag that keys cannot have.
    tagged: HashSet<Pos>,
    /// Keys that stand twice where that is no error.
    twice: Vec<Twice>,
    /// The entries of all maps that are being read, the innermost last. When a map ends, its entries move to where they stay: into memory of the right size.
    entries: Vec<(Text, Value)>,
    /// The same for lists.
    items: Vec<Value>,
}

/// A map that is being read.
pub(super) struct OpenMap {
    pos: Pos,
    /// Where its entries begin.
    start: usize,
    /// What `<<` merges.
    merges: Vec<Value>,
    /// Where its keys stand, as soon as there are too many to look through.
    seen: Option<HashMap<Text, usize>>,
}

/// kustomize cannot read a longer key again once it has printed it.
const KEY_TEXT: usize = 1022;

/// Maps with fewer keys are looked through.
const FEW: usize = 16;

/// A list that is being read: where its items begin.
pub(super) struct OpenList(usize);

/// What stands before a node: its tag and its anchor.
#[derive(Default)]
pub(super) struct Properties<'a> {
    tag: Option<&'a str>,
    anchor: Option<&'a str>,
}

impl Properties<'_> {
    /// Whether there is neither.
    pub(super) fn is_empty(&self) -> bool {
        self.tag.is_none() && self.anchor.is_none()
    }

    /// Takes over others; no if there is one of the kind already.
    pub(super) fn add(&mut self, more: &Self) -> bool {
        let both = (self.tag.is_some() && more.tag.is_some()) || (self.anchor.is_some() && more.anchor.is_some());
        *self = Self { tag: more.tag.or(self.tag), anchor: more.anchor.or(self.anchor) };
        !both
    }
}

/// A key that stands twice in a map, and where it does so again.
pub(crate) type Twice = (Text, Pos);

/// What becomes of a key that its map has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alike {
    /// It is an error.
    Refused,
    /// It takes the place of the first one.
    Last,
    /// Both are kept; whoever asks for the key finds the first one.
    Both,
}

/// What was read of a text.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    /// Empty ones as null.
    pub(crate) documents: Vec<Value>,
    /// The keys that are there already, where that is no error.
    pub(crate) twice: Vec<Twice>,
    /// Where something stands behind the end of a document that kustomize does not look at.
    pub(crate) unread: Option<Pos>,
}

impl Parsed {
    /// The first document; null where there is none.
    pub(crate) fn take_first(&mut self) -> Value {
        self.documents.first_mut().map(std::mem::take).unwrap_or_default()
    }
}

/// The documents of a text: all that lines of `---` part, of a kustomization the first one. As kustomize has it, a document ends where its outermost value
/// does, or with `...`, and what stands behind it is not looked at.
pub(super) fn documents(bytes: &[u8], dialect: Dialect, alike: Alike) -> Result<Parsed> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let line = 1 + before.iter().filter(|c| **c == b'\n').count();
            let column = 1 + before.len() - before.iter().rposition(|c| *c == b'\n').map_or(0, |at| at + 1);
            let pos = Pos { line: u32::try_from(line).unwrap_or(u32::MAX), column: u32::try_from(column).unwrap_or(u32::MAX) };
            return Err(Error::new(ErrorKind::Syntax, "the file is not UTF-8").at(pos));
        }
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let normalised;
    let text = if text.contains('\r') {
        normalised = text.replace("\r\n", "\n").replace('\r', "\n");
        &normalised
    } else {
        text
    };
    // Room for what a usual manifest has open at a time.
    let (src, anchors, entries, items) = (text.as_bytes(), HashMap::new(), Vec::with_capacity(32), Vec::new());
    let mut parser = Parser {
        text,
        src,
        at: 0,
        line: 1,
        line_start: 0,
        dialect,
        alike,
        unread: None,
        depth: 0,
        tabs_until: 0,
        anchors,
        aliased: 0,
        tagged: HashSet::new(),
        twice: Vec::new(),
        entries,
        items,
    };
    parser.check_characters()?;
    let mut docs = Vec::new();
    while let Some(doc) = parser.document()? {
        docs.push(doc);
        if dialect == Dialect::Kustomization {
            // For what stands behind it.
            if !parser.done() {
                parser.leave_document()?;
            }
            break;
        }
    }
    Ok(Parsed { documents: docs, twice: parser.twice, unread: parser.unread })
}

impl<'a> Parser<'a> {
    /// Control characters are not allowed in YAML, and everything later relies on it.
    fn check_characters(&mut self) -> Result<()> {
        let forbidden = |c: &u8| (*c < 0x20 && !matches!(c, b'\t' | b'\n')) || *c == 0x7f;
        // Whole chunks first: that the compiler can do many bytes at a time.
        let chunk = self.src.chunks(64).position(|chunk| chunk.iter().fold(false, |any, c| any | forbidden(c)));
        let bad = chunk.and_then(|chunk| self.src[chunk * 64..].iter().position(forbidden).map(|at| chunk * 64 + at));
        match bad {
            Some(at) => {
                while let Some(end) = self.src[self.at..at].iter().position(|c| *c == b'\n') {
                    self.at += end + 1;
                    self.line += 1;
                    self.line_start = self.at;
                }
                self.at = at;
                Err(self.error("control characters are not allowed"))
            }
            None => Ok(()),
        }
    }

    pub(super) fn peek(&self) -> u8 {
        self.src.get(self.at).copied().unwrap_or(0)
    }

    pub(super) fn peek_at(&self, offset: usize) -> u8 {
        self.src.get(self.at + offset).copied().unwrap_or(0)
    }

    pub(super) fn done(&self) -> bool {
        self.at >= self.src.len()
    }

    /// 0-based column of the next byte.
    pub(super) fn column(&self) -> usize {
        self.at - self.line_start
    }

    pub(super) fn pos(&self) -> Pos {
        Pos { line: self.line, column: u32::try_from(self.column() + 1).unwrap_or(u32::MAX) }
    }

    pub(super) fn error(&self, message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Syntax, message).at(self.pos())
    }

    /// A piece of the source; positions always lie on character borders because only ASCII bytes are ever looked for.
    pub(super) fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    pub(super) fn newline(&mut self) {
        self.at += 1;
        self.line += 1;
        self.line_start = self.at;
    }

    pub(super) fn skip_blanks(&mut self) {
        while matches!(self.peek(), b' ' | b'\t') {
            self.at += 1;
        }
    }

    pub(super) fn at_line_end(&self) -> bool {
        self.done() || self.peek() == b'\n'
    }

    pub(super) fn skip_comment(&mut self) {
        while !self.at_line_end() {
            self.at += 1;
        }
    }

    /// Skips to the next token; tells whether a line was left. In block style tabs may not indent, comments and nothing at all neither.
    #[inline]
    pub(super) fn skip_to_token(&mut self, block: bool) -> Result<bool> {
        match self.src.get(self.at) {
            // Mostly it begins here.
            Some(next) if !matches!(next, b' ' | b'\n' | b'\t' | b'#') => Ok(false),
            _ => self.skip_blanks_and_comments(block),
        }
    }

    fn skip_blanks_and_comments(&mut self, block: bool) -> Result<bool> {
        let (mut crossed, mut commented) = (false, false);
        // Mostly there is nothing but spaces and line ends.
        let mut at = self.at;
        loop {
            match self.src.get(at) {
                Some(b' ') => at += spaces(&self.src[at..]),
                Some(b'\n') => {
                    self.at = at;
                    self.newline();
                    at = self.at;
                    crossed = true;
                }
                Some(b'\t' | b'#') => break,
                _ => {
                    self.at = at;
                    return Ok(crossed);
                }
            }
        }
        loop {
            let line_begins = self.at == self.line_start;
            while self.peek() == b' ' {
                self.at += 1;
            }
            if block && line_begins && self.peek() == b'\t' && self.at >= self.tabs_until {
                self.tabs_until = self.comment_ahead().filter(|_| commented).ok_or_else(|| self.error(TAB))?;
            }
            self.skip_blanks();
            // A comment may touch what stands before it: a text that has no quotes went on beyond such a sign already.
            if self.peek() == b'#' {
                let before = &self.src[self.line_start..self.at];
                commented |= !before.starts_with(b"---") && before.iter().all(|c| matches!(c, b' ' | b'\t' | b'-'));
                self.skip_comment();
            }
            if self.done() || self.peek() != b'\n' {
                return Ok(crossed);
            }
            self.newline();
            crossed = true;
        }
    }

    /// Where the next comment begins, if nothing stands before it.
    fn comment_ahead(&self) -> Option<usize> {
        let blank = self.src[self.at..].iter().position(|c| !matches!(c, b' ' | b'\t' | b'\n'))?;
        (self.src[self.at + blank] == b'#').then_some(self.at + blank)
    }

    /// Whether a `---` or `...` line begins here.
    pub(super) fn at_marker(&self) -> bool {
        self.column() == 0
            && matches!(self.src.get(self.at..self.at + 3), Some(b"---" | b"..."))
            && matches!(self.peek_at(3), b' ' | b'\t' | b'\n' | 0)
    }

    fn document(&mut self) -> Result<Option<Value>> {
        self.anchors.clear();
        let mut explicit = false;
        loop {
            self.skip_to_token(true)?;
            if self.done() {
                return Ok(explicit.then(Value::default));
            }
            if self.column() == 0 && self.peek() == b'%' && !explicit {
                self.directive()?;
            } else if self.at_marker() {
                let start = self.peek() == b'-';
                if start && explicit {
                    return Ok(Some(Value::default()));
                }
                if start {
                    self.at += 3;
                    explicit = true;
                } else if explicit {
                    self.leave_document()?;
                    return Ok(Some(Value::default()));
                } else {
                    return Err(self.error("no document ends here"));
                }
            } else {
                break;
            }
        }
        let value = self.node(-1, true, false)?;
        self.skip_to_token(true)?;
        let next = self.done() || self.at_marker() && self.peek() == b'-';
        if !next {
            self.leave_document()?;
        }
        Ok(Some(value))
    }

    /// What tells how to read the document. kustomize cuts resources apart before it reads them, so that of those nothing is left to read in this way.
    fn directive(&mut self) -> Result<()> {
        let rest = self.slice(self.at, self.src.len());
        let line = rest.lines().next().unwrap_or_default();
        let mut words = line.split_ascii_whitespace();
        let known = match words.next() {
            Some("%YAML") => words.next() == Some("1.1"),
            Some("%TAG") => true,
            _ => false,
        };
        let begins =
            || rest.lines().find(|line| !line.is_empty() && !line.starts_with(['%', '#'])).is_some_and(|line| line.starts_with("---"));
        if self.dialect == Dialect::Resource || !known || !begins() {
            return Err(self.error("kustomize cannot read this directive; take it away"));
        }
        self.skip_comment();
        Ok(())
    }

    /// Goes from the end of a document to the next one, by what is not looked at.
    #[cold]
    fn leave_document(&mut self) -> Result<()> {
        if self.at_marker() {
            self.skip_comment();
        } else {
            self.note_unread();
            self.look_at_token()?;
        }
        loop {
            self.skip_comment();
            if self.done() {
                return Ok(());
            }
            self.newline();
            let line = self.slice(self.at, self.src.len()).lines().next().unwrap_or_default();
            if line.starts_with("---") {
                return Ok(());
            }
            if !line.trim_ascii().is_empty() && !line.trim_ascii_start().starts_with('#') && line.trim_ascii() != "..." {
                self.note_unread();
            }
        }
    }

    fn note_unread(&mut self) {
        self.unread = self.unread.or(Some(self.pos()));
    }

    /// What stands behind a document is read so far that it is known to be something else.
    fn look_at_token(&mut self) -> Result<()> {
        match self.peek() {
            b'@' | b'`' => Err(self.error("nothing can begin with this character; quote the text")),
            b'%' if self.column() == 0 => Err(self.error("kustomize cannot read this directive; take it away")),
            b'"' | b'\'' => self.node(-1, true, false).map(drop),
            _ => Ok(()),
        }
    }

    /// One more level of nesting.
    pub(super) fn enter(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Error::new(ErrorKind::Limit, format!("nested deeper than {MAX_DEPTH} levels")).at(self.pos()));
        }
        Ok(())
    }

    /// Reads `&anchor` and `!tag` on this line.
    pub(super) fn properties(&mut self) -> Result<Properties<'a>> {
        let mut properties = Properties::default();
        loop {
            let start = self.at;
            let one = match self.peek() {
                b'&' => {
                    self.at += 1;
                    Properties { anchor: Some(self.anchor_name()?), tag: None }
                }
                b'!' => Properties { anchor: None, tag: Some(self.tag()?) },
                _ => return Ok(properties),
            };
            if !properties.add(&one) {
                self.at = start;
                return Err(self.error(ONE_MARK));
            }
            self.skip_blanks();
        }
    }

    fn tag(&mut self) -> Result<&'a str> {
        let start = self.at;
        while !matches!(self.peek(), b' ' | b'\t' | b'\n') && !self.done() {
            self.at += 1;
        }
        let tag = self.slice(start, self.at);
        let inner = tag.strip_prefix("!<").and_then(|tag| tag.strip_suffix('>')).unwrap_or(tag);
        if inner.bytes().all(|c| c.is_ascii_alphanumeric() || b"_-;/?:@&=+$,.!~*'()[]%".contains(&c)) {
            return Ok(tag);
        }
        self.at = start;
        Err(self.error("did not expect this in a tag; a blank must stand behind it"))
    }

    /// The name behind `&` or `*`.
    fn anchor_name(&mut self) -> Result<&'a str> {
        let start = self.at;
        while self.peek().is_ascii_alphanumeric() || matches!(self.peek(), b'_' | b'-') {
            self.at += 1;
        }
        let ends = self.done() || matches!(self.peek(), b' ' | b'\t' | b'\n' | b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if self.at == start || !ends {
            return Err(self.error("the name of an anchor consists of letters, digits, '-' and '_'"));
        }
        Ok(self.slice(start, self.at))
    }

    pub(super) fn alias(&mut self) -> Result<Value> {
        let pos = self.pos();
        self.at += 1;
        let name = self.anchor_name()?;
        let Some(value) = self.anchors.get(name) else {
            // A password may begin with a star: messages are shown where secrets are not.
            return Err(Error::new(ErrorKind::Syntax, "an anchor of this name is not known; quote a text that begins with '*'").at(pos));
        };
        let mut value = value.clone();
        value.pos = pos;
        self.aliased += size(&value);
        if self.aliased > MAX_ALIASED {
            return Err(Error::new(ErrorKind::Limit, "aliases expand to more than a million values").at(pos));
        }
        Ok(value)
    }

    /// Applies tag and anchor to a finished node.
    #[inline]
    pub(super) fn finish(&mut self, properties: &Properties<'a>, value: Value, quoted: bool) -> Result<Value> {
        if properties.is_empty() { Ok(value) } else { self.finish_with(properties, value, quoted) }
    }

    fn finish_with(&mut self, properties: &Properties<'a>, mut value: Value, quoted: bool) -> Result<Value> {
        if let (Some(tag), Node::Scalar(scalar)) = (properties.tag, &mut value.node) {
            if !matches!(tag, "!!str" | "!" | "!<tag:yaml.org,2002:str>" | "!!merge" | "!<tag:yaml.org,2002:merge>") {
                self.tagged.insert(value.pos);
            }
            retag(scalar, tag, quoted, self.dialect).map_err(|message| Error::new(ErrorKind::Syntax, message).at(value.pos))?;
        }
        if let Some(anchor) = properties.anchor {
            self.anchors.insert(anchor, value.clone());
        }
        Ok(value)
    }

    pub(super) fn plain_value(&self, text: &str, pos: Pos) -> Value {
        let kind = match resolve(text, self.dialect) {
            // What becomes JSON keeps its dates as text.
            Kind::Timestamp if self.dialect == Dialect::Kustomization => Kind::Str,
            kind => kind,
        };
        Value { node: Node::Scalar(Scalar::plain(text, kind)), pos }
    }

    /// A map begins.
    pub(super) fn open_map(&self, pos: Pos) -> OpenMap {
        OpenMap { pos, start: self.entries.len(), merges: Vec::new(), seen: None }
    }

    /// Adds to the innermost map: keys must be text, repeated keys are an error (in a kustomization the last one counts), `<<` merges.
    pub(super) fn add_entry(&mut self, map: &mut OpenMap, key: Value, value: Value) -> Result<()> {
        let key_pos = key.pos;
        let quoted = matches!(&key.node, Node::Scalar(Scalar { quoted: true, .. }));
        let text = match key.node {
            Node::Scalar(Scalar { text, kind: Kind::Str, .. }) => text,
            // A key that is left out prints as an empty text, and kustomize reads what it printed.
            Node::Scalar(Scalar { text, kind: Kind::Null, .. }) if text.is_empty() && self.dialect == Dialect::Resource => text,
            Node::Scalar(Scalar { text, kind: Kind::Int | Kind::Float | Kind::Timestamp, .. })
                if self.dialect == Dialect::Kustomization =>
            {
                text
            }
            _ => {
                let message = format!("a key must be text, not {}; quote it", key.describe());
                return Err(Error::new(ErrorKind::Syntax, message).at(key_pos));
            }
        };
        if &*text == "<<" {
            if !quoted {
                map.merges.push(value);
                return Ok(());
            }
            // kustomize merges once more when it reads what it printed, where nothing is left to merge.
            if self.dialect == Dialect::Resource {
                return Ok(());
            }
        }
        self.add_known(map, text, key_pos, value)
    }

    /// The same for a key that is text and merges nothing.
    pub(super) fn add_known(&mut self, map: &mut OpenMap, text: Text, key_pos: Pos, value: Value) -> Result<()> {
        if self.dialect == Dialect::Resource {
            self.look_at_key(&text, key_pos)?;
        }
        let own = &mut self.entries[map.start..];
        if own.len() == FEW {
            map.seen = Some(own.iter().enumerate().map(|(at, (key, _))| (key.clone(), at)).collect());
        }
        let known = match &map.seen {
            Some(seen) => seen.get(&text).copied(),
            None => own.iter().position(|(known, _)| *known == text),
        };
        match known {
            Some(at) if self.alike == Alike::Last => {
                own[at].1 = value;
                self.twice.push((text, key_pos));
            }
            Some(_) if self.alike == Alike::Both => {
                self.twice.push((text.clone(), key_pos));
                self.entries.push((text, value));
            }
            Some(at) => {
                let line = self.line_of_key(&text, key_pos.column, self.entries[map.start + at].1.pos.line);
                let message = format!("the key \"{text}\" is already there, in line {line}");
                return Err(Error::new(ErrorKind::Syntax, message).at(key_pos));
            }
            None => {
                if let Some(seen) = &mut map.seen {
                    seen.insert(text.clone(), own.len());
                }
                self.entries.push((text, value));
            }
        }
        Ok(())
    }

    /// The line of a key whose value begins in that line or below it: the nearest one on which the key stands in its column.
    #[cold]
    fn line_of_key(&self, key: &str, column: u32, value: u32) -> u32 {
        let column = column as usize - 1;
        let lines = self.text.lines().zip(1..=value).collect::<Vec<_>>().into_iter().rev();
        let found = lines.filter(|(text, _)| text.get(column..).is_some_and(|text| text.trim_start_matches(['"', '\'']).starts_with(key)));
        found.map(|(_, line)| line).next().unwrap_or(value)
    }

    /// What kustomize cannot read of the keys of resources, or cannot read again once it has printed it.
    fn look_at_key(&self, text: &str, pos: Pos) -> Result<()> {
        if pos.column == 1 && pos.line > 1 && text.starts_with("---") {
            return Err(Error::new(ErrorKind::Syntax, "a line that begins with --- parts documents and may hold nothing else").at(pos));
        }
        if text.len() > KEY_TEXT && text.chars().count() > KEY_TEXT {
            return Err(Error::new(ErrorKind::Syntax, format!("a key may have at most {KEY_TEXT} characters")).at(pos));
        }
        if !self.tagged.is_empty() && self.tagged.contains(&pos) {
            return Err(Error::new(ErrorKind::Syntax, "a key must be text; take away its tag").at(pos));
        }
        Ok(())
    }

    /// The innermost map ends.
    pub(super) fn close_map(&mut self, map: OpenMap) -> Result<Value> {
        let OpenMap { pos, start, merges, .. } = map;
        let mut map = Map::from_distinct(self.entries.split_off(start));
        merges.into_iter().try_for_each(|merge| merge_into(&mut map, merge))?;
        Ok(Value { node: Node::Map(map), pos })
    }

    /// A list begins.
    pub(super) fn open_list(&self) -> OpenList {
        OpenList(self.items.len())
    }

    /// Adds to the innermost list.
    pub(super) fn add_item(&mut self, item: Value) {
        self.items.push(item);
    }

    /// The innermost list ends.
    pub(super) fn close_list(&mut self, OpenList(start): OpenList, pos: Pos) -> Value {
        Value { node: Node::List(self.items.split_off(start)), pos }
    }
}

fn merge_into(map: &mut Map, merge: Value) -> Result<()> {
    let pos = merge.pos;
    match merge.node {
        Node::Map(other) => {
            for (key, value) in other.into_entries() {
                if !map.contains_key(&key) {
                    map.insert(&key, value);
                }
            }
            Ok(())
        }
        Node::List(items) if items.iter().all(|item| item.as_map().is_some()) => {
            items.into_iter().try_for_each(|item| merge_into(map, item))
        }
        _ => Err(Error::new(ErrorKind::Syntax, "'<<' needs a map or a list of maps").at(pos)),
    }
}

fn retag(scalar: &mut Scalar, tag: &str, quoted: bool, dialect: Dialect) -> Result<(), String> {
    match tag {
        "!!str" | "!" | "tag:yaml.org,2002:str" => scalar.kind = Kind::Str,
        "!!binary" => {
            use base64::Engine as _;
            let compact: String = scalar.text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
            let bytes =
                base64::engine::general_purpose::STANDARD.decode(compact).map_err(|error| format!("!!binary is not base64: {error}"))?;
            scalar.text = String::from_utf8(bytes).map_err(|_| "!!binary does not hold UTF-8".to_owned())?.into();
            scalar.kind = Kind::Str;
        }
        "!!int" | "!!float" | "!!bool" | "!!null" | "!!timestamp" => {
            let wanted = match tag {
                "!!int" => Kind::Int,
                "!!float" => Kind::Float,
                "!!bool" => Kind::Bool,
                "!!null" => Kind::Null,
                _ => Kind::Timestamp,
            };
            let found = resolve(&scalar.text, dialect);
            if found != wanted && !(wanted == Kind::Float && found == Kind::Int) {
                return Err(format!("cannot read this as {tag}"));
            }
            if found == Kind::Null {
                // Nothing under this tag prints as null within brackets too.
                *scalar = Scalar::plain("null", Kind::Null);
            }
            scalar.kind = found;
        }
        _ if !quoted => scalar.kind = Kind::Str,
        _ => {}
    }
    Ok(())
}

/// How many values a value consists of.
pub(crate) fn size(value: &Value) -> usize {
    match &value.node {
        Node::Scalar(_) => 1,
        Node::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Node::Map(map) => 1 + map.iter().map(|(_, value)| size(value)).sum::<usize>(),
    }
}
