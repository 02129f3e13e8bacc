//! The sandbox and the agent as processes of this very binary.

use std::path::Path;
use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::error::CommandError;

/// A running `fiel …`; it ends with this value, and also when this process dies, because its standard input then closes.
pub(super) struct Process {
    name: &'static str,
    child: Child,
    log: std::path::PathBuf,
}

impl Process {
    /// Starts `fiel ARGUMENTS`, its output going to `log`.
    pub(super) fn start(name: &'static str, arguments: &[&str], log: &Path) -> Result<Self, CommandError> {
        let file = std::fs::File::create(log)?;
        let child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .arg("--until-stdin-closes")
            .stdin(Stdio::piped())
            .stdout(file.try_clone()?)
            .stderr(file)
            // Of its own group: a Ctrl-C in the terminal reaches only the demo, which ends its children in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { name, child, log: log.to_owned() })
    }

    /// The process id, while it runs.
    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Fails, with the last lines of its log, when the process has ended by itself.
    pub(super) fn check(&mut self) -> Result<(), CommandError> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                let lines: Vec<&str> = log.lines().collect();
                let tail = lines[lines.len().saturating_sub(20)..].join("\n");
                Err(CommandError::failed(format!("the {} ended ({status}):\n{tail}", self.name)))
            }
        }
    }

    /// Asks it to end by closing its standard input, and waits until it has.
    pub(super) async fn stop(mut self) {
        drop(self.child.stdin.take());
        let grace = std::time::Duration::from_secs(5);
        if tokio::time::timeout(grace, self.child.wait()).await.is_err() {
            // Past its grace: killed; an error means that it is gone already.
            drop(self.child.kill().await);
        }
    }
}

/// The resident memory of a process in MiB, where the system tells.
pub(super) fn resident_mib(id: u32) -> Option<f64> {
    if let Ok(status) = std::fs::read_to_string(format!("/proc/{id}/status")) {
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        return line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok().map(|kib| kib / 1024.0);
    }
    let output = std::process::Command::new("ps").args(["-o", "rss=", "-p", &id.to_string()]).output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse::<f64>().ok().map(|kib| kib / 1024.0)
}
