//! Iterating while others write, one segment at a time.
//!
//! Must not know segments beyond that one has a beginning and an end. Invariant: a segment is copied while nothing in it is
//! taken away or moved, and the next one begins where it ended; so every entry that stays is met exactly once.

#![allow(unsafe_code, reason = "copies are sound under a pin only")]

use diskmap::{
    ByteStore, DiskValue, Result, StableHasher,
    engine::{Engine, Entries, Image},
};

use crate::{DiskDashMap, RefMulti, RefSingle, pin::FreePin};

/// So often a segment is copied in vain before its shard is asked for.
const TRIES: u32 = 16;

/// Iterator over the entries of a map, in no particular order.
pub struct Iter<'m, K: ?Sized, V: ?Sized, BS: ByteStore, S> {
    map: &'m DiskDashMap<K, V, BS, S>,
    /// Where the next segment begins; `None` at the end.
    next: Option<u64>,
    /// Where to stop.
    end: Option<u64>,
    part: Part<'m>,
}

/// Iterator over the keys of a map.
pub struct Keys<'m, K: ?Sized, V: ?Sized, BS: ByteStore, S>(Iter<'m, K, V, BS, S>);

/// Iterator over the values of a map.
pub struct Values<'m, K: ?Sized, V: ?Sized, BS: ByteStore, S>(Iter<'m, K, V, BS, S>);

/// The entries of one segment, and the pin under which they were copied.
#[derive(Default)]
struct Part<'m> {
    entries: Entries,
    len: usize,
    at: usize,
    pin: Option<FreePin<'m>>,
}

/// Iterating.
impl<K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> DiskDashMap<K, V, BS, S> {
    /// All entries, in an order that depends on their hashes, while others may write.
    ///
    /// An entry that is there all the time is met exactly once, however the map grows meanwhile. One that comes or goes
    /// meanwhile is met or not. Of an entry whose value changes one of the values is met. An entry that cannot be read is an
    /// `Err`; the iteration goes on after it.
    ///
    /// Some thousand entries are copied at a time (64 KiB, without what lies in the heap); no lock is taken, unless a segment
    /// is changed so often that sixteen copies in a row fail: then its shard is locked while one is made, some microseconds,
    /// as soon as it is free.
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<u64, str>::new()?;
    /// map.insert(&1, "one")?;
    /// for entry in &map {
    ///     let entry = entry?;
    ///     assert_eq!(entry.pair(), (1, "one"));
    ///     map.insert(&1, "uno")?;
    ///     assert_eq!(entry.value(), "one");
    /// }
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn iter(&self) -> Iter<'_, K, V, BS, S> {
        self.range(0, None)
    }

    /// All keys, as [`iter`](DiskDashMap::iter) meets them.
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<u64, str>::new()?;
    /// map.insert(&1, "one")?;
    /// for key in map.keys() {
    ///     assert_eq!(key?.value(), 1);
    /// }
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn keys(&self) -> Keys<'_, K, V, BS, S> {
        Keys(self.iter())
    }

    /// All values, as [`iter`](DiskDashMap::iter) meets them.
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<u64, str>::new()?;
    /// map.insert(&1, "one")?;
    /// for value in map.values() {
    ///     assert_eq!(&*value?, "one");
    /// }
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn values(&self) -> Values<'_, K, V, BS, S> {
        Values(self.iter())
    }

    /// A part of the entries (those of one segment, some thousands at most), and the cursor of the next part; `None` after
    /// the last. Begin with cursor 0.
    ///
    /// A cursor is good for ever: the map may be changed, closed and opened again, also as a
    /// [`DiskHashMap`](diskmap::DiskHashMap), between two parts. Over a whole scan the guarantee of
    /// [`iter`](DiskDashMap::iter) holds.
    ///
    /// # Errors
    /// `Corrupt` if the segment cannot be read.
    ///
    /// ```
    /// # use diskmap_concurrent::MemDashMap;
    /// let map = MemDashMap::<u64, u64>::new()?;
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
        let (part, next) = self.part(cursor, Entries::default());
        let part = part?;
        Ok((Iter { map: self, next: None, end: None, part }, next))
    }

    /// The entries at positions from `from` up to, not including, `end`.
    pub(crate) fn range(&self, from: u64, end: Option<u64>) -> Iter<'_, K, V, BS, S> {
        Iter { map: self, next: Some(from), end, part: Part::default() }
    }

    /// Copies the segment at a position; and where the next one begins, also if this one cannot be read.
    fn part(&self, position: u64, mut entries: Entries) -> (Result<Part<'_>>, Option<u64>) {
        let mut tries = 0;
        loop {
            let pin = Self::HAS_RECORDS.then(|| self.inner.readers.pin_freely());
            // SAFETY: pinned, if an entry has a record.
            let mut copied = unsafe { self.engine().copy_entries(position, &mut entries) };
            if copied.is_none() && tries >= TRIES {
                let alone = self.held().try_lock(position);
                // SAFETY: as above. With the lock, nothing comes between.
                copied = alone.and_then(|_alone| unsafe { self.engine().copy_entries(position, &mut entries) });
            }
            match copied {
                Some(Ok(())) => {
                    let next = entries.next();
                    let len = entries.count::<K, V, S>();
                    return (Ok(Part { entries, len, at: 0, pin }), next);
                }
                Some(Err(error)) => return (Err(error), entries.next()),
                None => tries += 1,
            }
            // Whoever writes may be waiting for this thread's processor.
            if tries > TRIES {
                std::thread::yield_now();
            }
        }
    }
}

impl<'m, K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> Iter<'m, K, V, BS, S> {
    /// What `read` makes of the next entry.
    #[inline]
    fn step<T>(
        &mut self,
        read: impl Fn(&Engine<K, V, BS, S>, &Image, Option<FreePin<'m>>) -> Result<T>,
    ) -> Option<Result<T>> {
        loop {
            while self.part.at < self.part.len {
                let image = self.part.entries.image::<K, V, S>(self.part.at);
                self.part.at += 1;
                match self.is_outside(&image) {
                    Ok(true) => {}
                    Ok(false) => return Some(read(self.map.engine(), &image, self.part.pin.clone())),
                    Err(error) => return Some(Err(error)),
                }
            }
            let from = self.next.filter(|&next| self.end.is_none_or(|end| next < end))?;
            let entries = std::mem::take(&mut self.part).entries;
            let (part, next) = self.map.part(from, entries);
            self.next = next;
            match part {
                Ok(part) => self.part = part,
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Whether an entry lies before the beginning or after the end of the range: both may be in the middle of a segment.
    fn is_outside(&self, image: &Image) -> Result<bool> {
        let floor = self.part.entries.floor();
        let end = self.end.filter(|&end| self.part.entries.next().is_none_or(|next| end < next));
        if floor.is_none() && end.is_none() {
            return Ok(false);
        }
        let engine = self.map.engine();
        // SAFETY: read under the part's pin.
        let position = engine.hash(unsafe { engine.key_bytes(image) }?).position();
        Ok(floor.is_some_and(|floor| position < floor) || end.is_some_and(|end| position >= end))
    }
}

impl<'m, K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> Iterator
    for Iter<'m, K, V, BS, S>
{
    type Item = Result<RefMulti<'m, K, V>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.step(|engine, image, pin| {
            // SAFETY: copied under the pin, which is kept with the entry.
            unsafe { Ok(RefMulti::new(engine.stored_key(image)?, engine.stored_value(image)?, pin)) }
        })
    }
}

impl<'m, K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> Iterator
    for Keys<'m, K, V, BS, S>
{
    type Item = Result<RefSingle<'m, K>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.step(|engine, image, pin| {
            // SAFETY: as in `Iter`.
            unsafe { Ok(RefSingle::new(engine.stored_key(image)?, pin)) }
        })
    }
}

impl<'m, K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> Iterator
    for Values<'m, K, V, BS, S>
{
    type Item = Result<RefSingle<'m, V>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.step(|engine, image, pin| {
            // SAFETY: as in `Iter`.
            unsafe { Ok(RefSingle::new(engine.stored_value(image)?, pin)) }
        })
    }
}

impl<'m, K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> IntoIterator
    for &'m DiskDashMap<K, V, BS, S>
{
    type Item = Result<RefMulti<'m, K, V>>;
    type IntoIter = Iter<'m, K, V, BS, S>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
