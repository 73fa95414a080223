//! Generations: what a checkpoint refers to from one moment on, and letting go of it again.
//!
//! Must not know files or threads. Invariant: between `capture` and `release` nothing that either checkpoint, the durable
//! one or the one in progress, refers to is written to or handed out.

use std::sync::atomic::Ordering;

use super::{Core, INDEX_FILE, space::Sum};
use crate::{
    error::{Error, Result},
    format::manifest::{BlockRecord, SegmentRecord},
    heap::Heap,
    store::{ByteStore, HUGE, make_room},
    table::{Directory, Scheme, directory::Entry},
};

/// The state of a map at the start of a checkpoint.
pub(crate) struct Captured {
    /// Everything written before belongs to this generation or an older one.
    pub generation: u64,
    /// Number of entries.
    pub entries: u64,
    ids: Vec<u32>,
}

impl<B: ByteStore, C: Scheme> Core<B, C> {
    /// Before a generation begins: makes room for as many copies as the last one took, so that the writer need not wait
    /// for the file system and the pages. Not if that would be more than a quarter of the `left` bytes on the disk.
    pub(crate) fn make_room_for_copies(&self, left: u64) {
        let copies = self.copies.swap(0, Ordering::Relaxed);
        let (end, unused) = {
            let space = self.space();
            (u64::from(space.end()), u64::from(space.end()).saturating_sub(space.used() + space.kept() + space.held()))
        };
        let missing = copies.saturating_sub(unused) * Self::SEGMENT_BYTES;
        if missing == 0 || missing > left / 4 {
            return;
        }
        let end = end * Self::SEGMENT_BYTES + missing;
        if make_room(&self.index, end, Self::SEGMENT_BYTES).is_ok() {
            let prepared = (self.index.len().min(end) / HUGE * HUGE).saturating_sub(copies * Self::SEGMENT_BYTES);
            // In steps: the writer must not wait for more than one.
            (prepared..end).step_by(HUGE as usize).for_each(|at| self.index.prepare(at));
        }
    }

    /// Begins a generation: from here on, writers copy what was there. All writers must be out.
    pub(crate) fn capture(&self) -> Captured {
        self.directory.flag(0, 0, Entry::PROTECTED, 0);
        let ids = self.space().capture();
        if let Some(heap) = &self.heap {
            heap.capture();
        }
        // Last: who sees the new generation sees the flags too, and who found something before finds it again.
        let generation = self.generation.fetch_add(1, Ordering::AcqRel);
        let heap_bytes = self.heap.as_ref().map_or(0, Heap::used_bytes);
        self.signals.restart(ids.len() as u64 * Self::SEGMENT_BYTES + heap_bytes);
        Captured { generation, entries: self.len(), ids }
    }

    /// The captured segments in the checkpoint's terms. Writers may go on.
    pub(crate) fn captured_segments(&self, captured: &Captured) -> Result<Vec<SegmentRecord>> {
        self.segment_records(&captured.ids)
    }

    /// Segments that do not change, in a checkpoint's terms.
    pub(super) fn segment_records(&self, ids: &[u32]) -> Result<Vec<SegmentRecord>> {
        let mut records = Vec::with_capacity(ids.len());
        for &main in ids {
            let descriptor = self.descriptor(main)?;
            if descriptor.overflow {
                continue;
            }
            let mut after = SegmentRecord::NONE;
            for id in std::iter::once(main).chain(self.chain(main)?) {
                let Sum { checksum, entries } = self.sum(id, descriptor.log2_buckets);
                records.push(SegmentRecord {
                    id,
                    depth: descriptor.depth,
                    log2_buckets: descriptor.log2_buckets,
                    chained_after: after,
                    prefix: descriptor.prefix,
                    entries,
                    checksum,
                });
                after = id;
            }
        }
        Ok(records)
    }

    /// The captured blocks of the heap in the checkpoint's terms.
    pub(crate) fn captured_blocks(&self) -> Vec<BlockRecord> {
        self.heap.as_ref().map_or_else(Vec::new, Heap::captured)
    }

    /// The captured state is durable: what only the checkpoint before referred to can be used again.
    pub(crate) fn release(&self) {
        self.space().release();
        if let Some(heap) = &self.heap {
            heap.release();
        }
    }

    /// Compares the segment that a position leads to with its checksum, once.
    #[cold]
    pub(super) fn verify(&self, position: u64) -> Result<()> {
        self.verify_in(&self.directory, position)
    }

    /// Does so for the segment that a directory leads to.
    pub(super) fn verify_in(&self, directory: &Directory, position: u64) -> Result<()> {
        let entry = directory.view().entry(position);
        if !entry.has(Entry::UNVERIFIED) {
            return Ok(());
        }
        let main = Self::id(entry);
        let descriptor = self.descriptor(main)?;
        for id in std::iter::once(main).chain(self.chain(main)?) {
            // Without a lock: readers come here.
            let stored = self.recorded.get().and_then(|recorded| recorded.get(id));
            let segment = self.segment_by_id(id, descriptor.log2_buckets);
            if stored.is_some_and(|sum| sum.checksum != segment.checksum() || sum.entries as usize != segment.count()) {
                let at = u64::from(id) * Self::SEGMENT_BYTES;
                return Err(Error::corrupt(INDEX_FILE, at, format!("segment {id} does not match its checksum")));
            }
        }
        directory.verified(descriptor.prefix, u32::from(descriptor.depth));
        Ok(())
    }

    fn sum(&self, id: u32, log2_buckets: u8) -> Sum {
        let known = self.space().sum(id);
        known.unwrap_or_else(|| {
            let segment = self.segment_by_id(id, log2_buckets);
            let sum = Sum { checksum: segment.checksum(), entries: segment.count() as u32 };
            self.space().set_sum(id, sum);
            sum
        })
    }
}
