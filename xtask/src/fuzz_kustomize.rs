//! `cargo xtask fuzz-kustomize --seeds A..B`: random trees through the real kustomize and through `fiel build`, which must answer the same.
//!
//! A tree that they answer differently is made small, printed and kept. The seeds of a range always give the same trees.

mod layer;
mod objects;
mod random;
mod shrink;
mod tree;
mod yaml;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, ensure};
use xshell::Shell;

use crate::process;
use crate::report::Tally;
use shrink::Files;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The seeds to try: A..B, without B
    #[arg(long, value_parser = range, default_value = "0..200")]
    seeds: Range<u64>,
    /// Trees tried at the same time
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Where the small trees that differ are kept
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Print the trees as they are made instead of trying them
    #[arg(long)]
    show: bool,
    /// A built fiel instead of the one of this working copy
    #[arg(long, value_name = "FILE")]
    bin: Option<PathBuf>,
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let (from, to) = text.split_once("..").ok_or("a range looks like 0..200")?;
    let number = |text: &str| text.parse::<u64>().map_err(|error| format!("{text}: {error}"));
    let range = number(from)?..number(to)?;
    if range.is_empty() { Err(format!("{text} holds no seed")) } else { Ok(range) }
}

pub(crate) fn run(sh: &Shell, args: &Args) -> Result<ExitCode> {
    if args.show {
        for seed in args.seeds.clone() {
            print!("== seed {seed}\n{}", listing(&tree::tree(seed)));
        }
        return Ok(ExitCode::SUCCESS);
    }
    process::need(sh, "kustomize", &["version"], "fuzz-kustomize")?;
    let tally = play(sh, args.bin.as_deref(), args.seeds.clone(), args.jobs, args.keep.as_deref())?;
    println!("{tally}");
    Ok(if tally.failed == 0 && tally.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The part of `cargo xtask ci`: a fixed range, where kustomize is on the PATH.
pub(crate) fn ci(sh: &Shell) -> Result<Tally> {
    play(sh, None, 0..60, 2, None)
}

/// What a program made of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    built: bool,
    stdout: Vec<u8>,
    stderr: String,
}

/// How two answers differ. Making a tree smaller must not turn one difference into another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Difference {
    OnlyKustomizeBuilds,
    OnlyFielBuilds,
    Output,
}

fn difference(kustomize: &Answer, fiel: &Answer) -> Option<Difference> {
    match (kustomize.built, fiel.built) {
        (true, true) => (kustomize.stdout != fiel.stdout).then_some(Difference::Output),
        (false, false) => None,
        (true, false) => Some(Difference::OnlyKustomizeBuilds),
        (false, true) => Some(Difference::OnlyFielBuilds),
    }
}

/// A difference that is no fault of ours.
struct Exception {
    reason: &'static str,
    applies: fn(&Answer, &Answer, Difference) -> bool,
}

/// Every difference that is let pass, and why.
const EXCEPTIONS: &[Exception] = &[
    Exception {
        reason: "kustomize crashes, and whether it does is chance or a bug of its own",
        applies: |kustomize, _, _| kustomize.stderr.contains("goroutine ") || kustomize.stderr.contains("runtime error"),
    },
    Exception {
        reason: "fiel refuses what it does not do yet (unchecked in COMPAT.md)",
        applies: |_, fiel, difference| difference == Difference::OnlyKustomizeBuilds && fiel.stderr.contains("not supported yet"),
    },
    Exception {
        reason: "kustomize adds empty lines to a text that is patched over a folded one: it writes it in the old one's style and reads it again",
        applies: |kustomize, fiel, difference| {
            let full =
                |answer: &Answer| answer.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect::<Vec<_>>().concat();
            difference == Difference::Output && kustomize.stdout.len() > fiel.stdout.len() && full(kustomize) == full(fiel)
        },
    },
];

/// Where the trees lie while they are tried, and the programs.
struct Bench {
    fiel: PathBuf,
    scratch: tempfile::TempDir,
    next: AtomicU64,
}

impl Bench {
    /// Runs both on a tree.
    fn answers(&self, files: &Files) -> Result<(Answer, Answer)> {
        let folder = self.scratch.path().join(self.next.fetch_add(1, Ordering::Relaxed).to_string());
        write_tree(&folder, files)?;
        let both = (ask(Path::new("kustomize"), &folder)?, ask(&self.fiel, &folder)?);
        std::fs::remove_dir_all(&folder)?;
        Ok(both)
    }

    /// How the two differ on a tree, exceptions apart (their reason is given instead).
    fn differs(&self, files: &Files) -> Result<Verdict> {
        let (kustomize, fiel) = self.answers(files)?;
        let Some(difference) = difference(&kustomize, &fiel) else { return Ok(Verdict::Equal { built: kustomize.built }) };
        if let Some(exception) = EXCEPTIONS.iter().find(|exception| (exception.applies)(&kustomize, &fiel, difference)) {
            return Ok(Verdict::Excepted(exception.reason));
        }
        // The order of Go's maps is chance: what kustomize does not answer twice is no judge.
        for _ in 0..3 {
            let (again, _) = self.answers(files)?;
            if (again.built, &again.stdout) != (kustomize.built, &kustomize.stdout) {
                return Ok(Verdict::Excepted("kustomize does not answer twice the same"));
            }
        }
        Ok(Verdict::Differs(difference))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Equal { built: bool },
    Excepted(&'static str),
    Differs(Difference),
}

fn write_tree(folder: &Path, files: &Files) -> Result<()> {
    std::fs::create_dir_all(folder.join(tree::TOP))?;
    for (path, text) in files {
        let file = folder.join(path);
        std::fs::create_dir_all(file.parent().context("a file has a folder")?)?;
        std::fs::write(file, text)?;
    }
    Ok(())
}

fn ask(program: &Path, folder: &Path) -> Result<Answer> {
    let output = Command::new(program)
        .args(["build", tree::TOP])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    Ok(Answer { built: output.status.success(), stdout: output.stdout, stderr: String::from_utf8_lossy(&output.stderr).into_owned() })
}

/// Tries the seeds and reports.
fn play(sh: &Shell, bin: Option<&Path>, seeds: Range<u64>, jobs: usize, keep: Option<&Path>) -> Result<Tally> {
    let fiel = match bin {
        Some(bin) => std::path::absolute(bin)?,
        None => process::programs(sh, &["--package", "fiel-cli"], &["fiel"])?.remove(0),
    };
    let bench = Bench { fiel, scratch: tempfile::tempdir()?, next: AtomicU64::new(0) };
    let next = AtomicU64::new(seeds.start);
    let sum = Mutex::new(Sum::default());
    std::thread::scope(|scope| {
        let worker = || -> Result<()> {
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds.end {
                    return Ok(());
                }
                let verdict = one(&bench, seed, keep)?;
                sum.lock().expect("no worker panics while it counts").add(verdict);
            }
        };
        let workers: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| anyhow::anyhow!("a worker panicked"))?)
    })?;
    let sum = sum.into_inner().expect("no worker panics while it counts");
    println!("{} trees built, {} were refused by both", sum.built, sum.refused);
    for (reason, count) in &sum.excepted {
        println!("{count} let pass: {reason}");
    }
    ensure!(sum.tally.failed > 0 || sum.built >= sum.refused, "most trees must build, or nothing is tested");
    Ok(sum.tally)
}

#[derive(Default)]
struct Sum {
    tally: Tally,
    built: usize,
    refused: usize,
    excepted: BTreeMap<&'static str, usize>,
}

impl Sum {
    fn add(&mut self, verdict: Verdict) {
        self.tally.add(Tally::one(!matches!(verdict, Verdict::Differs(_))));
        match verdict {
            Verdict::Equal { built: true } => self.built += 1,
            Verdict::Equal { built: false } => self.refused += 1,
            Verdict::Excepted(reason) => *self.excepted.entry(reason).or_default() += 1,
            Verdict::Differs(_) => {}
        }
    }
}

/// How often a tree is tried while it is made smaller.
const BUDGET: usize = 400;

/// Tries one seed; a tree that differs is made small, printed and kept.
fn one(bench: &Bench, seed: u64, keep: Option<&Path>) -> Result<Verdict> {
    let files = tree::tree(seed);
    let verdict = bench.differs(&files)?;
    let Verdict::Differs(found) = verdict else { return Ok(verdict) };
    let small = shrink::shrink(&files, BUDGET, &mut |candidate| {
        matches!(bench.answers(candidate), Ok((kustomize, fiel))
        if difference(&kustomize, &fiel) == Some(found) && !EXCEPTIONS.iter().any(|exception| (exception.applies)(&kustomize, &fiel, found)))
    });
    let (kustomize, fiel) = bench.answers(&small)?;
    println!("== seed {seed} differs: {found:?}\n{}{}", listing(&small), told(&kustomize, &fiel, found));
    if let Some(keep) = keep {
        write_tree(&keep.join(seed.to_string()), &small)?;
    }
    Ok(verdict)
}

fn listing(files: &Files) -> String {
    files.iter().map(|(path, text)| format!("--- {path}\n{text}")).collect()
}

/// What the two said, as far as it differs.
fn told(kustomize: &Answer, fiel: &Answer, difference: Difference) -> String {
    match difference {
        Difference::OnlyKustomizeBuilds => format!("--- fiel says: {}\n", fiel.stderr.trim_end()),
        Difference::OnlyFielBuilds => format!("--- kustomize says: {}\n", kustomize.stderr.trim_end()),
        Difference::Output => {
            let (theirs, ours) = (String::from_utf8_lossy(&kustomize.stdout), String::from_utf8_lossy(&fiel.stdout));
            let (theirs, ours): (Vec<&str>, Vec<&str>) = (theirs.lines().collect(), ours.lines().collect());
            let equal = theirs.iter().zip(&ours).take_while(|(a, b)| a == b).count();
            let rest = |lines: &[&str]| lines[equal..].iter().take(12).map(|line| format!("{line}\n")).collect::<String>();
            format!("--- from line {} kustomize\n{}--- fiel\n{}", equal + 1, rest(&theirs), rest(&ours))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(built: bool, stdout: &str, stderr: &str) -> Answer {
        Answer { built, stdout: stdout.into(), stderr: stderr.into() }
    }

    #[test]
    fn answers_differ_by_class_and_by_output() {
        let (good, other, bad) = (answer(true, "a", ""), answer(true, "b", ""), answer(false, "", "no"));
        assert_eq!(difference(&good, &good), None);
        assert_eq!(difference(&good, &other), Some(Difference::Output));
        assert_eq!(difference(&good, &bad), Some(Difference::OnlyKustomizeBuilds));
        assert_eq!(difference(&bad, &good), Some(Difference::OnlyFielBuilds));
        assert_eq!(difference(&bad, &answer(false, "", "another reason")), None);
    }

    #[test]
    fn ranges_are_read_and_empty_ones_refused() {
        assert_eq!(range("3..7"), Ok(3..7));
        assert!(range("7..7").is_err() && range("7").is_err() && range("a..b").is_err());
    }

    #[test]
    fn an_exception_needs_its_own_difference() {
        let fiel = answer(false, "", "openapi.path is not supported yet");
        let unsupported = &EXCEPTIONS[1];
        assert!((unsupported.applies)(&answer(true, "a", ""), &fiel, Difference::OnlyKustomizeBuilds));
        assert!(!(unsupported.applies)(&answer(true, "a", ""), &answer(false, "", "no"), Difference::OnlyKustomizeBuilds));
        let folded = &EXCEPTIONS[2];
        let ours = answer(true, "v: |-\n  a\n    b\n", "");
        assert!((folded.applies)(&answer(true, "v: |-\n  a\n\n    b\n", ""), &ours, Difference::Output));
        assert!(!(folded.applies)(&ours, &answer(true, "v: |-\n  a\n\n    b\n", ""), Difference::Output));
        assert!(!(folded.applies)(&answer(true, "v: |-\n  a\n\n  b\n", ""), &ours, Difference::Output));
    }
}
