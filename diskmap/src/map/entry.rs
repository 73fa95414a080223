//! The entry API: one lookup, then whatever is to be done with its result. The key is hashed and probed once.
//!
//! Must not know how entries are stored. Invariant: an entry borrows the map, so only the beginning of a checkpoint can
//! come between the lookup and the change; the generation tells, and then the key is looked up again.

use super::{
    DiskHashMap,
    typed::{Encoded, Typed, checked_key},
    write::enter,
};
use crate::{
    codec::{DiskValue, Encode},
    error::Result,
    hash::{Hashed, StableHasher},
    raw::{Found, Lookup, Vacant},
    store::{ByteStore, MMapFile},
    table::SlotImage,
};

/// A key's place in a map: what [`DiskHashMap::entry`] returns.
pub enum MapEntry<'m, 'q, K: ?Sized, V: ?Sized, Q: ?Sized, BS: ByteStore = MMapFile, S = rustc_hash::FxBuildHasher> {
    /// The key is there.
    Occupied(OccupiedEntry<'m, 'q, K, V, Q, BS, S>),
    /// The key is not there.
    Vacant(VacantEntry<'m, 'q, K, V, Q, BS, S>),
}

/// The place of a key that is there.
pub struct OccupiedEntry<
    'm,
    'q,
    K: ?Sized,
    V: ?Sized,
    Q: ?Sized,
    BS: ByteStore = MMapFile,
    S = rustc_hash::FxBuildHasher,
> {
    at: At<'m, 'q, K, V, Q, BS, S>,
    found: Found<Typed<K, V, S>>,
}

/// The place of a key that is not there.
pub struct VacantEntry<'m, 'q, K: ?Sized, V: ?Sized, Q: ?Sized, BS: ByteStore = MMapFile, S = rustc_hash::FxBuildHasher>
{
    at: At<'m, 'q, K, V, Q, BS, S>,
    vacant: Vacant<Typed<K, V, S>>,
}

struct At<'m, 'q, K: ?Sized, V: ?Sized, Q: ?Sized, BS: ByteStore, S> {
    map: &'m mut DiskHashMap<K, V, BS, S>,
    key: &'q Q,
    hashed: Hashed,
    generation: u64,
}

impl<K: ?Sized, V: ?Sized, BS: ByteStore, S: StableHasher> DiskHashMap<K, V, BS, S> {
    /// The place of a key, to look at and to change.
    ///
    /// # Errors
    /// As [`get`](DiskHashMap::get).
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut counts = MemHashMap::<str, u64>::new();
    /// for word in "a rose is a rose".split(' ') {
    ///     counts.entry(word)?.and_modify(|n| n + 1)?.or_insert(&1)?;
    /// }
    /// assert_eq!(counts.get("rose")?, Some(2));
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    #[inline]
    pub fn entry<'m, 'q, Q: ?Sized>(&'m mut self, key: &'q Q) -> Result<MapEntry<'m, 'q, K, V, Q, BS, S>>
    where
        K: Encode<Q>,
        V: DiskValue,
    {
        let core = &self.shared.core;
        let generation = core.generation();
        let (hashed, lookup) = K::with_bytes(key, |bytes| {
            let hashed = core.scheme().hash_key(checked_key::<K>(bytes)?);
            Ok::<_, crate::Error>((hashed, core.lookup(hashed, bytes)?))
        })??;
        let at = At { map: self, key, hashed, generation };
        Ok(match lookup {
            Lookup::Found(found) => MapEntry::Occupied(OccupiedEntry { at, found }),
            Lookup::Vacant(vacant) => MapEntry::Vacant(VacantEntry { at, vacant }),
        })
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

    /// The value, storing `value` if there is none.
    ///
    /// # Errors
    /// As [`DiskHashMap::insert`].
    pub fn or_insert<R: ?Sized>(self, value: &R) -> Result<V::View<'m>>
    where
        V: Encode<R>,
    {
        match self {
            MapEntry::Occupied(entry) => entry.into_view(),
            MapEntry::Vacant(entry) => entry.insert(value),
        }
    }

    /// The value, storing what `value` returns if there is none.
    ///
    /// # Errors
    /// As [`DiskHashMap::insert`].
    pub fn or_insert_with<R>(self, value: impl FnOnce() -> R) -> Result<V::View<'m>>
    where
        V: Encode<R>,
    {
        match self {
            MapEntry::Occupied(entry) => entry.into_view(),
            MapEntry::Vacant(entry) => entry.insert(&value()),
        }
    }

    /// The value, storing what `value` makes of the key if there is none.
    ///
    /// # Errors
    /// As [`DiskHashMap::insert`].
    pub fn or_insert_with_key<R>(self, value: impl FnOnce(&'q Q) -> R) -> Result<V::View<'m>>
    where
        V: Encode<R>,
    {
        let key = self.key();
        self.or_insert_with(|| value(key))
    }

    /// The value, storing the default if there is none.
    ///
    /// # Errors
    /// As [`DiskHashMap::insert`].
    pub fn or_default<R: Default>(self) -> Result<V::View<'m>>
    where
        V: Encode<R> + crate::codec::IntoOwned<Owned = R>,
    {
        self.or_insert_with(R::default)
    }

    /// Replaces the value, if there is one, by what `change` makes of it.
    ///
    /// # Errors
    /// As [`DiskHashMap::insert`].
    pub fn and_modify<R>(self, change: impl for<'x> FnOnce(V::View<'x>) -> R) -> Result<Self>
    where
        V: Encode<R>,
    {
        match self {
            MapEntry::Occupied(mut entry) => {
                let value = change(entry.get()?);
                entry.replace(&value)?;
                Ok(MapEntry::Occupied(entry))
            }
            vacant => Ok(vacant),
        }
    }

    /// Stores a value, whether there was one or not; the entry, now occupied.
    ///
    /// # Errors
    /// As [`DiskHashMap::insert`].
    pub fn insert_entry<R: ?Sized>(self, value: &R) -> Result<OccupiedEntry<'m, 'q, K, V, Q, BS, S>>
    where
        V: Encode<R>,
    {
        match self {
            MapEntry::Occupied(mut entry) => {
                entry.replace(value)?;
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
    pub fn get(&self) -> Result<V::View<'_>> {
        Ok(self.at.map.value_view(self.found.place())?)
    }

    /// Replaces the value; the previous one.
    ///
    /// # Errors
    /// As [`DiskHashMap::insert`].
    pub fn insert<R: ?Sized>(mut self, value: &R) -> Result<V::View<'m>>
    where
        V: Encode<R>,
    {
        let old = self.replace(value)?;
        let map: &'m DiskHashMap<K, V, BS, S> = self.at.map;
        Ok(map.image_value(&old)?)
    }

    /// The value: there is one, so `value` is not stored.
    ///
    /// # Errors
    /// `Corrupt` if the stored bytes are not what the codec writes.
    pub fn or_insert<R: ?Sized>(self, _value: &R) -> Result<V::View<'m>>
    where
        V: Encode<R>,
    {
        self.into_view()
    }

    /// The value: there is one, so `value` is not called.
    ///
    /// # Errors
    /// `Corrupt` if the stored bytes are not what the codec writes.
    pub fn or_insert_with<R>(self, _value: impl FnOnce() -> R) -> Result<V::View<'m>>
    where
        V: Encode<R>,
    {
        self.into_view()
    }

    /// Removes the key; its value.
    ///
    /// # Errors
    /// As [`DiskHashMap::remove`].
    pub fn remove(self) -> Result<V::View<'m>> {
        let (map, image) = self.take_out()?;
        Ok(map.image_value(&image)?)
    }

    /// Removes the key; the stored key and its value.
    ///
    /// # Errors
    /// As [`DiskHashMap::remove`].
    pub fn remove_entry(self) -> Result<(K::View<'m>, V::View<'m>)> {
        let (map, image) = self.take_out()?;
        Ok((map.image_key(&image)?, map.image_value(&image)?))
    }

    /// Stores another value without looking at the previous one.
    pub(super) fn set<R: ?Sized>(mut self, value: &R) -> Result<()>
    where
        V: Encode<R>,
    {
        self.replace(value).map(|_| ())
    }

    fn into_view(self) -> Result<V::View<'m>> {
        let map: &'m DiskHashMap<K, V, BS, S> = self.at.map;
        Ok(map.value_view(self.found.place())?)
    }

    fn replace<R: ?Sized>(&mut self, value: &R) -> Result<SlotImage>
    where
        V: Encode<R>,
    {
        let At { map, key, hashed, generation } = &mut self.at;
        let found = &mut self.found;
        K::with_bytes(*key, |bytes| {
            let _pass = enter(&map.shared, &map.keeper)?;
            let core = &map.shared.core;
            if core.generation() != *generation {
                *found = core.find_again(*hashed, bytes)?;
                *generation = core.generation();
            }
            map.check_value(&core.image(found))?;
            let payload = Encoded::<V, R>::new(value);
            let (old, new) = core.update(&mut map.writer, *found, *hashed, bytes, &payload)?;
            *found = new;
            Ok(old)
        })?
    }

    #[expect(clippy::type_complexity, reason = "the map and a slot, both private")]
    fn take_out(self) -> Result<(&'m DiskHashMap<K, V, BS, S>, SlotImage)> {
        let At { map, key, hashed, generation } = self.at;
        let mut found = self.found;
        let image = K::with_bytes(key, |bytes| {
            let _pass = enter(&map.shared, &map.keeper)?;
            let core = &map.shared.core;
            if core.generation() != generation {
                found = core.find_again(hashed, bytes)?;
            }
            let image = core.image(&found);
            map.check_value(&image)?;
            map.image_key(&image)?;
            core.remove(&mut map.writer, found, hashed, bytes)
        })??;
        Ok((map, image))
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

    /// Stores a value; a view of it.
    ///
    /// # Errors
    /// As [`DiskHashMap::insert`].
    pub fn insert<R: ?Sized>(self, value: &R) -> Result<V::View<'m>>
    where
        V: Encode<R>,
    {
        self.fill(value)?.into_view()
    }

    /// Stores a value: there is none. A view of it.
    ///
    /// # Errors
    /// As [`DiskHashMap::insert`].
    pub fn or_insert<R: ?Sized>(self, value: &R) -> Result<V::View<'m>>
    where
        V: Encode<R>,
    {
        self.insert(value)
    }

    /// Stores what `value` returns: there is none. A view of it.
    ///
    /// # Errors
    /// As [`DiskHashMap::insert`].
    pub fn or_insert_with<R>(self, value: impl FnOnce() -> R) -> Result<V::View<'m>>
    where
        V: Encode<R>,
    {
        self.insert(&value())
    }

    fn fill<R: ?Sized>(self, value: &R) -> Result<OccupiedEntry<'m, 'q, K, V, Q, BS, S>>
    where
        V: Encode<R>,
    {
        let VacantEntry { mut at, mut vacant } = self;
        let At { map, key, hashed, generation } = &mut at;
        let found = K::with_bytes(*key, |bytes| {
            let _pass = enter(&map.shared, &map.keeper)?;
            let core = &map.shared.core;
            if core.generation() != *generation {
                vacant = core.vacancy(*hashed);
                *generation = core.generation();
            }
            core.insert(&mut map.writer, vacant, *hashed, bytes, &Encoded::<V, R>::new(value))
        })??;
        Ok(OccupiedEntry { at, found })
    }
}
