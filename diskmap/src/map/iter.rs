//! Iterators over all entries, and the resumable scan.
//!
//! Must not know how entries are stored. Invariant: an item that cannot be read is an `Err` and does not end the
//! iteration.

use super::{DiskHashMap, typed::Typed};
use crate::{
    codec::DiskValue,
    error::{Error, Result},
    hash::StableHasher,
    raw::Walk,
    store::ByteStore,
};

/// Iterator over the entries of a map, in no particular order.
pub struct Iter<'m, K: ?Sized, V: ?Sized, BS: ByteStore, S> {
    map: &'m DiskHashMap<K, V, BS, S>,
    walk: Walk<Typed<K, V, S>>,
    left: u64,
}

/// Iterator over the keys of a map.
pub struct Keys<'m, K: ?Sized, V: ?Sized, BS: ByteStore, S>(Iter<'m, K, V, BS, S>);

/// Iterator over the values of a map.
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
        Iter { map: self, walk: Walk::new(0), left: self.len() }
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
        Ok((Iter { map: self, walk, left: self.len() }, next))
    }
}

impl<'m, K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> Iterator
    for Iter<'m, K, V, BS, S>
{
    type Item = Result<(K::View<'m>, V::View<'m>)>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let map = self.map;
        let spot = match self.walk.next(&map.shared.core)? {
            Ok(spot) => spot,
            Err(error) => return Some(Err(error)),
        };
        self.left = self.left.saturating_sub(1);
        let image = map.shared.core.image(&spot.found);
        let entry = map.image_key(&image).and_then(|key| Ok((key, map.image_value(&image)?)));
        Some(entry.map_err(Error::from))
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
        let map = self.0.map;
        let spot = self.0.walk.next(&map.shared.core)?;
        Some(spot.and_then(|spot| Ok(map.image_key(&map.shared.core.image(&spot.found))?)))
    }
}

impl<'m, K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> Iterator
    for Values<'m, K, V, BS, S>
{
    type Item = Result<V::View<'m>>;

    fn next(&mut self) -> Option<Self::Item> {
        let map = self.0.map;
        let spot = self.0.walk.next(&map.shared.core)?;
        Some(spot.and_then(|spot| Ok(map.image_value(&map.shared.core.image(&spot.found))?)))
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
