//! What a build may ask of the world outside of its files. Nothing of it happens unless the caller hands in an [`Outside`] that does it.

use std::path::PathBuf;

use crate::fs::FileSystem;
use crate::repository::Repository;

/// The world outside of the files: each method refuses unless an implementation allows it.
pub trait Outside: Send + Sync {
    /// Fetches a Git repository.
    ///
    /// # Errors
    /// When it is not allowed or fails.
    fn repository(&self, repository: &Repository) -> Result<Checkout, Failure> {
        Err(Failure::refused(format!("{} is a remote base, and fetching is off here; copy it into the repository", repository.written)))
    }

    /// Reads an http(s) URL.
    ///
    /// # Errors
    /// When it is not allowed or fails.
    fn download(&self, url: &str) -> Result<Vec<u8>, Failure> {
        Err(Failure::refused(format!("{url} is a remote file, and fetching is off here; copy it into the repository")))
    }

    /// Runs helm and gives what it prints.
    ///
    /// # Errors
    /// When it is not allowed or fails.
    fn helm(&self, _call: &HelmCall) -> Result<Vec<u8>, Failure> {
        Err(Failure::refused("this kustomization needs helm, which is off; `build --enable-helm` allows it"))
    }

    /// What the command line says about helm, which wins over the kustomization.
    fn helm_settings(&self) -> HelmSettings {
        HelmSettings::default()
    }

    /// Runs a KRM function over a ResourceList. `None` when the function is skipped, as kustomize skips programs without `--enable-exec`.
    ///
    /// # Errors
    /// When it is not allowed or fails.
    fn function(&self, call: &FunctionCall) -> Result<Option<Vec<u8>>, Failure> {
        Err(Failure::refused(format!(
            "the plugin {} is not built in, and functions are off; `build --enable-alpha-plugins` allows them",
            call.name
        )))
    }

    /// Runs a plugin of the older kind, found by its apiVersion and kind.
    ///
    /// # Errors
    /// When it is not allowed, does not exist or fails.
    fn plugin(&self, call: &PluginCall) -> Result<Vec<u8>, Failure> {
        Err(Failure::refused(format!(
            "the plugin {} ({}) is not built in, and plugins are off; `build --enable-alpha-plugins` allows them",
            call.kind, call.api_version
        )))
    }
}

/// Allows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Closed;

impl Outside for Closed {}

/// Why the world outside gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    message: String,
    refused: bool,
}

impl Failure {
    /// The caller does not allow it.
    #[must_use]
    pub fn refused(message: impl Into<String>) -> Self {
        Self { message: message.into(), refused: true }
    }

    /// It was tried and failed.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self { message: message.into(), refused: false }
    }

    /// Whether it is not allowed, rather than failed.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.refused
    }
}

/// The files of a repository at a commit.
pub struct Checkout {
    /// Its files; they may not lead out of it.
    pub files: Box<dyn FileSystem>,
    /// The commit, for messages and the read set.
    pub commit: String,
}

/// An argument of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// As it is.
    Text(String),
    /// A file that is made for the call: its name and content.
    File(String, Vec<u8>),
}

/// A call of helm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelmCall {
    /// The arguments.
    pub arguments: Vec<Argument>,
    /// `HELM_CONFIG_HOME`; a folder that lives as long as the call where it is missing.
    pub config_home: Option<String>,
}

/// What a command line says about helm.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HelmSettings {
    /// `--helm-kube-version`
    pub kube_version: Option<String>,
    /// `--helm-api-versions`
    pub api_versions: Vec<String>,
    /// `--helm-debug`
    pub debug: bool,
}

/// A call of a KRM function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionCall {
    /// The function's configuration by kind and name, for messages.
    pub name: String,
    /// What runs.
    pub program: Program,
    /// The kustomization's folder where it lies on a disk.
    pub folder: Option<PathBuf>,
    /// The ResourceList.
    pub input: Vec<u8>,
}

/// What runs a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// A program on this machine.
    Exec {
        /// Where it is, relative to the kustomization's folder.
        path: String,
        /// Its arguments.
        arguments: Vec<String>,
        /// `NAME=VALUE`
        environment: Vec<String>,
    },
    /// A container.
    Container {
        /// Its image.
        image: String,
        /// Whether it wants a network.
        network: bool,
        /// What is mounted.
        mounts: Vec<Mount>,
        /// `NAME=VALUE`, or a `NAME` that is passed on.
        environment: Vec<String>,
    },
}

/// A mount of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mount {
    /// `bind`, `volume`, `tmpfs`
    pub kind: String,
    /// Where from.
    pub source: String,
    /// Where to.
    pub target: String,
    /// Whether the container may write.
    pub writable: bool,
}

impl Mount {
    /// Parses `type=bind,src=…,dst=…,rw=true`; what is not known is ignored.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut mount = Self::default();
        for (key, value) in text.split(',').filter_map(|option| option.split_once('=')) {
            match key {
                "type" => value.clone_into(&mut mount.kind),
                "src" | "source" => value.clone_into(&mut mount.source),
                "dst" | "target" => value.clone_into(&mut mount.target),
                "rw" => mount.writable = value == "true",
                _ => {}
            }
        }
        mount
    }
}

/// A call of a plugin of the older kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginCall {
    /// The apiVersion of its configuration.
    pub api_version: String,
    /// The kind of its configuration.
    pub kind: String,
    /// Its configuration as YAML.
    pub config: String,
    /// Its further arguments, split into words.
    pub arguments: Vec<String>,
    /// The kustomization's folder where it lies on a disk.
    pub folder: Option<PathBuf>,
    /// The resources; empty for a generator.
    pub input: Vec<u8>,
}
