//! RocksDB (feature `rocksdb`): a log-structured merge tree of byte strings.
//!
//! Must not know what is measured. Invariant: no transactions; each write is a call of its own, in the log before it returns.

use std::{marker::PhantomData, path::Path};

use anyhow::Result;
use diskmap_benches::keys::Key;
use rocksdb::{BlockBasedOptions, Cache, DB, DBCompressionType, Direction, IteratorMode, Options};

use super::{About, Engine, Kind, Read, Write, cache};
use crate::pair::Pair;

pub(crate) const ABOUT: About = About {
    name: "rocksdb",
    package: "rocksdb",
    kind: Kind::Disk,
    setting: "default options (log written to the system at each write, not synced), bloom filters of 10 bits, block cache of \
              4 GiB, no compression; a killed process loses nothing, a power cut what the system had not written",
    lacks: &[],
};

/// The database.
pub(crate) struct Store<P> {
    database: DB,
    buffer: Vec<u8>,
    pair: PhantomData<P>,
}

impl<P: Pair> Read<P> for Store<P> {
    #[inline(always)]
    fn get(&self, key: P::Key) -> Result<Option<u64>> {
        self.database.get_pinned(key.bytes())?.map(|value| P::of_bytes(&value)).transpose()
    }

    fn iterate(&self, mut see: impl FnMut(u64) -> bool) -> Result<()> {
        for entry in self.database.iterator(IteratorMode::Start) {
            if !see(P::of_bytes(&entry?.1)?) {
                break;
            }
        }
        Ok(())
    }

    fn scan(&self, key: P::Key, count: usize) -> Result<(usize, u64)> {
        let (mut met, mut sum) = (0, 0u64);
        for entry in self.database.iterator(IteratorMode::From(key.bytes(), Direction::Forward)).take(count) {
            sum = sum.wrapping_add(P::of_bytes(&entry?.1)?);
            met += 1;
        }
        Ok((met, sum))
    }
}

impl<P: Pair> Write<P> for Store<P> {
    #[inline(always)]
    fn insert(&mut self, key: P::Key, value: &P::Input) -> Result<()> {
        let Store { database, buffer, .. } = self;
        P::with_bytes(value, buffer, |bytes| Ok(database.put(key.bytes(), bytes)?))
    }

    /// Looks first, since its own remove does not tell.
    #[inline(always)]
    fn remove(&mut self, key: P::Key) -> Result<bool> {
        let there = self.database.get_pinned(key.bytes())?.is_some();
        self.database.delete(key.bytes())?;
        Ok(there)
    }
}

impl<P: Pair> Engine<P> for Store<P> {
    type Reader<'e> = Self;
    type Writer<'e> = Self;

    fn open(dir: &Path) -> Result<Self> {
        let mut blocks = BlockBasedOptions::default();
        blocks.set_bloom_filter(10.0, false);
        blocks.set_block_cache(&Cache::new_lru_cache(cache() as usize));
        let mut options = Options::default();
        options.create_if_missing(true);
        options.set_compression_type(DBCompressionType::None);
        options.set_block_based_table_factory(&blocks);
        Ok(Store { database: DB::open(&options, dir)?, buffer: Vec::new(), pair: PhantomData })
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
        Ok(self.database.flush_wal(true)?)
    }

    fn close(mut self) -> Result<()> {
        Engine::<P>::sync(&mut self)
    }
}
