//! What can be looked at in a field, and the walk over tables of such checks.

use serde_json::Value;

use super::format::Format;
use crate::cause::Cause;

/// What is looked at in a field.
pub(super) enum Check {
    /// It must be given; what is said beside that.
    Required(&'static str),
    /// It must be given and be one of these.
    Choice(&'static [&'static str]),
    /// A number that is not more than another one of the object, which is found at a pointer; the words for one that is.
    AtMost(&'static str, &'static str),
    /// A number that is not less than it was; the words for one that is.
    NotFewer(&'static str),
    /// If given, it is one of these.
    OneOf(&'static [&'static str]),
    /// A number that is not below zero.
    NotNegative,
    /// A number from one to another, both included.
    Between(i64, i64),
    /// A number with words of its own for one that is not from the first to the second.
    Within(i64, i64, &'static str),
    /// A port's number; one that may not be missing.
    Port,
    /// A port's number, or its name where it is text.
    PortOrName,
    /// A number that is not below zero, or a share.
    NumberOrPercent,
    /// A share that is not more than everything.
    AtMostAll,
    /// A text, or each text in a list, of some format; empty ones are left alone.
    Of(Format),
    /// A text of some format, also where it is empty or not there.
    Always(Format),
    /// The keys of a map are of some format, which is said of the map; or of each key where there is a format for files.
    Keys(Format),
    /// Labels: keys and values.
    Labels,
    /// A selector of labels.
    Selector,
    /// It stays what it was.
    Immutable,
    /// It stays what it was; the words for that.
    Kept(&'static str),
    /// Each item of a list holds to these rules.
    Each(Rules),
    /// The object, if it is there, holds to these rules.
    Inside(Rules),
    /// It holds to these rules, there or not.
    All(Rules),
    /// Anything that needs more than one field.
    With(fn(&Seen<'_>, &mut Vec<Cause>)),
}

/// A field below the one at hand, dots between the steps; empty: itself.
pub(super) type Rule = (&'static str, Check);
pub(super) type Rules = &'static [Rule];

/// A field as checks see it.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) value: &'a Value,
    pub(super) old: Option<&'a Value>,
    /// The object at whose rules the walk began: the whole, or a Pod's spec.
    pub(super) root: &'a Value,
    /// The value as an error shows it: with what is empty. Only what the tables name of the whole object has it; everything else is shown as it is.
    pub(super) shown: &'a Value,
    /// `spec.containers[0].image`
    pub(super) at: &'a str,
}

impl Seen<'_> {
    /// The path of a field below.
    pub(super) fn below(&self, name: &str) -> String {
        join(self.at, name)
    }

    /// The items of a list in the value.
    pub(super) fn items(&self, name: &str) -> &[Value] {
        items(&self.value[name])
    }
}

/// The items of a list; of anything else none.
pub(super) fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A text; of anything else an empty one.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn join(at: &str, name: &str) -> String {
    match (at, name) {
        (at, "") => at.to_owned(),
        ("", name) => name.to_owned(),
        (at, name) => format!("{at}.{name}"),
    }
}

/// Looks at everything that the rules name, in their order.
pub(super) fn look(rules: Rules, seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let mut at = String::with_capacity(seen.at.len() + 32);
    for (path, check) in rules {
        let step = |value| path.split('.').filter(|step| !step.is_empty()).fold(value, |value: &Value, step| &value[step]);
        at.clear();
        at.push_str(seen.at);
        at.push_str(if at.is_empty() || path.is_empty() { "" } else { "." });
        at.push_str(path);
        apply(check, &Seen { value: step(seen.value), old: seen.old.map(step), root: seen.root, shown: step(seen.shown), at: &at }, causes);
    }
}

fn apply(check: &Check, seen: &Seen<'_>, causes: &mut Vec<Cause>) {
    let Seen { value, old, root, shown, at } = *seen;
    let given = text(value);
    let number = value.as_i64();
    match check {
        Check::Required(detail) => {
            if given.is_empty() && value.as_array().is_none_or(Vec::is_empty) && value.as_object().is_none_or(serde_json::Map::is_empty) {
                causes.push(Cause::required(at, detail));
            }
        }
        Check::Choice(choices) | Check::OneOf(choices) => {
            let missing = given.is_empty() && matches!(check, Check::OneOf(_));
            if !missing && !choices.contains(&given) {
                causes.push(Cause::unsupported(at, value, choices));
            }
        }
        Check::NotNegative => {
            if number.is_some_and(|number| number < 0) {
                causes.push(Cause::invalid(at, value, "must be greater than or equal to 0"));
            }
        }
        Check::AtMost(most, words) => {
            let most = root.pointer(most).and_then(Value::as_i64).unwrap_or(0);
            if number.is_some_and(|number| number > most) {
                causes.push(Cause::invalid(at, value, words));
            }
        }
        Check::NotFewer(words) => {
            let now = number.unwrap_or(0);
            if old.and_then(Value::as_i64).is_some_and(|before| before > now) {
                causes.push(Cause::invalid(at, &now.into(), words));
            }
        }
        Check::Between(least, greatest) => {
            if number.is_some_and(|number| !(*least..=*greatest).contains(&number)) {
                causes.push(Cause::invalid(at, value, &format!("must be between {least} and {greatest}, inclusive")));
            }
        }
        Check::Within(least, greatest, words) => {
            if number.is_some_and(|number| !(*least..=*greatest).contains(&number)) {
                causes.push(Cause::invalid(at, value, words));
            }
        }
        Check::Port => port(value, at, causes),
        Check::PortOrName => match value.as_str() {
            Some(name) => causes.extend(Cause::of_format(at, name, super::format::port_name(name))),
            None => port(value, at, causes),
        },
        Check::NumberOrPercent => match value.as_str() {
            Some(share) => causes.extend(Cause::of_format(at, share, super::format::percent(share))),
            None if number.is_some_and(|number| number < 0) => {
                causes.push(Cause::invalid(at, value, "must be greater than or equal to 0"));
            }
            None => {}
        },
        Check::AtMostAll => {
            let share = given.strip_suffix('%').and_then(|share| share.parse::<u64>().ok());
            if share.is_some_and(|share| share > 100) {
                causes.push(Cause::invalid(at, value, "must not be greater than 100%"));
            }
        }
        Check::Of(format) => match value.as_array() {
            Some(list) => {
                for (index, one) in list.iter().map(text).enumerate() {
                    causes.extend(Cause::of_format(format_args!("{at}[{index}]"), one, format(one)));
                }
            }
            None if given.is_empty() => {}
            None => causes.extend(Cause::of_format(at, given, format(given))),
        },
        Check::Always(format) => causes.extend(Cause::of_format(at, given, format(given))),
        Check::Keys(format) => {
            for key in value.as_object().into_iter().flatten().map(|(key, _)| key) {
                causes.extend(Cause::of_format(format_args!("{at}[{key}]"), key, format(key)));
            }
        }
        Check::Labels => super::meta::labels(value, at, causes),
        Check::Selector => super::meta::selector(value, at, causes),
        Check::Immutable => {
            // Of the objects that stay as they are, selectors have an order of their own.
            if old.is_some_and(|old| old != value) {
                causes.push(Cause::shown(at, &super::meta::shown_selector(shown), "field is immutable"));
            }
        }
        Check::Kept(words) => {
            if old.is_some_and(|old| old != value) {
                causes.push(Cause::forbidden(at, words));
            }
        }
        Check::Each(rules) => {
            for (index, item) in items(value).iter().enumerate() {
                look(rules, &Seen { value: item, old: None, root, shown: &shown[index], at: &format!("{at}[{index}]") }, causes);
            }
        }
        Check::Inside(rules) => {
            if value.is_object() {
                look(rules, seen, causes);
            }
        }
        Check::All(rules) => look(rules, seen, causes),
        Check::With(function) => function(seen, causes),
    }
}

/// A port's number.
pub(super) fn port(value: &Value, at: &str, causes: &mut Vec<Cause>) {
    if value.as_i64().is_none_or(|port| !(1..=65535).contains(&port)) {
        let shown = if value.is_null() { &Value::from(0) } else { value };
        causes.push(Cause::invalid(at, shown, "must be between 1 and 65535, inclusive"));
    }
}
