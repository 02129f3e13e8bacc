//! The cluster as the demo's narrator sees and touches it: through its API, as any user would.

use std::path::Path;
use std::time::{Duration, Instant};

use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use kube::discovery::pinned_kind;
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::error::CommandError;

/// How often a condition that the story waits for is looked at.
const LOOK: Duration = Duration::from_millis(3);

/// A connection to the cluster.
pub(super) struct Cluster {
    client: Client,
}

/// Names one object: kind, namespace (empty: none) and name.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Reference {
    /// The identity of an object.
    pub(super) fn of(object: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let metadata = &object["metadata"];
        Self {
            api_version: text(&object["apiVersion"]),
            kind: text(&object["kind"]),
            namespace: text(&metadata["namespace"]),
            name: text(&metadata["name"]),
        }
    }
}

impl Cluster {
    /// Connects by a kubeconfig.
    pub(super) async fn connect(kubeconfig: &Path) -> Result<Self, CommandError> {
        Ok(Self { client: crate::commands::client(Some(kubeconfig)).await? })
    }

    async fn api(&self, of: &Reference) -> Result<Api<DynamicObject>, CommandError> {
        let (group, version) = of.api_version.split_once('/').unwrap_or(("", &of.api_version));
        let (resource, _) = pinned_kind(&self.client, &GroupVersionKind::gvk(group, version, &of.kind)).await?;
        Ok(if of.namespace.is_empty() {
            Api::all_with(self.client.clone(), &resource)
        } else {
            Api::namespaced_with(self.client.clone(), &of.namespace, &resource)
        })
    }

    /// The object, or null.
    pub(super) async fn get(&self, of: &Reference) -> Result<Value, CommandError> {
        let found = self.api(of).await?.get_opt(&of.name).await?;
        Ok(found.map_or(Value::Null, |object| serde_json::to_value(object).unwrap_or_default()))
    }

    /// Applies an object as `kubectl apply` does by default: created with the note of what was applied.
    pub(super) async fn apply_by_hand(&self, object: &Value) -> Result<(), CommandError> {
        let mut object = object.clone();
        let note = serde_json::to_string(&object).map_err(CommandError::failed)? + "\n";
        object["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = Value::String(note);
        let api = self.api(&Reference::of(&object)).await?;
        let parameters = PostParams { field_manager: Some("kubectl-client-side-apply".into()), ..PostParams::default() };
        let object: DynamicObject = serde_json::from_value(object).map_err(CommandError::failed)?;
        // The kind may be a CRD's that was made a moment ago.
        api.create(&parameters, &object).await?;
        Ok(())
    }

    /// Creates or updates an object by server-side apply.
    pub(super) async fn apply(&self, object: &Value) -> Result<(), CommandError> {
        let of = Reference::of(object);
        let parameters = PatchParams::apply("demo").force();
        self.api(&of).await?.patch(&of.name, &parameters, &Patch::Apply(object)).await?;
        Ok(())
    }

    /// Changes an object by hand.
    pub(super) async fn patch(&self, of: &Reference, change: &Value) -> Result<(), CommandError> {
        let parameters = PatchParams { field_manager: Some("vandal".into()), ..PatchParams::default() };
        self.api(of).await?.patch(&of.name, &parameters, &Patch::Merge(change)).await?;
        Ok(())
    }

    /// Deletes an object by hand.
    pub(super) async fn delete(&self, of: &Reference) -> Result<(), CommandError> {
        self.api(of).await?.delete(&of.name, &kube::api::DeleteParams::default()).await?;
        Ok(())
    }

    /// Waits until an object satisfies `condition` (it is null while the object does not exist) and says how long that took.
    pub(super) async fn until(&self, of: &Reference, what: &str, condition: impl Fn(&Value) -> bool) -> Result<Duration, CommandError> {
        let started = Instant::now();
        let api = self.api(of).await?;
        loop {
            let found = api.get_opt(&of.name).await?;
            let found = found.map_or(Value::Null, |object| serde_json::to_value(object).unwrap_or_default());
            if condition(&found) {
                return Ok(started.elapsed());
            }
            if started.elapsed() > Duration::from_secs(20) {
                let status = serde_json::to_string_pretty(&found["status"]).unwrap_or_default();
                return Err(CommandError::failed(format!("waited 20 s for this, in vain: {what}; {} {}: {status}", of.kind, of.name)));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// How many requests of the agent so far could have changed the cluster, as the sandbox counts them.
    pub(super) async fn agent_writes(&self) -> Result<u64, CommandError> {
        let request = http::Request::get("/metrics").body(Vec::new()).map_err(CommandError::failed)?;
        let text = self.client.request_text(request).await?;
        Ok(count_writes(&text))
    }
}

/// Sums the agent's writes in Prometheus' text format.
fn count_writes(metrics: &str) -> u64 {
    let lines = metrics.lines().filter(|line| line.starts_with("sandbox_writes_total{") && line.contains("user_agent=\"fiel-agent"));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

/// The namespace object of that name.
pub(super) fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_the_agents_writes_are_counted() {
        let metrics = "# TYPE sandbox_writes_total counter\nsandbox_writes_total{user_agent=\"kubectl\"} 4\nsandbox_writes_total{user_agent=\"fiel-agent/0.1.0\"} 3\n";
        assert_eq!(super::count_writes(metrics), 3);
    }
}
