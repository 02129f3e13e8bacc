//! The images transformer.

use regex::Regex;

use crate::error::{Error, ErrorKind, Result};
use crate::fieldspec::{FieldSpec, Leaf};
use crate::kustomization::Image;
use crate::resource::Resource;
use crate::yaml::{Node, Value};

/// Sets an image wherever containers are, and then in the fields of the specs; so `tagSuffix` hits Pods twice, as in kustomize.
pub(crate) fn set_images(resources: &mut [Resource], image: &Image, specs: &[FieldSpec]) -> Result<()> {
    let pattern = Regex::new(&format!("^{}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$", image.name));
    let pattern =
        pattern.map_err(|_| Error::new(ErrorKind::Kustomization, format!("the image name {} is not a valid pattern", image.name)))?;
    // A definition may describe fields of these names, which hold no images.
    for resource in resources.iter_mut().filter(|resource| resource.kind() != "CustomResourceDefinition") {
        anywhere(&mut resource.value, image, &pattern);
        for spec in specs {
            if spec.matches(&resource.gvk()) {
                spec.apply(&mut resource.value, Leaf::Nothing, &mut |value| {
                    update(value, image, &pattern);
                    Ok(())
                })?;
            }
        }
    }
    Ok(())
}

fn anywhere(value: &mut Value, image: &Image, pattern: &Regex) {
    match &mut value.node {
        Node::Map(map) => {
            for name in ["containers", "initContainers"] {
                let Some(Value { node: Node::List(items), .. }) = map.get_mut(name) else { continue };
                for item in items {
                    if let Some(field) = item.get_mut("image") {
                        update(field, image, pattern);
                    }
                }
            }
            for (key, inner) in map.iter_mut() {
                if !matches!(key, "containers" | "initContainers") {
                    anywhere(inner, image, pattern);
                }
            }
        }
        Node::List(items) => items.iter_mut().for_each(|item| anywhere(item, image, pattern)),
        Node::Scalar(_) => {}
    }
}

fn update(value: &mut Value, image: &Image, pattern: &Regex) {
    let Some(text) = value.text() else { return };
    if !pattern.is_match(text) {
        return;
    }
    let new = rename(text, image);
    *value = Value { pos: value.pos, ..Value::string(new) };
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
    if !image.tag_suffix.is_empty() {
        digest = "";
    }
    if !tag.is_empty() || !image.tag_suffix.is_empty() {
        out.push(':');
        out.push_str(tag);
        out.push_str(&image.tag_suffix);
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
