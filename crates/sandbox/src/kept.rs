//! One object at rest, between its write and whoever looks at it next.
//!
//! What is open or short stays as it was written. Of all others there may be very many: their text is compressed, to a fifth and less, since it names the
//! same fields as all objects of its kind and most of it twice, where it stands and in `managedFields`.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use crate::stored::Stored;

/// Shorter texts, in bytes, are not worth the time.
const LONG: usize = 4096;

/// An object; clones share it.
#[derive(Debug, Clone)]
pub(crate) enum Kept {
    Ready(Stored),
    Packed(Arc<Packed>),
}

#[derive(Debug)]
pub(crate) struct Packed {
    /// LZ4, without the length.
    text: Box<[u8]>,
    /// Of the text before.
    length: usize,
    metadata: (u32, u32),
}

impl Kept {
    /// Puts an object to rest.
    pub(crate) fn of(stored: &Stored) -> Self {
        let Some((text, metadata)) = stored.packable().filter(|(text, _)| text.len() >= LONG) else {
            return Self::Ready(stored.clone());
        };
        Self::Packed(Arc::new(Packed { text: lz4_flex::block::compress(text).into(), length: text.len(), metadata }))
    }

    /// The object, to be looked at.
    pub(crate) fn stored(&self) -> Cow<'_, Stored> {
        match self {
            Self::Ready(stored) => Cow::Borrowed(stored),
            Self::Packed(packed) => Cow::Owned(packed.stored()),
        }
    }

    /// The object, without who manages its fields.
    pub(crate) fn value(&self) -> Arc<Value> {
        self.stored().value()
    }

    /// Whether both are the same write of the same object.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Ready(one), Self::Ready(other)) => one.is(other),
            (Self::Packed(one), Self::Packed(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Packed {
    fn stored(&self) -> Stored {
        // Nobody but `Kept::of` makes such texts.
        let text = lz4_flex::block::decompress(&self.text, self.length).unwrap_or_default();
        Stored::of_text(text.into(), self.metadata)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stored::{Draft, OPEN, Order};

    fn stored(length: usize, others: usize) -> Stored {
        let object = json!({"data": {"a": "x".repeat(length)}, "metadata": {"name": "one"}});
        Draft::new(object, Arc::default(), Order::Sorted).store(7, others)
    }

    #[test]
    fn what_was_packed_is_the_same_again() {
        let whole = stored(LONG, OPEN);
        let kept = Kept::of(&whole);
        let Kept::Packed(packed) = &kept else { panic!("not packed: {kept:?}") };
        assert!(packed.text.len() < LONG / 10);
        let again = kept.stored();
        let text = |stored: &Stored| {
            let mut out = Vec::new();
            stored.write(&mut out);
            out
        };
        assert_eq!((text(&again), again.metadata()), (text(&whole), whole.metadata()));
        assert_eq!(kept.value(), whole.value());
    }

    #[test]
    fn what_is_open_or_short_stays_as_it_is() {
        for kept in [Kept::of(&stored(LONG, OPEN - 1)), Kept::of(&stored(10, OPEN))] {
            assert!(matches!(kept, Kept::Ready(_)));
        }
    }

    #[test]
    fn the_same_write_is_told_from_another_one_of_the_same_text() {
        for others in [0, OPEN] {
            let (one, other) = (Kept::of(&stored(LONG, others)), Kept::of(&stored(LONG, others)));
            assert!(one.is(&one.clone()) && !one.is(&other));
        }
    }
}
