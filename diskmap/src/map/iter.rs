//! Iterators over all entries, and the resumable scan.
//!
//! Must not know how entries are stored. Invariant: an item that cannot be read is an `Err` and does not end the
//! iteration.

use super::{
    DiskHashMap, Snapshot,
    typed::{Met, Reader, Typed},
};
use crate::{
    codec::DiskValue,
    error::{Checked, Error, Result},
    hash::StableHasher,
    raw::Walk,
    store::ByteStore,
};

/// Iterator over the entries of a map or a snapshot, in no particular order.
pub struct Iter<'m, K: ?Sized, V: ?Sized, BS: ByteStore, S> {
    reader: Reader<'m, K, V, BS, S>,
    walk: Walk<Typed<K, V, S>>,
    left: u64,
}

/// Iterator over the keys of a map or a snapshot.
pub struct Keys<'m, K: ?Sized, V: ?Sized, BS: ByteStore, S>(Iter<'m, K, V, BS, S>);

/// Iterator over the values of a map or a snapshot.
pub struct Values<'m, K: ?Sized, V: ?Sized, BS: ByteStore, S>(Iter<'m, K, V, BS, S>);

/// Iterating.
impl<K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> DiskHashMap<K, V, BS, S> {
    /// All entries, each once, in an order that depends on their hashes. An entry that cannot be read is an `Err`; the
    /// iteration goes on after it.
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<u64, str>::new();
    /// map.insert(&1, "one")?;
    /// for entry in &map {
    ///     let (key, value) = entry?;
    ///     assert_eq!((key, value), (1, "one"));
    /// }
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn iter(&self) -> Iter<'_, K, V, BS, S> {
        self.walk_on(Walk::new(0))
    }

    /// All keys, as [`iter`](DiskHashMap::iter) has them.
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<u64, str>::new();
    /// map.insert(&1, "one")?;
    /// assert_eq!(map.keys().collect::<Result<Vec<_>, _>>()?, [1]);
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn keys(&self) -> Keys<'_, K, V, BS, S> {
        Keys(self.iter())
    }

    /// All values, as [`iter`](DiskHashMap::iter) has them.
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<u64, str>::new();
    /// map.insert(&1, "one")?;
    /// assert_eq!(map.values().collect::<Result<Vec<_>, _>>()?, ["one"]);
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn values(&self) -> Values<'_, K, V, BS, S> {
        Values(self.iter())
    }

    /// A part of the entries (those of one segment, some thousands at most), and the cursor of the next part; `None` after
    /// the last. Begin with cursor 0.
    ///
    /// The map may be changed, closed and opened again between two parts. Over a whole scan every entry that was there all
    /// the time is met exactly once, however the map grew or shrank meanwhile; entries that came or went may be met or
    /// not.
    ///
    /// # Errors
    /// `Corrupt` if the segment cannot be read.
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<u64, u64>::new();
    /// for i in 0..10_000 { map.insert(&i, &i)?; }
    /// let (mut cursor, mut seen) = (Some(0), 0);
    /// while let Some(at) = cursor {
    ///     let (part, next) = map.scan(at)?;
    ///     seen += part.count();
    ///     cursor = next;
    /// }
    /// assert_eq!(seen, 10_000);
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn scan(&self, cursor: u64) -> Result<(Iter<'_, K, V, BS, S>, Option<u64>)> {
        let mut walk = Walk::one_segment(cursor);
        let next = walk.begin(&self.shared.core)?;
        Ok((self.walk_on(walk), next))
    }

    fn walk_on(&self, walk: Walk<Typed<K, V, S>>) -> Iter<'_, K, V, BS, S> {
        Iter { reader: self.reader(), walk, left: self.len() }
    }
}

/// As a map iterates.
impl<K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> Snapshot<K, V, BS, S> {
    /// All entries, as [`DiskHashMap::iter`] has them.
    pub fn iter(&self) -> Iter<'_, K, V, BS, S> {
        Iter { reader: self.reader(), walk: Walk::new(0), left: self.len() }
    }

    /// All keys, as [`iter`](Snapshot::iter) has them.
    pub fn keys(&self) -> Keys<'_, K, V, BS, S> {
        Keys(self.iter())
    }

    /// All values, as [`iter`](Snapshot::iter) has them.
    pub fn values(&self) -> Values<'_, K, V, BS, S> {
        Values(self.iter())
    }
}

impl<'m, K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> Iter<'m, K, V, BS, S> {
    /// What `read` makes of the next entry.
    #[inline(always)]
    fn step<T>(&mut self, read: impl FnOnce(&Met<'m, K, V, BS, S>) -> Checked<T>) -> Option<Result<T>> {
        let met = match self.reader.next(&mut self.walk)? {
            Ok(met) => met,
            Err(error) => return Some(Err(error)),
        };
        self.left = self.left.saturating_sub(1);
        Some(read(&met).map_err(Error::from))
    }
}

impl<'m, K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> Iterator
    for Iter<'m, K, V, BS, S>
{
    type Item = Result<(K::View<'m>, V::View<'m>)>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.step(|met| Ok((met.key()?, met.value()?)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, usize::try_from(self.left).ok())
    }
}

impl<'m, K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> Iterator
    for Keys<'m, K, V, BS, S>
{
    type Item = Result<K::View<'m>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.step(Met::key)
    }
}

impl<'m, K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> Iterator
    for Values<'m, K, V, BS, S>
{
    type Item = Result<V::View<'m>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.step(Met::value)
    }
}

impl<'m, K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> IntoIterator
    for &'m DiskHashMap<K, V, BS, S>
{
    type Item = Result<(K::View<'m>, V::View<'m>)>;
    type IntoIter = Iter<'m, K, V, BS, S>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'m, K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> IntoIterator
    for &'m Snapshot<K, V, BS, S>
{
    type Item = Result<(K::View<'m>, V::View<'m>)>;
    type IntoIter = Iter<'m, K, V, BS, S>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
