//! Strategic merge and JSON merge patches.

use serde_json::Value;

use crate::Outcomes;

pub(crate) fn play(_corpus: &Value) -> Outcomes {
    Vec::new()
}
