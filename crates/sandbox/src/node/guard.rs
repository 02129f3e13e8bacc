//! Ends a process group when the node itself dies, however suddenly.
//!
//! Nothing runs in a process that is killed by `kill -9`. So each process gets a small companion that reads from a pipe whose other end only the node
//! holds: when the node is gone, the pipe ends, and the companion kills the group. Where there is no `/bin/sh` (an image from scratch, where the
//! node is process 1 and everything ends with it) there is no companion.

use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

/// A word from the node ends it quietly; the end of the pipe without one kills the group.
const SCRIPT: &str = "read -r _ || kill -KILL \"-$1\" 2>/dev/null";

/// Kills a process group when it is dropped, or when this process dies. [`Guard::release`] ends it without harm.
#[derive(Debug)]
pub(super) struct Guard(Option<Child>);

impl Guard {
    pub(super) fn new(group: u32) -> Self {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "guard", &group.to_string()]).env_clear().process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().inspect_err(|error| tracing::debug!(%error, "no guard for the process")).ok())
    }

    pub(super) async fn release(mut self) {
        let Some(mut child) = self.0.take() else { return };
        if let Some(mut input) = child.stdin.take() {
            // If it cannot be told, it is gone already.
            if input.write_all(b"end\n").await.is_ok() && child.wait().await.is_ok() {
                return;
            }
        }
        drop(child.start_kill());
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn sleeper() -> Child {
        Command::new("sleep").arg("60").process_group(0).kill_on_drop(true).spawn().expect("there is a program `sleep`")
    }

    #[tokio::test]
    async fn the_end_of_the_node_ends_the_process() {
        let mut child = sleeper();
        // Dropping closes the pipe, as the sudden death of the node does.
        drop(Guard::new(child.id().expect("it runs")));
        let status = child.wait().await.expect("it can be waited for");
        assert_eq!(status.signal(), Some(9));
    }

    #[tokio::test]
    async fn a_released_guard_does_no_harm() {
        let mut child = sleeper();
        Guard::new(child.id().expect("it runs")).release().await;
        assert!(child.try_wait().expect("it can be asked").is_none(), "it still runs");
    }
}
