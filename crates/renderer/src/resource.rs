//! A resource on its way through a build: its content, and what the build must remember about it.

use crate::doubt::Doubts;
use crate::id::{Gvk, Id};
use crate::origin::Origin;
use crate::yaml::{Map, Text, Value, to_string};

/// How a generated ConfigMap or Secret meets one that is already there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Behavior {
    #[default]
    Unspecified,
    Create,
    Replace,
    Merge,
}

/// What kustomize keeps in internal annotations while it builds.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    /// Earlier (kind, name, effective namespace), the oldest first.
    pub(crate) previous: Vec<(Text, Text, Text)>,
    pub(crate) prefixes: Vec<Text>,
    pub(crate) suffixes: Vec<Text>,
    /// Whether kustomize keeps something of it in its annotations, so that it has some.
    pub(crate) annotated: bool,
    pub(crate) needs_hash: bool,
    pub(crate) behavior: Behavior,
    pub(crate) vars: Vec<Text>,
    /// What comes of a Helm chart keeps the namespace that helm gave it.
    pub(crate) from_helm: bool,
    /// Tells the resource from the others while notes are taken of a build; otherwise 0.
    pub(crate) serial: u32,
    /// For patches: whether they may rename.
    pub(crate) name_change: bool,
    pub(crate) kind_change: bool,
    /// For configurations of plugins: where they stand, if anyone wants to know.
    pub(crate) origin: Option<Origin>,
    /// Where a step failed, while a build that has failed goes on to find what else is wrong.
    pub(crate) doubts: Option<Box<Doubts>>,
}

impl State {
    /// The ids that a resource of this group, version and kind had, the oldest first.
    fn previous_ids<'a>(&'a self, gvk: Gvk<'a>) -> impl Iterator<Item = Id<'a>> {
        self.previous.iter().map(move |(kind, name, namespace)| Id { gvk: Gvk { kind, ..gvk }, name, namespace })
    }

    /// The id under which the resource was read that has this one now.
    pub(crate) fn original_id<'a>(&'a self, id: Id<'a>) -> Id<'a> {
        self.previous_ids(id.gvk).next().unwrap_or(id)
    }
}

/// The id in a resource's content.
pub(crate) fn id_of(value: &Value) -> Id<'_> {
    let text = |field| value.get(field).and_then(Value::text).unwrap_or_default();
    Id { gvk: Gvk::new(text("apiVersion"), text("kind")), name: metadata(value, "name"), namespace: metadata(value, "namespace") }
}

fn metadata<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get("metadata").and_then(|meta| meta.get(field)).filter(|value| !value.is_null()).and_then(Value::text).unwrap_or_default()
}

/// The annotations in which kustomize keeps earlier ids.
const PREVIOUS: [&str; 3] = [
    "internal.config.kubernetes.io/previousKinds",
    "internal.config.kubernetes.io/previousNames",
    "internal.config.kubernetes.io/previousNamespaces",
];

/// A Kubernetes resource.
#[derive(Debug, Clone)]
pub struct Resource {
    pub(crate) value: Value,
    /// Boxed: resources are moved often, and what is remembered of them is larger than they are.
    pub(crate) state: Box<State>,
}

impl Resource {
    /// Wraps a value, which the caller has found to be a map with kind and name.
    pub(crate) fn new(value: Value) -> Self {
        Self { value, state: Box::default() }
    }

    /// A resource as a file has it: kustomize believes annotations that say which ids it had before.
    pub(crate) fn read(value: Value) -> Self {
        let mut resource = Self::new(value);
        if resource.value.get("metadata").and_then(|meta| meta.get("annotations")).is_none() {
            return resource;
        }
        let [kinds, names, namespaces] = PREVIOUS.map(|key| {
            let list = resource.annotation(key).unwrap_or_default();
            list.split(',').filter(|text| !text.is_empty()).map(Text::from).collect::<Vec<_>>()
        });
        if kinds.len() == names.len() && names.len() == namespaces.len() {
            let ids = kinds.into_iter().zip(names).zip(namespaces);
            resource.state.previous = ids.map(|((kind, name), namespace)| (kind, name, namespace)).collect();
        }
        resource
    }

    /// `apiVersion`, empty when it is missing.
    #[must_use]
    pub fn api_version(&self) -> &str {
        self.value.get("apiVersion").and_then(Value::text).unwrap_or("")
    }

    /// `kind`, empty when it is missing.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.value.get("kind").and_then(Value::text).unwrap_or("")
    }

    /// `metadata.name`, empty when it is missing.
    #[must_use]
    pub fn name(&self) -> &str {
        metadata(&self.value, "name")
    }

    /// `metadata.namespace`, empty when it is missing.
    #[must_use]
    pub fn namespace(&self) -> &str {
        metadata(&self.value, "namespace")
    }

    /// Whether kustomize takes the kind for one that lives outside of namespaces.
    #[must_use]
    pub fn is_cluster_scoped(&self) -> bool {
        crate::scope::is_cluster_scoped(&self.gvk())
    }

    /// The resource as JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        self.value.to_json()
    }

    /// The resource as kustomize prints it.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        to_string(&self.value)
    }

    /// The content.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    pub(crate) fn gvk(&self) -> Gvk<'_> {
        Gvk::new(self.api_version(), self.kind())
    }

    /// The id that the resource has now.
    pub(crate) fn id(&self) -> Id<'_> {
        id_of(&self.value)
    }

    /// The ids that it had, the oldest first.
    pub(crate) fn previous_ids(&self) -> impl Iterator<Item = Id<'_>> {
        self.state.previous_ids(self.gvk())
    }

    /// The id under which it was read.
    pub(crate) fn original_id(&self) -> Id<'_> {
        self.state.original_id(self.id())
    }

    /// Group, version and kind of that id.
    pub(crate) fn original_gvk(&self) -> Gvk<'_> {
        let gvk = self.gvk();
        self.state.previous.first().map_or(gvk, |(kind, _, _)| Gvk { kind, ..gvk })
    }

    /// Remembers the present id, before it changes.
    pub(crate) fn store_previous(&mut self) {
        let id = self.id();
        let entry = (id.gvk.kind.into(), id.name.into(), id.effective_namespace().into());
        // kustomize keeps it in the annotations, which are a map from then on.
        if self.value.get("metadata").and_then(|meta| meta.get("annotations")).is_some_and(|annotations| annotations.as_map().is_none()) {
            self.metadata_mut().and_then(|metadata| metadata.remove("annotations"));
        }
        self.state.annotated = true;
        // Most resources have one earlier id.
        self.state.previous.reserve_exact(1);
        self.state.previous.push(entry);
    }

    /// What it has no more of the kind and name that it had.
    pub(crate) fn lost(&self, kind: &str, name: &str) -> Option<&'static str> {
        match (self.kind(), self.name()) {
            ("", _) if !kind.is_empty() => Some("kind"),
            (_, "") if !name.is_empty() => Some("metadata.name"),
            _ => None,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.value.is_null() || self.value.as_map().is_some_and(Map::is_empty)
    }

    pub(crate) fn metadata_mut(&mut self) -> Option<&mut Map> {
        self.value.as_map_mut()?.entry("metadata", || Value::map(Map::new())).as_map_mut()
    }

    /// Sets `metadata.<field>`; an empty text removes it.
    pub(crate) fn set_metadata(&mut self, field: &str, text: &str) {
        self.put_metadata(field, Some(Value::string(text)));
    }

    /// Puts a value into a field of the metadata; an empty one is none.
    pub(crate) fn put_metadata(&mut self, field: &str, value: Option<Value>) {
        if let Some(metadata) = self.metadata_mut() {
            match value.filter(|value| value.text().is_some_and(|text| !text.is_empty())) {
                Some(value) => metadata.insert(field, value),
                None => drop(metadata.remove(field)),
            }
        }
    }

    pub(crate) fn set_kind(&mut self, kind: &str) {
        if let Some(map) = self.value.as_map_mut() {
            map.insert("kind", Value::string(kind));
        }
    }

    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        self.value.get("metadata")?.get("annotations")?.get(key)?.text()
    }
}
