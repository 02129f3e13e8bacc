//! Makes a tree smaller while it still shows the difference: whole files first, then blocks of lines by their indentation.

use std::collections::BTreeMap;

/// The files of a tree by path.
pub(super) type Files = BTreeMap<String, String>;

/// The smallest tree found that is still `interesting`; it is asked at most `budget` times.
pub(super) fn shrink(files: &Files, mut budget: usize, interesting: &mut dyn FnMut(&Files) -> bool) -> Files {
    let mut best = files.clone();
    let mut ask = |candidate: &Files| {
        budget = budget.saturating_sub(1);
        budget > 0 && interesting(candidate)
    };
    loop {
        let before = size(&best);
        for path in best.keys().cloned().collect::<Vec<_>>() {
            let mut candidate = best.clone();
            candidate.remove(&path);
            // A file that goes takes its mention in kustomizations with it.
            let mut unnamed = candidate.clone();
            forget(&mut unnamed, &path);
            if ask(&unnamed) {
                best = unnamed;
            } else if ask(&candidate) {
                best = candidate;
            }
        }
        for path in best.keys().cloned().collect::<Vec<_>>() {
            let mut line = 0;
            while line < best[&path].lines().count() {
                let candidate = with(&best, &path, without_block(&best[&path], line));
                if ask(&candidate) {
                    best = candidate;
                } else {
                    line += 1;
                }
            }
        }
        if size(&best) == before {
            return best;
        }
    }
}

fn size(files: &Files) -> usize {
    files.iter().map(|(path, text)| path.len() + text.len()).sum()
}

fn with(files: &Files, path: &str, text: String) -> Files {
    let mut changed = files.clone();
    changed.insert(path.to_owned(), text);
    changed
}

/// Drops the list items that end in the file's name.
fn forget(files: &mut Files, path: &str) {
    let name = path.rsplit('/').next().unwrap_or(path);
    for text in files.values_mut() {
        let kept: Vec<&str> = text.lines().filter(|line| !(line.trim_start().starts_with("- ") && line.ends_with(name))).collect();
        *text = kept.join("\n") + "\n";
    }
}

/// The text without a line and what belongs to it: deeper lines, and the list of a key at the key's own indentation.
fn without_block(text: &str, line: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let depth = |line: &str| line.len() - line.trim_start().len();
    let first = lines[line];
    let (indent, item) = (depth(first), first.trim_start().starts_with('-'));
    let belongs = |other: &&str| {
        let blank = other.trim().is_empty();
        blank || depth(other) > indent || (!item && first.ends_with(':') && depth(other) == indent && other.trim_start().starts_with("- "))
    };
    let count = lines[line + 1..].iter().take_while(|other| belongs(other)).count();
    let kept: Vec<&str> = lines[..line].iter().chain(&lines[line + 1 + count..]).copied().collect();
    if kept.is_empty() { String::new() } else { kept.join("\n") + "\n" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_a_key_with_its_list_or_an_item_with_its_fields() {
        let text = "a:\n- x: 1\n  y: 2\n- z\nb: 1\n";
        assert_eq!(without_block(text, 0), "b: 1\n");
        assert_eq!(without_block(text, 1), "a:\n- z\nb: 1\n");
        assert_eq!(without_block(text, 2), "a:\n- x: 1\n- z\nb: 1\n");
    }

    #[test]
    fn shrinks_to_what_matters() {
        let files: Files =
            [("k.yaml", "resources:\n- a.yaml\n- b.yaml\nother: 1\n"), ("a.yaml", "x: 1\n"), ("b.yaml", "y: 1\nz:\n  bad: 2\n")]
                .map(|(path, text)| (path.to_owned(), text.to_owned()))
                .into();
        let small = shrink(&files, 1000, &mut |files| {
            files.get("k.yaml").is_some_and(|k| k.contains("b.yaml")) && files.get("b.yaml").is_some_and(|b| b.contains("bad: 2"))
        });
        let expected: Files =
            [("k.yaml", "- b.yaml\n"), ("b.yaml", "  bad: 2\n")].map(|(path, text)| (path.to_owned(), text.to_owned())).into();
        // A parent line goes only with its children, so it stays where a child is needed.
        assert!(
            small.len() == expected.len() && small["b.yaml"] == "z:\n  bad: 2\n" && small["k.yaml"] == "resources:\n- b.yaml\n",
            "{small:?}"
        );
    }
}
