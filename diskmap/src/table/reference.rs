//! The 8-byte reference from a slot to a record: where it lies, and enough of the hash to split without reading it.
//!
//! Must not know the heap. Invariant: the three fields fill the word, and none can spill into another.

use crate::hash::{Hashed, REFERENCE_BITS};

const ADDRESS_BITS: u32 = 40;
const DISPLACEMENT_BITS: u32 = 5;
const _: () = assert!(ADDRESS_BITS + DISPLACEMENT_BITS + REFERENCE_BITS == 64);
const _: () = assert!(1 << DISPLACEMENT_BITS >= super::layout::MAX_PROBE);

/// Bytes that a heap can have: the address counts units of 8 bytes.
pub(crate) const MAX_HEAP: u64 = 8 << ADDRESS_BITS;

/// Address in 8-byte units (40 bits), distance from the home bucket (5 bits), top bits of the position (19 bits).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reference(pub u64);

impl Reference {
    /// A reference to the record at byte `at` of the heap, for an entry `displacement` buckets from its home.
    #[inline(always)]
    pub(crate) fn new(at: u64, displacement: usize, hashed: Hashed) -> Reference {
        let address = (at / 8) & ((1 << ADDRESS_BITS) - 1);
        let displacement = displacement as u64 & ((1 << DISPLACEMENT_BITS) - 1);
        Reference(
            address | displacement << ADDRESS_BITS | hashed.reference_bits() << (ADDRESS_BITS + DISPLACEMENT_BITS),
        )
    }

    /// Byte offset of the record in the heap.
    #[inline(always)]
    pub(crate) fn at(self) -> u64 {
        (self.0 & ((1 << ADDRESS_BITS) - 1)) * 8
    }

    /// Buckets between the entry and its home.
    #[inline(always)]
    pub(crate) fn displacement(self) -> usize {
        (self.0 >> ADDRESS_BITS) as usize & ((1 << DISPLACEMENT_BITS) - 1)
    }

    /// The top bits of the position, in place; the rest is 0.
    #[inline(always)]
    pub(crate) fn position(self) -> u64 {
        self.0 >> (64 - REFERENCE_BITS) << (64 - REFERENCE_BITS)
    }

    /// Whether the entry can be one with this hash.
    #[inline(always)]
    pub(crate) fn may_be(self, hashed: Hashed) -> bool {
        self.0 >> (64 - REFERENCE_BITS) == hashed.reference_bits()
    }

    /// The same entry with its record at byte `at`.
    pub(crate) fn moved(self, at: u64) -> Reference {
        let mask = (1 << ADDRESS_BITS) - 1;
        Reference(self.0 & !mask | (at / 8) & mask)
    }

    /// The same record seen from a slot at another distance from home.
    #[inline(always)]
    pub(crate) fn displaced(self, displacement: usize) -> Reference {
        let mask = ((1 << DISPLACEMENT_BITS) - 1) << ADDRESS_BITS;
        Reference(self.0 & !mask | (displacement as u64) << ADDRESS_BITS & mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_apart() {
        let hashed = Hashed::of(0xDEAD_BEEF);
        for at in [0, 8, 65_536, MAX_HEAP - 8] {
            for displacement in [0, 1, 31] {
                let reference = Reference::new(at, displacement, hashed);
                assert_eq!((reference.at(), reference.displacement()), (at, displacement));
                assert!(reference.may_be(hashed));
                assert_eq!(reference.position() >> 45, hashed.position() >> 45);
                assert_eq!(reference.displaced(7), Reference::new(at, 7, hashed));
            }
        }
    }
}
