//! The maps behind one small trait, so that all are measured by the same loops.
//!
//! Must not measure anything. Invariant: every method is one call of the map's own method, inlined, as its user would write
//! it: what a map has to pin or lock for a call is pinned or locked in that call.

use std::path::Path;

use diskmap::{OpenOptions, Result};
use diskmap_benches::keys::{Key, RandomKey};
use diskmap_concurrent::DiskDashMap;
use rustc_hash::FxBuildHasher;

use crate::Arguments;

/// A key that threads can share.
pub(crate) trait SharedKey: RandomKey<Owned: Send + Sync, Codec: Send + Sync> + Send + Sync {}

impl<Q: RandomKey<Owned: Send + Sync, Codec: Send + Sync> + Send + Sync> SharedKey for Q {}

/// diskmap's map, on disk.
pub(crate) type Disk<Q> = DiskDashMap<<Q as Key>::Codec, u64>;
/// dashmap with the same hasher, in memory.
pub(crate) type Dash<Q> = dashmap::DashMap<<Q as Key>::Owned, u64, FxBuildHasher>;
/// papaya with the same hasher, in memory.
pub(crate) type Papaya<Q> = papaya::HashMap<<Q as Key>::Owned, u64, FxBuildHasher>;

/// diskmap's map, read by `get`, which returns a guard, where the others copy.
pub(crate) struct Guarded<'m, Q: Key>(pub &'m Disk<Q>);

/// What all maps can do.
pub(crate) trait Contestant<Q>: Sync {
    /// The value of a key.
    fn get(&self, key: Q) -> Result<Option<u64>>;
    /// Stores a value; whether the key is new.
    fn insert(&self, key: Q, value: u64) -> Result<bool>;
}

impl<Q: SharedKey> Contestant<Q> for Disk<Q> {
    #[inline(always)]
    fn get(&self, key: Q) -> Result<Option<u64>> {
        self.get_copied(key.borrowed())
    }

    #[inline(always)]
    fn insert(&self, key: Q, value: u64) -> Result<bool> {
        Ok(self.insert(key.borrowed(), &value)?.is_none())
    }
}

impl<Q: SharedKey> Contestant<Q> for Guarded<'_, Q> {
    #[inline(always)]
    fn get(&self, key: Q) -> Result<Option<u64>> {
        Ok(self.0.get(key.borrowed())?.map(|found| found.value()))
    }

    #[inline(always)]
    fn insert(&self, key: Q, value: u64) -> Result<bool> {
        Contestant::insert(self.0, key, value)
    }
}

impl<Q: SharedKey> Contestant<Q> for Dash<Q> {
    #[inline(always)]
    fn get(&self, key: Q) -> Result<Option<u64>> {
        Ok(self.get(key.borrowed()).map(|found| *found))
    }

    #[inline(always)]
    fn insert(&self, key: Q, value: u64) -> Result<bool> {
        Ok(self.insert(key.owned(), value).is_none())
    }
}

impl<Q: SharedKey> Contestant<Q> for Papaya<Q> {
    #[inline(always)]
    fn get(&self, key: Q) -> Result<Option<u64>> {
        Ok(self.pin().get(key.borrowed()).copied())
    }

    #[inline(always)]
    fn insert(&self, key: Q, value: u64) -> Result<bool> {
        Ok(self.pin().insert(key.owned(), value).is_none())
    }
}

/// Creates the disk map of a measurement.
pub(crate) fn create<Q: Key>(arguments: &Arguments, dir: &Path) -> Result<Disk<Q>> {
    let options = OpenOptions::new().create_new(true).sync_on_drop(false);
    DiskDashMap::open_with(dir, if arguments.no_timer { options.auto_checkpoint(None) } else { options })
}
