//! Strategic merge patches: JSON merge patches that know which lists have keys, as apimachinery of Kubernetes 1.36 makes and applies them.
//!
//! [`patch`] lays a patch over an object. [`two_way`] finds the patch that makes one object another, [`three_way`] the one that `kubectl apply`
//! sends: what is wanted and is not there, and what was wanted before and is no longer. [`sorted`] brings keyed lists into one order, to compare.

mod apply;
mod diff;
mod order;

use fiel_schema::Node;
use serde_json::Value;

pub use apply::patch;
pub use diff::{three_way, two_way};
pub use order::sorted;

/// Why a patch cannot be made or applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StrategicError {
    /// An item of a keyed list lacks its key.
    #[error("map: {item} does not contain declared merge key: {key}")]
    MissingKey {
        /// The item, as Go prints it.
        item: String,
        /// The key that it lacks.
        key: String,
    },
    /// A list of objects is to be merged, and the schema names no key.
    #[error("cannot merge lists without merge key for {0}")]
    NoKey(String),
    /// `$patch` names no strategy that can be used there.
    #[error("unknown patch type found: {0}")]
    UnknownDirective(String),
    /// The same of a map.
    #[error("unknown patch type: {directive} in map: {map}")]
    UnknownMapDirective {
        /// What it says.
        directive: String,
        /// The map, as Go prints it.
        map: String,
    },
    /// `$retainKeys`, `$setElementOrder` or `$deleteFromPrimitiveList` is no list, or not one that fits.
    #[error("invalid patch format of {0}")]
    BadDirective(String),
    /// `$setElementOrder` contradicts the list that it is about.
    #[error("the order in patch list: {list} doesn't match $setElementOrder list: {order}")]
    Order {
        /// The list in the patch.
        list: String,
        /// The order.
        order: String,
    },
    /// Lists of lists cannot be merged.
    #[error("lists of lists are not supported: {0}")]
    ListOfLists(String),
}

/// Says of a map or of a list's item what becomes of it.
const DIRECTIVE: &str = "$patch";
/// Names the fields of a map that are kept.
const RETAIN: &str = "$retainKeys";
/// Begins the name of the order of a list.
const ORDER: &str = "$setElementOrder/";
/// Begins the name of the items that a list of scalars loses.
const DELETE: &str = "$deleteFromPrimitiveList/";

fn is_directive(name: &str) -> bool {
    name == DIRECTIVE || name == RETAIN || name.starts_with(ORDER) || name.starts_with(DELETE)
}

/// How a list of a schema is merged; none: it is replaced.
fn merges<'a>(node: Option<Node<'a>>) -> Option<Merged<'a>> {
    let node = node.filter(|node| node.patch_merges())?;
    // Where the schema has a single item, a list holds more of its kind.
    Some(Merged { key: node.patch_merge_key(), items: node.items().or(Some(node)), retains_keys: node.patch_retains_keys() })
}

/// A list that is merged item by item.
#[derive(Clone, Copy)]
struct Merged<'a> {
    key: Option<&'a str>,
    items: Option<Node<'a>>,
    retains_keys: bool,
}

impl<'a> Merged<'a> {
    /// The key by which the items are known; none when they are scalars.
    fn key_for(self, lists: [&[Value]; 2]) -> Result<Option<&'a str>, StrategicError> {
        let mut all = lists.into_iter().flatten();
        if let Some(list) = all.clone().find(|item| item.is_array()) {
            return Err(StrategicError::ListOfLists(list.to_string()));
        }
        match all.find(|item| item.is_object()) {
            Some(item) => self.key.map(Some).ok_or_else(|| StrategicError::NoKey(item.to_string())),
            None => Ok(None),
        }
    }
}

/// What an item is known by: its key, or itself.
fn identity<'v>(item: &'v Value, key: Option<&str>) -> Result<&'v Value, StrategicError> {
    let Some(key) = key else {
        return Ok(item);
    };
    item.get(key).ok_or_else(|| StrategicError::MissingKey { item: apply::go_text(item), key: key.to_owned() })
}

fn is_deleted(item: &Value) -> bool {
    item.get(DIRECTIVE).is_some_and(|directive| directive == "delete")
}
