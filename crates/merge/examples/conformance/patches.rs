//! Strategic merge and JSON merge patches: made, applied, sorted, stripped.

use fiel_merge::{json_merge, strategic};
use fiel_schema::{Node, Schema};
use serde_json::{Value, json};

use crate::Outcomes;

pub(crate) fn play(corpus: &Value) -> Outcomes {
    let empty = serde_json::Map::new();
    let definitions = corpus["schema_openapi_v3"]["components"]["schemas"].as_object().unwrap_or(&empty);
    let schema = Schema::from_definitions(definitions, &json!({"$ref": "mergeItem"})).expect("the corpus has a schema");
    let node = Some(schema.root());
    let mut out = Outcomes::new();
    let mut all = |part: &str, play: &dyn Fn(&Value) -> Result<(), String>| {
        for case in corpus[part].as_array().into_iter().flatten() {
            let name = format!("{part} {}", case["description"].as_str().unwrap_or_default());
            out.push((name, play(case)));
        }
    };
    all("strategic_merge_patch", &|case| strategic_case(case, node));
    all("sort_merge_lists", &|case| same("sorted", &strategic::sorted(&case["original"], node), &case["sorted"]));
    all("json_merge_patch", &json_case);
    out
}

fn same(what: &str, found: &Value, wanted: &Value) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{what}: {found} instead of {wanted}")) }
}

fn strategic_case(case: &Value, node: Option<Node<'_>>) -> Result<(), String> {
    let fail = |error: strategic::StrategicError| error.to_string();
    let apply = |onto: &Value, patch: &str| strategic::patch(onto, &case[patch], node);
    if let Some(expected) = case["expectedError"].as_str() {
        return match apply(&case["original"], "twoWay") {
            Err(error) if error.to_string().contains(expected) => Ok(()),
            answer => Err(format!("{answer:?} instead of an error with {expected:?}")),
        };
    }
    if !case["twoWay"].is_null() {
        // Two tables hold patches that someone wrote, which are only applied.
        if case["table"] != "customStrategicMergePatchRawTestCases" && case["table"] != "customStrategicMergePatchTestCaseData" {
            same("two-way patch", &strategic::two_way(&case["original"], &case["modified"], node).map_err(fail)?, &case["twoWay"])?;
        }
        let wanted = if case["twoWayResult"].is_null() { &case["modified"] } else { &case["twoWayResult"] };
        let found = apply(&case["original"], "twoWay").map_err(fail)?;
        same("modified", &found, wanted)?;
    }
    if !case["threeWay"].is_null() {
        let found = strategic::three_way(&case["original"], &case["modified"], &case["current"], node).map_err(fail)?;
        same("three-way patch", &found, &case["threeWay"])?;
        same("result", &apply(&case["current"], "threeWay").map_err(fail)?, &case["result"])?;
    }
    Ok(())
}

fn json_case(case: &Value) -> Result<(), String> {
    if case["table"] == "filterNullTestCaseData" {
        same("with null", &json_merge::deletions(&case["originalObj"]), &case["expectedWithNull"])?;
        return same("without null", &json_merge::changes(&case["originalObj"]), &case["expectedWithoutNull"]);
    }
    let found = json_merge::three_way(&case["original"], &case["modified"], &case["current"]);
    same("three-way patch", &found, &case["threeWay"])?;
    same("result", &json_merge::patch(&case["current"], &case["threeWay"]), &case["result"])
}
