//! Sets of fields, as a tree of steps.

use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::path::Step;

/// A set of paths. What stands at a path may be in it (a member) independently of what stands below.
///
/// Clones share their parts until one of them changes: a write mostly leaves what everybody owns as it is.
///
/// ```
/// use fiel_merge::structured::FieldSet;
/// use serde_json::json;
/// let owned = FieldSet::decode(&json!({"f:spec": {"f:replicas": {}, "f:paused": {}}})).expect("FieldsV1");
/// let other = FieldSet::decode(&json!({"f:spec": {"f:replicas": {}}})).expect("FieldsV1");
/// assert_eq!(owned.difference(&other).paths(), [".spec.paused"]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct FieldSet {
    /// By step; each is a member or has something below it. Most sets are leaves, which have none.
    entries: Option<Arc<Vec<Entry>>>,
}

impl PartialEq for FieldSet {
    fn eq(&self, other: &Self) -> bool {
        match (&self.entries, &other.entries) {
            (Some(one), Some(other)) if Arc::ptr_eq(one, other) => true,
            _ => self.entries() == other.entries(),
        }
    }
}

impl Eq for FieldSet {}

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
        self.entries().is_empty()
    }

    fn of(entries: Vec<Entry>) -> Self {
        Self { entries: (!entries.is_empty()).then(|| Arc::new(entries)) }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        self.entries.as_ref().map_or(&[], |entries| entries)
    }

    /// The entries to be changed: from here on they are this set's own.
    fn own(&mut self) -> &mut Vec<Entry> {
        Arc::make_mut(self.entries.get_or_insert_default())
    }

    pub(super) fn entry(&self, step: &Step) -> Option<&Entry> {
        let entries = self.entries();
        find(entries, step).ok().map(|at| &entries[at])
    }

    /// The entry of a field, without making a step of its name.
    pub(super) fn field(&self, name: &str) -> Option<&Entry> {
        let entries = self.entries();
        let at = entries.binary_search_by(|entry| match &entry.step {
            Step::Field(field) => field.as_ref().cmp(name),
            _ => Ordering::Greater,
        });
        at.ok().map(|at| &entries[at])
    }

    fn enter_entry(&mut self, step: Step) -> &mut Entry {
        let entries = self.own();
        let at = match find(entries, &step) {
            Ok(at) => at,
            Err(at) => {
                entries.insert(at, Entry { step, member: false, below: Self::default() });
                at
            }
        };
        &mut entries[at]
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
            self.own().push(entry);
        }
    }

    /// Orders what [`FieldSet::push`] collected; the same step twice is one.
    pub(super) fn settle(&mut self) {
        if self.entries().windows(2).all(|pair| pair[0].step < pair[1].step) {
            return;
        }
        let entries = self.own();
        entries.sort_by(|one, other| one.step.cmp(&other.step));
        entries.dedup_by(|later, first| {
            let same = later.step == first.step;
            if same {
                first.member |= later.member;
                first.below.absorb(std::mem::take(&mut later.below));
            }
            same
        });
    }

    /// Puts another set into this one.
    pub fn extend(&mut self, other: &Self) {
        self.absorb(other.clone());
    }

    /// Puts another set into this one, which is all that is left of it.
    pub(super) fn absorb(&mut self, other: Self) {
        let known = self.entries().len();
        if known == 0 {
            *self = other;
            return;
        }
        let Some(theirs) = other.entries else { return };
        let entries = self.own();
        for theirs in Arc::unwrap_or_clone(theirs) {
            match find(&entries[..known], &theirs.step) {
                Ok(at) => {
                    entries[at].member |= theirs.member;
                    entries[at].below.absorb(theirs.below);
                }
                Err(_) => entries.push(theirs),
            }
        }
        // What came is in its order too: two ordered runs are sorted in one walk.
        if entries.len() > known {
            entries.sort_by(|one, other| one.step.cmp(&other.step));
        }
    }

    /// Both together.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut out = self.clone();
        out.extend(other);
        out
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let (few, many) = if self.entries().len() < other.entries().len() { (self, other) } else { (other, self) };
        let both = few.entries().iter().filter_map(|one| {
            let two = many.entry(&one.step)?;
            let (member, below) = (one.member && two.member, one.below.intersection(&two.below));
            (member || !below.is_empty()).then(|| Entry { step: one.step.clone(), member, below })
        });
        Self::of(both.collect())
    }

    /// Takes out what is in another set, path by path.
    pub fn subtract(&mut self, other: &Self) {
        self.without(other, false);
    }

    /// Takes out what is in another set, and all that is below it.
    pub fn subtract_below(&mut self, other: &Self) {
        self.without(other, true);
    }

    fn without(&mut self, other: &Self, recursive: bool) {
        // What shares nothing with the other stays shared.
        if !other.entries().iter().any(|theirs| self.entry(&theirs.step).is_some()) {
            return;
        }
        self.own().retain_mut(|entry| {
            let Some(theirs) = other.entry(&entry.step) else { return true };
            if recursive && theirs.member {
                return false;
            }
            entry.member &= !theirs.member;
            entry.below.without(&theirs.below, recursive);
            !entry.is_empty()
        });
    }

    /// What is in this one only, path by path.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut out = self.clone();
        out.subtract(other);
        out
    }

    /// What is in this one, and not in the other nor below anything in it.
    #[must_use]
    pub fn recursive_difference(&self, other: &Self) -> Self {
        let mut out = self.clone();
        out.subtract_below(other);
        out
    }

    /// Whether all that is in this one is in the other too.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.entries().iter().all(|entry| {
            other.entry(&entry.step).is_some_and(|theirs| (!entry.member || theirs.member) && entry.below.is_subset(&theirs.below))
        })
    }

    /// The members that have nothing below them.
    #[must_use]
    pub fn leaves(&self) -> Self {
        let entries = self.entries().iter().map(|entry| Entry {
            step: entry.step.clone(),
            member: entry.member && entry.below.is_empty(),
            below: entry.below.leaves(),
        });
        Self::of(entries.collect())
    }

    /// Every path in it, as conflicts show them, in order: first the members of a level, then what is below.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        let mut out = Vec::new();
        self.collect("", &mut out);
        out
    }

    fn collect(&self, prefix: &str, out: &mut Vec<String>) {
        let members = self.entries().iter().filter(|entry| entry.member);
        out.extend(members.map(|entry| format!("{prefix}{}", entry.step)));
        for entry in self.entries() {
            entry.below.collect(&format!("{prefix}{}", entry.step), out);
        }
    }

    /// The form in which metadata.managedFields holds it (`FieldsV1`).
    #[must_use]
    pub fn encode(&self) -> Value {
        Value::Object(self.encode_fields())
    }

    fn encode_fields(&self) -> Map<String, Value> {
        let encoded = self.entries().iter().map(|entry| {
            let mut fields = entry.below.encode_fields();
            if entry.member && !fields.is_empty() {
                fields.insert(".".to_owned(), Value::Object(Map::new()));
            }
            (entry.step.encode(), Value::Object(fields))
        });
        encoded.collect()
    }

    /// Writes that form as JSON, the fields in the order of their steps; `member`: of a place that is in a set itself.
    pub(super) fn write(&self, member: bool, out: &mut String) {
        out.push('{');
        if member && !self.is_empty() {
            out.push_str("\".\":{},");
        }
        for (index, entry) in self.entries().iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            entry.step.write(out);
            out.push(':');
            entry.below.write(entry.member, out);
        }
        out.push('}');
    }

    /// Reads that form; none if it is none.
    #[must_use]
    pub fn decode(fields: &Value) -> Option<Self> {
        let fields = fields.as_object()?;
        let mut out = Self::default();
        for (key, value) in fields {
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

/// Where a step is among entries in their order, or where it would be.
fn find(entries: &[Entry], step: &Step) -> Result<usize, usize> {
    entries.binary_search_by(|entry| entry.step.cmp(step))
}
