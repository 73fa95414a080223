//! Removing many entries: by a condition, all of them, or one after the other while they are handed out.
//!
//! Must not know how entries are stored. Invariant: each entry is removed whole or not at all, whenever the work stops.

use super::{DiskHashMap, typed::Typed, write::enter};
use crate::{
    codec::{DiskValue, IntoOwned},
    error::Result,
    hash::StableHasher,
    raw::Walk,
    store::ByteStore,
};

/// Removing many.
impl<K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> DiskHashMap<K, V, BS, S> {
    /// Removes the entries for which `keep` is false. Linear in the number of entries.
    ///
    /// # Errors
    /// As [`insert`](DiskHashMap::insert); entries visited before the failure stay removed.
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<u64, u64>::new();
    /// map.try_extend((0..100).map(|i| (i, i)))?;
    /// map.retain(|key, _| key % 2 == 0)?;
    /// assert_eq!(map.len(), 50);
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn retain(&mut self, mut keep: impl for<'x> FnMut(K::View<'x>, V::View<'x>) -> bool) -> Result<()> {
        let mut walk = Walk::new(0);
        while let Some(spot) = walk.next(&self.shared.core) {
            let spot = spot?;
            let image = self.shared.core.image(&spot.found);
            if !keep(self.image_key(&image)?, self.image_value(&image)?) {
                let _pass = enter(&self.shared, &self.keeper)?;
                self.shared.core.remove_spot(&mut self.writer, &mut walk, spot)?;
            }
        }
        Ok(())
    }

    /// Removes the entries for which `take` is true, one for each step of the iterator, and hands them out. Entries not yet
    /// reached when the iterator is dropped stay.
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<u64, String>::new();
    /// map.insert(&1, "odd")?;
    /// map.insert(&2, "even")?;
    /// let odd = map.extract_if(|key, _| key % 2 == 1).collect::<Result<Vec<_>, _>>()?;
    /// assert_eq!(odd, [(1, "odd".to_string())]);
    /// assert_eq!(map.len(), 1);
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn extract_if<F>(&mut self, take: F) -> ExtractIf<'_, K, V, F, BS, S>
    where
        K: IntoOwned,
        V: IntoOwned,
        F: for<'x> FnMut(K::View<'x>, V::View<'x>) -> bool,
    {
        ExtractIf { map: self, walk: Walk::new(0), take }
    }

    /// Removes all entries and hands them out. Those not yet reached when the iterator is dropped are removed too.
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<u64, String>::new();
    /// map.insert(&1, "one")?;
    /// assert_eq!(map.drain().collect::<Result<Vec<_>, _>>()?, [(1, "one".to_string())]);
    /// assert!(map.is_empty());
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn drain(&mut self) -> Drain<'_, K, V, BS, S>
    where
        K: IntoOwned,
        V: IntoOwned,
    {
        Drain { map: self, walk: Walk::new(0) }
    }

    fn extract_next(
        &mut self,
        walk: &mut Walk<Typed<K, V, S>>,
        take: &mut impl for<'x> FnMut(K::View<'x>, V::View<'x>) -> bool,
    ) -> Result<Option<(K::Owned, V::Owned)>>
    where
        K: IntoOwned,
        V: IntoOwned,
    {
        while let Some(spot) = walk.next(&self.shared.core) {
            let spot = spot?;
            let image = self.shared.core.image(&spot.found);
            if !take(self.image_key(&image)?, self.image_value(&image)?) {
                continue;
            }
            let owned = (K::into_owned(self.image_key(&image)?)?, V::into_owned(self.image_value(&image)?)?);
            let _pass = enter(&self.shared, &self.keeper)?;
            self.shared.core.remove_spot(&mut self.writer, walk, spot)?;
            return Ok(Some(owned));
        }
        Ok(None)
    }
}

/// Iterator over removed entries: what [`DiskHashMap::extract_if`] returns.
pub struct ExtractIf<'m, K: ?Sized, V: ?Sized, F, BS: ByteStore, S> {
    map: &'m mut DiskHashMap<K, V, BS, S>,
    walk: Walk<Typed<K, V, S>>,
    take: F,
}

impl<K, V, F, BS, S> Iterator for ExtractIf<'_, K, V, F, BS, S>
where
    K: ?Sized + IntoOwned,
    V: ?Sized + IntoOwned,
    F: for<'x> FnMut(K::View<'x>, V::View<'x>) -> bool,
    BS: ByteStore,
    S: StableHasher,
{
    type Item = Result<(K::Owned, V::Owned)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.map.extract_next(&mut self.walk, &mut self.take).transpose()
    }
}

/// Iterator over all entries, which it removes: what [`DiskHashMap::drain`] returns.
pub struct Drain<'m, K, V, BS, S>
where
    K: ?Sized + IntoOwned,
    V: ?Sized + IntoOwned,
    BS: ByteStore,
    S: StableHasher,
{
    map: &'m mut DiskHashMap<K, V, BS, S>,
    walk: Walk<Typed<K, V, S>>,
}

impl<K, V, BS, S> Iterator for Drain<'_, K, V, BS, S>
where
    K: ?Sized + IntoOwned,
    V: ?Sized + IntoOwned,
    BS: ByteStore,
    S: StableHasher,
{
    type Item = Result<(K::Owned, V::Owned)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.map.extract_next(&mut self.walk, &mut |_, _| true).transpose()
    }
}

impl<K, V, BS, S> Drop for Drain<'_, K, V, BS, S>
where
    K: ?Sized + IntoOwned,
    V: ?Sized + IntoOwned,
    BS: ByteStore,
    S: StableHasher,
{
    fn drop(&mut self) {
        if let Err(error) = self.map.clear() {
            log::error!("draining a map stopped early: {error}");
        }
    }
}
