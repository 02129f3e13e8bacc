//! Target selectors: anchored regular expressions, label and annotation selectors.

use regex::Regex;

use crate::error::{Error, ErrorKind, Result};
use crate::kustomization::Selector;
use crate::labels;
use crate::names::Names;
use crate::resource::Resource;
use crate::yaml::Value;

/// A selector whose patterns are compiled.
pub(crate) struct Compiled {
    group: Option<Pattern>,
    version: Option<Pattern>,
    kind: Option<Pattern>,
    name: Option<Pattern>,
    namespace: Option<Pattern>,
    labels: Vec<Requirement>,
    annotations: Vec<Requirement>,
    /// Whether something was written of labels or annotations, if only a blank.
    asks_metadata: bool,
}

impl Compiled {
    pub(crate) fn new(selector: &Selector) -> Result<Self> {
        let pattern = |text: &str| {
            if text.is_empty() {
                return Ok(None);
            }
            if is_literal(text) {
                return Ok(Some(Pattern::Literal(text.to_owned())));
            }
            Regex::new(&format!("^(?:{text})$")).map(|regex| Some(Pattern::Regex(regex))).map_err(|error| {
                Error::new(
                    ErrorKind::Kustomization,
                    format!("the pattern {text} of a selector is not valid: {}", error.to_string().lines().last().unwrap_or("")),
                )
                .at(selector.pos)
            })
        };
        Ok(Self {
            group: pattern(&selector.group)?,
            version: pattern(&selector.version)?,
            kind: pattern(&selector.kind)?,
            name: pattern(&selector.name)?,
            namespace: pattern(&selector.namespace)?,
            labels: requirements(&selector.label_selector).map_err(|error| error.at(selector.pos))?,
            annotations: requirements(&selector.annotation_selector).map_err(|error| error.at(selector.pos))?,
            asks_metadata: !(selector.label_selector.is_empty() && selector.annotation_selector.is_empty()),
        })
    }

    /// The one name that this can match, if it is for no other.
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.name {
            Some(Pattern::Literal(name)) => Some(name),
            _ => None,
        }
    }

    /// Where resources stand that this may match: all of so many, or those with the name if only one comes into question.
    pub(crate) fn places(&self, names: &Names, all: usize) -> Vec<usize> {
        self.name().map_or_else(|| (0..all).collect(), |name| names.places(name))
    }

    pub(crate) fn matches(&self, resource: &Resource) -> bool {
        let ok = |pattern: &Option<Pattern>, text: &str| pattern.as_ref().is_none_or(|pattern| pattern.is_match(text));
        let (now, before) = (resource.id(), resource.original_id());
        ok(&self.kind, now.gvk.kind)
            && ok(&self.group, now.gvk.group)
            && ok(&self.version, now.gvk.version)
            && (ok(&self.name, before.name) || ok(&self.name, now.name))
            && (ok(&self.namespace, before.effective_namespace()) || ok(&self.namespace, now.effective_namespace()))
            && self.matches_metadata(resource)
    }

    /// Only labels and annotations.
    pub(crate) fn matches_metadata(&self, resource: &Resource) -> bool {
        let find = |field: &str, key: &str| {
            resource.value.get("metadata").and_then(|meta| meta.get(field)).and_then(|map| map.get(key)).and_then(Value::text)
        };
        self.labels.iter().all(|one| one.holds(find("labels", &one.key)))
            && self.annotations.iter().all(|one| one.holds(find("annotations", &one.key)))
    }

    /// Whether a replacement passes over a resource with these ids for it: because of an id, or because of labels and annotations, each of which is enough.
    /// What says nothing of them rejects nothing.
    pub(crate) fn rejects(&self, ids: &[crate::id::Id<'_>], resource: &Resource) -> bool {
        let asks_id = [&self.group, &self.version, &self.kind, &self.name, &self.namespace].into_iter().any(Option::is_some);
        asks_id && ids.iter().any(|id| self.matches_id(id)) || self.asks_metadata && self.matches_metadata(resource)
    }

    /// Whether an id matches: kind and so on by pattern.
    pub(crate) fn matches_id(&self, id: &crate::id::Id<'_>) -> bool {
        let ok = |pattern: &Option<Pattern>, text: &str| pattern.as_ref().is_none_or(|pattern| pattern.is_match(text));
        ok(&self.kind, id.gvk.kind)
            && ok(&self.group, id.gvk.group)
            && ok(&self.version, id.gvk.version)
            && ok(&self.name, id.name)
            && ok(&self.namespace, id.namespace)
    }
}

/// A pattern for a whole text. Most are nothing but the text, and a regular expression takes longer to compile than a small kustomization to build.
enum Pattern {
    Literal(String),
    Regex(Regex),
}

impl Pattern {
    fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Literal(literal) => literal == text,
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

/// Whether a pattern matches nothing but itself.
fn is_literal(pattern: &str) -> bool {
    !pattern.is_empty() && pattern.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'/' | b':'))
}

enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Missing,
    Above(i64),
    Below(i64),
}

struct Requirement {
    key: String,
    test: Test,
}

impl Requirement {
    fn holds(&self, value: Option<&str>) -> bool {
        match &self.test {
            Test::In(values) => value.is_some_and(|value| values.iter().any(|one| one == value)),
            Test::NotIn(values) => value.is_none_or(|value| !values.iter().any(|one| one == value)),
            Test::Exists => value.is_some(),
            Test::Missing => value.is_none(),
            Test::Above(limit) => number(value).is_some_and(|number| number > *limit),
            Test::Below(limit) => number(value).is_some_and(|number| number < *limit),
        }
    }
}

fn number(value: Option<&str>) -> Option<i64> {
    value?.parse().ok()
}

/// Kubernetes' label selector language: `a=b,c!=d,e in (f,g),h,!i,j>5`.
fn requirements(text: &str) -> Result<Vec<Requirement>> {
    let mut out = Vec::new();
    let mut rest = text.trim();
    let wrong = || Error::new(ErrorKind::Kustomization, format!("cannot read the selector {text}"));
    while !rest.is_empty() {
        let mut depth = 0;
        let end = rest
            .char_indices()
            .find(|(_, c)| {
                depth += i32::from(*c == '(') - i32::from(*c == ')');
                *c == ',' && depth == 0
            })
            .map_or(rest.len(), |(at, _)| at);
        out.push(requirement(rest[..end].trim()).ok_or_else(wrong)?);
        let behind = rest.get(end + 1..).map(str::trim);
        // Something must follow a comma.
        if behind.is_some_and(str::is_empty) {
            return Err(wrong());
        }
        rest = behind.unwrap_or_default();
    }
    Ok(out)
}

fn requirement(text: &str) -> Option<Requirement> {
    let are_values = |test: &Test| match test {
        Test::In(values) | Test::NotIn(values) => values.iter().all(|value| labels::is_value(value)),
        // A sign is no part of a value.
        Test::Above(limit) | Test::Below(limit) => *limit >= 0,
        Test::Exists | Test::Missing => true,
    };
    let make =
        |key: &str, test: Test| (labels::is_key(key.trim()) && are_values(&test)).then(|| Requirement { key: key.trim().to_owned(), test });
    let one = |value: &str| vec![value.trim().to_owned()];
    if let Some((key, value)) = text.split_once("!=") {
        return make(key, Test::NotIn(one(value)));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return make(key, Test::In(one(value)));
    }
    if let Some(key) = text.strip_prefix('!') {
        return make(key, Test::Missing);
    }
    if let Some((head, values)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        let values = values.split(',').map(|value| value.trim().to_owned()).collect();
        let (key, word) = head.trim().rsplit_once(char::is_whitespace)?;
        return match word {
            "in" => make(key, Test::In(values)),
            "notin" => make(key, Test::NotIn(values)),
            _ => None,
        };
    }
    for (sign, test) in [('>', Test::Above as fn(i64) -> Test), ('<', Test::Below)] {
        if let Some((key, limit)) = text.split_once(sign) {
            return make(key, test(limit.trim().parse().ok()?));
        }
    }
    make(text, Test::Exists)
}
