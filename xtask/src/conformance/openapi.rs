//! `cargo xtask conformance openapi`: the sandbox's OpenAPI v3 documents beside those of a real kube-apiserver.
//!
//! Of every group and version that the sandbox serves, with a definition's among them, each component must be the same on both, and none may be missing or
//! be there beyond. What a document says beside its components is not compared: the sandbox tells of few paths (see COMPAT.md), and has no documents of
//! what is no group's version (`api`, `apis/apps`, `version`).

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value};
use xshell::Shell;

use crate::apiserver::{self, ApiServer};
use crate::process::{self, Guarded};
use crate::report::Tally;

/// Compares the documents whose path contains `matching`.
pub(crate) fn play(sh: &Shell, matching: &str) -> Result<Tally> {
    let server = ApiServer::start(sh)?;
    let programs = process::programs(sh, &["--package", "fiel-cli", "--bin", "fiel"], &["fiel"])?;
    let home = tempfile::tempdir()?;
    let kubeconfig = home.path().join("kubeconfig");
    let mut sandbox = Command::new(&programs[0]);
    sandbox.arg("sandbox").arg("--kubeconfig").arg(&kubeconfig);
    let _sandbox = Guarded::spawn(sandbox, &home.path().join("sandbox.log"))?;
    process::wait_for("the sandbox", Duration::from_secs(20), || Ok(kubeconfig.is_file()))?;

    let real = || server.kubectl();
    let ours = || apiserver::kubectl(server.assets(), &kubeconfig, home.path());
    let definition = process::root().join("crates/e2e/kubectl/tools.yaml");
    for mut kubectl in [real(), ours()] {
        let output = kubectl.args(["apply", "-f"]).arg(&definition).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    // A kube-apiserver tells of a new definition a moment later.
    process::wait_for("the definition's document", Duration::from_secs(30), || {
        Ok(get(real(), "/openapi/v3/apis/example.com/v1").is_ok_and(|document| document["components"]["schemas"].is_object()))
    })?;

    let mut tally = Tally::default();
    let index = get(ours(), "/openapi/v3")?;
    let paths = index["paths"].as_object().context("the sandbox's index has no paths")?;
    for path in paths.keys().filter(|path| path.contains(matching)) {
        let components = |kubectl: Command| -> Result<Map<String, Value>> {
            let document = get(kubectl, &format!("/openapi/v3/{path}"))?;
            Ok(document["components"]["schemas"].as_object().cloned().unwrap_or_default())
        };
        let (one, differences) = compare(&components(real())?, &components(ours())?);
        tally.add(one);
        for difference in differences {
            println!("{path}: {difference}");
        }
    }
    Ok(tally)
}

fn get(mut kubectl: Command, path: &str) -> Result<Value> {
    let output = kubectl.args(["get", "--raw", path]).output()?;
    ensure!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).with_context(|| path.to_owned())
}

/// How many components are the same, and what of the others differs.
fn compare(real: &Map<String, Value>, ours: &Map<String, Value>) -> (Tally, Vec<String>) {
    let (mut tally, mut all) = (Tally::default(), Vec::new());
    for name in real.keys().chain(ours.keys()).collect::<BTreeSet<_>>() {
        let before = all.len();
        differences(real.get(name), ours.get(name), name, &mut all);
        tally.add(Tally::one(all.len() == before));
    }
    (tally, all)
}

fn differences(real: Option<&Value>, ours: Option<&Value>, at: &str, all: &mut Vec<String>) {
    match (real, ours) {
        (Some(Value::Object(real)), Some(Value::Object(ours))) => {
            for key in real.keys().chain(ours.keys()).collect::<BTreeSet<_>>() {
                differences(real.get(key), ours.get(key), &format!("{at}/{key}"), all);
            }
        }
        (Some(real), Some(ours)) if real == ours => {}
        (real, ours) => {
            let shown = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), Value::to_string);
            all.push(format!("{at}\n  apiserver: {}\n    sandbox: {}", shown(real), shown(ours)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn tells_what_differs_and_where() {
        let real =
            map(&serde_json::json!({"Pod": {"type": "object", "required": ["a"]}, "Node": {"type": "object"}, "Same": {"type": "object"}}));
        let ours = map(&serde_json::json!({"Pod": {"type": "object", "required": ["b"]}, "Same": {"type": "object"}, "Extra": {}}));
        let (tally, all) = compare(&real, &ours);
        assert_eq!((tally.passed, tally.failed), (1, 3));
        assert_eq!(all[2], "Pod/required\n  apiserver: [\"a\"]\n    sandbox: [\"b\"]");
        assert!(all[0].starts_with("Extra\n  apiserver: nothing"), "{all:?}");
    }
}
