//! The engine as `diskmap-concurrent` uses it: the reader's and the writer's half of a map, for many threads.
//!
//! Not for anybody else: no promise of compatibility covers it. Must not know threads, locks or epochs; what it needs of them
//! is said at each `unsafe fn`. Invariant: each key has one writer, and every cell that is freed is reclaimed only when no
//! reader can know of it.

#![allow(unsafe_code, reason = "the halves are sound together only, as their caller keeps them")]

mod copied;
mod half;
mod stored;
mod whole;

use std::{fmt, path::Path};

pub use self::{
    copied::{Entries, Image},
    half::{Gap, Place, Spot, Turn},
    stored::Stored,
    whole::Whole,
};
use super::{
    DiskHashMap, Stats,
    typed::{KEY_BUFFER, Typed, checked_key, inline_key, view},
    write::enter,
};
use crate::{
    codec::{DiskValue, Encode, Schema},
    error::{Checked, Error, Result},
    hash::{self, StableHasher},
    heap,
    raw::{self, Glance},
    store::ByteStore,
    table::{Layout, Scheme, Segment, segment::Slot},
};

/// A map that several threads share.
pub struct Engine<K: ?Sized, V: ?Sized, BS: ByteStore, S> {
    /// Its writer writes nothing while the map is shared.
    base: DiskHashMap<K, V, BS, S>,
}

/// What one writer owns.
pub struct Writer(raw::Writer);

/// Cells that a writer has freed.
pub struct Freed(heap::Freed);

/// The hash of a key.
#[derive(Clone, Copy)]
pub struct Hashed(hash::Hashed);

/// Writers at most: a power of two.
pub const MAX_WRITERS: u32 = raw::MAX_WRITERS;

impl Writer {
    /// Cells it has freed since [`Writer::take_freed`], and their bytes.
    #[inline]
    pub fn freed(&mut self) -> (usize, u64) {
        let freed = self.0.freed();
        (freed.cells(), freed.bytes())
    }

    /// Gives these cells to whoever knows the readers; `None` if there are none.
    pub fn take_freed(&mut self) -> Option<Freed> {
        let freed = self.0.freed();
        (!freed.is_empty()).then(|| Freed(std::mem::take(freed)))
    }
}

impl Hashed {
    /// What decides about the key's segment: a range of these is a writer's.
    #[inline(always)]
    pub fn position(self) -> u64 {
        self.0.position()
    }
}

impl<K: ?Sized, V: ?Sized, BS: ByteStore, S> Engine<K, V, BS, S> {
    /// A map that one thread has yet.
    pub fn new(base: DiskHashMap<K, V, BS, S>) -> Self {
        Engine { base }
    }

    /// Number of entries. Takes no lock.
    #[inline]
    pub fn count(&self) -> u64 {
        self.base.len()
    }

    /// The map's directory.
    pub fn path(&self) -> Option<&Path> {
        self.base.path()
    }

    /// Whether the map was opened read-only.
    pub fn is_read_only(&self) -> bool {
        self.base.reading.is_some()
    }

    /// Changes with every checkpoint and snapshot; what was found before must then be found again before it is written to.
    #[inline(always)]
    pub fn generation(&self) -> u64 {
        self.base.shared.core.generation()
    }

    /// Whether a writer is in the middle of a change. To others than the writer it may be over already.
    pub fn is_changing(&self, number: usize) -> bool {
        self.base.shared.gates.is_inside(number as u32)
    }

    /// Makes everything stored so far survive a power cut. Not in the middle of a change.
    pub fn checkpoint(&self) -> Result<()> {
        self.base.make_checkpoint()
    }

    /// A checkpoint for another thread to make.
    #[cfg(test)]
    pub(crate) fn beside(&self) -> Option<impl FnOnce() -> Result<()> + Send + 'static> {
        self.base.beside()
    }

    /// No reader can know of these cells any more.
    ///
    /// # Safety
    /// No reader that began before they were taken from their writer still reads.
    pub unsafe fn reclaim(&self, freed: &Freed) {
        self.base.shared.core.reclaim(&freed.0);
    }

    /// The map, again for one thread.
    ///
    /// # Safety
    /// There are no readers left, nor what they returned.
    pub unsafe fn unshare(mut self, writers: impl IntoIterator<Item = Writer>) -> DiskHashMap<K, V, BS, S> {
        writers.into_iter().for_each(|mut writer| self.retire(&mut writer));
        let core = &self.base.shared.core;
        core.unshare();
        self.base.writer = core.writer();
        self.base
    }

    /// Gives back the blocks a writer has open.
    pub fn retire(&self, writer: &mut Writer) {
        self.base.shared.core.retire_writer(&mut writer.0);
    }
}

impl<K, V, BS, S> Engine<K, V, BS, S>
where
    K: ?Sized + DiskValue,
    V: ?Sized + DiskValue,
    BS: ByteStore,
    S: StableHasher,
{
    const LAYOUT: Layout = Typed::<K, V, S>::LAYOUT;
    /// Whether reading an entry follows a reference.
    pub const HAS_RECORDS: bool = Self::LAYOUT.has_heap();
    /// Whether looking a key up follows a reference.
    pub const KEY_IN_RECORD: bool = Self::LAYOUT.key_size().is_none();
    /// Whether a value lies in a record.
    pub const VALUE_IN_RECORD: bool = Self::LAYOUT.value_size().is_none();

    /// Begins to share the map: writers for the `2^depth` ranges of positions with the same first bits.
    ///
    /// # Errors
    /// `OutOfSpace`, `Full`, `Corrupt`: segments are split until none spans two ranges.
    pub fn share(&mut self, depth: u32) -> Result<Vec<Writer>> {
        let DiskHashMap { shared, writer, keeper, reading, .. } = &mut self.base;
        let core = &shared.core;
        if reading.is_none() {
            let _pass = enter(shared, keeper)?;
            core.share(writer, depth)?;
            core.retire_writer(writer);
        }
        shared.gates.extend(1 << depth, core.signals());
        Ok(core.writers(1 << depth).into_iter().map(Writer).collect())
    }

    /// Calls `work` with a key's hash and bytes.
    ///
    /// # Errors
    /// `Encode`.
    #[inline(always)]
    pub fn with_key<Q: ?Sized, R>(&self, key: &Q, work: impl FnOnce(Hashed, &[u8]) -> R) -> Result<R>
    where
        K: Encode<Q>,
    {
        let scheme = self.base.shared.core.scheme();
        let mut buffer = KEY_BUFFER;
        match inline_key::<K, Q>(key, &mut buffer) {
            Some(bytes) => {
                let bytes = bytes?;
                Ok(work(Hashed(scheme.hash_key(bytes)), bytes))
            }
            None => K::with_bytes(key, |bytes| {
                let bytes = checked_key::<K>(bytes)?;
                Ok(work(Hashed(scheme.hash_key(bytes)), bytes))
            })?,
        }
    }

    /// A copy of a key's value of fixed size, while others write.
    ///
    /// # Errors
    /// `Corrupt`; `Encode`.
    ///
    /// # Safety
    /// If an entry has a record: cells that are freed during the call are not reclaimed before it returns.
    #[inline(always)]
    pub unsafe fn get_fixed<Q: ?Sized>(&self, key: &Q) -> Result<Option<V::View<'static>>>
    where
        K: Encode<Q>,
    {
        const { assert!(V::SHAPE.fixed_size().is_some(), "only the view of a type of fixed size is a copy of its own") };
        // SAFETY: as the caller says; the view of a fixed codec owns its bytes.
        unsafe { self.get(key, |bytes| view::<V>(bytes, self.base.assume_valid)) }
    }

    /// A key's value while others write, accepted by its codec.
    ///
    /// # Errors
    /// `Corrupt`; `Encode`.
    ///
    /// # Safety
    /// If an entry has a record: cells that are freed since the call began are not reclaimed while the result is looked at.
    #[inline(always)]
    pub unsafe fn get_stored<Q: ?Sized>(&self, key: &Q) -> Result<Option<Stored>>
    where
        K: Encode<Q>,
    {
        // Put beside, so that what is handed through the lookup stays small.
        let mut stored = Stored::NOTHING;
        let keep = |bytes: &[u8]| {
            // SAFETY: as the caller says.
            stored = unsafe { self.accepted::<V>(bytes, Self::VALUE_IN_RECORD) }?;
            Ok(())
        };
        // SAFETY: as the caller says.
        Ok(unsafe { self.get(key, keep) }?.map(|()| stored))
    }

    /// What `make` makes of the bytes of a key's value. There is no closure around the lookup, as in `DiskHashMap::get`.
    #[inline(always)]
    unsafe fn get<Q: ?Sized, R>(&self, key: &Q, make: impl FnOnce(&[u8]) -> Checked<R>) -> Result<Option<R>>
    where
        K: Encode<Q>,
    {
        let mut buffer = KEY_BUFFER;
        match inline_key::<K, Q>(key, &mut buffer) {
            // SAFETY: as the caller says.
            Some(Ok(bytes)) => unsafe { self.get_bytes(bytes, make) },
            Some(Err(fault)) => Err(fault.into()),
            // SAFETY: as the caller says.
            None => K::with_bytes(key, |bytes| unsafe { self.get_bytes(checked_key::<K>(bytes)?, make) })?,
        }
    }

    #[inline(always)]
    unsafe fn get_bytes<R>(&self, key: &[u8], make: impl FnOnce(&[u8]) -> Checked<R>) -> Result<Option<R>> {
        let core = &self.base.shared.core;
        let hashed = core.scheme().hash_key(key);
        let take = |segment: Segment<_>, slot| segment.value_image(slot);
        // SAFETY: as the caller says.
        let image = match unsafe { core.read_plainly(hashed, key, take) } {
            Glance::Found(image) => image,
            Glance::Absent => return Ok(None),
            // SAFETY: as the caller says.
            Glance::Unsure => match unsafe { core.read_again(hashed, key, take) }? {
                Some(image) => image,
                None => return Ok(None),
            },
        };
        // SAFETY: as the caller says.
        Ok(Some(make(unsafe { core.value_of(&image) }?)?))
    }

    /// Bytes of a key or a value, to hold, if the codec accepts them.
    #[inline(always)]
    unsafe fn accepted<T: ?Sized + DiskValue>(&self, bytes: &[u8], in_record: bool) -> Checked<Stored> {
        // SAFETY: the view is gone at once.
        unsafe { view::<T>(bytes, self.base.assume_valid) }?;
        Ok(Stored::new(bytes, in_record))
    }

    /// Whether a key is there, while others write.
    ///
    /// # Errors
    /// `Corrupt`.
    ///
    /// # Safety
    /// If keys lie in records: cells that are freed during the call are not reclaimed before it returns.
    #[inline(always)]
    pub unsafe fn has(&self, hashed: Hashed, key: &[u8]) -> Result<bool> {
        let core = &self.base.shared.core;
        // SAFETY: as the caller says.
        Ok(unsafe { core.read(hashed.0, key, |_, _: Slot| ()) }?.is_some())
    }

    /// Asks for what a reader of a key reads first.
    #[inline(always)]
    pub fn prefetch_view(&self, hashed: Hashed) {
        self.base.shared.core.prefetch_view(hashed.0);
    }

    /// Asks for what a writer of a key reads first.
    #[inline(always)]
    pub fn prefetch(&self, hashed: Hashed) {
        self.base.shared.core.prefetch(hashed.0);
    }

    /// The hash of a key's bytes.
    pub fn hash(&self, key: &[u8]) -> Hashed {
        Hashed(self.base.shared.core.scheme().hash_key(key))
    }

    /// Figures about the map.
    pub fn stats(&self) -> Stats {
        self.base.stats()
    }

    /// Bytes of index, segments and heap.
    pub fn file_size(&self) -> u64 {
        self.base.file_size()
    }

    /// The schemas of keys and values.
    pub fn schema(&self) -> (Schema, Schema) {
        self.base.schema()
    }
}

impl<K: ?Sized, V: ?Sized, BS: ByteStore, S> fmt::Debug for Engine<K, V, BS, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("entries", &self.count()).finish_non_exhaustive()
    }
}
