//! Names, namespaces, labels, annotations, replicas.

use super::Subjects;
use crate::decode::nearest;
use crate::error::{Error, ErrorKind, Gathered, Result};
use crate::fieldspec::{FieldSpec, Leaf, apply_all, put_text};
use crate::ids::Ids;
use crate::kustomization::Replica;
use crate::names::Names;
use crate::parallel;
use crate::resource::Resource;
use crate::yaml::{Kind, Map, Node, Scalar, Value};

fn failed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Resource, message)
}

fn set_text(value: &mut Value, text: &str) -> Result<()> {
    match &value.node {
        Node::Scalar(_) => {
            *value = Value { pos: value.pos.or_untyped(), ..Value::string(text) };
            Ok(())
        }
        _ => Err(failed(format!("expected a scalar, found {}", value.describe())).at(value.pos)),
    }
}

/// Refuses field specs that take the annotations for a text: where kustomize keeps something in them, they are a map.
fn no_annotations(resource: &Resource, specs: &[FieldSpec]) -> Result<()> {
    let takes = |spec: &FieldSpec| spec.path == "metadata/annotations" && spec.matches(&resource.gvk());
    if resource.state.annotated && specs.iter().any(takes) {
        return Err(failed("expected a scalar, found a map in metadata/annotations"));
    }
    Ok(())
}

/// Kinds whose names cannot be changed freely.
fn keeps_name(resource: &Resource) -> bool {
    let gvk = resource.original_gvk();
    matches!(gvk.kind, "CustomResourceDefinition" | "Namespace") || (gvk.kind == "APIService" && gvk.group == "apiregistration.k8s.io")
}

/// Puts a text before or behind a name.
pub(super) fn rename(resource: &mut Resource, text: &str, specs: &[FieldSpec], prefix: bool) -> Result<()> {
    if keeps_name(resource) {
        return Ok(());
    }
    let mut errors = Gathered::default();
    for spec in specs {
        if !spec.matches(&resource.original_gvk()) {
            continue;
        }
        if spec.path == "metadata/name" && !text.is_empty() {
            let list = if prefix { &mut resource.state.prefixes } else { &mut resource.state.suffixes };
            list.reserve_exact(1);
            list.push(text.into());
            resource.store_previous();
        }
        let set = &mut |value: &mut Value| {
            let old = value.text().unwrap_or("");
            let new = if prefix { format!("{text}{old}") } else { format!("{old}{text}") };
            put_text(value, new)
        };
        if let Err(error) = spec.apply(&mut resource.value, Leaf::Scalar, set) {
            errors.note_field(resource, &spec.path, &error);
        }
    }
    errors.finish()
}

pub(super) fn namespace(resources: &mut [Resource], name: &str, specs: &[FieldSpec], unset_only: bool, subjects: Subjects) -> Result<()> {
    if name.is_empty() {
        return Ok(());
    }
    parallel::each(resources, |resource| settle(resource, name, specs, unset_only, subjects))?;
    let mut errors = Gathered::default();
    // Two resources may have become one.
    for at in Ids::default().add(resources, 0) {
        errors.note(failed(format!("setting the namespace gives two resources the same id: {}", resources[at].id())));
        resources[at].doubt(vec!["metadata".to_owned(), "namespace".to_owned()]);
    }
    errors.finish()
}

/// Brings one resource into a namespace.
fn settle(resource: &mut Resource, name: &str, specs: &[FieldSpec], unset_only: bool, subjects: Subjects) -> Result<()> {
    if resource.state.from_helm {
        return Ok(());
    }
    resource.store_previous();
    let mut set = |value: &mut Value| {
        if unset_only && value.text().is_some_and(|text| !text.is_empty()) && !value.is_null() { Ok(()) } else { set_text(value, name) }
    };
    let mut errors = Gathered::default();
    if !crate::scope::is_cluster_scoped(&resource.gvk())
        && let Err(error) = FieldSpec::builtin("", "", "metadata/namespace", true).apply(&mut resource.value, Leaf::Scalar, &mut set)
    {
        errors.note_field(resource, "metadata/namespace", &error);
    }
    let binding = matches!(resource.kind(), "RoleBinding" | "ClusterRoleBinding");
    if binding
        && subjects != Subjects::Nothing
        && let Err(error) = bind(resource, subjects, &mut set)
    {
        errors.note_field(resource, "subjects", &error);
    }
    // Only the name of a real Namespace is that of a namespace.
    let gvk = resource.gvk();
    let other_namespace = gvk.kind == "Namespace" && (gvk.group, gvk.version) != ("", "v1");
    let wanted = specs.iter().filter(|spec| match &*spec.path {
        "metadata/namespace" => false,
        "metadata/name" => !other_namespace,
        "subjects" | "subjects/namespace" => !binding,
        _ => true,
    });
    if let Err(error) = no_annotations(resource, specs).and_then(|()| apply_all(wanted, resource, Leaf::Scalar, &mut set)) {
        errors.note(error);
    }
    errors.finish()
}

fn bind(resource: &mut Resource, subjects: Subjects, set: &mut dyn FnMut(&mut Value) -> Result<()>) -> Result<()> {
    let Some(list) = resource.value.get_mut("subjects").filter(|list| !list.is_null()) else { return Ok(()) };
    let (pos, found) = (list.pos, list.describe());
    let Node::List(items) = &mut list.node else {
        return Err(failed(format!("the subjects of a binding must be a list, not {found}")).at(pos));
    };
    for item in items {
        if item.as_map().is_none() {
            return Err(failed(format!("a subject of a binding must be a map, not {}", item.describe())).at(item.pos));
        }
        let wanted = match subjects {
            Subjects::DefaultOnly => item.get("name").and_then(Value::text) == Some("default"),
            Subjects::AllServiceAccounts => item.get("kind").and_then(Value::text) == Some("ServiceAccount"),
            Subjects::Nothing => false,
        };
        if let (true, Some(map)) = (wanted, item.as_map_mut()) {
            set(map.entry("namespace", || Value::string("")))?;
        }
    }
    Ok(())
}

/// Sets labels or annotations.
pub(super) fn set_pairs(resource: &mut Resource, pairs: &[(String, String)], specs: &[FieldSpec]) -> Result<()> {
    if pairs.is_empty() {
        return Ok(());
    }
    if pairs.iter().any(|(key, _)| key.is_empty()) {
        return Err(failed("a label or an annotation has no name"));
    }
    // Who has nothing but what kustomize keeps in annotations has some: they need not be made.
    if resource.state.annotated && specs.iter().any(|spec| spec.path == "metadata/annotations" && spec.matches(&resource.gvk())) {
        resource.metadata_mut().map(|metadata| metadata.entry("annotations", || Value::map(Map::new())));
    }
    apply_all(specs, resource, Leaf::Map, &mut |value| {
        let pos = value.pos;
        // What may be made is a map by now; what may not be made stays null.
        if value.is_null() {
            return Ok(());
        }
        let found = value.describe();
        let Some(map) = value.as_map_mut() else { return Err(failed(format!("expected a map, found {found}")).at(pos)) };
        pairs.iter().for_each(|(key, text)| map.insert(key, Value::with_quotes(text)));
        Ok(())
    })
}

pub(super) fn replicas(resources: &mut [Resource], names: &Names, replica: &Replica, specs: &[FieldSpec]) -> Result<()> {
    let (mut found, mut errors) = (false, Gathered::default());
    let places = names.places(&replica.name);
    for spec in specs {
        for at in &places {
            let resource = &mut resources[*at];
            let hit = resource.previous_ids().chain([resource.id()]).any(|id| id.name == replica.name && spec.matches(&id.gvk));
            if !hit {
                continue;
            }
            found = true;
            // A patch may have made it another kind since, one without replicas.
            if !spec.matches(&resource.gvk()) {
                continue;
            }
            let set = &mut |value: &mut Value| {
                let Node::Scalar(old) = &value.node else { return Err(failed("replicas should be a number")) };
                let count = Scalar::plain(replica.count.to_string(), Kind::Int);
                // What stood in quotes stays in them, as in kustomize.
                let count = if old.quoted && old.kind == Kind::Str { Scalar::quoted(count.text) } else { count };
                value.node = Node::Scalar(count);
                Ok(())
            };
            if let Err(error) = spec.apply(&mut resource.value, Leaf::Scalar, set) {
                errors.note_field(resource, &spec.path, &error);
            }
        }
    }
    if found {
        return errors.finish().map_err(|error| error.at(replica.pos));
    }
    let kinds: Vec<&str> = specs.iter().map(|spec| &*spec.kind).collect();
    let alike = resources.iter().filter(|resource| specs.iter().any(|spec| spec.matches(&resource.gvk()))).map(Resource::name);
    let hint = nearest(&replica.name, alike).map(|name| format!("; did you mean {name}?")).unwrap_or_default();
    Err(Error::new(ErrorKind::Kustomization, format!("no resource of the kinds {} is named {}{hint}", kinds.join(", "), replica.name))
        .at(replica.pos))
}
