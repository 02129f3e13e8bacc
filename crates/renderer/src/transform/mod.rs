//! The built-in transformers. Each is a value that is applied to all resources.

mod chain;
mod image;
mod patch;
mod simple;

pub(crate) use chain::apply_in_turn;
pub(crate) use image::Images;
pub(crate) use patch::{Patches, load_inline_or_file, patch_entries, prepare};

use crate::error::Result;
use crate::fieldspec::FieldSpec;
use crate::kustomization::Replica;
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
    Images(Box<Images>),
    Replacements(Vec<crate::replacement::Replacement>),
}

/// A change to one resource, for threads to share.
type Change<'a> = Box<dyn Fn(&mut Resource) -> Result<()> + Sync + 'a>;

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
            Self::Images(_) => "ImageTagTransformer",
            Self::Replacements(_) => "ReplacementTransformer",
        }
    }

    /// Whether kustomize looks among these for ids that stand twice because one of them gave them: it does after a merge with a target.
    pub(crate) fn find_ids_twice(steps: &[Self]) -> bool {
        let mut changed = false;
        steps.iter().any(|step| {
            let Self::Patch(_, patches) = step else { return false };
            changed |= patches.changes_ids();
            changed && patches.finds_ids_twice()
        })
    }

    /// What to tell after it was applied when it was for nothing that is there; kustomize says nothing then.
    pub(crate) fn unused(&self, file: &str) -> Option<String> {
        match self {
            Self::Replacements(replacements) => crate::replacement::unused(replacements).next().map(|(own, pos)| {
                let file = own.unwrap_or(file);
                format!("{file}:{}:{}: this target of a replacement matches no resource", pos.line, pos.column)
            }),
            Self::Patch(_, patches) => patches.unused(),
            Self::Images(images) => images.unused(file),
            _ => None,
        }
    }

    /// What it does with each resource by itself, if it need not look at the others.
    fn each(&self) -> Option<Change<'_>> {
        Some(match self {
            Self::Prefix { text, specs } => Box::new(|resource| simple::rename(resource, text, specs, true)),
            Self::Suffix { text, specs } => Box::new(|resource| simple::rename(resource, text, specs, false)),
            Self::Labels { pairs, specs } | Self::Annotations { pairs, specs } => {
                Box::new(|resource| simple::set_pairs(resource, pairs, specs))
            }
            Self::Images(images) => Box::new(|resource| images.set(resource)),
            Self::Patch(_, patches) => return patches.each(),
            Self::Namespace { .. } | Self::Replicas { .. } | Self::Replacements(_) => return None,
        })
    }

    /// Whether what it does with each resource may change names.
    fn renames(&self) -> bool {
        match self {
            Self::Prefix { .. } | Self::Suffix { .. } => true,
            Self::Patch(_, patches) => patches.rename(),
            _ => false,
        }
    }

    /// Does what needs to look at all resources; tells whether one may be empty now.
    fn change_all(&self, resources: &mut [Resource], names: &mut Option<Names>) -> Result<bool> {
        match self {
            Self::Patch(_, patches) => return patches.apply(resources, names.get_or_insert_with(|| Names::of(resources))),
            Self::Replicas { replica, specs } => {
                let names = names.get_or_insert_with(|| Names::of(resources));
                return simple::replicas(resources, names, replica, specs).map(|()| false);
            }
            Self::Namespace { namespace, specs, unset_only, subjects } => {
                simple::namespace(resources, namespace, specs, *unset_only, *subjects)
            }
            Self::Replacements(replacements) => crate::replacement::apply(resources, replacements),
            Self::Prefix { .. } | Self::Suffix { .. } | Self::Labels { .. } | Self::Annotations { .. } | Self::Images(_) => Ok(()),
        }?;
        *names = None;
        Ok(resources.iter().any(Resource::is_empty))
    }

    /// Applies one transformer by itself.
    pub(crate) fn apply(&self, resources: &mut Vec<Resource>) -> Result<()> {
        apply_in_turn(std::slice::from_ref(self), resources, &mut None).1
    }
}
