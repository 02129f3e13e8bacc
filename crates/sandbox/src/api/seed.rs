//! What every cluster has from the start.

use std::sync::OnceLock;

use serde_json::{Value, json};

use super::commit::{Change, Manage, commit};
use super::{Core, Held};

/// The roles for users and the bindings of everybody, as a kube-apiserver 1.36 makes them. Those of its own components are left out: none of them
/// runs here.
const ROLES: &str = include_str!("../../data/roles.json");

/// Makes what Kubernetes makes by itself, where it is not there already: namespaces, the API's own Service, the first roles.
pub(crate) fn plant(core: &mut Core) {
    for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        make(core, ("", "namespaces"), "", json!({"metadata": {"name": name}}));
    }
    // It has no endpoints: the core does not know where it is served.
    let service = json!({
        "metadata": {"name": "kubernetes", "labels": {"component": "apiserver", "provider": "kubernetes"}},
        "spec": {"clusterIP": "10.96.0.1", "type": "ClusterIP", "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}]},
    });
    make(core, ("", "services"), "default", service);
    // A process that makes many clusters reads them once.
    static READ: OnceLock<Vec<Value>> = OnceLock::new();
    for role in READ.get_or_init(|| serde_json::from_str(ROLES).unwrap_or_default()).iter().cloned() {
        let plural = if role["kind"] == "ClusterRole" { "clusterroles" } else { "clusterrolebindings" };
        make(core, ("rbac.authorization.k8s.io", plural), "", role);
    }
}

fn make(core: &mut Core, (group, plural): (&str, &str), namespace: &str, object: Value) {
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let Some(resource) = core.resources.find(group, "v1", plural) else { return };
    if core.store.has(resource.storage(), namespace, &name) {
        return;
    }
    let change = Change { resource: &resource, namespace, name: &name, old: None, manage: Manage::Nobody, subresource: "", dry_run: false };
    // Nothing can be wrong with them: they are ours, and a test looks that all are there.
    drop(commit(&mut Held::steady(core), &change, object));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_there_and_is_made_once() {
        let mut core = Core::new(std::sync::Arc::new(jiff::Timestamp::now), 1, true);
        let revision = core.store.revision();
        for (storage, namespace, count) in [
            ("/namespaces", "", 4),
            ("/services", "default", 1),
            ("rbac.authorization.k8s.io/clusterroles", "", 10),
            ("rbac.authorization.k8s.io/clusterrolebindings", "", 4),
        ] {
            assert_eq!(core.store.list(storage, namespace, None).count(), count, "{storage}");
        }
        plant(&mut core);
        assert_eq!(core.store.revision(), revision, "what is there was made again");
    }
}
