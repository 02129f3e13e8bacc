//! How two values differ, field by field.

use std::collections::BTreeMap;

use serde_json::Value;

use super::path::{Step, same};
use super::set::FieldSet;
use super::types::{List, Object, Shape, Type};

/// How one value became another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Only in the new one.
    pub added: FieldSet,
    /// In both, with different values.
    pub modified: FieldSet,
    /// Only in the old one.
    pub removed: FieldSet,
}

impl Comparison {
    /// Whether no field changed. Lists may still have changed their order.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.added.is_empty() && self.modified.is_empty() && self.removed.is_empty()
    }

    fn settle(&mut self) {
        self.added.settle();
        self.modified.settle();
        self.removed.settle();
    }
}

/// What became of a place itself, beside what is below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    None,
    Added,
    Modified,
    Removed,
}

/// Compares two values of a type.
///
/// ```
/// use fiel_merge::structured::{Type, compare};
/// use serde_json::json;
/// let comparison = compare(&json!({"a": 1, "b": 2}), &json!({"a": 3, "c": 4}), Type::DEDUCED);
/// assert_eq!(comparison.modified.paths(), [".a"]);
/// assert_eq!(comparison.removed.paths(), [".b"]);
/// assert_eq!(comparison.added.paths(), [".c"]);
/// ```
#[must_use]
pub fn compare(old: &Value, new: &Value, of: Type<'_>) -> Comparison {
    let mut out = Comparison::default();
    differ_in(Some(old), Some(new), of, &mut out);
    out
}

fn differ(old: Option<&Value>, new: Option<&Value>, of: Type<'_>, out: &mut Comparison) -> Change {
    // Most of an object stays as it is: no schema is needed to see that.
    if old.zip(new).is_some_and(|(old, new)| same(old, new)) {
        return Change::None;
    }
    differ_in(old, new, of, out)
}

/// The same, without a look at the values as a whole: at the top something has changed nearly always.
fn differ_in(old: Option<&Value>, new: Option<&Value>, of: Type<'_>, out: &mut Comparison) -> Change {
    match (old, new) {
        (None, None) => Change::None,
        (None, Some(new)) => {
            out.added = all(new, of);
            Change::Added
        }
        (Some(old), None) => {
            out.removed = all(old, of);
            Change::Removed
        }
        (Some(old), Some(new)) => {
            let atom = of.atom();
            let (was, is) = (atom.of(Some(old)), atom.of(Some(new)));
            // A value of one form became one of another: what had parts loses or gains them all.
            let before = if was.same_choice(is) { Change::None } else { differ_as(was.shape(), old, new, out) };
            let after = differ_as(is.shape(), old, new, out);
            out.settle();
            if before == Change::None { after } else { before }
        }
    }
}

/// All that stands below a value that has come or gone.
fn all(value: &Value, of: Type<'_>) -> FieldSet {
    let mut out = FieldSet::default();
    match (of.shape(Some(value)), value) {
        (Shape::Object(object), Value::Object(fields)) if !object.atomic => {
            for (name, value) in fields {
                out.push(Step::Field(name.as_str().into()), true, all(value, object.child(name).unwrap_or(Type::ATOMIC)));
            }
        }
        (Shape::List(list), Value::Array(items)) if !list.is_atomic() => {
            let mut steps: BTreeMap<Step, Vec<&Value>> = BTreeMap::new();
            for (step, item) in list.steps(items) {
                steps.entry(step).or_default().push(item);
            }
            for (step, items) in steps {
                // Of items that are there twice it cannot be told which is which.
                let below = if let [item] = items.as_slice() { all(item, list.items) } else { FieldSet::default() };
                out.push(step, true, below);
            }
        }
        _ => {}
    }
    out.settle();
    out
}

fn differ_as(shape: Shape<'_>, old: &Value, new: &Value, out: &mut Comparison) -> Change {
    match shape {
        Shape::Object(object) => {
            let nothing = serde_json::Map::new();
            let (was, is) = (old.as_object().unwrap_or(&nothing), new.as_object().unwrap_or(&nothing));
            if object.atomic || was.is_empty() && is.is_empty() {
                return leaf(old, new);
            }
            let mut beside = is.iter().peekable();
            let mut both = 0;
            for (name, value) in was {
                // Names stand in the same order, unless a feature of serde_json keeps that of the text.
                let other = beside.next_if(|(beside, _)| *beside == name).map(|(_, other)| other).or_else(|| {
                    let other = is.get(name)?;
                    beside.find(|(beside, _)| *beside == name);
                    Some(other)
                });
                both += usize::from(other.is_some());
                field(name, Some(value), other, object, out);
            }
            let added = is.iter().filter(|_| both < is.len());
            for (name, value) in added.filter(|(name, _)| !was.contains_key(*name)) {
                field(name, None, Some(value), object, out);
            }
        }
        Shape::List(list) => {
            let [was, is] = [old, new].map(|value| value.as_array().map_or(&[][..], Vec::as_slice));
            if list.is_atomic() || was.is_empty() && is.is_empty() {
                return leaf(old, new);
            }
            lists(was, is, list, out);
        }
        Shape::Scalar(_) => return leaf(old, new),
        Shape::Nothing => {}
    }
    Change::None
}

fn leaf(old: &Value, new: &Value) -> Change {
    if same(old, new) { Change::None } else { Change::Modified }
}

fn field(name: &str, old: Option<&Value>, new: Option<&Value>, object: Object<'_>, out: &mut Comparison) {
    // A field that the schema does not know is compared as a whole.
    let of = object.child(name).unwrap_or(Type::ATOMIC);
    let mut below = Comparison::default();
    let change = differ(old, new, of, &mut below);
    if change != Change::None || !below.is_same() {
        note(Step::Field(name.into()), change, below, out);
    }
}

fn note(step: Step, change: Change, below: Comparison, out: &mut Comparison) {
    let sides = [
        (&mut out.added, Change::Added, below.added),
        (&mut out.modified, Change::Modified, below.modified),
        (&mut out.removed, Change::Removed, below.removed),
    ];
    let mut sides = sides.into_iter().filter(|(_, kind, below)| change == *kind || !below.is_empty()).peekable();
    let mut step = Some(step);
    while let Some((set, kind, below)) = sides.next() {
        // Nearly always there is only one.
        if let Some(step) = if sides.peek().is_some() { step.clone() } else { step.take() } {
            set.push(step, change == kind, below);
        }
    }
}

fn lists(old: &[Value], new: &[Value], list: List<'_>, out: &mut Comparison) {
    if old.len() == new.len() && old.iter().zip(new).all(|(old, new)| same(old, new)) {
        return;
    }
    let mut pairs: BTreeMap<Step, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
    for (step, item) in list.steps(old) {
        pairs.entry(step).or_default().0.push(item);
    }
    for (step, item) in list.steps(new) {
        pairs.entry(step).or_default().1.push(item);
    }
    for (step, (was, is)) in pairs {
        let mut below = Comparison::default();
        let change = match (was.as_slice(), is.as_slice()) {
            // Items that are there twice are one atomic thing: which is which cannot be told.
            ([_, _, ..], [_, _, ..]) => {
                let unchanged = was.len() == is.len() && was.iter().zip(&is).all(|(old, new)| same(old, new));
                if unchanged { Change::None } else { Change::Modified }
            }
            ([_, _, ..], rest) => {
                if let [item] = rest {
                    let change = differ(None, Some(item), list.items, &mut below);
                    note(step.clone(), change, std::mem::take(&mut below), out);
                }
                Change::Removed
            }
            (rest, [_, _, ..]) => {
                if let [item] = rest {
                    let change = differ(Some(item), None, list.items, &mut below);
                    note(step.clone(), change, std::mem::take(&mut below), out);
                }
                Change::Added
            }
            (old, new) => differ(old.first().copied(), new.first().copied(), list.items, &mut below),
        };
        note(step, change, below, out);
    }
}
