//! The environment of a container, from its specification.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::controllers::Object;

/// What a variable can be taken from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    ConfigMap(String),
    Secret(String),
}

/// The data of the sources that exist, decoded.
pub(crate) type Sources = BTreeMap<Source, BTreeMap<String, String>>;

/// The `ConfigMap`s and Secrets that a container's environment names.
pub(crate) fn sources(container: &Value) -> BTreeSet<Source> {
    let mut all = BTreeSet::new();
    for from in list(container, "envFrom") {
        all.extend(source_of(from, "configMapRef", "secretRef").map(|(source, _)| source));
    }
    for variable in list(container, "env") {
        all.extend(variable.get("valueFrom").and_then(|from| source_of(from, "configMapKeyRef", "secretKeyRef")).map(|(source, _)| source));
    }
    all
}

/// The variables in their order, later ones over earlier ones. An error says what is missing, in the kubelet's words.
pub(crate) fn resolve(
    container: &Value,
    pod: &Object,
    facts: &BTreeMap<&str, String>,
    sources: &Sources,
) -> Result<Vec<(String, String)>, String> {
    let mut variables: Vec<(String, String)> = Vec::new();
    let mut set = |name: &str, value: String| {
        variables.retain(|(other, _)| other != name);
        variables.push((name.to_owned(), value));
    };
    for from in list(container, "envFrom") {
        let prefix = from["prefix"].as_str().unwrap_or_default();
        let Some((source, reference)) = source_of(from, "configMapRef", "secretRef") else { continue };
        match sources.get(&source) {
            Some(data) => data.iter().for_each(|(key, value)| set(&format!("{prefix}{key}"), value.clone())),
            None if reference["optional"] == true => {}
            None => return Err(missing(&source)),
        }
    }
    for variable in list(container, "env") {
        let name = variable["name"].as_str().unwrap_or_default();
        let Some(from) = variable.get("valueFrom").filter(|from| !from.is_null()) else {
            let value = variable["value"].as_str().unwrap_or_default();
            let earlier: BTreeMap<String, String> = variables.iter().cloned().collect();
            let value = expand(value, &earlier);
            variables.retain(|(other, _)| other != name);
            variables.push((name.to_owned(), value));
            continue;
        };
        let value = if let Some((source, reference)) = source_of(from, "configMapKeyRef", "secretKeyRef") {
            let key = reference["key"].as_str().unwrap_or_default();
            let optional = reference["optional"] == true;
            match sources.get(&source).map(|data| data.get(key)) {
                Some(Some(value)) => Some(value.clone()),
                _ if optional => None,
                Some(None) => return Err(format!("couldn't find key {key} in {}", describe(&source))),
                None => return Err(missing(&source)),
            }
        } else if let Some(path) = from.pointer("/fieldRef/fieldPath").and_then(Value::as_str) {
            Some(field(path, pod, facts)?)
        } else {
            return Err(format!("variable {name}: only values, configMapKeyRef, secretKeyRef and fieldRef are supported by this node"));
        };
        if let Some(value) = value {
            variables.retain(|(other, _)| other != name);
            variables.push((name.to_owned(), value));
        }
    }
    Ok(variables)
}

fn list<'a>(container: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    container.get(field).and_then(Value::as_array).into_iter().flatten()
}

fn source_of<'a>(from: &'a Value, map: &str, secret: &str) -> Option<(Source, &'a Value)> {
    let name = |reference: &Value| reference["name"].as_str().unwrap_or_default().to_owned();
    let map = from.get(map).filter(|reference| !reference.is_null()).map(|reference| (Source::ConfigMap(name(reference)), reference));
    map.or_else(|| from.get(secret).filter(|reference| !reference.is_null()).map(|reference| (Source::Secret(name(reference)), reference)))
}

fn describe(source: &Source) -> String {
    match source {
        Source::ConfigMap(name) => format!("ConfigMap {name}"),
        Source::Secret(name) => format!("Secret {name}"),
    }
}

fn missing(source: &Source) -> String {
    match source {
        Source::ConfigMap(name) => format!("configmap \"{name}\" not found"),
        Source::Secret(name) => format!("secret \"{name}\" not found"),
    }
}

/// A field of the Pod, or one of the facts that only the node knows (`status.podIP`, `status.hostIP`).
fn field(path: &str, pod: &Object, facts: &BTreeMap<&str, String>) -> Result<String, String> {
    if let Some(fact) = facts.get(path) {
        return Ok(fact.clone());
    }
    let entry = |of: Option<&BTreeMap<String, String>>, rest: &str| {
        let key = rest.strip_prefix("['").and_then(|rest| rest.strip_suffix("']"))?;
        Some(of.and_then(|of| of.get(key)).cloned().unwrap_or_default())
    };
    let metadata = &pod.metadata;
    let value = match path {
        "metadata.name" => metadata.name.clone(),
        "metadata.namespace" => metadata.namespace.clone(),
        "metadata.uid" => metadata.uid.clone(),
        "spec.nodeName" | "spec.serviceAccountName" => {
            let pointer = format!("/{}", path.replace('.', "/"));
            Some(pod.at(&pointer).and_then(Value::as_str).unwrap_or_default().to_owned())
        }
        _ => match (path.strip_prefix("metadata.labels"), path.strip_prefix("metadata.annotations")) {
            (Some(rest), _) => entry(metadata.labels.as_ref(), rest),
            (_, Some(rest)) => entry(metadata.annotations.as_ref(), rest),
            _ => None,
        },
    };
    value.ok_or_else(|| format!("field {path} is not supported by this node"))
}

/// Replaces `$(NAME)` by what came before; `$$` is a dollar, and what is not known stays as it is.
pub(crate) fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
            match variables.get(name) {
                Some(value) => out.push_str(value),
                None => out.extend(["$(", name, ")"]),
            }
            rest = after;
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    out
}

/// The data of a `ConfigMap` or Secret, as text.
pub(crate) fn data(source: &Source, object: &Object) -> BTreeMap<String, String> {
    let pairs = object.data.get("data").and_then(Value::as_object).into_iter().flatten();
    pairs
        .filter_map(|(key, value)| {
            let text = value.as_str()?;
            let value = match source {
                Source::ConfigMap(_) => text.to_owned(),
                Source::Secret(_) => String::from_utf8_lossy(&STANDARD.decode(text).ok()?).into_owned(),
            };
            Some((key.clone(), value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod() -> Object {
        let pod = json!({"metadata": {"name": "web-1", "namespace": "a", "labels": {"app": "web"}}, "spec": {"nodeName": "sandbox"}});
        serde_json::from_value(pod).expect("a Pod")
    }

    #[test]
    fn variables_come_from_everywhere_and_the_last_wins() {
        let container = json!({
            "envFrom": [{"configMapRef": {"name": "settings"}, "prefix": "S_"}, {"secretRef": {"name": "gone", "optional": true}}],
            "env": [
                {"name": "S_MODE", "value": "fast"},
                {"name": "WHO", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
                {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "k"}}},
                {"name": "TEXT", "value": "$(WHO)/$(UNKNOWN)/$$(WHO)"},
            ],
        });
        assert_eq!(sources(&container).len(), 3);
        let known = Sources::from([
            (Source::ConfigMap("settings".to_owned()), BTreeMap::from([("MODE".to_owned(), "slow".to_owned())])),
            (Source::Secret("keys".to_owned()), BTreeMap::from([("k".to_owned(), "v".to_owned())])),
        ]);
        let facts = BTreeMap::from([("status.podIP", "10.244.0.1".to_owned())]);
        let variables: BTreeMap<String, String> = resolve(&container, &pod(), &facts, &known).expect("all is there").into_iter().collect();
        let expected =
            [("S_MODE", "fast"), ("WHO", "web-1"), ("APP", "web"), ("IP", "10.244.0.1"), ("KEY", "v"), ("TEXT", "web-1/$(UNKNOWN)/$(WHO)")];
        assert_eq!(variables, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn what_is_missing_is_named() {
        let resolve =
            |container: Value, sources: &Sources| resolve(&container, &pod(), &BTreeMap::new(), sources).expect_err("something is missing");
        let none = Sources::new();
        assert_eq!(resolve(json!({"envFrom": [{"configMapRef": {"name": "x"}}]}), &none), "configmap \"x\" not found");
        let key = json!({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]});
        assert_eq!(resolve(key.clone(), &none), "secret \"s\" not found");
        let empty = Sources::from([(Source::Secret("s".to_owned()), BTreeMap::new())]);
        assert_eq!(resolve(key, &empty), "couldn't find key k in Secret s");
        let quota = json!({"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}]});
        assert!(resolve(quota, &none).starts_with("variable A: only values"));
    }
}
