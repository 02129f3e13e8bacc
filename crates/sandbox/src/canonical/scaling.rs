//! What the server refuses in autoscalers.

use serde_json::json;

use super::check::Check::{All, Choice, Each, Inside, Of, OneOf, Required, With, Within};
use super::check::{Rules, Seen, look, text};
use super::{format, quantity};
use crate::cause::Cause;

pub(super) const AUTOSCALER: Rules = &[
    ("spec", With(replicas)),
    ("spec.scaleTargetRef", All(REFERENCE)),
    ("spec.scaleTargetRef.apiVersion", With(target_group)),
    ("spec", With(metrics)),
    ("spec.behavior.scaleUp", Inside(SCALING)),
    ("spec.behavior.scaleDown", Inside(SCALING)),
];
/// An object that is scaled, or that a metric is of.
const REFERENCE: Rules =
    &[("kind", Required("")), ("kind", Of(format::path_segment)), ("name", Required("")), ("name", Of(format::path_segment))];
const SCALING: Rules = &[
    ("stabilizationWindowSeconds", Within(0, i64::MAX, "must be greater than or equal to zero")),
    ("stabilizationWindowSeconds", Within(i64::MIN, 3600, "must be less than or equal to 3600")),
    ("selectPolicy", OneOf(&["Disabled", "Max", "Min"])),
    ("policies", Required("must specify at least one Policy")),
    (
        "policies",
        Each(&[
            ("type", Choice(&["Percent", "Pods"])),
            ("value", Within(1, i64::MAX, "must be greater than zero")),
            ("periodSeconds", Within(1, i64::MAX, "must be greater than zero")),
            ("periodSeconds", Within(i64::MIN, 1800, "must be less than or equal to 1800")),
        ]),
    ),
    ("tolerance", With(tolerance)),
];

/// The kinds of metrics with the field that each needs, and what holds in it; in the order in which the server looks.
const METRICS: [(&str, &str, Rules); 5] = [
    ("Object", "object", OBJECT),
    ("External", "external", &[("metric", All(IDENTIFIER)), ("target", With(target)), ("target", With(one_value))]),
    ("Pods", "pods", &[("metric", All(IDENTIFIER)), ("target", With(target)), ("target.averageValue", Required(EACH))]),
    ("Resource", "resource", &[("name", Required(RESOURCE)), ("target", With(target)), ("target", With(share_or_value))]),
    ("ContainerResource", "containerResource", CONTAINER),
];
const OBJECT: Rules =
    &[("describedObject", All(REFERENCE)), ("metric", All(IDENTIFIER)), ("target", With(target)), ("target", With(some_value))];
const CONTAINER: Rules = &[
    ("name", Required(RESOURCE)),
    ("name", With(super::resources::amount_name)),
    ("container", Required("must specify a container")),
    ("container", Of(format::label)),
    ("target", With(target)),
    ("target", With(share_or_value)),
];
const IDENTIFIER: Rules = &[("name", Required("must specify a metric name")), ("name", Of(format::path_segment))];
const RESOURCE: &str = "must specify a resource name";
const EACH: &str = "must specify a positive target averageValue";
const KINDS: &[&str] = &["ContainerResource", "External", "Object", "Pods", "Resource"];

fn replicas(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (least, most) = (&seen.value["minReplicas"], &seen.value["maxReplicas"]);
    let (low, high) = (least.as_i64(), most.as_i64().unwrap_or(0));
    if low.is_some_and(|low| low < 1) {
        causes.push(Cause::invalid(seen.below("minReplicas"), least, "must be greater than or equal to 1"));
    }
    if high == 0 {
        causes.push(Cause::required(seen.below("maxReplicas"), "must be set and greater than 0"));
    } else if high < 0 {
        causes.push(Cause::invalid(seen.below("maxReplicas"), most, "must be greater than or equal to 1"));
    }
    if low.is_some_and(|low| high < low) {
        causes.push(Cause::invalid(seen.below("maxReplicas"), &json!(high), "must be greater than or equal to `minReplicas`"));
    }
}

/// What is scaled belongs to a group: the core has nothing that could be.
fn target_group(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if !text(seen.value).contains('/') {
        causes.push(Cause::invalid(seen.at, &json!(text(seen.value)), "apiVersion must specify API group"));
    }
}

fn metrics(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    look(&[("metrics", Each(&[("", With(metric))]))], seen, causes);
    // The server knows the one number of version 1 as the first metric.
    let share = &seen.value["targetCPUUtilizationPercentage"];
    if share.as_i64().is_some_and(|share| share < 1) {
        causes.push(Cause::invalid(seen.below("metrics[0].resource.target.averageUtilization"), share, "must be greater than 0"));
    }
    let zero = seen.value["minReplicas"] == 0;
    if zero && !seen.items("metrics").iter().any(|one| matches!(text(&one["type"]), "Object" | "External")) {
        let detail = "must specify at least one Object or External metric to support scaling to zero replicas";
        causes.push(Cause::forbidden(seen.below("metrics"), detail));
    }
}

fn metric(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let kind = &seen.value["type"];
    let unknown = || Cause::unsupported(seen.below("type"), kind, KINDS);
    let known = METRICS.iter().find(|(name, ..)| *name == text(kind)).map(|(_, field, _)| *field);
    if text(kind).is_empty() {
        causes.push(Cause::required(seen.below("type"), "must specify a metric source type"));
    }
    causes.extend(known.is_none().then(unknown));
    let present: Vec<_> = METRICS.iter().filter(|(_, field, _)| !seen.value[*field].is_null()).collect();
    if let Some((_, field, rules)) = present.first() {
        look(rules, &Seen { value: &seen.value[*field], old: None, at: &seen.below(field), ..*seen }, causes);
    }
    match known {
        None => causes.push(unknown()),
        Some(field) if seen.value[field].is_null() => {
            causes.push(Cause::required(seen.below(field), "must populate information for the given metric source"));
        }
        Some(_) => {}
    }
    // One that is not the wanted one was told already.
    for (_, field, _) in present.iter().filter(|(_, field, _)| present.len() > 1 && Some(*field) != known) {
        causes.push(Cause::forbidden(seen.below(field), "must populate the given metric source only"));
    }
}

/// What a metric is kept at.
fn target(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    look(&[("type", Required("must specify a metric target type"))], seen, causes);
    let kind = text(&seen.value["type"]);
    if !matches!(kind, "Utilization" | "Value" | "AverageValue") {
        causes.push(Cause::invalid(seen.below("type"), &json!(kind), "must be either Utilization, Value, or AverageValue"));
    }
    for field in ["value", "averageValue"] {
        if seen.value[field].as_str().and_then(quantity::amount).is_some_and(|amount| amount <= 0) {
            causes.push(Cause::invalid(seen.below(field), &seen.value[field], "must be positive"));
        }
    }
    look(&[("averageUtilization", Within(1, i64::MAX, "must be greater than 0"))], seen, causes);
}

fn some_value(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if seen.value["value"].is_null() && seen.value["averageValue"].is_null() {
        causes.push(Cause::required(seen.below("averageValue"), "must set either a target value or averageValue"));
    }
}

fn one_value(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    match (seen.value["value"].is_null(), seen.value["averageValue"].is_null()) {
        (true, true) => {
            causes.push(Cause::required(seen.below("averageValue"), "must set either a target value for metric or a per-pod target"));
        }
        (false, false) => {
            causes.push(Cause::forbidden(seen.below("value"), "may not set both a target value for metric and a per-pod target"));
        }
        _ => {}
    }
}

fn share_or_value(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    match (seen.value["averageUtilization"].is_null(), seen.value["averageValue"].is_null()) {
        (true, true) => {
            let detail = "must set either a target raw value or a target utilization";
            causes.push(Cause::required(seen.below("averageUtilization"), detail));
        }
        (false, false) => {
            causes.push(Cause::forbidden(seen.below("averageValue"), "may not set both a target raw value and a target utilization"));
        }
        _ => {}
    }
}

fn tolerance(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if seen.value.as_str().and_then(quantity::amount).is_some_and(|amount| amount < 0) {
        causes.push(Cause::invalid(seen.at, seen.value, "must be greater than or equal to 0"));
    }
}
