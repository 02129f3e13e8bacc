//! What a server finds wrong, as it words it, and the paths by which it names fields.

use serde_json::Value;

use crate::cause::Cause;

/// What was found.
#[derive(Debug, Default, Clone)]
pub(crate) struct Causes(pub(crate) Vec<Cause>);

impl Causes {
    pub(crate) fn push(&mut self, mut cause: Cause) {
        if cause.field.is_empty() {
            "<nil>".clone_into(&mut cause.field);
        }
        self.0.push(cause);
    }

    /// One for which [`Cause`] has no words.
    fn other(&mut self, reason: &'static str, message: String, field: &str) {
        self.push(Cause { reason, message, field: field.to_owned() });
    }

    pub(crate) fn required(&mut self, field: &str, detail: &str) {
        self.push(Cause::required(field, detail));
    }

    pub(crate) fn invalid(&mut self, field: &str, value: impl Into<Value>, detail: &str) {
        self.push(Cause::invalid(field, &whole(value.into()), detail));
    }

    /// The value as the server shows it where that is not its JSON.
    pub(crate) fn invalid_as(&mut self, field: &str, shown: &str, detail: &str) {
        self.push(Cause::shown(field, shown, detail));
    }

    /// Of an object or a list whose content is not told.
    pub(crate) fn invalid_unshown(&mut self, field: &str, detail: &str) {
        self.other("FieldValueInvalid", format!("Invalid value: {detail}"), field);
    }

    /// Of an object or a list whose content is not told.
    pub(crate) fn duplicate_unshown(&mut self, field: &str) {
        self.other("FieldValueDuplicate", "Duplicate value".to_owned(), field);
    }

    pub(crate) fn of_type(&mut self, field: &str, value: impl Into<Value>, detail: &str) {
        self.other("FieldValueTypeInvalid", format!("Invalid value: {}: {detail}", value.into()), field);
    }

    pub(crate) fn forbidden(&mut self, field: &str, detail: &str) {
        self.push(Cause::forbidden(field, detail));
    }

    pub(crate) fn duplicate(&mut self, field: &str, value: impl Into<Value>) {
        self.push(Cause::duplicate(field, &value.into()));
    }

    pub(crate) fn unsupported(&mut self, field: &str, value: &Value, supported: &[&str]) {
        self.push(Cause::unsupported(field, value, supported));
    }

    pub(crate) fn too_many(&mut self, field: &str, found: usize, most: u64) {
        let items = if most == 1 { "item" } else { "items" };
        self.other("FieldValueTooMany", format!("Too many: {found}: must have at most {most} {items}"), field);
    }

    pub(crate) fn too_long(&mut self, field: &str, most: u64) {
        let bytes = if most == 1 { "byte" } else { "bytes" };
        self.other("FieldValueTooLong", format!("Too long: may not be more than {most} {bytes}"), field);
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// By what they say, as the server sorts what it found in no order.
    pub(crate) fn sort(&mut self) {
        self.0.sort_by_key(|cause| format!("{}: {}", cause.field, cause.message));
    }
}

/// A number without a fraction is shown without a point, as Go does.
pub(crate) fn whole(value: Value) -> Value {
    match value.as_f64() {
        Some(number) if value.is_f64() && number.fract() == 0.0 && number.abs() < 9e18 => Value::from(number as i64),
        _ => value,
    }
}

/// Every number in a value as it is after Go has written and read it: without a fraction it is an integer.
pub(crate) fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => *value = whole(value.take()),
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Object(fields) => fields.values_mut().for_each(whole_numbers),
        _ => {}
    }
}

/// A field of an object: `spec` and `a` give `spec.a`.
pub(crate) fn child(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// An entry of a map or an item of a list: `spec` and `a` give `spec[a]`.
pub(crate) fn key(path: &str, key: impl std::fmt::Display) -> String {
    format!("{path}[{key}]")
}
