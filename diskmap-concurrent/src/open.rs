//! Constructors.
//!
//! Must not know how a map is opened: [`DiskHashMap`] does it. Invariant: a map that could not be shared is closed again.

use std::path::Path;

use diskmap::{
    ByteStore, DiskHashMap, DiskKey, DiskValue, Error, MMapFile, OpenOptions, Result, StableHasher, VecStore,
};
use rustc_hash::FxBuildHasher;

use crate::DiskDashMap;

/// Shards for each core, unless said otherwise: so many that two writers rarely meet.
const SHARDS_A_CORE: usize = 4;

/// On disk, with the default hasher. While a map is open, nothing else may write to its directory.
impl<K: ?Sized + DiskKey, V: ?Sized + DiskValue> DiskDashMap<K, V, MMapFile, FxBuildHasher> {
    /// Creates a map in a directory, which is made if it does not exist.
    ///
    /// # Errors
    /// As [`DiskHashMap::new_in`].
    ///
    /// ```
    /// # use diskmap_concurrent::DiskDashMap;
    /// # let dir = tempfile::tempdir()?;
    /// let map: DiskDashMap<u64, str> = DiskDashMap::new_in(dir.path())?;
    /// map.insert(&1, "one")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new_in(dir: impl AsRef<Path>) -> Result<Self> {
        Self::try_from(DiskHashMap::new_in(dir)?)
    }

    /// Opens the map in a directory.
    ///
    /// # Errors
    /// As [`DiskHashMap::load_from`].
    ///
    /// ```
    /// # use diskmap_concurrent::DiskDashMap;
    /// use diskmap::DiskHashMap;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let mut single: DiskHashMap<u64, str> = DiskHashMap::new_in(dir.path())?;
    /// single.insert(&1, "one")?;
    /// single.close()?;
    ///
    /// let map: DiskDashMap<u64, str> = DiskDashMap::load_from(dir.path())?;
    /// assert_eq!(&*map.get(&1)?.expect("stored above"), "one");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn load_from(dir: impl AsRef<Path>) -> Result<Self> {
        Self::try_from(DiskHashMap::load_from(dir)?)
    }

    /// Opens the map in a directory, or creates it.
    ///
    /// # Errors
    /// As [`DiskHashMap::open`].
    pub fn open(dir: impl AsRef<Path>) -> Result<Self> {
        Self::try_from(DiskHashMap::open(dir)?)
    }

    /// [`open`](DiskDashMap::open) with a number of shards, as [`with_shards`](DiskDashMap::with_shards) takes it.
    ///
    /// # Errors
    /// As `open`.
    ///
    /// ```
    /// # use diskmap_concurrent::DiskDashMap;
    /// # let dir = tempfile::tempdir()?;
    /// let map: DiskDashMap<u64, u64> = DiskDashMap::with_shards_in(dir.path(), 16)?;
    /// assert_eq!(map.shards(), 16);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_shards_in(dir: impl AsRef<Path>, shards: usize) -> Result<Self> {
        Self::with_shards(DiskHashMap::open(dir)?, shards)
    }

    /// Creates a map with room for `entries` entries and for so many bytes of variable-length keys and values in all.
    ///
    /// # Errors
    /// As [`DiskHashMap::with_capacity`].
    ///
    /// ```
    /// # use diskmap_concurrent::DiskDashMap;
    /// # let dir = tempfile::tempdir()?;
    /// let map: DiskDashMap<u64, String> = DiskDashMap::with_capacity(dir.path(), 1000, 0, 20_000)?;
    /// assert!(map.stats().slots >= 1000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_capacity(dir: impl AsRef<Path>, entries: u64, key_bytes: u64, value_bytes: u64) -> Result<Self> {
        Self::try_from(DiskHashMap::with_capacity(dir, entries, key_bytes, value_bytes)?)
    }
}

/// On disk, with any hasher and any options.
impl<K, V, S> DiskDashMap<K, V, MMapFile, S>
where
    K: ?Sized + DiskKey,
    V: ?Sized + DiskValue,
    S: StableHasher + Send + Sync + 'static,
{
    /// [`new_in`](DiskDashMap::new_in) with a hasher.
    ///
    /// # Errors
    /// As `new_in`.
    pub fn new_in_with_hasher(dir: impl AsRef<Path>, hasher: S) -> Result<Self> {
        Self::try_from(DiskHashMap::new_in_with_hasher(dir, hasher)?)
    }

    /// [`load_from`](DiskDashMap::load_from) with a hasher; its seed, if it has one, is taken from the map.
    ///
    /// # Errors
    /// As `load_from`.
    pub fn load_from_with_hasher(dir: impl AsRef<Path>, hasher: S) -> Result<Self> {
        Self::try_from(DiskHashMap::load_from_with_hasher(dir, hasher)?)
    }

    /// [`open`](DiskDashMap::open) with a hasher.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_with_hasher(dir: impl AsRef<Path>, hasher: S) -> Result<Self> {
        Self::try_from(DiskHashMap::open_with_hasher(dir, hasher)?)
    }

    /// Opens (or creates, as the options say) the map in a directory.
    ///
    /// # Errors
    /// As [`OpenOptions::open`].
    ///
    /// ```
    /// # use diskmap_concurrent::DiskDashMap;
    /// use diskmap::OpenOptions;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let options = OpenOptions::new().create(true).auto_checkpoint(None);
    /// let map: DiskDashMap<u64, u64> = DiskDashMap::open_with(dir.path(), options)?;
    /// map.insert(&1, &1)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open_with(dir: impl AsRef<Path>, options: OpenOptions<S>) -> Result<Self> {
        Self::try_from(options.open(dir)?)
    }
}

/// In memory.
impl<K: ?Sized + DiskKey, V: ?Sized + DiskValue> DiskDashMap<K, V, VecStore, FxBuildHasher> {
    /// An empty map in memory.
    ///
    /// # Errors
    /// `OutOfSpace` if the operating system has no memory or no address space left.
    pub fn new() -> Result<Self> {
        Self::new_with_hasher(FxBuildHasher)
    }
}

/// In memory, with any hasher.
impl<K: ?Sized + DiskKey, V: ?Sized + DiskValue, S: StableHasher> DiskDashMap<K, V, VecStore, S> {
    /// An empty map in memory, with a hasher.
    ///
    /// # Errors
    /// As [`new`](DiskDashMap::new).
    ///
    /// ```
    /// # use diskmap_concurrent::{MemDashMap, U64Hasher};
    /// let map = MemDashMap::<u64, u64, U64Hasher>::new_with_hasher(U64Hasher)?;
    /// map.insert(&1, &1)?;
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn new_with_hasher(hasher: S) -> Result<Self> {
        Self::try_from(DiskHashMap::new_with_hasher(hasher)?)
    }
}

impl<K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> DiskDashMap<K, V, BS, S> {
    /// Shares a map between threads, divided into `shards` ranges of hashes (rounded up to a power of two, at most 1024): so
    /// many can be written to at the same time. Each takes a segment of about 68 KiB at least. It is no property of the
    /// files. By default there are four for each core.
    ///
    /// # Errors
    /// `InvalidInput` for 0 shards; `OutOfSpace`, `Full`, `Corrupt`, `Poisoned`, if the map has to be divided further.
    pub fn with_shards(map: DiskHashMap<K, V, BS, S>, shards: usize) -> Result<Self> {
        if shards == 0 {
            return Err(Error::InvalidInput { what: "a map with 0 shards; take 1 for one writer at a time".into() });
        }
        Self::share(map, shards.checked_next_power_of_two().map_or(u32::MAX, usize::ilog2))
    }
}

impl<K, V, BS, S> TryFrom<DiskHashMap<K, V, BS, S>> for DiskDashMap<K, V, BS, S>
where
    K: ?Sized + DiskValue,
    V: ?Sized + DiskValue,
    BS: ByteStore,
    S: StableHasher,
{
    type Error = Error;

    /// Shares a map between threads, with the default number of shards.
    fn try_from(map: DiskHashMap<K, V, BS, S>) -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::with_shards(map, SHARDS_A_CORE * cores)
    }
}
