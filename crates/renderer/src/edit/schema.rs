//! The shape of a kustomization: what each field may hold, and which of its values are left out when they are empty.
//!
//! kustomize reads a file into Go structs and writes those; this table is what remains of them.

use crate::decode::error;
use crate::error::Result;
use crate::yaml::{Map, Node, Value};

/// What a field holds.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Text,
    Bool,
    Int,
    /// Anything, kept as it is.
    Any,
    /// A map of text.
    Texts,
    List(&'static Shape),
    Struct(&'static [Field]),
    /// As a struct, but null is not the same as empty.
    Maybe(&'static [Field]),
    /// Text that may be missing, which is not the same as empty.
    MaybeText,
}

/// A field of a struct.
pub(super) struct Field {
    pub(super) name: &'static str,
    shape: Shape,
    /// Written even when it is empty.
    always: bool,
}

const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, always: false }
}

const fn always(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, always: true }
}

const fn text(name: &'static str) -> Field {
    field(name, Shape::Text)
}

const TEXT_LIST: Shape = Shape::List(&Shape::Text);

/// All fields, in the order in which kustomize adds those that are new.
pub(super) const KUSTOMIZATION: [Field; 34] = [
    text("apiVersion"),
    text("kind"),
    field("metadata", Shape::Maybe(&METADATA)),
    field("sortOptions", Shape::Maybe(&SORT_OPTIONS)),
    field("resources", TEXT_LIST),
    field("bases", TEXT_LIST),
    text("namePrefix"),
    text("nameSuffix"),
    text("namespace"),
    field("crds", TEXT_LIST),
    field("commonLabels", Shape::Texts),
    field("labels", Shape::List(&Shape::Struct(&LABEL))),
    field("commonAnnotations", Shape::Texts),
    field("patchesStrategicMerge", TEXT_LIST),
    field("patchesJson6902", Shape::List(&Shape::Struct(&PATCH))),
    field("patches", Shape::List(&Shape::Struct(&PATCH))),
    field("configMapGenerator", Shape::List(&Shape::Struct(&CONFIG_MAP))),
    field("secretGenerator", Shape::List(&Shape::Struct(&SECRET))),
    field("helmCharts", Shape::List(&Shape::Struct(&HELM_CHART))),
    field("helmChartInflationGenerator", Shape::List(&Shape::Struct(&HELM_CHART_ARGS))),
    field("helmGlobals", Shape::Maybe(&HELM_GLOBALS)),
    field("generatorOptions", Shape::Maybe(&GENERATOR_OPTIONS)),
    field("vars", Shape::List(&Shape::Struct(&VAR))),
    field("images", Shape::List(&Shape::Struct(&IMAGE))),
    field("replacements", Shape::List(&Shape::Struct(&REPLACEMENT))),
    field("replicas", Shape::List(&Shape::Struct(&REPLICA))),
    field("configurations", TEXT_LIST),
    field("generators", TEXT_LIST),
    field("transformers", TEXT_LIST),
    field("validators", TEXT_LIST),
    field("components", TEXT_LIST),
    field("openapi", Shape::Texts),
    field("buildMetadata", TEXT_LIST),
    field("imageTags", Shape::List(&Shape::Struct(&IMAGE))),
];

const METADATA: [Field; 4] = [text("name"), text("namespace"), field("labels", Shape::Texts), field("annotations", Shape::Texts)];

const SORT_OPTIONS: [Field; 2] = [text("order"), field("legacySortOptions", Shape::Maybe(&LEGACY_SORT))];

const LEGACY_SORT: [Field; 2] = [always("orderFirst", TEXT_LIST), always("orderLast", TEXT_LIST)];

const LABEL: [Field; 4] = [
    field("pairs", Shape::Texts),
    field("includeSelectors", Shape::Bool),
    field("includeTemplates", Shape::Bool),
    field("fields", Shape::List(&Shape::Struct(&FIELD_SPEC))),
];

const FIELD_SPEC: [Field; 5] = [text("group"), text("version"), text("kind"), text("path"), field("create", Shape::Bool)];

const PATCH: [Field; 4] =
    [text("path"), text("patch"), field("target", Shape::Maybe(&SELECTOR)), field("options", Shape::Maybe(&PATCH_OPTIONS))];

const PATCH_OPTIONS: [Field; 2] = [field("allowNameChange", Shape::Bool), field("allowKindChange", Shape::Bool)];

const SELECTOR: [Field; 7] =
    [text("group"), text("version"), text("kind"), text("name"), text("namespace"), text("annotationSelector"), text("labelSelector")];

const CONFIG_MAP: [Field; 8] = [
    text("name"),
    text("namespace"),
    text("behavior"),
    field("literals", TEXT_LIST),
    field("files", TEXT_LIST),
    field("envs", TEXT_LIST),
    text("env"),
    field("options", Shape::Maybe(&GENERATOR_OPTIONS)),
];

const SECRET: [Field; 9] = [
    text("name"),
    text("namespace"),
    text("behavior"),
    field("literals", TEXT_LIST),
    field("files", TEXT_LIST),
    field("envs", TEXT_LIST),
    text("env"),
    field("options", Shape::Maybe(&GENERATOR_OPTIONS)),
    text("type"),
];

const GENERATOR_OPTIONS: [Field; 4] = [
    field("labels", Shape::Texts),
    field("annotations", Shape::Texts),
    field("disableNameSuffixHash", Shape::Bool),
    field("immutable", Shape::Bool),
];

const HELM_GLOBALS: [Field; 2] = [text("chartHome"), text("configHome")];

const HELM_CHART: [Field; 17] = [
    text("name"),
    text("version"),
    text("repo"),
    text("releaseName"),
    text("namespace"),
    text("valuesFile"),
    field("additionalValuesFiles", TEXT_LIST),
    field("valuesInline", Shape::Any),
    text("valuesMerge"),
    field("includeCRDs", Shape::Bool),
    field("skipHooks", Shape::Bool),
    field("apiVersions", TEXT_LIST),
    text("kubeVersion"),
    text("nameTemplate"),
    field("skipTests", Shape::Bool),
    field("debug", Shape::Bool),
    field("devel", Shape::Bool),
];

const HELM_CHART_ARGS: [Field; 13] = [
    text("chartName"),
    text("chartVersion"),
    text("chartRepoUrl"),
    text("chartRepoName"),
    text("chartHome"),
    text("helmHome"),
    text("releaseName"),
    text("releaseNamespace"),
    text("values"),
    field("valuesLocal", Shape::Any),
    text("valuesMerge"),
    text("helmBin"),
    field("extraArgs", TEXT_LIST),
];

const VAR: [Field; 3] =
    [always("name", Shape::Text), always("objref", Shape::Struct(&VAR_TARGET)), always("fieldref", Shape::Struct(&FIELD_REF))];

const VAR_TARGET: [Field; 6] =
    [text("apiVersion"), text("group"), text("version"), text("kind"), always("name", Shape::Text), text("namespace")];

const FIELD_REF: [Field; 1] = [text("fieldPath")];

const IMAGE: [Field; 5] = [text("name"), text("newName"), text("newTag"), text("tagSuffix"), text("digest")];

const REPLICA: [Field; 2] = [text("name"), always("count", Shape::Int)];

const REPLACEMENT: [Field; 4] = [
    text("path"),
    field("source", Shape::Maybe(&SOURCE)),
    field("sourceValue", Shape::MaybeText),
    field("targets", Shape::List(&Shape::Maybe(&TARGET))),
];

const SOURCE: [Field; 7] = [
    text("group"),
    text("version"),
    text("kind"),
    text("name"),
    text("namespace"),
    text("fieldPath"),
    field("options", Shape::Maybe(&FIELD_OPTIONS)),
];

const TARGET: [Field; 4] = [
    always("select", Shape::Maybe(&SELECTOR)),
    field("reject", Shape::List(&Shape::Maybe(&SELECTOR))),
    field("fieldPaths", TEXT_LIST),
    field("options", Shape::Maybe(&FIELD_OPTIONS)),
];

const FIELD_OPTIONS: [Field; 4] = [text("delimiter"), field("index", Shape::Int), text("encoding"), field("create", Shape::Bool)];

impl Shape {
    /// The value that stands for "nothing was written".
    fn zero(self) -> Value {
        match self {
            Self::Text => Value::string(""),
            Self::Bool => Value::bool(false),
            Self::Int => Value::int(0),
            Self::Struct(fields) => {
                let mut map = Map::new();
                for field in fields.iter().filter(|field| field.always) {
                    map.insert(field.name, field.shape.zero());
                }
                Value::map(map)
            }
            Self::Any | Self::Texts | Self::List(_) | Self::Maybe(_) | Self::MaybeText => Value::null(),
        }
    }

    /// Whether Go's `omitempty` leaves the value out.
    fn is_empty(self, value: &Value) -> bool {
        match self {
            Self::Text => value.text().is_none_or(str::is_empty),
            Self::Bool => value.to_json() != true,
            Self::Int => value.to_json() == 0,
            Self::Any | Self::Texts | Self::List(_) => match &value.node {
                Node::List(items) => items.is_empty(),
                Node::Map(map) => map.is_empty(),
                Node::Scalar(_) => value.is_null(),
            },
            Self::Maybe(_) | Self::MaybeText => value.is_null(),
            Self::Struct(_) => false,
        }
    }
}

/// The value as kustomize writes it: names in their own spelling, wrong types refused, what is empty left out.
pub(super) fn normal(value: Value, shape: Shape, name: &str) -> Result<Value> {
    if value.is_null() {
        return Ok(shape.zero());
    }
    let pos = value.pos;
    match shape {
        Shape::Text | Shape::MaybeText => Ok(Value { pos, ..Value::string(crate::decode::string(&value, name)?) }),
        Shape::Bool => Ok(Value::bool(crate::decode::boolean(&value, name)?)),
        Shape::Int => whole(&value, name),
        Shape::Any if value.as_map().is_some() => Ok(value),
        Shape::Texts => {
            let pairs = crate::decode::string_map(&value, name)?;
            Ok(Value::map(crate::decode::to_map(&pairs)))
        }
        Shape::List(item) => {
            let items = crate::decode::list(value, name)?;
            Ok(Value { pos, ..Value::list(items.into_iter().map(|value| normal(value, *item, name)).collect::<Result<_>>()?) })
        }
        Shape::Struct(fields) | Shape::Maybe(fields) => Ok(Value { pos, ..Value::map(structure(value, fields, name)?) }),
        Shape::Any => Err(error(pos, format!("{name} must be a map, not {}", value.describe()))),
    }
}

/// The fields of a struct.
pub(super) fn structure(value: Value, fields: &'static [Field], name: &str) -> Result<Map> {
    let (pos, found) = (value.pos, value.describe());
    let Node::Map(map) = value.node else {
        return Err(error(pos, format!("{name} must be a map, not {found}")));
    };
    let mut out = Map::new();
    for (key, value) in map.into_entries() {
        let Some(field) = fields.iter().find(|field| field.name.eq_ignore_ascii_case(&key)) else {
            let known: Vec<&str> = fields.iter().map(|field| field.name).collect();
            return Err(crate::decode::unknown(&key, name, value.pos, &known));
        };
        out.insert(field.name, normal(value, field.shape, field.name)?);
    }
    out.retain(|key, value| fields.iter().any(|field| field.name == key && (field.always || !field.shape.is_empty(value))));
    for field in fields.iter().filter(|field| field.always) {
        out.entry(field.name, || field.shape.zero());
    }
    Ok(out)
}

fn whole(value: &Value, name: &str) -> Result<Value> {
    let json = value.to_json();
    if let Some(number) = json.as_i64() {
        return Ok(Value::int(number));
    }
    // 1e2 is whole as well. Beyond 2^53 a float no longer names one number.
    match json.as_f64() {
        #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
        Some(number) if json.is_f64() && number.fract() == 0.0 && number.abs() < 9e15 => Ok(Value::int(number as i64)),
        _ => Err(error(value.pos, format!("{name} must be a whole number, not {}", value.describe()))),
    }
}
