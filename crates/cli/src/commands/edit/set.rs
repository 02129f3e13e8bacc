//! `fiel edit set`.

use fiel_renderer::edit::{
    Edited, GeneratorKind, MapField, TextField, set_build_metadata, set_generator, set_images, set_pairs, set_replicas, set_text,
};

use super::{edit, one};
use crate::error::CommandError;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Sets labels for all resources: KEY:VALUE
    Label {
        /// What to set
        #[arg(value_name = "KEY:VALUE")]
        labels: Vec<String>,
    },
    /// Sets annotations for all resources: KEY:VALUE
    Annotation {
        /// What to set
        #[arg(value_name = "KEY:VALUE")]
        annotations: Vec<String>,
    },
    /// Replaces the build metadata options: originAnnotations, transformerAnnotations, managedByLabel
    Buildmetadata {
        /// The options, separated by commas
        #[arg(value_name = "OPTIONS")]
        options: Vec<String>,
    },
    /// Gives literals of a ConfigMap's generator new values, or it a new namespace
    Configmap(Generator),
    /// Gives literals of a Secret's generator new values, or it a new namespace
    Secret(Generator),
    /// Sets images: NAME=NEWNAME, NAME=NEWNAME:TAG, NAME=NEWNAME@DIGEST, NAME:TAG or NAME@DIGEST; `*` keeps what is there
    Image {
        /// What to set
        #[arg(value_name = "IMAGE")]
        images: Vec<String>,
    },
    /// Sets the prefix of all names
    Nameprefix {
        /// The prefix
        #[arg(value_name = "PREFIX")]
        value: Vec<String>,
    },
    /// Sets the suffix of all names
    Namesuffix {
        /// The suffix
        #[arg(value_name = "SUFFIX")]
        value: Vec<String>,
    },
    /// Sets the namespace of all resources
    Namespace {
        /// The namespace
        #[arg(value_name = "NAMESPACE")]
        value: Vec<String>,
    },
    /// Sets replica counts: NAME=COUNT
    Replicas {
        /// What to set
        #[arg(value_name = "NAME=COUNT")]
        replicas: Vec<String>,
    },
}

/// A generator and what changes in it.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(super) struct Generator {
    /// Its name
    name: Vec<String>,
    /// A key that is there and its new value
    #[arg(long, value_name = "KEY=VALUE", allow_hyphen_values = true)]
    from_literal: Vec<String>,
    /// The namespace it has
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    namespace: String,
    /// The namespace it gets
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    new_namespace: String,
}

pub(super) fn run(verb: &Verb) -> Result<(), CommandError> {
    match verb {
        Verb::Label { labels } => edit(|file, _| set_pairs(file, MapField::Labels, labels)),
        Verb::Annotation { annotations } => edit(|file, _| set_pairs(file, MapField::Annotations, annotations)),
        Verb::Buildmetadata { options } => {
            let options = one(options, "a buildMetadata option")?;
            edit(|file, _| set_build_metadata(file, options))
        }
        Verb::Configmap(args) => generator(GeneratorKind::ConfigMap, args),
        Verb::Secret(args) => generator(GeneratorKind::Secret, args),
        Verb::Image { images } => edit(|file, _| set_images(file, images)),
        Verb::Nameprefix { value } => text(TextField::NamePrefix, value),
        Verb::Namesuffix { value } => text(TextField::NameSuffix, value),
        Verb::Namespace { value } => text(TextField::Namespace, value),
        Verb::Replicas { replicas } => edit(|file, _| set_replicas(file, replicas)),
    }
}

fn text(field: TextField, value: &[String]) -> Result<(), CommandError> {
    let value = one(value, "exactly one value")?;
    edit(|file, _| {
        set_text(file, field, value);
        Ok(Edited { changed: true, notes: Vec::new() })
    })
}

fn generator(kind: GeneratorKind, args: &Generator) -> Result<(), CommandError> {
    let name = (one(&args.name, "the name once")?, &*args.namespace);
    edit(|file, place| set_generator(file, place, kind, name, &args.from_literal, &args.new_namespace))
}
