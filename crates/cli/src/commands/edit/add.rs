//! `fiel edit add`.

use fiel_renderer::edit::{
    GeneratorKind, MapField, PathField, Source, add_bases, add_build_metadata, add_generator, add_labels, add_pairs, add_patch, add_paths,
};

use super::remove::Patch;
use super::{edit, one};
use crate::error::CommandError;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    Annotation(Annotation),
    Base(Base),
    Buildmetadata(BuildMetadata),
    /// Adds components: files, folders, patterns, repositories
    Component(Paths),
    /// Adds a ConfigMap's generator, or sources to one
    Configmap(ConfigMap),
    /// Adds the files of generators
    Generator(Paths),
    Label(Label),
    /// Adds a patch
    Patch(Patch),
    Resource(Resources),
    /// Adds a Secret's generator, or sources to one
    Secret(Secret),
    /// Adds the files of transformers
    Transformer(Paths),
}

/// Adds annotations for all resources: KEY:VALUE
#[derive(Debug, clap::Args)]
pub(super) struct Annotation {
    /// What to add
    #[arg(value_name = "KEY:VALUE")]
    annotations: Vec<String>,
    /// Overwrite what is there
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = clap::ArgAction::Set)]
    force: bool,
}

/// Adds folders to the resources
#[derive(Debug, clap::Args)]
pub(super) struct Base {
    /// The folders, separated by commas
    #[arg(value_name = "FOLDERS")]
    folders: Vec<String>,
}

/// Adds build metadata options: originAnnotations, transformerAnnotations, managedByLabel
#[derive(Debug, clap::Args)]
pub(super) struct BuildMetadata {
    /// The options, separated by commas
    #[arg(value_name = "OPTIONS")]
    options: Vec<String>,
}

/// Adds labels for all resources and their selectors: KEY:VALUE
#[derive(Debug, clap::Args)]
pub(super) struct Label {
    /// What to add
    #[arg(value_name = "KEY:VALUE")]
    labels: Vec<String>,
    /// Overwrite what is there
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = clap::ArgAction::Set)]
    force: bool,
    /// Leave selectors alone
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = clap::ArgAction::Set)]
    without_selector: bool,
    /// Label the templates of Pods as well (with --without-selector)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = clap::ArgAction::Set)]
    include_templates: bool,
}

/// Paths.
#[derive(Debug, clap::Args)]
pub(super) struct Paths {
    /// What to add; `*`, `?` and `[…]` match
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
}

/// Adds resources: files, folders, patterns, repositories
#[derive(Debug, clap::Args)]
pub(super) struct Resources {
    /// What to add; `*`, `?` and `[…]` match
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// Add the paths as they are, whether they exist or not
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = clap::ArgAction::Set)]
    no_verify: bool,
}

/// A generator and its sources.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
struct Sources {
    /// Its name
    name: Vec<String>,
    /// A key and its value
    #[arg(long, value_name = "KEY=VALUE", allow_hyphen_values = true)]
    from_literal: Vec<String>,
    /// A file, named by its key or by its own name; a pattern adds all that match
    #[arg(long, value_name = "[KEY=]PATH", value_delimiter = ',', allow_hyphen_values = true)]
    from_file: Vec<String>,
    /// A file of lines KEY=VALUE
    #[arg(long, value_name = "PATH", default_value = "", allow_hyphen_values = true)]
    from_env_file: String,
    /// Its namespace
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    namespace: String,
    /// Leave the hash off its name
    #[arg(long = "disableNameSuffixHash", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = clap::ArgAction::Set)]
    disable_hash: bool,
}

#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(super) struct ConfigMap {
    #[command(flatten)]
    sources: Sources,
    /// create, merge or replace: what becomes of a ConfigMap of that name in a base
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    behavior: String,
}

#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(super) struct Secret {
    #[command(flatten)]
    sources: Sources,
    /// The type of a new Secret
    #[arg(long = "type", default_value = "Opaque", allow_hyphen_values = true)]
    secret_type: String,
}

pub(super) fn run(verb: &Verb) -> Result<(), CommandError> {
    match verb {
        Verb::Annotation(args) => edit(|file, _| add_pairs(file, MapField::Annotations, &args.annotations, args.force)),
        Verb::Base(args) => {
            let folders = one(&args.folders, "a base directory")?;
            edit(|file, place| add_bases(file, place, folders))
        }
        Verb::Buildmetadata(args) => {
            let options = one(&args.options, "a buildMetadata option")?;
            edit(|file, _| add_build_metadata(file, options))
        }
        Verb::Component(args) => paths(PathField::Components, args),
        Verb::Configmap(args) => generator(GeneratorKind::ConfigMap, &args.sources, &args.behavior, ""),
        Verb::Generator(args) => paths(PathField::Generators, args),
        Verb::Label(args) if args.without_selector => edit(|file, _| add_labels(file, &args.labels, args.force, args.include_templates)),
        Verb::Label(args) if args.include_templates => {
            Err(CommandError::failed("--without-selector flag must be specified for --include-templates to work"))
        }
        Verb::Label(args) => edit(|file, _| add_pairs(file, MapField::Labels, &args.labels, args.force)),
        Verb::Patch(args) => edit(|file, _| add_patch(file, &args.args())),
        Verb::Resource(args) => edit(|file, place| add_paths(file, place, PathField::Resources, &args.paths, !args.no_verify)),
        Verb::Secret(args) => generator(GeneratorKind::Secret, &args.sources, "", &args.secret_type),
        Verb::Transformer(args) => paths(PathField::Transformers, args),
    }
}

fn paths(field: PathField, args: &Paths) -> Result<(), CommandError> {
    edit(|file, place| add_paths(file, place, field, &args.paths, true))
}

fn generator(kind: GeneratorKind, sources: &Sources, behavior: &str, secret_type: &str) -> Result<(), CommandError> {
    let source = Source {
        name: one(&sources.name, "the name once")?.to_owned(),
        namespace: sources.namespace.clone(),
        behavior: behavior.to_owned(),
        literals: sources.from_literal.clone(),
        files: sources.from_file.clone(),
        env: sources.from_env_file.clone(),
        secret_type: secret_type.to_owned(),
        disable_hash: sources.disable_hash,
    };
    edit(|file, place| add_generator(file, place, kind, &source))
}
