//! The 64-byte descriptors of segments in the `segments` file.
//!
//! Must not know what a segment holds. Invariant: the first word holds state, depth and size together, so one store
//! brings a segment to life or ends it; the other words are stored before it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a descriptor.
pub(crate) const DESCRIPTOR: usize = 64;

const WORD_HEAD: usize = 0;
const WORD_PREFIX: usize = 1;
const WORD_NEXT: usize = 2;
const WORD_GENERATION: usize = 3;

/// What a segment's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum State {
    /// Nothing, or something that only a checkpoint still refers to.
    Free = 0,
    /// Being filled; nothing after a crash.
    New = 1,
    /// Part of the map.
    Live = 2,
}

/// One descriptor's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Descriptor {
    /// What the segment's bytes are.
    pub state: State,
    /// Bits of the position that lead to it.
    pub depth: u8,
    /// Logarithm of the number of its buckets.
    pub log2_buckets: u8,
    /// Whether it is an overflow segment, reachable from another one only.
    pub overflow: bool,
    /// Those bits, at the top.
    pub prefix: u64,
    /// The overflow segment that hangs on to it.
    pub next: Option<u32>,
    /// The checkpoint generation in which it was written.
    pub generation: u64,
}

impl Descriptor {
    fn head(&self, state: State) -> u64 {
        state as u64 | u64::from(self.depth) << 8 | u64::from(self.log2_buckets) << 16 | u64::from(self.overflow) << 24
    }
}

/// The descriptors in mapped memory, by segment id. Copying it copies the pointer.
#[derive(Clone, Copy)]
pub(crate) struct Descriptors {
    at: *mut u8,
    len: usize,
}

impl Descriptors {
    /// `len` descriptors from `at` on.
    ///
    /// # Safety
    /// `at` is 8-byte aligned, and `len` descriptors from it are readable and writable as atomics while it is used.
    pub(crate) unsafe fn new(at: *mut u8, len: usize) -> Descriptors {
        Descriptors { at, len }
    }

    /// How many there is room for.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Reads one; `None` if it cannot be a descriptor.
    pub(crate) fn read(&self, id: u32) -> Option<Descriptor> {
        let head = self.word(id, WORD_HEAD).load(Ordering::Acquire);
        let state = match head & 0xFF {
            0 => State::Free,
            1 => State::New,
            2 => State::Live,
            _ => return None,
        };
        let overflow = match head >> 24 {
            0 => false,
            1 => true,
            _ => return None,
        };
        Some(Descriptor {
            state,
            depth: (head >> 8) as u8,
            log2_buckets: (head >> 16) as u8,
            overflow,
            prefix: self.word(id, WORD_PREFIX).load(Ordering::Relaxed),
            next: self.next(id)?,
            generation: self.word(id, WORD_GENERATION).load(Ordering::Relaxed),
        })
    }

    /// Writes one, its state last.
    pub(crate) fn write(&self, id: u32, descriptor: &Descriptor) {
        self.word(id, WORD_HEAD).store(descriptor.head(State::Free), Ordering::Release);
        self.word(id, WORD_PREFIX).store(descriptor.prefix, Ordering::Release);
        self.link(id, descriptor.next);
        self.word(id, WORD_GENERATION).store(descriptor.generation, Ordering::Release);
        self.word(id, WORD_HEAD).store(descriptor.head(descriptor.state), Ordering::Release);
    }

    /// Changes the state alone.
    pub(crate) fn set_state(&self, id: u32, state: State) {
        let word = self.word(id, WORD_HEAD);
        let head = word.load(Ordering::Relaxed);
        word.store(head & !0xFF | state as u64, Ordering::Release);
    }

    /// The overflow segment after `id`: outer `None` if the word is damaged.
    pub(crate) fn next(&self, id: u32) -> Option<Option<u32>> {
        match self.word(id, WORD_NEXT).load(Ordering::Acquire) {
            0 => Some(None),
            next => Some(Some(u32::try_from(next - 1).ok()?)),
        }
    }

    /// Hangs an overflow segment on to `id`.
    pub(crate) fn link(&self, id: u32, next: Option<u32>) {
        self.word(id, WORD_NEXT).store(next.map_or(0, |next| u64::from(next) + 1), Ordering::Release);
    }

    #[inline(always)]
    fn word(&self, id: u32, word: usize) -> &AtomicU64 {
        assert!((id as usize) < self.len, "segment ids are checked where they are read");
        // SAFETY: the descriptor lies in the array (checked), which `new` vouches for; word is below 8.
        unsafe { AtomicU64::from_ptr(self.at.add(id as usize * DESCRIPTOR + 8 * word).cast()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_damage() {
        let mut words = [0u64; 16];
        // SAFETY: two descriptors of memory that outlives their use.
        let all = unsafe { Descriptors::new(words.as_mut_ptr().cast(), 2) };
        let one = Descriptor {
            state: State::Live,
            depth: 3,
            log2_buckets: 10,
            overflow: true,
            prefix: 5 << 61,
            next: Some(7),
            generation: 9,
        };
        all.write(1, &one);
        assert_eq!(all.read(1), Some(one));
        all.set_state(1, State::Free);
        assert_eq!(all.read(1), Some(Descriptor { state: State::Free, ..one }));
        all.word(1, WORD_HEAD).store(0x77, Ordering::Relaxed);
        assert_eq!(all.read(1), None);
    }
}
