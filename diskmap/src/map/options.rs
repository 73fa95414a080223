//! How a map on disk is created or opened.
//!
//! Must not know files. Invariant: the defaults lose nothing that can be kept.

use std::{path::Path, time::Duration};

use rustc_hash::FxBuildHasher;

use super::DiskHashMap;
use crate::{
    codec::{DiskKey, DiskValue},
    disk::Access,
    error::{Error, Result},
    hash::StableHasher,
    store::MMapFile,
};

/// What to do when opening a map would go back to its last checkpoint, giving up later changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnRollback {
    /// Open it and say so in [`Stats::recovery`](crate::Stats::recovery) and with a log warning.
    #[default]
    Accept,
    /// Fail with [`Error::RolledBack`] and leave the files as they are.
    Refuse,
}

/// Options for creating or opening a map on disk.
///
/// ```
/// use std::time::Duration;
/// use diskmap::{DiskHashMap, OpenOptions};
///
/// let dir = tempfile::tempdir()?;
/// let mut map: DiskHashMap<u64, String> = OpenOptions::new()
///     .create(true)
///     .capacity(1_000_000, 0, 20_000_000)
///     .auto_checkpoint(Some(Duration::from_secs(5)))
///     .open(dir.path())?;
/// assert!(map.capacity() >= 1_000_000);
/// map.insert(&1, "one")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct OpenOptions<S = FxBuildHasher> {
    pub(super) hasher: S,
    pub(super) settings: Settings,
}

/// The options that do not depend on a type.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub create: bool,
    pub create_new: bool,
    /// Entries, bytes of keys, bytes of values.
    pub capacity: (u64, u64, u64),
    pub auto_checkpoint: Option<Duration>,
    pub sync_on_drop: bool,
    pub on_rollback: OnRollback,
    pub assume_valid: bool,
    pub migrate: bool,
    pub access: Access,
}

impl OpenOptions {
    /// Opens an existing map for reading and writing, with the default hasher, a checkpoint at the latest 30 s after the
    /// first change, and one when the map is dropped.
    pub fn new() -> OpenOptions {
        let settings = Settings {
            create: false,
            create_new: false,
            capacity: (0, 0, 0),
            auto_checkpoint: Some(Duration::from_secs(30)),
            sync_on_drop: true,
            on_rollback: OnRollback::Accept,
            assume_valid: false,
            migrate: false,
            access: Access::default(),
        };
        OpenOptions { hasher: FxBuildHasher, settings }
    }
}

impl Default for OpenOptions {
    fn default() -> OpenOptions {
        OpenOptions::new()
    }
}

impl<S> OpenOptions<S> {
    /// Creates the map if there is none.
    pub fn create(mut self, create: bool) -> Self {
        self.settings.create = create;
        self
    }

    /// Creates the map; one that is there is [`Error::AlreadyExists`].
    pub fn create_new(mut self, create_new: bool) -> Self {
        self.settings.create_new = create_new;
        self
    }

    /// Opens for reading only: any number of such handles, in any processes, but none that writes. Nothing in the files is
    /// changed, even to recover from a crash.
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.settings.access.read_only = read_only;
        self
    }

    /// Makes room ahead: for `entries` entries, and for so many bytes of variable-length keys and values in all.
    pub fn capacity(mut self, entries: u64, key_bytes: u64, value_bytes: u64) -> Self {
        self.settings.capacity = (entries, key_bytes, value_bytes);
        self
    }

    /// The hasher for new maps; an existing map must have been made with the same.
    pub fn hasher<T: StableHasher>(self, hasher: T) -> OpenOptions<T> {
        OpenOptions { hasher, settings: self.settings }
    }

    /// How long after the first change a checkpoint is made (default: 30 s), by a helper thread. Sooner when as much was
    /// written as the map is large, and at least 1 GiB; later when syncing would take more than a tenth of the time. A
    /// map about to grow while as much waits for a checkpoint as is live (of records: three quarters of that), and 24 MiB
    /// more, waits for the one that is being made or makes one itself: the call that grows it fails if that does.
    ///
    /// `None`: only when asked for and on close. A power cut then goes back further, and what has changed since the last
    /// checkpoint lies beside all that it refers to: [`Stats::kept_bytes`](crate::Stats::kept_bytes).
    pub fn auto_checkpoint(mut self, after: Option<Duration>) -> Self {
        self.settings.auto_checkpoint = after;
        self
    }

    /// Whether dropping the map makes a checkpoint (default: yes). Without it a drop is as good as a kill: nothing is lost
    /// unless the machine goes down.
    pub fn sync_on_drop(mut self, sync: bool) -> Self {
        self.settings.sync_on_drop = sync;
        self
    }

    /// What to do when opening would go back to the last checkpoint.
    pub fn on_rollback(mut self, action: OnRollback) -> Self {
        self.settings.on_rollback = action;
        self
    }

    /// Whether values of an earlier version are rewritten where their type wants to be asked first (default: no). Those
    /// that [`DiskValue::versions`](crate::DiskValue::versions) shows without `asked` are rewritten at any open for
    /// writing.
    ///
    /// All entries are written to a new map, which then takes the place of the old one at once: an error, a kill or a
    /// power cut leaves the one or the other. Until then the disk holds both.
    pub fn migrate(mut self, migrate: bool) -> Self {
        self.settings.migrate = migrate;
        self
    }

    /// Address space to reserve for the index and for the heap, in bytes (default 64 GiB each). Beyond it a file is mapped
    /// again, twice as long. A map that threads share takes as much again for its readers, if it can be had.
    pub fn reserve(mut self, bytes: u64) -> Self {
        self.settings.access.reserve = bytes;
        self
    }

    /// Takes this for the identity of the machine's boot, which decides whether the live state or the last checkpoint
    /// counts. For platforms and containers that do not tell it, and to test recovery.
    pub fn boot_id(mut self, id: [u8; 16]) -> Self {
        self.settings.access.boot_id = Some(id);
        self
    }

    /// Believes stored bytes of variable-length codecs without validating them on every read.
    ///
    /// # Safety
    /// All bytes in the map's files are what its codecs (those of the user included) wrote: the files were never damaged
    /// or changed by anything else.
    #[allow(unsafe_code, reason = "an unsafe function whose contract is the caller's")]
    pub unsafe fn assume_valid(mut self) -> Self {
        self.settings.assume_valid = true;
        self
    }
}

impl<S> OpenOptions<S> {
    /// Opens (or creates, as the options say) the map in a directory. While it is open, nothing else may write to the
    /// directory.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyExists`, `SchemaMismatch`, `HasherMismatch`, `UnsupportedFormat`, `Locked`, `Corrupt`,
    /// `RolledBack`, `Unfinished`, `OutOfSpace`, `Io`; `InvalidInput` for options that exclude each other; `Encode`,
    /// `TooLarge` if a value of an earlier version cannot be rewritten.
    pub fn open<K, V>(self, dir: impl AsRef<Path>) -> Result<DiskHashMap<K, V, MMapFile, S>>
    where
        K: ?Sized + DiskKey,
        V: ?Sized + DiskValue,
        S: StableHasher + Send + Sync + 'static,
    {
        if self.settings.access.read_only && (self.settings.create || self.settings.create_new) {
            return Err(Error::invalid("a map cannot be created read-only; drop `read_only` or `create`"));
        }
        DiskHashMap::open_with(dir.as_ref(), self)
    }
}
