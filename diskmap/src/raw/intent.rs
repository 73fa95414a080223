//! Intent records: what a structural change is about to do, so that a kill in its middle is finished or undone at open.
//!
//! Knows ids and slots, not what is in them. Invariant: the first word is stored last and cleared first; while it is 0
//! the others mean nothing. A writer has one record, and at most one change under way.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::table::segment::Slot;

/// Where the records begin in the `segments` file: after the identity sector.
pub(crate) const INTENTS_AT: u64 = crate::format::identity::SECTOR as u64;
/// Bytes of a record.
pub(crate) const INTENT: u64 = 64;

const REPLACE: u64 = 1;
const MOVE: u64 = 2;
const CLEAR: u64 = 3;
const NONE: u32 = u32::MAX;

/// A change under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Up to two segments (with what is chained to them) take the place of up to two others.
    Replace {
        /// Freed.
        old: [Option<u32>; 2],
        /// Brought to life.
        new: [Option<u32>; 2],
    },
    /// An entry is in two slots until the old one is cleared.
    Move {
        /// Segment and slot to clear.
        old: (u32, Slot),
        /// Segment and slot that then hold the entry, if its tag is set.
        new: (u32, Slot),
    },
    /// One empty segment takes the place of everything.
    Clear {
        /// That segment.
        new: u32,
    },
}

/// The records in mapped memory.
#[derive(Clone, Copy)]
pub(crate) struct Intents {
    at: *mut u8,
    len: u32,
}

impl Intents {
    /// `len` records in the `segments` file that starts at `file`.
    ///
    /// # Safety
    /// The head of the file with the records is readable and writable as atomics, 8-byte aligned, while this is used.
    pub(crate) unsafe fn new(file: *mut u8, len: u32) -> Intents {
        Intents { at: file.wrapping_add(INTENTS_AT as usize), len }
    }

    /// How many.
    pub(crate) fn len(self) -> u32 {
        self.len
    }

    /// The change that is committed in a record: inner `None` if there is none, outer `None` if it is damaged.
    pub(crate) fn read(self, record: u32) -> Option<Option<Intent>> {
        let word = |i| self.word(record, i).load(Ordering::Acquire);
        match word(0) {
            0 => Some(None),
            REPLACE => Some(Some(Intent::Replace { old: ids(word(1)), new: ids(word(2)) })),
            MOVE => {
                Some(Some(Intent::Move { old: (word(1) as u32, slot(word(2))), new: (word(3) as u32, slot(word(4))) }))
            }
            CLEAR => Some(Some(Intent::Clear { new: word(1) as u32 })),
            _ => None,
        }
    }

    /// Commits to a change.
    pub(crate) fn commit(self, record: u32, intent: Intent) {
        let store = |i, word| self.word(record, i).store(word, Ordering::Release);
        match intent {
            Intent::Replace { old, new } => {
                store(1, pack_ids(old));
                store(2, pack_ids(new));
                store(0, REPLACE);
            }
            Intent::Move { old, new } => {
                store(1, u64::from(old.0));
                store(2, pack_slot(old.1));
                store(3, u64::from(new.0));
                store(4, pack_slot(new.1));
                store(0, MOVE);
            }
            Intent::Clear { new } => {
                store(1, u64::from(new));
                store(0, CLEAR);
            }
        }
    }

    /// The change is done.
    pub(crate) fn clear(self, record: u32) {
        self.word(record, 0).store(0, Ordering::Release);
    }

    fn word(&self, record: u32, word: usize) -> &AtomicU64 {
        assert!(record < self.len, "a writer has a record");
        let at = self.at.wrapping_add(record as usize * INTENT as usize + 8 * word);
        // SAFETY: the record lies in the head of the file (`new`), aligned.
        unsafe { AtomicU64::from_ptr(at.cast()) }
    }
}

fn pack_ids(ids: [Option<u32>; 2]) -> u64 {
    u64::from(ids[0].unwrap_or(NONE)) | u64::from(ids[1].unwrap_or(NONE)) << 32
}

fn ids(word: u64) -> [Option<u32>; 2] {
    [word as u32, (word >> 32) as u32].map(|id| (id != NONE).then_some(id))
}

fn pack_slot(slot: Slot) -> u64 {
    slot.bucket as u64 | (slot.lane as u64) << 32
}

fn slot(word: u64) -> Slot {
    Slot { bucket: word as u32 as usize, lane: (word >> 32) as usize }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let mut file = vec![0u64; 100];
        // SAFETY: memory for the head and two records that outlives their use.
        let intents = unsafe { Intents::new(file.as_mut_ptr().cast(), 2) };
        let replace = Intent::Replace { old: [Some(3), None], new: [Some(7), Some(8)] };
        let moved = Intent::Move { old: (1, Slot { bucket: 1023, lane: 3 }), new: (2, Slot { bucket: 5, lane: 0 }) };
        for intent in [replace, moved, Intent::Clear { new: 4 }] {
            intents.commit(1, intent);
            assert_eq!(intents.read(1), Some(Some(intent)));
            assert_eq!(intents.read(0), Some(None));
            intents.clear(1);
            assert_eq!(intents.read(1), Some(None));
        }
        intents.word(0, 0).store(99, Ordering::Relaxed);
        assert_eq!(intents.read(0), None);
    }
}
