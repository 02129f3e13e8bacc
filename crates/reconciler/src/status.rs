//! `status` of an Application, as Argo CD writes it; and the patch that makes the old one the new one.

use serde_json::{Map, Value, json};

use crate::desired::SourceType;
use crate::plan::Comparison;

/// What a turn found out.
pub struct Findings<'a> {
    /// The comparison and the commit that it is of; the error message if there is no desired state.
    pub result: Result<(&'a Comparison, &'a str, SourceType), (&'a str, String)>,
    /// Conditions beside those of the comparison: type and message.
    pub conditions: Vec<(String, String)>,
    /// The new `operationState`, if it changes.
    pub operation: Option<Value>,
    /// A new entry of the history, if there is one; its id is added here.
    pub history: Option<Value>,
    /// The time of day, as Kubernetes writes it.
    pub now: String,
}

/// The new status of the Application.
pub fn status(app: &Value, findings: Findings<'_>) -> Value {
    let old = &app["status"];
    // The longest parts are written anew, mostly.
    let anew = |name: &str| (name == "resources" && findings.result.is_ok()) || (name == "operationState" && findings.operation.is_some());
    let kept = old.as_object().into_iter().flatten().filter(|(name, _)| !anew(name));
    let mut status: Value = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    let mut conditions = findings.conditions;
    let mut compared_to = json!({"source": app["spec"]["source"], "destination": app["spec"]["destination"]});
    if app["spec"]["ignoreDifferences"].is_array() {
        compared_to["ignoreDifferences"] = app["spec"]["ignoreDifferences"].clone();
    }
    match findings.result {
        Ok((comparison, commit, source_type)) => {
            status["sync"] = json!({"status": comparison.sync().name(), "revision": commit, "comparedTo": compared_to});
            status["resources"] = comparison.resources();
            status["sourceType"] = source_type.name().into();
            let health = comparison.health();
            let mut value = json!({"status": health.status.name()});
            if !health.message.is_empty() {
                value["message"] = health.message.into();
            }
            status["health"] = since(value, &old["health"], "status", &findings.now);
            status["resourceHealthSource"] = "appTree".into();
            status["summary"] = json!({});
            conditions.extend(comparison.conditions.iter().cloned());
        }
        Err((kind, message)) => {
            // What was known stays: nothing is lost because Git cannot be read.
            status["sync"] = json!({"status": "Unknown", "comparedTo": compared_to});
            if status["health"].is_null() {
                status["health"] = since(json!({"status": "Unknown", "message": message}), &Value::Null, "status", &findings.now);
            }
            conditions.push((kind.to_owned(), message));
        }
    }
    conditions.sort();
    conditions.dedup();
    let old_conditions: Vec<Value> = old["conditions"].as_array().cloned().unwrap_or_default();
    let conditions: Vec<Value> = conditions
        .into_iter()
        .map(|(kind, message)| {
            let before = old_conditions.iter().find(|c| c["type"] == kind.as_str()).unwrap_or(&Value::Null);
            since(json!({"type": kind, "message": message}), before, "message", &findings.now)
        })
        .collect();
    if conditions.is_empty() {
        status.as_object_mut().map(|s| s.remove("conditions"));
    } else {
        status["conditions"] = conditions.into();
    }
    if let Some(operation) = findings.operation {
        status["operationState"] = operation;
    }
    if let Some(entry) = findings.history {
        let mut history: Vec<Value> = status["history"].as_array().cloned().unwrap_or_default();
        let mut entry = entry;
        entry["id"] = history.last().and_then(|h| h["id"].as_i64()).map_or(0, |id| id + 1).into();
        history.push(entry);
        let limit = app["spec"]["revisionHistoryLimit"].as_u64().and_then(|l| usize::try_from(l).ok()).unwrap_or(10);
        let surplus = history.len().saturating_sub(limit);
        history.drain(..surplus);
        status["history"] = history.into();
    }
    status
}

/// Keeps the time of the last transition if what matters did not change.
fn since(mut value: Value, before: &Value, what: &str, now: &str) -> Value {
    let same = before[what] == value[what];
    let kept = before["lastTransitionTime"].as_str().filter(|_| same);
    value["lastTransitionTime"] = kept.unwrap_or(now).into();
    value
}

/// The merge patch (RFC 7386) that makes `old` into `new`; `None` if they are equal.
pub fn patch(old: &Value, new: &Value) -> Option<Value> {
    if old == new {
        return None;
    }
    let (Value::Object(old), Value::Object(new)) = (old, new) else { return Some(new.clone()) };
    let mut out = Map::new();
    for (key, value) in new {
        match old.get(key) {
            Some(before) => {
                if let Some(change) = patch(before, value) {
                    out.insert(key.clone(), change);
                }
            }
            None => {
                out.insert(key.clone(), value.clone());
            }
        }
    }
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        out.insert(key.clone(), Value::Null);
    }
    Some(Value::Object(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_are_minimal() {
        let old = json!({"a": {"b": 1, "c": [1]}, "d": 1});
        assert_eq!(patch(&old, &old), None);
        assert_eq!(patch(&old, &json!({"a": {"b": 2, "c": [1]}})), Some(json!({"a": {"b": 2}, "d": null})));
        assert_eq!(patch(&Value::Null, &old), Some(old));
    }

    #[test]
    fn an_error_keeps_what_was_known() {
        let app = json!({"spec": {"source": {"path": "x"}, "destination": {}}, "status": {"resources": [1], "health": {"status": "Healthy"}, "sync": {"status": "Synced", "revision": "one"}}});
        let findings = || Findings {
            result: Err(("ComparisonError", "x.yaml:3: broken".into())),
            conditions: vec![],
            operation: None,
            history: None,
            now: "2026-01-01T00:00:00Z".into(),
        };
        let new = status(&app, findings());
        assert_eq!(new["resources"], json!([1]));
        assert_eq!(new["sync"]["status"], "Unknown");
        assert_eq!(new["conditions"][0]["type"], "ComparisonError");
        let mut again = app.clone();
        again["status"] = new.clone();
        assert_eq!(
            patch(&new, &status(&again, Findings { now: "2027-01-01T00:00:00Z".into(), ..findings() })),
            None,
            "nothing new, nothing to write"
        );
    }
}
