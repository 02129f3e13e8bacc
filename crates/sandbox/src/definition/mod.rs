//! CustomResourceDefinitions as kube-apiserver 1.36 reads them: what a definition may say, which names it gets, and what its objects must be.
//!
//! Pure: values to values and causes. `api::definitions` acts on what is said here.

mod cause;
mod defaults;
mod embedded;
mod formats;
mod internal;
mod lists;
pub(crate) mod names;
mod object;
mod path;
pub(crate) mod prune;
pub(crate) mod rules;
mod schema;
mod spec;
mod structural;
mod value;

pub(crate) use cause::{Causes, whole_numbers};
pub(crate) use object::{Rules, check as check_object};
pub(crate) use spec::{check, unknown_formats};
