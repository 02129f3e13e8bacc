//! `edit set image`.

use std::collections::BTreeMap;

use super::file::File;
use super::{Edited, failed};
use crate::error::Result;
use crate::kustomization::Image;
use crate::yaml::{Map, Value};

/// As [`set_images`], from text to text.
///
/// ```
/// let text = "# the shop\nimages:\n- name: web\n  newTag: v1\n";
/// let text = fiel_renderer::edit::set_image(text, &["web=registry/web:v2".to_owned()])?;
/// assert!(text.starts_with("# the shop\nimages:\n- name: web\n  newName: registry/web\n  newTag: v2\n"));
/// # Ok::<(), fiel_renderer::Error>(())
/// ```
///
/// # Errors
/// When the text is not a kustomization or an argument is not an image.
pub fn set_image(text: &str, images: &[String]) -> Result<String> {
    let mut file = File::parse(text.as_bytes())?;
    set_images(&mut file, images)?;
    Ok(file.into_text())
}

/// Sets images: each argument is `NAME=NEWNAME`, `NAME=NEWNAME:TAG`, `NAME=NEWNAME@DIGEST`, `NAME:TAG` or `NAME@DIGEST`; `*` keeps what is there.
/// The list is sorted by name.
///
/// # Errors
/// When an argument is not of one of these forms.
pub fn set_images(file: &mut File, images: &[String]) -> Result<Edited> {
    if images.is_empty() {
        return Err(failed("no image specified"));
    }
    let mut wanted: BTreeMap<String, Image> = BTreeMap::new();
    for argument in images {
        let image = parse(argument)?;
        wanted.insert(image.name.clone(), image);
    }
    let list = file.list_mut("images");
    for item in std::mem::take(list) {
        let old = Image::decode(item)?;
        let kept = |new: &mut String, old: &str| {
            if new == "*" {
                old.clone_into(new);
            }
        };
        match wanted.get_mut(&old.name) {
            Some(new) => {
                kept(&mut new.new_name, &old.new_name);
                kept(&mut new.new_tag, &old.new_tag);
                kept(&mut new.digest, &old.digest);
            }
            None => {
                wanted.insert(old.name.clone(), old);
            }
        }
    }
    *list = wanted.into_values().map(|image| to_value(&image)).collect();
    Ok(Edited::changed())
}

fn to_value(image: &Image) -> Value {
    let mut map = Map::new();
    for (key, text) in [
        ("name", &image.name),
        ("newName", &image.new_name),
        ("newTag", &image.new_tag),
        ("tagSuffix", &image.tag_suffix),
        ("digest", &image.digest),
    ] {
        if !text.is_empty() && (text != "*" || key == "name") {
            map.insert(key, Value::string(text.as_str()));
        }
    }
    Value::map(map)
}

fn parse(argument: &str) -> Result<Image> {
    if let Some((name, new)) = argument.split_once('=') {
        let (new_name, new_tag, digest) = split(new);
        // Without a name on the left the right side names the image.
        let (name, new_name) = if name.is_empty() { (new_name, "") } else { (name, new_name) };
        return Ok(image(name, new_name, new_tag, digest));
    }
    let (name, new_tag, digest) = split(argument);
    if name == argument {
        return Err(failed(format!(
            "{argument} is not an image: use NAME=NEWNAME, NAME=NEWNAME:TAG, NAME=NEWNAME@DIGEST, NAME:TAG or NAME@DIGEST"
        )));
    }
    Ok(image(name, "", new_tag, digest))
}

fn image(name: &str, new_name: &str, new_tag: &str, digest: &str) -> Image {
    Image {
        name: name.to_owned(),
        new_name: new_name.to_owned(),
        new_tag: new_tag.to_owned(),
        digest: digest.to_owned(),
        ..Image::default()
    }
}

/// Name, tag and digest. A colon before the first slash belongs to the registry's port.
fn split(text: &str) -> (&str, &str, &str) {
    let path = text.find('/').unwrap_or(0);
    let (rest, digest) = match text[path..].find('@') {
        Some(at) => (&text[..path + at], &text[path + at + 1..]),
        None => (text, ""),
    };
    match rest[path..].find(':') {
        Some(at) => (&rest[..path + at], &rest[path + at + 1..], digest),
        None => (rest, "", digest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_order_stay() {
        let text = "# top\nnamespace: shop\n\n# images of the shop\nimages:\n# the web\n- name: web # old\n  newTag: v1\n- name: api\n";
        insta::assert_snapshot!(set_image(text, &["web:v2".to_owned()]).expect("edits"), @r#"
        # top
        namespace: shop

        # images of the shop
        # the web
        images:
        - name: api
        - name: web
          newTag: v2
        apiVersion: kustomize.config.k8s.io/v1beta1
        kind: Kustomization
        "#);
    }

    #[test]
    fn an_argument_that_names_no_image_is_refused() {
        insta::assert_snapshot!(set_image("namespace: a\n", &["web".to_owned()]).expect_err("refused"), @"web is not an image: use NAME=NEWNAME, NAME=NEWNAME:TAG, NAME=NEWNAME@DIGEST, NAME:TAG or NAME@DIGEST");
    }
}
