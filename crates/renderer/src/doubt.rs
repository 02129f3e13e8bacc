//! What is not known of a resource any more once a step has failed on it. What fails there later may come of that, and is not told as an error of its own.

use crate::error::{Error, Gathered};
use crate::resource::Resource;
use crate::yaml::Value;

/// Where steps failed on a resource.
#[derive(Debug, Clone, Default)]
pub(crate) struct Doubts {
    /// The paths of the fields.
    paths: Vec<Vec<String>>,
    /// Whether all of the content is gone, but for what makes the id.
    content: bool,
}

/// The fields that make a resource's id.
const ID: [&[&str]; 4] = [&["apiVersion"], &["kind"], &["metadata", "name"], &["metadata", "namespace"]];

impl Doubts {
    /// Whether what is found at a path, in it or on the way to it may come of an earlier failure.
    fn touch(&self, path: &[String]) -> bool {
        let is_id = ID.iter().any(|id| path.iter().eq(id.iter()));
        self.content && !is_id
            || self.paths.iter().any(|known| known.iter().zip(path).all(|(one, other)| one == other || is_any(one, other)))
    }

    fn touch_id(&self) -> bool {
        ID.iter().any(|id| self.touch(&id.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>()))
    }
}

/// Whether one of two parts of paths may mean many elements of a list, or one that both mean.
fn is_any(one: &str, other: &str) -> bool {
    [one, other].iter().any(|part| matches!(*part, "-" | "*") || part.starts_with('[') || part.parse::<i64>().is_ok())
}

impl Resource {
    /// Takes note that a step failed at a path; tells whether it is an error of its own.
    #[cold]
    pub(crate) fn doubt(&mut self, path: Vec<String>) -> bool {
        let doubts = self.state.doubts.get_or_insert_default();
        let is_new = !doubts.touch(&path);
        doubts.paths.push(path);
        is_new
    }

    /// Takes note that a step left nothing of the content but the id; tells whether it is an error of its own.
    #[cold]
    pub(crate) fn doubt_content(&mut self) -> bool {
        let is_new = self.state.doubts.is_none();
        self.state.doubts.get_or_insert_default().content = true;
        is_new
    }

    /// Whether what is found at a path may come of an earlier failure.
    pub(crate) fn is_doubtful(&self, path: &[String]) -> bool {
        self.state.doubts.as_ref().is_some_and(|doubts| doubts.touch(path))
    }

    /// Whether the resource might have another id if no step had failed: then nobody knows what finds it.
    pub(crate) fn has_doubtful_id(&self) -> bool {
        self.state.doubts.as_ref().is_some_and(|doubts| doubts.touch_id())
    }
}

impl Gathered {
    /// Keeps what failed in the field of a field spec unless it may come of an earlier failure. Where a resource was read is not known here, so that its
    /// id stands for the place.
    #[cold]
    pub(crate) fn note_field(&mut self, resource: &mut Resource, path: &str, error: &Error) {
        let path = fitting(&resource.value, crate::fieldspec::split(&path.replace("[]", "")));
        let place = path.join("/");
        if resource.doubt(path) {
            self.note(Error::new(error.kind(), format!("{} at {place} of {}", error.message(), resource.id())));
        }
    }
}

/// As much of a path as leads through maps: what comes next is of the wrong shape for the rest.
fn fitting(root: &Value, mut path: Vec<String>) -> Vec<String> {
    let mut at = root;
    for (depth, part) in path.iter().enumerate() {
        match at.as_map().map(|map| map.get(part)) {
            Some(Some(next)) => at = next,
            None if at.as_list().is_none() => {
                path.truncate(depth);
                break;
            }
            _ => break,
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource() -> Resource {
        crate::read::resources(b"{apiVersion: v1, kind: A, metadata: {name: a}}", "t").expect("YAML").remove(0)
    }

    fn path(text: &str) -> Vec<String> {
        text.split('/').skip(1).map(str::to_owned).collect()
    }

    #[test]
    fn what_lies_on_the_way_of_a_failure_may_come_of_it() {
        let mut one = resource();
        assert!(one.doubt(path("/spec/containers/0/image")));
        for (other, news) in [
            ("/spec/replicas", true),
            ("/spec/containers/0/name", true),
            ("/spec", false),
            ("/spec/containers/[name=x]/image", false),
            ("/spec/containers/-/image/tag", false),
            ("", false),
        ] {
            assert_eq!(one.clone().doubt(path(other)), news, "{other}");
        }
        assert!(!one.has_doubtful_id());
        one.doubt(path("/metadata"));
        assert!(one.has_doubtful_id());
    }

    #[test]
    fn a_lost_content_leaves_the_id() {
        let mut one = resource();
        assert!(one.doubt_content());
        assert!(!one.has_doubtful_id() && one.is_doubtful(&path("/spec")));
        assert!(!one.doubt(path("/metadata/labels")) && !one.doubt_content());
    }
}
