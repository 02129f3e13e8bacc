//! The order of merged lists.

use std::collections::BTreeMap;

use fiel_schema::Node;
use serde_json::{Map, Value};

use super::merges;
use crate::structured::Scalar;

/// Where items stand in a list: the first place of each identity.
struct Places(BTreeMap<Scalar, usize>);

fn known(item: &Value, key: Option<&str>) -> Scalar {
    Scalar(key.map_or_else(|| item.clone(), |key| item.get(key).cloned().unwrap_or_default()))
}

impl Places {
    fn of(list: &[Value], key: Option<&str>) -> Self {
        let mut out = BTreeMap::new();
        for (index, item) in list.iter().enumerate() {
            out.entry(known(item, key)).or_insert(index);
        }
        Self(out)
    }

    fn get(&self, item: &Value, key: Option<&str>) -> Option<usize> {
        self.0.get(&known(item, key)).copied()
    }
}

/// Brings a merged list in order: what `wanted` names in its order, the rest in the order of `before`; where both orders know two items, `before`
/// says which comes first.
pub(super) fn arrange(merged: Vec<Value>, wanted: &[Value], before: &[Value], key: Option<&str>) -> Vec<Value> {
    let (wanted, before) = (Places::of(wanted, key), Places::of(before, key));
    let (mut named, mut rest): (Vec<Value>, Vec<Value>) = merged.into_iter().partition(|item| wanted.get(item, key).is_some());
    named.sort_by_key(|item| wanted.get(item, key));
    rest.sort_by_key(|item| before.get(item, key).unwrap_or(usize::MAX));
    let mut out = Vec::with_capacity(named.len() + rest.len());
    let (mut named, mut rest) = (named.into_iter().peekable(), rest.into_iter().peekable());
    loop {
        let rest_first = match (named.peek(), rest.peek()) {
            (None, None) => return out,
            (None, Some(_)) => true,
            (Some(_), None) => false,
            (Some(one), Some(other)) => before.get(one, key).zip(before.get(other, key)).is_some_and(|(named, rest)| rest < named),
        };
        out.extend(if rest_first { rest.next() } else { named.next() });
    }
}

/// Brings items into the order of a list that has them all.
pub(super) fn follow(mut items: Vec<Value>, order: &[Value], key: Option<&str>) -> Vec<Value> {
    let places = Places::of(order, key);
    items.sort_by_key(|item| places.get(item, key).unwrap_or(usize::MAX));
    items
}

/// Whether two lists have the same items in the same order, by what these are known by.
pub(super) fn same_order(one: &[Value], two: &[Value], key: Option<&str>) -> bool {
    one.len() == two.len() && one.iter().zip(two).all(|(one, two)| known(one, key) == known(two, key))
}

/// Whether `part` follows `order`, leaving things out.
pub(super) fn is_part(part: &[&Value], order: &[Value], key: Option<&str>) -> bool {
    let mut order = order.iter();
    part.iter().all(|item| order.any(|other| known(item, key) == known(other, key)))
}

/// The object with every list that is merged in one order: by key, or the scalars themselves, each once.
#[must_use]
pub fn sorted(value: &Value, schema: Option<Node<'_>>) -> Value {
    let Value::Object(fields) = value else {
        return value.clone();
    };
    let sorted_fields = fields.iter().map(|(name, value)| {
        let node = schema.and_then(|node| node.child(name));
        let out = match (value, merges(node)) {
            (Value::Array(items), Some(list)) => {
                let mut items: Vec<Value> = items.iter().map(|item| sorted(item, list.items)).collect();
                let is_map = items.iter().any(Value::is_object);
                let key = list.key.filter(|_| is_map);
                items.sort_by_cached_key(|item| text(&known(item, key).0));
                if !is_map {
                    items.dedup();
                }
                Value::Array(items)
            }
            (Value::Object(_), _) => sorted(value, node),
            _ => value.clone(),
        };
        (name.clone(), out)
    });
    Value::Object(sorted_fields.collect::<Map<_, _>>())
}

/// Lists are sorted by text, as their keys mostly are.
pub(super) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
