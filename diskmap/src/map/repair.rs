//! Taking what can be read out of a damaged map, into a new one.
//!
//! Must not know how entries are stored. Invariant: the damaged map is only read, and every byte that is taken was accepted
//! by its codec.

use std::{fmt, path::Path};

use super::{DiskHashMap, OpenOptions, identity, traits::Copied, typed::Typed, write::enter};
use crate::{
    codec::{DiskKey, DiskValue},
    crash, disk,
    error::Result,
    hash::StableHasher,
    raw::{Core, Validate},
    report::{Finding, Report},
    store::MMapFile,
    table::Scheme,
};

/// What [`repair`] took out of a damaged map, and what it could not.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salvage {
    /// Entries that are in the new map.
    pub taken: u64,
    /// Further entries with the keys of some that were taken from newer segments: left out.
    pub repeated: u64,
    /// Entries that the last checkpoint counts, if that can be read.
    pub expected: Option<u64>,
    /// Neither the last checkpoint nor the descriptors tell of all segments: where they do not, everything that looks like
    /// an entry was taken, removed ones included.
    pub guessed: bool,
    report: Report,
}

impl Salvage {
    /// What is damaged, entries that are lost among it, the first thousand.
    pub fn findings(&self) -> &[Finding] {
        self.report.findings()
    }

    /// How much is damaged; more than are kept as findings if they are many.
    pub fn faults(&self) -> u64 {
        self.report.faults
    }
}

impl fmt::Display for Salvage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entries taken: {}, left out as repeated: {}", self.taken, self.repeated)?;
        if let Some(expected) = self.expected {
            write!(f, "; the last checkpoint counts {expected}")?;
        }
        if self.guessed {
            write!(f, "\nsegments are missing or unknown: removed entries may be among them")?;
        }
        write!(f, "\nfaults: {}", self.report.faults)?;
        self.findings().iter().take(10).try_for_each(|finding| write!(f, "\n  {finding}"))
    }
}

/// Copies every entry that can be read from a damaged map to a new one in `to`, with the default hasher; see
/// [`OpenOptions::repair`].
///
/// # Errors
/// As `OpenOptions::repair`.
///
/// ```
/// # use diskmap::DiskHashMap;
/// # let dir = tempfile::tempdir()?;
/// let (old, new) = (dir.path().join("old"), dir.path().join("new"));
/// let mut map: DiskHashMap<u64, String> = DiskHashMap::new_in(&old)?;
/// map.insert(&1, "one")?;
/// map.close()?;
/// std::fs::remove_file(old.join("checkpoint"))?;
/// assert!(DiskHashMap::<u64, String>::load_from(&old).is_err());
///
/// let salvage = diskmap::repair::<u64, String>(&old, &new)?;
/// assert_eq!(salvage.taken, 1);
/// let map: DiskHashMap<u64, String> = DiskHashMap::load_from(&new)?;
/// assert_eq!(map.get(&1)?, Some("one"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn repair<K, V>(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<Salvage>
where
    K: ?Sized + DiskKey,
    V: ?Sized + DiskValue,
{
    OpenOptions::new().repair::<K, V>(from, to)
}

impl<S: StableHasher + Clone + Send + Sync + 'static> OpenOptions<S> {
    /// Copies every entry that can be read from a damaged map to a new one in `to`. `MAP` and `index` must be there, and
    /// `heap` if there was one; the map in `from` is only read.
    ///
    /// Entries are taken one by one: an entry's record must match its checksum, its codecs must accept its bytes, and its
    /// key must hash to the place it is in. Which segments are the map's is taken from the last checkpoint, or from the
    /// descriptors where these count or the checkpoint cannot be read; for keys that no segment is then known for, from
    /// everything in the index that looks like a segment. There removed entries may come back, of several entries with one
    /// key an older one may be taken, and a key of fixed size may get the value of another one that took its value's place.
    /// A value of fixed size that lies in the index is taken as it is.
    ///
    /// Linear in the size of the map, with memory for a number for each record.
    ///
    /// # Errors
    /// `NotFound`, `Corrupt` if one of those files is missing or `MAP` is damaged; `SchemaMismatch`, `HasherMismatch`,
    /// `UnsupportedFormat`, `Locked`, `Unfinished`; `AlreadyExists` and all that writing can fail with for the new map,
    /// which then holds some of the entries.
    ///
    /// ```
    /// # use diskmap::{DiskHashMap, OpenOptions, SipBuildHasher};
    /// # let dir = tempfile::tempdir()?;
    /// # let (old, new) = (dir.path().join("old"), dir.path().join("new"));
    /// let hasher = SipBuildHasher::new();
    /// let mut map: DiskHashMap<str, u64, _, _> = DiskHashMap::new_in_with_hasher(&old, hasher)?;
    /// map.insert("a", &1)?;
    /// map.close()?;
    ///
    /// let salvage = OpenOptions::new().hasher(SipBuildHasher::new()).repair::<str, u64>(&old, &new)?;
    /// assert_eq!((salvage.taken, salvage.faults()), (1, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn repair<K, V>(self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<Salvage>
    where
        K: ?Sized + DiskKey,
        V: ?Sized + DiskValue,
    {
        let OpenOptions { hasher, settings } = self.create_new(true).read_only(false);
        let mut reading = settings.access.clone();
        reading.read_only = true;
        let locked = disk::lock(from.as_ref(), reading)?;
        let hasher = identity::check::<K, V, S>(&locked.map, hasher)?;
        let mut salvage = Salvage::default();
        let has_heap = Typed::<K, V, S>::LAYOUT.has_heap();
        let (wreck, files) = locked.wreck(has_heap, &mut salvage.report)?;
        salvage.expected = wreck.manifest.as_ref().map(|manifest| manifest.entries);
        let core = Core::wreck(Typed::<K, V, S>::new(hasher.clone()), files);
        let mut new = OpenOptions { hasher, settings }.open::<K, V>(to)?;
        let Salvage { taken, repeated, guessed, report, .. } = &mut salvage;
        *guessed = core.salvage(wreck.source(), Validate::of::<K, V>(), report, &mut |key, value| {
            let count = if new.adopt(key, value)? { &mut *taken } else { &mut *repeated };
            *count += 1;
            crash::point("repair: entry taken");
            Ok(())
        })?;
        new.close()?;
        crash::point("repair: closed");
        Ok(salvage)
    }
}

impl<K: ?Sized + DiskKey, V: ?Sized + DiskValue, S: StableHasher> DiskHashMap<K, V, MMapFile, S> {
    /// Inserts an entry from its bytes unless its key is there; whether it was not.
    fn adopt(&mut self, key: &[u8], value: &[u8]) -> Result<bool> {
        let _pass = enter(&self.shared, &self.keeper)?;
        let core = &self.shared.core;
        let hashed = core.scheme().hash_key(key);
        if core.find(hashed, key)?.is_some() {
            return Ok(false);
        }
        core.put(&mut self.writer, hashed, key, &Copied(value)).map(|()| true)
    }
}
