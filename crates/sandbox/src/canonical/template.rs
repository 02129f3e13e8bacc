//! What the server refuses in a Pod, as such and as the template of a workload: the table of its fields.

use serde_json::{Value, json};

use super::check::Check::{Always, Between, Choice, Each, Inside, Keys, Labels, Of, OneOf, Required, Selector, With, Within};
use super::check::{Rules, Seen, items, look, text};
use super::security::{APP_ARMOR, ID, SECCOMP};
use super::{containers, env, format, meta, resources, volume};
use crate::cause::Cause;

/// In the server's own order: of the errors of one object, this is how they stand.
const POD: Rules = &[
    ("volumes", With(volume::volumes)),
    ("resourceClaims", With(claims)),
    ("", With(containers::running)),
    ("", With(containers::first)),
    ("", With(containers::visiting)),
    ("resources", Inside(&[("claims", With(no_claims)), ("", With(resources::of_all)), ("claims", With(resources::claims))])),
    ("", With(containers::own_ports)),
    ("restartPolicy", OneOf(&["Always", "OnFailure", "Never"])),
    ("dnsPolicy", OneOf(&["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"])),
    ("nodeSelector", Labels),
    ("securityContext", Inside(SECURITY)),
    ("affinity.nodeAffinity", Inside(NODE_AFFINITY)),
    ("affinity.podAffinity", Inside(POD_AFFINITY)),
    ("affinity.podAntiAffinity", Inside(POD_AFFINITY)),
    ("", With(dns)),
    ("readinessGates", Each(&[("conditionType", Always(format::qualified))])),
    ("schedulingGates", With(gates)),
    ("topologySpreadConstraints", With(spread)),
    ("", With(host_users)),
    ("", With(host_name)),
    ("serviceAccountName", Of(format::subdomain)),
    ("nodeName", Of(format::subdomain)),
    ("activeDeadlineSeconds", Between(1, ID)),
    ("hostname", Of(format::label)),
    ("subdomain", Of(format::label)),
    ("tolerations", Each(&[("", With(toleration))])),
    (
        "hostAliases",
        Each(&[
            ("ip", Always(format::address)),
            (
                "hostnames",
                Each(&[(
                    "",
                    With(|seen, causes| {
                        causes.extend(Cause::of_format(seen.at, text(seen.value), format::subdomain(text(seen.value))));
                    }),
                )]),
            ),
        ]),
    ),
    ("priorityClassName", Of(format::subdomain)),
    ("runtimeClassName", With(class_name)),
    ("preemptionPolicy", OneOf(&["PreemptLowerPriority", "Never"])),
    ("overhead", With(overhead)),
    ("os", Inside(&[("name", Required("")), ("", With(system))])),
    ("", With(env::file_volumes)),
];

const SECURITY: Rules = &[
    ("fsGroup", Between(0, ID)),
    ("runAsUser", Between(0, ID)),
    ("runAsGroup", Between(0, ID)),
    ("supplementalGroups", Each(&[("", Between(0, ID))])),
    ("", With(one_space)),
    ("sysctls", With(settings)),
    ("fsGroupChangePolicy", OneOf(&["Always", "OnRootMismatch"])),
    ("seccompProfile", Inside(SECCOMP)),
    ("appArmorProfile", Inside(APP_ARMOR)),
    ("supplementalGroupsPolicy", OneOf(&["Merge", "Strict"])),
    ("seLinuxChangePolicy", OneOf(&["Recursive"])),
];

const WEIGHT: &str = "must be in the range 1-100";
const NODE_AFFINITY: Rules = &[
    (
        "requiredDuringSchedulingIgnoredDuringExecution",
        Inside(&[("nodeSelectorTerms", Required("must have at least one node selector term")), ("nodeSelectorTerms", Each(NODE_TERM))]),
    ),
    ("preferredDuringSchedulingIgnoredDuringExecution", Each(&[("weight", Within(1, 100, WEIGHT)), ("preference", Inside(NODE_WISH))])),
];
const NODE_TERM: Rules = &[("matchExpressions", Each(&[("", With(node_expression))])), ("matchFields", Each(&[("", With(node_field))]))];
/// A wish may ask for values that no label can have; the server only warns of it.
const NODE_WISH: Rules = &[("matchExpressions", Each(&[("", With(node_wish))])), ("matchFields", Each(&[("", With(node_field))]))];
const POD_AFFINITY: Rules = &[
    ("requiredDuringSchedulingIgnoredDuringExecution", Each(POD_TERM)),
    ("preferredDuringSchedulingIgnoredDuringExecution", Each(&[("weight", Within(1, 100, WEIGHT)), ("podAffinityTerm", Inside(POD_TERM))])),
];
const POD_TERM: Rules = &[
    ("labelSelector", Selector),
    ("namespaceSelector", Selector),
    ("", With(namespaces)),
    ("", With(label_keys)),
    ("topologyKey", Required("can not be empty")),
    ("topologyKey", Always(format::qualified)),
];
const SPREAD: Rules = &[
    ("maxSkew", Within(1, i64::MAX, "must be greater than zero")),
    ("topologyKey", Required("can not be empty")),
    ("whenUnsatisfiable", Choice(&["DoNotSchedule", "ScheduleAnyway"])),
];
/// What is looked at behind the pair of key and action.
const SPREAD_MORE: Rules = &[
    ("minDomains", Within(1, i64::MAX, "must be greater than zero")),
    ("", With(domains)),
    ("nodeAffinityPolicy", OneOf(&["Honor", "Ignore"])),
    ("nodeTaintsPolicy", OneOf(&["Honor", "Ignore"])),
    ("", With(label_keys)),
    ("labelSelector", Selector),
];

/// All that is wrong with a Pod's spec, which stands at `at`.
pub(super) fn spec(spec: &Value, at: &str, causes: &mut Vec<Cause>) {
    look(POD, &Seen { value: spec, old: None, root: spec, shown: spec, at }, causes);
}

/// All that is wrong with a template.
pub(super) fn template(template: &Value, at: &str, causes: &mut Vec<Cause>) {
    maps(template, at, causes);
    spec(&template["spec"], &format!("{at}.spec"), causes);
    if !items(&template["spec"]["ephemeralContainers"]).is_empty() {
        causes.push(Cause::forbidden(format!("{at}.spec.ephemeralContainers"), "ephemeral containers not allowed in pod template"));
    }
}

/// The labels and annotations of a template.
pub(super) fn maps(template: &Value, at: &str, causes: &mut Vec<Cause>) {
    meta::labels(&template["metadata"]["labels"], &format!("{at}.labels"), causes);
    meta::annotations(&template["metadata"]["annotations"], &format!("{at}.annotations"), causes);
}

fn class_name(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if let Some(name) = seen.value.as_str() {
        causes.extend(Cause::of_format(seen.at, name, format::subdomain(name)));
    }
}

/// The claims to devices that a Pod's containers can name.
fn claims(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let all = items(seen.value);
    for (index, claim) in all.iter().enumerate() {
        let (name, at) = (text(&claim["name"]), format!("{}[{index}]", seen.at));
        let from = ["resourceClaimName", "resourceClaimTemplateName"];
        if name.is_empty() {
            causes.push(Cause::required(format!("{at}.name"), ""));
        } else if all[..index].iter().any(|other| other["name"] == name) {
            causes.push(Cause::duplicate(format!("{at}.name"), &json!(name)));
        } else {
            causes.extend(Cause::of_format(format!("{at}.name"), name, format::label(name)));
        }
        let shown = || super::shown::internal(claim, "core.PodResourceClaim");
        match from.iter().filter(|field| !claim[**field].is_null()).count() {
            0 => causes.push(Cause::shown(&at, &shown(), "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`")),
            1 => {}
            _ => {
                let detail = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified";
                causes.push(Cause::shown(&at, &shown(), detail));
            }
        }
        for field in from {
            if let Some(name) = claim[field].as_str() {
                causes.extend(Cause::of_format(format!("{at}.{field}"), name, format::subdomain(name)));
            }
        }
    }
}

fn no_claims(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if !seen.value.is_null() {
        causes.push(Cause::forbidden(seen.at, "claims may not be set for Resources at pod-level"));
    }
}

fn overhead(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if !seen.value.is_null() {
        resources::resources(&Seen { value: &json!({"limits": seen.value}), ..*seen }, causes);
    }
}

fn system(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let name = &seen.value["name"];
    if !matches!(text(name), "" | "linux" | "windows") {
        causes.push(Cause::unsupported(seen.at, name, &["linux", "windows"]));
    }
}

fn gates(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let all = items(seen.value);
    for (index, gate) in all.iter().enumerate() {
        let (name, at) = (text(&gate["name"]), format!("{}[{index}]", seen.at));
        causes.extend(Cause::of_format(&at, name, format::qualified(name)));
        if all[..index].iter().any(|other| text(&other["name"]) == name) {
            causes.push(Cause::duplicate(at, &json!(name)));
        }
    }
}

/// Processes are shared within the Pod, or with the host.
fn one_space(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if seen.root["shareProcessNamespace"] == true && seen.root["hostPID"] == true {
        let at = seen.below("shareProcessNamespace");
        causes.push(Cause::invalid(at, &json!(true), "ShareProcessNamespace and HostPID cannot both be enabled"));
    }
}

fn settings(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let all = items(seen.value);
    for (index, one) in all.iter().enumerate() {
        let (name, at) = (text(&one["name"]), format!("{}[{index}].name", seen.at));
        let wrong = format::setting(name);
        if name.is_empty() {
            causes.push(Cause::required(at, ""));
        } else if !wrong.is_empty() {
            causes.extend(Cause::of_format(at, name, wrong));
        } else if all[..index].iter().any(|other| other["name"] == name) {
            causes.push(Cause::duplicate(at, &json!(name)));
        }
    }
}

/// The name that the Pod takes itself for.
fn host_name(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let Some(name) = seen.value["hostnameOverride"].as_str() else { return };
    let at = seen.below("hostnameOverride");
    for field in ["setHostnameAsFQDN", "hostNetwork"] {
        if seen.value[field] == true {
            causes.push(Cause::forbidden(&at, &format!("may not be specified when {field} is true")));
        }
    }
    if name.len() > 64 {
        causes.push(Cause::too_long(&at, 64));
    }
    causes.extend(Cause::of_format(&at, name, format::subdomain(name)));
}

/// Who has users of its own shares nothing with the host.
fn host_users(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let own = seen.value["hostUsers"] == false;
    for (field, told) in [("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")] {
        if own && seen.value[field] == true {
            causes.push(Cause::forbidden(seen.below(told), "when `hostUsers` is false"));
        }
    }
}

fn dns(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (own, config) = (seen.value["dnsPolicy"] == "None", &seen.value["dnsConfig"]);
    let at = seen.below("dnsConfig");
    if own && config.is_null() {
        return causes.push(Cause::required(at, "must provide `dnsConfig` when `dnsPolicy` is None"));
    }
    if own && items(&config["nameservers"]).is_empty() {
        let detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
        return causes.push(Cause::required(format!("{at}.nameservers"), detail));
    }
    for (field, most, what) in [("nameservers", 3, "nameservers"), ("searches", 32, "search paths")] {
        if items(&config[field]).len() > most {
            causes.push(Cause::invalid(format!("{at}.{field}"), &config[field], &format!("must not have more than {most} {what}")));
        }
        for (index, one) in items(&config[field]).iter().map(text).enumerate() {
            let wrong = if field == "searches" { format::search(one) } else { format::address(one) };
            causes.extend(Cause::of_format(format_args!("{at}.{field}[{index}]"), one, wrong));
        }
    }
    for (index, _) in items(&config["options"]).iter().enumerate().filter(|(_, option)| text(&option["name"]).is_empty()) {
        causes.push(Cause::required(format!("{at}.options[{index}]"), "must not be empty"));
    }
}

/// The server does not say which namespace it is.
fn namespaces(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    for name in seen.items("namespaces").iter().map(text) {
        causes.extend(Cause::of_format(seen.below("namespace"), name, format::label(name)));
    }
}

/// The labels that a Pod takes into a selector from its own, or keeps out of it.
fn label_keys(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    for field in ["matchLabelKeys", "mismatchLabelKeys"] {
        let (keys, at) = (seen.items(field), seen.below(field));
        if !keys.is_empty() && seen.value["labelSelector"].is_null() {
            causes.push(Cause::forbidden(&at, "must not be specified when labelSelector is not set"));
            continue;
        }
        for (index, key) in keys.iter().map(text).enumerate() {
            causes.extend(Cause::of_format(format_args!("{at}[{index}]"), key, format::qualified(key)));
        }
    }
    let others = seen.items("mismatchLabelKeys");
    for (index, key) in seen.items("matchLabelKeys").iter().enumerate().filter(|(_, key)| others.contains(key)) {
        let at = seen.below(&format!("matchLabelKeys[{index}]"));
        causes.push(Cause::invalid(at, key, "exists in both matchLabelKeys and mismatchLabelKeys"));
    }
}

fn domains(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (least, action) = (&seen.value["minDomains"], text(&seen.value["whenUnsatisfiable"]));
    if !least.is_null() && action != "DoNotSchedule" {
        let detail = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
        causes.push(Cause::invalid(seen.below("minDomains"), least, &detail));
    }
}

/// A node's name is the one field of it that can be asked for.
fn node_field(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let (operator, key, values) = (&seen.value["operator"], &seen.value["key"], seen.items("values"));
    if !matches!(text(operator), "In" | "NotIn") {
        causes.push(Cause::invalid(seen.below("operator"), operator, "not a valid selector operator"));
    } else if values.len() != 1 {
        let detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
        causes.push(Cause::required(seen.below("values"), detail));
    }
    if key != "metadata.name" {
        return causes.push(Cause::invalid(seen.below("key"), &json!(text(key)), "not a valid field selector key"));
    }
    for (index, name) in values.iter().map(text).enumerate() {
        causes.extend(Cause::of_format(seen.below(&format!("values[{index}]")), name, format::subdomain(name)));
    }
}

fn node_expression(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    node_wish(seen, causes);
    meta::label_values(seen.value, seen.at, causes);
}

fn node_wish(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if !matches!(text(&seen.value["operator"]), "Gt" | "Lt") {
        meta::operator(seen.value, seen.at, causes);
    } else if seen.items("values").len() != 1 {
        causes.push(Cause::required(seen.below("values"), "must be specified single value when `operator` is 'Lt' or 'Gt'"));
    }
    meta::key(seen.value, seen.at, causes);
}

fn spread(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let all = items(seen.value);
    for (index, one) in all.iter().enumerate() {
        let at = format!("{}[{index}]", seen.at);
        look(SPREAD, &Seen { value: one, at: &at, ..*seen }, causes);
        let pair = |one: &Value| format!("{{{}, {}}}", text(&one["topologyKey"]), text(&one["whenUnsatisfiable"]));
        if all[index + 1..].iter().any(|other| pair(other) == pair(one)) {
            causes.push(Cause::duplicate(format!("{at}.{{topologyKey, whenUnsatisfiable}}"), &json!(pair(one))));
        }
        look(SPREAD_MORE, &Seen { value: one, at: &at, ..*seen }, causes);
    }
}

fn toleration(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let field = |name: &str| &seen.value[name];
    let (key, operator, effect) = (text(field("key")), text(field("operator")), text(field("effect")));
    if !key.is_empty() {
        causes.extend(Cause::of_format(seen.below("key"), key, format::qualified(key)));
    } else if operator != "Exists" {
        let words = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        causes.push(Cause::invalid(seen.below("operator"), &json!(operator), words));
    }
    if !field("tolerationSeconds").is_null() && effect != "NoExecute" {
        causes.push(Cause::invalid(seen.below("effect"), &json!(effect), "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    }
    let value = text(field("value"));
    match operator {
        "" | "Equal" => causes.extend(Cause::of_format(seen.below("operator"), value, format::label_value(value))),
        "Exists" if !value.is_empty() => {
            causes.push(Cause::invalid(seen.below("operator"), &json!(value), "value must be empty when `operator` is 'Exists'"));
        }
        "Exists" => {}
        // Of these servers know, but only when they are told to.
        "Lt" | "Gt" => causes.push(Cause::unsupported(seen.below("operator"), field("operator"), &["Equal", "Exists", "Lt", "Gt"])),
        _ => causes.push(Cause::unsupported(seen.below("operator"), field("operator"), &["Equal", "Exists"])),
    }
    look(&[("effect", OneOf(&["NoSchedule", "PreferNoSchedule", "NoExecute"]))], seen, causes);
}

/// The keys that a map's values stand under, which become files.
pub(super) const DATA: Rules = &[("", Keys(format::file_name))];
