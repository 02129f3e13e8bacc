//! `edit set image`.

use std::collections::BTreeMap;

use super::file::File;
use crate::error::{Error, ErrorKind, Result};
use crate::kustomization::Image;
use crate::yaml::{Map, Value};

/// `kustomize edit set image`: each argument is `NAME=NEWNAME`, `NAME=NEWNAME:TAG`, `NAME=NEWNAME@DIGEST`, `NAME:TAG` or `NAME@DIGEST`; `*` keeps what is there.
///
/// Comments survive where kustomize keeps them: on lines of their own. The list of images is sorted by name.
///
/// ```
/// let text = "# the shop\nimages:\n- name: web\n  newTag: v1\n";
/// let text = fiel_renderer::edit::set_image(text, &["web=registry/web:v2".to_owned()])?;
/// assert!(text.starts_with("# the shop\nimages:\n- name: web\n  newName: registry/web\n  newTag: v2\n"));
/// # Ok::<(), fiel_renderer::Error>(())
/// ```
///
/// # Errors
/// When the text is not a kustomization or an argument is not of one of these forms.
pub fn set_image(text: &str, images: &[String]) -> Result<String> {
    if images.is_empty() {
        return Err(Error::new(ErrorKind::Kustomization, "no image specified"));
    }
    let mut wanted: BTreeMap<String, Image> = BTreeMap::new();
    for argument in images {
        let image = parse(argument)?;
        wanted.insert(image.name.clone(), image);
    }
    let mut file = File::parse(text)?;
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
    Ok(file.into_text())
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
    let parts: Vec<&str> = argument.split('=').collect();
    let invalid = || {
        Error::new(
            ErrorKind::Kustomization,
            format!("{argument} is not an image: use NAME=NEWNAME, NAME=NEWNAME:TAG, NAME=NEWNAME@DIGEST, NAME:TAG or NAME@DIGEST"),
        )
    };
    if let [name, new] = parts[..] {
        let (new_name, new_tag, digest) = overwrite(new, true).ok_or_else(invalid)?;
        return Ok(Image { name: name.to_owned(), new_name, new_tag, digest, ..Image::default() });
    }
    let (name, new_tag, digest) = overwrite(argument, false).ok_or_else(invalid)?;
    Ok(Image { name, new_tag, digest, ..Image::default() })
}

/// Name, tag and digest.
fn overwrite(text: &str, name_alone: bool) -> Option<(String, String, String)> {
    let pieces: Vec<&str> = text.split('@').collect();
    if pieces.len() > 1 {
        let (name, tag, _) = crate::transform::split_image(pieces[0]);
        return Some((name.to_owned(), tag.to_owned(), pieces[1].to_owned()));
    }
    if let Some((name, tag)) = text.rsplit_once(':')
        && (tag == "*" || tag.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')))
    {
        return Some((name.to_owned(), tag.to_owned(), String::new()));
    }
    (name_alone && !text.is_empty()).then(|| (text.to_owned(), String::new(), String::new()))
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
