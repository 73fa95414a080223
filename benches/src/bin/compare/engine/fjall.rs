//! fjall: a log-structured merge tree of byte strings.
//!
//! Must not know what is measured. Invariant: no transactions; each write is a call of its own, written to the journal before
//! it returns.

use std::{marker::PhantomData, path::Path};

use anyhow::Result;
use diskmap_benches::keys::Key;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::{About, Engine, Kind, Read, Shared, Write, cache};
use crate::pair::Pair;

pub(crate) const ABOUT: About = About {
    name: "fjall",
    package: "fjall",
    kind: Kind::Disk,
    setting: "default options (journal written to the system at each write, not synced; lz4), cache of 4 GiB; a killed process \
              loses nothing, a power cut what the system had not written",
    lacks: &[],
};

/// The keyspace.
pub(crate) struct Store<P> {
    database: Database,
    entries: Keyspace,
    pair: PhantomData<P>,
}

impl<P: Pair> Read<P> for Store<P> {
    #[inline(always)]
    fn get(&self, key: P::Key) -> Result<Option<u64>> {
        self.entries.get(key.bytes())?.map(|value| P::of_bytes(&value)).transpose()
    }

    fn iterate(&self, mut see: impl FnMut(u64) -> bool) -> Result<()> {
        for entry in self.entries.iter() {
            if !see(P::of_bytes(&entry.value()?)?) {
                break;
            }
        }
        Ok(())
    }

    fn scan(&self, key: P::Key, count: usize) -> Result<(usize, u64)> {
        let (mut met, mut sum) = (0, 0u64);
        for entry in self.entries.range(key.bytes()..).take(count) {
            sum = sum.wrapping_add(P::of_bytes(&entry.value()?)?);
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

    /// Looks first, since its own remove does not tell.
    #[inline(always)]
    fn remove(&mut self, key: P::Key) -> Result<bool> {
        let there = self.entries.contains_key(key.bytes())?;
        self.entries.remove(key.bytes())?;
        Ok(there)
    }
}

impl<P: Pair> Engine<P> for Store<P> {
    type Reader<'e> = Self;
    type Writer<'e> = Self;

    fn open(dir: &Path) -> Result<Self> {
        let database = Database::builder(dir).cache_size(cache()).open()?;
        let entries = database.keyspace("entries", KeyspaceCreateOptions::default)?;
        Ok(Store { database, entries, pair: PhantomData })
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
        Ok(self.database.persist(PersistMode::SyncAll)?)
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
        P::with_bytes(value, &mut Vec::new(), |bytes| Ok(self.entries.insert(key.bytes(), bytes)?))
    }
}
