//! A map as it was at one moment, read while the map goes on.
//!
//! Must not know how entries are kept (`raw::snapshot`). Invariant: what a snapshot leads to is let go of only when it is
//! dropped, and while there is one nobody else can open the map's directory for writing.

use std::{fmt, sync::Arc};

use rustc_hash::FxBuildHasher;

use super::{
    DiskHashMap,
    typed::{Typed, checked_key},
};
use crate::{
    checkpoint::Shared,
    codec::{DiskValue, Encode, IntoOwned},
    error::Result,
    hash::StableHasher,
    raw::Frozen,
    store::{ByteStore, MMapFile, lock::DirLock},
};

/// A map as it was when [`DiskHashMap::snapshot`] was called: read-only, and valid as long as it lives, whatever happens to
/// the map meanwhile, in this thread or in another.
///
/// While it lives, segments and records that the map changes or removes are kept beside the new ones:
/// [`Stats::snapshot_bytes`](crate::Stats::snapshot_bytes) says how much. Dropping it lets go of them. It also keeps the
/// directory locked, even after the map was closed. It does not outlive the process: use
/// [`backup_to`](Snapshot::backup_to) for that.
///
/// ```
/// use diskmap::DiskHashMap;
///
/// let dir = tempfile::tempdir()?;
/// let mut stock: DiskHashMap<str, u64> = DiskHashMap::new_in(dir.path())?;
/// stock.insert("apples", &10)?;
///
/// let morning = stock.snapshot();
/// stock.insert("apples", &3)?;
/// stock.insert("pears", &7)?;
///
/// let report = std::thread::spawn(move || morning.get_owned("apples").map(|n| (n, morning.len())));
/// assert_eq!(report.join().unwrap()?, (Some(10), 1));
/// assert_eq!((stock.get("apples")?, stock.len()), (Some(3), 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Snapshot<K: ?Sized, V: ?Sized, BS: ByteStore = MMapFile, S = FxBuildHasher> {
    pub(super) shared: Arc<Shared<BS, Typed<K, V, S>>>,
    pub(super) frozen: Frozen,
    pub(super) assume_valid: bool,
    _lock: Option<Arc<DirLock>>,
}

impl<K: ?Sized, V: ?Sized, BS: ByteStore, S> Drop for Snapshot<K, V, BS, S> {
    /// Lets go of what only this snapshot kept. Linear in the number of segments and of heap blocks with room.
    fn drop(&mut self) {
        self.shared.core.thaw(&self.frozen);
    }
}

/// Snapshots.
impl<K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> DiskHashMap<K, V, BS, S> {
    /// The map as it is now, to be read while it is changed. No entry is copied: from here on the first change to each
    /// segment (some thousand entries) copies that segment.
    ///
    /// Linear in the number of segments and of the heap's blocks that changed since the last snapshot or checkpoint: less
    /// than a millisecond for 10 million entries.
    pub fn snapshot(&self) -> Snapshot<K, V, BS, S> {
        let lock = match (&self.keeper, &self.reading) {
            (Some(keeper), _) => Some(keeper.lock()),
            (None, Some(disk)) => Some(disk.lock()),
            (None, None) => None,
        };
        Snapshot {
            shared: Arc::clone(&self.shared),
            frozen: self.shared.core.freeze(),
            assume_valid: self.assume_valid,
            _lock: lock,
        }
    }
}

impl<K: ?Sized, V: ?Sized, BS: ByteStore, S> Snapshot<K, V, BS, S> {
    /// Number of entries. Constant time.
    pub fn len(&self) -> u64 {
        self.frozen.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K: ?Sized, V: ?Sized, BS: ByteStore, S: StableHasher> Snapshot<K, V, BS, S> {
    /// The value that a key had. Constant time; writes nothing.
    ///
    /// # Errors
    /// As [`DiskHashMap::get`].
    pub fn get<Q: ?Sized>(&self, key: &Q) -> Result<Option<V::View<'_>>>
    where
        K: Encode<Q>,
        V: DiskValue,
    {
        Ok(K::with_bytes(key, |bytes| self.reader().get(checked_key::<K>(bytes)?))??)
    }

    /// The value that a key had, as an owned Rust value.
    ///
    /// # Errors
    /// As [`get`](Snapshot::get).
    pub fn get_owned<Q: ?Sized>(&self, key: &Q) -> Result<Option<V::Owned>>
    where
        K: Encode<Q>,
        V: IntoOwned,
    {
        self.get(key)?.map(V::into_owned).transpose()
    }

    /// Whether a key was there.
    ///
    /// # Errors
    /// As [`get`](Snapshot::get).
    pub fn contains_key<Q: ?Sized>(&self, key: &Q) -> Result<bool>
    where
        K: Encode<Q>,
        V: DiskValue,
    {
        Ok(K::with_bytes(key, |bytes| self.reader().has(checked_key::<K>(bytes)?))??)
    }
}

impl<K, V, BS, S> fmt::Debug for Snapshot<K, V, BS, S>
where
    K: ?Sized + DiskValue,
    V: ?Sized + DiskValue,
    for<'x> K::View<'x>: fmt::Debug,
    for<'x> V::View<'x>: fmt::Debug,
    BS: ByteStore,
    S: StableHasher,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::traits::debug(f, self.iter())
    }
}
