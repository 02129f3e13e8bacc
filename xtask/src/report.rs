//! What a run adds up to: how many passed and failed, and what was skipped and why.

use std::fmt;

/// Counts of tests or cases.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Tally {
    /// One check that held or did not.
    pub(crate) fn one(passed: bool) -> Tally {
        Tally { passed: usize::from(passed), failed: usize::from(!passed), skipped: 0 }
    }

    pub(crate) fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// Reads the closing line of a test runner: cargo's `test result: ok. 3 passed; 0 failed; 1 ignored; …`
    /// or the plain `3 passed, 0 failed, 1 skipped` that our runners and the corpora's print.
    pub(crate) fn parse(line: &str) -> Option<Tally> {
        let line = line.trim();
        let counts = match line.strip_prefix("test result: ") {
            Some(rest) => rest.split_once(". ")?.1,
            None => line,
        };
        let mut tally = Tally::default();
        let (mut passed, mut failed) = (false, false);
        for part in counts.split([';', ',']) {
            let (number, word) = part.trim().split_once(' ')?;
            let field = match word {
                "passed" => {
                    passed = true;
                    &mut tally.passed
                }
                "failed" => {
                    failed = true;
                    &mut tally.failed
                }
                "ignored" | "skipped" => &mut tally.skipped,
                // `0 measured; 12 filtered out; finished in 0.31s` are none of ours.
                _ if line.len() != counts.len() => continue,
                _ => return None,
            };
            *field = number.parse().ok()?;
        }
        (passed && failed).then_some(tally)
    }

    /// The sum of all closing lines of cargo's test binaries in an output.
    pub(crate) fn of_cargo(output: &str) -> Tally {
        let mut sum = Tally::default();
        for tally in output.lines().filter(|line| line.starts_with("test result: ")).filter_map(Tally::parse) {
            sum.add(tally);
        }
        sum
    }

    /// The last plain closing line of an output.
    pub(crate) fn of_runner(output: &str) -> Option<Tally> {
        output.lines().rev().filter(|line| !line.starts_with("test result")).find_map(Tally::parse)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// What the steps of one run report besides passing or failing.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) tally: Tally,
    pub(crate) skipped: Vec<String>,
}

impl Report {
    /// Says loudly, now and again at the end, that something was not checked.
    pub(crate) fn skip(&mut self, what: impl Into<String>) {
        let what = what.into();
        // Tests of this crate skip nothing; their output is read for such lines.
        if !cfg!(test) {
            println!("SKIPPED: {what}");
        }
        if !self.skipped.contains(&what) {
            self.skipped.push(what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_closing_lines_of_runners() {
        let tally = |passed, failed, skipped| Some(Tally { passed, failed, skipped });
        let cargo = "test result: FAILED. 3 passed; 2 failed; 1 ignored; 0 measured; 12 filtered out; finished in 0.31s";
        assert_eq!(Tally::parse(cargo), tally(3, 2, 1));
        assert_eq!(Tally::parse("657 passed, 0 failed"), tally(657, 0, 0));
        assert_eq!(Tally::parse("700 passed, 30 failed, 60 skipped"), tally(700, 30, 60));
        assert_eq!(Tally::parse("12 passed"), None);
        assert_eq!(Tally::parse("3 passed, 1 failed, 2 cats"), None);
        assert_eq!(Tally::parse("one passed, 0 failed"), None);
        assert_eq!(Tally::parse("test result: lost"), None);
    }

    #[test]
    fn sums_all_test_binaries() {
        let output = "running 2 tests\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured\n\ntest result: FAILED. 1 passed; 1 failed; 3 ignored; finished in 1s\n9 passed, 0 failed\n";
        assert_eq!(Tally::of_cargo(output), Tally { passed: 3, failed: 1, skipped: 3 });
        assert_eq!(Tally::of_runner(output), Some(Tally { passed: 9, failed: 0, skipped: 0 }));
        assert_eq!(Tally::of_runner("nothing"), None);
    }

    #[test]
    fn prints_the_line_that_a_reader_of_closing_lines_expects() {
        assert_eq!(Tally { passed: 2, failed: 1, skipped: 0 }.to_string(), "2 passed, 1 failed");
        assert_eq!(Tally { passed: 2, failed: 0, skipped: 4 }.to_string(), "2 passed, 0 failed, 4 skipped");
    }
}
