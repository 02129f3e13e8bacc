//! `fiel create`: a new kustomization, as kustomize's `create` makes it.

use std::path::Path;

use fiel_renderer::edit::{New, create};

use super::edit::{Here, replace};
use crate::error::CommandError;

/// Makes a kustomization in the current folder, as `kustomize create` does.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(crate) struct Args {
    /// Files, folders and patterns to add, separated by commas
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    resources: String,
    /// The namespace of all resources
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    namespace: String,
    /// The prefix of all names
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    nameprefix: String,
    /// The suffix of all names
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    namesuffix: String,
    /// Annotations KEY:VALUE for all resources, separated by commas
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    annotations: String,
    /// Labels KEY:VALUE for all resources, separated by commas
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    labels: String,
    /// Look for resources in the current folder
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = clap::ArgAction::Set)]
    autodetect: bool,
    /// Look for them in the folders below as well
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = clap::ArgAction::Set)]
    recursive: bool,
    /// kustomize ignores arguments here, and so does this
    #[arg(hide = true)]
    ignored: Vec<String>,
}

/// Writes `kustomization.yaml`.
pub(crate) fn run(args: &Args) -> Result<(), CommandError> {
    let here = Here::new()?;
    let new = New {
        resources: args.resources.clone(),
        namespace: args.namespace.clone(),
        name_prefix: args.nameprefix.clone(),
        name_suffix: args.namesuffix.clone(),
        annotations: args.annotations.clone(),
        labels: args.labels.clone(),
        autodetect: args.autodetect,
        recursive: args.recursive,
    };
    let text = create(&here.place(), &new).map_err(CommandError::failed)?;
    replace(Path::new("kustomization.yaml"), text.as_bytes())
}
