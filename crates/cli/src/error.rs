//! What a verb ends with when it fails: the kind decides the exit code, hints say what to do.

use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;

/// Why a verb failed.
#[derive(Debug)]
pub(crate) struct CommandError {
    kind: Kind,
    message: String,
    hints: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The input or the cluster is at fault: exit code 1, as kustomize and kubectl have it.
    Failed,
    /// The command line is at fault: exit code 2, as clap has it.
    Usage,
    /// Nothing failed, but what was asked about is not so: exit code 1 without a word.
    Differs,
    /// Whoever read our output went away: nothing to say, and no failure.
    BrokenPipe,
}

impl CommandError {
    /// The work itself failed.
    pub(crate) fn failed(error: impl Display) -> Self {
        Self { kind: Kind::Failed, message: error.to_string(), hints: Vec::new() }
    }

    /// What was asked for makes no sense.
    pub(crate) fn usage(error: impl Display) -> Self {
        Self { kind: Kind::Usage, message: error.to_string(), hints: Vec::new() }
    }

    /// The work failed where exit code 1 has another meaning: exit code 2.
    pub(crate) fn trouble(error: impl Display) -> Self {
        Self::usage(error)
    }

    /// There are differences, and the caller wants the exit code to say so.
    pub(crate) fn differs() -> Self {
        Self { kind: Kind::Differs, message: String::new(), hints: Vec::new() }
    }

    /// Whether it only says that whoever read our output went away.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.kind == Kind::BrokenPipe
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Prints the error and says with which code to end.
    pub(crate) fn report(&self) -> ExitCode {
        if !matches!(self.kind, Kind::BrokenPipe | Kind::Differs) {
            // Nobody is left to be told when even stderr is closed.
            let mut stderr = std::io::stderr().lock();
            drop(writeln!(stderr, "Error: {}", self.message));
            for hint in &self.hints {
                drop(writeln!(stderr, "Hint: {hint}"));
            }
        }
        match self.kind {
            Kind::Failed | Kind::Differs => ExitCode::from(1),
            Kind::Usage => ExitCode::from(2),
            Kind::BrokenPipe => ExitCode::SUCCESS,
        }
    }
}

impl Display for CommandError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<std::io::Error> for CommandError {
    fn from(error: std::io::Error) -> Self {
        let kind = if error.kind() == std::io::ErrorKind::BrokenPipe { Kind::BrokenPipe } else { Kind::Failed };
        Self { kind, message: error.to_string(), hints: Vec::new() }
    }
}

impl From<kube::Error> for CommandError {
    fn from(error: kube::Error) -> Self {
        let message = match error {
            kube::Error::Api(status) => status.message.clone(),
            other => other.to_string(),
        };
        Self::failed(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_pipe_is_success() {
        let error = CommandError::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        assert_eq!(error.kind, Kind::BrokenPipe);
        let other = CommandError::from(std::io::Error::from(std::io::ErrorKind::NotFound));
        assert_eq!(other.kind, Kind::Failed);
    }
}
