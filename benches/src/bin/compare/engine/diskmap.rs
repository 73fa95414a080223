//! diskmap for one thread: on disk, with and without automatic checkpoints, and in memory.
//!
//! Must not know what is measured. Invariant: all three are the same map with the same options but those they are named for.

use std::path::Path;

use anyhow::{Context, Result};
use diskmap::{ByteStore, DiskHashMap, MMapFile, MemHashMap, OpenOptions, VecStore};
use diskmap_benches::keys::Key;

use super::{About, Engine, Kind, Read, Write};
use crate::pair::Pair;

pub(crate) const TIMED: About = About {
    name: "diskmap",
    package: "diskmap",
    kind: Kind::Disk,
    setting: "default options: a checkpoint (synced) at the latest 30 s after a change, by a helper thread; a killed process \
              loses nothing, a power cut what came after the checkpoint",
    lacks: &[],
};

pub(crate) const UNTIMED: About = About {
    name: "diskmap-no-timer",
    setting: "no automatic checkpoints: synced at close; a killed process loses nothing, a power cut everything since the \
              map was opened",
    ..TIMED
};

pub(crate) const MEMORY: About = About {
    name: "diskmap-memory",
    kind: Kind::Memory,
    setting: "`MemHashMap`: the same map without files; gone with the process",
    ..TIMED
};

/// The map over any store.
pub(crate) struct Map<P: Pair, BS: ByteStore>(DiskHashMap<<P::Key as Key>::Codec, P::Codec, BS>);

/// On disk, with or without the timer.
pub(crate) struct OnDisk<P: Pair, const TIMER: bool>(Map<P, MMapFile>);

/// In memory.
pub(crate) struct InMemory<P: Pair>(Map<P, VecStore>);

/// How maps on disk are opened.
pub(crate) fn options(timer: bool) -> OpenOptions {
    let options = OpenOptions::new().create(true).sync_on_drop(false);
    if timer { options } else { options.auto_checkpoint(None) }
}

impl<P: Pair, BS: ByteStore> Read<P> for Map<P, BS> {
    #[inline(always)]
    fn get(&self, key: P::Key) -> Result<Option<u64>> {
        Ok(self.0.get(key.borrowed())?.map(P::of_view))
    }

    fn iterate(&self, mut see: impl FnMut(u64) -> bool) -> Result<()> {
        for value in self.0.values() {
            if !see(P::of_view(value?)) {
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
                let (_, value) = entry?;
                sum = sum.wrapping_add(P::of_view(value));
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
            sum = sum.wrapping_add(P::of_view(value?.context("a stored key was not found")?));
        }
        Ok(sum)
    }
}

impl<P: Pair, BS: ByteStore> Write<P> for Map<P, BS> {
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

impl<P: Pair, const TIMER: bool> Engine<P> for OnDisk<P, TIMER> {
    type Reader<'e> = Map<P, MMapFile>;
    type Writer<'e> = Map<P, MMapFile>;

    fn open(dir: &Path) -> Result<Self> {
        Ok(OnDisk(Map(options(TIMER).open(dir)?)))
    }

    #[inline(always)]
    fn read<R>(&self, work: impl FnOnce(&Map<P, MMapFile>) -> Result<R>) -> Result<R> {
        work(&self.0)
    }

    #[inline(always)]
    fn write<R>(&mut self, work: impl FnOnce(&mut Map<P, MMapFile>) -> Result<R>) -> Result<R> {
        work(&mut self.0)
    }

    fn sync(&mut self) -> Result<()> {
        Ok(self.0.0.checkpoint()?)
    }

    fn close(self) -> Result<()> {
        Ok(self.0.0.close()?)
    }
}

impl<P: Pair> Engine<P> for InMemory<P> {
    type Reader<'e> = Map<P, VecStore>;
    type Writer<'e> = Map<P, VecStore>;

    fn open(_: &Path) -> Result<Self> {
        Ok(InMemory(Map(MemHashMap::new())))
    }

    #[inline(always)]
    fn read<R>(&self, work: impl FnOnce(&Map<P, VecStore>) -> Result<R>) -> Result<R> {
        work(&self.0)
    }

    #[inline(always)]
    fn write<R>(&mut self, work: impl FnOnce(&mut Map<P, VecStore>) -> Result<R>) -> Result<R> {
        work(&mut self.0)
    }

    fn sync(&mut self) -> Result<()> {
        Ok(())
    }

    fn close(self) -> Result<()> {
        Ok(())
    }
}
