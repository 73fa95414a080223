//! Looking a key up: one directory entry, one control word, one line, and the record if a side lies in the heap.
//!
//! Writes nothing. Invariant: every loop is bounded by the probe limit or the number of segments, and a lookup never
//! trusts a reference before its bounds are checked.

use super::{Core, reference};
use crate::{
    error::Checked,
    hash::Hashed,
    store::ByteStore,
    table::{
        Control, Reference, Scheme, Segment, SlotImage,
        directory::Entry,
        layout::{MAX_INLINE, MAX_PROBE},
        segment::{Slot, inline_value},
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

/// Where a key that is not there would go.
pub(crate) struct Vacant<C> {
    /// The directory entry that led there.
    pub(super) entry: Entry,
    /// Its segment.
    pub(super) segment: Segment<C>,
    /// A free slot on the key's way, if there is one.
    pub(super) free: Option<Slot>,
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

/// A key, ready to be compared with slots. It goes to rarely taken ways by value, so that it need not lie in memory.
#[derive(Clone, Copy)]
pub(super) struct Key<'k> {
    /// Empty if keys lie in the slot.
    bytes: &'k [u8],
    words: [u64; MAX_INLINE / 8],
    hashed: Hashed,
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
    /// Finds a key.
    #[inline(always)]
    pub(crate) fn find(&self, hashed: Hashed, bytes: &[u8]) -> Checked<Option<Found<C>>> {
        let key = Key::new::<C>(hashed, bytes);
        let view = self.directory.view();
        let entry = view.entry(hashed.position);
        let segment = self.segment(entry, view.mask());
        let home = segment.home(hashed);
        segment.prefetch(home);
        if entry.has(Entry::UNVERIFIED) {
            self.verify(hashed.position)?;
        }
        let (lanes, tag) = (segment.lanes(), hashed.tag());
        let mut bucket = home;
        for _ in 0..MAX_PROBE {
            let control = segment.control(bucket);
            for lane in lanes.matching(control, tag) {
                let slot = Slot { bucket, lane };
                if self.is_key(segment, slot, &key)? {
                    return Ok(Some(Found { entry, segment, slot, overflow: None }));
                }
            }
            if lanes.overflow(control) == 0 {
                break;
            }
            bucket = segment.after(bucket, 1);
        }
        if entry.has(Entry::CHAINED) { self.find_chained(entry, view.mask(), key) } else { Ok(None) }
    }

    /// Finds a key or the place for it.
    #[inline(always)]
    pub(crate) fn lookup(&self, hashed: Hashed, bytes: &[u8]) -> Checked<Lookup<C>> {
        let key = Key::new::<C>(hashed, bytes);
        let view = self.directory.view();
        let entry = view.entry(hashed.position);
        let segment = self.segment(entry, view.mask());
        let home = segment.home(hashed);
        segment.prefetch(home);
        if entry.has(Entry::UNVERIFIED) {
            self.verify(hashed.position)?;
        }
        let (lanes, tag) = (segment.lanes(), hashed.tag());
        let (mut bucket, mut free) = (home, None);
        let mut last = Control(0);
        for _ in 0..MAX_PROBE {
            let control = segment.control(bucket);
            for lane in lanes.matching(control, tag) {
                let slot = Slot { bucket, lane };
                if self.is_key(segment, slot, &key)? {
                    return Ok(Lookup::Found(Found { entry, segment, slot, overflow: None }));
                }
            }
            if free.is_none() {
                free = lanes.free(control).first().map(|lane| Slot { bucket, lane });
            }
            last = control;
            if lanes.overflow(control) == 0 {
                break;
            }
            bucket = segment.after(bucket, 1);
        }
        if entry.has(Entry::CHAINED)
            && let Some(found) = self.find_chained(entry, view.mask(), key)?
        {
            return Ok(Lookup::Found(found));
        }
        if free.is_none() && lanes.overflow(last) == 0 {
            free = segment.free_slot(home);
        }
        Ok(Lookup::Vacant(Vacant { entry, segment, free }))
    }

    /// The place for a key that is known not to be there.
    pub(crate) fn vacancy(&self, hashed: Hashed) -> Vacant<C> {
        let view = self.directory.view();
        let entry = view.entry(hashed.position);
        let segment = self.segment(entry, view.mask());
        Vacant { entry, segment, free: segment.free_slot(segment.home(hashed)) }
    }

    /// Asks for the lines a lookup will read first.
    #[inline(always)]
    pub(crate) fn prefetch(&self, hashed: Hashed) {
        let view = self.directory.view();
        let segment = self.segment(view.entry(hashed.position), view.mask());
        segment.prefetch_all(segment.home(hashed));
    }

    /// Asks for the record of the first slot that may be the key's, once its line is there.
    #[inline(always)]
    pub(crate) fn prefetch_record(&self, hashed: Hashed) {
        if !C::LAYOUT.has_heap() {
            return;
        }
        let view = self.directory.view();
        let segment = self.segment(view.entry(hashed.position), view.mask());
        let bucket = segment.home(hashed);
        if let Some(lane) = segment.lanes().matching(segment.control(bucket), hashed.tag()).first() {
            let word = segment.word(Slot { bucket, lane }, C::LAYOUT.reference_word());
            self.heap().prefetch(Reference(word).at());
        }
    }

    /// The bytes of a found value; inline ones are copied to `image` first.
    ///
    /// # Safety
    /// The entry is not changed and its record not freed and reused during `'a`.
    #[inline(always)]
    pub(crate) unsafe fn value<'a>(&self, found: &Found<C>, image: &'a mut SlotImage) -> Checked<&'a [u8]> {
        let layout = &C::LAYOUT;
        match layout.value_size() {
            Some(size) => {
                for word in layout.value_at / 8..(layout.value_at + size).div_ceil(8) {
                    image.0[word] = found.segment.word(found.slot, word);
                }
                Ok(&image.bytes()[layout.value_at..layout.value_at + size])
            }
            None => {
                let at = Reference(found.segment.word(found.slot, layout.reference_word())).at();
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

    #[inline(always)]
    pub(super) fn is_key(&self, segment: Segment<C>, slot: Slot, key: &Key<'_>) -> Checked<bool> {
        match C::LAYOUT.key_size() {
            Some(size) => {
                let full = size / 8;
                for word in 0..full {
                    if segment.word(slot, word) != key.words[word] {
                        return Ok(false);
                    }
                }
                if size % 8 == 0 {
                    return Ok(true);
                }
                let mask = (1u64 << (size % 8 * 8)) - 1;
                Ok((segment.word(slot, full) ^ key.words[full]) & mask == 0)
            }
            None => {
                let reference = Reference(segment.word(slot, 0));
                if !reference.may_be(key.hashed) {
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

    #[cold]
    #[inline(never)]
    fn find_chained(&self, entry: Entry, mask: usize, key: Key<'_>) -> Checked<Option<Found<C>>> {
        let tag = key.hashed.tag();
        for id in self.chain(Self::id(entry))? {
            let segment = self.segment(Self::entry_of(id, 0), mask);
            for bucket in 0..segment.buckets() {
                for lane in segment.lanes().matching(segment.control(bucket), tag) {
                    let slot = Slot { bucket, lane };
                    if self.is_key(segment, slot, &key)? {
                        return Ok(Some(Found { entry, segment, slot, overflow: Some(id) }));
                    }
                }
            }
        }
        Ok(None)
    }
}
