//! Copies of a map that are made while it goes on.
//!
//! Must not know how entries are stored. Invariant: a backup holds the entries of one moment, that of its snapshot.

use std::path::Path;

use super::{DiskHashMap, Snapshot, identity};
use crate::{
    backup,
    codec::DiskValue,
    disk::{INTENTS, new_uuid},
    error::Result,
    hash::StableHasher,
    raw::Validate,
    report::Progress,
    store::ByteStore,
};

/// Backups.
impl<K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> Snapshot<K, V, BS, S> {
    /// Writes the snapshot to another directory (made if it does not exist), where it opens like any map of these types,
    /// as one that was closed. The map may go on meanwhile, in another thread; the snapshot may also be of a map in memory.
    ///
    /// The copy is synced, read again and verified before it becomes a map: after a crash in between there is none in the
    /// directory, and the next backup to it starts anew. Records stay where they are, so free space between them is in the
    /// copy too; see [`DiskHashMap::compact`]. Linear in the size of the map.
    ///
    /// # Errors
    /// `AlreadyExists` if there is a map in the directory, `Locked` if somebody is making one; `OutOfSpace`, `Io`;
    /// `Corrupt` if the map is damaged. The directory then has no map.
    ///
    /// ```
    /// # use diskmap::DiskHashMap;
    /// # let (dir, other) = (tempfile::tempdir()?, tempfile::tempdir()?);
    /// let mut map: DiskHashMap<str, u64> = DiskHashMap::new_in(dir.path())?;
    /// map.insert("a", &1)?;
    ///
    /// let snapshot = map.snapshot();
    /// let target = other.path().join("monday");
    /// let backup = std::thread::spawn(move || snapshot.backup_to(target));
    /// map.insert("a", &2)?;
    /// backup.join().unwrap()?;
    ///
    /// let monday: DiskHashMap<str, u64> = DiskHashMap::load_from(other.path().join("monday"))?;
    /// assert_eq!(monday.get("a")?, Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn backup_to(&self, dir: impl AsRef<Path>) -> Result<()> {
        self.backup_with(dir, |_| {})
    }

    /// [`backup_to`](Snapshot::backup_to) that tells how far it has come, in bytes: each counts twice, when it is copied
    /// and when it was read again.
    ///
    /// # Errors
    /// As `backup_to`.
    pub fn backup_with(&self, dir: impl AsRef<Path>, mut progress: impl FnMut(Progress)) -> Result<()> {
        let core = &self.shared.core;
        let map = identity::describe::<K, V, S>(new_uuid()?, &core.scheme().hasher, core.block_shift(), INTENTS);
        backup::write(core, &self.frozen, &map, dir.as_ref(), Validate::of::<K, V>(), &mut progress)
    }
}

/// Backups.
impl<K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> DiskHashMap<K, V, BS, S> {
    /// Writes the map as it is now to another directory: [`Snapshot::backup_to`] of a [`snapshot`](DiskHashMap::snapshot).
    /// To write to the map meanwhile, take the snapshot and hand it to another thread.
    ///
    /// # Errors
    /// As `Snapshot::backup_to`.
    ///
    /// ```
    /// # use diskmap::{DiskHashMap, MemHashMap};
    /// # let dir = tempfile::tempdir()?;
    /// let mut counts = MemHashMap::<str, u64>::new();
    /// counts.insert("words", &1000)?;
    /// counts.backup_to(dir.path())?;
    ///
    /// let counts: DiskHashMap<str, u64> = DiskHashMap::load_from(dir.path())?;
    /// assert_eq!(counts.get("words")?, Some(1000));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn backup_to(&self, dir: impl AsRef<Path>) -> Result<()> {
        self.snapshot().backup_to(dir)
    }
}
