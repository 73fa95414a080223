//! Walking all entries, segment by segment in the order of their positions.
//!
//! Writes nothing. Invariant: a boundary between segments is a position, and the next segment begins where the last one
//! ended, so that every entry that stays is met exactly once whatever grows or shrinks between two segments.

use super::{Core, Found, Writer, reference};
use crate::{
    error::Result,
    store::ByteStore,
    table::{Control, Directory, Scheme, Segment, SlotImage, directory::Entry, segment::Slot},
};

/// Where a walk is.
pub(crate) struct Walk<C> {
    /// Position of the next main segment; `None` at the end.
    next: Option<u64>,
    /// Where to stop: not at all, or after the segment that comes first.
    single: bool,
    current: Option<Current<C>>,
}

struct Current<C> {
    entry: Entry,
    /// Position of the main segment.
    position: u64,
    segment: Segment<C>,
    overflow: Option<u32>,
    /// Overflow segments still to come, last one first.
    chain: Vec<u32>,
    bucket: usize,
    /// Slots of the bucket still to come.
    lanes: Control,
    /// Where the walk began in the middle of the segment: entries before that are left out.
    floor: Option<u64>,
}

/// An entry that a walk met.
pub(crate) struct Spot<C> {
    /// Where it is.
    pub found: Found<C>,
    /// A position in its segment.
    pub position: u64,
}

impl<C: Scheme> Walk<C> {
    /// A walk over all entries at or after the segment boundary `from`.
    pub(crate) fn new(from: u64) -> Walk<C> {
        Walk { next: Some(from), single: false, current: None }
    }

    /// A walk over the entries of one segment.
    pub(crate) fn one_segment(from: u64) -> Walk<C> {
        Walk { next: Some(from), single: true, current: None }
    }

    /// Begins the first segment; the boundary after it, `None` at the end.
    pub(crate) fn begin<B: ByteStore>(&mut self, core: &Core<B, C>) -> Result<Option<u64>> {
        if let Some(from) = self.next {
            self.current = Some(self.enter(core, &core.directory, from)?);
        }
        Ok(self.next)
    }

    /// The next entry.
    #[inline]
    pub(crate) fn next<B: ByteStore>(&mut self, core: &Core<B, C>) -> Option<Result<Spot<C>>> {
        self.next_in(core, &core.directory)
    }

    /// The next entry by a directory, always the same one.
    #[inline(always)]
    pub(crate) fn next_in<B: ByteStore>(
        &mut self,
        core: &Core<B, C>,
        directory: &Directory,
    ) -> Option<Result<Spot<C>>> {
        loop {
            if let Some(current) = &mut self.current {
                if let Some(slot) = current.next_slot() {
                    match current.is_before_floor(core, slot) {
                        Ok(false) => {}
                        Ok(true) => continue,
                        Err(error) => return Some(Err(error)),
                    }
                    let found =
                        Found { entry: current.entry, segment: current.segment, slot, overflow: current.overflow };
                    return Some(Ok(Spot { found, position: current.position }));
                }
                if let Some(id) = current.chain.pop() {
                    let segment = core.segment(Core::<B, C>::entry_of(id, 0), current.segment.buckets() - 1);
                    current.begin(segment, Some(id));
                    continue;
                }
                self.current = None;
                if self.single {
                    return None;
                }
            }
            match self.enter(core, directory, self.next?) {
                Ok(current) => self.current = Some(current),
                Err(error) => {
                    if self.single {
                        self.next = None;
                    }
                    return Some(Err(error));
                }
            }
        }
    }

    /// The first segment at or after a boundary. `next` moves on even if the segment cannot be read.
    #[cold]
    fn enter<B: ByteStore>(&mut self, core: &Core<B, C>, directory: &Directory, position: u64) -> Result<Current<C>> {
        let view = directory.view();
        let entry = view.entry(position);
        // Steps by the directory's unit where the descriptor cannot be read.
        self.next = position.checked_add(1 << (64 - view.depth()));
        let id = Core::<B, C>::id(entry);
        let descriptor = core.descriptor(id)?;
        self.next = match u32::from(descriptor.depth) {
            0 => None,
            depth => descriptor.prefix.checked_add(1 << (64 - depth)),
        };
        if entry.has(Entry::UNVERIFIED) {
            core.verify_in(directory, position)?;
        }
        let mut chain = if entry.has(Entry::CHAINED) { core.chain(id)? } else { Vec::new() };
        chain.reverse();
        let segment = core.segment(entry, view.mask());
        let mut current =
            Current { entry, position, segment, overflow: None, chain, bucket: 0, lanes: Control(0), floor: None };
        current.floor = (position != descriptor.prefix).then_some(position);
        current.begin(segment, None);
        Ok(current)
    }
}

impl<C: Scheme> Current<C> {
    fn begin(&mut self, segment: Segment<C>, overflow: Option<u32>) {
        (self.segment, self.overflow, self.bucket) = (segment, overflow, 0);
        self.lanes = segment.control(0);
    }

    #[inline(always)]
    fn is_before_floor<B: ByteStore>(&self, core: &Core<B, C>, slot: Slot) -> Result<bool> {
        let Some(floor) = self.floor else { return Ok(false) };
        let image = self.segment.image(slot);
        // SAFETY: the key is hashed at once, and nothing is freed meanwhile.
        let key = unsafe { core.key_of(&image) }?;
        Ok(core.scheme.hash(key).position() < floor)
    }

    #[inline(always)]
    fn next_slot(&mut self) -> Option<Slot> {
        let lanes = self.segment.lanes();
        loop {
            if let Some(lane) = lanes.used(self.lanes).first() {
                self.lanes = lanes.with_tag(self.lanes, lane, 0);
                return Some(Slot { bucket: self.bucket, lane });
            }
            if self.bucket + 1 >= self.segment.buckets() {
                return None;
            }
            self.bucket += 1;
            self.lanes = self.segment.control(self.bucket);
        }
    }
}

impl<B: ByteStore, C: Scheme> Core<B, C> {
    /// Removes the entry that the walk met last; its words. Its record is freed.
    pub(crate) fn remove_spot(&self, writer: &mut Writer, walk: &mut Walk<C>, spot: Spot<C>) -> Result<SlotImage> {
        let found = self.writable_spot(writer, walk, &spot)?;
        let image = self.unlink(&found, spot.position);
        writer.count(-1);
        if let Some(reference) = reference(&C::LAYOUT, &image) {
            self.heap().free(&mut writer.open, reference.at())?;
        }
        Ok(image)
    }

    /// The same entry in a segment that may be written to: a copy has every entry in the slot it had. The walk goes on
    /// in the copy, because the old segment may be reused.
    pub(super) fn writable_spot(&self, writer: &mut Writer, walk: &mut Walk<C>, spot: &Spot<C>) -> Result<Found<C>> {
        let entry = self.directory.view().entry(spot.position);
        if !entry.has(Entry::PROTECTED) && entry.at() == spot.found.entry.at() {
            return Ok(spot.found);
        }
        let index = match spot.found.overflow {
            Some(id) => self.chain(Self::id(spot.found.entry))?.iter().position(|&other| other == id),
            None => None,
        };
        if entry.has(Entry::PROTECTED) {
            self.unprotect(writer, spot.position)?;
        }
        let view = self.directory.view();
        let entry = view.entry(spot.position);
        let mut chain = self.chain(Self::id(entry))?;
        let overflow = index.and_then(|index| chain.get(index).copied());
        let segment = self.segment(overflow.map_or(entry, |id| Self::entry_of(id, 0)), view.mask());
        if let Some(current) = &mut walk.current {
            chain.reverse();
            chain.truncate(current.chain.len());
            (current.entry, current.segment, current.overflow, current.chain) = (entry, segment, overflow, chain);
        }
        Ok(Found { entry, segment, slot: spot.found.slot, overflow })
    }
}
