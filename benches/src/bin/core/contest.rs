//! The two maps behind one small trait, so that both are measured by the same loops.
//!
//! Must not measure anything. Invariant: every method is one call of the map's own method, inlined.

use std::path::Path;

use diskmap::{DiskHashMap, OpenOptions, Result};
use diskmap_benches::keys::Key;
use rustc_hash::FxBuildHasher;

use crate::Arguments;

/// hashbrown with Fx, in memory.
pub(crate) type Memory<Q> = hashbrown::HashMap<<Q as Key>::Owned, u64, FxBuildHasher>;
/// diskmap with the same hasher, on disk.
pub(crate) type Disk<Q> = DiskHashMap<<Q as Key>::Codec, u64>;

/// What both maps can do.
pub(crate) trait Contestant<Q> {
    fn insert(&mut self, key: Q, value: u64) -> Result<()>;
    fn get(&self, key: Q) -> Result<Option<u64>>;
}

impl<Q: Key> Contestant<Q> for Memory<Q> {
    #[inline(always)]
    fn insert(&mut self, key: Q, value: u64) -> Result<()> {
        self.insert(key.owned(), value);
        Ok(())
    }

    #[inline(always)]
    fn get(&self, key: Q) -> Result<Option<u64>> {
        Ok(self.get(key.borrowed()).copied())
    }
}

impl<Q: Key> Contestant<Q> for Disk<Q> {
    #[inline(always)]
    fn insert(&mut self, key: Q, value: u64) -> Result<()> {
        self.insert(key.borrowed(), &value).map(|_| ())
    }

    #[inline(always)]
    fn get(&self, key: Q) -> Result<Option<u64>> {
        self.get(key.borrowed())
    }
}

/// Creates or opens the disk map of a measurement.
pub(crate) fn open<Q: Key>(arguments: &Arguments, dir: &Path) -> Result<Disk<Q>> {
    let options = OpenOptions::new().create(true).sync_on_drop(false);
    if arguments.no_timer { options.auto_checkpoint(None) } else { options }.open(dir)
}
