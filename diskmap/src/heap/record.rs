//! The bytes of one record: a checksum, the lengths, then the key, the value or both.
//!
//! Must not know cells or references. Invariant: a record is never changed once a slot refers to it.

use crate::table::{Layout, Side};

/// The longest key or value in bytes.
pub(crate) const MAX_LEN: u64 = u32::MAX as u64;

const CHECKSUM_AT: usize = 0;
const FIRST_LEN_AT: usize = 4;
const SECOND_LEN_AT: usize = 8;

/// Which sides records of a map hold, and how they are aligned. `const` for each map type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordShape {
    key: Option<usize>,
    value: Option<usize>,
}

/// Where the parts of a record lie, from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    /// Offset and length of the key.
    pub key: (usize, usize),
    /// Offset and length of the value.
    pub value: (usize, usize),
}

impl Parts {
    /// Bytes of the whole record.
    #[inline(always)]
    pub(crate) fn end(&self) -> usize {
        let (key, value) = (self.key.0 + self.key.1, self.value.0 + self.value.1);
        if key > value { key } else { value }
    }
}

impl RecordShape {
    /// The records of a layout.
    pub(crate) const fn of(layout: &Layout) -> RecordShape {
        const fn record(side: Side) -> Option<usize> {
            match side {
                Side::Record { align } => Some(align),
                Side::Inline { .. } => None,
            }
        }
        RecordShape { key: record(layout.key), value: record(layout.value) }
    }

    /// Alignment of the cell a record lies in: 8 or 16 bytes.
    pub(crate) const fn align(&self) -> usize {
        match (self.key, self.value) {
            (Some(9..), _) | (_, Some(9..)) => 16,
            _ => 8,
        }
    }

    /// Bytes before the first part.
    #[inline(always)]
    pub(crate) const fn head(&self) -> usize {
        if self.key.is_some() && self.value.is_some() { 12 } else { 8 }
    }

    /// Where the parts lie for given lengths; a side that is not in the record counts as empty.
    #[inline(always)]
    pub(crate) fn parts(&self, key_len: usize, value_len: usize) -> Parts {
        let mut end = self.head();
        let mut key = (0, 0);
        if let Some(align) = self.key {
            let at = end.next_multiple_of(align);
            key = (at, key_len);
            end = at + key_len;
        }
        let value = self.value.map_or((0, 0), |align| (end.next_multiple_of(align), value_len));
        Parts { key, value }
    }

    /// Reads the lengths from the first 12 (or 8) bytes.
    #[inline(always)]
    pub(crate) fn read(&self, first: u32, second: u32) -> Parts {
        match (self.key, self.value) {
            (Some(_), Some(_)) => self.parts(first as usize, second as usize),
            (Some(_), None) => self.parts(first as usize, 0),
            (None, _) => self.parts(0, first as usize),
        }
    }

    /// Writes checksum and lengths; the parts are in place.
    pub(crate) fn seal(&self, record: &mut [u8], parts: Parts) {
        let (first, second) = match (self.key, self.value) {
            (Some(_), _) => (parts.key.1, parts.value.1),
            (None, _) => (parts.value.1, 0),
        };
        record[FIRST_LEN_AT..FIRST_LEN_AT + 4].copy_from_slice(&(first as u32).to_le_bytes());
        if self.head() > SECOND_LEN_AT {
            record[SECOND_LEN_AT..SECOND_LEN_AT + 4].copy_from_slice(&(second as u32).to_le_bytes());
            record[parts.key.0 + parts.key.1..parts.value.0].fill(0);
        }
        let first_part = if self.key.is_some() { parts.key.0 } else { parts.value.0 };
        record[self.head()..first_part].fill(0);
        let sum = checksum(&record[FIRST_LEN_AT..parts.end()]);
        record[CHECKSUM_AT..CHECKSUM_AT + 4].copy_from_slice(&sum.to_le_bytes());
    }
}

/// The checksum over everything in a record that follows it.
pub(crate) fn checksum(bytes: &[u8]) -> u32 {
    xxhash_rust::xxh3::xxh3_64(bytes) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(key: Side, value: Side) -> RecordShape {
        RecordShape::of(&Layout::new(key, value))
    }

    const TEXT: Side = Side::Record { align: 1 };
    const ARCH: Side = Side::Record { align: 16 };
    const WORD: Side = Side::Inline { size: 8 };

    #[test]
    fn parts_are_aligned_and_found_again() {
        for (key, value) in [(TEXT, WORD), (WORD, TEXT), (TEXT, TEXT), (TEXT, ARCH), (WORD, ARCH)] {
            let shape = shape(key, value);
            for (key_len, value_len) in [(0, 0), (1, 5), (21, 100)] {
                let parts = shape.parts(key_len, value_len);
                let mut record = vec![0xAA; parts.end()];
                shape.seal(&mut record, parts);
                let first = u32::from_le_bytes(record[4..8].try_into().unwrap());
                let second = if shape.head() == 12 { u32::from_le_bytes(record[8..12].try_into().unwrap()) } else { 0 };
                assert_eq!(shape.read(first, second), parts);
                if value == ARCH {
                    assert_eq!((parts.value.0 % 16, shape.align()), (0, 16));
                }
            }
        }
    }

    #[test]
    fn exact_bytes() {
        let shape = shape(TEXT, TEXT);
        let parts = shape.parts(2, 3);
        let mut record = *b"............keval";
        shape.seal(&mut record, parts);
        assert_eq!(parts, Parts { key: (12, 2), value: (14, 3) });
        assert_eq!(record[4..], *b"\x02\0\0\0\x03\0\0\0keval");
        assert_eq!(record[..4], checksum(b"\x02\0\0\0\x03\0\0\0keval").to_le_bytes());
    }
}
