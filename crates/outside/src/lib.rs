//! What a build reaches outside of its files: Git repositories, http files, helm, functions and plugins.
//!
//! [`World`] is the [`Outside`] of the command line. It does nothing that its fields do not allow: the default allows nothing. Programs are
//! started without a shell, and no argument that a repository chooses can be taken for a flag.

mod git;
mod helm;
mod http;
mod plugin;
mod process;

use std::path::PathBuf;

use fiel_renderer::{Checkout, Closed, Failure, FunctionCall, HelmCall, HelmSettings, Outside, PluginCall, Repository};

pub use git::Git;
pub use helm::Helm;
pub use plugin::Plugins;

/// The world outside, as far as it is allowed.
#[derive(Debug, Default)]
pub struct World {
    /// Fetching Git repositories and http files.
    pub fetch: Option<Git>,
    /// Running helm.
    pub helm: Option<Helm>,
    /// Running functions and plugins.
    pub plugins: Option<Plugins>,
}

impl World {
    /// Allows to fetch, with a cache in that folder.
    #[must_use]
    pub fn fetching(mut self, cache: impl Into<PathBuf>) -> Self {
        self.fetch = Some(Git::new(cache));
        self
    }
}

impl Outside for World {
    fn repository(&self, repository: &Repository) -> Result<Checkout, Failure> {
        self.fetch.as_ref().map_or_else(|| Closed.repository(repository), |git| git.fetch(repository))
    }

    fn download(&self, url: &str) -> Result<Vec<u8>, Failure> {
        if self.fetch.is_some() { http::get(url) } else { Closed.download(url) }
    }

    fn helm(&self, call: &HelmCall) -> Result<Vec<u8>, Failure> {
        self.helm.as_ref().map_or_else(|| Closed.helm(call), |helm| helm.run(call))
    }

    fn helm_settings(&self) -> HelmSettings {
        self.helm.as_ref().map(|helm| helm.settings.clone()).unwrap_or_default()
    }

    fn function(&self, call: &FunctionCall) -> Result<Option<Vec<u8>>, Failure> {
        self.plugins.as_ref().map_or_else(|| Closed.function(call), |plugins| plugins.function(call))
    }

    fn plugin(&self, call: &PluginCall) -> Result<Vec<u8>, Failure> {
        self.plugins.as_ref().map_or_else(|| Closed.plugin(call), |plugins| plugins.plugin(call))
    }
}
