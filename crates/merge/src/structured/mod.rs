//! Structured merge: server-side apply, as structured-merge-diff v6 does it for Kubernetes 1.36.
//!
//! An object's fields have owners. [`apply`] sets what a manager wants, removes what it no longer wants, and finds out whose fields it would take;
//! [`update`] notes what a plain write changed. Both are functions from values to values over a [`Kind`], of which a [`Type`] is the simplest.
//! Below them are the questions that one may ask of typed values: [`validate`], [`compare`], [`merge`], [`to_set`], [`remove`], [`extract`] and
//! [`reconcile`]. [`ManagedFields`] is the form in which Kubernetes keeps owners in the object.

mod compare;
mod declared;
mod fields;
mod kind;
mod managed;
mod merge;
mod owners;
mod path;
mod prune;
mod reconcile;
mod remove;
mod set;
mod types;
mod validate;

pub use compare::{Comparison, compare};
pub use declared::{Declared, DeclaredError};
pub use fields::to_set;
pub use kind::{ConvertError, Kind};
pub use managed::{ManagedFields, Manager, Operation};
pub use merge::merge;
pub use owners::{Applied, ApplyError, Owned, Owners, apply, update};
pub use path::{Scalar, Step, same};
pub use reconcile::reconcile;
pub use remove::{extract, remove};
pub use set::FieldSet;
pub use types::Type;
pub use validate::{Misfit, Misfits, go_literal, go_type, validate};
