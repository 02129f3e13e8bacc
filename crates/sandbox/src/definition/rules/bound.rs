//! How much work a rule can be at most. The server counts while it runs; here it is told beforehand, by the longest thing that can be gone
//! through and by how deep the loops of a rule stand in each other.

use kube_cel::cel::common::ast::{EntryExpr, Expr, LiteralValue};
use kube_cel::cel::parser::Expression;
use serde_json::Value;

/// Steps that a rule may take on one value: seconds at most.
const STEPS: u64 = 5_000_000;

/// Whether a rule may be run on a value.
pub(super) fn allows(program: &Expression, values: [Option<&Value>; 2]) -> bool {
    let mut shape = Shape { nodes: 0, depth: 0, longest: 1 };
    shape.walk(program, 0);
    let longest = values.into_iter().flatten().map(longest).max().unwrap_or(1).max(shape.longest);
    // One time more than loops stand in each other: functions go through lists and texts themselves.
    let times = longest.checked_pow(shape.depth + u32::from(shape.depth > 0)).unwrap_or(u64::MAX);
    times.saturating_mul(shape.nodes.max(1)) <= STEPS
}

/// The longest list, map or text in a value.
fn longest(value: &Value) -> u64 {
    match value {
        Value::String(text) => text.len() as u64,
        Value::Array(items) => items.iter().map(longest).max().unwrap_or(0).max(items.len() as u64),
        Value::Object(fields) => fields.values().map(longest).max().unwrap_or(0).max(fields.len() as u64),
        _ => 1,
    }
}

struct Shape {
    nodes: u64,
    depth: u32,
    longest: u64,
}

impl Shape {
    fn walk(&mut self, program: &Expression, depth: u32) {
        self.nodes += 1;
        self.depth = self.depth.max(depth);
        match &program.expr {
            Expr::Call(call) => {
                // Lists that come from nothing: as long as somebody says.
                if call.func_name.ends_with("range") {
                    self.longest = u64::MAX;
                    self.depth = self.depth.max(1);
                }
                call.target.iter().map(AsRef::as_ref).chain(&call.args).for_each(|inner| self.walk(inner, depth));
            }
            Expr::Comprehension(all) => {
                self.walk(&all.iter_range, depth);
                for inner in [&all.accu_init, &all.loop_cond, &all.loop_step, &all.result] {
                    self.walk(inner, depth + 1);
                }
            }
            Expr::List(list) => {
                self.longest = self.longest.max(list.elements.len() as u64);
                list.elements.iter().for_each(|inner| self.walk(inner, depth));
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.walk(&entry.key, depth);
                        self.walk(&entry.value, depth);
                    }
                }
            }
            Expr::Literal(LiteralValue::String(text)) => self.longest = self.longest.max(text.inner().len() as u64),
            Expr::Select(select) => self.walk(&select.operand, depth),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::allows;
    use crate::definition::rules::compile::parse;

    #[test]
    fn loops_in_loops_over_long_lists_are_not_begun() {
        let list = json!((0..2000).collect::<Vec<_>>());
        let may = |rule: &str| allows(&parse(rule).unwrap(), [Some(&list), None]);
        assert!(may("size(self) > 0"));
        assert!(!may("self.all(a, self.all(b, self.all(c, a + b + c > 0)))"));
        assert!(!may("lists.range(1000000000).all(x, x >= 0)"));
        assert!(allows(&parse("self.all(a, self.all(b, a == b))").unwrap(), [Some(&json!([1, 2, 3])), None]));
    }
}
