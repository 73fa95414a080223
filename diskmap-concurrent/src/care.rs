//! Looking after a map: checkpoints, snapshots, backups, verifying, giving space back.
//!
//! Must not know how any of it is done: the single-threaded map does it. Invariant: what needs the whole map has all shards
//! locked; readers go on.

#![allow(unsafe_code, reason = "with all shards locked the map is one thread's")]

use std::{ops::ControlFlow, path::Path};

use diskmap::{ByteStore, Compaction, DiskHashMap, DiskValue, Error, Progress, Report, Result, Snapshot, StableHasher};

use crate::DiskDashMap;

impl<K: ?Sized, V: ?Sized, BS: ByteStore, S> DiskDashMap<K, V, BS, S> {
    /// Makes everything stored so far survive a power cut, the whole map as it is at one moment: returns when it is on the
    /// medium. Writers wait only for the moment (some microseconds for each thousand segments), readers not at all.
    ///
    /// # Errors
    /// As [`DiskHashMap::checkpoint`]; `Reentrant` if an [`Encode`](diskmap::Encode) calls it in the middle of a change of
    /// this map.
    ///
    /// ```
    /// # use diskmap_concurrent::DiskDashMap;
    /// # let dir = tempfile::tempdir()?;
    /// let map: DiskDashMap<u64, u64> = DiskDashMap::new_in(dir.path())?;
    /// map.insert(&1, &1)?;
    /// map.checkpoint()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn checkpoint(&self) -> Result<()> {
        self.outside_of_changes()?;
        self.engine().checkpoint()
    }

    /// What keeps all writers out would wait for this thread itself if it were one of those that are inside.
    fn outside_of_changes(&self) -> Result<()> {
        let changing = self.held().mine().any(|shard| self.engine().is_changing(shard));
        if changing { Err(Error::Reentrant) } else { Ok(()) }
    }

    /// The map as it is at this moment.
    ///
    /// # Errors
    /// `Reentrant` in the middle of a change.
    fn freeze(&self) -> Result<Snapshot<K, V, BS, S>>
    where
        K: DiskValue,
        V: DiskValue,
        S: StableHasher,
    {
        self.outside_of_changes()?;
        Ok(self.engine().snapshot())
    }
}

impl<K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> DiskDashMap<K, V, BS, S> {
    /// The map as it is at this moment, across all shards, to be read while it goes on: no write is half in it, and of two
    /// writes of one thread not the second without the first.
    ///
    /// Writers wait for the moment, less than a millisecond for 10 million entries; afterwards the first change to each
    /// segment copies that segment. Readers do not notice.
    ///
    /// # Panics
    /// If an [`Encode`](diskmap::Encode) calls it in the middle of a change of this map.
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<str, u64>::new()?;
    /// map.insert("apples", &10)?;
    /// let morning = map.snapshot();
    /// map.insert("apples", &3)?;
    /// assert_eq!((morning.get("apples")?, map.get_copied("apples")?), (Some(10), Some(3)));
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn snapshot(&self) -> Snapshot<K, V, BS, S> {
        match self.freeze() {
            Ok(snapshot) => snapshot,
            Err(error) => panic!("{error}"),
        }
    }

    /// Writes the map as it is at this moment to another directory, where it opens like any map of these types, while others
    /// go on writing: [`Snapshot::backup_to`] of a [`snapshot`](DiskDashMap::snapshot).
    ///
    /// # Errors
    /// As there; `Reentrant` as [`checkpoint`](DiskDashMap::checkpoint).
    ///
    /// ```
    /// # use diskmap_concurrent::{DiskDashMap, MemDashMap};
    /// # let dir = tempfile::tempdir()?;
    /// let map = MemDashMap::<str, u64>::new()?;
    /// map.insert("a", &1)?;
    /// map.backup_to(dir.path().join("monday"))?;
    ///
    /// let copy: DiskDashMap<str, u64> = DiskDashMap::load_from(dir.path().join("monday"))?;
    /// assert_eq!(copy.get_copied("a")?, Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn backup_to(&self, dir: impl AsRef<Path>) -> Result<()> {
        self.freeze()?.backup_to(dir)
    }

    /// Reads the whole map and reports everything that is wrong with it: [`DiskHashMap::verify`]. All shards are locked
    /// meanwhile.
    ///
    /// # Errors
    /// As there; `Reentrant` if this thread holds an entry of the map or is inside one of its closures.
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<str, u64>::new()?;
    /// map.insert("a", &1)?;
    /// assert!(map.verify()?.is_sound());
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn verify(&self) -> Result<Report> {
        match self.engine().read_only() {
            Some(map) => map.verify(),
            None => self.whole(|map| map.verify()),
        }
    }

    /// Gives back space that is not needed: [`DiskHashMap::compact`]. All shards are locked meanwhile; readers go on.
    ///
    /// Space at the end of the index is free for new entries afterwards, but a reader may still be looking at it: the file
    /// itself is cut when the last handle is closed. So is what a [`Ref`](crate::Ref) is held in.
    ///
    /// # Errors
    /// As there; `Reentrant` if this thread holds an entry of the map or is inside one of its closures.
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<u64, str>::new()?;
    /// for i in 0..20_000 { map.insert(&i, &format!("{i:>100}"))?; }
    /// map.retain(|key, _| key % 10 == 0)?;
    /// let done = map.compact()?;
    /// assert!(done.finished && done.bytes_after < done.bytes_before);
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn compact(&self) -> Result<Compaction> {
        self.compact_with(|_| ControlFlow::Continue(()))
    }

    /// [`compact`](DiskDashMap::compact) that tells how far it has come, and ends early if told to.
    ///
    /// # Errors
    /// As there.
    pub fn compact_with(&self, progress: impl FnMut(Progress) -> ControlFlow<()>) -> Result<Compaction> {
        let mut done = self.whole(|map| map.compact_with(progress))?;
        // The records that were moved could go only after their readers.
        self.shrink_to_fit()?;
        done.bytes_after = self.file_size();
        Ok(done)
    }

    /// [`compact`](DiskDashMap::compact) for the index alone: [`DiskHashMap::shrink_to_fit`].
    ///
    /// # Errors
    /// As there.
    pub fn shrink_to_fit(&self) -> Result<()> {
        self.whole(|map| map.shrink_to_fit())
    }

    /// Makes room for `additional` more entries. All shards are locked meanwhile.
    ///
    /// # Errors
    /// As [`DiskHashMap::reserve`]; `Reentrant` as [`insert`](DiskDashMap::insert).
    pub fn reserve(&self, additional: u64) -> Result<()> {
        self.whole(|map| map.reserve(additional))
    }

    /// Entries that are expected to fit before the map next grows. All shards are locked meanwhile.
    ///
    /// # Errors
    /// `Reentrant` as [`insert`](DiskDashMap::insert).
    pub fn capacity(&self) -> Result<u64> {
        self.whole(|map| Ok(map.capacity()))
    }

    /// What `work` does with the map while all shards are locked.
    pub(crate) fn whole<R>(&self, work: impl FnOnce(&mut DiskHashMap<K, V, BS, S>) -> Result<R>) -> Result<R> {
        let mut held = self.held().lock_all()?;
        self.reclaim();
        held.iter_mut().for_each(|shard| self.engine().retire(shard.writer()));
        let done = {
            // SAFETY: all shards are locked and have nothing open; what `work` returns has no views (`R` outlives them).
            let mut whole = unsafe { self.engine().whole(held[0].writer()) };
            work(&mut whole)
        };
        held.iter_mut().for_each(|shard| self.retire(shard));
        done
    }
}
