//! What the server refuses, in its words.

use serde_json::Value;

use super::check::{Seen, look};
use super::{Empties, meta, rules, status};
use crate::cause::Cause;

/// Everything that is wrong with an object in the server's form; `old` is what an update would replace. What is refused is shown with the empty lists and
/// maps that it lost on the way to that form.
pub(crate) fn validate(group: &str, kind: &str, new: &Value, old: Option<&Value>, empties: Empties) -> Vec<Cause> {
    let causes = validate_shown(group, kind, new, old, new);
    if causes.is_empty() || empties.is_empty() { causes } else { validate_shown(group, kind, new, old, &with(new, empties)) }
}

fn validate_shown(group: &str, kind: &str, new: &Value, old: Option<&Value>, shown: &Value) -> Vec<Cause> {
    let (seen, mut causes) = (Seen { value: new, old, root: new, shown, at: "" }, Vec::new());
    look(rules::first(group, kind), &seen, &mut causes);
    if causes.is_empty() {
        look(rules::of(group, kind), &seen, &mut causes);
        // Of what is new of this kind, metadata is only looked at when all else is well.
        if causes.is_empty() || old.is_some() || (group, kind) != ("policy", "PodDisruptionBudget") {
            causes.splice(..0, metadata(group, kind, new, old));
        }
    }
    causes
}

/// An object with what it lost where nothing else stands there now.
fn with(object: &Value, empties: Empties) -> Value {
    let mut object = object.clone();
    for (pointer, empty) in empties {
        let Some((around, name)) = pointer.rsplit_once('/') else { continue };
        // What is shown of a selector is what JSON has of it.
        if matches!(name, "matchLabels" | "matchExpressions") {
            continue;
        }
        if let Some(fields) = object.pointer_mut(around).and_then(Value::as_object_mut) {
            let place = fields.entry(name.replace("~1", "/").replace("~0", "~")).or_insert(Value::Null);
            // Some types write null where nothing is.
            if place.is_null() {
                *place = empty;
            }
        }
    }
    object
}

/// The same of one of which only a part is written.
pub(crate) fn validate_part(group: &str, kind: &str, new: &Value, old: Option<&Value>, part: &str) -> Vec<Cause> {
    let mut causes = metadata(group, kind, new, old);
    if part == "status" {
        look(status::of(group, kind), &Seen { value: new, old, root: new, shown: new, at: "" }, &mut causes);
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
