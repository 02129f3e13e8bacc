//! Schemas in structured merge's own language, as structured-merge-diff reads them from YAML.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::types::{Scalar, Type};

/// A schema in structured merge's own language: named types, each of a scalar, a list, a map or several of these.
///
/// ```
/// use fiel_merge::structured::{Declared, validate};
/// use serde_json::json;
/// let schema = Declared::parse(&json!({"types": [
///     {"name": "pod", "map": {"fields": [{"name": "ports", "type": {"list": {
///         "elementRelationship": "associative", "elementType": {"scalar": "numeric"}}}}]}},
/// ]}), &json!({"namedType": "pod"})).expect("a good schema");
/// let problems = validate(&json!({"ports": [80, 80]}), schema.root(), false).expect_err("80 is there twice");
/// assert_eq!(problems.to_string(), ".ports: duplicate entries for key [=80]");
/// ```
#[derive(Debug, Clone)]
pub struct Declared {
    types: BTreeMap<String, Atom>,
    root: Reference,
}

/// Why a schema cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct DeclaredError {
    /// Where, from the outside in.
    pub place: String,
    /// What is wrong.
    pub problem: &'static str,
}

/// What a type may be.
#[derive(Debug, Clone, Default)]
pub(super) struct Atom {
    pub(super) scalar: Option<Scalar>,
    pub(super) list: Option<List>,
    pub(super) object: Option<Object>,
}

#[derive(Debug, Clone)]
pub(super) struct List {
    pub(super) items: Reference,
    pub(super) atomic: bool,
    /// Separated by commas.
    pub(super) keys: String,
}

#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) fields: BTreeMap<String, Field>,
    pub(super) element: Option<Reference>,
    pub(super) atomic: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) of: Reference,
    pub(super) default: Option<Value>,
}

/// A type by name or in place, and how its parts relate if that is said where it is used.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    to: Target,
    atomic: Option<bool>,
}

#[derive(Debug, Clone)]
enum Target {
    Named(String),
    Inlined(Box<Atom>),
}

impl Reference {
    pub(super) fn atomic(&self) -> Option<bool> {
        self.atomic
    }

    pub(super) fn is_deduced(&self) -> bool {
        matches!(&self.to, Target::Named(name) if name == DEDUCED)
    }
}

/// The name by which schemas call what is found out from values.
const DEDUCED: &str = "__untyped_deduced_";

impl Declared {
    /// Reads a document (`types: [...]`) and the reference to the type of whole objects.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(document: &Value, root: &Value) -> Result<Self, DeclaredError> {
        let mut types = BTreeMap::new();
        for one in list(document, "types", "types")? {
            let name = one["name"].as_str().ok_or_else(|| error("types", "a type without a name"))?;
            types.insert(name.to_owned(), atom(one, name)?);
        }
        Ok(Self { types, root: reference(root, "root")? })
    }

    /// The type of whole objects.
    #[must_use]
    pub fn root(&self) -> Type<'_> {
        Type::declared(self, &self.root)
    }

    pub(super) fn resolve<'a>(&'a self, reference: &'a Reference) -> Option<&'a Atom> {
        match &reference.to {
            Target::Named(name) => self.types.get(name),
            Target::Inlined(atom) => Some(atom),
        }
    }
}

fn error(place: &str, problem: &'static str) -> DeclaredError {
    DeclaredError { place: place.to_owned(), problem }
}

fn list<'v>(of: &'v Value, key: &str, place: &str) -> Result<&'v [Value], DeclaredError> {
    match &of[key] {
        Value::Null => Ok(&[]),
        Value::Array(items) => Ok(items),
        _ => Err(error(&format!("{place}.{key}"), "must be a list")),
    }
}

/// Whether parts belong together; what is said neither way is for the caller.
fn relation(of: &Value, place: &str) -> Result<Option<bool>, DeclaredError> {
    match of["elementRelationship"].as_str() {
        Some("atomic") => Ok(Some(true)),
        Some("associative" | "separable") => Ok(Some(false)),
        None if of["elementRelationship"].is_null() => Ok(None),
        _ => Err(error(place, "elementRelationship must be atomic, associative or separable")),
    }
}

fn reference(of: &Value, place: &str) -> Result<Reference, DeclaredError> {
    let to = match (of["namedType"].as_str(), &of["inlined"]) {
        (Some(name), _) => Target::Named(name.to_owned()),
        (None, Value::Null) => Target::Inlined(Box::new(atom(of, place)?)),
        (None, inlined) => Target::Inlined(Box::new(atom(inlined, place)?)),
    };
    Ok(Reference { to, atomic: relation(of, place)? })
}

fn atom(of: &Value, place: &str) -> Result<Atom, DeclaredError> {
    let fields = of.as_object().ok_or_else(|| error(place, "a type must be a map"))?;
    let scalar = match fields.get("scalar").map(|scalar| scalar.as_str().unwrap_or_default()) {
        None => None,
        Some("string") => Some(Scalar::String),
        Some("numeric") => Some(Scalar::Numeric),
        Some("boolean") => Some(Scalar::Boolean),
        Some("untyped") => Some(Scalar::Untyped),
        Some(_) => Some(Scalar::Unknown),
    };
    let part = |key: &str| fields.get(key).filter(|part| !part.is_null());
    let list = part("list").map(|part| list_of(part, &format!("{place}.list"))).transpose()?;
    let object = part("map").map(|part| object_of(part, &format!("{place}.map"))).transpose()?;
    Ok(Atom { scalar, list, object })
}

fn list_of(of: &Value, place: &str) -> Result<List, DeclaredError> {
    let mut keys = Vec::new();
    for key in list(of, "keys", place)? {
        let key = key.as_str().filter(|key| !key.is_empty() && !key.contains(','));
        keys.push(key.ok_or_else(|| error(place, "keys must be names of fields"))?);
    }
    Ok(List {
        items: reference(&of["elementType"], &format!("{place}.elementType"))?,
        atomic: relation(of, place)?.unwrap_or(true),
        keys: keys.join(","),
    })
}

fn object_of(of: &Value, place: &str) -> Result<Object, DeclaredError> {
    let mut fields = BTreeMap::new();
    for field in list(of, "fields", place)? {
        let name = field["name"].as_str().ok_or_else(|| error(place, "a field without a name"))?;
        let default = Some(&field["default"]).filter(|value| !value.is_null()).cloned();
        fields.insert(name.to_owned(), Field { of: reference(&field["type"], &format!("{place}.{name}"))?, default });
    }
    let element = Some(&of["elementType"]).filter(|element| element.as_object().is_some_and(|element: &Map<_, _>| !element.is_empty()));
    let element = element.map(|element| reference(element, &format!("{place}.elementType"))).transpose()?;
    Ok(Object { fields, element, atomic: relation(of, place)?.unwrap_or(false) })
}
