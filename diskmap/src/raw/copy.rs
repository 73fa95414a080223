//! Copying a snapshot into the files of a new map: segments one after the other, records where they are.
//!
//! Must not know file names or types. Invariant: what is copied is held, and a segment that does not match its checksum
//! is an error, also if the copy spoilt it.

use std::collections::HashMap;

use super::{Core, Files, Frozen, INDEX_FILE, descriptors_at};
use crate::{
    crash,
    error::{Error, Result},
    format::manifest::{Manifest, SegmentRecord},
    store::ByteStore,
    table::{Scheme, Segment},
};

impl<B: ByteStore, C: Scheme> Core<B, C> {
    /// Fills new files with what a snapshot holds and syncs them; the manifest that belongs to them. Calls `progress` with
    /// bytes: done, and in all.
    pub(crate) fn copy_frozen<T: ByteStore>(
        &self,
        frozen: &Frozen,
        uuid: [u8; 16],
        to: &Files<T>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Manifest> {
        let segments = self.frozen_segments(frozen)?;
        let blocks = self.frozen_blocks(frozen);
        let index_bytes = segments.len() as u64 * Self::SEGMENT_BYTES;
        let total = index_bytes + ((blocks.len() as u64) << to.block_shift);
        to.segments.grow(descriptors_at(to.intents), descriptors_at(to.intents))?;
        to.segments.sync()?;
        let segments = self.copy_segments(&segments, &to.index, &mut |done| progress(done, total))?;
        to.index.sync()?;
        crash::point("backup: segments copied");
        if let (Some(heap), Some((records, _))) = (&self.heap, &to.heap) {
            let mut done = index_bytes;
            let mut copied = |bytes| {
                done += bytes;
                progress(done, total);
            };
            // SAFETY: `blocks` are those of a snapshot that is borrowed, so its cells are held.
            unsafe { heap.copy_to(&blocks, records, &mut copied)? };
            records.sync()?;
            crash::point("backup: records copied");
        }
        Ok(Manifest { uuid, generation: 1, entries: frozen.len(), closed: true, segments, blocks })
    }

    /// Copies segments to the front of an index; their records there.
    fn copy_segments<T: ByteStore>(
        &self,
        records: &[SegmentRecord],
        to: &T,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Vec<SegmentRecord>> {
        let used = |record: &SegmentRecord| Self::LAYOUT.used_bytes(1 << record.log2_buckets) as u64;
        let end = records.last().map_or(0, |last| (records.len() as u64 - 1) * Self::SEGMENT_BYTES + used(last));
        to.grow(end, end)?;
        let ids: HashMap<u32, u32> = records.iter().map(|record| record.id).zip(0..).collect();
        let mut copies = Vec::with_capacity(records.len());
        for (id, record) in (0u32..).zip(records) {
            let at = u64::from(id) * Self::SEGMENT_BYTES;
            to.prepare(at + used(record));
            let from = self.segment_by_id(record.id, record.log2_buckets);
            // SAFETY: the segment lies in the store with all its buckets, which was grown to the end of the last one and
            // all others of which have their full length.
            let copy = unsafe { Segment::<C>::new(to.base().wrapping_add(at as usize), from.buckets() - 1) };
            copy.copy_from(from);
            if copy.checksum() != record.checksum {
                let at = u64::from(record.id) * Self::SEGMENT_BYTES;
                let what = format!("segment {} does not match its checksum", record.id);
                return Err(Error::corrupt(INDEX_FILE, at, what));
            }
            let chained_after = ids.get(&record.chained_after).copied().unwrap_or(SegmentRecord::NONE);
            copies.push(SegmentRecord { id, chained_after, ..*record });
            progress(at + Self::SEGMENT_BYTES);
        }
        Ok(copies)
    }
}
