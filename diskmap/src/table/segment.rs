//! One segment: control words at its head, then the lines of its buckets; reading, publishing and clearing slots.
//!
//! Must not know what a slot's words mean beyond where its reference lies, and nothing of other segments. Invariant:
//! words are touched only as whole aligned atomics, and a slot's words are stored before the tag that shows them.

use std::{
    marker::PhantomData,
    sync::atomic::{AtomicU32, AtomicU64, Ordering, fence},
};

use super::{
    control::{Control, Lanes},
    layout::{MAX_PROBE, MAX_WORDS, Scheme, Side},
    place::Place,
    prefetch::prefetch,
    reference::Reference,
};
use crate::{crash, hash::Hashed};

/// A slot's words, outside any segment.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub(crate) struct SlotImage(pub [u64; MAX_WORDS]);

impl SlotImage {
    /// All zero.
    #[inline(always)]
    pub(crate) const fn zeroed() -> SlotImage {
        SlotImage([0; MAX_WORDS])
    }

    /// The image as bytes.
    #[inline(always)]
    pub(crate) fn bytes(&self) -> &[u8] {
        bytemuck::bytes_of(&self.0)
    }

    /// The image as bytes to fill.
    #[inline(always)]
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        bytemuck::bytes_of_mut(&mut self.0)
    }
}

/// A slot of a segment: bucket and lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// The bucket.
    pub bucket: usize,
    /// The slot in the bucket.
    pub lane: usize,
}

/// A slot that is free, and the control word that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Free {
    /// The slot.
    pub slot: Slot,
    control: Control,
}

/// A segment in mapped memory. Copying it copies the pointer.
pub(crate) struct Segment<C> {
    at: *mut u8,
    mask: usize,
    scheme: PhantomData<fn() -> C>,
}

impl<C> Clone for Segment<C> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Segment<C> {}

// SAFETY: it is the address of words that are only touched as atomics; writers are kept apart by the layers above.
unsafe impl<C> Send for Segment<C> {}
// SAFETY: as above.
unsafe impl<C> Sync for Segment<C> {}

impl<C: Scheme> Segment<C> {
    const LANES: Lanes = Lanes::of(&C::LAYOUT);

    /// A segment of `mask + 1` buckets at `at`.
    ///
    /// # Safety
    /// `mask + 1` is a power of two of at most `LAYOUT.buckets`; `at` is 8-byte aligned, and `LAYOUT.used_bytes(mask + 1)`
    /// bytes from it are readable and writable as atomics for as long as the segment or a copy of it is used.
    #[inline(always)]
    pub(crate) unsafe fn new(at: *mut u8, mask: usize) -> Segment<C> {
        Segment { at, mask, scheme: PhantomData }
    }

    /// The same segment, its number of buckets known to the compiler, if it is a full one.
    #[inline(always)]
    pub(crate) fn as_full(self) -> Option<Segment<C>> {
        let mask = C::LAYOUT.buckets - 1;
        (self.mask == mask).then_some(Segment { mask, ..self })
    }

    /// The constants for its control words.
    #[inline(always)]
    pub(crate) fn lanes(&self) -> &'static Lanes {
        &Self::LANES
    }

    /// Number of buckets.
    #[inline(always)]
    pub(crate) fn buckets(&self) -> usize {
        self.mask + 1
    }

    /// How many buckets a probe may look at.
    #[inline(always)]
    pub(crate) fn probe_limit(&self) -> usize {
        MAX_PROBE.min(self.buckets())
    }

    /// The bucket where a key belongs.
    #[inline(always)]
    pub(crate) fn home(&self, hashed: Hashed) -> usize {
        hashed.bucket() & self.mask
    }

    /// The bucket `distance` after `bucket`.
    #[inline(always)]
    pub(crate) fn after(&self, bucket: usize, distance: usize) -> usize {
        (bucket + distance) & self.mask
    }

    /// Buckets from `from` on to `to`.
    #[inline(always)]
    pub(crate) fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & self.mask
    }

    /// Asks for the bucket's first line.
    #[inline(always)]
    pub(crate) fn prefetch(&self, bucket: usize) {
        prefetch(self.line(bucket));
    }

    /// Asks for the bucket's control word.
    #[inline(always)]
    pub(crate) fn prefetch_control(&self, bucket: usize) {
        prefetch(self.at.wrapping_add((bucket & self.mask) * C::LAYOUT.control_bytes()));
    }

    /// Asks for the bucket's control word and first line.
    #[inline(always)]
    pub(crate) fn prefetch_all(&self, bucket: usize) {
        self.prefetch_control(bucket);
        self.prefetch(bucket);
    }

    /// The control word of a bucket.
    #[inline(always)]
    pub(crate) fn control(&self, bucket: usize) -> Control {
        let at = self.at.wrapping_add((bucket & self.mask) * C::LAYOUT.control_bytes());
        // SAFETY: the word lies in the segment (`new`), aligned because the segment is and control words are an array.
        unsafe {
            if C::LAYOUT.wide() {
                Control(AtomicU64::from_ptr(at.cast()).load(Ordering::Acquire))
            } else {
                Control(u64::from(AtomicU32::from_ptr(at.cast()).load(Ordering::Acquire)))
            }
        }
    }

    /// Publishes a control word.
    #[inline(always)]
    pub(crate) fn set_control(&self, bucket: usize, control: Control) {
        let at = self.at.wrapping_add((bucket & self.mask) * C::LAYOUT.control_bytes());
        // SAFETY: as in `control`.
        unsafe {
            if C::LAYOUT.wide() {
                AtomicU64::from_ptr(at.cast()).store(control.0, Ordering::Release);
            } else {
                AtomicU32::from_ptr(at.cast()).store(control.0 as u32, Ordering::Release);
            }
        }
    }

    /// A slot.
    #[inline(always)]
    pub(crate) fn place(&self, slot: Slot) -> Place<C> {
        debug_assert!(slot.lane < C::LAYOUT.slots);
        // The constant last: it becomes part of the instruction that reads.
        let bucket = self.at.wrapping_add((slot.bucket & self.mask) * C::LAYOUT.bucket_bytes());
        let at = bucket.wrapping_add(slot.lane * C::LAYOUT.stride).wrapping_add(C::LAYOUT.lines_at());
        // SAFETY: a slot of the segment (`new`), aligned because the segment is and slots are whole words.
        unsafe { Place::new(at) }
    }

    /// A word of a slot.
    #[inline(always)]
    pub(crate) fn word(&self, slot: Slot, word: usize) -> u64 {
        self.place(slot).word(word)
    }

    /// Stores a word of a slot: one whole value or reference, published by this store.
    #[inline(always)]
    pub(crate) fn set_word(&self, slot: Slot, word: usize, to: u64) {
        // SAFETY: `word_at` gives an aligned word in the segment (`new`).
        unsafe { AtomicU64::from_ptr(self.word_at(slot, word)).store(to, Ordering::Release) }
    }

    /// The words of a slot, the first `words` of them.
    #[inline(always)]
    pub(crate) fn image(&self, slot: Slot) -> SlotImage {
        let mut image = SlotImage::zeroed();
        for word in 0..C::LAYOUT.words() {
            image.0[word] = self.part(slot, word);
        }
        image
    }

    /// The words of a slot that hold its value or its reference; the others are 0.
    #[inline(always)]
    pub(crate) fn value_image(&self, slot: Slot) -> SlotImage {
        let mut image = SlotImage::zeroed();
        let layout = &C::LAYOUT;
        let words = match layout.value {
            Side::Inline { size } => layout.value_at / 8..(layout.value_at + size).div_ceil(8),
            Side::Record { .. } => layout.reference_word()..layout.reference_word() + 1,
        };
        for word in words {
            image.0[word] = self.part(slot, word);
        }
        image
    }

    /// A word of a slot whose tag was seen; a reference together with the record it leads to.
    #[inline(always)]
    fn part(&self, slot: Slot, word: usize) -> u64 {
        let leads = C::LAYOUT.has_heap() && word == C::LAYOUT.reference_word();
        let order = if leads { Ordering::Acquire } else { Ordering::Relaxed };
        // SAFETY: `word_at` gives an aligned word in the segment (`new`).
        unsafe { AtomicU64::from_ptr(self.word_at(slot, word)).load(order) }
    }

    /// Fills a free slot: first the counts on the way from `home`, then the words, then the tag. Nothing was filled or
    /// cleared in its bucket since it was found.
    #[inline(always)]
    pub(crate) fn fill(&self, home: usize, free: Free, tag: u64, image: &SlotImage) {
        let Free { slot, control } = free;
        self.raise(home, slot.bucket);
        crash::point("fill: counts raised");
        self.write(home, slot, image);
        crash::point("fill: words written");
        self.set_control(slot.bucket, Self::LANES.with_new_tag(control, slot.lane, tag));
    }

    /// Stores the words of a slot that no tag shows yet.
    #[inline(always)]
    pub(crate) fn write(&self, home: usize, slot: Slot, image: &SlotImage) {
        fence(Ordering::Release);
        for word in 0..C::LAYOUT.words() {
            let mut content = image.0[word];
            if C::LAYOUT.has_heap() && word == C::LAYOUT.reference_word() {
                content = Reference(content).displaced(self.distance(home, slot.bucket)).0;
            }
            // SAFETY: `word_at` gives an aligned word in the segment (`new`).
            unsafe { AtomicU64::from_ptr(self.word_at(slot, word)).store(content, Ordering::Relaxed) };
        }
    }

    /// Clears a tag. The overflow counts on the way are the caller's to lower.
    #[inline(always)]
    pub(crate) fn clear(&self, slot: Slot) {
        let control = self.control(slot.bucket);
        self.set_control(slot.bucket, Self::LANES.with_tag(control, slot.lane, 0));
    }

    /// Counts one more entry past each bucket from `home` up to, not including, `bucket`.
    #[inline(always)]
    pub(crate) fn raise(&self, home: usize, bucket: usize) {
        let mut at = home;
        while at != bucket {
            let control = self.control(at);
            let count = Self::LANES.overflow(control);
            self.set_control(at, Self::LANES.with_overflow(control, count + 1));
            at = self.after(at, 1);
        }
    }

    /// Counts one entry less past each bucket from `home` up to `bucket`. Where the count is saturated, `recount` says
    /// how many there are now.
    #[inline(always)]
    pub(crate) fn lower(&self, home: usize, bucket: usize, mut recount: impl FnMut(usize) -> u64) {
        let mut at = home;
        while at != bucket {
            let control = self.control(at);
            let count = Self::LANES.overflow(control);
            let count = if count == Self::LANES.saturated { recount(at) } else { count.saturating_sub(1) };
            self.set_control(at, Self::LANES.with_overflow(control, count));
            at = self.after(at, 1);
        }
    }

    /// The first free slot for a key at home in `home`, within the probe limit.
    #[inline(always)]
    pub(crate) fn free_slot(&self, home: usize) -> Option<Free> {
        (0..self.probe_limit()).find_map(|distance| self.free_in(self.after(home, distance)))
    }

    /// The first free slot of a bucket.
    #[inline(always)]
    pub(crate) fn free_in(&self, bucket: usize) -> Option<Free> {
        self.free_of(bucket, self.control(bucket))
    }

    /// The first free slot of a bucket whose control word was read.
    #[inline(always)]
    pub(crate) fn free_of(&self, bucket: usize, control: Control) -> Option<Free> {
        let lane = Self::LANES.free(control).first()?;
        Some(Free { slot: Slot { bucket, lane }, control })
    }

    /// A slot that is known to be free.
    pub(crate) fn free_at(&self, slot: Slot) -> Free {
        Free { slot, control: self.control(slot.bucket) }
    }

    /// How many slots are in use.
    pub(crate) fn count(&self) -> usize {
        let [(at, words), _] = self.used_ranges();
        // SAFETY: a word of the segment (`new`).
        let word = |i: usize| unsafe { AtomicU64::from_ptr(self.at.add(at + 8 * i).cast()).load(Ordering::Relaxed) };
        Self::LANES.count_all((0..words).map(word))
    }

    /// Clears all control words: the segment holds nothing.
    pub(crate) fn reset(&self) {
        let [(at, words), _] = self.used_ranges();
        fence(Ordering::Release);
        for word in 0..words {
            // SAFETY: a word of the segment (`new`).
            unsafe { AtomicU64::from_ptr(self.at.add(at + 8 * word).cast()).store(0, Ordering::Relaxed) };
        }
    }

    /// Copies the control words and lines of a segment with as many buckets.
    pub(crate) fn copy_from(&self, from: Segment<C>) {
        debug_assert_eq!(self.mask, from.mask);
        for (at, words) in self.used_ranges() {
            for word in 0..words {
                // SAFETY: both are words of segments with the same number of buckets (`new`).
                unsafe {
                    let content = AtomicU64::from_ptr(from.at.add(at + 8 * word).cast()).load(Ordering::Relaxed);
                    AtomicU64::from_ptr(self.at.add(at + 8 * word).cast()).store(content, Ordering::Relaxed);
                }
            }
        }
    }

    /// Checksum of the control words and lines in use. The segment must not change meanwhile (it is protected).
    pub(crate) fn checksum(&self) -> u64 {
        let mut hash = xxhash_rust::xxh3::Xxh3::new();
        let mut buffer = [0u64; 512];
        for (at, words) in self.used_ranges() {
            for start in (0..words).step_by(buffer.len()) {
                let part = &mut buffer[..(words - start).min(512)];
                for (i, word) in part.iter_mut().enumerate() {
                    // SAFETY: a word of the segment (`new`).
                    *word = unsafe {
                        AtomicU64::from_ptr(self.at.add(at + 8 * (start + i)).cast()).load(Ordering::Relaxed)
                    };
                }
                hash.update(bytemuck::cast_slice(part));
            }
        }
        hash.digest()
    }

    /// Byte offset and number of words of the control words and of the lines.
    fn used_ranges(&self) -> [(usize, usize); 2] {
        let layout = &C::LAYOUT;
        [
            (0, self.buckets() * layout.control_bytes() / 8),
            (layout.lines_at(), self.buckets() * layout.bucket_bytes() / 8),
        ]
    }

    #[inline(always)]
    fn line(&self, bucket: usize) -> *mut u8 {
        // The constant last: it becomes part of the instruction that reads.
        self.at.wrapping_add((bucket & self.mask) * C::LAYOUT.bucket_bytes()).wrapping_add(C::LAYOUT.lines_at())
    }

    #[inline(always)]
    fn word_at(&self, slot: Slot, word: usize) -> *mut u64 {
        self.place(slot).word_at(word)
    }
}

/// What keeps the keys and values of a layout inline: bytes of each side in a slot image.
pub(crate) fn inline_value(layout: &super::Layout, image: &SlotImage) -> std::ops::Range<usize> {
    match layout.value {
        Side::Inline { size } => {
            debug_assert!(layout.value_at + size <= image.bytes().len());
            layout.value_at..layout.value_at + size
        }
        Side::Record { .. } => 0..0,
    }
}
