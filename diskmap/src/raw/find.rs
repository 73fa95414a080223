//! Looking a key up: one directory entry, one control word, one line, and the record if a side lies in the heap.
//!
//! Writes nothing. Invariant: every loop is bounded by the probe limit or the number of segments, and a lookup never
//! trusts a reference before its bounds are checked.

use super::{Core, peek::Glance, reference};
use crate::{
    error::Checked,
    hash::Hashed,
    store::ByteStore,
    table::{
        Directory, Place, Reference, Scheme, Segment, SlotImage,
        directory::Entry,
        layout::{MAX_INLINE, MAX_PROBE},
        segment::{Free, Slot, inline_value},
    },
};

/// A key's slot.
pub(crate) struct Found<C> {
    /// The directory entry that led there.
    pub(super) entry: Entry,
    /// The segment the slot is in: the directory's, or one chained to it.
    pub(super) segment: Segment<C>,
    /// The slot.
    pub(super) slot: Slot,
    /// The id of `segment` if it is an overflow segment.
    pub(super) overflow: Option<u32>,
}

/// The way to a key in a full segment that may be read as it is.
pub(crate) struct Way<C> {
    pub(super) entry: Entry,
    pub(super) segment: Segment<C>,
    pub(super) home: usize,
}

/// Where a key that is not there would go.
pub(crate) struct Vacant<C> {
    /// The directory entry that led there.
    pub(super) entry: Entry,
    /// Its segment.
    pub(super) segment: Segment<C>,
    /// The first free slot on the key's way, if there is one and the segment may be written to.
    pub(super) free: Option<Free>,
}

impl<C: Scheme> Found<C> {
    /// Its slot.
    #[inline(always)]
    pub(crate) fn place(&self) -> Place<C> {
        self.segment.place(self.slot)
    }
}

impl<C> Clone for Found<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Found<C> {}

/// The result of a lookup that may be followed by an insert.
pub(crate) enum Lookup<C> {
    /// It is there.
    Found(Found<C>),
    /// It is not.
    Vacant(Vacant<C>),
}

/// A key, ready to be compared with slots. What is taken rarely gets the bytes and makes its own, so that this one need
/// not lie in memory.
pub(super) struct Key<'k> {
    /// Empty if keys lie in the slot.
    bytes: &'k [u8],
    words: [u64; MAX_INLINE / 8],
    pub(super) hashed: Hashed,
}

impl<'k> Key<'k> {
    #[inline(always)]
    pub(super) fn new<C: Scheme>(hashed: Hashed, bytes: &'k [u8]) -> Key<'k> {
        let mut words = [0; MAX_INLINE / 8];
        if let Some(size) = C::LAYOUT.key_size() {
            debug_assert_eq!(bytes.len(), size);
            let target: &mut [u8] = bytemuck::bytes_of_mut(&mut words);
            let len = size.min(bytes.len());
            target[..len].copy_from_slice(&bytes[..len]);
            return Key { bytes: &[], words, hashed };
        }
        Key { bytes, words, hashed }
    }
}

impl<B: ByteStore, C: Scheme> Core<B, C> {
    /// The way to a key, unless what lies there must be read with care.
    #[inline(always)]
    pub(crate) fn way(&self, hashed: Hashed) -> Option<Way<C>> {
        self.way_in(&self.directory, hashed)
    }

    /// The way to a key by a directory.
    #[inline(always)]
    pub(super) fn way_in(&self, directory: &Directory, hashed: Hashed) -> Option<Way<C>> {
        let way = self.way_by(directory.view().entry(hashed.position()), hashed);
        way.entry.reads_plainly().then_some(way)
    }

    /// The way by a directory entry, if that is plain. If not, it may only be prefetched.
    #[inline(always)]
    pub(super) fn way_by(&self, entry: Entry, hashed: Hashed) -> Way<C> {
        let segment = self.full_segment(entry);
        Way { entry, segment, home: segment.home(hashed) }
    }

    /// Finds a key at the end of its way.
    #[inline(always)]
    pub(crate) fn find_on(&self, way: Way<C>, hashed: Hashed, bytes: &[u8]) -> Checked<Option<Found<C>>> {
        match self.glance(&way, hashed, bytes)? {
            Glance::Found(found) => Ok(Some(found)),
            Glance::Absent => Ok(None),
            Glance::Unsure => self.find_apart(way, hashed, bytes),
        }
    }

    #[inline(never)]
    fn find_apart(&self, way: Way<C>, hashed: Hashed, bytes: &[u8]) -> Checked<Option<Found<C>>> {
        self.find_further(way, hashed, bytes)
    }

    /// Finds a key that a look at the home bucket did not find. Made a part of what is not inlined, so that the key is passed
    /// in registers.
    #[inline(always)]
    pub(crate) fn find_further(&self, way: Way<C>, hashed: Hashed, bytes: &[u8]) -> Checked<Option<Found<C>>> {
        let Way { entry, segment, home } = way;
        let found = self.probe(segment, home, &Key::new::<C>(hashed, bytes), || true)?;
        Ok(found.map(|slot| Found { entry, segment, slot, overflow: None }))
    }

    /// Finds a key.
    #[inline(always)]
    pub(crate) fn find(&self, hashed: Hashed, bytes: &[u8]) -> Checked<Option<Found<C>>> {
        match self.way(hashed) {
            Some(way) => self.find_on(way, hashed, bytes),
            None => self.find_carefully(hashed, bytes),
        }
    }

    /// Finds a key or the place for it.
    #[inline(always)]
    pub(crate) fn lookup(&self, hashed: Hashed, bytes: &[u8]) -> Checked<Lookup<C>> {
        let key = Key::new::<C>(hashed, bytes);
        let Way { entry, segment, home } = self.way_by(self.directory.view().entry(hashed.position()), hashed);
        segment.prefetch(home);
        if !entry.writes_plainly() {
            return self.lookup_carefully(hashed, bytes);
        }
        let (lanes, tag) = (segment.lanes(), hashed.tag());
        let (mut bucket, mut free) = (home, None);
        for _ in 0..MAX_PROBE {
            let control = segment.control(bucket);
            for lane in lanes.matching(control, tag) {
                let slot = Slot { bucket, lane };
                if self.is_key(segment.place(slot), &key, || true)? {
                    return Ok(Lookup::Found(Found { entry, segment, slot, overflow: None }));
                }
            }
            if free.is_none() {
                free = segment.free_of(bucket, control);
            }
            // Past a bucket that nothing overflowed the key is not, but only there may be room for it.
            if lanes.overflow(control) == 0 && free.is_some() {
                break;
            }
            bucket = segment.after(bucket, 1);
        }
        Ok(Lookup::Vacant(Vacant { entry, segment, free }))
    }

    /// The place for a key that is known not to be there.
    pub(crate) fn vacancy(&self, hashed: Hashed) -> Vacant<C> {
        let view = self.directory.view();
        let entry = view.entry(hashed.position());
        let segment = self.segment(entry, view.mask());
        let free = if entry.has(Entry::PROTECTED) { None } else { segment.free_slot(segment.home(hashed)) };
        Vacant { entry, segment, free }
    }

    /// The bytes of a found value; inline ones are copied to `image` first.
    ///
    /// # Safety
    /// The entry is not changed and its record not freed and reused during `'a`.
    #[inline(always)]
    pub(crate) unsafe fn value<'a>(&self, place: Place<C>, image: &'a mut SlotImage) -> Checked<&'a [u8]> {
        let layout = &C::LAYOUT;
        match layout.value_size() {
            Some(size) => {
                for word in layout.value_at / 8..(layout.value_at + size).div_ceil(8) {
                    image.0[word] = place.word(word);
                }
                Ok(&image.bytes()[layout.value_at..layout.value_at + size])
            }
            None => {
                let at = Reference(place.word(layout.reference_word())).at();
                let heap = self.heap();
                let parts = heap.parts(Self::RECORD, at)?;
                // SAFETY: `parts` is of this record, which stays (caller).
                Ok(unsafe { heap.bytes(at, parts.value) })
            }
        }
    }

    /// The words of a found slot.
    #[inline(always)]
    pub(crate) fn image(&self, found: &Found<C>) -> SlotImage {
        found.segment.image(found.slot)
    }

    /// The value in a slot image.
    ///
    /// # Safety
    /// The image's record, if it has one, is not reused during `'a`.
    #[inline(always)]
    pub(crate) unsafe fn value_of<'a>(&self, image: &'a SlotImage) -> Checked<&'a [u8]> {
        match reference(&C::LAYOUT, image) {
            Some(reference) if C::LAYOUT.value_size().is_none() => {
                let heap = self.heap();
                let parts = heap.parts(Self::RECORD, reference.at())?;
                // SAFETY: `parts` is of this record, which stays (caller).
                Ok(unsafe { heap.bytes(reference.at(), parts.value) })
            }
            _ => Ok(&image.bytes()[inline_value(&C::LAYOUT, image)]),
        }
    }

    /// The key in a slot image.
    ///
    /// # Safety
    /// The image's record, if it has one, is not reused during `'a`.
    #[inline(always)]
    pub(crate) unsafe fn key_of<'a>(&self, image: &'a SlotImage) -> Checked<&'a [u8]> {
        match C::LAYOUT.key_size() {
            Some(size) => Ok(&image.bytes()[..size]),
            None => {
                let at = Reference(image.0[0]).at();
                let heap = self.heap();
                let parts = heap.parts(Self::RECORD, at)?;
                // SAFETY: `parts` is of this record, which stays (caller).
                Ok(unsafe { heap.bytes(at, parts.key) })
            }
        }
    }

    /// The slot of a key in the segment where it belongs. `valid` is asked whether what was read of a slot counts before its
    /// reference is followed.
    #[inline(always)]
    pub(super) fn probe(
        &self,
        segment: Segment<C>,
        home: usize,
        key: &Key<'_>,
        valid: impl Fn() -> bool,
    ) -> Checked<Option<Slot>> {
        let (lanes, tag) = (segment.lanes(), key.hashed.tag());
        let mut bucket = home;
        for _ in 0..MAX_PROBE {
            let control = segment.control(bucket);
            for lane in lanes.matching(control, tag) {
                let slot = Slot { bucket, lane };
                if self.is_key(segment.place(slot), key, &valid)? {
                    return Ok(Some(slot));
                }
            }
            if lanes.overflow(control) == 0 {
                break;
            }
            bucket = segment.after(bucket, 1);
        }
        Ok(None)
    }

    /// Whether a slot with the right tag is the key's; `valid` as in `probe`.
    #[inline(always)]
    pub(super) fn is_key(&self, place: Place<C>, key: &Key<'_>, valid: impl Fn() -> bool) -> Checked<bool> {
        match C::LAYOUT.key_size() {
            Some(size) => {
                let full = size / 8;
                for word in 0..full {
                    if place.word(word) != key.words[word] {
                        return Ok(false);
                    }
                }
                if size % 8 == 0 {
                    return Ok(true);
                }
                let mask = (1u64 << (size % 8 * 8)) - 1;
                Ok((place.word(full) ^ key.words[full]) & mask == 0)
            }
            None => {
                let reference = Reference(place.word(0));
                if !reference.may_be(key.hashed) || !valid() {
                    return Ok(false);
                }
                let heap = self.heap();
                let parts = heap.parts(Self::RECORD, reference.at())?;
                if parts.key.1 != key.bytes.len() {
                    return Ok(false);
                }
                // SAFETY: `parts` is of this record; the slice is gone before anything is freed.
                Ok(unsafe { heap.bytes(reference.at(), parts.key) } == key.bytes)
            }
        }
    }

    /// Finds a key whose segment must be verified first or has others chained to it.
    #[cold]
    #[inline(never)]
    pub(crate) fn find_carefully(&self, hashed: Hashed, bytes: &[u8]) -> Checked<Option<Found<C>>> {
        self.find_carefully_in(&self.directory, hashed, bytes)
    }

    /// As `find_carefully`, by a directory. Made a part of it, so that the key is passed in registers.
    #[inline(always)]
    pub(super) fn find_carefully_in(
        &self,
        directory: &Directory,
        hashed: Hashed,
        bytes: &[u8],
    ) -> Checked<Option<Found<C>>> {
        let key = Key::new::<C>(hashed, bytes);
        self.verify_in(directory, key.hashed.position())?;
        let view = directory.view();
        let entry = view.entry(key.hashed.position());
        let segment = self.segment(entry, view.mask());
        if let Some(slot) = self.probe(segment, segment.home(key.hashed), &key, || true)? {
            return Ok(Some(Found { entry, segment, slot, overflow: None }));
        }
        if entry.has(Entry::CHAINED) { self.find_chained(entry, view.mask(), &key, || true) } else { Ok(None) }
    }

    /// As `find_carefully`, or the place for the key, also where the segment is protected.
    #[cold]
    #[inline(never)]
    fn lookup_carefully(&self, hashed: Hashed, bytes: &[u8]) -> Checked<Lookup<C>> {
        Ok(match self.find_carefully(hashed, bytes)? {
            Some(found) => Lookup::Found(found),
            None => Lookup::Vacant(self.vacancy(hashed)),
        })
    }

    pub(super) fn find_chained(
        &self,
        entry: Entry,
        mask: usize,
        key: &Key<'_>,
        valid: impl Fn() -> bool,
    ) -> Checked<Option<Found<C>>> {
        let tag = key.hashed.tag();
        for id in self.chain(Self::id(entry))? {
            let segment = self.segment(Self::entry_of(id, 0), mask);
            for bucket in 0..segment.buckets() {
                for lane in segment.lanes().matching(segment.control(bucket), tag) {
                    let slot = Slot { bucket, lane };
                    if self.is_key(segment.place(slot), key, &valid)? {
                        return Ok(Some(Found { entry, segment, slot, overflow: Some(id) }));
                    }
                }
            }
        }
        Ok(None)
    }
}
