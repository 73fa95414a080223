//! Cells that were freed but that a reader in another thread may still look at: a bit each, in process memory.
//!
//! Must not know readers: whoever does says when a cell may go. Invariant: a cell's bit is set before its live bit is
//! cleared, and while it is set the cell is not handed out, nor its block used for anything else.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use super::{
    Heap,
    block::{Kind, words},
};
use crate::{
    error::Result,
    store::{ByteStore, VecStore},
};

/// The bits of all blocks.
pub(crate) struct Limbo {
    store: VecStore,
    words: usize,
    /// Whether cells are kept.
    on: AtomicBool,
}

/// Cells that a writer has freed.
#[derive(Debug, Default)]
pub(crate) struct Freed {
    /// Byte offsets of single cells and runs.
    cells: Vec<u64>,
    /// Many at once: block, word and bits.
    words: Vec<(u32, u32, u64)>,
    bytes: u64,
}

impl Limbo {
    fn new(shift: u32) -> Limbo {
        Limbo { store: VecStore::new(), words: words(shift), on: AtomicBool::new(false) }
    }

    /// The bits of a block's word.
    pub(super) fn word(&self, block: u32, word: usize) -> u64 {
        self.bits(block, word).load(Ordering::SeqCst)
    }

    /// Makes room for so many blocks.
    pub(super) fn grow(&self, blocks: u64) -> Result<()> {
        let bytes = |blocks: u64| blocks * self.words as u64 * 8;
        if bytes(blocks) <= self.store.len() {
            return Ok(());
        }
        self.store.grow(bytes(blocks), bytes(blocks.next_multiple_of(512)))
    }

    fn set(&self, block: u32, word: usize, bits: u64) {
        self.bits(block, word).fetch_or(bits, Ordering::SeqCst);
    }

    fn clear(&self, block: u32, word: usize, bits: u64) {
        self.bits(block, word).fetch_and(!bits, Ordering::SeqCst);
    }

    fn clear_all(&self) {
        for at in (0..self.store.len() as usize).step_by(8) {
            // SAFETY: a word of the store, as in `bits`.
            unsafe { AtomicU64::from_ptr(self.store.base().add(at).cast()).store(0, Ordering::Relaxed) };
        }
    }

    fn bits(&self, block: u32, word: usize) -> &AtomicU64 {
        let at = (block as usize * self.words + word) * 8;
        assert!(word < self.words && (at as u64) < self.store.len(), "every block of the table has bits");
        // SAFETY: in the store (checked; it is made of whole words), which never moves and is touched as atomics only.
        unsafe { AtomicU64::from_ptr(self.store.base().add(at).cast()) }
    }
}

impl Freed {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.cells.is_empty() && self.words.is_empty()
    }

    /// How many cells, those of [`Heap::clear`] not counted.
    pub(crate) fn cells(&self) -> usize {
        self.cells.len()
    }

    /// Bytes of these cells.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Keeps a cell.
    pub(super) fn keep(&mut self, limbo: &Limbo, at: u64, block: u32, cell: usize, bytes: u64) {
        limbo.set(block, cell / 64, 1 << (cell % 64));
        self.cells.push(at);
        self.bytes += bytes;
    }

    /// Keeps what is live in a block's word.
    pub(super) fn keep_word(&mut self, limbo: &Limbo, block: u32, word: usize, live: u64) {
        if live != 0 {
            limbo.set(block, word, live);
            self.words.push((block, word as u32, live));
        }
    }
}

impl<B: ByteStore> Heap<B> {
    /// From now on cells that are freed are not handed out before [`Heap::reclaim`] is told of them.
    pub(crate) fn keep_freed(&self) -> Result<()> {
        let mut space = self.space();
        let limbo = self.limbo.get_or_init(|| Arc::new(Limbo::new(self.shift)));
        limbo.grow(self.flags.len())?;
        limbo.on.store(true, Ordering::Relaxed);
        space.set_limbo(Some(Arc::clone(limbo)));
        Ok(())
    }

    /// Cells are no longer kept: there are no readers but the writer.
    pub(crate) fn forget_freed(&self) {
        let mut space = self.space();
        let Some(limbo) = self.limbo.get() else { return };
        limbo.on.store(false, Ordering::Relaxed);
        limbo.clear_all();
        space.set_limbo(None);
        space.list_released(&self.table(), self);
    }

    /// Where freed cells are kept, if they are.
    #[inline(always)]
    pub(super) fn limbo(&self) -> Option<&Limbo> {
        self.limbo.get().map(|limbo| &**limbo).filter(|limbo| limbo.on.load(Ordering::Relaxed))
    }

    /// No reader can know of these cells any more.
    pub(crate) fn reclaim(&self, freed: &Freed) {
        let Some(limbo) = self.limbo.get() else { return };
        let table = self.table();
        let mut runs = false;
        for &at in &freed.cells {
            let block = (at >> self.shift) as u32;
            let inside = at & ((1 << self.shift) - 1);
            // What it is used for has not changed while the bit was set.
            let cell = match table.kind(block) {
                Some(Kind::Cells(class)) => inside as usize / super::SIZES[class as usize] as usize,
                _ => 0,
            };
            runs |= matches!(table.kind(block), Some(Kind::Run(_)));
            limbo.clear(block, cell / 64, 1 << (cell % 64));
        }
        for &(block, word, bits) in &freed.words {
            limbo.clear(block, word as usize, bits);
        }
        if runs || !freed.words.is_empty() {
            self.space().list_released(&table, self);
        }
    }
}
