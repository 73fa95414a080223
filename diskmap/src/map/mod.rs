//! The typed map: the only layer that knows keys and values. It encodes queries, asks the untyped map, and turns bytes
//! into views.
//!
//! Invariant: bytes become a view only after their codec accepted them, and a view lives no longer than the borrow of the
//! map it came from, so that what it points to cannot be reused.

mod alias;
mod backup;
mod batch;
mod compact;
pub mod engine;
mod entry;
mod identity;
mod iter;
mod memory;
mod migrate;
mod open;
mod options;
mod remove;
mod repair;
mod size;
mod snapshot;
mod traits;
mod typed;
mod verify;
mod write;

use std::{marker::PhantomData, path::PathBuf, sync::Arc};

use rustc_hash::FxBuildHasher;

use self::typed::{KEY_BUFFER, Typed, checked_key, inline_key};
pub use self::{
    alias::{BytesMap, MemHashMap, StringStringMap, StringU64Map, U64StringMap, U64U64Map},
    batch::GetMany,
    compact::Compaction,
    entry::{MapEntry, OccupiedEntry, VacantEntry},
    iter::{Iter, Keys, Values},
    options::{OnRollback, OpenOptions},
    remove::{Drain, ExtractIf},
    repair::{Salvage, repair},
    size::{Recovery, Stats},
    snapshot::Snapshot,
};
use crate::{
    checkpoint::{Keeper, Shared},
    codec::{DiskValue, Encode, IntoOwned},
    disk::Disk,
    error::{Checked, Fault, Result},
    hash::{Hashed, StableHasher},
    raw::{Found, Glance, Way, Writer},
    store::{ByteStore, MMapFile},
};

/// A hash map whose entries live in memory-mapped files (or in memory: [`MemHashMap`]), typed by codecs.
///
/// `K` and `V` are plain types (`u64`, `String`, `[u8]`, tuples …) or the markers [`Native`](crate::Native),
/// [`Str`](crate::Str), [`Bytes`](crate::Bytes) and `Arch`; `BS` is the store, [`MMapFile`] unless said otherwise; `S` is a
/// [`StableHasher`]. Keys are equal when their encoded bytes are; the types' own `Eq` and `Hash` are never called.
///
/// Every call that returned `Ok` survives the end of the process at any moment, if the system tells its boots apart (Linux
/// does; elsewhere see [`OpenOptions::boot_id`]). A power cut goes back to the last
/// [checkpoint](DiskHashMap::checkpoint).
///
/// ```
/// use diskmap::DiskHashMap;
///
/// let dir = tempfile::tempdir()?;
/// let mut ids: DiskHashMap<String, u64> = DiskHashMap::new_in(dir.path())?;
/// ids.insert("alice", &1)?;
/// drop(ids);
///
/// let ids: DiskHashMap<String, u64> = DiskHashMap::load_from(dir.path())?;
/// assert_eq!(ids.get("alice")?, Some(1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DiskHashMap<K: ?Sized, V: ?Sized, BS: ByteStore = MMapFile, S = FxBuildHasher> {
    shared: Arc<Shared<BS, Typed<K, V, S>>>,
    writer: Writer,
    /// Only for maps on disk that can be written to.
    keeper: Option<Arc<Keeper>>,
    /// The lock of a map that was opened read-only.
    reading: Option<Disk>,
    path: Option<PathBuf>,
    recovery: Recovery,
    sync_on_drop: bool,
    /// Whether stored bytes are believed without being validated.
    assume_valid: bool,
    types: PhantomData<(Box<K>, Box<V>)>,
}

impl<K: ?Sized, V: ?Sized, BS: ByteStore, S> DiskHashMap<K, V, BS, S> {
    /// The map's directory; `None` for a map in memory.
    pub fn path(&self) -> Option<&std::path::Path> {
        self.path.as_deref()
    }

    /// Ends the helper thread and makes the last checkpoint if the map is to be synced.
    fn shut(&mut self, sync: bool) -> Result<()> {
        self.keeper.take().map_or(Ok(()), |keeper| keeper.close(&mut self.writer, sync))
    }
}

impl<K: ?Sized, V: ?Sized, BS: ByteStore, S> Drop for DiskHashMap<K, V, BS, S> {
    /// Closes the map: makes a checkpoint unless [`OpenOptions::sync_on_drop`] is off. A failure is logged; call
    /// [`close`](DiskHashMap::close) to see it.
    fn drop(&mut self) {
        let sync = self.sync_on_drop;
        if let Err(error) = self.shut(sync) {
            log::error!("closing a map failed: {error}");
        }
    }
}

/// Reading.
impl<K: ?Sized, V: ?Sized, BS: ByteStore, S: StableHasher> DiskHashMap<K, V, BS, S> {
    /// The value of a key. Constant time; writes nothing and allocates nothing.
    ///
    /// # Errors
    /// `Corrupt` if the stored bytes are not what the codec writes; `Encode` if the key cannot be encoded.
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<u64, str>::new();
    /// map.insert(&1, "one")?;
    /// assert_eq!(map.get(&1)?, Some("one"));
    /// assert_eq!(map.get(&2)?, None);
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    #[inline(always)]
    pub fn get<Q: ?Sized>(&self, key: &Q) -> Result<Option<V::View<'_>>>
    where
        K: Encode<Q>,
        V: DiskValue,
    {
        let mut buffer = KEY_BUFFER;
        match inline_key::<K, Q>(key, &mut buffer) {
            Some(Ok(bytes)) => self.get_bytes(bytes),
            Some(Err(fault)) => Err(fault.into()),
            None => K::with_bytes(key, |bytes| self.get_bytes(checked_key::<K>(bytes)?))?,
        }
    }

    /// The stored key and value of a key.
    ///
    /// # Errors
    /// As [`get`](DiskHashMap::get).
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<str, u64>::new();
    /// map.insert("one", &1)?;
    /// assert_eq!(map.get_key_value("one")?, Some(("one", 1)));
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn get_key_value<Q: ?Sized>(&self, key: &Q) -> Result<Option<(K::View<'_>, V::View<'_>)>>
    where
        K: Encode<Q>,
        V: DiskValue,
    {
        let core = &self.shared.core;
        K::with_bytes(key, |bytes| {
            let hashed = core.scheme().hash_key(checked_key::<K>(bytes)?);
            match core.find(hashed, bytes)? {
                Some(found) => {
                    let image = core.image(&found);
                    Ok(Some((self.image_key(&image)?, self.image_value(&image)?)))
                }
                None => Ok(None),
            }
        })?
    }

    /// Whether a key is there. Does not read its value.
    ///
    /// # Errors
    /// As [`get`](DiskHashMap::get).
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<u64, ()>::new();
    /// map.insert(&7, &())?;
    /// assert!(map.contains_key(&7)?);
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    #[inline(always)]
    pub fn contains_key<Q: ?Sized>(&self, key: &Q) -> Result<bool>
    where
        K: Encode<Q>,
        V: DiskValue,
    {
        let mut buffer = KEY_BUFFER;
        let found = match inline_key::<K, Q>(key, &mut buffer) {
            Some(Ok(bytes)) => self.has_bytes(bytes),
            Some(Err(fault)) => Err(fault),
            None => K::with_bytes(key, |bytes| self.has_bytes(checked_key::<K>(bytes)?))?,
        };
        Ok(found?)
    }

    /// The value of a key as an owned Rust value.
    ///
    /// # Errors
    /// As [`get`](DiskHashMap::get).
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<u64, String>::new();
    /// map.insert(&1, "one")?;
    /// let owned: Option<String> = map.get_owned(&1)?;
    /// assert_eq!(owned.as_deref(), Some("one"));
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn get_owned<Q: ?Sized>(&self, key: &Q) -> Result<Option<V::Owned>>
    where
        K: Encode<Q>,
        V: IntoOwned,
    {
        self.get(key)?.map(V::into_owned).transpose()
    }

    #[inline(always)]
    fn get_bytes(&self, key: &[u8]) -> Result<Option<V::View<'_>>>
    where
        K: DiskValue,
        V: DiskValue,
    {
        let core = &self.shared.core;
        let hashed = core.scheme().hash_key(key);
        let Some(way) = core.way(hashed) else { return self.get_carefully(hashed, key).into() };
        match core.glance(&way, hashed, key) {
            Ok(Glance::Found(found)) => Ok(Some(self.value_view(found.place())?)),
            Ok(Glance::Absent) => Ok(None),
            Ok(Glance::Unsure) => self.get_further(way, hashed, key).into(),
            Err(fault) => Err(fault.into()),
        }
    }

    #[inline(never)]
    fn get_further(&self, way: Way<Typed<K, V, S>>, hashed: Hashed, key: &[u8]) -> Outcome<V::View<'_>>
    where
        K: DiskValue,
        V: DiskValue,
    {
        self.outcome(self.shared.core.find_further(way, hashed, key))
    }

    #[cold]
    #[inline(never)]
    fn get_carefully(&self, hashed: Hashed, key: &[u8]) -> Outcome<V::View<'_>>
    where
        K: DiskValue,
        V: DiskValue,
    {
        self.outcome(self.shared.core.find_carefully(hashed, key))
    }

    #[inline(always)]
    fn outcome(&self, found: Checked<Option<Found<Typed<K, V, S>>>>) -> Outcome<V::View<'_>>
    where
        K: DiskValue,
        V: DiskValue,
    {
        found.and_then(|found| found.map(|found| self.value_view(found.place())).transpose()).into()
    }

    #[inline(always)]
    fn has_bytes(&self, key: &[u8]) -> Checked<bool>
    where
        K: DiskValue,
        V: DiskValue,
    {
        let core = &self.shared.core;
        Ok(core.find(core.scheme().hash_key(key), key)?.is_some())
    }
}

/// What a lookup came to. Unlike a `Result` of an `Option`, that of a number is returned in registers.
enum Outcome<T> {
    Absent,
    Found(T),
    Failed(Fault),
}

impl<T> From<Outcome<T>> for Result<Option<T>> {
    #[inline(always)]
    fn from(outcome: Outcome<T>) -> Self {
        match outcome {
            Outcome::Absent => Ok(None),
            Outcome::Found(value) => Ok(Some(value)),
            Outcome::Failed(fault) => Err(fault.into()),
        }
    }
}

impl<T> From<Checked<Option<T>>> for Outcome<T> {
    #[inline(always)]
    fn from(checked: Checked<Option<T>>) -> Self {
        match checked {
            Ok(None) => Outcome::Absent,
            Ok(Some(value)) => Outcome::Found(value),
            Err(fault) => Outcome::Failed(fault),
        }
    }
}
