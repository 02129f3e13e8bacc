//! A kustomization's text as kustomize edits it: fields in their order, each with the comments that stood above or within it.
//!
//! Fields are written anew from their values: keys sorted, empty ones left out, comments on the line of a value lost. That is kustomize's way.

use super::schema::{KUSTOMIZATION, Shape, normal, structure};
use crate::error::Result;
use crate::yaml::{Map, Node, Value, parse_kustomization_text, to_string};

/// Fields that kustomize does not know by their line, and so never writes where they stood.
const UNSEEN: [&str; 1] = ["imageTags"];

/// A kustomization that can be changed and written back.
#[derive(Debug)]
pub struct File {
    /// Fields of the text and the comments to write above them.
    parts: Vec<(&'static str, String)>,
    fields: Map,
}

impl File {
    /// Reads the text of a kustomization. Fields that were renamed since are moved to their new names; an empty text is a kustomization without fields.
    ///
    /// # Errors
    /// When the text is not YAML, has a field that kustomize does not know, or a value of the wrong type. The error names line and column; the caller
    /// knows the file ([`Error::in_file`](crate::Error::in_file)).
    pub fn parse(text: &[u8]) -> Result<Self> {
        let mut file = Self { parts: parts(&String::from_utf8_lossy(text)), fields: fields(text)? };
        file.migrate();
        Ok(file)
    }

    /// What kustomize does to every file it edits: header and renamed fields.
    fn migrate(&mut self) {
        let component = self.get("kind").and_then(Value::text) == Some("Component");
        if self.get("kind").is_none() {
            self.set("kind", Value::string("Kustomization"));
        }
        if self.get("apiVersion").is_none() {
            let version = if component { "v1alpha1" } else { "v1beta1" };
            self.set("apiVersion", Value::string(format!("kustomize.config.k8s.io/{version}")));
        }
        for (old, new) in [("bases", "resources"), ("imageTags", "images")] {
            let items = self.take_list(old);
            self.list_mut(new).extend(items);
        }
        for field in ["configMapGenerator", "secretGenerator"] {
            for generator in self.list_mut(field) {
                let Some(map) = generator.as_map_mut() else { continue };
                if let Some(env) = map.remove("env") {
                    push(map, "envs", env);
                }
            }
        }
        self.migrate_helm();
    }

    /// The list of charts had another name, and told of each chart what is now told once.
    fn migrate_helm(&mut self) {
        let mut globals = Map::new();
        for chart in self.take_list("helmChartInflationGenerator") {
            let mut new = Map::new();
            for (old, name) in [
                ("chartName", "name"),
                ("chartVersion", "version"),
                ("chartRepoUrl", "repo"),
                ("releaseName", "releaseName"),
                ("values", "valuesFile"),
                ("valuesLocal", "valuesInline"),
                ("valuesMerge", "valuesMerge"),
            ] {
                if let Some(value) = chart.get(old) {
                    new.insert(name, value.clone());
                }
            }
            for (old, name) in [("chartHome", "chartHome"), ("helmHome", "configHome")] {
                if let Some(value) = chart.get(old) {
                    globals.insert(name, value.clone());
                }
            }
            self.list_mut("helmCharts").push(Value::map(new));
        }
        if !globals.is_empty() && self.get("helmGlobals").is_none() {
            self.set("helmGlobals", Value::map(globals));
        }
    }

    /// A field's value.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// Sets a field.
    pub(super) fn set(&mut self, name: &'static str, value: Value) {
        self.fields.insert(name, value);
    }

    /// Takes a field out.
    pub(super) fn remove(&mut self, name: &str) {
        self.fields.remove(name);
    }

    /// The items of a list; none where it is missing.
    pub(super) fn list(&self, name: &str) -> &[Value] {
        self.get(name).and_then(Value::as_list).unwrap_or_default()
    }

    /// A field that is a list, made if it is missing.
    pub(super) fn list_mut(&mut self, name: &'static str) -> &mut Vec<Value> {
        items(&mut self.fields, name)
    }

    /// Takes all items of a list out.
    pub(super) fn take_list(&mut self, name: &str) -> Vec<Value> {
        match self.fields.remove(name) {
            Some(Value { node: Node::List(items), .. }) => items,
            _ => Vec::new(),
        }
    }

    /// A field that is a map, made if it is missing.
    pub(super) fn map_mut(&mut self, name: &'static str) -> &mut Map {
        map(&mut self.fields, name)
    }

    /// The new text.
    #[must_use]
    pub fn into_text(self) -> String {
        let mut out = String::new();
        for (name, comment) in &self.parts {
            out.push_str(comment);
            out.push_str(&self.field(name));
        }
        for field in &KUSTOMIZATION {
            if !self.parts.iter().any(|(known, _)| *known == field.name) {
                out.push_str(&self.field(field.name));
            }
        }
        out
    }

    fn field(&self, name: &'static str) -> String {
        let mut map = Map::new();
        if let Some(value) = self.get(name) {
            map.insert(name, value.clone());
        }
        // What an edit emptied is left out as well.
        match structure(Value::map(map), &KUSTOMIZATION, "a kustomization") {
            Ok(map) if !map.is_empty() => to_string(&Value::map(map)),
            _ => String::new(),
        }
    }
}

/// The fields of a kustomization, checked and in the form in which they are written.
pub(super) fn fields(text: &[u8]) -> Result<Map> {
    match normal(parse_kustomization_text(text)?, Shape::Maybe(&KUSTOMIZATION), "a kustomization")?.node {
        Node::Map(map) => Ok(map),
        _ => Ok(Map::new()),
    }
}

/// A list within a map, made if it is missing.
pub(super) fn items<'a>(map: &'a mut Map, name: &str) -> &'a mut Vec<Value> {
    let value = map.entry(name, Value::null);
    if value.as_list().is_none() {
        *value = Value::list(Vec::new());
    }
    match &mut value.node {
        Node::List(items) => items,
        _ => unreachable!("it was just made a list"),
    }
}

/// A map within a map, made if it is missing.
pub(super) fn map<'a>(map: &'a mut Map, name: &str) -> &'a mut Map {
    let value = map.entry(name, Value::null);
    if value.as_map().is_none() {
        *value = Value::map(Map::new());
    }
    match &mut value.node {
        Node::Map(map) => map,
        _ => unreachable!("it was just made a map"),
    }
}

/// Appends to a list within a map.
pub(super) fn push(map: &mut Map, name: &str, value: Value) {
    items(map, name).push(value);
}

/// The fields of a text in their order, with blank lines and comments that stand above or inside them. Kustomize reads whole lines only, so an
/// unfinished last line counts as new.
fn parts(text: &str) -> Vec<(&'static str, String)> {
    let mut parts: Vec<(&'static str, String)> = Vec::new();
    let mut comments = String::new();
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        let content = line.trim_start_matches(' ').trim_end_matches('\n');
        if content.is_empty() || content.starts_with('#') {
            comments.push_str(line);
            continue;
        }
        let known = |key: &str| KUSTOMIZATION.iter().map(|field| field.name).find(|name| name.eq_ignore_ascii_case(key));
        let field = line.split_once(':').and_then(|(key, _)| known(key)).filter(|name| !UNSEEN.contains(name));
        match (field, parts.last_mut()) {
            (Some(name), _) => parts.push((name, std::mem::take(&mut comments))),
            (None, Some((_, above))) => above.push_str(&std::mem::take(&mut comments)),
            (None, None) => {}
        }
    }
    parts
}
