//! `fiel edit`: changes a kustomization as kustomize's `edit` does. One file per verb; this one holds what they share.

mod add;
mod fix;
mod remove;
mod set;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use fiel_outside::World;
use fiel_renderer::Disk;
use fiel_renderer::edit::{Edited, File, Place};

use super::build::fetching;
use crate::error::CommandError;

/// Changes the kustomization in the current folder, comments and order kept, as `kustomize edit` does.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
    /// kustomize's scripts may give it; errors here say where they come from without it
    #[arg(long, global = true, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    stack_trace: Option<bool>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Adds an item to the kustomization
    #[command(subcommand)]
    Add(add::Verb),
    /// Sets a field of the kustomization
    #[command(subcommand)]
    Set(set::Verb),
    /// Removes items from the kustomization
    #[command(subcommand)]
    Remove(remove::Verb),
    Fix(fix::Args),
    /// Lists the built-in plugins
    AlphaListBuiltinPlugin {
        /// kustomize ignores arguments here, and so does this
        #[arg(hide = true)]
        ignored: Vec<String>,
    },
}

/// Edits the file; one that fails changes nothing.
pub(crate) fn run(args: &Args) -> Result<(), CommandError> {
    match &args.verb {
        Verb::Add(verb) => add::run(verb),
        Verb::Set(verb) => set::run(verb),
        Verb::Remove(verb) => remove::run(verb),
        Verb::Fix(args) => fix::run(args),
        Verb::AlphaListBuiltinPlugin { .. } => list_plugins(),
    }
}

/// kustomize prints them in another order every time; this is one of them.
fn list_plugins() -> Result<(), CommandError> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "Builtin plugins:\n")?;
    for name in fiel_renderer::BUILTIN_PLUGINS {
        writeln!(stdout, " * {name}")?;
    }
    Ok(writeln!(stdout)?)
}

/// The folder in which the program runs, within the file system's root: an edit may name files anywhere.
pub(super) struct Here {
    files: Disk,
    folder: String,
    outside: World,
}

impl Here {
    /// The current folder.
    pub(super) fn new() -> Result<Self, CommandError> {
        let full = std::env::current_dir()?.canonicalize()?;
        let folder = full.to_str().ok_or_else(|| CommandError::failed(format!("{}: the path is not UTF-8", full.display())))?;
        let files = Disk::new("/").shown_from(&full);
        Ok(Self { files, folder: folder.trim_start_matches('/').to_owned(), outside: fetching() })
    }

    /// As the renderer sees it.
    pub(super) fn place(&self) -> Place<'_> {
        Place { files: &self.files, folder: &self.folder, outside: &self.outside }
    }
}

/// Reads the kustomization, lets `change` change it, and writes it.
fn edit(change: impl FnOnce(&mut File, &Place<'_>) -> Result<Edited, fiel_renderer::Error>) -> Result<(), CommandError> {
    let here = Here::new()?;
    let place = here.place();
    let name = place.kustomization().map_err(CommandError::failed)?;
    let mut file = read(name)?;
    let edited = change(&mut file, &place).map_err(CommandError::failed)?;
    let mut stderr = std::io::stderr().lock();
    for note in &edited.notes {
        writeln!(stderr, "{note}")?;
    }
    if edited.changed { replace(Path::new(name), file.into_text().as_bytes()) } else { Ok(()) }
}

fn read(name: &str) -> Result<File, CommandError> {
    let bytes = std::fs::read(name).map_err(|e| CommandError::failed(format!("{name}: {e}")))?;
    parse(name, &bytes)
}

/// An error names the file once, with line and column.
fn parse(name: &str, bytes: &[u8]) -> Result<File, CommandError> {
    File::parse(bytes).map_err(|e| CommandError::failed(e.in_file(name)))
}

/// Writes the whole file or nothing of it, with the permissions it had. A link stays a link.
pub(super) fn replace(file: &Path, content: &[u8]) -> Result<(), CommandError> {
    let failed = |e: std::io::Error| CommandError::failed(format!("{}: {e}", file.display()));
    let real = match file.canonicalize() {
        Ok(real) => real,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => file.to_owned(),
        Err(error) => return Err(failed(error)),
    };
    let folder = real.parent().filter(|folder| !folder.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_owned);
    let mut new = tempfile::Builder::new().permissions(mode(&real)).tempfile_in(folder).map_err(failed)?;
    new.write_all(content).map_err(failed)?;
    if let Ok(meta) = std::fs::metadata(&real) {
        // The builder's permissions passed through the umask.
        new.as_file().set_permissions(meta.permissions()).map_err(failed)?;
    }
    new.persist(&real).map_err(|e| failed(e.error))?;
    Ok(())
}

/// A new file gets what any program would give it.
fn mode(file: &Path) -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file).map_or_else(|_| std::fs::Permissions::from_mode(0o666), |meta| meta.permissions())
}

/// The one argument that a verb takes.
fn one<'a>(arguments: &'a [String], what: &str) -> Result<&'a str, CommandError> {
    match arguments {
        [argument] => Ok(argument),
        [] => Err(CommandError::failed(format!("must specify {what}"))),
        many => Err(CommandError::failed(format!(
            "too many arguments: {}; {what} is one argument, its parts separated by commas",
            many.join(" ")
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_replaced_behind_its_link_with_its_permissions() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "old").expect("written");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).expect("set");
        std::os::unix::fs::symlink("file", &link).expect("linked");
        replace(&link, b"new").expect("replaced");
        assert_eq!(std::fs::read(&file).expect("read"), b"new");
        assert_eq!(std::fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o640);
        assert!(link.symlink_metadata().expect("there").is_symlink());
        assert_eq!(std::fs::read_dir(folder.path()).expect("listed").count(), 2, "nothing else is left");
    }

    #[test]
    fn a_repository_is_added_when_it_can_be_fetched() {
        let temp = tempfile::tempdir().expect("a folder");
        let made = temp.path().join("made");
        std::fs::write(temp.path().join("kustomization.yaml"), "").expect("written");
        let git = |args: &[&str]| {
            let identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"];
            assert!(std::process::Command::new("git").args(identity).args(args).status().expect("git runs").success(), "{args:?}");
        };
        let at = made.to_str().expect("UTF-8");
        git(&["init", "-q", at]);
        std::fs::write(made.join("kustomization.yaml"), "resources: []\n").expect("written");
        git(&["-C", at, "add", "."]);
        git(&["-C", at, "commit", "-q", "-m", "first"]);
        let here =
            Here { files: Disk::new(temp.path()), folder: String::new(), outside: World::default().fetching(temp.path().join("cache")) };
        let add = |url: String| {
            let mut file = File::parse(b"").expect("parsed");
            fiel_renderer::edit::add_paths(&mut file, &here.place(), fiel_renderer::edit::PathField::Resources, &[url], true)
                .map(|_| file.into_text())
        };
        let url = format!("file://{at}");
        assert!(add(url.clone()).expect("added").contains(&url));
        let error = add(format!("file://{at}-gone")).expect_err("there is no such repository").to_string();
        assert!(error.contains("cannot fetch"), "{error}");
    }

    #[test]
    fn an_error_names_the_file_once() {
        let told = |text: &str| parse("Kustomization", text.as_bytes()).expect_err("it is wrong").to_string();
        assert!(told("images: [\n").starts_with("Kustomization:2:1: "), "{}", told("images: [\n"));
        assert!(told("resources: []\nimagess: []\n").starts_with("Kustomization:2:"), "{}", told("resources: []\nimagess: []\n"));
    }

    #[test]
    fn a_verb_takes_one_argument() {
        assert_eq!(one(&["a".to_owned()], "x").expect("one"), "a");
        assert!(one(&[], "x").is_err() && one(&["a".to_owned(), "b".to_owned()], "x").is_err());
    }
}
