//! The leaves of a resource under names that stay when lists are put in another order: elements go by their merge key.

use crate::mergekeys::{ListMerge, Shape, root};
use crate::openapi::Schemas;
use crate::resource::Resource;
use crate::yaml::{Node, Value};

/// The leaves of a resource and their paths, as the `fieldPath` of a replacement spells them: `spec.containers.[name=web].image`.
/// An empty map or list is a leaf too.
pub(crate) fn leaves(resource: &Resource) -> Vec<(String, &Value)> {
    // The keys of a schema of the kustomization's own are not known here.
    let schemas = Schemas::default();
    let mut out = Vec::new();
    walk(&resource.value, &mut String::new(), root(&resource.gvk(), &schemas), ListMerge::Replace, &mut out);
    out
}

/// Whether a leaf of this resource must not be shown.
pub(crate) fn is_secret(resource: &Resource, path: &str) -> bool {
    let first = path.split('.').next().unwrap_or_default();
    // What kubectl applied last holds everything once more.
    resource.kind() == "Secret" && (matches!(first, "data" | "stringData") || path.contains("last-applied-configuration"))
}

fn walk<'a>(value: &'a Value, path: &mut String, shape: Shape<'_>, list: ListMerge<'_>, out: &mut Vec<(String, &'a Value)>) {
    match &value.node {
        Node::Map(map) if !map.is_empty() => {
            for (key, value) in map.iter() {
                let (inner, list) = shape.field(key);
                below(path, &element(key), |path| walk(value, path, inner, list, out));
            }
        }
        Node::List(items) if !items.is_empty() => {
            let key = key_of(items, list);
            for (index, item) in items.iter().enumerate() {
                let name = match key.and_then(|key| Some((key, item.get(key)?.text()?))) {
                    Some((key, text)) => format!("[{key}={text}]"),
                    None => index.to_string(),
                };
                below(path, &name, |path| walk(item, path, shape, ListMerge::Replace, out));
            }
        }
        _ => out.push((path.clone(), value)),
    }
}

fn below(path: &mut String, name: &str, action: impl FnOnce(&mut String)) {
    let length = path.len();
    if length > 0 {
        path.push('.');
    }
    path.push_str(name);
    action(path);
    path.truncate(length);
}

/// A key as a part of a path.
fn element(key: &str) -> String {
    if key.contains(['.', '[', ']']) { format!("[{key}]") } else { key.to_owned() }
}

/// The key that tells the elements of a list from each other, where they all have one and no two the same.
fn key_of<'a>(items: &[Value], list: ListMerge<'a>) -> Option<&'a str> {
    let key = match list {
        ListMerge::Keys(keys) => &*keys[0],
        _ => "name",
    };
    let mut seen = std::collections::HashSet::new();
    items.iter().all(|item| item.get(key).and_then(Value::text).is_some_and(|text| seen.insert(text))).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse_all;

    #[test]
    fn elements_go_by_their_key_and_odd_keys_stand_in_brackets() {
        let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x, annotations: {a.b/c: d}, labels: {}}
spec: {template: {spec: {containers: [{name: web, ports: [{containerPort: 80}], args: [a]}]}}}";
        let resource = Resource::new(parse_all(text.as_bytes(), "t").expect("is YAML").remove(0));
        let paths: Vec<String> = leaves(&resource).into_iter().map(|(path, _)| path).skip(3).collect();
        let container = "spec.template.spec.containers.[name=web]";
        assert_eq!(
            paths,
            [
                "metadata.annotations.[a.b/c]".to_owned(),
                "metadata.labels".to_owned(),
                format!("{container}.name"),
                format!("{container}.ports.[containerPort=80].containerPort"),
                format!("{container}.args.0"),
            ]
        );
    }
}
