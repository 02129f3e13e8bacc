//! Resources from a file's text.

use crate::error::{Error, ErrorKind, Result};
use crate::resource::Resource;
use crate::yaml::{Node, Parsed, Pos, Value, parse_all_and_rest, parse_patch};

fn failed(message: impl Into<String>, value: &Value) -> Error {
    Error::new(ErrorKind::Resource, message).at(value.pos)
}

/// All resources of a text, lists unfolded. `file` is for messages.
pub(crate) fn resources(bytes: &[u8], file: &str) -> Result<Vec<Resource>> {
    Ok(resources_and_rest(bytes, file)?.0)
}

/// The same, and where something stands in the text that is not looked at.
pub(crate) fn resources_and_rest(bytes: &[u8], file: &str) -> Result<(Vec<Resource>, Option<Pos>)> {
    let (docs, rest) = parse_all_and_rest(bytes, file)?;
    Ok((unfold(docs).map_err(|error| error.in_file(file))?, rest))
}

/// All patches of a text, and the keys that stand twice in them.
pub(crate) fn patches(bytes: &[u8], file: &str) -> Result<(Vec<Resource>, Parsed)> {
    let mut parsed = parse_patch(bytes, file)?;
    let docs = std::mem::take(&mut parsed.documents);
    Ok((unfold(docs).map_err(|error| error.in_file(file))?, parsed))
}

/// What is said of such a place.
pub(crate) fn unread(file: &str, Pos { line, column }: Pos) -> String {
    format!(
        "{file}:{line}:{column}: from here on nothing is read, since the document ends before; is the line indented as the one above it?"
    )
}

/// Checks documents and unfolds lists; what a list holds comes behind everything else.
pub(crate) fn unfold(docs: Vec<Value>) -> Result<Vec<Resource>> {
    let mut queue = std::collections::VecDeque::from(docs);
    let mut out = Vec::with_capacity(queue.len());
    while let Some(mut doc) = queue.pop_front() {
        if doc.is_null() || doc.as_map().is_some_and(crate::yaml::Map::is_empty) {
            continue;
        }
        let Some(map) = doc.as_map() else {
            return Err(failed(format!("a resource must be a map, not {}", doc.describe()), &doc));
        };
        let kind = map.get("kind").filter(|kind| !kind.is_null());
        let is_list = kind.and_then(Value::text).is_some_and(|kind| kind.ends_with("List"));
        let is_plain = kind.and_then(Value::text) == Some("List");
        if is_list && map.contains_key("items") {
            let items = doc.as_map_mut().and_then(|map| map.remove("items")).unwrap_or_default();
            let found = items.describe();
            match items.node {
                Node::List(items) => queue.extend(items),
                // Of a plain list anything that holds nothing is none.
                Node::Scalar(_) if items.is_null() || is_plain => {}
                _ => return Err(failed(format!("items must be a list, not {found}"), &doc)),
            }
            continue;
        }
        match kind.map(Value::text) {
            None => return Err(failed("a resource needs a kind", &doc)),
            Some(None | Some("")) => return Err(failed("kind must be text", &doc)),
            _ => {}
        }
        if map.get("metadata").is_some_and(|meta| !meta.is_null() && meta.as_map().is_none()) {
            return Err(failed("metadata must be a map", &doc));
        }
        let name = map.get("metadata").and_then(|meta| meta.get("name"));
        if !is_list && name.is_none_or(|name| name.is_null() || name.text().is_none_or(str::is_empty)) {
            let kind = kind.and_then(Value::text).unwrap_or("");
            return Err(failed(format!("a resource needs a name: metadata.name is missing in this {kind}"), &doc));
        }
        out.push(Resource::read(doc));
    }
    Ok(out)
}
