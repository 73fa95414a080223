//! The sequences of segments: what readers look at to know whether what they read belongs together.
//!
//! In process memory, because nobody but this process reads beside a writer. Must not know what is counted. Invariant: a
//! sequence is counted up before anything that a reader of its segment may be looking at is used again.
//!
//! Some segments of a large map share one: then a reader of the one looks again because of the other, once in a while. In
//! return its address follows from the directory entry by a shift and a mask, and all of them lie in 32 KiB.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use super::directory::Entry;

/// How many there are.
const COUNT: usize = 4096;
/// Segments begin at multiples of this many bytes, as a power of two.
const PAGE_SHIFT: u32 = 12;

/// The sequences of a map.
pub(crate) struct Sequences(Box<[AtomicU64; COUNT]>);

impl Sequences {
    /// All 0.
    pub(crate) fn new() -> Sequences {
        // Zeroed by the allocator, which need not touch it: most maps are never shared.
        // SAFETY: an `AtomicU64` of zero bytes is 0.
        Sequences(unsafe { Box::new_zeroed().assume_init() })
    }

    /// That of the segment that a directory entry leads to.
    #[inline(always)]
    pub(crate) fn of(&self, entry: Entry) -> &AtomicU64 {
        &self.0[(entry.at() >> PAGE_SHIFT) as usize % COUNT]
    }

    /// Tells readers that what they read of the segment before may have moved or gone.
    #[inline]
    pub(crate) fn bump(&self, entry: Entry) {
        // Writers of two segments may count the same one.
        self.of(entry).fetch_add(1, Ordering::AcqRel);
        fence(Ordering::Release);
    }
}
