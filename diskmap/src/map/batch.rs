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
/// Blocks whose lookups may have begun: one for each step and the one that is compared.
const BLOCKS: usize = 4;
/// Entries that [`DiskHashMap::try_extend`] takes at a time.
const BATCH: usize = 32;

/// The values of many keys, in the order of the keys: what [`DiskHashMap::get_many`] returns.
pub struct GetMany<'m, 'k, K: ?Sized, V: ?Sized, Q, BS: ByteStore, S> {
    map: &'m DiskHashMap<K, V, BS, S>,
    keys: &'k [Q],
    next: usize,
    /// What is known of the block with the next key and of those after it.
    ring: [[Prepared; BLOCK]; BLOCKS],
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
        GetMany { map: self, keys, next: 0, ring: [[Prepared::NOTHING; BLOCK]; BLOCKS] }
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
            Ok(Glance::Found(place)) => Ok(Some(self.value_view(place)?)),
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
    /// How many blocks before its turn to be compared a lookup begins: one for each step.
    const LEAD: usize = 2 + Self::HAS_RECORDS as usize;

    /// Brings the lookups of the next block, and of those after it, to where they have to be when it is compared.
    #[inline(never)]
    fn advance(&mut self) {
        const { assert!(Self::LEAD < BLOCKS) };
        let first = if self.next == 0 { 0 } else { self.next / BLOCK + Self::LEAD };
        for block in first..=self.next / BLOCK + Self::LEAD {
            self.turn(block);
        }
    }

    /// The first step of a block, the second one of the block before it, and so on.
    #[inline(always)]
    fn turn(&mut self, block: usize) {
        let (map, core) = (self.map, &self.map.shared.core);
        let prepare = |prepared: &mut Prepared, key: &Q| {
            // A key that cannot be encoded says so when it is compared.
            let hashed = map.hash_of(key).ok();
            *prepared = hashed.map_or(Prepared::NOTHING, |hashed| core.prepare(hashed, block < 2));
        };
        let keys = self.keys.get(block * BLOCK..).unwrap_or_default();
        if !Self::HAS_RECORDS
            && let Some(before) = block.checked_sub(1)
            && let Some(keys) = keys.first_chunk::<BLOCK>()
            && let Ok([now, before]) = self.ring.get_disjoint_mut([block % BLOCKS, before % BLOCKS])
        {
            // Key by key, so that lines are asked for evenly.
            for ((prepared, key), before) in now.iter_mut().zip(keys).zip(before) {
                prepare(prepared, key);
                core.aim(before);
            }
            return;
        }
        // A key may be a line to wait for, too: many of them are hashed in a row.
        for (prepared, key) in self.ring[block % BLOCKS].iter_mut().zip(keys) {
            prepare(prepared, key);
        }
        self.earlier(block, 1).iter_mut().for_each(|prepared| core.aim(prepared));
        if Self::HAS_RECORDS {
            self.earlier(block, 2).iter().for_each(|prepared| core.prefetch_record(prepared));
        }
    }

    /// What is known of the block so many before another one, as far as there are keys.
    #[inline(always)]
    fn earlier(&mut self, block: usize, ago: usize) -> &mut [Prepared] {
        let Some(block) = block.checked_sub(ago) else { return &mut [] };
        let left = self.keys.len().saturating_sub(block * BLOCK).min(BLOCK);
        &mut self.ring[block % BLOCKS][..left]
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
        let prepared = &self.ring.as_flattened()[self.next % (BLOCKS * BLOCK)];
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
