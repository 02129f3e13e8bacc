//! What every cluster has from the start.

use serde_json::json;

use super::Core;
use super::commit::{Change, Manage, commit};

/// Makes the namespaces that Kubernetes makes.
pub(crate) fn plant(core: &mut Core) {
    let Some(namespaces) = core.resources.find("", "v1", "namespaces") else {
        return;
    };
    for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let change =
            Change { resource: &namespaces, namespace: "", name, old: None, manage: Manage::Nobody, subresource: "", dry_run: false };
        // Nothing can be wrong with them: they are ours.
        drop(commit(core, &change, object));
    }
}
