//! Which cells and blocks may be handed out: lists and masks in process memory, all under one lock.
//!
//! Must not know records. Invariant: a cell is handed out only if it is neither live nor in a mask, that is, neither the
//! map nor the last durable checkpoint nor one in progress nor a snapshot refers to it, nor a reader may look at it.

mod room;

pub(crate) use self::room::Room;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::{
    block::{BlockTable, Kind},
    class::{CLASSES, SIZES},
    compact::Evacuation,
    limbo::Limbo,
    mask::{Mask, Masks},
};

/// Blocks that leave their lists together: for as long as they are looked at, whoever frees a cell of one waits.
const TOGETHER: usize = 64;

/// Which blocks are in a list, as whoever frees cells sees it.
pub(crate) trait Lists {
    /// Says whether a block is in a list.
    fn set_listed(&self, block: u32, listed: bool);
    /// Orders what was said before what is looked at next, for those who free cells without a fence.
    fn heavy(&self);
}

/// What blocks are taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// One block, for cells.
    Cells,
    /// A large record.
    Run,
}

/// What the heap's bytes are used for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HeapUsage {
    /// Blocks that are not free.
    pub used: u64,
    /// Of these, cells that are live, and all of the blocks that are full or that a writer has open.
    pub live: u64,
    /// Cells that are not live but that only checkpoints refer to: the next one lets go of them.
    pub kept: u64,
    /// Cells that are not live but that a snapshot refers to.
    pub held: u64,
}

/// The lists and masks.
#[derive(Default)]
pub(crate) struct Space {
    /// What each block is used for; as many as were ever in use.
    pub kinds: Vec<Kind>,
    /// What was live when a checkpoint or snapshot last began.
    latest: Masks,
    /// What the last durable checkpoint refers to.
    durable: Masks,
    /// What the checkpoint in progress refers to, or one that was given up.
    pending: Option<Masks>,
    /// What snapshots refer to.
    snapshots: Vec<(u64, Masks)>,
    /// What readers in other threads may look at.
    limbo: Option<Arc<Limbo>>,
    /// By class: blocks with room.
    queues: Vec<VecDeque<u32>>,
    /// By class: blocks that had no room when they were listed, but have cells that something must let go of.
    waiting: Vec<VecDeque<u32>>,
    /// Runs that are not live, but masked.
    dead_runs: Vec<u32>,
    /// Free blocks: first and number.
    free: BTreeMap<u32, u32>,
    /// Blocks whose live bits changed since `latest`.
    pub dirty: Vec<u32>,
    /// Blocks that are being emptied.
    pub evacuation: Option<Evacuation>,
}

impl Space {
    /// Blocks of these kinds, of which a durable checkpoint refers to some cells.
    pub(crate) fn new(kinds: Vec<Kind>, durable: Masks) -> Space {
        Space { kinds, latest: durable.clone(), durable, ..Space::default() }
    }

    /// Where cells are kept for readers.
    pub(super) fn limbo(&self) -> Option<&Limbo> {
        self.limbo.as_deref()
    }

    /// Says where cells are kept for readers from now on.
    pub(super) fn set_limbo(&mut self, limbo: Option<Arc<Limbo>>) {
        self.limbo = limbo;
    }

    /// Takes `count` free blocks in a row, the first there are. While blocks are being emptied, those for cells are taken
    /// from where the heap is to end if there are any, and none past the block that is being emptied now.
    pub(crate) fn take_free(&mut self, count: u32, use_for: Use) -> Option<u32> {
        let plan = self.evacuation.as_ref();
        let last = plan.filter(|_| use_for == Use::Cells).and_then(|plan| {
            let (&first, &len) = self.free.range(..plan.end).next_back()?;
            Some((first, len, (first + len).min(plan.end) - count))
        });
        let (first, len, at) = last.or_else(|| {
            let end = plan.map_or(u32::MAX, |plan| plan.current);
            let fits = |&(&first, &len): &(&u32, &u32)| len >= count && first.saturating_add(count) <= end;
            self.free.iter().find(fits).map(|(&first, &len)| (first, len, first))
        })?;
        self.free.remove(&first);
        if at > first {
            self.free.insert(first, at - first);
        }
        if first + len > at + count {
            self.free.insert(at + count, first + len - at - count);
        }
        Some(at)
    }

    /// Free blocks at the very end: how many can be cut or extended.
    pub(crate) fn free_at_end(&self) -> u32 {
        match self.free.last_key_value() {
            Some((&first, &len)) if (first + len) as usize == self.kinds.len() => len,
            _ => 0,
        }
    }

    /// Forgets the free blocks at the end.
    pub(crate) fn cut_end(&mut self) {
        let len = self.free_at_end();
        if len > 0 {
            self.free.pop_last();
            self.kinds.truncate(self.kinds.len() - len as usize);
        }
    }

    /// Gives blocks back to all classes.
    pub(crate) fn give_back(&mut self, table: &BlockTable, first: u32, count: u32) {
        for block in first..first + count {
            table.set_kind(block, Kind::Free);
            crate::crash::point("heap: block given back");
            self.kinds[block as usize] = Kind::Free;
            self.latest.set(block, Mask::None);
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

    /// Ends a run: at once, or when neither checkpoint nor snapshot refers to it any more.
    pub(crate) fn end_run(&mut self, table: &BlockTable, block: u32) {
        match self.kinds[block as usize] {
            Kind::Run(_) if self.is_masked(block) || self.in_limbo(block, 0) != 0 => self.dead_runs.push(block),
            Kind::Run(blocks) => self.give_back(table, block, blocks),
            _ => {}
        }
    }

    /// Begins a checkpoint: masks what is live now. `still_dirty` are the blocks that writers have open.
    pub(crate) fn capture(&mut self, table: &BlockTable, still_dirty: impl Fn(u32) -> bool) {
        self.refresh(table, still_dirty);
        self.pending = Some(self.latest.clone());
    }

    /// Begins a snapshot: as `capture`, until it is let go.
    pub(crate) fn hold(&mut self, number: u64, table: &BlockTable, still_dirty: impl Fn(u32) -> bool) {
        self.refresh(table, still_dirty);
        self.snapshots.push((number, self.latest.clone()));
    }

    /// What the checkpoint in progress refers to, and what blocks are used for.
    pub(crate) fn captured(&self) -> (Vec<Kind>, Masks) {
        (self.kinds.clone(), self.pending.as_ref().unwrap_or(&self.durable).clone())
    }

    /// What a snapshot refers to, and what blocks are used for.
    pub(crate) fn held(&self, number: u64) -> (Vec<Kind>, Masks) {
        let held = self.snapshots.iter().find(|(other, _)| *other == number);
        (self.kinds.clone(), held.map_or_else(Masks::default, |(_, masks)| masks.clone()))
    }

    /// Empties all lists, to be made anew. What is masked stays masked.
    pub(crate) fn forget_lists(&mut self) {
        let Space { kinds, latest, durable, pending, snapshots, limbo, evacuation, .. } = std::mem::take(self);
        *self = Space { kinds, latest, durable, pending, snapshots, limbo, evacuation, ..Space::default() };
    }

    /// The captured state is durable: lets go of what only the one before referred to.
    pub(crate) fn release(&mut self, table: &BlockTable, lists: &impl Lists) {
        if let Some(pending) = self.pending.take() {
            self.durable = pending;
        }
        self.list_released(table, lists);
    }

    /// A snapshot has ended: lets go of what only it referred to.
    pub(crate) fn let_go(&mut self, number: u64, table: &BlockTable, lists: &impl Lists) {
        self.snapshots.retain(|(other, _)| *other != number);
        self.list_released(table, lists);
    }

    /// What the bytes of blocks in use are used for. Linear in the number of blocks with room.
    pub(crate) fn usage(&self, table: &BlockTable, shift: u32) -> HeapUsage {
        let used = self.used_blocks() << shift;
        let mut usage = HeapUsage { used, live: used, kept: 0, held: 0 };
        for &block in self.waiting.iter().chain(&self.queues).flatten() {
            let kind = self.kinds[block as usize];
            let Kind::Cells(class) = kind else { continue };
            let (mut live, mut kept, mut held) = (0, 0, 0);
            for word in 0..table.used_words(kind) {
                let full = table.full_word(kind, word);
                let (alive, snapshots) = (table.live(block, word) & full, self.held_word(block, word));
                live += u64::from(alive.count_ones());
                held += u64::from((full & snapshots & !alive).count_ones());
                kept += u64::from((full & self.mask(block, word) & !snapshots & !alive).count_ones());
            }
            let size = u64::from(SIZES[class as usize]);
            usage.live -= (1 << shift) - live * size;
            usage.kept += kept * size;
            usage.held += held * size;
        }
        for &block in &self.dead_runs {
            let Kind::Run(blocks) = self.kinds[block as usize] else { continue };
            let bytes = u64::from(blocks) << shift;
            usage.live -= bytes;
            *(if self.is_held(block) { &mut usage.held } else { &mut usage.kept }) += bytes;
        }
        usage
    }

    /// Blocks that are in use or masked.
    pub(crate) fn used_blocks(&self) -> u64 {
        self.kinds.len() as u64 - self.free.values().map(|&len| u64::from(len)).sum::<u64>()
    }

    /// Brings `latest` up to date.
    fn refresh(&mut self, table: &BlockTable, still_dirty: impl Fn(u32) -> bool) {
        for block in std::mem::take(&mut self.dirty) {
            let Some(&kind) = self.kinds.get(block as usize) else { continue };
            self.latest.set(block, Mask::of_live(table, block, kind));
            if still_dirty(block) {
                self.dirty.push(block);
            }
        }
    }

    /// Lists what masks may have let go of. `lists` hears whether blocks are in a list, first that some are not, and then
    /// sees to it that a cell of these that is freed meanwhile either is seen here or has its block listed by whoever frees it.
    pub(super) fn list_released(&mut self, table: &BlockTable, lists: &impl Lists) {
        for waiting in std::mem::take(&mut self.waiting) {
            for some in Vec::from(waiting).chunks(TOGETHER) {
                some.iter().for_each(|&block| lists.set_listed(block, false));
                lists.heavy();
                for &block in some {
                    if self.list(table, block) {
                        lists.set_listed(block, true);
                    }
                }
            }
        }
        for block in std::mem::take(&mut self.dead_runs) {
            self.end_run(table, block);
        }
    }

    /// Whether a snapshot refers to cells of a block.
    pub(super) fn is_held(&self, block: u32) -> bool {
        self.snapshots.iter().any(|(_, masks)| !masks.get(block).is_none())
    }

    fn is_emptied(&self, block: u32) -> bool {
        self.evacuation.as_ref().is_some_and(|plan| plan.has(block))
    }

    fn is_masked(&self, block: u32) -> bool {
        self.masks().any(|masks| !masks.get(block).is_none())
    }

    fn mask(&self, block: u32, word: usize) -> u64 {
        self.masks().fold(0, |bits, masks| bits | masks.get(block).word(word))
    }

    fn masks(&self) -> impl Iterator<Item = &Masks> {
        self.pending.iter().chain([&self.durable]).chain(self.snapshots.iter().map(|(_, masks)| masks))
    }

    fn in_limbo(&self, block: u32, word: usize) -> u64 {
        self.limbo.as_ref().map_or(0, |limbo| limbo.word(block, word))
    }

    fn held_word(&self, block: u32, word: usize) -> u64 {
        self.snapshots.iter().fold(0, |bits, (_, masks)| bits | masks.get(block).word(word))
    }
}

fn list_of(lists: &mut Vec<VecDeque<u32>>, class: u8) -> &mut VecDeque<u32> {
    if lists.is_empty() {
        lists.resize(CLASSES, VecDeque::new());
    }
    &mut lists[class as usize]
}
