//! What the cells of blocks allow, and which block is opened next.
//!
//! Must not know who opens blocks. Invariant: a block that is handed out has a cell that may be.

use std::collections::VecDeque;

use super::{BlockTable, Kind, Space, list_of};

/// Blocks with too little room that are looked at again before another one is taken.
const LOOKS: usize = 64;
/// A block is worth opening when one cell in so many can be handed out. Where values are overwritten all over the heap, cells
/// become free one here and one there, and to open a block takes as long as handing out some twenty.
const WORTH: usize = 8;

/// What a block's cells allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// Some cells can be handed out.
    Some,
    /// None now, but some once a checkpoint lets go of them.
    Later,
    /// All cells are live.
    Full,
    /// No cell is live or masked.
    Empty,
}

impl Space {
    /// Cells of a block's word that may be handed out.
    pub(crate) fn allocatable(&self, table: &BlockTable, block: u32, word: usize) -> u64 {
        // In this order: a cell is in limbo before it is no longer live.
        let live = table.live(block, word);
        table.full_word(self.kinds[block as usize], word)
            & !(live | self.mask(block, word) | self.in_limbo(block, word))
    }

    /// What a block's cells allow.
    pub(crate) fn room(&self, table: &BlockTable, block: u32) -> Room {
        let kind = self.kinds[block as usize];
        let (mut some, mut kept, mut live) = (false, false, false);
        for word in 0..table.used_words(kind) {
            let full = table.full_word(kind, word);
            let alive = table.live(block, word) & full;
            let mask = (self.mask(block, word) | self.in_limbo(block, word)) & full;
            some |= full & !(alive | mask) != 0;
            kept |= mask & !alive != 0;
            live |= alive != 0;
        }
        match (live || kept || self.is_masked(block), some, kept) {
            (false, ..) => Room::Empty,
            (_, true, _) => Room::Some,
            (_, _, true) => Room::Later,
            _ => Room::Full,
        }
    }

    /// Puts a block that no writer has open where its cells will be found; whether it went to any list.
    pub(crate) fn list(&mut self, table: &BlockTable, block: u32) -> bool {
        let Kind::Cells(class) = self.kinds[block as usize] else { return false };
        match self.room(table, block) {
            Room::Some | Room::Empty if self.is_emptied(block) => list_of(&mut self.waiting, class).push_back(block),
            Room::Some | Room::Empty => list_of(&mut self.queues, class).push_back(block),
            Room::Later => list_of(&mut self.waiting, class).push_back(block),
            Room::Full => return false,
        }
        true
    }

    /// The next block of a class that is worth opening. Linear in the number of blocks of that class that were listed and
    /// have no room, once for each of them, and in [`LOOKS`].
    pub(crate) fn pop(&mut self, table: &BlockTable, class: u8) -> Option<u32> {
        let mut looks = LOOKS.min(list_of(&mut self.queues, class).len());
        while looks > 0
            && let Some(block) = list_of(&mut self.queues, class).pop_front()
        {
            if self.is_worth_opening(table, block) {
                return Some(block);
            }
            if self.has_room(table, block) {
                looks -= 1;
                list_of(&mut self.queues, class).push_back(block);
            } else {
                list_of(&mut self.waiting, class).push_back(block);
            }
        }
        // What was written and freed again since a checkpoint began is free, whatever waits beside it.
        for _ in 0..LOOKS.min(list_of(&mut self.waiting, class).len()) {
            let block = list_of(&mut self.waiting, class).pop_front()?;
            if self.is_worth_opening(table, block) {
                return Some(block);
            }
            list_of(&mut self.waiting, class).push_back(block);
        }
        None
    }

    /// The next block of a class that has any room, where there is no other way. Linear in the number of blocks of the class.
    pub(crate) fn pop_any(&mut self, table: &BlockTable, class: u8) -> Option<u32> {
        let first =
            |lists: &[VecDeque<u32>]| lists.get(class as usize)?.iter().position(|&block| self.has_room(table, block));
        if let Some(at) = first(&self.queues) {
            return list_of(&mut self.queues, class).remove(at);
        }
        let at = first(&self.waiting)?;
        list_of(&mut self.waiting, class).remove(at)
    }

    fn has_room(&self, table: &BlockTable, block: u32) -> bool {
        !self.is_emptied(block) && matches!(self.room(table, block), Room::Some | Room::Empty)
    }

    fn is_worth_opening(&self, table: &BlockTable, block: u32) -> bool {
        let kind = self.kinds[block as usize];
        let (mut cells, mut free) = (0, 0);
        for word in 0..table.used_words(kind) {
            cells += table.full_word(kind, word).count_ones() as usize;
            free += self.allocatable(table, block, word).count_ones() as usize;
        }
        // What is emptied goes wherever it fits.
        let least = if self.evacuation.is_some() { 1 } else { (cells / WORTH).max(1) };
        free >= least && !self.is_emptied(block)
    }
}
