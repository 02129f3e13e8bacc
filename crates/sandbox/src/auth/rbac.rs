//! Access control by roles: the rules that stored roles and bindings give a user.

use serde_json::{Value, json};

use super::{AUTHENTICATED, User, service_account};
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
    let mut out = if user.groups.iter().any(|group| group == AUTHENTICATED) { everybodys() } else { Vec::new() };
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

fn stored<'a>(core: &'a Core, plural: &'static str, namespace: &'a str) -> impl Iterator<Item = (&'a Name, &'a Value)> {
    core.store.list(plural, namespace, None).map(|(name, object)| (name, &**object))
}

/// What every cluster lets everybody do whom it knows: ask about themselves, and find out what the API is.
fn everybodys() -> Vec<Value> {
    vec![
        json!({"verbs": ["create"], "apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]}),
        json!({"verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"]}),
        json!({"verbs": ["get"], "nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", "/version", "/version/"]}),
        json!({"verbs": ["get"], "nonResourceURLs": ["/healthz", "/livez", "/readyz"]}),
    ]
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

/// The rules of a role that a binding in a namespace refers to.
fn role(core: &Core, reference: &Value, namespace: &str) -> Vec<Value> {
    let name = reference["name"].as_str().unwrap_or_default();
    let found = match reference["kind"].as_str() {
        Some("Role") => core.store.get(&format!("{GROUP}/roles"), namespace, name),
        _ => core.store.get(&format!("{GROUP}/clusterroles"), "", name),
    };
    match found {
        Some(role) => role["rules"].as_array().cloned().unwrap_or_default(),
        None if reference["kind"] == "ClusterRole" => preset(name),
        None => Vec::new(),
    }
}

/// The roles for users that every cluster has, where nobody stored others of that name.
fn preset(name: &str) -> Vec<Value> {
    const READ: [&str; 3] = ["get", "list", "watch"];
    let everything_but = |verbs: &[&str]| {
        let groups =
            ["", "apps", "batch", "autoscaling", "networking.k8s.io", "policy", "discovery.k8s.io", "events.k8s.io", "coordination.k8s.io"];
        json!({"verbs": verbs, "apiGroups": groups, "resources": ["*"]})
    };
    match name {
        "cluster-admin" => {
            vec![json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}), json!({"verbs": ["*"], "nonResourceURLs": ["*"]})]
        }
        "admin" => vec![everything_but(&["*"]), json!({"verbs": ["*"], "apiGroups": [GROUP], "resources": ["roles", "rolebindings"]})],
        "edit" => vec![everything_but(&["*"])],
        // Everything but secrets, which a viewer must not see.
        "view" => {
            let core = [
                "configmaps",
                "endpoints",
                "events",
                "limitranges",
                "namespaces",
                "persistentvolumeclaims",
                "pods",
                "pods/log",
                "pods/status",
                "replicationcontrollers",
                "replicationcontrollers/scale",
                "resourcequotas",
                "serviceaccounts",
                "services",
                "services/status",
            ];
            let groups = ["apps", "batch", "autoscaling", "networking.k8s.io", "policy", "discovery.k8s.io"];
            vec![
                json!({"verbs": READ, "apiGroups": [""], "resources": core}),
                json!({"verbs": READ, "apiGroups": groups, "resources": ["*"]}),
            ]
        }
        _ => Vec::new(),
    }
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
    fn subjects_are_users_groups_and_service_accounts() {
        let robot = User::of_service_account("play", "robot", "");
        assert!(is(&json!({"kind": "ServiceAccount", "namespace": "play", "name": "robot"}), &robot, ""));
        assert!(is(&json!({"kind": "Group", "name": "system:serviceaccounts:play"}), &robot, ""));
        assert!(is(&json!({"kind": "User", "name": "system:serviceaccount:play:robot"}), &robot, ""));
        assert!(!is(&json!({"kind": "ServiceAccount", "namespace": "other", "name": "robot"}), &robot, ""));
    }
}
