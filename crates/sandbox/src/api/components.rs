//! How the cluster's own parts are (ComponentStatus): an answer that is stored nowhere.

use serde_json::{Value, json};

use super::Ask;
use crate::request::Verb;
use crate::status::ApiError;

/// The parts that a kube-apiserver asks. Here all of them are this process, and it answers.
const PARTS: [&str; 3] = ["controller-manager", "scheduler", "etcd-0"];

/// GET of one or of all; nothing else can be done with them.
pub(crate) fn answer(ask: &Ask<'_>) -> Result<Value, ApiError> {
    let whole = |name: &str| {
        json!({
            "kind": "ComponentStatus",
            "apiVersion": "v1",
            "metadata": {"name": name},
            "conditions": [{"type": "Healthy", "status": "True", "message": "ok"}],
        })
    };
    match ask.verb {
        Verb::Get if PARTS.contains(&ask.target.name.as_str()) => Ok(whole(&ask.target.name)),
        Verb::Get => Err(ApiError::not_found(&ask.resource, &ask.target.name)),
        Verb::List => {
            let items: Vec<Value> = PARTS.iter().map(|name| whole(name)).collect();
            let items = super::read::list_object(&ask.resource, items, 0)["items"].clone();
            Ok(json!({"kind": "ComponentStatusList", "apiVersion": "v1", "metadata": {}, "items": items}))
        }
        _ => Err(ApiError::method_not_allowed()),
    }
}
