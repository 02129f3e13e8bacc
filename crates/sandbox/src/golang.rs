//! Kubernetes' Go types: what JSON makes of each field, and its number in protobuf; and the types that the server itself works with, which it shows
//! in errors.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use foldhash::HashMap;
use serde_json::{Value, json};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    Integer,
    Boolean,
    Float,
    Bytes,
    /// A message of that name.
    Message(&'static str),
}

/// How many a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One, always written by Go.
    One,
    /// One or none.
    Pointer,
    List,
    Map,
}

/// A field of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    /// In JSON its content stands in the object around it.
    pub(crate) inline: bool,
    /// In JSON it is written even when it is zero.
    pub(crate) always: bool,
    pub(crate) shape: Shape,
    pub(crate) of: Type,
    /// What Go calls one of them: `int32`, `v1.RestartPolicy`; empty for messages.
    pub(crate) go: &'static str,
}

/// All messages.
pub(crate) struct Table {
    messages: HashMap<&'static str, Line>,
}

/// A message's line in the table. It is read when somebody asks for the message: there are a thousand, of which a cluster meets few.
struct Line {
    text: &'static str,
    read: OnceLock<Message>,
}

/// A message that was read.
pub(crate) struct Message {
    /// The fields in the order in which Go has them, by their numbers.
    own: Vec<(u32, Field)>,
    /// The same by their names in JSON, with what stands inline.
    pub(crate) fields: BTreeMap<&'static str, Field>,
    /// The structures that stand inline, by the names of their fields.
    pub(crate) embedded: BTreeMap<&'static str, &'static str>,
    /// The fields in the order in which Go has them, with what stands inline; made by whoever asks for it first.
    ordered: OnceLock<Vec<Field>>,
    /// What is written for fields that are not given.
    pub(crate) absent: Vec<(&'static str, Value)>,
    /// What is written when nothing is given at all; made by whoever asks for it first.
    pub(crate) nothing: OnceLock<Value>,
}

impl Table {
    /// The table, whose messages are found at the first use.
    pub(crate) fn get() -> &'static Table {
        static TABLE: OnceLock<Table> = OnceLock::new();
        TABLE.get_or_init(|| Table::find([include_str!("../data/golang.txt"), include_str!("../data/internal.txt")]))
    }

    fn find(texts: [&'static str; 2]) -> Self {
        let lines = texts.into_iter().flat_map(str::lines).filter(|line| !line.starts_with('#'));
        let line = |line: &'static str| {
            let (name, text) = line.split_once(' ').unwrap_or((line, ""));
            (name, Line { text, read: OnceLock::new() })
        };
        let mut messages = HashMap::with_capacity_and_hasher(1024, Default::default());
        messages.extend(lines.map(line));
        Self { messages }
    }

    /// A message, if it is known.
    pub(crate) fn message(&self, name: &str) -> Option<&Message> {
        let line = self.messages.get(name)?;
        Some(line.read.get_or_init(|| self.read(line.text)))
    }

    fn read(&self, text: &'static str) -> Message {
        let own: Vec<(u32, Field)> = text.split(' ').filter_map(field).collect();
        let (mut fields, mut embedded) = (BTreeMap::new(), BTreeMap::new());
        for (_, field) in &own {
            match field.of {
                Type::Message(inner) if field.inline => {
                    for (name, field) in self.fields(inner).into_iter().flatten() {
                        fields.insert(*name, *field);
                        embedded.entry(*name).or_insert(inner);
                    }
                }
                _ => drop(fields.insert(field.name, *field)),
            }
        }
        let absent = fields.values().filter_map(|field| Some((field.name, self.absent(field)?))).collect();
        Message { own, fields, embedded, ordered: OnceLock::new(), absent, nothing: OnceLock::new() }
    }

    /// What Go writes for a field that was not given; none when nothing is.
    fn absent(&self, field: &Field) -> Option<Value> {
        match (field.shape, field.of) {
            (Shape::One, Type::Text) => field.always.then(|| json!("")),
            (Shape::One, Type::Integer | Type::Float) => field.always.then_some(json!(0)),
            (Shape::One, Type::Boolean) => field.always.then_some(Value::Bool(false)),
            // A structure is no nothing: Go always writes it, unless it is told to leave out zero.
            (Shape::One, Type::Message("meta/v1.Time")) => (field.name != "creationTimestamp").then_some(Value::Null),
            (Shape::One, Type::Message("meta/v1.MicroTime" | "runtime.RawExtension")) => Some(Value::Null),
            (Shape::One, Type::Message("resource.Quantity")) => Some(json!("0")),
            (Shape::One, Type::Message("util/intstr.IntOrString")) => Some(json!(0)),
            (Shape::One, Type::Message(of)) if self.knows(of) => Some(json!({})),
            _ => field.always.then_some(Value::Null),
        }
    }

    /// A message's fields as its JSON has them.
    pub(crate) fn fields(&self, message: &str) -> Option<&BTreeMap<&'static str, Field>> {
        self.message(message).map(|message| &message.fields)
    }

    /// A message's fields in the order in which Go writes them.
    pub(crate) fn ordered(&self, message: &str) -> &[Field] {
        let inside = |(_, field): &(u32, Field)| match field.of {
            Type::Message(inner) if field.inline => self.ordered(inner).to_vec(),
            _ => vec![*field],
        };
        self.message(message).map_or(&[], |message| message.ordered.get_or_init(|| message.own.iter().flat_map(inside).collect()))
    }

    pub(crate) fn knows(&self, message: &str) -> bool {
        self.messages.contains_key(message)
    }

    pub(crate) fn field(&self, message: &str, number: u32) -> Option<&Field> {
        let own = &self.message(message)?.own;
        own.iter().find(|(of, _)| *of == number).map(|(_, field)| field)
    }
}

/// The table's name of a kind: `apps/v1.Deployment`, `core/v1.Pod`.
pub(crate) fn type_name(api_version: &str, kind: &str) -> String {
    let (group, version) = api_version.split_once('/').unwrap_or(("core", api_version));
    [group.split('.').next().unwrap_or_default(), "/", version, ".", kind].concat()
}

/// A field as the table writes it: `[+]NAME=NUMBER[!][?*%]TYPE[:NAME IN GO]`.
fn field(text: &'static str) -> Option<(u32, Field)> {
    let (name, rest) = text.split_once('=')?;
    let (inline, name) = name.strip_prefix('+').map_or((false, name), |name| (true, name));
    let digits = rest.find(|c: char| !c.is_ascii_digit())?;
    let (number, of) = rest.split_at(digits);
    let (always, of) = of.strip_prefix('!').map_or((false, of), |of| (true, of));
    let (shape, of) = match of.chars().next()? {
        '?' => (Shape::Pointer, &of[1..]),
        '*' => (Shape::List, &of[1..]),
        '%' => (Shape::Map, &of[1..]),
        _ => (Shape::One, of),
    };
    let (of, called) = of.split_once(':').unwrap_or((of, ""));
    let of = match of {
        "s" => Type::Text,
        "i" => Type::Integer,
        "b" => Type::Boolean,
        "f" => Type::Float,
        "y" => Type::Bytes,
        message => Type::Message(message),
    };
    let go = match of {
        _ if !called.is_empty() => called,
        Type::Text => "string",
        Type::Integer => "int32",
        Type::Boolean => "bool",
        Type::Float => "float64",
        Type::Bytes => "[]uint8",
        Type::Message(_) => "",
    };
    Some((number.parse().ok()?, Field { name, inline, always, shape, of, go }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read_and_every_message_is_known() {
        let text = include_str!("../data/golang.txt");
        let table = Table::get();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, fields) = line.split_once(' ').expect("a message with fields");
            let own = &table.message(name).expect("it is known").own;
            assert_eq!(own.len(), fields.split(' ').count(), "{name}");
        }
        for name in table.messages.keys() {
            for (_, field) in &table.message(name).expect("it is known").own {
                if let Type::Message(of) = field.of {
                    let nothing = of.starts_with("apiextensions/v1.");
                    assert!(nothing || table.knows(of) || crate::protobuf::is_special(of), "{name}.{}: {of}", field.name);
                }
            }
        }
    }

    /// The numbers come from another source than the schemas: most kinds that are served can be read.
    #[test]
    fn what_kubectl_creates_is_known() {
        for name in
            ["core/v1.Namespace", "core/v1.Pod", "apps/v1.Deployment", "batch/v1.CronJob", "policy/v1.Eviction", "meta/v1.DeleteOptions"]
        {
            assert!(Table::get().knows(name), "{name}");
        }
    }
}
