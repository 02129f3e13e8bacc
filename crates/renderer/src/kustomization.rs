//! The kustomization file as typed fields.

use crate::decode::{Fields, error};
use crate::error::{Error, ErrorKind, Result};
use crate::fieldspec::FieldSpec;
use crate::helm::{Chart, Globals};
use crate::yaml::{Pos, Value};

/// A path or an inline document, and where it stands.
pub(crate) type Entry = (String, Pos);

/// All fields of a kustomization or component.
#[derive(Debug, Default)]
pub(crate) struct Kustomization {
    pub(crate) kind: String,
    pub(crate) name_prefix: String,
    pub(crate) name_suffix: String,
    pub(crate) namespace: String,
    pub(crate) common_labels: Vec<(String, String)>,
    pub(crate) labels: Vec<Label>,
    pub(crate) common_annotations: Vec<(String, String)>,
    pub(crate) patches_strategic_merge: Vec<Entry>,
    pub(crate) patches_json6902: Vec<Patch>,
    pub(crate) patches: Vec<Patch>,
    pub(crate) images: Vec<Image>,
    pub(crate) replicas: Vec<Replica>,
    pub(crate) replacements: Vec<Value>,
    pub(crate) vars: Vec<Value>,
    pub(crate) sort_options: Option<Value>,
    pub(crate) resources: Vec<Entry>,
    pub(crate) components: Vec<Entry>,
    pub(crate) crds: Vec<Entry>,
    pub(crate) config_maps: Vec<GeneratorArgs>,
    pub(crate) secrets: Vec<GeneratorArgs>,
    pub(crate) generator_options: Option<GeneratorOptions>,
    pub(crate) configurations: Vec<Entry>,
    pub(crate) generators: Vec<Entry>,
    pub(crate) transformers: Vec<Entry>,
    pub(crate) validators: Vec<Entry>,
    pub(crate) build_metadata: Vec<String>,
    pub(crate) openapi: Option<Value>,
    pub(crate) helm_charts: Vec<Chart>,
    pub(crate) helm_globals: Globals,
    pub(crate) warnings: Vec<String>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Label {
    pub(crate) pairs: Vec<(String, String)>,
    pub(crate) include_selectors: bool,
    pub(crate) include_templates: bool,
    pub(crate) fields: Vec<FieldSpec>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Patch {
    pub(crate) path: String,
    pub(crate) patch: String,
    pub(crate) target: Option<Selector>,
    pub(crate) name_change: bool,
    pub(crate) kind_change: bool,
    pub(crate) pos: Pos,
    /// Where inline text begins, so that errors in it can point there.
    pub(crate) patch_pos: Pos,
}

/// Which resources a patch or replacement is for; empty fields match all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selector {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) annotation_selector: String,
    pub(crate) label_selector: String,
    pub(crate) pos: Pos,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Image {
    pub(crate) name: String,
    pub(crate) new_name: String,
    pub(crate) new_tag: String,
    pub(crate) tag_suffix: String,
    pub(crate) digest: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Replica {
    pub(crate) name: String,
    pub(crate) count: i64,
    pub(crate) pos: Pos,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct GeneratorOptions {
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) annotations: Vec<(String, String)>,
    pub(crate) disable_hash: bool,
    pub(crate) immutable: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct GeneratorArgs {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) behavior: String,
    pub(crate) literals: Vec<Entry>,
    pub(crate) files: Vec<Entry>,
    pub(crate) envs: Vec<Entry>,
    pub(crate) options: Option<GeneratorOptions>,
    pub(crate) secret_type: String,
    pub(crate) pos: Pos,
}

const FIELDS: [&str; 33] = [
    "apiVersion",
    "kind",
    "metadata",
    "openapi",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "commonLabels",
    "labels",
    "commonAnnotations",
    "patchesStrategicMerge",
    "patchesJson6902",
    "patches",
    "images",
    "imageTags",
    "replacements",
    "replicas",
    "vars",
    "sortOptions",
    "resources",
    "components",
    "crds",
    "bases",
    "configMapGenerator",
    "secretGenerator",
    "generatorOptions",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "buildMetadata",
    "helmCharts",
    "helmGlobals",
];

fn deprecated(field: &str, instead: &str, experimental: &str) -> String {
    format!(
        "'{field}' is deprecated. Please use '{instead}' instead.{experimental} Run 'kustomize edit fix' to update your Kustomization automatically."
    )
}

impl Kustomization {
    /// Decodes a document.
    pub(crate) fn decode(value: Value) -> Result<Self> {
        let start = value.pos;
        let mut f = Fields::new(value, "a kustomization")?;
        if f.is_empty() {
            return Err(error(start, "the kustomization is empty"));
        }
        let mut k = Self::default();
        let api_version = f.text("apiVersion")?;
        k.kind = f.text("kind")?;
        let _metadata = f.take("metadata");
        if f.is_empty() {
            return Err(error(start, "the kustomization is empty"));
        }
        for (field, instead, more) in [
            ("bases", "resources", ""),
            ("imageTags", "images", ""),
            ("patchesJson6902", "patches", ""),
            ("patchesStrategicMerge", "patches", ""),
            ("vars", "replacements", " [EXPERIMENTAL]"),
            ("commonLabels", "labels", ""),
        ] {
            if f.has(field) {
                k.warnings.push(deprecated(field, instead, more));
            }
        }
        if let Some(value) = f.take("inventory") {
            return Err(Error::new(ErrorKind::Unsupported, "the field inventory is not supported").at(value.pos));
        }
        k.check_header(&api_version, start)?;
        k.name_prefix = f.text("namePrefix")?;
        k.name_suffix = f.text("nameSuffix")?;
        k.namespace = f.text("namespace")?;
        k.common_labels = f.string_map("commonLabels")?;
        k.labels = each(f.list("labels")?, Label::decode)?;
        k.common_annotations = f.string_map("commonAnnotations")?;
        k.patches_strategic_merge = f.strings("patchesStrategicMerge")?;
        k.patches_json6902 = each(f.list("patchesJson6902")?, Patch::decode)?;
        k.patches = each(f.list("patches")?, Patch::decode)?;
        k.images = each(f.list("images")?, Image::decode)?;
        k.images.extend(each(f.list("imageTags")?, Image::decode)?);
        k.replicas = each(f.list("replicas")?, Replica::decode)?;
        k.replacements = f.list("replacements")?;
        k.vars = f.list("vars")?;
        k.sort_options = f.take("sortOptions");
        k.resources = f.strings("resources")?;
        k.resources.extend(f.strings("bases")?);
        k.components = f.strings("components")?;
        k.crds = f.strings("crds")?;
        k.config_maps = each(f.list("configMapGenerator")?, |v| GeneratorArgs::decode(v, false))?;
        k.secrets = each(f.list("secretGenerator")?, |v| GeneratorArgs::decode(v, true))?;
        k.generator_options = f.take("generatorOptions").map(GeneratorOptions::decode).transpose()?;
        k.configurations = f.strings("configurations")?;
        k.generators = f.strings("generators")?;
        k.transformers = f.strings("transformers")?;
        k.validators = f.strings("validators")?;
        k.build_metadata = f.strings("buildMetadata")?.into_iter().map(|(text, _)| text).collect();
        k.openapi = f.take("openapi");
        k.helm_globals = f.take("helmGlobals").map(Globals::decode).transpose()?.unwrap_or_default();
        k.helm_charts = each(f.list("helmCharts")?, Chart::decode)?;
        for old in f.list("helmChartInflationGenerator")? {
            k.helm_charts.push(Chart::decode_old(old, &mut k.helm_globals)?);
        }
        f.finish(&FIELDS)?;
        Ok(k)
    }

    fn check_header(&self, api_version: &str, pos: Pos) -> Result<()> {
        let wanted = match &*self.kind {
            "" | "Kustomization" => "kustomize.config.k8s.io/v1beta1",
            "Component" => "kustomize.config.k8s.io/v1alpha1",
            other => return Err(error(pos, format!("kind should be Kustomization or Component, not {other}"))),
        };
        if api_version.is_empty() || api_version == wanted {
            return Ok(());
        }
        Err(error(
            pos,
            format!(
                "apiVersion for {} should be {wanted}, not {api_version}",
                if self.kind.is_empty() { "Kustomization" } else { &self.kind }
            ),
        ))
    }
}

fn each<T>(items: Vec<Value>, decode: impl Fn(Value) -> Result<T>) -> Result<Vec<T>> {
    items.into_iter().map(decode).collect()
}

impl Label {
    fn decode(value: Value) -> Result<Self> {
        let mut f = Fields::new(value, "a label")?;
        let label = Self {
            pairs: f.string_map("pairs")?,
            include_selectors: f.boolean("includeSelectors")?,
            include_templates: f.boolean("includeTemplates")?,
            fields: each(f.list("fields")?, FieldSpec::decode)?,
        };
        f.finish(&["pairs", "includeSelectors", "includeTemplates", "fields"])?;
        Ok(label)
    }
}

impl Patch {
    pub(crate) fn decode(value: Value) -> Result<Self> {
        let mut f = Fields::new(value, "a patch")?;
        let patch = Self::take(&mut f)?;
        f.finish(&["path", "patch", "target", "options"])?;
        Ok(patch)
    }

    pub(crate) fn take(f: &mut Fields) -> Result<Self> {
        let mut patch = Self { pos: f.pos(), path: f.text("path")?, ..Self::default() };
        if let Some(text) = f.take("patch") {
            patch.patch_pos = text.pos;
            patch.patch = crate::decode::string(&text, "patch")?;
        }
        patch.target = f.take("target").map(Selector::decode).transpose()?;
        if let Some(options) = f.take("options") {
            if let Some(map) = options.as_map() {
                for (key, value) in map.iter() {
                    let on = crate::decode::boolean(value, key)?;
                    match key {
                        "allowNameChange" => patch.name_change = on,
                        "allowKindChange" => patch.kind_change = on,
                        // kustomize takes any name here and ignores those it does not know.
                        _ => {}
                    }
                }
            } else {
                return Err(error(options.pos, "options must be a map"));
            }
        }
        Ok(patch)
    }
}

impl Selector {
    pub(crate) fn decode(value: Value) -> Result<Self> {
        let mut f = Fields::new(value, "a selector")?;
        let selector = Self {
            pos: f.pos(),
            group: f.text("group")?,
            version: f.text("version")?,
            kind: f.text("kind")?,
            name: f.text("name")?,
            namespace: f.text("namespace")?,
            annotation_selector: f.text("annotationSelector")?,
            label_selector: f.text("labelSelector")?,
        };
        f.finish(&["group", "version", "kind", "name", "namespace", "annotationSelector", "labelSelector"])?;
        Ok(selector)
    }
}

impl Image {
    pub(crate) fn decode(value: Value) -> Result<Self> {
        let mut f = Fields::new(value, "an image")?;
        let image = Self {
            name: f.text("name")?,
            new_name: f.text("newName")?,
            new_tag: f.text("newTag")?,
            tag_suffix: f.text("tagSuffix")?,
            digest: f.text("digest")?,
        };
        f.finish(&["name", "newName", "newTag", "tagSuffix", "digest"])?;
        Ok(image)
    }
}

impl Replica {
    pub(crate) fn decode(value: Value) -> Result<Self> {
        let mut f = Fields::new(value, "replicas")?;
        let replica = Self { pos: f.pos(), name: f.text("name")?, count: f.integer("count")?.unwrap_or(0) };
        f.finish(&["name", "count"])?;
        Ok(replica)
    }
}

impl GeneratorOptions {
    pub(crate) fn decode(value: Value) -> Result<Self> {
        let mut f = Fields::new(value, "generator options")?;
        let options = Self {
            labels: f.string_map("labels")?,
            annotations: f.string_map("annotations")?,
            disable_hash: f.boolean("disableNameSuffixHash")?,
            immutable: f.boolean("immutable")?,
        };
        f.finish(&["labels", "annotations", "disableNameSuffixHash", "immutable"])?;
        Ok(options)
    }
}

impl GeneratorArgs {
    pub(crate) fn decode(value: Value, secret: bool) -> Result<Self> {
        let mut f = Fields::new(value, "a generator")?;
        let args = Self::take(&mut f, secret)?;
        f.finish(&["name", "namespace", "behavior", "literals", "files", "envs", "env", "options", "type"])?;
        Ok(args)
    }

    pub(crate) fn take(f: &mut Fields, secret: bool) -> Result<Self> {
        let mut args = Self {
            pos: f.pos(),
            name: f.text("name")?,
            namespace: f.text("namespace")?,
            behavior: f.text("behavior")?,
            literals: f.strings("literals")?,
            files: f.strings("files")?,
            envs: f.strings("envs")?,
            options: f.take("options").map(GeneratorOptions::decode).transpose()?,
            secret_type: if secret { f.text("type")? } else { String::new() },
        };
        if let Some(env) = f.take("env") {
            args.envs.push((crate::decode::string(&env, "env")?, env.pos));
        }
        Ok(args)
    }
}
