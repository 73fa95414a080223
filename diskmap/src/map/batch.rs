//! Many keys at once: while one is looked up, the lines of the next ones are on their way.
//!
//! Must not know how entries are stored beyond that a lookup has steps, each of which asks for what the next one reads. Invariant: results are those
//! of the same calls made one by one, in order.

use super::{
    DiskHashMap, Outcome,
    typed::{KEY_BUFFER, Typed, checked_key, inline_key},
};
use crate::{
    codec::{DiskValue, Encode},
    error::Result,
    hash::{Hashed, StableHasher},
    raw::{Glance, Prepared},
    store::ByteStore,
    table::Scheme,
};

/// Keys of [`GetMany`] that take a step together: as many lines as a core asks for at a time.
const BLOCK: usize = 16;
/// Keys whose lookup may have begun: a block for each step and the one that is returned.
const RING: usize = 4 * BLOCK;
/// Entries that [`DiskHashMap::try_extend`] takes at a time.
const BATCH: usize = 32;

/// The values of many keys, in the order of the keys: what [`DiskHashMap::get_many`] returns.
pub struct GetMany<'m, 'k, K: ?Sized, V: ?Sized, Q, BS: ByteStore, S> {
    map: &'m DiskHashMap<K, V, BS, S>,
    keys: &'k [Q],
    next: usize,
    /// What is known of the block with the next key and of those after it, by the key's place.
    ring: [Prepared; RING],
}

/// Batches.
impl<K: ?Sized, V: ?Sized, BS: ByteStore, S: StableHasher> DiskHashMap<K, V, BS, S> {
    /// The values of many keys, in their order: as many calls of [`get`](DiskHashMap::get), but one and a half to three
    /// times as fast when the map is larger than the cache. Allocates nothing.
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<u64, u64>::new();
    /// map.insert(&1, &10)?;
    /// let values = map.get_many(&[1, 2]).collect::<Result<Vec<_>, _>>()?;
    /// assert_eq!(values, [Some(10), None]);
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn get_many<'m, 'k, Q>(&'m self, keys: &'k [Q]) -> GetMany<'m, 'k, K, V, Q, BS, S>
    where
        K: Encode<Q>,
        V: DiskValue,
    {
        GetMany { map: self, keys, next: 0, ring: [Prepared::NOTHING; RING] }
    }

    /// Inserts many entries, overwriting the values of keys that are there. Faster than as many inserts when the map is
    /// larger than the cache.
    ///
    /// # Errors
    /// As [`insert`](DiskHashMap::insert); entries before the one that failed are stored.
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<u64, u64>::new();
    /// map.try_extend((0..100).map(|i| (i, i * i)))?;
    /// assert_eq!(map.get(&7)?, Some(49));
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn try_extend<QK, QV>(&mut self, entries: impl IntoIterator<Item = (QK, QV)>) -> Result<()>
    where
        K: Encode<QK>,
        V: Encode<QV>,
    {
        let mut entries = entries.into_iter();
        let mut batch: Vec<(QK, QV, Hashed)> = Vec::with_capacity(BATCH);
        loop {
            for (key, value) in entries.by_ref().take(BATCH) {
                let hashed = self.hash_of(&key)?;
                self.shared.core.prefetch(hashed);
                batch.push((key, value, hashed));
            }
            if batch.is_empty() {
                return Ok(());
            }
            for (key, value, hashed) in batch.drain(..) {
                K::with_bytes(&key, |bytes| self.store_bytes(hashed, checked_key::<K>(bytes)?, &value, true))??;
            }
        }
    }

    #[inline(always)]
    fn get_prepared(&self, prepared: &Prepared, key: &[u8]) -> Result<Option<V::View<'_>>>
    where
        K: DiskValue,
        V: DiskValue,
    {
        match self.shared.core.glance_at(prepared, key) {
            Ok(Glance::Found(found)) => Ok(Some(self.value_view(&found)?)),
            Ok(Glance::Absent) => Ok(None),
            Ok(Glance::Unsure) => self.get_again(prepared.hashed, key).into(),
            Err(fault) => Err(fault.into()),
        }
    }

    #[inline(never)]
    fn get_again(&self, hashed: Hashed, key: &[u8]) -> Outcome<V::View<'_>>
    where
        K: DiskValue,
        V: DiskValue,
    {
        self.outcome(self.shared.core.find(hashed, key))
    }

    #[inline(always)]
    fn hash_of<Q: ?Sized>(&self, key: &Q) -> Result<Hashed>
    where
        K: Encode<Q>,
        V: DiskValue,
    {
        let scheme = self.shared.core.scheme();
        let mut buffer = KEY_BUFFER;
        match inline_key::<K, Q>(key, &mut buffer) {
            Some(bytes) => Ok(scheme.hash_key(bytes?)),
            None => K::with_bytes(key, |bytes| Ok(scheme.hash_key(checked_key::<K>(bytes)?)))?,
        }
    }
}

impl<'m, K, V, Q, BS, S> GetMany<'m, '_, K, V, Q, BS, S>
where
    K: ?Sized + Encode<Q>,
    V: ?Sized + DiskValue,
    BS: ByteStore,
    S: StableHasher,
{
    const HAS_RECORDS: bool = Typed::<K, V, S>::LAYOUT.has_heap();
    /// Steps before a key is compared.
    const STEPS: usize = 2 + Self::HAS_RECORDS as usize;

    /// Takes one step with each of the next blocks, the first step with the furthest: while a block is compared, the lines
    /// of the others arrive.
    #[inline(never)]
    fn advance(&mut self) {
        const { assert!(Self::STEPS < RING / BLOCK) };
        let (map, core) = (self.map, &self.map.shared.core);
        self.take(Self::STEPS, |prepared, key| {
            // A key that cannot be encoded says so when its turn comes.
            *prepared = map.hash_of(key).map_or(Prepared::NOTHING, |hashed| core.prepare(hashed));
        });
        self.take(Self::STEPS - 1, |prepared, _| core.aim(prepared));
        if Self::HAS_RECORDS {
            self.take(1, |prepared, _| core.prefetch_record(prepared));
        }
    }

    /// Takes a step with the block that is so many ahead; at the beginning with those before it, too.
    #[inline(always)]
    fn take(&mut self, ahead: usize, step: impl Fn(&mut Prepared, &Q)) {
        let first = if self.next == 0 { 0 } else { ahead };
        for block in first..=ahead {
            let at = self.next + block * BLOCK;
            let keys = self.keys.get(at..).unwrap_or_default();
            for (prepared, key) in self.ring[at % RING..][..BLOCK].iter_mut().zip(keys) {
                step(prepared, key);
            }
        }
    }
}

impl<'m, K, V, Q, BS, S> Iterator for GetMany<'m, '_, K, V, Q, BS, S>
where
    K: ?Sized + Encode<Q>,
    V: ?Sized + DiskValue,
    BS: ByteStore,
    S: StableHasher,
{
    type Item = Result<Option<V::View<'m>>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let key = self.keys.get(self.next)?;
        if self.next.is_multiple_of(BLOCK) {
            self.advance();
        }
        let prepared = &self.ring[self.next % RING];
        self.next += 1;
        let map = self.map;
        let mut buffer = KEY_BUFFER;
        Some(match inline_key::<K, Q>(key, &mut buffer) {
            Some(Ok(bytes)) => map.get_prepared(prepared, bytes),
            Some(Err(fault)) => Err(fault.into()),
            None => K::with_bytes(key, |bytes| map.get_prepared(prepared, checked_key::<K>(bytes)?)).flatten(),
        })
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
