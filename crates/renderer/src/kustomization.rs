//! The kustomization file as typed fields.

use crate::decode::{Fields, Known, error};
use crate::error::{Error, ErrorKind, Result};
use crate::fieldspec::FieldSpec;
use crate::helm::{Chart, Globals};
use crate::replacement::Replacement;
use crate::vars::Var;
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
    pub(crate) vars: Vec<Var>,
    pub(crate) sort_options: Option<SortOptions>,
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

/// Whether a field is to kustomize as if it were not there: it holds null or an empty text, or is the older name of another field and holds an empty list.
fn is_nothing(field: &str, value: &Value) -> bool {
    let is_older = ["bases", "imageTags", "helmChartInflationGenerator"].iter().any(|older| field.eq_ignore_ascii_case(older));
    value.is_null() || value.as_str() == Some("") || is_older && value.as_list().is_some_and(<[Value]>::is_empty)
}

impl Kustomization {
    /// Decodes a document.
    pub(crate) fn decode(value: Value) -> Result<Self> {
        let start = value.pos;
        let mut f = Fields::new(value, "a kustomization")?;
        if f.is_empty() {
            return Err(error(start, "the kustomization is empty"));
        }
        let api_version = f.text("apiVersion");
        let mut k = Self { kind: f.text("kind"), ..Self::default() };
        let metadata = f.take("metadata");
        if metadata.is_none() && f.all(is_nothing) {
            return f.read(&FIELDS, |f| {
                k.take(f);
                Err(error(start, "the kustomization is empty: its fields hold nothing"))
            });
        }
        if let Some(value) = f.take("inventory") {
            return Err(Error::new(ErrorKind::Unsupported, "the field inventory is not supported").at(value.pos));
        }
        // Another kind of document has other fields.
        let wanted = k.api_version(start)?;
        if !api_version.is_empty() && api_version != wanted {
            let kind = if k.kind.is_empty() { "Kustomization" } else { &k.kind };
            f.note(error(start, format!("apiVersion for {kind} should be {wanted}, not {api_version}")));
        }
        f.read(&FIELDS, |f| {
            k.take(f);
            f.keep(metadata.map_or(Ok(()), check_metadata));
            Ok(k)
        })
    }

    fn take(&mut self, f: &mut Fields) {
        for (field, instead, more) in [
            ("bases", "resources", ""),
            ("imageTags", "images", ""),
            ("patchesJson6902", "patches", ""),
            ("patchesStrategicMerge", "patches", ""),
            ("vars", "replacements", " [EXPERIMENTAL]"),
            ("commonLabels", "labels", ""),
        ] {
            if f.has(field) {
                self.warnings.push(deprecated(field, instead, more));
            }
        }
        self.name_prefix = f.text("namePrefix");
        self.name_suffix = f.text("nameSuffix");
        self.namespace = f.text("namespace");
        self.common_labels = f.string_map("commonLabels");
        self.labels = f.each("labels", Label::decode);
        self.common_annotations = f.string_map("commonAnnotations");
        self.patches_strategic_merge = f.strings("patchesStrategicMerge");
        self.patches_json6902 = f.each("patchesJson6902", Patch::decode);
        self.patches = f.each("patches", Patch::decode);
        self.images = f.each("images", Image::decode);
        self.images.extend(f.each("imageTags", Image::decode));
        self.replicas = f.each("replicas", Replica::decode);
        self.replacements = f.list("replacements");
        self.vars = f.each("vars", Var::decode);
        self.sort_options = f.nested("sortOptions", SortOptions::decode);
        self.resources = f.strings("resources");
        self.resources.extend(f.strings("bases"));
        self.components = f.strings("components");
        self.crds = f.strings("crds");
        self.config_maps = f.each("configMapGenerator", |v| GeneratorArgs::decode(v, false));
        self.secrets = f.each("secretGenerator", |v| GeneratorArgs::decode(v, true));
        self.generator_options = f.nested("generatorOptions", GeneratorOptions::decode);
        self.configurations = f.strings("configurations");
        self.generators = f.strings("generators");
        self.transformers = f.strings("transformers");
        self.validators = f.strings("validators");
        self.build_metadata = f.strings("buildMetadata").into_iter().map(|(text, _)| text).collect();
        self.openapi = f.take("openapi");
        self.helm_globals = f.nested("helmGlobals", Globals::decode).unwrap_or_default();
        self.helm_charts = f.each("helmCharts", Chart::decode);
        for (chart, globals) in f.each("helmChartInflationGenerator", Chart::decode_old) {
            self.helm_charts.push(chart);
            self.helm_globals.change(globals);
        }
        // These are decoded when their turn comes. It does not if something is wrong here.
        if f.has_failed() {
            for replacement in self.replacements.iter().filter(|one| one.get("path").is_none()) {
                f.keep(Replacement::decode(replacement.clone()));
            }
        }
    }

    /// The version that documents of this kind have.
    fn api_version(&self, pos: Pos) -> Result<&'static str> {
        match &*self.kind {
            "" | "Kustomization" => Ok("kustomize.config.k8s.io/v1beta1"),
            "Component" => Ok("kustomize.config.k8s.io/v1alpha1"),
            other => Err(error(pos, format!("kind should be Kustomization or Component, not {other}"))),
        }
    }
}

/// Nothing comes of the metadata of a kustomization, but they must be some.
fn check_metadata(value: Value) -> Result<()> {
    Fields::new(value, "metadata")?.read(&["name", "namespace", "labels", "annotations"], |f| {
        f.text("name");
        f.text("namespace");
        f.string_map("labels");
        f.string_map("annotations");
        Ok(())
    })
}

/// `sortOptions`
#[derive(Debug)]
pub(crate) struct SortOptions {
    pub(crate) order: String,
    /// Which kinds come first and which last.
    pub(crate) legacy: Option<(Vec<String>, Vec<String>)>,
    pub(crate) pos: Pos,
}

impl SortOptions {
    fn decode(value: Value) -> Result<Self> {
        let texts = |list: Vec<Entry>| list.into_iter().map(|(text, _)| text).collect::<Vec<_>>();
        let legacy = |value| {
            Fields::new(value, "legacySortOptions")?
                .read(&["orderFirst", "orderLast"], |f| Ok((texts(f.strings("orderFirst")), texts(f.strings("orderLast")))))
        };
        Fields::new(value, "sortOptions")?.read(&["order", "legacySortOptions"], |f| {
            Ok(Self { order: f.text("order"), legacy: f.nested("legacySortOptions", legacy), pos: f.pos() })
        })
    }
}

impl Label {
    fn decode(value: Value) -> Result<Self> {
        Fields::new(value, "a label")?.read(&["pairs", "includeSelectors", "includeTemplates", "fields"], |f| {
            Ok(Self {
                pairs: f.string_map("pairs"),
                include_selectors: f.boolean("includeSelectors"),
                include_templates: f.boolean("includeTemplates"),
                fields: f.each("fields", FieldSpec::decode),
            })
        })
    }
}

impl Patch {
    pub(crate) fn decode(value: Value) -> Result<Self> {
        let options = |value| Fields::new(value, "options")?.read(&["allowNameChange", "allowKindChange"], |f| Ok(Self::options(f)));
        Fields::new(value, "a patch")?.read(&["path", "patch", "target", "options"], |f| Ok(Self::take(f, Selector::decode, options)))
    }

    /// The patch of a plugin: fields that it does not know are nothing to it.
    pub(crate) fn take_known(f: &mut Fields) -> Self {
        let options = |value| Fields::new(value, "options")?.read_known(|f| Ok(Self::options(f)));
        Self::take(f, Selector::decode_known, options)
    }

    fn take(f: &mut Fields, target: fn(Value) -> Result<Selector>, options: fn(Value) -> Result<(bool, bool)>) -> Self {
        let pos = f.pos();
        let path = f.text("path");
        let (patch, patch_pos) = f.nested("patch", |text| Ok((crate::decode::string(&text, "patch")?, text.pos))).unwrap_or_default();
        let target = f.nested("target", target);
        let (name_change, kind_change) = f.nested("options", options).unwrap_or_default();
        Self { path, patch, target, name_change, kind_change, pos, patch_pos }
    }

    /// Whether the patch may change names and kinds.
    fn options(f: &mut Fields) -> (bool, bool) {
        (f.boolean("allowNameChange"), f.boolean("allowKindChange"))
    }
}

pub(crate) static SELECTOR: Known = Known(&[
    ("group", None),
    ("version", None),
    ("kind", None),
    ("name", None),
    ("namespace", None),
    ("annotationSelector", None),
    ("labelSelector", None),
]);

impl Selector {
    pub(crate) fn decode(value: Value) -> Result<Self> {
        Fields::new(value, "a selector")?.read(&SELECTOR.names(), |f| Ok(Self::take(f)))
    }

    /// The same, to which fields that it does not know are nothing.
    pub(crate) fn decode_known(value: Value) -> Result<Self> {
        Fields::new(value, "a selector")?.read_known(|f| Ok(Self::take(f)))
    }

    fn take(f: &mut Fields) -> Self {
        let by_id = Self::by_id(f);
        Self { annotation_selector: f.text("annotationSelector"), label_selector: f.text("labelSelector"), ..by_id }
    }

    /// What selects by parts of the id alone.
    pub(crate) fn by_id(f: &mut Fields) -> Self {
        Self {
            pos: f.pos(),
            group: f.text("group"),
            version: f.text("version"),
            kind: f.text("kind"),
            name: f.text("name"),
            namespace: f.text("namespace"),
            ..Self::default()
        }
    }
}

impl Image {
    pub(crate) fn decode(value: Value) -> Result<Self> {
        Fields::new(value, "an image")?.read(&["name", "newName", "newTag", "tagSuffix", "digest"], |f| Ok(Self::take(f)))
    }

    pub(crate) fn take(f: &mut Fields) -> Self {
        Self {
            name: f.text("name"),
            new_name: f.text("newName"),
            new_tag: f.text("newTag"),
            tag_suffix: f.text("tagSuffix"),
            digest: f.text("digest"),
        }
    }
}

impl Replica {
    pub(crate) fn decode(value: Value) -> Result<Self> {
        Fields::new(value, "replicas")?.read(&["name", "count"], |f| Ok(Self::take(f)))
    }

    pub(crate) fn take(f: &mut Fields) -> Self {
        Self { pos: f.pos(), name: f.text("name"), count: f.integer("count").unwrap_or(0) }
    }
}

impl GeneratorOptions {
    pub(crate) fn decode(value: Value) -> Result<Self> {
        let known = ["labels", "annotations", "disableNameSuffixHash", "immutable"];
        Fields::new(value, "generator options")?.read(&known, |f| Ok(Self::take(f)))
    }

    /// As [`Self::decode`], of a plugin: fields that it does not know are nothing to it.
    fn decode_known(value: Value) -> Result<Self> {
        Fields::new(value, "generator options")?.read_known(|f| Ok(Self::take(f)))
    }

    fn take(f: &mut Fields) -> Self {
        Self {
            labels: f.string_map("labels"),
            annotations: f.string_map("annotations"),
            disable_hash: f.boolean("disableNameSuffixHash"),
            immutable: f.boolean("immutable"),
        }
    }
}

impl GeneratorArgs {
    pub(crate) fn decode(value: Value, secret: bool) -> Result<Self> {
        let known = ["name", "namespace", "behavior", "literals", "files", "envs", "env", "options", "type"];
        Fields::new(value, "a generator")?.read(&known, |f| Ok(Self::take(f, secret, GeneratorOptions::decode)))
    }

    /// As [`Self::decode`], of a plugin: fields that it does not know are nothing to it.
    pub(crate) fn decode_known(value: Value, secret: bool) -> Result<Self> {
        Fields::new(value, "a generator")?.read_known(|f| Ok(Self::take(f, secret, GeneratorOptions::decode_known)))
    }

    fn take(f: &mut Fields, secret: bool, options: fn(Value) -> Result<GeneratorOptions>) -> Self {
        let mut args = Self {
            pos: f.pos(),
            name: f.text("name"),
            namespace: f.text("namespace"),
            behavior: f.text("behavior"),
            literals: f.strings("literals"),
            files: f.strings("files"),
            envs: f.strings("envs"),
            options: f.nested("options", options),
            secret_type: if secret { f.text("type") } else { String::new() },
        };
        args.envs.extend(f.nested("env", |env| Ok((crate::decode::string(&env, "env")?, env.pos))));
        args
    }
}
