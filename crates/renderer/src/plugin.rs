//! Built-in generators and transformers that are configured by documents of their own.

mod iam_policy;
mod value_add;

use crate::decode::{Fields, loosen, nearest};
use crate::error::{Error, ErrorKind, Result};
use crate::fieldspec::FieldSpec;
use crate::generate;
use crate::helm::Chart;
use crate::kustomization::{GeneratorArgs, Image, Patch, Replica, Selector};
use crate::load::Folder;
use crate::resource::Resource;
use crate::target::replacements;
use crate::transform::{Images, STRATEGIC, Subjects, Transformer, load_inline_or_file, patch_entries, prepare};
use crate::yaml::Value;

/// The kinds of generators and transformers with `apiVersion: builtin`, those of kustomize 5.8.1.
pub const BUILTIN_PLUGINS: [&str; 18] = [
    "AnnotationsTransformer",
    "ConfigMapGenerator",
    "HashTransformer",
    "HelmChartInflationGenerator",
    "IAMPolicyGenerator",
    "ImageTagTransformer",
    "LabelTransformer",
    "NamespaceTransformer",
    "PatchJson6902Transformer",
    "PatchStrategicMergeTransformer",
    "PatchTransformer",
    "PrefixSuffixTransformer",
    "PrefixTransformer",
    "ReplacementTransformer",
    "ReplicaCountTransformer",
    "SecretGenerator",
    "SuffixTransformer",
    "ValueAddTransformer",
];

fn unsupported(config: &Resource) -> Error {
    let what = format!("{} ({})", config.kind(), config.api_version());
    let hint = nearest(config.kind(), BUILTIN_PLUGINS.into_iter()).map(|name| format!("; did you mean {name}?")).unwrap_or_default();
    Error::new(ErrorKind::Unsupported, format!("the plugin {what} is not built in{hint}"))
}

/// The configuration without its header.
fn body(config: Resource) -> (String, Value) {
    let kind = config.kind().to_owned();
    let mut value = config.value;
    if let Some(map) = value.as_map_mut() {
        map.remove("apiVersion");
        map.remove("kind");
    }
    (kind, value)
}

fn is_builtin(config: &Resource) -> bool {
    config.api_version() == "builtin"
}

/// Runs a generator.
pub(crate) fn generate(folder: &Folder<'_>, config: Resource) -> Result<Vec<Resource>> {
    if !is_builtin(&config) {
        return crate::external::generate(folder, &config);
    }
    if config.kind() == "HelmChartInflationGenerator" {
        let (_, value) = body(config);
        let (chart, globals) = Chart::from_config(value)?;
        return crate::helm::generate(folder, &chart, &globals);
    }
    let secret = match config.kind() {
        "IAMPolicyGenerator" => return iam_policy::generate(config.value).map(|account| vec![account]),
        "ConfigMapGenerator" => false,
        "SecretGenerator" => true,
        _ => return Err(unsupported(&config)),
    };
    let (_, mut value) = body(config);
    // Name and namespace may stand in the metadata here.
    if let Some(map) = value.as_map_mut() {
        let metadata = map.remove("metadata").unwrap_or_default();
        for field in ["name", "namespace"] {
            if let (Some(text), false) = (metadata.get(field), map.contains_key(field)) {
                map.insert(field, text.clone());
            }
        }
    }
    let args = GeneratorArgs::decode_known(value, secret)?;
    Ok(vec![generate::generate(folder, &args, None, secret)?])
}

/// Fields that a plugin does not know are nothing to it.
fn specs(f: &mut Fields) -> Vec<FieldSpec> {
    f.each("fieldSpecs", |value| Fields::new(value, "a field spec")?.read_known(|f| Ok(FieldSpec::take(f))))
}

/// The field specs of a plugin that cannot do without.
fn needed_specs(f: &mut Fields) -> Result<Vec<FieldSpec>> {
    if f.holds("fieldSpecs") {
        return Ok(specs(f));
    }
    Err(Error::new(ErrorKind::Kustomization, "fieldSpecs are missing, such as [{path: metadata/name}]"))
}

/// What a transformer or validator does, as its configuration says.
pub(crate) enum Action {
    /// A program or container is run.
    External(Resource),
    AddValue(value_add::ValueAdd),
    AddHashes,
    Steps(Vec<Transformer>),
}

/// Reads the configuration of a transformer or validator, which hangs on no resource.
pub(crate) fn read(folder: &Folder<'_>, file: &str, config: Resource) -> Result<Action> {
    if !is_builtin(&config) {
        return Ok(Action::External(config));
    }
    let unknown = unsupported(&config);
    let (kind, mut value) = body(config);
    if kind != "ReplacementTransformer" {
        loosen(&mut value);
    }
    let fields = Fields::new(value, "a transformer")?;
    match &*kind {
        "ValueAddTransformer" => value_add::read(folder, fields).map(Action::AddValue),
        "HashTransformer" => Ok(Action::AddHashes),
        _ => fields.read_known(|f| steps(folder, file, &kind, f))?.map(Action::Steps).ok_or(unknown),
    }
}

/// Runs a transformer.
pub(crate) fn transform(folder: &Folder<'_>, action: &Action, resources: &mut Vec<Resource>) -> Result<()> {
    match action {
        Action::External(config) => crate::external::transform(folder, config, resources),
        Action::AddValue(what) => value_add::run(what, resources),
        Action::AddHashes => crate::build::add_hashes(resources),
        Action::Steps(steps) => steps.iter().try_for_each(|step| step.apply(resources)),
    }
}

/// What a transformer with a configuration of its own does; `None` if there is none of that kind.
fn steps(folder: &Folder<'_>, file: &str, kind: &str, f: &mut Fields) -> Result<Option<Vec<Transformer>>> {
    let step = match kind {
        "NamespaceTransformer" => namespace(f)?,
        "PrefixTransformer" => Transformer::Prefix { text: f.text("prefix"), specs: needed_specs(f)? },
        "SuffixTransformer" => Transformer::Suffix { text: f.text("suffix"), specs: needed_specs(f)? },
        "PrefixSuffixTransformer" => {
            let (prefix, suffix, specs) = (f.text("prefix"), f.text("suffix"), needed_specs(f)?);
            let prefix = Transformer::Prefix { text: prefix, specs: specs.clone() };
            return Ok(Some(vec![prefix, Transformer::Suffix { text: suffix, specs }]));
        }
        "LabelTransformer" => Transformer::Labels { pairs: f.string_map("labels"), specs: specs(f) },
        "AnnotationsTransformer" => Transformer::Annotations { pairs: f.string_map("annotations"), specs: specs(f) },
        "ImageTagTransformer" => {
            let image = f.nested("imageTag", |value| Fields::new(value, "an image")?.read_known(|f| Ok(Image::take(f))));
            let image = image.unwrap_or_default();
            Transformer::Images(Images::new(image, specs(f))?.into())
        }
        "ReplicaCountTransformer" => {
            let Some(replica) = f.nested("replica", |value| Fields::new(value, "replicas")?.read_known(|f| Ok(Replica::take(f)))) else {
                return Err(Error::new(ErrorKind::Kustomization, "a ReplicaCountTransformer needs replica"));
            };
            Transformer::Replicas { replica, specs: specs(f) }
        }
        "PatchTransformer" => Transformer::Patch("PatchTransformer", Box::new(prepare(folder, &Patch::take_known(f), file, false)?)),
        "PatchJson6902Transformer" => {
            let patch = json_patch(f);
            if patch.target.as_ref().is_none_or(|target| target.name.is_empty()) {
                return Err(Error::new(ErrorKind::Kustomization, "the target of this patch needs a name"));
            }
            Transformer::Patch("PatchJson6902Transformer", Box::new(prepare(folder, &patch, file, true)?))
        }
        "PatchStrategicMergeTransformer" => {
            let mut entries = f.strings("paths");
            entries.extend(f.string("patches").map(|text| (text, f.pos())));
            if entries.is_empty() {
                return Err(Error::new(ErrorKind::Kustomization, "a PatchStrategicMergeTransformer needs paths or patches"));
            }
            let read = |entry| Ok(Transformer::Patch(STRATEGIC, Box::new(load_inline_or_file(folder, entry, file)?)));
            return patch_entries(&entries).map(read).collect::<Result<_>>().map(Some);
        }
        "ReplacementTransformer" => Transformer::Replacements(replacements(folder, file, &f.list("replacements"), false)?),
        _ => return Ok(None),
    };
    Ok(Some(vec![step]))
}

fn namespace(f: &mut Fields) -> Result<Transformer> {
    let in_metadata = |value| Fields::new(value, "metadata")?.read_known(|f| Ok(f.text("namespace")));
    let namespace = f.nested("metadata", in_metadata).unwrap_or_default();
    let subjects = match &*f.text("setRoleBindingSubjects") {
        "" | "defaultOnly" => Subjects::DefaultOnly,
        "allServiceAccounts" => Subjects::AllServiceAccounts,
        "none" => Subjects::Nothing,
        other => {
            let message = format!("setRoleBindingSubjects should be defaultOnly, allServiceAccounts or none, not {other}");
            return Err(Error::new(ErrorKind::Kustomization, message));
        }
    };
    Ok(Transformer::Namespace { namespace, specs: specs(f), unset_only: f.boolean("unsetOnly"), subjects })
}

/// The older spelling: operations in `jsonOp` or in a file.
fn json_patch(f: &mut Fields) -> Patch {
    let (path, patch, target) = (f.text("path"), f.text("jsonOp"), f.nested("target", Selector::decode_known));
    Patch { pos: f.pos(), path, patch, target, patch_pos: f.pos(), ..Patch::default() }
}

/// Runs a validator: a transformer that may not change anything, but for the label `validated-by`.
pub(crate) fn validate(folder: &Folder<'_>, action: &Action, resources: &mut Vec<Resource>) -> Result<()> {
    let before = resources.clone();
    transform(folder, action, resources)?;
    let same =
        before.len() == resources.len() && before.iter().zip(&*resources).all(|(a, b)| a.value == b.value || a.value == unlabelled(b));
    if same { Ok(()) } else { Err(Error::new(ErrorKind::Kustomization, "a validator may not change resources")) }
}

/// A resource without the label that validators may set; labels that are empty then vanish.
fn unlabelled(resource: &Resource) -> Value {
    let mut value = resource.value.clone();
    let metadata = value.get_mut("metadata").and_then(Value::as_map_mut);
    if let Some(metadata) = metadata
        && let Some(labels) = metadata.get_mut("labels").and_then(Value::as_map_mut)
    {
        labels.remove("validated-by");
        if labels.is_empty() {
            metadata.remove("labels");
        }
    }
    value
}
