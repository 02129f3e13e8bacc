//! JSON patches (RFC 6902) as kustomize's library applies them.

use crate::decode::nearest;
use crate::error::{Error, ErrorKind, Result};
use crate::yaml::{Canonical, Kind, Map, Node, Pos, Value, canonical, prints_plain};

/// One operation.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    op: Op,
    path: Vec<String>,
    from: Vec<String>,
    value: Value,
    pos: Pos,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Add,
    Remove,
    Replace,
    Move,
    Copy,
    Test,
}

fn failed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Patch, message)
}

fn pointer(text: &str) -> Vec<String> {
    text.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

/// Reads the operations from a list of maps.
pub(crate) fn decode(value: Value) -> Result<Vec<Operation>> {
    let pos = value.pos;
    let Node::List(items) = value.node else {
        return Err(failed("a JSON patch must be a list of operations").at(pos));
    };
    items.into_iter().map(operation).collect()
}

fn operation(mut item: Value) -> Result<Operation> {
    let pos = item.pos;
    let Some(map) = item.as_map_mut() else { return Err(failed("an operation must be a map").at(pos)) };
    let text = |map: &Map, key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
    let op = match text(map, "op").as_deref() {
        Some("add") => Op::Add,
        Some("remove") => Op::Remove,
        Some("replace") => Op::Replace,
        Some("move") => Op::Move,
        Some("copy") => Op::Copy,
        Some("test") => Op::Test,
        _ => return Err(failed("an operation needs op: add, remove, replace, move, copy or test").at(pos)),
    };
    let Some(path) = text(map, "path") else { return Err(failed("an operation needs a path").at(pos)) };
    let from = text(map, "from");
    if matches!(op, Op::Move | Op::Copy) && from.is_none() {
        return Err(failed("move and copy need from").at(pos));
    }
    let value = map.remove("value");
    if matches!(op, Op::Add | Op::Replace | Op::Test) && value.is_none() && op != Op::Test {
        return Err(failed("add and replace need a value").at(pos));
    }
    Ok(Operation {
        op,
        path: pointer(&path),
        from: pointer(&from.unwrap_or_default()),
        value: normal(&value.unwrap_or_else(Value::null)),
        pos,
    })
}

/// As kustomize has a document that it patches: numbers pass through JSON's floating point, and all of it is printed and read again, so that texts stand in
/// quotes where YAML needs them.
pub(crate) fn normal(value: &Value) -> Value {
    let mut value = Value::from_json(&through_floats(value.to_json()));
    quote(&mut value);
    value
}

/// What comes of a patch is printed and read again too: nothing of it was made, though most of it has no place any more.
pub(crate) fn read_again(value: &mut Value) {
    if value.pos == Pos::default() {
        value.pos = Pos::UNKNOWN;
    }
    match &mut value.node {
        Node::Scalar(_) => {}
        Node::List(items) => items.iter_mut().for_each(read_again),
        Node::Map(map) => map.iter_mut().for_each(|(_, value)| read_again(value)),
    }
}

/// A number that is none in JSON, if the value holds one.
pub(crate) fn infinite(value: &Value) -> Option<&Value> {
    match &value.node {
        Node::Scalar(scalar) if scalar.kind != Kind::Float => None,
        Node::Scalar(scalar) => matches!(canonical(scalar), Canonical::Float(number) if !number.is_finite()).then_some(value),
        Node::List(items) => items.iter().find_map(infinite),
        Node::Map(map) => map.iter().find_map(|(_, value)| infinite(value)),
    }
}

fn quote(value: &mut Value) {
    match &mut value.node {
        Node::Scalar(scalar) => scalar.quoted = scalar.kind == Kind::Str && !prints_plain(&scalar.text),
        Node::List(items) => items.iter_mut().for_each(quote),
        Node::Map(map) => map.iter_mut().for_each(|(_, value)| quote(value)),
    }
}

fn through_floats(json: serde_json::Value) -> serde_json::Value {
    match json {
        serde_json::Value::Number(number) => match number.as_f64() {
            Some(float) if number.as_i64().is_none_or(|int| int.unsigned_abs() > 1 << 53) && !number.is_f64() => {
                serde_json::Number::from_f64(float).map_or(serde_json::Value::Null, serde_json::Value::Number)
            }
            _ => serde_json::Value::Number(number),
        },
        serde_json::Value::Array(items) => items.into_iter().map(through_floats).collect(),
        serde_json::Value::Object(map) => {
            serde_json::Value::Object(map.into_iter().map(|(key, value)| (key, through_floats(value))).collect())
        }
        other => other,
    }
}

impl Operation {
    /// Changes a document. What fails may have been done in part.
    pub(crate) fn apply(&self, root: &mut Value) -> Result<()> {
        let step = match self.op {
            Op::Add => add(root, &self.path, self.value.clone()),
            Op::Remove => remove(root, &self.path).map(|_| ()),
            Op::Replace => find_mut(root, &self.path).map(|place| *place = self.value.clone()),
            Op::Move => remove(root, &self.from).and_then(|value| put(root, &self.path, value)),
            Op::Copy => find_mut(root, &self.from).map(|value| value.clone()).and_then(|value| put(root, &self.path, value)),
            Op::Test => match find_mut(root, &self.path) {
                Ok(found) if found.to_json() == self.value.to_json() => Ok(()),
                Err(_) if self.value.is_null() => Ok(()),
                _ => Err(failed(format!("the test of /{} failed", self.path.join("/")))),
            },
        };
        step.map_err(|error| error.at(self.pos))
    }

    /// What to say of a path that leads nowhere in a document: what is there instead.
    pub(crate) fn hint(&self, root: &Value) -> Option<String> {
        self.paths().find_map(|path| hint(root, &path))
    }

    /// The fields that it reads and writes.
    pub(crate) fn paths(&self) -> impl Iterator<Item = Vec<String>> {
        let from = matches!(self.op, Op::Move | Op::Copy).then(|| self.from.clone());
        [Some(self.path.clone()), from].into_iter().flatten()
    }

    /// Where it stands in the patch's text; nowhere in JSON.
    pub(crate) fn pos(&self) -> Pos {
        self.pos
    }

    pub(crate) fn is_test(&self) -> bool {
        self.op == Op::Test
    }
}

fn hint(root: &Value, path: &[String]) -> Option<String> {
    let mut at = root;
    for (depth, part) in path.iter().enumerate() {
        let here = || path[..depth].iter().fold(String::new(), |here, part| format!("{here}/{part}"));
        match &at.node {
            Node::Map(map) => match map.get(part) {
                Some(next) => at = next,
                None => return nearest(part, map.keys()).map(|key| format!("; did you mean {}/{key}?", here())),
            },
            Node::List(items) => match index(part, items.len()).and_then(|at| items.get(at)) {
                Some(next) => at = next,
                None if part == "-" => return None,
                None if part.parse::<i64>().is_err() => {
                    return Some(format!("; {} is a list, whose elements are named by their numbers from 0", here()));
                }
                None if items.len() == 1 => return Some(format!("; {} has one element, which is number 0", here())),
                None => return Some(format!("; {} has {} elements, of which the first is number 0", here(), items.len())),
            },
            Node::Scalar(_) => return Some(format!("; {} is {}", here(), at.describe())),
        }
    }
    None
}

fn missing(path: &[String]) -> Error {
    failed(format!("the path /{} does not exist", path.join("/")))
}

fn index(text: &str, len: usize) -> Option<usize> {
    let number: i64 = text.parse().ok()?;
    let number = if number < 0 { number + i64::try_from(len).ok()? } else { number };
    usize::try_from(number).ok()
}

fn child<'a>(value: &'a mut Value, part: &str) -> Option<&'a mut Value> {
    match &mut value.node {
        Node::Map(map) => map.get_mut(part),
        Node::List(items) => {
            let at = index(part, items.len())?;
            items.get_mut(at)
        }
        Node::Scalar(_) => None,
    }
}

fn find_mut<'a>(root: &'a mut Value, path: &[String]) -> Result<&'a mut Value> {
    let mut at = root;
    for part in path {
        at = child(at, part).ok_or_else(|| missing(path))?;
    }
    Ok(at)
}

/// What is moved or copied goes where something is already; only `add` makes parents.
fn put(root: &mut Value, path: &[String], value: Value) -> Result<()> {
    if let Some((_, parents)) = path.split_last()
        && find_mut(root, parents)?.is_null()
    {
        return Err(missing(path));
    }
    add(root, path, value)
}

fn add(root: &mut Value, path: &[String], value: Value) -> Result<()> {
    let Some((last, parents)) = path.split_last() else {
        *root = value;
        return Ok(());
    };
    let mut at = root;
    for (i, part) in parents.iter().enumerate() {
        if at.is_null() {
            *at = Value::map(Map::new());
        }
        // Missing parents are made: a list where an index (or `-`) follows.
        let next = parents.get(i + 1).unwrap_or(last);
        let new = || if next == "-" || next.parse::<i64>().is_ok() { Value::list(Vec::new()) } else { Value::map(Map::new()) };
        match &mut at.node {
            Node::Map(map) => {
                at = map.entry(part, new);
            }
            Node::List(items) => {
                if part == "-" {
                    items.push(new());
                    let end = items.len() - 1;
                    at = &mut items[end];
                } else {
                    let len = items.len();
                    let Some(position) = index(part, len) else { return Err(missing(path)) };
                    while items.len() <= position && position < len + 1 {
                        items.push(new());
                    }
                    at = items.get_mut(position).ok_or_else(|| missing(path))?;
                }
            }
            Node::Scalar(_) => return Err(missing(path)),
        }
    }
    if at.is_null() {
        *at = if last == "-" { Value::list(Vec::new()) } else { Value::map(Map::new()) };
    }
    match &mut at.node {
        Node::Map(map) => map.insert(last, value),
        Node::List(items) => {
            if last == "-" {
                items.push(value);
                return Ok(());
            }
            let len = items.len();
            let position = match last.parse::<i64>() {
                Ok(number) if number < 0 => i64::try_from(len).unwrap_or(0) + number + 1,
                Ok(number) => number,
                Err(_) => return Err(missing(path)),
            };
            match usize::try_from(position) {
                Ok(position) if position <= len => items.insert(position, value),
                _ => return Err(failed(format!("the index {last} of /{} is out of bounds", path.join("/")))),
            }
        }
        Node::Scalar(_) => return Err(missing(path)),
    }
    Ok(())
}

fn remove(root: &mut Value, path: &[String]) -> Result<Value> {
    let Some((last, parents)) = path.split_last() else { return Err(failed("cannot remove the whole resource")) };
    let parent = find_mut(root, parents).map_err(|_| missing(path))?;
    let found = match &mut parent.node {
        Node::Map(map) => map.remove(last),
        Node::List(items) => index(last, items.len()).filter(|at| *at < items.len()).map(|at| items.remove(at)),
        Node::Scalar(_) => None,
    };
    found.ok_or_else(|| missing(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{parse_all, to_string};

    fn run(resource: &str, patch: &str) -> Result<String> {
        let one = |text: &str| parse_all(text.as_bytes(), "t.yaml").expect("is YAML").remove(0);
        let mut value = one(resource);
        decode(one(patch))?.iter().try_for_each(|operation| operation.apply(&mut value))?;
        Ok(to_string(&value))
    }

    #[test]
    fn operations() {
        let patch = "[{op: add, path: /a/b/c, value: 1}, {op: remove, path: /x}, {op: add, path: /l/-, value: z}, {op: add, path: /l/0, value: 'y'}, {op: replace, path: /l/-1, value: w}]";
        insta::assert_snapshot!(run("x: 1\nl: [m]\n", patch).expect("applies"), @r#"
        a:
          b:
            c: 1
        l:
        - "y"
        - m
        - w
        "#);
    }

    #[test]
    fn what_is_not_there_cannot_be_removed_or_replaced() {
        insta::assert_snapshot!(run("a: 1", "[{op: remove, path: /b}]").expect_err("fails"), @"1:2: the path /b does not exist");
        assert!(run("a: 1", "[{op: replace, path: /b, value: 1}]").is_err());
        assert!(run("a: 1", "[{op: test, path: /a, value: 2}]").is_err());
    }
}
