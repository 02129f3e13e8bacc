//! Lists as texts, put together from the texts of their objects: nothing is read or copied for them, and the state is not held meanwhile.

use serde_json::{Value, json};

use crate::api::{Page, in_version};
use crate::http::{Form, PARTIAL, hides};
use crate::json;
use crate::resource::Resource;
use crate::stored::{Order, Stored};

/// A part of a list as a line of JSON, for who wants its objects as they are or nothing but their metadata.
pub(crate) fn text(resource: &Resource, form: &Form, page: &Page) -> Vec<u8> {
    let (kind, version) = match form {
        Form::Metadata => ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1"),
        _ => (resource.list_kind(), resource.api_version()),
    };
    let mut list = json!({"kind": kind, "apiVersion": version, "items": null, "metadata": page.metadata(resource)});
    if let (Form::Metadata, Some(metadata)) = (form, list["metadata"].as_object_mut()) {
        metadata.retain(|_, value| *value != "");
    }
    let mut out = Vec::with_capacity(256);
    json::entries(
        &mut out,
        Order::of(resource).fields(list.as_object().unwrap_or(&serde_json::Map::new())),
        |out, name, value| match name {
            "items" => items(out, resource, form, page),
            _ => json::write(out, value),
        },
    );
    out.push(b'\n');
    out
}

fn items(out: &mut Vec<u8>, resource: &Resource, form: &Form, page: &Page) {
    // As Go writes a list to which nothing was ever added.
    if page.items.is_empty() && *form == Form::Metadata {
        out.extend_from_slice(b"null");
        return;
    }
    out.push(b'[');
    for (index, object) in page.items.iter().enumerate() {
        let object = &*object.stored();
        if index > 0 {
            out.push(b',');
        }
        match (form, object.item(resource)) {
            (Form::Metadata, _) if hides(resource) => out.extend_from_slice(&form.text(resource, &object.whole())),
            (Form::Metadata, _) => [PARTIAL, object.metadata(), b"}"].into_iter().for_each(|part| out.extend_from_slice(part)),
            (_, Some(parts)) => parts.into_iter().for_each(|part| out.extend_from_slice(part)),
            (_, None) => json::write(out, &item(resource, object)),
        }
    }
    out.push(b']');
}

/// An object whose text is that of another version, or in another order.
fn item(resource: &Resource, object: &Stored) -> Value {
    let mut item = in_version(resource, object.whole());
    if let Some(fields) = item.as_object_mut().filter(|_| resource.is_builtin()) {
        fields.remove("apiVersion");
        fields.remove("kind");
    }
    item
}
