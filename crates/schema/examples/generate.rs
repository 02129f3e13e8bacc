//! Generates `data/table.bin` from what a real kube-apiserver says of itself.
//!
//! `cargo run -p fiel-schema --example generate -- FILE… OUT`: the files are its OpenAPI v3 documents (`kubectl get --raw /openapi/v3/apis/apps/v1`,
//! for every group and version; the same ones from which `crates/sandbox` has its components) and its aggregated discovery (`/api` and `/apis`, asked
//! for as `application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`).

use std::collections::BTreeMap;

use fiel_schema::{Facts, generate};
use serde_json::{Map, Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [files @ .., out] = arguments.as_slice() else {
        return Err("usage: generate FILE… OUT".into());
    };
    let (mut schemas, mut facts) = (BTreeMap::new(), Vec::new());
    for file in files {
        let document: Value = serde_json::from_slice(&std::fs::read(file)?)?;
        for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
            schemas.entry(name.clone()).or_insert_with(|| said(schema.clone()));
        }
        for group in document["items"].as_array().into_iter().flatten() {
            for version in group["versions"].as_array().into_iter().flatten() {
                for resource in version["resources"].as_array().into_iter().flatten() {
                    facts.push(fact(&text(&group["metadata"]["name"]), &text(&version["version"]), resource));
                }
            }
        }
    }
    let definitions = needed(&schemas, &facts);
    let table = generate(&definitions, &facts)?;
    println!("{} definitions, {} kinds, {} bytes", definitions.len(), facts.len(), table.len());
    Ok(std::fs::write(out, table)?)
}

/// The schema without Go's zero values, which documents name as the default of every field that must be there: nobody is to fill those in.
fn said(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(fields) => {
            fields.retain(|name, value| name != "default" || ![json!(""), json!(0), json!(false)].contains(value));
            fields.values_mut().for_each(|value| *value = said(value.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = said(item.take())),
        _ => {}
    }
    schema
}

/// The schemas of the kinds that are served, and what those refer to: nothing leads to the others.
fn needed(schemas: &BTreeMap<String, Value>, facts: &[Facts]) -> Map<String, Value> {
    let serves = |schema: &Value| {
        let of = |name: &Value, fact: &str| name.as_str().is_some_and(|name| name == fact);
        let mut names = schema["x-kubernetes-group-version-kind"].as_array().into_iter().flatten();
        names.any(|gvk| {
            facts.iter().any(|fact| of(&gvk["group"], &fact.gvk.0) && of(&gvk["version"], &fact.gvk.1) && of(&gvk["kind"], &fact.gvk.2))
        })
    };
    let mut wanted: Vec<&String> = schemas.iter().filter(|(_, schema)| serves(schema)).map(|(name, _)| name).collect();
    let mut found = BTreeMap::new();
    while let Some(name) = wanted.pop() {
        if let Some(schema) = schemas.get(name)
            && found.insert(name.clone(), schema.clone()).is_none()
        {
            wanted.extend(schemas.keys().filter(|other| refers(schema, other)));
        }
    }
    found.into_iter().collect()
}

fn refers(schema: &Value, name: &str) -> bool {
    match schema {
        Value::Object(fields) => fields.iter().any(|(key, value)| match value.as_str() {
            Some(target) if key == "$ref" => target.rsplit('/').next() == Some(name),
            _ => refers(value, name),
        }),
        Value::Array(items) => items.iter().any(|item| refers(item, name)),
        _ => false,
    }
}

fn fact(group: &str, version: &str, resource: &Value) -> Facts {
    let kind = &resource["responseKind"];
    let or = |value: &Value, other: &str| match value.as_str() {
        Some(text) if !text.is_empty() => text.to_owned(),
        _ => other.to_owned(),
    };
    let subresources = resource["subresources"].as_array().into_iter().flatten();
    let subresources = subresources.map(|sub| {
        let kind = &sub["responseKind"];
        let verbs = names(&sub["verbs"]).join(" ");
        format!("{}|{}|{}|{}|{verbs}", text(&sub["subresource"]), text(&kind["group"]), text(&kind["version"]), text(&kind["kind"]))
    });
    Facts {
        gvk: (or(&kind["group"], group), or(&kind["version"], version), text(&kind["kind"])),
        names: (text(&resource["resource"]), text(&resource["singularResource"])),
        short_names: names(&resource["shortNames"]),
        categories: names(&resource["categories"]),
        verbs: names(&resource["verbs"]),
        subresources: subresources.collect(),
        namespaced: resource["scope"] == "Namespaced",
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn names(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(text).collect()
}
