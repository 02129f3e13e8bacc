//! What structured merge must know of a kind of object.

use std::borrow::Cow;

use serde_json::Value;

use super::set::FieldSet;
use super::types::Type;

/// A kind of object: its schema in each version, how it is converted, and which fields nobody owns.
///
/// A [`Type`] is one in itself: the same in all versions, every field owned.
pub trait Kind {
    /// The type of whole objects in a version.
    fn of(&self, version: &str) -> Type<'_>;

    /// An object in another version.
    ///
    /// # Errors
    /// There is no such version, or the object does not exist in it.
    fn convert<'v>(&self, object: &'v Value, _from: &str, _to: &str) -> Result<Cow<'v, Value>, ConvertError> {
        Ok(Cow::Borrowed(object))
    }

    /// What of these fields can be owned in a version: a status is nobody's who writes to the main resource, for instance.
    fn owned(&self, _version: &str, fields: FieldSet) -> FieldSet {
        fields
    }
}

impl Kind for Type<'_> {
    fn of(&self, _version: &str) -> Type<'_> {
        *self
    }
}

/// Why an object is not there in another version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// The version is not served (any more): what was noted in it is forgotten.
    #[error("there is no version {0}")]
    NoVersion(String),
    /// The object cannot be expressed in it.
    #[error("cannot convert to {version}: {problem}")]
    Failed {
        /// The version.
        version: String,
        /// Why not.
        problem: String,
    },
}
