//! Maps in memory: growing ([`VecStore`]), or in memory the caller provides ([`SliceStore`]).
//!
//! Must not know how entries are stored. Invariant: caller-provided memory holds everything about its map, at offsets from
//! its first multiple of 64 bytes, so that it can be moved, saved and loaded again.

use std::{marker::PhantomData, sync::Arc};

use rustc_hash::FxBuildHasher;

use super::{DiskHashMap, Recovery, identity, size::record_bytes, typed::Typed};
use crate::{
    checkpoint::Shared,
    codec::{DiskKey, DiskValue},
    disk::{INTENTS, new_uuid, parse_map},
    error::{Error, Result},
    format::{manifest::Manifest, map_file::MapFile},
    gate::Gates,
    hash::StableHasher,
    heap::class::BLOCK_SHIFT,
    memory::{self, Head, Plan},
    raw::{Core, Files, Root},
    store::{ByteStore, SliceStore, VecStore},
    table::Scheme,
};

/// In memory, with the default hasher.
impl<K: ?Sized, V: ?Sized> DiskHashMap<K, V, VecStore, FxBuildHasher> {
    /// An empty map in memory.
    ///
    /// # Panics
    /// If the operating system has no memory or no address space left.
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<str, u64>::new();
    /// map.insert("a", &1)?;
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn new() -> Self
    where
        K: DiskKey,
        V: DiskValue,
    {
        match Self::new_with_hasher(FxBuildHasher) {
            Ok(map) => map,
            Err(error) => panic!("no memory for an empty map: {error}"),
        }
    }
}

/// In memory, with any hasher.
impl<K: ?Sized, V: ?Sized, S> DiskHashMap<K, V, VecStore, S> {
    /// An empty map in memory, with a hasher.
    ///
    /// # Errors
    /// `OutOfSpace` if the operating system has no memory or no address space left.
    ///
    /// ```
    /// # use diskmap::{MemHashMap, SipBuildHasher};
    /// let map = MemHashMap::<str, u64, _>::new_with_hasher(SipBuildHasher::new())?;
    /// assert!(map.is_empty());
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn new_with_hasher(hasher: S) -> Result<Self>
    where
        K: DiskKey,
        V: DiskValue,
        S: StableHasher,
    {
        let heap = Typed::<K, V, S>::LAYOUT.has_heap().then(|| (VecStore::new(), VecStore::new()));
        let files = Files {
            index: VecStore::new(),
            segments: VecStore::new(),
            heap,
            block_shift: BLOCK_SHIFT,
            intents: INTENTS,
        };
        Ok(Self::in_memory(Core::create(Typed::new(hasher), files, Arc::default(), 0)?))
    }
}

/// In memory the caller provides. Such a map never grows: where it would, it is [`Error::Full`].
impl<'a, K: ?Sized, V: ?Sized> DiskHashMap<K, V, SliceStore<'a>, FxBuildHasher> {
    /// Makes an empty map in `memory`, whatever was in it.
    ///
    /// # Errors
    /// `InvalidInput` if the memory is too short for an empty map.
    ///
    /// ```
    /// # use diskmap::{DiskHashMap, Error, SliceStore};
    /// let bytes = DiskHashMap::<u64, u64, SliceStore>::required_bytes(100, 0, 0);
    /// let mut memory = vec![0; bytes];
    /// let mut map: DiskHashMap<u64, u64, _> = DiskHashMap::new_in_slice(&mut memory)?;
    /// for i in 0..100 { map.insert(&i, &i)?; }
    /// drop(map);
    /// let map: DiskHashMap<u64, u64, _> = DiskHashMap::load_from_slice(&mut memory)?;
    /// assert_eq!(map.len(), 100);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn new_in_slice(memory: &'a mut [u8]) -> Result<Self>
    where
        K: DiskKey,
        V: DiskValue,
    {
        Self::new_in_slice_with_hasher(memory, FxBuildHasher)
    }

    /// Opens the map in `memory`. The memory may lie elsewhere than when the map was made.
    ///
    /// # Errors
    /// `InvalidInput` if there is no map in it; `SchemaMismatch`, `HasherMismatch`, `UnsupportedFormat`, `Corrupt`.
    pub fn load_from_slice(memory: &'a mut [u8]) -> Result<Self>
    where
        K: DiskKey,
        V: DiskValue,
    {
        Self::load_from_slice_with_hasher(memory, FxBuildHasher)
    }

    /// Bytes of memory in which a new map has room for `entries` entries with so many bytes of variable-length keys and
    /// values in all, if they are of similar lengths.
    ///
    /// ```
    /// # use diskmap::{DiskHashMap, SliceStore};
    /// let bytes = DiskHashMap::<str, u64, SliceStore>::required_bytes(100, 1_000, 0);
    /// assert!(bytes <= 16 << 10);
    /// ```
    pub fn required_bytes(entries: u64, key_bytes: u64, value_bytes: u64) -> usize
    where
        K: DiskKey,
        V: DiskValue,
    {
        let layout = &Typed::<K, V, FxBuildHasher>::LAYOUT;
        let records = record_bytes(layout, entries.max(1), key_bytes, value_bytes);
        // All identities are of the same length.
        let map = identity::describe::<K, V, _>([0; 16], &FxBuildHasher, BLOCK_SHIFT, 1);
        memory::required(layout, map.encode().len(), entries, records)
    }
}

impl<'a, K: ?Sized, V: ?Sized, S> DiskHashMap<K, V, SliceStore<'a>, S> {
    /// [`new_in_slice`](DiskHashMap::new_in_slice) with a hasher.
    ///
    /// # Errors
    /// As `new_in_slice`.
    pub fn new_in_slice_with_hasher(memory: &'a mut [u8], hasher: S) -> Result<Self>
    where
        K: DiskKey,
        V: DiskValue,
        S: StableHasher,
    {
        let layout = &Typed::<K, V, S>::LAYOUT;
        let memory = memory::aligned(memory);
        let mut map = identity::describe::<K, V, S>(new_uuid()?, &hasher, BLOCK_SHIFT, 1);
        let plan = Plan::new(layout, memory.len(), map.encode().len())?;
        map.block_shift = plan.block_shift;
        memory::write_head(memory, &plan, &map.encode());
        let files = regions(memory, &plan, false)?;
        let core = Core::create(Typed::new(hasher), files, Arc::default(), plan.buckets)?;
        let mut writer = core.writer();
        core.presplit(&mut writer, plan.entries)?;
        Ok(Self::in_memory(core))
    }

    /// [`load_from_slice`](DiskHashMap::load_from_slice) with a hasher.
    ///
    /// # Errors
    /// As `load_from_slice`.
    pub fn load_from_slice_with_hasher(memory: &'a mut [u8], hasher: S) -> Result<Self>
    where
        K: DiskKey,
        V: DiskValue,
        S: StableHasher,
    {
        let memory = memory::realigned(memory)?;
        let Head { plan, text } = memory::read_head(memory)?;
        let map: MapFile = parse_map(&text)?;
        let hasher = identity::check::<K, V, S>(&map, hasher)?;
        if map.intents != 1 || map.block_shift != plan.block_shift {
            return Err(Error::corrupt(crate::disk::MAP, 0, "it is not that of a map in memory"));
        }
        let files = regions(memory, &plan, true)?;
        let manifest = Manifest::empty(map.uuid);
        let core = Core::open(Typed::new(hasher), files, Arc::default(), manifest, Root::Live)?;
        core.len();
        Ok(Self::in_memory(core))
    }
}

impl<K: ?Sized, V: ?Sized, BS: ByteStore, S> DiskHashMap<K, V, BS, S> {
    fn in_memory(core: Core<BS, Typed<K, V, S>>) -> Self {
        DiskHashMap {
            writer: core.writer(),
            shared: Arc::new(Shared { gates: Gates::new(true, core.signals()), core }),
            keeper: None,
            reading: None,
            path: None,
            recovery: Recovery::Created,
            sync_on_drop: false,
            assume_valid: false,
            types: PhantomData,
        }
    }
}

/// Cuts memory into the stores of a map. Fresh ones are zeroed.
fn regions<'a>(memory: &'a mut [u8], plan: &Plan, keep: bool) -> Result<Files<SliceStore<'a>>> {
    let whole = memory.len() as u64;
    let mut rest = memory.get_mut(plan.head..).unwrap_or_default();
    let mut cut = |len: usize| {
        let (region, after) = std::mem::take(&mut rest).split_at_mut_checked(len).ok_or_else(memory::too_short)?;
        rest = after;
        let store = SliceStore::new(region, if keep { len as u64 } else { 0 })?.part_of(whole);
        store.grow(len as u64, len as u64)?;
        Ok::<_, Error>(store)
    };
    let segments = cut(plan.segments)?;
    let index = cut(plan.index)?;
    let heap = if plan.heap > 0 { Some((cut(plan.heap)?, cut(plan.blocks)?)) } else { None };
    Ok(Files { index, segments, heap, block_shift: plan.block_shift, intents: 1 })
}
