//! What the server refuses in probes and hooks of containers.

use serde_json::json;

use super::check::Check::{All, Inside, NotNegative, OneOf, Port, PortOrName, Required, With, Within};
use super::check::{Rules, Seen, items, look, text};
use super::format;
use crate::cause::Cause;

/// What only containers have that may run for long.
pub(super) const RUNNING: Rules = &[
    ("lifecycle.postStart", Inside(&[("", With(probe))])),
    ("lifecycle.preStop", Inside(&[("", With(probe))])),
    ("livenessProbe", Inside(ONCE)),
    ("readinessProbe", Inside(&[("", All(PROBE)), ("terminationGracePeriodSeconds", With(no_grace))])),
    ("startupProbe", Inside(ONCE)),
];
const PROBE: Rules = &[
    ("", With(probe)),
    ("initialDelaySeconds", NotNegative),
    ("timeoutSeconds", NotNegative),
    ("periodSeconds", NotNegative),
    ("successThreshold", NotNegative),
    ("failureThreshold", NotNegative),
    ("terminationGracePeriodSeconds", Within(1, i64::MAX, "must be greater than 0")),
];
/// A probe that need not succeed more than once.
const ONCE: Rules = &[("", All(PROBE)), ("successThreshold", Within(1, 1, "must be 1"))];
/// What a probe or a hook does.
const HANDLERS: [(&str, Rules); 5] = [
    ("exec", &[("command", Required(""))]),
    ("httpGet", &[("path", Required("")), ("port", PortOrName), ("scheme", OneOf(&["HTTP", "HTTPS"])), ("httpHeaders", With(headers))]),
    ("tcpSocket", &[("port", PortOrName)]),
    ("grpc", &[("port", Port)]),
    ("sleep", &[("", With(sleep))]),
];

/// What a probe or a hook does: exactly one thing.
pub(super) fn probe(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let given = HANDLERS.iter().filter(|(name, _)| !seen.value[*name].is_null());
    let mut count = 0;
    for (name, rules) in given {
        count += 1;
        if count == 1 {
            look(rules, &Seen { value: &seen.value[*name], old: None, at: &seen.below(name), ..*seen }, causes);
        } else {
            causes.push(Cause::forbidden(seen.below(name), "may not specify more than 1 handler type"));
        }
    }
    if count == 0 {
        causes.push(Cause::required(seen.at, "must specify a handler type"));
    }
}

/// The server does not say which header it is.
fn headers(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    for header in items(seen.value) {
        let name = text(&header["name"]);
        causes.extend(Cause::of_format(seen.at, name, format::header(name)));
    }
}

fn sleep(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let limit = seen.root["terminationGracePeriodSeconds"].as_i64().unwrap_or(30);
    let seconds = seen.value["seconds"].as_i64().unwrap_or(0);
    if !(0..=limit).contains(&seconds) {
        let words = format!("must be non-negative and less than terminationGracePeriodSeconds ({limit})");
        causes.push(Cause::invalid(seen.at, &json!(seconds), &words));
    }
}

fn no_grace(seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    if !seen.value.is_null() {
        causes.push(Cause::invalid(seen.at, seen.value, "must not be set for readinessProbes"));
    }
}
