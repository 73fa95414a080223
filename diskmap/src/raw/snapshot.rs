//! A map as it was at one moment, beside the one that goes on: a directory of its own, over segments and records that
//! nothing writes to or hands out while it is held.
//!
//! Must not know files or types. Invariant: between `freeze` and `thaw` every segment the frozen directory leads to, every
//! segment chained to one, and every record they refer to keep their bytes.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Core, Found};
use crate::{
    crash,
    error::{Checked, Result},
    format::manifest::{BlockRecord, SegmentRecord},
    hash::Hashed,
    heap::Heap,
    store::ByteStore,
    table::{Directory, Scheme, directory::Entry},
};

/// What a snapshot of a map holds.
pub(crate) struct Frozen {
    number: u64,
    directory: Directory,
    entries: u64,
    ids: Vec<u32>,
}

impl Frozen {
    /// Number of entries.
    pub(crate) fn len(&self) -> u64 {
        self.entries
    }

    /// The way to its segments.
    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }
}

impl<B: ByteStore, C: Scheme> Core<B, C> {
    /// Begins a snapshot: from here on writers copy what is there. All writers must be out. Linear in the number of
    /// segments and of heap blocks that changed since the last snapshot or checkpoint.
    pub(crate) fn freeze(&self) -> Frozen {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        self.directory.flag(0, 0, Entry::PROTECTED, 0);
        let directory = self.directory.copy();
        let ids = self.space().hold();
        crash::point("snapshot: segments held");
        if let Some(heap) = &self.heap {
            heap.hold(number);
        }
        // Last, as in `capture`.
        self.generation.fetch_add(1, Ordering::AcqRel);
        crash::point("snapshot: taken");
        Frozen { number, directory, entries: self.len(), ids }
    }

    /// Finds a key by a directory.
    #[inline]
    pub(crate) fn find_in(&self, directory: &Directory, hashed: Hashed, bytes: &[u8]) -> Checked<Option<Found<C>>> {
        match self.way_in(directory, hashed) {
            Some(way) => self.find_on(way, hashed, bytes),
            None => self.find_carefully_in(directory, hashed, bytes),
        }
    }

    /// The segments of a snapshot in a checkpoint's terms, each with the id it has in the index.
    pub(crate) fn frozen_segments(&self, frozen: &Frozen) -> Result<Vec<SegmentRecord>> {
        self.segment_records(&frozen.ids)
    }

    /// The blocks of a snapshot's heap in a checkpoint's terms.
    pub(crate) fn frozen_blocks(&self, frozen: &Frozen) -> Vec<BlockRecord> {
        self.heap.as_ref().map_or_else(Vec::new, |heap: &Heap<B>| heap.held(frozen.number))
    }
}

impl<B: ByteStore, C> Core<B, C> {
    /// Ends a snapshot.
    pub(crate) fn thaw(&self, frozen: &Frozen) {
        self.space().let_go(&frozen.ids);
        crash::point("snapshot: segments let go");
        if let Some(heap) = &self.heap {
            heap.let_go(frozen.number);
        }
        crash::point("snapshot: let go");
    }
}
