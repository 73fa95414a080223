//! Many keys at once: while one is looked up, the lines of the next ones are on their way.
//!
//! Must not know how entries are stored. Invariant: results are those of the same calls made one by one, in order.

use diskmap::{ByteStore, DiskValue, Encode, Result, StableHasher};

use crate::{DiskDashMap, Ref};

/// Keys whose lines are asked for at a time: more would not fit into the line fill buffers of a core.
const BLOCK: usize = 16;

impl<K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> DiskDashMap<K, V, BS, S> {
    /// The values of many keys, in their order: as many calls of [`get`](DiskDashMap::get), but faster when the map is larger
    /// than the cache.
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<u64, u64>::new()?;
    /// map.insert(&1, &10)?;
    /// let values: Vec<_> = map.get_many(&[1, 2]).collect::<Result<_, _>>()?;
    /// assert_eq!(values[0].as_ref().map(|ten| ten.value()), Some(10));
    /// assert!(values[1].is_none());
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn get_many<'m, 'k, Q>(&'m self, keys: &'k [Q]) -> GetMany<'m, 'k, K, V, Q, BS, S>
    where
        K: Encode<Q>,
    {
        GetMany { map: self, keys, next: 0, prepared: 0 }
    }

    /// Inserts many entries, overwriting the values of keys that are there. Faster than as many inserts when the map is larger
    /// than the cache. Others see the entries come one by one.
    ///
    /// # Errors
    /// As [`insert`](DiskDashMap::insert); entries before the one that failed are stored.
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<u64, u64>::new()?;
    /// map.try_extend((0..100).map(|i| (i, i * i)))?;
    /// assert_eq!(map.get_copied(&7)?, Some(49));
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn try_extend<QK, QV>(&self, entries: impl IntoIterator<Item = (QK, QV)>) -> Result<()>
    where
        K: Encode<QK>,
        V: Encode<QV>,
    {
        let mut entries = entries.into_iter();
        let mut batch: Vec<(QK, QV)> = Vec::with_capacity(BLOCK);
        loop {
            batch.extend(entries.by_ref().take(BLOCK).inspect(|(key, _)| {
                // A key that cannot be encoded says so when its turn comes.
                let _ = self.engine().with_key(key, |hashed, _| self.engine().prefetch(hashed));
            }));
            if batch.is_empty() {
                return Ok(());
            }
            for (key, value) in batch.drain(..) {
                self.insert(&key, &value)?;
            }
        }
    }
}

/// The values of many keys, in the order of the keys: what [`DiskDashMap::get_many`] returns.
pub struct GetMany<'m, 'k, K: ?Sized, V: ?Sized, Q, BS: ByteStore, S> {
    map: &'m DiskDashMap<K, V, BS, S>,
    keys: &'k [Q],
    next: usize,
    /// The lines of keys below this were asked for.
    prepared: usize,
}

impl<'m, K, V, Q, BS, S> Iterator for GetMany<'m, '_, K, V, Q, BS, S>
where
    K: ?Sized + Encode<Q>,
    V: ?Sized + DiskValue,
    BS: ByteStore,
    S: StableHasher,
{
    type Item = Result<Option<Ref<'m, V>>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let key = self.keys.get(self.next)?;
        if self.next == self.prepared {
            let block = &self.keys[self.next..self.keys.len().min(self.next + BLOCK)];
            let engine = self.map.engine();
            for key in block {
                // A key that cannot be encoded says so when its turn comes.
                let _ = engine.with_key(key, |hashed, _| engine.prefetch_view(hashed));
            }
            self.prepared += block.len();
        }
        self.next += 1;
        Some(self.map.get(key))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.keys.len() - self.next;
        (left, Some(left))
    }
}

impl<K, V, Q, BS, S> ExactSizeIterator for GetMany<'_, '_, K, V, Q, BS, S>
where
    K: ?Sized + Encode<Q>,
    V: ?Sized + DiskValue,
    BS: ByteStore,
    S: StableHasher,
{
}
