//! Patterns of file names, as Go's `filepath.Match` and `Glob` read them.

use crate::error::{Error, ErrorKind, Result};
use crate::fs::{FileKind, FileSystem, file_name, join};

#[derive(Debug)]
enum Token {
    /// `*`: any run without a slash.
    Run,
    /// `?`: anything but a slash.
    One,
    Char(char),
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

/// A pattern that was checked.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Token>);

fn bad(pattern: &str) -> Error {
    Error::new(ErrorKind::File, format!("syntax error in pattern {pattern}: check its brackets and backslashes"))
}

impl Pattern {
    /// Reads a pattern.
    pub(super) fn parse(pattern: &str) -> Result<Self> {
        let mut chars = pattern.chars().peekable();
        let mut tokens = Vec::new();
        while let Some(c) = chars.next() {
            tokens.push(match c {
                '*' => Token::Run,
                '?' => Token::One,
                '\\' => Token::Char(chars.next().ok_or_else(|| bad(pattern))?),
                '[' => {
                    let negated = chars.next_if_eq(&'^').is_some();
                    let mut ranges = Vec::new();
                    let one = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| match chars.next() {
                        Some('\\') => chars.next(),
                        Some('-' | ']') | None => None,
                        other => other,
                    };
                    loop {
                        if !ranges.is_empty() && chars.next_if_eq(&']').is_some() {
                            break;
                        }
                        let low = one(&mut chars).ok_or_else(|| bad(pattern))?;
                        let high = match chars.next_if_eq(&'-') {
                            Some(_) => one(&mut chars).ok_or_else(|| bad(pattern))?,
                            None => low,
                        };
                        ranges.push((low, high));
                    }
                    Token::Class { negated, ranges }
                }
                c => Token::Char(c),
            });
        }
        Ok(Self(tokens))
    }

    /// Whether the whole name matches.
    pub(super) fn matches(&self, name: &str) -> bool {
        matches(&self.0, &name.chars().collect::<Vec<_>>())
    }
}

fn matches(tokens: &[Token], name: &[char]) -> bool {
    let Some((token, rest)) = tokens.split_first() else { return name.is_empty() };
    if let Token::Run = token {
        let reach = name.iter().position(|c| *c == '/').unwrap_or(name.len());
        return (0..=reach).any(|taken| matches(rest, &name[taken..]));
    }
    let Some((c, after)) = name.split_first() else { return false };
    let hit = match token {
        Token::One => *c != '/',
        Token::Char(wanted) => c == wanted,
        Token::Class { negated, ranges } => ranges.iter().any(|(low, high)| low <= c && c <= high) != *negated,
        Token::Run => false,
    };
    hit && matches(rest, after)
}

/// The paths below `dir` that a pattern names, as they would be written; hidden files only where the pattern names them.
pub(super) fn expand(fs: &dyn FileSystem, dir: &str, pattern: &str) -> Result<Vec<String>> {
    Pattern::parse(pattern)?;
    let mut found = paths(fs, dir, pattern)?;
    if !is_hidden(pattern) {
        found.retain(|path| !is_hidden(path));
    }
    Ok(found)
}

fn is_hidden(path: &str) -> bool {
    file_name(path).starts_with('.')
}

fn paths(fs: &dyn FileSystem, dir: &str, pattern: &str) -> Result<Vec<String>> {
    if !pattern.contains(['*', '?', '[', '\\']) {
        let there = at(dir, pattern).is_some_and(|path| fs.kind(&path) != FileKind::Missing);
        return Ok(if there && !pattern.is_empty() { vec![pattern.to_owned()] } else { Vec::new() });
    }
    let (folder, name) =
        pattern.rsplit_once('/').map_or(("", pattern), |(folder, name)| (if folder.is_empty() { "/" } else { folder }, name));
    let folders = if folder.contains(['*', '?', '[', '\\']) { paths(fs, dir, folder)? } else { vec![folder.to_owned()] };
    let name = Pattern::parse(name)?;
    let mut out = Vec::new();
    for folder in folders {
        let names = at(dir, &folder).and_then(|path| fs.list(&path).ok()).unwrap_or_default();
        out.extend(
            names
                .iter()
                .filter(|entry| name.matches(entry))
                .map(|entry| if folder.is_empty() { entry.clone() } else { clean(&format!("{folder}/{entry}")) }),
        );
    }
    Ok(out)
}

/// The place of a path; absolute ones begin at the root of the file system.
pub(super) fn at(dir: &str, path: &str) -> Option<String> {
    match path.strip_prefix('/') {
        Some(rest) => join("", rest),
        None => join(dir, path),
    }
}

/// A path without `.` and doubled slashes, `..` resolved where something stands before it.
pub(super) fn clean(path: &str) -> String {
    let absolute = path.starts_with('/');
    let joined = crate::fs::clean(path);
    match (absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_go_has_it() {
        for (pattern, name, expected) in [
            ("*.yaml", "a.yaml", true),
            ("*.yaml", "d/a.yaml", false),
            ("*/*", "d/a.yaml", true),
            ("?.yaml", "a.yaml", true),
            ("[ab].yaml", "b.yaml", true),
            ("[^a].yaml", "a.yaml", false),
            ("[!a].yaml", "a.yaml", true),
            ("\\a.yaml", "a.yaml", true),
            ("{a,b}.yaml", "a.yaml", false),
            ("a*b*c", "axbybzc", true),
        ] {
            assert_eq!(Pattern::parse(pattern).expect("well formed").matches(name), expected, "{pattern} {name}");
        }
        for pattern in ["[a", "[]a]", "[-a]", "a\\", "[a-]", "[]"] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn hidden_files_are_found_only_when_named() {
        let files: crate::Memory = [("a/.h.yaml", ""), ("a/b.yaml", ""), ("a/c/d.yaml", "")].into_iter().collect();
        assert_eq!(expand(&files, "a", "*").expect("expands"), ["b.yaml", "c"]);
        assert_eq!(expand(&files, "a", ".*").expect("expands"), [".h.yaml"]);
        assert_eq!(expand(&files, "a/c", "../*.yaml").expect("expands"), ["../b.yaml"]);
        assert_eq!(expand(&files, "a", "./*/*.yaml").expect("expands"), ["c/d.yaml"]);
    }
}
