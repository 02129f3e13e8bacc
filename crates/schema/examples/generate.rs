//! Generates `data/table.bin`.
//!
//! `cargo run -p fiel-schema --example generate -- DEFINITIONS DISCOVERY… OUT`: DEFINITIONS is what `kv_to_openapi.py --strip` makes of the PyPI
//! package kubernetes-validate; each DISCOVERY is a real server's aggregated discovery (`/api` and `/apis`, asked for as
//! `application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`).

use fiel_schema::{Facts, generate};
use serde_json::Value;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [definitions, discoveries @ .., out] = arguments.as_slice() else {
        return Err("usage: generate DEFINITIONS DISCOVERY… OUT".into());
    };
    let read = |file: &String| -> Result<Value, Box<dyn std::error::Error>> { Ok(serde_json::from_slice(&std::fs::read(file)?)?) };
    let definitions = read(definitions)?;
    let definitions = definitions["definitions"].as_object().ok_or("no definitions")?;
    let mut facts = Vec::new();
    for file in discoveries {
        for group in read(file)?["items"].as_array().into_iter().flatten() {
            for version in group["versions"].as_array().into_iter().flatten() {
                for resource in version["resources"].as_array().into_iter().flatten() {
                    facts.push(fact(&text(&group["metadata"]["name"]), &text(&version["version"]), resource));
                }
            }
        }
    }
    let table = generate(definitions, &facts)?;
    println!("{} definitions, {} kinds, {} bytes", definitions.len(), facts.len(), table.len());
    Ok(std::fs::write(out, table)?)
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
