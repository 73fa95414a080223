//! Iterating with rayon.
//!
//! Must not know segments. Invariant: the pieces tile all positions, so that each entry is met by one of them.

use diskmap::{ByteStore, DiskValue, Result, StableHasher};
use rayon::iter::{
    ParallelIterator,
    plumbing::{Folder, UnindexedConsumer, UnindexedProducer, bridge_unindexed},
};

use crate::{DiskDashMap, RefMulti};

/// Parallel iterator over the entries of a map: what [`DiskDashMap::par_iter`] returns.
pub struct ParIter<'m, K: ?Sized, V: ?Sized, BS: ByteStore, S> {
    map: &'m DiskDashMap<K, V, BS, S>,
}

/// The entries from one position on up to, not including, another one.
struct Piece<'m, K: ?Sized, V: ?Sized, BS: ByteStore, S> {
    map: &'m DiskDashMap<K, V, BS, S>,
    from: u64,
    /// `None` for all the rest.
    end: Option<u64>,
    /// Pieces shorter than this are not worth being split.
    grain: u64,
}

impl<K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> DiskDashMap<K, V, BS, S> {
    /// All entries, met by several threads at once (feature `rayon`). The guarantee is that of [`iter`](DiskDashMap::iter).
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// use rayon::prelude::*;
    ///
    /// let map = MemDashMap::<u64, u64>::new()?;
    /// for i in 0..10_000 { map.insert(&i, &i)?; }
    /// let sum: u64 = map.par_iter().map(|entry| entry.map(|entry| entry.value())).sum::<Result<u64, _>>()?;
    /// assert_eq!(sum, 49_995_000);
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn par_iter(&self) -> ParIter<'_, K, V, BS, S> {
        ParIter { map: self }
    }
}

impl<'m, K, V, BS, S> ParallelIterator for ParIter<'m, K, V, BS, S>
where
    K: ?Sized + DiskValue + Sync + Send,
    V: ?Sized + DiskValue + Sync + Send,
    BS: ByteStore,
    S: StableHasher + Sync + Send,
{
    type Item = Result<RefMulti<'m, K, V>>;

    fn drive_unindexed<C: UnindexedConsumer<Self::Item>>(self, consumer: C) -> C::Result {
        let segments = self.map.stats().segments.max(1).next_power_of_two();
        let piece = Piece { map: self.map, from: 0, end: None, grain: u64::MAX / segments };
        bridge_unindexed(piece, consumer)
    }
}

impl<'m, K, V, BS, S> UnindexedProducer for Piece<'m, K, V, BS, S>
where
    K: ?Sized + DiskValue + Sync + Send,
    V: ?Sized + DiskValue + Sync + Send,
    BS: ByteStore,
    S: StableHasher + Sync + Send,
{
    type Item = Result<RefMulti<'m, K, V>>;

    fn split(self) -> (Self, Option<Self>) {
        let Piece { map, from, end, grain } = self;
        let len = end.unwrap_or(u64::MAX) - from;
        if len <= grain {
            return (self, None);
        }
        let middle = from + len / 2 + 1;
        let first = Piece { map, from, end: Some(middle), grain };
        (first, Some(Piece { map, from: middle, end, grain }))
    }

    fn fold_with<F: Folder<Self::Item>>(self, folder: F) -> F {
        folder.consume_iter(self.map.range(self.from, self.end))
    }
}
