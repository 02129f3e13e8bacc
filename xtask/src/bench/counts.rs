//! Instruction counts: what is committed in conformance/instructions.txt may grow by a few percent, and work may not grow faster than its input.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use super::{cluster_install, inputs, measure};
use crate::process;
use crate::report::Report;

const FILE: &str = "conformance/instructions.txt";
/// More than this is a finding.
const TOLERANCE: f64 = 1.05;
/// Sizes of the kustomization in which everything grows, and how much more work the larger one may be.
const UNITS: (usize, usize) = (40, 160);
const GROWTH: f64 = 4.4;

/// Counts by name.
pub(super) type Counts = BTreeMap<String, u64>;

/// Counts all inputs with the example program of the renderer, which compiles in seconds.
pub(super) fn count(sh: &Shell, report: &mut Report) -> Result<Counts> {
    let program = process::build(sh, &["--release", "--package", "fiel-renderer", "--example", "build"], &["build"])?.remove(0);
    let home = tempfile::tempdir()?;
    let at = |name: &str| home.path().join(name);
    let mut folders = vec![
        ("course-overlay".to_owned(), process::root().join("overlays/prod")),
        ("synthetic-1000".to_owned(), inputs::synthetic(&at("synthetic"), 1000)?),
    ];
    for units in [UNITS.0, UNITS.1] {
        folders.push((format!("everything-{units}"), inputs::everything(&at(&units.to_string()), units)?));
    }
    folders.extend(cluster_install(report).map(|folder| ("cluster-install".to_owned(), folder)));
    let mut counts = Counts::new();
    for (name, folder) in folders {
        let count = measure::instructions(sh, &program, &[&folder])?;
        println!("{name:20} {:10.2} million instructions", millions(count));
        counts.insert(name, count);
    }
    Ok(counts)
}

pub(super) fn millions(count: u64) -> f64 {
    // Counts are far below 2^52.
    #[allow(clippy::cast_precision_loss)]
    let count = count as f64;
    count / 1e6
}

/// The compiler that the counts belong to: another one makes other code.
fn compiler(sh: &Shell) -> Result<String> {
    Ok(format!("{} {}", cmd!(sh, "rustc --version").quiet().read()?, std::env::consts::ARCH))
}

pub(super) fn bless(sh: &Shell, counts: &Counts) -> Result<()> {
    let lines: String = counts.iter().map(|(name, count)| format!("{name} {count}\n")).collect();
    sh.write_file(
        FILE,
        format!(
            "# Instructions of the renderer's example `build` under callgrind: cargo xtask bench render --bless\n# {}\n{lines}",
            compiler(sh)?
        ),
    )?;
    Ok(())
}

/// Fails when there is more work than before, or more than the input explains.
pub(super) fn compare(sh: &Shell, counts: &Counts, report: &mut Report) -> Result<()> {
    let of = |units: usize| counts.get(&format!("everything-{units}")).copied().map(millions).context("it was counted above");
    let growth = of(UNITS.1)? / of(UNITS.0)?;
    println!("{} times the input are {growth:.2} times the instructions (at most {GROWTH})", UNITS.1 / UNITS.0);
    ensure!(growth <= GROWTH, "the renderer's work grows faster than its input: {growth:.2} times for {} times as much", UNITS.1 / UNITS.0);
    let committed = sh.read_file(FILE)?;
    if !committed.contains(&format!("# {}\n", compiler(sh)?)) {
        report.skip(format!("instructions: {FILE} was counted with another compiler; only the growth was checked"));
        return Ok(());
    }
    let more = exceeding(&committed, counts);
    ensure!(
        more.is_empty(),
        "more instructions than {FILE} allows: {}; if that is meant: cargo xtask bench render --bless",
        more.join(", ")
    );
    Ok(())
}

fn exceeding(committed: &str, counts: &Counts) -> Vec<String> {
    let known = committed.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' '));
    known
        .filter_map(|(name, before)| Some((name, before.parse().ok()?, *counts.get(name)?)))
        .filter(|(_, before, now)| millions(*now) > millions(*before) * TOLERANCE)
        .map(|(name, before, now)| format!("{name} {now} instead of {before}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_grew_by_more_than_the_tolerance_is_told() {
        let counts = Counts::from([("a".to_owned(), 104), ("b".to_owned(), 106), ("new".to_owned(), 1)]);
        assert_eq!(exceeding("# a compiler\na 100\nb 100\ngone 5\n", &counts), ["b 106 instead of 100"]);
    }
}
