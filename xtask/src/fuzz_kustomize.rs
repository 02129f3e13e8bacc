//! `cargo xtask fuzz-kustomize --seeds A..B`: random trees through the real kustomize and through `fiel build`, which must answer the same.
//! With `--mutate` they are cases of the corpus, builds and edits, with some lines changed.
//!
//! A tree that they answer differently is made small, printed and kept. The seeds of a range always give the same trees.

mod layer;
mod mutate;
mod objects;
mod random;
mod shrink;
mod tree;
mod yaml;

use std::collections::BTreeMap;
use std::fmt;
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
    /// Change lines of cases of the kustomize corpus instead of making trees
    #[arg(long)]
    mutate: bool,
    /// Where the corpus is, if not in FIEL_CONFORMANCE or shared/conformance
    #[arg(long, value_name = "DIR", requires = "mutate")]
    corpus: Option<PathBuf>,
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
    let corpus = if args.mutate { mutate::Corpus::read(args.corpus.as_deref())? } else { mutate::Corpus::default() };
    let make = |seed| if args.mutate { corpus.question(seed) } else { Question::tree(seed) };
    if args.show {
        for seed in args.seeds.clone() {
            print!("== seed {seed}\n{}", make(seed));
        }
        return Ok(ExitCode::SUCCESS);
    }
    process::need(sh, "kustomize", &["version"], "fuzz-kustomize")?;
    let sum = play(sh, args.bin.as_deref(), args.seeds.clone(), &make, args.jobs, args.keep.as_deref())?;
    if !args.mutate {
        sum.mostly_built()?;
    }
    println!("{}", sum.tally);
    Ok(if sum.tally.failed == 0 && sum.tally.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The part of `cargo xtask ci`: a fixed range, where kustomize is on the PATH.
pub(crate) fn ci(sh: &Shell) -> Result<Tally> {
    let sum = play(sh, None, 0..60, &Question::tree, 2, None)?;
    sum.mostly_built()?;
    Ok(sum.tally)
}

/// What both programs are asked: a command line in a folder of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Question {
    /// What it was made of, where that is not the seed alone.
    about: String,
    files: Files,
    /// Folders that are there though they hold no file.
    folders: Vec<String>,
    /// Where the program is called.
    folder: String,
    arguments: Vec<String>,
}

impl Question {
    /// The build of a random tree.
    fn tree(seed: u64) -> Self {
        let arguments = ["build", tree::TOP].map(str::to_owned).into();
        Question { about: String::new(), files: tree::tree(seed), folders: vec![tree::TOP.to_owned()], folder: String::new(), arguments }
    }

    fn with(&self, files: &Files) -> Self {
        Question { files: files.clone(), ..self.clone() }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Question { about, folder, arguments, files, .. } = self;
        if !about.is_empty() {
            writeln!(f, "--- {about}: {folder}> {arguments:?}")?;
        }
        files.iter().try_for_each(|(path, text)| write!(f, "--- {path}\n{text}"))
    }
}

/// What a program made of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    built: bool,
    /// What a build printed.
    stdout: Vec<u8>,
    stderr: String,
    /// What the files are after an edit.
    files: Files,
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
        (true, true) => ((&kustomize.stdout, &kustomize.files) != (&fiel.stdout, &fiel.files)).then_some(Difference::Output),
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
        reason: "kustomize cannot print keys such as 5 or null, and fiel writes them in quotes",
        applies: |kustomize, _, _| kustomize.stderr.contains("unsupported type: map[interface {}]interface {}"),
    },
    Exception {
        reason: "this kustomize is built with another version of its library for JSON patches, which makes no parents",
        applies: |kustomize, _, _| kustomize.stderr.contains("add operation does not apply: doc is missing path"),
    },
    Exception {
        reason: "fiel does not replace a variable in files that it cannot read, where kustomize leaves replacements without targets",
        applies: |_, fiel, difference| {
            difference == Difference::OnlyKustomizeBuilds && fiel.stderr.contains("cannot be read to convert the variable")
        },
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
    /// Asks both, each in a folder of its own.
    fn answers(&self, question: &Question) -> Result<(Answer, Answer)> {
        let ask = |program: &Path| -> Result<Answer> {
            let root = self.scratch.path().join(self.next.fetch_add(1, Ordering::Relaxed).to_string());
            write_tree(&root, question)?;
            let answer = ask(program, &root, question)?;
            std::fs::remove_dir_all(&root)?;
            Ok(answer)
        };
        Ok((ask(Path::new("kustomize"))?, ask(&self.fiel)?))
    }

    /// How the two differ on a question, exceptions apart (their reason is given instead).
    fn differs(&self, question: &Question) -> Result<Verdict> {
        let (kustomize, fiel) = self.answers(question)?;
        let Some(difference) = difference(&kustomize, &fiel) else { return Ok(Verdict::Equal { built: kustomize.built }) };
        if let Some(exception) = EXCEPTIONS.iter().find(|exception| (exception.applies)(&kustomize, &fiel, difference)) {
            return Ok(Verdict::Excepted(exception.reason));
        }
        // The order of Go's maps is chance: what kustomize does not answer twice is no judge.
        for _ in 0..3 {
            let (again, _) = self.answers(question)?;
            if (again.built, &again.stdout, &again.files) != (kustomize.built, &kustomize.stdout, &kustomize.files) {
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

fn write_tree(root: &Path, question: &Question) -> Result<()> {
    for folder in &question.folders {
        std::fs::create_dir_all(root.join(folder))?;
    }
    for (path, text) in &question.files {
        let file = root.join(path);
        std::fs::create_dir_all(file.parent().context("a file has a folder")?)?;
        std::fs::write(file, text)?;
    }
    std::fs::create_dir_all(root.join(&question.folder))?;
    Ok(())
}

/// The files of a folder and of those below it; none if one of them is no text or no plain file.
fn read_tree(root: &Path) -> Result<Option<Files>> {
    let mut files = Files::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            if kind.is_dir() {
                folders.push(path);
                continue;
            }
            let text = if kind.is_file() { String::from_utf8(std::fs::read(&path)?).ok() } else { None };
            let (Some(name), Some(text)) = (path.strip_prefix(root)?.to_str(), text) else { return Ok(None) };
            files.insert(name.to_owned(), text);
        }
    }
    Ok(Some(files))
}

fn ask(program: &Path, root: &Path, question: &Question) -> Result<Answer> {
    let output = Command::new(program)
        .args(&question.arguments)
        .current_dir(root.join(&question.folder))
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let builds = question.arguments.first().is_some_and(|word| word == "build");
    // What is printed beside an edit is for people; its answer are the files.
    let (stdout, files) = if builds { (output.stdout, Files::new()) } else { (Vec::new(), read_tree(root)?.unwrap_or_default()) };
    // A kustomize that was built from source does not know its version.
    let stdout = String::from_utf8_lossy(&stdout).replace("managed-by: kustomize-(devel)", "managed-by: kustomize-v5.8.1").into_bytes();
    Ok(Answer { built: output.status.success(), stdout, stderr: String::from_utf8_lossy(&output.stderr).into_owned(), files })
}

/// Tries the seeds and reports.
fn play(
    sh: &Shell,
    bin: Option<&Path>,
    seeds: Range<u64>,
    make: &(dyn Fn(u64) -> Question + Sync),
    jobs: usize,
    keep: Option<&Path>,
) -> Result<Sum> {
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
                let verdict = one(&bench, seed, &make(seed), keep)?;
                sum.lock().expect("no worker panics while it counts").add(verdict);
            }
        };
        let workers: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| anyhow::anyhow!("a worker panicked"))?)
    })?;
    let sum = sum.into_inner().expect("no worker panics while it counts");
    println!("{} answered by both, {} refused by both", sum.built, sum.refused);
    for (reason, count) in &sum.excepted {
        println!("{count} let pass: {reason}");
    }
    Ok(sum)
}

#[derive(Default)]
struct Sum {
    tally: Tally,
    built: usize,
    refused: usize,
    excepted: BTreeMap<&'static str, usize>,
}

impl Sum {
    /// Refuses a range of random trees of which most do not build; of changed cases most may be refused.
    fn mostly_built(&self) -> Result<()> {
        ensure!(self.tally.failed > 0 || self.built >= self.refused, "most trees must build, or nothing is tested");
        Ok(())
    }

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
fn one(bench: &Bench, seed: u64, question: &Question, keep: Option<&Path>) -> Result<Verdict> {
    let verdict = bench.differs(question)?;
    let Verdict::Differs(found) = verdict else { return Ok(verdict) };
    let small = shrink::shrink(&question.files, BUDGET, &mut |candidate| {
        matches!(bench.answers(&question.with(candidate)), Ok((kustomize, fiel))
        if difference(&kustomize, &fiel) == Some(found) && !EXCEPTIONS.iter().any(|exception| (exception.applies)(&kustomize, &fiel, found)))
    });
    let small = question.with(&small);
    let (kustomize, fiel) = bench.answers(&small)?;
    println!("== seed {seed} differs: {found:?}\n{small}{}", told(&kustomize, &fiel, found));
    if let Some(keep) = keep {
        write_tree(&keep.join(seed.to_string()), &small)?;
    }
    Ok(verdict)
}

/// What the two said, as far as it differs.
fn told(kustomize: &Answer, fiel: &Answer, difference: Difference) -> String {
    match difference {
        Difference::OnlyKustomizeBuilds => format!("--- fiel says: {}\n", fiel.stderr.trim_end()),
        Difference::OnlyFielBuilds => format!("--- kustomize says: {}\n", kustomize.stderr.trim_end()),
        Difference::Output => {
            let text = |answer: &Answer| {
                let changed = answer.files.iter().map(|(path, text)| format!("({path})\n{text}\n"));
                String::from_utf8_lossy(&answer.stdout).into_owned() + &changed.collect::<String>()
            };
            let (theirs, ours) = (text(kustomize), text(fiel));
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
        Answer { built, stdout: stdout.into(), stderr: stderr.into(), files: Files::new() }
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
        let folded = &EXCEPTIONS[5];
        let ours = answer(true, "v: |-\n  a\n    b\n", "");
        assert!((folded.applies)(&answer(true, "v: |-\n  a\n\n    b\n", ""), &ours, Difference::Output));
        assert!(!(folded.applies)(&ours, &answer(true, "v: |-\n  a\n\n    b\n", ""), Difference::Output));
        assert!(!(folded.applies)(&answer(true, "v: |-\n  a\n\n  b\n", ""), &ours, Difference::Output));
    }
}
