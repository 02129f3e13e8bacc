//! The corpora whose runner is an example or a test of the crate that they judge: it reads the cases in process.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::report::Tally;
use crate::{Unavailable, process};

/// Their names, which are also the folders' names.
pub(super) const NAMES: [&str; 2] = ["kubernetes", "health"];

/// How many cases of each corpus must pass by now.
const MINIMA: &str = "conformance/minima.txt";

/// What runs the cases of a corpus.
enum Runner {
    /// An example of a package.
    Example(&'static str, &'static str),
    /// A test of a package, which finds the corpora beside each other in `FIEL_CONFORMANCE`.
    Test(&'static str, &'static str),
}

/// Runs a corpus with all that its runner says.
pub(super) fn by_hand(sh: &Shell, name: &str, corpus: &Path, matching: &str) -> Result<Tally> {
    run(sh, name, corpus, matching, true)
}

/// Runs a corpus and fails if fewer cases pass than the committed minimum; only then shows what the runner said.
pub(super) fn held(sh: &Shell, name: &str, corpus: &Path) -> Result<Tally> {
    let minimum = minimum(&sh.read_file(MINIMA)?, name)?;
    let tally = run(sh, name, corpus, "", false)?;
    println!("{name}: {tally} (at least {minimum} must pass)");
    ensure!(tally.passed >= minimum, "{name}: {} cases pass, {minimum} did before: see `cargo xtask conformance {name}`", tally.passed);
    Ok(Tally { failed: 0, skipped: 0, ..tally })
}

fn run(sh: &Shell, name: &str, corpus: &Path, matching: &str, show: bool) -> Result<Tally> {
    let runners: &[Runner] = match name {
        "health" => &[Runner::Example("fiel-reconciler", "health")],
        "kubernetes" => {
            &[Runner::Example("fiel-merge", "conformance"), Runner::Test("fiel-sandbox", "always_written_fields_are_those_of_the_go_types")]
        }
        other => bail!(Unavailable(format!("there is no runner of {other} yet: see COMPAT.md"))),
    };
    let mut sum = Tally::default();
    for runner in runners {
        let filter = (!matching.is_empty()).then_some(["--match", matching]);
        let filter = filter.iter().flatten();
        let (package, command) = match runner {
            Runner::Example(package, example) => {
                let program = process::programs(sh, &["--package", package, "--example", example], &[example])?.remove(0);
                (package, cmd!(sh, "{program} --corpus {corpus} {filter...}"))
            }
            // What only the crate itself sees is not picked case by case.
            Runner::Test(..) if !matching.is_empty() => continue,
            Runner::Test(package, test) => {
                let (all, whose) = (corpus.parent().unwrap_or(corpus), process::tests_of(sh, package));
                (package, cmd!(sh, "cargo test --quiet {whose...} --lib {test} -- --nocapture").env("FIEL_CONFORMANCE", all))
            }
        };
        let (status, output) = process::tee(command.into(), |line| show && Tally::parse(line).is_none())?;
        match Tally::of_runner(&output) {
            // Failed cases may or may not be told by the exit code: the closing line is what counts.
            Some(tally) => sum.add(tally),
            None => bail!("the runner of {name} in {package} ended with {status} and without a line 'N passed, N failed'"),
        }
    }
    Ok(sum)
}

/// Reads the committed minimum of one corpus: lines of `NAME COUNT`, `#` begins a comment.
fn minimum(text: &str, name: &str) -> Result<usize> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let found = lines.filter_map(|line| line.split_once(' ')).find(|(which, _)| *which == name);
    let (_, count) = found.with_context(|| format!("{MINIMA} says nothing about {name}"))?;
    count.trim().parse().with_context(|| format!("{MINIMA}: {name}: not a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_minima() {
        let text = "# what must pass\nhealth 53\ndiff  170\n";
        assert_eq!(minimum(text, "health").unwrap(), 53);
        assert_eq!(minimum(text, "diff").unwrap(), 170);
        assert_eq!(minimum(text, "kubernetes").unwrap_err().to_string(), "conformance/minima.txt says nothing about kubernetes");
        assert!(minimum("health many", "health").is_err());
    }

    #[test]
    fn the_committed_minima_name_every_corpus() {
        let text = std::fs::read_to_string(process::root().join(MINIMA)).unwrap();
        for name in NAMES {
            minimum(&text, name).unwrap();
        }
    }
}
