//! Objects of which nothing but the metadata is asked for.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::ApiResource;
use kube::core::DynamicResourceScope;
use serde::{Deserialize, Deserializer};

use super::object::{Metadata, Object};

/// What kube's `PartialObjectMeta` is, without `managedFields`: they are most of what is told of an object, and nobody looks at them.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Meta {
    #[serde(deserialize_with = "metadata")]
    pub(crate) metadata: ObjectMeta,
}

fn metadata<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectMeta, D::Error> {
    Metadata::deserialize(deserializer).map(Into::into)
}

impl kube::Resource for Meta {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn metadata_api() -> bool {
        true
    }

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        Object::kind(resource)
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        Object::group(resource)
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        Object::version(resource)
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        Object::plural(resource)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn metadata_is_read_but_for_managed_fields() {
        let told = json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": {
            "name": "web", "uid": "u", "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "o"}],
            "managedFields": [{"manager": "kubelet", "operation": "Update", "fieldsV1": {"f:status": {}}}],
        }});
        let meta: Meta = serde_json::from_value(told).expect("an object");
        assert_eq!((meta.metadata.name.as_deref(), meta.metadata.owner_references.map(|owners| owners.len())), (Some("web"), Some(1)));
        assert_eq!(meta.metadata.managed_fields, None);
        assert!(<Meta as kube::Resource>::metadata_api(), "the API is asked for no more");
    }
}
