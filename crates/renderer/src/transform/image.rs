//! The images transformer.

use regex::Regex;

use crate::error::{Error, ErrorKind, Result};
use crate::fieldspec::{FieldSpec, Leaf, apply_all, put_text};
use crate::kustomization::Image;
use crate::parallel::Flag;
use crate::paths::Paths;
use crate::resource::Resource;
use crate::yaml::{Node, Value};

/// One entry of `images`, and where images stand beside the containers'.
pub(crate) struct Images {
    image: Image,
    pattern: Pattern,
    specs: Vec<FieldSpec>,
    /// Where they lead, if whoever finds nothing there need not walk along them.
    paths: Option<Paths>,
    /// Whether any image was of that name.
    used: Flag,
}

impl Images {
    pub(crate) fn new(image: Image, specs: Vec<FieldSpec>) -> Result<Self> {
        let paths = specs.iter().all(FieldSpec::is_plain).then(|| Paths::of(specs.iter().map(|spec| &*spec.path)));
        Ok(Self { pattern: Pattern::new(&image.name)?, image, specs, paths, used: Flag::default() })
    }

    /// What to tell when it was for no image.
    pub(super) fn unused(&self, file: &str) -> Option<String> {
        let used = self.used.is_set();
        (!used).then(|| format!("{file}: no container has an image named {}, which images changes", self.image.name))
    }

    /// Sets the image wherever containers are, and then in the fields of the specs; so `tagSuffix` hits Pods twice, as in kustomize.
    pub(super) fn set(&self, resource: &mut Resource) -> Result<()> {
        // A definition may describe fields of these names, which hold no images.
        if resource.kind() == "CustomResourceDefinition" {
            return Ok(());
        }
        self.anywhere(&mut resource.value)?;
        // A walk makes a list of a null that it meets, so that all are made then.
        let there = self.paths.as_ref().map(|paths| paths.there(&resource.value)).filter(|there| !there.is_null);
        let leads = |at: usize| there.as_ref().is_none_or(|there| there.paths[at]);
        let specs = self.specs.iter().enumerate().filter(|(at, _)| leads(*at)).map(|(_, spec)| spec);
        apply_all(specs, resource, Leaf::Nothing, &mut |value| self.update(value))
    }

    fn anywhere(&self, value: &mut Value) -> Result<()> {
        match &mut value.node {
            Node::Map(map) => {
                for (key, inner) in map.iter_mut() {
                    match (&mut inner.node, key) {
                        (Node::Scalar(_), _) => {}
                        (Node::List(items), "containers" | "initContainers") => {
                            items.iter_mut().filter_map(|item| item.get_mut("image")).try_for_each(|field| self.update(field))?;
                        }
                        (Node::Map(_), "containers" | "initContainers") => {}
                        _ => self.anywhere(inner)?,
                    }
                }
                Ok(())
            }
            Node::List(items) => items.iter_mut().try_for_each(|item| self.anywhere(item)),
            Node::Scalar(_) => Ok(()),
        }
    }

    fn update(&self, value: &mut Value) -> Result<()> {
        if value.as_scalar().is_none() {
            let message = format!("an image must be text, not {}", value.describe());
            return Err(Error::new(ErrorKind::Resource, message).at(value.pos));
        }
        let Some(text) = value.text().filter(|text| self.pattern.is_match(text)) else { return Ok(()) };
        let new = rename(text, &self.image);
        self.used.set();
        put_text(value, new)
    }
}

/// The name of an image as a pattern (its dots stand for any character, as in kustomize), with or without tag and digest.
enum Pattern {
    /// Nothing in the name means something special, but for dots.
    Simple(String),
    Regex(Regex),
}

impl Pattern {
    fn new(name: &str) -> Result<Self> {
        if name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'/' | b':' | b'.' | b'@')) {
            return Ok(Self::Simple(name.to_owned()));
        }
        Regex::new(&format!("^{name}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$"))
            .map(Self::Regex)
            .map_err(|_| Error::new(ErrorKind::Kustomization, format!("the image name {name} is not a valid pattern")))
    }

    fn is_match(&self, text: &str) -> bool {
        let name = match self {
            Self::Regex(regex) => return regex.is_match(text),
            Self::Simple(name) => name,
        };
        let mut rest = text.chars();
        if !name.chars().all(|wanted| rest.next().is_some_and(|c| if wanted == '.' { c != '\n' } else { c == wanted })) {
            return false;
        }
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '{' | '}' | '-');
        let after = rest.as_str();
        let after = after.strip_prefix(':').map_or(after, |tag| tag.trim_start_matches(word));
        let after = after.strip_prefix("@sha256:").map_or(after, |digest| digest.trim_start_matches(word));
        after.is_empty()
    }
}

fn rename(text: &str, image: &Image) -> String {
    let (name, mut tag, mut digest) = split(text);
    let name = if image.new_name.is_empty() { name } else { &image.new_name };
    // Overriding the tag or the digest replaces both.
    if !image.new_tag.is_empty() && !image.digest.is_empty() {
        (tag, digest) = (&image.new_tag, &image.digest);
    } else if !image.new_tag.is_empty() {
        (tag, digest) = (&image.new_tag, "");
    } else if !image.digest.is_empty() {
        (tag, digest) = ("", &image.digest);
    }
    let mut out = name.to_owned();
    // A suffix is only for tags that stay as they were.
    let suffix = if image.new_tag.is_empty() && image.digest.is_empty() { &*image.tag_suffix } else { "" };
    if !suffix.is_empty() {
        digest = "";
    }
    if !tag.is_empty() || !suffix.is_empty() {
        out.push(':');
        out.push_str(tag);
        out.push_str(suffix);
    }
    if !digest.is_empty() {
        out.push('@');
        out.push_str(digest);
    }
    out
}

/// Name, tag and digest of an image.
pub(crate) fn split(image: &str) -> (&str, &str, &str) {
    let (rest, digest) = image.split_once('@').unwrap_or((image, ""));
    let slash = rest.rfind('/').map_or(0, |at| at + 1);
    match rest[slash..].find(':') {
        Some(colon) => (&rest[..slash + colon], &rest[slash + colon + 1..], digest),
        None => (rest, "", digest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Memory, Options, build};

    #[test]
    fn a_null_on_the_way_to_an_image_becomes_a_list_as_in_kustomize() {
        let kustomization = "images: [{name: a, newTag: \"2\"}]\nresources: [pods.yaml]\n";
        let pods = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: null, initContainers: [{image: 'a:1'}]}}\n---\n\
            {apiVersion: v1, kind: Pod, metadata: {name: q}, spec: {volumes: [{image: {reference: a}}, {image: null}], containers: {image: a}}}\n";
        let files: Memory = [("kustomization.yaml", kustomization), ("pods.yaml", pods)].into_iter().collect();
        let built = build(&files, "", &Options::default()).expect("builds");
        let spec = |at: usize| built.resources()[at].to_json()["spec"].clone();
        assert_eq!(spec(0), serde_json::json!({"containers": [], "initContainers": [{"image": "a:2"}]}));
        let volumes = serde_json::json!([{"image": {"reference": "a:2"}}, {"image": null}]);
        assert_eq!(spec(1), serde_json::json!({"containers": {"image": "a:2"}, "volumes": volumes}));
    }

    #[test]
    fn a_simple_name_matches_what_its_regular_expression_matches() {
        let texts = [
            "nginx",
            "nginx:1",
            "nginx@sha256:ab",
            "nginx:1@sha256:ab",
            "nginx:",
            "nginx:1:2",
            "nginx@sha512:ab",
            "nginx:1/x",
            "xnginx",
            "nginxx",
            "a.b/c:{T}",
            "axb/c",
            "a\u{e9}b/c",
            "",
            ":1",
        ];
        for name in ["nginx", "a.b/c", "", "nginx:1"] {
            let regex = Regex::new(&format!("^{name}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$")).expect("a pattern");
            let pattern = Pattern::new(name).expect("a pattern");
            for text in texts {
                assert_eq!(pattern.is_match(text), regex.is_match(text), "{name} {text}");
            }
        }
    }
}
