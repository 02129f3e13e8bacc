//! The corpus of structured-merge-diff: every step's live object, owners and conflicts.

use std::path::PathBuf;

use fiel_merge::structured::{ApplyError, FieldSet, Manager, Operation, Owners, Type, apply, update};
use fiel_schema::Schema;
use serde_json::{Map, Value, json};

fn corpus(file: &str) -> Option<Value> {
    let home = std::env::var_os("FIEL_CONFORMANCE").map(PathBuf::from);
    let home = home.unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/conformance")));
    let Ok(text) = std::fs::read(home.join("kubernetes").join(file)) else {
        eprintln!("SKIPPED: {file} is not here (FIEL_CONFORMANCE)");
        return None;
    };
    Some(serde_json::from_slice(&text).expect("the corpus is JSON"))
}

/// structured-merge-diff's own schema language, as OpenAPI definitions.
fn definitions(schema: &Value) -> Map<String, Value> {
    let types = schema["types"].as_array().into_iter().flatten();
    types.map(|one| (one["name"].as_str().unwrap_or_default().to_owned(), atom(one))).collect()
}

fn reference(of: &Value) -> Value {
    let mut out = match of["namedType"].as_str() {
        Some("__untyped_atomic_") => json!({}),
        Some("__untyped_deduced_") => json!({"x-kubernetes-preserve-unknown-fields": true}),
        Some(name) => json!({"$ref": name}),
        None if !of["inlined"].is_null() => atom(&of["inlined"]),
        None => atom(of),
    };
    if let Some(relation) = of["elementRelationship"].as_str() {
        out["x-kubernetes-map-type"] = json!(if relation == "atomic" { "atomic" } else { "granular" });
        out["x-kubernetes-list-type"] = json!(relation);
    }
    out
}

fn atom(one: &Value) -> Value {
    match one["name"].as_str() {
        Some("__untyped_atomic_") => return json!({}),
        Some("__untyped_deduced_") => return json!({"x-kubernetes-preserve-unknown-fields": true}),
        _ => {}
    }
    if let Some(list) = one["list"].as_object() {
        let keys: Vec<&Value> = list.get("keys").and_then(Value::as_array).into_iter().flatten().collect();
        let kind = match list.get("elementRelationship").and_then(Value::as_str) {
            Some("associative") if keys.is_empty() => "set",
            Some("associative") => "map",
            _ => "atomic",
        };
        return json!({"type": "array", "items": reference(&list["elementType"]), "x-kubernetes-list-type": kind, "x-kubernetes-list-map-keys": keys});
    }
    if let Some(map) = one["map"].as_object() {
        let mut properties = Map::new();
        for field in map.get("fields").and_then(Value::as_array).into_iter().flatten() {
            let mut schema = reference(&field["type"]);
            if !field["default"].is_null() {
                schema["default"] = field["default"].clone();
            }
            properties.insert(field["name"].as_str().unwrap_or_default().to_owned(), schema);
        }
        let mut out = json!({"type": "object", "properties": properties});
        if let Some(element) = map.get("elementType").filter(|element| element.as_object().is_some_and(|e| !e.is_empty())) {
            out["additionalProperties"] = reference(element);
        }
        if map.get("elementRelationship").and_then(Value::as_str) == Some("atomic") {
            out["x-kubernetes-map-type"] = json!("atomic");
        }
        return out;
    }
    match one["scalar"].as_str() {
        Some("numeric") => json!({"type": "number"}),
        Some("boolean") => json!({"type": "boolean"}),
        Some("string") => json!({"type": "string"}),
        _ => json!({}),
    }
}

fn owners(managed: &Value) -> Vec<(String, Value, bool)> {
    let entries = managed.as_object().into_iter().flatten();
    entries.map(|(name, entry)| (name.clone(), entry["fieldsV1"].clone(), entry["applied"] == true)).collect()
}

#[test]
fn every_step_of_the_corpus() {
    let Some(corpus) = corpus("smd_cases.json") else {
        return;
    };
    let (mut passed, mut failed) = (0, 0);
    for case in corpus["cases"].as_array().expect("cases") {
        match play(&corpus, case) {
            Ok(()) => passed += 1,
            Err(problem) => {
                failed += 1;
                println!("{} ({}): {problem}", case["name"], case["converter"]);
            }
        }
    }
    println!("{passed} passed, {failed} failed");
}

fn play(corpus: &Value, case: &Value) -> Result<(), String> {
    let named = |name: &Value| &corpus["schemas"][name.as_str().unwrap_or_default()];
    let first = case["schemas"].as_object().and_then(|all| all.values().next()).ok_or("no schema")?;
    let mut schema = named(&first["schema"]).clone();
    let root = &first["typeRef"];
    let (mut live, mut current) = (Value::Null, Owners::new());
    for (index, op) in case["ops"].as_array().expect("ops").iter().enumerate() {
        let name = op["manager"].as_str().unwrap_or_default().to_owned();
        let built = Schema::from_definitions(&definitions(&schema), &reference(root)).map_err(|e| e.to_string())?;
        let of = if root["namedType"] == "__untyped_deduced_" { Type::Deduced } else { Type::new(built.root()) };
        let object = &op["object"];
        let before = if live.is_null() { json!({}) } else { live.clone() };
        let verb = op["op"].as_str().unwrap_or_default();
        let mut manager = Manager { name, operation: Operation::Update, api_version: String::new(), subresource: String::new() };
        // In the corpus a name is one manager, whatever it does.
        let mut conflicts = Vec::new();
        match verb {
            "change_schema" => schema = named(&op["schema"]).clone(),
            "update" => {
                current = update(&before, object, of, &current, &manager, &FieldSet::default());
                live = object.clone();
            }
            "apply" | "force_apply" => {
                manager.operation = Operation::Update;
                match apply(&before, object, of, &current, &manager, &FieldSet::default(), verb == "force_apply") {
                    Ok(applied) => {
                        live = applied.object;
                        current = applied.owners;
                    }
                    Err(ApplyError::Conflicts(found)) => {
                        for (other, set) in found {
                            conflicts.extend(set.paths().into_iter().map(|path| format!("{}: {path}", other.name)));
                        }
                    }
                    Err(ApplyError::Invalid(_)) if !op["error"].is_null() => {}
                    Err(ApplyError::Invalid(error)) => {
                        return Err(format!("step {index}: {error}"));
                    }
                }
            }
            other => return Err(format!("step {index}: no {other}")),
        }
        let after = &op["after"];
        if after["live"] != live && !(after["live"].is_null() && live.is_null()) {
            return Err(format!("step {index} {verb}: live {live} instead of {}", after["live"]));
        }
        let wanted = op["conflicts"].as_array().map_or(0, Vec::len);
        if (wanted == 0) != conflicts.is_empty() {
            return Err(format!("step {index} {verb}: conflicts {conflicts:?} instead of {}", op["conflicts"]));
        }
        for (name, fields, _) in owners(&after["managed"]) {
            let mine = current.iter().find(|(manager, _)| manager.name == name).map(|(_, set)| set.clone()).unwrap_or_default();
            let theirs = FieldSet::decode(&fields).ok_or("fieldsV1")?;
            if mine != theirs {
                return Err(format!("step {index} {verb}: {name} owns {} instead of {fields}", mine.encode()));
            }
        }
    }
    Ok(())
}
