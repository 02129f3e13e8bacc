//! Structured merge: server-side apply, as structured-merge-diff v6 does it for Kubernetes 1.36.
//!
//! An object's fields have owners. [`apply`] sets what a manager wants, removes what it no longer wants, and finds out whose fields it would take;
//! [`update`] notes what a plain write changed. Both are functions from values to values over a [`Type`], which a schema gives or the value itself.

mod fields;
mod managed;
mod managers;
mod path;
mod set;
mod types;
mod values;

pub use fields::{Comparison, compare, to_set};
pub use managed::ManagedFields;
pub use managers::{Applied, ApplyError, Manager, Operation, Owners, apply, update};
pub use path::{Scalar, Step};
pub use set::FieldSet;
pub use types::Type;
pub use values::{MergeError, merge, remove, validate};
