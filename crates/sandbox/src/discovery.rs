//! What is served, told in both forms that clients ask for: group by group, and all at once.

use std::hash::{DefaultHasher, Hasher as _};

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

/// One version of one resource that is served.
#[derive(Debug, Clone)]
pub(crate) struct Served<'a> {
    /// The group; empty for the core group.
    pub(crate) group: &'a str,
    pub(crate) version: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) plural: &'a str,
    pub(crate) singular: &'a str,
    pub(crate) short_names: &'a [String],
    pub(crate) categories: &'a [String],
    pub(crate) verbs: &'a [String],
    pub(crate) namespaced: bool,
    pub(crate) subresources: Vec<Sub<'a>>,
}

/// What stands below a resource's objects.
#[derive(Debug, Clone)]
pub(crate) struct Sub<'a> {
    pub(crate) name: &'a str,
    /// Group, version and kind of what it answers with; empty group and version: the resource's own.
    pub(crate) group: &'a str,
    pub(crate) version: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) verbs: &'a [String],
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
pub(crate) fn groups(served: &[Served<'_>]) -> Value {
    let groups: Vec<Value> = names(served).into_iter().filter(|group| !group.is_empty()).map(|group| entry(served, group)).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// `GET /apis/GROUP`; none when nothing of it is served.
pub(crate) fn group(served: &[Served<'_>], name: &str) -> Option<Value> {
    if name.is_empty() || !served.iter().any(|one| one.group == name) {
        return None;
    }
    let mut group = entry(served, name);
    group["kind"] = json!("APIGroup");
    group["apiVersion"] = json!("v1");
    Some(group)
}

/// `GET /api/v1` and `GET /apis/GROUP/VERSION`; none when nothing of it is served.
pub(crate) fn resources(served: &[Served<'_>], group: &str, version: &str) -> Option<Value> {
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

/// `GET /api` (with `core`) or `GET /apis` in the aggregated form, as JSON.
pub(crate) fn aggregated(served: &[Served<'_>], core: bool) -> Vec<u8> {
    let groups = names(served).into_iter().filter(|group| group.is_empty() == core);
    let items = groups.map(|group| {
        let versions = versions(served, group).into_iter().map(|version| aggregated_version(served, group, version));
        Group { metadata: Name { name: group }, versions: versions.collect() }
    });
    let list =
        List { kind: "APIGroupDiscoveryList", api_version: "apidiscovery.k8s.io/v2", items: items.collect(), metadata: Name::default() };
    let mut text = serde_json::to_vec(&list).unwrap_or_default();
    text.push(b'\n');
    text
}

fn aggregated_version<'a>(served: &'a [Served<'a>], group: &str, version: &'a str) -> Version<'a> {
    let mine = served.iter().filter(|one| one.group == group && one.version == version);
    let resources = mine.map(|one| Row {
        categories: one.categories,
        resource: one.plural,
        response_kind: Kind { group: one.group, kind: one.kind, version: one.version },
        scope: if one.namespaced { "Namespaced" } else { "Cluster" },
        short_names: one.short_names,
        singular_resource: one.singular,
        subresources: one.subresources.iter().map(|sub| below(one, sub)).collect(),
        verbs: one.verbs,
    });
    Version { freshness: "Current", resources: resources.collect(), version }
}

fn below<'a>(one: &Served<'a>, sub: &Sub<'a>) -> Below<'a> {
    let (group, version) = if sub.version.is_empty() { (one.group, one.version) } else { (sub.group, sub.version) };
    Below { response_kind: Kind { group, kind: sub.kind, version }, subresource: sub.name, verbs: sub.verbs }
}

/// The aggregated document, with its fields in the order of our answers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    kind: &'static str,
    api_version: &'static str,
    items: Vec<Group<'a>>,
    metadata: Name<'a>,
}

#[derive(Serialize)]
struct Group<'a> {
    metadata: Name<'a>,
    versions: Vec<Version<'a>>,
}

#[derive(Default, Serialize)]
struct Name<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
}

#[derive(Serialize)]
struct Version<'a> {
    freshness: &'static str,
    resources: Vec<Row<'a>>,
    version: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    categories: &'a [String],
    resource: &'a str,
    response_kind: Kind<'a>,
    scope: &'static str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    short_names: &'a [String],
    singular_resource: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subresources: Vec<Below<'a>>,
    verbs: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Below<'a> {
    response_kind: Kind<'a>,
    subresource: &'a str,
    verbs: &'a [String],
}

#[derive(Serialize)]
struct Kind<'a> {
    group: &'a str,
    kind: &'a str,
    version: &'a str,
}

/// The ETag of a document: it changes whenever the document does. It is made for every answer, so it is no digest: nobody needs to trust it.
pub(crate) fn etag(document: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(document);
    format!("\"{:016X}\"", hasher.finish())
}

/// The digest of a document, in upper-case hexadecimal.
pub(crate) fn digest(document: &[u8]) -> String {
    let digits = b"0123456789ABCDEF";
    let both = |byte: &u8| [digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]].map(char::from);
    Sha512::digest(document).iter().flat_map(both).collect()
}

/// The groups in their order.
fn names<'a>(served: &[Served<'a>]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for one in served {
        if !names.contains(&one.group) {
            names.push(one.group);
        }
    }
    names
}

/// A group's versions in their order.
fn versions<'a>(served: &[Served<'a>], group: &str) -> Vec<&'a str> {
    let mut versions: Vec<&str> = Vec::new();
    for one in served.iter().filter(|one| one.group == group) {
        if !versions.contains(&one.version) {
            versions.push(one.version);
        }
    }
    versions
}

fn entry(served: &[Served<'_>], group: &str) -> Value {
    let versions: Vec<Value> = versions(served, group)
        .into_iter()
        .map(|version| json!({"groupVersion": group_version(group, version), "version": version}))
        .collect();
    json!({"name": group, "versions": versions, "preferredVersion": versions[0]})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(group: &'static str, version: &'static str, kind: &'static str, plural: &'static str) -> Served<'static> {
        static WORDS: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(|| ["get", "list", "x"].map(str::to_owned).to_vec());
        Served {
            group,
            version,
            kind,
            plural,
            singular: plural.trim_end_matches('s'),
            short_names: &WORDS[2..],
            categories: &[],
            verbs: &WORDS[..2],
            namespaced: true,
            subresources: vec![Sub { name: "scale", group: "autoscaling", version: "v1", kind: "Scale", verbs: &WORDS[..1] }],
        }
    }

    fn all() -> Vec<Served<'static>> {
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
        let read = |core| serde_json::from_slice::<Value>(&aggregated(&all(), core)).unwrap();
        let (core, rest) = (read(true), read(false));
        assert_eq!(core["items"][0]["metadata"], json!({}));
        assert_eq!(core["items"][0]["versions"][0]["resources"][0]["responseKind"], json!({"group": "", "version": "v1", "kind": "Pod"}));
        assert_eq!(rest["items"][0]["metadata"]["name"], "batch");
        assert_eq!(rest["items"][0]["versions"][1]["version"], "v1beta1");
        let below =
            json!([{"subresource": "scale", "responseKind": {"group": "autoscaling", "version": "v1", "kind": "Scale"}, "verbs": ["get"]}]);
        assert_eq!(rest["items"][0]["versions"][0]["resources"][0]["subresources"], below);
        assert_ne!(etag(&aggregated(&all(), true)), etag(&aggregated(&all(), false)));
    }

    #[test]
    fn only_who_asks_for_the_aggregated_form_first_gets_it() {
        assert!(wants_aggregated(&format!("{AGGREGATED},application/json")));
        assert!(!wants_aggregated("application/json"));
        assert!(!wants_aggregated("*/*"));
        assert!(wants_aggregated("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList;profile=nopeer"));
    }
}
