//! A kustomization's text as kustomize edits it: fields in their order, each with the comments that stood above or within it.
//!
//! Fields are written anew from their values: keys sorted, empty ones left out, comments on the line of a value lost. That is kustomize's way.

use crate::error::{Error, ErrorKind, Result};
use crate::kustomization::Kustomization;
use crate::yaml::{Map, Node, Value, parse_kustomization, to_string};

/// All fields, in the order in which kustomize adds those that are new.
const ORDER: [&str; 35] = [
    "apiVersion",
    "kind",
    "metadata",
    "sortOptions",
    "resources",
    "bases",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "crds",
    "commonLabels",
    "commonAnnotations",
    "patchesStrategicMerge",
    "patchesJson6902",
    "patches",
    "configMapGenerator",
    "secretGenerator",
    "helmCharts",
    "helmChartInflationGenerator",
    "helmGlobals",
    "generatorOptions",
    "vars",
    "images",
    "replacements",
    "replicas",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "components",
    "openapi",
    "buildMetadata",
    "labels",
    "imageTags",
    "inventory",
];

/// Fields whose values are free maps of text: what is empty in them stays.
const TEXT_MAPS: [&str; 6] = ["pairs", "commonLabels", "commonAnnotations", "labels", "annotations", "openapi"];

/// A kustomization that can be changed and written back.
pub(super) struct File {
    /// Fields of the text and the comments to write above them.
    parts: Vec<(&'static str, String)>,
    fields: Map,
}

impl File {
    /// Reads the text and checks it as a build would.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let value = parse_kustomization(text.as_bytes(), "kustomization")?;
        if value.is_null() {
            return Err(Error::new(ErrorKind::Kustomization, "the kustomization is empty"));
        }
        match Kustomization::decode(value.clone()) {
            Err(error) if error.kind() != ErrorKind::Unsupported && !error.message().contains("is empty") => return Err(error),
            _ => {}
        }
        let mut fields = Map::new();
        let Node::Map(map) = value.node else {
            return Err(Error::new(ErrorKind::Kustomization, "a kustomization must be a map").at(value.pos));
        };
        for (key, value) in map.into_entries() {
            if let Some(name) = ORDER.iter().find(|name| name.eq_ignore_ascii_case(&key)) {
                fields.insert(name, value);
            }
        }
        let mut file = Self { parts: parts(text), fields };
        file.migrate();
        Ok(file)
    }

    /// What kustomize does to every file it edits: header and renamed fields.
    fn migrate(&mut self) {
        let component = self.fields.get("kind").and_then(Value::text) == Some("Component");
        if !self.fields.contains_key("kind") {
            self.fields.insert("kind", Value::string("Kustomization"));
        }
        if !self.fields.contains_key("apiVersion") {
            self.fields.insert(
                "apiVersion",
                Value::string(if component { "kustomize.config.k8s.io/v1alpha1" } else { "kustomize.config.k8s.io/v1beta1" }),
            );
        }
        for (old, new) in [("bases", "resources"), ("imageTags", "images")] {
            if let Some(Value { node: Node::List(items), .. }) = self.fields.remove(old) {
                self.list_mut(new).extend(items);
            }
        }
        for field in ["configMapGenerator", "secretGenerator"] {
            if !self.fields.contains_key(field) {
                continue;
            }
            for generator in self.list_mut(field) {
                let Some(map) = generator.as_map_mut() else { continue };
                if let Some(env) = map.remove("env") {
                    let envs = map.entry("envs", || Value::list(Vec::new()));
                    if let Node::List(items) = &mut envs.node {
                        items.push(env);
                    }
                }
            }
        }
    }

    /// A field that is a list, made if it is missing.
    pub(super) fn list_mut(&mut self, name: &str) -> &mut Vec<Value> {
        let value = self.fields.entry(name, || Value::list(Vec::new()));
        if value.as_list().is_none() {
            *value = Value::list(Vec::new());
        }
        match &mut value.node {
            Node::List(items) => items,
            _ => unreachable!("it was just made a list"),
        }
    }

    /// The new text.
    pub(super) fn into_text(self) -> String {
        let mut out = String::new();
        for (name, comment) in &self.parts {
            out.push_str(comment);
            out.push_str(&self.field(name));
        }
        for name in ORDER {
            if !self.parts.iter().any(|(known, _)| *known == name) {
                out.push_str(&self.field(name));
            }
        }
        out
    }

    fn field(&self, name: &'static str) -> String {
        let Some(value) = self.fields.get(name) else { return String::new() };
        let value = if TEXT_MAPS.contains(&name) && value.as_map().is_some() {
            (!value.as_map().is_some_and(Map::is_empty)).then(|| value.clone())
        } else {
            pruned(value)
        };
        let Some(value) = value else { return String::new() };
        let mut map = Map::new();
        map.insert(name, value);
        to_string(&Value::map(map))
    }
}

/// Leaves out what Go leaves out: empty texts, zeros, false, empty lists and maps.
fn pruned(value: &Value) -> Option<Value> {
    let node = match &value.node {
        Node::Scalar(scalar) => {
            let json = value.to_json();
            let empty = json.is_null() || json == "" || json == 0 || json == false;
            if empty {
                return None;
            }
            Node::Scalar(scalar.clone())
        }
        Node::List(items) => {
            if items.is_empty() {
                return None;
            }
            // Elements stay, however empty they are.
            Node::List(items.iter().map(|item| pruned(item).unwrap_or_else(|| item.clone())).collect())
        }
        Node::Map(map) => {
            let mut out = Map::new();
            for (key, value) in map.iter() {
                let kept = if TEXT_MAPS.contains(&key) && value.as_map().is_some() {
                    Some(value.clone()).filter(|value| !value.as_map().is_some_and(Map::is_empty))
                } else {
                    pruned(value)
                };
                if let Some(value) = kept {
                    out.insert(key, value);
                }
            }
            if out.is_empty() {
                return None;
            }
            Node::Map(out)
        }
    };
    Some(Value { node, pos: value.pos })
}

/// The fields of a text in their order, with blank lines and comments that stand above or inside them. Kustomize reads whole lines only, so an unfinished last line counts as new.
fn parts(text: &str) -> Vec<(&'static str, String)> {
    let mut parts: Vec<(&'static str, String)> = Vec::new();
    let mut comments = String::new();
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        let content = line.trim_start_matches(' ').trim_end_matches('\n');
        if content.is_empty() || content.starts_with('#') {
            comments.push_str(line);
            continue;
        }
        let field = line.split_once(':').and_then(|(key, _)| ORDER.into_iter().find(|name| name.eq_ignore_ascii_case(key)));
        match (field, parts.last_mut()) {
            (Some(name), _) => parts.push((name, std::mem::take(&mut comments))),
            (None, Some((_, above))) => above.push_str(&std::mem::take(&mut comments)),
            (None, None) => {}
        }
    }
    parts
}
