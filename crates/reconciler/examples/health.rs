//! Holds health against Argo CD's recorded verdicts: `health --corpus DIR [--match TEXT]`.
//! Prints each case that differs, and `N passed, N failed` last; exit code 1 when any failed.

use std::path::Path;
use std::process::ExitCode;

use fiel_reconciler::health;
use serde_json::Value;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |flag: &str| arguments.iter().position(|one| one == flag).and_then(|at| arguments.get(at + 1));
    match after("--corpus") {
        Some(corpus) => run(Path::new(corpus), after("--match").map_or("", String::as_str)),
        None => {
            eprintln!("write: health --corpus DIR [--match TEXT]");
            ExitCode::from(2)
        }
    }
}

fn run(corpus: &Path, matching: &str) -> ExitCode {
    let (mut passed, mut failed) = (0, 0);
    for file in ["native_cases.jsonl", "cases.jsonl"] {
        let Ok(lines) = std::fs::read_to_string(corpus.join(file)) else { continue };
        for line in lines.lines() {
            let case: Value = serde_json::from_str(line).expect("a case is JSON");
            let id = case["id"].as_str().unwrap_or_default();
            let Some(input) = case["input"].as_str().filter(|_| id.contains(matching)) else { continue };
            let text = std::fs::read_to_string(corpus.join(input)).expect("a case's input is there");
            let first = serde_yaml::Deserializer::from_str(&text).next().expect("an input has a document");
            let object: Value = serde::Deserialize::deserialize(first).expect("an input is YAML");
            let found = health::of(&object).map(|health| (health.status.name().to_owned(), health.message));
            let word = |key: &str| case["expected"][key].as_str().unwrap_or_default().to_owned();
            let expected = case["expected"].is_object().then(|| (word("status"), word("message")));
            if found == expected {
                passed += 1;
            } else {
                failed += 1;
                println!("FAIL {id}: expected {expected:?}, found {found:?}");
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    ExitCode::from(u8::from(failed > 0))
}
