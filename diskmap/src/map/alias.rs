//! Names for common kinds of maps.

use super::DiskHashMap;
use crate::{
    codec::{Bytes, Native, Str},
    store::{MMapFile, VecStore},
};

/// A map in memory: the same map without files. Its bytes never move; it is not faster than a map on disk.
pub type MemHashMap<K, V, S = rustc_hash::FxBuildHasher> = DiskHashMap<K, V, VecStore, S>;

/// Numbers to strings.
pub type U64StringMap<BS = MMapFile> = DiskHashMap<Native<u64>, Str, BS>;

/// Strings to numbers.
pub type StringU64Map<BS = MMapFile> = DiskHashMap<Str, Native<u64>, BS>;

/// Strings to strings.
pub type StringStringMap<BS = MMapFile> = DiskHashMap<Str, Str, BS>;

/// Numbers to numbers.
pub type U64U64Map<BS = MMapFile> = DiskHashMap<Native<u64>, Native<u64>, BS>;

/// Byte strings to byte strings.
pub type BytesMap<BS = MMapFile> = DiskHashMap<Bytes, Bytes, BS>;
