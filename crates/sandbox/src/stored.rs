//! One object as the store holds it: open, a value that can be looked into at once; or packed, the text of its JSON.
//!
//! A value takes three times the memory of its text, and more where it has many small maps: each of them takes 600 bytes. So the first objects of
//! a resource are open, which in most clusters are all of its roles, definitions, namespaces and what a test makes; what comes on top of them is
//! packed, and read whenever somebody looks at it. Nobody else needs to know which is which.

use std::sync::Arc;

use serde_json::Value;

/// How many objects of one resource are open.
pub(crate) const OPEN: usize = 256;

/// An object; clones share it.
#[derive(Debug, Clone)]
pub(crate) enum Stored {
    Open(Arc<Value>),
    Packed(Arc<[u8]>),
}

impl Stored {
    /// Packs an object, if it comes on top of so many others.
    pub(crate) fn new(object: &Arc<Value>, others: usize) -> Self {
        if others < OPEN { Self::Open(object.clone()) } else { Self::Packed(text(object).into()) }
    }

    /// The object.
    pub(crate) fn value(&self) -> Arc<Value> {
        match self {
            Self::Open(object) => object.clone(),
            // It is our own text.
            Self::Packed(text) => Arc::new(serde_json::from_slice(text).unwrap_or_default()),
        }
    }

    /// Writes the object's JSON behind what is there already.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Open(object) => out.extend(text(object)),
            Self::Packed(text) => out.extend_from_slice(text),
        }
    }
}

/// A value's JSON; a value in memory has no part that JSON cannot hold.
fn text(object: &Value) -> Vec<u8> {
    serde_json::to_vec(object).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_packed_is_the_same_again() {
        let object = Arc::new(json!({"a": [1, -2, 1.5, u64::MAX, null], "b": {"\u{e9}\n": "\""}}));
        let (open, packed) = (Stored::new(&object, OPEN - 1), Stored::new(&object, OPEN));
        assert!(matches!((&open, &packed), (Stored::Open(_), Stored::Packed(_))));
        assert_eq!((open.value(), packed.value()), (object.clone(), object));
        let written = |stored: &Stored| {
            let mut out = b"x".to_vec();
            stored.write(&mut out);
            out
        };
        assert_eq!(written(&open), written(&packed));
    }
}
