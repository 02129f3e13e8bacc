//! The Node object, and the binding of Pods to it: what a kubelet's registration and a scheduler do.

use std::sync::Arc;
use std::time::Duration;

use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::Context;
use crate::controllers::{Change, Kind, Object};
use crate::time;

/// The name under which Pods are bound.
const SCHEDULER: &str = "kube-scheduler";
const RETRIES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(5));

/// A changed Pod that nobody has bound and that the default scheduler should bind.
pub(super) fn unbound(change: &Change) -> Option<&Arc<Object>> {
    let pod = change.after.as_ref()?;
    let text = |pointer: &str| pod.at(pointer).and_then(Value::as_str).unwrap_or_default();
    let ours = matches!(text("/spec/schedulerName"), "" | "default-scheduler");
    let gated = pod.at("/spec/schedulingGates").and_then(Value::as_array).is_some_and(|gates| !gates.is_empty());
    (ours && !gated && text("/spec/nodeName").is_empty() && pod.metadata.deletion_timestamp.is_none()).then_some(pod)
}

/// Binds the Pod to this node; tries again until it is bound or gone.
pub(super) async fn bind(context: Arc<Context>, pod: Arc<Object>) {
    let (namespace, name) = (pod.metadata.namespace.clone().unwrap_or_default(), pod.metadata.name.clone().unwrap_or_default());
    let api = Kind::Pod.api(&context.client, &namespace);
    let binding = json!({
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": name, "namespace": namespace, "uid": pod.metadata.uid},
        "target": {"apiVersion": "v1", "kind": "Node", "name": context.options.name},
    });
    let params = PostParams { field_manager: Some(SCHEDULER.to_owned()), ..PostParams::default() };
    let mut delay = RETRIES.0;
    loop {
        match api.create_subresource::<Value, Value>("binding", &name, &params, &binding).await {
            Ok(_) => return context.tell_bound(&pod),
            // Gone, or bound meanwhile.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => return,
            Err(error) => tracing::warn!(%namespace, pod = %name, %error, "cannot bind the pod, trying again"),
        }
        tokio::time::sleep(delay).await;
        delay = (delay * 2).min(RETRIES.1);
    }
}

/// Makes the Node object and keeps trying until it says that it is ready.
pub(super) async fn register(context: Arc<Context>) {
    let mut delay = RETRIES.0;
    while let Err(error) = try_register(&context).await {
        tracing::warn!(node = %context.options.name, %error, "cannot register the node, trying again");
        tokio::time::sleep(delay).await;
        delay = (delay * 2).min(RETRIES.1);
    }
}

async fn try_register(context: &Context) -> Result<(), kube::Error> {
    let name = &context.options.name;
    let api = Kind::Node.api(&context.client, "");
    let node = json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
            "node-role.kubernetes.io/control-plane": "",
        }},
        "spec": {"podCIDR": "10.244.0.0/16", "podCIDRs": ["10.244.0.0/16"]},
    });
    let params = PostParams { field_manager: Some("kubelet".to_owned()), ..PostParams::default() };
    let node: Object = serde_json::from_value(node).map_err(kube::Error::SerdeError)?;
    let made = match api.create(&params, &node).await {
        Ok(made) => Some(made),
        Err(kube::Error::Api(status)) if status.code == 409 => None,
        Err(error) => return Err(error),
    };
    let now = time::seconds((context.clock)());
    let condition = |kind: &str, status: &str, reason: &str, message: &str| json!({"type": kind, "status": status, "reason": reason, "message": message, "lastHeartbeatTime": now, "lastTransitionTime": now});
    // Nothing is measured: a Pod's requests are not held against it.
    let capacity = json!({"cpu": "64", "memory": "256Gi", "pods": "10000", "ephemeral-storage": "1Ti"});
    let status = json!({"status": {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": name}],
        "capacity": capacity,
        "allocatable": capacity,
        "conditions": [
            condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ],
        "nodeInfo": {
            "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
            "operatingSystem": "linux", "osImage": "fiel sandbox", "kernelVersion": "", "containerRuntimeVersion": "process://1",
            "kubeletVersion": "v1.36.0", "kubeProxyVersion": "", "machineID": "", "systemUUID": "", "bootID": "",
        },
    }});
    let params = PatchParams { field_manager: Some("kubelet".to_owned()), ..PatchParams::default() };
    api.patch_status(name, &params, &Patch::Merge(status)).await?;
    context.tell_registered(made.as_ref());
    Ok(())
}
