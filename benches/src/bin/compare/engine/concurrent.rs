//! diskmap's concurrent map, on disk, with and without automatic checkpoints.
//!
//! Must not know what is measured. Invariant: `get` returns a guard, as its user would have it.

use std::path::Path;

use anyhow::{Context, Result};
use diskmap_benches::keys::Key;
use diskmap_concurrent::DiskDashMap;

use super::{About, Engine, Kind, Read, Shared, Write, diskmap::options};
use crate::pair::Pair;

pub(crate) const TIMED: About = About {
    name: "diskmap-shared",
    package: "diskmap-concurrent",
    kind: Kind::Disk,
    setting: "`DiskDashMap` with default options: checkpoints as in `diskmap`",
    lacks: &[],
};

pub(crate) const UNTIMED: About = About {
    name: "diskmap-shared-no-timer",
    setting: "`DiskDashMap` without automatic checkpoints: synced at close",
    ..TIMED
};

/// The map, with or without the timer.
pub(crate) struct Timed<P: Pair, const TIMER: bool>(DiskDashMap<<P::Key as Key>::Codec, P::Codec>);

impl<P: Pair, const TIMER: bool> Read<P> for Timed<P, TIMER> {
    #[inline(always)]
    fn get(&self, key: P::Key) -> Result<Option<u64>> {
        Ok(self.0.get(key.borrowed())?.map(|found| P::of_view(found.value())))
    }

    fn iterate(&self, mut see: impl FnMut(u64) -> bool) -> Result<()> {
        for value in self.0.values() {
            if !see(P::of_view(value?.value())) {
                break;
            }
        }
        Ok(())
    }

    /// From the segment on that a hash of the key leads to: there is no order.
    fn scan(&self, key: P::Key, count: usize) -> Result<(usize, u64)> {
        let (mut met, mut sum) = (0, 0u64);
        let mut cursor = Some(key.value().wrapping_mul(0x9E37_79B9_7F4A_7C15));
        while let Some(at) = cursor.filter(|_| met < count) {
            let (part, next) = self.0.scan(at)?;
            for entry in part.take(count - met) {
                sum = sum.wrapping_add(P::of_view(entry?.value()));
                met += 1;
            }
            cursor = next;
        }
        Ok((met, sum))
    }

    #[inline(always)]
    fn get_many(&self, keys: &[P::Key]) -> Result<u64> {
        let mut sum = 0u64;
        for value in self.0.get_many(keys) {
            sum = sum.wrapping_add(P::of_view(value?.context("a stored key was not found")?.value()));
        }
        Ok(sum)
    }
}

impl<P: Pair, const TIMER: bool> Write<P> for Timed<P, TIMER> {
    #[inline(always)]
    fn insert(&mut self, key: P::Key, value: &P::Input) -> Result<()> {
        self.0.insert(key.borrowed(), value)?;
        Ok(())
    }

    #[inline(always)]
    fn remove(&mut self, key: P::Key) -> Result<bool> {
        Ok(self.0.remove(key.borrowed())?.is_some())
    }
}

impl<P: Pair, const TIMER: bool> Engine<P> for Timed<P, TIMER> {
    type Reader<'e> = Self;
    type Writer<'e> = Self;

    fn open(dir: &Path) -> Result<Self> {
        Ok(Timed(DiskDashMap::open_with(dir, options(TIMER))?))
    }

    #[inline(always)]
    fn read<R>(&self, work: impl FnOnce(&Self) -> Result<R>) -> Result<R> {
        work(self)
    }

    #[inline(always)]
    fn write<R>(&mut self, work: impl FnOnce(&mut Self) -> Result<R>) -> Result<R> {
        work(self)
    }

    fn sync(&mut self) -> Result<()> {
        Ok(self.0.checkpoint()?)
    }

    fn close(self) -> Result<()> {
        Ok(self.0.close()?)
    }
}

impl<P: Pair, const TIMER: bool> Shared<P> for Timed<P, TIMER> {
    fn create(dir: &Path) -> Result<Self> {
        Engine::open(dir)
    }

    #[inline(always)]
    fn get(&self, key: P::Key) -> Result<Option<u64>> {
        Read::get(self, key)
    }

    #[inline(always)]
    fn insert(&self, key: P::Key, value: &P::Input) -> Result<()> {
        self.0.insert(key.borrowed(), value)?;
        Ok(())
    }
}
