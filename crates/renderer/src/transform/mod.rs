//! The built-in transformers. Each is a value that is applied to all resources.

mod image;
mod patch;
mod simple;

pub(crate) use image::set_images;
pub(crate) use patch::{Patches, load_inline_or_file, prepare};
pub(crate) use simple::{annotate, label, namespace, prefix, replicas, suffix};

use std::cell::Cell;

use crate::error::Result;
use crate::fieldspec::FieldSpec;
use crate::kustomization::{Image, Replica};
use crate::names::Names;
use crate::resource::Resource;

/// One step of a kustomization.
pub(crate) enum Transformer {
    /// Of the kind of transformer that kustomize has for it.
    Patch(&'static str, Box<Patches>),
    Namespace {
        namespace: String,
        specs: Vec<FieldSpec>,
        unset_only: bool,
        subjects: Subjects,
    },
    Prefix {
        text: String,
        specs: Vec<FieldSpec>,
    },
    Suffix {
        text: String,
        specs: Vec<FieldSpec>,
    },
    Labels {
        pairs: Vec<(String, String)>,
        specs: Vec<FieldSpec>,
    },
    Annotations {
        pairs: Vec<(String, String)>,
        specs: Vec<FieldSpec>,
    },
    Replicas {
        replica: Replica,
        specs: Vec<FieldSpec>,
    },
    Images {
        image: Image,
        specs: Vec<FieldSpec>,
        /// Whether any image was of that name.
        used: Cell<bool>,
    },
    Replacements(Vec<crate::replacement::Replacement>),
}

/// Which subjects of role bindings get the namespace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Subjects {
    /// Those named `default`.
    #[default]
    DefaultOnly,
    /// All ServiceAccounts.
    AllServiceAccounts,
    /// None.
    Nothing,
}

/// What kustomize calls the transformer for `patchesStrategicMerge`.
pub(crate) const STRATEGIC: &str = "PatchStrategicMergeTransformer";

impl Transformer {
    /// What kustomize calls it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Patch(name, _) => name,
            Self::Namespace { .. } => "NamespaceTransformer",
            Self::Prefix { .. } => "PrefixTransformer",
            Self::Suffix { .. } => "SuffixTransformer",
            Self::Labels { .. } => "LabelTransformer",
            Self::Annotations { .. } => "AnnotationsTransformer",
            Self::Replicas { .. } => "ReplicaCountTransformer",
            Self::Images { .. } => "ImageTagTransformer",
            Self::Replacements(_) => "ReplacementTransformer",
        }
    }

    /// What to tell after it was applied when it was for nothing that is there; kustomize says nothing then.
    pub(crate) fn unused(&self, file: &str) -> Option<String> {
        match self {
            Self::Replacements(replacements) => crate::replacement::unused(replacements).next().map(|(own, pos)| {
                let file = own.unwrap_or(file);
                format!("{file}:{}:{}: this target of a replacement matches no resource", pos.line, pos.column)
            }),
            Self::Patch(_, patches) => patches.unused(),
            Self::Images { image, used, .. } if !used.get() => {
                Some(format!("{file}: no container has an image named {}, which images changes", image.name))
            }
            _ => None,
        }
    }

    /// Applies one transformer by itself.
    pub(crate) fn apply(&self, resources: &mut Vec<Resource>) -> Result<()> {
        self.apply_with(resources, &mut None)
    }

    /// As `apply`. `names` is made when it is needed and kept up to date for the next transformer; where all names or places may change it goes.
    pub(crate) fn apply_with(&self, resources: &mut Vec<Resource>, names: &mut Option<Names>) -> Result<()> {
        match self {
            Self::Patch(_, patches) => {
                let names = names.get_or_insert_with(|| Names::of(&*resources));
                let deleted = patches.apply(resources, names)?;
                if deleted { Ok(()) } else { return Ok(()) }
            }
            Self::Replicas { replica, specs } => {
                let names = names.get_or_insert_with(|| Names::of(&*resources));
                return replicas(resources, names, replica, specs);
            }
            Self::Namespace { namespace: name, specs, unset_only, subjects } => namespace(resources, name, specs, *unset_only, *subjects),
            Self::Prefix { text, specs } => prefix(resources, text, specs),
            Self::Suffix { text, specs } => suffix(resources, text, specs),
            Self::Labels { pairs, specs } => label(resources, pairs, specs),
            Self::Annotations { pairs, specs } => annotate(resources, pairs, specs),
            Self::Images { image, specs, used } => set_images(resources, image, specs).map(|found| used.set(found)),
            Self::Replacements(replacements) => crate::replacement::apply(resources, replacements),
        }?;
        *names = None;
        resources.retain(|resource| !resource.is_empty());
        Ok(())
    }
}
