//! In which of its forms an answer is written: JSON, JSON for people, or YAML; and what is refused because the client takes none of them.
//!
//! As kube-apiserver 1.36 does it, in two steps: a route is not taken at all when the client names none of its representations; then the first clause
//! decides that can be served. Answers in protobuf are not written here.

use http::StatusCode;
use serde_json::{Value, json};

use crate::request::Query;
use crate::resource::Resource;
use crate::status::ApiError;

const JSON: &str = "application/json";
const YAML: &str = "application/yaml";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const JSON_STREAM: &str = "application/json;stream=watch";
const PROTOBUF_STREAM: &str = "application/vnd.kubernetes.protobuf;stream=watch";

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Json,
    /// With one field on each line, as for those who ask with curl or a browser.
    Pretty,
    Yaml,
}

/// One clause of the header Accept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clause<'a> {
    kind: &'a str,
    /// What stands behind the kind.
    parameters: &'a str,
    quality: f64,
}

impl<'a> Clause<'a> {
    fn read(text: &'a str) -> Self {
        let (kind, parameters) = text.split_once(';').unwrap_or((text, ""));
        let mut clause = Self { kind: kind.trim(), parameters, quality: 1.0 };
        clause.quality = clause.parameter("q").and_then(|quality| quality.parse().ok()).unwrap_or(1.0);
        clause
    }

    /// A parameter, if it is given.
    pub(crate) fn parameter(&self, name: &str) -> Option<&'a str> {
        if self.parameters.is_empty() {
            return None;
        }
        let pairs = self.parameters.split(';').filter_map(|pair| pair.split_once('='));
        pairs.map(|(key, value)| (key.trim(), value.trim())).find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// In what it can be served.
    fn encoding(&self) -> Option<Encoding> {
        match self.kind {
            JSON | "application/*" | "*/*" => Some(if self.parameter("pretty") == Some("1") { Encoding::Pretty } else { Encoding::Json }),
            YAML => Some(Encoding::Yaml),
            _ => None,
        }
    }

    /// Whether the form it wants objects in is one that there is.
    fn has_form(&self) -> bool {
        let meta = self.parameter("g").is_none_or(|group| group == "meta.k8s.io");
        match (self.parameter("as"), self.parameter("v")) {
            (None | Some(""), _) => true,
            (Some("Table" | "PartialObjectMetadata" | "PartialObjectMetadataList"), version) => {
                meta && version.is_none_or(|version| matches!(version, "v1" | "v1beta1"))
            }
            _ => false,
        }
    }

    /// Whether it stands before another one: the server's order, in which what is named wins over a star, whatever its quality.
    fn is_before(&self, other: &Self) -> bool {
        let parts = |clause: &Self| clause.kind.split_once('/').map_or((false, false), |(of, sub)| (of == "*", sub == "*"));
        let ((of, sub), (others, other_sub)) = (parts(self), parts(other));
        self.quality > other.quality || (!of && others) || (!sub && other_sub)
    }
}

/// The clauses of the header, the first one that the server looks at first.
fn clauses(accept: &str) -> Vec<Clause<'_>> {
    let mut sorted: Vec<Clause<'_>> = Vec::new();
    // By insertion: the order is none in the strict sense, and what comes out of it is what this way of sorting makes of it.
    for clause in accept.split(',').map(Clause::read) {
        let mut at = sorted.len();
        while at > 0 && clause.is_before(&sorted[at - 1]) {
            at -= 1;
        }
        sorted.insert(at, clause);
    }
    sorted
}

/// The first clause that can be served.
pub(crate) fn chosen(accept: &str) -> Option<Clause<'_>> {
    clauses(accept).into_iter().find(|clause| clause.has_form() && clause.encoding().is_some())
}

/// How the answer is written, also that of a refusal; JSON if nothing that the client takes is there.
pub(crate) fn encoding(accept: &str, query: &Query, user_agent: &str) -> Encoding {
    let chosen = chosen(accept).and_then(|clause| clause.encoding()).unwrap_or(Encoding::Json);
    let people = match query.get("pretty") {
        "" => ["curl", "Wget", "Mozilla/5.0"].iter().any(|name| user_agent.starts_with(name)),
        asked => matches!(asked, "1" | "t" | "T" | "true" | "TRUE" | "True"),
    };
    if chosen == Encoding::Json && people { Encoding::Pretty } else { chosen }
}

/// What routes are written in: everything of Kubernetes' own; one of its lists, which can be watched; a log; what stands alone.
pub(crate) const SERVED: &[&str] = &[JSON, YAML, PROTOBUF];
pub(crate) const WATCHED: &[&str] = &[JSON, YAML, PROTOBUF, JSON_STREAM, PROTOBUF_STREAM];
pub(crate) const LOGGED: &[&str] = &["text/plain", JSON, YAML, PROTOBUF];
pub(crate) const PLAIN: &[&str] = &[JSON];

fn refused(message: String) -> ApiError {
    ApiError::new(StatusCode::NOT_ACCEPTABLE, "NotAcceptable", message)
}

/// Refuses a request whose route has no representation that the client names; only the star that stands for all is known here.
pub(crate) fn route(accept: &str, available: &[&str]) -> Result<(), ApiError> {
    let named = |clause: &str| {
        let kind = clause.split(';').next().unwrap_or_default().trim();
        kind == "*/*" || available.contains(&kind)
    };
    if accept.is_empty() || accept.split(',').any(named) {
        return Ok(());
    }
    Err(refused(format!("406: Not Acceptable\n\nAvailable representations: {}", available.join(", "))).with(json!({})))
}

/// Refuses a request of which no clause could be chosen: that form is not there; or a watch in YAML.
pub(crate) fn check(accept: &str, chosen: Option<&Clause<'_>>, watch: bool) -> Result<(), ApiError> {
    let only = |kinds: &[&str]| Err(refused(format!("only the following media types are accepted: {}", kinds.join(", "))));
    match chosen.and_then(Clause::encoding) {
        Some(Encoding::Yaml) if watch => only(&[JSON_STREAM, PROTOBUF_STREAM]),
        None if clauses(accept).iter().any(|clause| clause.kind == PROTOBUF) => only(&[JSON, YAML]),
        None if !accept.is_empty() => only(SERVED),
        _ => Ok(()),
    }
}

/// Refuses the form of a list for one object, and the other way round.
pub(crate) fn check_form(chosen: Option<&Clause<'_>>, resource: &Resource, many: bool) -> Result<(), ApiError> {
    let package = match resource.group.split('.').next() {
        _ if !resource.is_builtin() => "unstructured",
        None | Some("") => "core",
        Some(package) => package,
    };
    let kind = if resource.is_builtin() { &resource.kind } else { "Unstructured" };
    match chosen.and_then(|clause| clause.parameter("as")) {
        Some("PartialObjectMetadataList") if !many && !resource.is_builtin() => {
            Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "", "content is not a list"))
        }
        Some(form @ "PartialObjectMetadataList") if !many => {
            Err(refused(format!("you requested {form}, but the requested object is not a list (*{package}.{kind})")))
        }
        Some(form @ "PartialObjectMetadata") if many => {
            Err(refused(format!("you requested {form}, but the requested object is a list (*{package}.{kind}List)")))
        }
        _ => Ok(()),
    }
}

/// Refuses a body in a format that nobody reads; one in protobuf for an object of a definition too, at which a kube-apiserver breaks off.
pub(crate) fn check_body(content_type: &str, resource: &Resource) -> Result<(), ApiError> {
    let known = if resource.is_builtin() { SERVED } else { &[JSON, YAML] };
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    if kind.is_empty() || known.contains(&kind) {
        return Ok(());
    }
    let message = format!("the body of the request was in an unknown format - accepted media types include: {}", SERVED.join(", "));
    Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message))
}

/// A text of JSON in another form.
pub(crate) fn encode(text: &[u8], encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Json => text.to_vec(),
        Encoding::Pretty => pretty(text),
        // What this server wrote is JSON, and every value of JSON is one of YAML.
        Encoding::Yaml => serde_json::from_slice::<Value>(text)
            .ok()
            .and_then(|value| serde_yaml::to_string(&value).ok())
            .map_or_else(|| text.to_vec(), String::into_bytes),
    }
}

/// The same JSON with each field and element on a line of its own, in its order and with its letters.
fn pretty(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 2);
    let (mut depth, mut quoted, mut escaped, mut empty) = (0_usize, false, false, false);
    let line = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        out.extend(std::iter::repeat_n(b' ', 2 * depth));
    };
    for &byte in text.trim_ascii() {
        if quoted {
            out.push(byte);
            (quoted, escaped) = (escaped || byte != b'"', !escaped && byte == b'\\');
            continue;
        }
        let closes = matches!(byte, b'}' | b']');
        if closes {
            depth = depth.saturating_sub(1);
        }
        // The line after a bracket is begun by what comes next: of an empty one nothing does.
        if (empty && !closes) || (closes && !empty) {
            line(&mut out, depth);
        }
        empty = matches!(byte, b'{' | b'[');
        depth += usize::from(empty);
        quoted = byte == b'"';
        out.push(byte);
        match byte {
            b',' => line(&mut out, depth),
            b':' => out.push(b' '),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(accept: &str, query: &str, user_agent: &str) -> Encoding {
        encoding(accept, &Query::parse(query), user_agent)
    }

    #[test]
    fn the_first_clause_that_can_be_served_decides() {
        for (accept, expected) in [
            ("", Encoding::Json),
            ("application/json, application/yaml", Encoding::Json),
            ("application/yaml, application/json", Encoding::Yaml),
            ("text/html, application/yaml;q=0.5, application/json;q=0.4", Encoding::Yaml),
            ("application/json;q=0.1, application/yaml", Encoding::Yaml),
            // What is named wins over a star.
            ("*/*;q=0.1, application/yaml;q=0.05", Encoding::Yaml),
            ("application/*, application/yaml", Encoding::Yaml),
            ("application/yaml;as=Foo, application/json", Encoding::Json),
            ("application/json;pretty=1", Encoding::Pretty),
            ("text/html", Encoding::Json),
        ] {
            assert_eq!(written(accept, "", "kubectl/v1.36"), expected, "{accept}");
        }
    }

    #[test]
    fn people_get_lines() {
        assert_eq!(written("*/*", "", "curl/8.5"), Encoding::Pretty);
        assert_eq!(written("*/*", "pretty=false", "curl/8.5"), Encoding::Json);
        assert_eq!(written("", "pretty=true", "x"), Encoding::Pretty);
        assert_eq!(written("application/yaml", "pretty=true", "curl/8.5"), Encoding::Yaml);
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        let told = |outcome: Result<(), ApiError>| outcome.expect_err("it is refused").message;
        let check = |accept: &str, watch| check(accept, chosen(accept).as_ref(), watch);
        for accept in ["", "*/*", "application/yaml", "text/html, application/json", "application/json;as=Foo;v=v1, */*"] {
            assert_eq!((route(accept, WATCHED), check(accept, false)), (Ok(()), Ok(())), "{accept}");
        }
        assert!(told(route("text/html", SERVED)).ends_with(": application/json, application/yaml, application/vnd.kubernetes.protobuf"));
        assert!(told(route("text/html", WATCHED)).ends_with("protobuf;stream=watch"));
        assert!(told(route("application/*", SERVED)).starts_with("406: Not Acceptable\n\n"));
        assert_eq!(route("text/plain", LOGGED), Ok(()));
        assert!(told(route("application/yaml", PLAIN)).ends_with(": application/json"));
        assert!(told(check("application/json;as=Table;v=v2", false)).starts_with("only the following"));
        assert!(told(check("application/json;as=Table;v=v1;g=other", false)).ends_with(PROTOBUF));
        assert!(told(check("application/yaml, application/json", true)).ends_with("protobuf;stream=watch"));
    }

    #[test]
    fn lines_for_people_are_those_of_go() {
        let text = br#"{"kind":"X","a":{},"b":[],"c":[1,{"d":"a\"}, [\\"}],"e":null}"#;
        let lines = "{\n  \"kind\": \"X\",\n  \"a\": {},\n  \"b\": [],\n  \"c\": [\n    1,\n    {\n      \"d\": \"a\\\"}, [\\\\\"\n    }\n  ],\n  \"e\": null\n}";
        assert_eq!(String::from_utf8(pretty(text)).ok().as_deref(), Some(lines));
        assert_eq!(serde_json::from_str::<Value>(lines).ok(), serde_json::from_slice(text).ok());
    }

    #[test]
    fn yaml_reads_back_as_the_same() {
        let text = br#"{"kind":"ConfigMap","data":{"n":"1","b":"x: y\n","e":"","t":"true","o":"0o7","z":"1e3"},"l":[{"a":null}]}"#;
        let yaml = String::from_utf8(encode(text, Encoding::Yaml)).expect("a text");
        assert!(yaml.starts_with("data:\n"), "{yaml}");
        assert_eq!(serde_yaml::from_str::<Value>(&yaml).ok(), serde_json::from_slice(text).ok());
    }
}
