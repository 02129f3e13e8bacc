//! What an Application's source asks for, checked: everything not supported is refused by name.

use serde_json::Value;

use super::Error;

/// How a source is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceType {
    /// By the kustomize renderer.
    Kustomize,
    /// Manifests as they are.
    Directory,
}

impl SourceType {
    /// As `status.sourceType` names it.
    pub fn name(self) -> &'static str {
        match self {
            SourceType::Kustomize => "Kustomize",
            SourceType::Directory => "Directory",
        }
    }
}

/// The options of a plain directory (`spec.source.directory`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Directory {
    /// Whether folders below are read too.
    pub recurse: bool,
    /// Only files that match this glob; empty: all.
    pub include: String,
    /// No files that match this glob; empty: none.
    pub exclude: String,
}

/// One rendering.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Request {
    /// The repository.
    pub url: String,
    /// The revision to follow, as given; empty: `HEAD`.
    pub revision: String,
    /// The folder within the repository, cleaned; empty: the root.
    pub path: String,
    /// The type, if the Application says so.
    pub source_type: Option<SourceType>,
    /// How a plain directory is read.
    pub directory: Directory,
    /// The Application's name.
    pub application: String,
}

/// Fields of `spec.source` that may be there; the ones of other types are refused below.
const KNOWN: [&str; 10] = ["repoURL", "path", "targetRevision", "directory", "kustomize", "helm", "plugin", "chart", "ref", "name"];

impl Request {
    /// From `spec.source` of the Application called `application`.
    pub fn new(source: &Value, application: &str) -> Result<Self, Error> {
        let spec = |message: String| Err(Error::Spec(message));
        let text = |field: &str| source[field].as_str().unwrap_or_default().to_owned();
        let used = |field: &str| !matches!(&source[field], Value::Null) && source[field] != serde_json::json!({}) && source[field] != "";
        if let Some(unknown) = source.as_object().into_iter().flatten().map(|(k, _)| k).find(|k| !KNOWN.contains(&k.as_str())) {
            return spec(format!("spec.source.{unknown}: is not a field of a source"));
        }
        if text("repoURL").is_empty() {
            return spec("spec.source.repoURL is required".to_owned());
        }
        if text("path").is_empty() && !used("chart") {
            return spec("spec.source.path either has to be specified".to_owned() + " (fiel does not support charts yet)");
        }
        for field in ["chart", "helm", "plugin", "ref"] {
            if used(field) {
                return spec(format!("spec.source.{field} is not supported yet"));
            }
        }
        let overrides = source["kustomize"].as_object().into_iter().flatten().filter(|(_, v)| !is_zero(v)).map(|(k, _)| k.clone()).next();
        if let Some(field) = overrides {
            return spec(format!("spec.source.kustomize.{field} is not supported yet, put it into the kustomization"));
        }
        let options = &source["directory"];
        for (field, value) in options.as_object().into_iter().flatten() {
            if !["recurse", "include", "exclude"].contains(&field.as_str()) && !is_zero(value) {
                return spec(format!("spec.source.directory.{field} is not supported yet"));
            }
        }
        let directory = Directory {
            recurse: options["recurse"].as_bool().unwrap_or_default(),
            include: options["include"].as_str().unwrap_or_default().to_owned(),
            exclude: options["exclude"].as_str().unwrap_or_default().to_owned(),
        };
        Ok(Request {
            url: text("repoURL"),
            revision: text("targetRevision"),
            path: clean(&text("path"))?,
            source_type: (!is_zero(options)).then_some(SourceType::Directory),
            directory,
            application: application.to_owned(),
        })
    }
}

/// Nothing was said: null, false, empty, or made of such.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_zero),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// The path without `.` and `..`; one that leaves the repository is refused.
fn clean(path: &str) -> Result<String, Error> {
    if path.starts_with('/') {
        return Err(Error::Render(format!("{path}: app path is absolute")));
    }
    let mut parts = Vec::new();
    for part in path.split('/').filter(|p| !p.is_empty() && *p != ".") {
        if part != ".." {
            parts.push(part);
        } else if parts.pop().is_none() {
            return Err(Error::Render(format!("{path}: app path outside root")));
        }
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_supported_is_refused_by_name() {
        let with = |field: &str, value: Value| {
            let mut source = json!({"repoURL": "file:///r", "path": "app"});
            source[field] = value;
            Request::new(&source, "demo").map(|r| r.path).map_err(|e| e.to_string())
        };
        for (field, value, named) in [
            ("helm", json!({"releaseName": "x"}), "spec.source.helm"),
            ("chart", json!("x"), "spec.source.chart"),
            ("plugin", json!({"name": "x"}), "spec.source.plugin"),
            ("kustomize", json!({"namePrefix": "x-"}), "spec.source.kustomize.namePrefix"),
            ("directory", json!({"jsonnet": {"libs": ["x"]}}), "spec.source.directory.jsonnet"),
            ("pathh", json!("x"), "spec.source.pathh"),
            ("path", json!("a/../../b"), "outside root"),
            ("path", json!("/etc"), "absolute"),
        ] {
            let error = with(field, value).expect_err(field);
            assert!(error.contains(named), "{error}");
        }
        assert_eq!(with("kustomize", json!({})), Ok("app".to_owned()));
        assert_eq!(with("directory", json!({"recurse": false, "jsonnet": {}})), Ok("app".to_owned()));
        assert_eq!(with("path", json!("./a/../app/")), Ok("app".to_owned()));
        assert_eq!(with("path", json!(".")), Ok(String::new()));
    }
}
