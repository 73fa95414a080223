//! Which cells and blocks may be handed out: lists and masks in process memory, all under one lock.
//!
//! Must not know records. Invariant: a cell is handed out only if it is neither live nor in a mask, that is, neither the
//! map nor the last durable checkpoint nor one in progress refers to it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::{
    block::{BlockTable, Kind},
    class::{CLASSES, SIZES},
};

/// The cells of a block that a checkpoint refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mask {
    /// None.
    None,
    /// All the block has.
    All,
    /// Those whose bit is set.
    Bits(Arc<[u64]>),
}

impl Mask {
    /// The live bits of a block as they are now.
    pub(crate) fn of_live(table: &BlockTable, block: u32, kind: Kind) -> Mask {
        let words = table.used_words(kind);
        let live = |word| table.live(block, word) & table.full_word(kind, word);
        if (0..words).all(|word| live(word) == 0) {
            Mask::None
        } else if (0..words).all(|word| live(word) == table.full_word(kind, word)) {
            Mask::All
        } else {
            Mask::Bits((0..words).map(live).collect())
        }
    }

    fn word(&self, word: usize) -> u64 {
        match self {
            Mask::None => 0,
            Mask::All => u64::MAX,
            Mask::Bits(bits) => bits.get(word).copied().unwrap_or(0),
        }
    }

    fn is_none(&self) -> bool {
        matches!(self, Mask::None)
    }
}

/// What is known of a block.
#[derive(Clone)]
pub(crate) struct Info {
    /// What it is used for.
    pub kind: Kind,
    /// What the last durable checkpoint refers to.
    pub durable: Mask,
    /// What the checkpoint in progress refers to; equal to `durable` when there is none.
    pub captured: Mask,
}

impl Info {
    /// A block that nothing refers to.
    pub(crate) const FREE: Info = Info { kind: Kind::Free, durable: Mask::None, captured: Mask::None };

    fn masked(&self) -> bool {
        !(self.durable.is_none() && self.captured.is_none())
    }

    fn mask(&self, word: usize) -> u64 {
        self.durable.word(word) | self.captured.word(word)
    }
}

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

/// The lists and masks.
#[derive(Default)]
pub(crate) struct Space {
    /// By block; as many as were ever in use.
    pub infos: Vec<Info>,
    /// By class: blocks with room.
    queues: Vec<VecDeque<u32>>,
    /// Blocks that a checkpoint must let go of first.
    waiting: Vec<u32>,
    /// Runs that are not live, but masked.
    dead_runs: Vec<u32>,
    /// Free blocks: first and number.
    free: BTreeMap<u32, u32>,
    /// Blocks whose live bits changed since the last capture.
    pub dirty: Vec<u32>,
    /// Blocks that the checkpoint in progress captured anew.
    capturing: Vec<u32>,
}

impl Space {
    /// Cells of a block's word that may be handed out.
    pub(crate) fn allocatable(&self, table: &BlockTable, block: u32, word: usize) -> u64 {
        let info = &self.infos[block as usize];
        table.full_word(info.kind, word) & !(table.live(block, word) | info.mask(word))
    }

    /// What a block's cells allow.
    pub(crate) fn room(&self, table: &BlockTable, block: u32) -> Room {
        let info = &self.infos[block as usize];
        let (mut some, mut kept, mut live) = (false, false, false);
        for word in 0..table.used_words(info.kind) {
            let full = table.full_word(info.kind, word);
            let (alive, mask) = (table.live(block, word) & full, info.mask(word) & full);
            some |= full & !(alive | mask) != 0;
            kept |= mask & !alive != 0;
            live |= alive != 0;
        }
        match (live || info.masked(), some, kept) {
            (false, ..) => Room::Empty,
            (_, true, _) => Room::Some,
            (_, _, true) => Room::Later,
            _ => Room::Full,
        }
    }

    /// Puts a block that no writer has open where its cells will be found; whether it went to any list.
    pub(crate) fn list(&mut self, table: &BlockTable, block: u32) -> bool {
        let Kind::Cells(class) = self.infos[block as usize].kind else { return false };
        match self.room(table, block) {
            Room::Some | Room::Empty => self.queue(class).push_back(block),
            Room::Later => self.waiting.push(block),
            Room::Full => return false,
        }
        true
    }

    /// The next block of a class that has room.
    pub(crate) fn pop(&mut self, table: &BlockTable, class: u8) -> Option<u32> {
        loop {
            let block = self.queue(class).pop_front()?;
            match self.room(table, block) {
                Room::Later => self.waiting.push(block),
                _ => return Some(block),
            }
        }
    }

    /// Takes `count` free blocks in a row, if there are.
    pub(crate) fn take_free(&mut self, count: u32) -> Option<u32> {
        let (&first, &len) = self.free.iter().find(|&(_, &len)| len >= count)?;
        self.free.remove(&first);
        if len > count {
            self.free.insert(first + count, len - count);
        }
        Some(first)
    }

    /// Free blocks at the very end: how many can be cut or extended.
    pub(crate) fn free_at_end(&self) -> u32 {
        match self.free.last_key_value() {
            Some((&first, &len)) if (first + len) as usize == self.infos.len() => len,
            _ => 0,
        }
    }

    /// Forgets the free blocks at the end.
    pub(crate) fn cut_end(&mut self) {
        let len = self.free_at_end();
        if len > 0 {
            self.free.pop_last();
            self.infos.truncate(self.infos.len() - len as usize);
        }
    }

    /// Gives blocks back to all classes.
    pub(crate) fn give_back(&mut self, table: &BlockTable, first: u32, count: u32) {
        for block in first..first + count {
            table.set_kind(block, Kind::Free);
            crate::crash::point("heap: block given back");
            self.infos[block as usize] = Info::FREE;
        }
        let (mut first, mut count) = (first, count);
        if let Some((&before, &len)) = self.free.range(..first).next_back()
            && before + len == first
        {
            (first, count) = (before, count + len);
        }
        if let Some(len) = self.free.remove(&(first + count)) {
            count += len;
        }
        self.free.insert(first, count);
    }

    /// Gives back every listed block that has become empty. Blocks a writer has open are not listed.
    pub(crate) fn sweep(&mut self, table: &BlockTable, mut unlist: impl FnMut(u32)) {
        for class in 0..self.queues.len() {
            for block in std::mem::take(&mut self.queues[class]) {
                if self.room(table, block) == Room::Empty {
                    unlist(block);
                    self.give_back(table, block, 1);
                } else {
                    self.queues[class].push_back(block);
                }
            }
        }
    }

    /// Ends a run: at once, or when no checkpoint refers to it any more.
    pub(crate) fn end_run(&mut self, table: &BlockTable, block: u32) {
        let info = &self.infos[block as usize];
        match info.kind {
            Kind::Run(_) if info.masked() => self.dead_runs.push(block),
            Kind::Run(blocks) => self.give_back(table, block, blocks),
            _ => {}
        }
    }

    /// Captures the live bits of all changed blocks for a checkpoint; `still_dirty` keeps those that writers have open.
    pub(crate) fn capture(&mut self, table: &BlockTable, still_dirty: impl Fn(u32) -> bool) {
        let dirty = std::mem::take(&mut self.dirty);
        for &block in &dirty {
            let Some(info) = self.infos.get_mut(block as usize) else { continue };
            info.captured = Mask::of_live(table, block, info.kind);
            if still_dirty(block) {
                self.dirty.push(block);
            }
        }
        self.capturing.extend(dirty);
    }

    /// Empties all lists, to be made anew. What a checkpoint refers to stays masked.
    pub(crate) fn forget_lists(&mut self) {
        let infos = std::mem::take(&mut self.infos);
        let capturing = std::mem::take(&mut self.capturing);
        *self = Space { infos, capturing, ..Space::default() };
    }

    /// The captured state is durable: lets go of what only the one before referred to.
    pub(crate) fn release(&mut self, table: &BlockTable, mut unlist: impl FnMut(u32)) {
        for block in std::mem::take(&mut self.capturing) {
            if let Some(info) = self.infos.get_mut(block as usize) {
                info.durable = info.captured.clone();
            }
        }
        for block in std::mem::take(&mut self.waiting) {
            if !self.list(table, block) {
                unlist(block);
            }
        }
        for block in std::mem::take(&mut self.dead_runs) {
            self.end_run(table, block);
        }
    }

    /// Bytes that only checkpoints keep.
    pub(crate) fn kept_bytes(&self, table: &BlockTable, shift: u32) -> u64 {
        let listed = self.waiting.iter().chain(self.queues.iter().flatten());
        let cells = listed.map(|&block| {
            let info = &self.infos[block as usize];
            let Kind::Cells(class) = info.kind else { return 0 };
            let kept = |word| info.mask(word) & table.full_word(info.kind, word) & !table.live(block, word);
            let count: u32 = (0..table.used_words(info.kind)).map(|word| kept(word).count_ones()).sum();
            u64::from(count) * u64::from(SIZES[class as usize])
        });
        let runs = self.dead_runs.iter().map(|&block| match self.infos[block as usize].kind {
            Kind::Run(blocks) => u64::from(blocks) << shift,
            _ => 0,
        });
        cells.chain(runs).sum()
    }

    /// Blocks that are in use or masked.
    pub(crate) fn used_blocks(&self) -> u64 {
        self.infos.len() as u64 - self.free.values().map(|&len| u64::from(len)).sum::<u64>()
    }

    fn queue(&mut self, class: u8) -> &mut VecDeque<u32> {
        if self.queues.is_empty() {
            self.queues = vec![VecDeque::new(); CLASSES];
        }
        &mut self.queues[class as usize]
    }
}
