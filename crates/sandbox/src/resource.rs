//! What is served: Kubernetes' own kinds, and those of CustomResourceDefinitions.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use fiel_schema::{Node, Registry, Schema};
use serde_json::Value;

use crate::definition::rules::Programs;

/// In which version Scales are served.
pub(crate) const SCALES: &str = "autoscaling/v1";

/// One kind in one version.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) verbs: Vec<String>,
    pub(crate) subresources: Vec<Subresource>,
    pub(crate) namespaced: bool,
    pub(crate) custom: Option<Custom>,
    builtin: Option<Node<'static>>,
    // Made of the others once: every request asks for them.
    api_version: String,
    storage: String,
}

fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

fn storage(group: &str, plural: &str) -> String {
    format!("{group}/{plural}")
}

/// What stands below an object.
#[derive(Debug, Clone)]
pub(crate) struct Subresource {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) verbs: Vec<String>,
}

/// What a CustomResourceDefinition says of its kind.
#[derive(Debug, Clone)]
pub(crate) struct Custom {
    pub(crate) openapi: Value,
    pub(crate) list_kind: String,
    /// The rules of the schema, read when the first object is written.
    pub(crate) programs: OnceLock<Programs>,
    pub(crate) schema: Option<Schema>,
    pub(crate) columns: Option<Value>,
    pub(crate) scale: Option<Value>,
    /// The fields by which objects can be selected.
    pub(crate) selectable: Vec<String>,
}

impl Resource {
    /// The same place, as those see it who ask for an object's Scale.
    pub(crate) fn as_scale(&self) -> Self {
        let mut scale = self.clone();
        (scale.group, scale.version, scale.kind) = ("autoscaling".to_owned(), "v1".to_owned(), "Scale".to_owned());
        SCALES.clone_into(&mut scale.api_version);
        scale
    }

    /// A kind of Kubernetes.
    fn builtin(kind: fiel_schema::Kind<'static>) -> Self {
        let own = |text: &str| text.to_owned();
        let subresources = kind.subresources().map(|sub| Subresource {
            name: own(sub.name),
            group: own(if sub.kind == "Scale" { "autoscaling" } else { sub.group }),
            version: own(sub.version),
            kind: own(sub.kind),
            verbs: sub.verbs().map(own).collect(),
        });
        Self {
            group: own(kind.group()),
            version: own(kind.version()),
            kind: own(kind.kind()),
            plural: own(kind.plural()),
            singular: own(kind.singular()),
            short_names: kind.short_names().map(own).collect(),
            categories: kind.categories().map(own).collect(),
            verbs: kind.verbs().map(own).collect(),
            subresources: subresources.collect(),
            namespaced: kind.namespaced(),
            custom: None,
            builtin: Some(kind.schema()),
            api_version: api_version(kind.group(), kind.version()),
            storage: storage(kind.group(), kind.plural()),
        }
    }

    /// The kinds that one CustomResourceDefinition serves, a version each.
    pub(crate) fn of_definition(definition: &Value) -> Vec<Self> {
        let spec = &definition["spec"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = |value: &Value| value.as_array().into_iter().flatten().map(text).collect::<Vec<_>>();
        let names = &spec["names"];
        let versions = spec["versions"].as_array().into_iter().flatten();
        let served = versions.filter(|version| version["served"] == true);
        served
            .map(|version| {
                let openapi = version["schema"]["openAPIV3Schema"].clone();
                let subresource = |name: &str, group: &str, of: &str, kind: &str| Subresource {
                    name: name.to_owned(),
                    group: group.to_owned(),
                    version: of.to_owned(),
                    kind: kind.to_owned(),
                    verbs: ["get", "patch", "update"].map(str::to_owned).to_vec(),
                };
                let own = &version["subresources"];
                let (group, name, kind) = (text(&spec["group"]), text(&version["name"]), text(&names["kind"]));
                let mut subresources = Vec::new();
                if !own["status"].is_null() {
                    subresources.push(subresource("status", &group, &name, &kind));
                }
                if !own["scale"].is_null() {
                    subresources.push(subresource("scale", "autoscaling", "v1", "Scale"));
                }
                let (singular, plural) = (text(&names["singular"]), text(&names["plural"]));
                Self {
                    api_version: api_version(&group, &name),
                    storage: storage(&group, &plural),
                    plural,
                    singular: if singular.is_empty() { kind.to_lowercase() } else { singular },
                    short_names: list(&names["shortNames"]),
                    categories: list(&names["categories"]),
                    verbs: ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"].map(str::to_owned).to_vec(),
                    subresources,
                    namespaced: spec["scope"] == "Namespaced",
                    custom: Some(Custom {
                        schema: Schema::from_openapi(&openapi, true).ok(),
                        programs: OnceLock::new(),
                        openapi,
                        list_kind: names["listKind"].as_str().map_or_else(|| format!("{kind}List"), str::to_owned),
                        selectable: version["selectableFields"]
                            .as_array()
                            .into_iter()
                            .flatten()
                            .map(|field| text(&field["jsonPath"]).trim_start_matches('.').to_owned())
                            .collect(),
                        columns: Some(version["additionalPrinterColumns"].clone()).filter(|columns| !columns.is_null()),
                        scale: Some(own["scale"].clone()).filter(|scale| !scale.is_null()),
                    }),
                    builtin: None,
                    group,
                    version: name,
                    kind,
                }
            })
            .collect()
    }

    /// As in the field `apiVersion`.
    pub(crate) fn api_version(&self) -> &str {
        &self.api_version
    }

    /// What a list of its objects is.
    pub(crate) fn list_kind(&self) -> String {
        self.custom.as_ref().map_or_else(|| format!("{}List", self.kind), |custom| custom.list_kind.clone())
    }

    /// As messages name it: `deployments.apps`.
    pub(crate) fn group_resource(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// Under what its objects are kept, the same in every version.
    pub(crate) fn storage(&self) -> &str {
        &self.storage
    }

    /// Its schema, if there is one.
    pub(crate) fn schema(&self) -> Option<Node<'_>> {
        self.builtin.or_else(|| self.custom.as_ref()?.schema.as_ref().map(Schema::root))
    }

    /// Whether it is one of Kubernetes' own.
    pub(crate) fn is_builtin(&self) -> bool {
        self.custom.is_none()
    }

    /// Whether its status is written apart from its spec.
    pub(crate) fn has_status(&self) -> bool {
        self.has("status")
    }

    /// Whether there is such a subresource.
    pub(crate) fn has(&self, subresource: &str) -> bool {
        self.subresources.iter().any(|sub| sub.name == subresource)
    }
}

/// Everything that is served, in discovery's order.
#[derive(Debug, Clone)]
pub(crate) struct Resources {
    list: Vec<Arc<Resource>>,
    by_path: BTreeMap<(String, String, String), usize>,
}

impl Resources {
    /// Kubernetes' own kinds and those of the given definitions.
    pub(crate) fn new<'a>(definitions: impl Iterator<Item = &'a Value>) -> Self {
        let custom = definitions.flat_map(Resource::of_definition).map(Arc::new);
        let list: Vec<Arc<Resource>> = Self::builtin().iter().cloned().chain(custom).collect();
        let path = |resource: &Resource| (resource.group.clone(), resource.version.clone(), resource.plural.clone());
        let by_path = list.iter().enumerate().map(|(index, resource)| (path(resource), index)).collect();
        Self { list, by_path }
    }

    /// Kubernetes' own kinds, the same in every cluster.
    fn builtin() -> &'static [Arc<Resource>] {
        static BUILTIN: OnceLock<Vec<Arc<Resource>>> = OnceLock::new();
        BUILTIN.get_or_init(|| {
            let mut builtin: Vec<Resource> = Registry::builtin().kinds().map(Resource::builtin).collect();
            // All of their versions are stable, and of those clients prefer the highest: `autoscaling/v2`.
            builtin.sort_by(|one, other| (&one.group, &other.version).cmp(&(&other.group, &one.version)));
            builtin.into_iter().map(Arc::new).collect()
        })
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[Arc<Resource>] {
        &self.list
    }

    /// That of a URL.
    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Resource>> {
        let key = (group.to_owned(), version.to_owned(), plural.to_owned());
        self.by_path.get(&key).map(|index| self.list[*index].clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_stable_versions_the_higher_comes_first() {
        let resources = Resources::new(std::iter::empty());
        let versions = |kind: &str| {
            let of_kind = resources.all().iter().filter(|one| one.kind == kind);
            of_kind.map(|one| one.api_version()).collect::<Vec<_>>()
        };
        assert_eq!(versions("HorizontalPodAutoscaler"), ["autoscaling/v2", "autoscaling/v1"]);
        assert_eq!(
            resources.find("autoscaling", "v1", "horizontalpodautoscalers").map(|one| one.api_version().to_owned()),
            Some("autoscaling/v1".into())
        );
    }
}
