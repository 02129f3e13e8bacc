//! Names for revisions of a Pod template.

use serde_json::Value;

/// The characters that Kubernetes uses in generated names: no vowels, so that no words come out.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// The template as its owner compares it: without the label that its owner adds, and without fields that are null.
pub(crate) fn canonical(template: &Value, added_label: &str) -> Value {
    let mut template = template.clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(added_label);
    }
    strip(&mut template);
    template
}

/// Whether two templates are the same in that form; neither is copied for it.
pub(crate) fn same(one: &Value, other: &Value, added_label: &str) -> bool {
    alike(one, other, &["metadata", "labels", added_label])
}

/// Whether two values are the same but for nulls and for what is at that place.
fn alike(one: &Value, other: &Value, left_out: &[&str]) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let counts = |(name, value): &(&String, &Value)| !value.is_null() && left_out != [name.as_str()];
            let (mut one, mut other) = (one.iter().filter(counts), other.iter().filter(counts));
            loop {
                match (one.next(), other.next()) {
                    (None, None) => return true,
                    (Some((name, one)), Some((as_well, other))) if name == as_well => {
                        let below = left_out.split_first().filter(|(first, _)| *first == name).map_or(&[][..], |(_, rest)| rest);
                        if !alike(one, other, below) {
                            return false;
                        }
                    }
                    _ => return false,
                }
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other, &[]))
        }
        _ => one == other,
    }
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

/// A short name for a template; `collision` gives another one when the first is taken.
///
/// FNV-1a of the canonical JSON: stable between runs, though not the same as kube-controller-manager's, which hashes Go's structures.
pub(crate) fn name(template: &Value, collision: i64) -> String {
    let text = template.to_string();
    let salt = if collision == 0 { Vec::new() } else { collision.to_le_bytes().to_vec() };
    let hash = text.bytes().chain(salt).fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash.to_string().bytes().map(|digit| char::from(ALPHABET[usize::from(digit) % ALPHABET.len()])).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_counts_changes_the_name() {
        let template = json!({"metadata": {"labels": {"app": "a", "pod-template-hash": "x"}, "creationTimestamp": null}, "spec": {}});
        let plain = json!({"metadata": {"labels": {"app": "a"}}, "spec": {}});
        assert_eq!(canonical(&template, "pod-template-hash"), plain);
        assert_eq!(name(&plain, 0), name(&plain.clone(), 0));
        assert_ne!(name(&plain, 0), name(&plain, 1));
        assert_ne!(name(&plain, 0), name(&json!({"metadata": {"labels": {"app": "b"}}, "spec": {}}), 0));
        assert!(same(&template, &plain, "pod-template-hash") && same(&plain, &template, "pod-template-hash"));
        assert!(!same(&template, &plain, "app") && !same(&plain, &json!({"metadata": {"labels": {"app": "a"}}}), "pod-template-hash"));
        let listed = |item: Value| json!({"spec": {"containers": [item]}});
        assert!(same(&listed(json!({"name": "c", "env": null})), &listed(json!({"name": "c"})), "app"));
        assert!(!same(&listed(json!({"name": "c"})), &listed(json!({"name": "d"})), "app"));
        assert!(name(&plain, 0).bytes().all(|byte| ALPHABET.contains(&byte)));
    }
}
