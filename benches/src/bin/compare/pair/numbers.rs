//! Numbers, looked up by numbers and by text.
//!
//! Must not know engines. Invariant: the digest of a number is the number.

use anyhow::{Context, Result};
use diskmap_benches::keys::Keys;

use super::Pair;

/// `u64 → u64`.
pub(crate) struct Numbers;

/// `String → u64`, keys of 21 bytes.
pub(crate) struct Texts;

macro_rules! number {
    ($pair:ty, $key:ty, $name:literal) => {
        impl Pair for $pair {
            const NAME: &'static str = $name;
            const AS_BYTES: &'static str = "8 bytes";
            type Key = $key;
            type Input = u64;
            type Maker = u64;
            type Codec = u64;
            type Owned = u64;

            fn keys(count: usize) -> Result<Keys<$key>> {
                Ok(Keys::new(count))
            }

            #[inline(always)]
            fn make(maker: &mut u64, seed: u64) -> &u64 {
                *maker = seed;
                maker
            }

            #[inline(always)]
            fn digest(seed: u64) -> u64 {
                seed
            }

            #[inline(always)]
            fn of_view(view: u64) -> u64 {
                view
            }

            #[inline(always)]
            fn owned(input: &u64) -> Result<u64> {
                Ok(*input)
            }

            #[inline(always)]
            fn of_owned(value: &u64) -> Result<u64> {
                Ok(*value)
            }

            #[inline(always)]
            fn with_bytes<R>(input: &u64, _: &mut Vec<u8>, work: impl FnOnce(&[u8]) -> Result<R>) -> Result<R> {
                work(&input.to_le_bytes())
            }

            #[inline(always)]
            fn of_bytes(bytes: &[u8]) -> Result<u64> {
                Ok(u64::from_le_bytes(bytes.try_into().context("a value is not 8 bytes long")?))
            }
        }
    };
}

number!(Numbers, u64, "u64-u64");
number!(Texts, &'static str, "text-u64");
