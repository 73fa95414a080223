//! A look at a key's home bucket, and at the next one where entries overflowed past it: nearly always that is enough.
//!
//! Straight code, so that a core has many lookups in flight. Writes nothing. Invariant: what it does not know for certain it
//! leaves to `find`, which goes bucket by bucket.

use std::hint::black_box;

use super::{
    Core,
    find::{Found, Key, Way},
};
use crate::{
    error::Checked,
    hash::Hashed,
    store::ByteStore,
    table::{Scheme, Segment, segment::Slot},
};

/// What is known of a key after one look.
pub(crate) enum Glance<T> {
    /// It is there: its slot, or what was made of that.
    Found(T),
    /// It is not there.
    Absent,
    /// More must be looked at.
    Unsure,
}

/// What a bucket tells of a key.
#[derive(Clone, Copy)]
pub(super) enum Peek {
    /// It is in this slot.
    Here(Slot),
    /// It is not in the segment.
    Nowhere,
    /// If it is there, then in a later bucket.
    Further,
    /// Another key has its tag.
    Unsure,
}

impl<B: ByteStore, C: Scheme> Core<B, C> {
    /// What a look at the home bucket tells: nearly always where the key is, or that it is nowhere.
    #[inline(always)]
    pub(crate) fn glance(&self, way: &Way<C>, hashed: Hashed, bytes: &[u8]) -> Checked<Glance<Found<C>>> {
        let Way { entry, segment, home } = *way;
        Ok(match self.peek(segment, home, &Key::new::<C>(hashed, bytes), || true)? {
            Peek::Here(slot) => Glance::Found(Found { entry, segment, slot, overflow: None }),
            Peek::Nowhere => Glance::Absent,
            Peek::Further | Peek::Unsure => Glance::Unsure,
        })
    }

    /// What the home bucket tells of a key, or the next one where entries overflowed past the home; `valid` as in `probe`.
    #[inline(always)]
    pub(super) fn peek(
        &self,
        segment: Segment<C>,
        home: usize,
        key: &Key<'_>,
        valid: impl Fn() -> bool,
    ) -> Checked<Peek> {
        match self.peek_at(segment, home, key.hashed.tag(), key, &valid)? {
            // The tag is made once more, so that no register has to keep it: lookups that end at home take a tenth less
            // instructions in other threads.
            Peek::Further => {
                let tag = black_box(key.hashed).tag();
                self.peek_at(segment, segment.after(home, 1), tag, key, &valid)
            }
            told => Ok(told),
        }
    }

    /// What a bucket on a key's way tells. One candidate is compared: there is rarely another one.
    ///
    /// The line is asked for only where the tag is there, and yet while the control word comes: a core guesses the branch long
    /// before. So where hits are usual both lines are on their way at once, and where misses are no slot is asked for.
    #[inline(always)]
    fn peek_at(
        &self,
        segment: Segment<C>,
        bucket: usize,
        tag: u64,
        key: &Key<'_>,
        valid: impl Fn() -> bool,
    ) -> Checked<Peek> {
        match Self::candidate(segment, bucket, tag) {
            Peek::Here(slot) => {
                segment.prefetch(bucket);
                Ok(if self.is_key(segment.place(slot), key, valid)? { Peek::Here(slot) } else { Peek::Unsure })
            }
            told => Ok(told),
        }
    }

    /// What a bucket's control word alone tells: `Here` is the first slot that may be the key's.
    #[inline(always)]
    pub(super) fn candidate(segment: Segment<C>, bucket: usize, tag: u64) -> Peek {
        let (lanes, control) = (segment.lanes(), segment.control(bucket));
        match lanes.first_matching(control, tag) {
            Some(lane) => Peek::Here(Slot { bucket, lane }),
            None if lanes.overflow(control) == 0 => Peek::Nowhere,
            None => Peek::Further,
        }
    }
}
