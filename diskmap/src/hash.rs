//! From a user's hasher to the bits the table uses. This is the one place where the bits of a hash are given out.
//!
//! Knows no keys but their canonical bytes, no slots and no files. Invariant: a key's [`Hashed`] depends on its
//! canonical bytes and the hasher's identity alone, in every process and for ever.
//!
//! User hashers are weak in some of their bits (Fx in the low ones of its product, an identity hasher in all), so what
//! they return goes through one 128-bit multiplication whose halves are folded together. Of the result
//!
//! * bits `0..10` choose the bucket;
//! * bits `10..17` are the tag;
//! * the others, from the top, are the path through the directory, which chooses the segment.
//!
//! Segments therefore fill evenly and split at nearly the same time (ARCHITECTURE.md has the figures, and those of a
//! mapping that spreads the splits).

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
};

use rustc_hash::FxBuildHasher;
use siphasher::sip::SipHasher13;

/// Bits of the hash that choose the bucket; a segment has at most `1 << BUCKET_BITS` buckets.
pub(crate) const BUCKET_BITS: u32 = 10;
/// Bits of the hash that make the tag.
pub(crate) const TAG_BITS: u32 = 7;
/// Bits of the hash that can lead through the directory, the top ones.
pub(crate) const PATH_BITS: u32 = 64 - BUCKET_BITS - TAG_BITS;
/// Bits of the path that a reference keeps, so that a segment splits without reading keys.
pub(crate) const REFERENCE_BITS: u32 = 19;

/// A `BuildHasher` that computes the same hashes in every process.
///
/// A map stores the hasher's [`ID`](StableHasher::ID), its seed if it has one, and a digest of known answers; opening
/// the map with a hasher that differs in any of them is [`Error::HasherMismatch`](crate::Error::HasherMismatch).
/// `std::hash::RandomState` is seeded anew in every process and therefore is no `StableHasher`.
///
/// An implementation that is not stable gives wrong answers, never undefined behaviour.
///
/// ```
/// use std::hash::BuildHasherDefault;
/// use diskmap::{DiskHashMap, MemHashMap, StableHasher};
///
/// #[derive(Clone, Copy, Default)]
/// struct Fnv;
/// impl std::hash::BuildHasher for Fnv {
///     type Hasher = FnvState;
///     fn build_hasher(&self) -> FnvState { FnvState(0xcbf2_9ce4_8422_2325) }
/// }
/// struct FnvState(u64);
/// impl std::hash::Hasher for FnvState {
///     fn finish(&self) -> u64 { self.0 }
///     fn write(&mut self, bytes: &[u8]) {
///         for &byte in bytes { self.0 = (self.0 ^ byte as u64).wrapping_mul(0x100_0000_01b3) }
///     }
/// }
/// impl StableHasher for Fnv {
///     const ID: &'static str = "fnv-1a";
/// }
///
/// let mut map = MemHashMap::<str, u64, Fnv>::new_with_hasher(Fnv)?;
/// map.insert("a", &1)?;
/// assert_eq!(map.get("a")?, Some(1));
/// # Ok::<(), diskmap::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` may hash differently in another process, so a disk map cannot use it",
    label = "not a stable hasher",
    note = "use the default (`FxBuildHasher`), `SipBuildHasher` for untrusted keys, or implement `StableHasher` for a hasher with fixed keys"
)]
pub trait StableHasher: BuildHasher {
    /// The algorithm and its version, as stored with the map.
    const ID: &'static str;

    /// A secret that the map keeps and gives back with [`with_seed`](StableHasher::with_seed) when it is opened.
    fn seed(&self) -> Option<[u8; 16]> {
        None
    }

    /// The hasher with the seed of the map that is being opened.
    fn with_seed(self, _seed: [u8; 16]) -> Self
    where
        Self: Sized,
    {
        self
    }
}

impl StableHasher for FxBuildHasher {
    const ID: &'static str = "fx-2";
}

/// SipHash-1-3 with a random 128-bit key for each map: for keys that an adversary may choose.
///
/// The key is made when the map is created and stored with it.
///
/// ```
/// use diskmap::{MemHashMap, SipBuildHasher};
/// let mut map = MemHashMap::<str, u64, SipBuildHasher>::new_with_hasher(SipBuildHasher::new())?;
/// map.insert("untrusted", &1)?;
/// assert_eq!(map.get("untrusted")?, Some(1));
/// # Ok::<(), diskmap::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct SipBuildHasher {
    key: [u8; 16],
}

impl SipBuildHasher {
    /// A hasher with a random key.
    pub fn new() -> SipBuildHasher {
        let half = || RandomState::new().hash_one(0u64).to_le_bytes();
        SipBuildHasher { key: bytemuck::cast([half(), half()]) }
    }

    /// A hasher with the given key.
    pub const fn with_key(key: [u8; 16]) -> SipBuildHasher {
        SipBuildHasher { key }
    }
}

impl Default for SipBuildHasher {
    fn default() -> SipBuildHasher {
        SipBuildHasher::new()
    }
}

/// The key is a secret and not shown.
impl fmt::Debug for SipBuildHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SipBuildHasher")
    }
}

impl BuildHasher for SipBuildHasher {
    type Hasher = SipHasher13;

    #[inline]
    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_key(&self.key)
    }
}

impl StableHasher for SipBuildHasher {
    const ID: &'static str = "sip-1-3";

    fn seed(&self) -> Option<[u8; 16]> {
        Some(self.key)
    }

    fn with_seed(self, seed: [u8; 16]) -> SipBuildHasher {
        SipBuildHasher { key: seed }
    }
}

/// What the table uses of a key's hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hashed(u64);

impl Hashed {
    /// A hash of all zeros.
    pub(crate) const ZERO: Hashed = Hashed(0);

    /// Spreads what a user's hasher returned over all bits.
    #[inline(always)]
    pub(crate) fn of(hash: u64) -> Hashed {
        let product = u128::from(hash).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Hashed(product as u64 ^ (product >> 64) as u64)
    }

    /// Puts a hash together again from what a table entry keeps of it.
    #[inline(always)]
    pub(crate) fn from_parts(position: u64, home: usize, tag: u64) -> Hashed {
        Hashed(position | home as u64 | tag << BUCKET_BITS)
    }

    /// The place among all segments: the path, from the top bit on. What is below the path orders nothing.
    #[inline(always)]
    pub(crate) fn position(self) -> u64 {
        self.0
    }

    /// The bucket, before it is cut to the number of buckets.
    #[inline(always)]
    pub(crate) fn bucket(self) -> usize {
        self.0 as usize & ((1 << BUCKET_BITS) - 1)
    }

    /// The tag, never 0 (which marks a free slot).
    #[inline(always)]
    pub(crate) fn tag(self) -> u64 {
        (self.0 >> BUCKET_BITS & ((1 << TAG_BITS) - 1)).max(1)
    }

    /// The bits of the path that a reference keeps.
    #[inline(always)]
    pub(crate) fn reference_bits(self) -> u64 {
        self.0 >> (64 - REFERENCE_BITS)
    }
}

/// Hashes a key's canonical bytes. A fixed width of an integer goes through the hasher's method for that integer.
#[inline(always)]
pub(crate) fn hash_bytes<S: BuildHasher>(builder: &S, fixed: Option<usize>, bytes: &[u8]) -> u64 {
    let mut hasher = builder.build_hasher();
    match fixed {
        Some(1) if bytes.len() == 1 => hasher.write_u8(bytes[0]),
        Some(2) => feed(bytes, &mut hasher, |h, b| h.write_u16(u16::from_le_bytes(b))),
        Some(4) => feed(bytes, &mut hasher, |h, b| h.write_u32(u32::from_le_bytes(b))),
        Some(8) => feed(bytes, &mut hasher, |h, b| h.write_u64(u64::from_le_bytes(b))),
        Some(16) => feed(bytes, &mut hasher, |h, b| h.write_u128(u128::from_le_bytes(b))),
        _ => hasher.write(bytes),
    }
    hasher.finish()
}

#[inline(always)]
fn feed<H: Hasher, const N: usize>(bytes: &[u8], hasher: &mut H, write: impl FnOnce(&mut H, [u8; N])) {
    match <[u8; N]>::try_from(bytes) {
        Ok(array) => write(hasher, array),
        Err(_) => hasher.write(bytes),
    }
}

/// A digest of what the hasher answers for every `Hasher` method the map uses and for byte strings of 0 to 33 bytes.
pub(crate) fn known_answers<S: BuildHasher>(builder: &S) -> u64 {
    let bytes: Vec<u8> = (0..33u8).map(|i| i.wrapping_mul(37) ^ 0x5A).collect();
    let mut answers = Vec::new();
    for len in 0..=bytes.len() {
        answers.extend(hash_bytes(builder, None, &bytes[..len]).to_le_bytes());
    }
    for width in [1, 2, 4, 8, 16] {
        answers.extend(hash_bytes(builder, Some(width), &bytes[..width]).to_le_bytes());
    }
    xxhash_rust::xxh3::xxh3_64(&answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_hashers_use_all_buckets() {
        for shift in 0..=48 {
            let mut used = [0u32; 1024];
            for i in 0..65_536u64 {
                used[Hashed::of(FxBuildHasher.hash_one(i << shift)).bucket()] += 1;
            }
            let most = used.iter().max().unwrap();
            assert!(*most < 200, "shift {shift}: {most} of 65,536 keys in one bucket");
        }
    }

    #[test]
    fn bits_do_not_overlap() {
        let hashed = Hashed::of(0x1234_5678_9ABC_DEF0);
        let path = hashed.position() >> (64 - PATH_BITS) << (64 - PATH_BITS);
        assert_eq!(Hashed::from_parts(path, hashed.bucket(), hashed.tag()), hashed);
    }

    /// The default hasher's answers are part of the format: a new version of its crate must not change them silently.
    #[test]
    fn fx_is_pinned() {
        assert_eq!(known_answers(&FxBuildHasher), known_answers(&FxBuildHasher));
        assert_eq!(hash_bytes(&FxBuildHasher, Some(8), &42u64.to_le_bytes()), FxBuildHasher.hash_one(42u64));
        assert_eq!(hash_bytes(&FxBuildHasher, Some(8), &1u64.to_le_bytes()), 0xf135_7aea_2e62_a9c5u64.rotate_left(26));
    }
}
