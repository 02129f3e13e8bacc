//! What needs more than one field of a workload to be judged.

use serde_json::{Value, json};

use super::check::Check::{All, AtMostAll, Choice, Each, NotNegative, NumberOrPercent, Required};
use super::check::{Seen, items, look, text};
use super::rules::CLAIM_SPEC;
use super::{containers, meta, shown, template as pods};
use crate::cause::Cause;

const UNFIT: &str = "`selector` does not match template `labels`";

/// The kind whose object is at hand.
fn kind<'a>(seen: &Seen<'a>) -> &'a str {
    text(&seen.root["kind"])
}

/// A selector that must be given and select something.
pub(super) fn selector(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if seen.value.is_null() {
        causes.push(Cause::required(seen.at, ""));
        return;
    }
    meta::selector(seen.value, seen.at, causes);
    if is_empty(seen.value) {
        // The server says it of a Deployment when it means a ReplicaSet.
        let word = if kind(seen) == "StatefulSet" { "statefulset" } else { "deployment" };
        causes.push(Cause::invalid(seen.at, seen.value, &format!("empty selector is invalid for {word}")));
    }
}

fn is_empty(selector: &Value) -> bool {
    !selector.is_null() && selector["matchLabels"].is_null() && selector["matchExpressions"].is_null()
}

/// The labels of a template, as errors show them.
fn shown_labels<'a>(seen: &Seen<'a>) -> &'a Value {
    &seen.shown["template"]["metadata"]["labels"]
}

/// A DaemonSet's selector, which is told less of.
pub(super) fn daemon_selector(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (selector, labels) = (&seen.value["selector"], &seen.value["template"]["metadata"]["labels"]);
    if meta::is_selector(selector) && !meta::selects(selector, labels) {
        causes.push(Cause::invalid(seen.below("template.metadata.labels"), shown_labels(seen), UNFIT));
    }
    if is_empty(selector) {
        causes.push(Cause::invalid(seen.below("selector"), selector, "empty selector is invalid for daemonset"));
    }
}

/// The template of a workload whose Pods run for ever.
pub(super) fn template(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (selector, template, at) = (&seen.value["selector"], &seen.value["template"], seen.below("template"));
    let kind = kind(seen);
    if kind != "DaemonSet" {
        if !meta::is_selector(selector) {
            let detail = if kind == "StatefulSet" { "" } else { "invalid label selector" };
            causes.push(Cause::shown(seen.below("selector"), &meta::shown_selector(selector), detail));
            return;
        }
        let labels = &template["metadata"]["labels"];
        if !is_empty(selector) && !meta::selects(selector, labels) {
            causes.push(Cause::invalid(format!("{at}.metadata.labels"), shown_labels(seen), UNFIT));
        }
    }
    let set = kind == "StatefulSet";
    let claimed = set.then(|| with_claims(seen.value));
    pods::template(claimed.as_ref().unwrap_or(template), &at, causes);
    if set {
        // Of a StatefulSet the server looks at them twice.
        pods::maps(template, &at, causes);
    }
    look(&[("restartPolicy", Choice(&["Always"]))], &Seen { value: &template["spec"], at: &format!("{at}.spec"), ..*seen }, causes);
    if !template["spec"]["activeDeadlineSeconds"].is_null() {
        let kind = if kind == "Deployment" { "ReplicaSet" } else { kind };
        causes.push(Cause::forbidden(
            format!("{at}.spec.activeDeadlineSeconds"),
            &format!("activeDeadlineSeconds in {kind} is not Supported"),
        ));
    }
}

/// A template in which the claims of a StatefulSet are volumes.
fn with_claims(spec: &Value) -> Value {
    let mut template = spec["template"].clone();
    let claims: Vec<Value> = items(&spec["volumeClaimTemplates"])
        .iter()
        .map(|claim| json!({"name": claim["metadata"]["name"], "persistentVolumeClaim": {"claimName": claim["metadata"]["name"]}}))
        .collect();
    // What each Pod is called, the controller says.
    if let Some(spec) = template["spec"].as_object_mut() {
        spec.remove("hostname");
        spec.remove("subdomain");
    }
    if claims.is_empty() {
        return template;
    }
    let own = items(&template["spec"]["volumes"]).iter().filter(|volume| claims.iter().all(|claim| claim["name"] != volume["name"]));
    let volumes: Vec<Value> = claims.iter().chain(own).cloned().collect();
    template["spec"]["volumes"] = json!(volumes);
    template
}

/// How a Deployment's Pods are replaced.
pub(super) fn strategy(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let rolling = &seen.value["rollingUpdate"];
    match text(&seen.value["type"]) {
        "RollingUpdate" => {
            look(&[("rollingUpdate.maxUnavailable", NumberOrPercent), ("rollingUpdate.maxSurge", NumberOrPercent)], seen, causes);
            if is_none(&rolling["maxSurge"]) && is_none(&rolling["maxUnavailable"]) {
                let detail = "may not be 0 when `maxSurge` is 0";
                causes.push(Cause::invalid(seen.below("rollingUpdate.maxUnavailable"), &rolling["maxUnavailable"], detail));
            }
            look(&[("rollingUpdate.maxUnavailable", AtMostAll)], seen, causes);
        }
        "Recreate" if !rolling.is_null() => {
            causes.push(Cause::forbidden(seen.below("rollingUpdate"), "may not be specified when strategy `type` is 'Recreate'"));
        }
        "Recreate" => {}
        _ => {
            let shown = shown::internal(seen.value, "apps.DeploymentStrategy");
            causes.push(Cause::unsupported_shown(seen.at, &shown, &["Recreate", "RollingUpdate"]));
        }
    }
}

fn is_none(value: &Value) -> bool {
    *value == json!(0) || *value == json!("0%")
}

/// How a DaemonSet's Pods are replaced.
pub(super) fn update_strategy(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    match text(&seen.value["type"]) {
        "RollingUpdate" => {
            look(&[("rollingUpdate.maxUnavailable", NumberOrPercent), ("rollingUpdate.maxSurge", NumberOrPercent)], seen, causes);
            look(&[("rollingUpdate.maxUnavailable", AtMostAll), ("rollingUpdate.maxSurge", AtMostAll)], seen, causes);
            let (missing, surge) = (&seen.value["rollingUpdate"]["maxUnavailable"], &seen.value["rollingUpdate"]["maxSurge"]);
            match (is_none(missing), is_none(surge)) {
                (true, true) => {
                    causes.push(Cause::required(seen.below("rollingUpdate.maxUnavailable"), "cannot be 0 when maxSurge is 0"));
                }
                (false, false) => {
                    let detail = "may not be set when maxUnavailable is non-zero";
                    causes.push(Cause::invalid(seen.below("rollingUpdate.maxSurge"), surge, detail));
                }
                _ => {}
            }
        }
        "OnDelete" => {}
        _ => {
            let shown = shown::internal(seen.value, "apps.DaemonSetUpdateStrategy");
            causes.push(Cause::unsupported_shown(seen.at, &shown, &["RollingUpdate", "OnDelete"]));
        }
    }
}

/// A Deployment has more time than its Pods need to be ready.
pub(super) fn progress(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (deadline, ready) = (&seen.value["progressDeadlineSeconds"], seen.value["minReadySeconds"].as_i64().unwrap_or(0));
    if deadline.as_i64().is_some_and(|deadline| deadline <= ready) {
        causes.push(Cause::invalid(seen.below("progressDeadlineSeconds"), deadline, "must be greater than minReadySeconds"));
    }
}

/// How a StatefulSet makes and replaces its Pods.
pub(super) fn stateful(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (policy, strategy) = (&seen.value["podManagementPolicy"], &seen.value["updateStrategy"]);
    if !matches!(text(policy), "OrderedReady" | "Parallel") {
        causes.push(Cause::invalid(seen.below("podManagementPolicy"), policy, "must be 'OrderedReady' or 'Parallel'"));
    }
    match text(&strategy["type"]) {
        "RollingUpdate" => {
            look(
                &[
                    ("updateStrategy.rollingUpdate.partition", NotNegative),
                    ("updateStrategy.rollingUpdate.maxUnavailable", NumberOrPercent),
                ],
                seen,
                causes,
            );
        }
        "OnDelete" => {
            let rolling = &strategy["rollingUpdate"];
            if !rolling.is_null() {
                let shown = shown::internal(rolling, "apps.RollingUpdateStatefulSetStrategy");
                let at = seen.below("updateStrategy.rollingUpdate");
                causes.push(Cause::shown(at, &shown, "only allowed for updateStrategy 'RollingUpdate'"));
            }
        }
        _ => {
            let shown = shown::internal(strategy, "apps.StatefulSetUpdateStrategy");
            causes.push(Cause::shown(seen.below("updateStrategy"), &shown, "must be 'RollingUpdate' or 'OnDelete'"));
        }
    }
}

/// The claims of which a new StatefulSet makes one for each Pod; they never change.
pub(super) fn claim_templates(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if seen.old.is_none() {
        look(&[("", Each(&[("spec", All(CLAIM_SPEC))]))], seen, causes);
    }
}

const STATEFUL_MAY_CHANGE: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

/// Most of a StatefulSet stays what it was.
pub(super) fn stateful_update(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let Some(old) = seen.old else { return };
    if without(old, &STATEFUL_MAY_CHANGE) != without(seen.value, &STATEFUL_MAY_CHANGE) {
        let names = STATEFUL_MAY_CHANGE.map(|name| format!("'{name}'"));
        let (last, first) = names.split_last().map_or(("", &[][..]), |(last, first)| (last.as_str(), first));
        let detail = format!("updates to statefulset spec for fields other than {} and {last} are forbidden", first.join(", "));
        causes.push(Cause::forbidden(seen.at, &detail));
    }
}

/// An object without some of its fields.
pub(super) fn without(object: &Value, fields: &[&str]) -> Value {
    let mut object = object.clone();
    if let Some(all) = object.as_object_mut() {
        all.retain(|name, _| !fields.contains(&name.as_str()));
    }
    object
}

const POD_KEEPS: &str = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// A Pod and, when it is changed, what of it may change.
pub(super) fn pod(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let spec = &seen.value["spec"];
    pods::spec(spec, "spec", causes);
    for list in ["containers", "initContainers"] {
        for (index, container) in items(&spec[list]).iter().enumerate() {
            containers::trimmed(container, &format!("spec.{list}[{index}]"), causes);
        }
    }
    let Some(old) = seen.old.map(|old| &old["spec"]) else {
        if !items(&spec["ephemeralContainers"]).is_empty() {
            causes.push(Cause::forbidden("spec.ephemeralContainers", "cannot be set on create"));
        }
        return;
    };
    for list in ["containers", "initContainers"] {
        if items(&old[list]).len() != items(&spec[list]).len() {
            causes.push(Cause::forbidden(format!("spec.{list}"), "pod updates may not add or remove containers"));
            return;
        }
        // Images are looked at once more, for they are what may change.
        for (index, container) in items(&spec[list]).iter().enumerate() {
            let at = format!("spec.{list}[{index}]");
            look(&[("image", Required(""))], &Seen { value: container, old: None, at: &at, ..*seen }, causes);
            containers::trimmed(container, &at, causes);
        }
    }
    let (deadline, before) = (&spec["activeDeadlineSeconds"], &old["activeDeadlineSeconds"]);
    if let (Some(now), Some(then)) = (deadline.as_i64(), before.as_i64())
        && then < now
    {
        causes.push(Cause::invalid("spec.activeDeadlineSeconds", deadline, "must be less than or equal to previous value"));
        return;
    }
    if deadline.is_null() && !before.is_null() {
        let detail = "must not update from a positive integer to nil value";
        causes.push(Cause::invalid("spec.activeDeadlineSeconds", deadline, detail));
    }
    let lost = items(&old["tolerations"]).iter().any(|one| !items(&spec["tolerations"]).contains(one));
    if lost {
        causes.push(Cause::forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds"));
    }
    let as_it_was = with_what_may_change(spec, old);
    if as_it_was != *old {
        let lines = shown::difference(old, &as_it_was, "core.PodSpec");
        causes.push(Cause::forbidden("spec", &format!("{POD_KEEPS}\n{lines}")));
    }
}

/// A Pod's new spec in which all that may change is as it was before.
fn with_what_may_change(spec: &Value, old: &Value) -> Value {
    let mut spec = spec.clone();
    let was_negative = old["terminationGracePeriodSeconds"].as_i64().is_some_and(|seconds| seconds < 0);
    let mut free = vec!["activeDeadlineSeconds", "tolerations", "schedulingGates", "ephemeralContainers"];
    if was_negative && spec["terminationGracePeriodSeconds"] == 1 {
        free.push("terminationGracePeriodSeconds");
    }
    let Some(fields) = spec.as_object_mut() else { return spec };
    for name in free {
        match old.get(name) {
            Some(before) => drop(fields.insert(name.to_owned(), before.clone())),
            None => drop(fields.remove(name)),
        }
    }
    for list in ["containers", "initContainers"] {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        for (container, before) in containers.zip(items(&old[list])) {
            container["image"] = before["image"].clone();
        }
    }
    spec
}
