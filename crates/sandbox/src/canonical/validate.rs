//! What the server refuses, in its words.

use serde_json::Value;

use super::check::{Seen, look};
use super::{meta, rules};
use crate::cause::Cause;

/// Everything that is wrong with an object in the server's form; `old` is what an update would replace.
pub(crate) fn validate(group: &str, kind: &str, new: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = metadata(group, kind, new, old);
    look(rules::of(group, kind), &Seen { value: new, old, root: new, at: "" }, &mut causes);
    causes
}

/// What is wrong with the metadata of an object of Kubernetes' own. The server looks more than once when an object is changed, and tells each time what it finds.
pub(crate) fn metadata(group: &str, kind: &str, new: &Value, old: Option<&Value>) -> Vec<Cause> {
    let found = meta::own(group, kind, new);
    let times = match old {
        None => 1,
        Some(_) if rules::looks_thrice(group, kind) => 3,
        Some(_) => 4,
    };
    std::iter::repeat_n(found, times).flatten().collect()
}

/// What is wrong with the labels and annotations of an object.
pub(crate) fn labels(object: &Value) -> Vec<Cause> {
    let (metadata, mut causes) = (&object["metadata"], Vec::new());
    meta::labels(&metadata["labels"], "metadata.labels", &mut causes);
    meta::annotations(&metadata["annotations"], "metadata.annotations", &mut causes);
    causes
}
