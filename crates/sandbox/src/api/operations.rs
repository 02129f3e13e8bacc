//! JSON patches, refused in the words of a kube-apiserver.

use fiel_merge::json_patch::{self, MOST_OPERATIONS, Malformed};
use hyper::StatusCode;
use serde_json::{Value, json};

use crate::canonical;
use crate::status::ApiError;

/// The object as a list of operations makes it; null is an empty one.
pub(super) fn patched(old: &Value, patch: &Value) -> Result<Value, ApiError> {
    let written = patch.as_array().map(Vec::as_slice).unwrap_or_default();
    let operations = json_patch::operations(written).map_err(|malformed| {
        let (found, wanted) = match malformed {
            Malformed::Operation(found) => (found, "value of type handlers.jsonPatchOp".to_owned()),
            Malformed::Field(name, found) => (found, format!("struct field jsonPatchOp.{name} of type string")),
        };
        ApiError::bad_request(format!("error decoding patch: json: cannot unmarshal {} into Go {wanted}", canonical::kind_of(found)))
    })?;
    if operations.len() > MOST_OPERATIONS {
        let why = format!("The allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {}", operations.len());
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", format!("Request entity too large: {why}")));
    }
    // It does not say which one of them does not fit, nor why.
    let refused = "the server rejected our request due to an error in our request";
    json_patch::apply(old, &operations)
        .map_err(|_| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", refused.to_owned()).with(json!({})))
}
