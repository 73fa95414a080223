//! The files of a map that may not open, as far as they are there.
//!
//! Must not know key or value types. Invariant: nothing is written, and of the two states the one that counts is chosen as
//! when a map is opened, if that can be told.

use super::{CHECKPOINT, Disk, Locked, missing};
use crate::{
    error::{Error, Result},
    format::{identity::Identity, manifest::Manifest},
    heap::{BLOCKS_FILE, HEAP_FILE},
    raw::{Files, INDEX_FILE, SEGMENTS_FILE, Source, read_identity},
    report::Report,
    store::MMapFile,
};

/// What is left of a map.
pub(crate) struct Wreck {
    /// Holds the lock.
    _disk: Disk,
    /// The last checkpoint.
    pub manifest: Option<Manifest>,
    /// The store of descriptors is there.
    has_segments: bool,
    /// The descriptors count, not the checkpoint.
    live: bool,
}

impl Wreck {
    /// What tells of the map's segments.
    pub(crate) fn source(&self) -> Source<'_> {
        match &self.manifest {
            Some(manifest) if !self.live => Source::Checkpoint(manifest),
            _ if self.has_segments => Source::Descriptors,
            _ => Source::Nothing,
        }
    }
}

impl Locked {
    /// Opens what is there; what is not goes to the report. An unusable store is in the place of `segments` or `blocks`
    /// then.
    ///
    /// # Errors
    /// `Corrupt` if `index` is missing, or `heap` where there has to be one; `Io`.
    pub(crate) fn wreck(self, heap: bool, report: &mut Report) -> Result<(Wreck, Files<MMapFile>)> {
        let Locked { dir, lock, access, map } = self;
        let open = |name| MMapFile::open_private(&dir.join(name)).map_err(|error| missing(name, error));
        // Descriptors and block entries are not believed anyway: an index or a heap in their places is as good as damaged
        // ones.
        let mut open_or = |name, instead| match report.absorb(name, open(name))? {
            Some(store) => Ok::<_, Error>((store, true)),
            None => Ok((open(instead)?, false)),
        };
        let (segments, has_segments) = open_or(SEGMENTS_FILE, INDEX_FILE)?;
        let mut whole = has_segments;
        let mut records = None;
        if heap {
            let (tables, found) = open_or(BLOCKS_FILE, HEAP_FILE)?;
            records = Some((open(HEAP_FILE)?, tables));
            whole &= found;
        }
        let index = open(INDEX_FILE)?;
        let files = Files { index, segments, heap: records, block_shift: map.block_shift, intents: map.intents };
        let disk = Disk::new(dir, lock, &access, map.uuid, &files);
        let manifest = report.absorb(CHECKPOINT, disk.manifest())?;
        let stored = read_identity(&files.segments).and_then(|sector| Identity::parse(&sector));
        let live = whole && stored.is_some_and(|stored| disk.is_live(&stored));
        Ok((Wreck { _disk: disk, manifest, has_segments, live }, files))
    }
}
