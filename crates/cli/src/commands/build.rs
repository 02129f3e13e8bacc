//! `fiel build`: what kustomize's `build` prints, with all of its flags.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use fiel_renderer::{Build, Disk, Repository};

use crate::error::CommandError;

mod files;
mod flags;
mod several;
mod watch;

pub(super) use flags::{Flags, fetching};

/// Prints the resources that a kustomization makes, as `kustomize build` does.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(crate) struct Args {
    /// The folder that holds the kustomization, or the URL of a Git repository: `https://host/org/repo//path?ref=v1`; several are built at once and
    /// printed in their order
    #[arg(default_value = ".", value_name = "DIR")]
    paths: Vec<String>,
    /// Write to FILE, or one file per resource when it is a folder; nothing is written when the build fails
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Build anew whenever a file changes that the build reads or looks for, until Ctrl-C; a build that fails does not end it
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    flags: Flags,
}

impl Args {
    /// What words after `build` say when no flag is among them. To describe the flags takes 6 % of a small build's time, and most builds have none.
    pub(super) fn without_flags(words: impl Iterator<Item = OsString>) -> Option<Self> {
        let path = |word: OsString| word.into_string().ok().filter(|word| !word.starts_with('-'));
        let mut paths: Vec<String> = words.map(path).collect::<Option<_>>()?;
        if paths.is_empty() {
            paths.push(".".to_owned());
        }
        Some(Self { paths, output: None, watch: false, flags: Flags::default() })
    }
}

/// Builds and prints.
pub(crate) fn run(args: &Args) -> Result<(), CommandError> {
    args.flags.say_deprecated()?;
    if args.watch {
        return watch::run(args);
    }
    let builds = build_all(args)?;
    deliver(args, &builds)?;
    // The process ends here: the system takes the memory back faster than we could.
    std::mem::forget(builds);
    Ok(())
}

fn build_all(args: &Args) -> Result<Vec<Build>, CommandError> {
    several::each(&args.paths, |path| build(args, path)).into_iter().collect()
}

/// Prints or writes what was built, and what there is to say about it.
fn deliver(args: &Args, builds: &[Build]) -> Result<(), CommandError> {
    let mut stderr = std::io::stderr().lock();
    for warning in builds.iter().flat_map(Build::warnings) {
        writeln!(stderr, "# Warning: {warning}")?;
    }
    drop(stderr);
    match (&args.output, builds) {
        (Some(folder), [build]) if folder.is_dir() => files::write(folder, build.resources()),
        (Some(folder), _) if folder.is_dir() => {
            Err(CommandError::failed(format!("{} is a folder; several paths can only be written to one file", folder.display())))
        }
        (Some(file), _) => std::fs::File::create(file)
            .and_then(|out| several::write(builds, out))
            .map_err(|e| CommandError::failed(format!("{}: {e}", file.display()))),
        (None, _) => Ok(several::write(builds, std::io::stdout().lock())?),
    }
}

fn build(args: &Args, path: &str) -> Result<Build, CommandError> {
    if let Ok(repository) = Repository::parse(path) {
        return fiel_renderer::build_remote(&repository, &args.flags.options(), &args.flags.world()).map_err(CommandError::failed);
    }
    let (files, path) = locate(Path::new(path))?;
    fiel_renderer::build_with(&files, &path, &args.flags.options(), &args.flags.world()).map_err(|error| told(&error))
}

/// All that is wrong, each with the line at fault.
fn told(error: &fiel_renderer::Error) -> CommandError {
    let each = std::iter::once(error).chain(error.others()).map(|error| match error.excerpt() {
        Some(lines) => format!("{}\n{lines}", error.alone()),
        None => error.alone().to_string(),
    });
    CommandError::failed(each.collect::<Vec<_>>().join("\nError: "))
}

/// The files of the disk and a folder among them. Messages name files as they are seen from the current folder.
pub(super) fn locate(path: &Path) -> Result<(Disk, String), CommandError> {
    let named = |e: std::io::Error| CommandError::failed(format!("{}: {e}", path.display()));
    let full = path.canonicalize().map_err(|error| if is_address(path) { no_repository(path) } else { named(error) })?;
    if !full.is_dir() {
        return Err(CommandError::failed(format!("{} is a file, not a folder that holds a kustomization", path.display())));
    }
    let text = full.as_os_str().to_str().ok_or_else(|| CommandError::failed(format!("{}: the path is not UTF-8", full.display())))?;
    // The system knows the current folder by its own path, without links.
    let here = std::env::current_dir()?;
    let below = Path::new(text).strip_prefix("/").map(Path::as_os_str).unwrap_or(OsStr::new(text));
    Ok((Disk::new("/").shown_from(here), below.to_string_lossy().into_owned()))
}

/// Whether somebody who names this means something elsewhere.
fn is_address(path: &Path) -> bool {
    path.to_str().is_some_and(|text| text.contains("://") || Repository::parse(text).is_ok())
}

fn no_repository(path: &Path) -> CommandError {
    CommandError::failed(format!("{} is not the URL of a Git repository", path.display()))
        .hint("a folder in a repository is named by https://HOST/ORG/REPO//FOLDER?ref=TAG; a file elsewhere goes into the resources of a kustomization")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use fiel_renderer::Options;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Alone {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn words_without_flags_mean_what_clap_takes_them_for() {
        let words = |line: &[&str]| line.iter().map(OsString::from).collect::<Vec<_>>();
        for line in [&[][..], &["k8s"], &["a", "https://host.example/org/repo//path?ref=v1"], &[""], &["help"]] {
            let plain = Args::without_flags(words(line).into_iter()).expect("there is no flag");
            let taken = Alone::try_parse_from(std::iter::once(OsString::from("build")).chain(words(line))).expect("it makes sense");
            assert_eq!(format!("{plain:?}"), format!("{:?}", taken.args));
        }
        for line in [&["--enable-helm"][..], &["k8s", "-o", "x"], &["--", "k8s"], &["-"], &["--help"]] {
            assert!(Args::without_flags(words(line).into_iter()).is_none(), "{line:?}");
        }
    }

    #[test]
    fn a_path_that_does_not_exist_is_named() {
        let error = locate(Path::new("no/such/folder")).expect_err("it does not exist");
        assert!(format!("{error:?}").contains("no/such/folder"));
    }

    #[test]
    fn a_url_that_names_no_repository_is_not_looked_for_on_the_disk() {
        let error = locate(Path::new("https://host.example/x.yaml")).expect_err("it is a file elsewhere").to_string();
        assert_eq!(error, "https://host.example/x.yaml is not the URL of a Git repository");
    }

    #[test]
    fn the_line_at_fault_is_shown_from_wherever_one_stands() {
        let temp = tempfile::tempdir().expect("a folder");
        std::fs::write(temp.path().join("kustomization.yaml"), "resources: []\nnamePrefx: a-\n").expect("written");
        let (files, path) = locate(temp.path()).expect("a folder");
        let error = fiel_renderer::build(&files, &path, &Options::default()).expect_err("it is misspelt");
        let shown = error.excerpt().expect("a file that can be read");
        assert!(shown.starts_with("2 | namePrefx: a-\n"), "{shown}");
    }
}
