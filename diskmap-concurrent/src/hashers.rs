//! Hashers for keys that are numbers already.
//!
//! Invariant: a hash is the number itself; the map mixes it, so that numbers in a row do not gather.

use std::hash::{BuildHasher, Hasher};

use diskmap::StableHasher;

/// Hashes `u32` keys (and what is made of one, such as an id) by their value: nothing to compute, and no protection against
/// keys chosen to collide.
///
/// ```
/// use diskmap_concurrent::{MemDashMap, U32Hasher};
///
/// let names = MemDashMap::<u32, str, U32Hasher>::new_with_hasher(U32Hasher)?;
/// names.insert(&7, "seven")?;
/// assert_eq!(&*names.get(&7)?.expect("just inserted"), "seven");
/// # Ok::<(), diskmap::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct U32Hasher;

/// Hashes `u64` keys by their value, as [`U32Hasher`] does `u32` keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct U64Hasher;

/// The hasher of [`U32Hasher`] and [`U64Hasher`]. Keys that are no numbers are folded, eight bytes at a time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity(u64);

impl Hasher for Identity {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let word = chunk.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
            self.0 = self.0.rotate_left(29).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ word;
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = self.0.rotate_left(29).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl BuildHasher for U32Hasher {
    type Hasher = Identity;

    fn build_hasher(&self) -> Identity {
        Identity::default()
    }
}

impl BuildHasher for U64Hasher {
    type Hasher = Identity;

    fn build_hasher(&self) -> Identity {
        Identity::default()
    }
}

impl StableHasher for U32Hasher {
    const ID: &'static str = "diskmap.u32-1";
}

impl StableHasher for U64Hasher {
    const ID: &'static str = "diskmap.u64-1";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_their_own_hash() {
        for number in [0, 1, 7, u32::MAX] {
            assert_eq!(U32Hasher.hash_one(number), u64::from(number));
        }
        for number in [0, 1, u64::MAX] {
            assert_eq!(U64Hasher.hash_one(number), number);
        }
        assert_ne!(U64Hasher.hash_one((1u64, 2u64)), U64Hasher.hash_one((2u64, 1u64)));
        assert_ne!(U64Hasher.hash_one("ab"), U64Hasher.hash_one("ba"));
    }
}
