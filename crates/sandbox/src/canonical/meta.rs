//! What holds for the metadata of every kind, and for labels wherever they stand.

use serde_json::{Value, json};

use super::check::{items, text};
use super::format::{self, Format};
use crate::cause::Cause;

/// How the names of a kind must look.
fn name_format(group: &str, kind: &str) -> Format {
    match (group, kind) {
        ("rbac.authorization.k8s.io", _)
        | ("apiextensions.k8s.io", "CustomResourceDefinition")
        | ("apiregistration.k8s.io", "APIService") => format::path_segment,
        ("", "Namespace" | "Service") | ("apps", "StatefulSet") => format::label,
        ("batch", "CronJob") => format::cron_name,
        _ => format::subdomain,
    }
}

/// What a kind's own rules say of metadata, beside what is looked at in every object.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Looks {
    /// Nothing more.
    Never,
    /// Once, at what changes.
    Change,
    /// At what changes, and then at the whole as if it were new.
    ChangeThenNew,
    /// The other way round.
    NewThenChange,
}

/// Everything that is wrong with the metadata of a new object of one of Kubernetes' own kinds.
pub(super) fn made(group: &str, kind: &str, object: &Value) -> Vec<Cause> {
    if super::rules::looks(group, kind) == Looks::Never {
        return whole(object, format::path_segment);
    }
    new(group, kind, object)
}

fn new(group: &str, kind: &str, object: &Value) -> Vec<Cause> {
    let mut causes = whole(object, name_format(group, kind));
    causes.extend(own_finalizers(object));
    causes
}

/// The same of one that is changed. The server looks more than once, and tells each time what it finds.
pub(super) fn changed(group: &str, kind: &str, object: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = whole(object, format::path_segment);
    let change = change(object, old);
    causes.extend_from_slice(&change);
    let looks = super::rules::looks(group, kind);
    if looks == Looks::NewThenChange {
        causes.extend(new(group, kind, object));
    }
    if looks != Looks::Never {
        causes.extend(change);
        causes.extend(own_finalizers(object));
    }
    if looks == Looks::ChangeThenNew {
        causes.extend(new(group, kind, object));
    }
    causes
}

/// What is wrong with a change of metadata: an object that goes is held by nobody new, and only the server lets one go.
fn change(object: &Value, old: &Value) -> Vec<Cause> {
    let (metadata, before, mut causes) = (&object["metadata"], &old["metadata"], Vec::new());
    let known = items(&before["finalizers"]);
    let more: Vec<String> = items(&metadata["finalizers"]).iter().filter(|one| !known.contains(one)).map(Value::to_string).collect();
    if !before["deletionTimestamp"].is_null() && !more.is_empty() {
        let detail = "no new finalizers can be added if the object is being deleted, found new finalizers";
        causes.push(Cause::forbidden("metadata.finalizers", &format!("{detail} []string{{{}}}", more.join(", "))));
    }
    for field in ["deletionTimestamp", "deletionGracePeriodSeconds"] {
        if metadata[field] != before[field] {
            causes.push(Cause::invalid(format!("metadata.{field}"), &metadata[field], "field is immutable"));
        }
    }
    causes.extend(maps(object));
    causes
}

/// Everything that is wrong with the metadata of a custom object, whose finalizers need no domain.
pub(crate) fn custom(object: &Value, old: Option<&Value>) -> Vec<Cause> {
    let Some(old) = old else { return whole(object, format::subdomain) };
    let (mut causes, change) = (whole(object, format::path_segment), change(object, old));
    causes.extend_from_slice(&change);
    causes.extend(change);
    causes
}

fn whole(object: &Value, format: Format) -> Vec<Cause> {
    let (metadata, mut causes) = (&object["metadata"], Vec::new());
    let prefix = text(&metadata["generateName"]);
    if !prefix.is_empty() {
        // What follows it ends as it must.
        let whole = format!("{}a", prefix.trim_end_matches('-'));
        causes.extend(Cause::of_format(
            "metadata.generateName",
            prefix,
            if format(&whole).is_empty() { Vec::new() } else { format(prefix) },
        ));
    }
    let name = text(&metadata["name"]);
    if name.is_empty() {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
    } else {
        causes.extend(Cause::of_format("metadata.name", name, format(name)));
    }
    causes.extend(maps(object));
    finalizers(&metadata["finalizers"], &mut causes);
    causes
}

/// What is looked at the most often.
fn maps(object: &Value) -> Vec<Cause> {
    let (metadata, mut causes) = (&object["metadata"], Vec::new());
    labels(&metadata["labels"], "metadata.labels", &mut causes);
    annotations(&metadata["annotations"], "metadata.annotations", &mut causes);
    owners(metadata, &mut causes);
    causes
}

/// The two finalizers that say what becomes of dependents.
const OPPOSITES: [&str; 2] = ["orphan", "foregroundDeletion"];

/// The names of finalizers; which of them it is, is not told.
fn finalizers(list: &Value, causes: &mut Vec<Cause>) {
    let at = "metadata.finalizers";
    for one in items(list).iter().map(text) {
        causes.extend(Cause::of_format(at, one, format::qualified(one)));
    }
    if OPPOSITES.iter().all(|one| items(list).iter().any(|given| given == one)) {
        causes.push(Cause::invalid(at, list, &format!("finalizer {} and {} cannot be both set", OPPOSITES[0], OPPOSITES[1])));
    }
}

/// In Kubernetes' own kinds, finalizers without a domain are Kubernetes' own.
fn own_finalizers(object: &Value) -> Vec<Cause> {
    let list = items(&object["metadata"]["finalizers"]).iter().map(text).enumerate();
    list.flat_map(|(index, one)| Cause::of_format(format_args!("metadata.finalizers[{index}]"), one, format::own_finalizer(one))).collect()
}

/// Go's type of an owner.
const OWNER: &str = "meta/v1.OwnerReference";

fn owners(metadata: &Value, causes: &mut Vec<Cause>) {
    let at = "metadata.ownerReferences";
    let all = &metadata["ownerReferences"];
    let shown = |owner: &Value| format!("{}/{}", text(&owner["kind"]), text(&owner["name"]));
    let mut controller: Option<&Value> = None;
    for owner in items(all) {
        let version = text(&owner["apiVersion"]);
        if version.is_empty() {
            causes.push(Cause::invalid(format!("{at}.apiVersion"), &json!(version), "version must not be empty"));
        }
        for field in ["kind", "name", "uid"] {
            if text(&owner[field]).is_empty() {
                causes.push(Cause::invalid(format!("{at}.{field}"), &json!(""), "must not be empty"));
            }
        }
        match controller {
            _ if owner["controller"] != true => {}
            None => controller = Some(owner),
            Some(first) => {
                let who = format!("{} and {}", shown(first), shown(owner));
                let detail = format!("Only one reference can have Controller set to true. Found \"true\" in references for {who}");
                causes.push(Cause::shown(at, &list_of_owners(all), &detail));
            }
        }
    }
}

/// Owners as Go writes them, which leaves none of the texts out; those of custom objects may lack some here.
fn list_of_owners(owners: &Value) -> String {
    let mut owners = owners.clone();
    for owner in owners.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        super::shape::fill(owner, OWNER, &[]);
    }
    let owners: Vec<String> = items(&owners).iter().map(|owner| super::ordered(owner, OWNER, None)).collect();
    format!("[{}]", owners.join(","))
}

/// The keys and values of labels; all is said of the map.
pub(super) fn labels(labels: &Value, at: &str, causes: &mut Vec<Cause>) {
    for (key, value) in labels.as_object().into_iter().flatten() {
        causes.extend(Cause::of_format(at, key, format::qualified(key)));
        causes.extend(Cause::of_format(at, text(value), format::label_value(text(value))));
    }
}

/// The keys of annotations, in which capitals may stand anywhere; all is said of the map.
pub(super) fn annotations(annotations: &Value, at: &str, causes: &mut Vec<Cause>) {
    for key in annotations.as_object().into_iter().flatten().map(|(key, _)| key) {
        causes.extend(Cause::of_format(at, key, format::qualified(&key.to_lowercase())));
    }
}

/// A selector's labels and expressions.
pub(super) fn selector(selector: &Value, at: &str, causes: &mut Vec<Cause>) {
    labels(&selector["matchLabels"], &format!("{at}.matchLabels"), causes);
    for (index, expression) in items(&selector["matchExpressions"]).iter().enumerate() {
        self::expression(expression, &format!("{at}.matchExpressions[{index}]"), causes);
    }
}

/// One expression of a selector: of labels, or of nodes with their two operators more.
pub(super) fn expression(expression: &Value, at: &str, causes: &mut Vec<Cause>) {
    operator(expression, at, causes);
    key(expression, at, causes);
    label_values(expression, at, causes);
}

/// Whether an expression has as many values as its operator needs.
pub(super) fn operator(expression: &Value, at: &str, causes: &mut Vec<Cause>) {
    let values = items(&expression["values"]);
    match text(&expression["operator"]) {
        "In" | "NotIn" if values.is_empty() => {
            causes.push(Cause::required(format!("{at}.values"), "must be specified when `operator` is 'In' or 'NotIn'"));
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            causes.push(Cause::forbidden(format!("{at}.values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        _ => causes.push(Cause::invalid(format!("{at}.operator"), &expression["operator"], "not a valid selector operator")),
    }
}

/// The key of an expression is that of a label.
pub(super) fn key(expression: &Value, at: &str, causes: &mut Vec<Cause>) {
    let key = text(&expression["key"]);
    causes.extend(Cause::of_format(format_args!("{at}.key"), key, format::qualified(key)));
}

/// The values of an expression are those that a label can have.
pub(super) fn label_values(expression: &Value, at: &str, causes: &mut Vec<Cause>) {
    for (index, value) in items(&expression["values"]).iter().map(text).enumerate() {
        causes.extend(Cause::of_format(format_args!("{at}.values[{index}]"), value, format::label_value(value)));
    }
}

/// A selector in the order of Go's fields.
pub(super) fn shown_selector(selector: &Value) -> String {
    super::shown::ordered(selector, "meta/v1.LabelSelector", None)
}

/// Whether a selector can be used at all.
pub(super) fn is_selector(selector: &Value) -> bool {
    let mut causes = Vec::new();
    self::selector(selector, "", &mut causes);
    causes.is_empty()
}

/// Whether a selector selects labels; one that is not given selects nothing.
pub(super) fn selects(selector: &Value, labels: &Value) -> bool {
    let all = selector["matchLabels"].as_object().is_none_or(|wanted| wanted.iter().all(|(key, value)| labels[key] == *value));
    all && !selector.is_null()
        && items(&selector["matchExpressions"]).iter().all(|one| {
            let (value, values) = (&labels[text(&one["key"])], items(&one["values"]));
            match text(&one["operator"]) {
                "In" => values.contains(value),
                "NotIn" => !values.contains(value),
                "Exists" => !value.is_null(),
                _ => value.is_null(),
            }
        })
}
