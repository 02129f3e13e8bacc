//! Kubernetes' Go types: what JSON makes of each field, and its number in protobuf; and the types that the server itself works with, which it shows
//! in errors.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

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
    /// The place among its fellows in Go's source.
    place: usize,
    pub(crate) shape: Shape,
    pub(crate) of: Type,
    /// What Go calls one of them: `int32`, `v1.RestartPolicy`; empty for messages.
    pub(crate) go: &'static str,
}

/// All messages.
pub(crate) struct Table {
    messages: HashMap<&'static str, HashMap<u32, Field>>,
    /// The same by their names in JSON, with what stands inline.
    objects: HashMap<&'static str, BTreeMap<&'static str, Field>>,
}

impl Table {
    /// The table, read at the first use.
    pub(crate) fn get() -> &'static Table {
        static TABLE: OnceLock<Table> = OnceLock::new();
        TABLE.get_or_init(|| Table::read([include_str!("../data/golang.txt"), include_str!("../data/internal.txt")]))
    }

    fn read(texts: [&'static str; 2]) -> Self {
        let lines = texts.into_iter().flat_map(str::lines).filter(|line| !line.starts_with('#'));
        let messages = lines.map(|line| {
            let mut parts = line.split(' ');
            let name = parts.next().unwrap_or_default();
            (name, parts.enumerate().filter_map(|(place, text)| field(place, text)).collect())
        });
        let messages: HashMap<_, HashMap<u32, Field>> = messages.collect();
        let objects = messages.keys().map(|name| (*name, named(&messages, name))).collect();
        Self { messages, objects }
    }

    /// A message's fields as its JSON has them.
    pub(crate) fn fields(&self, message: &str) -> Option<&BTreeMap<&'static str, Field>> {
        self.objects.get(message)
    }

    /// All messages with their fields as their JSON has them.
    pub(crate) fn objects(&self) -> impl Iterator<Item = (&'static str, &BTreeMap<&'static str, Field>)> {
        self.objects.iter().map(|(message, fields)| (*message, fields))
    }

    /// A message's fields in the order in which Go writes them.
    pub(crate) fn ordered(&self, message: &str) -> Vec<Field> {
        let mut own: Vec<Field> = self.messages.get(message).into_iter().flat_map(HashMap::values).copied().collect();
        own.sort_by_key(|field| field.place);
        let inside = |field: Field| match field.of {
            Type::Message(inner) if field.inline => self.ordered(inner),
            _ => vec![field],
        };
        own.into_iter().flat_map(inside).collect()
    }

    pub(crate) fn knows(&self, message: &str) -> bool {
        self.messages.contains_key(message)
    }

    pub(crate) fn field(&self, message: &str, number: u32) -> Option<&Field> {
        self.messages.get(message)?.get(&number)
    }
}

/// The table's name of a kind: `apps/v1.Deployment`, `core/v1.Pod`.
pub(crate) fn type_name(api_version: &str, kind: &str) -> String {
    let (group, version) = api_version.split_once('/').unwrap_or(("core", api_version));
    format!("{}/{version}.{kind}", group.split('.').next().unwrap_or_default())
}

fn named(messages: &HashMap<&'static str, HashMap<u32, Field>>, message: &str) -> BTreeMap<&'static str, Field> {
    let mut out = BTreeMap::new();
    for field in messages.get(message).into_iter().flat_map(HashMap::values) {
        match field.of {
            Type::Message(inner) if field.inline => out.extend(named(messages, inner)),
            _ => drop(out.insert(field.name, *field)),
        }
    }
    out
}

/// A field as the table writes it: `[+]NAME=NUMBER[!][?*%]TYPE[:NAME IN GO]`.
fn field(place: usize, text: &'static str) -> Option<(u32, Field)> {
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
    Some((number.parse().ok()?, Field { name, inline, always, place, shape, of, go }))
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
            assert_eq!(table.messages[name].len(), fields.split(' ').count(), "{name}");
        }
        for (name, fields) in &table.messages {
            for field in fields.values() {
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
