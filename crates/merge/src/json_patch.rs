//! JSON patches (RFC 6902) as Kubernetes applies them: a kube-apiserver 1.36 and its library (evanphx/json-patch 4) are more lenient than the standard. A member
//! that is missing may be replaced and copied (as null), indexes may count from the end, and whatever stands before the first `/` of a path does not count.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

/// More operations than these are refused.
pub const MOST_OPERATIONS: usize = 10_000;
/// Bytes of JSON that all `copy` operations of a patch may make.
const MOST_COPIED: usize = 3 << 20;

/// One change of a JSON patch. What it lacks is empty, and null: then it fails when it is applied.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Operation<'a> {
    op: &'a str,
    from: &'a str,
    path: &'a str,
    value: Option<&'a Value>,
}

/// Something in a list of operations that is of the wrong type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Malformed<'a> {
    /// An operation that is no object.
    Operation(&'a Value),
    /// `op`, `path` or `from` that is no text.
    Field(&'static str, &'a Value),
}

/// An operation that does not fit the value, and which one of the patch it is, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfit {
    /// Which one.
    pub at: usize,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "operation {} of the patch does not fit", self.at)
    }
}

impl std::error::Error for Unfit {}

/// Reads operations. Null is one that says nothing.
///
/// # Errors
/// The first thing that is of the wrong type.
pub fn operations(patch: &[Value]) -> Result<Vec<Operation<'_>>, Malformed<'_>> {
    patch.iter().map(operation).collect()
}

fn operation(written: &Value) -> Result<Operation<'_>, Malformed<'_>> {
    let fields = match written {
        Value::Null => return Ok(Operation::default()),
        Value::Object(fields) => fields,
        other => return Err(Malformed::Operation(other)),
    };
    let text = |name| match fields.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(other) => Err(Malformed::Field(name, other)),
    };
    let value = fields.get("value").filter(|value| !value.is_null());
    Ok(Operation { op: text("op")?, from: text("from")?, path: text("path")?, value })
}

/// Applies operations one after the other.
///
/// ```
/// use fiel_merge::json_patch::{apply, operations};
/// use serde_json::json;
/// let patch = json!([{"op": "add", "path": "/list/-", "value": 3}, {"op": "remove", "path": "/list/0"}]);
/// let operations = operations(patch.as_array().unwrap()).expect("are operations");
/// assert_eq!(apply(&json!({"list": [1, 2]}), &operations), Ok(json!({"list": [2, 3]})));
/// ```
///
/// # Errors
/// The first operation that does not fit, that is unknown, or that copies more than Kubernetes lets a patch copy.
pub fn apply(value: &Value, operations: &[Operation<'_>]) -> Result<Value, Unfit> {
    let (mut out, mut copied) = (value.clone(), 0);
    for (at, operation) in operations.iter().enumerate() {
        operation.apply(&mut out, &mut copied).ok_or(Unfit { at })?;
    }
    Ok(out)
}

impl Operation<'_> {
    /// `None` when it does not fit; the value may be half changed then.
    fn apply(&self, root: &mut Value, copied: &mut usize) -> Option<()> {
        match self.op {
            "add" => Place::find(root, self.path)?.insert(self.given()),
            "remove" => Place::find(root, self.path)?.remove().map(drop),
            "replace" if self.path.is_empty() => {
                *root = self.value.filter(|value| value.is_object() || value.is_array())?.clone();
                Some(())
            }
            "replace" => Place::find(root, self.path)?.replace(self.given()),
            "move" => {
                let moved = Place::find(root, self.from)?.remove()?;
                Place::find(root, self.path)?.insert(moved)
            }
            "copy" => {
                let copy = Place::find(root, self.from)?.get()?.cloned().unwrap_or_default();
                *copied += copy.to_string().len();
                Place::find(root, self.path).filter(|_| *copied <= MOST_COPIED)?.insert(copy)
            }
            "test" => {
                let place = Place::find(root, self.path)?;
                let found = place.get()?.filter(|found| !found.is_null());
                (found == self.value).then_some(())
            }
            _ => None,
        }
    }

    fn given(&self) -> Value {
        self.value.cloned().unwrap_or_default()
    }
}

/// A member of an object or list, which need not be there.
struct Place<'v, 'p> {
    parent: &'v mut Value,
    key: Cow<'p, str>,
}

impl<'v, 'p> Place<'v, 'p> {
    /// `None` when what should hold it is not there.
    fn find(root: &'v mut Value, path: &'p str) -> Option<Self> {
        let (_, path) = path.split_once('/')?;
        let (way, key) = path.rsplit_once('/').map_or((None, path), |(way, key)| (Some(way), key));
        let mut parent = root;
        for part in way.into_iter().flat_map(|way| way.split('/')) {
            parent = match parent {
                Value::Object(fields) => fields.get_mut(&*unescaped(part))?,
                Value::Array(items) => {
                    let at = index(part, items.len())?;
                    items.get_mut(at)?
                }
                _ => return None,
            };
        }
        (parent.is_object() || parent.is_array()).then(|| Self { parent, key: unescaped(key) })
    }

    /// `Some(None)`: a member that is not there. A list has no such members.
    fn get(&self) -> Option<Option<&Value>> {
        match &*self.parent {
            Value::Object(fields) => Some(fields.get(&*self.key)),
            Value::Array(items) => items.get(index(&self.key, items.len())?).map(Some),
            _ => None,
        }
    }

    fn insert(self, value: Value) -> Option<()> {
        match self.parent {
            Value::Object(fields) => drop(fields.insert(self.key.into_owned(), value)),
            Value::Array(items) if self.key == "-" => items.push(value),
            Value::Array(items) => {
                // It may come behind all that is there.
                let at = index(&self.key, items.len() + 1)?;
                items.insert(at, value);
            }
            _ => return None,
        }
        Some(())
    }

    fn replace(self, value: Value) -> Option<()> {
        match self.parent {
            Value::Object(fields) => drop(fields.insert(self.key.into_owned(), value)),
            Value::Array(items) => {
                let at = index(&self.key, items.len())?;
                items[at] = value;
            }
            _ => return None,
        }
        Some(())
    }

    fn remove(self) -> Option<Value> {
        match self.parent {
            Value::Object(fields) => fields.remove(&*self.key),
            Value::Array(items) => index(&self.key, items.len()).map(|at| items.remove(at)),
            _ => None,
        }
    }
}

/// Which of `count` places an index means; a negative one counts from the end.
fn index(text: &str, count: usize) -> Option<usize> {
    let at: i64 = text.parse().ok()?;
    let at = if at < 0 { at.checked_add_unsigned(u64::try_from(count).ok()?)? } else { at };
    usize::try_from(at).ok().filter(|at| *at < count)
}

fn unescaped(part: &str) -> Cow<'_, str> {
    if part.contains('~') { part.replace("~1", "/").replace("~0", "~").into() } else { part.into() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(value: &Value, patch: &Value) -> Option<Value> {
        apply(value, &operations(patch.as_array().expect("a list")).expect("operations")).ok()
    }

    /// What a kube-apiserver 1.36 made of `{"x": "y"}` in a ConfigMap's data.
    #[test]
    fn members_are_changed_as_a_kube_apiserver_changes_them() {
        let data = json!({"data": {"x": "y"}});
        for (patch, want) in [
            (json!([{"op": "add", "path": "/data/z"}]), Some(json!({"x": "y", "z": null}))),
            (json!([{"op": "add", "path": "/data/-", "value": "a"}]), Some(json!({"-": "a", "x": "y"}))),
            (json!([{"op": "add", "path": "any/data/q", "value": "1"}]), Some(json!({"q": "1", "x": "y"}))),
            (json!([{"op": "add", "path": "/data/a~1b~0c~2", "value": "1"}]), Some(json!({"a/b~c~2": "1", "x": "y"}))),
            (json!([{"op": "replace", "path": "/data/none", "value": "1"}]), Some(json!({"none": "1", "x": "y"}))),
            (json!([{"op": "replace", "path": "/data/x"}]), Some(json!({"x": null}))),
            (json!([{"op": "copy", "from": "/data/none", "path": "/data/y"}]), Some(json!({"x": "y", "y": null}))),
            (json!([{"op": "move", "from": "/data/x", "path": "/data/y"}]), Some(json!({"y": "y"}))),
            (json!([{"op": "move", "from": "/data/x", "path": "/data/x"}]), Some(json!({"x": "y"}))),
            (json!([{"op": "test", "path": "/data/none"}]), Some(json!({"x": "y"}))),
            (json!([{"op": "test", "path": "/data", "value": {"x": "y"}}]), Some(json!({"x": "y"}))),
            (
                json!([{"op": "replace", "path": "", "value": {"data": {"r": "s"}}}, {"op": "add", "path": "/data/t", "value": "u"}]),
                Some(json!({"r": "s", "t": "u"})),
            ),
            (json!([]), Some(json!({"x": "y"}))),
            (json!([null]), None),
            (json!([{"op": "frob", "path": "/data/x"}]), None),
            (json!([{"path": "/data/x"}]), None),
            (json!([{"op": "add", "value": "x"}]), None),
            (json!([{"op": "add", "path": "", "value": {}}]), None),
            (json!([{"op": "remove", "path": ""}]), None),
            (json!([{"op": "replace", "path": "", "value": "text"}]), None),
            (json!([{"op": "replace", "path": ""}]), None),
            (json!([{"op": "test", "path": "", "value": {}}]), None),
            (json!([{"op": "replace", "path": "data", "value": {}}]), None),
            (json!([{"op": "replace", "path": "/none/x", "value": "1"}]), None),
            (json!([{"op": "add", "path": "/data/x/y", "value": "1"}]), None),
            (json!([{"op": "copy", "from": "/none/x", "path": "/data/y"}]), None),
            (json!([{"op": "copy", "from": "", "path": "/data/y"}]), None),
            (json!([{"op": "copy", "path": "/data/q"}]), None),
            (json!([{"op": "move", "from": "/data/none", "path": "/data/y"}]), None),
            (json!([{"op": "move", "from": "/data", "path": "/data/q"}]), None),
            (json!([{"op": "remove", "path": "/data/none"}]), None),
            (json!([{"op": "test", "path": "/data/x"}]), None),
            (json!([{"op": "test", "path": "/data/none", "value": "1"}]), None),
            (json!([{"op": "test", "path": "/none/x"}]), None),
            (json!([{"op": "add", "path": "/data/n", "value": 1.0}, {"op": "test", "path": "/data/n", "value": 1}]), None),
        ] {
            assert_eq!(patched(&data, &patch).map(|mut new| new["data"].take()), want, "{patch}");
        }
    }

    /// The same of a list of finalizers.
    #[test]
    fn elements_are_counted_from_both_ends() {
        for (op, path, want) in [
            ("add", "-", Some(["a", "b", "new"].as_slice())),
            ("add", "0", Some(&["new", "a", "b"])),
            ("add", "+0", Some(&["new", "a", "b"])),
            ("add", "2", Some(&["a", "b", "new"])),
            ("add", "-1", Some(&["a", "b", "new"])),
            ("add", "-3", Some(&["new", "a", "b"])),
            ("add", "-4", None),
            ("add", "3", None),
            ("add", "x", None),
            ("replace", "00", Some(&["new", "b"])),
            ("replace", "-1", Some(&["a", "new"])),
            ("replace", "2", None),
            ("replace", "-", None),
            ("remove", "-1", Some(&["a"])),
            ("remove", "-3", None),
            ("remove", "5", None),
            ("test", "2", None),
        ] {
            let patch = json!([{"op": op, "path": format!("/list/{path}"), "value": "new"}]);
            assert_eq!(patched(&json!({"list": ["a", "b"]}), &patch), want.map(|list| json!({"list": list})), "{patch}");
        }
        let list = json!({"list": ["a", "b", "c"]});
        assert_eq!(patched(&list, &json!([{"op": "move", "from": "/list/0", "path": "/list/2"}])), Some(json!({"list": ["b", "c", "a"]})));
        assert_eq!(patched(&list, &json!([{"op": "test", "path": "/list/-1", "value": "c"}])), Some(list.clone()));
    }

    #[test]
    fn what_is_no_operation_is_told() {
        let (one, text) = (json!(1), json!("text"));
        let patch = [json!({"op": "frob"}), one.clone(), json!({"op": 5})];
        assert_eq!(operations(&patch), Err(Malformed::Operation(&one)));
        assert_eq!(operations(&[json!({"op": "add", "path": 1})]), Err(Malformed::Field("path", &one)));
        assert_eq!(operations(&[json!({"op": "copy", "from": 1, "path": ""})]), Err(Malformed::Field("from", &one)));
        assert_eq!(operations(std::slice::from_ref(&text)), Err(Malformed::Operation(&text)));
        assert_eq!(apply(&one, &operations(&[Value::Null]).expect("null is one")), Err(Unfit { at: 0 }));
    }

    /// Each copy would double the value.
    #[test]
    fn a_patch_does_not_blow_a_value_up() {
        let patch: Vec<Value> = (0..60).map(|at| json!({"op": "copy", "from": "/a", "path": format!("/a/b{at}")})).collect();
        let failed = apply(&json!({"a": {"b": "text"}}), &operations(&patch).expect("operations")).expect_err("it ends");
        assert!((15..22).contains(&failed.at), "{failed}");
    }
}
