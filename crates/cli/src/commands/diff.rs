//! `fiel diff`: what differs between two builds, by resource and field.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use fiel_reconciler::desired::Files;
use fiel_reconciler::source;
use fiel_renderer::diff::{Change, FieldChange, Shown, diff};
use fiel_renderer::{Build, Options, Outside, Repository, build_remote, build_with};

use super::build::{Flags, locate};
use crate::error::CommandError;

/// Shows what differs between two builds, by resource and field. Values of Secrets are never shown.
///
/// Each side is a folder, the URL of a Git repository, or REV:PATH for a folder of a commit in the Git repository of the current directory; nothing is checked out.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The build before: a folder or REV:PATH
    before: String,
    /// The build after: a folder or REV:PATH
    after: String,
    /// End with 1 when anything differs (and with 2 on errors, as always)
    #[arg(long)]
    exit_code: bool,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
    #[command(flatten)]
    flags: Flags,
}

/// How differences are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For reading; coloured on a terminal unless NO_COLOR is set
    Text,
    /// For programs
    Json,
    /// For comments on pull requests
    Markdown,
}

/// Builds both sides and prints what differs.
pub(crate) fn run(args: &Args) -> Result<(), CommandError> {
    args.flags.say_deprecated()?;
    let (options, world) = (args.flags.options(), args.flags.world());
    let side = |spec: &str| side(spec, &options, &world);
    let (before, after) = (side(&args.before), side(&args.after));
    let (before, after) = (before.map_err(CommandError::trouble)?, after.map_err(CommandError::trouble)?);
    let changes = diff(before.resources(), after.resources());
    let mut stdout = std::io::stdout().lock();
    let colours = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let text = match args.output {
        Format::Text => as_text(&changes, colours),
        Format::Json => format!("{:#}\n", serde_json::Value::from(changes.iter().map(Change::to_json).collect::<Vec<_>>())),
        Format::Markdown => as_markdown(&changes),
    };
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    if args.exit_code && !changes.is_empty() { Err(CommandError::differs()) } else { Ok(()) }
}

/// Builds one side.
fn side(spec: &str, options: &Options, outside: &dyn Outside) -> Result<Build, String> {
    let path = Path::new(spec);
    if let Ok(repository) = Repository::parse(spec) {
        return build_remote(&repository, options, outside).map_err(|e| e.to_string());
    }
    match spec.split_once(':') {
        Some((revision, below)) if !path.exists() => {
            let here = std::env::current_dir().map_err(|e| e.to_string())?;
            let snapshot = source::local(&here, revision).map_err(|e| e.to_string())?;
            build_with(&Files(&*snapshot.tree), below, options, outside).map_err(|e| format!("{revision}: {e}"))
        }
        _ => {
            let (files, below) = locate(path).map_err(|e| e.to_string())?;
            build_with(&files, &below, options, outside).map_err(|e| e.to_string())
        }
    }
}

/// A side of a field.
fn told(shown: Option<&Shown>) -> String {
    shown.map_or_else(|| "(missing)".to_owned(), ToString::to_string)
}

fn sides(field: &FieldChange) -> (String, String) {
    match (&field.before, &field.after) {
        (Some(Shown::Secret), Some(Shown::Secret)) => ("(secret)".to_owned(), "(another secret)".to_owned()),
        (before, after) => (told(before.as_ref()), told(after.as_ref())),
    }
}

/// The sign and the headline of a change.
fn headline(change: &Change) -> (char, String) {
    match change {
        Change::Added(id) => ('+', id.to_string()),
        Change::Removed(id) => ('-', id.to_string()),
        Change::Changed { before, after, .. } if before == after => ('~', after.to_string()),
        Change::Changed { before, after, .. } => ('~', format!("{}/{} → {}", before.kind, before.name, after.name)),
    }
}

fn fields(change: &Change) -> &[FieldChange] {
    match change {
        Change::Changed { fields, .. } => fields,
        Change::Added(_) | Change::Removed(_) => &[],
    }
}

fn summary(changes: &[Change]) -> String {
    let count = |sign| changes.iter().filter(|change| headline(change).0 == sign).count();
    format!("{} added, {} changed, {} removed", count('+'), count('~'), count('-'))
}

fn as_text(changes: &[Change], colours: bool) -> String {
    let paint = |sign: char, text: &str| match sign {
        _ if !colours => text.to_owned(),
        '+' => format!("\u{1b}[32m{text}\u{1b}[0m"),
        '-' => format!("\u{1b}[31m{text}\u{1b}[0m"),
        _ => format!("\u{1b}[33m{text}\u{1b}[0m"),
    };
    let mut out = String::new();
    for change in changes {
        let (sign, head) = headline(change);
        out += &paint(sign, &format!("{sign} {head}"));
        out.push('\n');
        for field in fields(change) {
            let (before, after) = sides(field);
            let (before, after) = (paint('-', &before), paint('+', &after));
            // A String takes whatever is written.
            let _ = writeln!(out, "    {}: {before} → {after}", field.path);
        }
    }
    out + &summary(changes) + "\n"
}

fn as_markdown(changes: &[Change]) -> String {
    let code = |text: &str| format!("`{}`", text.replace('`', "'").replace('|', "\\|"));
    let mut out = format!("**{}**\n", summary(changes));
    for change in changes {
        let (sign, head) = headline(change);
        let verb = match sign {
            '+' => "added",
            '-' => "removed",
            _ => "changed",
        };
        out += &format!("\n### {verb}: {head}\n");
        if !fields(change).is_empty() {
            out += "\n| field | before | after |\n|---|---|---|\n";
        }
        for field in fields(change) {
            let (before, after) = sides(field);
            out += &format!("| {} | {} | {} |\n", code(&field.path), code(&before), code(&after));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use fiel_renderer::{Memory, build};

    use super::*;

    fn changes() -> Vec<Change> {
        let built = |replicas: u8, extra: &str, secret: &str| {
            let files: Memory = [
                ("kustomization.yaml", format!("resources: [a.yaml]\nconfigMapGenerator: [{{name: c, literals: [a={replicas}|`]}}]\n")),
                (
                    "a.yaml",
                    format!(
                        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: shop}}\nspec: {{replicas: {replicas}}}\n---\n\
                         apiVersion: v1\nkind: Service\nmetadata: {{name: {extra}}}\n---\n\
                         apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{a: {secret}}}\n"
                    ),
                ),
            ]
            .into_iter()
            .collect();
            build(&files, "", &Options::default()).expect("builds")
        };
        let (before, after) = (built(2, "old", "hidden"), built(3, "new", "covert"));
        diff(before.resources(), after.resources())
    }

    #[test]
    fn tells_resources_and_fields_and_no_secret() {
        insta::assert_snapshot!(as_text(&changes(), false), @r##"
        ~ ConfigMap/c-g62f7f42gf → c-9fkc264tff
            data.a: "2|`" → "3|`"
        ~ Secret/s
            stringData.a: (secret) → (another secret)
        + Service/new
        ~ Deployment/web in shop
            spec.replicas: 2 → 3
        - Service/old
        1 added, 3 changed, 1 removed
        "##);
        insta::assert_snapshot!(as_markdown(&changes()), @r##"
        **1 added, 3 changed, 1 removed**

        ### changed: ConfigMap/c-g62f7f42gf → c-9fkc264tff

        | field | before | after |
        |---|---|---|
        | `data.a` | `"2\|'"` | `"3\|'"` |

        ### changed: Secret/s

        | field | before | after |
        |---|---|---|
        | `stringData.a` | `(secret)` | `(another secret)` |

        ### added: Service/new

        ### changed: Deployment/web in shop

        | field | before | after |
        |---|---|---|
        | `spec.replicas` | `2` | `3` |

        ### removed: Service/old
        "##);
        let json = serde_json::Value::from(changes().iter().map(Change::to_json).collect::<Vec<_>>()).to_string();
        assert!(!json.contains("hidden") && !json.contains("covert") && json.contains(r#"{"secret":true}"#), "{json}");
    }

    #[test]
    fn colours_only_where_they_are_wanted() {
        assert!(as_text(&changes(), true).contains("\u{1b}[32m+ Service/new\u{1b}[0m"));
        assert!(!as_text(&changes(), false).contains('\u{1b}'));
    }
}
