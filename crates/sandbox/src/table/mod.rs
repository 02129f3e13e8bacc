//! What `kubectl get` prints: objects as rows of a `meta.k8s.io/v1` Table, with the columns that a real server has for the kind.

mod cells;
mod columns;
mod metrics;
mod path;
mod pod;

use serde_json::{Map, Value, json};

use columns::{Column, columns_of};

/// Makes the Table of objects of one kind. `custom` is the kind's `additionalPrinterColumns`, when it is a custom resource; `include` says what of
/// each object comes with its row: `None`, `Metadata` (also when empty) or `Object`.
pub(crate) fn table(group: &str, kind: &str, custom: Option<&Value>, objects: &[Value], now: jiff::Timestamp, include: &str) -> Value {
    let columns = match custom {
        Some(custom) => columns::custom(custom),
        None => columns_of(group, kind),
    };
    let definitions: Vec<Value> = columns.iter().map(definition).collect();
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let cells: Vec<Value> = columns.iter().map(|column| (column.cell)(object, now)).collect();
            let mut row = json!({"cells": cells});
            if let Some(object) = included(object, include) {
                row["object"] = object;
            }
            row
        })
        .collect();
    // Where a server knows nothing of a kind but when its objects were made, its list of rows is nothing until it has one.
    let plain = custom.is_none() && columns.last().is_some_and(|last| last.name == "Created At");
    let rows = if plain && rows.is_empty() { Value::Null } else { Value::Array(rows) };
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {}, "columnDefinitions": definitions, "rows": rows})
}

fn definition(column: &Column) -> Value {
    json!({
        "name": column.name, "type": column.kind, "format": column.format, "description": column.description, "priority": column.priority,
    })
}

/// What comes with a row.
fn included(object: &Value, include: &str) -> Option<Value> {
    match include {
        "None" => None,
        "Object" => Some(object.clone()),
        _ => {
            let mut partial = Map::new();
            partial.insert("kind".to_owned(), json!("PartialObjectMetadata"));
            partial.insert("apiVersion".to_owned(), json!("meta.k8s.io/v1"));
            partial.insert("metadata".to_owned(), object["metadata"].clone());
            Some(Value::Object(partial))
        }
    }
}

#[cfg(test)]
mod tests;
