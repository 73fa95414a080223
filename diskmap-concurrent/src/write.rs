//! Changing one key: under the lock of its shard, and atomic for readers and other writers.
//!
//! Must not know how entries are stored. Invariant: what a call returns is read and validated before anything changes, so
//! that an `Err` leaves the map as it was.

#![allow(unsafe_code, reason = "the lock of a shard makes its writer the only one")]

use diskmap::{
    ByteStore, DiskValue, Encode, IntoOwned, Result, StableHasher,
    engine::{Hashed, Image, Place, Spot, Turn},
};

use crate::{DiskDashMap, Ref, shard::Held};

/// Freed cells that a writer collects before they are retired, at most, and their bytes.
const FREED_CELLS: usize = 512;
const FREED_BYTES: u64 = 1 << 20;

impl<K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> DiskDashMap<K, V, BS, S> {
    /// Stores a value for a key; the previous value if there was one. Amortised constant time.
    ///
    /// # Errors
    /// `OutOfSpace`, `Full`, `TooLarge`, `Encode`, `ReadOnly`, `Poisoned`, `Corrupt`; `Reentrant` if this thread holds an
    /// entry of the map or is inside one of its closures. The map is then as it was.
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<str, u64>::new()?;
    /// assert!(map.insert("a", &1)?.is_none());
    /// assert_eq!(map.insert("a", &2)?.map(|old| old.value()), Some(1));
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    #[inline]
    pub fn insert<QK: ?Sized, QV: ?Sized>(&self, key: &QK, value: &QV) -> Result<Option<Ref<'_, V>>>
    where
        K: Encode<QK>,
        V: Encode<QV>,
    {
        self.engine().with_key(key, |hashed, bytes| {
            let mut held = self.lock(hashed)?;
            // SAFETY: the shard's lock is held.
            let mut turn = unsafe { self.engine().turn(held.writer()) }?;
            // SAFETY: as above.
            let place = match unsafe { self.engine().lookup(hashed, bytes) }? {
                Spot::Vacant(gap) => return turn.insert(gap, hashed, bytes, value).map(|_| None),
                Spot::Found(place) => place,
            };
            let old = self.value_at(&place)?;
            turn.update(place, hashed, bytes, value)?;
            drop(turn);
            self.tend(&mut held);
            Ok(Some(old))
        })?
    }

    /// Stores a value for a key that is not there yet; whether it was stored.
    ///
    /// # Errors
    /// As [`insert`](DiskDashMap::insert).
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<str, u64>::new()?;
    /// assert!(map.try_insert("a", &1)?);
    /// assert!(!map.try_insert("a", &2)?);
    /// assert_eq!(map.get_copied("a")?, Some(1));
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn try_insert<QK: ?Sized, QV: ?Sized>(&self, key: &QK, value: &QV) -> Result<bool>
    where
        K: Encode<QK>,
        V: Encode<QV>,
    {
        self.engine().with_key(key, |hashed, bytes| {
            let mut held = self.lock(hashed)?;
            // SAFETY: the shard's lock is held.
            let mut turn = unsafe { self.engine().turn(held.writer()) }?;
            // SAFETY: as above.
            match unsafe { self.engine().lookup(hashed, bytes) }? {
                Spot::Found(_) => Ok(false),
                Spot::Vacant(gap) => turn.insert(gap, hashed, bytes, value).map(|_| true),
            }
        })?
    }

    /// Removes a key; its value if it was there.
    ///
    /// # Errors
    /// As [`insert`](DiskDashMap::insert).
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<str, str>::new()?;
    /// map.insert("a", "1")?;
    /// assert_eq!(map.remove("a")?.as_deref(), Some("1"));
    /// assert!(map.remove("a")?.is_none());
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn remove<Q: ?Sized>(&self, key: &Q) -> Result<Option<Ref<'_, V>>>
    where
        K: Encode<Q>,
    {
        self.change(key, |held, found| self.take_out(held, found))
    }

    /// Removes a key if `remove` says so of its value; the value then.
    ///
    /// `remove` is called once at most, while the key's shard is locked: it must not write to the map.
    ///
    /// # Errors
    /// As [`insert`](DiskDashMap::insert).
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<str, u64>::new()?;
    /// map.insert("a", &1)?;
    /// assert!(map.remove_if("a", |n| n > 1)?.is_none());
    /// assert!(map.remove_if("a", |n| n == 1)?.is_some());
    /// assert!(map.is_empty());
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn remove_if<Q: ?Sized>(
        &self,
        key: &Q,
        remove: impl for<'x> FnOnce(V::View<'x>) -> bool,
    ) -> Result<Option<Ref<'_, V>>>
    where
        K: Encode<Q>,
    {
        let removed = self.change(key, |held, found| {
            if !remove(self.value_at(&found.place)?.value()) {
                return Ok(None);
            }
            self.take_out(held, found).map(Some)
        });
        removed.map(Option::flatten)
    }

    /// Removes a key; its value as an owned Rust value if it was there.
    ///
    /// # Errors
    /// As [`insert`](DiskDashMap::insert).
    pub fn take<Q: ?Sized>(&self, key: &Q) -> Result<Option<V::Owned>>
    where
        K: Encode<Q>,
        V: IntoOwned,
    {
        self.remove(key)?.map(Ref::into_owned).transpose()
    }

    /// Replaces the value of a key by what `change` makes of it; whether the key was there.
    ///
    /// `change` is called once at most, while the key's shard is locked: it must not write to the map. No other change comes
    /// between what it is given and what it returns.
    ///
    /// # Errors
    /// As [`insert`](DiskDashMap::insert).
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<str, u64>::new()?;
    /// map.insert("hits", &1)?;
    /// assert!(map.update("hits", |n| n + 1)?);
    /// assert_eq!(map.get_copied("hits")?, Some(2));
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn update<Q: ?Sized, R>(&self, key: &Q, change: impl for<'x> FnOnce(V::View<'x>) -> R) -> Result<bool>
    where
        K: Encode<Q>,
        V: Encode<R>,
    {
        let changed = self.change(key, |held, found| {
            let value = change(self.value_at(&found.place)?.value());
            self.replace(held, found, &value).map(drop)
        })?;
        Ok(changed.is_some())
    }

    /// [`update`](DiskDashMap::update) with the key that was given.
    ///
    /// # Errors
    /// As [`insert`](DiskDashMap::insert).
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<u64, u64>::new()?;
    /// map.insert(&3, &4)?;
    /// map.alter(&3, |key, value| key * value)?;
    /// assert_eq!(map.get_copied(&3)?, Some(12));
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn alter<Q: ?Sized, R>(&self, key: &Q, change: impl for<'x> FnOnce(&Q, V::View<'x>) -> R) -> Result<bool>
    where
        K: Encode<Q>,
        V: Encode<R>,
    {
        self.update(key, |value| change(key, value))
    }

    /// The value of a key, storing what `value` returns if it is not there.
    ///
    /// Of several threads that ask for the same missing key at the same time one calls its `value`, and all get the result. It
    /// is called while the key's shard is locked: it must not write to the map.
    ///
    /// # Errors
    /// As [`insert`](DiskDashMap::insert).
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<str, String>::new()?;
    /// assert_eq!(&*map.get_or_insert_with("a", || "1".to_string())?, "1");
    /// assert_eq!(&*map.get_or_insert_with("a", || "2".to_string())?, "1");
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn get_or_insert_with<Q: ?Sized, R>(&self, key: &Q, value: impl FnOnce() -> R) -> Result<Ref<'_, V>>
    where
        K: Encode<Q>,
        V: Encode<R>,
    {
        match self.get(key)? {
            Some(found) => Ok(found),
            None => self.entry(key)?.or_insert_with(value),
        }
    }

    /// Stores `new` for a key if its value is `current`, byte for byte. For values of fixed size.
    ///
    /// The inner `Err` is the value that was found instead; `None` if the key is not there.
    ///
    /// # Errors
    /// As [`insert`](DiskDashMap::insert).
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<str, u64>::new()?;
    /// map.insert("a", &1)?;
    /// assert_eq!(map.compare_exchange("a", &1, &2)?, Ok(()));
    /// assert_eq!(map.compare_exchange("a", &1, &3)?, Err(Some(2)));
    /// assert_eq!(map.compare_exchange("b", &1, &3)?, Err(None));
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn compare_exchange<Q: ?Sized, QV: ?Sized>(
        &self,
        key: &Q,
        current: &QV,
        new: &QV,
    ) -> Result<Result<(), Option<V::View<'static>>>>
    where
        K: Encode<Q>,
        V: Encode<QV>,
    {
        V::with_bytes(current, |current| {
            let changed = self.change(key, |held, found| {
                // SAFETY: the shard's lock is held, so that the entry stays as it is.
                let image = unsafe { self.engine().image(&found.place) };
                // SAFETY: as above.
                let value = unsafe { self.engine().fixed_value(&image) }?;
                // SAFETY: as above.
                let same = unsafe { self.engine().stored_value(&image)?.bytes() == current };
                if !same {
                    return Ok(Err(Some(value)));
                }
                self.replace(held, found, new).map(|_| Ok(()))
            })?;
            Ok(changed.unwrap_or(Err(None)))
        })?
    }

    /// Gives up what was freed, now and then.
    #[inline(always)]
    pub(crate) fn tend(&self, held: &mut Held<'_>) {
        if Self::HAS_RECORDS {
            let (cells, bytes) = held.writer().freed();
            if cells >= FREED_CELLS || bytes >= FREED_BYTES {
                self.retire(held);
            }
        }
    }

    /// Gives up what was freed.
    #[cold]
    pub(crate) fn retire(&self, held: &mut Held<'_>) {
        if let Some(freed) = held.writer().take_freed() {
            self.inner.readers.retire(freed);
        }
    }

    /// The value at a place of a shard that is locked. It stays as it is when that is changed.
    #[inline(always)]
    pub(crate) fn value_at(&self, place: &Place<K, V, S>) -> Result<Ref<'_, V>> {
        let pin = if Self::VALUE_IN_RECORD { Some(self.pin()) } else { None };
        // SAFETY: the shard's lock is held.
        let image: Image = unsafe { self.engine().image(place) };
        self.guard(&image, pin)
    }

    /// What `work` does with a key that is there.
    fn change<Q: ?Sized, R>(
        &self,
        key: &Q,
        work: impl FnOnce(&mut Held<'_>, Found<'_, K, V, S>) -> Result<R>,
    ) -> Result<Option<R>>
    where
        K: Encode<Q>,
    {
        self.engine().with_key(key, |hashed, key| {
            let mut held = self.lock(hashed)?;
            let generation = self.engine().generation();
            // SAFETY: the shard's lock is held.
            let Spot::Found(place) = unsafe { self.engine().lookup(hashed, key) }? else { return Ok(None) };
            let done = work(&mut held, Found { hashed, key, place, generation })?;
            self.tend(&mut held);
            Ok(Some(done))
        })?
    }

    /// Another value for a key that is there; where it is now.
    pub(crate) fn replace<R: ?Sized>(
        &self,
        held: &mut Held<'_>,
        found: Found<'_, K, V, S>,
        value: &R,
    ) -> Result<Place<K, V, S>>
    where
        V: Encode<R>,
    {
        // SAFETY: the shard's lock is held.
        let mut turn = unsafe { self.engine().turn(held.writer()) }?;
        let place = self.now(&turn, &found)?;
        turn.update(place, found.hashed, found.key, value).map(|(_, place)| place)
    }

    /// Removes a key that is there; its value.
    pub(crate) fn take_out(&self, held: &mut Held<'_>, found: Found<'_, K, V, S>) -> Result<Ref<'_, V>> {
        let old = self.value_at(&found.place)?;
        // SAFETY: the shard's lock is held.
        let mut turn = unsafe { self.engine().turn(held.writer()) }?;
        let place = self.now(&turn, &found)?;
        turn.remove(place, found.hashed, found.key)?;
        Ok(old)
    }

    /// Where an entry is in this turn: a checkpoint may have begun since it was found.
    fn now(&self, turn: &Turn<'_, K, V, BS, S>, found: &Found<'_, K, V, S>) -> Result<Place<K, V, S>> {
        if self.engine().generation() == found.generation {
            return Ok(found.place);
        }
        turn.find_again(found.hashed, found.key)
    }
}

/// An entry of a shard that is locked.
pub(crate) struct Found<'k, K: ?Sized, V: ?Sized, S> {
    pub hashed: Hashed,
    pub key: &'k [u8],
    pub place: Place<K, V, S>,
    /// When it was found.
    pub generation: u64,
}
