//! One run of a program: its output to the log, its end asked for or waited for.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use super::guard::Guard;
use super::logs::{Logs, RunId};
use crate::controllers::Clock;

/// The longest line that is kept in one piece.
const LONGEST: usize = 64 * 1024;
/// How long after the end of a program its output is still read: a child of its own may hold the pipe open.
const DRAIN: Duration = Duration::from_millis(200);

/// A running program in a process group of its own, which is killed when this is dropped.
pub(super) struct Process {
    child: Child,
    group: Pid,
    guard: Option<Guard>,
    output: JoinSet<()>,
    /// Whose log the output goes to.
    log: (Logs, RunId),
}

impl Process {
    /// Starts the program with exactly these variables and the node's `PATH`.
    pub(super) fn start(
        program: &Path,
        args: &[String],
        env: &[(String, String)],
        run: &RunId,
        logs: &Logs,
        clock: &Clock,
    ) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.args(args).env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command.envs(env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
        let mut child = command.spawn()?;
        let raw = child.id().ok_or_else(|| io::Error::other("the process has no id"))?;
        let group = i32::try_from(raw).ok().and_then(Pid::from_raw).ok_or_else(|| io::Error::other("the process has no valid id"))?;
        let guard = Some(Guard::new(raw));
        logs.begin(run);
        let mut output = JoinSet::new();
        if let Some(pipe) = child.stdout.take() {
            output.spawn(copy(pipe, run.clone(), logs.clone(), clock.clone()));
        }
        if let Some(pipe) = child.stderr.take() {
            output.spawn(copy(pipe, run.clone(), logs.clone(), clock.clone()));
        }
        Ok(Self { child, group, guard, output, log: (logs.clone(), run.clone()) })
    }

    /// Waits for its end; whatever it started in its group ends with it.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        self.signal(Signal::KILL);
        if let Some(guard) = self.guard.take() {
            guard.release().await;
        }
        let drained = tokio::time::timeout(DRAIN, async { while self.output.join_next().await.is_some() {} }).await;
        if drained.is_err() {
            self.output.abort_all();
        }
        Ok(status)
    }

    /// Asks it to end; kills it when the time of grace is over.
    pub(super) async fn stop(&mut self, grace: Duration) -> io::Result<ExitStatus> {
        self.signal(if grace.is_zero() { Signal::KILL } else { Signal::TERM });
        let ended = tokio::time::timeout(grace, self.child.wait()).await;
        if ended.is_err() {
            self.signal(Signal::KILL);
        }
        self.wait().await
    }

    fn signal(&self, signal: Signal) {
        if let Err(error) = kill_process_group(self.group, signal) {
            tracing::debug!(%error, "the process has ended already");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // However it ends, who follows the log must not wait for more.
        self.log.0.end(&self.log.1);
    }
}

/// The exit code as a shell would give it, and the signal, if one ended it.
pub(super) fn code(status: ExitStatus) -> (i32, Option<i32>) {
    let signal = status.signal();
    (status.code().unwrap_or_else(|| 128 + signal.unwrap_or(0)), signal)
}

async fn copy(pipe: impl AsyncRead + Unpin, run: RunId, logs: Logs, clock: Clock) {
    let mut reader = BufReader::new(pipe);
    let mut line = Vec::new();
    loop {
        let (taken, ends) = match reader.fill_buf().await {
            Ok([]) | Err(_) => break,
            Ok(bytes) => {
                let end = bytes.iter().position(|byte| *byte == b'\n');
                let taken = end.unwrap_or(bytes.len());
                line.extend_from_slice(&bytes[..taken]);
                (taken + usize::from(end.is_some()), end.is_some() || line.len() >= LONGEST)
            }
        };
        reader.consume(taken);
        if ends {
            logs.write(&run, clock(), String::from_utf8_lossy(&line).into_owned());
            line.clear();
        }
    }
    if !line.is_empty() {
        logs.write(&run, clock(), String::from_utf8_lossy(&line).into_owned());
    }
}
