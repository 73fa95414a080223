//! The standard library's map with its default hasher, in memory.
//!
//! Must not know what is measured. Invariant: values are stored as a map in memory would have them, not as bytes.

use anyhow::Result;
use diskmap_benches::keys::Key;

use super::{About, Kind, Read, Write};
use crate::pair::Pair;

pub(crate) const ABOUT: About = About {
    name: "std",
    package: "std",
    kind: Kind::Memory,
    setting: "with SipHash, its default, in memory: gone with the process",
    lacks: LACKS,
};

pub(super) const LACKS: &[(&str, &str)] =
    &[("ycsb-E", "a hash map in memory has no order and no position to go on from")];

/// The map.
pub(crate) struct Map<P: Pair>(std::collections::HashMap<<P::Key as Key>::Owned, P::Owned>);

impl<P: Pair> Read<P> for Map<P> {
    #[inline(always)]
    fn get(&self, key: P::Key) -> Result<Option<u64>> {
        self.0.get(key.borrowed()).map(P::of_owned).transpose()
    }

    fn iterate(&self, mut see: impl FnMut(u64) -> bool) -> Result<()> {
        for value in self.0.values() {
            if !see(P::of_owned(value)?) {
                break;
            }
        }
        Ok(())
    }
}

impl<P: Pair> Write<P> for Map<P> {
    #[inline(always)]
    fn insert(&mut self, key: P::Key, value: &P::Input) -> Result<()> {
        self.0.insert(key.owned(), P::owned(value)?);
        Ok(())
    }

    #[inline(always)]
    fn remove(&mut self, key: P::Key) -> Result<bool> {
        Ok(self.0.remove(key.borrowed()).is_some())
    }
}

in_memory!();
