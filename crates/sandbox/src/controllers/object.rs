//! Reading and making objects whose metadata is typed and whose rest is JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};
use kube::api::ApiResource;
use kube::core::DynamicResourceScope;
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::kind::Kind;

/// Metadata typed, everything else JSON: nothing that a newer server sends is lost, but `managedFields`, at which no controller looks.
///
/// It is what kube's `DynamicObject` is, without flattened fields: serde copies those into a form of its own before they become JSON.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Object {
    pub(crate) metadata: ObjectMeta,
    /// An object: all fields but `metadata`.
    pub(crate) data: Value,
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Object;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object of the API")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut metadata = Metadata::default();
        let mut data = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == "metadata" {
                metadata = map.next_value()?;
            } else {
                data.insert(name, map.next_value()?);
            }
        }
        Ok(Object { metadata: metadata.into(), data: Value::Object(data) })
    }
}

/// [`ObjectMeta`] as far as it is read: half of an object's text may be `managedFields`, which this skips.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Metadata {
    annotations: Option<Labels>,
    creation_timestamp: Option<Time>,
    deletion_grace_period_seconds: Option<i64>,
    deletion_timestamp: Option<Time>,
    finalizers: Option<Vec<String>>,
    generate_name: Option<String>,
    generation: Option<i64>,
    labels: Option<Labels>,
    name: Option<String>,
    namespace: Option<String>,
    owner_references: Option<Vec<OwnerReference>>,
    resource_version: Option<String>,
    self_link: Option<String>,
    uid: Option<String>,
}

impl From<Metadata> for ObjectMeta {
    fn from(read: Metadata) -> Self {
        Self {
            annotations: read.annotations,
            creation_timestamp: read.creation_timestamp,
            deletion_grace_period_seconds: read.deletion_grace_period_seconds,
            deletion_timestamp: read.deletion_timestamp,
            finalizers: read.finalizers,
            generate_name: read.generate_name,
            generation: read.generation,
            labels: read.labels,
            managed_fields: None,
            name: read.name,
            namespace: read.namespace,
            owner_references: read.owner_references,
            resource_version: read.resource_version,
            self_link: read.self_link,
            uid: read.uid,
        }
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("metadata", &self.metadata)?;
        for (name, value) in self.data.as_object().into_iter().flatten() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl kube::Resource for Object {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// Labels or annotations.
pub(crate) type Labels = BTreeMap<String, String>;

/// An object of `kind`, with metadata as given and the other fields of `data`.
pub(crate) fn make(kind: Kind, metadata: ObjectMeta, mut data: Value) -> Object {
    data["apiVersion"] = kind.api_version().into();
    data["kind"] = kind.name().into();
    Object { metadata, data }
}

/// Namespace and name; the namespace is empty for cluster-wide objects.
pub(crate) fn key(object: &Object) -> (String, String) {
    (namespace(object).to_owned(), name(object).to_owned())
}

pub(crate) fn name(object: &Object) -> &str {
    object.metadata.name.as_deref().unwrap_or_default()
}

pub(crate) fn namespace(object: &Object) -> &str {
    object.metadata.namespace.as_deref().unwrap_or_default()
}

pub(crate) fn uid(object: &Object) -> &str {
    object.metadata.uid.as_deref().unwrap_or_default()
}

/// The resource version as a number: since Kubernetes 1.35 clients may compare them.
pub(crate) fn version(object: &Object) -> Option<u64> {
    object.metadata.resource_version.as_deref()?.parse().ok()
}

pub(crate) fn is_deleting(object: &Object) -> bool {
    object.metadata.deletion_timestamp.is_some()
}

pub(crate) fn created(object: &Object) -> Timestamp {
    object.metadata.creation_timestamp.as_ref().map_or(Timestamp::UNIX_EPOCH, |time| time.0)
}

pub(crate) fn label<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.metadata.labels.as_ref()?.get(name).map(String::as_str)
}

pub(crate) fn annotation<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.metadata.annotations.as_ref()?.get(name).map(String::as_str)
}

impl Object {
    /// What stands below the object's root, by JSON pointer. `Value::pointer` makes two texts of each step, in case it holds a `~`: none does. Steps are
    /// too short for a search of many letters at once to be worth its beginning.
    pub(crate) fn at(&self, pointer: &str) -> Option<&Value> {
        let (mut rest, mut value) = (pointer.strip_prefix('/').unwrap_or_default(), &self.data);
        while !rest.is_empty() {
            let end = rest.bytes().position(|byte| byte == b'/').unwrap_or(rest.len());
            let step = &rest[..end];
            value = match value {
                Value::Array(items) => items.get(step.parse::<usize>().ok()?)?,
                _ => value.get(step)?,
            };
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        Some(value)
    }
}

/// A number below the object's root, by JSON pointer.
pub(crate) fn number(object: &Object, pointer: &str) -> Option<i64> {
    object.at(pointer)?.as_i64()
}

/// A text below the object's root, by JSON pointer.
pub(crate) fn text<'a>(object: &'a Object, pointer: &str) -> Option<&'a str> {
    object.at(pointer)?.as_str()
}

/// A flag below the object's root, by JSON pointer; false where it is not set.
pub(crate) fn flag(object: &Object, pointer: &str) -> bool {
    object.at(pointer).and_then(Value::as_bool).unwrap_or(false)
}

/// The owner that manages the object, of which there is at most one.
pub(crate) fn controller(object: &Object) -> Option<&OwnerReference> {
    object.metadata.owner_references.as_ref()?.iter().find(|owner| owner.controller == Some(true))
}

/// The reference by which `owner` manages what it makes.
pub(crate) fn owner_reference(kind: Kind, owner: &Object) -> OwnerReference {
    OwnerReference {
        api_version: kind.api_version(),
        kind: kind.name().to_owned(),
        name: name(owner).to_owned(),
        uid: uid(owner).to_owned(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// Whether a label selector (`matchLabels` and `matchExpressions`) selects these labels. A missing selector selects nothing.
pub(crate) fn selects(selector: Option<&Value>, labels: Option<&Labels>) -> bool {
    let Some(selector) = selector else { return false };
    let get = |name: &str| labels.and_then(|labels| labels.get(name)).map(String::as_str);
    let pairs = selector.get("matchLabels").and_then(Value::as_object);
    let equal = pairs.is_none_or(|pairs| pairs.iter().all(|(name, value)| get(name) == value.as_str()));
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    equal && expressions.is_none_or(|expressions| expressions.iter().all(|expression| holds(expression, &get)))
}

/// Whether one of `matchExpressions` holds; one with an unknown operator does not.
fn holds<'a>(expression: &Value, get: &impl Fn(&str) -> Option<&'a str>) -> bool {
    let text = |field: &str| expression.get(field).and_then(Value::as_str).unwrap_or_default();
    let value = get(text("key"));
    let listed = || {
        let values = expression.get("values").and_then(Value::as_array);
        values.is_some_and(|values| values.iter().any(|listed| listed.as_str() == value))
    };
    match text("operator") {
        "In" => value.is_some() && listed(),
        "NotIn" => value.is_none() || !listed(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        _ => false,
    }
}

/// Whether a plain map selector, as of a Service, selects these labels. An empty one selects nothing.
pub(crate) fn selects_plainly(selector: Option<&Value>, labels: Option<&Labels>) -> bool {
    let Some(pairs) = selector.and_then(Value::as_object).filter(|pairs| !pairs.is_empty()) else { return false };
    pairs.iter().all(|(name, value)| labels.and_then(|labels| labels.get(name)).map(String::as_str) == value.as_str())
}

/// A condition of the object's status.
pub(crate) fn condition<'a>(object: &'a Object, kind: &str) -> Option<&'a Value> {
    let conditions = object.at("/status/conditions")?.as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)
}

/// Since when a Pod is ready, where it is.
pub(crate) fn ready_since(pod: &Object) -> Option<Timestamp> {
    let ready = condition(pod, "Ready").filter(|ready| ready["status"] == "True")?;
    Some(ready["lastTransitionTime"].as_str().and_then(|time| time.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Whether a Pod is ready and not going away.
pub(crate) fn is_pod_ready(pod: &Object) -> bool {
    !is_deleting(pod) && ready_since(pod).is_some()
}

/// The merge patch that turns the live status into `wanted`, top-level fields that are no more wanted included; none where nothing changes.
pub(crate) fn status_patch(object: &Object, wanted: &Value) -> Option<Value> {
    let empty = Value::Object(serde_json::Map::new());
    let live = object.data.get("status").unwrap_or(&empty);
    if live == wanted {
        return None;
    }
    let mut patch = wanted.clone();
    let gone = live.as_object().into_iter().flatten().map(|(name, _)| name).filter(|name| wanted.get(name.as_str()).is_none());
    for name in gone {
        patch[name.as_str()] = Value::Null;
    }
    Some(json!({ "status": patch }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_match_labels_and_expressions() {
        let labels = Labels::from([("app".to_owned(), "web".to_owned()), ("tier".to_owned(), "front".to_owned())]);
        let on = |selector: Value| selects(Some(&selector), Some(&labels));
        assert!(on(json!({"matchLabels": {"app": "web"}})));
        assert!(!on(json!({"matchLabels": {"app": "db"}})));
        assert!(on(json!({})), "an empty selector selects everything");
        assert!(on(json!({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["front", "back"]}]})));
        assert!(!on(json!({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["front"]}]})));
        assert!(on(json!({"matchExpressions": [{"key": "zone", "operator": "DoesNotExist"}]})));
        assert!(!on(json!({"matchExpressions": [{"key": "zone", "operator": "Exists"}]})));
        assert!(!on(json!({"matchExpressions": [{"key": "app", "operator": "Near"}]})));
        assert!(!selects(None, Some(&labels)));
        assert!(!selects_plainly(Some(&json!({})), Some(&labels)), "a Service without selector has no Pods");
    }

    #[test]
    fn an_object_is_read_and_written_as_it_is() {
        let wire = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "labels": {"app": "web"}}, "spec": {"new": [1]}});
        let mut read = wire.clone();
        read["metadata"]["managedFields"] = json!([{"manager": "kubelet", "operation": "Update", "fieldsV1": {"f:status": {}}}]);
        let object: Object = serde_json::from_value(read).expect("an object");
        assert_eq!((name(&object), label(&object, "app")), ("web", Some("web")));
        assert_eq!(serde_json::to_value(&object).expect("JSON"), wire);
        let wrong = serde_json::from_value::<Object>(json!({"metadata": {"name": 1}}));
        assert!(wrong.is_err_and(|error| error.to_string().contains("invalid type")));
        assert!(serde_json::from_value::<Object>(json!({"metadata": "none"})).is_err());
    }

    #[test]
    fn fields_are_found_by_names_and_positions() {
        let object = make(Kind::Pod, ObjectMeta::default(), json!({"spec": {"terms": [{"count": 1}, {"node": "one", "on": true}]}}));
        assert_eq!((text(&object, "/spec/terms/1/node"), number(&object, "/spec/terms/0/count")), (Some("one"), Some(1)));
        assert!(flag(&object, "/spec/terms/1/on") && !flag(&object, "/spec/terms/2/on"));
    }

    #[test]
    fn a_status_patch_removes_what_is_gone_and_is_none_when_nothing_changes() {
        let object = make(Kind::Pod, ObjectMeta::default(), json!({"status": {"a": 1, "b": 2}}));
        assert_eq!(status_patch(&object, &json!({"a": 1, "b": 2})), None);
        assert_eq!(status_patch(&object, &json!({"a": 3})), Some(json!({"status": {"a": 3, "b": null}})));
    }
}
