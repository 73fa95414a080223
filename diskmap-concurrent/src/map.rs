//! The map: its handle and what all handles share.
//!
//! Invariant: while there is a handle the map is shared; with the last one it is given back to one thread, and closed.

#![allow(unsafe_code, reason = "gives the map back when nobody else has it")]

use std::{fmt, mem::ManuallyDrop, path::Path, sync::Arc};

use diskmap::{
    ByteStore, DiskHashMap, DiskValue, MMapFile, Result, Schema, StableHasher, Stats, VecStore,
    engine::{Engine, Hashed, MAX_WRITERS, Writer},
};
use rustc_hash::FxBuildHasher;

use crate::{
    pin::{Pin, Readers},
    shard::{Held, Shards},
};

/// A concurrent hash map whose entries live in memory-mapped files (or in memory: [`MemDashMap`]): all methods take `&self`,
/// and a clone is another handle to the same map.
///
/// The files are those of [`DiskHashMap`]: a map that one wrote opens as the other. Types, stores and hashers are the same
/// too.
///
/// * **Readers** ([`get`](DiskDashMap::get), [`iter`](DiskDashMap::iter) …) take no lock and never wait for a writer, nor a
///   writer for them. Where key and value are of fixed size they write no shared memory at all.
/// * **Writers** of different shards do not wait for each other. A shard is a range of hashes; their number is chosen when
///   the map is opened and is not kept in the files.
/// * **Guards** ([`Ref`](crate::Ref)) may be held across any call. An [`entry`](DiskDashMap::entry) holds its shard's lock; a
///   thread that writes to the map while it holds one gets [`Error::Reentrant`](diskmap::Error::Reentrant), never a deadlock.
///
/// What is durable is as there: every write that returned `Ok` survives a killed process, and a power cut goes back to the
/// last [checkpoint](DiskDashMap::checkpoint) of the whole map.
///
/// ```
/// use diskmap_concurrent::DiskDashMap;
///
/// let dir = tempfile::tempdir()?;
/// let hits: DiskDashMap<str, u64> = DiskDashMap::new_in(dir.path())?;
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| hits.entry("/index.html")?.and_modify(|n| n + 1)?.or_insert(&1).map(drop));
///     }
/// });
/// assert_eq!(hits.get_copied("/index.html")?, Some(4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DiskDashMap<K: ?Sized, V: ?Sized, BS: ByteStore = MMapFile, S = FxBuildHasher> {
    pub(crate) inner: Arc<Inner<K, V, BS, S>>,
}

/// A concurrent map in memory: the same map without files.
pub type MemDashMap<K, V, S = FxBuildHasher> = DiskDashMap<K, V, VecStore, S>;

/// What the handles of a map share.
pub(crate) struct Inner<K: ?Sized, V: ?Sized, BS: ByteStore, S> {
    /// Taken out when the map is given back.
    engine: ManuallyDrop<Engine<K, V, BS, S>>,
    shards: ManuallyDrop<Shards>,
    pub(crate) readers: Readers,
}

impl<K: ?Sized, V: ?Sized, BS: ByteStore, S> Clone for DiskDashMap<K, V, BS, S> {
    /// Another handle to the same map.
    fn clone(&self) -> Self {
        DiskDashMap { inner: Arc::clone(&self.inner) }
    }
}

impl<K: ?Sized, V: ?Sized, BS: ByteStore, S> DiskDashMap<K, V, BS, S> {
    /// Number of entries. Takes no lock; while others write it is one of the numbers that were right during the call, or
    /// between them. Linear in the number of shards.
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<u64, u64>::new()?;
    /// map.insert(&1, &1)?;
    /// assert_eq!(map.len(), 1);
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    #[inline]
    pub fn len(&self) -> u64 {
        self.engine().count()
    }

    /// Whether there are no entries.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The map's directory; `None` for a map in memory.
    pub fn path(&self) -> Option<&Path> {
        self.engine().path()
    }

    /// Into how many ranges of hashes the map is divided for its writers.
    pub fn shards(&self) -> usize {
        self.inner.shards.len()
    }

    /// The map for one thread again, if this is its only handle; else the handle.
    ///
    /// # Errors
    /// The handle, if there are others.
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<u64, u64>::new()?;
    /// map.insert(&1, &1)?;
    /// let other = map.clone();
    /// let map = map.into_inner().expect_err("there is another handle");
    /// drop(other);
    /// let mut single = map.into_inner().expect("the only handle");
    /// assert_eq!(single.get(&1)?, Some(1));
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn into_inner(self) -> Result<DiskHashMap<K, V, BS, S>, Self> {
        match Arc::try_unwrap(self.inner) {
            Ok(inner) => {
                let mut inner = ManuallyDrop::new(inner);
                let map = inner.give_back();
                // SAFETY: dropped once, here: `inner` is not dropped itself.
                unsafe { std::ptr::drop_in_place(&raw mut inner.readers) };
                Ok(map)
            }
            Err(inner) => Err(DiskDashMap { inner }),
        }
    }

    /// Closes the map: makes the last checkpoint and cuts the files, as [`DiskHashMap::close`]. Dropping the last handle does
    /// the same, but cannot tell of a failure. With other handles left it makes a checkpoint and drops this one.
    ///
    /// # Errors
    /// As [`checkpoint`](DiskDashMap::checkpoint).
    ///
    /// ```
    /// # use diskmap_concurrent::DiskDashMap;
    /// # let dir = tempfile::tempdir()?;
    /// let map: DiskDashMap<u64, u64> = DiskDashMap::new_in(dir.path())?;
    /// map.insert(&1, &1)?;
    /// map.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close(self) -> Result<()> {
        match self.into_inner() {
            Ok(map) => map.close(),
            Err(handle) => handle.checkpoint(),
        }
    }

    #[inline(always)]
    pub(crate) fn engine(&self) -> &Engine<K, V, BS, S> {
        &self.inner.engine
    }

    /// Pins this thread, so that records it finds stay.
    #[inline(always)]
    pub(crate) fn pin(&self) -> Pin<'_> {
        self.inner.readers.pin()
    }

    /// Reclaims what no reader knows of any more, if there is anything.
    #[inline(always)]
    pub(crate) fn reclaim(&self) {
        self.inner.readers.each_ready(|freed| {
            // SAFETY: what is ready no reader knows of (`Readers`).
            unsafe { self.engine().reclaim(freed) };
        });
    }

    pub(crate) fn held(&self) -> &Shards {
        &self.inner.shards
    }
}

impl<K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> DiskDashMap<K, V, BS, S> {
    /// Shares a map, with shards for `2^depth` writers.
    pub(crate) fn share(map: DiskHashMap<K, V, BS, S>, depth: u32) -> Result<Self> {
        let mut engine = Engine::new(map);
        let depth = depth.min(MAX_WRITERS.ilog2());
        let shards = Shards::new(engine.share(depth)?);
        let inner =
            Inner { engine: ManuallyDrop::new(engine), shards: ManuallyDrop::new(shards), readers: Readers::new() };
        Ok(DiskDashMap { inner: Arc::new(inner) })
    }

    /// Locks the shard of a key. What the key is looked up in comes meanwhile.
    #[inline(always)]
    pub(crate) fn lock(&self, hashed: Hashed) -> Result<Held<'_>> {
        self.engine().prefetch(hashed);
        let held = self.inner.shards.lock(hashed.position())?;
        self.reclaim();
        Ok(held)
    }

    /// Figures about the map. Linear in the number of segments and heap blocks.
    pub fn stats(&self) -> Stats {
        self.engine().stats()
    }

    /// Bytes of the map's index, segments and heap, free space included.
    pub fn file_size(&self) -> u64 {
        self.engine().file_size()
    }

    /// The schemas of keys and values.
    pub fn schema(&self) -> (Schema, Schema) {
        self.engine().schema()
    }
}

impl<K: ?Sized, V: ?Sized, BS: ByteStore, S> Inner<K, V, BS, S> {
    /// The map for one thread again; not to be used afterwards.
    fn give_back(&mut self) -> DiskHashMap<K, V, BS, S> {
        // SAFETY: each is taken once, as the caller uses nothing of this afterwards.
        let (engine, shards) = unsafe { (ManuallyDrop::take(&mut self.engine), ManuallyDrop::take(&mut self.shards)) };
        // SAFETY: pins and what is read under them borrow a handle, and there is none left.
        self.readers.finish(|freed| unsafe { engine.reclaim(freed) });
        let writers: Vec<Writer> = shards.into_writers().collect();
        // SAFETY: as above.
        unsafe { engine.unshare(writers) }
    }
}

impl<K: ?Sized, V: ?Sized, BS: ByteStore, S> Drop for Inner<K, V, BS, S> {
    /// Closes the map, as dropping a [`DiskHashMap`] does.
    fn drop(&mut self) {
        drop(self.give_back());
    }
}

impl<K, V, BS, S> fmt::Debug for DiskDashMap<K, V, BS, S>
where
    K: ?Sized + DiskValue,
    V: ?Sized + DiskValue,
    for<'x> K::View<'x>: fmt::Debug,
    for<'x> V::View<'x>: fmt::Debug,
    BS: ByteStore,
    S: StableHasher,
{
    /// The entries, as a `HashMap` shows them; one that cannot be read is shown as its error.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for entry in self.iter() {
            match entry {
                Ok(entry) => map.entry(&entry.key(), &entry.value()),
                Err(error) => map.entry(&"unreadable", &error.to_string()),
            };
        }
        map.finish()
    }
}
