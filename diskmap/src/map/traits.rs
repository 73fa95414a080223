//! What a `HashMap` user expects of any map: `Debug`, and for maps in memory `Default`, `FromIterator`, `Extend`, `Clone`,
//! `PartialEq`; and copying between stores.
//!
//! Must not know how entries are stored.

use std::fmt;

use rustc_hash::FxBuildHasher;

use super::{DiskHashMap, typed::Typed, write::enter};
use crate::{
    codec::{DiskKey, DiskValue, Encode},
    error::Result,
    hash::StableHasher,
    raw::{Payload, Walk},
    store::{ByteStore, VecStore},
};

/// Bytes of a value that is encoded already.
pub(super) struct Copied<'v>(pub(super) &'v [u8]);

impl Payload for Copied<'_> {
    fn len(&self) -> Result<usize> {
        Ok(self.0.len())
    }

    fn write(&self, out: &mut [u8]) -> Result<usize> {
        let len = self.0.len().min(out.len());
        out[..len].copy_from_slice(&self.0[..len]);
        Ok(self.0.len())
    }
}

impl<K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> DiskHashMap<K, V, BS, S> {
    /// Inserts all entries of another map, which may be in another kind of store. Values of keys that are there are
    /// overwritten. Linear in the number of the other's entries.
    ///
    /// # Errors
    /// As [`insert`](DiskHashMap::insert); entries before the one that failed are stored.
    ///
    /// ```
    /// # use diskmap::{DiskHashMap, MemHashMap};
    /// # let dir = tempfile::tempdir()?;
    /// let mut draft = MemHashMap::<u64, str>::new();
    /// draft.insert(&1, "one")?;
    /// let mut kept: DiskHashMap<u64, str> = DiskHashMap::new_in(dir.path())?;
    /// kept.copy_from(&draft)?;
    /// assert_eq!(kept.get(&1)?, Some("one"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn copy_from<BS2: ByteStore, S2: StableHasher>(&mut self, other: &DiskHashMap<K, V, BS2, S2>) -> Result<()> {
        let source = &other.shared.core;
        // The other's entries come in the order of their hashes, so the segments they go to are made first.
        if BS::GROWS {
            self.reserve(other.len())?;
        }
        let mut walk = Walk::new(0);
        while let Some(spot) = walk.next(source) {
            let image = source.image(&spot?.found);
            other.check_value(&image)?;
            let (key, value) = other.image_bytes(&image)?;
            let hashed = self.shared.core.scheme().hash_key(key);
            let _pass = enter(&self.shared, &self.keeper)?;
            self.shared.core.put(&mut self.writer, hashed, key, &Copied(value))?;
        }
        Ok(())
    }

    fn same_entries<BS2: ByteStore, S2: StableHasher>(&self, other: &DiskHashMap<K, V, BS2, S2>) -> Result<bool> {
        let mut walk = Walk::<Typed<K, V, S>>::new(0);
        while let Some(spot) = walk.next(&self.shared.core) {
            let image = self.shared.core.image(&spot?.found);
            let (key, value) = self.image_bytes(&image)?;
            let found = other.shared.core.find(other.shared.core.scheme().hash_key(key), key)?;
            let Some(found) = found else { return Ok(false) };
            if other.image_bytes(&other.shared.core.image(&found))?.1 != value {
                return Ok(false);
            }
        }
        Ok(self.len() == other.len())
    }
}

/// Shows the entries, as a `HashMap` does; one that cannot be read is shown as its error.
impl<K, V, BS, S> fmt::Debug for DiskHashMap<K, V, BS, S>
where
    K: ?Sized + DiskValue,
    V: ?Sized + DiskValue,
    for<'x> K::View<'x>: fmt::Debug,
    for<'x> V::View<'x>: fmt::Debug,
    BS: ByteStore,
    S: StableHasher,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(f, self)
    }
}

impl<K: ?Sized + DiskKey, V: ?Sized + DiskValue> Default for DiskHashMap<K, V, VecStore, FxBuildHasher> {
    fn default() -> Self {
        Self::new()
    }
}

/// # Panics
/// If an entry cannot be encoded or there is no memory; [`DiskHashMap::try_extend`] returns an error instead.
impl<K, V, QK, QV, S> Extend<(QK, QV)> for DiskHashMap<K, V, VecStore, S>
where
    K: ?Sized + Encode<QK>,
    V: ?Sized + Encode<QV>,
    S: StableHasher,
{
    fn extend<I: IntoIterator<Item = (QK, QV)>>(&mut self, entries: I) {
        if let Err(error) = self.try_extend(entries) {
            panic!("a map in memory could not be extended: {error}");
        }
    }
}

/// # Panics
/// As `extend`.
impl<K, V, QK, QV> FromIterator<(QK, QV)> for DiskHashMap<K, V, VecStore, FxBuildHasher>
where
    K: ?Sized + DiskKey + Encode<QK>,
    V: ?Sized + Encode<QV>,
{
    fn from_iter<I: IntoIterator<Item = (QK, QV)>>(entries: I) -> Self {
        let mut map = Self::new();
        map.extend(entries);
        map
    }
}

/// # Panics
/// If there is no memory; [`DiskHashMap::copy_from`] returns an error instead.
impl<K, V, S> Clone for DiskHashMap<K, V, VecStore, S>
where
    K: ?Sized + DiskKey,
    V: ?Sized + DiskValue,
    S: StableHasher + Clone,
{
    fn clone(&self) -> Self {
        let copy = Self::new_with_hasher(self.shared.core.scheme().hasher.clone());
        match copy.and_then(|mut copy| copy.copy_from(self).map(|()| copy)) {
            Ok(copy) => copy,
            Err(error) => panic!("a map in memory could not be cloned: {error}"),
        }
    }
}

/// Equal if both have the same keys with the same values, byte for byte.
impl<K, V, S> PartialEq for DiskHashMap<K, V, VecStore, S>
where
    K: ?Sized + DiskValue,
    V: ?Sized + DiskValue,
    S: StableHasher,
{
    fn eq(&self, other: &Self) -> bool {
        self.same_entries(other).unwrap_or(false)
    }
}

/// Shows entries as a map does.
pub(super) fn debug<K: fmt::Debug, V: fmt::Debug>(
    f: &mut fmt::Formatter<'_>,
    entries: impl IntoIterator<Item = Result<(K, V)>>,
) -> fmt::Result {
    let mut map = f.debug_map();
    for entry in entries {
        match entry {
            Ok((key, value)) => map.entry(&key, &value),
            Err(error) => map.entry(&"unreadable", &error.to_string()),
        };
    }
    map.finish()
}
