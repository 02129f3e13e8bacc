//! A kustomize command line for trying the library out and for the conformance corpus: `build PATH [FLAGS]`, `edit set image …`.
//! The real command line is `fiel`.

use std::io::Write as _;
use std::process::ExitCode;

use fiel_renderer::{Disk, LoadRestrictor, Options, Order, build, edit};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match &words[..] {
        ["build", rest @ ..] => run_build(rest),
        ["edit", "set", "image", ..] => run_set_image(&args[3..]),
        _ => Err("usage: kustomize build PATH | edit set image …".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            let mut stderr = std::io::stderr().lock();
            match writeln!(stderr, "Error: {message}") {
                Ok(()) | Err(_) => ExitCode::FAILURE,
            }
        }
    }
}

fn run_build(args: &[&str]) -> Result<(), String> {
    let mut options = Options::default();
    let mut path = ".";
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let (flag, inline) = arg.split_once('=').map_or((*arg, None), |(flag, value)| (flag, Some(value)));
        match flag {
            "--reorder" | "--load-restrictor" => {
                let value = inline.or_else(|| rest.next().copied()).unwrap_or_default();
                match value {
                    "none" => options.order = Order::AsRead,
                    "LoadRestrictionsNone" => options.load_restrictor = LoadRestrictor::None,
                    _ => {}
                }
            }
            "--enable-managedby-label" => options.managed_by_label = true,
            "--enable-alpha-plugins" | "--enable-exec" | "--enable-helm" => {}
            flag if flag.starts_with('-') => return Err(format!("unknown flag {flag}")),
            _ => path = arg,
        }
    }
    let full = std::path::Path::new(path).canonicalize().map_err(|error| format!("{path}: {error}"))?;
    let below = full.to_str().ok_or("the path is not UTF-8")?.trim_start_matches('/').to_owned();
    let built = build(&Disk::new("/"), &below, &options).map_err(|error| error.to_string())?;
    let mut stderr = std::io::stderr().lock();
    for warning in built.warnings() {
        writeln!(stderr, "# Warning: {warning}").map_err(|error| error.to_string())?;
    }
    std::io::stdout().write_all(built.to_yaml().as_bytes()).map_err(|error| error.to_string())
}

fn run_set_image(images: &[String]) -> Result<(), String> {
    let names = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
    let file = names.into_iter().find(|name| std::path::Path::new(name).is_file()).ok_or("no kustomization file here")?;
    let before = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let after = edit::set_image(&before, images).map_err(|error| error.to_string())?;
    std::fs::write(file, after).map_err(|error| error.to_string())
}
