//! One figure each: time and memory of whole processes, instructions under callgrind.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use crate::process;

/// A run longer than this is not repeated.
const LONG: Duration = Duration::from_secs(2);

pub(super) fn has_valgrind(sh: &Shell) -> bool {
    process::answers(sh, "valgrind", &["--version"])
}

/// How long a process takes from start to end, its output thrown away.
fn once(program: &Path, folder: &Path) -> Result<Duration> {
    let mut command = Command::new(program);
    command.arg("build").arg(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().with_context(|| format!("cannot start {}", program.display()))?;
    let took = start.elapsed();
    ensure!(status.success(), "{} build {} failed: {status}", program.display(), folder.display());
    Ok(took)
}

/// The medians of programs that take turns, so that a machine that slows down slows all of them.
pub(super) fn medians(programs: &[&Path], folder: &Path, runs: usize) -> Result<Vec<Duration>> {
    let mut times = vec![Vec::new(); programs.len()];
    for run in 0..=runs {
        for (program, times) in programs.iter().zip(&mut times) {
            // The first run only warms the caches, unless it takes long: then it is the only one.
            if run > 0 && times.first().is_some_and(|first| *first > LONG) {
                continue;
            }
            let took = once(program, folder)?;
            if run == 1 {
                times.clear();
            }
            times.push(took);
        }
    }
    Ok(times.into_iter().map(median).collect())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// The peak resident memory in KiB as GNU time tells it; none where there is no such program.
pub(super) fn peak(sh: &Shell, program: &Path, folder: &Path) -> Option<u64> {
    let into = sh.create_temp_dir().ok()?;
    let file = into.path().join("peak");
    let time = "/usr/bin/time";
    let run = cmd!(sh, "{time} -f %M -o {file} {program} build {folder}").quiet().ignore_stdout().ignore_stderr();
    run.run().ok()?;
    sh.read_file(file).ok()?.lines().last()?.trim().parse().ok()
}

/// The instructions of a process under callgrind.
pub(super) fn instructions(sh: &Shell, program: &Path, arguments: &[&Path]) -> Result<u64> {
    let output =
        cmd!(sh, "valgrind --tool=callgrind --callgrind-out-file=/dev/null {program} {arguments...}").quiet().ignore_stdout().output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    refs(&text).with_context(|| format!("valgrind told no instructions: {text}"))
}

fn refs(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.contains("refs:"))?;
    line.rsplit(':').next()?.trim().replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_callgrinds_closing_line() {
        assert_eq!(refs("==1== \n==1== I   refs:      191,302,847\n"), Some(191_302_847));
        assert_eq!(refs("nothing"), None);
    }

    #[test]
    fn the_median_is_in_the_middle() {
        let ms = Duration::from_millis;
        assert_eq!(median(vec![ms(9), ms(1), ms(5)]), ms(5));
        assert_eq!(median(Vec::new()), ms(0));
    }
}
