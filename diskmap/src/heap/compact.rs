//! Emptying blocks: which ones, and moving a record out of one.
//!
//! Must not know who refers to a record; the caller swings the reference. Invariant: while an evacuation is under way
//! nothing is handed out in a block that is to be emptied, and no block past the one that is being emptied.

use std::cmp::Reverse;

use super::{
    Fresh, Heap, OpenBlocks,
    block::{BlockTable, Kind},
    class::{CLASSES, cells},
    record::RecordShape,
    space::Space,
    survey::Survey,
};
use crate::{error::Result, store::ByteStore};

/// The blocks that are to be emptied.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evacuation {
    /// A bit for each block.
    blocks: Vec<u64>,
    /// Where the heap is to end.
    pub(super) end: u32,
    /// The block whose record is moved now.
    pub(super) current: u32,
}

impl Evacuation {
    /// Whether a block is to be emptied.
    pub(crate) fn has(&self, block: u32) -> bool {
        self.blocks.get(block as usize / 64).is_some_and(|bits| bits >> (block % 64) & 1 == 1)
    }

    /// As few blocks as hold what is live: runs of blocks in front, so that there is room for them in a row, then the
    /// fullest blocks of each class. Blocks that a snapshot keeps stay as they are.
    fn plan(space: &Space, table: &BlockTable, shift: u32) -> Evacuation {
        let mut by_class: Vec<Vec<(u32, u32)>> = vec![Vec::new(); CLASSES];
        let (mut held, mut runs) = (0, Vec::new());
        for (block, &kind) in (0u32..).zip(&space.kinds) {
            let live: u32 = (0..table.used_words(kind)).map(|word| table.live(block, word).count_ones()).sum();
            match kind {
                Kind::Cells(_) if space.is_held(block) => held += 1,
                Kind::Run(blocks) if space.is_held(block) => held += blocks,
                Kind::Cells(class) if live > 0 => by_class[class as usize].push((live, block)),
                Kind::Run(blocks) if live > 0 => runs.push((block, blocks)),
                _ => {}
            }
        }
        let wanted = |class: usize, blocks: &[(u32, u32)]| {
            let live: usize = blocks.iter().map(|&(live, _)| live as usize).sum();
            live.div_ceil(cells(class as u8, shift)) as u32
        };
        let front: u32 = runs.iter().map(|&(_, blocks)| blocks).sum();
        let end = held + front + (0..).zip(&by_class).map(|(class, blocks)| wanted(class, blocks)).sum::<u32>();
        let mut plan = Evacuation { blocks: vec![0; space.kinds.len().div_ceil(64)], end, current: 0 };
        for (class, blocks) in by_class.iter_mut().enumerate() {
            let is_right = |block: u32| (front..end).contains(&block);
            blocks.sort_unstable_by_key(|&(live, block)| (!is_right(block), Reverse(live), block));
            let keep = wanted(class, blocks) as usize;
            for (at, &(_, block)) in blocks.iter().enumerate() {
                if at >= keep || !is_right(block) {
                    plan.add(block);
                }
            }
        }
        for (block, _) in runs.into_iter().filter(|(block, blocks)| block + blocks > front) {
            plan.add(block);
        }
        plan
    }

    fn add(&mut self, block: u32) {
        self.blocks[block as usize / 64] |= 1 << (block % 64);
    }

    fn is_empty(&self) -> bool {
        self.blocks.iter().all(|&bits| bits == 0)
    }
}

impl<B: ByteStore> Heap<B> {
    /// Begins to empty blocks, if that would make the heap shorter. No writer has a block open.
    pub(crate) fn evacuate(&self) -> Option<Evacuation> {
        let mut space = self.space();
        let table = self.table();
        self.sweep(&mut space);
        let plan = Evacuation::plan(&space, &table, self.shift);
        if plan.is_empty() {
            return None;
        }
        space.evacuation = Some(plan.clone());
        Some(plan)
    }

    /// Ends it: what is empty now can be used for anything.
    pub(crate) fn settle(&self) {
        let mut space = self.space();
        let table = self.table();
        space.evacuation = None;
        space.list_released(&table, self);
        self.sweep(&mut space);
    }

    /// The block that a byte offset lies in.
    pub(crate) fn block_of(&self, at: u64) -> u32 {
        (at >> self.shift) as u32
    }

    /// A copy of the record at `at`, whose block is being emptied, in another cell, to which nothing refers yet.
    pub(crate) fn duplicate(&self, open: &mut OpenBlocks, shape: RecordShape, at: u64) -> Result<Fresh> {
        let len = self.parts(shape, at)?.end();
        if let Some(plan) = &mut self.space().evacuation {
            plan.current = self.block_of(at);
        }
        let fresh = self.allocate(open, shape, len)?;
        // SAFETY: the cell is fresh, and nothing knows it; the slice ends with this function.
        let to = unsafe { self.fresh(fresh) };
        // SAFETY: `parts` found the record to lie in the heap with `len` bytes; it is live, so they do not change.
        to[..len].copy_from_slice(unsafe { self.bytes(at, (0, len)) });
        Ok(fresh)
    }

    /// Frees the cells that are live though a survey of all entries met no reference to them; their number.
    pub(crate) fn free_leaks(&self, survey: &Survey) -> Result<u64> {
        let mut lost = Vec::new();
        self.each_leak(survey, &mut |at, _| lost.push(at));
        for &at in &lost {
            self.forget(at)?;
        }
        Ok(lost.len() as u64)
    }
}
