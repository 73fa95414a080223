//! Constructors of maps on disk, checkpoints, and closing.
//!
//! Must not know files. Invariant: a map that could not be opened leaves its files as they were.

use std::{marker::PhantomData, path::Path, sync::Arc};

use rustc_hash::FxBuildHasher;

use super::{
    DiskHashMap, OnRollback, OpenOptions, Recovery, identity,
    migrate::{self, Current},
    options::Settings,
    size::record_bytes,
    typed::Typed,
};
use crate::{
    checkpoint::{Keeper, Shared},
    codec::{DiskKey, DiskValue, Schema},
    crash,
    disk::{self, Disk, INTENTS, Locked},
    error::{Error, Result},
    format::map_file::MapFile,
    gate::Gates,
    hash::StableHasher,
    heap::class::BLOCK_SHIFT,
    raw::{Core, Files, Root, Writer, buckets_for},
    signals,
    store::{ByteStore, MMapFile, watch},
    table::Scheme,
};

/// On disk, with the default hasher. While a map is open, nothing else may write to its directory.
impl<K: ?Sized, V: ?Sized> DiskHashMap<K, V, MMapFile, FxBuildHasher> {
    /// Creates a map in a directory, which is made if it does not exist.
    ///
    /// # Errors
    /// `AlreadyExists` if there is a map in it; `Locked`, `OutOfSpace`, `Io`.
    ///
    /// ```
    /// # use diskmap::{DiskHashMap, Error};
    /// # let dir = tempfile::tempdir()?;
    /// let mut map: DiskHashMap<u64, str> = DiskHashMap::new_in(dir.path())?;
    /// map.insert(&1, "one")?;
    /// drop(map);
    /// let again = DiskHashMap::<u64, str>::new_in(dir.path());
    /// assert!(matches!(again, Err(Error::AlreadyExists { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new_in(dir: impl AsRef<Path>) -> Result<Self>
    where
        K: DiskKey,
        V: DiskValue,
    {
        OpenOptions::new().create_new(true).open(dir)
    }

    /// Opens the map in a directory.
    ///
    /// # Errors
    /// `NotFound` if there is none; see [`OpenOptions::open`].
    ///
    /// ```
    /// # use diskmap::{DiskHashMap, Error};
    /// # let dir = tempfile::tempdir()?;
    /// let missing = DiskHashMap::<u64, str>::load_from(dir.path());
    /// assert!(matches!(missing, Err(Error::NotFound { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn load_from(dir: impl AsRef<Path>) -> Result<Self>
    where
        K: DiskKey,
        V: DiskValue,
    {
        OpenOptions::new().open(dir)
    }

    /// Opens the map in a directory, or creates it.
    ///
    /// # Errors
    /// See [`OpenOptions::open`].
    ///
    /// ```
    /// # use diskmap::DiskHashMap;
    /// # let dir = tempfile::tempdir()?;
    /// for run in 0..3u64 {
    ///     let mut runs: DiskHashMap<str, u64> = DiskHashMap::open(dir.path())?;
    ///     assert_eq!(runs.insert("runs", &(run + 1))?.unwrap_or(0), run);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(dir: impl AsRef<Path>) -> Result<Self>
    where
        K: DiskKey,
        V: DiskValue,
    {
        OpenOptions::new().create(true).open(dir)
    }

    /// Creates a map with room for `entries` entries and for so many bytes of variable-length keys and values in all.
    ///
    /// # Errors
    /// `InvalidInput` if `entries` is 0; else as [`new_in`](DiskHashMap::new_in).
    ///
    /// ```
    /// # use diskmap::{Bytes, DiskHashMap};
    /// # let dir = tempfile::tempdir()?;
    /// let map: DiskHashMap<Bytes, Bytes> = DiskHashMap::with_capacity(dir.path(), 1000, 64_000, 128_000)?;
    /// assert!(map.capacity() >= 1000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_capacity(dir: impl AsRef<Path>, entries: u64, key_bytes: u64, value_bytes: u64) -> Result<Self>
    where
        K: DiskKey,
        V: DiskValue,
    {
        if entries == 0 {
            return Err(Error::invalid("a capacity of 0 entries; use `new_in` for a map that grows from empty"));
        }
        OpenOptions::new().create_new(true).capacity(entries, key_bytes, value_bytes).open(dir)
    }
}

/// On disk, with any hasher.
impl<K: ?Sized, V: ?Sized, S> DiskHashMap<K, V, MMapFile, S> {
    /// [`new_in`](DiskHashMap::new_in) with a hasher.
    ///
    /// # Errors
    /// As `new_in`.
    ///
    /// ```
    /// # use diskmap::{DiskHashMap, SipBuildHasher};
    /// # let dir = tempfile::tempdir()?;
    /// let mut map: DiskHashMap<str, u64, _, _> = DiskHashMap::new_in_with_hasher(dir.path(), SipBuildHasher::new())?;
    /// map.insert("untrusted", &1)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new_in_with_hasher(dir: impl AsRef<Path>, hasher: S) -> Result<Self>
    where
        K: DiskKey,
        V: DiskValue,
        S: StableHasher + Send + Sync + 'static,
    {
        OpenOptions::new().create_new(true).hasher(hasher).open(dir)
    }

    /// [`load_from`](DiskHashMap::load_from) with a hasher; its seed, if it has one, is taken from the map.
    ///
    /// # Errors
    /// As `load_from`.
    pub fn load_from_with_hasher(dir: impl AsRef<Path>, hasher: S) -> Result<Self>
    where
        K: DiskKey,
        V: DiskValue,
        S: StableHasher + Send + Sync + 'static,
    {
        OpenOptions::new().hasher(hasher).open(dir)
    }

    /// [`open`](DiskHashMap::open) with a hasher.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_with_hasher(dir: impl AsRef<Path>, hasher: S) -> Result<Self>
    where
        K: DiskKey,
        V: DiskValue,
        S: StableHasher + Send + Sync + 'static,
    {
        OpenOptions::new().create(true).hasher(hasher).open(dir)
    }
}

impl<K, V, S> DiskHashMap<K, V, MMapFile, S>
where
    K: ?Sized + DiskKey,
    V: ?Sized + DiskValue,
    S: StableHasher + Send + Sync + 'static,
{
    pub(super) fn open_with(dir: &Path, options: OpenOptions<S>) -> Result<Self> {
        let OpenOptions { hasher, settings } = options;
        match disk::exists(dir)? {
            true if settings.create_new => Err(Error::AlreadyExists { path: dir.into() }),
            false if settings.create || settings.create_new => Self::create_with(dir, hasher, &settings),
            _ => Self::load_with(dir, hasher, &settings),
        }
    }

    fn create_with(dir: &Path, hasher: S, settings: &Settings) -> Result<Self> {
        Self::create(hasher, settings, |heap, map| Disk::create(dir, &settings.access, heap, map))
    }

    /// Creates a map in files that `make` makes, given whether there is a heap and what `MAP` will say.
    pub(super) fn create(
        hasher: S,
        settings: &Settings,
        make: impl FnOnce(bool, &MapFile) -> Result<(Disk, Files<MMapFile>)>,
    ) -> Result<Self> {
        let layout = Typed::<K, V, S>::LAYOUT;
        let map = identity::describe::<K, V, S>(disk::new_uuid()?, &hasher, BLOCK_SHIFT, INTENTS);
        let (disk, files) = make(layout.has_heap(), &map)?;
        let core = Core::create(Typed::new(hasher), files, Arc::default(), buckets_for(&layout, settings.capacity.0))?;
        let mut writer = core.writer();
        make_room(&core, &mut writer, settings.capacity)?;
        core.write_identity(&disk.identity(None).encode());
        crash::point("create: identity written");
        disk.publish(&map)?;
        crash::point("create: published");
        Ok(Self::assemble(core, writer, disk, Recovery::Created, settings))
    }

    fn load_with(dir: &Path, hasher: S, settings: &Settings) -> Result<Self> {
        let locked = disk::lock(dir, settings.access.clone())?;
        let Current { locked, hasher, recovery } = migrate::bring_up_to_date::<K, V, S>(locked, hasher, settings)?;
        let mut map = Self::load(locked, hasher, settings)?;
        if let Some(recovery) = recovery {
            map.recovery = recovery;
        }
        Ok(map)
    }

    /// Opens a map that has the right types.
    pub(super) fn load(locked: Locked, hasher: S, settings: &Settings) -> Result<Self> {
        let hasher = identity::check::<K, V, S>(&locked.map, hasher)?;
        let dir = locked.dir.clone();
        let found = locked.open(Typed::<K, V, S>::LAYOUT.has_heap())?;
        if found.rolled_back {
            if settings.on_rollback == OnRollback::Refuse {
                return Err(Error::RolledBack { path: dir });
            }
            log::warn!(
                "the map in {} was not closed before a reboot or a copy: back to its checkpoint of {} entries",
                dir.display(),
                found.manifest.entries
            );
        }
        found.settle();
        watch::moment(&found.disk.dir);
        let recovery = match (found.root, found.rolled_back) {
            (Root::Live, _) => Recovery::Resumed,
            (Root::Closed | Root::Checkpoint, false) => Recovery::Closed,
            (Root::Closed | Root::Checkpoint, true) => Recovery::RolledBack,
        };
        let closed = found.manifest.closed;
        let core = Core::open(Typed::new(hasher), found.files, Arc::default(), found.manifest, found.root)?;
        crash::point("open: recovered");
        watch::moment(&found.disk.dir);
        if closed && !settings.access.read_only {
            core.signals().raise(signals::REOPENED);
        }
        let mut writer = core.writer();
        if !settings.access.read_only {
            if found.root == Root::Live {
                if settings.capacity == (0, 0, 0) {
                    core.signals().raise(signals::RESUMED);
                } else {
                    found.disk.keep_manifest()?;
                }
            }
            make_room(&core, &mut writer, settings.capacity)?;
            // The one that vouches for the live state says the same.
            if found.root != Root::Live {
                core.write_identity(&found.disk.identity(None).encode());
                crash::point("open: identity written");
            }
        }
        Ok(Self::assemble(core, writer, found.disk, recovery, settings))
    }

    fn assemble(
        core: Core<MMapFile, Typed<K, V, S>>,
        writer: Writer,
        disk: Disk,
        recovery: Recovery,
        settings: &Settings,
    ) -> Self {
        let path = Some(disk.dir.clone());
        let read_only = settings.access.read_only;
        core.signals().raise(if read_only { signals::READ_ONLY } else { signals::UNCHANGED });
        let gates = Gates::new(read_only, core.signals());
        let shared = Arc::new(Shared { core, gates });
        let (keeper, reading) = if read_only {
            (None, Some(disk))
        } else {
            (Some(Arc::new(Keeper::new(Arc::clone(&shared), disk, settings.auto_checkpoint))), None)
        };
        DiskHashMap {
            shared,
            writer,
            keeper,
            reading,
            path,
            recovery,
            sync_on_drop: settings.sync_on_drop,
            assume_valid: settings.assume_valid,
            types: PhantomData,
        }
    }
}

/// Splits segments and allocates heap for so many entries, bytes of keys and bytes of values.
fn make_room<B: ByteStore, C: Scheme>(
    core: &Core<B, C>,
    writer: &mut Writer,
    (entries, key_bytes, value_bytes): (u64, u64, u64),
) -> Result<()> {
    if entries > 0 {
        core.presplit(writer, entries)?;
    }
    core.reserve_heap(record_bytes(&C::LAYOUT, entries, key_bytes, value_bytes))
}

/// Durability.
impl<K: ?Sized, V: ?Sized, BS: ByteStore, S> DiskHashMap<K, V, BS, S> {
    /// Makes everything stored so far survive a power cut: returns when it is on the medium. Nothing to do for a map in
    /// memory.
    ///
    /// # Errors
    /// `OutOfSpace` if there is no room for the manifest (the last checkpoint stays); `Io` if syncing failed, after which
    /// the map takes no more writes; `ReadOnly`.
    ///
    /// ```
    /// # use diskmap::DiskHashMap;
    /// # let dir = tempfile::tempdir()?;
    /// let mut map: DiskHashMap<u64, u64> = DiskHashMap::new_in(dir.path())?;
    /// map.insert(&1, &1)?;
    /// map.checkpoint()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn checkpoint(&mut self) -> Result<()> {
        self.make_checkpoint()
    }

    pub(super) fn make_checkpoint(&self) -> Result<()> {
        match &self.keeper {
            Some(keeper) => keeper.checkpoint(),
            None if self.path.is_some() => Err(Error::ReadOnly),
            None => Ok(()),
        }
    }

    /// Makes a checkpoint as the helper thread does, in whatever thread calls it.
    #[cfg(test)]
    pub(crate) fn beside(&self) -> Option<impl FnOnce() -> Result<()> + Send + 'static> {
        self.keeper.as_deref().map(Keeper::beside)
    }

    /// Makes the last checkpoint, cuts the files to what is used, and closes the map. Dropping does the same, but cannot
    /// tell of a failure.
    ///
    /// # Errors
    /// As [`checkpoint`](DiskHashMap::checkpoint).
    ///
    /// ```
    /// # use diskmap::DiskHashMap;
    /// # let dir = tempfile::tempdir()?;
    /// let map: DiskHashMap<u64, u64> = DiskHashMap::new_in(dir.path())?;
    /// map.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close(mut self) -> Result<()> {
        self.shut(true)
    }

    /// The schemas of keys and values.
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let map = MemHashMap::<u64, String>::new();
    /// let (key, value) = map.schema();
    /// assert_eq!((key.to_string(), value.to_string()), ("u64".into(), "str".into()));
    /// ```
    pub fn schema(&self) -> (Schema, Schema)
    where
        K: DiskValue,
        V: DiskValue,
    {
        (K::SCHEMA, V::SCHEMA)
    }
}
