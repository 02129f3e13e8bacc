//! Plain directories of manifests, read as Argo CD reads them.

use fiel_renderer::yaml;
use serde_json::Value;

use super::request::{Directory, SourceType};
use super::{Error, Rendered, glob, join};
use crate::source::{EntryKind, Tree};

/// A file that says so anywhere is not read.
const SKIP: &[u8] = b"+argocd:skip-file-rendering";

/// Reads the manifests of the folder `path`.
pub(super) fn render(tree: &dyn Tree, path: &str, options: &Directory) -> Result<Rendered, Error> {
    let compiled = |glob: &str| (!glob.is_empty()).then(|| glob::compile(glob)).transpose().map_err(Error::Spec);
    let (include, exclude) = (compiled(&options.include)?, compiled(&options.exclude)?);
    let mut files = Vec::new();
    walk(tree, path, "", options.recurse, &mut files)?;
    let mut rendered = Rendered { source_type: SourceType::Directory, objects: Vec::new(), warnings: Vec::new() };
    let mut any = false;
    for file in &files {
        if exclude.as_ref().is_some_and(|glob| glob.is_match(file)) || include.as_ref().is_some_and(|glob| !glob.is_match(file)) {
            continue;
        }
        any = true;
        let full = join(path, file);
        if file.ends_with(".jsonnet") {
            return Err(Error::Render(format!("{full}: jsonnet is not supported yet")));
        }
        read(&tree.read(&full)?, &full, &mut rendered)?;
    }
    if !any && include.is_some() {
        rendered.warnings.push(format!("no file matches spec.source.directory.include '{}'", options.include));
    }
    Ok(rendered)
}

/// The files that may hold manifests, by path below `root`, in lexical order of the walk.
fn walk(tree: &dyn Tree, root: &str, below: &str, recurse: bool, files: &mut Vec<String>) -> Result<(), Error> {
    let folder = if below.is_empty() { root.to_owned() } else { join(root, below) };
    for name in tree.list(&folder)? {
        let relative = if below.is_empty() { name } else { format!("{below}/{name}") };
        match tree.entry(&join(root, &relative))?.map(|e| e.kind) {
            Some(EntryKind::Directory) if recurse => walk(tree, root, &relative, recurse, files)?,
            Some(EntryKind::File) if [".yaml", ".yml", ".json", ".jsonnet"].iter().any(|end| relative.ends_with(end)) => {
                files.push(relative);
            }
            _ => {}
        }
    }
    Ok(())
}

/// The objects of one file. A file without any object is left out, unless it looks as if it should hold one.
fn read(bytes: &[u8], file: &str, rendered: &mut Rendered) -> Result<(), Error> {
    if contains(bytes, SKIP) {
        return Ok(());
    }
    let looks_like_one = ["apiVersion:", "kind:", "metadata:"].iter().all(|word| contains(bytes, word.as_bytes()));
    let documents = match yaml::parse_all(bytes, file) {
        Ok(documents) => documents,
        Err(error) if looks_like_one || file.ends_with(".json") => return Err(Error::Render(error.to_string())),
        Err(error) => {
            rendered.warnings.push(format!("{error}; the file is left out, it does not look like a manifest"));
            return Ok(());
        }
    };
    let mut objects = Vec::new();
    let mut other = 0;
    for document in documents {
        let value = document.to_json();
        match &value {
            Value::Null => {}
            Value::Object(fields) if fields.is_empty() => {}
            _ if value["kind"].as_str().is_some_and(|kind| !kind.is_empty()) && value["apiVersion"].is_string() => {
                flatten(value, &mut objects);
            }
            _ => other += 1,
        }
    }
    if other > 0 && (!objects.is_empty() || looks_like_one || file.ends_with(".json")) {
        return Err(Error::Render(format!("{file}: a document without apiVersion and kind")));
    }
    if other > 0 {
        rendered.warnings.push(format!("{file}: left out, it does not look like a manifest"));
    }
    rendered.objects.extend(objects);
    Ok(())
}

/// A list stands for its items.
fn flatten(mut value: Value, objects: &mut Vec<Value>) {
    let is_list = value["kind"].as_str().is_some_and(|kind| kind.ends_with("List"));
    match value.get_mut("items") {
        Some(Value::Array(items)) if is_list => {
            for item in std::mem::take(items) {
                flatten(item, objects);
            }
        }
        _ => objects.push(value),
    }
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Memory, Sources};

    async fn names(files: &[(&str, &str)], options: Directory) -> Result<Vec<String>, String> {
        let memory = Memory::new();
        memory.commit("m", files.iter().map(|(p, c)| (*p, *c)));
        let tree = memory.resolve("m", "", false).await.expect("resolves").tree;
        let rendered = render(tree.as_ref(), "app", &options).map_err(|e| e.to_string())?;
        Ok(rendered.objects.iter().map(|o| o["metadata"]["name"].as_str().unwrap_or("?").to_owned()).collect())
    }

    const ONE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n";

    #[tokio::test]
    async fn files_and_documents() {
        let list = "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Service, metadata: {name: in-list}}]\n";
        let many = "# comment\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: first}\n---\n# nothing\n---\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: second}\n";
        let found = names(
            &[
                ("app/a.yaml", many),
                ("app/b.yml", ONE),
                ("app/c.json", r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "json"}}"#),
                ("app/d.yaml", list),
                ("app/e.yaml", ""),
                ("app/f.txt", ONE),
                ("app/sub/g.yaml", ONE),
                ("app/h.yaml", "# +argocd:skip-file-rendering\nkind: X\n"),
                ("app/values.yaml", "replicas: 1\nnote: no manifest\n"),
            ],
            Directory::default(),
        )
        .await;
        assert_eq!(found.expect("renders"), ["first", "second", "one", "json", "in-list"]);
    }

    #[tokio::test]
    async fn globs() {
        let files = [("app/a.yaml", ONE), ("app/dev/c.yaml", ONE), ("app/prod/e.yaml", ONE), ("app/.hidden/f.yaml", ONE)];
        let count = |recurse, include: &'static str, exclude: &'static str| {
            let options = Directory { recurse, include: include.into(), exclude: exclude.into() };
            async move { names(&files, options).await.expect("renders").len() }
        };
        assert_eq!(count(true, "", "").await, 4);
        assert_eq!(count(true, "dev/*", "").await, 1);
        assert_eq!(count(true, "*.yaml", "{prod/*,dev/*}").await, 2);
        assert_eq!(count(false, "dev/**", "").await, 0);
    }

    #[tokio::test]
    async fn errors_name_the_file_and_the_line() {
        let broken = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n data: {\n";
        let error = names(&[("app/a.yaml", broken)], Directory::default()).await.expect_err("broken");
        assert!(error.contains("app/a.yaml:5"), "{error}");
        let half = format!("{ONE}---\nnote: x\n");
        let error = names(&[("app/a.yaml", &half)], Directory::default()).await.expect_err("half");
        assert!(error.contains("app/a.yaml"), "{error}");
    }
}
