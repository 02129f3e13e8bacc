//! The step `test`: one run of cargo test over the workspace, read as it goes.

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

use crate::process;
use crate::report::{Report, Tally};

/// Runs all tests. Tests that could not compare with something absent print `SKIPPED: …`, which is told again at the end.
pub(super) fn run(sh: &Shell, report: &mut Report) -> Result<()> {
    // --show-output: without it the harness swallows what a passing test says, a loud skip too.
    let command = cmd!(sh, "cargo test --workspace --locked --no-fail-fast -- --show-output");
    let mut reader = Reader::default();
    let mut skipped = Vec::new();
    let (status, output) = process::tee(command.into(), |line| {
        skipped.extend(skip(line));
        reader.shows(line)
    })?;
    for what in skipped {
        report.skip(what);
    }
    let tally = Tally::of_cargo(&output);
    println!("tests: {tally}");
    report.tally.add(tally);
    ensure!(status.success() && tally.failed == 0, "{} tests failed", tally.failed.max(1));
    process::reuse_tested(sh);
    Ok(())
}

/// What a line says was skipped.
fn skip(line: &str) -> Option<String> {
    line.trim_start().strip_prefix("SKIPPED: ").map(str::to_owned)
}

/// Follows the harness's output: what passing tests print is not shown, the rest is.
#[derive(Default)]
struct Reader {
    successes: bool,
}

impl Reader {
    fn shows(&mut self, line: &str) -> bool {
        match line {
            "successes:" => self.successes = true,
            "failures:" => self.successes = false,
            _ if line.starts_with("test result: ") => self.successes = false,
            _ => {}
        }
        let passed = line.starts_with("test ") && line.ends_with(" ... ok");
        !self.successes && !passed && !line.is_empty()
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn shows_failures_and_closing_lines_but_not_what_passing_tests_print() {
        let output = "running 2 tests\ntest a ... ok\ntest b ... FAILED\n\nsuccesses:\n\n---- a stdout ----\nSKIPPED: no kustomize here\n\nsuccesses:\n    a\n\nfailures:\n\n---- b stdout ----\npanicked\n\nfailures:\n    b\n\ntest result: FAILED. 1 passed; 1 failed; 0 ignored; x";
        let mut reader = Reader::default();
        let shown: Vec<&str> = output.lines().filter(|line| reader.shows(line)).collect();
        assert_eq!(
            shown,
            [
                "running 2 tests",
                "test b ... FAILED",
                "failures:",
                "---- b stdout ----",
                "panicked",
                "failures:",
                "    b",
                "test result: FAILED. 1 passed; 1 failed; 0 ignored; x"
            ]
        );
        assert_eq!(output.lines().filter_map(skip).collect::<Vec<_>>(), ["no kustomize here"]);
    }
}
