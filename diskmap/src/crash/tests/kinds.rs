//! The kinds of maps that are killed: one for each way of storing, and one whose hashes are all alike.

use std::hash::{BuildHasher, Hasher};

use rustc_hash::FxBuildHasher;

use crate::{DiskKey, DiskValue, Encode, StableHasher};

/// A pair of types, and the entries that belong to numbers.
pub(super) trait Kind: 'static {
    /// Entries that fill more than one segment, or the heap.
    const MANY: u64;
    type K: DiskKey + Encode<Self::Key>;
    type V: DiskValue + Encode<Self::Value>;
    type Key;
    type Value;
    type Hasher: StableHasher + Default + Send + Sync + 'static;

    fn key(number: u64) -> Self::Key;
    fn value(seed: u64) -> Self::Value;
    /// Whether it is that of the seed.
    fn is(view: <Self::V as DiskValue>::View<'_>, seed: u64) -> bool;
}

/// Values that cannot be overwritten by one store, in slots so large that a segment is soon full.
pub(super) struct Wide;
/// The same, in chains.
pub(super) struct Alike;
/// Keys in the heap.
pub(super) struct Names;
/// Keys and values in the heap, some in runs of blocks.
pub(super) struct Texts;

/// The same number for every key.
#[derive(Clone, Copy, Default)]
pub(super) struct Constant;

pub(super) struct ConstantState;

impl Hasher for ConstantState {
    fn finish(&self) -> u64 {
        0x0123_4567_89AB_CDEF
    }

    fn write(&mut self, _: &[u8]) {}
}

impl BuildHasher for Constant {
    type Hasher = ConstantState;

    fn build_hasher(&self) -> ConstantState {
        ConstantState
    }
}

impl StableHasher for Constant {
    const ID: &'static str = "test-constant";
}

fn seven(seed: u64) -> [u64; 7] {
    [seed, !seed, seed << 7, 3, 4, 5, seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)]
}

impl Kind for Wide {
    const MANY: u64 = 1_300;
    type K = u64;
    type V = [u64; 7];
    type Key = u64;
    type Value = [u64; 7];
    type Hasher = FxBuildHasher;

    fn key(number: u64) -> u64 {
        number
    }

    fn value(seed: u64) -> [u64; 7] {
        seven(seed)
    }

    fn is(view: [u64; 7], seed: u64) -> bool {
        view == seven(seed)
    }
}

impl Kind for Alike {
    const MANY: u64 = 280;
    type K = u64;
    type V = [u64; 7];
    type Key = u64;
    type Value = [u64; 7];
    type Hasher = Constant;

    fn key(number: u64) -> u64 {
        number
    }

    fn value(seed: u64) -> [u64; 7] {
        seven(seed)
    }

    fn is(view: [u64; 7], seed: u64) -> bool {
        view == seven(seed)
    }
}

impl Kind for Names {
    const MANY: u64 = 150;
    type K = String;
    type V = u64;
    type Key = String;
    type Value = u64;
    type Hasher = FxBuildHasher;

    fn key(number: u64) -> String {
        format!("{}{number}", "name".repeat(number as usize % 9))
    }

    fn value(seed: u64) -> u64 {
        seed
    }

    fn is(view: u64, seed: u64) -> bool {
        view == seed
    }
}

impl Kind for Texts {
    const MANY: u64 = 150;
    type K = String;
    type V = Vec<u8>;
    type Key = String;
    type Value = Vec<u8>;
    type Hasher = FxBuildHasher;

    fn key(number: u64) -> String {
        Names::key(number)
    }

    fn value(seed: u64) -> Vec<u8> {
        let len = match seed % 37 {
            0 => 70_000,
            1..6 => 9_000,
            _ => seed % 60,
        };
        vec![seed as u8; len as usize]
    }

    fn is(view: &[u8], seed: u64) -> bool {
        view == Self::value(seed)
    }
}
