//! How a build is to be done: kustomize's flags, which every verb that builds takes.

use std::io::Write as _;
use std::path::PathBuf;

use clap::ArgAction::{Append, Set};
use fiel_outside::{Helm, Plugins, World};
use fiel_renderer::{HelmSettings, LoadRestrictor, Mount, Options, Order};

/// The flags of kustomize's `build`.
#[derive(Debug, clap::Args)]
pub(in crate::commands) struct Flags {
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

#[derive(Debug, Default, Clone, Copy, clap::ValueEnum)]
#[value(rename_all = "PascalCase")]
enum Restrictor {
    #[default]
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

impl Default for Flags {
    /// The flags of a command line without any.
    fn default() -> Self {
        Self {
            load_restrictor: Restrictor::default(),
            enable_helm: false,
            helm_command: "helm".to_owned(),
            helm_api_versions: Vec::new(),
            helm_kube_version: None,
            helm_debug: false,
            enable_alpha_plugins: false,
            enable_exec: false,
            as_current_user: false,
            network: false,
            network_name: "bridge".to_owned(),
            env: Vec::new(),
            mount: Vec::new(),
            reorder: None,
            enable_managedby_label: false,
        }
    }
}

impl Flags {
    /// Says which flags are deprecated, in kustomize's words.
    pub(in crate::commands) fn say_deprecated(&self) -> std::io::Result<()> {
        let mut stderr = std::io::stderr().lock();
        if self.reorder.is_some() {
            writeln!(stderr, "Flag --reorder has been deprecated, use the new 'sortOptions' field in kustomization.yaml instead.")?;
        }
        if self.enable_managedby_label {
            writeln!(
                stderr,
                "Flag --enable-managedby-label has been deprecated, use 'managedByLabel' in the buildMetadata field instead."
            )?;
        }
        Ok(())
    }

    /// How to build.
    pub(in crate::commands) fn options(&self) -> Options {
        Options {
            order: match self.reorder {
                Some(Reorder::None) => Order::AsRead,
                Some(Reorder::Legacy) | None => Order::Default,
            },
            load_restrictor: match self.load_restrictor {
                Restrictor::LoadRestrictionsRootOnly => LoadRestrictor::RootOnly,
                Restrictor::LoadRestrictionsNone => LoadRestrictor::None,
            },
            managed_by_label: self.enable_managedby_label,
            ..Options::default()
        }
    }

    /// What the flags allow. Fetching is allowed always, as kustomize has it; plugins bring helm along.
    pub(in crate::commands) fn world(&self) -> World {
        let settings = HelmSettings {
            kube_version: self.helm_kube_version.clone(),
            api_versions: self.helm_api_versions.clone(),
            debug: self.helm_debug,
        };
        let helm = Helm { command: self.helm_command.clone(), settings };
        let plugins = || Plugins {
            exec: self.enable_exec,
            network: self.network,
            as_current_user: self.as_current_user,
            environment: self.env.clone(),
            mounts: self.mount.iter().map(|mount| Mount::parse(mount)).collect(),
            home: plugin_home(&|name| std::env::var_os(name).map(PathBuf::from)),
        };
        World {
            helm: (self.enable_helm || self.enable_alpha_plugins).then_some(helm),
            plugins: self.enable_alpha_plugins.then(plugins),
            ..fetching()
        }
    }
}

/// A world that allows to fetch and nothing else.
pub(in crate::commands) fn fetching() -> World {
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

#[cfg(test)]
mod tests {
    use super::*;

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
