//! What the server refuses in Jobs, and in the template of a CronJob's.

use serde_json::{Value, json};

use super::check::Check::{All, Immutable, Inside, NotNegative, OneOf, With};
use super::check::{Rules, Seen, items, look, text};
use super::{format, meta, shown, template as pods};
use crate::cause::Cause;
use crate::schedule;

/// What a Job and a CronJob's template both hold to.
pub(super) const SPEC: Rules = &[
    ("parallelism", NotNegative),
    ("completions", NotNegative),
    ("activeDeadlineSeconds", NotNegative),
    ("backoffLimit", NotNegative),
    ("ttlSecondsAfterFinished", NotNegative),
    ("backoffLimitPerIndex", NotNegative),
    ("maxFailedIndexes", NotNegative),
    ("", With(limit_of_each)),
    ("managedBy", With(managed_by)),
    ("completionMode", OneOf(&["NonIndexed", "Indexed"])),
    ("", With(indexed)),
    ("podFailurePolicy", Inside(&[("rules", With(few)), ("", With(failures))])),
    ("", With(success)),
    ("", With(replacement)),
    ("template", With(template)),
];
/// What only a Job has.
const OWN: Rules = &[("", All(SPEC)), ("", With(selector))];

/// The spec of a Job; a change has it looked at twice, which tells what is wrong twice.
pub(super) fn spec(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let before = causes.len();
    look(OWN, seen, causes);
    if seen.old.is_some() {
        causes.extend_from_within(before..);
    }
}

const UID: &str = "batch.kubernetes.io/controller-uid";

/// A Job finds its Pods by its own uid, unless it says otherwise.
pub(super) fn generated_selector(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (spec, uid, name) = (&seen.value["spec"], &seen.value["metadata"]["uid"], &seen.value["metadata"]["name"]);
    if spec["manualSelector"] == true || uid.is_null() || spec["selector"].is_null() {
        return;
    }
    let labels = &spec["template"]["metadata"]["labels"];
    let own = [("controller-uid", uid), ("job-name", name), (UID, uid), ("batch.kubernetes.io/job-name", name)];
    for (key, value) in own {
        let (at, detail) = (format!("spec.template.metadata.labels[{key}]"), format!("must be '{}'", text(value)));
        if labels[key].is_null() {
            causes.push(Cause::required(at, &detail));
        } else if labels[key] != *value {
            causes.push(Cause::invalid(at, labels, &detail));
        }
    }
    let expected: Value = own.iter().map(|(key, value)| ((*key).to_owned(), (*value).clone())).collect::<serde_json::Map<_, _>>().into();
    if meta::is_selector(&spec["selector"]) && !meta::selects(&spec["selector"], &expected) {
        causes.push(Cause::invalid("spec.selector", &spec["selector"], "`selector` not auto-generated"));
    }
}

/// What a Job selects are the Pods that it makes.
fn selector(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (selector, labels) = (&seen.value["selector"], &seen.value["template"]["metadata"]["labels"]);
    if selector.is_null() {
        causes.push(Cause::required(seen.below("selector"), ""));
    } else {
        meta::selector(selector, &seen.below("selector"), causes);
    }
    if meta::is_selector(selector) && !meta::selects(selector, labels) {
        let at = seen.below("template.metadata.labels");
        causes.push(Cause::invalid(at, labels, "`selector` does not match template `labels`"));
    }
}

fn limit_of_each(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if !seen.value["maxFailedIndexes"].is_null() && seen.value["backoffLimitPerIndex"].is_null() {
        causes.push(Cause::required(seen.below("backoffLimitPerIndex"), "when maxFailedIndexes is specified"));
    }
}

/// Whose Job it is: a domain, and what it calls it.
fn managed_by(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let Some(manager) = seen.value.as_str() else { return };
    match manager.split_once('/') {
        _ if manager.is_empty() => causes.push(Cause::required(seen.at, "")),
        Some((host, path)) if !host.is_empty() && !path.is_empty() => {
            causes.extend(Cause::of_format(seen.at, host, format::subdomain(host)));
            causes.extend(Cause::of_format(seen.at, path, format::path_of_address(path)));
        }
        _ => causes.push(Cause::invalid(seen.at, seen.value, "must be a domain-prefixed path (such as \"acme.io/foo\")")),
    }
    if manager.len() > 63 {
        causes.push(Cause::too_long(seen.at, 63));
    }
}

/// How much an indexed Job may have.
const MOST: i64 = 100_000;

/// What only an indexed Job can have, and must.
fn indexed(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let field = |name: &str| &seen.value[name];
    let (completions, failed) = (field("completions"), field("maxFailedIndexes"));
    if field("completionMode") == "Indexed" {
        if completions.is_null() {
            causes.push(Cause::required(seen.below("completions"), "when completion mode is Indexed"));
        }
        if field("parallelism").as_i64().is_some_and(|number| number > MOST) {
            let detail = format!("must be less than or equal to {MOST} when completion mode is Indexed");
            causes.push(Cause::invalid(seen.below("parallelism"), field("parallelism"), &detail));
        }
        if completions.as_i64().is_some_and(|all| failed.as_i64().is_some_and(|failed| failed > all)) {
            causes.push(Cause::invalid(seen.below("maxFailedIndexes"), failed, "must be less than or equal to completions"));
        }
        if failed.as_i64().is_some_and(|failed| failed > MOST) {
            causes.push(Cause::invalid(seen.below("maxFailedIndexes"), failed, &format!("must be less than or equal to {MOST}")));
        }
    } else if matches!(text(field("completionMode")), "" | "NonIndexed") {
        for name in ["backoffLimitPerIndex", "maxFailedIndexes"].iter().filter(|name| !field(name).is_null()) {
            causes.push(Cause::invalid(seen.below(name), field(name), "requires indexed completion mode"));
        }
    }
}

/// How many rules there may be.
const RULES: usize = 20;

fn few(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let count = items(seen.value).len();
    if count > RULES {
        causes.push(Cause::too_many(seen.at, count, RULES));
    }
}

const ACTIONS: &[&str] = &["Count", "FailIndex", "FailJob", "Ignore"];
const OPERATORS: &[&str] = &["In", "NotIn"];
const STATUS: &[&str] = &["False", "True", "Unknown"];

/// One of these words, or the words for which they are.
fn choice(value: &Value, at: String, words: &[&str], causes: &mut Vec<Cause>) {
    let shown: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    match text(value) {
        "" => causes.push(Cause::required(at, &format!("valid values: [{}]", shown.join(" ")))),
        word if words.contains(&word) => {}
        _ => causes.push(Cause::unsupported(at, value, words)),
    }
}

/// What becomes of a Job by how its Pods fail.
fn failures(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let job = job_of(seen);
    for (index, rule) in seen.items("rules").iter().enumerate() {
        let at = seen.below(&format!("rules[{index}]"));
        let shown = &seen.shown["rules"][index]["onExitCodes"]["values"];
        let action = &rule["action"];
        if action != "FailIndex" {
            choice(action, format!("{at}.action"), ACTIONS, causes);
        } else if job["backoffLimitPerIndex"].is_null() {
            causes.push(Cause::invalid(format!("{at}.action"), action, "requires the backoffLimitPerIndex to be set"));
        }
        let (codes, conditions) = (&rule["onExitCodes"], items(&rule["onPodConditions"]));
        if !codes.is_null() {
            exit_codes((codes, shown), &job["template"]["spec"], &format!("{at}.onExitCodes"), causes);
        }
        if conditions.len() > RULES {
            causes.push(Cause::too_many(format!("{at}.onPodConditions"), conditions.len(), RULES));
        }
        for (place, pattern) in conditions.iter().enumerate() {
            let (kind, at) = (text(&pattern["type"]), format!("{at}.onPodConditions[{place}]"));
            causes.extend(Cause::of_format(format!("{at}.type"), kind, format::qualified(kind)));
            choice(&pattern["status"], format!("{at}.status"), STATUS, causes);
        }
        match (codes.is_null(), conditions.is_empty()) {
            (false, false) => causes.push(Cause::shown(at, "specifying both OnExitCodes and OnPodConditions is not supported", "")),
            (true, true) => causes.push(Cause::shown(at, "specifying one of OnExitCodes and OnPodConditions is required", "")),
            _ => {}
        }
    }
}

/// The spec of the Job in which something stands.
fn job_of<'a>(seen: &Seen<'a>) -> &'a Value {
    let spec = &seen.root["spec"];
    if spec["jobTemplate"].is_null() { spec } else { &spec["jobTemplate"]["spec"] }
}

fn exit_codes((codes, shown): (&Value, &Value), pod: &Value, at: &str, causes: &mut Vec<Cause>) {
    choice(&codes["operator"], format!("{at}.operator"), OPERATORS, causes);
    let name = &codes["containerName"];
    let containers = || items(&pod["containers"]).iter().chain(items(&pod["initContainers"]));
    if !name.is_null() && containers().all(|container| container["name"] != *name) {
        let detail = "must be one of the container or initContainer names in the pod template";
        causes.push(Cause::invalid(format!("{at}.containerName"), name, detail));
    }
    let (values, at) = (items(&codes["values"]), format!("{at}.values"));
    if values.is_empty() {
        causes.push(Cause::invalid(&at, shown, "at least one value is required"));
    }
    for (index, value) in values.iter().enumerate() {
        if codes["operator"] == "In" && *value == json!(0) {
            causes.push(Cause::invalid(format!("{at}[{index}]"), value, "must not be 0 for the In operator"));
        }
        if values[..index].contains(value) {
            causes.push(Cause::duplicate(format!("{at}[{index}]"), value));
        }
    }
    if values.windows(2).any(|pair| pair[0].as_i64() > pair[1].as_i64()) {
        causes.push(Cause::invalid(at, &codes["values"], "must be ordered"));
    }
}

/// When an indexed Job has succeeded before all of it has.
fn success(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (policy, at) = (&seen.value["successPolicy"], seen.below("successPolicy"));
    if policy.is_null() {
        return;
    }
    if seen.value["completionMode"] != "Indexed" {
        let shown = shown::internal(policy, "batch.SuccessPolicy");
        return causes.push(Cause::shown(at, &shown, "requires indexed completion mode"));
    }
    let rules = items(&policy["rules"]);
    if rules.is_empty() {
        causes.push(Cause::required(format!("{at}.rules"), "at least one rules must be specified when the successPolicy is specified"));
    } else if rules.len() > RULES {
        causes.push(Cause::too_many(format!("{at}.rules"), rules.len(), RULES));
    }
    let all = seen.value["completions"].as_i64().unwrap_or(0);
    for (index, rule) in rules.iter().enumerate() {
        let (at, count) = (format!("{at}.rules[{index}]"), &rule["succeededCount"]);
        if count.is_null() && rule["succeededIndexes"].is_null() {
            causes.push(Cause::required(&at, "at least one of succeededCount or succeededIndexes must be specified"));
        }
        look(&[("succeededCount", NotNegative)], &Seen { value: rule, old: None, at: &at, ..*seen }, causes);
        if count.as_i64().is_some_and(|count| count > all) {
            let detail = format!("must be less than or equal to {all} (the number of specified completions)");
            causes.push(Cause::invalid(format!("{at}.succeededCount"), count, &detail));
        }
    }
}

/// When a Pod that goes is replaced.
fn replacement(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let known: &[&str] = if seen.value["podFailurePolicy"].is_null() { &["Failed", "TerminatingOrFailed"] } else { &["Failed"] };
    let (policy, at) = (&seen.value["podReplacementPolicy"], seen.below("podReplacementPolicy"));
    if !policy.is_null() && !known.contains(&text(policy)) {
        causes.push(Cause::unsupported(at, policy, known));
    }
}

/// The template of Pods that come to an end.
fn template(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    pods::template(seen.value, seen.at, causes);
    let (policy, at) = (&seen.value["spec"]["restartPolicy"], seen.below("spec.restartPolicy"));
    match text(policy) {
        "" | "Always" => causes.push(Cause::required(at, "valid values: \"OnFailure\", \"Never\"")),
        "OnFailure" if !job_of(seen)["podFailurePolicy"].is_null() => {
            causes.push(Cause::invalid(at, policy, "only \"Never\" is supported when podFailurePolicy is specified"));
        }
        "Never" | "OnFailure" => {}
        _ => causes.push(Cause::unsupported(at, policy, &["OnFailure", "Never"])),
    }
}

/// Each Pod of an indexed Job is called after it.
pub(super) fn name(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (spec, name) = (&seen.value["spec"], &seen.value["metadata"]["name"]);
    let last = spec["completions"].as_i64().filter(|all| *all > 0 && spec["completionMode"] == "Indexed").map(|all| all - 1);
    let host = last.map(|last| format!("{}-{last}", text(name)));
    if let Some(host) = host.filter(|host| !format::label(host).is_empty()) {
        let detail = format!("will not able to create pod with invalid DNS label: {host}");
        causes.push(Cause::invalid("metadata.name", name, &detail));
    }
}

/// What can be another in the template of a Job that has not begun.
const DIRECTIVES: [&str; 4] = ["affinity", "nodeSelector", "tolerations", "schedulingGates"];

/// Little of a Job can change.
pub(super) fn update(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let Some(old) = seen.old else { return };
    let (spec, before) = (&seen.value["spec"], &old["spec"]);
    let (completions, parallelism) = (&spec["completions"], &spec["parallelism"]);
    if spec["completionMode"] != "Indexed" {
        look(&[("spec.completions", Immutable)], seen, causes);
    } else if *completions != before["completions"] && !completions.is_null() && completions != parallelism {
        causes.push(Cause::invalid("spec.completions", completions, "can only be modified in tandem with spec.parallelism"));
    }
    look(&[("spec.selector", Immutable)], seen, causes);
    kept_template(seen, old, causes);
    let kept: Rules = &[
        ("spec.completionMode", Immutable),
        ("spec.podFailurePolicy", With(|seen, causes| kept(seen, "batch.PodFailurePolicy", causes))),
        ("spec.backoffLimitPerIndex", Immutable),
        ("spec.managedBy", Immutable),
        ("spec.successPolicy", With(|seen, causes| kept(seen, "batch.SuccessPolicy", causes))),
    ];
    look(kept, seen, causes);
}

/// A Job's template stays. While the Job is suspended and nothing of it runs, only what its Pods are stays, not where they run, with how much, and what is
/// said of them.
fn kept_template(seen: &Seen<'_>, old: &Value, causes: &mut Vec<Cause>) {
    let (given, before, shown) = (&seen.value["spec"]["template"], &old["spec"]["template"], &seen.shown["spec"]["template"]);
    let status = &old["status"];
    let is_suspended = |condition: &Value| condition["type"] == "Suspended" && condition["status"] == "True";
    let rests = status["startTime"].is_null() || items(&status["conditions"]).iter().any(is_suspended);
    let (same, part, of, shown) = if old["spec"]["suspend"] == true && rests && status["active"].as_i64().unwrap_or(0) == 0 {
        (settled(&given["spec"]) == settled(&before["spec"]), "spec.template.spec", "core.PodSpec", &shown["spec"])
    } else {
        (given == before, "spec.template", "core.PodTemplateSpec", shown)
    };
    if !same {
        causes.push(Cause::shown(part, &shown::internal(shown, of), "field is immutable"));
    }
}

/// What stays of a Pod that has not begun.
fn settled(pod: &Value) -> Value {
    let mut pod = pod.clone();
    if let Some(fields) = pod.as_object_mut() {
        fields.retain(|field, _| !DIRECTIVES.contains(&field.as_str()));
    }
    for list in ["containers", "initContainers"] {
        for container in pod[list].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            container.remove("resources");
        }
    }
    pod
}

/// A field that stays, shown as the server's own type has it.
fn kept(seen: &Seen<'_>, message: &str, causes: &mut Vec<Cause>) {
    if seen.old.is_some_and(|old| old != seen.value) {
        let shown = if seen.value.is_null() { "null".to_owned() } else { shown::internal(seen.value, message) };
        causes.push(Cause::shown(seen.at, &shown, "field is immutable"));
    }
}

/// What only a CronJob's template cannot have.
pub(super) const TEMPLATE: Rules =
    &[("spec", Inside(SPEC)), ("spec.selector", With(no_selector)), ("spec.manualSelector", With(no_manual_selector))];

fn no_selector(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if !seen.value.is_null() {
        causes.push(Cause::invalid(seen.at, seen.value, "`selector` will be auto-generated"));
    }
}

fn no_manual_selector(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if seen.value == true {
        causes.push(Cause::unsupported(seen.at, seen.value, &["nil", "false"]));
    }
}

/// The zone of a CronJob.
pub(super) fn time_zone(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let Some(zone) = seen.value.as_str().filter(|_| seen.old.is_none_or(|old| old != seen.value)) else { return };
    if zone.is_empty() {
        causes.push(Cause::invalid(seen.at, seen.value, "timeZone must be nil or non-empty string"));
    } else if zone.eq_ignore_ascii_case("local") {
        let detail = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
        causes.push(Cause::invalid(seen.at, seen.value, detail));
    } else if schedule::zone(zone).is_none() {
        causes.push(Cause::invalid(seen.at, seen.value, &format!("unknown time zone {zone}")));
    }
}
