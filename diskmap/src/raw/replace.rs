//! The one primitive that changes structure: up to two segments take the place of up to two others, out of place.
//! Copy-on-write, rebuilding, doubling, splitting and merging are all made of it.
//!
//! Must not know who asked or what a checkpoint is. Invariant: new segments are complete before the intent is committed,
//! the intent is committed before any state changes, and old segments are never written to again while anything
//! protects them.

use std::sync::atomic::Ordering;

use super::{Core, Writer, descriptors_at, intent::Intent, space::Place};
use crate::{
    crash,
    error::Result,
    hash::{Hashed, PATH_BITS, REFERENCE_BITS},
    store::{ByteStore, is_short, make_room},
    table::{
        Descriptor, Reference, Scheme, Segment, SlotImage, State, descriptor::DESCRIPTOR, directory::Entry,
        segment::Slot,
    },
};

/// A segment with more entries than this many in 100 slots is worth splitting; with fewer, rebuilding may do.
const CROWDED_PERCENT: usize = 68;
/// One with fewer is not split even if a key finds no slot: its keys' hashes are hopeless.
const SPARSE_PERCENT: usize = 25;
/// The directory may always be this deep.
pub(super) const FREE_DEPTH: u32 = 18;
/// The directory may be this much deeper than evenly filled segments need.
pub(super) const SPARE_DEPTH: u32 = 6;

/// Whether a segment is full enough to be split.
pub(super) fn is_crowded<C: Scheme>(segment: Segment<C>) -> bool {
    holds_percent(segment, segment.count(), CROWDED_PERCENT)
}

fn holds_percent<C: Scheme>(segment: Segment<C>, count: usize, percent: usize) -> bool {
    count * 100 >= C::LAYOUT.slots_in(segment.buckets()) * percent
}

/// A segment being filled, with as many overflow segments as it takes.
struct Draft<C> {
    id: u32,
    segment: Segment<C>,
    descriptor: Descriptor,
    overflow: Vec<u32>,
}

impl<B: ByteStore, C: Scheme> Core<B, C> {
    /// Copies a protected segment, with its chain, so that it can be written to. One that only a snapshot protected which
    /// has ended needs no copy.
    #[cold]
    pub(super) fn unprotect(&self, writer: &mut Writer, position: u64) -> Result<()> {
        self.verify(position)?;
        let old = Self::id(self.directory.view().entry(position));
        let descriptor = self.descriptor(old)?;
        let ids: Vec<u32> = std::iter::once(old).chain(self.chain(old)?).collect();
        if !self.space().unprotect(&ids) {
            return self.replace_same_size(writer, old, &descriptor, Place::Together);
        }
        self.directory.flag(descriptor.prefix, u32::from(descriptor.depth), 0, Entry::PROTECTED);
        Ok(())
    }

    /// Copies a segment and its chain to other places in the index.
    pub(super) fn replace_same_size(
        &self,
        writer: &mut Writer,
        old: u32,
        descriptor: &Descriptor,
        place: Place,
    ) -> Result<()> {
        let mut ids = Vec::new();
        let copied = self.copy_chain(old, descriptor, place, &mut ids);
        if let Err(error) = copied {
            self.discard(&ids);
            return Err(error);
        }
        self.signals.changed(Self::SEGMENT_BYTES * ids.len() as u64);
        if place == Place::Together {
            self.copies.fetch_add(ids.len() as u64, Ordering::Relaxed);
        }
        self.commit(writer, [Some(old), None], [Some(ids[0]), None])
    }

    fn copy_chain(&self, old: u32, descriptor: &Descriptor, place: Place, ids: &mut Vec<u32>) -> Result<()> {
        for id in std::iter::once(old).chain(self.chain(old)?) {
            let overflow = !ids.is_empty();
            let descriptor =
                Descriptor { state: State::New, overflow, next: None, generation: self.now(), ..*descriptor };
            let new = self.new_segment_at(place, &descriptor)?;
            let from = self.segment_by_id(id, descriptor.log2_buckets);
            self.segment_by_id(new, descriptor.log2_buckets).copy_from(from);
            if let Some(&last) = ids.last() {
                self.descriptors().link(last, Some(new));
            }
            ids.push(new);
            crash::point("copy: segment copied");
        }
        Ok(())
    }

    /// Gives a key that found no slot a better chance: doubles, rebuilds or splits its segment, which is not protected.
    /// `false` if nothing helps but an overflow segment.
    #[cold]
    pub(super) fn enlarge(&self, writer: &mut Writer, hashed: Hashed) -> Result<bool> {
        let id = Self::id(self.directory.view().entry(hashed.position()));
        let descriptor = self.descriptor(id)?;
        let segment = self.segment_by_id(id, descriptor.log2_buckets);
        let small = segment.buckets() < C::LAYOUT.buckets;
        let count = segment.count();
        if !holds_percent(segment, count, CROWDED_PERCENT) && self.rebuild(writer, id, &descriptor, 0, Some(hashed))? {
            return Ok(true);
        }
        if small {
            return self.rebuild(writer, id, &descriptor, 1, None);
        }
        let sparse = !holds_percent(segment, count, SPARSE_PERCENT);
        if u32::from(descriptor.depth) >= self.depth_limit() || sparse {
            return Ok(false);
        }
        self.split(writer, id, &descriptor)?;
        Ok(true)
    }

    /// Splits a segment by the next bit of the position. One half may stay empty: keys that come in the order of their
    /// hashes, as from another map, need several splits before they part.
    pub(super) fn split(&self, writer: &mut Writer, old: u32, descriptor: &Descriptor) -> Result<()> {
        let depth = descriptor.depth + 1;
        let bit = 1u64 << (64 - u32::from(depth));
        let child = |prefix| Descriptor { depth, prefix, ..*descriptor };
        self.reorganise(writer, &[old], &[child(descriptor.prefix), child(descriptor.prefix | bit)], |_| true)?;
        Ok(())
    }

    /// Puts all entries of a segment where they belong, in one with `1 << doublings` times as many buckets. With a key
    /// given, only if that key then finds a slot; whether it was done.
    pub(super) fn rebuild(
        &self,
        writer: &mut Writer,
        old: u32,
        descriptor: &Descriptor,
        doublings: i8,
        fits: Option<Hashed>,
    ) -> Result<bool> {
        let log2_buckets = descriptor.log2_buckets.saturating_add_signed(doublings);
        let new = Descriptor { log2_buckets, ..*descriptor };
        self.reorganise(writer, &[old], &[new], |drafts| {
            let finds = |draft: &Draft<C>, hashed| draft.segment.free_slot(draft.segment.home(hashed)).is_some();
            fits.is_none_or(|hashed| drafts.iter().all(|draft| finds(draft, hashed)))
        })
    }

    /// Merges two segments that differ in the last bit of their prefix.
    pub(super) fn merge(&self, writer: &mut Writer, old: [u32; 2], descriptor: &Descriptor) -> Result<()> {
        let depth = descriptor.depth - 1;
        let prefix = if depth == 0 { 0 } else { descriptor.prefix >> (64 - depth) << (64 - depth) };
        self.reorganise(writer, &old, &[Descriptor { depth, prefix, ..*descriptor }], |_| true)?;
        Ok(())
    }

    /// Moves the entries of `old` to new segments with the given descriptors (their positions decide between two), and
    /// commits if `good` says so of what they became.
    fn reorganise(
        &self,
        writer: &mut Writer,
        old: &[u32],
        new: &[Descriptor],
        good: impl Fn(&[Draft<C>]) -> bool,
    ) -> Result<bool> {
        let mut drafts: Vec<Draft<C>> = Vec::with_capacity(2);
        let filled = self.fill_drafts(old, new, &mut drafts);
        if filled.is_ok() && good(&drafts) {
            // The old segments are reused: only what comes on top is new to the medium.
            self.signals.changed(Self::SEGMENT_BYTES * drafts.len().saturating_sub(old.len()) as u64);
            let pair = |ids: &[u32]| [ids.first().copied(), ids.get(1).copied()];
            let ids: Vec<u32> = drafts.iter().map(|draft| draft.id).collect();
            return self.commit(writer, pair(old), pair(&ids)).map(|()| true);
        }
        let ids: Vec<u32> =
            drafts.iter().flat_map(|draft| std::iter::once(draft.id).chain(draft.overflow.iter().copied())).collect();
        self.discard(&ids);
        filled.map(|()| false)
    }

    fn fill_drafts(&self, old: &[u32], new: &[Descriptor], drafts: &mut Vec<Draft<C>>) -> Result<()> {
        for descriptor in new {
            let descriptor =
                Descriptor { state: State::New, next: None, overflow: false, generation: self.now(), ..*descriptor };
            let id = self.new_segment(&descriptor)?;
            let segment = self.segment_by_id(id, descriptor.log2_buckets);
            drafts.push(Draft { id, segment, descriptor, overflow: Vec::new() });
            crash::point("replace: draft begun");
        }
        for &main in old {
            let descriptor = self.descriptor(main)?;
            let resized = descriptor.log2_buckets != new[0].log2_buckets;
            for (i, id) in std::iter::once(main).chain(self.chain(main)?).enumerate() {
                let rehash = resized || i > 0 || new[0].depth > REFERENCE_BITS as u8;
                let from = self.segment_by_id(id, descriptor.log2_buckets);
                // Nearly all are full ones: a copy of the loop that knows their size is a third quicker.
                match (from.as_full(), drafts[0].segment.as_full(), drafts[drafts.len() - 1].segment.as_full()) {
                    (Some(from), Some(low), Some(high)) => self.pour(from, [low, high], rehash, drafts)?,
                    _ => self.pour(from, [drafts[0].segment, drafts[drafts.len() - 1].segment], rehash, drafts)?,
                }
            }
        }
        Ok(())
    }

    /// Puts the entries of a segment into drafts, whose segments are `to`: both the same if there is one draft only.
    #[inline(always)]
    fn pour(&self, from: Segment<C>, to: [Segment<C>; 2], rehash: bool, drafts: &mut [Draft<C>]) -> Result<()> {
        // A map of one segment has no bit to part by, and no sides.
        let bit = (64 - u32::from(drafts[0].descriptor.depth)) % 64;
        let sides = drafts.len() as u64 - 1;
        for bucket in 0..from.buckets() {
            let control = from.control(bucket);
            for lane in from.lanes().used(control) {
                let (slot, tag) = (Slot { bucket, lane }, from.lanes().tag(control, lane));
                let image = from.image(slot);
                let hashed = self.hashed_of(from, slot, tag, &image, rehash)?;
                let side = hashed.position() >> bit & sides;
                let segment = if side == 0 { to[0] } else { to[1] };
                let home = segment.home(hashed);
                match segment.free_slot(home) {
                    Some(free) => segment.fill(home, free, tag, &image),
                    None => self.deposit_chained(&mut drafts[side as usize], tag, image)?,
                }
            }
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn deposit_chained(&self, draft: &mut Draft<C>, tag: u64, image: SlotImage) -> Result<()> {
        loop {
            if let Some(&last) = draft.overflow.last() {
                let segment = self.segment_by_id(last, draft.descriptor.log2_buckets);
                if let Some(free) = super::chain::free_slot(segment) {
                    segment.fill(free.slot.bucket, free, tag, &image);
                    return Ok(());
                }
            }
            let id = self.new_segment(&Descriptor { overflow: true, ..draft.descriptor })?;
            self.descriptors().link(draft.overflow.last().copied().unwrap_or(draft.id), Some(id));
            draft.overflow.push(id);
            crash::point("replace: draft chained");
        }
    }

    /// The hash of an entry: from what its reference keeps of it if that is enough, else from its key.
    #[inline(always)]
    pub(super) fn hashed_of(
        &self,
        segment: Segment<C>,
        slot: Slot,
        tag: u64,
        image: &SlotImage,
        rehash: bool,
    ) -> Result<Hashed> {
        if C::LAYOUT.key_size().is_none() && !rehash {
            let reference = Reference(image.0[0]);
            let home = segment.distance(reference.displacement(), slot.bucket);
            return Ok(Hashed::from_parts(reference.position(), home, tag));
        }
        // SAFETY: the key is hashed at once, and nothing is freed meanwhile.
        let key = unsafe { self.key_of(image) }?;
        Ok(self.scheme.hash(key))
    }

    fn depth_limit(&self) -> u32 {
        let segments = u64::from(self.space().end()).max(1);
        (segments.ilog2() + SPARE_DEPTH).clamp(FREE_DEPTH, PATH_BITS)
    }

    /// Segments `new` (complete, state New) take the place of `old`: all or nothing, also across a kill.
    fn commit(&self, writer: &Writer, old: [Option<u32>; 2], new: [Option<u32>; 2]) -> Result<()> {
        crash::point("replace: drafts written");
        let intent = self.announce(writer, Intent::Replace { old, new });
        crash::point("replace: intent committed");
        let freed = self.finish_replace(old, new)?;
        intent.done();
        crash::point("replace: intent cleared");
        for id in new.into_iter().flatten() {
            let descriptor = self.descriptor(id)?;
            self.show(id, &descriptor);
            crash::point("replace: directory switched");
            // Of all positions that led to what is freed, each is one of a new segment.
            self.bump(descriptor.prefix, u32::from(descriptor.depth));
        }
        let mut space = self.space();
        for id in freed {
            space.retire(id);
        }
        drop(space);
        crash::point("replace: old retired");
        Ok(())
    }

    /// The states after a committed replacement; what it frees. Doing it twice changes nothing.
    pub(super) fn finish_replace(&self, old: [Option<u32>; 2], new: [Option<u32>; 2]) -> Result<Vec<u32>> {
        let descriptors = self.descriptors();
        for main in new.into_iter().flatten() {
            for id in std::iter::once(main).chain(self.chain(main)?) {
                descriptors.set_state(id, State::Live);
                crash::point("replace: new live");
            }
        }
        let mut freed = Vec::new();
        for main in old.into_iter().flatten() {
            for id in std::iter::once(main).chain(self.chain(main)?) {
                descriptors.set_state(id, State::Free);
                freed.push(id);
                crash::point("replace: old free");
            }
        }
        Ok(freed)
    }

    /// Points the directory to a live main segment.
    pub(super) fn show(&self, id: u32, descriptor: &Descriptor) {
        let mask = (1usize << descriptor.log2_buckets) - 1;
        let chained = if descriptor.next.is_some() { Entry::CHAINED } else { 0 };
        let flags = chained | Self::small(mask);
        let view = self.directory.view();
        if view.mask() != mask {
            // Only a map of one segment has small ones, so the directory is of one entry.
            self.directory.install(1, mask, |_| Self::entry_of(id, flags));
            return;
        }
        self.directory.point(descriptor.prefix, u32::from(descriptor.depth), Self::entry_of(id, flags));
    }

    /// An empty segment with a descriptor, from the free ones or by growing the index.
    pub(super) fn new_segment(&self, descriptor: &Descriptor) -> Result<u32> {
        self.new_segment_at(Place::Front, descriptor)
    }

    fn new_segment_at(&self, place: Place, descriptor: &Descriptor) -> Result<u32> {
        let place = if B::DURABLE { place } else { Place::Front };
        let buckets = 1usize << descriptor.log2_buckets;
        let mut space = self.space();
        let id = match space.take(place) {
            Some(id) => id,
            None => {
                let id = space.end();
                if is_short(&self.index, u64::from(id + 1) * Self::SEGMENT_BYTES) {
                    // As much as is live: that is what writes all over the map after a checkpoint come to. What is let go
                    // of fits exactly.
                    self.signals.growing(space.kept() * Self::SEGMENT_BYTES, space.used() * Self::SEGMENT_BYTES);
                }
                self.grow_index(id, buckets)?;
                space.extend()
            }
        };
        let end = u64::from(id) * Self::SEGMENT_BYTES + Self::LAYOUT.used_bytes(buckets) as u64;
        if let Err(error) = self.grow_index(id, buckets) {
            space.retire(id);
            return Err(error);
        }
        drop(space);
        self.index.prepare(end);
        crash::point("segment: taken");
        self.descriptors().write(id, descriptor);
        crash::point("segment: described");
        self.segment_by_id(id, descriptor.log2_buckets).reset();
        crash::point("segment: emptied");
        Ok(id)
    }

    /// Makes the files long enough for a segment. The caller holds the lock of the space.
    fn grow_index(&self, id: u32, buckets: usize) -> Result<()> {
        let need = u64::from(id) * Self::SEGMENT_BYTES + Self::LAYOUT.used_bytes(buckets) as u64;
        make_room(&self.index, need, Self::SEGMENT_BYTES)?;
        crash::point("segment: index grown");
        make_room(&self.segments, descriptors_at(self.intents) + (u64::from(id) + 1) * DESCRIPTOR as u64, 4096)
    }

    /// Gives back segments that were never committed.
    pub(super) fn discard(&self, ids: &[u32]) {
        for &id in ids {
            self.descriptors().set_state(id, State::Free);
            self.space().retire(id);
            crash::point("replace: draft discarded");
        }
    }
}
