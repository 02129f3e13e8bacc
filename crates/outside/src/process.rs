//! One call of a program: input in, output out, within a time and a size.

use std::io::{Read, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use fiel_renderer::Failure;

/// More output than this is refused.
const MAX_OUTPUT: usize = 256 << 20;
/// A program that closed its output but does not end is looked at this often.
const LOOK: Duration = Duration::from_millis(10);

/// What becomes of what a program says on its standard error.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stderr {
    /// It is part of the failure.
    Kept,
    /// The user sees it.
    Shown,
}

/// Runs a program and gives what it prints. One that fails, prints too much or does not end in time is a failure.
pub(crate) fn run(mut command: Command, input: Vec<u8>, stderr: Stderr, timeout: Option<Duration>) -> Result<Vec<u8>, Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() }).stdout(Stdio::piped());
    command.stderr(if stderr == Stderr::Kept { Stdio::piped() } else { Stdio::inherit() });
    let mut child = command.spawn().map_err(|e| Failure::failed(format!("cannot run {name}: {e}")))?;
    let outcome = talk(&mut child, input, timeout.map(|time| Instant::now() + time));
    if outcome.is_err() {
        // It may have ended in between, which is as good.
        drop(child.kill());
        drop(child.wait());
    }
    let (out, said, status) = outcome.map_err(|problem| Failure::failed(format!("{name} {problem}")))?;
    if status.success() {
        return Ok(out);
    }
    let said = String::from_utf8_lossy(&said);
    let said = if said.trim().is_empty() { String::new() } else { format!(": {}", said.trim()) };
    Err(Failure::failed(format!("{name} failed ({status}){said}")))
}

type Ended = (Vec<u8>, Vec<u8>, std::process::ExitStatus);

fn talk(child: &mut Child, input: Vec<u8>, deadline: Option<Instant>) -> Result<Ended, String> {
    if let Some(mut stdin) = child.stdin.take() {
        // A program need not read its input to the end.
        std::thread::spawn(move || drop(stdin.write_all(&input)));
    }
    let out = child.stdout.take().map(collect);
    let said = child.stderr.take().map(collect);
    let out = receive(out, deadline)?;
    let said = receive(said, deadline)?;
    loop {
        match child.try_wait().map_err(|e| e.to_string())? {
            Some(status) => return Ok((out, said, status)),
            None if deadline.is_some_and(|deadline| Instant::now() >= deadline) => return Err(LATE.to_owned()),
            None => std::thread::sleep(LOOK),
        }
    }
}

const LATE: &str = "did not end in time";

/// Reads to the end on a thread of its own, which outlives a program that is too late.
fn collect(mut from: impl Read + Send + 'static) -> mpsc::Receiver<Result<Vec<u8>, String>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = from.by_ref().take(MAX_OUTPUT as u64 + 1).read_to_end(&mut bytes);
        let result = match read {
            Err(e) => Err(format!("cannot be read: {e}")),
            Ok(_) if bytes.len() > MAX_OUTPUT => Err(format!("prints more than {} MiB", MAX_OUTPUT >> 20)),
            Ok(_) => Ok(bytes),
        };
        // Nobody listens when the program was too late.
        drop(sender.send(result));
    });
    receiver
}

fn receive(from: Option<mpsc::Receiver<Result<Vec<u8>, String>>>, deadline: Option<Instant>) -> Result<Vec<u8>, String> {
    let Some(from) = from else { return Ok(Vec::new()) };
    match deadline {
        None => from.recv().map_err(|e| e.to_string())?,
        Some(deadline) => from.recv_timeout(deadline.saturating_duration_since(Instant::now())).map_err(|_| LATE.to_owned())?,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn input_goes_in_and_output_comes_out() {
        let input = vec![b'x'; 1 << 20];
        assert_eq!(run(shell("cat"), input.clone(), Stderr::Kept, None), Ok(input));
        assert_eq!(run(shell("echo done"), vec![b'x'; 1 << 20], Stderr::Kept, None), Ok(b"done\n".to_vec()));
    }

    #[test]
    fn what_a_failed_program_said_is_told() {
        let failure = run(shell("echo why >&2; exit 3"), Vec::new(), Stderr::Kept, None).expect_err("it fails");
        assert_eq!(failure.to_string(), "sh failed (exit status: 3): why");
        let missing = run(Command::new("no-such-program"), Vec::new(), Stderr::Kept, None).expect_err("it is not there");
        assert!(missing.to_string().starts_with("cannot run no-such-program: "), "{missing}");
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        for script in ["sleep 3", "exec >&- 2>&-; sleep 3"] {
            let failure = run(shell(script), Vec::new(), Stderr::Kept, Some(Duration::from_millis(50))).expect_err("it is too late");
            assert_eq!(failure.to_string(), "sh did not end in time", "{script}");
        }
    }
}
