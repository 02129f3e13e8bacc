//! The kustomize corpus: its own `run.py` drives the built `fiel`, byte for byte.

mod stage;
mod web;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

use self::stage::Stage;
use super::{Name, runner};
use crate::process;
use crate::report::{Report, Tally};

/// The cases that must pass, one `KIND NAME` a line.
const LIST: &str = "conformance/kustomize.txt";

/// Runs the corpus with all that its runner says; `bless` writes what passes into the list.
pub(super) fn by_hand(sh: &Shell, corpus: &Path, matching: &str, with: &[String], bless: bool) -> Result<Tally> {
    ensure!(!bless || matching.is_empty(), "--bless writes the whole list: leave out --match");
    let stage = Stage::set(sh, corpus, with)?;
    let (tally, results, skipped) = run(sh, corpus, &stage, matching, &stage.able(with), true)?;
    for (name, why) in &skipped {
        let lacking = stage.lacks(why).map(|lacking| format!(" ({lacking})"));
        println!("SKIPPED {name}: {why}{}", lacking.unwrap_or_default());
    }
    if bless {
        let passing: Vec<&str> = results.iter().filter(|(_, status)| *status == "pass").map(|(name, _)| name.as_str()).collect();
        sh.write_file(LIST, format!("{HEADER}{}\n", passing.join("\n")))?;
        println!("{LIST}: {} cases", passing.len());
    }
    Ok(tally)
}

const HEADER: &str = "\
# The cases of the kustomize corpus that pass and must go on passing (cargo xtask conformance kustomize --bless).
";

/// What cases may need that a machine can have: the network is its own, and so are the images.
const NEEDS: [&str; 3] = ["exec", "network", "docker"];

/// Runs the corpus and fails if a case of the committed list does not pass any more. Says loudly which cases were not run, and why.
pub(super) fn held(sh: &Shell, report: &mut Report, corpus: &Path) -> Result<Tally> {
    let list = sh.read_file(LIST)?;
    let with = NEEDS.map(str::to_owned);
    let stage = Stage::set(sh, corpus, &with)?;
    let (tally, results, reasons) = run(sh, corpus, &stage, "", &stage.able(&with), false)?;
    let skipped: Vec<&str> = results.iter().filter(|(_, status)| *status == "skip").map(|(name, _)| name.as_str()).collect();
    if !skipped.is_empty() {
        report.skip(format!(
            "kustomize: {} cases need charts or plugins from elsewhere, or have no fixed answer{}: {}",
            skipped.len(),
            stage.lacking.iter().map(|(need, why)| format!(", or need {need} ({why})")).collect::<String>(),
            skipped.join(", ")
        ));
    }
    let cannot_run = |name: &str| reasons.get(name).is_some_and(|why| stage.lacks(why).is_some());
    let verdict = compare(&list, &results, cannot_run);
    println!("kustomize: {tally}; {} must pass", verdict.held + verdict.lost.len());
    if verdict.new > 0 {
        println!("kustomize: {} cases more pass than the list says: cargo xtask conformance kustomize --bless", verdict.new);
    }
    if verdict.gone > 0 {
        println!("kustomize: {} cases of the list are not in this corpus: cargo xtask conformance kustomize --bless", verdict.gone);
    }
    ensure!(verdict.lost.is_empty(), "kustomize: {} cases passed before and do not now: {}", verdict.lost.len(), verdict.lost.join(", "));
    Ok(Tally { passed: verdict.held, failed: 0, skipped: 0 })
}

/// The list of cases that must pass against a run.
struct Verdict {
    held: usize,
    lost: Vec<String>,
    new: usize,
    gone: usize,
}

/// Compares; a case that this machine cannot run proves nothing.
fn compare(list: &str, results: &BTreeMap<String, String>, cannot_run: impl Fn(&str) -> bool) -> Verdict {
    let listed: BTreeSet<&str> = list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let mut verdict =
        Verdict { held: 0, lost: Vec::new(), new: 0, gone: listed.iter().filter(|name| !results.contains_key(**name)).count() };
    for (name, status) in results {
        match (listed.contains(name.as_str()), status.as_str()) {
            (true, "pass") => verdict.held += 1,
            (true, "skip") if cannot_run(name) => {}
            (true, _) => verdict.lost.push(name.clone()),
            (false, "pass") => verdict.new += 1,
            (false, _) => {}
        }
    }
    verdict
}

/// What a run gives: its counts, the status (pass, fail, skip) of every case, and why cases were skipped.
type Outcome = (Tally, BTreeMap<String, String>, BTreeMap<String, String>);

/// Runs `run.py` with the built binary, also over the cases that were made complete on the stage.
fn run(sh: &Shell, corpus: &Path, stage: &Stage, matching: &str, with: &[String], show: bool) -> Result<Outcome> {
    let script = runner(corpus, Name::Kustomize, "run.py")?;
    let fiel = process::programs(sh, &["--package", "fiel-cli"], &["fiel"])?.remove(0);
    let folder = sh.create_temp_dir()?;
    let json = folder.path().join("results.json");
    // run.py splits the command line like a shell.
    let bin = format!("'{}'", fiel.display());
    let with = with.iter().flat_map(|need| ["--with", need]);
    let cases = stage.cases();
    let environment = stage.environment.iter().flat_map(|pair| ["--env", pair]);
    let command = cmd!(
        sh,
        "python3 {script} --bin {bin} --corpus {corpus} --corpus {cases} --match {matching} --json {json} {with...} {environment...}"
    );
    let (status, output) = process::tee(command.into(), |line| show && Tally::parse(line).is_none())?;
    Tally::of_runner(&output).with_context(|| format!("run.py ended with {status} and without a line 'N passed, N failed'"))?;
    let results: Value = serde_json::from_str(&sh.read_file(&json)?)?;
    let statuses = statuses(&results)?;
    let reasons = reasons(&results, &statuses);
    Ok((tally(&statuses), statuses, reasons))
}

/// The counts; of a case that is there twice, as it was recorded and made complete, the latter counts.
fn tally(statuses: &BTreeMap<String, String>) -> Tally {
    let count = |status: &str| statuses.values().filter(|one| *one == status).count();
    Tally { passed: count("pass"), failed: count("fail"), skipped: count("skip") }
}

/// Why cases were skipped.
fn reasons(results: &Value, statuses: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let cases = results["results"].as_array().into_iter().flatten();
    let word = |case: &Value, key: &str| case[key].as_str().unwrap_or_default().to_owned();
    let all = cases.map(|case| (format!("{} {}", word(case, "kind"), word(case, "name")), word(case, "why")));
    let skipped = all.filter(|(name, _)| statuses.get(name).is_some_and(|status| status == "skip"));
    skipped.map(|(name, why)| (name, explained(&why))).collect()
}

/// A reason of `run.py` in more words.
fn explained(why: &str) -> String {
    let more = match why {
        "needs go-plugin" => ": only the kustomize that they were compiled for can load Go plugins",
        "needs nondeterministic" => ": kustomize itself answers now this, now that",
        "needs helm" => ": its charts come from the internet, and nobody has recorded what comes out",
        "needs exec-plugin" => ": nobody has recorded what comes out",
        _ => "",
    };
    format!("{why}{more}")
}

fn statuses(results: &Value) -> Result<BTreeMap<String, String>> {
    let cases = results["results"].as_array().context("run.py wrote no results")?;
    let word = |case: &Value, key: &str| case[key].as_str().unwrap_or_default().to_owned();
    Ok(cases.iter().map(|case| (format!("{} {}", word(case, "kind"), word(case, "name")), word(case, "status"))).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn holds_us_to_the_list() {
        let results = json!({"results": [
            {"kind": "build", "name": "a", "status": "pass"},
            {"kind": "build", "name": "b", "status": "fail"},
            {"kind": "edit", "name": "a", "status": "pass"},
            {"kind": "build", "name": "c", "status": "skip", "why": "needs go-plugin"},
            {"kind": "build", "name": "d", "status": "skip", "why": "needs docker"},
            {"kind": "build", "name": "e", "status": "skip", "why": "needs helm"},
        ]});
        let statuses = statuses(&results).unwrap();
        let verdict = compare("# a comment\nbuild a\nbuild b\nbuild d\nbuild e\nbuild gone\n", &statuses, |name| name == "build d");
        assert_eq!(tally(&statuses), Tally { passed: 2, failed: 1, skipped: 3 });
        assert_eq!(
            reasons(&results, &statuses)["build c"],
            "needs go-plugin: only the kustomize that they were compiled for can load Go plugins"
        );
        assert_eq!((verdict.held, verdict.lost, verdict.new, verdict.gone), (1, vec!["build b".to_owned(), "build e".to_owned()], 1, 1));
    }
}
