//! Globs of `directory.include` and `exclude`, as Argo CD's: `*` and `**` cross `/`, `?`, `[a-z]`, `[!a]`, `{a,b}`.

use regex::Regex;

/// Compiles a glob over a whole relative path; the error says what is wrong with it.
pub(super) fn compile(glob: &str) -> Result<Regex, String> {
    let mut out = String::from("^(?s:");
    let mut depth = 0usize;
    let mut chars = glob.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '{' => {
                depth += 1;
                out.push_str("(?:");
            }
            '}' if depth > 0 => {
                depth -= 1;
                out.push(')');
            }
            ',' if depth > 0 => out.push('|'),
            '[' => {
                out.push('[');
                if matches!(chars.peek(), Some('!' | '^')) {
                    chars.next();
                    out.push('^');
                }
                let mut closed = false;
                for c in chars.by_ref() {
                    match c {
                        ']' => {
                            closed = true;
                            break;
                        }
                        '-' => out.push('-'),
                        c => out.push_str(&regex::escape(&c.to_string())),
                    }
                }
                if !closed {
                    return Err(format!("glob '{glob}': a [ without its ]"));
                }
                out.push(']');
            }
            '\\' => out.push_str(&regex::escape(&chars.next().unwrap_or('\\').to_string())),
            c => out.push_str(&regex::escape(&c.to_string())),
        }
    }
    if depth > 0 {
        return Err(format!("glob '{glob}': a {{ without its }}"));
    }
    out.push_str(")$");
    Regex::new(&out).map_err(|_| format!("glob '{glob}' cannot be understood"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches() {
        for (glob, path, is) in [
            ("*.yaml", "a.yaml", true),
            ("*.yaml", "deep/a.yaml", true),
            ("{a,b}.yaml", "b.yaml", true),
            ("{a,b}.yaml", "c.yaml", false),
            ("[!a-c]?.yml", "dx.yml", true),
            ("[!a-c]?.yml", "ax.yml", false),
            ("{*.yml,x/*}", "x/y", true),
            ("a.yaml", "aXyaml", false),
        ] {
            assert_eq!(compile(glob).expect(glob).is_match(path), is, "{glob} {path}");
        }
        assert!(compile("{a").is_err());
        assert!(compile("[a").is_err());
    }
}
