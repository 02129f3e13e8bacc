//! The demo's stage: its folder, its processes, its clock and its voice.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::cluster::Cluster;
use super::process::Process;
use crate::error::CommandError;

/// Everything that must be gone when the demo ends.
pub(super) struct Stage {
    folder: tempfile::TempDir,
    server: PathBuf,
    started: Instant,
    step: u32,
    sandbox: Option<Process>,
    agent: Option<Process>,
    hints: Vec<String>,
}

impl Stage {
    /// Makes the folder; `server` is the program that the sandbox runs for the course's image.
    pub(super) fn open(parent: Option<&Path>, server: &Path) -> Result<Self, CommandError> {
        let server = server.canonicalize().map_err(|e| {
            CommandError::usage(format!("--server {}: {e}", server.display())).hint("build it with `cargo build -p fiel-server`")
        })?;
        let mut builder = tempfile::Builder::new();
        builder.prefix("demo-");
        let folder = match parent {
            Some(parent) => {
                std::fs::create_dir_all(parent)?;
                builder.tempdir_in(parent.canonicalize()?)?
            }
            None => builder.tempdir()?,
        };
        Ok(Self { folder, server, started: Instant::now(), step: 0, sandbox: None, agent: None, hints: Vec::new() })
    }

    /// The demo's own folder, gone at its end.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the sandbox writes how to reach it.
    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.folder().join("kubeconfig")
    }

    /// Since the demo began.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Announces a chapter of the story.
    pub(super) fn chapter(&mut self, title: &str) {
        self.step += 1;
        println!("\n{}. {title}", self.step);
    }

    /// Tells what was just seen, with the time since the start.
    pub(super) fn saw(&self, what: impl AsRef<str>) {
        println!("   {:>7.3} s  {}", self.elapsed().as_secs_f64(), what.as_ref());
    }

    /// Remembers a line for whoever wants to look around at the end.
    pub(super) fn hint(&mut self, line: String) {
        self.hints.push(line);
    }

    /// Starts the sandbox and connects to it.
    pub(super) async fn start_sandbox(&mut self) -> Result<Cluster, CommandError> {
        let kubeconfig = self.kubeconfig();
        let image = format!("user/gitopsfc={}", self.server.display());
        let arguments = ["sandbox", "--kubeconfig", text(&kubeconfig)?, "--image", &image];
        self.sandbox = Some(Process::start("sandbox", &arguments, &self.folder().join("sandbox.log"))?);
        let limit = Instant::now() + Duration::from_secs(20);
        // The sandbox writes its kubeconfig, in one piece, once it listens.
        while !kubeconfig.exists() {
            self.check()?;
            if Instant::now() > limit {
                return Err(CommandError::failed("the sandbox did not come up within 20 s"));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Cluster::connect(&kubeconfig).await
    }

    /// Starts the agent.
    pub(super) fn start_agent(&mut self) -> Result<(), CommandError> {
        let kubeconfig = self.kubeconfig();
        let arguments = ["agent", "--kubeconfig", text(&kubeconfig)?];
        self.agent = Some(Process::start("agent", &arguments, &self.folder().join("agent.log"))?);
        Ok(())
    }

    /// The agent's process id.
    pub(super) fn agent_id(&self) -> Option<u32> {
        self.agent.as_ref().and_then(Process::id)
    }

    /// Fails when a process has ended by itself.
    pub(super) fn check(&mut self) -> Result<(), CommandError> {
        for process in [&mut self.sandbox, &mut self.agent].into_iter().flatten() {
            process.check()?;
        }
        Ok(())
    }

    /// Prints how to look around.
    pub(super) fn look_around(&self) {
        println!("\nIt stays up; Ctrl-C ends it. To look around, in another terminal:\n");
        for line in &self.hints {
            println!("    {line}");
        }
    }

    /// The last lines that the agent logged.
    pub(super) fn logs(&self) -> String {
        let log = std::fs::read_to_string(self.folder().join("agent.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    /// Ends the processes in order and removes the folder.
    pub(super) async fn close(mut self) {
        for process in [self.agent.take(), self.sandbox.take()].into_iter().flatten() {
            process.stop().await;
        }
        if let Err(error) = self.folder.close() {
            eprintln!("the demo's folder could not be removed: {error}");
        }
    }
}

fn text(path: &Path) -> Result<&str, CommandError> {
    path.to_str().ok_or_else(|| CommandError::failed(format!("{}: the path is not UTF-8", path.display())))
}
