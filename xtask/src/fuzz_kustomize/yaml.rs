//! YAML as people write it: one value in several styles, with comments.

use super::random::Random;

/// A value to be written; scalars stand as they are written, quotes included.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Raw(String),
    /// A block scalar: its header and its lines.
    Block(&'static str, Vec<String>),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// A scalar as it is written.
pub(super) fn raw(text: impl Into<String>) -> Node {
    Node::Raw(text.into())
}

/// A map.
pub(super) fn map<const N: usize>(entries: [(&str, Node); N]) -> Node {
    Node::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// A list of scalars.
pub(super) fn texts<T: Into<String>>(items: impl IntoIterator<Item = T>) -> Node {
    Node::List(items.into_iter().map(raw).collect())
}

impl Node {
    /// Adds a field to a map.
    pub(super) fn set(&mut self, key: &str, value: Node) {
        if let Node::Map(entries) = self {
            entries.retain(|(k, _)| k != key);
            entries.push((key.to_owned(), value));
        }
    }

    /// The field of a map, made as an empty map where it is missing.
    pub(super) fn at(&mut self, key: &str) -> &mut Node {
        if !matches!(self, Node::Map(_)) {
            *self = Node::Map(Vec::new());
        }
        let Node::Map(entries) = self else { unreachable!("it was made a map above") };
        let index = entries.iter().position(|(k, _)| k == key).unwrap_or_else(|| {
            entries.push((key.to_owned(), Node::Map(Vec::new())));
            entries.len() - 1
        });
        &mut entries[index].1
    }

    fn is_empty(&self) -> bool {
        matches!(self, Node::Map(entries) if entries.is_empty()) || matches!(self, Node::List(items) if items.is_empty())
    }

    /// In one line, if it can be.
    fn flow(&self) -> Option<String> {
        match self {
            // What ends or begins something within brackets stays out of them.
            Node::Raw(text) => {
                let quoted = text.starts_with(['"', '\'']);
                let breaks = text.contains(" #") || (!quoted && text.contains([',', '[', ']', '{', '}', ':']));
                (!text.is_empty() && !breaks).then(|| text.clone())
            }
            Node::Block(..) => None,
            Node::List(items) => Some(format!("[{}]", items.iter().map(Node::flow).collect::<Option<Vec<_>>>()?.join(", "))),
            Node::Map(entries) => {
                let field = |(key, value): &(String, Node)| Some(format!("{key}: {}", value.flow()?));
                Some(format!("{{{}}}", entries.iter().map(field).collect::<Option<Vec<_>>>()?.join(", ")))
            }
        }
    }
}

/// Writes a document in a style of its own.
pub(super) fn write(node: &Node, random: &mut Random) -> String {
    let mut writer = Writer {
        out: String::new(),
        step: if random.chance(85) { 2 } else { 4 },
        inner_lists: random.chance(30),
        comments: if random.chance(30) { 6 } else { 0 },
        flow: if random.chance(30) { 12 } else { 0 },
        random,
    };
    writer.value(node, 0);
    writer.out
}

struct Writer<'r> {
    out: String,
    step: usize,
    inner_lists: bool,
    comments: usize,
    flow: usize,
    random: &'r mut Random,
}

impl Writer<'_> {
    fn value(&mut self, node: &Node, indent: usize) {
        match node {
            Node::Map(entries) => {
                for (key, value) in entries {
                    self.comment(indent);
                    self.field(key, value, indent);
                }
            }
            Node::List(items) => {
                for item in items {
                    self.comment(indent);
                    self.item(item, indent);
                }
            }
            Node::Raw(text) => self.out.push_str(&format!("{text}\n")),
            Node::Block(..) => {}
        }
    }

    fn comment(&mut self, indent: usize) {
        if self.random.chance(self.comments) {
            let text = self.random.pick(&["# why", "#", "# - a: b", "#no space", "# ümlaut"]);
            self.out.push_str(&format!("{:indent$}{text}\n", ""));
        }
    }

    fn field(&mut self, key: &str, value: &Node, indent: usize) {
        self.out.push_str(&format!("{:indent$}{key}:", ""));
        let list = matches!(value, Node::List(_));
        let inner = if list && !self.inner_lists { indent } else { indent + self.step };
        self.rest(value, inner, indent + self.step);
    }

    /// What comes after a colon.
    fn rest(&mut self, value: &Node, inner: usize, block: usize) {
        match value {
            Node::Raw(text) => {
                let comment = if self.random.chance(self.comments) { " # so" } else { "" };
                let space = if text.is_empty() { "" } else { " " };
                self.out.push_str(&format!("{space}{text}{comment}\n"));
            }
            Node::Block(header, lines) => {
                self.out.push_str(&format!(" {header}\n"));
                for line in lines {
                    let pad = if line.is_empty() { 0 } else { block };
                    self.out.push_str(&format!("{:pad$}{line}\n", ""));
                }
            }
            other => match other.flow().filter(|_| other.is_empty() || self.random.chance(self.flow)) {
                Some(flow) => self.out.push_str(&format!(" {flow}\n")),
                None => {
                    self.out.push('\n');
                    self.value(other, inner);
                }
            },
        }
    }

    fn item(&mut self, item: &Node, indent: usize) {
        self.out.push_str(&format!("{:indent$}-", ""));
        match item {
            Node::Map(entries) if !entries.is_empty() && !self.random.chance(self.flow) => {
                for (index, (key, value)) in entries.iter().enumerate() {
                    if index == 0 {
                        self.out.push(' ');
                        let start = self.out.len();
                        self.field(key, value, indent + 2);
                        self.out.replace_range(start..start + indent + 2, "");
                    } else {
                        self.field(key, value, indent + 2);
                    }
                }
            }
            other => self.rest(other, indent + 2, indent + 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_blocks_lists_and_maps() {
        let node = map([
            ("a", texts(["1", "'x'"])),
            ("b", Node::List(vec![map([("c", raw("1")), ("d", Node::Block("|-", vec!["x".to_owned(), String::new(), "y".to_owned()]))])])),
            ("e", Node::Map(Vec::new())),
        ]);
        // A seed whose style is the plain one.
        let text =
            (0..).map(|seed| write(&node, &mut Random::new(seed))).find(|text| text.contains("a:\n- 1\n") && text.contains("\n  d:"));
        assert_eq!(text.unwrap(), "a:\n- 1\n- 'x'\nb:\n- c: 1\n  d: |-\n    x\n\n    y\ne: {}\n");
        assert_eq!(node.flow(), None);
        assert_eq!(map([("a", texts(["1", "'b, c'"]))]).flow().as_deref(), Some("{a: [1, 'b, c']}"));
    }
}
