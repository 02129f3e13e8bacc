//! The recorded scenarios of Argo CD, played over the wire on a sandbox and an agent of the real `fiel` binary.
//!
//! Each scenario has a sandbox, an agent and a Git folder of its own, so none can disturb another and several play at a time.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use xshell::Shell;

use super::{Name, deviations, runner};
use crate::process::{self, Guarded};
use crate::report::Tally;

/// The factor on settling times: they were recorded with an agent that needs seconds.
pub(crate) const PACE: f64 = 0.25;
/// How many scenarios play at a time: they mostly wait.
pub(crate) const JOBS: usize = 4;

/// The scenarios that must pass by now, one a line.
const LIST: &str = "conformance/argocd.txt";

/// Applies what every scenario expects.
const STAGE: &str = "conformance/stage.py";

/// What to play and how.
pub(crate) struct Choice<'a> {
    pub(crate) corpus: &'a Path,
    pub(crate) all: bool,
    pub(crate) matching: &'a str,
    pub(crate) pace: f64,
    pub(crate) jobs: usize,
    pub(crate) messages: bool,
}

/// Plays the chosen scenarios and prints each as it ends.
pub(crate) fn play(sh: &Shell, choice: &Choice<'_>) -> Result<Tally> {
    process::need(sh, "python3", &["-c", "import yaml"], "playing the scenarios (play.py)")?;
    process::need(sh, "git", &["--version"], "playing the scenarios")?;
    let stage = Stage {
        script: runner(choice.corpus, Name::Argocd, "play.py")?,
        fiel: process::programs(sh, &["--package", "fiel-cli"], &["fiel"])?.remove(0),
        logs: process::root().join("target/conformance/argocd"),
        pace: choice.pace,
        messages: choice.messages,
    };
    let deviations = deviations::read(sh, &sh.current_dir().join(deviations::FILE))?;
    let scenarios = scenarios(choice.corpus, &sh.read_file(LIST)?, choice.all, choice.matching)?;
    let queue = Mutex::new(scenarios.iter().cloned().collect::<VecDeque<_>>());
    let ended = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..choice.jobs.clamp(1, scenarios.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some(case) = next else { break };
                    let start = Instant::now();
                    let outcome = stage.play(&case);
                    ended.lock().unwrap_or_else(PoisonError::into_inner).push((case, outcome, start.elapsed()));
                }
            });
        }
    });
    let mut ended = ended.into_inner().unwrap_or_else(PoisonError::into_inner);
    ended.sort_by(|a, b| a.0.cmp(&b.0));
    let mut tally = Tally::default();
    for (case, outcome, time) in ended {
        let name = name(&case);
        let problems = match outcome {
            Ok(problems) => deviations::judge(&deviations, &name, &problems),
            Err(error) => vec![format!("{error:#}")],
        };
        println!("{} {name} ({:.1} s)", if problems.is_empty() { "ok  " } else { "FAIL" }, time.as_secs_f64());
        for problem in &problems {
            println!("     {problem}");
        }
        if !problems.is_empty() {
            println!("     logs: {}", stage.logs.join(&name).display());
        }
        tally.add(Tally::one(problems.is_empty()));
    }
    Ok(tally)
}

/// All that every scenario needs.
struct Stage {
    script: PathBuf,
    fiel: PathBuf,
    logs: PathBuf,
    pace: f64,
    messages: bool,
}

impl Stage {
    /// Plays one scenario on a sandbox and an agent of its own: the differences that play.py found.
    fn play(&self, case: &Path) -> Result<Vec<String>> {
        let name = name(case);
        let logs = self.logs.join(&name);
        fs::create_dir_all(&logs)?;
        let folder = tempfile::tempdir()?;
        let (kubeconfig, json, git) = (folder.path().join("kubeconfig"), folder.path().join("results.json"), folder.path().join("git"));
        let mut sandbox = Guarded::spawn(self.sandbox(&kubeconfig), &logs.join("sandbox.log"))?;
        let ready = process::wait_for("the sandbox's kubeconfig", Duration::from_secs(30), || {
            sandbox.running()?;
            Ok(fs::metadata(&kubeconfig).is_ok_and(|file| file.len() > 0))
        });
        ready.with_context(|| process::tail(&logs.join("sandbox.log"), 5))?;
        self.set(&kubeconfig, folder.path(), &logs.join("stage.log"))?;
        let mut agent = Guarded::spawn(self.agent(&kubeconfig, folder.path()), &logs.join("agent.log"))?;
        let play = self.script(&kubeconfig, &git, &json, case);
        let status = Guarded::spawn(play, &logs.join("play.log"))?.wait(Duration::from_secs(600))?;
        // A stage whose actors died half way proves nothing, whatever the differences say.
        sandbox.running()?;
        agent.running().with_context(|| process::tail(&logs.join("agent.log"), 5))?;
        let Ok(results) = fs::read_to_string(&json) else {
            bail!("play.py ended with {status}: {}", process::tail(&logs.join("play.log"), 5))
        };
        problems(&results, &name)
    }

    /// Brings in what play.py expects of a cluster.
    fn set(&self, kubeconfig: &Path, folder: &Path, log: &Path) -> Result<()> {
        let crds = folder.join("crds.yaml");
        let printed = Command::new(&self.fiel).arg("crds").output().context("cannot start fiel crds")?;
        ensure!(printed.status.success(), "fiel crds: {}", String::from_utf8_lossy(&printed.stderr));
        fs::write(&crds, printed.stdout)?;
        let mut command = Command::new("python3");
        command.arg(process::root().join(STAGE)).arg(&self.script).arg(kubeconfig).arg(&crds).env("TMPDIR", folder);
        let status = Guarded::spawn(command, log)?.wait(Duration::from_secs(60))?;
        ensure!(status.success(), "the stage could not be set: {}", process::tail(log, 5));
        Ok(())
    }

    fn sandbox(&self, kubeconfig: &Path) -> Command {
        let mut command = Command::new(&self.fiel);
        command.args(["sandbox", "--bare", "--kubeconfig"]).arg(kubeconfig);
        command
    }

    fn agent(&self, kubeconfig: &Path, folder: &Path) -> Command {
        let mut command = Command::new(&self.fiel);
        command.args(["agent", "--kubeconfig"]).arg(kubeconfig).env("TMPDIR", folder);
        command
    }

    fn script(&self, kubeconfig: &Path, git: &Path, json: &Path, case: &Path) -> Command {
        let mut command = Command::new("python3");
        command.arg(&self.script).arg("--kubeconfig").arg(kubeconfig).arg("--git").arg(git).arg("--json").arg(json);
        command.arg("--pace").arg(self.pace.to_string());
        if let Some(folder) = json.parent() {
            // Its client certificates are to go with the scenario's folder.
            command.env("TMPDIR", folder);
        }
        if self.messages {
            command.arg("--messages");
        }
        command.arg(case);
        command
    }
}

/// The differences of one scenario in play.py's results.
fn problems(results: &str, name: &str) -> Result<Vec<String>> {
    let results: Value = serde_json::from_str(results)?;
    let problems = results[name].as_array().with_context(|| format!("play.py did not play {name}"))?;
    Ok(problems.iter().map(|problem| problem.as_str().map_or_else(|| problem.to_string(), str::to_owned)).collect())
}

/// The folders to play: those of the list, or all, whose name contains the text.
fn scenarios(corpus: &Path, list: &str, all: bool, matching: &str) -> Result<Vec<PathBuf>> {
    let cases = if corpus.join("cases").is_dir() { corpus.join("cases") } else { corpus.to_path_buf() };
    let mut chosen: Vec<PathBuf> = if all {
        fs::read_dir(&cases)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?
    } else {
        list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(|name| cases.join(name)).collect()
    };
    chosen.retain(|case| name(case).contains(matching) && (!all || case.join("scenario.yaml").is_file()));
    chosen.sort();
    if let Some(missing) = chosen.iter().find(|case| !case.join("scenario.yaml").is_file()) {
        bail!("{LIST} names a scenario that is not there: {}", missing.display());
    }
    ensure!(!chosen.is_empty(), "no scenario in {} is chosen by '{matching}'", cases.display());
    Ok(chosen)
}

fn name(case: &Path) -> String {
    case.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chooses_the_listed_scenarios_or_all() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["one", "two", "three"] {
            fs::create_dir_all(folder.path().join("cases").join(name)).unwrap();
            fs::write(folder.path().join("cases").join(name).join("scenario.yaml"), "").unwrap();
        }
        let names = |all, matching| {
            scenarios(folder.path(), "# listed\none\ntwo\n", all, matching)
                .map(|cases| cases.iter().map(|case| name(case)).collect::<Vec<_>>())
        };
        assert_eq!(names(false, "").unwrap(), ["one", "two"]);
        assert_eq!(names(true, "").unwrap(), ["one", "three", "two"]);
        assert_eq!(names(true, "t").unwrap(), ["three", "two"]);
        assert!(names(false, "three").is_err());
        let missing = scenarios(folder.path(), "four\n", false, "").unwrap_err();
        assert!(missing.to_string().starts_with("conformance/argocd.txt names a scenario that is not there: "), "{missing}");
    }

    #[test]
    fn reads_the_differences_of_one_scenario() {
        assert_eq!(problems(r#"{"one": ["created: /x: expected 1, found 2"]}"#, "one").unwrap(), ["created: /x: expected 1, found 2"]);
        assert!(problems("{}", "one").is_err());
    }
}
