//! Where resources come from and what changed them, as the annotations that `buildMetadata` asks for.

use crate::fs::clean;
use crate::repository::Repository;
use crate::resource::Resource;
use crate::yaml::{Map, Value, to_string};

/// The annotation of `buildMetadata: [originAnnotations]`.
pub(crate) const ORIGIN: &str = "config.kubernetes.io/origin";
/// The annotation of `buildMetadata: [transformerAnnotations]`.
pub(crate) const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";

/// A place seen from the folder that is built: a path, in a repository if it was fetched.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    path: String,
    /// The repository's URL and the reference that was asked for.
    repository: Option<(String, String)>,
}

/// Who made or changed a resource: a built-in plugin, or one with a configuration of its own.
pub(crate) struct By<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) name: &'a str,
    pub(crate) namespace: &'a str,
}

impl By<'static> {
    /// A plugin that stands for a field of a kustomization.
    pub(crate) fn builtin(kind: &'static str) -> Self {
        Self { api_version: "builtin", kind, name: "", namespace: "" }
    }
}

impl<'a> By<'a> {
    /// The plugin that a document configures.
    pub(crate) fn configured(config: &'a Resource) -> Self {
        Self { api_version: config.api_version(), kind: config.kind(), name: config.name(), namespace: config.namespace() }
    }
}

impl Origin {
    /// What a kustomization here names: a path, or the URL of a repository.
    pub(crate) fn append(&self, path: &str) -> Self {
        match Repository::parse(path) {
            Ok(repository) => {
                Self { path: clean(&repository.path), repository: Some((repository.url, repository.reference.unwrap_or_default())) }
            }
            Err(_) if self.path.is_empty() => Self { path: clean(path), ..self.clone() },
            Err(_) => Self { path: clean(&format!("{}/{path}", self.path)), ..self.clone() },
        }
    }

    /// The annotation of resources that a file here holds.
    pub(crate) fn of_file(&self) -> String {
        format!("{}{}", field("path", &self.path), self.source())
    }

    /// The annotation of resources that were generated here.
    pub(crate) fn of_generated(&self, by: &By<'_>) -> String {
        let mut text = self.source();
        text.push_str(&field("configuredIn", &self.path));
        text.push_str("configuredBy:\n");
        for (key, value) in [("apiVersion", by.api_version), ("kind", by.kind), ("name", by.name), ("namespace", by.namespace)] {
            if !value.is_empty() {
                text.push_str("  ");
                text.push_str(&field(key, value));
            }
        }
        text
    }

    fn source(&self) -> String {
        let Some((url, reference)) = &self.repository else { return String::new() };
        format!("{}{}", field("repo", url), if reference.is_empty() { String::new() } else { field("ref", reference) })
    }
}

/// Annotates resources with where they come from.
pub(crate) fn annotate<'a>(resources: impl IntoIterator<Item = &'a mut Resource>, text: &str) {
    for resource in resources {
        set(resource, ORIGIN, text);
    }
}

/// Adds a step to what changed the resources; one without an origin (any more) counts as made by the step.
pub(crate) fn add_step(resources: &mut [Resource], origin: &Origin, by: &By<'_>) {
    let step = origin.of_generated(by).replace('\n', "\n  ");
    let step = format!("- {}\n", step.trim_end());
    for resource in resources.iter_mut().filter(|resource| !resource.is_empty()) {
        if resource.annotation(ORIGIN).is_none() {
            set(resource, ORIGIN, &origin.of_generated(by));
            continue;
        }
        let earlier = resource.annotation(TRANSFORMATIONS).unwrap_or_default();
        let text = format!("{earlier}{step}");
        set(resource, TRANSFORMATIONS, &text);
    }
}

/// Takes an annotation away again.
pub(crate) fn remove(resource: &mut Resource, annotation: &str) {
    if let Some(annotations) =
        resource.value.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations")).and_then(Value::as_map_mut)
    {
        annotations.remove(annotation);
    }
}

fn set(resource: &mut Resource, key: &str, text: &str) {
    let Some(annotations) = resource.metadata_mut().map(|metadata| metadata.entry("annotations", || Value::map(Map::new()))) else {
        return;
    };
    if annotations.is_null() {
        *annotations = Value::map(Map::new());
    }
    if let Some(annotations) = annotations.as_map_mut() {
        annotations.insert(key, Value::string(text));
    }
}

/// A line `key: value`, quoted where YAML needs it.
fn field(key: &str, value: &str) -> String {
    format!("{key}: {}", to_string(&Value::string(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_the_folder_that_is_built() {
        let root = Origin::default();
        assert_eq!(root.append("../base").append("deployment.yaml").of_file(), "path: ../base/deployment.yaml\n");
        assert_eq!(root.append("../base").append("../other/x.yaml").of_file(), "path: ../other/x.yaml\n");
        let by = By::builtin("ConfigMapGenerator");
        assert_eq!(
            root.append("kustomization.yaml").of_generated(&by),
            "configuredIn: kustomization.yaml\nconfiguredBy:\n  apiVersion: builtin\n  kind: ConfigMapGenerator\n"
        );
    }

    #[test]
    fn a_repository_is_named_with_its_reference() {
        let origin = Origin::default().append("https://host.example/org/repo//base?ref=v1").append("a.yaml");
        let told = origin.of_file();
        assert!(told.starts_with("path: base/a.yaml\nrepo: https://host.example/org/repo") && told.ends_with("ref: v1\n"), "{told}");
    }
}
