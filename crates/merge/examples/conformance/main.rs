//! Holds the merge engines against what Kubernetes' own libraries answered: `conformance --corpus DIR [--match TEXT]`.
//! Prints each case that differs, a tally for each file, and `N passed, N failed` last; exit code 1 when any failed.

mod converters;
mod patches;
mod smd;
mod typed;

use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

/// What became of the cases of one file: each by name, and what was wrong with it.
type Outcomes = Vec<(String, Result<(), String>)>;

/// Plays all cases of a file.
type Runner = fn(&Value) -> Outcomes;

const FILES: [(&str, Runner); 3] =
    [("smd_cases.json", smd::play), ("smd_typed_cases.json", typed::play), ("smp_cases.json", patches::play)];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |flag: &str| arguments.iter().position(|one| one == flag).and_then(|at| arguments.get(at + 1));
    let Some(corpus) = after("--corpus") else {
        eprintln!("write: conformance --corpus DIR [--match TEXT]");
        return ExitCode::from(2);
    };
    let matching = after("--match").map_or("", String::as_str);
    let (mut passed, mut failed) = (0, 0);
    for (file, play) in FILES {
        let Ok(text) = std::fs::read(Path::new(corpus).join(file)) else {
            println!("{file}: not here");
            continue;
        };
        let cases: Value = serde_json::from_slice(&text).expect("a corpus is JSON");
        let before = (passed, failed);
        for (name, outcome) in play(&cases) {
            if !name.contains(matching) {
                continue;
            }
            match outcome {
                Ok(()) => passed += 1,
                Err(problem) => {
                    failed += 1;
                    println!("FAIL {file} {name}: {problem}");
                }
            }
        }
        println!("{file}: {} of {}", passed - before.0, passed + failed - before.0 - before.1);
    }
    println!("{passed} passed, {failed} failed");
    ExitCode::from(u8::from(failed > 0))
}
