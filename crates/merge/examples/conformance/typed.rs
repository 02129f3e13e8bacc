//! Single questions to typed values.

use fiel_merge::structured::{Declared, FieldSet, Type, compare, extract, merge, reconcile, remove, to_set, validate};
use serde_json::{Value, json};

use crate::Outcomes;

pub(crate) fn play(corpus: &Value) -> Outcomes {
    let cases = corpus["cases"].as_array().into_iter().flatten();
    let name = |case: &Value| format!("{} {}", case["op"].as_str().unwrap_or_default(), case["name"].as_str().unwrap_or_default());
    cases.map(|case| (name(case), play_case(corpus, case))).collect()
}

fn play_case(corpus: &Value, case: &Value) -> Result<(), String> {
    let document = &corpus["schemas"][case["schema"].as_str().unwrap_or_default()];
    let schema = Declared::parse(document, &case["typeRef"]).map_err(|error| error.to_string())?;
    let of = schema.root();
    let given = &case["in"];
    let fields = || FieldSet::decode(&given["fieldsV1"]).ok_or("fieldsV1");
    let answer = match case["op"].as_str().unwrap_or_default() {
        "validate" => return validates(case, of),
        "compare" => {
            let found = compare(&given["lhs"], &given["rhs"], of);
            json!({"added": found.added.encode(), "modified": found.modified.encode(), "removed": found.removed.encode()})
        }
        "merge" => json!({"merged": merge(&given["lhs"], &given["rhs"], of)}),
        "to_field_set" => json!({"fieldsV1": to_set(&given["object"], of).encode()}),
        "remove_items" => json!({"object": remove(&given["object"], &fields()?, of)}),
        "extract_items" => json!({"object": extract(&given["object"], &fields()?, of, given["append_key_fields"] == true)}),
        "reconcile_field_set" => {
            let found = reconcile(&fields()?, of);
            json!({"changed": found.is_some(), "fieldsV1": found.map(|set| set.encode())})
        }
        other => return Err(format!("no operation {other}")),
    };
    if answer == case["out"] { Ok(()) } else { Err(format!("{answer} instead of {} for {given}", case["out"])) }
}

fn validates(case: &Value, of: Type<'_>) -> Result<(), String> {
    let text = case["in"]["object_yaml"].as_str().unwrap_or_default();
    // The original reads one value and does not look at what comes after it.
    let shorter = text.strip_suffix('}').unwrap_or(text);
    let value: Value =
        serde_yaml::from_str(text).or_else(|_| serde_yaml::from_str(shorter)).map_err(|error| format!("{error} in {text}"))?;
    let answer = validate(&value, of, case["in"]["allow_duplicates"] == true);
    let problem = answer.err().map(|error| error.to_string());
    // The original was asked in YAML, a server is in JSON: the one's maps have other Go types.
    let wanted = case["error"].as_str().map(|text| text.replace("map[interface {}]interface {}", "map[string]interface {}"));
    if problem == wanted { Ok(()) } else { Err(format!("{problem:?} instead of {wanted:?}")) }
}
