//! Byte strings of 100 bytes, looked up by numbers.
//!
//! Must not know engines. Invariant: the digest takes both ends of the value, so that all its cache lines are touched but
//! one in the middle.

use anyhow::{Context, Result};
use diskmap_benches::keys::Keys;

use super::Pair;

const LEN: usize = 100;

/// `u64 → Vec<u8>`, values of 100 bytes.
pub(crate) struct Bytes100;

/// Room for one value.
pub(crate) struct Maker([u8; LEN]);

impl Default for Maker {
    fn default() -> Maker {
        Maker([0; LEN])
    }
}

impl Bytes100 {
    /// The value of a seed.
    #[inline(always)]
    pub(crate) fn array(seed: u64) -> [u8; LEN] {
        let mut value = [0; LEN];
        for (at, word) in value.chunks_mut(8).enumerate() {
            let bytes = seed.wrapping_add(at as u64).to_le_bytes();
            let len = word.len();
            word.copy_from_slice(&bytes[..len]);
        }
        value
    }
}

impl Pair for Bytes100 {
    const NAME: &'static str = "u64-bytes";
    const AS_BYTES: &'static str = "the 100 bytes";
    type Key = u64;
    type Input = [u8];
    type Maker = Maker;
    type Codec = Vec<u8>;
    type Owned = Box<[u8]>;

    fn keys(count: usize) -> Result<Keys<u64>> {
        Ok(Keys::new(count))
    }

    #[inline(always)]
    fn make(maker: &mut Maker, seed: u64) -> &[u8] {
        maker.0 = Bytes100::array(seed);
        &maker.0
    }

    #[inline(always)]
    fn digest(seed: u64) -> u64 {
        seed.wrapping_add(seed.wrapping_add(12) & 0xFFFF_FFFF)
    }

    #[inline(always)]
    fn of_view(view: &[u8]) -> u64 {
        ends(view).unwrap_or(0)
    }

    #[inline(always)]
    fn owned(input: &[u8]) -> Result<Box<[u8]>> {
        Ok(input.into())
    }

    #[inline(always)]
    fn of_owned(value: &Box<[u8]>) -> Result<u64> {
        Bytes100::of_bytes(value)
    }

    #[inline(always)]
    fn with_bytes<R>(input: &[u8], _: &mut Vec<u8>, work: impl FnOnce(&[u8]) -> Result<R>) -> Result<R> {
        work(input)
    }

    #[inline(always)]
    fn of_bytes(bytes: &[u8]) -> Result<u64> {
        ends(bytes).context("a value is not 100 bytes long")
    }
}

#[inline(always)]
fn ends(value: &[u8]) -> Option<u64> {
    let value: &[u8; LEN] = value.try_into().ok()?;
    let (first, last) = (value.first_chunk()?, value.last_chunk()?);
    Some(u64::from_le_bytes(*first).wrapping_add(u64::from(u32::from_le_bytes(*last))))
}
