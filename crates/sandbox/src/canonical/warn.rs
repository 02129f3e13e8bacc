//! What the server warns of and lets pass: in Pods, as such and as templates, and in the finalizers of custom objects.

use std::collections::BTreeSet;

use base64::Engine as _;
use serde_json::Value;

use super::check::{items, text};
use super::format;

/// The warnings of an object that is written.
pub(crate) fn warnings(group: &str, kind: &str, object: &Value) -> Vec<String> {
    let (spec, at) = match (group, kind) {
        ("", "Secret") if object["type"] == "kubernetes.io/tls" => return pair(&object["data"]),
        ("", "Pod") => (&object["spec"], "spec"),
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch", "Job") => {
            (&object["spec"]["template"]["spec"], "spec.template.spec")
        }
        ("batch", "CronJob") => (&object["spec"]["jobTemplate"]["spec"]["template"]["spec"], "spec.jobTemplate.spec.template.spec"),
        _ => return Vec::new(),
    };
    let mut out = Vec::new();
    for (index, one) in items(&spec["topologySpreadConstraints"]).iter().enumerate() {
        if !one["labelSelector"].is_null() {
            continue;
        }
        out.push(format!("{at}.topologySpreadConstraints[{index}].labelSelector: a null labelSelector results in matching no pod"));
    }
    for volume in items(&spec["volumes"]) {
        let empty = |source: &Value| source.as_object().is_none_or(serde_json::Map::is_empty);
        if volume["projected"].is_object() && items(&volume["projected"]["sources"]).iter().all(empty) {
            out.push(format!("volume {} (Projected) has no sources provided", volume["name"]));
        }
    }
    for (index, secret) in items(&spec["imagePullSecrets"]).iter().enumerate() {
        if text(&secret["name"]).is_empty() {
            out.push(format!("{at}.imagePullSecrets[{index}].name: invalid empty name \"\""));
        }
    }
    for (index, container) in items(&spec["containers"]).iter().enumerate() {
        self::container(container, &format!("{at}.containers[{index}]"), &mut out);
    }
    out
}

/// The warnings of a custom object's finalizers that are new: a name without a domain may be another one's too.
pub(crate) fn finalizers(new: &Value, old: Option<&Value>) -> Vec<String> {
    let of = |object: &Value| items(&object["metadata"]["finalizers"]).iter().map(|one| text(one).to_owned()).collect::<BTreeSet<_>>();
    let added = of(new).into_iter().filter(|one| old.is_none_or(|old| !of(old).contains(one)));
    let plain = added.filter(|one| !one.contains('/') && !format::is_standard_finalizer(one));
    plain
        .map(|one| {
            let path = if one.contains('.') { "including a path (/) " } else { "" };
            format!(
                "metadata.finalizers: {}: prefer a domain-qualified finalizer name {path}to avoid accidental conflicts with other finalizer writers",
                Value::from(one)
            )
        })
        .collect()
}

/// What a server that would use the pair of key and certificate would say first.
fn pair(data: &Value) -> Vec<String> {
    let is_pem = |name: &str| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(text(&data[name])).unwrap_or_default();
        String::from_utf8_lossy(&bytes).contains("-----BEGIN ")
    };
    let wrong = [("tls.crt", "certificate"), ("tls.key", "key")].into_iter().find(|(name, _)| !is_pem(name));
    wrong.map(|(_, what)| format!("tls: failed to find any PEM data in {what} input")).into_iter().collect()
}

fn container(container: &Value, at: &str, out: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for (index, variable) in items(&container["env"]).iter().enumerate() {
        if !seen.insert(text(&variable["name"])) {
            out.push(format!(
                "{at}.env[{index}]: hides previous definition of {}, which may be dropped when using apply",
                variable["name"]
            ));
        }
    }
    let ports = items(&container["ports"]);
    let key = |port: &Value| ["containerPort", "protocol", "hostPort", "hostIP"].map(|field| port[field].clone());
    for (index, port) in ports.iter().enumerate() {
        if let Some(first) = ports[..index].iter().position(|other| key(other) == key(port)) {
            out.push(format!("{at}.ports[{index}]: duplicate port definition with {at}.ports[{first}]"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::canonical::custom_metadata;

    #[test]
    fn a_custom_object_may_have_a_finalizer_without_a_domain_and_is_warned_once() {
        let object = |finalizers: &[&str]| json!({"metadata": {"name": "demo", "finalizers": finalizers}});
        let argo = object(&["resources-finalizer.argocd.argoproj.io", "example.com/one", "orphan"]);
        assert!(custom_metadata(&argo).is_empty());
        let wanted = "metadata.finalizers: \"resources-finalizer.argocd.argoproj.io\": prefer a domain-qualified finalizer name including a path (/) \
            to avoid accidental conflicts with other finalizer writers";
        assert_eq!(finalizers(&argo, None), [wanted]);
        assert!(finalizers(&argo, Some(&argo)).is_empty());
        assert!(finalizers(&object(&["plain"]), None)[0].contains("finalizer name to avoid"));
        assert!(!custom_metadata(&object(&["not a name"])).is_empty());
    }
}
