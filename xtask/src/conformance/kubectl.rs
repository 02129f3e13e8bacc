//! `cargo xtask conformance kubectl`: one session of kubectl commands, played on the sandbox and on a real kube-apiserver.
//!
//! The session is `crates/e2e/kubectl/session`: every line is a shell command, run in that folder. What a user would see (both outputs and the exit
//! code) must be the same on both once that is replaced which differs from run to run: uids, times, versions, addresses, generated names.

mod normalise;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use xshell::Shell;

use crate::apiserver::ApiServer;
use crate::process::{self, Guarded};
use crate::report::Tally;

/// A line of the session: a command, or something that both clusters must have done before it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    number: usize,
    command: String,
    /// Without an answer to compare: it only waits, and how often it looks is chance.
    silent: bool,
}

/// Plays the session on both; of all commands, or of those whose text contains `matching`, differences are printed.
pub(crate) fn play(sh: &Shell, matching: &str) -> Result<Tally> {
    let folder = process::root().join("crates/e2e/kubectl");
    let steps = steps(&fs::read_to_string(folder.join("session"))?);
    let server = ApiServer::start(sh)?;
    let programs = process::programs(
        sh,
        &["--package", "fiel-cli", "--bin", "fiel", "--package", "fiel-sandbox", "--example", "controllers"],
        &["fiel", "controllers"],
    )?;
    let [fiel, controllers] = programs.as_slice() else { anyhow::bail!("two programs were asked for") };
    let home = tempfile::tempdir()?;

    // The same controllers on both: what differs is the API.
    let mut beside = Command::new(controllers);
    beside.env("KUBECONFIG", server.kubeconfig());
    let _beside = Guarded::spawn(beside, &home.path().join("controllers.log"))?;
    let mut sandbox = Command::new(fiel);
    sandbox.arg("sandbox").arg("--kubeconfig").arg(home.path().join("sandbox"));
    let _sandbox = Guarded::spawn(sandbox, &home.path().join("sandbox.log"))?;
    process::wait_for("the sandbox", Duration::from_secs(20), || Ok(home.path().join("sandbox").is_file()))?;

    let stage = |name: &str, kubeconfig: PathBuf| Stage {
        folder: folder.clone(),
        assets: server.assets().to_owned(),
        kubeconfig,
        home: home.path().join(format!("{name}-home")),
    };
    let stages = [stage("real", server.kubeconfig()), stage("ours", home.path().join("sandbox"))];
    let [real, ours] = stages.map(|stage| {
        let steps = steps.clone();
        thread::spawn(move || stage.play(&steps))
    });
    let join = |thread: thread::JoinHandle<Result<Vec<String>>>| thread.join().map_err(|_| anyhow::anyhow!("a stage panicked"))?;
    let (real, ours) = (join(real)?, join(ours)?);
    let mut tally = Tally::default();
    for ((step, real), ours) in steps.iter().zip(&real).zip(&ours) {
        let same = real == ours;
        if !step.silent || !same {
            tally.add(Tally::one(same));
        }
        if !same && step.command.contains(matching) {
            println!("session:{}: {}\n{}", step.number, step.command, differences(real, ours));
        } else if !matching.is_empty() && step.command.contains(matching) {
            println!("session:{}: {}\n{real}", step.number, step.command);
        }
    }
    Ok(tally)
}

/// A cluster, and what kubectl needs to speak to it.
struct Stage {
    folder: PathBuf,
    assets: PathBuf,
    kubeconfig: PathBuf,
    home: PathBuf,
}

impl Stage {
    fn play(&self, steps: &[Step]) -> Result<Vec<String>> {
        fs::create_dir_all(&self.home)?;
        steps.iter().map(|step| self.answer(step).with_context(|| format!("session:{}: {}", step.number, step.command))).collect()
    }

    /// What a user sees of one command.
    fn answer(&self, step: &Step) -> Result<String> {
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("timeout")
            .args(["30", "sh", "-c", &step.command])
            .current_dir(&self.folder)
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
fn differences(real: &str, ours: &str) -> String {
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
            out.push_str(&format!("  apiserver: {}\n", real[i]));
            i += 1;
        } else {
            out.push_str(&format!("    sandbox: {}\n", ours[j]));
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
        assert_eq!(differences("a\nb\nc\n", "a\nx\nc\nd\n"), "  apiserver: b\n    sandbox: x\n    sandbox: d\n");
    }

    #[test]
    fn a_command_shows_both_outputs_and_its_exit_code() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().to_owned();
        let stage = Stage { folder: path.clone(), assets: path.clone(), kubeconfig: path.join("none"), home: path };
        let step = |command: &str, silent| Step { number: 1, command: command.into(), silent };
        assert_eq!(stage.answer(&step("echo a; echo b >&2; exit 3", false)).unwrap(), "a\nstderr:\nb\nexit code 3\n");
        assert_eq!(stage.answer(&step("echo a", true)).unwrap(), "");
        assert_eq!(stage.answer(&step("exit 1", true)).unwrap(), "exit code 1\n");
    }

    #[test]
    fn the_session_is_long_enough() {
        let session = fs::read_to_string(process::root().join("crates/e2e/kubectl/session")).unwrap();
        assert!(steps(&session).iter().filter(|step| !step.silent).count() >= 60);
    }
}
