//! What the server warns of and lets pass, kind by kind, and in the finalizers of custom objects. [`super::warn_pods`] looks into Pods.

use std::collections::BTreeSet;

use base64::Engine as _;
use serde_json::Value;

use super::check::{items, text};
use super::{format, quantity, warn_pods};

/// Where a kind has its Pods' template, and whether its own name becomes a part of theirs.
const TEMPLATES: [(&str, &str, &str, bool); 8] = [
    ("apps", "Deployment", "spec.template", true),
    ("apps", "ReplicaSet", "spec.template", true),
    ("apps", "StatefulSet", "spec.template", false),
    ("apps", "DaemonSet", "spec.template", false),
    ("batch", "Job", "spec.template", true),
    ("batch", "CronJob", "spec.jobTemplate.spec.template", true),
    ("", "ReplicationController", "spec.template", true),
    ("", "PodTemplate", "template", false),
];

/// The warnings of an object that is written in the place of `old`.
pub(crate) fn warnings(group: &str, kind: &str, object: &Value, old: Option<&Value>) -> Vec<String> {
    let mut out = Vec::new();
    let name = |whose: &str| {
        let told = format::label(text(&object["metadata"]["name"]));
        let words = "which can result in surprising behavior; a DNS label is recommended";
        (!told.is_empty()).then(|| format!("metadata.name: this is used in {whose}, {words}: [{}]", told.join(" ")))
    };
    if let Some((.., path, named)) = TEMPLATES.iter().find(|(of, one, ..)| (*of, *one) == (group, kind)) {
        if *named && old.is_none() {
            out.extend(name("Pod names and hostnames"));
        }
        let counted = |object: &Value| match kind {
            "DaemonSet" => object["metadata"]["annotations"][super::kinds::TEMPLATE_GENERATION].clone(),
            _ => object["metadata"]["generation"].clone(),
        };
        if old.is_none_or(|old| counted(old) != counted(object)) {
            let template = path.split('.').fold(object, |value, step| &value[step]);
            warn_pods::look(template, &format!("{path}."), &mut out);
        }
    }
    match (group, kind) {
        ("", "Pod") if old.is_none() => {
            out.extend(name("the Pod's hostname"));
            warn_pods::look(object, "", &mut out);
        }
        ("", "Secret") if object["type"] == "kubernetes.io/tls" => out.extend(pair(&object["data"])),
        ("", "Service") => service(&object["spec"], &mut out),
        ("", "PersistentVolumeClaim") => claim(&object["spec"], "spec", &mut out),
        ("apps", "StatefulSet") => {
            let inner = if old.is_some() { ".Spec" } else { "" };
            for (index, template) in items(&object["spec"]["volumeClaimTemplates"]).iter().enumerate() {
                claim(&template["spec"], &format!("spec.volumeClaimTemplates[{index}]{inner}"), &mut out);
            }
            if object["spec"]["revisionHistoryLimit"].as_i64().is_some_and(|limit| limit < 0) {
                out.push(
                    "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended".to_owned(),
                );
            }
        }
        ("networking.k8s.io", "Ingress")
            if old.is_none() && !object["metadata"]["annotations"]["kubernetes.io/ingress.class"].is_null() =>
        {
            out.push("annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead".to_owned());
        }
        ("", "ResourceQuota") if old.is_none() => quota(&object["spec"]["hard"], &mut out),
        _ => {}
    }
    out
}

/// What a Service has and does not heed.
fn service(spec: &Value, out: &mut Vec<String>) {
    let (kind, headless) = (text(&spec["type"]), spec["type"] == "ClusterIP" && spec["clusterIP"] == "None");
    let external = !items(&spec["externalIPs"]).is_empty();
    for (told, name) in [
        (!text(&spec["loadBalancerIP"]).is_empty(), "loadBalancerIP"),
        (external, "externalIPs"),
        (spec["sessionAffinity"] != "None", "SessionAffinity"),
    ] {
        if headless && told {
            out.push(format!("spec.{name} is ignored for headless services"));
        }
    }
    if external && !headless && kind != "ExternalName" {
        out.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters".to_owned());
    }
    if external && kind == "ExternalName" {
        out.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".to_owned());
    }
    if kind != "ExternalName" && !text(&spec["externalName"]).is_empty() {
        out.push("spec.externalName is ignored when spec.type is not \"ExternalName\"".to_owned());
    }
    if spec["trafficDistribution"] == "PreferClose" {
        out.push("spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"".to_owned());
    }
}

/// Storage that ends amid a byte.
pub(super) fn claim(spec: &Value, at: &str, out: &mut Vec<String>) {
    for part in ["requests", "limits"] {
        fraction(&spec["resources"][part], &["storage"], &format!("{at}.resources.{part}"), out);
    }
}

/// Amounts of bytes that are none.
pub(super) fn fraction(amounts: &Value, names: &[&str], at: &str, out: &mut Vec<String>) {
    for name in names {
        let amount = text(&amounts[*name]);
        if quantity::amount(amount).is_some_and(|number| number % quantity::WHOLE != 0) {
            out.push(format!("{at}[{name}]: fractional byte value {amount:?} is invalid, must be an integer"));
        }
    }
}

/// A quota that gives more than may be used.
fn quota(hard: &Value, out: &mut Vec<String>) {
    for name in ["cpu", "memory", "ephemeral-storage"] {
        let (asked, most) = (format!("requests.{name}"), format!("limits.{name}"));
        let asked = if hard[&asked].is_null() && name != "ephemeral-storage" { name.to_owned() } else { asked };
        let amount = |of: &str| quantity::amount(text(&hard[of]));
        if let (Some(request), Some(limit)) = (amount(&asked), amount(&most))
            && request > limit
        {
            let (request, limit) = (text(&hard[&asked]), text(&hard[&most]));
            out.push(format!("ResourceQuota {asked} ({request}) should be less than {most} ({limit})"));
        }
    }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::canonical::custom_metadata;

    #[test]
    fn a_custom_object_may_have_a_finalizer_without_a_domain_and_is_warned_once() {
        let object = |finalizers: &[&str]| json!({"metadata": {"name": "demo", "finalizers": finalizers}});
        let argo = object(&["resources-finalizer.argocd.argoproj.io", "example.com/one", "orphan"]);
        assert!(custom_metadata(&argo, None).is_empty());
        let wanted = "metadata.finalizers: \"resources-finalizer.argocd.argoproj.io\": prefer a domain-qualified finalizer name including a path (/) \
            to avoid accidental conflicts with other finalizer writers";
        assert_eq!(finalizers(&argo, None), [wanted]);
        assert!(finalizers(&argo, Some(&argo)).is_empty());
        assert!(finalizers(&object(&["plain"]), None)[0].contains("finalizer name to avoid"));
        assert!(!custom_metadata(&object(&["not a name"]), None).is_empty());
    }
}
