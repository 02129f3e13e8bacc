//! Where fiel differs from Argo CD on purpose: a committed list that forgives exactly those differences and no other.

use std::cell::Cell;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

/// The committed list, an entry of `scenario`, `record`, `path` and `reason` each; `found` narrows it to one value.
pub(super) const FILE: &str = "conformance/argocd-deviations.yaml";

/// One difference on purpose.
#[derive(Debug)]
pub(super) struct Deviation {
    scenario: String,
    record: String,
    path: String,
    /// The value that must be there, as play.py prints it (JSON); without it any value is forgiven.
    found: Option<String>,
    used: Cell<bool>,
}

/// Reads the list with the YAML parser that the runner of the scenarios needs anyway.
pub(super) fn read(sh: &Shell, file: &Path) -> Result<Vec<Deviation>> {
    let program = "import sys, json, yaml; json.dump(yaml.safe_load(open(sys.argv[1])) or [], sys.stdout)";
    let json = cmd!(sh, "python3 -c {program} {file}").quiet().read().with_context(|| format!("{} cannot be read", file.display()))?;
    parse(&serde_json::from_str(&json)?).with_context(|| file.display().to_string())
}

fn parse(list: &Value) -> Result<Vec<Deviation>> {
    let entries = list.as_array().context("not a list")?;
    entries.iter().enumerate().map(|(index, entry)| deviation(entry).with_context(|| format!("entry {}", index + 1))).collect()
}

fn deviation(entry: &Value) -> Result<Deviation> {
    let fields = entry.as_object().context("not a mapping")?;
    if let Some(unknown) = fields.keys().find(|key| !["scenario", "record", "path", "reason", "found"].contains(&key.as_str())) {
        bail!("unknown field {unknown}");
    }
    let text = |key: &str| {
        fields
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.trim().is_empty())
            .map(str::to_owned)
            .with_context(|| format!("{key} is missing"))
    };
    let path = text("path")?;
    ensure!(path.starts_with('/'), "path {path} does not begin with /");
    text("reason")?;
    Ok(Deviation {
        scenario: text("scenario")?,
        record: text("record")?,
        path,
        found: fields.get("found").map(Value::to_string),
        used: Cell::new(false),
    })
}

impl Deviation {
    /// Whether this is the difference that play.py tells as `RECORD: PATH: …`.
    fn forgives(&self, scenario: &str, problem: &str) -> bool {
        let head = format!("{}: {}: ", self.record, self.path);
        let told = self.scenario == scenario
            && problem
                .strip_prefix(&head)
                .is_some_and(|rest| self.found.as_ref().is_none_or(|found| loosely(found_in(rest)) == loosely(found)));
        self.used.set(self.used.get() || told);
        told
    }
}

/// The value that a difference says was found; nothing where something was missing.
fn found_in(rest: &str) -> &str {
    rest.rsplit_once("found ").map_or("", |(_, found)| found)
}

/// Python puts a blank after `,` and `:`, serde_json does not.
fn loosely(json: &str) -> String {
    json.chars().filter(|c| *c != ' ').collect()
}

/// What is left of the problems of one scenario, and the entries for it that forgave nothing: both must be empty.
pub(super) fn judge(list: &[Deviation], scenario: &str, problems: &[String]) -> Vec<String> {
    // Every entry is asked about every problem, so that it learns whether it was used.
    let forgiving = |problem: &str| list.iter().filter(|entry| entry.forgives(scenario, problem)).count();
    let mut left: Vec<String> = problems.iter().filter(|problem| forgiving(problem) == 0).cloned().collect();
    let unused = list.iter().filter(|deviation| deviation.scenario == scenario && !deviation.used.get());
    left.extend(unused.map(|deviation| {
        format!("{}: {}: {FILE} forgives a difference that is not there: take the entry out", deviation.record, deviation.path)
    }));
    left
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn list() -> Vec<Deviation> {
        parse(&json!([
            {"scenario": "one", "record": "created", "path": "/application demo/health", "reason": "safer"},
            {"scenario": "one", "record": "healed", "path": "/application demo/images", "reason": "more", "found": ["a", "b"]},
        ]))
        .unwrap()
    }

    #[test]
    fn forgives_exactly_what_is_listed() {
        let problems = [
            "created: /application demo/health: expected \"Healthy\", found \"Missing\"".to_owned(),
            "healed: /application demo/images: expected [], found [\"a\", \"b\"]".to_owned(),
        ];
        assert_eq!(judge(&list(), "one", &problems), [""; 0]);
    }

    #[test]
    fn another_record_path_value_or_scenario_is_not_forgiven() {
        for problem in [
            "healed: /application demo/health: expected \"Healthy\", found \"Missing\"",
            "created: /application demo/healthy: expected 1, found 2",
            "created: /application demo: missing, expected {}",
            "healed: /application demo/images: expected [], found [\"a\"]",
            "healed: /application demo/images: missing, expected [\"a\", \"b\"]",
        ] {
            assert!(judge(&list(), "one", &[problem.to_owned()]).contains(&problem.to_owned()), "{problem}");
        }
        let problem = "created: /application demo/health: expected 1, found 2".to_owned();
        assert_eq!(judge(&list(), "two", std::slice::from_ref(&problem)), [problem]);
    }

    #[test]
    fn an_entry_that_forgives_nothing_is_an_error() {
        let left = judge(&list(), "one", &["created: /application demo/health: expected 1, found 2".to_owned()]);
        let [unused] = left.as_slice() else { panic!("{left:?}") };
        assert!(unused.starts_with("healed: /application demo/images: ") && unused.contains("take the entry out"), "{unused}");
        assert_eq!(judge(&list(), "two", &[]), [""; 0], "entries for other scenarios do not count");
    }

    #[test]
    fn every_entry_needs_a_reason() {
        for (entry, message) in [
            (json!({"scenario": "a", "record": "b", "path": "/c"}), "reason is missing"),
            (json!({"scenario": "a", "record": "b", "path": "c", "reason": "d"}), "path c does not begin with /"),
            (json!({"scenario": "a", "record": "b", "path": "/c", "reason": "d", "paht": 1}), "unknown field paht"),
            (json!("text"), "not a mapping"),
        ] {
            let error = parse(&json!([entry])).unwrap_err();
            assert_eq!(format!("{error:#}"), format!("entry 1: {message}"));
        }
    }
}
