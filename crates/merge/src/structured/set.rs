//! Sets of fields, as a tree of steps.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::path::Step;

/// A set of paths. What stands at a path may be in it (a member) independently of what stands below.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSet {
    members: BTreeSet<Step>,
    children: BTreeMap<Step, FieldSet>,
}

impl FieldSet {
    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.values().all(Self::is_empty)
    }

    /// Puts one step of this level into it.
    pub fn insert(&mut self, step: Step) {
        self.members.insert(step);
    }

    /// Whether the step itself is in it.
    #[must_use]
    pub fn has(&self, step: &Step) -> bool {
        self.members.contains(step)
    }

    /// What is in it below a step.
    #[must_use]
    pub fn below(&self, step: &Step) -> Option<&Self> {
        self.children.get(step)
    }

    /// The set below a step, to be filled.
    pub fn enter(&mut self, step: Step) -> &mut Self {
        self.children.entry(step).or_default()
    }

    /// Puts a whole set below a step; an empty one leaves no trace.
    pub fn place(&mut self, step: Step, below: Self) {
        if !below.is_empty() {
            self.children.insert(step, below);
        }
    }

    /// Both together.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut children = self.children.clone();
        for (step, below) in &other.children {
            match children.get_mut(step) {
                Some(mine) => *mine = mine.union(below),
                None => {
                    children.insert(step.clone(), below.clone());
                }
            }
        }
        Self { members: self.members.union(&other.members).cloned().collect(), children }
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut out = Self { members: self.members.intersection(&other.members).cloned().collect(), children: BTreeMap::new() };
        for (step, below) in &self.children {
            if let Some(theirs) = other.children.get(step) {
                out.place(step.clone(), below.intersection(theirs));
            }
        }
        out
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
        let mut out = Self { members: self.members.difference(&other.members).cloned().collect(), children: BTreeMap::new() };
        for (step, below) in &self.children {
            if recursive && other.members.contains(step) {
                continue;
            }
            let left = match other.children.get(step) {
                Some(theirs) => below.without(theirs, recursive),
                None => below.clone(),
            };
            out.place(step.clone(), left);
        }
        out
    }

    /// The members that have nothing below them.
    #[must_use]
    pub fn leaves(&self) -> Self {
        let mut out = Self::default();
        for step in &self.members {
            if self.children.get(step).is_none_or(Self::is_empty) {
                out.insert(step.clone());
            }
        }
        for (step, below) in &self.children {
            out.place(step.clone(), below.leaves());
        }
        out
    }

    /// Every path in it, as conflicts show them, in order.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        let mut out = Vec::new();
        self.collect("", &mut out);
        out
    }

    fn collect(&self, prefix: &str, out: &mut Vec<String>) {
        for step in &self.members {
            out.push(format!("{prefix}{step}"));
        }
        for (step, below) in &self.children {
            below.collect(&format!("{prefix}{step}"), out);
        }
    }

    /// The steps of this level: whether each is a member, and what is below.
    pub fn steps(&self) -> impl Iterator<Item = (&Step, bool, Option<&Self>)> {
        let both: BTreeSet<&Step> = self.members.iter().chain(self.children.keys()).collect();
        both.into_iter().map(|step| (step, self.members.contains(step), self.children.get(step)))
    }

    /// The form in which metadata.managedFields holds it (`FieldsV1`).
    #[must_use]
    pub fn encode(&self) -> Value {
        let mut out = Map::new();
        for (step, member, below) in self.steps() {
            let mut value = below.map_or_else(|| Value::Object(Map::new()), Self::encode);
            if let (true, Some(object)) = (member && below.is_some(), value.as_object_mut()) {
                object.insert(".".to_owned(), Value::Object(Map::new()));
            }
            out.insert(step.encode(), value);
        }
        Value::Object(out)
    }

    /// Reads that form; none if it is none.
    #[must_use]
    pub fn decode(fields: &Value) -> Option<Self> {
        let mut out = Self::default();
        for (key, value) in fields.as_object()? {
            if key == "." {
                continue;
            }
            let step = Step::decode(key)?;
            let object = value.as_object()?;
            if object.is_empty() || object.contains_key(".") {
                out.members.insert(step.clone());
            }
            if object.keys().any(|key| key != ".") {
                out.children.insert(step, Self::decode(value)?);
            }
        }
        Some(out)
    }
}
