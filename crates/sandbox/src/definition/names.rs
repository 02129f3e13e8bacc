//! The names of a definition: how they must look, and who has them first.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::cause::{Causes, child, key};

/// The rule of names that begin with a letter, in the server's words.
pub(super) const DNS_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

/// Whether a name follows [`DNS_1035`].
pub(super) fn is_dns_1035(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.len() <= 63 && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(inner) && !name.ends_with('-')
}

/// The words for a name that does not follow it.
pub(super) fn why_not(name: &str) -> String {
    if name.len() > 63 { "must be no more than 63 bytes".to_owned() } else { DNS_1035.to_owned() }
}

/// What is wrong with the names in a spec.
pub(super) fn check(names: &Value, path: &str) -> Causes {
    let mut causes = Causes::default();
    let text = |name: &str| names[name].as_str().unwrap_or_default();
    for name in ["plural", "singular", "kind", "listKind"].into_iter().filter(|name| text(name).is_empty()) {
        causes.required(&child(path, name), "");
    }
    let bad = |name: &str| !name.is_empty() && !is_dns_1035(name);
    for name in ["plural", "singular"].into_iter().filter(|name| bad(text(name))) {
        causes.invalid(&child(path, name), text(name), &why_not(text(name)));
    }
    for name in ["kind", "listKind"].into_iter().filter(|name| bad(&text(name).to_lowercase())) {
        let why = format!("may have mixed case, but should otherwise match: {}", why_not(text(name)));
        causes.invalid(&child(path, name), text(name), &why);
    }
    let each = |list: &str, causes: &mut Causes| {
        for (index, name) in names[list].as_array().into_iter().flatten().filter_map(Value::as_str).enumerate() {
            if !is_dns_1035(name) {
                causes.invalid(&key(child(path, list).as_str(), index), name, &why_not(name));
            }
        }
    };
    each("shortNames", &mut causes);
    if !text("kind").is_empty() && text("kind") == text("listKind") {
        causes.invalid(&child(path, "listKind"), text("listKind"), "kind and listKind may not be the same");
    }
    each("categories", &mut causes);
    causes
}

/// The status that a definition gets beside the others of its group: the names that it has, and whether it is served.
/// `None` when it has what it wants already.
pub(crate) fn settled(definition: &Value, others: &[&Value], now: &str) -> Option<Value> {
    let (wanted, had) = (&definition["spec"]["names"], &definition["status"]["acceptedNames"]);
    if wanted == had {
        return None;
    }
    let (mut resources, mut kinds) = (BTreeSet::new(), BTreeSet::new());
    for other in others.iter().copied().chain([definition]) {
        let accepted = &other["status"]["acceptedNames"];
        let shorts = accepted["shortNames"].as_array().into_iter().flatten();
        resources.extend([&accepted["plural"], &accepted["singular"]].into_iter().chain(shorts).filter_map(Value::as_str));
        kinds.extend([&accepted["kind"], &accepted["listKind"]].into_iter().filter_map(Value::as_str));
    }
    let free = |name: &str, had: &str, used: &BTreeSet<&str>| name == had || !used.contains(name);
    let mut accepted = had.as_object().cloned().unwrap_or_default();
    let (mut reason, mut message) = ("NoConflicts", "no conflicts found".to_owned());
    let mut one = |name: &str, used: &BTreeSet<&str>, conflict: &'static str| {
        let (want, have) = (wanted[name].as_str().unwrap_or_default(), had[name].as_str().unwrap_or_default());
        if free(want, have, used) {
            accepted.insert(name.to_owned(), json!(want));
        } else {
            (reason, message) = (conflict, format!("\"{want}\" is already in use"));
        }
    };
    one("plural", &resources, "PluralConflict");
    one("singular", &resources, "SingularConflict");
    let shorts: Vec<&str> = wanted["shortNames"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let own = |name: &&str| had["shortNames"].as_array().is_some_and(|list| list.iter().any(|one| one == name));
    let taken: Vec<String> =
        shorts.iter().filter(|name| !own(name) && resources.contains(**name)).map(|name| format!("\"{name}\" is already in use")).collect();
    let shorts_taken = !taken.is_empty();
    if shorts_taken {
        let told = if let [one] = taken.as_slice() { one.clone() } else { format!("[{}]", taken.join(", ")) };
        (reason, message) = ("ShortNamesConflict", told);
    }
    let mut one = |name: &str, conflict: &'static str| {
        let (want, have) = (wanted[name].as_str().unwrap_or_default(), had[name].as_str().unwrap_or_default());
        if free(want, have, &kinds) {
            accepted.insert(name.to_owned(), json!(want));
        } else {
            (reason, message) = (conflict, format!("\"{want}\" is already in use"));
        }
    };
    one("kind", "KindConflict");
    one("listKind", "ListKindConflict");
    if !shorts_taken {
        put(&mut accepted, "shortNames", &wanted["shortNames"]);
    }
    put(&mut accepted, "categories", &wanted["categories"]);
    let mut status = definition["status"].clone();
    status["acceptedNames"] = Value::Object(accepted);
    let good = reason == "NoConflicts";
    set_condition(&mut status, "NamesAccepted", good, reason, &message, now);
    if good {
        set_condition(&mut status, "Established", true, "InitialNamesAccepted", "the initial names have been accepted", now);
    } else if condition(&status, "Established").is_none() {
        set_condition(&mut status, "Established", false, "NotAccepted", "not all names are accepted", now);
    }
    Some(status)
}

fn put(names: &mut serde_json::Map<String, Value>, name: &str, value: &Value) {
    if value.is_null() {
        names.remove(name);
    } else {
        names.insert(name.to_owned(), value.clone());
    }
}

/// A condition of a status.
pub(crate) fn condition<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    status["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
}

/// Whether a condition is true.
pub(crate) fn is_true(definition: &Value, kind: &str) -> bool {
    condition(&definition["status"], kind).is_some_and(|condition| condition["status"] == "True")
}

/// Writes a condition; its time changes only with its status.
pub(crate) fn set_condition(status: &mut Value, kind: &str, good: bool, reason: &str, message: &str, now: &str) {
    let word = if good { "True" } else { "False" };
    let since =
        condition(status, kind).filter(|old| old["status"] == word).map_or_else(|| json!(now), |old| old["lastTransitionTime"].clone());
    let new = json!({"type": kind, "status": word, "lastTransitionTime": since, "reason": reason, "message": message});
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    if let Some(list) = status["conditions"].as_array_mut() {
        match list.iter_mut().find(|condition| condition["type"] == kind) {
            Some(old) => *old = new,
            None => list.push(new),
        }
    }
}
