//! Writes to the sandbox, in this process and over the wire, against a real kube-apiserver with its etcd; and one turn of the GitOps loop in process.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use xshell::{Shell, cmd};

use super::table;
use crate::Unavailable;
use crate::apiserver::ApiServer;
use crate::process::{self, Guarded};
use crate::report::Report;

const BEGIN: &str = "<!-- cargo xtask bench sandbox -->\n";
const KINDS: [&str; 2] = ["configmaps", "deployments"];
/// What answers in process, what the table calls it, and with how many threads.
const IN_PROCESS: [(&str, &str, &str); 3] = [
    ("core", "in process, the service, one thread", "1"),
    ("core", "in process, the service, two threads", "2"),
    ("client", "in process, kube's client, one thread", "1"),
];

/// One run of the example `writes`.
struct Row {
    way: &'static str,
    kind: &'static str,
    figures: Value,
    /// Against the real server, by kind of write; none for what did not run beside it.
    ratio: Option<f64>,
}

/// The scenario that is measured, and how often it is played.
const TURN: &str = "story::delivers_and_undoes_a_drift";
const TURNS: usize = 21;

pub(super) fn make(sh: &Shell, count: usize, wire: usize, json: Option<&Path>, report: &mut Report) -> Result<()> {
    let writes = process::build(sh, &["--release", "--package", "fiel-sandbox", "--example", "writes"], &["writes"])?.remove(0);
    let fiel = process::build(sh, &["--release", "--package", "fiel-cli"], &["fiel"])?.remove(0);
    let turn = turn(sh)?;
    println!("{}", turn.line());
    let mut rows = Vec::new();
    for (way, name, threads) in IN_PROCESS {
        for kind in KINDS {
            push(&mut rows, Row { way: name, kind, figures: run(&writes, &[way, kind, &count.to_string(), threads], None)?, ratio: None });
        }
    }
    let home = tempfile::tempdir()?;
    let kubeconfig = home.path().join("kubeconfig");
    let mut sandbox = Command::new(&fiel);
    sandbox.args(["sandbox", "--bare", "--kubeconfig"]).arg(&kubeconfig);
    let mut sandbox = Guarded::spawn(sandbox, &home.path().join("log"))?;
    process::wait_for("the sandbox", Duration::from_secs(10), || sandbox.running().map(|()| kubeconfig.exists()))?;
    let real = match ApiServer::start(sh) {
        Ok(real) => Some(real),
        Err(error) if error.is::<Unavailable>() => {
            report.skip(format!("the real server: {error}"));
            None
        }
        Err(error) => return Err(error),
    };
    for kind in KINDS {
        let arguments = ["wire", kind, &wire.to_string()];
        let ours = run(&writes, &arguments, Some(&kubeconfig))?;
        let theirs = real.as_ref().map(|real| run(&writes, &arguments, Some(&real.kubeconfig()))).transpose()?;
        let ratio = theirs.as_ref().and_then(|theirs| Some(ours["create"].as_f64()? / theirs["create"].as_f64()?));
        push(&mut rows, Row { way: "`fiel sandbox`, over the wire", kind, figures: ours, ratio });
        if let Some(figures) = theirs {
            push(&mut rows, Row { way: "kube-apiserver and etcd, over the wire", kind, figures, ratio: None });
        }
    }
    if let Some(file) = json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| json!({"way": row.way, "kind": row.kind, "figures": row.figures, "ratio_of_creates": row.ratio}))
            .collect();
        let turn = json!({"first_ms": turn.first, "median_ms": turn.median});
        sh.write_file(file, serde_json::to_string_pretty(&json!({"writes": rows, "turn": turn}))?)?;
    }
    table::write(sh, BEGIN, &markdown(&rows, &turn, &table::machine(sh)?))
}

/// What one turn of the loop takes, in milliseconds.
struct Turn {
    /// In a process that has just begun, which makes its tables.
    first: f64,
    median: f64,
}

fn turn(sh: &Shell) -> Result<Turn> {
    let program = process::build_tests(sh, &["--release", "--package", "fiel-e2e", "--test", "scenarios"], &["scenarios"])?.remove(0);
    let told = cmd!(sh, "{program} --exact {TURN} --nocapture").env("FIEL_E2E_RUNS", TURNS.to_string()).quiet().read()?;
    Turn::of(&told).with_context(|| format!("{TURN} did not tell {TURNS} times: {told}"))
}

impl Turn {
    /// From the lines `NAME: 12.3 ms` of a run.
    fn of(told: &str) -> Option<Self> {
        let name = TURN.rsplit(':').next()?;
        let time = |line: &str| line.split_once(&format!("{name}: "))?.1.strip_suffix(" ms")?.parse().ok();
        let mut times: Vec<f64> = told.lines().filter_map(time).collect();
        let first = *times.first()?;
        times.sort_by(f64::total_cmp);
        (times.len() == TURNS).then(|| Self { first, median: times[TURNS / 2] })
    }

    fn line(&self) -> String {
        format!(
            "One turn of the loop in process (a cluster with its controllers is made, a commit is delivered until its Deployment is ready, a second one follows, a drift is undone): \
             median {:.1} ms of {TURNS}, the first one {:.1} ms.",
            self.median, self.first
        )
    }
}

fn push(rows: &mut Vec<Row>, row: Row) {
    println!("{}", row.line());
    rows.push(row);
}

fn run(writes: &Path, arguments: &[&str], kubeconfig: Option<&Path>) -> Result<Value> {
    let mut command = Command::new(writes);
    command.args(arguments);
    if let Some(kubeconfig) = kubeconfig {
        command.env("KUBECONFIG", kubeconfig);
    }
    let output = command.output().context("cannot start writes")?;
    ensure!(output.status.success(), "writes {} failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

impl Row {
    fn line(&self) -> String {
        let rate = |write: &str| format!("{:.0}", self.figures[write].as_f64().unwrap_or_default());
        let ratio = self.ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.1}×"));
        // Over the wire the measuring process is only the client.
        let peak = self.figures["peak_created_mib"].as_f64().filter(|_| self.way.starts_with("in process"));
        let peak = peak.map_or_else(|| "–".to_owned(), |peak| format!("{peak:.0} MiB"));
        format!(
            "| {} | {} | {} | {} | {} | {} | {ratio} | {peak} |",
            self.way,
            self.kind,
            self.figures["count"],
            rate("create"),
            rate("update"),
            rate("apply")
        )
    }
}

fn markdown(rows: &[Row], turn: &Turn, machine: &str) -> String {
    let mut out = format!(
        "Writes a second; profile `release`; {machine}.\n\n| way | kind | objects | create | update | apply | creates against kube-apiserver | peak with all created |\n|---|---|--:|--:|--:|--:|--:|--:|\n"
    );
    for row in rows {
        out.push_str(&row.line());
        out.push('\n');
    }
    out + "\n" + &turn.line() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_the_median_of_all() {
        let told: String = (0..TURNS).map(|run| format!("delivers_and_undoes_a_drift: {}.5 ms\n", TURNS - run)).collect();
        let turn = Turn::of(&format!("running 1 test\n{told}test {TURN} ... ok\n")).expect("all are told");
        assert_eq!((turn.first, turn.median), (21.5, 11.5));
        assert!(Turn::of("delivers_and_undoes_a_drift: 1.0 ms\n").is_none());
    }

    #[test]
    fn a_row_tells_memory_only_of_its_own_process() {
        let figures = json!({"count": 10, "create": 20.4, "update": 30.0, "apply": 5.0, "peak_created_mib": 12.0});
        let row = Row { way: "in process, x", kind: "pods", figures: figures.clone(), ratio: None };
        assert_eq!(row.line(), "| in process, x | pods | 10 | 20 | 30 | 5 | – | 12 MiB |");
        let row = Row { way: "wire", kind: "pods", figures, ratio: Some(2.0) };
        assert_eq!(row.line(), "| wire | pods | 10 | 20 | 30 | 5 | 2.0× | – |");
    }
}
