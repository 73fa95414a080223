//! Giving space back: merging segments, moving them to the front of the index, cutting the files.
//!
//! Must not know records' contents; records stay where they are. Invariant: every step is a `replace`, so a kill at any
//! point leaves a whole map.

use super::{Core, Writer, descriptors_at, space::Place};
use crate::{
    crash,
    error::Result,
    store::ByteStore,
    table::{Scheme, descriptor::DESCRIPTOR, directory::Entry, layout::MIN_BUCKETS},
};

/// Merged or shrunk segments are at most this full, in percent, so that they do not split again at once.
const MERGED_PERCENT: usize = 60;
/// So many gaps in the index are not worth a copy.
const FEW: u64 = 8;

impl<B: ByteStore, C: Scheme> Core<B, C> {
    /// Merges neighbours that fit into one segment, as often as it goes, and makes a lone segment as small as it can be.
    pub(crate) fn merge_all(&self, writer: &mut Writer) -> Result<()> {
        loop {
            let mut merged = false;
            self.each_main(|id, descriptor, entry| {
                let depth = u32::from(descriptor.depth);
                if depth <= self.least_depth()
                    || descriptor.prefix >> (64 - depth) & 1 == 1
                    || entry.has(Entry::CHAINED)
                {
                    return Ok(false);
                }
                let other = self.directory.view().entry(descriptor.prefix | 1 << (64 - depth));
                let sibling = self.descriptor(Self::id(other))?;
                if sibling.depth != descriptor.depth || other.has(Entry::CHAINED) {
                    return Ok(false);
                }
                self.verify(descriptor.prefix)?;
                self.verify(sibling.prefix)?;
                let count = |id| self.segment_by_id(id, descriptor.log2_buckets).count();
                if !roomy::<C>(count(id) + count(Self::id(other)), C::LAYOUT.buckets) {
                    return Ok(false);
                }
                self.merge(writer, [id, Self::id(other)], descriptor)?;
                crash::point("shrink: two merged");
                merged = true;
                Ok(true)
            })?;
            if !merged {
                break;
            }
        }
        self.shrink_lone(writer)
    }

    /// Moves segments from the end of the index into free places before them.
    pub(crate) fn move_to_front(&self, writer: &mut Writer) -> Result<()> {
        let end = self.space().used();
        self.each_main(|id, descriptor, _| {
            if u64::from(id) >= end && self.space().free_below(id) {
                self.verify(descriptor.prefix)?;
                self.replace_same_size(writer, id, descriptor, Place::Front)?;
                crash::point("shrink: moved to the front");
            }
            Ok(false)
        })
    }

    /// Whether more than one segment in 32 (and more than a few) lies unused before the last one that is used.
    pub(crate) fn is_sparse(&self) -> bool {
        let space = self.space();
        let used = space.used();
        let gaps = (space.last_used() + 1).saturating_sub(used);
        gaps > FEW && gaps * 32 > used
    }

    /// Cuts what nothing refers to off the end of the files; of a shared map only the heap.
    pub(crate) fn trim(&self) -> Result<()> {
        if self.is_shared() {
            return self.heap.as_ref().map_or(Ok(()), crate::heap::Heap::trim);
        }
        let mut last = 0;
        self.each_main(|id, descriptor, _| {
            for id in std::iter::once(id).chain(self.chain(id)?) {
                let end =
                    u64::from(id) * Self::SEGMENT_BYTES + Self::LAYOUT.used_bytes(1 << descriptor.log2_buckets) as u64;
                last = last.max(end);
            }
            Ok(false)
        })?;
        let mut space = self.space();
        let end = space.cut_end();
        // Segments that a checkpoint or a snapshot keeps may be of any size.
        let kept = if space.kept() + space.held() > 0 { u64::from(end) * Self::SEGMENT_BYTES } else { 0 };
        self.index.truncate(last.max(kept).min(self.index.len()))?;
        crash::point("trim: index cut");
        let descriptors = descriptors_at(self.intents) + u64::from(end) * DESCRIPTOR as u64;
        self.segments.truncate(descriptors.min(self.segments.len()))?;
        crash::point("trim: descriptors cut");
        drop(space);
        self.heap.as_ref().map_or(Ok(()), crate::heap::Heap::trim)
    }

    fn shrink_lone(&self, writer: &mut Writer) -> Result<()> {
        let entry = self.directory.view().entry(0);
        let id = Self::id(entry);
        let descriptor = self.descriptor(id)?;
        if descriptor.depth > 0 || self.is_shared() || entry.has(Entry::CHAINED) {
            return Ok(());
        }
        self.verify(0)?;
        let count = self.segment_by_id(id, descriptor.log2_buckets).count();
        let mut log2_buckets = descriptor.log2_buckets;
        while 1 << log2_buckets > MIN_BUCKETS && roomy::<C>(count, 1 << (log2_buckets - 1)) {
            log2_buckets -= 1;
        }
        if log2_buckets < descriptor.log2_buckets {
            let halvings = log2_buckets as i8 - descriptor.log2_buckets as i8;
            self.rebuild(writer, id, &descriptor, halvings, None)?;
            crash::point("shrink: lone segment rebuilt");
        }
        Ok(())
    }
}

fn roomy<C: Scheme>(entries: usize, buckets: usize) -> bool {
    entries * 100 <= C::LAYOUT.slots_in(buckets) * MERGED_PERCENT
}
