//! Requests to answers: no clock, no network, no state but what is handed in.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Method, Response, StatusCode};

use crate::page;
use crate::settings::{Settings, VERSION};

/// What the server shows, made once at the start.
#[derive(Debug, Clone)]
pub struct Site {
    page: Bytes,
    version: Bytes,
}

impl Site {
    /// The site of these settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let version = format!("{{\"version\":{},\"commit\":{}}}\n", page::json_string(VERSION), page::json_string(&settings.commit));
        Self { page: page::html(&settings.message, VERSION, &settings.commit).into(), version: version.into() }
    }
}

/// The answer to a request for `path` with `method`; `ready` is what `/readyz` says.
///
/// An unknown path is 404 whatever the method; a known one takes `GET` and `HEAD`, any other method is 405 with `Allow`.
#[must_use]
pub fn respond(site: &Site, ready: bool, method: &Method, path: &str) -> Response<Full<Bytes>> {
    const TEXT: &str = "text/plain; charset=utf-8";
    let (status, kind, body) = match path {
        "/" => (StatusCode::OK, "text/html; charset=utf-8", site.page.clone()),
        "/healthz" => (StatusCode::OK, TEXT, Bytes::from_static(b"ok\n")),
        "/readyz" if ready => (StatusCode::OK, TEXT, Bytes::from_static(b"ready\n")),
        "/readyz" => (StatusCode::SERVICE_UNAVAILABLE, TEXT, Bytes::from_static(b"draining\n")),
        "/version" => (StatusCode::OK, "application/json", site.version.clone()),
        _ => (StatusCode::NOT_FOUND, TEXT, Bytes::from_static(b"not found\n")),
    };
    let readable = matches!(*method, Method::GET | Method::HEAD);
    let (status, kind, body) = if readable || status == StatusCode::NOT_FOUND {
        (status, kind, body)
    } else {
        (StatusCode::METHOD_NOT_ALLOWED, TEXT, Bytes::from_static(b"method not allowed: use GET or HEAD\n"))
    };
    let length = HeaderValue::from(body.len());
    let mut response = Response::new(Full::new(if *method == Method::HEAD { Bytes::new() } else { body }));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CONTENT_LENGTH, length);
    // A delivery is seen at once: nothing between the server and the reader keeps an old page.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    fn site() -> Site {
        let commit = |name: &str| (name == "COMMIT").then(|| "0123\"abc".to_owned());
        Site::new(&Settings::from_variables(commit).unwrap())
    }

    fn ask(ready: bool, method: &Method, path: &str) -> (u16, String, Response<()>) {
        let (parts, body) = respond(&site(), ready, method, path).into_parts();
        let collected = text_of(body);
        (parts.status.as_u16(), collected, Response::from_parts(parts, ()))
    }

    fn text_of(body: Full<Bytes>) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let bytes = runtime.block_on(body.collect()).unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn the_page_says_what_runs() {
        let (status, body, response) = ask(true, &Method::GET, "/");
        assert_eq!(status, 200);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        for expected in ["Hello, GitOps!", VERSION, "0123&quot;abc"] {
            assert!(body.contains(expected), "{expected} in {body}");
        }
        assert!(!body.contains("http"), "loads nothing from elsewhere");
    }

    #[test]
    fn version_is_json() {
        let (status, body, response) = ask(true, &Method::GET, "/version");
        assert_eq!((status, body.as_str()), (200, format!("{{\"version\":\"{VERSION}\",\"commit\":\"0123\\\"abc\"}}\n").as_str()));
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    }

    #[test]
    fn readiness_follows_the_flag_and_health_does_not() {
        assert_eq!(ask(true, &Method::GET, "/readyz").0, 200);
        assert_eq!(ask(false, &Method::GET, "/readyz").0, 503);
        assert_eq!(ask(false, &Method::GET, "/healthz").0, 200);
        assert_eq!(ask(false, &Method::GET, "/").0, 200);
    }

    #[test]
    fn head_is_get_without_the_body() {
        for path in ["/", "/healthz", "/readyz", "/version", "/nowhere"] {
            let (status, body, response) = ask(true, &Method::GET, path);
            let (head_status, nothing, head) = ask(true, &Method::HEAD, path);
            assert_eq!((status, response.headers()), (head_status, head.headers()), "{path}");
            assert_eq!(head.headers()[CONTENT_LENGTH], body.len().to_string());
            assert_eq!(nothing, "");
        }
    }

    #[test]
    fn other_methods_and_paths_are_refused() {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS, Method::TRACE, Method::PATCH] {
            let (status, _, response) = ask(true, &method, "/");
            assert_eq!((status, &response.headers()[ALLOW]), (405, &HeaderValue::from_static("GET, HEAD")), "{method}");
            assert_eq!(ask(true, &method, "/nowhere").0, 404);
        }
        for path in ["", "//", "/index.html", "/healthz/", "/../etc/passwd", "*"] {
            assert_eq!(ask(true, &Method::GET, path).0, 404, "{path}");
        }
    }
}
