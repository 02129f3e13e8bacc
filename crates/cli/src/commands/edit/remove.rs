//! `fiel edit remove`.

use fiel_renderer::edit::{
    GeneratorKind, MapField, PatchArgs, PathField, remove_build_metadata, remove_generators, remove_pairs, remove_patch, remove_paths,
};

use super::{edit, one};
use crate::error::CommandError;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Removes annotations for all resources
    Annotation(Keys),
    /// Removes build metadata options
    Buildmetadata {
        /// The options, separated by commas
        #[arg(value_name = "OPTIONS")]
        options: Vec<String>,
    },
    /// Removes the generators of ConfigMaps
    Configmap(Generators),
    /// Removes labels for all resources
    Label(Keys),
    /// Removes a patch; all that is said of it must be the same
    Patch(Patch),
    /// Removes resources
    Resource {
        /// Patterns of paths; `*`, `?` and `[…]` match
        #[arg(value_name = "PATTERN")]
        patterns: Vec<String>,
    },
    /// Removes the generators of Secrets
    Secret(Generators),
    /// Removes the files of transformers
    Transformer {
        /// Patterns of paths; `*`, `?` and `[…]` match
        #[arg(value_name = "PATTERN")]
        patterns: Vec<String>,
    },
}

/// Keys of labels or annotations.
#[derive(Debug, clap::Args)]
pub(super) struct Keys {
    /// The keys, separated by commas
    #[arg(value_name = "KEYS")]
    keys: Vec<String>,
    /// A key that is not there is no error
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = clap::ArgAction::Set)]
    ignore_non_existence: bool,
}

/// Names of generators.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(super) struct Generators {
    /// The names, separated by commas
    #[arg(value_name = "NAMES")]
    names: Vec<String>,
    /// Their namespace
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    namespace: String,
}

/// A patch: a file or a text, and its target.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(super) struct Patch {
    /// The file of the patch
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    path: String,
    /// The patch itself
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    patch: String,
    /// The API group of the target
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    group: String,
    /// The API version of the target
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    version: String,
    /// The kind of the target
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    kind: String,
    /// The name of the target
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    name: String,
    /// The namespace of the target
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    namespace: String,
    /// The labels of the target
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    label_selector: String,
    /// The annotations of the target
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    annotation_selector: String,
    /// kustomize ignores arguments here, and so does this
    #[arg(hide = true)]
    ignored: Vec<String>,
}

impl Patch {
    /// As the renderer wants it.
    pub(super) fn args(&self) -> PatchArgs {
        let target = [
            ("group", &self.group),
            ("version", &self.version),
            ("kind", &self.kind),
            ("name", &self.name),
            ("namespace", &self.namespace),
            ("labelSelector", &self.label_selector),
            ("annotationSelector", &self.annotation_selector),
        ];
        let target = target.into_iter().map(|(name, text)| (name, text.clone())).collect();
        PatchArgs { path: self.path.clone(), patch: self.patch.clone(), target }
    }
}

pub(super) fn run(verb: &Verb) -> Result<(), CommandError> {
    match verb {
        Verb::Annotation(args) => pairs(MapField::Annotations, args),
        Verb::Buildmetadata { options } => {
            let options = one(options, "a buildMetadata option")?;
            edit(|file, _| remove_build_metadata(file, options))
        }
        Verb::Configmap(args) => generators(GeneratorKind::ConfigMap, args),
        Verb::Label(args) => pairs(MapField::Labels, args),
        Verb::Patch(args) => edit(|file, _| remove_patch(file, &args.args())),
        Verb::Resource { patterns } => edit(|file, _| remove_paths(file, PathField::Resources, patterns)),
        Verb::Secret(args) => generators(GeneratorKind::Secret, args),
        Verb::Transformer { patterns } => edit(|file, _| remove_paths(file, PathField::Transformers, patterns)),
    }
}

fn pairs(field: MapField, args: &Keys) -> Result<(), CommandError> {
    let keys = one(&args.keys, "the keys")?;
    edit(|file, _| remove_pairs(file, field, keys, args.ignore_non_existence))
}

fn generators(kind: GeneratorKind, args: &Generators) -> Result<(), CommandError> {
    let names = one(&args.names, "at least one name")?;
    edit(|file, _| remove_generators(file, kind, names, &args.namespace))
}
