//! What a build remembers of a resource, as the annotations by which kustomize hands it to functions and takes it back.
//!
//! A function that drops them makes the build forget; one that copies them to a resource of another name makes it follow the name.

use crate::resource::{Behavior, Resource, State};
use crate::yaml::{Map, Text, Value};

const PREFIX: &str = "internal.config.kubernetes.io/";
const ID: &str = "kustomize.config.k8s.io/id";
const NEEDS_HASH: &str = "kustomize.config.k8s.io/needs-hash";
const BEHAVIOR: &str = "kustomize.config.k8s.io/behavior";

/// Annotations that a function may leave behind and that nothing may see afterwards.
const PASSING: [&str; 4] = [ID, "config.kubernetes.io/index", "config.k8s.io/id", "config.kubernetes.io/path"];

fn annotations(value: &mut Value) -> Option<&mut Map> {
    let metadata = value.as_map_mut()?.entry("metadata", || Value::map(Map::new())).as_map_mut()?;
    metadata.entry("annotations", || Value::map(Map::new())).as_map_mut()
}

/// The resource with its state in annotations.
pub(crate) fn write(resource: &Resource) -> Value {
    let state = &resource.state;
    let mut notes: Vec<(&str, String)> = Vec::new();
    let joined = |list: &mut dyn Iterator<Item = &Text>| list.map(|text| &**text).collect::<Vec<_>>().join(",");
    notes.push(("prefixes", joined(&mut state.prefixes.iter())));
    notes.push(("suffixes", joined(&mut state.suffixes.iter())));
    notes.push(("previousKinds", joined(&mut state.previous.iter().map(|(kind, _, _)| kind))));
    notes.push(("previousNames", joined(&mut state.previous.iter().map(|(_, name, _)| name))));
    notes.push(("previousNamespaces", joined(&mut state.previous.iter().map(|(_, _, namespace)| namespace))));
    notes.push(("needsHashSuffix", if state.needs_hash { "enabled" } else { "" }.to_owned()));
    notes.push(("helm-generated", if state.from_helm { "true" } else { "" }.to_owned()));
    let behavior = match state.behavior {
        Behavior::Unspecified if state.needs_hash => "unspecified",
        Behavior::Unspecified => "",
        Behavior::Create => "create",
        Behavior::Replace => "replace",
        Behavior::Merge => "merge",
    };
    notes.push(("generatorBehavior", behavior.to_owned()));
    let mut value = resource.value.clone();
    let id = id(resource);
    if let Some(map) = annotations(&mut value) {
        for (name, text) in notes.into_iter().filter(|(_, text)| !text.is_empty()) {
            map.insert(&format!("{PREFIX}{name}"), Value::string(text));
        }
        map.insert(ID, Value::string(id));
    }
    value
}

/// The id as a YAML document.
fn id(resource: &Resource) -> String {
    let (gvk, mut map) = (resource.gvk(), Map::new());
    for (key, text) in
        [("group", gvk.group), ("kind", gvk.kind), ("name", resource.name()), ("namespace", resource.namespace()), ("version", gvk.version)]
    {
        if !text.is_empty() {
            map.insert(key, Value::string(text));
        }
    }
    if crate::scope::is_cluster_scoped(&gvk) {
        map.insert("isClusterScoped", Value::bool(true));
    }
    crate::yaml::to_string(&Value::map(map))
}

/// Takes the annotations off what a function gave back, and the state out of them. What has no annotation is kept from `old`.
pub(crate) fn read(resource: &mut Resource, old: Option<&State>) {
    let mut taken = take(resource, |key| key.starts_with(PREFIX) || PASSING.contains(&key));
    let annotated = taken.keys().any(|key| key.starts_with(PREFIX));
    let mut note =
        |name: &str| taken.remove(&format!("{PREFIX}{name}")).and_then(|value| value.text().map(str::to_owned)).unwrap_or_default();
    let list = |text: &str| if text.is_empty() { Vec::new() } else { text.split(',').map(Text::from).collect::<Vec<Text>>() };
    let (kinds, names, namespaces) = (list(&note("previousKinds")), list(&note("previousNames")), list(&note("previousNamespaces")));
    let previous = kinds.into_iter().zip(names).zip(namespaces).map(|((kind, name), namespace)| (kind, name, namespace)).collect();
    *resource.state = State {
        previous,
        prefixes: list(&note("prefixes")),
        suffixes: list(&note("suffixes")),
        annotated,
        needs_hash: note("needsHashSuffix") == "enabled",
        from_helm: note("helm-generated") == "true",
        behavior: behavior(&note("generatorBehavior")),
        ..old.cloned().unwrap_or_default()
    };
}

/// What a generator asks for by annotation: whether to hash the name, and how to meet what is there already.
pub(crate) fn read_generated(resource: &mut Resource) -> Result<(), String> {
    read(resource, None);
    let taken = take(resource, |key| key == NEEDS_HASH || key == BEHAVIOR);
    let text = |key: &str| taken.get(key).and_then(Value::text).unwrap_or("").to_owned();
    resource.state.needs_hash = match &*text(NEEDS_HASH) {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
        "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
        "" if !taken.contains_key(NEEDS_HASH) => false,
        other => return Err(format!("the annotation {NEEDS_HASH} should be true or false, not {other}")),
    };
    resource.state.behavior = behavior(&text(BEHAVIOR));
    Ok(())
}

fn behavior(text: &str) -> Behavior {
    match text {
        "create" => Behavior::Create,
        "replace" => Behavior::Replace,
        "merge" => Behavior::Merge,
        _ => Behavior::Unspecified,
    }
}

/// Takes annotations out; when none is left, `annotations` goes too.
fn take(resource: &mut Resource, wanted: impl Fn(&str) -> bool) -> Map {
    let mut taken = Map::new();
    let Some(metadata) = resource.value.get_mut("metadata").and_then(Value::as_map_mut) else { return taken };
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_map_mut) {
        annotations.retain(|key, value| {
            if wanted(key) {
                taken.insert(key, value.clone());
            }
            !wanted(key)
        });
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(text: &str) -> Resource {
        crate::read::resources(text.as_bytes(), "t").expect("YAML").remove(0)
    }

    #[test]
    fn the_state_survives_a_round_trip() {
        let mut one = resource("{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, annotations: {k: v}}}");
        one.store_previous();
        one.set_metadata("name", "p-a");
        one.state.prefixes = vec!["p-".into()];
        one.state.needs_hash = true;
        one.state.from_helm = true;
        let mut back = Resource::new(write(&one));
        assert!(back.annotation(ID).is_some_and(|id| id.contains("name: p-a")));
        read(&mut back, None);
        assert_eq!(back.value, one.value);
        assert_eq!(format!("{:?}", back.state), format!("{:?}", one.state));
    }

    #[test]
    fn what_a_function_drops_is_forgotten() {
        let mut one = resource("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}");
        one.state.needs_hash = true;
        let mut back = one.clone();
        read(&mut back, Some(&one.state));
        assert!(!back.state.needs_hash);
    }

    #[test]
    fn a_generator_asks_by_annotation() {
        let note = |text: &str| {
            let mut one = resource(&format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a, annotations: {{{text}}}}}}}"));
            read_generated(&mut one).map(|()| one)
        };
        let asked = note("kustomize.config.k8s.io/needs-hash: \"true\", kustomize.config.k8s.io/behavior: merge").expect("good");
        assert!(
            asked.state.needs_hash
                && asked.state.behavior == Behavior::Merge
                && asked.value.get("metadata").is_some_and(|m| m.get("annotations").is_none())
        );
        assert!(note("kustomize.config.k8s.io/needs-hash: perhaps").is_err());
        assert!(!note("a: b").expect("good").state.needs_hash);
    }
}
