//! The entry API: one lookup, then whatever is to be done with its result, with the key's shard locked.
//!
//! Must not know how entries are stored. Invariant: the shard is locked as long as there is an entry, so only the beginning of
//! a checkpoint can come between the lookup and the change; the generation tells, and then the key is looked up again.

#![allow(unsafe_code, reason = "the lock of a shard makes its writer the only one")]

use diskmap::{
    ByteStore, DiskValue, Encode, IntoOwned, MMapFile, Result, StableHasher,
    engine::{Gap, Hashed, Place, Spot},
};
use rustc_hash::FxBuildHasher;

use crate::{DiskDashMap, Ref, shard::Held, write::Found};

/// A key's place in a map, with its shard locked: what [`DiskDashMap::entry`] returns.
pub enum MapEntry<'m, 'q, K: ?Sized, V: ?Sized, Q: ?Sized, BS: ByteStore = MMapFile, S = FxBuildHasher> {
    /// The key is there.
    Occupied(OccupiedEntry<'m, 'q, K, V, Q, BS, S>),
    /// The key is not there.
    Vacant(VacantEntry<'m, 'q, K, V, Q, BS, S>),
}

/// The place of a key that is there.
pub struct OccupiedEntry<'m, 'q, K: ?Sized, V: ?Sized, Q: ?Sized, BS: ByteStore = MMapFile, S = FxBuildHasher> {
    at: At<'m, 'q, K, V, Q, BS, S>,
    place: Place<K, V, S>,
}

/// The place of a key that is not there.
pub struct VacantEntry<'m, 'q, K: ?Sized, V: ?Sized, Q: ?Sized, BS: ByteStore = MMapFile, S = FxBuildHasher> {
    at: At<'m, 'q, K, V, Q, BS, S>,
    gap: Gap<K, V, S>,
}

struct At<'m, 'q, K: ?Sized, V: ?Sized, Q: ?Sized, BS: ByteStore, S> {
    map: &'m DiskDashMap<K, V, BS, S>,
    key: &'q Q,
    held: Held<'m>,
    hashed: Hashed,
    generation: u64,
}

impl<K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> DiskDashMap<K, V, BS, S> {
    /// The place of a key, to look at and to change, with its shard locked.
    ///
    /// Until the entry is gone other threads that write to the shard wait; readers do not. A thread that writes to the map in
    /// any other way while it holds an entry gets `Reentrant` – whatever the key, so that it does not depend on which keys
    /// happen to share a shard. An entry stays in its thread; one that is leaked (`mem::forget`) leaves its shard locked.
    ///
    /// # Errors
    /// As [`insert`](DiskDashMap::insert).
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let counts = MemDashMap::<str, u64>::new()?;
    /// for word in "a rose is a rose".split(' ') {
    ///     counts.entry(word)?.and_modify(|n| n + 1)?.or_insert(&1)?;
    /// }
    /// assert_eq!(counts.get_copied("rose")?, Some(2));
    ///
    /// let held = counts.entry("rose")?;
    /// assert!(matches!(counts.insert("tulip", &1), Err(diskmap::Error::Reentrant)));
    /// drop(held);
    /// counts.insert("tulip", &1)?;
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn entry<'m, 'q, Q: ?Sized>(&'m self, key: &'q Q) -> Result<MapEntry<'m, 'q, K, V, Q, BS, S>>
    where
        K: Encode<Q>,
    {
        self.engine().with_key(key, |hashed, bytes| {
            let held = self.lock(hashed)?;
            self.entry_in(held, key, hashed, bytes)
        })?
    }

    /// [`entry`](DiskDashMap::entry) if nobody, this thread included, has the key's shard locked; else `None`. Never waits.
    ///
    /// # Errors
    /// As [`insert`](DiskDashMap::insert).
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<u64, u64>::new()?;
    /// let entry = map.try_entry(&1)?.expect("nobody else is here");
    /// assert!(map.try_entry(&1)?.is_none());
    /// entry.or_insert(&1)?;
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn try_entry<'m, 'q, Q: ?Sized>(&'m self, key: &'q Q) -> Result<Option<MapEntry<'m, 'q, K, V, Q, BS, S>>>
    where
        K: Encode<Q>,
    {
        self.engine().with_key(key, |hashed, bytes| {
            let Some(held) = self.held().try_lock(hashed.position()) else { return Ok(None) };
            self.entry_in(held, key, hashed, bytes).map(Some)
        })?
    }

    fn entry_in<'m, 'q, Q: ?Sized>(
        &'m self,
        held: Held<'m>,
        key: &'q Q,
        hashed: Hashed,
        bytes: &[u8],
    ) -> Result<MapEntry<'m, 'q, K, V, Q, BS, S>>
    where
        K: Encode<Q>,
    {
        let generation = self.engine().generation();
        // SAFETY: the shard's lock is held.
        let spot = unsafe { self.engine().lookup(hashed, bytes) }?;
        Ok(MapEntry::new(self, key, held, hashed, generation, spot))
    }
}

impl<'m, 'q, K, V, Q, BS, S> MapEntry<'m, 'q, K, V, Q, BS, S>
where
    K: ?Sized + Encode<Q>,
    V: ?Sized + DiskValue,
    Q: ?Sized,
    BS: ByteStore,
    S: StableHasher,
{
    pub(crate) fn new(
        map: &'m DiskDashMap<K, V, BS, S>,
        key: &'q Q,
        held: Held<'m>,
        hashed: Hashed,
        generation: u64,
        spot: Spot<K, V, S>,
    ) -> Self {
        let at = At { map, key, held, hashed, generation };
        match spot {
            Spot::Found(place) => MapEntry::Occupied(OccupiedEntry { at, place }),
            Spot::Vacant(gap) => MapEntry::Vacant(VacantEntry { at, gap }),
        }
    }

    /// The key that was looked up.
    pub fn key(&self) -> &'q Q {
        match self {
            MapEntry::Occupied(entry) => entry.key(),
            MapEntry::Vacant(entry) => entry.key(),
        }
    }

    /// Whether the key is there.
    pub fn is_occupied(&self) -> bool {
        matches!(self, MapEntry::Occupied(_))
    }

    /// Whether the key is not there.
    pub fn is_vacant(&self) -> bool {
        !self.is_occupied()
    }

    /// The value, storing `value` if there is none. The shard is unlocked.
    ///
    /// # Errors
    /// As [`DiskDashMap::insert`].
    pub fn or_insert<R: ?Sized>(self, value: &R) -> Result<Ref<'m, V>>
    where
        V: Encode<R>,
    {
        match self {
            MapEntry::Occupied(entry) => entry.get(),
            MapEntry::Vacant(entry) => entry.insert(value),
        }
    }

    /// The value, storing what `value` returns if there is none. The shard is unlocked.
    ///
    /// # Errors
    /// As [`DiskDashMap::insert`].
    pub fn or_insert_with<R>(self, value: impl FnOnce() -> R) -> Result<Ref<'m, V>>
    where
        V: Encode<R>,
    {
        match self {
            MapEntry::Occupied(entry) => entry.get(),
            MapEntry::Vacant(entry) => entry.insert(&value()),
        }
    }

    /// The value, storing what `value` makes of the key if there is none. The shard is unlocked.
    ///
    /// # Errors
    /// As [`DiskDashMap::insert`].
    pub fn or_insert_with_key<R>(self, value: impl FnOnce(&'q Q) -> R) -> Result<Ref<'m, V>>
    where
        V: Encode<R>,
    {
        let key = self.key();
        self.or_insert_with(|| value(key))
    }

    /// The value, storing the default if there is none. The shard is unlocked.
    ///
    /// # Errors
    /// As [`DiskDashMap::insert`].
    pub fn or_default<R: Default>(self) -> Result<Ref<'m, V>>
    where
        V: Encode<R> + IntoOwned<Owned = R>,
    {
        self.or_insert_with(R::default)
    }

    /// Replaces the value, if there is one, by what `change` makes of it.
    ///
    /// # Errors
    /// As [`DiskDashMap::insert`].
    pub fn and_modify<R>(self, change: impl for<'x> FnOnce(V::View<'x>) -> R) -> Result<Self>
    where
        V: Encode<R>,
    {
        match self {
            MapEntry::Occupied(mut entry) => {
                let value = change(entry.get()?.value());
                entry.set(&value)?;
                Ok(MapEntry::Occupied(entry))
            }
            vacant => Ok(vacant),
        }
    }

    /// Stores a value, whether there was one or not; the entry, now occupied.
    ///
    /// # Errors
    /// As [`DiskDashMap::insert`].
    pub fn insert_entry<R: ?Sized>(self, value: &R) -> Result<OccupiedEntry<'m, 'q, K, V, Q, BS, S>>
    where
        V: Encode<R>,
    {
        match self {
            MapEntry::Occupied(mut entry) => {
                // What cannot be read is not overwritten either.
                entry.get()?;
                entry.set(value)?;
                Ok(entry)
            }
            MapEntry::Vacant(entry) => entry.fill(value),
        }
    }
}

impl<'m, 'q, K, V, Q, BS, S> OccupiedEntry<'m, 'q, K, V, Q, BS, S>
where
    K: ?Sized + Encode<Q>,
    V: ?Sized + DiskValue,
    Q: ?Sized,
    BS: ByteStore,
    S: StableHasher,
{
    /// The key that was looked up.
    pub fn key(&self) -> &'q Q {
        self.at.key
    }

    /// The value.
    ///
    /// # Errors
    /// `Corrupt` if the stored bytes are not what the codec writes.
    pub fn get(&self) -> Result<Ref<'m, V>> {
        self.at.map.value_at(&self.place)
    }

    /// Replaces the value; the previous one. The shard is unlocked.
    ///
    /// # Errors
    /// As [`DiskDashMap::insert`].
    pub fn insert<R: ?Sized>(mut self, value: &R) -> Result<Ref<'m, V>>
    where
        V: Encode<R>,
    {
        let old = self.get()?;
        self.set(value)?;
        Ok(old)
    }

    /// Removes the key; its value. The shard is unlocked.
    ///
    /// # Errors
    /// As [`DiskDashMap::remove`].
    pub fn remove(mut self) -> Result<Ref<'m, V>> {
        self.with_found(|map, held, found| map.take_out(held, found))
    }

    /// Stores another value without looking at the previous one.
    fn set<R: ?Sized>(&mut self, value: &R) -> Result<()>
    where
        V: Encode<R>,
    {
        // Read before, so that a checkpoint which begins meanwhile has the key looked up again the next time.
        let generation = self.at.map.engine().generation();
        self.place = self.with_found(|map, held, found| map.replace(held, found, value))?;
        self.at.generation = generation;
        Ok(())
    }

    /// What `work` does with the entry as it was found.
    fn with_found<R>(
        &mut self,
        work: impl FnOnce(&'m DiskDashMap<K, V, BS, S>, &mut Held<'m>, Found<'_, K, V, S>) -> Result<R>,
    ) -> Result<R> {
        let At { map, key, held, hashed, generation } = &mut self.at;
        let (hashed, place, generation) = (*hashed, self.place, *generation);
        let done = K::with_bytes(*key, |key| work(map, held, Found { hashed, key, place, generation }))??;
        map.tend(held);
        Ok(done)
    }
}

impl<'m, 'q, K, V, Q, BS, S> VacantEntry<'m, 'q, K, V, Q, BS, S>
where
    K: ?Sized + Encode<Q>,
    V: ?Sized + DiskValue,
    Q: ?Sized,
    BS: ByteStore,
    S: StableHasher,
{
    /// The key that was looked up.
    pub fn key(&self) -> &'q Q {
        self.at.key
    }

    /// Stores a value, and returns it. The shard is unlocked.
    ///
    /// # Errors
    /// As [`DiskDashMap::insert`].
    pub fn insert<R: ?Sized>(self, value: &R) -> Result<Ref<'m, V>>
    where
        V: Encode<R>,
    {
        self.fill(value)?.get()
    }

    fn fill<R: ?Sized>(self, value: &R) -> Result<OccupiedEntry<'m, 'q, K, V, Q, BS, S>>
    where
        V: Encode<R>,
    {
        let VacantEntry { mut at, mut gap } = self;
        let At { map, key, held, hashed, generation } = &mut at;
        let place = K::with_bytes(*key, |bytes| {
            // SAFETY: the shard's lock is held.
            let mut turn = unsafe { map.engine().turn(held.writer()) }?;
            if map.engine().generation() != *generation {
                gap = turn.vacancy(*hashed);
                *generation = map.engine().generation();
            }
            turn.insert(gap, *hashed, bytes, value)
        })??;
        Ok(OccupiedEntry { at, place })
    }
}
