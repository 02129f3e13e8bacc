//! Sets of fields, as a tree of steps.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::path::Step;

/// A set of paths. What stands at a path may be in it (a member) independently of what stands below.
///
/// ```
/// use fiel_merge::structured::FieldSet;
/// use serde_json::json;
/// let owned = FieldSet::decode(&json!({"f:spec": {"f:replicas": {}, "f:paused": {}}})).expect("FieldsV1");
/// let other = FieldSet::decode(&json!({"f:spec": {"f:replicas": {}}})).expect("FieldsV1");
/// assert_eq!(owned.difference(&other).paths(), [".spec.paused"]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSet {
    /// By step; each is a member or has something below it.
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) step: Step,
    pub(super) member: bool,
    pub(super) below: FieldSet,
}

impl Entry {
    fn is_empty(&self) -> bool {
        !self.member && self.below.is_empty()
    }
}

impl FieldSet {
    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn find(&self, step: &Step) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| entry.step.cmp(step))
    }

    pub(super) fn entry(&self, step: &Step) -> Option<&Entry> {
        self.find(step).ok().map(|at| &self.entries[at])
    }

    /// The entry of a field, without making a step of its name.
    pub(super) fn field(&self, name: &str) -> Option<&Entry> {
        let at = self.entries.binary_search_by(|entry| match &entry.step {
            Step::Field(field) => field.as_ref().cmp(name),
            _ => Ordering::Greater,
        });
        at.ok().map(|at| &self.entries[at])
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn enter_entry(&mut self, step: Step) -> &mut Entry {
        let at = match self.find(&step) {
            Ok(at) => at,
            Err(at) => {
                self.entries.insert(at, Entry { step, member: false, below: Self::default() });
                at
            }
        };
        &mut self.entries[at]
    }

    /// Puts one step of this level into it.
    pub fn insert(&mut self, step: Step) {
        self.enter_entry(step).member = true;
    }

    /// Puts a path into it; the empty path is no place in an object.
    pub fn insert_path(&mut self, path: &[Step]) {
        match path {
            [] => {}
            [last] => self.insert(last.clone()),
            [first, rest @ ..] => self.enter_entry(first.clone()).below.insert_path(rest),
        }
    }

    /// Whether the step itself is in it.
    #[must_use]
    pub fn has(&self, step: &Step) -> bool {
        self.entry(step).is_some_and(|entry| entry.member)
    }

    /// What is in it below a step.
    #[must_use]
    pub fn below(&self, step: &Step) -> Option<&Self> {
        self.entry(step).map(|entry| &entry.below).filter(|below| !below.is_empty())
    }

    /// Puts a whole set below a step; an empty one leaves no trace.
    pub fn place(&mut self, step: Step, below: Self) {
        if !below.is_empty() {
            self.enter_entry(step).below = below;
        }
    }

    /// Collects entries in any order: [`FieldSet::settle`] puts them into theirs. That keeps long lists from costing their square.
    pub(super) fn push(&mut self, step: Step, member: bool, below: Self) {
        let entry = Entry { step, member, below };
        if !entry.is_empty() {
            self.entries.push(entry);
        }
    }

    /// Orders what [`FieldSet::push`] collected; the same step twice is one.
    pub(super) fn settle(&mut self) {
        if self.entries.windows(2).all(|pair| pair[0].step < pair[1].step) {
            return;
        }
        self.entries.sort_by(|one, other| one.step.cmp(&other.step));
        self.entries.dedup_by(|later, first| {
            let same = later.step == first.step;
            if same {
                first.member |= later.member;
                first.below = first.below.union(&later.below);
            }
            same
        });
    }

    /// Walks two sets side by side: what `each` makes of every step that either has.
    fn zip(&self, other: &Self, mut each: impl FnMut(Option<&Entry>, Option<&Entry>) -> Option<Entry>) -> Self {
        let (mut mine, mut theirs) = (self.entries.iter().peekable(), other.entries.iter().peekable());
        let mut entries = Vec::new();
        loop {
            let order = match (mine.peek(), theirs.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(one), Some(two)) => one.step.cmp(&two.step),
            };
            let one = if order == Ordering::Greater { None } else { mine.next() };
            let two = if order == Ordering::Less { None } else { theirs.next() };
            entries.extend(each(one, two).filter(|entry| !entry.is_empty()));
        }
        Self { entries }
    }

    /// Both together.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        if self.is_empty() {
            return other.clone();
        }
        if other.is_empty() {
            return self.clone();
        }
        self.zip(other, |one, two| match (one, two) {
            (Some(one), Some(two)) => {
                Some(Entry { step: one.step.clone(), member: one.member || two.member, below: one.below.union(&two.below) })
            }
            (one, two) => one.or(two).cloned(),
        })
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        if self.is_empty() || other.is_empty() {
            return Self::default();
        }
        self.zip(other, |one, two| {
            let (one, two) = (one?, two?);
            let (member, below) = (one.member && two.member, one.below.intersection(&two.below));
            (member || !below.is_empty()).then(|| Entry { step: one.step.clone(), member, below })
        })
    }

    /// What is in this one only, path by path.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.without(other, false)
    }

    /// What is in this one, and not in the other nor below anything in it.
    #[must_use]
    pub fn recursive_difference(&self, other: &Self) -> Self {
        self.without(other, true)
    }

    fn without(&self, other: &Self, recursive: bool) -> Self {
        if other.is_empty() {
            return self.clone();
        }
        self.zip(other, |one, two| {
            let one = one?;
            let Some(two) = two else {
                return Some(one.clone());
            };
            if recursive && two.member {
                return None;
            }
            Some(Entry { step: one.step.clone(), member: one.member && !two.member, below: one.below.without(&two.below, recursive) })
        })
    }

    /// Whether all that is in this one is in the other too.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.entries.iter().all(|entry| {
            other.entry(&entry.step).is_some_and(|theirs| (!entry.member || theirs.member) && entry.below.is_subset(&theirs.below))
        })
    }

    /// The members that have nothing below them.
    #[must_use]
    pub fn leaves(&self) -> Self {
        let entries = self.entries.iter().map(|entry| Entry {
            step: entry.step.clone(),
            member: entry.member && entry.below.is_empty(),
            below: entry.below.leaves(),
        });
        Self { entries: entries.collect() }
    }

    /// Every path in it, as conflicts show them, in order: first the members of a level, then what is below.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        let mut out = Vec::new();
        self.collect("", &mut out);
        out
    }

    fn collect(&self, prefix: &str, out: &mut Vec<String>) {
        let members = self.entries.iter().filter(|entry| entry.member);
        out.extend(members.map(|entry| format!("{prefix}{}", entry.step)));
        for entry in &self.entries {
            entry.below.collect(&format!("{prefix}{}", entry.step), out);
        }
    }

    /// The form in which metadata.managedFields holds it (`FieldsV1`).
    #[must_use]
    pub fn encode(&self) -> Value {
        Value::Object(self.encode_fields())
    }

    fn encode_fields(&self) -> Map<String, Value> {
        let encoded = self.entries.iter().map(|entry| {
            let mut fields = entry.below.encode_fields();
            if entry.member && !fields.is_empty() {
                fields.insert(".".to_owned(), Value::Object(Map::new()));
            }
            (entry.step.encode(), Value::Object(fields))
        });
        encoded.collect()
    }

    /// Reads that form; none if it is none.
    #[must_use]
    pub fn decode(fields: &Value) -> Option<Self> {
        let mut out = Self::default();
        for (key, value) in fields.as_object()? {
            if key == "." {
                continue;
            }
            let object = value.as_object()?;
            out.push(Step::decode(key)?, object.is_empty() || object.contains_key("."), Self::decode(value)?);
        }
        out.settle();
        Some(out)
    }
}
