//! The whole map, while all writers are kept away: what the single-threaded map can do to it.
//!
//! Must not know who keeps them away. Invariant: what the handle does is done when it is dropped, and dropping it does not
//! close the map.

use std::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use super::{DiskHashMap, Engine, StableHasher, Writer};
use crate::{codec::DiskValue, map::Snapshot, store::ByteStore};

/// A handle on the whole map.
pub struct Whole<'e, K: ?Sized, V: ?Sized, BS: ByteStore, S> {
    map: ManuallyDrop<DiskHashMap<K, V, BS, S>>,
    /// Where its writer came from.
    writer: &'e mut Writer,
}

impl<K, V, BS, S> Engine<K, V, BS, S>
where
    K: ?Sized + DiskValue,
    V: ?Sized + DiskValue,
    BS: ByteStore,
    S: StableHasher,
{
    /// The whole map. `first` is the first writer.
    ///
    /// # Safety
    /// No other writer writes, and none has blocks open (`retire`). Views that the handle returned are gone before it is.
    pub unsafe fn whole<'e>(&'e self, first: &'e mut Writer) -> Whole<'e, K, V, BS, S> {
        let DiskHashMap { shared, keeper, path, recovery, assume_valid, .. } = &self.base;
        let writer = std::mem::replace(&mut first.0, shared.core.writer());
        let map = DiskHashMap {
            shared: Arc::clone(shared),
            writer,
            keeper: keeper.clone(),
            // Only a map that is open for writing has writers to be kept away.
            reading: None,
            path: path.clone(),
            recovery: *recovery,
            sync_on_drop: false,
            assume_valid: *assume_valid,
            types: PhantomData,
        };
        Whole { map: ManuallyDrop::new(map), writer: first }
    }

    /// The map as it is now, to be read while it is changed. Not in the middle of a change.
    pub fn snapshot(&self) -> Snapshot<K, V, BS, S> {
        let shared = &self.base.shared;
        shared.gates.closed(shared.core.signals(), || self.base.snapshot())
    }

    /// A read-only map has no writers: this is all of it.
    pub fn read_only(&self) -> Option<&DiskHashMap<K, V, BS, S>> {
        self.is_read_only().then_some(&self.base)
    }
}

impl<K: ?Sized, V: ?Sized, BS: ByteStore, S> Deref for Whole<'_, K, V, BS, S> {
    type Target = DiskHashMap<K, V, BS, S>;

    fn deref(&self) -> &Self::Target {
        &self.map
    }
}

impl<K: ?Sized, V: ?Sized, BS: ByteStore, S> DerefMut for Whole<'_, K, V, BS, S> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.map
    }
}

impl<K: ?Sized, V: ?Sized, BS: ByteStore, S> Drop for Whole<'_, K, V, BS, S> {
    fn drop(&mut self) {
        let map = &mut self.map;
        std::mem::swap(&mut self.writer.0, &mut map.writer);
        // Without it, dropping the map closes nothing.
        map.keeper = None;
        // SAFETY: dropped once, here, and not used afterwards.
        unsafe { ManuallyDrop::drop(map) };
    }
}
