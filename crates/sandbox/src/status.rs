//! Failures as a Kubernetes server tells them: `Status` objects.

use http::StatusCode;
use serde_json::{Value, json};

use crate::cause::Cause;
use crate::resource::Resource;

/// What a request is refused with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) code: StatusCode,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) details: Value,
    /// Where a list can go on all the same; empty: nowhere.
    pub(crate) next: String,
    /// The object was written by another while this write was made: nobody is told, it is made anew.
    pub(crate) again: bool,
}

impl ApiError {
    pub(crate) fn new(code: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null, next: String::new(), again: false }
    }

    pub(crate) fn with(mut self, details: Value) -> Self {
        self.details = details;
        self
    }

    /// Says where a list can go on all the same.
    pub(crate) fn with_continue(mut self, token: String) -> Self {
        self.next = token;
        self
    }

    /// Another write came in between: this one begins anew.
    pub(crate) fn again() -> Self {
        Self { again: true, ..Self::new(StatusCode::CONFLICT, "Conflict", "another write came in between") }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// What a server did not count on.
    pub(crate) fn internal(why: &str) -> Self {
        let error = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", format!("Internal error occurred: {why}"));
        error.with(json!({"causes": [{"message": why}]}))
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized")
    }

    /// Nothing is served under that path.
    pub(crate) fn no_resource() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", "the server could not find the requested resource").with(json!({}))
    }

    /// Nothing at all is known of the path.
    pub(crate) fn no_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "", "404 page not found")
    }

    /// Whether it says that nothing at all is known of the path.
    pub(crate) fn is_no_path(&self) -> bool {
        *self == Self::no_path()
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "the server does not allow this method on the requested resource")
            .with(json!({}))
    }

    pub(crate) fn not_found(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", resource.group_resource());
        Self::new(StatusCode::NOT_FOUND, "NotFound", message).with(details(resource, name))
    }

    pub(crate) fn already_exists(resource: &Resource, name: &str, deleting: bool) -> Self {
        let prefix = if deleting { "object is being deleted: " } else { "" };
        let message = format!("{prefix}{} \"{name}\" already exists", resource.group_resource());
        Self::new(StatusCode::CONFLICT, "AlreadyExists", message).with(details(resource, name))
    }

    /// The same when a name was to be generated.
    pub(crate) fn not_generated(mut self) -> Self {
        self.message += ", the server was not able to generate a unique name for the object";
        self.details["retryAfterSeconds"] = json!(1);
        self
    }

    pub(crate) fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", resource.group_resource());
        Self::new(StatusCode::CONFLICT, "Conflict", message).with(details(resource, name))
    }

    pub(crate) fn forbidden(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("{} \"{name}\" is forbidden: {why}", resource.group_resource());
        Self::new(StatusCode::FORBIDDEN, "Forbidden", message).with(details(resource, name))
    }

    /// What a strategy found wrong: (reason, message, field) each.
    pub(crate) fn invalid(resource: &Resource, name: &str, causes: &[Cause]) -> Self {
        let kind = if resource.group.is_empty() { resource.kind.clone() } else { format!("{}.{}", resource.kind, resource.group) };
        // What is told more than once stands once in the message.
        let shown: indexmap::IndexSet<String> = causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        let shown: Vec<String> = shown.into_iter().collect();
        let list = if let [one] = shown.as_slice() { one.clone() } else { format!("[{}]", shown.join(", ")) };
        let causes: Vec<Value> =
            causes.iter().map(|cause| json!({"reason": cause.reason, "message": cause.message, "field": cause.field})).collect();
        let mut details = json!({"kind": resource.kind, "causes": causes});
        if !name.is_empty() {
            details["name"] = json!(name);
        }
        if !resource.group.is_empty() {
            details["group"] = json!(resource.group);
        }
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", format!("{kind} \"{name}\" is invalid: {list}")).with(details)
    }

    /// What a watch or an old list gets whose history is gone.
    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "Expired", message)
    }

    /// The object that clients read.
    pub(crate) fn status(&self) -> Value {
        let mut out = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "code": self.code.as_u16(),
        });
        if !self.next.is_empty() {
            out["metadata"]["continue"] = json!(self.next);
        }
        if !self.reason.is_empty() {
            out["reason"] = json!(self.reason);
        }
        if !self.details.is_null() {
            out["details"] = self.details.clone();
        }
        out
    }
}

fn details(resource: &Resource, name: &str) -> Value {
    let mut details = json!({"name": name, "kind": resource.plural});
    if !resource.group.is_empty() {
        details["group"] = json!(resource.group);
    }
    details
}
