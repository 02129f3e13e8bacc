//! JSON patches, refused in the words of a kube-apiserver.

use fiel_merge::json_patch::{self, MOST_OPERATIONS, Malformed};
use hyper::StatusCode;
use serde_json::{Value, json};

use super::Ask;
use crate::canonical;
use crate::status::ApiError;

/// The object as a list of operations makes it; null is an empty one.
pub(super) fn patched(ask: &Ask<'_>, old: &Value, patch: &Value) -> Result<Value, ApiError> {
    // It does not say which operation does not fit, nor why.
    let unfit = || {
        let refused = "the server rejected our request due to an error in our request";
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", refused.to_owned()).with(json!({}))
    };
    let written = patch.as_array().map(Vec::as_slice).unwrap_or_default();
    let ignores = ask.query.get("fieldValidation") == "Ignore";
    let operations = json_patch::operations(written).map_err(|malformed| {
        let (found, wanted) = match malformed {
            Malformed::Operation(found) if ignores => (found, "value of type jsonpatch.Operation".to_owned()),
            Malformed::Operation(found) => (found, "value of type handlers.jsonPatchOp".to_owned()),
            Malformed::Field(..) if ignores => return unfit(),
            Malformed::Field(name, found) => (found, format!("struct field jsonPatchOp.{name} of type string")),
        };
        let begin = if ignores { "" } else { "error decoding patch: " };
        ApiError::bad_request(format!("{begin}json: cannot unmarshal {} into Go {wanted}", canonical::kind_of(found)))
    })?;
    if operations.len() > MOST_OPERATIONS {
        let why = format!("The allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {}", operations.len());
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", format!("Request entity too large: {why}")));
    }
    json_patch::apply(old, &operations).map_err(|_| unfit())
}
