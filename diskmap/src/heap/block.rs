//! The mapped table of blocks: what each block is cut into, and a live bit for each cell.
//!
//! Must not know who refers to a cell. Invariant: a bit is set before its cell is referred to and cleared after the last
//! reference is gone, so a set bit may be too many after a crash, never too few.

use std::sync::atomic::{AtomicU64, Ordering};

use super::class::{CLASSES, MIN_CELL, cells};

/// Bytes before the bits of a block.
const HEAD: usize = 64;
const RUN: u64 = 0xFE;
const TAIL: u64 = 0xFF;

/// What a block is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing.
    Free,
    /// Cells of one class.
    Cells(u8),
    /// The first of so many blocks that hold one record.
    Run(u32),
    /// One of the others.
    Tail,
}

/// The table in mapped memory. Copying it copies the pointer.
#[derive(Clone, Copy)]
pub(crate) struct BlockTable {
    at: *mut u8,
    len: usize,
    shift: u32,
}

/// Bytes of a block's entry for blocks of `1 << shift` bytes.
pub(crate) const fn entry_bytes(shift: u32) -> usize {
    HEAD + 8 * words(shift)
}

/// Words of live bits for a block of `1 << shift` bytes: one bit for each smallest cell.
pub(crate) const fn words(shift: u32) -> usize {
    ((1usize << shift) / MIN_CELL).div_ceil(64)
}

impl BlockTable {
    /// A table of `len` entries from `at` on, for blocks of `1 << shift` bytes.
    ///
    /// # Safety
    /// `at` is 8-byte aligned, and `len` entries from it are readable and writable as atomics while it is used.
    pub(crate) unsafe fn new(at: *mut u8, len: usize, shift: u32) -> BlockTable {
        BlockTable { at, len, shift }
    }

    /// Number of entries.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// What a block is used for; `None` if the entry is damaged.
    pub(crate) fn kind(&self, block: u32) -> Option<Kind> {
        let head = self.head(block).load(Ordering::Acquire);
        let count = (head >> 8) as u32;
        match head & 0xFF {
            0 if head == 0 => Some(Kind::Free),
            RUN if head >> 40 == 0 && count > 0 => Some(Kind::Run(count)),
            TAIL if head == TAIL => Some(Kind::Tail),
            class if head == class && class as usize <= CLASSES => Some(Kind::Cells(class as u8 - 1)),
            _ => None,
        }
    }

    /// Says what a block is used for, with no cell live.
    pub(crate) fn set_kind(&self, block: u32, kind: Kind) {
        let head = match kind {
            Kind::Free => 0,
            Kind::Cells(class) => u64::from(class) + 1,
            Kind::Run(blocks) => RUN | u64::from(blocks) << 8,
            Kind::Tail => TAIL,
        };
        for word in 0..words(self.shift) {
            self.set_live(block, word, 0);
        }
        self.head(block).store(head, Ordering::Release);
    }

    /// Makes an entry what it is to be, whatever it was; writes only what differs.
    pub(crate) fn restore(&self, block: u32, kind: Kind, live: impl Fn(usize) -> u64) {
        if self.kind(block) != Some(kind) {
            self.set_kind(block, kind);
        }
        for word in 0..words(self.shift) {
            self.set_live(block, word, live(word) & self.full_word(kind, word));
        }
    }

    /// Words that hold bits of a block of this kind.
    pub(crate) fn used_words(&self, kind: Kind) -> usize {
        match kind {
            Kind::Cells(class) => cells(class, self.shift).div_ceil(64),
            Kind::Run(_) => 1,
            Kind::Free | Kind::Tail => 0,
        }
    }

    /// All bits that a word can have set in a block of this kind.
    pub(crate) fn full_word(&self, kind: Kind, word: usize) -> u64 {
        let count = match kind {
            Kind::Cells(class) => cells(class, self.shift),
            Kind::Run(_) => 1,
            Kind::Free | Kind::Tail => 0,
        };
        match count.saturating_sub(64 * word) {
            0 => 0,
            n @ 1..64 => (1 << n) - 1,
            _ => u64::MAX,
        }
    }

    /// A word of live bits.
    pub(crate) fn live(&self, block: u32, word: usize) -> u64 {
        self.bits(block, word).load(Ordering::SeqCst)
    }

    /// Stores a word of live bits.
    pub(crate) fn set_live(&self, block: u32, word: usize, bits: u64) {
        if self.bits(block, word).load(Ordering::Relaxed) != bits {
            self.bits(block, word).store(bits, Ordering::Release);
        }
    }

    /// Marks a cell live. `alone` if no other thread changes live bits: then the processor need not wait for all stores
    /// before this one.
    #[inline]
    pub(crate) fn mark(&self, block: u32, cell: usize, alone: bool) {
        let (bits, bit) = (self.bits(block, cell / 64), 1 << (cell % 64));
        if alone {
            bits.store(bits.load(Ordering::Relaxed) | bit, Ordering::Release);
        } else {
            bits.fetch_or(bit, Ordering::AcqRel);
        }
    }

    /// Marks a cell dead; `alone` as in `mark`, and then what is loaded next may be loaded before others see it.
    #[inline]
    pub(crate) fn unmark(&self, block: u32, cell: usize, alone: bool) {
        let (bits, bit) = (self.bits(block, cell / 64), 1 << (cell % 64));
        if alone {
            bits.store(bits.load(Ordering::Relaxed) & !bit, Ordering::Release);
        } else {
            bits.fetch_and(!bit, Ordering::SeqCst);
        }
    }

    /// Whether a cell is live.
    #[inline]
    pub(crate) fn is_live(&self, block: u32, cell: usize) -> bool {
        self.live(block, cell / 64) >> (cell % 64) & 1 == 1
    }

    fn head(&self, block: u32) -> &AtomicU64 {
        self.word(block, 0)
    }

    #[inline]
    fn bits(&self, block: u32, word: usize) -> &AtomicU64 {
        assert!(word < words(self.shift), "a word of the block's bits");
        self.word(block, HEAD / 8 + word)
    }

    #[inline]
    fn word(&self, block: u32, word: usize) -> &AtomicU64 {
        assert!((block as usize) < self.len, "block numbers are checked where they are read");
        // SAFETY: the entry lies in the table (checked), which `new` vouches for; callers keep `word` inside it.
        unsafe { AtomicU64::from_ptr(self.at.add(block as usize * entry_bytes(self.shift) + 8 * word).cast()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::class::BLOCK_SHIFT;

    #[test]
    fn kinds_and_bits() {
        assert_eq!(entry_bytes(BLOCK_SHIFT), 64 + 512);
        assert_eq!(entry_bytes(10), 72);
        let mut memory = vec![0u64; 2 * entry_bytes(BLOCK_SHIFT) / 8];
        // SAFETY: two entries of memory that outlives their use.
        let table = unsafe { BlockTable::new(memory.as_mut_ptr().cast(), 2, BLOCK_SHIFT) };
        for kind in [Kind::Cells(0), Kind::Cells(57), Kind::Run(70_000), Kind::Tail, Kind::Free] {
            table.set_kind(1, kind);
            assert_eq!(table.kind(1), Some(kind));
        }
        table.set_kind(1, Kind::Cells(2));
        assert_eq!(table.full_word(Kind::Cells(2), 31), u64::MAX);
        assert_eq!(table.full_word(Kind::Cells(57), 0), 0b11);
        for alone in [true, false] {
            table.mark(1, 66, alone);
            table.mark(1, 65, alone);
            assert!(table.is_live(1, 65) && !table.is_live(1, 64));
            assert_eq!(table.live(1, 1), 6);
            table.unmark(1, 66, alone);
            assert_eq!(table.live(1, 1), 2);
            table.unmark(1, 65, alone);
            assert!(!table.is_live(1, 65));
        }
        table.head(1).store(200, Ordering::Relaxed);
        assert_eq!(table.kind(1), None);
    }
}
