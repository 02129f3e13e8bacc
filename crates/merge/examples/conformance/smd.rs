//! Structured merge: the live object, everyone's fields and the conflicts after each operation of a case.

use fiel_merge::structured::{ApplyError, Kind, Owners, apply, extract, merge, update};
use serde_json::{Map, Value, json};

use crate::Outcomes;
use crate::converters::CaseKind;

pub(crate) fn play(corpus: &Value) -> Outcomes {
    let cases = corpus["cases"].as_array().into_iter().flatten();
    cases.map(|case| (case["name"].as_str().unwrap_or_default().to_owned(), play_case(corpus, case))).collect()
}

/// The cluster of a case: one object, in the version of the last write.
struct State {
    live: Value,
    version: Option<String>,
    owners: Owners<String>,
}

fn play_case(corpus: &Value, case: &Value) -> Result<(), String> {
    let mut kind = CaseKind::of(corpus, case)?;
    let mut state = State { live: Value::Null, version: None, owners: Owners::new() };
    for (index, op) in case["ops"].as_array().into_iter().flatten().enumerate() {
        let verb = op["op"].as_str().unwrap_or_default();
        let answer = if verb == "change_schema" {
            kind.change_schema(corpus, case, &op["schema"])?;
            Ok(())
        } else {
            write(&kind, &mut state, op, verb)
        };
        check(&state, op, answer).map_err(|problem| format!("step {index} {verb}: {problem}"))?;
    }
    Ok(())
}

fn write(kind: &CaseKind, state: &mut State, op: &Value, verb: &str) -> Result<(), ApplyError<String>> {
    let (manager, version) = (op["manager"].as_str().unwrap_or_default().to_owned(), op["apiVersion"].as_str().unwrap_or_default());
    let is_new = state.version.is_none();
    if let Some(old) = state.version.replace(version.to_owned()) {
        state.live = kind.convert(&state.live, &old, version)?.into_owned();
    }
    let (live, owners) = (&state.live, &state.owners);
    let object = &op["object"];
    match verb {
        "update" => {
            state.owners = update(kind, live, object, version, owners, &manager)?;
            state.live = object.clone();
        }
        _ => {
            let known = owners.get(&manager).map(|owned| owned.fields.leaves()).unwrap_or_default();
            let config = match verb {
                "extract_apply" if !is_new => merge(&extract(live, &known, kind.of(version), false), object, kind.of(version)),
                _ => object.clone(),
            };
            let applied = apply(kind, live, &config, version, owners, &manager, verb != "apply")?;
            state.owners = applied.owners;
            state.live = applied.object;
        }
    }
    Ok(())
}

fn check(state: &State, op: &Value, answer: Result<(), ApplyError<String>>) -> Result<(), String> {
    let mut conflicts: Vec<Value> = Vec::new();
    match answer {
        Ok(()) if op["error"].is_string() && op["conflicts"].as_array().is_none_or(Vec::is_empty) => {
            return Err(format!("no error instead of {}", op["error"]));
        }
        Ok(()) => {}
        Err(ApplyError::Conflicts(found)) => {
            for (manager, set) in found {
                conflicts.extend(set.paths().into_iter().map(|path| json!({"manager": manager, "path": path})));
            }
        }
        Err(error) if op["error"] == error.to_string() => {}
        Err(error) => return Err(format!("{error} instead of {}", op["error"])),
    }
    let wanted = op["conflicts"].as_array().cloned().unwrap_or_default();
    let key = |conflict: &Value| format!("{}: {}", conflict["manager"], conflict["path"]);
    let (mut wanted, mut found) = (wanted.iter().map(key).collect::<Vec<_>>(), conflicts.iter().map(key).collect::<Vec<_>>());
    wanted.sort();
    found.sort();
    if wanted != found {
        return Err(format!("conflicts {found:?} instead of {wanted:?}"));
    }
    let after = &op["after"];
    if after["live"] != state.live {
        return Err(format!("live {} instead of {}", state.live, after["live"]));
    }
    let managed: Map<String, Value> = state
        .owners
        .iter()
        .map(|(name, owned)| {
            (name.clone(), json!({"apiVersion": owned.version, "applied": owned.applied, "fieldsV1": owned.fields.encode()}))
        })
        .collect();
    let wanted = after["managed"].as_object().cloned().unwrap_or_default();
    if managed != wanted {
        return Err(format!("managers {} instead of {}", Value::Object(managed), Value::Object(wanted)));
    }
    Ok(())
}
