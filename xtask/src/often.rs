//! `crates/cli/often.ld`: the functions that every small build runs, by name, for the linker to put side by side.
//!
//! They are a twentieth of the program and would lie all over it: to map them took a fifth of the time of such a build and a third of its memory. The names
//! are those of v0 mangling (`.cargo/config.toml`) without what changes with the compiler; a name that fits nothing does no harm, so the file is made anew
//! when a measurement says so (`cargo xtask bench render`) and not with each change.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::process;

const FILE: &str = "crates/cli/often.ld";
/// What is built: small, and together all that the course needs.
const FOLDERS: [&str; 3] = ["k8s", "overlays/dev", "overlays/prod"];

pub(crate) fn run(sh: &Shell) -> Result<ExitCode> {
    process::need(sh, "valgrind", &["--version"], "to see which functions run")?;
    let fiel = process::build_static_with_names(sh, "fiel-cli", "dist", "fiel")?;
    let home = tempfile::tempdir()?;
    let mut names = BTreeSet::new();
    for folder in FOLDERS {
        let told = home.path().join("told");
        cmd!(sh, "valgrind --quiet --tool=callgrind --demangle=no --callgrind-out-file={told} {fiel} build {folder}")
            .ignore_stdout()
            .run()?;
        names.extend(functions(&sh.read_file(&told)?).filter_map(pattern));
    }
    sh.write_file(FILE, script(&names))?;
    println!("{FILE}: {} functions", names.len());
    Ok(ExitCode::SUCCESS)
}

/// The names in callgrind's output: each stands there once, where it is numbered (`fn=(12) name`, `cfn=(12) name`).
fn functions(told: &str) -> impl Iterator<Item = &str> {
    told.lines().filter_map(|line| line.strip_prefix('c').unwrap_or(line).strip_prefix("fn=(")?.split_once(") ").map(|(_, name)| name))
}

/// What the linker finds a function by: its name without the hashes of crates (`Cs…_`), and without what LLVM and callgrind append to it.
/// Nothing for what is not ours to place: the C library, names that are addresses.
fn pattern(name: &str) -> Option<String> {
    let name = name.split(['.', '\'']).next().unwrap_or(name);
    if name == "main" || name.trim_start_matches('_').starts_with("mi_") {
        return Some(name.to_owned());
    }
    let mut pieces = name.strip_prefix("_R")?.split("Cs");
    let mut pattern = format!("_R{}", pieces.next()?);
    for piece in pieces {
        let hash = piece.find(|letter: char| !letter.is_ascii_alphanumeric()).filter(|at| piece[*at..].starts_with('_'));
        match hash {
            Some(at) => write!(pattern, "Cs*{}", &piece[at..]),
            // Two letters of a name.
            None => write!(pattern, "Cs{piece}"),
        }
        .ok()?;
    }
    Some(pattern + "*")
}

/// A script that adds one section before the rest of the code and leaves all others to the linker.
fn script(names: &BTreeSet<String>) -> String {
    // Sections are called `.text.NAME`, and `.text.unlikely.NAME` what the compiler believes to be rare.
    let lines = names.iter().fold(String::new(), |lines, name| lines + &format!("    *(.text.*{name})\n"));
    format!(
        "/* What every small build runs, side by side: made by `cargo xtask often`. */\nSECTIONS {{\n  .text.often : {{\n{lines}  }}\n}}\nINSERT BEFORE .text;\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_where_they_are_numbered() {
        let told = "fn=(1) _RNvCs1_4fiel4main\n12 4\ncfn=(2) mi_free'2\ncalls=1 0\nfn=(1)\n";
        assert_eq!(functions(told).collect::<Vec<_>>(), ["_RNvCs1_4fiel4main", "mi_free'2"]);
    }

    #[test]
    fn a_pattern_has_no_hashes() {
        let of = |name| pattern(name).unwrap_or_default();
        assert_eq!(of("_RNvMsa_NtCsgEmfK2I1SDS_4core3fmtNtB5_9Formatter3pad.llvm.12"), "_RNvMsa_NtCs*_4core3fmtNtB5_9Formatter3pad*");
        assert_eq!(of("_RINvCs1_5alloc1fNtCs2b_4fiel5CsvOfE'2"), "_RINvCs*_5alloc1fNtCs*_4fiel5CsvOfE*");
        assert_eq!(["_mi_page_malloc", "mi_free'2", "main"].map(of), ["_mi_page_malloc", "mi_free", "main"]);
        assert_eq!(["memcpy", "0x0000000001803910", "_ZN4core3fmt5write17h0123456789abcdefE"].map(pattern), [None, None, None]);
    }

    #[test]
    fn the_script_adds_a_section() {
        let names = ["main".to_owned()].into();
        assert!(script(&names).ends_with("SECTIONS {\n  .text.often : {\n    *(.text.*main)\n  }\n}\nINSERT BEFORE .text;\n"));
    }
}
