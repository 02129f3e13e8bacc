//! `fiel build` against `kustomize build`, as the table of docs/benchmarks.md.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use super::{cluster_install, counts, inputs, measure};
use crate::process;
use crate::report::Report;

const FILE: &str = "docs/benchmarks.md";
const BEGIN: &str = "<!-- cargo xtask bench render -->\n";
const END: &str = "<!-- end -->\n";
/// kustomize needs a quarter of an hour for more: its time grows with the square.
const MOST_FOR_KUSTOMIZE: usize = 1000;

/// What was measured of one input.
struct Row {
    input: String,
    ours: Duration,
    theirs: Option<Duration>,
    our_peak: Option<u64>,
    their_peak: Option<u64>,
}

pub(super) fn make(sh: &Shell, runs: usize, profile: &str, json: Option<&Path>, report: &mut Report) -> Result<()> {
    let built = process::build_command_line(sh, profile)?;
    let home = tempfile::tempdir()?;
    // A copy, as `cargo xtask install` makes one: Linux keeps what a linker has written in smaller pieces, and maps them slower.
    let fiel = home.path().join("fiel");
    sh.copy_file(&built, &fiel)?;
    let kustomize = process::answers(sh, "kustomize", &["version"]);
    if !kustomize {
        report.skip("kustomize does not answer here: nothing to compare with");
    }
    if !Path::new("/usr/bin/time").exists() {
        report.skip("peak memory: there is no /usr/bin/time");
    }
    // kustomize reads its schema of Kubernetes, which takes it longest, only where something is merged: in the overlay, not in the base.
    let course = [("the course's `k8s`", "k8s"), ("the course's `overlays/prod`", "overlays/prod")];
    let mut folders: Vec<_> = course.map(|(name, folder)| (name.to_owned(), process::root().join(folder), true)).into();
    folders.extend(cluster_install(report).map(|folder| ("Argo CD's cluster-install (1.9 MB)".to_owned(), folder, true)));
    for size in [100, 1000, 10_000] {
        let folder = inputs::synthetic(&home.path().join(size.to_string()), size)?;
        folders.push((format!("{size} resources"), folder, size <= MOST_FOR_KUSTOMIZE));
    }
    let mut rows = Vec::new();
    for (input, folder, both) in folders {
        let mut programs = vec![fiel.as_path()];
        programs.extend((both && kustomize).then_some(Path::new("kustomize")));
        let times = measure::medians(&programs, &folder, runs)?;
        let their_peak = programs.get(1).and_then(|program| measure::peak(sh, program, &folder));
        let row = Row { input, ours: times[0], theirs: times.get(1).copied(), our_peak: measure::peak(sh, &fiel, &folder), their_peak };
        println!("{}", row.line());
        rows.push(row);
    }
    let counts = if measure::has_valgrind(sh) {
        counts::count(sh, report)?
    } else {
        report.skip("instructions: valgrind does not answer here");
        counts::Counts::new()
    };
    if let Some(file) = json {
        sh.write_file(file, serde_json::to_string_pretty(&as_json(&rows, &counts))?)?;
    }
    let machine = machine(sh)?;
    write(sh, BEGIN, &markdown(&rows, &counts, &format!("profile `{profile}`; {machine}"), runs))
}

/// Puts a table into docs/benchmarks.md, between the line that begins its place and the next end.
pub(super) fn write(sh: &Shell, begin: &str, table: &str) -> Result<()> {
    let text = sh.read_file(FILE)?;
    sh.write_file(FILE, replaced(&text, begin, table).with_context(|| format!("{FILE} has no markers"))?)?;
    Ok(())
}

impl Row {
    fn line(&self) -> String {
        let time = |time: Option<Duration>| time.map_or_else(|| "–".to_owned(), |time| format!("{:.1} ms", time.as_secs_f64() * 1e3));
        let memory = |peak: Option<u64>| peak.map_or_else(|| "–".to_owned(), |peak| format!("{:.1} MiB", kib(peak)));
        let ratio = self.theirs.map_or_else(|| "–".to_owned(), |theirs| format!("{:.0}×", theirs.as_secs_f64() / self.ours.as_secs_f64()));
        format!(
            "| {} | {} | {} | {ratio} | {} | {} |",
            self.input,
            time(Some(self.ours)),
            time(self.theirs),
            memory(self.our_peak),
            memory(self.their_peak)
        )
    }
}

fn kib(size: u64) -> f64 {
    f64::from(u32::try_from(size).unwrap_or(u32::MAX)) / 1024.0
}

pub(super) fn machine(sh: &Shell) -> Result<String> {
    let cpu = sh.read_file("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name.to_owned()));
    let cores = std::thread::available_parallelism()?;
    let date = cmd!(sh, "date +%Y-%m-%d").quiet().read()?;
    Ok(format!("{}, {cores} cores, {date}", model.unwrap_or_else(|| std::env::consts::ARCH.to_owned())))
}

fn markdown(rows: &[Row], counts: &counts::Counts, machine: &str, runs: usize) -> String {
    let mut out = format!(
        "Medians of {runs} runs that take turns; {machine}.\n\n| input | fiel | kustomize | ratio | peak of fiel | peak of kustomize |\n|---|--:|--:|--:|--:|--:|\n"
    );
    for row in rows {
        out.push_str(&row.line());
        out.push('\n');
    }
    if !counts.is_empty() {
        out.push_str("\n| input of the library alone | million instructions |\n|---|--:|\n");
        for (name, count) in counts {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "| {name} | {:.1} |", counts::millions(*count));
        }
    }
    out
}

fn replaced(text: &str, begin: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(begin)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{begin}{table}{END}{after}"))
}

fn as_json(rows: &[Row], counts: &counts::Counts) -> serde_json::Value {
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            serde_json::json!({
                "input": row.input,
                "fiel_ms": row.ours.as_secs_f64() * 1e3,
                "kustomize_ms": row.theirs.map(|time| time.as_secs_f64() * 1e3),
                "fiel_peak_kib": row.our_peak,
                "kustomize_peak_kib": row.their_peak,
            })
        })
        .collect();
    serde_json::json!({ "rows": rows, "instructions": counts })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_goes_between_its_markers() {
        let text = format!("a\n{BEGIN}old\n{END}b\n");
        assert_eq!(replaced(&text, BEGIN, "new\n"), Some(format!("a\n{BEGIN}new\n{END}b\n")));
        assert_eq!(replaced("no markers", BEGIN, "new"), None);
    }

    #[test]
    fn a_row_says_what_was_not_measured() {
        let row = Row { input: "x".into(), ours: Duration::from_millis(2), theirs: None, our_peak: Some(2048), their_peak: None };
        assert_eq!(row.line(), "| x | 2.0 ms | – | – | 2.0 MiB | – |");
        let row = Row { theirs: Some(Duration::from_millis(30)), ..row };
        assert_eq!(row.line(), "| x | 2.0 ms | 30.0 ms | 15× | 2.0 MiB | – |");
    }
}
