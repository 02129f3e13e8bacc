//! Questions about who somebody is and what they may do: objects that are answered and never stored.

use serde_json::{Value, json};

use super::User;
use super::rbac::{self, Action};
use crate::api::{AUDIENCE, Core};

/// Whether objects of that kind are questions.
pub(crate) fn is_review(group: &str) -> bool {
    matches!(group, "authorization.k8s.io" | "authentication.k8s.io")
}

/// The question with its answer.
pub(crate) fn answer(core: &Core, user: &User, kind: &str, mut question: Value) -> Value {
    let spec = question["spec"].clone();
    question["status"] = match kind {
        "SelfSubjectReview" => json!({"userInfo": user.info()}),
        "SelfSubjectRulesReview" => rules(core, user, spec["namespace"].as_str().unwrap_or_default()),
        "TokenReview" => {
            let asked: Vec<String> =
                spec["audiences"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
            let asking = if asked.is_empty() { vec![AUDIENCE.to_owned()] } else { asked };
            match core.bearer(spec["token"].as_str().unwrap_or_default(), &asking) {
                Some((user, audiences)) => json!({"authenticated": true, "user": user.info(), "audiences": audiences}),
                None => json!({"user": {}, "error": "invalid bearer token"}),
            }
        }
        "SelfSubjectAccessReview" => allowed(core, user, &spec),
        _ => {
            let groups = spec["groups"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
            let name = spec["user"].as_str().unwrap_or_default();
            // Its groups are those that are named, and no others.
            allowed(core, &User { name: name.to_owned(), uid: String::new(), groups }, &spec)
        }
    };
    if !question["metadata"].is_object() {
        question["metadata"] = json!({});
    }
    question
}

fn allowed(core: &Core, user: &User, spec: &Value) -> Value {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (of, path) = (&spec["resourceAttributes"], &spec["nonResourceAttributes"]);
    let sub = text(&of["subresource"]);
    let resource = if sub.is_empty() { text(&of["resource"]) } else { format!("{}/{sub}", text(&of["resource"])) };
    let verb = if path.is_null() { text(&of["verb"]) } else { text(&path["verb"]) };
    let (group, namespace, name, path) = (text(&of["group"]), text(&of["namespace"]), text(&of["name"]), text(&path["path"]));
    let action = Action { verb: &verb, group: &group, resource: &resource, namespace: &namespace, name: &name, path: &path };
    json!({"allowed": rbac::allows(core, user, &action)})
}

fn rules(core: &Core, user: &User, namespace: &str) -> Value {
    let (paths, resources): (Vec<Value>, Vec<Value>) =
        rbac::rules(core, user, namespace).into_iter().partition(|rule| !rule["nonResourceURLs"].is_null());
    json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false})
}
