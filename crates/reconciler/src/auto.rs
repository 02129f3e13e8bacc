//! Automated sync: whether to start an operation, and why not.

use std::time::Duration;

use serde_json::{Value, json};

use crate::plan::{Comparison, Sync};

/// What automated sync does now.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Nothing.
    Nothing,
    /// Starts this operation (`operation`, as a user would set it).
    Start(Value),
    /// Undoes a drift after this time: it came back soon after it was undone.
    Later(Duration),
    /// Does not start, for a reason that the user should know: a `SyncError`.
    Refuse(String),
}

/// The pauses between one undoing of a drift and the next of the same drift.
const PAUSES: [u64; 6] = [0, 2, 6, 18, 54, 120];

/// How long to wait before the same drift is undone once more: it was undone `times` times, `since` ago the last time.
pub fn pause(times: u32, since: Duration) -> Duration {
    let index = usize::try_from(times).unwrap_or(usize::MAX).min(PAUSES.len() - 1);
    Duration::from_secs(PAUSES[index]).saturating_sub(since)
}

/// Decides. `commit` is what the comparison is of; `healed` tells how often the present drift was undone before, and
/// how long ago.
pub fn decide(app: &Value, comparison: &Comparison, commit: &str, healed: (u32, Duration)) -> Decision {
    let policy = &app["spec"]["syncPolicy"]["automated"];
    if !policy.is_object() || policy["enabled"] == false || comparison.sync() != Sync::OutOfSync {
        return Decision::Nothing;
    }
    let on = |field: &str| policy[field].as_bool().unwrap_or_default();
    if !comparison.has_work(on("prune")) {
        return Decision::Nothing;
    }
    if on("prune") && !on("allowEmpty") && comparison.wipes_out() {
        return Decision::Refuse(format!(
            "Skipping sync attempt to {commit}: auto-sync will wipe out all resources. Nothing was deleted; if it is meant, set spec.syncPolicy.automated.allowEmpty to true, or sync by hand with prune"
        ));
    }
    let last = &app["status"]["operationState"];
    let source = &app["spec"]["source"];
    let attempted =
        last["syncResult"]["revision"] == commit && last["syncResult"]["source"] == *source && last["operation"]["sync"]["dryRun"] != true;
    let mut sync = json!({"revision": commit, "source": source});
    if on("prune") {
        sync["prune"] = true.into();
    }
    if let Some(options) = app["spec"]["syncPolicy"]["syncOptions"].as_array().filter(|o| !o.is_empty()) {
        sync["syncOptions"] = options.clone().into();
    }
    if attempted {
        match last["phase"].as_str() {
            Some("Succeeded") if on("selfHeal") => {
                let wait = pause(healed.0, healed.1);
                if !wait.is_zero() {
                    return Decision::Later(wait);
                }
                let drifted = comparison
                    .objects
                    .iter()
                    .filter(|c| c.sync == Sync::OutOfSync && c.foreign.is_none() && (!c.requires_pruning || on("prune")));
                let resources: Vec<Value> = drifted.map(selected).collect();
                sync["resources"] = resources.into();
                sync["autoHealAttemptsCount"] = (healed.0 + 1).into();
            }
            Some("Failed" | "Error") => {
                return Decision::Refuse(format!("Failed last sync attempt to {commit}: {}", last["message"].as_str().unwrap_or_default()));
            }
            _ => return Decision::Nothing,
        }
    }
    let retry = match &app["spec"]["syncPolicy"]["retry"] {
        Value::Object(retry) => Value::Object(retry.clone()),
        _ => json!({"limit": 5}),
    };
    Decision::Start(json!({"initiatedBy": {"automated": true}, "retry": retry, "sync": sync}))
}

fn selected(compared: &crate::plan::Compared) -> Value {
    let mut one = json!({"kind": compared.key.kind, "name": compared.key.name, "namespace": compared.key.namespace});
    if !compared.key.group.is_empty() {
        one["group"] = compared.key.group.clone().into();
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Comparison, Holdings};
    use crate::tracking;
    use std::sync::Arc;

    fn config(name: &str, value: &str) -> Value {
        let mut object =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "demo"}, "data": {"k": value}});
        tracking::stamp(&mut object, "demo");
        object
    }

    fn holdings(objects: &[Value]) -> Holdings {
        Holdings {
            objects: objects.iter().map(|o| (crate::resource::ObjectKey::of(o), Arc::new(o.clone()))).collect(),
            ..Holdings::default()
        }
    }

    fn compare(desired: &[Value], holdings: &Holdings) -> Comparison {
        let desired: Vec<Arc<Value>> = desired.iter().cloned().map(Arc::new).collect();
        crate::plan::compare("demo", &desired, holdings, &Comparison::default())
    }

    fn app(policy: &Value, last: &Value) -> Value {
        json!({"spec": {"source": {"path": "app"}, "syncPolicy": {"automated": policy}}, "status": {"operationState": last}})
    }

    fn last(revision: &str, phase: &str) -> Value {
        json!({"phase": phase, "message": "m", "syncResult": {"revision": revision, "source": {"path": "app"}}})
    }

    const NEVER: (u32, Duration) = (0, Duration::ZERO);

    #[test]
    fn table() {
        let drift = compare(&[config("a", "1")], &holdings(&[config("a", "2")]));
        let surplus = compare(&[config("a", "1")], &holdings(&[config("a", "1"), config("b", "1")]));
        let empty = compare(&[], &holdings(&[config("a", "1")]));
        let heal = json!({"prune": true, "selfHeal": true});
        assert_eq!(decide(&app(&Value::Null, &Value::Null), &drift, "two", NEVER), Decision::Nothing);
        assert_eq!(decide(&app(&json!({"enabled": false}), &Value::Null), &drift, "two", NEVER), Decision::Nothing);
        assert!(
            matches!(decide(&app(&json!({}), &last("one", "Succeeded")), &drift, "two", NEVER), Decision::Start(op) if op["retry"]["limit"] == 5 && op["sync"]["prune"].is_null())
        );
        assert_eq!(decide(&app(&json!({}), &last("two", "Succeeded")), &drift, "two", NEVER), Decision::Nothing);
        assert!(
            matches!(decide(&app(&heal, &last("two", "Succeeded")), &drift, "two", NEVER), Decision::Start(op) if op["sync"]["resources"][0]["name"] == "a")
        );
        assert_eq!(
            decide(&app(&heal, &last("two", "Succeeded")), &drift, "two", (2, Duration::from_secs(1))),
            Decision::Later(Duration::from_secs(5))
        );
        assert!(
            matches!(decide(&app(&heal, &last("two", "Failed")), &drift, "two", NEVER), Decision::Refuse(why) if why == "Failed last sync attempt to two: m")
        );
        assert_eq!(decide(&app(&json!({}), &last("one", "Succeeded")), &surplus, "two", NEVER), Decision::Nothing);
        assert!(matches!(decide(&app(&json!({"prune": true}), &last("one", "Succeeded")), &surplus, "two", NEVER), Decision::Start(_)));
        assert!(
            matches!(decide(&app(&heal, &last("one", "Succeeded")), &empty, "two", NEVER), Decision::Refuse(why) if why.contains("wipe out all resources") && why.contains("allowEmpty"))
        );
        assert!(matches!(
            decide(&app(&json!({"prune": true, "allowEmpty": true}), &last("one", "Succeeded")), &empty, "two", NEVER),
            Decision::Start(_)
        ));
    }

    #[test]
    fn what_is_unknown_is_not_absent() {
        let mut unknown = holdings(&[]);
        unknown.unknown.insert(crate::live::Gvk { group: String::new(), version: "v1".into(), kind: "ConfigMap".into() }, "timeout".into());
        let comparison = compare(&[config("a", "1")], &unknown);
        assert_eq!(comparison.sync(), Sync::Unknown);
        assert_eq!(decide(&app(&json!({"prune": true, "selfHeal": true}), &Value::Null), &comparison, "two", NEVER), Decision::Nothing);
    }

    #[test]
    fn anothers_object_is_left_alone() {
        let mut theirs = config("a", "2");
        tracking::stamp(&mut theirs, "other");
        let comparison = compare(&[config("a", "1")], &holdings(&[theirs]));
        assert_eq!(comparison.sync(), Sync::OutOfSync);
        assert_eq!(decide(&app(&json!({"prune": true, "selfHeal": true}), &Value::Null), &comparison, "two", NEVER), Decision::Nothing);
        assert_eq!(comparison.conditions[0].0, "SharedResourceWarning");
    }
}
