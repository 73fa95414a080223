//! Looking at everything in a map.
//!
//! Must not know how entries are stored. Invariant: nothing is changed, and no damage ends the look.

use super::DiskHashMap;
use crate::{
    codec::DiskValue,
    disk::Disk,
    error::Result,
    hash::StableHasher,
    raw::Validate,
    report::{Progress, Report},
    store::ByteStore,
};

/// Looking at everything.
impl<K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> DiskHashMap<K, V, BS, S> {
    /// Reads the whole map and reports everything that is wrong with it: segments, chains, control words, that each entry
    /// is where a lookup finds it, records with their checksums, that keys and values are what their codecs wrote, and
    /// what the last checkpoint says of all this. Changes nothing and does not stop at the first fault.
    ///
    /// Some damage contradicts nothing and cannot be found: another number in a value that lies in the index (fixed size,
    /// up to 64 bytes) and was stored since the last checkpoint, or an entry lost there, which shows as a leaked cell at
    /// most.
    ///
    /// Linear in the size of the map. Takes a bit of memory for each cell of the heap and each segment, and what the last
    /// checkpoint's file takes. No checkpoint is made meanwhile.
    ///
    /// # Errors
    /// `Io` if a file cannot be read. Damage is no error: it is in the report.
    ///
    /// ```
    /// # use diskmap::DiskHashMap;
    /// # let dir = tempfile::tempdir()?;
    /// let mut map: DiskHashMap<u64, String> = DiskHashMap::new_in(dir.path())?;
    /// map.insert(&1, "one")?;
    ///
    /// let report = map.verify()?;
    /// assert!(report.is_sound(), "{report}");
    /// assert_eq!((report.entries, report.records, report.leaked_bytes), (1, 1, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn verify(&self) -> Result<Report> {
        self.verify_with(|_| {})
    }

    /// [`verify`](DiskHashMap::verify) that tells how far it has come: every 256 entries and at the end. The callback must
    /// not verify the same map.
    ///
    /// # Errors
    /// As `verify`.
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// let mut map = MemHashMap::<u64, u64>::new();
    /// for i in 0..10_000 { map.insert(&i, &i)?; }
    ///
    /// let mut percent = 0;
    /// let report = map.verify_with(|progress| percent = 100 * progress.done / progress.total.max(1))?;
    /// assert!(report.is_sound());
    /// assert_eq!(percent, 100);
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn verify_with(&self, mut progress: impl FnMut(Progress)) -> Result<Report> {
        let mut report = Report::default();
        let mut look = |disk: Option<&Disk>| -> Result<()> {
            let manifest = disk.map_or(Ok(None), |disk| disk.inspect(&mut report))?;
            let validate = Validate::of::<K, V>();
            self.shared.core.inspect(validate, manifest.as_ref(), &mut report, &mut progress);
            Ok(())
        };
        match &self.keeper {
            Some(keeper) => keeper.pause(&mut |disk| look(Some(disk)))?,
            None => look(self.reading.as_ref())?,
        }
        Ok(report)
    }
}

impl Validate {
    /// What the codecs of two types say.
    pub(super) fn of<K: ?Sized + DiskValue, V: ?Sized + DiskValue>() -> Validate {
        Validate {
            key: |bytes| K::validate(bytes).map_err(|invalid| invalid.reason()),
            value: |bytes| V::validate(bytes).map_err(|invalid| invalid.reason()),
        }
    }
}
