//! The kinds of the corpus: their schemas by version, and the converters that the original tests use.

use std::borrow::Cow;
use std::collections::BTreeMap;

use fiel_merge::structured::{ConvertError, Declared, FieldSet, Kind, Type};
use serde_json::{Map, Value};

#[derive(Clone, Copy, PartialEq)]
enum Converter {
    Identity,
    /// `x_v1` in v1 is `x_v2` in v2.
    Renaming,
    /// A field of one letter repeats it as many times as its version says.
    Repeating,
    /// A field of v1 needs one of v2.
    Reliant,
}

pub(crate) struct CaseKind {
    schemas: BTreeMap<String, Declared>,
    converter: Converter,
    ignored: BTreeMap<String, FieldSet>,
}

impl CaseKind {
    pub(crate) fn of(corpus: &Value, case: &Value) -> Result<Self, String> {
        let mut schemas = BTreeMap::new();
        for (version, schema) in case["schemas"].as_object().into_iter().flatten() {
            let document = &corpus["schemas"][schema["schema"].as_str().unwrap_or_default()];
            schemas.insert(version.clone(), Declared::parse(document, &schema["typeRef"]).map_err(|error| error.to_string())?);
        }
        let converter = match case["converter"].as_str().unwrap_or_default() {
            "identity" => Converter::Identity,
            "merge_test.renamingConverter" => Converter::Renaming,
            "merge_test.repeatingConverter" => Converter::Repeating,
            "merge_test.reliantFieldsConverter" => Converter::Reliant,
            other => return Err(format!("no converter {other}")),
        };
        let mut ignored = BTreeMap::new();
        for (version, fields) in case["ignored_fields"].as_object().into_iter().flatten() {
            ignored.insert(version.clone(), FieldSet::decode(fields).ok_or("ignored_fields")?);
        }
        for (version, filter) in case["ignore_filter"].as_object().into_iter().flatten() {
            if filter["kind"] != "exclude" {
                return Err(format!("no filter {}", filter["kind"]));
            }
            ignored.insert(version.clone(), FieldSet::decode(&filter["fieldsV1"]).ok_or("ignore_filter")?);
        }
        Ok(Self { schemas, converter, ignored })
    }

    /// The same types in another schema.
    pub(crate) fn change_schema(&mut self, corpus: &Value, case: &Value, schema: &Value) -> Result<(), String> {
        let document = &corpus["schemas"][schema.as_str().unwrap_or_default()];
        for (version, known) in &mut self.schemas {
            *known = Declared::parse(document, &case["schemas"][version]["typeRef"]).map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

impl Kind for CaseKind {
    fn of(&self, version: &str) -> Type<'_> {
        let schema = self.schemas.get(version).or_else(|| self.schemas.values().next());
        schema.map_or(Type::DEDUCED, Declared::root)
    }

    fn convert<'v>(&self, object: &'v Value, from: &str, to: &str) -> Result<Cow<'v, Value>, ConvertError> {
        if from == to && self.converter != Converter::Reliant {
            return Ok(Cow::Borrowed(object));
        }
        match self.converter {
            Converter::Identity => Ok(Cow::Borrowed(object)),
            Converter::Renaming => Ok(Cow::Owned(renamed(object, &|name| match name.strip_suffix(from) {
                Some(stem) => format!("{stem}{to}"),
                None => name.to_owned(),
            }))),
            Converter::Repeating => {
                let times: usize =
                    to.strip_prefix('v').and_then(|n| n.parse().ok()).ok_or_else(|| ConvertError::NoVersion(to.to_owned()))?;
                Ok(Cow::Owned(renamed(object, &|name| match name.chars().next() {
                    Some(letter) if name.chars().all(|other| other == letter) => letter.to_string().repeat(times),
                    _ => name.to_owned(),
                })))
            }
            Converter::Reliant => {
                if object.get("required_field_bar").is_none() && object.get("field_foo_rely_on_bar").is_none() && to == "v1" && from == "v2"
                {
                    let problem = "required_field_bar is missing".to_owned();
                    return Err(ConvertError::Failed { version: to.to_owned(), problem });
                }
                let (old, new) = match to {
                    "v1" => ("required_field_bar", "field_foo_rely_on_bar"),
                    "v2" => ("field_foo_rely_on_bar", "required_field_bar"),
                    _ => return Err(ConvertError::NoVersion(to.to_owned())),
                };
                Ok(Cow::Owned(renamed(object, &|name| if name == old { new.to_owned() } else { name.to_owned() })))
            }
        }
    }

    fn owned(&self, version: &str, fields: FieldSet) -> FieldSet {
        match self.ignored.get(version) {
            Some(ignored) => fields.recursive_difference(ignored),
            None => fields,
        }
    }
}

fn renamed(value: &Value, rename: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (rename(name), renamed(value, rename))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| renamed(item, rename)).collect()),
        other => other.clone(),
    }
}
