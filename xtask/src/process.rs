//! Starting programs: built binaries, streamed output, children that never outlive us.

use std::fs::File;
use std::io::Write as _;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::Unavailable;

/// The root of the working copy: the folder above this crate's.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// The folder of the conformance corpora: `FIEL_CONFORMANCE`, or `shared/conformance` beside the working copy.
pub(crate) fn conformance() -> Option<PathBuf> {
    let folder = std::env::var_os("FIEL_CONFORMANCE").map_or_else(|| root().join("../shared/conformance"), PathBuf::from);
    folder.canonicalize().ok()
}

/// Runs a command with its standard output both printed line by line as `show` decides and kept.
pub(crate) fn tee(mut command: Command, mut show: impl FnMut(&str) -> bool) -> Result<(ExitStatus, String)> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
    let stdout = child.stdout.take().context("the pipe was asked for above")?;
    let mut kept = String::new();
    let mut lines = BufReader::new(stdout);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        if show(text.trim_end()) {
            print!("{text}");
        }
        kept.push_str(&text);
        line.clear();
    }
    Ok((child.wait()?, kept))
}

/// Builds with `cargo build ARGUMENTS` and gives the paths of the executables that it made, in the order of `names`.
pub(crate) fn build(sh: &Shell, arguments: &[&str], names: &[&str]) -> Result<Vec<PathBuf>> {
    made(sh, &["build"], arguments, names)
}

/// Set in a shell whose commands run where all tests of the workspace were built before.
const TESTED: &str = "FIEL_XTASK_TESTED";

/// From here on programs are those that the tests were built with.
///
/// cargo chooses the features of dependencies for all packages together that it is asked for: asking for one of them, or without tests, builds most of its
/// dependencies once more, which takes minutes.
pub(crate) fn reuse_tested(sh: &Shell) {
    sh.set_var(TESTED, "1");
}

/// Builds unoptimised programs; the arguments are those of [`build`].
pub(crate) fn programs(sh: &Shell, arguments: &[&str], names: &[&str]) -> Result<Vec<PathBuf>> {
    match sh.var_os(TESTED) {
        Some(_) => build_tests(sh, &["--workspace", "--locked"], names),
        None => build(sh, arguments, names),
    }
}

/// What `cargo test` is asked for when it is the tests of one package that are wanted.
pub(crate) fn tests_of<'a>(sh: &Shell, package: &'a str) -> Vec<&'a str> {
    match sh.var_os(TESTED) {
        Some(_) => vec!["--workspace", "--locked"],
        None => vec!["--package", package],
    }
}

/// Builds test programs with `cargo test --no-run ARGUMENTS`, as [`build`] does.
pub(crate) fn build_tests(sh: &Shell, arguments: &[&str], names: &[&str]) -> Result<Vec<PathBuf>> {
    made(sh, &["test", "--no-run"], arguments, names)
}

fn made(sh: &Shell, task: &[&str], arguments: &[&str], names: &[&str]) -> Result<Vec<PathBuf>> {
    let mut command = Command::from(cmd!(sh, "cargo {task...} --message-format=json-render-diagnostics {arguments...}"));
    // Progress and diagnostics go straight to the terminal; only the messages for programs are read.
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    ensure!(output.status.success(), "the build failed: cargo {} {}", task.join(" "), arguments.join(" "));
    let stdout = String::from_utf8_lossy(&output.stdout);
    names.iter().map(|name| executable(&stdout, name).with_context(|| format!("cargo built no program {name}"))).collect()
}

/// Builds a static program of one package: it runs in an image `FROM scratch`.
pub(crate) fn build_static(sh: &Shell, package: &str, profile: &str, program: &str) -> Result<PathBuf> {
    static_binary(sh, (package, profile, program), &[])
}

/// The same program with the names of its functions, whatever the profile strips.
pub(crate) fn build_static_with_names(sh: &Shell, package: &str, profile: &str, program: &str) -> Result<PathBuf> {
    static_binary(sh, (package, profile, program), &["-C", "strip=none"])
}

/// Builds `fiel` as a command line.
///
/// On Linux it is static and lies at a fixed address, as Go links kubectl and kustomize: relocating it takes a fifth of a small build. The `fiel` of an image
/// ([`build_static`]) lies at an address that nobody knows before, since an agent holds the keys of clusters.
pub(crate) fn build_command_line(sh: &Shell, profile: &str) -> Result<PathBuf> {
    let which = ("fiel-cli", profile, "fiel");
    if cfg!(target_os = "linux") {
        return static_binary(sh, which, &["-C", "relocation-model=static"]);
    }
    build(sh, &of_binary(which), &["fiel"])?.into_iter().next().context("one program was asked for")
}

/// Builds a static example of one package.
pub(crate) fn build_static_example(sh: &Shell, package: &str, example: &str) -> Result<PathBuf> {
    static_program(sh, &["--package", package, "--example", example], &[], example)
}

/// What cargo is asked for one package's program of a profile.
fn of_binary<'a>((package, profile, program): (&'a str, &'a str, &'a str)) -> [&'a str; 6] {
    ["--package", package, "--profile", profile, "--bin", program]
}

fn static_binary(sh: &Shell, which: (&str, &str, &str), flags: &[&str]) -> Result<PathBuf> {
    static_program(sh, &of_binary(which), flags, which.2)
}

fn static_program(sh: &Shell, arguments: &[&str], flags: &[&str], program: &str) -> Result<PathBuf> {
    ensure!(cfg!(target_os = "linux"), Unavailable(format!("a static {program} for Linux is built on Linux")));
    // Only how the program is linked differs: what it is made of is that of every other program of the profile.
    let arguments: Vec<&str> =
        arguments.iter().copied().chain(["--", "-C", "target-feature=+crt-static"]).chain(flags.iter().copied()).collect();
    let built = made(sh, &["rustc"], &arguments, &[program])?;
    built.into_iter().next().context("one program was asked for")
}

/// Finds the program `name` in cargo's JSON messages; tests of that name where there is no other.
fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    let found = messages.lines().rev().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let path = (message["target"]["name"] == name).then(|| message["executable"].as_str().map(PathBuf::from))??;
        Some((message["profile"]["test"] == true, path))
    });
    found.min_by_key(|(is_test, _)| *is_test).map(|(_, path)| path)
}

/// Whether `program ARGUMENTS` can be run here and succeeds.
pub(crate) fn answers(sh: &Shell, program: &str, arguments: &[&str]) -> bool {
    cmd!(sh, "{program} {arguments...}")
        .quiet()
        .ignore_status()
        .ignore_stdout()
        .ignore_stderr()
        .output()
        .is_ok_and(|output| output.status.success())
}

/// Fails with exit code 2 and one clear line where a needed program is not on this machine.
pub(crate) fn need(sh: &Shell, program: &str, probe: &[&str], why: &str) -> Result<()> {
    if answers(sh, program, probe) {
        Ok(())
    } else {
        bail!(Unavailable(format!("{why} needs {program}, and `{program} {}` does not answer here", probe.join(" "))))
    }
}

/// A child process that is ended, with all that it has started in its group, when this value goes or this process dies, whatever happens.
pub(crate) struct Guarded {
    child: Child,
    name: String,
    guard: Guard,
}

/// Nothing runs in a process that a signal has killed. So a small companion reads from a pipe whose other end only we hold: when we are gone the pipe
/// ends, and the companion kills the group. Both are groups of their own, so that Ctrl-C, which goes to ours, leaves the companion to its work.
struct Guard(Option<Child>);

impl Guard {
    /// A word ends the companion quietly; the end of the pipe without one kills the group.
    const SCRIPT: &'static str = "read -r _ || kill -KILL \"-$1\" 2>/dev/null";

    fn new(group: u32) -> std::io::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", Self::SCRIPT, "guard", &group.to_string()]).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().map(|child| Self(Some(child)))
    }

    /// Kills the group.
    fn kill(&mut self) {
        self.end("");
    }

    /// Ends without harm: the child has ended, and its number may soon be another's.
    fn release(&mut self) {
        self.end("end\n");
    }

    fn end(&mut self, word: &str) {
        let Some(mut companion) = self.0.take() else { return };
        if let Some(mut pipe) = companion.stdin.take() {
            // If it cannot be told it has ended, and so has the group.
            drop(pipe.write_all(word.as_bytes()));
        }
        drop(companion.wait());
    }
}

impl Guarded {
    /// Starts a command with both outputs in `log`.
    pub(crate) fn spawn(mut command: Command, log: &Path) -> Result<Guarded> {
        let name = command.get_program().to_string_lossy().into_owned();
        let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).process_group(0);
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        let mut guarded = Guarded { child, name, guard: Guard(None) };
        guarded.guard = Guard::new(guarded.child.id()).context("cannot start /bin/sh")?;
        Ok(guarded)
    }

    /// Waits for its end, at most so long.
    pub(crate) fn wait(mut self, limit: Duration) -> Result<ExitStatus> {
        let mut ended = None;
        wait_for(&format!("the end of {}", self.name), limit, || {
            ended = self.ended()?;
            Ok(ended.is_some())
        })?;
        ended.context("it has ended")
    }

    /// Fails if the process has ended by itself.
    pub(crate) fn running(&mut self) -> Result<()> {
        match self.ended()? {
            None => Ok(()),
            Some(status) => bail!("{} ended by itself: {status}", self.name),
        }
    }

    fn ended(&mut self) -> Result<Option<ExitStatus>> {
        let ended = self.child.try_wait()?;
        if ended.is_some() {
            self.guard.release();
        }
        Ok(ended)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.guard.kill();
        // Already ended is as good as ended now.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Asks `done` again and again until it says yes.
pub(crate) fn wait_for(what: &str, limit: Duration, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !done()? {
        ensure!(start.elapsed() < limit, "waited {} s for {what}", limit.as_secs());
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// The last lines of a log, to show with a failure.
pub(crate) fn tail(log: &Path, lines: usize) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_program_in_cargos_messages() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"fiel"},"executable":null}
not json
{"reason":"compiler-artifact","target":{"name":"fiel"},"executable":"/x/target/debug/fiel"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages, "fiel"), Some(PathBuf::from("/x/target/debug/fiel")));
        assert_eq!(executable(messages, "other"), None);
    }

    #[test]
    fn a_program_goes_before_its_tests() {
        let messages = r#"{"target":{"name":"fiel"},"profile":{"test":false},"executable":"/x/target/debug/fiel"}
{"target":{"name":"fiel"},"profile":{"test":true},"executable":"/x/target/debug/deps/fiel-1"}
{"target":{"name":"all"},"profile":{"test":true},"executable":"/x/target/debug/deps/all-2"}"#;
        assert_eq!(executable(messages, "fiel"), Some(PathBuf::from("/x/target/debug/fiel")));
        assert_eq!(executable(messages, "all"), Some(PathBuf::from("/x/target/debug/deps/all-2")));
    }

    #[test]
    fn tee_keeps_what_it_prints_and_the_exit_code() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two; exit 3"]);
        let mut seen = Vec::new();
        let (status, kept) = tee(command, |line| {
            seen.push(line.to_owned());
            false
        })
        .unwrap();
        assert_eq!((status.code(), kept.as_str()), (Some(3), "one\ntwo\n"));
        assert_eq!(seen, ["one", "two"]);
    }

    #[test]
    fn a_guarded_child_ends_with_its_guard_and_its_end_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sleep");
        command.arg("60");
        let mut child = Guarded::spawn(command, &folder.path().join("log")).unwrap();
        child.running().unwrap();
        let id = child.child.id();
        drop(child);
        assert!(!Path::new(&format!("/proc/{id}")).exists());

        let mut child = Guarded::spawn(Command::new("false"), &folder.path().join("log")).unwrap();
        let error = wait_for("its end", Duration::from_secs(10), || child.running().map(|()| false)).unwrap_err();
        assert!(error.to_string().contains("ended by itself"), "{error}");
    }

    const HOLDS: &str = "XTASK_TEST_HOLDS";

    /// Not a test: a process that guards a child and is killed meanwhile. Without the word in the environment it does nothing.
    #[test]
    fn holds_a_guarded_child() {
        let Some(log) = std::env::var_os(HOLDS) else { return };
        let mut command = Command::new("sh");
        // The child has a child of its own, which ends with it.
        command.args(["-c", "sleep 60 & echo $! $$; wait"]);
        let child = Guarded::spawn(command, Path::new(&log)).unwrap();
        std::fs::write(Path::new(&log).with_extension("ready"), "").unwrap();
        std::thread::sleep(Duration::from_secs(60));
        drop(child);
    }

    /// Whether no such process runs; one that nobody has waited for yet has ended too.
    fn is_over(id: &str) -> bool {
        let state = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        state.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'))
    }

    #[test]
    fn whoever_kills_us_ends_our_guarded_children() {
        for signal in ["-TERM", "-INT", "-KILL"] {
            let folder = tempfile::tempdir().unwrap();
            let log = folder.path().join("log");
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--exact", "process::tests::holds_a_guarded_child"]).env(HOLDS, &log).stdout(Stdio::null());
            let mut holder = command.spawn().unwrap();
            let ids = || std::fs::read_to_string(&log).unwrap_or_default();
            wait_for("the child", Duration::from_secs(20), || Ok(ids().ends_with('\n') && log.with_extension("ready").exists())).unwrap();
            let ids = ids();
            assert!(ids.split_whitespace().count() == 2 && !ids.split_whitespace().any(is_over));
            assert!(Command::new("kill").args([signal, &holder.id().to_string()]).status().unwrap().success());
            holder.wait().unwrap();
            wait_for("the end of both", Duration::from_secs(20), || Ok(ids.split_whitespace().all(is_over))).unwrap();
        }
    }

    #[test]
    fn a_missing_program_is_unavailable() {
        let sh = Shell::new().unwrap();
        let error = need(&sh, "no-such-program", &["version"], "this").unwrap_err();
        assert_eq!(error.to_string(), "this needs no-such-program, and `no-such-program version` does not answer here");
        assert!(error.is::<Unavailable>());
        need(&sh, "sh", &["-c", "exit 0"], "this").unwrap();
    }

    #[test]
    fn tail_gives_the_last_lines() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        std::fs::write(&log, "a\nb\nc\n").unwrap();
        assert_eq!(tail(&log, 2), "b\nc");
        assert_eq!(tail(&folder.path().join("none"), 2), "");
    }
}
