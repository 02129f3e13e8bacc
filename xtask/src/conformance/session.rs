//! Sessions of shell commands, played on two clusters at once and compared.
//!
//! A session is a file whose lines are shell commands, run in its folder with the cluster's kubectl. What a user would see (both outputs and the exit
//! code) must be the same on both once that is replaced which differs from run to run: uids, times, versions, addresses, generated names.

mod normalise;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result};

use crate::process;
use crate::report::Tally;

/// A cluster that a session is played on.
pub(super) struct Stage {
    /// How it is called where it answers something else.
    pub(super) name: &'static str,
    /// How kubectl reaches it.
    pub(super) kubeconfig: PathBuf,
    /// The folder of kubectl.
    pub(super) assets: PathBuf,
    /// Whatever kubectl writes; made where it is not there.
    pub(super) home: PathBuf,
    /// How many seconds a command may take.
    pub(super) patience: u32,
}

/// Plays the session of a folder below `crates/e2e` on both; of all commands, or of those whose text contains `matching`, differences are printed.
pub(super) fn compare(folder: &str, stages: [Stage; 2], matching: &str) -> Result<Tally> {
    let folder = process::root().join("crates/e2e").join(folder);
    let steps = steps(&fs::read_to_string(folder.join("session"))?);
    let names = [stages[0].name, stages[1].name];
    let [one, other] = stages.map(|stage| {
        let (steps, folder) = (steps.clone(), folder.clone());
        thread::spawn(move || stage.play(&folder, &steps))
    });
    let join = |thread: thread::JoinHandle<Result<Vec<String>>>| thread.join().map_err(|_| anyhow::anyhow!("a stage panicked"))?;
    let (one, other) = (join(one)?, join(other)?);
    let mut tally = Tally::default();
    let mut failed = Vec::new();
    for ((step, one), other) in steps.iter().zip(&one).zip(&other) {
        let same = one == other;
        if !step.silent || !same {
            tally.add(Tally::one(same));
        }
        if !same {
            failed.push(format!("session:{}: {}", step.number, step.command));
        }
        if !same && step.command.contains(matching) {
            println!("session:{}: {}\n{}", step.number, step.command, differences(names, one, other));
        } else if !matching.is_empty() && step.command.contains(matching) {
            println!("session:{}: {}\n{one}", step.number, step.command);
        }
    }
    // Once more, for those who see only the end of a long output.
    for command in failed {
        println!("DIFFERENT: {command}");
    }
    Ok(tally)
}

/// A line of the session: a command, or something that both clusters must have done before it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    number: usize,
    command: String,
    /// Without an answer to compare: it only waits, and how often it looks is chance.
    silent: bool,
}

impl Stage {
    fn play(&self, folder: &Path, steps: &[Step]) -> Result<Vec<String>> {
        fs::create_dir_all(&self.home)?;
        steps.iter().map(|step| self.answer(folder, step).with_context(|| format!("session:{}: {}", step.number, step.command))).collect()
    }

    /// What a user sees of one command.
    fn answer(&self, folder: &Path, step: &Step) -> Result<String> {
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("timeout")
            .args([&self.patience.to_string(), "sh", "-c", &step.command])
            .current_dir(folder)
            .env_clear()
            .env("PATH", format!("{}:{path}", self.assets.display()))
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HOME", &self.home)
            .env("TMPDIR", &self.home)
            .stdin(Stdio::null())
            .output()?;
        let text = |bytes: &[u8]| normalise::text(&String::from_utf8_lossy(bytes), &self.home);
        let code = output.status.code().unwrap_or(-1);
        if step.silent && code == 0 {
            return Ok(String::new());
        }
        let mut shown = text(&output.stdout);
        if !output.stderr.is_empty() {
            shown.push_str(&format!("stderr:\n{}", text(&output.stderr)));
        }
        if code != 0 {
            shown.push_str(&format!("exit code {code}\n"));
        }
        Ok(shown)
    }
}

/// Reads the session. `#` begins a comment; a line that begins with `~` only waits.
fn steps(text: &str) -> Vec<Step> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| Step { number, command: line.trim_start_matches('~').trim().to_owned(), silent: line.starts_with('~') })
        .collect()
}

/// The lines of one that the other does not have, in order.
fn differences(names: [&str; 2], real: &str, ours: &str) -> String {
    let width = names[0].len().max(names[1].len());
    let (real, ours): (Vec<&str>, Vec<&str>) = (real.lines().collect(), ours.lines().collect());
    // The longest common subsequence, by the textbook: outputs are short.
    let mut length = vec![vec![0_usize; ours.len() + 1]; real.len() + 1];
    for i in (0..real.len()).rev() {
        for j in (0..ours.len()).rev() {
            length[i][j] = if real[i] == ours[j] { length[i + 1][j + 1] + 1 } else { length[i + 1][j].max(length[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut out) = (0, 0, String::new());
    while i < real.len() || j < ours.len() {
        if i < real.len() && j < ours.len() && real[i] == ours[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == ours.len() || (i < real.len() && length[i + 1][j] >= length[i][j + 1]) {
            out.push_str(&format!("  {:>width$}: {}\n", names[0], real[i]));
            i += 1;
        } else {
            out.push_str(&format!("  {:>width$}: {}\n", names[1], ours[j]));
            j += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_commands_and_waits() {
        let read = steps("# a comment\nkubectl version\n\n~ kubectl wait x\n");
        let step = |number, command: &str, silent| Step { number, command: command.into(), silent };
        assert_eq!(read, [step(2, "kubectl version", false), step(4, "kubectl wait x", true)]);
    }

    #[test]
    fn tells_which_lines_differ() {
        assert_eq!(differences(["apiserver", "sandbox"], "a\nb\nc\n", "a\nx\nc\nd\n"), "  apiserver: b\n    sandbox: x\n    sandbox: d\n");
    }

    #[test]
    fn a_command_shows_both_outputs_and_its_exit_code() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().to_owned();
        let stage = Stage { name: "x", assets: path.clone(), kubeconfig: path.join("none"), home: path.clone(), patience: 30 };
        let step = |command: &str, silent| Step { number: 1, command: command.into(), silent };
        assert_eq!(stage.answer(&path, &step("echo a; echo b >&2; exit 3", false)).unwrap(), "a\nstderr:\nb\nexit code 3\n");
        assert_eq!(stage.answer(&path, &step("echo a", true)).unwrap(), "");
        assert_eq!(stage.answer(&path, &step("exit 1", true)).unwrap(), "exit code 1\n");
    }

    #[test]
    fn the_sessions_are_long_enough() {
        for (folder, least) in [("kubectl", 200), ("events", 15)] {
            let session = fs::read_to_string(process::root().join("crates/e2e").join(folder).join("session")).unwrap();
            assert!(steps(&session).iter().filter(|step| !step.silent).count() >= least, "{folder}");
        }
    }
}
