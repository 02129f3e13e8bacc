//! What a place in an object is to structured merge.

use fiel_schema::{ListType, MapType, Node};
use serde_json::{Map, Value};

use super::path::{Scalar, Step};

/// The type of a place: as a schema says, or found out from the value where there is no schema.
#[derive(Debug, Clone, Copy)]
pub enum Type<'a> {
    /// As the schema says.
    Known(Node<'a>),
    /// Objects are merged field by field, lists as a whole: what a resource without a schema gets.
    Deduced,
    /// Merged as a whole.
    Atomic,
}

/// How the value at a place is walked.
pub(super) enum Shape<'a> {
    /// As a whole.
    Leaf,
    /// Field by field.
    Map,
    /// A list whose items are their own keys.
    Set,
    /// A list whose items have keys.
    Keyed(Node<'a>),
}

impl<'a> Type<'a> {
    fn of(node: Node<'a>) -> Self {
        let free = node.is_object() && node.fields().next().is_none() && node.additional().is_none();
        if (node.is_any() && node.preserves_unknown()) || (free && node.map_type() == MapType::Granular) {
            Self::Deduced
        } else if node.is_any() || free {
            Self::Atomic
        } else {
            Self::Known(node)
        }
    }

    /// From a schema.
    #[must_use]
    pub fn new(schema: Node<'a>) -> Self {
        Self::of(schema)
    }

    pub(super) fn shape(self, value: &Value) -> Shape<'a> {
        match (self, value) {
            (Self::Known(node), Value::Object(_)) if node.is_object() && node.map_type() == MapType::Granular => Shape::Map,
            (Self::Deduced, Value::Object(_)) => Shape::Map,
            (Self::Known(node), Value::Array(_)) if node.is_list() => match node.list_type() {
                ListType::Atomic => Shape::Leaf,
                ListType::Set => Shape::Set,
                ListType::Map => Shape::Keyed(node),
            },
            _ => Shape::Leaf,
        }
    }

    /// The type of a field, and whether the schema names that field.
    pub(super) fn field(self, name: &str) -> (Self, bool) {
        match self {
            Self::Known(node) => match (node.field(name), node.additional()) {
                (Some(field), _) => (Self::of(field), true),
                (None, Some(any)) => (Self::of(any), false),
                (None, None) => (Self::Deduced, false),
            },
            other => (other, false),
        }
    }

    /// Whether the schema allows a field of that name.
    pub(super) fn allows(self, name: &str) -> bool {
        match self {
            Self::Known(node) => node.child(name).is_some() || node.preserves_unknown(),
            _ => true,
        }
    }

    /// The type of a list's items.
    pub(super) fn item(self) -> Self {
        match self {
            Self::Known(node) => node.items().map_or(Self::Deduced, Self::of),
            other => other,
        }
    }
}

/// The step to an item of such a list; none when it has none of the keys.
pub(super) fn key(list: Node<'_>, item: &Value) -> Option<Step> {
    let item = item.as_object()?;
    let mut keys: Vec<(String, Scalar)> =
        list.list_map_keys().filter_map(|name| Some((name.to_owned(), Scalar(key_value(list, item, name)?)))).collect();
    keys.sort();
    (!keys.is_empty()).then_some(Step::Key(keys))
}

fn key_value(list: Node<'_>, item: &Map<String, Value>, name: &str) -> Option<Value> {
    let given = item.get(name).filter(|value| !value.is_null()).cloned();
    given.or_else(|| list.items()?.field(name)?.default())
}

/// A list's items with their steps; an item that has none is known by its position.
pub(super) fn items<'v>(shape: &Shape<'_>, list: &'v [Value]) -> Vec<(Step, &'v Value)> {
    let step = |index: usize, item: &Value| match shape {
        Shape::Keyed(node) => key(*node, item).unwrap_or(Step::Index(index as u64)),
        _ => Step::Value(Scalar(item.clone())),
    };
    list.iter().enumerate().map(|(index, item)| (step(index, item), item)).collect()
}
