//! papaya with Fx, in memory.
//!
//! Must not know what is measured. Invariant: what the map pins or locks for a call is pinned or locked in that call.

use std::path::Path;

use anyhow::Result;
use diskmap_benches::keys::Key;
use rustc_hash::FxBuildHasher;

use super::{About, Engine, Kind, Read, Shared, Write};
use crate::pair::Pair;

pub(crate) const ABOUT: About = About {
    name: "papaya",
    package: "papaya",
    kind: Kind::Memory,
    setting: "with Fx, in memory, for many threads: gone with the process",
    lacks: super::std_map::LACKS,
};

/// The map.
pub(crate) struct Map<P: Pair>(::papaya::HashMap<<P::Key as Key>::Owned, P::Owned, FxBuildHasher>);

impl<P: Pair> Read<P> for Map<P> {
    #[inline(always)]
    fn get(&self, key: P::Key) -> Result<Option<u64>> {
        self.0.pin().get(key.borrowed()).map(P::of_owned).transpose()
    }

    fn iterate(&self, mut see: impl FnMut(u64) -> bool) -> Result<()> {
        for (_, value) in &self.0.pin() {
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
        Shared::insert(self, key, value)
    }

    #[inline(always)]
    fn remove(&mut self, key: P::Key) -> Result<bool> {
        Ok(self.0.pin().remove(key.borrowed()).is_some())
    }
}

in_memory!();

impl<P: Pair> Shared<P> for Map<P> {
    fn create(dir: &Path) -> Result<Self> {
        Engine::open(dir)
    }

    #[inline(always)]
    fn get(&self, key: P::Key) -> Result<Option<u64>> {
        Read::get(self, key)
    }

    #[inline(always)]
    fn insert(&self, key: P::Key, value: &P::Input) -> Result<()> {
        self.0.pin().insert(key.owned(), P::owned(value)?);
        Ok(())
    }
}
