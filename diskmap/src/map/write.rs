//! Insert, update and remove by key, and what a writer must look at first.
//!
//! Must not know how entries are stored. Invariant: what a call returns is read and validated before anything changes, so
//! that an `Err` leaves the map as it was.

use std::sync::Arc;

use super::{
    DiskHashMap,
    typed::{Encoded, KEY_BUFFER, Reader, Typed, checked_key, inline_key},
};
use crate::{
    checkpoint::{Keeper, Shared},
    codec::{DiskValue, Encode, IntoOwned},
    error::{Error, Result},
    gate::Pass,
    hash::StableHasher,
    raw::Lookup,
    signals,
    store::ByteStore,
    table::SlotImage,
};

/// Writing.
impl<K: ?Sized, V: ?Sized, BS: ByteStore, S: StableHasher> DiskHashMap<K, V, BS, S> {
    /// Stores a value for a key; the previous value if there was one.
    ///
    /// Amortised constant time. One call in some thousands rebuilds a segment of about 68 KiB.
    ///
    /// # Errors
    /// `OutOfSpace`, `Full`, `TooLarge`, `Encode`, `ReadOnly`, `Poisoned`, `Corrupt`. The map is then as it was.
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<str, u64>::new();
    /// assert_eq!(map.insert("a", &1)?, None);
    /// assert_eq!(map.insert("a", &2)?, Some(1));
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    #[inline]
    pub fn insert<QK: ?Sized, QV: ?Sized>(&mut self, key: &QK, value: &QV) -> Result<Option<V::View<'_>>>
    where
        K: Encode<QK>,
        V: Encode<QV>,
    {
        let old = self.store(key, value, true)?;
        Ok(match &old {
            Some(image) => Some(self.image_value(image)?),
            None => None,
        })
    }

    /// Stores a value for a key that is not there yet; whether it was stored.
    ///
    /// # Errors
    /// As [`insert`](DiskHashMap::insert).
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<str, u64>::new();
    /// assert!(map.try_insert("a", &1)?);
    /// assert!(!map.try_insert("a", &2)?);
    /// assert_eq!(map.get("a")?, Some(1));
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    #[inline]
    pub fn try_insert<QK: ?Sized, QV: ?Sized>(&mut self, key: &QK, value: &QV) -> Result<bool>
    where
        K: Encode<QK>,
        V: Encode<QV>,
    {
        Ok(self.store(key, value, false)?.is_none())
    }

    /// Replaces the value of a key by what `change` makes of it; whether the key was there.
    ///
    /// # Errors
    /// As [`insert`](DiskHashMap::insert).
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<str, u64>::new();
    /// map.insert("hits", &1)?;
    /// assert!(map.update("hits", |n| n + 1)?);
    /// assert_eq!(map.get("hits")?, Some(2));
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn update<Q: ?Sized, R>(&mut self, key: &Q, change: impl for<'x> FnOnce(V::View<'x>) -> R) -> Result<bool>
    where
        K: Encode<Q>,
        V: Encode<R>,
    {
        match self.entry(key)? {
            super::MapEntry::Vacant(_) => Ok(false),
            super::MapEntry::Occupied(entry) => {
                let value = change(entry.get()?);
                entry.set(&value).map(|()| true)
            }
        }
    }

    /// The value of a key, storing what `value` returns if it is not there.
    ///
    /// # Errors
    /// As [`insert`](DiskHashMap::insert).
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<str, String>::new();
    /// assert_eq!(map.get_or_insert_with("a", || format!("{}", 1))?, "1");
    /// assert_eq!(map.get_or_insert_with("a", || String::new())?, "1");
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn get_or_insert_with<Q: ?Sized, R>(&mut self, key: &Q, value: impl FnOnce() -> R) -> Result<V::View<'_>>
    where
        K: Encode<Q>,
        V: Encode<R>,
    {
        self.entry(key)?.or_insert_with(value)
    }

    /// Removes a key; its value if it was there.
    ///
    /// # Errors
    /// As [`insert`](DiskHashMap::insert).
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<str, String>::new();
    /// map.insert("a", "1")?;
    /// assert_eq!(map.remove("a")?, Some("1"));
    /// assert_eq!(map.remove("a")?, None);
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn remove<Q: ?Sized>(&mut self, key: &Q) -> Result<Option<V::View<'_>>>
    where
        K: Encode<Q>,
        V: DiskValue,
    {
        Ok(match self.take_out(key)? {
            Some(image) => Some(self.image_value(&image)?),
            None => None,
        })
    }

    /// Removes a key; the stored key and its value if it was there.
    ///
    /// # Errors
    /// As [`insert`](DiskHashMap::insert).
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<str, u64>::new();
    /// map.insert("a", &1)?;
    /// assert_eq!(map.remove_entry("a")?, Some(("a", 1)));
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn remove_entry<Q: ?Sized>(&mut self, key: &Q) -> Result<Option<(K::View<'_>, V::View<'_>)>>
    where
        K: Encode<Q>,
        V: DiskValue,
    {
        match self.take_out(key)? {
            Some(image) => Ok(Some((self.image_key(&image)?, self.image_value(&image)?))),
            None => Ok(None),
        }
    }

    /// Removes a key; its value as an owned Rust value if it was there.
    ///
    /// # Errors
    /// As [`insert`](DiskHashMap::insert).
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<u64, String>::new();
    /// map.insert(&1, "one")?;
    /// let owned: Option<String> = map.take(&1)?;
    /// assert_eq!(owned.as_deref(), Some("one"));
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn take<Q: ?Sized>(&mut self, key: &Q) -> Result<Option<V::Owned>>
    where
        K: Encode<Q>,
        V: IntoOwned,
    {
        self.remove(key)?.map(V::into_owned).transpose()
    }

    /// Removes all entries, at once also for a crash: afterwards all are there or none. Linear in the number of segments
    /// and heap blocks.
    ///
    /// # Errors
    /// As [`insert`](DiskHashMap::insert).
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<u64, u64>::new();
    /// map.insert(&1, &1)?;
    /// map.clear()?;
    /// assert!(map.is_empty());
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn clear(&mut self) -> Result<()>
    where
        K: DiskValue,
        V: DiskValue,
    {
        let DiskHashMap { shared, writer, keeper, .. } = self;
        let _pass = enter(shared, keeper)?;
        shared.core.clear(writer)
    }

    /// Stores a value; the slot as it was if the key was there. Without `overwrite` such a key is left alone.
    #[inline(always)]
    fn store<QK: ?Sized, QV: ?Sized>(&mut self, key: &QK, value: &QV, overwrite: bool) -> Result<Option<SlotImage>>
    where
        K: Encode<QK>,
        V: Encode<QV>,
    {
        let mut buffer = KEY_BUFFER;
        match inline_key::<K, QK>(key, &mut buffer) {
            Some(bytes) => {
                let bytes = bytes?;
                self.store_bytes(self.shared.core.scheme().hash_key(bytes), bytes, value, overwrite)
            }
            None => K::with_bytes(key, |bytes| {
                let bytes = checked_key::<K>(bytes)?;
                self.store_bytes(self.shared.core.scheme().hash_key(bytes), bytes, value, overwrite)
            })?,
        }
    }

    /// As `store`, for a key that is encoded and hashed.
    #[inline(always)]
    pub(super) fn store_bytes<QV: ?Sized>(
        &mut self,
        hashed: crate::hash::Hashed,
        bytes: &[u8],
        value: &QV,
        overwrite: bool,
    ) -> Result<Option<SlotImage>>
    where
        K: DiskValue,
        V: Encode<QV>,
    {
        let payload = Encoded::<V, QV>::new(value);
        let _pass = enter(&self.shared, &self.keeper)?;
        let core = &self.shared.core;
        match core.lookup(hashed, bytes)? {
            Lookup::Vacant(vacant) => {
                core.insert(&mut self.writer, vacant, hashed, bytes, &payload)?;
                Ok(None)
            }
            Lookup::Found(found) => {
                let image = core.image(&found);
                if overwrite {
                    let reader = Reader::of(core, self.assume_valid);
                    let check = |image: &SlotImage| reader.image_value(image).map(drop);
                    core.update_if(&mut self.writer, found, hashed, bytes, &payload, check)?;
                }
                Ok(Some(image))
            }
        }
    }

    fn take_out<Q: ?Sized>(&mut self, key: &Q) -> Result<Option<SlotImage>>
    where
        K: Encode<Q>,
        V: DiskValue,
    {
        K::with_bytes(key, |bytes| {
            let _pass = enter(&self.shared, &self.keeper)?;
            let core = &self.shared.core;
            let hashed = core.scheme().hash_key(checked_key::<K>(bytes)?);
            let Some(found) = core.find(hashed, bytes)? else { return Ok(None) };
            let image = core.image(&found);
            self.check_value(&image)?;
            self.image_key(&image)?;
            core.remove(&mut self.writer, found, hashed, bytes).map(Some)
        })?
    }
}

/// Lets the writer in, doing first what needs its attention.
#[inline(always)]
pub(super) fn enter<'s, BS: ByteStore, K: ?Sized, V: ?Sized, S>(
    shared: &'s Shared<BS, Typed<K, V, S>>,
    keeper: &Option<Arc<Keeper>>,
) -> Result<Pass<'s>> {
    loop {
        if let Some(pass) = shared.gates.enter(shared.core.signals()) {
            return Ok(pass);
        }
        attend(shared, keeper)?;
    }
}

/// As `enter`, for one of several writers.
#[inline(always)]
pub(super) fn enter_as<'s, BS: ByteStore, K: ?Sized, V: ?Sized, S>(
    number: u32,
    shared: &'s Shared<BS, Typed<K, V, S>>,
    keeper: &Option<Arc<Keeper>>,
) -> Result<Pass<'s>> {
    loop {
        if let Some(pass) = shared.gates.enter_as(number, shared.core.signals()) {
            return Ok(pass);
        }
        attend(shared, keeper)?;
    }
}

#[cold]
fn attend<BS: ByteStore, C>(shared: &Shared<BS, C>, keeper: &Option<Arc<Keeper>>) -> Result<()> {
    let signals = shared.core.signals();
    let attention = signals.attention();
    if attention & signals::READ_ONLY != 0 {
        return Err(Error::ReadOnly);
    }
    if attention & signals::STOP != 0 {
        std::thread::yield_now();
    }
    let Some(keeper) = keeper else {
        // In memory: no checkpoints to be made.
        signals.lower(signals::UNCHANGED);
        signals.restart_counting();
        return Ok(());
    };
    if attention & signals::POISONED != 0 {
        return Err(keeper.poison());
    }
    if attention & signals::PRESSURE != 0 {
        // One of several writers makes the checkpoint, the others wait for what it lets go of when they need it.
        if signals.lower(signals::PRESSURE) != 0 && keeper.is_automatic() {
            keeper.relieve()?;
        }
    }
    if attention & signals::RESUMED != 0 {
        keeper.keep_manifest()?;
        signals.lower(signals::RESUMED);
    }
    if attention & signals::REOPENED != 0 {
        keeper.reopened()?;
        signals.lower(signals::REOPENED);
    }
    if attention & signals::UNCHANGED != 0 {
        // Counts what was there before the first change.
        shared.core.len();
    }
    if signals.lower(signals::UNCHANGED | signals::DUE) != 0 {
        keeper.changed(attention & signals::DUE != 0);
    }
    Ok(())
}
