//! sled: a log-structured tree of byte strings.
//!
//! Must not know what is measured. Invariant: no transactions; each write is a call of its own.

use std::{marker::PhantomData, path::Path};

use anyhow::Result;
use diskmap_benches::keys::Key;
use sled::{Config, Db, Mode};

use super::{About, Engine, Kind, Read, Shared, Write, cache};
use crate::pair::Pair;

pub(crate) const ABOUT: About = About {
    name: "sled",
    package: "sled",
    kind: Kind::Disk,
    setting: "`HighThroughput`, cache of 4 GiB, flushed every 500 ms by a thread of its own, its default (on Linux by \
              `sync_file_range`, which leaves the disk's own cache alone); a killed process and a power cut lose what was not \
              flushed",
    lacks: &[],
};

/// The tree.
pub(crate) struct Store<P> {
    tree: Db,
    pair: PhantomData<P>,
}

impl<P: Pair> Read<P> for Store<P> {
    #[inline(always)]
    fn get(&self, key: P::Key) -> Result<Option<u64>> {
        self.tree.get(key.bytes())?.map(|value| P::of_bytes(&value)).transpose()
    }

    fn iterate(&self, mut see: impl FnMut(u64) -> bool) -> Result<()> {
        for entry in self.tree.iter() {
            if !see(P::of_bytes(&entry?.1)?) {
                break;
            }
        }
        Ok(())
    }

    fn scan(&self, key: P::Key, count: usize) -> Result<(usize, u64)> {
        let (mut met, mut sum) = (0, 0u64);
        for entry in self.tree.range(key.bytes()..).take(count) {
            sum = sum.wrapping_add(P::of_bytes(&entry?.1)?);
            met += 1;
        }
        Ok((met, sum))
    }
}

impl<P: Pair> Write<P> for Store<P> {
    #[inline(always)]
    fn insert(&mut self, key: P::Key, value: &P::Input) -> Result<()> {
        Shared::insert(self, key, value)
    }

    #[inline(always)]
    fn remove(&mut self, key: P::Key) -> Result<bool> {
        Ok(self.tree.remove(key.bytes())?.is_some())
    }
}

impl<P: Pair> Engine<P> for Store<P> {
    type Reader<'e> = Self;
    type Writer<'e> = Self;

    fn open(dir: &Path) -> Result<Self> {
        let config = Config::new().path(dir).mode(Mode::HighThroughput).cache_capacity(cache());
        Ok(Store { tree: config.open()?, pair: PhantomData })
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
        self.tree.flush()?;
        Ok(())
    }

    fn close(mut self) -> Result<()> {
        Engine::<P>::sync(&mut self)
    }
}

impl<P: Pair> Shared<P> for Store<P> {
    fn create(dir: &Path) -> Result<Self> {
        Engine::open(dir)
    }

    #[inline(always)]
    fn get(&self, key: P::Key) -> Result<Option<u64>> {
        Read::get(self, key)
    }

    #[inline(always)]
    fn insert(&self, key: P::Key, value: &P::Input) -> Result<()> {
        P::with_bytes(value, &mut Vec::new(), |bytes| {
            self.tree.insert(key.bytes(), bytes)?;
            Ok(())
        })
    }
}
