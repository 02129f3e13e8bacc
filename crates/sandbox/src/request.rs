//! What a URL asks for.

use http::Method;

/// A request's path below `/api` or `/apis`, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
}

impl Target {
    /// Reads a path; none when it names no resource.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (group, version, parts) = match parts.as_slice() {
            ["api", version, rest @ ..] if !rest.is_empty() => ("", version, rest),
            ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, version, rest),
            _ => return None,
        };
        // `namespaces/a/pods` is about pods; `namespaces/a` and `namespaces/a/status` are about the namespace.
        let (namespace, parts) = match parts {
            ["namespaces", namespace, part, ..] if !matches!(*part, "status" | "finalize") => (*namespace, &parts[2..]),
            _ => ("", parts),
        };
        let (plural, parts) = parts.split_first()?;
        let (name, subresource) = parts.split_first().unwrap_or((&"", &[]));
        Some(Self {
            group: decode(group),
            version: decode(version),
            plural: decode(plural),
            namespace: decode(namespace),
            name: decode(name),
            subresource: subresource.iter().map(|part| decode(part)).collect::<Vec<_>>().join("/"),
        })
    }
}

/// The parameters behind the question mark.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(query: &str) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        Self(pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(key, value)| (decode(key), decode(value))).collect())
    }

    /// The parameter; empty when it is not given.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.given(name).unwrap_or_default()
    }

    /// The parameter, if it is given.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether the parameter is given and means yes.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.0.iter().any(|(key, value)| key == name && value != "false" && value != "0")
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
    DeleteCollection,
}

impl Verb {
    /// From the method and whether one object is named.
    pub(crate) fn of(method: &Method, target: &Target, query: &Query) -> Option<Self> {
        let named = !target.name.is_empty();
        Some(match *method {
            Method::GET | Method::HEAD if query.is("watch") && target.subresource.is_empty() => Self::Watch,
            Method::GET | Method::HEAD if named => Self::Get,
            Method::GET | Method::HEAD => Self::List,
            Method::POST => Self::Create,
            Method::PUT if named => Self::Update,
            Method::PATCH if named => Self::Patch,
            Method::DELETE if named => Self::Delete,
            Method::DELETE => Self::DeleteCollection,
            _ => return None,
        })
    }

    /// As roles name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
        }
    }

    /// Whether it can change anything.
    pub(crate) fn writes(self) -> bool {
        !matches!(self, Self::Get | Self::List | Self::Watch)
    }
}

/// Undoes `%41` and `+`; what is no escape stays.
fn decode(text: &str) -> String {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return text.to_owned();
    }
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let hex = |range| std::str::from_utf8(bytes.get(range)?).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let escape = if bytes[at] == b'%' { hex(at + 1..at + 3) } else { None };
        out.push(match (escape, bytes[at]) {
            (Some(byte), _) => byte,
            (None, b'+') => b' ',
            (None, other) => other,
        });
        at += if escape.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: &str) -> (String, String, String, String, String) {
        let t = Target::parse(path).expect("a resource");
        (format!("{}/{}", t.group, t.version), t.namespace, t.plural, t.name, t.subresource)
    }

    fn parts(parts: [&str; 5]) -> (String, String, String, String, String) {
        let [a, b, c, d, e] = parts.map(str::to_owned);
        (a, b, c, d, e)
    }

    #[test]
    fn paths_name_resources() {
        assert_eq!(target("/api/v1/namespaces/a/pods/b/log"), parts(["/v1", "a", "pods", "b", "log"]));
        assert_eq!(target("/api/v1/namespaces/a"), parts(["/v1", "", "namespaces", "a", ""]));
        assert_eq!(target("/api/v1/namespaces/a/finalize"), parts(["/v1", "", "namespaces", "a", "finalize"]));
        assert_eq!(target("/apis/apps/v1/deployments"), parts(["apps/v1", "", "deployments", "", ""]));
        assert_eq!(target("/apis/apps/v1/namespaces/x/deployments/y/scale"), parts(["apps/v1", "x", "deployments", "y", "scale"]));
        assert!(Target::parse("/apis/apps/v1").is_none());
        assert!(Target::parse("/healthz").is_none());
    }

    #[test]
    fn queries_are_unescaped() {
        let query = Query::parse("labelSelector=a%3Db%2Cc+in+%28d%29&watch=1&dryRun");
        assert_eq!(query.get("labelSelector"), "a=b,c in (d)");
        assert!(query.is("watch"));
        assert!(!Query::parse("watch=false").is("watch"));
    }
}
