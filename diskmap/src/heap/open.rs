//! Bringing a heap to life: empty, from its own live bits, or from a checkpoint; and what a checkpoint keeps of it.
//!
//! Must not know segments. Invariant: whichever way it was opened, masks hold what the last durable checkpoint refers to.

use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use super::{
    BLOCKS_FILE, DIRTY, Freed, Heap, LISTED, OPEN,
    block::{BlockTable, Kind, entry_bytes},
    class::CLASSES,
    mask::{Mask, Masks},
    space::{HeapUsage, Lists, Room, Space},
};
use crate::{
    crash,
    error::{Error, Result},
    format::manifest::{BlockRecord, Live},
    signals::Signals,
    store::{ByteStore, VecStore},
};

impl<B: ByteStore> Heap<B> {
    /// A heap with nothing in it over empty stores.
    pub(crate) fn create(store: B, tables: B, shift: u32, signals: Arc<Signals>) -> Heap<B> {
        Heap {
            store,
            tables,
            flags: VecStore::new(),
            limbo: OnceLock::new(),
            shift,
            space: Mutex::new(Space::default()),
            signals,
        }
    }

    /// A heap as a checkpoint has it, or, if `live`, as its own table has it with the checkpoint's cells masked.
    pub(crate) fn open(
        store: B,
        tables: B,
        shift: u32,
        signals: Arc<Signals>,
        checkpoint: &[BlockRecord],
        live: bool,
    ) -> Result<Heap<B>> {
        let heap = Heap::create(store, tables, shift, signals);
        let have = (heap.store.len() >> shift).min(heap.tables.len() / entry_bytes(shift) as u64);
        if heap.store.len() >> shift < checkpoint.len() as u64 {
            return Err(Error::corrupt(
                super::HEAP_FILE,
                heap.store.len(),
                "the file is shorter than its checkpoint says",
            ));
        }
        heap.grow_to(have.max(checkpoint.len() as u64))?;
        {
            let mut space = heap.space();
            let table = heap.table();
            if !live {
                restore(&table, checkpoint)?;
                crash::point("open: blocks restored");
                heap.forget_from(checkpoint.len());
            }
            let blocks = if live { table.len() } else { checkpoint.len() };
            let kinds = read_kinds(&table, blocks as u32)?;
            let masks = masks_of(&table, &kinds, checkpoint)?;
            *space = Space::new(kinds, masks);
            heap.list_all(&mut space, &table, live);
        }
        Ok(heap)
    }

    /// Captures what a checkpoint will refer to. Writers must be out.
    pub(crate) fn capture(&self) {
        let mut space = self.clean();
        space.capture(&self.table(), |block| self.is_open(block));
    }

    /// Captures what a snapshot refers to. Writers must be out.
    pub(crate) fn hold(&self, number: u64) {
        let mut space = self.clean();
        space.hold(number, &self.table(), |block| self.is_open(block));
    }

    /// A snapshot has ended.
    pub(crate) fn let_go(&self, number: u64) {
        self.space().let_go(number, &self.table(), self);
    }

    /// The captured blocks in a checkpoint's terms.
    pub(crate) fn captured(&self) -> Vec<BlockRecord> {
        let (kinds, masks) = self.space().captured();
        records(&kinds, &masks)
    }

    /// The blocks of a snapshot in a checkpoint's terms.
    pub(crate) fn held(&self, number: u64) -> Vec<BlockRecord> {
        let (kinds, masks) = self.space().held(number);
        records(&kinds, &masks)
    }

    /// Ends every record. No writer has a block open.
    pub(crate) fn clear(&self, freed: &mut Freed) {
        let mut space = self.space();
        let table = self.table();
        for block in 0..space.kinds.len() as u32 {
            for word in 0..table.used_words(space.kinds[block as usize]) {
                if let Some(limbo) = space.limbo() {
                    freed.keep_word(limbo, block, word, table.live(block, word));
                }
                table.set_live(block, word, 0);
            }
            self.lower_flag(block, LISTED);
        }
        // Those that were cut off the end too: they may come back.
        for &block in &space.dirty {
            self.lower_flag(block, DIRTY);
        }
        space.forget_lists();
        self.list_all(&mut space, &table, true);
    }

    /// The captured state is durable.
    pub(crate) fn release(&self) {
        self.space().release(&self.table(), self);
    }

    /// Bytes of the blocks in use.
    pub(crate) fn used_bytes(&self) -> u64 {
        self.space().used_blocks() << self.shift
    }

    /// What the bytes are used for. Linear in the number of blocks with room.
    pub(crate) fn usage(&self) -> HeapUsage {
        self.space().usage(&self.table(), self.shift)
    }

    /// The space, with what changed since the last capture about to be captured.
    fn clean(&self) -> MutexGuard<'_, Space> {
        let space = self.space();
        for &block in space.dirty.iter().filter(|&&block| !self.is_open(block)) {
            self.lower_flag(block, DIRTY);
        }
        space
    }

    /// Gives back every listed block that has become empty.
    pub(super) fn sweep(&self, space: &mut Space) {
        space.sweep(&self.table(), |block| self.set_listed(block, false));
    }

    fn is_open(&self, block: u32) -> bool {
        self.flag(block).load(Ordering::Relaxed) & OPEN != 0
    }

    /// Clears the table from a block's entry on: what the state that is given up had beyond the checkpoint must not be found
    /// by a later recovery, be it a part of an entry that becomes whole only when the file grows.
    fn forget_from(&self, block: usize) {
        let end = self.tables.len() as usize;
        for at in (block * entry_bytes(self.shift)..end - end % 8).step_by(8) {
            // SAFETY: the word lies in the store, which is 8-byte aligned, never moves it, and is touched as atomics only.
            let word = unsafe { AtomicU64::from_ptr(self.tables.base().add(at).cast()) };
            if word.load(Ordering::Relaxed) != 0 {
                word.store(0, Ordering::Release);
            }
        }
    }

    /// Puts every block with room on its list, gives back what is neither live nor masked.
    fn list_all(&self, space: &mut Space, table: &BlockTable, changed: bool) {
        let mut block = 0;
        while (block as usize) < space.kinds.len() {
            let kind = space.kinds[block as usize];
            let next = block + if let Kind::Run(blocks) = kind { blocks } else { 1 };
            if changed && matches!(kind, Kind::Cells(_) | Kind::Run(_)) {
                self.flag(block).fetch_or(DIRTY, Ordering::Relaxed);
                space.dirty.push(block);
            }
            match (kind, space.room(table, block)) {
                (Kind::Cells(_), Room::Empty) | (Kind::Free | Kind::Tail, _) => space.give_back(table, block, 1),
                (Kind::Cells(_), Room::Some | Room::Later) => {
                    space.list(table, block);
                    self.set_listed(block, true);
                }
                (Kind::Run(_), Room::Empty | Room::Later) => space.end_run(table, block),
                _ => {}
            }
            block = next;
        }
    }
}

/// Writes the table as a checkpoint has it.
fn restore(table: &BlockTable, checkpoint: &[BlockRecord]) -> Result<()> {
    let mut tails = 0u32;
    for (block, record) in (0u32..).zip(checkpoint) {
        let expect_tail = tails > 0;
        tails = tails.saturating_sub(1);
        let kind = match record {
            BlockRecord::RunTail if expect_tail => Kind::Tail,
            _ if expect_tail => return Err(bad(block, "a run of blocks is cut short")),
            BlockRecord::Free => Kind::Free,
            BlockRecord::Cells { class, .. } if (*class as usize) < CLASSES => Kind::Cells(*class),
            BlockRecord::Run { blocks, .. } if *blocks as usize <= checkpoint.len() - block as usize && *blocks > 0 => {
                tails = blocks - 1;
                Kind::Run(*blocks)
            }
            _ => return Err(bad(block, "a block's record is impossible")),
        };
        table.restore(block, kind, |word| match record {
            BlockRecord::Cells { live: Live::All, .. } | BlockRecord::Run { live: true, .. } => u64::MAX,
            BlockRecord::Cells { live: Live::Bits(bits), .. } => bits.get(word).copied().unwrap_or(0),
            _ => 0,
        });
    }
    if tails > 0 { Err(bad(checkpoint.len() as u32, "a run of blocks is cut short")) } else { Ok(()) }
}

/// Blocks in a checkpoint's terms.
fn records(kinds: &[Kind], masks: &Masks) -> Vec<BlockRecord> {
    let mut records = Vec::with_capacity(kinds.len());
    let mut tails = 0;
    for (block, &kind) in (0u32..).zip(kinds) {
        records.push(match (kind, masks.get(block)) {
            _ if tails > 0 => {
                tails -= 1;
                BlockRecord::RunTail
            }
            (Kind::Cells(class), Mask::All) => BlockRecord::Cells { class, live: Live::All },
            (Kind::Cells(class), Mask::Bits(bits)) => BlockRecord::Cells { class, live: Live::Bits((**bits).into()) },
            (Kind::Run(blocks), Mask::All | Mask::Bits(_)) => {
                tails = blocks - 1;
                BlockRecord::Run { blocks, live: true }
            }
            _ => BlockRecord::Free,
        });
    }
    while let Some(BlockRecord::Free) = records.last() {
        records.pop();
    }
    records
}

/// Reads what each block is used for. Tails that no run claims are free.
fn read_kinds(table: &BlockTable, blocks: u32) -> Result<Vec<Kind>> {
    let mut kinds = vec![Kind::Free; blocks as usize];
    let mut block = 0;
    while block < blocks {
        let kind = table.kind(block).ok_or_else(|| bad(block, "a block's entry is unreadable"))?;
        match kind {
            Kind::Tail | Kind::Free => block += 1,
            Kind::Cells(_) => {
                kinds[block as usize] = kind;
                block += 1;
            }
            Kind::Run(count) => {
                let end = block.checked_add(count).filter(|&end| end <= blocks);
                let end = end.ok_or_else(|| bad(block, "a run of blocks reaches past the end"))?;
                if (block + 1..end).any(|tail| table.kind(tail) != Some(Kind::Tail)) {
                    return Err(bad(block, "a run of blocks is interrupted"));
                }
                kinds[block as usize] = kind;
                kinds[block as usize + 1..end as usize].fill(Kind::Tail);
                block = end;
            }
        }
    }
    Ok(kinds)
}

/// The cells a checkpoint refers to.
fn masks_of(table: &BlockTable, kinds: &[Kind], checkpoint: &[BlockRecord]) -> Result<Masks> {
    let mut masks = Masks::default();
    for (block, record) in (0u32..).zip(checkpoint) {
        let found = kinds.get(block as usize).ok_or_else(|| bad(block, "the table of blocks is too short"))?;
        let (kind, mask) = match record {
            BlockRecord::Cells { class, live: Live::All } => (Kind::Cells(*class), Mask::All),
            BlockRecord::Cells { class, live: Live::Bits(bits) } => (Kind::Cells(*class), Mask::Bits((**bits).into())),
            BlockRecord::Run { blocks, live: true } => (Kind::Run(*blocks), Mask::All),
            _ => continue,
        };
        if *found != kind {
            return Err(bad(block, "the table of blocks disagrees with the checkpoint"));
        }
        if table.used_words(kind) > 0 {
            masks.set(block, mask);
        }
    }
    Ok(masks)
}

fn bad(block: u32, what: &str) -> Error {
    Error::corrupt(BLOCKS_FILE, u64::from(block), format!("block {block}: {what}"))
}
