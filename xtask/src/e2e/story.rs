//! The demo as a check: its figures within limits, several side by side, and nothing left behind.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::Value;
use xshell::Shell;

use crate::report::Tally;
use crate::{demo, process};

/// The limits that the demo's figures must keep in CI. Times are generous: the machine may be busy, and they are told anyway.
const LIMITS: [(&str, f64); 4] =
    [("push_to_live_ms", 5_000.0), ("drift_undone_ms", 2_000.0), ("agent_rss_mib", 40.0), ("idle_writes", 0.0)];

/// How many demos run side by side after the first: the ports are free ones.
const SIDE_BY_SIDE: usize = 2;

/// The story with its figures checked, then twice side by side; none leaves a file behind.
pub(crate) fn play(sh: &Shell) -> Result<Tally> {
    let programs = shipped(sh)?;
    let folder = tempfile::tempdir()?;
    let figures = folder.path().join("figures.json");
    let start = Instant::now();
    let command = demo::command(&programs, true, None, Some(&figures), &[]);
    tidy_run(folder.path(), "alone", vec![command])?;
    println!("the story took {:.1} s", start.elapsed().as_secs_f64());
    let broken = check(&serde_json::from_str(&fs::read_to_string(&figures)?)?);
    ensure!(broken.is_empty(), "the demo's figures: {}", broken.join("; "));
    let both = (0..SIDE_BY_SIDE).map(|_| demo::command(&programs, true, None, None, &[])).collect();
    tidy_run(folder.path(), "side-by-side", both)?;
    Ok(Tally { passed: 1 + SIDE_BY_SIDE, failed: 0, skipped: 0 })
}

/// The programs as they are shipped: the agent's memory is that of an optimised one. On Linux they are those of the images, built once for both.
fn shipped(sh: &Shell) -> Result<demo::Programs> {
    if !cfg!(target_os = "linux") {
        return demo::programs(sh, true);
    }
    let fiel = process::build_static(sh, "fiel-cli", "release", "fiel")?;
    let server = process::build_static(sh, "fiel-server", "dist", "fiel-server")?;
    Ok(demo::Programs { fiel, server })
}

/// Runs commands at the same time with a temporary folder of their own, which must be empty afterwards.
fn tidy_run(folder: &Path, name: &str, commands: Vec<Command>) -> Result<()> {
    let temporary = folder.join(name);
    fs::create_dir(&temporary)?;
    let alone = commands.len() == 1;
    let mut children = Vec::new();
    for (index, mut command) in commands.into_iter().enumerate() {
        command.env("TMPDIR", &temporary);
        let log = folder.join(format!("{name}-{index}.log"));
        children.push((process::Guarded::spawn(command, &log)?, log));
    }
    for (child, log) in children {
        let status = child.wait(Duration::from_secs(180));
        let failed = !matches!(&status, Ok(status) if status.success());
        if alone || failed {
            println!("{}", process::tail(&log, if failed { 200 } else { 60 }));
        }
        ensure!(status?.success(), "the demo failed ({name})");
    }
    let left: Vec<String> =
        fs::read_dir(&temporary)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect::<Result<_>>()?;
    ensure!(left.is_empty(), "the demo left files behind: {}", left.join(", "));
    let running = processes(&temporary);
    ensure!(running.is_empty(), "the demo left processes behind: {}", running.join(", "));
    Ok(())
}

/// The processes that were started with this temporary folder and still run, where the system tells.
fn processes(temporary: &Path) -> Vec<String> {
    let mark = format!("TMPDIR={}", temporary.display());
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let marked = entries.filter(|process| {
        let environment = fs::read(process.path().join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    });
    let name = |process: fs::DirEntry| {
        let command = fs::read_to_string(process.path().join("cmdline")).unwrap_or_default();
        format!("{} ({})", command.replace('\0', " ").trim(), process.file_name().to_string_lossy())
    };
    marked.map(name).collect()
}

/// The figures that are missing or beyond their limit.
fn check(figures: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    for (name, limit) in LIMITS {
        match figures[name].as_f64() {
            None => broken.push(format!("{name} is missing")),
            Some(value) if value > limit => {
                broken.push(format!("{name} is {value}, at most {limit} is allowed"));
            }
            Some(value) => println!("{name}: {value}"),
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_beyond_their_limit_or_missing_are_told() {
        let good = json!({"push_to_live_ms": 412, "drift_undone_ms": 80.5, "agent_rss_mib": 31.2, "idle_writes": 0});
        assert_eq!(check(&good), [""; 0]);
        let bad = json!({"push_to_live_ms": 9000, "drift_undone_ms": 80, "idle_writes": 1});
        assert_eq!(
            check(&bad),
            ["push_to_live_ms is 9000, at most 5000 is allowed", "agent_rss_mib is missing", "idle_writes is 1, at most 0 is allowed"]
        );
    }

    #[test]
    fn a_demo_that_fails_or_leaves_files_behind_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        };
        tidy_run(folder.path(), "good", vec![shell("true"), shell("true")]).unwrap();
        let error = tidy_run(folder.path(), "failing", vec![shell("true"), shell("exit 3")]).unwrap_err();
        assert_eq!(error.to_string(), "the demo failed (failing)");
        let error = tidy_run(folder.path(), "messy", vec![shell("touch \"$TMPDIR/left\"")]).unwrap_err();
        assert_eq!(error.to_string(), "the demo left files behind: left");
    }
}
