//! Overflow segments: plain lists for keys whose hashes no split can tell apart. Slow, correct, bounded.
//!
//! Must not know why a segment overflows. Invariant: a chain is reached from one main segment only, and walking it ends
//! after as many steps as there are segments, whatever the links say.

use std::sync::atomic::Ordering;

use super::{Core, SEGMENTS_FILE};
use crate::{
    crash,
    error::{Error, Result},
    hash::BUCKET_BITS,
    store::ByteStore,
    table::{
        Descriptor, Reference, Scheme, Segment, State,
        directory::Entry,
        segment::{Free, Slot},
    },
};

impl<B: ByteStore, C: Scheme> Core<B, C> {
    /// The ids of the overflow segments that hang on to `main`, in order.
    pub(super) fn chain(&self, main: u32) -> Result<Vec<u32>> {
        let descriptors = self.descriptors();
        let mut ids = Vec::new();
        if descriptors.next(main) == Some(None) {
            return Ok(ids);
        }
        let log2_buckets = u32::from(self.descriptor(main)?.log2_buckets).min(BUCKET_BITS);
        let used = Self::LAYOUT.used_bytes(1 << log2_buckets) as u64;
        let mut at = main;
        loop {
            let next = descriptors.next(at).ok_or_else(|| self.damaged_descriptor(at))?;
            match next {
                None => return Ok(ids),
                Some(next) if (next as usize) < descriptors.len() && ids.len() < descriptors.len() => {
                    if u64::from(next) * Self::SEGMENT_BYTES + used > self.index.len() {
                        return Err(self.damaged_descriptor(at));
                    }
                    ids.push(next);
                    at = next;
                }
                Some(_) => {
                    return Err(Error::corrupt(SEGMENTS_FILE, u64::from(main), "a chain of segments does not end"));
                }
            }
        }
    }

    /// A free slot in the chain of `main`.
    pub(super) fn free_in_chain(&self, main: u32, mask: usize) -> Result<Option<(Segment<C>, u32, Free)>> {
        for id in self.chain(main)? {
            let segment = self.segment(Self::entry_of(id, 0), mask);
            if let Some(free) = free_slot(segment) {
                return Ok(Some((segment, id, free)));
            }
        }
        Ok(None)
    }

    /// Hangs one more overflow segment on to `main`, which must not be protected.
    pub(super) fn lengthen(&self, main: u32) -> Result<()> {
        let descriptor = self.descriptor(main)?;
        let id = self.new_segment(&Descriptor {
            state: State::New,
            overflow: true,
            next: None,
            generation: self.generation.load(Ordering::Relaxed),
            ..descriptor
        })?;
        let descriptors = self.descriptors();
        descriptors.set_state(id, State::Live);
        crash::point("chain: segment live");
        let last = self.chain(main)?.last().copied().unwrap_or(main);
        descriptors.link(last, Some(id));
        crash::point("chain: segment linked");
        self.directory.flag(descriptor.prefix, u32::from(descriptor.depth), Entry::CHAINED, 0);
        Ok(())
    }

    /// The bucket where an entry of a main segment belongs.
    pub(super) fn home_of(&self, segment: Segment<C>, slot: Slot) -> usize {
        if C::LAYOUT.has_heap() {
            let reference = Reference(segment.word(slot, C::LAYOUT.reference_word()));
            segment.distance(reference.displacement(), slot.bucket)
        } else {
            let image = segment.image(slot);
            let size = C::LAYOUT.key_size().unwrap_or(0);
            segment.home(self.scheme.hash(&image.bytes()[..size]))
        }
    }

    /// How many entries lie past `bucket` though their home is at or before it.
    pub(super) fn overflow_past(&self, segment: Segment<C>, bucket: usize) -> u64 {
        let mut count = 0;
        for distance in 1..segment.probe_limit() {
            let other = segment.after(bucket, distance);
            for lane in segment.lanes().used(segment.control(other)) {
                let slot = Slot { bucket: other, lane };
                count += u64::from(segment.distance(self.home_of(segment, slot), other) >= distance);
            }
        }
        count
    }
}

/// Any free slot of a segment that is used as a list.
pub(super) fn free_slot<C: Scheme>(segment: Segment<C>) -> Option<Free> {
    (0..segment.buckets()).find_map(|bucket| segment.free_in(bucket))
}
