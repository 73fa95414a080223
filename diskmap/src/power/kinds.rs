//! The maps that are put to the test: entries made from small numbers.
//!
//! Must not know media or walks. Invariant: a value tells its key, its version and its length, so that no part of another
//! record passes for it.

use rustc_hash::FxBuildHasher;

use super::handle::Handle;
use crate::{DiskKey, DiskValue, Encode, Iter, MMapFile, map::DiskHashMap};

/// A map of some kind on disk.
pub(super) type Map<T> = DiskHashMap<<T as Kind>::K, <T as Kind>::V, MMapFile>;

/// The same, open for writing.
pub(super) type Open<T> = Handle<<T as Kind>::K, <T as Kind>::V, FxBuildHasher>;

/// The entries of one, or of a snapshot of it.
pub(super) type Entries<'m, T> = Iter<'m, <T as Kind>::K, <T as Kind>::V, MMapFile, FxBuildHasher>;

/// A pair of types whose entries are made from numbers.
pub(super) trait Kind: 'static {
    const NAME: &'static str;
    /// Images that its walks look at, at least.
    const IMAGES: u64;
    /// The same, of walks of several writers.
    const IMAGES_OF_SEVERAL: u64;
    /// How long values may be: what the upper half of a version is chosen from.
    const LENS: &'static [u32];
    type K: DiskKey + Encode<Self::Key> + Send + Sync;
    type V: DiskValue + Encode<Self::Value> + Send + Sync;
    type Key;
    type Value;

    fn key(number: u32) -> Self::Key;
    fn value(number: u32, version: u64) -> Self::Value;
    /// The number of a stored key, if it is one that was made here.
    fn number(key: <Self::K as DiskValue>::View<'_>) -> Option<u32>;
    fn is(value: <Self::V as DiskValue>::View<'_>, number: u32, version: u64) -> bool;
}

/// Both sides in the slot.
pub(super) struct Numbers;

/// Both sides in one record, from a few bytes to runs of blocks.
pub(super) struct Texts;

impl Kind for Numbers {
    const NAME: &'static str = "numbers";
    const IMAGES: u64 = 6_000;
    const IMAGES_OF_SEVERAL: u64 = 1_500;
    const LENS: &'static [u32] = &[8];
    type K = u64;
    type V = u64;
    type Key = u64;
    type Value = u64;

    fn key(number: u32) -> u64 {
        u64::from(number) << 7
    }

    fn value(number: u32, version: u64) -> u64 {
        mix(number, version)
    }

    fn number(key: u64) -> Option<u32> {
        key.is_multiple_of(1 << 7).then_some((key >> 7) as u32)
    }

    fn is(value: u64, number: u32, version: u64) -> bool {
        value == mix(number, version)
    }
}

impl Kind for Texts {
    const NAME: &'static str = "texts";
    const IMAGES: u64 = 4_000;
    const IMAGES_OF_SEVERAL: u64 = 1_500;
    const LENS: &'static [u32] = &[0, 1, 20, 100, 180, 400, 700, 1200, 3000, 9000, 15_000, 30_000, 100_000];
    type K = String;
    type V = Vec<u8>;
    type Key = String;
    type Value = Vec<u8>;

    fn key(number: u32) -> String {
        let len = [2, 2, 2, 40][number as usize % 4];
        format!("{number}:{}", "k".repeat(len))
    }

    fn value(number: u32, version: u64) -> Vec<u8> {
        let mut value = vec![0; len(version)];
        for (at, word) in value.chunks_mut(8).enumerate() {
            word.copy_from_slice(&word_at(number, version, at)[..word.len()]);
        }
        value
    }

    fn number(key: &str) -> Option<u32> {
        let number = key.split_once(':')?.0.parse().ok()?;
        (key == Texts::key(number)).then_some(number)
    }

    fn is(value: &[u8], number: u32, version: u64) -> bool {
        let mut words = value.chunks(8).enumerate();
        value.len() == len(version) && words.all(|(at, word)| *word == word_at(number, version, at)[..word.len()])
    }
}

fn len(version: u64) -> usize {
    (version >> 32) as usize
}

fn word_at(number: u32, version: u64, at: usize) -> [u8; 8] {
    mix(number, version).wrapping_add(at as u64).to_le_bytes()
}

fn mix(number: u32, version: u64) -> u64 {
    (version ^ u64::from(number).rotate_left(40)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
