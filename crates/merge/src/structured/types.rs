//! What a place in an object is to structured merge: one way to ask, whichever schema answers.

use fiel_schema::{ListType, MapType, Node};
use serde_json::Value;

use super::declared::{Declared, Reference};
use super::path::{Scalar as Key, Step};

/// The type of a place. It comes from Kubernetes' OpenAPI or a CustomResourceDefinition ([`Type::new`]), from a schema in structured merge's own
/// language ([`Declared::root`]), or is found out from the value ([`Type::DEDUCED`]).
#[derive(Debug, Clone, Copy)]
pub struct Type<'a>(Source<'a>);

#[derive(Debug, Clone, Copy)]
enum Source<'a> {
    /// From OpenAPI; `preserving`: fields that are not named are kept, here and below.
    Open { node: Node<'a>, preserving: bool },
    /// From structured merge's own language.
    Declared(&'a Declared, &'a Reference),
    /// Objects field by field, lists as a whole.
    Deduced,
    /// As a whole.
    Atomic,
}

/// Which scalars may stand at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalar {
    String,
    Numeric,
    Boolean,
    /// Any scalar.
    Untyped,
    /// The schema's word for it is none that we know: nothing is looked at.
    Unknown,
}

/// An object's type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object<'a> {
    pub(super) atomic: bool,
    of: Source<'a>,
}

/// A list's type.
#[derive(Debug, Clone, Copy)]
pub(super) struct List<'a> {
    pub(super) form: ListForm<'a>,
    pub(super) items: Type<'a>,
}

/// How a list's items are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListForm<'a> {
    /// Not at all.
    Atomic,
    /// Each is its own key.
    Set,
    /// By these fields, separated by commas.
    Keyed(&'a str),
}

/// All that may stand at a place: for most, just one of the three.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Atom<'a> {
    pub(super) object: Option<Object<'a>>,
    pub(super) scalar: Option<Scalar>,
    pub(super) list: Option<List<'a>>,
}

/// How a value at a place is walked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape<'a> {
    Object(Object<'a>),
    Scalar(Scalar),
    List(List<'a>),
    /// The schema contradicts itself.
    Nothing,
}

impl<'a> Atom<'a> {
    /// What is left when the value is known; null and what fits nowhere leave all.
    pub(super) fn of(self, value: Option<&Value>) -> Self {
        match value {
            Some(Value::Object(_)) if self.object.is_some() => Self { object: self.object, ..Self::default() },
            Some(Value::Array(_)) if self.list.is_some() => Self { list: self.list, ..Self::default() },
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_)) if self.scalar.is_some() => {
                Self { scalar: self.scalar, ..Self::default() }
            }
            _ => self,
        }
    }

    pub(super) fn shape(self) -> Shape<'a> {
        match (self.object, self.scalar, self.list) {
            (Some(object), _, _) => Shape::Object(object),
            (_, Some(scalar), _) => Shape::Scalar(scalar),
            (_, _, Some(list)) => Shape::List(list),
            _ => Shape::Nothing,
        }
    }

    /// Whether two atoms of one type left the same choice.
    pub(super) fn same_choice(self, other: Self) -> bool {
        let choice = |atom: Self| (atom.object.is_some(), atom.scalar.is_some(), atom.list.is_some());
        choice(self) == choice(other)
    }
}

impl<'a> Type<'a> {
    /// Objects are merged field by field, lists as a whole: what a resource without a schema gets.
    pub const DEDUCED: Type<'static> = Type(Source::Deduced);
    /// Merged as a whole.
    pub const ATOMIC: Type<'static> = Type(Source::Atomic);

    /// From an OpenAPI schema, that of a kind of Kubernetes or of a CustomResourceDefinition.
    #[must_use]
    pub fn new(schema: Node<'a>) -> Self {
        Self::open(schema, false)
    }

    pub(super) fn declared(schema: &'a Declared, at: &'a Reference) -> Self {
        Self(Source::Declared(schema, at))
    }

    fn open(node: Node<'a>, preserving: bool) -> Self {
        let preserving = preserving || node.preserves_unknown();
        // As most are: there is nothing to ask of them.
        if node.scalar().is_some() {
            return Self(Source::Open { node, preserving });
        }
        let free = node.is_object() && !node.has_fields() && node.additional().is_none();
        if (node.is_any() && preserving) || (free && node.map_type() == MapType::Granular) {
            Self(Source::Deduced)
        } else if node.is_any() || free {
            Self(Source::Atomic)
        } else {
            Self(Source::Open { node, preserving })
        }
    }

    /// Whether nothing is said of this place but what its value says.
    pub(super) fn is_deduced(self) -> bool {
        match self.0 {
            Source::Deduced => true,
            Source::Declared(_, reference) => reference.is_deduced(),
            _ => false,
        }
    }

    /// All that may stand here.
    pub(super) fn atom(self) -> Atom<'a> {
        match self.0 {
            Source::Open { node, .. } => self.open_atom(node),
            Source::Declared(schema, reference) => self.declared_atom(schema, reference),
            Source::Deduced | Source::Atomic => Atom {
                object: Some(Object { atomic: matches!(self.0, Source::Atomic), of: self.0 }),
                scalar: Some(Scalar::Untyped),
                list: Some(List { form: ListForm::Atomic, items: Self::ATOMIC }),
            },
        }
    }

    fn open_atom(self, node: Node<'a>) -> Atom<'a> {
        use fiel_schema::Scalar as Open;
        if node.is_object() {
            return Atom { object: Some(Object { atomic: node.map_type() == MapType::Atomic, of: self.0 }), ..Atom::default() };
        }
        if node.is_list() {
            let form = match node.list_type() {
                ListType::Atomic => ListForm::Atomic,
                ListType::Set => ListForm::Set,
                ListType::Map => ListForm::Keyed(node.list_map_key_text()),
            };
            let preserving = matches!(self.0, Source::Open { preserving: true, .. });
            let items = node.items().map_or(Self::DEDUCED, |items| Self::open(items, preserving));
            return Atom { list: Some(List { form, items }), ..Atom::default() };
        }
        let scalar = match node.scalar() {
            Some(Open::String | Open::Bytes) => Scalar::String,
            Some(Open::Integer | Open::Number) => Scalar::Numeric,
            Some(Open::Boolean) => Scalar::Boolean,
            _ => Scalar::Untyped,
        };
        Atom { scalar: Some(scalar), ..Atom::default() }
    }

    fn declared_atom(self, schema: &'a Declared, reference: &'a Reference) -> Atom<'a> {
        let Some(found) = schema.resolve(reference) else {
            return Atom::default();
        };
        let atomic = reference.atomic();
        if atomic.is_some() && found.object.is_none() && found.list.is_none() {
            // How the parts of a scalar relate is no question.
            return Atom::default();
        }
        let list = found.list.as_ref().map(|list| {
            let form = match atomic.unwrap_or(list.atomic) {
                true => ListForm::Atomic,
                false if list.keys.is_empty() => ListForm::Set,
                false => ListForm::Keyed(&list.keys),
            };
            List { form, items: Self::declared(schema, &list.items) }
        });
        let object = found.object.as_ref().map(|object| Object { atomic: atomic.unwrap_or(object.atomic), of: self.0 });
        Atom { object, scalar: found.scalar, list }
    }

    /// How a value here is walked.
    pub(super) fn shape(self, value: Option<&Value>) -> Shape<'a> {
        self.atom().of(value).shape()
    }
}

impl<'a> Object<'a> {
    /// The type of a field; none if the schema does not allow it.
    pub(super) fn child(self, name: &str) -> Option<Type<'a>> {
        match self.of {
            Source::Open { node, preserving } => {
                let open = |node| Type::open(node, preserving);
                let free = || preserving.then_some(Type::DEDUCED);
                node.field(name).map(open).or_else(|| node.additional().map(open)).or_else(free)
            }
            Source::Declared(schema, reference) => {
                let object = schema.resolve(reference)?.object.as_ref()?;
                let of = object.fields.get(name).map(|field| &field.of).or(object.element.as_ref());
                of.map(|of| Type::declared(schema, of))
            }
            Source::Deduced => Some(Type::DEDUCED),
            Source::Atomic => Some(Type::ATOMIC),
        }
    }

    /// Whether the schema names the field.
    pub(super) fn names(self, name: &str) -> bool {
        match self.of {
            Source::Open { node, .. } => node.field(name).is_some(),
            Source::Declared(schema, reference) => {
                let object = schema.resolve(reference).and_then(|atom| atom.object.as_ref());
                object.is_some_and(|object| object.fields.contains_key(name))
            }
            Source::Deduced | Source::Atomic => false,
        }
    }

    fn default(self, name: &str) -> Option<Value> {
        match self.of {
            Source::Open { node, .. } => {
                let field = node.field(name)?;
                // Go writes a field of Kubernetes' own types that is required even when it is empty.
                let required = || node.required().any(|required| required == name);
                // The name in a reference is so too, though no document says that it is required.
                let names = || name == "name" && node.map_type() == MapType::Atomic;
                let written = || node.is_of_kubernetes() && (required() || names());
                field.default().or_else(|| if written() { empty(field) } else { None })
            }
            Source::Declared(schema, reference) => schema.resolve(reference)?.object.as_ref()?.fields.get(name)?.default.clone(),
            Source::Deduced | Source::Atomic => None,
        }
    }
}

/// What Go writes for a scalar that was not given.
fn empty(field: Node<'_>) -> Option<Value> {
    match field.scalar()? {
        fiel_schema::Scalar::String => Some("".into()),
        fiel_schema::Scalar::Integer => Some(0.into()),
        fiel_schema::Scalar::Boolean => Some(false.into()),
        _ => None,
    }
}

impl List<'_> {
    pub(super) fn is_atomic(self) -> bool {
        self.form == ListForm::Atomic
    }

    /// The step to an item, or why there is none.
    pub(super) fn step(self, item: &Value) -> Result<Step, String> {
        match (self.form, item) {
            (ListForm::Atomic, _) => Err("invalid indexing of non-associative list".to_owned()),
            (ListForm::Set, Value::Object(_)) => Err("associative list without keys has an element that's a map type".to_owned()),
            (ListForm::Set, Value::Array(_)) => Err("not supported: associative list with lists as elements".to_owned()),
            (ListForm::Set, Value::Null) => Err("associative list without keys has an element that's an explicit null".to_owned()),
            (ListForm::Set, scalar) => Ok(Step::Value(Key(scalar.clone()))),
            (ListForm::Keyed(_), Value::Null) => Err("associative list with keys may not have a null element".to_owned()),
            (ListForm::Keyed(keys), Value::Object(fields)) => {
                let defaults = || self.items.atom().object;
                let value = |key| fields.get(key).cloned().or_else(|| defaults()?.default(key));
                let mut found: Vec<(Box<str>, Key)> = keys.split(',').filter_map(|key| Some((Box::from(key), Key(value(key)?)))).collect();
                if found.is_empty() {
                    let keys: Vec<String> = keys.split(',').map(|key| format!("{key:?}")).collect();
                    return Err(format!(
                        "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)",
                        keys.join(" ")
                    ));
                }
                found.sort();
                Ok(Step::Key(found))
            }
            (ListForm::Keyed(_), _) => Err("associative list with keys may not have non-map elements".to_owned()),
        }
    }

    /// All items with their steps. One that has none, which only a live object that does not fit its schema holds, is known by its position.
    pub(super) fn steps(self, items: &[Value]) -> Vec<(Step, &Value)> {
        let numbered = items.iter().enumerate();
        numbered.map(|(index, item)| (self.step(item).unwrap_or(Step::Index(index as u64)), item)).collect()
    }
}
