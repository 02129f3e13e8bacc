//! What is served, told in both forms that clients ask for: group by group, and all at once.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

/// One version of one resource that is served.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    /// The group; empty for the core group.
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) verbs: Vec<String>,
    pub(crate) namespaced: bool,
    pub(crate) subresources: Vec<Sub>,
}

/// What stands below a resource's objects.
#[derive(Debug, Clone)]
pub(crate) struct Sub {
    pub(crate) name: String,
    /// Group, version and kind of what it answers with; empty group and version: the resource's own.
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) verbs: Vec<String>,
}

/// The media type with which aggregated documents are asked for, and answered.
pub(crate) const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Whether an Accept header asks for the aggregated form before any other.
pub(crate) fn wants_aggregated(accept: &str) -> bool {
    let first = accept.split(',').next().unwrap_or_default();
    let words: Vec<&str> = first.split(';').map(str::trim).collect();
    words.contains(&"as=APIGroupDiscoveryList") && words.contains(&"v=v2")
}

fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// `GET /api`.
pub(crate) fn core_versions() -> Value {
    json!({
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1"}],
    })
}

/// `GET /apis`: every group but the core group, in the order of `served`; a group's first version is the preferred one.
pub(crate) fn groups(served: &[Served]) -> Value {
    let groups: Vec<Value> = names(served).into_iter().filter(|group| !group.is_empty()).map(|group| entry(served, group)).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// `GET /apis/GROUP`; none when nothing of it is served.
pub(crate) fn group(served: &[Served], name: &str) -> Option<Value> {
    if name.is_empty() || !served.iter().any(|one| one.group == name) {
        return None;
    }
    let mut group = entry(served, name);
    group["kind"] = json!("APIGroup");
    group["apiVersion"] = json!("v1");
    Some(group)
}

/// `GET /api/v1` and `GET /apis/GROUP/VERSION`; none when nothing of it is served.
pub(crate) fn resources(served: &[Served], group: &str, version: &str) -> Option<Value> {
    let mut list = Vec::new();
    for one in served.iter().filter(|one| one.group == group && one.version == version) {
        let mut row = json!({
            "name": one.plural, "singularName": one.singular, "namespaced": one.namespaced, "kind": one.kind, "verbs": one.verbs,
        });
        if !one.short_names.is_empty() {
            row["shortNames"] = json!(one.short_names);
        }
        if !one.categories.is_empty() {
            row["categories"] = json!(one.categories);
        }
        list.push(row);
        for sub in &one.subresources {
            let mut row = json!({
                "name": format!("{}/{}", one.plural, sub.name), "singularName": "", "namespaced": one.namespaced, "kind": sub.kind, "verbs": sub.verbs,
            });
            let foreign = !sub.version.is_empty() && (sub.group != group || sub.version != version);
            if foreign {
                row["group"] = json!(sub.group);
                row["version"] = json!(sub.version);
            }
            list.push(row);
        }
    }
    let found = !list.is_empty();
    found.then(|| json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version(group, version), "resources": list}))
}

/// `GET /api` (with `core`) or `GET /apis` in the aggregated form.
pub(crate) fn aggregated(served: &[Served], core: bool) -> Value {
    let groups = names(served).into_iter().filter(|group| group.is_empty() == core);
    let items: Vec<Value> = groups
        .map(|group| {
            let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
            let versions: Vec<Value> =
                versions(served, group).into_iter().map(|version| aggregated_version(served, group, version)).collect();
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
}

fn aggregated_version(served: &[Served], group: &str, version: &str) -> Value {
    let mine = served.iter().filter(|one| one.group == group && one.version == version);
    let resources: Vec<Value> = mine
        .map(|one| {
            let mut row = json!({
                "resource": one.plural,
                "responseKind": {"group": one.group, "version": one.version, "kind": one.kind},
                "scope": if one.namespaced { "Namespaced" } else { "Cluster" },
                "singularResource": one.singular,
                "verbs": one.verbs,
            });
            if !one.short_names.is_empty() {
                row["shortNames"] = json!(one.short_names);
            }
            if !one.categories.is_empty() {
                row["categories"] = json!(one.categories);
            }
            let subresources: Vec<Value> = one
                .subresources
                .iter()
                .map(|sub| {
                    let (group, version) = if sub.version.is_empty() { (&one.group, &one.version) } else { (&sub.group, &sub.version) };
                    json!({"subresource": sub.name, "responseKind": {"group": group, "version": version, "kind": sub.kind}, "verbs": sub.verbs})
                })
                .collect();
            if !subresources.is_empty() {
                row["subresources"] = json!(subresources);
            }
            row
        })
        .collect();
    json!({"version": version, "freshness": "Current", "resources": resources})
}

/// The ETag of a document: it changes whenever the document does.
pub(crate) fn etag(document: &Value) -> String {
    format!("\"{}\"", digest(document))
}

/// The digest of a document, in upper-case hexadecimal.
pub(crate) fn digest(document: &Value) -> String {
    Sha512::digest(document.to_string()).iter().map(|byte| format!("{byte:02X}")).collect()
}

/// The groups in their order.
fn names(served: &[Served]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for one in served {
        if !names.contains(&one.group.as_str()) {
            names.push(&one.group);
        }
    }
    names
}

/// A group's versions in their order.
fn versions<'a>(served: &'a [Served], group: &str) -> Vec<&'a str> {
    let mut versions: Vec<&str> = Vec::new();
    for one in served.iter().filter(|one| one.group == group) {
        if !versions.contains(&one.version.as_str()) {
            versions.push(&one.version);
        }
    }
    versions
}

fn entry(served: &[Served], group: &str) -> Value {
    let versions: Vec<Value> = versions(served, group)
        .into_iter()
        .map(|version| json!({"groupVersion": group_version(group, version), "version": version}))
        .collect();
    json!({"name": group, "versions": versions, "preferredVersion": versions[0]})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(group: &str, version: &str, kind: &str, plural: &str) -> Served {
        Served {
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
            plural: plural.into(),
            singular: kind.to_lowercase(),
            short_names: vec!["x".into()],
            categories: Vec::new(),
            verbs: vec!["get".into(), "list".into()],
            namespaced: true,
            subresources: vec![Sub {
                name: "scale".into(),
                group: "autoscaling".into(),
                version: "v1".into(),
                kind: "Scale".into(),
                verbs: vec!["get".into()],
            }],
        }
    }

    fn all() -> Vec<Served> {
        vec![served("", "v1", "Pod", "pods"), served("batch", "v1", "Job", "jobs"), served("batch", "v1beta1", "Job", "jobs")]
    }

    #[test]
    fn groups_put_the_preferred_version_first() {
        let groups = groups(&all());
        assert_eq!(groups["groups"].as_array().unwrap().len(), 1);
        assert_eq!(groups["groups"][0]["preferredVersion"]["groupVersion"], "batch/v1");
        assert_eq!(group(&all(), "batch").unwrap()["kind"], "APIGroup");
        assert!(group(&all(), "none").is_none());
    }

    #[test]
    fn resources_list_what_stands_below_them() {
        let list = resources(&all(), "batch", "v1").unwrap();
        assert_eq!(list["groupVersion"], "batch/v1");
        assert_eq!(
            list["resources"][1],
            json!({"name": "jobs/scale", "singularName": "", "namespaced": true, "kind": "Scale", "verbs": ["get"], "group": "autoscaling", "version": "v1"})
        );
        assert!(resources(&all(), "batch", "v2").is_none());
        assert_eq!(resources(&all(), "", "v1").unwrap()["groupVersion"], "v1");
    }

    #[test]
    fn the_aggregated_form_holds_everything() {
        let core = aggregated(&all(), true);
        assert_eq!(core["items"][0]["versions"][0]["resources"][0]["responseKind"], json!({"group": "", "version": "v1", "kind": "Pod"}));
        let rest = aggregated(&all(), false);
        assert_eq!(rest["items"][0]["metadata"]["name"], "batch");
        assert_eq!(rest["items"][0]["versions"][1]["version"], "v1beta1");
        assert_ne!(etag(&core), etag(&rest));
    }

    #[test]
    fn only_who_asks_for_the_aggregated_form_first_gets_it() {
        assert!(wants_aggregated(&format!("{AGGREGATED},application/json")));
        assert!(!wants_aggregated("application/json"));
        assert!(!wants_aggregated("*/*"));
        assert!(wants_aggregated("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList;profile=nopeer"));
    }
}
