//! YAML as kustomize reads and writes it.
//!
//! ```
//! let docs = fiel_renderer::yaml::parse_all(b"replicas: 3\nimage: web", "deploy.yaml")?;
//! assert_eq!(docs[0].to_json()["replicas"], 3);
//! # Ok::<(), fiel_renderer::Error>(())
//! ```

mod block;
mod emit;
mod flow;
mod line;
mod number;
mod order;
mod parse;
mod scalar;
mod time;
mod value;

pub use scalar::{Dialect, Kind};
pub use value::{Map, Node, Pos, Scalar, Text, Value};

pub(crate) use emit::{emit, gets_quotes, prints_plain};
use parse::Alike;
pub(crate) use parse::{Parsed, size};
pub(crate) use scalar::{Canonical, as_text, canonical, resolve};

use crate::error::Result;

/// All documents of a file, as kustomize reads resources; documents that hold nothing are left out. `file` is only for messages.
///
/// # Errors
/// When the bytes are not UTF-8, not YAML, use an integer or boolean as a key, repeat a key, or exceed the limits on nesting and aliases.
pub fn parse_all(bytes: &[u8], file: &str) -> Result<Vec<Value>> {
    Ok(parse_all_and_rest(bytes, file)?.0)
}

/// The same, and where something stands that is not looked at.
pub(crate) fn parse_all_and_rest(bytes: &[u8], file: &str) -> Result<(Vec<Value>, Option<Pos>)> {
    let Parsed { documents, unread, .. } =
        parse::documents(bytes, Dialect::Resource, Alike::Refused).map_err(|error| error.in_file(file))?;
    Ok((documents.into_iter().filter(|doc| !doc.is_null()).collect(), unread))
}

/// The documents of a patch, of which a map may have a key twice.
pub(crate) fn parse_patch(bytes: &[u8], file: &str) -> Result<Parsed> {
    parse::documents(bytes, Dialect::Resource, Alike::Both).map_err(|error| error.in_file(file))
}

/// The first document of a file, read as kustomize reads a kustomization (YAML 1.1, the last of equal keys counts).
pub(crate) fn parse_kustomization(bytes: &[u8], file: &str) -> Result<Value> {
    parse_kustomization_text(bytes).map_err(|error| error.in_file(file))
}

/// The same, with what may be warned of.
pub(crate) fn parse_kustomization_and_more(bytes: &[u8], file: &str) -> Result<Parsed> {
    parse::documents(bytes, Dialect::Kustomization, Alike::Last).map_err(|error| error.in_file(file))
}

/// The same for a file that may be JSON, of which YAML cannot read everything (`\/`).
pub(crate) fn parse_kustomization_or_json(bytes: &[u8], file: &str) -> Result<Value> {
    parse_kustomization(bytes, file).or_else(|error| serde_json::from_slice(bytes).map(|json| Value::from_json(&json)).map_err(|_| error))
}

/// The same for a text whose file the caller names.
pub(crate) fn parse_kustomization_text(bytes: &[u8]) -> Result<Value> {
    Ok(parse::documents(bytes, Dialect::Kustomization, Alike::Last)?.take_first())
}

/// A value as kustomize prints it.
#[must_use]
pub fn to_string(value: &Value) -> String {
    let mut out = String::new();
    emit(value, &mut out);
    out
}
