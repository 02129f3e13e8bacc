//! `openapi`: a schema of one's own, from which strategic merge learns the merge keys of lists, and everything which kinds live outside of namespaces.
//!
//! In kustomize the schema belongs to the process: the first kustomization that names one decides for the whole build, and Kubernetes' own kinds then
//! have no schema any more, unless something was merged before.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use crate::decode::Fields;
use crate::error::{Error, ErrorKind, Result};
use crate::id::Gvk;
use crate::load::Folder;
use crate::mergekeys::{ListMerge, Shape, builtin};
use crate::resource::Resource;
use crate::scope::Scopes;
use crate::yaml::{Map, Value, parse_kustomization_or_json};

/// The schemas that are in force at a point of a build.
#[derive(Debug, Clone, Default)]
pub(crate) struct Schemas {
    custom: Option<Arc<OpenApi>>,
    /// Whether a kustomization has chosen a schema.
    chosen: bool,
    /// Whether the built-in schema was read before.
    builtin: bool,
    /// Whether a kind was met that it does not have.
    met: bool,
}

impl Schemas {
    /// Resources are read from a file. To learn whether a kind is namespaced that Kubernetes does not have, kustomize decides for the built-in schema, which
    /// it reads with the first merge, then: a schema that is chosen between the two does not count for Kubernetes' own kinds.
    pub(crate) fn meet(&mut self, resources: &[Resource]) {
        if !self.met && !self.chosen {
            self.met = resources.iter().any(|resource| builtin(&resource.gvk()) == Shape::Unknown);
        }
    }

    /// The schemas as a merge finds them; the first merge makes kustomize read the built-in one.
    pub(crate) fn for_merge(&mut self) -> Self {
        self.builtin |= self.custom.is_none();
        self.clone()
    }

    /// The custom schema of a kind.
    pub(crate) fn custom(&self, gvk: &Gvk<'_>) -> Option<Place<'_>> {
        let api = self.custom.as_deref()?;
        let name = api.kinds.get(&key(gvk.group, gvk.version, gvk.kind))?;
        Some(Place { api, schema: api.definitions.get(name)? })
    }

    /// Whether Kubernetes' own kinds have their schema.
    pub(crate) fn has_builtin(&self) -> bool {
        self.builtin || self.met || self.custom.is_none()
    }

    /// Whether they have it even where the custom one describes them.
    pub(crate) fn prefers_builtin(&self) -> bool {
        self.met && !self.builtin
    }
}

/// Takes over the `openapi` field of a kustomization.
pub(crate) fn choose(folder: &Folder<'_>, openapi: &Value) -> Result<()> {
    let (path, version) = Fields::new(openapi.clone(), "openapi")?.read_known(|f| Ok((f.take("path"), f.string("version"))))?;
    let custom = match &path {
        Some(path) => {
            let name = crate::decode::string(path, "path")?;
            let bytes = folder.read(&name).map_err(|error| error.at(path.pos))?;
            Some((bytes, folder.name(&name)))
        }
        None => None,
    };
    if folder.session.schemas.borrow().chosen {
        return Ok(());
    }
    let wrong = |message: String| Err(Error::new(ErrorKind::Kustomization, message).at(openapi.pos));
    match (custom, version.as_deref()) {
        (Some(_), Some(_)) => wrong("openapi has both path and version; use one of them".to_owned()),
        (Some((bytes, name)), None) => {
            let value = parse_kustomization_or_json(&bytes, &name)?;
            let api = OpenApi::decode(&value).map_err(|error| error.in_file(&name))?;
            folder.session.scopes.choose(scopes(&value).map_err(|error| error.in_file(&name))?);
            let mut schemas = folder.session.schemas.borrow_mut();
            (schemas.custom, schemas.chosen) = (Some(Arc::new(api)), true);
            Ok(())
        }
        (None, Some("v1.21.2" | "v1_21_2")) => {
            folder.session.schemas.borrow_mut().chosen = true;
            Ok(())
        }
        (None, None | Some("")) => Ok(()),
        (None, Some(other)) => wrong(format!("openapi.version {other} is not built in; v1.21.2 is")),
    }
}

/// What the paths of an OpenAPI document say: a kind whose objects are read at none within a namespace lives outside of all.
fn scopes(value: &Value) -> Result<Scopes> {
    let mut scopes = Scopes::default();
    let paths = value.get("paths").and_then(Value::as_map).into_iter().flat_map(Map::iter);
    for (path, item) in paths.filter(|(path, _)| path.starts_with('/')) {
        let Some(gvk) = item.get("get").and_then(|get| get.get("x-kubernetes-group-version-kind")) else { continue };
        if gvk.as_map().is_none() {
            continue;
        }
        // kustomize crashes where one is missing.
        let part = |field: &str| {
            let text = gvk.get(field).and_then(Value::text);
            text.ok_or_else(|| Error::new(ErrorKind::Kustomization, format!("x-kubernetes-group-version-kind needs a {field}")).at(gvk.pos))
        };
        scopes.learn(path, &Gvk { group: part("group")?, version: part("version")?, kind: part("kind")? });
    }
    Ok(scopes)
}

/// The definitions of an OpenAPI document.
#[derive(Debug, Default)]
struct OpenApi {
    definitions: HashMap<String, Schema>,
    /// Definitions by group, version and kind.
    kinds: HashMap<String, String>,
}

/// What merging needs to know of a schema.
#[derive(Debug, Default)]
struct Schema {
    reference: Option<String>,
    properties: HashMap<String, Schema>,
    additional: Option<Box<Schema>>,
    items: Option<Box<Schema>>,
    merges: bool,
    keys: Vec<Cow<'static, str>>,
}

/// A schema within its document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    api: &'a OpenApi,
    schema: &'a Schema,
}

impl PartialEq for Place<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.schema, other.schema)
    }
}

impl<'a> Place<'a> {
    fn resolved(self) -> Option<Self> {
        let mut at = self;
        // A reference may lead to a reference, but not for ever.
        for _ in 0..64 {
            let Some(name) = &at.schema.reference else { return Some(at) };
            at.schema = at.api.definitions.get(name)?;
        }
        None
    }

    /// The schema of a field, or of the elements of a list field, and how the list merges.
    pub(crate) fn field(self, name: &str) -> Option<(Option<Self>, ListMerge<'a>)> {
        let schema = self.schema.properties.get(name).or(self.schema.additional.as_deref())?;
        let field = Place { schema, ..self }.resolved()?;
        let Some(items) = &field.schema.items else { return Some((Some(field), ListMerge::Replace)) };
        let list = match (field.schema.merges, &field.schema.keys[..]) {
            (false, _) => ListMerge::Replace,
            (true, []) => ListMerge::Set,
            (true, keys) => ListMerge::Keys(keys),
        };
        Some((Place { schema: items, ..self }.resolved(), list))
    }
}

fn key(group: &str, version: &str, kind: &str) -> String {
    format!("{group}/{version}/{kind}")
}

impl OpenApi {
    fn decode(value: &Value) -> Result<Self> {
        let mut api = Self::default();
        let Some(definitions) = value.get("definitions").and_then(Value::as_map) else { return Ok(api) };
        for (name, definition) in definitions.iter() {
            for gvk in definition.get("x-kubernetes-group-version-kind").and_then(Value::as_list).unwrap_or_default() {
                let text = |field: &str| gvk.get(field).and_then(Value::text).unwrap_or("");
                api.kinds.insert(key(text("group"), text("version"), text("kind")), name.to_owned());
            }
            api.definitions.insert(name.to_owned(), Schema::decode(definition));
        }
        Ok(api)
    }
}

impl Schema {
    fn decode(value: &Value) -> Self {
        let text = |field: &str| value.get(field).and_then(Value::text);
        let list = text("type") == Some("array")
            || value.get("type").and_then(Value::as_list).is_some_and(|types| matches!(types, [one] if one.text() == Some("array")));
        let several = value.get("x-kubernetes-list-map-keys").and_then(Value::as_list);
        let keys = match several {
            Some(keys) => keys.iter().filter_map(Value::text).map(|key| Cow::Owned(key.to_owned())).collect(),
            None => text("x-kubernetes-patch-merge-key").map(|key| Cow::Owned(key.to_owned())).into_iter().collect(),
        };
        let inner = |field: &str| value.get(field).filter(|schema| schema.as_map().is_some()).map(|schema| Box::new(Self::decode(schema)));
        let properties = value.get("properties").and_then(Value::as_map);
        Self {
            reference: text("$ref").map(|name| name.trim_start_matches("#/definitions/").to_owned()),
            properties: properties.into_iter().flat_map(Map::iter).map(|(name, schema)| (name.to_owned(), Self::decode(schema))).collect(),
            additional: inner("additionalProperties"),
            items: if list { inner("items") } else { None },
            merges: text("x-kubernetes-patch-strategy") == Some("merge"),
            keys,
        }
    }
}
