//! Cases of the kustomize corpus with a few lines changed: what people mistype, and what nobody would think of.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::random::Random;
use super::{Question, read_tree};
use crate::{Unavailable, process};

/// The cases that can be changed: all files are text, and nothing but the program is needed.
#[derive(Default)]
pub(super) struct Corpus(Vec<Question>);

impl Corpus {
    /// Reads the builds and edits of a corpus, by default of the one that `cargo xtask conformance` uses.
    pub(super) fn read(folder: Option<&Path>) -> Result<Self> {
        let default = || process::conformance().map(|home| home.join("kustomize"));
        let home = folder.map(Path::to_path_buf).or_else(default).ok_or_else(|| {
            Unavailable(
                "the kustomize corpus is not here: set FIEL_CONFORMANCE to the folder of the corpora, or name one with --corpus".into(),
            )
        })?;
        let mut questions = Vec::new();
        for (kind, input) in [("build", "input"), ("edit", "before")] {
            for folder in folders(&home.join(kind))? {
                questions.extend(read_case(&folder, kind, input)?);
            }
        }
        ensure!(!questions.is_empty(), "{} holds no case that can be changed", home.display());
        Ok(Corpus(questions))
    }

    /// A case with one or two changes. The same seed gives the same changes of the same corpus.
    pub(super) fn question(&self, seed: u64) -> Question {
        let mut random = Random::new(seed);
        let mut question = self.0[random.below(self.0.len())].clone();
        for _ in 0..1 + random.below(4) / 2 {
            change(&mut question, &mut random);
        }
        question
    }
}

/// The folders in a folder, by name.
fn folders(of: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(of).with_context(|| format!("cannot read {}", of.display()))?;
    let mut folders = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    folders.retain(|path| path.is_dir());
    folders.sort();
    Ok(folders)
}

fn read_case(folder: &Path, kind: &str, input: &str) -> Result<Option<Question>> {
    let file = folder.join("case.json");
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let case: Value = serde_json::from_str(&text).with_context(|| format!("{} is no JSON", file.display()))?;
    let texts = |key: &str| case[key].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
    let (folders, flags) = (texts("empty_dirs"), texts("flags"));
    // What is refused as it is teaches nothing when it is changed; links, programs and charts are not text.
    if case["exit"] != "ok" || case.get("needs").is_some() || case.get("symlinks").is_some() || !flags.is_empty() {
        return Ok(None);
    }
    let input = folder.join(input);
    let files = if input.is_dir() { read_tree(&input)? } else { Some(Default::default()) };
    let arguments = if kind == "edit" {
        texts("args")
    } else {
        [Some("build"), case["path"].as_str()].into_iter().flatten().map(str::to_owned).collect()
    };
    let about = format!("{kind} {}", case["name"].as_str().unwrap_or_default());
    let cwd = case["cwd"].as_str().unwrap_or_default().to_owned();
    // What asks the network says something else each time.
    let remote = |text: &String| text.contains("://") && text.contains("github.com");
    let asks = files.iter().flat_map(|files| files.values()).chain(&arguments).any(remote);
    Ok(files.filter(|_| !asks).map(|files| Question { about, files, folders, folder: cwd, arguments }))
}

/// Values that are rarely where they are put.
const ODD: [&str; 44] = [
    "null",
    "~",
    "",
    "\"\"",
    "''",
    "[]",
    "{}",
    "[a]",
    "[null]",
    "{a: b}",
    "{a: null}",
    "5",
    "-1",
    "0",
    "1.0",
    "1e3",
    "0x10",
    "010",
    "true",
    "no",
    "\"5\"",
    "'true'",
    "2020-01-01",
    "a",
    "a b",
    "a/b",
    "a.b",
    "a:b",
    "a: b",
    "../a",
    ".",
    "/",
    "*",
    "&x y",
    "*x",
    "!!str 5",
    "!t v",
    "|",
    "|-",
    ">",
    "'it''s'",
    "\"a\\tb\"",
    "- a",
    "# a",
];

/// Lines that stand between others.
const BETWEEN: [&str; 10] = ["---", "...", "# a comment", "", "  ", "\t", "- ", "a: b", "  a: b", "--- # a"];

/// Arguments that are rarely where they are put.
const WORDS: [&str; 16] =
    ["", "a", "a:b", "a=b", "a:b,c:d", "a=", "=b", ":", "a:5", "*.yaml", "kustomization.yaml", "--help", "--", "5", "a@sha256:0", "'a b'"];

/// Changes one line, or one word of an edit's command.
fn change(question: &mut Question, random: &mut Random) {
    let edit = question.arguments.first().is_some_and(|word| word == "edit");
    if edit && random.chance(30) {
        return change_words(&mut question.arguments, random);
    }
    let mut paths: Vec<&String> = question.files.keys().collect();
    // Half of all changes are in kustomizations, where they matter most.
    if random.chance(50) && paths.iter().any(|path| is_kustomization(path)) {
        paths.retain(|path| is_kustomization(path));
    }
    if paths.is_empty() {
        return;
    }
    let path = paths[random.below(paths.len())].clone();
    let mut lines: Vec<String> = question.files[&path].split('\n').map(str::to_owned).collect();
    change_lines(&mut lines, random);
    question.files.insert(path, lines.join("\n"));
}

fn is_kustomization(path: &str) -> bool {
    path.to_lowercase().contains("kustomization")
}

fn change_lines(lines: &mut Vec<String>, random: &mut Random) {
    let (at, other) = (random.below(lines.len()), random.below(lines.len()));
    match random.below(13) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(other, lines[at].clone()),
        2 => lines.swap(at, other),
        3 => lines.insert(at, random.pick(&BETWEEN).to_owned()),
        4 => lines[at].insert_str(0, random.pick(&[" ", "  "])),
        5 => lines[at] = lines[at].strip_prefix("  ").or(lines[at].strip_prefix(' ')).unwrap_or(&lines[at]).to_owned(),
        6 => lines[at] = with_value(&lines[at], value(&lines[other])),
        7 => lines[at] = with_key(&lines[at], key(&lines[other])),
        8 => lines[at].push_str(random.pick(&[" # a", " ", ":", ",", "x", "\r", " |", "'"])),
        _ => lines[at] = with_value(&lines[at], random.pick(&ODD)),
    }
    if lines.is_empty() {
        lines.push(String::new());
    }
}

/// Where the value of a line begins: behind its key, or behind the dash of an item.
fn value_at(line: &str) -> usize {
    let item = line.len() - line.trim_start_matches([' ', '-']).len();
    line.find(": ").map(|colon| colon + 2).or_else(|| line.ends_with(':').then_some(line.len())).unwrap_or(item)
}

fn value(line: &str) -> &str {
    &line[value_at(line)..]
}

fn with_value(line: &str, value: &str) -> String {
    let start = &line[..value_at(line)];
    if start.ends_with(':') { format!("{start} {value}") } else { format!("{start}{value}") }
}

/// The key of a line with its indentation and its dash left out.
fn key(line: &str) -> &str {
    let from = line.len() - line.trim_start_matches([' ', '-']).len();
    let to = line.find(':').unwrap_or(line.len());
    line.get(from..to).unwrap_or_default()
}

fn with_key(line: &str, new: &str) -> String {
    let old = key(line);
    let from = line.len() - line.trim_start_matches([' ', '-']).len();
    format!("{}{new}{}", &line[..from], &line[from + old.len()..])
}

/// Changes the words of a command but not which one it is.
fn change_words(words: &mut Vec<String>, random: &mut Random) {
    let command = 3.min(words.len());
    let at = command + random.below(words.len() - command + 1);
    match random.below(4) {
        0 if at < words.len() => drop(words.remove(at)),
        1 if at < words.len() => words.insert(at, words[at].clone()),
        2 if at < words.len() => words[at] = random.pick(&WORDS).to_owned(),
        _ => words.insert(at.min(words.len()), random.pick(&WORDS).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_keys_and_values() {
        assert_eq!((key("  - name: a"), value("  - name: a")), ("name", "a"));
        assert_eq!((key("- a"), value("- a")), ("a", "a"));
        assert_eq!((key("  list:"), value("  list:")), ("list", ""));
        assert_eq!(with_value("  list:", "5"), "  list: 5");
        assert_eq!(with_value("- name: a", "[]"), "- name: []");
        assert_eq!(with_key("- name: a", "other"), "- other: a");
        assert_eq!(with_key("", "other"), "other");
    }

    #[test]
    fn a_seed_gives_the_same_changes_and_keeps_the_command() {
        let question = Question {
            about: "edit x".into(),
            files: [("kustomization.yaml".to_owned(), "resources:\n- a.yaml\nnamePrefix: b-\n".to_owned())].into(),
            folders: Vec::new(),
            folder: String::new(),
            arguments: ["edit", "set", "image", "a=b:c"].map(str::to_owned).into(),
        };
        let corpus = Corpus(vec![question.clone()]);
        for seed in 0..300 {
            let changed = corpus.question(seed);
            assert_eq!(changed, corpus.question(seed));
            assert_eq!(changed.arguments[..3], question.arguments[..3]);
        }
        assert!((0..300).filter(|seed| corpus.question(*seed) != question).count() > 200);
    }
}
