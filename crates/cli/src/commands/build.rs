//! `fiel build`: what kustomize's `build` prints, with all of its flags.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::ArgAction::{Append, Set};
use fiel_outside::{Helm, Plugins, World};
use fiel_renderer::{Build, Disk, HelmSettings, LoadRestrictor, Mount, Options, Order, Repository};

use crate::error::CommandError;

mod files;
mod several;

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
    /// Whether files may be read from outside of a kustomization's folder
    #[arg(long, value_name = "RULE", default_value = "LoadRestrictionsRootOnly")]
    load_restrictor: Restrictor,
    /// Run helm for helmCharts
    #[arg(long, action = Set, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, value_name = "BOOL")]
    enable_helm: bool,
    /// The program helm
    #[arg(long, value_name = "PROGRAM", default_value = "helm")]
    helm_command: String,
    /// API versions that charts may use, unless the kustomization names some; may be repeated
    #[arg(long, value_name = "VERSION", action = Append)]
    helm_api_versions: Vec<String>,
    /// The Kubernetes version that charts are rendered for, unless the kustomization names one
    #[arg(long, value_name = "VERSION")]
    helm_kube_version: Option<String>,
    /// Let helm say more when it fails
    #[arg(long, action = Set, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, value_name = "BOOL")]
    helm_debug: bool,
    /// Run functions in containers, plugins, and helm
    #[arg(long, action = Set, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, value_name = "BOOL")]
    enable_alpha_plugins: bool,
    /// Run functions that are programs; never for kustomizations that you do not trust
    #[arg(long, action = Set, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, value_name = "BOOL")]
    enable_exec: bool,
    /// Run containers as the user who builds, not as nobody
    #[arg(long, action = Set, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, value_name = "BOOL")]
    as_current_user: bool,
    /// Give a network to containers that want one
    #[arg(long, action = Set, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, value_name = "BOOL")]
    network: bool,
    /// Taken for kustomize's sake, which does nothing with it
    #[arg(long, value_name = "NAME", default_value = "bridge")]
    network_name: String,
    /// A variable for containers: NAME=VALUE, or a NAME that is passed on; may be repeated
    #[arg(short, long, value_name = "VARIABLE", action = Append)]
    env: Vec<String>,
    /// What to mount into containers: type=bind,src=PATH,dst=PATH[,rw=true]; may be repeated
    #[arg(long, value_name = "MOUNT", action = Append)]
    mount: Vec<String>,
    /// The order of the resources (deprecated: use sortOptions)
    #[arg(long, value_name = "ORDER", hide = true)]
    reorder: Option<Reorder>,
    /// Label all resources as managed (deprecated: use buildMetadata)
    #[arg(long, action = Set, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, value_name = "BOOL", hide = true)]
    enable_managedby_label: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
#[value(rename_all = "PascalCase")]
enum Restrictor {
    LoadRestrictionsRootOnly,
    LoadRestrictionsNone,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Reorder {
    Legacy,
    None,
}

/// A switch's value as kustomize takes it.
fn switch(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("it should be true or false".to_owned()),
    }
}

/// Builds and prints.
pub(crate) fn run(args: &Args) -> Result<(), CommandError> {
    let mut stderr = std::io::stderr().lock();
    if args.reorder.is_some() {
        writeln!(stderr, "Flag --reorder has been deprecated, use the new 'sortOptions' field in kustomization.yaml instead.")?;
    }
    if args.enable_managedby_label {
        writeln!(stderr, "Flag --enable-managedby-label has been deprecated, use 'managedByLabel' in the buildMetadata field instead.")?;
    }
    drop(stderr);
    let builds = several::each(&args.paths, |path| build(args, path)).into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut stderr = std::io::stderr().lock();
    for warning in builds.iter().flat_map(Build::warnings) {
        writeln!(stderr, "# Warning: {warning}")?;
    }
    drop(stderr);
    let stream = || several::stream(builds.iter().map(Build::to_yaml));
    match (&args.output, &*builds) {
        (Some(folder), [build]) if folder.is_dir() => files::write(folder, build.resources()),
        (Some(folder), _) if folder.is_dir() => {
            Err(CommandError::failed(format!("{} is a folder; several paths can only be written to one file", folder.display())))
        }
        (Some(file), _) => std::fs::write(file, stream()).map_err(|e| CommandError::failed(format!("{}: {e}", file.display()))),
        (None, _) => {
            let mut stdout = std::io::stdout().lock();
            stdout.write_all(stream().as_bytes())?;
            stdout.flush()?;
            // The process ends here: the system takes the memory back faster than we could.
            std::mem::forget(builds);
            Ok(())
        }
    }
}

fn build(args: &Args, path: &str) -> Result<Build, CommandError> {
    let (options, world) = (options(args), world(args));
    if let Ok(repository) = Repository::parse(path) {
        return fiel_renderer::build_remote(&repository, &options, &world).map_err(CommandError::failed);
    }
    let (files, path) = locate(Path::new(path))?;
    fiel_renderer::build_with(&files, &path, &options, &world).map_err(|error| {
        let excerpt = error.excerpt().map(|lines| format!("\n{lines}")).unwrap_or_default();
        CommandError::failed(format!("{error}{excerpt}"))
    })
}

fn options(args: &Args) -> Options {
    Options {
        order: match args.reorder {
            Some(Reorder::None) => Order::AsRead,
            Some(Reorder::Legacy) | None => Order::Default,
        },
        load_restrictor: match args.load_restrictor {
            Restrictor::LoadRestrictionsRootOnly => LoadRestrictor::RootOnly,
            Restrictor::LoadRestrictionsNone => LoadRestrictor::None,
        },
        managed_by_label: args.enable_managedby_label,
        ..Options::default()
    }
}

/// What the flags allow. Fetching is allowed always, as kustomize has it; plugins bring helm along.
fn world(args: &Args) -> World {
    let settings =
        HelmSettings { kube_version: args.helm_kube_version.clone(), api_versions: args.helm_api_versions.clone(), debug: args.helm_debug };
    let helm = Helm { command: args.helm_command.clone(), settings };
    let plugins = || Plugins {
        exec: args.enable_exec,
        network: args.network,
        as_current_user: args.as_current_user,
        environment: args.env.clone(),
        mounts: args.mount.iter().map(|mount| Mount::parse(mount)).collect(),
        home: plugin_home(&|name| std::env::var_os(name).map(PathBuf::from)),
    };
    World {
        helm: (args.enable_helm || args.enable_alpha_plugins).then_some(helm),
        plugins: args.enable_alpha_plugins.then(plugins),
        ..fetching()
    }
}

/// A world that allows to fetch and nothing else.
pub(super) fn fetching() -> World {
    World::default().fetching(cache(&|name| std::env::var_os(name).map(PathBuf::from)))
}

/// Looks up a folder that a variable names.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<PathBuf>;

/// Where fetched repositories are kept.
fn cache(variable: Lookup<'_>) -> PathBuf {
    let set = |name: &str| variable(name).filter(|folder| folder.is_absolute());
    let home = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache"))).unwrap_or_else(std::env::temp_dir);
    home.join("fiel")
}

/// Where plugins of the older kind lie: the first folder that exists.
fn plugin_home(variable: Lookup<'_>) -> Option<PathBuf> {
    let below = |name: &str, rest: &str| variable(name).map(|folder| folder.join(rest));
    let places = [
        variable("KUSTOMIZE_PLUGIN_HOME"),
        below("XDG_CONFIG_HOME", "kustomize/plugin"),
        below("HOME", ".config/kustomize/plugin"),
        below("HOME", "kustomize/plugin"),
    ];
    places.into_iter().flatten().find(|folder| folder.is_dir())
}

/// The files of the disk and a folder among them. Messages name files as they are seen from the current folder.
pub(super) fn locate(path: &Path) -> Result<(Disk, String), CommandError> {
    let named = |e: std::io::Error| CommandError::failed(format!("{}: {e}", path.display()));
    let full = path.canonicalize().map_err(named)?;
    if !full.is_dir() {
        return Err(CommandError::failed(format!("{} is a file, not a folder that holds a kustomization", path.display())));
    }
    let text = full.as_os_str().to_str().ok_or_else(|| CommandError::failed(format!("{}: the path is not UTF-8", full.display())))?;
    let here = std::env::current_dir().and_then(|folder| folder.canonicalize())?;
    let below = Path::new(text).strip_prefix("/").map(Path::as_os_str).unwrap_or(OsStr::new(text));
    Ok((Disk::new("/").shown_from(here), below.to_string_lossy().into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_does_not_exist_is_named() {
        let error = locate(Path::new("no/such/folder")).expect_err("it does not exist");
        assert!(format!("{error:?}").contains("no/such/folder"));
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

    #[test]
    fn plugins_lie_in_the_first_folder_that_exists() {
        let temp = tempfile::tempdir().expect("a folder");
        let home = temp.path().join("home");
        std::fs::create_dir_all(home.join("kustomize/plugin")).expect("made");
        let variable = |name: &str| match name {
            "HOME" => Some(home.clone()),
            "KUSTOMIZE_PLUGIN_HOME" => Some(temp.path().join("gone")),
            _ => None,
        };
        assert_eq!(plugin_home(&variable), Some(home.join("kustomize/plugin")));
        assert_eq!(plugin_home(&|_| None), None);
        assert_eq!(cache(&variable), home.join(".cache/fiel"));
        assert!(cache(&|_| None).is_absolute());
    }
}
