//! How a slot, a bucket and a segment are laid out for given sizes of key and value. All of it is `const`.
//!
//! Must not know types, only sizes. Invariant: a value of at most 8 bytes and a reference never cross an 8-byte word,
//! so that one store publishes them.

use crate::hash::{BUCKET_BITS, Hashed};

/// Fixed-size keys and values up to this many bytes lie in the slot; larger ones become records.
pub(crate) const MAX_INLINE: usize = 64;
/// A bucket is a whole number of cache lines.
pub(crate) const LINE: usize = 64;
/// A map of one segment starts with this many buckets.
pub(crate) const MIN_BUCKETS: usize = 16;
/// At most this many buckets are looked at for a key, its home included.
pub(crate) const MAX_PROBE: usize = 32;
/// Words in the longest slot.
pub(crate) const MAX_WORDS: usize = 2 * MAX_INLINE / 8;
const PAGE: usize = 4096;

/// What the engine is told about a pair of types: the layout, and how to hash a key's canonical bytes.
pub(crate) trait Scheme {
    /// The layout of slots, buckets and segments.
    const LAYOUT: Layout;

    /// The hash of a key.
    fn hash(&self, key: &[u8]) -> Hashed;
}

impl<C: Scheme> Scheme for &C {
    const LAYOUT: Layout = C::LAYOUT;

    fn hash(&self, key: &[u8]) -> Hashed {
        C::hash(self, key)
    }
}

/// Where one side of an entry lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// In the slot.
    Inline {
        /// Bytes.
        size: usize,
    },
    /// In a record of the heap, at a multiple of `align` (1 to 16).
    Record {
        /// Bytes.
        align: usize,
    },
}

/// The layout of a slot, a bucket and a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Where keys lie.
    pub key: Side,
    /// Where values lie.
    pub value: Side,
    /// Offset in the slot of the value or its reference; 0 when one reference stands for both.
    pub value_at: usize,
    /// Bytes of a slot, a multiple of 8.
    pub stride: usize,
    /// Slots in a bucket, 4 to 8.
    pub slots: usize,
    /// Cache lines in a bucket.
    pub lines: usize,
    /// Buckets in a full segment, a power of two.
    pub buckets: usize,
}

impl Layout {
    /// The layout for a key and a value.
    pub(crate) const fn new(key: Side, value: Side) -> Layout {
        let key_bytes = match key {
            Side::Inline { size } => size,
            Side::Record { .. } => 8,
        };
        let (value_at, value_bytes) = match (key, value) {
            (Side::Record { .. }, Side::Record { .. }) => (0, 8),
            (_, Side::Record { .. }) => (key_bytes.next_multiple_of(8), 8),
            (_, Side::Inline { size }) => {
                let crosses = size > 0 && size <= 8 && key_bytes / 8 != (key_bytes + size - 1) / 8;
                (if crosses { key_bytes.next_multiple_of(8) } else { key_bytes }, size)
            }
        };
        let end = value_at + value_bytes;
        let stride = if end == 0 { 8 } else { end.next_multiple_of(8) };
        let mut lines = 1;
        loop {
            let slots = if LINE * lines / stride < 8 { LINE * lines / stride } else { 8 };
            let waste = LINE * lines - slots * stride;
            if slots >= 4 && waste * 8 <= LINE * lines {
                let buckets = (1usize << BUCKET_BITS) / lines;
                let buckets = if buckets.is_power_of_two() { buckets } else { buckets.next_power_of_two() / 2 };
                return Layout { key, value, value_at, stride, slots, lines, buckets };
            }
            lines += 1;
        }
    }

    /// Whether control words have 64 bits (more than 4 slots a bucket) or 32.
    pub(crate) const fn wide(&self) -> bool {
        self.slots > 4
    }

    /// Bytes of a control word.
    pub(crate) const fn control_bytes(&self) -> usize {
        if self.wide() { 8 } else { 4 }
    }

    /// Offset of the first bucket in a segment: after the control words of a full one.
    pub(crate) const fn lines_at(&self) -> usize {
        (self.buckets * self.control_bytes()).next_multiple_of(LINE)
    }

    /// Bytes of a bucket.
    pub(crate) const fn bucket_bytes(&self) -> usize {
        self.lines * LINE
    }

    /// Offset of a slot from the first bucket.
    pub(crate) const fn slot_at(&self, bucket: usize, lane: usize) -> usize {
        bucket * self.bucket_bytes() + lane * self.stride
    }

    /// Bytes between the starts of two segments in the index.
    pub(crate) const fn segment_bytes(&self) -> usize {
        self.used_bytes(self.buckets).next_multiple_of(PAGE)
    }

    /// Bytes that a segment of `buckets` buckets uses.
    pub(crate) const fn used_bytes(&self, buckets: usize) -> usize {
        self.lines_at() + buckets * self.bucket_bytes()
    }

    /// Slots in a segment of `buckets` buckets.
    pub(crate) const fn slots_in(&self, buckets: usize) -> usize {
        buckets * self.slots
    }

    /// Words in a slot.
    pub(crate) const fn words(&self) -> usize {
        self.stride / 8
    }

    /// Bytes of an inline key; `None` when keys are records.
    pub(crate) const fn key_size(&self) -> Option<usize> {
        match self.key {
            Side::Inline { size } => Some(size),
            Side::Record { .. } => None,
        }
    }

    /// Bytes of an inline value; `None` when values are records.
    pub(crate) const fn value_size(&self) -> Option<usize> {
        match self.value {
            Side::Inline { size } => Some(size),
            Side::Record { .. } => None,
        }
    }

    /// Whether any side is a record.
    pub(crate) const fn has_heap(&self) -> bool {
        self.key_size().is_none() || self.value_size().is_none()
    }

    /// The word of a slot that holds its reference (meaningless without a heap).
    pub(crate) const fn reference_word(&self) -> usize {
        if self.key_size().is_none() { 0 } else { self.value_at / 8 }
    }

    /// The layout in words, as kept in the map's identity.
    pub(crate) fn describe(&self) -> String {
        let side = |side| match side {
            Side::Inline { size } => format!("inline {size}"),
            Side::Record { align } => format!("record {align}"),
        };
        format!(
            "stride {} slots {} lines {} buckets {} key {} value {} at {}",
            self.stride,
            self.slots,
            self.lines,
            self.buckets,
            side(self.key),
            side(self.value),
            self.value_at
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn fixed(key: usize, value: usize) -> Layout {
        Layout::new(Side::Inline { size: key }, Side::Inline { size: value })
    }

    #[test]
    fn common_layouts() {
        let u64s = fixed(8, 8);
        assert_eq!((u64s.stride, u64s.slots, u64s.lines, u64s.buckets), (16, 4, 1, 1024));
        assert_eq!((u64s.lines_at(), u64s.segment_bytes()), (4096, 69_632));
        let text = Layout::new(Side::Record { align: 1 }, Side::Inline { size: 8 });
        assert_eq!((text.stride, text.value_at, text.slots), (16, 8, 4));
        let both = Layout::new(Side::Record { align: 1 }, Side::Record { align: 16 });
        assert_eq!((both.stride, both.slots, both.lines_at()), (8, 8, 8192));
        let wider = fixed(16, 8);
        assert_eq!((wider.stride, wider.slots, wider.lines, wider.buckets), (24, 5, 2, 512));
        assert_eq!(fixed(4, 4).stride, 8);
        assert_eq!((fixed(1, 8).value_at, fixed(1, 8).stride), (8, 16));
        assert_eq!(fixed(0, 0).stride, 8);
    }

    #[test]
    fn every_pair_of_sizes_has_a_sound_layout() {
        for key in 0..=MAX_INLINE {
            for value in 0..=MAX_INLINE {
                let layout = fixed(key, value);
                assert!((4..=8).contains(&layout.slots), "{layout:?}");
                assert!(layout.slots * layout.stride <= layout.bucket_bytes());
                assert!(layout.value_at >= key && layout.value_at + value <= layout.stride);
                assert!(layout.words() <= MAX_WORDS && layout.buckets >= 128);
                if value > 0 && value <= 8 {
                    assert_eq!(layout.value_at / 8, (layout.value_at + value - 1) / 8);
                }
            }
        }
    }
}
