//! candystore: append-only files of byte strings behind a mapped hash index.
//!
//! Must not know what is measured. Invariant: no transactions; each write is a call of its own.

use std::{marker::PhantomData, path::Path};

use anyhow::Result;
use candystore::{CandyStore, Config};
use diskmap_benches::keys::Key;

use super::{About, Engine, Kind, Read, Shared, Write};
use crate::pair::Pair;

pub(crate) const ABOUT: About = About {
    name: "candystore",
    package: "candystore",
    kind: Kind::Disk,
    setting: "default options: a checkpoint (synced) every 5 s or 128 KiB by a thread of its own; a killed process loses \
              nothing, a power cut what came after the checkpoint",
    lacks: &[("ycsb-E", "it has no iteration from a position")],
};

/// The store.
pub(crate) struct Store<P> {
    store: CandyStore,
    pair: PhantomData<P>,
}

impl<P: Pair> Read<P> for Store<P> {
    #[inline(always)]
    fn get(&self, key: P::Key) -> Result<Option<u64>> {
        self.store.get(key.bytes())?.map(|value| P::of_bytes(&value)).transpose()
    }

    fn iterate(&self, mut see: impl FnMut(u64) -> bool) -> Result<()> {
        for entry in self.store.iter_items() {
            if !see(P::of_bytes(&entry?.1)?) {
                break;
            }
        }
        Ok(())
    }
}

impl<P: Pair> Write<P> for Store<P> {
    #[inline(always)]
    fn insert(&mut self, key: P::Key, value: &P::Input) -> Result<()> {
        Shared::insert(self, key, value)
    }

    #[inline(always)]
    fn remove(&mut self, key: P::Key) -> Result<bool> {
        Ok(self.store.remove(key.bytes())?.is_some())
    }
}

impl<P: Pair> Engine<P> for Store<P> {
    type Reader<'e> = Self;
    type Writer<'e> = Self;

    fn open(dir: &Path) -> Result<Self> {
        Ok(Store { store: CandyStore::open(dir, Config::default())?, pair: PhantomData })
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
        Ok(self.store.flush()?)
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
            self.store.set(key.bytes(), bytes)?;
            Ok(())
        })
    }
}
