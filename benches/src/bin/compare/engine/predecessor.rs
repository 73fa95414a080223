//! opendiskmap, the predecessor: mapped files, no checkpoints.
//!
//! Must not know what is measured. Invariant: keys are hashed and compared as its own codecs do it; values are byte strings.

use std::{error::Error, marker::PhantomData, path::Path};

use anyhow::{Result, anyhow, bail};
use diskmap_benches::keys::Key;
use opendiskmap::{Bytes, BytesEncode, DiskHashMap, MMapFile, Native, types::CowBytes};
use rustc_hash::FxBuildHasher;

use super::{About, Engine, Kind, Read, Write};
use crate::pair::Pair;

const LOST: &str =
    "a map that has grown cannot be opened again: its index then lies in a file that `load_from` does not look for";

pub(crate) const ABOUT: About = About {
    name: "opendiskmap",
    package: "opendiskmap",
    kind: Kind::Disk,
    setting: "with Fx, its only mode: mapped files, synced when one grows and when the map is dropped; a power cut may leave \
              anything",
    lacks: &[
        ("remove", "it has no remove"),
        ("iterate", "it has no iteration"),
        ("ycsb-E", "it has no iteration"),
        ("reopen", LOST),
        ("reopen-killed", LOST),
    ],
};

/// The map.
pub(crate) struct Map<P: Pair> {
    map: DiskHashMap<KeyCodec<P::Key>, Bytes, MMapFile, FxBuildHasher>,
    buffer: Vec<u8>,
}

/// Keys of this program as bytes.
pub(crate) struct KeyCodec<Q>(PhantomData<Q>);

impl<'a, Q: Key> BytesEncode<'a> for KeyCodec<Q> {
    type EItem = Q;

    #[inline(always)]
    fn bytes_encode(key: &'a Q) -> Result<CowBytes<'a>, Box<dyn Error + Sync + Send>> {
        Ok(CowBytes::Borrowed(key.bytes()))
    }

    #[inline(always)]
    fn eq_alt(one: &[u8], other: &[u8]) -> bool {
        if Q::OUTSIDE == 0 { Native::<u64>::eq_alt(one, other) } else { one == other }
    }

    #[inline(always)]
    fn hash_alt<S: std::hash::BuildHasher>(bytes: &[u8], hasher: &S) -> u64 {
        if Q::OUTSIDE == 0 { Native::<u64>::hash_alt(bytes, hasher) } else { hasher.hash_one(bytes) }
    }
}

impl<P: Pair> Read<P> for Map<P> {
    #[inline(always)]
    fn get(&self, key: P::Key) -> Result<Option<u64>> {
        self.map.get(&key).map_err(|error| anyhow!(error))?.map(P::of_bytes).transpose()
    }

    fn iterate(&self, _: impl FnMut(u64) -> bool) -> Result<()> {
        bail!("no iteration")
    }
}

impl<P: Pair> Write<P> for Map<P> {
    #[inline(always)]
    fn insert(&mut self, key: P::Key, value: &P::Input) -> Result<()> {
        let Map { map, buffer } = self;
        P::with_bytes(value, buffer, |bytes| match map.insert(&key, bytes) {
            Ok(_) => Ok(()),
            Err(error) => Err(anyhow!(error)),
        })
    }

    fn remove(&mut self, _: P::Key) -> Result<bool> {
        bail!("no remove")
    }
}

impl<P: Pair> Engine<P> for Map<P> {
    type Reader<'e> = Self;
    type Writer<'e> = Self;

    fn open(dir: &Path) -> Result<Self> {
        let there = dir.read_dir().is_ok_and(|mut files| files.next().is_some());
        std::fs::create_dir_all(dir)?;
        let map = if there { DiskHashMap::load_from(dir)? } else { DiskHashMap::new_in(dir)? };
        Ok(Map { map, buffer: Vec::new() })
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
        bail!("no sync")
    }

    fn close(self) -> Result<()> {
        Ok(())
    }
}
