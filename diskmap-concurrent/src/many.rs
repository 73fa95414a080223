//! Changing many keys: by a condition, or all of them.
//!
//! Must not know how entries are stored. Invariant: each entry is changed whole or not at all, whenever the work stops.

#![allow(unsafe_code, reason = "the lock of a shard makes its writer the only one")]

use diskmap::{
    ByteStore, DiskValue, Encode, Result, StableHasher,
    engine::{Entries, Hashed, Place, Spot, Turn},
};

use crate::{DiskDashMap, shard::Held};

impl<K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> DiskDashMap<K, V, BS, S> {
    /// Removes the entries for which `keep` is false. Linear in the number of entries.
    ///
    /// One segment after the other, some thousand entries, with its shard locked: `keep` must not write to the map. What others
    /// insert meanwhile may be looked at or not.
    ///
    /// # Errors
    /// As [`insert`](DiskDashMap::insert); entries visited before the failure stay removed.
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<u64, u64>::new()?;
    /// for i in 0..100 { map.insert(&i, &i)?; }
    /// map.retain(|key, _| key % 2 == 0)?;
    /// assert_eq!(map.len(), 50);
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn retain(&self, mut keep: impl for<'x> FnMut(K::View<'x>, V::View<'x>) -> bool) -> Result<()> {
        self.each_entry(|held, (key, value), hashed, bytes| {
            if keep(key, value) {
                return Ok(());
            }
            self.with_place(held, hashed, bytes, |turn, place| turn.remove(place, hashed, bytes).map(drop))
        })
    }

    /// Replaces every value by what `change` makes of it. Linear in the number of entries.
    ///
    /// As [`retain`](DiskDashMap::retain): with shards locked for one segment at a time. Each entry that is there all the time
    /// is changed exactly once.
    ///
    /// # Errors
    /// As [`insert`](DiskDashMap::insert); entries changed before the failure stay changed.
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<u64, u64>::new()?;
    /// for i in 0..100 { map.insert(&i, &i)?; }
    /// map.alter_all(|key, value| key + value)?;
    /// assert_eq!(map.get_copied(&21)?, Some(42));
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn alter_all<R>(&self, mut change: impl for<'x> FnMut(K::View<'x>, V::View<'x>) -> R) -> Result<()>
    where
        V: Encode<R>,
    {
        self.each_entry(|held, (key, value), hashed, bytes| {
            let value = change(key, value);
            self.with_place(held, hashed, bytes, |turn, place| turn.update(place, hashed, bytes, &value).map(drop))
        })
    }

    /// Removes all entries, at once also for readers and for a crash: afterwards all are there or none. Linear in the number
    /// of segments and heap blocks; all shards are locked meanwhile.
    ///
    /// # Errors
    /// As [`insert`](DiskDashMap::insert).
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<u64, u64>::new()?;
    /// map.insert(&1, &1)?;
    /// map.clear()?;
    /// assert!(map.is_empty());
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn clear(&self) -> Result<()> {
        self.whole(|map| map.clear())
    }

    /// Calls `visit` for every entry, with its shard locked, and outside of a turn.
    fn each_entry(
        &self,
        mut visit: impl for<'x> FnMut(&mut Held<'_>, (K::View<'x>, V::View<'x>), Hashed, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let engine = self.engine();
        let (mut next, mut entries) = (Some(0), Entries::default());
        while let Some(position) = next {
            let mut held = self.held().lock(position)?;
            self.reclaim();
            // What is changed must stay to be looked at until the last entry was.
            let _pin = self.pin_to_read();
            // SAFETY: pinned, if an entry has a record. Nobody but the directory's growth can come between.
            while unsafe { engine.copy_entries(position, &mut entries) }.transpose()?.is_none() {}
            for i in 0..entries.count::<K, V, S>() {
                let image = entries.image::<K, V, S>(i);
                // SAFETY: copied under the pin.
                let (key, value) = unsafe { (engine.stored_key(&image)?, engine.stored_value(&image)?) };
                // SAFETY: as above; both were accepted by their codecs.
                unsafe {
                    let hashed = engine.hash(key.bytes());
                    if entries.floor().is_none_or(|floor| hashed.position() >= floor) {
                        visit(&mut held, (K::view(key.bytes()), V::view(value.bytes())), hashed, key.bytes())?;
                    }
                }
            }
            self.tend(&mut held);
            next = entries.next();
        }
        Ok(())
    }

    /// What `work` does with a key, if it is there, in a turn of its shard, which is locked.
    fn with_place(
        &self,
        held: &mut Held<'_>,
        hashed: Hashed,
        key: &[u8],
        work: impl FnOnce(&mut Turn<'_, K, V, BS, S>, Place<K, V, S>) -> Result<()>,
    ) -> Result<()> {
        // SAFETY: the shard's lock is held.
        let mut turn = unsafe { self.engine().turn(held.writer()) }?;
        // SAFETY: as above.
        match unsafe { self.engine().lookup(hashed, key) }? {
            Spot::Found(place) => work(&mut turn, place),
            Spot::Vacant(_) => Ok(()),
        }
    }
}
