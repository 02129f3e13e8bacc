//! What the server refuses, in its words.

use serde_json::Value;

use super::check::{Seen, look};
use super::{meta, rules, status};
use crate::cause::Cause;

/// Everything that is wrong with an object in the server's form; `old` is what an update would replace.
pub(crate) fn validate(group: &str, kind: &str, new: &Value, old: Option<&Value>) -> Vec<Cause> {
    let (seen, mut causes) = (Seen { value: new, old, root: new, at: "" }, Vec::new());
    look(rules::first(group, kind), &seen, &mut causes);
    if causes.is_empty() {
        causes = metadata(group, kind, new, old);
        look(rules::of(group, kind), &seen, &mut causes);
    }
    causes
}

/// The same of one of which only a part is written.
pub(crate) fn validate_part(group: &str, kind: &str, new: &Value, old: Option<&Value>, part: &str) -> Vec<Cause> {
    let mut causes = metadata(group, kind, new, old);
    if part == "status" {
        look(status::of(group, kind), &Seen { value: new, old, root: new, at: "" }, &mut causes);
    }
    causes
}

/// What is wrong with the metadata of an object of Kubernetes' own.
fn metadata(group: &str, kind: &str, new: &Value, old: Option<&Value>) -> Vec<Cause> {
    match old {
        None => meta::made(group, kind, new),
        Some(old) => meta::changed(group, kind, new, old),
    }
}

/// What is wrong with the labels and annotations of an object.
pub(crate) fn labels(object: &Value) -> Vec<Cause> {
    let (metadata, mut causes) = (&object["metadata"], Vec::new());
    meta::labels(&metadata["labels"], "metadata.labels", &mut causes);
    meta::annotations(&metadata["annotations"], "metadata.annotations", &mut causes);
    causes
}
