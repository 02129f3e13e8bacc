//! The course's commands, run as its reader would: every block of `docs/pt-BR/curso.md` says where it is tested.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use xshell::Shell;

use crate::process;
use crate::report::{Report, Tally};

const COURSE: &str = "docs/pt-BR/curso.md";

/// Where a block of commands is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// On any machine with Rust, Git and kubectl.
    Sandbox,
    /// Where a container engine answers.
    Docker,
    /// Where kind can make a cluster.
    Kind,
    /// Nowhere; the block itself says why.
    Nowhere,
}

/// A block of commands, and the line of the course where it begins.
#[derive(Debug)]
struct Block<'a> {
    line: usize,
    place: Place,
    text: &'a str,
}

/// Runs what this machine can run of the course; with `kind` the blocks for a kind cluster too. A block is one check.
pub(super) fn run(sh: &Shell, report: &mut Report, kind: bool) -> Result<Tally> {
    let course = sh.read_file(process::root().join(COURSE))?;
    let mut sessions: BTreeMap<Place, Vec<Block<'_>>> = BTreeMap::new();
    for block in blocks(&course)? {
        sessions.entry(block.place).or_default().push(block);
    }
    let docker = process::answers(sh, "docker", &["info"]);
    let mut tally = Tally::default();
    for (place, blocks) in sessions {
        let missing = match place {
            Place::Nowhere => continue,
            Place::Sandbox => ["kubectl", "curl", "bash"].into_iter().find(|tool| !process::answers(sh, tool, &["--help"])),
            Place::Docker => (!docker).then_some("container engine"),
            Place::Kind => (!kind).then_some("kind cluster (--kind)"),
        };
        if let Some(missing) = missing {
            report.skip(format!("course: {} blocks for {place:?}: no {missing} here", blocks.len()));
            tally.skipped += blocks.len();
            continue;
        }
        tally.add(play(&blocks, sh)?);
    }
    Ok(tally)
}

/// Runs blocks as one session of a shell at the root of the working copy, which ends at the first command that fails.
fn play(blocks: &[Block<'_>], sh: &Shell) -> Result<Tally> {
    sh.remove_path(process::root().join("target/curso"))?;
    let mut command = Command::new("bash");
    // The course's processes end with the session, however that ends.
    let ports = [("18080", free_port()?), ("18081", free_port()?)];
    command.args(["-c", &script(blocks, &ports)]).current_dir(process::root()).env_remove("KUBECONFIG");
    let (status, output) = process::tee(command, |_| true)?;
    let passed = output.lines().filter(|line| line.starts_with(DONE)).count();
    if !status.success() {
        let line = blocks.get(passed).map_or(0, |block| block.line);
        println!("FAIL {COURSE}:{line}: the session ended with {status}");
    }
    ensure!(passed <= blocks.len(), "a block printed {DONE:?} itself");
    Ok(Tally { passed, failed: usize::from(!status.success()), skipped: 0 })
}

/// What the script prints after each block.
const DONE: &str = "ok   course, line ";

/// One script of many blocks, with the course's fixed ports replaced by free ones.
fn script(blocks: &[Block<'_>], ports: &[(&str, String)]) -> String {
    let mut script = "set -euo pipefail\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n".to_owned();
    for block in blocks {
        script.push_str(block.text);
        script.push_str(&format!("echo '{DONE}{}'\n", block.line));
    }
    ports.iter().fold(script, |script, (fixed, free)| script.replace(fixed, free))
}

fn free_port() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string())
}

/// The blocks of shell commands. Each must say where it is tested, and one that is not must say why.
fn blocks(course: &str) -> Result<Vec<Block<'_>>> {
    let mut blocks = Vec::new();
    let mut rest = course;
    while let Some(at) = rest.find("```sh") {
        let begin = course.len() - rest.len() + at;
        let line = course[..begin].lines().count() + 1;
        let (head, body) = rest[at..].split_once('\n').with_context(|| format!("{COURSE}:{line}: a block without an end"))?;
        let end = body.find("```").with_context(|| format!("{COURSE}:{line}: a block without an end"))?;
        let text = &body[..end];
        let place = match head.trim_start_matches("```sh").trim() {
            "teste=sandbox" => Place::Sandbox,
            "teste=docker" => Place::Docker,
            "teste=kind" => Place::Kind,
            "teste=nao" => Place::Nowhere,
            other => bail!("{COURSE}:{line}: {other:?} does not say where the block is tested"),
        };
        ensure!(place != Place::Nowhere || text.starts_with('#'), "{COURSE}:{line}: a block that is not tested begins with the reason");
        blocks.push(Block { line, place, text });
        rest = &body[end + 3..];
    }
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_of_the_course_says_where_it_is_tested() {
        let course = std::fs::read_to_string(process::root().join(COURSE)).unwrap();
        let blocks = blocks(&course).unwrap();
        for place in [Place::Sandbox, Place::Docker, Place::Kind, Place::Nowhere] {
            assert!(blocks.iter().any(|block| block.place == place), "{place:?}");
        }
        // What stands in the text as a command stands in a block of its own, so that nothing is left untested.
        assert_eq!(course.matches("```").count(), 2 * blocks.len());
    }

    #[test]
    fn a_block_without_its_place_or_reason_is_refused_with_its_line() {
        let told = |text: &str| blocks(text).unwrap_err().to_string();
        assert_eq!(told("a\n\n```sh\nls\n```\n"), "docs/pt-BR/curso.md:3: \"\" does not say where the block is tested");
        assert_eq!(told("```sh teste=nao\nls\n```\n"), "docs/pt-BR/curso.md:1: a block that is not tested begins with the reason");
        assert_eq!(told("```sh teste=kind\nls\n"), "docs/pt-BR/curso.md:1: a block without an end");
    }

    #[test]
    fn a_session_ends_at_its_first_failure() {
        let text = "```sh teste=sandbox\nA=1\n```\n```sh teste=sandbox\ntest $A = 2\n```\n```sh teste=sandbox\ntrue\n```\n";
        let script = script(&blocks(text).unwrap(), &[("1", "2".to_owned())]);
        let output = Command::new("bash").args(["-c", &script]).output().unwrap();
        assert!(output.status.success(), "the fixed 1 became 2");
        let script = super::script(&blocks(text).unwrap(), &[]);
        let output = Command::new("bash").args(["-c", &script]).output().unwrap();
        assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stdout).lines().count()), (Some(1), 1));
    }
}
