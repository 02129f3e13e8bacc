//! `cargo xtask tidy`: the rules of the house that no compiler checks.
//!
//! Every rule is a pure function from texts to findings; only `run` reads files.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, ensure};

/// No source file is longer, its tests apart: a longer one holds more than one concept.
const LINES: usize = 800;

/// A file of the repository: its path from the root, and its text.
pub(crate) struct Source {
    path: String,
    text: String,
}

pub(crate) fn run(root: &Path) -> Result<ExitCode> {
    let findings = check(root)?;
    for finding in &findings {
        println!("{finding}");
    }
    println!("tidy: {} findings", findings.len());
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// All findings in the working copy.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let sources = tracked(root)?;
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let table = fs::read_to_string(root.join("docs/dependencies.md"))?;
    let mut findings = Vec::new();
    for source in &sources {
        findings.extend(too_long(source));
        findings.extend(foreign_names(source));
        findings.extend(wrong_layer(source));
        findings.extend(white_space(source));
    }
    findings.extend(undocumented(&manifest, &table));
    findings.extend(missing_tests(&sources));
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let stated = STATED.map(|path| (path, read(path)));
    findings.extend(rust_version(&manifest, &stated));
    Ok(findings)
}

/// The text files that Git tracks or would track.
fn tracked(root: &Path) -> Result<Vec<Source>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("cannot start git")?;
    ensure!(output.status.success(), "git ls-files failed");
    let listing = String::from_utf8(output.stdout)?;
    let mut paths: Vec<&str> = listing.split('\0').filter(|path| !path.is_empty()).collect();
    paths.sort_unstable();
    paths.dedup();
    // What is no text (a generated table, say) or was deleted just now is none of ours.
    let text = |path: &str| fs::read(root.join(path)).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    Ok(paths.into_iter().filter_map(|path| Some(Source { path: path.to_owned(), text: text(path)? })).collect())
}

/// A Rust file beyond the limit, counted up to its tests. Generated ones and test folders are not counted.
fn too_long(source: &Source) -> Option<String> {
    let tests = ["/tests/", "/benches/"].iter().any(|folder| source.path.contains(folder)) || source.path.ends_with("/tests.rs");
    if !source.path.ends_with(".rs") || tests || source.text.lines().take(3).any(|line| line.contains("@generated")) {
        return None;
    }
    let lines = source.text.lines().take_while(|line| *line != "#[cfg(test)]").count();
    (lines > LINES).then(|| format!("{}: {lines} lines without tests, at most {LINES}: split it by concept", source.path))
}

/// Package registries and folders of one machine: a commit names none. Put together here so that this file names none.
const FOREIGN: [&str; 12] = [
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("registry.npm", "js.org"),
    concat!("proxy.golang", ".org"),
    concat!("sum.golang", ".org"),
    concat!("repo1.maven", ".org"),
    concat!("repo.maven", ".apache.org"),
    concat!("deb.debian", ".org"),
    concat!("/work", "/main"),
    concat!("/work", "/shared"),
    concat!("/root", "/.cache"),
];

/// A line that names a package registry's host or a folder of one machine. Cargo writes its index's name into the lock file itself.
fn foreign_names(source: &Source) -> Vec<String> {
    if source.path == "Cargo.lock" || source.path == "flake.lock" {
        return Vec::new();
    }
    let lines = source.text.lines().enumerate();
    lines
        .filter_map(|(index, line)| {
            FOREIGN.iter().find(|name| line.contains(**name)).map(|name| format!("{}:{}: names {name}", source.path, index + 1))
        })
        .collect()
}

/// What a layer never names, and where: invariants that are absences.
const LAYERS: [(&[&str], &[&str]); 3] = [
    (
        &[
            "crates/reconciler/src/application",
            "crates/reconciler/src/tracking",
            "crates/reconciler/src/diff",
            "crates/reconciler/src/health",
            "crates/reconciler/src/plan",
            "crates/reconciler/src/sync",
            "crates/reconciler/src/auto",
            "crates/reconciler/src/status",
        ],
        &[
            "tokio",
            "kube::Client",
            "kube::Api",
            "gix::",
            "reqwest",
            "std::fs",
            "std::net",
            "std::process",
            "SystemTime",
            "Instant::now",
            "Timestamp::now",
        ],
    ),
    (
        &["crates/renderer/src", "crates/merge/src", "crates/schema/src"],
        &["tokio", "kube::", "gix::", "std::net", "std::process", "SystemTime", "Instant::now"],
    ),
    (&["crates/reconciler/src", "crates/renderer/src"], &["fiel_sandbox"]),
];

/// A line of code in a pure module that names something of the world outside.
fn wrong_layer(source: &Source) -> Vec<String> {
    if !source.path.ends_with(".rs") || source.path.ends_with("/tests.rs") {
        return Vec::new();
    }
    let inside = |folder: &str| source.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/') || rest.starts_with(".rs"));
    let mut findings = Vec::new();
    for (folders, names) in LAYERS {
        if !folders.iter().any(|folder| inside(folder)) {
            continue;
        }
        // Tests may do what the code may not; comments may speak of anything.
        let code = source.text.lines().take_while(|line| *line != "#[cfg(test)]").enumerate();
        for (index, line) in code.filter(|(_, line)| !line.trim_start().starts_with("//")) {
            let found = names.iter().filter(|name| line.contains(**name));
            findings.extend(found.map(|name| format!("{}:{}: names {name}, which this layer never does", source.path, index + 1)));
        }
    }
    findings
}

/// Blanks at the end of a line, or no newline at the end of the file. Snapshots and recorded data are as they are.
fn white_space(source: &Source) -> Vec<String> {
    let ours = [".rs", ".toml", ".md", ".yml", ".nix"].iter().any(|end| source.path.ends_with(end));
    if !ours || source.text.is_empty() || source.path.contains("/testdata/") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    if !source.text.ends_with('\n') {
        findings.push(format!("{}: no newline at its end", source.path));
    }
    if !source.path.ends_with(".rs") {
        let lines = source.text.lines().enumerate().filter(|(_, line)| line.ends_with([' ', '\t']));
        findings.extend(lines.map(|(index, _)| format!("{}:{}: blanks at the end of the line", source.path, index + 1)));
    }
    findings
}

/// The names in one table of a manifest.
fn table<'a>(manifest: &'a str, header: &str) -> Vec<&'a str> {
    let lines = manifest.lines().skip_while(|line| *line != header).skip(1).take_while(|line| !line.starts_with('['));
    lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(['=', '.'])).map(|(name, _)| name.trim()).collect()
}

/// Every dependency of the workspace has its line with a reason, and no line outlives its dependency.
fn undocumented(manifest: &str, document: &str) -> Vec<String> {
    let wanted: Vec<&str> = table(manifest, "[workspace.dependencies]").into_iter().filter(|name| !name.starts_with("fiel-")).collect();
    // A row may speak of several crates that belong together; it counts when it says why.
    let rows = document.lines().filter_map(|line| line.strip_prefix('|'));
    let cells = rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    let reasoned = cells.filter(|row| row.get(2).is_some_and(|why| !why.is_empty()));
    let names: Vec<String> = reasoned
        .flat_map(|row| row[0].split(',').map(str::to_owned).collect::<Vec<_>>())
        .map(|name| name.trim().trim_matches('`').to_owned())
        .filter(|name| name != "crate" && !name.starts_with('-'))
        .collect();
    let missing = wanted.iter().filter(|name| !names.iter().any(|told| told == *name));
    let gone = names.iter().filter(|name| !wanted.contains(&name.as_str()));
    let file = "docs/dependencies.md";
    missing
        .map(|name| format!("{file}: no line with a reason for {name}"))
        .chain(gone.map(|name| format!("{file}: {name} is no dependency any more")))
        .collect()
}

/// The page that says which test holds which promise.
const PROMISES: &str = "docs/security.md";

/// Tests that the tables of promises name and that do not exist. A file in backticks comes before the names of its tests.
fn missing_tests(sources: &[Source]) -> Vec<String> {
    let Some(page) = sources.iter().find(|source| source.path == PROMISES) else { return vec![format!("{PROMISES}: it is missing")] };
    let mut findings = Vec::new();
    for (index, row) in page.text.lines().enumerate().filter(|(_, line)| line.starts_with('|')) {
        let tests = row.split('|').nth(3).unwrap_or_default();
        let mut file: Option<&Source> = None;
        for name in tests.split('`').skip(1).step_by(2) {
            if name.ends_with(".rs") {
                file = sources.iter().find(|source| source.path == name);
                if file.is_none() {
                    findings.push(format!("{PROMISES}:{}: there is no {name}", index + 1));
                }
            } else if file.is_some_and(|file| !file.text.contains(&format!("fn {name}("))) {
                findings.push(format!("{PROMISES}:{}: there is no test {name} in that file", index + 1));
            }
        }
        if !tests.contains('`') && !["tests", "---"].contains(&tests.trim()) {
            findings.push(format!("{PROMISES}:{}: a promise without a test", index + 1));
        }
    }
    findings
}

/// Where the oldest Rust that works is told to people and machines.
const STATED: [&str; 3] = ["README.md", "CONTRIBUTING.md", ".github/workflows/ci.yml"];

/// The oldest Rust that works is stated once in Cargo.toml and told equally everywhere else.
fn rust_version(manifest: &str, documents: &[(&str, String)]) -> Vec<String> {
    let stated = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).map(|value| value.trim_matches('"'));
    let Some(stated) = stated else {
        return vec!["Cargo.toml: no rust-version".to_owned()];
    };
    let mut findings = Vec::new();
    for (path, text) in documents {
        // A missing document is not this rule's business; one that says nothing or something else is.
        let told: Vec<&str> =
            ["Rust ", "MSRV ", "rust: ", "toolchain: "].iter().flat_map(|word| text.split(word).skip(1)).filter_map(version).collect();
        findings.extend(
            told.iter()
                .filter(|version| **version != stated)
                .map(|version| format!("{path}: says Rust {version}, Cargo.toml says {stated}")),
        );
        if told.is_empty() && !text.is_empty() && !text.contains(stated) {
            findings.push(format!("{path}: does not say that the oldest Rust that works is {stated}"));
        }
    }
    findings
}

/// A version like 1.89 at the beginning of a text.
fn version(text: &str) -> Option<&str> {
    let text = text.trim_start_matches(['"', '\'', '`', '*']);
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let version = text[..end].trim_end_matches('.');
    version.starts_with("1.").then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn long_files_are_found_without_their_tests() {
        let long = "x\n".repeat(LINES + 1);
        assert!(too_long(&source("crates/a/src/b.rs", &long)).unwrap().contains("801 lines"));
        let tested = format!("{}#[cfg(test)]\n{long}", "x\n".repeat(LINES));
        assert_eq!(too_long(&source("crates/a/src/b.rs", &tested)), None);
        assert_eq!(too_long(&source("crates/a/tests/b.rs", &long)), None);
        assert_eq!(too_long(&source("crates/a/src/table.rs", &format!("// @generated\n{long}"))), None);
        assert_eq!(too_long(&source("README.md", &long)), None);
    }

    #[test]
    fn registries_and_machine_paths_are_found() {
        let text = format!("fine\nsee {}\n{}/x\n", FOREIGN[0], FOREIGN[9]);
        let findings = foreign_names(&source("README.md", &text));
        assert_eq!(findings, [format!("README.md:2: names {}", FOREIGN[0]), format!("README.md:3: names {}", FOREIGN[9])]);
        assert!(foreign_names(&source("Cargo.lock", &text)).is_empty());
    }

    #[test]
    fn pure_modules_name_nothing_of_the_world() {
        let text = "// tokio may be spoken of\nuse tokio::time;\nlet client: kube::Client;\n#[cfg(test)]\nuse tokio::test;\n";
        let findings = wrong_layer(&source("crates/reconciler/src/plan/prune.rs", text));
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert_eq!(findings[0], "crates/reconciler/src/plan/prune.rs:2: names tokio, which this layer never does");
        assert!(wrong_layer(&source("crates/reconciler/src/planner.rs", text)).is_empty());
        assert_eq!(wrong_layer(&source("crates/reconciler/src/tracking.rs", text)).len(), 2);
        assert_eq!(wrong_layer(&source("crates/reconciler/src/agent/mod.rs", "use fiel_sandbox::Sandbox;\n")).len(), 1);
        assert!(wrong_layer(&source("crates/reconciler/src/agent/mod.rs", text)).is_empty());
    }

    #[test]
    fn every_dependency_has_its_reason() {
        let manifest = "[workspace.dependencies]\nfiel-schema = { path = \"x\" }\nanyhow = \"1\"\ntoml = \"1\"\n# a comment\nclap = { version = \"4\" }\n\n[workspace.lints.rust]\nunsafe_code = \"forbid\"\n";
        let document =
            "| crate | used by | why |\n|---|---|---|\n| `anyhow`, toml | xtask | errors |\n| clap | xtask | |\n| gone | x | y |\n";
        assert_eq!(
            undocumented(manifest, document),
            ["docs/dependencies.md: no line with a reason for clap", "docs/dependencies.md: gone is no dependency any more"]
        );
    }

    #[test]
    fn promises_have_tests_that_exist() {
        let page = "| what | found | tests |\n|---|---|---|\n| a | | `a.rs` `good` `gone` |\n| b | | `no.rs` `x` |\n| c | | none |\n";
        let sources = [source(PROMISES, page), source("a.rs", "fn good() {}")];
        assert_eq!(
            missing_tests(&sources),
            [
                "docs/security.md:3: there is no test gone in that file",
                "docs/security.md:4: there is no no.rs",
                "docs/security.md:5: a promise without a test"
            ]
        );
        assert_eq!(missing_tests(&[]), ["docs/security.md: it is missing"]);
    }

    #[test]
    fn one_oldest_rust_everywhere() {
        let manifest = "[workspace.package]\nrust-version = \"1.89\"\n";
        let documents = |readme: &str, ci: &str| [("README.md", readme.to_owned()), ("ci.yml", ci.to_owned()), ("none.md", String::new())];
        assert!(rust_version(manifest, &documents("needs Rust 1.89.", "rust: [stable, '1.89']\n")).is_empty());
        assert_eq!(
            rust_version(manifest, &documents("needs Rust 1.85 or later", "toolchain: \"1.89\"")),
            ["README.md: says Rust 1.85, Cargo.toml says 1.89"]
        );
        assert_eq!(
            rust_version(manifest, &documents("needs Rust", "1.89")),
            ["README.md: does not say that the oldest Rust that works is 1.89"]
        );
        assert_eq!(rust_version("", &documents("", "")), ["Cargo.toml: no rust-version"]);
    }

    #[test]
    fn blanks_and_missing_newlines_are_found() {
        assert_eq!(white_space(&source("a.md", "fine\nnot \n")), ["a.md:2: blanks at the end of the line"]);
        assert_eq!(white_space(&source("a.rs", "x")), ["a.rs: no newline at its end"]);
        assert!(white_space(&source("a.snap", "x ")).is_empty());
    }
}
