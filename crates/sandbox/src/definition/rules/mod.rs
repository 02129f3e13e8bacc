//! Rules in CEL (`x-kubernetes-validations`): looked at when a definition is written, run on every object that is.
//!
//! The language and Kubernetes' functions come from the crate `kube-cel`; what the server adds is here: which values a rule sees, what an update
//! leaves unchanged, the words of a refusal, and that no rule runs for ever.

mod bound;
mod compile;
mod run;
mod types;
mod values;

use std::collections::BTreeMap;

use kube_cel::cel::parser::Expression;
use serde_json::Value;

pub(super) use compile::check;
pub(crate) use run::{Found, evaluate};

/// The rules and messages of a schema, read once, by their texts. What cannot be read is not there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Programs(BTreeMap<String, Expression>);

impl Programs {
    /// All that stand in a schema.
    pub(crate) fn of(schema: &Value) -> Self {
        let mut programs = Self::default();
        programs.add(schema);
        programs
    }

    fn add(&mut self, schema: &Value) {
        for rule in of(schema) {
            for text in ["rule", "messageExpression"].into_iter().filter_map(|name| rule[name].as_str()) {
                if let Ok(program) = compile::parse(text) {
                    self.0.insert(text.to_owned(), program);
                }
            }
        }
        for (_, inner) in super::schema::inner(schema) {
            self.add(inner);
        }
    }

    /// Whether there are none at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The rules of a schema itself.
fn of(schema: &Value) -> impl Iterator<Item = &Value> {
    schema["x-kubernetes-validations"].as_array().into_iter().flatten()
}

fn text<'a>(rule: &'a Value, field: &str) -> &'a str {
    rule[field].as_str().unwrap_or_default()
}

/// Whether a rule speaks of the value that stood there before.
fn uses_old(program: &Expression) -> bool {
    program.references().has_variable("oldSelf")
}
