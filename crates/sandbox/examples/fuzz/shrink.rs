//! Makes a session smaller while it still shows the difference.

use serde_json::Value;

use crate::mutate::paths;
use crate::session::{Body, Session};

/// Sessions that are a little smaller than this one, those with the most taken out first.
pub(crate) fn candidates(session: &Session) -> Vec<Session> {
    let mut all = Vec::new();
    let last = session.requests.len().saturating_sub(1);
    for at in 0..last {
        let mut smaller = session.clone();
        smaller.requests.remove(at);
        all.push(smaller);
    }
    for (at, request) in session.requests.iter().enumerate() {
        let mut with = |body: Body| {
            let mut smaller = session.clone();
            smaller.requests[at].body = body;
            all.push(smaller);
        };
        match &request.body {
            Body::Json(value) => paths(value).iter().for_each(|path| with(Body::Json(without(value, path)))),
            Body::Edited { of, edits } => {
                for index in 0..edits.len() {
                    let mut fewer = edits.clone();
                    fewer.remove(index);
                    with(Body::Edited { of: of.clone(), edits: fewer });
                }
            }
            Body::None | Body::Raw(_) => {}
        }
        if let Some((path, query)) = request.path.split_once('?') {
            let parts: Vec<&str> = query.split('&').collect();
            for index in 0..parts.len() {
                let kept: Vec<&str> = parts.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, part)| *part).collect();
                let mut smaller = session.clone();
                smaller.requests[at].path = if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) };
                all.push(smaller);
            }
        }
        if request.accept.is_some() {
            let mut smaller = session.clone();
            smaller.requests[at].accept = None;
            all.push(smaller);
        }
    }
    all
}

/// The value without what a pointer names.
fn without(value: &Value, path: &str) -> Value {
    let mut value = value.clone();
    let (parent, last) = path.rsplit_once('/').unwrap_or(("", ""));
    let last = last.replace("~1", "/").replace("~0", "~");
    match value.pointer_mut(parent) {
        Some(Value::Object(fields)) => drop(fields.remove(&last)),
        Some(Value::Array(items)) => drop(last.parse().ok().filter(|at| *at < items.len()).map(|at: usize| items.remove(at))),
        _ => {}
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn takes_out_fields_and_items() {
        let value = json!({"a": [1, 2], "b/c": {"d": 1}});
        assert_eq!(without(&value, "/a/0"), json!({"a": [2], "b/c": {"d": 1}}));
        assert_eq!(without(&value, "/b~1c/d"), json!({"a": [1, 2], "b/c": {}}));
        assert_eq!(without(&value, "/b~1c"), json!({"a": [1, 2]}));
    }
}
