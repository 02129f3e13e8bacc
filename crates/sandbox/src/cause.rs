//! What the server says of a field that is not as it must be.

use serde_json::{Value, json};

/// One field that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cause {
    /// `FieldValueInvalid` and the like.
    pub(crate) reason: &'static str,
    /// What follows the field's name: `Invalid value: 80000: must be between 1 and 65535, inclusive`.
    pub(crate) message: String,
    /// `spec.ports[0].port`
    pub(crate) field: String,
}

impl Cause {
    pub(crate) fn required(field: impl Into<String>, detail: &str) -> Self {
        let message = if detail.is_empty() { "Required value".to_owned() } else { format!("Required value: {detail}") };
        Self { reason: "FieldValueRequired", message, field: field.into() }
    }

    pub(crate) fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        Self::shown(field, &value.to_string(), detail)
    }

    /// A value that is shown in another form than its own.
    pub(crate) fn shown(field: impl Into<String>, value: &str, detail: &str) -> Self {
        let message = if detail.is_empty() { format!("Invalid value: {value}") } else { format!("Invalid value: {value}: {detail}") };
        Self { reason: "FieldValueInvalid", message, field: field.into() }
    }

    pub(crate) fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Self { reason: "FieldValueForbidden", message: format!("Forbidden: {detail}"), field: field.into() }
    }

    pub(crate) fn unsupported(field: impl Into<String>, value: &Value, supported: &[&str]) -> Self {
        let value = if value.is_null() { &Value::String(String::new()) } else { value };
        Self::unsupported_shown(field, &value.to_string(), supported)
    }

    pub(crate) fn unsupported_shown(field: impl Into<String>, value: &str, supported: &[&str]) -> Self {
        let supported: Vec<String> = supported.iter().map(|one| format!("{one:?}")).collect();
        let message = format!("Unsupported value: {value}: supported values: {}", supported.join(", "));
        Self { reason: "FieldValueNotSupported", message, field: field.into() }
    }

    pub(crate) fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self::duplicate_shown(field, &value.to_string())
    }

    pub(crate) fn duplicate_shown(field: impl Into<String>, value: &str) -> Self {
        Self { reason: "FieldValueDuplicate", message: format!("Duplicate value: {value}"), field: field.into() }
    }

    pub(crate) fn too_long(field: impl Into<String>, most: usize) -> Self {
        Self { reason: "FieldValueTooLong", message: format!("Too long: may not be more than {most} bytes"), field: field.into() }
    }

    pub(crate) fn too_many(field: impl Into<String>, count: usize, most: usize) -> Self {
        Self { reason: "FieldValueTooMany", message: format!("Too many: {count}: must have at most {most} items"), field: field.into() }
    }

    pub(crate) fn not_found(field: impl Into<String>, value: &Value) -> Self {
        Self { reason: "FieldValueNotFound", message: format!("Not found: {value}"), field: field.into() }
    }

    /// A text of which a format says what is wrong.
    pub(crate) fn of_format(field: impl std::fmt::Display, text: &str, complaints: impl IntoIterator<Item = String>) -> Vec<Self> {
        complaints.into_iter().map(|complaint| Self::invalid(field.to_string(), &json!(text), &complaint)).collect()
    }
}
