//! `fiel version`: in the forms of kustomize's `version`.

use std::io::Write as _;

use crate::error::CommandError;

/// The kustomize that `build` and `edit` equal.
const KUSTOMIZE: &str = "v5.8.1";

/// Prints the version.
#[derive(Debug, clap::Args)]
#[command(disable_version_flag = true)]
pub(crate) struct Args {
    /// More of it, in this form
    #[arg(short, long, value_name = "FORM")]
    output: Option<Form>,
    /// Shorter (deprecated)
    #[arg(long, hide = true)]
    short: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Form {
    Yaml,
    Json,
}

/// Prints the version: that of kustomize when called by its name, so that scripts find what they look for.
pub(crate) fn run(args: &Args, kustomize: bool) -> Result<(), CommandError> {
    let own = concat!("v", env!("CARGO_PKG_VERSION"));
    let version = if kustomize { KUSTOMIZE } else { own };
    if args.short {
        writeln!(std::io::stderr(), "Flag --short has been deprecated, and will be removed in the future.")?;
    }
    let mut stdout = std::io::stdout().lock();
    match args.output {
        None if args.short => writeln!(stdout, "{{{version}  unknown   }}")?,
        None if kustomize => writeln!(stdout, "{version}")?,
        None => writeln!(stdout, "{version} (kustomize {KUSTOMIZE})")?,
        Some(Form::Yaml) => {
            for (key, value) in fields(version, own) {
                writeln!(stdout, "{key}: {value}")?;
            }
            writeln!(stdout)?;
        }
        Some(Form::Json) => {
            let lines: Vec<String> = fields(version, own).iter().map(|(key, value)| format!("  \"{key}\": \"{value}\"")).collect();
            writeln!(stdout, "{{\n{}\n}}", lines.join(",\n"))?;
        }
    }
    Ok(())
}

/// kustomize's fields, with Go's names for system and machine.
fn fields(version: &str, own: &str) -> [(&'static str, String); 6] {
    let machine = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    [
        ("version", version.to_owned()),
        ("gitCommit", "unknown".to_owned()),
        ("buildDate", "unknown".to_owned()),
        ("goOs", std::env::consts::OS.to_owned()),
        ("goArch", machine.to_owned()),
        ("goVersion", format!("none (fiel {own})")),
    ]
}
