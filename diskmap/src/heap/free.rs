//! Freeing records: the live bit goes, and the block is put where its room will be found.
//!
//! Must not know slots. Invariant: nothing is freed that is not live, whatever a damaged reference says; what readers may
//! look at is in limbo before its live bit is cleared.

use std::sync::atomic::{Ordering, fence};

use super::{DIRTY, Heap, LISTED, OPEN, OpenBlocks, block::Kind, class::SIZES, limbo::Limbo, space::Lists};
use crate::{
    crash,
    error::Result,
    signals::FENCE,
    store::{
        ByteStore,
        fence::{heavy, light, register},
    },
};

impl<B: ByteStore> Heap<B> {
    /// Frees a record that no slot refers to any more.
    pub(crate) fn free(&self, writer: &mut OpenBlocks, at: u64) -> Result<()> {
        self.free_with(at, |limbo, block, cell, bytes| writer.freed.keep(limbo, at, block, cell, bytes))
    }

    /// Frees a record that no slot ever referred to, or none since the map was opened.
    pub(crate) fn forget(&self, at: u64) -> Result<()> {
        self.free_with(at, |_, _, _, _| {})
    }

    #[inline(always)]
    fn free_with(&self, at: u64, keep: impl FnOnce(&Limbo, u32, usize, u64)) -> Result<()> {
        let table = self.table();
        let block = (at >> self.shift) as usize;
        let inside = at & ((1 << self.shift) - 1);
        if !at.is_multiple_of(8) || block >= table.len() {
            return Err(self.damaged(at, "a reference points outside the heap"));
        }
        let block = block as u32;
        let kind = table.kind(block).ok_or_else(|| self.damaged(at, "the block's entry is unreadable"))?;
        let (cell, bytes) = match kind {
            Kind::Cells(class) if inside.is_multiple_of(u64::from(SIZES[class as usize])) => {
                (inside as usize / SIZES[class as usize] as usize, u64::from(SIZES[class as usize]))
            }
            Kind::Run(blocks) if inside == 0 => (0, u64::from(blocks) << self.shift),
            _ => return Err(self.damaged(at, "a reference points into the middle of a record")),
        };
        if cell / 64 >= table.used_words(kind) || !table.is_live(block, cell) {
            return Err(self.damaged(at, "a record was freed twice"));
        }
        if let Some(limbo) = self.limbo() {
            keep(limbo, block, cell, bytes);
            table.unmark(block, cell, false);
        } else {
            table.unmark(block, cell, true);
            self.light();
        }
        crash::point("heap: unmarked");
        let flags = self.flag(block).load(Ordering::SeqCst);
        if flags & DIRTY == 0 || flags & (OPEN | LISTED) == 0 || matches!(kind, Kind::Run(_)) {
            self.freed_first(block, kind);
        }
        Ok(())
    }

    /// Between clearing a live bit alone and looking at the block's flags; see [`Lists::heavy`].
    #[inline(always)]
    fn light(&self) {
        light();
        if self.signals.attention() & FENCE != 0 {
            fence(Ordering::SeqCst);
        }
    }

    #[cold]
    fn freed_first(&self, block: u32, kind: Kind) {
        let mut space = self.space();
        let old = self.flag(block).fetch_or(DIRTY, Ordering::SeqCst);
        if old & DIRTY == 0 {
            space.dirty.push(block);
        }
        if let Kind::Run(_) = kind {
            space.end_run(&self.table(), block);
        } else if old & (OPEN | LISTED) == 0 && space.list(&self.table(), block) {
            self.set_listed(block, true);
        }
    }
}

impl<B: ByteStore> Lists for Heap<B> {
    fn set_listed(&self, block: u32, listed: bool) {
        if listed {
            self.flag(block).fetch_or(LISTED, Ordering::SeqCst);
        } else {
            self.lower_flag(block, LISTED);
        }
    }

    fn heavy(&self) {
        if self.is_alone() && self.signals.attention() & FENCE == 0 && !(register() && heavy()) {
            // From now on the writer fences itself, and what it stored before is seen after a while.
            self.signals.raise(FENCE);
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        fence(Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc, Mutex,
        mpsc::{Receiver, sync_channel},
    };

    use super::*;
    use crate::{
        heap::{class::class_for, space::Room},
        signals::Signals,
        store::VecStore,
    };

    /// Frees records and makes others, in any order: some hundred changes after each time that a checkpoint began.
    fn write(heap: &Heap<VecStore>, class: u8, gate: &Mutex<()>, began: &Receiver<()>) -> Result<()> {
        let (mut writer, mut live, mut random) = (OpenBlocks::new(), Vec::new(), fastrand::Rng::with_seed(5));
        for _ in 0..1_000 {
            began.recv().expect("checkpoints go on");
            let _inside = gate.lock();
            for _ in 0..200 {
                if live.len() < 4_000 {
                    live.push(heap.cell(&mut writer, class)?.at);
                } else {
                    heap.free(&mut writer, live.swap_remove(random.usize(..live.len())))?;
                }
            }
        }
        heap.close(&mut writer);
        Ok(())
    }

    #[test]
    fn no_room_is_lost_where_blocks_are_listed_beside_frees() -> Result<()> {
        let heap = Heap::create(VecStore::new(), VecStore::new(), 12, Arc::new(Signals::default()));
        let class = class_for(64, 1, heap.shift).expect("a class of small records");
        let (gate, (begin, began)) = (Mutex::new(()), sync_channel(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                loop {
                    {
                        let _writer_is_out = gate.lock();
                        heap.capture();
                    }
                    if begin.send(()).is_err() {
                        break;
                    }
                    heap.release();
                }
            });
            let began = began;
            write(&heap, class, &gate, &began)
        })?;
        let (space, table) = (heap.space(), heap.table());
        let lost = (0..space.kinds.len() as u32).filter(|&block| {
            let listed = heap.flag(block).load(Ordering::SeqCst) & LISTED != 0;
            matches!(space.kinds[block as usize], Kind::Cells(_)) && space.room(&table, block) != Room::Full && !listed
        });
        assert_eq!(lost.collect::<Vec<u32>>(), Vec::<u32>::new());
        Ok(())
    }
}
