//! Reproducible random keys: those that are stored, the same ones shuffled, and others that are not stored.
//!
//! Must not know what is measured. Invariant: a key's value follows from the key alone, so that a chain of dependent
//! lookups takes the same way through every map, and through no map at all.

use std::{borrow::Borrow, hash::Hash};

use diskmap::{DiskKey, Encode};

const SEED: u64 = 1;
/// Bytes of a text key.
pub const TEXT_LEN: usize = 21;

/// A kind of key: how it is made, and what it is stored as.
pub trait Key: Copy + 'static {
    /// What the table calls it.
    const NAME: &'static str;
    /// Bytes that a map in memory keeps outside its table for each key.
    const OUTSIDE: usize;
    /// The codec of a disk map's keys.
    type Codec: ?Sized + DiskKey + Encode<Self> + Encode<Self::Borrowed>;
    /// What a map in memory stores.
    type Owned: Hash + Eq + Borrow<Self::Borrowed>;
    /// What a map is asked for.
    type Borrowed: ?Sized + Hash + Eq;

    /// The key as a map is asked for it.
    fn borrowed(&self) -> &Self::Borrowed;
    /// The key as a map in memory stores it.
    fn owned(self) -> Self::Owned;
    /// The key as a store of bytes is asked for it.
    fn bytes(&self) -> &[u8];
    /// The value stored for the key.
    fn value(self) -> u64;
}

/// A kind of key that there is any number of.
pub trait RandomKey: Key {
    /// `count` random keys, all different for all practical purposes.
    fn random(count: usize, random: &mut fastrand::Rng) -> Vec<Self>;
    /// The same keys, lying in memory in the order of the slice.
    fn in_order(keys: &[Self]) -> Vec<Self>;
}

impl Key for u64 {
    const NAME: &'static str = "u64";
    const OUTSIDE: usize = 0;
    type Codec = u64;
    type Owned = u64;
    type Borrowed = u64;

    #[inline(always)]
    fn borrowed(&self) -> &u64 {
        self
    }

    #[inline(always)]
    fn owned(self) -> u64 {
        self
    }

    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        bytemuck::bytes_of(self)
    }

    #[inline(always)]
    fn value(self) -> u64 {
        self
    }
}

impl RandomKey for u64 {
    fn random(count: usize, random: &mut fastrand::Rng) -> Vec<u64> {
        (0..count).map(|_| random.u64(..)).collect()
    }

    fn in_order(keys: &[u64]) -> Vec<u64> {
        keys.to_vec()
    }
}

/// Text of [`TEXT_LEN`] bytes in a buffer that is never freed.
impl Key for &'static str {
    const NAME: &'static str = "String(21)";
    /// A chunk of the system's allocator for 21 bytes.
    const OUTSIDE: usize = 32;
    type Codec = String;
    type Owned = String;
    type Borrowed = str;

    #[inline(always)]
    fn borrowed(&self) -> &str {
        self
    }

    #[inline(always)]
    fn owned(self) -> String {
        self.to_owned()
    }

    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }

    #[inline(always)]
    fn value(self) -> u64 {
        self.as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }
}

impl RandomKey for &'static str {
    fn random(count: usize, random: &mut fastrand::Rng) -> Vec<&'static str> {
        const LETTERS: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
        let mut buffer = String::with_capacity(count * TEXT_LEN);
        for _ in 0..count {
            let mut bits = random.u128(..);
            for _ in 0..TEXT_LEN {
                buffer.push(char::from(LETTERS[bits as usize % LETTERS.len()]));
                bits >>= 6;
            }
        }
        cut(buffer)
    }

    fn in_order(keys: &[&'static str]) -> Vec<&'static str> {
        cut(keys.concat())
    }
}

fn cut(buffer: String) -> Vec<&'static str> {
    let buffer: &'static str = buffer.leak();
    (0..buffer.len() / TEXT_LEN).map(|i| &buffer[i * TEXT_LEN..(i + 1) * TEXT_LEN]).collect()
}

/// The keys of one measurement.
#[derive(Clone)]
pub struct Keys<Q> {
    /// In the order in which they are inserted.
    pub stored: Vec<Q>,
    /// The same, shuffled.
    pub shuffled: Vec<Q>,
    /// As many that are not stored.
    pub missing: Vec<Q>,
}

impl<Q: RandomKey> Keys<Q> {
    /// `count` keys of each sort.
    pub fn new(count: usize) -> Keys<Q> {
        let mut random = fastrand::Rng::with_seed(SEED);
        let stored = Q::random(count, &mut random);
        let mut shuffled = stored.clone();
        random.shuffle(&mut shuffled);
        Keys { shuffled: Q::in_order(&shuffled), missing: Q::random(count, &mut random), stored }
    }

    /// Only the keys to insert: the same as [`Keys::new`] makes.
    pub fn stored(count: usize) -> Vec<Q> {
        Q::random(count, &mut fastrand::Rng::with_seed(SEED))
    }
}

impl<Q: Key> Keys<Q> {
    /// The sum of all values, wrapping.
    pub fn sum(&self) -> u64 {
        self.stored.iter().fold(0, |sum, key| sum.wrapping_add(key.value()))
    }

    /// The key to look up after step `step` of a chain gave `value`.
    #[inline(always)]
    pub fn next(&self, value: u64, step: usize) -> Q {
        let spread = value.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
        self.shuffled[(spread as usize ^ step) % self.shuffled.len()]
    }
}
