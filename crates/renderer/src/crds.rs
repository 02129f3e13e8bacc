//! `crds`: OpenAPI definitions of custom kinds, whose extensions say which of their fields name other resources.

use crate::config::{Config, NameReference};
use crate::error::{Error, ErrorKind, Result};
use crate::fieldspec::FieldSpec;
use crate::id::Gvk;
use crate::yaml::{Value, parse_kustomization_or_json};

/// Reads definitions and finds the references in them.
pub(crate) fn config(bytes: &[u8], file: &str) -> Result<Config> {
    let value = parse_kustomization_or_json(bytes, file)?;
    let Some(definitions) = value.as_map() else {
        return Err(Error::new(ErrorKind::Syntax, "definitions of custom resources must be a map").at(value.pos).in_file(file));
    };
    let mut config = Config::default();
    for (name, definition) in definitions.iter() {
        if definition.as_map().is_none() && !definition.is_null() {
            let message = format!(
                "{name} should be a definition, and is {}: `crds` are OpenAPI definitions by name, not manifests",
                definition.describe()
            );
            return Err(Error::new(ErrorKind::Syntax, message).at(definition.pos).in_file(file));
        }
        let fields: Vec<&str> = definition
            .get("Schema")
            .or_else(|| definition.get("schema"))
            .and_then(|schema| schema.get("properties"))
            .and_then(Value::as_map)
            .map(|map| map.keys().collect())
            .unwrap_or_default();
        // A definition that has these three is a kind.
        if !(fields.contains(&"kind") && fields.contains(&"apiVersion") && fields.contains(&"metadata")) {
            continue;
        }
        let kind = name.rsplit('.').next().unwrap_or(name).to_owned();
        walk(definitions, name, &kind, "", &mut config, 0)?;
    }
    // What begins as JSON must be that to its end.
    if bytes.first() == Some(&b'{')
        && let Err(error) = serde_json::from_slice::<serde_json::Value>(bytes)
    {
        return Err(Error::new(ErrorKind::Syntax, format!("this is no JSON: {error}")).in_file(file));
    }
    Ok(config)
}

fn walk(definitions: &crate::yaml::Map, name: &str, kind: &str, path: &str, config: &mut Config, depth: usize) -> Result<()> {
    let schema = definitions.get(name).and_then(|definition| definition.get("Schema").or_else(|| definition.get("schema")));
    let Some(properties) = schema.and_then(|schema| schema.get("properties")).and_then(Value::as_map).filter(|_| depth < 32) else {
        return Ok(());
    };
    for (field, property) in properties.iter() {
        let here = if path.is_empty() { field.to_owned() } else { format!("{path}/{field}") };
        if property.get("x-kubernetes-annotation").is_some() {
            config.common_annotations.push(FieldSpec::of_kind(kind, &here));
        }
        if property.get("x-kubernetes-label-selector").is_some() {
            config.common_labels.push(FieldSpec::of_kind(kind, &here));
        }
        if property.get("x-kubernetes-identity").is_some() {
            config.name_prefix.push(FieldSpec::of_kind(kind, &here));
        }
        if let Some(version) = property.get("x-kubernetes-object-ref-api-version").and_then(Value::text)
            && let Some(target) = property.get("x-kubernetes-object-ref-kind").and_then(Value::text)
        {
            let gvk = Gvk::new(version, target);
            let name_key = property.get("x-kubernetes-object-ref-name-key").and_then(Value::text).unwrap_or("name");
            let reference = NameReference {
                group: gvk.group.to_owned().into(),
                version: gvk.version.to_owned().into(),
                kind: target.to_owned().into(),
                fields: vec![FieldSpec::of_kind(kind, &format!("{here}/{name_key}"))],
            };
            config.merge(Config { name_reference: vec![reference], ..Config::default() })?;
        }
        if let Some(reference) =
            property.get("$ref").or_else(|| property.get("items").and_then(|items| items.get("$ref"))).and_then(Value::text)
        {
            walk(definitions, reference.trim_start_matches("#/definitions/"), kind, &here, config, depth + 1)?;
        }
    }
    Ok(())
}
