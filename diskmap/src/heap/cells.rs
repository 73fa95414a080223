//! Cells: the blocks that a writer has open, and how one cell after the other is handed out.
//!
//! Must not know records. Invariant: a block is open for one writer at most, and only that writer hands its cells out.

use std::sync::atomic::Ordering;

use super::{
    DIRTY, Fresh, Heap, LISTED, OPEN,
    block::Kind,
    class::{CLASSES, SIZES},
    limbo::Freed,
    space::{Lists, Space, Use},
};
use crate::{crash, error::Result, store::ByteStore, table::layout::LINE};

/// Bytes of the next cell that are asked for ahead: the lines after them the processor asks for by itself.
const AHEAD: usize = 256;

/// The blocks one writer has open, by class, and what it has freed while cells are kept for readers.
pub(crate) struct OpenBlocks {
    by_class: Vec<Option<Box<Open>>>,
    /// Not yet given to whoever knows the readers.
    pub freed: Freed,
}

struct Open {
    block: u32,
    word: usize,
    /// Cells of the words from `word` on that may be handed out.
    free: Vec<u64>,
}

impl Open {
    /// The cell that will be handed out next.
    #[inline]
    fn next(&mut self) -> Option<usize> {
        while let Some(bits) = self.free.get(self.word) {
            if *bits != 0 {
                return Some(64 * self.word + bits.trailing_zeros() as usize);
            }
            self.word += 1;
        }
        None
    }

    /// Hands the next cell out.
    #[inline]
    fn take(&mut self) -> Option<usize> {
        let cell = self.next()?;
        self.free[self.word] &= self.free[self.word] - 1;
        Some(cell)
    }
}

impl OpenBlocks {
    /// None open.
    pub(crate) fn new() -> OpenBlocks {
        OpenBlocks { by_class: std::iter::repeat_with(|| None).take(CLASSES).collect(), freed: Freed::default() }
    }
}

impl<B: ByteStore> Heap<B> {
    /// Takes back the blocks a writer has open.
    pub(crate) fn close(&self, open: &mut OpenBlocks) {
        let mut space = self.space();
        for open in open.by_class.iter_mut().filter_map(Option::take) {
            self.close_block(&mut space, open.block);
        }
    }

    pub(super) fn cell(&self, open: &mut OpenBlocks, class: u8) -> Result<Fresh> {
        let size = SIZES[class as usize] as usize;
        loop {
            let entry = &mut open.by_class[class as usize];
            if let Some(current) = entry
                && let Some(cell) = current.take()
            {
                let start = u64::from(current.block) << self.shift;
                if let Some(next) = current.next() {
                    // It may be anywhere in a block that was used before.
                    for line in (0..size.min(AHEAD)).step_by(LINE) {
                        self.prefetch(start + (next * size + line) as u64);
                    }
                }
                self.table().mark(current.block, cell, self.is_alone());
                crash::point("heap: cell marked");
                return Ok(Fresh { at: start + (cell * size) as u64, len: size });
            }
            let old = entry.take().map(|open| open.block);
            *entry = Some(Box::new(self.open_block(old, class)?));
        }
    }

    #[cold]
    fn open_block(&self, old: Option<u32>, class: u8) -> Result<Open> {
        let mut space = self.space();
        if let Some(old) = old {
            self.close_block(&mut space, old);
        }
        let block = match space.pop(&self.table(), class) {
            Some(block) => block,
            None => match self.cut_block(&mut space, class) {
                Ok(block) => block,
                Err(error) => space.pop_any(&self.table(), class).ok_or(error)?,
            },
        };
        self.set_listed(block, false);
        if self.flag(block).fetch_or(OPEN | DIRTY, Ordering::SeqCst) & DIRTY == 0 {
            space.dirty.push(block);
        }
        let table = self.table();
        let words = table.used_words(Kind::Cells(class));
        let free: Vec<u64> = (0..words).map(|word| space.allocatable(&table, block, word)).collect();
        self.signals.changed(1 << self.shift);
        Ok(Open { block, word: 0, free })
    }

    /// Another block for cells of a class.
    fn cut_block(&self, space: &mut Space, class: u8) -> Result<u32> {
        let block = self.take_blocks(space, 1, Use::Cells)?;
        let kind = Kind::Cells(class);
        self.table().set_kind(block, kind);
        crash::point("heap: block cut into cells");
        space.kinds[block as usize] = kind;
        Ok(block)
    }

    /// A block's writer is done with it: lists it if it has room.
    fn close_block(&self, space: &mut Space, block: u32) {
        self.flag(block).fetch_and(!OPEN, Ordering::SeqCst);
        if self.flag(block).load(Ordering::SeqCst) & LISTED == 0 && space.list(&self.table(), block) {
            self.set_listed(block, true);
        }
    }
}
