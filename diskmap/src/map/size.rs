//! How much is in a map, how much fits, and making it larger or smaller.
//!
//! Must not know how entries are stored. Invariant: none of this changes an entry.

use super::{DiskHashMap, typed::Typed, write::enter};
use crate::{
    codec::DiskValue,
    error::Result,
    hash::StableHasher,
    store::ByteStore,
    table::{Layout, Scheme},
};

/// How a map on disk was found when it was opened.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// It was created, or is in memory.
    Created,
    /// It had been closed.
    Closed,
    /// It had not been closed, but only its process had ended: everything is there.
    Resumed,
    /// It had not been closed before the machine went down (or the directory was copied): it is as at its last checkpoint.
    RolledBack,
}

/// Figures about a map: what [`DiskHashMap::stats`] returns.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Stats {
    /// Number of entries.
    pub entries: u64,
    /// Slots for entries in the index.
    pub slots: u64,
    /// Segments of the index that hold the map.
    pub segments: u64,
    /// Bytes of these segments.
    pub index_bytes: u64,
    /// Bytes of the heap's blocks that hold anything, be it only for a checkpoint or a snapshot; 0 if keys and values are of
    /// fixed size.
    pub heap_bytes: u64,
    /// Bytes of the index and the heap that the map no longer needs but keeps until the next checkpoint is durable. What a
    /// snapshot refers to is not among them.
    pub kept_bytes: u64,
    /// Bytes of the index and the heap that the map no longer needs but keeps for [snapshots](crate::Snapshot), until these
    /// are dropped.
    pub snapshot_bytes: u64,
    /// [`DiskHashMap::file_size`] in bytes: index, segments and heap, free space included.
    pub file_bytes: u64,
    /// How the map was found when it was opened.
    pub recovery: Recovery,
}

/// Size.
impl<K: ?Sized, V: ?Sized, BS: ByteStore, S> DiskHashMap<K, V, BS, S> {
    /// Number of entries. Constant time, but for the first change or call of this after the process that had the map open was
    /// killed, which counts: some milliseconds for ten million entries.
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<u64, u64>::new();
    /// map.insert(&1, &1)?;
    /// assert_eq!(map.len(), 1);
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    #[inline]
    pub fn len(&self) -> u64 {
        self.shared.core.len()
    }

    /// Whether there are no entries. As [`len`](DiskHashMap::len).
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> DiskHashMap<K, V, BS, S> {
    /// Entries that are expected to fit before the map next grows. Linear in the number of segments (one for some thousand
    /// entries).
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<u64, u64>::new();
    /// map.reserve(10_000)?;
    /// assert!(map.capacity() >= 10_000);
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn capacity(&self) -> u64 {
        self.shared.core.capacity()
    }

    /// Entries per slot, from 0 to 1.
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<u64, u64>::new();
    /// for i in 0..10_000 { map.insert(&i, &i)?; }
    /// assert!((0.4..0.9).contains(&map.load_factor()));
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn load_factor(&self) -> f64 {
        let stats = self.stats();
        stats.entries as f64 / stats.slots.max(1) as f64
    }

    /// Makes room for `additional` more entries. Linear in the number of entries it has to move.
    ///
    /// # Errors
    /// `OutOfSpace`, `Full`, `ReadOnly`, `Poisoned`, `Corrupt`.
    pub fn reserve(&mut self, additional: u64) -> Result<()> {
        let DiskHashMap { shared, writer, keeper, .. } = self;
        let _pass = enter(shared, keeper)?;
        shared.core.presplit(writer, shared.core.len().saturating_add(additional))
    }

    /// Bytes of the map's index, segments and heap (in files or in memory), free space included. The files that describe a
    /// map and its last checkpoint are left out; they take some kilobytes for each million of entries.
    pub fn file_size(&self) -> u64 {
        self.shared.core.file_size()
    }

    /// Figures about the map. Linear in the number of segments and heap blocks.
    ///
    /// ```
    /// # use diskmap::{MemHashMap, Recovery};
    /// let map = MemHashMap::<u64, u64>::new();
    /// let stats = map.stats();
    /// assert_eq!((stats.entries, stats.recovery), (0, Recovery::Created));
    /// assert!(stats.slots >= 64);
    /// ```
    pub fn stats(&self) -> Stats {
        let core = &self.shared.core;
        let layout = &Typed::<K, V, S>::LAYOUT;
        let usage = core.usage();
        Stats {
            entries: core.len(),
            slots: core.slots(),
            segments: usage.segments,
            index_bytes: usage.segments * layout.segment_bytes() as u64,
            heap_bytes: usage.heap_bytes,
            kept_bytes: usage.kept_bytes,
            snapshot_bytes: usage.held_bytes,
            file_bytes: core.file_size(),
            recovery: self.recovery,
        }
    }
}

/// Bytes of heap for so many entries, bytes of keys and bytes of values: each record has a head, and cells are up to an
/// eighth longer than what is in them.
pub(super) fn record_bytes(layout: &Layout, entries: u64, key_bytes: u64, value_bytes: u64) -> u64 {
    if !layout.has_heap() || entries == 0 {
        return 0;
    }
    let keys = if layout.key_size().is_none() { key_bytes } else { 0 };
    let values = if layout.value_size().is_none() { value_bytes } else { 0 };
    let content = keys.saturating_add(values);
    let head = if layout.key_size().is_none() && layout.value_size().is_none() { 16 } else { 12 };
    entries.saturating_mul(head).saturating_add(content).saturating_add(content / 8)
}
