//! Reading by key: no lock, no waiting, and no write to shared memory where key and value are of fixed size.
//!
//! Must not know shards. Invariant: where an entry has a record, the thread is pinned before the first load and until the
//! last look at the record.

#![allow(unsafe_code, reason = "reads are sound under a pin only")]

use diskmap::{
    ByteStore, DiskValue, Encode, IntoOwned, Result, StableHasher,
    engine::{Engine, Image},
};

use crate::{DiskDashMap, Ref, pin::Pin};

impl<K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> DiskDashMap<K, V, BS, S> {
    /// The value of a key. Constant time; takes no lock and allocates nothing.
    ///
    /// # Errors
    /// `Corrupt` if the stored bytes are not what the codec writes; `Encode` if the key cannot be encoded.
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<u64, str>::new()?;
    /// map.insert(&1, "one")?;
    /// assert_eq!(map.get(&1)?.expect("it is there").value(), "one");
    /// assert!(map.get(&2)?.is_none());
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    #[inline(always)]
    pub fn get<Q: ?Sized>(&self, key: &Q) -> Result<Option<Ref<'_, V>>>
    where
        K: Encode<Q>,
    {
        let pin = self.pin_to_read();
        // SAFETY: pinned if an entry has a record, and the pin is kept as long as the value where it lies in one.
        unsafe {
            let Some(stored) = self.engine().get_stored(key)? else { return Ok(None) };
            Ok(Some(Ref::new(stored, if Self::VALUE_IN_RECORD { pin } else { None })))
        }
    }

    /// The value of a key whose value is of fixed size, as a copy. Constant time. Writes no shared memory if the key is of
    /// fixed size too (up to 64 bytes each).
    ///
    /// It does not compile for values of variable size: they have no copy of their own.
    ///
    /// # Errors
    /// As [`get`](DiskDashMap::get).
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<str, u64>::new()?;
    /// map.insert("one", &1)?;
    /// assert_eq!(map.get_copied("one")?, Some(1));
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    ///
    /// ```compile_fail
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<u64, str>::new()?;
    /// map.get_copied(&1)?;
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    #[inline(always)]
    pub fn get_copied<Q: ?Sized>(&self, key: &Q) -> Result<Option<V::View<'static>>>
    where
        K: Encode<Q>,
    {
        let _pin = self.pin_to_read();
        // SAFETY: pinned if an entry has a record.
        unsafe { self.engine().get_fixed(key) }
    }

    /// What `look` makes of the value of a key.
    ///
    /// # Errors
    /// As [`get`](DiskDashMap::get).
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<u64, str>::new()?;
    /// map.insert(&1, "one")?;
    /// assert_eq!(map.view(&1, str::len)?, Some(3));
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn view<Q: ?Sized, R>(&self, key: &Q, look: impl FnOnce(V::View<'_>) -> R) -> Result<Option<R>>
    where
        K: Encode<Q>,
    {
        Ok(self.get(key)?.map(|value| look(value.value())))
    }

    /// The value of a key as an owned Rust value.
    ///
    /// # Errors
    /// As [`get`](DiskDashMap::get).
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<u64, String>::new()?;
    /// map.insert(&1, "one")?;
    /// assert_eq!(map.get_owned(&1)?, Some("one".to_string()));
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn get_owned<Q: ?Sized>(&self, key: &Q) -> Result<Option<V::Owned>>
    where
        K: Encode<Q>,
        V: IntoOwned,
    {
        self.get(key)?.map(Ref::into_owned).transpose()
    }

    /// Whether a key is there. Does not read its value.
    ///
    /// # Errors
    /// As [`get`](DiskDashMap::get).
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<u64, ()>::new()?;
    /// map.insert(&7, &())?;
    /// assert!(map.contains_key(&7)?);
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    #[inline(always)]
    pub fn contains_key<Q: ?Sized>(&self, key: &Q) -> Result<bool>
    where
        K: Encode<Q>,
    {
        let _pin = if Self::KEY_IN_RECORD { Some(self.pin()) } else { None };
        // SAFETY: pinned if keys lie in records.
        self.engine().with_key(key, |hashed, bytes| unsafe { self.engine().has(hashed, bytes) })?
    }

    pub(crate) const HAS_RECORDS: bool = Engine::<K, V, BS, S>::HAS_RECORDS;
    pub(crate) const KEY_IN_RECORD: bool = Engine::<K, V, BS, S>::KEY_IN_RECORD;
    pub(crate) const VALUE_IN_RECORD: bool = Engine::<K, V, BS, S>::VALUE_IN_RECORD;

    /// A pin if an entry has a record.
    #[inline(always)]
    pub(crate) fn pin_to_read(&self) -> Option<Pin<'_>> {
        if Self::HAS_RECORDS { Some(self.pin()) } else { None }
    }

    /// The value in an image that was read under a pin.
    #[inline(always)]
    pub(crate) fn guard<'m>(&'m self, image: &Image, pin: Option<Pin<'m>>) -> Result<Ref<'m, V>> {
        // SAFETY: read under the pin, which is kept as long as the value where it lies in a record.
        unsafe {
            let stored = self.engine().stored_value(image)?;
            Ok(Ref::new(stored, if Self::VALUE_IN_RECORD { pin } else { None }))
        }
    }
}
