//! How documents go out: as bytes that are kept, with what lets clients keep them too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, ETAG, EXPIRES, HeaderName, LOCATION, VARY};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use jiff::{Timestamp, ToSpan as _};

use super::{document, hash, hash_of, url, v2};
use crate::http::{ServiceBody, response};
use crate::resource::Resource;

const JSON: &str = "application/json";

/// The documents that were asked for, by path: their hash and their bytes.
#[derive(Default)]
pub(crate) struct Documents {
    made: Mutex<HashMap<String, (String, Bytes)>>,
}

/// What a client asks.
pub(crate) struct Ask<'a> {
    /// `api/v1` or `apis/GROUP/VERSION`.
    pub(crate) path: &'a str,
    /// The hash that it wants the document of; empty: any.
    pub(crate) hash: &'a str,
    /// The header If-None-Match.
    pub(crate) known: &'a str,
    pub(crate) now: Timestamp,
}

impl Documents {
    /// `GET /openapi/v3/PATH`, as kube-apiserver 1.36 answers: what was asked for by its hash may be kept for a year, and who asks for another hash is
    /// sent on; what a client has already is not sent again. None when nothing is served there.
    pub(crate) fn answer(&self, resources: &[Arc<Resource>], ask: &Ask<'_>) -> Option<Response<ServiceBody>> {
        let hash = hash(resources, ask.path);
        let bytes = self.bytes(ask.path, &hash, || Some(serde_json::to_vec(&document(resources, ask.path)?).unwrap_or_default()))?;
        if !ask.hash.is_empty() && ask.hash != hash {
            let mut out = whole(StatusCode::MOVED_PERMANENTLY, JSON, &hash, Bytes::new());
            set(&mut out, LOCATION, &url(ask.path, &hash));
            return Some(out);
        }
        let mut out = whole(status(ask.known, &hash), JSON, &hash, bytes);
        if !ask.hash.is_empty() {
            let year = ask.now.saturating_add((365 * 24).hours()).unwrap_or(ask.now);
            set(&mut out, CACHE_CONTROL, "public, immutable");
            set(&mut out, EXPIRES, &year.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
        }
        Some(out)
    }

    /// `GET /openapi/v2`, in JSON, or in protobuf where that is accepted; `known` is the header If-None-Match.
    pub(crate) fn answer_v2(&self, resources: &[Arc<Resource>], accept: &str, known: &str) -> Response<ServiceBody> {
        let protobuf = accept.split(',').any(|one| one.trim() == v2::PROTOBUF);
        let (key, content_type) = if protobuf { ("v2 protobuf", v2::ANSWERED) } else { ("v2", JSON) };
        let hash = hash_of(resources.iter());
        let bytes = self.bytes(key, &hash, || {
            let document = v2::document(resources);
            Some(if protobuf { v2::protobuf(&document) } else { serde_json::to_vec(&document).unwrap_or_default() })
        });
        whole(status(known, &hash), content_type, &hash, bytes.unwrap_or_default())
    }

    /// Made before, or made now.
    fn bytes(&self, key: &str, hash: &str, make: impl FnOnce() -> Option<Vec<u8>>) -> Option<Bytes> {
        // What a panic would leave behind is whole: a document is put in when it is made.
        let mut made = self.made.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, bytes)) = made.get(key).filter(|(known, _)| known == hash) {
            return Some(bytes.clone());
        }
        made.remove(key);
        let bytes = Bytes::from(make()?);
        made.insert(key.to_owned(), (hash.to_owned(), bytes.clone()));
        Some(bytes)
    }
}

/// Whether a client has it already, by its header If-None-Match.
fn status(known: &str, hash: &str) -> StatusCode {
    let tags = known.split(',').map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"'));
    if tags.into_iter().any(|tag| tag == hash) { StatusCode::NOT_MODIFIED } else { StatusCode::OK }
}

fn whole(status: StatusCode, content_type: &'static str, hash: &str, bytes: Bytes) -> Response<ServiceBody> {
    let body = if status == StatusCode::OK { Full::new(bytes) } else { Full::default() };
    let mut out = response(status, content_type, body.boxed_unsync());
    set(&mut out, ETAG, &format!("\"{hash}\""));
    set(&mut out, VARY, "Accept");
    out
}

fn set(out: &mut Response<ServiceBody>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        out.headers_mut().insert(name, value);
    }
}
