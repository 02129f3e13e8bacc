//! Access control by roles: the rules that stored roles and bindings give a user.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{User, service_account};
use crate::api::Core;
use crate::store::Name;

const GROUP: &str = "rbac.authorization.k8s.io";

/// What somebody wants to do: with a resource, or with a path of the API itself.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Action<'a> {
    pub(crate) verb: &'a str,
    pub(crate) group: &'a str,
    /// The plural, with its subresource: `pods/log`.
    pub(crate) resource: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    /// Not empty: it is about this path and no resource.
    pub(crate) path: &'a str,
}

/// Whether the user may do it.
pub(crate) fn allows(core: &Core, user: &User, action: &Action<'_>) -> bool {
    !core.rbac || user.is_master() || rules(core, user, action.namespace).iter().any(|rule| covers(rule, action))
}

/// All rules that hold for a user in a namespace.
pub(crate) fn rules(core: &Core, user: &User, namespace: &str) -> Vec<Value> {
    if user.is_master() || !core.rbac {
        return vec![json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}), json!({"verbs": ["*"], "nonResourceURLs": ["*"]})];
    }
    let mut out = Vec::new();
    let cluster = stored(core, "rbac.authorization.k8s.io/clusterrolebindings", "").map(|(_, binding)| binding);
    // Without a namespace `list` would give the bindings of all of them.
    let own =
        stored(core, "rbac.authorization.k8s.io/rolebindings", namespace).filter(|_| !namespace.is_empty()).map(|(_, binding)| binding);
    for binding in cluster.chain(own) {
        let here = binding["metadata"]["namespace"].as_str().unwrap_or_default();
        if binding["subjects"].as_array().into_iter().flatten().any(|subject| is(subject, user, here)) {
            out.extend(role(core, &binding["roleRef"], here));
        }
    }
    out
}

fn stored<'a>(core: &'a Core, plural: &'static str, namespace: &'a str) -> impl Iterator<Item = (&'a Name, Arc<Value>)> {
    core.store.list(plural, namespace, None).map(|(name, object)| (name, object.value()))
}

fn is(subject: &Value, user: &User, here: &str) -> bool {
    let name = subject["name"].as_str().unwrap_or_default();
    match subject["kind"].as_str() {
        Some("User") => name == user.name,
        Some("Group") => user.groups.iter().any(|group| group == name),
        Some("ServiceAccount") => {
            let namespace = subject["namespace"].as_str().unwrap_or(here);
            service_account(&user.name) == Some((namespace, name))
        }
        _ => false,
    }
}

/// The rules of a role that a binding in a namespace refers to: those that are written in it. What a role is made up of a controller writes there.
fn role(core: &Core, reference: &Value, namespace: &str) -> Vec<Value> {
    let name = reference["name"].as_str().unwrap_or_default();
    let found = match reference["kind"].as_str() {
        Some("Role") => core.store.get(&format!("{GROUP}/roles"), namespace, name),
        _ => core.store.get(&format!("{GROUP}/clusterroles"), "", name),
    };
    found.and_then(|role| role["rules"].as_array().cloned()).unwrap_or_default()
}

fn covers(rule: &Value, action: &Action<'_>) -> bool {
    let has = |field: &str, wanted: &str| {
        rule[field].as_array().into_iter().flatten().filter_map(Value::as_str).any(|one| one == "*" || one == wanted)
    };
    if !has("verbs", action.verb) {
        return false;
    }
    if !action.path.is_empty() {
        let mut paths = rule["nonResourceURLs"].as_array().into_iter().flatten().filter_map(Value::as_str);
        return paths.any(|one| one == action.path || one.strip_suffix('*').is_some_and(|start| action.path.starts_with(start)));
    }
    let sub = action.resource.split_once('/').map(|(_, sub)| format!("*/{sub}"));
    let resource = has("resources", action.resource) || sub.is_some_and(|sub| has("resources", &sub));
    let names = rule["resourceNames"].as_array().filter(|names| !names.is_empty());
    has("apiGroups", action.group) && resource && names.is_none_or(|names| names.iter().any(|name| name == action.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_cover_verbs_groups_resources_and_names() {
        let pods = json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods", "*/scale"]});
        let get = Action { verb: "get", resource: "pods", namespace: "a", name: "x", ..Action::default() };
        assert!(covers(&pods, &get));
        assert!(!covers(&pods, &Action { verb: "list", ..get }));
        assert!(!covers(&pods, &Action { group: "apps", ..get }));
        assert!(!covers(&pods, &Action { resource: "pods/log", ..get }));
        assert!(covers(&pods, &Action { resource: "deployments/scale", ..get }));
        let one = json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "resourceNames": ["x"]});
        assert!(covers(&one, &get));
        assert!(!covers(&one, &Action { name: "y", ..get }));
        assert!(!covers(&one, &Action { path: "/version", ..get }));
        let paths = json!({"verbs": ["get"], "nonResourceURLs": ["/api/*"]});
        assert!(covers(&paths, &Action { verb: "get", path: "/api/v1", ..Action::default() }));
    }

    #[test]
    fn the_roles_of_users_hold_from_the_start() {
        let core = Core::new(std::sync::Arc::new(jiff::Timestamp::now), 1, true);
        let may = |role: &str, verb: &str, resource: &str| {
            let rules = role_rules(&core, role);
            rules.iter().any(|rule| covers(rule, &Action { verb, resource, namespace: "a", name: "x", ..Action::default() }))
        };
        assert!(may("view", "get", "pods") && !may("view", "get", "secrets") && !may("view", "create", "pods"));
        assert!(may("edit", "get", "pods") && may("edit", "update", "secrets") && !may("edit", "update", "resourcequotas"));
        let binds = |role: &str| {
            let action = Action { verb: "create", group: GROUP, resource: "rolebindings", namespace: "a", ..Action::default() };
            role_rules(&core, role).iter().any(|rule| covers(rule, &action))
        };
        assert!(may("admin", "get", "pods") && binds("admin") && !binds("edit") && binds("cluster-admin"));
    }

    fn role_rules(core: &Core, name: &str) -> Vec<Value> {
        role(core, &json!({"kind": "ClusterRole", "name": name}), "")
    }

    #[test]
    fn subjects_are_users_groups_and_service_accounts() {
        let robot = User::of_service_account("play", "robot", "");
        assert!(is(&json!({"kind": "ServiceAccount", "namespace": "play", "name": "robot"}), &robot, ""));
        assert!(is(&json!({"kind": "Group", "name": "system:serviceaccounts:play"}), &robot, ""));
        assert!(is(&json!({"kind": "User", "name": "system:serviceaccount:play:robot"}), &robot, ""));
        assert!(!is(&json!({"kind": "ServiceAccount", "namespace": "other", "name": "robot"}), &robot, ""));
    }
}
