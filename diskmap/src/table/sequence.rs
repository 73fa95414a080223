//! The sequences: what readers look at to know whether what they read belongs together.
//!
//! In process memory, because nobody but this process reads beside a writer. Must not know what is counted. Invariant: the
//! sequence of a position is counted up before anything that a reader of the position may be looking at is used again.
//!
//! A sequence is that of all positions that begin with the same bits. A reader therefore knows it without knowing the
//! segment, and begins with it; in return it looks again, once in a while, because of another segment, and whoever changes a
//! segment that spans several sequences counts them all, which only small maps have.

use std::sync::atomic::{AtomicU64, Ordering, fence};

/// Bits of a position that choose its sequence.
const BITS: u32 = 8;

/// The sequences of a map, in place: a reader needs no register more for them.
pub(crate) struct Sequences([AtomicU64; 1 << BITS]);

impl Sequences {
    /// All 0.
    pub(crate) fn new() -> Sequences {
        Sequences([const { AtomicU64::new(0) }; 1 << BITS])
    }

    /// That of a position.
    #[inline(always)]
    pub(crate) fn of(&self, position: u64) -> &AtomicU64 {
        &self.0[(position >> (64 - BITS)) as usize]
    }

    /// Tells readers of the positions that start with the `depth` top bits of `position` that what they read before may have
    /// moved or gone. Only one writer at a time does so for these positions.
    #[inline]
    pub(crate) fn bump(&self, position: u64, depth: u32) {
        if depth >= BITS {
            // Writers of two segments may count the same one.
            self.of(position).fetch_add(1, Ordering::AcqRel);
        } else {
            let first = (position >> (64 - BITS)) as usize >> (BITS - depth) << (BITS - depth);
            for sequence in &self.0[first..first + (1 << (BITS - depth))] {
                sequence.store(sequence.load(Ordering::Relaxed) + 1, Ordering::Release);
            }
        }
        fence(Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_for_all_positions_of_a_segment_and_no_others() {
        for depth in 0..12 {
            for prefix in 0..1u64 << depth {
                let sequences = Sequences::new();
                let start = prefix.checked_shl(64 - depth).unwrap_or(0);
                let end = start | u64::MAX.checked_shr(depth).unwrap_or(0);
                sequences.bump(start + (end - start) / 3, depth);
                let counted = |position| sequences.of(position).load(Ordering::Relaxed) == 1;
                assert!(counted(start) && counted(end), "{prefix} of {depth} bits");
                let others = sequences.0.iter().filter(|sequence| sequence.load(Ordering::Relaxed) == 0).count();
                assert_eq!(others, (1 << BITS) - (1usize << BITS >> depth).max(1));
            }
        }
    }
}
