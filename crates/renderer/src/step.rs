//! Where the steps of a kustomization stand in its file: looked up only for a build that takes notes.

use std::collections::HashMap;

use crate::load::Folder;
use crate::provenance::Step;
use crate::transform::STRATEGIC;
use crate::yaml::{Pos, Value, parse_kustomization};

/// The kustomization as it is written, and which of its entries have been carried out.
pub(crate) struct Steps<'f> {
    folder: &'f Folder<'f>,
    file: &'f str,
    written: Value,
    taken: HashMap<&'static str, usize>,
}

impl<'f> Steps<'f> {
    /// The steps of a folder's kustomization; `None` if nobody takes notes.
    pub(crate) fn of(folder: &'f Folder<'f>, file: &'f str) -> Option<Self> {
        folder.session.recorder.as_ref()?;
        let (_, bytes) = folder.kustomization().ok()?;
        let written = parse_kustomization(&bytes, file).ok()?;
        Some(Self { folder, file, written, taken: HashMap::new() })
    }

    /// The next step of the transformer that kustomize calls so.
    pub(crate) fn next(&mut self, transformer: &str) -> Step {
        let fields: &[&'static str] = match transformer {
            STRATEGIC => &["patchesStrategicMerge"],
            "PatchTransformer" => &["patches"],
            "PatchJson6902Transformer" => &["patchesJson6902"],
            "NamespaceTransformer" => &["namespace"],
            "PrefixTransformer" => &["namePrefix"],
            "SuffixTransformer" => &["nameSuffix"],
            "LabelTransformer" => &["labels", "commonLabels"],
            "AnnotationsTransformer" => &["commonAnnotations"],
            "ReplicaCountTransformer" => &["replicas"],
            "ImageTagTransformer" => &["images"],
            "ReplacementTransformer" => &["replacements"],
            _ => &[],
        };
        for field in fields {
            let Some(value) = self.written.get(field) else { continue };
            let taken = self.taken.entry(field).or_default();
            let all_at_once = *field == "replacements";
            let entry = match value.as_list() {
                Some(entries) if !all_at_once => entries.get(*taken),
                _ => (*taken == 0).then_some(value),
            };
            let Some(entry) = entry else { continue };
            *taken += 1;
            let path = entry.get("path").unwrap_or(entry).text().filter(|text| field.starts_with("patches") && !text.contains('\n'));
            let step = Step::new(field, self.file, entry.pos);
            return step.values_in(path.filter(|path| !path.trim_start().starts_with('{')).map(|path| self.folder.name(path)));
        }
        Step::new(fields.first().copied().unwrap_or("transformer"), self.file, Pos::default())
    }
}
